"""Rematerialization by JAX's module name: `from jitad.ad_checkpoint import checkpoint_name`."""

from __future__ import annotations

from . import checkpoint_policies
from .checkpoint_policies import Offloadable, checkpoint_name
from .transforms.checkpointing import checkpoint, remat
from .transforms.residuals import print_saved_residuals, saved_residuals

__all__ = [
    "Offloadable",
    "Recompute",
    "Saveable",
    "checkpoint",
    "checkpoint_name",
    "checkpoint_policies",
    "print_saved_residuals",
    "remat",
    "saved_residuals",
]
__dir__ = __all__.copy

Saveable, Recompute = True, False
"""What a policy may answer, besides True and False."""
