"""Arrays from and to files, buffers, iterators and text: NumPy's own functions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import get_printoptions, printoptions, set_printoptions

from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.trace import Tracer

__all__ = [
    "array_repr",
    "array_str",
    "from_dlpack",
    "frombuffer",
    "fromfile",
    "fromiter",
    "fromstring",
    "get_printoptions",
    "load",
    "printoptions",
    "save",
    "savez",
    "set_printoptions",
]


def array_repr(arr: Any, *args: Any, **kwargs: Any) -> str:
    """The representation of an array; of a traced one, its type."""
    return repr(arr) if isinstance(arr, Tracer) else np.array_repr(arr, *args, **kwargs)


def array_str(a: Any, *args: Any, **kwargs: Any) -> str:
    """The elements of an array as text; of a traced one, its type."""
    return str(a) if isinstance(a, Tracer) else np.array_str(a, *args, **kwargs)


def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    """The array in a .npy file; of a .npz file, a mapping of its arrays. Options are NumPy's."""
    found = np.load(file, *args, **kwargs)
    return as_array(found) if isinstance(found, np.ndarray) else found


def save(file: Any, arr: Any, allow_pickle: bool = True) -> None:
    """Write an array, whose elements must be known, to a .npy file."""
    np.save(file, np.asarray(arr), allow_pickle)


def savez(file: Any, *args: Any, **kwds: Any) -> None:
    """Write arrays, whose elements must be known, to a .npz file."""
    named: dict[str, Any] = {name: np.asarray(value) for name, value in kwds.items()}
    np.savez(file, *[np.asarray(value) for value in args], **named)


def fromfile(file: Any, *args: Any, **kwargs: Any) -> Any:
    """An array from the bytes or the text of a file; options are NumPy's."""
    return as_array(np.fromfile(file, *args, **kwargs))


def frombuffer(buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0) -> Any:
    """A one-dimensional array of the bytes of `buffer`."""
    return as_array(np.frombuffer(buffer, dtype, count, offset))


def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1) -> Any:
    """A one-dimensional array of the numbers that an iterator gives."""
    return as_array(np.fromiter(iter, dtype, count))


def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Any:
    """A one-dimensional array of the numbers in a text, separated by `sep`."""
    return as_array(np.fromstring(string, dtype, count, sep=sep))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array of another library, without a copy where its memory allows it. Raises TypeError
    for what does not offer its memory, as traced arrays."""
    if not hasattr(x, "__dlpack__"):
        raise TypeError(
            at_user_line(f"from_dlpack: expected an array with __dlpack__; got {type(x).__name__}")
        )
    return as_array(np.from_dlpack(x, device=device, copy=copy))
