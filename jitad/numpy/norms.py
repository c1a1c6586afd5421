"""Norms of vectors and matrices, and what singular values tell: rank and condition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .arithmetic import absolute, divide
from .exponential import power, sqrt
from .factorizations import relative_tolerance, svdvals
from .half import in_single
from .logic import greater, isnan, logical_and, logical_not, not_equal
from .matrices import eye
from .matrix_operands import as_matrices, as_square
from .promotion import Operand, as_array_operand, convert, inexact, strong
from .reduce import any as any_
from .reduce import max as max_
from .reduce import min as min_
from .reduce import sum as sum_
from .selection import where
from .shapes import expand_dims, moveaxis, ravel, reshape


def _squares(x: Operand) -> Operand:
    """|x|**2, without the root of abs between, whose derivative at 0 is not defined."""
    if x.dtype.kind != "c":
        return apply(ops.square, x)
    parts = [apply(ops.square, apply(part, x)) for part in (ops.real, ops.imag)]
    return apply(ops.add, *parts)


@in_single
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors along `axis` (an int) or of matrices in the plane of `axis` (two ints).

    Without `axis`: of the flattened array if `ord` is None, else of a vector or a matrix. Orders of
    vectors: None or 2, inf, -inf, 0 (number of nonzeros), any number p: sum(|x|**p)**(1/p). Orders
    of matrices: None or "fro", inf, -inf, 1, -1; 2, -2 and "nuc", of the singular values. Real;
    reduced axes stay with length 1 if `keepdims`. At 0 the derivative of the 2-norm is nan. Raises
    ValueError for other orders.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.norm(jnp.array([3.0, 4.0])), jnp.linalg.norm(jnp.array([3.0, 4.0]), 1)
    (Array(5.), Array(7.))
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
        values = svdvals(moveaxis(x, axes, (-2, -1)))
        if ord == 2:
            found = max_(values, -1, initial=0)
        else:
            found = (min_ if ord == -2 else sum_)(values, -1)
        return expand_dims(found, sorted(axes)) if keepdims else found
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


@in_single
def vector_norm(x: Any, /, *, axis: Any = None, ord: Any = 2, keepdims: bool = False) -> Any:
    """Norm of vectors along `axis` (an int or a tuple); of the flattened array if None.

    Orders are those of `norm`; real.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.vector_norm(jnp.array([[3.0, 4.0], [5.0, 12.0]]), axis=1)
    Array([ 5., 13.])
    """
    x = inexact(strong(as_array_operand(x)))
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    return _vector_norm(x, ord, axes, keepdims)


@in_single
def matrix_norm(x: Any, /, *, ord: Any = "fro", keepdims: bool = False) -> Any:
    """Norm of matrices in the last two axes, (...).

    Orders are those of `norm`; real.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.matrix_norm(jnp.array([[3.0, 0.0], [0.0, 4.0]]))
    Array(5.)
    """
    x = inexact(strong(as_array_operand(x)))
    return _matrix_norm(x, ord, (x.ndim - 2, x.ndim - 1), keepdims)


def matrix_rank(M: Any, rtol: Any = None, hermitian: bool = False, *, tol: Any = None) -> Any:
    """Number (int64) of singular values above a tolerance, of matrices (..., m, n).

    The tolerance is `tol`, or `rtol` (default max(m, n) eps) times the greatest. Of what is not a
    matrix: whether any element differs from zero. Raises ValueError if both are given. `hermitian`
    makes no difference.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.matrix_rank(jnp.array([[1.0, 2.0], [2.0, 4.0]]))
    Array(1)
    """
    x = inexact(strong(as_array_operand(M)))
    if tol is not None and rtol is not None:
        raise ValueError(at_user_line("`tol` and `rtol` can't be both set."))
    if x.ndim < 2:
        return convert(any_(not_equal(x, 0)), INT64)
    values = svdvals(x)
    if tol is None:
        default = max(x.shape[-2:]) * float(np.finfo(x.dtype).eps)
        limit = apply(ops.mul, relative_tolerance(x, rtol, default), max_(values, -1, initial=0))
    else:
        limit = as_array_operand(tol)
    return sum_(greater(values, expand_dims(limit, -1)), -1, dtype=INT64)


def cond(x: Any, p: Any = None) -> Any:
    """Condition numbers norm(x) norm(x^-1) in the matrix norm `p`, of matrices (..., m, n).

    None or 2, -2 (of any matrix), "fro", "nuc", inf, -inf, 1, -1 (of square ones). inf of singular
    matrices. Raises LinAlgError for empty arrays.

    >>> import jitad.numpy as jnp
    >>> jnp.linalg.cond(jnp.array([[4.0, 0.0], [0.0, 2.0]]))
    Array(2.)
    """
    matrices = as_matrices(x)
    if 0 in matrices.shape[-2:]:
        raise np.linalg.LinAlgError(at_user_line("cond is not defined on empty arrays"))
    if p in (None, 2, -2):
        values = svdvals(matrices)
        ratio = divide(values[..., -1], values[..., 0])
        found = ratio if p == -2 else divide(values[..., 0], values[..., -1])
    else:
        square = as_square(matrices)
        inverse = _inverse(square)
        found = apply(ops.mul, matrix_norm(square, ord=p), matrix_norm(inverse, ord=p))
    # Singular, unless the matrix itself has a nan
    has_nan = any_(isnan(matrices), (-2, -1))
    return where(logical_and(isnan(found), logical_not(has_nan)), math.inf, found)


def _inverse(x: Operand) -> Operand:
    n = x.shape[-1]
    unit = apply(ops.broadcast, eye(n, dtype=x.dtype), shape=x.shape, dims=(x.ndim - 2, x.ndim - 1))
    return apply(ops.solve, x, unit)
