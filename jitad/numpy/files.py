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
    """The representation of an array: its elements, and its dtype where they do not tell it.

    Of a traced one, its type. Options are NumPy's.

    >>> import jitad.numpy as jnp
    >>> print(jnp.array_repr(jnp.array([1, 2], dtype=jnp.int32)))
    Array([1, 2], dtype=int32)
    """
    return repr(arr) if isinstance(arr, Tracer) else np.array_repr(arr, *args, **kwargs)


def array_str(a: Any, *args: Any, **kwargs: Any) -> str:
    """The elements of an array as text; of a traced one, its type. Options are NumPy's.

    >>> import jitad.numpy as jnp
    >>> print(jnp.array_str(jnp.array([1, 2])))
    [1 2]
    """
    return str(a) if isinstance(a, Tracer) else np.array_str(a, *args, **kwargs)


def load(file: Any, *args: Any, **kwargs: Any) -> Any:
    """The array in a .npy file; of a .npz file, a mapping of its arrays. Options are NumPy's.

    Raises FileNotFoundError where there is none, ValueError for other files.

    >>> import io
    >>> import jitad.numpy as jnp
    >>> file = io.BytesIO()
    >>> jnp.save(file, jnp.array([1.0, 2.0]))
    >>> _ = file.seek(0)
    >>> jnp.load(file)
    Array([1., 2.])
    """
    found = np.load(file, *args, **kwargs)
    return as_array(found) if isinstance(found, np.ndarray) else found


def save(file: Any, arr: Any, allow_pickle: bool = True) -> None:
    """Write an array, whose elements must be known while tracing, to a .npy file: a path or a file.

    >>> import io
    >>> import jitad.numpy as jnp
    >>> file = io.BytesIO()
    >>> jnp.save(file, jnp.array([1.0, 2.0]))
    >>> file.getvalue()[1:6]
    b'NUMPY'
    """
    np.save(file, np.asarray(arr), allow_pickle)


def savez(file: Any, *args: Any, **kwds: Any) -> None:
    """Write arrays, whose elements must be known while tracing, to a .npz file: a path or a file.

    They get the names of keywords, or "arr_0", "arr_1", ...

    >>> import io
    >>> import jitad.numpy as jnp
    >>> file = io.BytesIO()
    >>> jnp.savez(file, x=jnp.array([1.0, 2.0]))
    >>> _ = file.seek(0)
    >>> jnp.load(file)["x"]
    array([1., 2.])
    """
    named: dict[str, Any] = {name: np.asarray(value) for name, value in kwds.items()}
    np.savez(file, *[np.asarray(value) for value in args], **named)


def fromfile(file: Any, *args: Any, **kwargs: Any) -> Any:
    """A vector from the bytes of a file (a path or a file), or from its text if `sep` is given.

    Options are NumPy's: `dtype` (default float64), `count`, `sep`, `offset`.

    >>> import tempfile
    >>> import jitad.numpy as jnp
    >>> with tempfile.NamedTemporaryFile() as file:
    ...     _ = file.write(b"1 2 3"), file.flush()
    ...     jnp.fromfile(file.name, dtype=jnp.int64, sep=" ")
    Array([1, 2, 3])
    """
    return as_array(np.fromfile(file, *args, **kwargs))


def frombuffer(buffer: Any, dtype: Any = float, count: int = -1, offset: int = 0) -> Any:
    """A vector of the bytes of `buffer`, `count` elements (-1: all) from the byte `offset` on.

    Raises ValueError for a buffer that is no multiple of the size of `dtype`.

    >>> import jitad.numpy as jnp
    >>> jnp.frombuffer(bytes([1, 2]), dtype=jnp.uint8)
    Array([1, 2], dtype=uint8)
    """
    return as_array(np.frombuffer(buffer, dtype, count, offset))


def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1) -> Any:
    """A vector of the numbers that an iterator gives, the first `count` (-1: all).

    Raises ValueError if there are fewer.

    >>> import jitad.numpy as jnp
    >>> jnp.fromiter((i * i for i in range(4)), dtype=jnp.int64)
    Array([0, 1, 4, 9])
    """
    return as_array(np.fromiter(iter, dtype, count))


def fromstring(string: str, dtype: Any = float, count: int = -1, *, sep: str) -> Any:
    """A vector of the numbers in a text, separated by `sep`; the first `count` (-1: all).

    >>> import jitad.numpy as jnp
    >>> jnp.fromstring("1, 2.5", sep=",")
    Array([1. , 2.5])
    """
    return as_array(np.fromstring(string, dtype, count, sep=sep))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array of another library, without a copy where its memory allows it.

    Raises TypeError for what does not offer its memory by DLPack, as traced arrays.

    >>> import numpy as np
    >>> import jitad.numpy as jnp
    >>> jnp.from_dlpack(np.array([1.0, 2.0]))
    Array([1., 2.])
    """
    if not hasattr(x, "__dlpack__"):
        raise TypeError(
            at_user_line(f"from_dlpack: expected an array with __dlpack__; got {type(x).__name__}")
        )
    return as_array(np.from_dlpack(x, device=device, copy=copy))
