"""`jitad.scipy.sparse`: `linalg` has iterative methods for linear systems given by functions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import linalg

__all__ = ["linalg"]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'jitad.scipy.sparse' has no attribute {name!r}")
