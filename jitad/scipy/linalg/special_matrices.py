"""Matrices made from a few numbers: of Toeplitz and other form, and named ones."""

from __future__ import annotations

import importlib
import operator
from typing import Any

import numpy as np

from jitad.array import as_array
from jitad.errors import at_user_line
from jitad.numpy.arithmetic import absolute, divide, negative, subtract
from jitad.numpy.joining import concatenate
from jitad.numpy.matrices import eye
from jitad.numpy.picking import take
from jitad.numpy.promotion import (
    Operand,
    as_array_operand,
    broadcast_shape,
    common_dtype,
    convert,
    inexact,
    strong,
)
from jitad.numpy.selection import where
from jitad.numpy.shapes import broadcast_to, expand_dims, reshape
from jitad.trace import apply
from jitad_ir import ops


def _vector(x: Any) -> Operand:
    """`x` with its vectors along the last axis."""
    found = strong(as_array_operand(x))
    return reshape(found, (1,)) if found.ndim == 0 else found


def _stacked_alike(x: Operand, y: Operand) -> tuple[Operand, Operand]:
    """Vectors along the last axes of both, in their common dtype and in stacks of one shape."""
    dtype = common_dtype([x, y])
    stack = broadcast_shape((x.shape[:-1], y.shape[:-1]))
    x, y = [broadcast_to(convert(v, dtype), (*stack, v.shape[-1])) for v in (x, y)]
    return x, y


def _first(x: Operand, start: int, stop: int | None = None) -> Operand:
    """Elements start ... stop - 1 of the vectors."""
    return x[..., start:stop]


def toeplitz(c: Any, r: Any = None) -> Any:
    """Matrices with constant diagonals: first column `c` and first row `r` (default conj(c)), whose
    first element does not count. Leading axes of both are stacks, which broadcast.

    >>> toeplitz([1, 2, 3], [1, 4])
    Array([[1, 4],
           [2, 1],
           [3, 2]])
    """
    column = _vector(c)
    row = (column.conj() if column.dtype.kind == "c" else column) if r is None else _vector(r)
    column, row = _stacked_alike(column, row)
    n, m = column.shape[-1], row.shape[-1]
    backwards = apply(ops.reverse, column, axes=(column.ndim - 1,))
    elements = concatenate([backwards, _first(row, 1)], axis=-1)
    return take(elements, n - 1 - np.arange(n)[:, None] + np.arange(m), axis=-1)


def hankel(c: Any, r: Any = None) -> Any:
    """Matrices with constant antidiagonals: first column `c` and last row `r` (default zeros),
    whose first element does not count.

    The result is (..., n, m) for c (..., n) and r (..., m): leading axes are stacks, which
    broadcast.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.hankel(np.array([1, 2, 3]))
    Array([[1, 2, 3],
           [2, 3, 0],
           [3, 0, 0]])
    """
    column = _vector(c)
    column, row = _stacked_alike(column, column * 0 if r is None else _vector(r))
    n, m = column.shape[-1], row.shape[-1]
    elements = concatenate([column, _first(row, 1)], axis=-1)
    return take(elements, np.arange(n)[:, None] + np.arange(m), axis=-1)


def circulant(c: Any) -> Any:
    """Square matrices whose columns are `c` (..., n) rotated: element (i, j) is c[(i - j) mod n].

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.circulant(np.array([1, 2, 3]))
    Array([[1, 3, 2],
           [2, 1, 3],
           [3, 2, 1]])
    """
    column = _vector(c)
    n = column.shape[-1]
    return take(column, (np.arange(n)[:, None] - np.arange(n)) % max(n, 1), axis=-1)


def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """The matrix M with M @ v = convolve(a, v, mode) for vectors v of length n > 0. Raises
    ValueError for other lengths and modes.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.convolution_matrix(np.array([1, 2]), 2)
    Array([[1, 0],
           [2, 1],
           [0, 2]])
    """
    x = _vector(a)
    n = operator.index(n)
    if n <= 0:
        raise ValueError(at_user_line("n must be a positive integer."))
    if x.shape[-1] == 0:
        raise ValueError(at_user_line("len(a) must be at least 1."))
    if mode not in ("full", "valid", "same"):
        raise ValueError(at_user_line("'mode' argument must be one of ('full', 'valid', 'same')"))
    m = x.shape[-1]
    zeros = convert(np.zeros((*x.shape[:-1], n - 1)), x.dtype)
    column = concatenate([x, zeros], axis=-1)
    row = concatenate([_first(x, 0, 1), zeros], axis=-1)
    whole = toeplitz(column, row)
    if mode == "same":
        first = (min(n, m) - 1) // 2
        return whole[..., first : first + max(n, m), :]
    if mode == "valid":
        return whole[..., min(n, m) - 1 : max(n, m), :]
    return whole


