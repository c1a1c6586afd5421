"""Polynomials by their coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.argument_types import is_known
from jitad.errors import ConcretizationError, at_user_line
from jitad.trace import Tracer

from .arithmetic import add, divide, multiply, negative, subtract
from .creation import asarray, ones, zeros, zeros_like
from .exponential import sqrt
from .joining import concatenate, stack
from .linalg import eigvals, inv, lstsq
from .matrices import eye, vander
from .products import convolve, outer
from .promotion import (
    Operand,
    as_array_operand,
    common_dtype,
    convert,
    inexact,
    strong,
)
from .reduce import sum as sum_
from .shapes import atleast_1d, reshape


def polyval(p: Any, x: Any, *, unroll: int = 16) -> Any:
    """p[0] x**(n-1) + ... + p[n-1], by Horner's rule, in the shape of `x`.

    Derivatives in `p` and in `x`. `unroll` makes no difference.

    >>> import jitad.numpy as jnp
    >>> jnp.polyval(jnp.array([1, 2, 3]), jnp.array([0.0, 2.0]))
    Array([ 3., 11.])
    """
    coefficients = as_array_operand(p)
    if not coefficients.ndim:
        raise TypeError(at_user_line("polyval: expected a vector of coefficients; got a scalar"))
    x = as_array_operand(x)
    result = zeros_like(multiply(x, coefficients[0]) if coefficients.shape[0] else x)
    for i in range(coefficients.shape[0]):
        result = add(multiply(result, x), coefficients[i])
    return result


def _aligned(a1: Any, a2: Any) -> tuple[Any, Any]:
    x, y = atleast_1d(a1, a2)
    n = max(x.shape[0], y.shape[0])
    filled = [
        v if v.shape[0] == n else concatenate([np.zeros(n - v.shape[0], v.dtype), v])
        for v in (x, y)
    ]
    return filled[0], filled[1]


def polyadd(a1: Any, a2: Any) -> Any:
    """Coefficients of the sum of two polynomials, the highest power first.

    >>> import jitad.numpy as jnp
    >>> jnp.polyadd(jnp.array([1, 2]), jnp.array([1, 0, 0]))
    Array([1, 1, 2])
    """
    return add(*_aligned(a1, a2))


def polysub(a1: Any, a2: Any) -> Any:
    """Coefficients of the difference of two polynomials, the highest power first.

    >>> import jitad.numpy as jnp
    >>> jnp.polysub(jnp.array([1, 2]), jnp.array([1, 0, 0]))
    Array([-1,  1,  2])
    """
    return subtract(*_aligned(a1, a2))


def polymul(a1: Any, a2: Any, *, trim_leading_zeros: bool = False) -> Any:
    """Coefficients of the product of two polynomials, the highest power first.

    Leading zeros are kept, for shapes are static, unless `trim_leading_zeros`: those of the
    factors, whose elements must then be known.

    >>> import jitad.numpy as jnp
    >>> jnp.polymul(jnp.array([1, 1]), jnp.array([1, -1]))
    Array([ 1,  0, -1])
    """
    x, y = atleast_1d(a1, a2)
    if trim_leading_zeros:
        x, y = [_without_leading(part, tolerance=0.0) for part in (x, y)]
    return convolve(x, y)


def polyder(p: Any, m: int = 1) -> Any:
    """Coefficients of the derivative of order `m`, the highest power first.

    Raises ValueError for negative `m`.

    >>> import jitad.numpy as jnp
    >>> jnp.polyder(jnp.array([1, 2, 3]))
    Array([2, 2])
    """
    if m < 0:
        raise ValueError(at_user_line("Order of derivative must be positive (see polyint)"))
    found = atleast_1d(p)
    for _ in range(m):
        n = found.shape[0]
        found = multiply(found[: n - 1], np.arange(n - 1, 0, -1)) if n > 1 else found[:0]
    return found


def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Coefficients of the antiderivative of order `m`, the highest power first.

    Its constants are `k` (default 0), the first integration's first. Raises ValueError for negative
    `m`, and for fewer constants than `m` unless it is one.

    >>> import jitad.numpy as jnp
    >>> jnp.polyint(jnp.array([2.0, 2.0]))
    Array([1., 2., 0.])
    """
    if m < 0:
        raise ValueError(at_user_line("Order of integral must be positive (see polyder)"))
    found = inexact(atleast_1d(p))
    constants = zeros(m) if k is None else atleast_1d(k)
    if constants.shape[0] == 1 and m > 1:
        constants = multiply(constants, np.ones(m))
    if constants.shape[0] < m:
        raise ValueError(at_user_line("k must be a scalar or a rank-1 array of length 1 or >m."))
    for i in range(m):
        n = found.shape[0]
        found, constant = _of_one_dtype(divide(found, np.arange(n, 0, -1)), constants[i : i + 1])
        found = concatenate([found, constant])
    return found


