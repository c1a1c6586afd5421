"""Means, spreads, differences and integrals along axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import BOOL, FLOAT16, FLOAT32, real_dtype

from .arithmetic import add, divide, multiply, subtract
from .exponential import sqrt
from .half import in_single
from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    convert,
    filled,
    inexact,
    no_out,
    promote_to_common,
    spread,
    strong,
)
from .reduce import finish, reduced_axes, restrict, sum
from .selection import maximum
from .shapes import broadcast_to, ravel, reshape


def _count(x: Operand, axes: tuple[int, ...], where: Any) -> Any:
    """Number of elements over `axes`: a Python float, or an array if `where` chooses."""
    if where is None or where is True:
        return float(math.prod([x.shape[i] for i in axes]))
    keep = broadcast_to(convert(as_array_operand(where), BOOL), x.shape)
    counted = convert(keep, real_dtype(x.dtype))
    return convert(apply(ops.reduce_sum, counted, axes=axes), x.dtype)


def _averaged_axes(x: Operand, axis: Any) -> tuple[int, ...]:
    """`reduced_axes`, but that a scalar has none: its mean over axis 0 is an error, as in NumPy."""
    return reduced_axes(x, axis) if x.ndim or axis is None else normalize_axis_tuple(axis, 0)


def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Any:
    """Mean over `axis`: an int, a tuple of ints, or None for all axes.

    Float or complex, in its dtype (float16 sums in float32); of bools and integers in float64, or
    in `dtype`. `keepdims` and `where` as for `sum`. nan for no elements, without a warning. Raises
    AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.mean(jnp.array([[1, 2], [3, 6]]), axis=0)
    Array([2., 4.])
    """
    no_out(out)
    x = strong(as_array_operand(a))
    if dtype is None and x.dtype == FLOAT16:  # sums have the range of float32
        return convert(mean(x, axis, FLOAT32, keepdims=keepdims, where=where), FLOAT16)
    x = inexact(x) if dtype is None else convert(x, as_dtype(dtype))
    axes = _averaged_axes(x, axis)
    total = apply(ops.reduce_sum, restrict(x, where, 0), axes=axes)
    return finish(apply(ops.div, total, _count(x, axes, where)), x, axes, keepdims)


_mean = mean  # `var` has an argument of that name


@in_single
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    keepdims: bool = False,
) -> Any:
    """Mean weighted by `weights`: sum(a w) / sum(w); with `returned` also sum(w).

    Weights have the shape of `a`, or that of `a` along `axis` (an int, or a tuple in the order of
    the weights' axes); None: all are 1. `axis` and `keepdims` as for `sum`. nan or infinite where
    weights sum to 0. Raises ValueError for weights of another shape, TypeError where they need
    `axis` and it is None.

    >>> import jitad.numpy as jnp
    >>> jnp.average(jnp.array([1.0, 2.0, 4.0]), weights=jnp.array([3.0, 0.0, 1.0]))
    Array(1.75)
    """
    x = as_array_operand(a)
    if weights is None:
        result = mean(x, axis, keepdims=keepdims)
        count = math.prod([x.shape[i] for i in reduced_axes(x, axis)])
        return (result, filled(result, count)) if returned else result
    w = as_array_operand(weights)
    if w.shape != x.shape:
        if axis is None:
            raise TypeError(
                at_user_line("Axis must be specified when shapes of a and weights differ.")
            )
        places = normalize_axis_tuple(axis, x.ndim)
        if w.shape != tuple([x.shape[i] for i in places]):
            raise ValueError(
                at_user_line("Shape of weights must be consistent with shape of a along axis.")
            )
        order = sorted(range(len(places)), key=places.__getitem__)
        w = apply(ops.transpose, w, permutation=tuple(order))
        w = reshape(w, [n if i in places else 1 for i, n in enumerate(x.shape)])
    x, w = promote_to_common((inexact(x), inexact(w)))
    total = sum(w, axis, keepdims=keepdims)
    result = divide(sum(multiply(x, w), axis, keepdims=keepdims), total)
    return (result, total) if returned else result


def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    correction: float | None = None,
    mean: Any = None,
) -> Any:
    """Variance over `axis`: the mean of |a - mean(a)|**2, with n - ddof in place of n.

    `axis` is an int, a tuple, or None for all. Real, in the dtype of float or complex `a`, else
    float64, or in `dtype`. `mean` is the mean, with axes of length 1 for those reduced, where it is
    known; `correction` is the array API's name of `ddof`. `keepdims` and `where` as for `sum`. nan
    where n <= ddof. Raises AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.var(jnp.array([1.0, 2.0, 3.0, 6.0])), jnp.var(jnp.array([1.0, 2.0, 3.0, 6.0]), ddof=1)
    (Array(3.5), Array(4.66666667))
    """
    no_out(out)
    less = ddof if correction is None else correction
    x = strong(as_array_operand(a))
    if dtype is None and x.dtype == FLOAT16:
        found = var(x, axis, FLOAT32, None, less, keepdims, where=where, mean=mean)
        return convert(found, FLOAT16)
    x = inexact(x) if dtype is None else convert(x, as_dtype(dtype))
    axes = _averaged_axes(x, axis)
    middle = _mean(x, axes, keepdims=True, where=where) if mean is None else mean
    deviation = subtract(x, middle)
    if deviation.dtype.kind == "c":
        parts = [apply(ops.square, apply(part, deviation)) for part in (ops.real, ops.imag)]
        squares = apply(ops.add, *parts)
    else:
        squares = apply(ops.square, deviation)
    total = apply(ops.reduce_sum, restrict(squares, where, 0), axes=axes)
    count = _count(squares, axes, where)
    if isinstance(count, float):
        result = apply(ops.div, total, count - less if count > less else 0.0)
    else:
        result = apply(ops.div, total, maximum(subtract(count, less), 0.0))
    return finish(result, x, axes, keepdims)


def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    correction: float | None = None,
    mean: Any = None,
) -> Any:
    """Standard deviation over `axis`: the square root of `var`, whose arguments it has.

    Where all elements are equal its derivative is nan.

    >>> import jitad.numpy as jnp
    >>> jnp.std(jnp.array([1.0, 2.0, 3.0, 6.0]))
    Array(1.87082869)
    """
    options: dict[str, Any] = {"where": where, "correction": correction, "mean": mean}
    return sqrt(var(a, axis, dtype, out, ddof, keepdims, **options))


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral of `y` along `axis` by the trapezoidal rule, over points `x` or in steps `dx`.

    The sum of (x[i+1] - x[i]) (y[i] + y[i+1]) / 2. `x` has one axis, or broadcasts with `y`; the
    axis is gone from the result. Integers count as floats; derivatives in `y`, `x` and `dx`.

    >>> import jitad.numpy as jnp
    >>> jnp.trapezoid(jnp.array([0.0, 1.0, 4.0]), x=jnp.array([0.0, 1.0, 2.0]))
    Array(3.)
    """
    values = as_array_operand(y)
    place = normalize_axis_index(axis, values.ndim)
    left, right = _neighbours(values, place)
    if x is None:
        widths = dx
    else:
        points = as_array_operand(x)
        if points.ndim == 1:
            points = reshape(
                points, [points.shape[0] if i == place else 1 for i in range(values.ndim)]
            )
        before, after = _neighbours(points, place)
        widths = subtract(after, before)
    return sum(divide(multiply(add(left, right), widths), 2.0), place)


def _neighbours(x: Operand, axis: int) -> tuple[Operand, Operand]:
    """All elements along `axis` but the last, and all but the first."""
    n = x.shape[axis]
    lower, upper, one = [0] * x.ndim, list(x.shape), (1,) * x.ndim
    upper[axis] = max(n - 1, 0)
    left = apply(ops.slice, x, start=tuple(lower), limit=tuple(upper), stride=one)
    lower[axis], upper[axis] = min(1, n), n
    return left, apply(ops.slice, x, start=tuple(lower), limit=tuple(upper), stride=one)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along `axis`, `n` times over: the axis has n elements less.

    Any dtype; integers wrap, bools differ by `!=`. `prepend` and `append` are put at the ends
    first. Raises ValueError for scalars and negative `n`.

    >>> import jitad.numpy as jnp
    >>> jnp.diff(jnp.array([1, 4, 9, 16])), jnp.diff(jnp.array([1, 4, 9, 16]), n=2)
    (Array([3, 5, 7]), Array([2, 2]))
    """
    if n < 0:
        raise ValueError(at_user_line(f"order must be non-negative but got {n}"))
    x = strong(as_array_operand(a))
    if x.ndim == 0:
        raise ValueError(at_user_line("diff requires input that is at least one dimensional"))
    place = normalize_axis_index(axis, x.ndim)
    x = _extended(x, place, prepend, append)
    for _ in range(n):
        if x.shape[place] == 0:
            return x
        before, after = _neighbours(x, place)
        x = apply(ops.ne if x.dtype.kind == "b" else ops.sub, after, before)
    return x


def _extended(x: Operand, axis: int, prepend: Any, append: Any) -> Operand:
    parts = [x]
    for extra, place in ((prepend, 0), (append, len(parts) + 1)):
        if extra is None:
            continue
        piece = as_array_operand(extra)
        if piece.ndim == 0:
            piece = spread(piece, tuple([1 if i == axis else m for i, m in enumerate(x.shape)]))
        parts.insert(place, piece)
    if len(parts) == 1:
        return x
    dtype = np.result_type(*[p.dtype for p in parts])
    return apply(ops.concatenate, *[convert(p, dtype) for p in parts], axis=axis)


def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Differences of neighbours of the flattened array, a vector.

    `to_begin` and `to_end` are numbers to put at its ends. Any dtype; integers wrap.

    >>> import jitad.numpy as jnp
    >>> jnp.ediff1d(jnp.array([1, 4, 9]), to_end=0)
    Array([3, 5, 0])
    """
    row = ravel(ary)
    result = subtract(row[1:], row[: max(row.shape[0] - 1, 0)])
    if to_begin is None and to_end is None:
        return result
    begin = None if to_begin is None else convert(ravel(to_begin), result.dtype)
    end = None if to_end is None else convert(ravel(to_end), result.dtype)
    parts = [p for p in (begin, result, end) if p is not None]
    return apply(ops.concatenate, *parts, axis=0)


def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    dtype: Any = None,
) -> Any:
    """Covariance matrix (n, n) of the n variables in the rows of `m` (and `y`).

    Variables are in the columns unless `rowvar`. Sums of products of deviations from the mean,
    divided by N - 1 for N observations (by N if `bias`; by N - ddof if that is given). `fweights`
    says how often each observation counts (integers), `aweights` how much; both are vectors of one
    number for each observation. `dtype` is that of the computation: as for NumPy float64, or
    complex128 of complex numbers, unless it is given. A single variable gives a scalar. Raises
    ValueError for more than two axes.

    >>> import jitad.numpy as jnp
    >>> jnp.cov(jnp.array([[1.0, 2.0, 3.0], [1.0, 0.0, -1.0]]))
    Array([[ 1., -1.],
           [-1.,  1.]])
    """
    x = _variables(m, rowvar)
    if y is not None:
        other = _variables(y, rowvar)
        common = np.result_type(x.dtype, other.dtype)
        x = apply(ops.concatenate, convert(x, common), convert(other, common), axis=0)
    x = convert(x, np.result_type(x.dtype, np.float64) if dtype is None else as_dtype(dtype))
    less = (0 if bias else 1) if ddof is None else ddof
    w = _weights(x, fweights, aweights)
    if w is None:
        count: Any = float(max(x.shape[1] - less, 0))
        centred = weighted = subtract(x, mean(x, 1, keepdims=True))
    else:
        count = total = sum(w)
        centred = subtract(x, divide(sum(multiply(x, w), 1, keepdims=True), total))
        weighted = multiply(centred, w)
        if less and aweights is None:
            count = maximum(subtract(total, less), 0.0)
        elif less:
            twice = sum(multiply(w, convert(as_array_operand(aweights), w.dtype)))
            count = maximum(subtract(total, divide(multiply(twice, less), total)), 0.0)
    conj = apply(ops.conj, weighted) if weighted.dtype.kind == "c" else weighted
    products = apply(ops.dot, centred, conj, contract=((1,), (1,)), batch=((), ()))
    result = divide(products, count)
    return reshape(result, ()) if result.shape == (1, 1) else result


