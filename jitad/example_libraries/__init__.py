"""Small libraries of JAX that many programs begin with: optimizers, and layers of networks."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import optimizers, stax

__all__ = ["optimizers", "stax"]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'jitad.example_libraries' has no attribute {name!r}")