def _of_one_dtype(*parts: Any) -> list[Operand]:
    """Arrays of any shapes in the dtype at which they meet."""
    dtype = common_dtype(parts)
    return [convert(part, dtype) for part in parts]


def poly(seq_of_zeros: Any) -> Any:
    """Coefficients of the polynomial with these roots, the highest power first; the first is 1.

    Of a square matrix the characteristic polynomial, whose roots are its eigenvalues. Raises
    ValueError for other shapes.

    >>> import jitad.numpy as jnp
    >>> jnp.poly(jnp.array([1.0, 2.0]))
    Array([ 1., -3.,  2.])
    """
    x = strong(as_array_operand(seq_of_zeros))
    if x.ndim == 2 and x.shape[0] == x.shape[1] and x.shape[0]:
        x = eigvals(x)
    x = inexact(atleast_1d(x))
    if x.ndim != 1:
        raise ValueError(at_user_line("input must be 1d or non-empty square 2d array."))
    if not x.shape[0]:
        return ones((), x.dtype)
    found = ones(1, x.dtype)
    for i in range(x.shape[0]):
        found = convolve(found, concatenate([ones(1, x.dtype), negative(x[i : i + 1])]))
    return found


def polydiv(u: Any, v: Any, *, trim_leading_zeros: bool = False) -> tuple[Any, Any]:
    """(quotient, remainder) of polynomials, the highest power first.

    The remainder has as many coefficients as `u`, fewer if `trim_leading_zeros` (whose elements
    must then be known).

    >>> import jitad.numpy as jnp
    >>> jnp.polydiv(jnp.array([1.0, 0.0, -1.0]), jnp.array([1.0, 1.0]))
    (Array([ 1., -1.]), Array([0., 0., 0.]))
    """
    top, bottom = [inexact(part) for part in _of_one_dtype(*atleast_1d(u, v))]
    m, n = top.shape[0] - 1, bottom.shape[0] - 1
    if m < n:
        return zeros(1, top.dtype), top
    rest = top
    quotient = []
    scale = divide(1.0, bottom[0])
    for k in range(m - n + 1):
        factor = multiply(scale, rest[k])
        quotient.append(factor)
        middle = subtract(rest[k : k + n + 1], multiply(factor, bottom))
        rest = concatenate([rest[:k], middle, rest[k + n + 1 :]])
    if trim_leading_zeros:
        rest = _without_leading(rest)
    return stack(quotient), rest


def _without_leading(p: Operand, tolerance: float = 1e-14) -> Operand:
    """Without the coefficients up to `tolerance` in front; one is left. Raises
    ConcretizationError if they are not known."""
    if not is_known(p):
        raise ConcretizationError(
            at_user_line(
                "trim_leading_zeros needs coefficients that are known: the shape of the result "
                f"depends on them; got a traced array {p.type!r}"
            )
        )
    known = np.asarray(p.concrete if isinstance(p, Tracer) else p)
    found = np.flatnonzero(abs(known) > tolerance)
    return p[int(found[0]) if found.size else p.shape[0] - 1 :]


