"""`jitad.numpy.linalg`: norms and products. Factorizations come with the linear-algebra ops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from .arithmetic import absolute
from .exponential import power, sqrt
from .logic import not_equal
from .matrices import diagonal, eye
from .products import cross, matmul, outer, tensordot, vecdot
from .promotion import Operand, as_array_operand, convert, inexact, strong
from .reduce import max as max_
from .reduce import min as min_
from .reduce import sum as sum_
from .shapes import matrix_transpose, ravel, reshape

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_transpose",
    "norm",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]


def _squares(x: Operand) -> Operand:
    """|x|**2, without the root of abs between, whose derivative at 0 is not defined."""
    if x.dtype.kind != "c":
        return apply(ops.square, x)
    parts = [apply(ops.square, apply(part, x)) for part in (ops.real, ops.imag)]
    return apply(ops.add, *parts)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors along `axis` (an int) or of matrices in the plane of `axis` (two ints).

    Without `axis`: of the flattened array if `ord` is None, else of a vector or a matrix. Orders of
    vectors: None or 2, inf, -inf, 0 (number of nonzeros), any number p: sum(|x|**p)**(1/p). Orders
    of matrices: None or "fro", inf, -inf, 1, -1; 2, -2 and "nuc" need singular values.
    """
    x = inexact(strong(as_array_operand(x)))
    if axis is None:
        if ord is None or (ord == 2 and x.ndim == 1) or (ord == "fro" and x.ndim == 2):
            result = sqrt(sum_(_squares(ravel(x))))
            return reshape(result, (1,) * x.ndim) if keepdims else result
        axis = tuple(range(x.ndim))
    axes = normalize_axis_tuple(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes, keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(at_user_line("Improper number of dimensions to norm."))


def _vector_norm(x: Operand, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Operand:
    if ord is None or ord == 2:
        return sqrt(sum_(_squares(x), axes, keepdims=keepdims))
    if isinstance(ord, str):
        raise ValueError(at_user_line(f"Invalid norm order {ord!r} for vectors"))
    size = absolute(x)
    if ord == math.inf:
        return max_(size, axes, keepdims=keepdims, initial=0)
    if ord == -math.inf:
        return min_(size, axes, keepdims=keepdims)
    if ord == 0:
        return sum_(convert(not_equal(x, 0), size.dtype), axes, keepdims=keepdims)
    if ord == 1:
        return sum_(size, axes, keepdims=keepdims)
    return power(sum_(power(size, ord), axes, keepdims=keepdims), 1 / ord)


def _matrix_norm(x: Operand, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Operand:
    if ord is None or ord == "fro":
        return sqrt(sum_(_squares(x), axes, keepdims=keepdims))
    if ord in (2, -2, "nuc"):
        raise NotImplementedError(
            at_user_line(f"norm: order {ord!r} of matrices needs singular values; use ord='fro'")
        )
    if ord not in (1, -1, math.inf, -math.inf):
        raise ValueError(at_user_line("Invalid norm order for matrices."))
    rows, columns = axes
    over, then = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = sum_(absolute(x), over, keepdims=True)
    if ord > 0:
        result = max_(sums, then, keepdims=True, initial=0)
    else:
        result = min_(sums, then, keepdims=True)
    kept = [n for i, n in enumerate(result.shape) if i not in axes]
    return result if keepdims else reshape(result, kept)


def vector_norm(x: Any, /, *, axis: Any = None, ord: Any = 2, keepdims: bool = False) -> Any:
    """Norm of vectors along `axis`; of the flattened array if None."""
    x = inexact(strong(as_array_operand(x)))
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    return _vector_norm(x, ord, axes, keepdims)


def matrix_norm(x: Any, /, *, ord: Any = "fro", keepdims: bool = False) -> Any:
    """Norm of matrices in the last two axes."""
    x = inexact(strong(as_array_operand(x)))
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Sum of the diagonal of matrices in the last two axes."""
    return sum_(diagonal(x, offset, -2, -1), -1, dtype)


def matrix_power(a: Any, n: int) -> Any:
    """Product of n copies of square matrices, by repeated squaring; n >= 0."""
    x = strong(as_array_operand(a))
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError(at_user_line("Last 2 dimensions of the array must be square"))
    if n < 0:
        raise NotImplementedError(
            at_user_line("matrix_power: a negative power needs the inverse; got n < 0")
        )
    result = None
    while n:
        if n & 1:
            result = x if result is None else matmul(result, x)
        n >>= 1
        x = matmul(x, x) if n else x
    if result is None:
        unit = eye(x.shape[-1], dtype=x.dtype)
        return apply(ops.broadcast, unit, shape=x.shape, dims=(x.ndim - 2, x.ndim - 1))
    return result