def _coefficients(a: Any, least: int) -> Operand:
    """-a[1:] / a[0] of vectors of `least` elements or more."""
    x = inexact(_vector(a))
    if x.shape[-1] < least:
        raise ValueError(
            at_user_line(f"The length of `a` along the last axis must be at least {least}.")
        )
    return negative(divide(x[..., 1:], x[..., :1]))


def _above(row: Operand, below: Operand) -> Operand:
    """Matrices of a first row, and of rows below it which broadcast."""
    below = broadcast_to(below, (*row.shape[:-1], *below.shape[-2:]))
    return concatenate([expand_dims(row, -2), below], -2)


def companion(a: Any) -> Any:
    """Companion matrices (..., n - 1, n - 1) of the polynomials with coefficients `a` (..., n),
    highest power first: their eigenvalues are the roots.

    Raises ValueError for fewer than two coefficients.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.companion(np.array([1.0, -3.0, 2.0]))
    Array([[ 3., -2.],
           [ 1.,  0.]])
    """
    row = _coefficients(a, 2)
    n = row.shape[-1]
    return _above(row, eye(n - 1, n, dtype=row.dtype))


def fiedler_companion(a: Any) -> Any:
    """Companion matrices with five diagonals, see `companion` (M. Fiedler, A note on companion
    matrices, 2003); without elements for polynomials of degree 0.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.fiedler_companion(np.array([1.0, -6.0, 11.0, -6.0]))
    Array([[  6., -11.,   1.],
           [  1.,   0.,   0.],
           [  0.,   6.,   0.]])
    """
    row = _coefficients(a, 1)
    n = row.shape[-1]
    if not n:
        return reshape(row, (*row.shape, 0))
    ones, place = np.zeros((n, n)), np.full((n, n), -1)
    place[0, 0] = 0
    if n > 1:
        ones[1, 0] = 1
    ones[np.arange(3, n, 2), np.arange(1, n - 2, 2)] = 1
    ones[np.arange(0, n - 2, 2), np.arange(2, n, 2)] = 1
    place[np.arange(2, n, 2), np.arange(1, n - 1, 2)] = np.arange(2, n, 2)
    place[np.arange(0, n - 1, 2), np.arange(1, n, 2)] = np.arange(1, n, 2)
    return where(place >= 0, take(row, np.maximum(place, 0), -1), convert(ones, row.dtype))


def fiedler(a: Any) -> Any:
    """Symmetric matrices |a_i - a_j| (..., n, n) of vectors `a` (..., n).

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.fiedler(np.array([1, 4, 6]))
    Array([[0, 3, 5],
           [3, 0, 2],
           [5, 2, 0]])
    """
    x = _vector(a)
    return absolute(subtract(expand_dims(x, -1), expand_dims(x, -2)))


def leslie(f: Any, s: Any) -> Any:
    """Leslie's matrices of populations: fecundities `f` (..., n) in the first row, survival rates
    `s` (..., n - 1) below the diagonal; their stacks broadcast. Raises ValueError for other
    lengths.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> linalg.leslie(np.array([0.5, 2.0, 1.0]), np.array([0.3, 0.8]))
    Array([[0.5, 2. , 1. ],
           [0.3, 0. , 0. ],
           [0. , 0.8, 0. ]])
    """
    first, below = _vector(f), _vector(s)
    if first.shape[-1] != below.shape[-1] + 1 or first.shape[-1] < 2:
        raise ValueError(
            at_user_line(
                "Incorrect lengths for f and s. The length of s must be one less than that of f"
            )
        )
    first, below = _stacked_alike(first, below)
    n = first.shape[-1]
    return _above(first, expand_dims(below, -1) * eye(n - 1, n, dtype=first.dtype))


