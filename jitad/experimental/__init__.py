"""Parts whose interface may still change, under JAX's names."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..settings import enable_x64
from ..transforms.callbacks import io_callback

if TYPE_CHECKING:
    from . import checkify, jet, mesh_utils, ode, pjit, shard_map, sparse

__all__ = [
    "checkify",
    "enable_x64",
    "io_callback",
    "jet",
    "mesh_utils",
    "ode",
    "pjit",
    "shard_map",
    "sparse",
]
__dir__ = __all__.copy
_NAMESPACES = frozenset(__all__) - {"enable_x64", "io_callback"}


def __getattr__(name: str) -> Any:
    if name in _NAMESPACES:
        return importlib.import_module(f".{name}", __name__)
    raise importlib.import_module("..absent", __name__).no_attribute(__name__, name)
