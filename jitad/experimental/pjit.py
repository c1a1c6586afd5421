"""`jit` by its former name for several devices: `from jitad.experimental.pjit import pjit`."""

from __future__ import annotations

from ..transforms.staging import jit as pjit

__all__ = ["pjit"]
__dir__ = __all__.copy
