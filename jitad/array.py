"""`jitad.Array`: what transformed functions return. An ndarray, with `.at` for updated copies."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np


class MetaArray(type):
    """Type of `Array`: tracers count as its instances, as they do in JAX."""

    tracer: type | None = None

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance) or type(instance) is cls.tracer


class Array(np.ndarray, metaclass=MetaArray):
    """A NumPy array that functions of jitad return; every library that takes an ndarray takes it.

    It adds `.at[index].set(values)` and relatives, which return an updated copy (put here by
    `jitad.numpy.methods`, which every trace loads), and `block_until_ready`, which returns the
    array: results are complete when a call returns. Methods take the keywords of JAX's arrays.

    `a += b` means `a = a + b`, as it does in a traced function: another name of the old array keeps
    the old values. `a[index] = b` and `a[index] += b` write to the array, as in NumPy.

    >>> import jitad.numpy as jnp
    >>> x = jnp.arange(3)
    >>> x.at[0].set(5)
    Array([5, 1, 2])
    """

    __slots__ = ()

    is_fully_addressable = is_fully_replicated = committed = True
    """All of the array is here, on the one device there is."""
    traceback = None
    """Where it was computed, which is not kept."""
    weak_type = False
    """Whether its dtype gives way to that of arrays it meets: that of a Python number does."""

    def __hash__(self) -> int:  # type: ignore[override]  (ndarray has None)
        """Of an array of shape (), an element for instance, that of its number, which it equals.
        Others raise TypeError, as ndarrays do."""
        if self.ndim:
            raise TypeError(f"unhashable type: 'Array' of shape {self.shape}")
        return hash(self.item())

    def block_until_ready(self) -> Array:
        """The array itself: jitad computes synchronously."""
        return self

    def copy_to_host_async(self) -> None:
        """Nothing: the array is there already."""

    def delete(self) -> None:
        """Nothing: memory is given back when nobody refers to the array any more."""

    def is_deleted(self) -> bool:
        """False: arrays are there as long as anybody refers to them."""
        return False

    def addressable_data(self, index: int) -> Array:
        """The part of the array on device `index`, which is all of it. Raises IndexError for other
        numbers than 0."""
        if index != 0:
            raise IndexError(f"expected device 0, the only one; got {index}")
        return self

    def on_device_size_in_bytes(self) -> int:
        """Bytes of the elements."""
        return self.nbytes

    def unsafe_buffer_pointer(self) -> int:
        """Address of the first element."""
        return self.ctypes.data


_BINARY = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
for _name in _BINARY.split():
    setattr(Array, f"__i{_name}__", getattr(np.ndarray, f"__{_name}__"))


def _reduction(name: str) -> Callable[..., Any]:
    """The method `name`, which takes lists of axes as well as tuples, and where `where=None` means
    all elements; NumPy would take it for False."""
    method = getattr(np.ndarray, name)

    @wraps(method)
    def reduction(self: Array, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], list):
            args = (tuple(args[0]), *args[1:])
        if kwargs:
            if kwargs.get("where", True) is None:
                del kwargs["where"]
            if isinstance(kwargs.get("axis"), list):
                kwargs["axis"] = tuple(kwargs["axis"])
        return method(self, *args, **kwargs)

    return reduction


for _name in ["all", "any", "max", "mean", "min", "prod", "std", "sum", "var"]:
    setattr(Array, _name, _reduction(_name))


@wraps(np.ndarray.squeeze)
def _squeeze(self: Array, axis: Any = None) -> Any:
    return np.ndarray.squeeze(self, tuple(axis) if isinstance(axis, list) else axis)


@wraps(np.ndarray.reshape)
def _reshape(self: Array, *shape: Any, **kwargs: Any) -> Any:
    if len(shape) == 1 and hasattr(shape[0], "__next__"):
        shape = (tuple(shape[0]),)
    return np.ndarray.reshape(self, *shape, **kwargs)


Array.squeeze = _squeeze  # type: ignore[method-assign]
Array.reshape = _reshape  # type: ignore[method-assign, assignment]


def writable(x: Any) -> Any:
    """`x`, or a copy of it if it is an array that cannot be written to, as what is broadcast."""
    if isinstance(x, np.ndarray) and not x.flags.writeable:
        return as_array(x.copy())
    return x


def as_array(value: Any) -> Array:
    """`value` (ndarray, NumPy or Python scalar) as an Array, sharing memory where it can."""
    if type(value) is Array:
        return value
    return np.asarray(value).view(Array)


def as_given(value: Any) -> Any:
    """`value`, an ndarray as an Array: what a function gets that is called outside of traces, where
    it would get tracers inside, whose `.at` it may use. Other values as they are."""
    return value.view(Array) if type(value) is np.ndarray else value
