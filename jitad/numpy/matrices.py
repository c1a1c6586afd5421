"""Matrices with a structure: unit, triangular, diagonal."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from jitad.argument_types import is_known
from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import FLOAT64, INT64

from .creation import zeros, zeros_like
from .joining import stack
from .namespace import require_cpu
from .promotion import Operand, as_array_operand, as_dtype, convert, strong
from .shapes import broadcast_to, moveaxis, ravel, reshape


def _counters(n: int, m: int) -> tuple[Operand, Operand]:
    """Row and column number of each element of an n x m matrix."""
    return (
        apply(ops.iota, shape=(n, m), dim=0, dtype=INT64),
        apply(ops.iota, shape=(n, m), dim=1, dtype=INT64),
    )


def eye(N: int, M: int | None = None, k: Any = 0, dtype: Any = None, *, device: Any = None) -> Any:
    """An N x M matrix with ones on the diagonal `k`, zeros elsewhere.

    Positive `k` lie above the main diagonal; M is N if None; float64 unless `dtype` is given.

    >>> import jitad.numpy as jnp
    >>> jnp.eye(2, 3, k=1)
    Array([[0., 1., 0.],
           [0., 0., 1.]])
    """
    require_cpu(device)
    n, m = operator.index(N), operator.index(N if M is None else M)
    rows, columns = _counters(n, m)
    offset = _offset(k, rows)
    if isinstance(offset, int):
        offset = max(min(offset, m), -n)  # beyond, no diagonal either
    on = apply(ops.eq, apply(ops.add, rows, offset), columns)
    return convert(on, FLOAT64 if dtype is None else as_dtype(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """The n x n unit matrix; float64 unless `dtype` is given.

    >>> import jitad.numpy as jnp
    >>> jnp.identity(2)
    Array([[1., 0.],
           [0., 1.]])
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: Any = 0, dtype: Any = None) -> Any:
    """An N x M matrix with ones on and below the diagonal `k`, zeros above.

    M is N if None; float64 unless `dtype` is given.

    >>> import jitad.numpy as jnp
    >>> jnp.tri(3)
    Array([[1., 0., 0.],
           [1., 1., 0.],
           [1., 1., 1.]])
    """
    n, m = operator.index(N), operator.index(N if M is None else M)
    return convert(_lower(n, m, k), FLOAT64 if dtype is None else as_dtype(dtype))


def _lower(n: int, m: int, k: Any) -> Operand:
    """True on and below the diagonal `k` of an n x m matrix."""
    rows, columns = _counters(n, m)
    return apply(ops.ge, apply(ops.add, rows, _offset(k, rows)), columns)


def _offset(k: Any, like: Operand) -> Operand:
    """The number of a diagonal: an int, or an array of the shape of `like` if it is traced."""
    return operator.index(k) if is_known(k) else broadcast_to(convert(k, INT64), like.shape)


def tril(m: Any, k: Any = 0) -> Any:
    """The elements on and below the diagonal `k` of matrices (..., m, n), zeros above.

    Any dtype. A vector stands for the rows of a square matrix, as for NumPy.

    >>> import jitad.numpy as jnp
    >>> jnp.tril(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 0],
           [3, 4]])
    """
    x = _matrices(m)
    keep = broadcast_to(_lower(x.shape[-2], x.shape[-1], k), x.shape)
    return apply(ops.select, keep, x, zeros_like(x))


def triu(m: Any, k: Any = 0) -> Any:
    """The elements on and above the diagonal `k` of matrices (..., m, n), zeros below.

    Any dtype. A vector stands for the rows of a square matrix, as for NumPy.

    >>> import jitad.numpy as jnp
    >>> jnp.triu(jnp.array([[1, 2], [3, 4]]))
    Array([[1, 2],
           [0, 4]])
    """
    x = _matrices(m)
    drop = broadcast_to(_lower(x.shape[-2], x.shape[-1], k - 1), x.shape)
    return apply(ops.select, drop, zeros_like(x), x)


