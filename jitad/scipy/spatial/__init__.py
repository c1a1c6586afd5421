"""`jitad.scipy.spatial`: `transform` has rotations."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import transform

__all__ = ["transform"]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'jitad.scipy.spatial' has no attribute {name!r}")
