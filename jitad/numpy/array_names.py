"""What `jitad.Array` has beyond NumPy's arrays: the names that programs for JAX ask for, and
operators on objects that tell by `__jax_array__` what they stand for."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import numpy as np

from jitad.array import Array, as_array
from jitad.avals import typeof

_BINARY = "add sub mul truediv floordiv mod divmod pow matmul and or xor lshift rshift"
_COMPARISONS = "eq ne lt le gt ge"


def _sharding(self: Array) -> Any:
    """Where the array is: all of it on the one device."""
    return importlib.import_module("jitad.sharding").SingleDeviceSharding()


def _shards(self: Array) -> list[Any]:
    """The parts of the array: one, which is all of it."""
    return [importlib.import_module("jitad.sharding").Shard(self)]


def _iterate(self: Array) -> Iterator[Any]:
    """The rows of an array, or its elements, each an Array."""
    rows = np.ndarray.__iter__(self)
    return map(as_array, rows) if self.ndim == 1 else rows


def _as_arrays(name: str) -> Callable[..., Any]:
    """NumPy's method, whose result is an Array even if NumPy makes it a scalar."""
    plain = getattr(np.ndarray, name)

    @wraps(plain)
    def method(self: Array, *args: Any, **kwargs: Any) -> Any:
        found = plain(self, *args, **kwargs)
        return as_array(found) if isinstance(found, np.generic) else found

    return method


def _operator(name: str) -> Callable[..., Any]:
    """NumPy's operator; what has `__jax_array__` counts as the array that this gives."""
    plain = getattr(np.ndarray, name)

    @wraps(plain)
    def operator(self: Array, other: Any, *modulo: Any) -> Any:
        if type(other) is not Array and hasattr(other, "__jax_array__"):
            other = other.__jax_array__()
        return plain(self, other, *modulo)

    return operator


def install() -> None:
    """Give `jitad.Array` these names."""
    for name in _BINARY.split():
        setattr(Array, f"__{name}__", _operator(f"__{name}__"))
        setattr(Array, f"__r{name}__", _operator(f"__r{name}__"))
    for name in _COMPARISONS.split():
        setattr(Array, f"__{name}__", _operator(f"__{name}__"))
    for name in ("argmax", "argmin", "dot", "trace"):
        setattr(Array, name, _as_arrays(name))
    others: dict[str, Any] = {
        "addressable_shards": property(_shards),
        "__iter__": _iterate,
        "aval": property(typeof),
        "clone": lambda self: as_array(np.array(self)),
        "devices": lambda self: set(_sharding(self).device_set),
        "global_shards": property(_shards),
        "is_ready": lambda self: True,
        "platform": lambda self: "cpu",
        "sharding": property(_sharding),
    }
    for name, value in others.items():
        setattr(Array, name, value)