def _matrices(m: Any) -> Operand:
    x = strong(as_array_operand(m))
    if x.ndim == 0:
        raise ValueError(at_user_line("expected an array of one or more axes; got a scalar"))
    return broadcast_to(x, (x.shape[0], x.shape[0])) if x.ndim == 1 else x


LARGE = 48
"""Rows of a matrix from which on its zeros are written first, and the diagonal then."""


def diag(v: Any, k: int = 0) -> Any:
    """The matrix with the vector `v` on its diagonal `k`, or that diagonal of a matrix.

    Any dtype. Raises ValueError for other numbers of axes.

    >>> import jitad.numpy as jnp
    >>> jnp.diag(jnp.array([1, 2]))
    Array([[1, 0],
           [0, 2]])
    >>> jnp.diag(jnp.array([[1, 2], [3, 4]]))
    Array([1, 4])
    """
    x = as_array_operand(v)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(at_user_line("Input must be 1- or 2-d."))
    n, k = x.shape[0], operator.index(k)
    side = n + (k if k > 0 else -k)
    if n == 0:
        return zeros((side, side), x.dtype)
    # In row-major order the diagonal's elements are side + 1 apart.
    low = k if k > 0 else -k * side
    if side >= LARGE:
        places = low + (side + 1) * np.arange(n)
        params = {"axes": (0,), "batch": 0, "mode": "promise_in_bounds", "unique": True}
        flat = apply(ops.scatter, zeros(side * side, x.dtype), reshape(x, (n, 1)), places, **params)
        return reshape(flat, (side, side))
    high = side * side - low - (n + (n - 1) * side)
    zero = apply(ops.full, value=0, shape=(), dtype=x.dtype)
    flat = apply(ops.pad, x, zero, low=(low,), high=(high,), interior=(side,))
    return reshape(flat, (side, side))


def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix with the elements of `v`, flattened, on its diagonal `k`, zeros elsewhere.

    >>> import jitad.numpy as jnp
    >>> jnp.diagflat(jnp.array([[1], [2]]))
    Array([[1, 0],
           [0, 2]])
    """
    return diag(ravel(v), k)


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonal `offset` (above the main one if positive) in the plane of two axes.

    It is the last axis of the result. Raises ValueError for fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.diagonal(jnp.array([[1, 2], [3, 4]]))
    Array([1, 4])
    """
    x = as_array_operand(a)
    if x.ndim < 2:
        raise ValueError(at_user_line("diag requires an array of at least two dimensions"))
    x = moveaxis(x, (axis1, axis2), (-2, -1))
    *rest, n, m = x.shape
    k = operator.index(offset)
    count = max(min(n, m - k) if k >= 0 else min(n + k, m), 0)
    flat = reshape(x, (*rest, n * m))
    # In row-major order the diagonal's elements are m + 1 apart.
    start = 0 if count == 0 else k if k >= 0 else -k * m
    limit = start + (count - 1) * (m + 1) + 1 if count else 0
    zero, one = (0,) * len(rest), (1,) * len(rest)
    return apply(
        ops.slice,
        flat,
        start=(*zero, start),
        limit=(*rest, limit),
        stride=(*one, m + 1),
    )


