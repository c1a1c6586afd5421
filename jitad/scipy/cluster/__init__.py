"""`jitad.scipy.cluster`: `vq` has vector quantization."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import vq

__all__ = ["vq"]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'jitad.scipy.cluster' has no attribute {name!r}")