def _weights(x: Operand, fweights: Any, aweights: Any) -> Operand | None:
    """The weight of each observation in the columns of `x`; None if all are 1."""
    product = None
    for name, given in (("fweights", fweights), ("aweights", aweights)):
        if given is None:
            continue
        w = as_array_operand(given)
        if w.shape != (x.shape[1],):
            raise ValueError(
                at_user_line(
                    f"cov: expected {name} of shape {(x.shape[1],)}, one for each observation; "
                    f"got shape {w.shape}"
                )
            )
        if name == "fweights" and w.dtype.kind not in "iu":
            raise TypeError(at_user_line(f"cov: expected integer fweights; got dtype {w.dtype}"))
        w = convert(w, real_dtype(x.dtype))
        product = w if product is None else multiply(product, w)
    return product


def _variables(m: Any, rowvar: bool) -> Operand:
    x = as_array_operand(m)
    if x.ndim > 2:
        raise ValueError(at_user_line("m has more than 2 dimensions"))
    if x.ndim < 2:
        return reshape(x, (1, x.size))
    return x if rowvar or x.shape[0] == 1 else apply(ops.transpose, x, permutation=(1, 0))


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Any:
    """Pearson's correlation coefficients (n, n) of the n variables in the rows of `x` (and `y`).

    Variables are in the columns unless `rowvar`. Covariances divided by the standard deviations;
    nan for a variable that does not vary. `dtype` and errors are those of `cov`.

    >>> import jitad.numpy as jnp
    >>> jnp.corrcoef(jnp.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    Array([[ 1., -1.],
           [-1.,  1.]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return divide(c, c)
    from_diagonal = apply(
        ops.slice,
        reshape(c, (c.size,)),
        start=(0,),
        limit=(c.size,),
        stride=(c.shape[0] + 1,),
    )
    deviations = sqrt(real_part(from_diagonal))
    column = reshape(deviations, (-1, 1))
    return divide(divide(c, column), reshape(deviations, (1, -1)))


def real_part(x: Operand) -> Operand:
    """Real part of complex, and real, operands."""
    return apply(ops.real, x) if x.dtype.kind == "c" else x