def roots(p: Any, *, strip_zeros: bool = True) -> Any:
    """Roots of a polynomial, complex: the eigenvalues of its companion matrix.

    `p` has the highest power first. Zero coefficients at both ends are stripped, for which they
    must be known; with `strip_zeros=False`, under jit, leading zeros give nan and trailing ones
    roots near 0. Derivatives need distinct roots. Raises ValueError for what is no vector.

    >>> import jitad.numpy as jnp
    >>> jnp.sort(jnp.roots(jnp.array([1.0, -3.0, 2.0])).real)
    Array([1., 2.])
    """
    found = inexact(atleast_1d(p))
    if found.ndim != 1:
        raise ValueError(at_user_line("Input must be a rank-1 array."))
    ends = 0
    if strip_zeros:
        if isinstance(found, Tracer) and found.concrete is None:
            raise TypeError(
                at_user_line(
                    f"roots needs to know which coefficients of {found.type!r} are 0; call it with "
                    "strip_zeros=False"
                )
            )
        known = np.asarray(found.concrete if isinstance(found, Tracer) else found)
        filled_places = np.flatnonzero(known)
        if not filled_places.size:
            return zeros(0, np.result_type(found.dtype, np.complex64))
        first, last = int(filled_places[0]), int(filled_places[-1])
        ends = known.size - 1 - last
        found = found[first : last + 1]  # type: ignore[index]
    n = found.shape[0] - 1
    dtype = np.result_type(found.dtype, np.complex64)
    at_zero = zeros(ends, dtype)
    if n < 1:
        return at_zero
    row = reshape(negative(divide(found[1:], found[0])), (1, n))
    companion = concatenate([row, eye(n - 1, n, dtype=found.dtype)])
    return concatenate([convert(eigvals(companion), dtype), at_zero])


def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """Coefficients of the polynomial of degree `deg` nearest to the points (x, y) by least squares.

    (deg + 1,), the highest power first. `x` is a vector (m,), `y` a vector or columns (m, k), `w`
    (m,) weighs the residuals. With `full` also (residuals, rank, singular values, rcond); with
    `cov` also the covariance of the coefficients, scaled by the residuals unless `cov` is
    "unscaled". Raises ValueError for a negative degree, TypeError for other shapes.

    >>> import jitad.numpy as jnp
    >>> jnp.polyfit(jnp.array([0.0, 1.0, 2.0]), jnp.array([1.0, 3.0, 5.0]), 1)
    Array([2., 1.])
    """
    if deg < 0:
        raise ValueError(at_user_line("expected deg >= 0"))
    at, values = [inexact(strong(as_array_operand(v))) for v in (x, y)]
    if at.ndim != 1 or not at.shape[0]:
        raise TypeError(at_user_line("expected 1D vector for x, with one element or more"))
    if values.ndim not in (1, 2) or values.shape[0] != at.shape[0]:
        raise TypeError(at_user_line("expected 1D or 2D array for y, as long as x"))
    order = deg + 1
    cut = at.shape[0] * float(np.finfo(at.dtype).eps) if rcond is None else rcond
    left, right = vander(at, order), values
    if w is not None:
        weights = inexact(as_array_operand(w))
        if weights.ndim != 1 or weights.shape[0] != at.shape[0]:
            raise TypeError(at_user_line("expected a 1-d array for weights, as long as x and y"))
        column = reshape(weights, (-1, 1))
        left = multiply(left, column)
        right = multiply(right, column if right.ndim == 2 else weights)
    # Columns of one length: the least-squares problem is better conditioned.
    scale = sqrt(sum_(multiply(left, left), 0))
    found, residuals, rank, singular = lstsq(divide(left, scale), right, cut)
    found = divide(found, reshape(scale, (-1, 1)) if found.ndim == 2 else scale)
    if full:
        return found, residuals, rank, singular, cut
    if not cov:
        return found
    scaled = divide(left, scale)
    base = divide(inv(scaled.T @ scaled), outer(scale, scale))
    if cov == "unscaled":
        factor = asarray(1.0)
    else:
        if at.shape[0] <= order:
            raise ValueError(
                at_user_line(
                    "the number of data points must exceed order to scale the covariance matrix"
                )
            )
        factor = divide(residuals, float(at.shape[0] - order))
    if values.ndim == 1:
        return found, multiply(base, reshape(factor, ()) if factor.ndim else factor)
    return found, multiply(reshape(base, (order, order, 1)), factor)