def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Vandermonde matrix (n, N): columns of powers of the vector `x`, from N - 1 down to 0.

    Powers rise if `increasing`; N is n if None. Raises ValueError for what is no vector.

    >>> import jitad.numpy as jnp
    >>> jnp.vander(jnp.array([1, 2, 3]))
    Array([[1, 1, 1],
           [4, 2, 1],
           [9, 3, 1]])
    """
    base = as_array_operand(x)
    base = convert(base, np.promote_types(base.dtype, np.int64))  # as NumPy: no small integers
    if base.ndim != 1:
        raise ValueError(at_user_line("x must be a one-dimensional array or sequence."))
    count = base.shape[0] if N is None else operator.index(N)
    powers = range(count) if increasing else range(count - 1, -1, -1)
    columns = [apply(ops.integer_pow, base, exponent=p) for p in powers]
    return stack(columns, 1) if columns else zeros((base.shape[0], 0), base.dtype)


def tril_indices(n: int, k: int = 0, m: int | None = None) -> Any:
    """Rows and columns of the elements on and below the diagonal `k` of an n x m matrix.

    `m` is n if None. A pair of int64 vectors, to index with.

    >>> import jitad.numpy as jnp
    >>> jnp.tril_indices(2)
    (Array([0, 1, 1]), Array([0, 0, 1]))
    """
    return tuple(map(as_array, np.tril_indices(n, k, m)))


def triu_indices(n: int, k: int = 0, m: int | None = None) -> Any:
    """Rows and columns of the elements on and above the diagonal `k` of an n x m matrix.

    `m` is n if None. A pair of int64 vectors, to index with.

    >>> import jitad.numpy as jnp
    >>> jnp.triu_indices(2)
    (Array([0, 0, 1]), Array([0, 1, 1]))
    """
    return tuple(map(as_array, np.triu_indices(n, k, m)))


def diag_indices(n: int, ndim: int = 2) -> Any:
    """Indices of the main diagonal of an array with `ndim` axes of length n: `ndim` vectors.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[1, 2], [3, 4]])
    >>> x[jnp.diag_indices(2)]
    Array([1, 4])
    """
    return tuple(map(as_array, np.diag_indices(n, ndim)))


def _square(arr: Any) -> tuple[int, int]:
    x = as_array_operand(arr)
    if x.ndim != 2:
        raise ValueError(at_user_line("input array must be 2-d"))
    return x.shape


def tril_indices_from(arr: Any, k: int = 0) -> Any:
    """`tril_indices` of the shape of a matrix.

    Raises ValueError for what is no matrix.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[1, 2], [3, 4]])
    >>> x[jnp.tril_indices_from(x)]
    Array([1, 3, 4])
    """
    n, m = _square(arr)
    return tril_indices(n, k, m)


def triu_indices_from(arr: Any, k: int = 0) -> Any:
    """`triu_indices` of the shape of a matrix.

    Raises ValueError for what is no matrix.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[1, 2], [3, 4]])
    >>> x[jnp.triu_indices_from(x)]
    Array([1, 2, 4])
    """
    n, m = _square(arr)
    return triu_indices(n, k, m)


def diag_indices_from(arr: Any) -> Any:
    """`diag_indices` of an array whose axes have one length.

    Raises ValueError for other arrays, and fewer than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.diag_indices_from(jnp.ones((2, 2)))
    (Array([0, 1]), Array([0, 1]))
    """
    x = as_array_operand(arr)
    if x.ndim < 2:
        raise ValueError(at_user_line("input array must be at least 2-d"))
    if len(set(x.shape)) != 1:
        raise ValueError(at_user_line("All dimensions of input must be of equal length"))
    return diag_indices(x.shape[0], x.ndim)


def mask_indices(
    n: int, mask_func: Callable[..., Any], k: Any = 0, *, size: int | None = None
) -> Any:
    """Rows and columns where `mask_func(ones((n, n)), k)` is not 0, as `triu` and `tril` do.

    A pair of int64 vectors: with `size`, the first so many of them, with zeros behind if there are
    fewer.

    >>> import jitad.numpy as jnp
    >>> jnp.mask_indices(2, jnp.triu)
    (Array([0, 0, 1]), Array([0, 1, 1]))
    """
    places = np.nonzero(np.asarray(mask_func(np.ones((n, n), int), k)))
    if size is not None:
        missing = max(size - places[0].size, 0)
        places = tuple([np.pad(part[:size], (0, missing)) for part in places])
    return tuple(map(as_array, places))