def block_diag(*arrs: Any) -> Any:
    """The matrix with the given ones (vectors are rows) on its diagonal, zeros elsewhere.

    `arrs`: (..., m_i, n_i), with leading axes that broadcast; (n_i,) and () stand for one row. The
    result is (..., sum of m_i, sum of n_i), in their common dtype. Raises ValueError for leading
    axes that do not broadcast.

    >>> from jitad.scipy import linalg
    >>> linalg.block_diag([[1, 2]], 3)
    Array([[1, 2, 0],
           [0, 0, 3]])
    """
    blocks = [strong(as_array_operand(x)) for x in arrs] or [np.zeros((1, 0))]
    dtype = common_dtype(blocks)
    blocks = [reshape(convert(x, dtype), (1,) * (2 - x.ndim) + x.shape) for x in blocks]
    stacks = [x.shape[:-2] for x in blocks]
    try:
        stack = np.broadcast_shapes(*stacks)
    except ValueError:
        raise ValueError(
            at_user_line(f"block_diag: expected leading axes that broadcast; got {stacks}")
        ) from None
    width = sum(x.shape[-1] for x in blocks)
    zero = apply(ops.full, value=0, shape=(), dtype=dtype)
    whole = (0,) * len(stack)
    rows: list[Operand] = []
    left = 0
    for x in blocks:
        right = width - left - x.shape[-1]
        x = broadcast_to(x, (*stack, *x.shape[-2:]))
        low, high = (*whole, 0, left), (*whole, 0, right)
        rows.append(apply(ops.pad, x, zero, low=low, high=high, interior=(*whole, 0, 0)))
        left += x.shape[-1]
    return concatenate(rows, -2)


def _named(name: str, *args: Any, **kwargs: Any) -> Any:
    """The matrix that SciPy makes of plain numbers."""
    return as_array(getattr(importlib.import_module("scipy.linalg"), name)(*args, **kwargs))


def dft(n: int, scale: str | None = None, *, dtype: Any = None) -> Any:
    """The n x n matrix of the discrete Fourier transform, divided by sqrt(n) or n if `scale` is
    "sqrtn" or "n" (ValueError for others). complex128 unless `dtype` says otherwise.

    >>> from jitad.scipy import linalg
    >>> linalg.dft(2).real
    Array([[ 1.,  1.],
           [ 1., -1.]])
    """
    matrix = _named("dft", n, scale)
    return matrix if dtype is None else as_array(matrix.astype(dtype))


def hadamard(n: int, dtype: Any = int) -> Any:
    """Hadamard's n x n matrix of 1 and -1 with orthogonal rows, n a power of two (ValueError for
    others); integers unless `dtype` says otherwise.

    >>> from jitad.scipy import linalg
    >>> linalg.hadamard(2)
    Array([[ 1,  1],
           [ 1, -1]])
    """
    return _named("hadamard", n, dtype)


def helmert(n: int, full: bool = False) -> Any:
    """Helmert's (n - 1) x n matrix of contrasts; n x n, with the row of the mean, if `full`.
    float64, with orthonormal rows.

    >>> from jitad.scipy import linalg
    >>> linalg.helmert(3)
    Array([[ 0.70710678, -0.70710678,  0.        ],
           [ 0.40824829,  0.40824829, -0.81649658]])
    """
    return _named("helmert", n, full)


def hilbert(n: int) -> Any:
    """Hilbert's n x n matrix 1 / (i + j + 1), in float64.

    >>> from jitad.scipy import linalg
    >>> linalg.hilbert(2)
    Array([[1.        , 0.5       ],
           [0.5       , 0.33333333]])
    """
    return _named("hilbert", n)


def invhilbert(n: int) -> Any:
    """Inverse of Hilbert's n x n matrix, in float64: integers, which are exact up to n = 14.

    >>> from jitad.scipy import linalg
    >>> linalg.invhilbert(2)
    Array([[ 4., -6.],
           [-6., 12.]])
    """
    return _named("invhilbert", n)


def pascal(n: int, kind: str | None = None) -> Any:
    """Pascal's n x n matrix of binomial coefficients: `kind` "symmetric", "lower" or "upper"
    (ValueError for others).

    >>> from jitad.scipy import linalg
    >>> linalg.pascal(3)
    Array([[1, 1, 1],
           [1, 2, 3],
           [1, 3, 6]], dtype=uint64)
    """
    return _exact(_named("pascal", n, kind or "symmetric"))


def invpascal(n: int, kind: str | None = None) -> Any:
    """Inverse of Pascal's n x n matrix, of integers; kinds as in `pascal`.

    >>> from jitad.scipy import linalg
    >>> linalg.invpascal(3)
    Array([[ 3, -3,  1],
           [-3,  5, -2],
           [ 1, -2,  1]])
    """
    return _exact(_named("invpascal", n, kind or "symmetric"))


def _exact(matrix: Any) -> Any:
    """Integers beyond int64, which SciPy gives as objects, as float64."""
    return as_array(matrix.astype(np.float64)) if matrix.dtype == object else matrix
