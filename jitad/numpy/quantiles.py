"""Order statistics: medians, quantiles and percentiles, weighted or not."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply, no_trace
from jitad_ir import ops
from jitad_ir.types import INT64

from .arithmetic import add, divide, multiply, subtract
from .creation import full
from .half import in_single
from .joining import concatenate
from .picking import take_along_axis
from .promotion import Operand, as_array_operand, convert, filled, inexact, no_out, strong
from .reduce import any as any_
from .selection import clip, maximum, minimum, where
from .shapes import broadcast_to, moveaxis, reshape, transpose


def median(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """Middle element over `axis`, or the mean of the two in the middle.

    `axis` is an int, a tuple, or None for all; nan if there is one, or no element. Real, integers
    in float64; of complex numbers as for NumPy by real part, then imaginary part. The elements in
    the middle take the derivative. `keepdims` as for `sum`; `overwrite_input` makes no difference.

    >>> import jitad.numpy as jnp
    >>> jnp.median(jnp.array([[3.0, 1.0, 2.0], [4.0, 8.0, 6.0]]), axis=1)
    Array([2., 6.])
    """
    no_out(out)
    return quantile_of(a, 0.5, axis, "midpoint", keepdims, ignore_nan=False)


def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
    out_sharding: None = None,
) -> Any:
    """Quantiles over `axis` at `q` percent, in [0, 100]: `quantile` at q / 100.

    Arguments and errors are those of `quantile`.

    >>> import jitad.numpy as jnp
    >>> jnp.percentile(jnp.arange(11.0), jnp.array([5, 50]))
    Array([0.5, 5. ])
    """
    return quantile(a, hundredths(q), axis, out, False, method, keepdims, weights=weights)


def hundredths(q: Any) -> Operand:
    """q / 100, which is known if q is."""
    levels = as_array_operand(q)
    with nullcontext() if isinstance(levels, Tracer) else no_trace():
        return divide(levels, 100)


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Quantiles over `axis` (an int, a tuple, or None for all) at `q` in [0, 1].

    nan if one element is nan, or if there are none. `q` may be an array, whose axes come first in
    the result. Between elements, `method` says "linear", "lower", "higher", "midpoint", "nearest",
    "hazen", "weibull", "median_unbiased", "normal_unbiased", "interpolated_inverted_cdf" or
    "inverted_cdf", as for NumPy. `weights` of the elements, in the shape of `a` or of its axis
    `axis`, need the last of these: the quantile is then the first element at which the running
    share of weights reaches q. Raises ValueError for other methods. `keepdims` as for `sum`;
    `overwrite_input` makes no difference.

    >>> import jitad.numpy as jnp
    >>> jnp.quantile(jnp.arange(5.0), jnp.array([0.25, 0.9]))
    Array([1. , 3.6])
    >>> jnp.quantile(jnp.arange(5.0), 0.3, weights=[1, 1, 1, 1, 6], method="inverted_cdf")
    Array(2.)
    """
    no_out(out)
    require_real(a)
    return quantile_of(a, q, axis, method, keepdims, weights, ignore_nan=False)


def require_real(a: Any) -> None:
    """Raise TypeError for complex numbers, of which there are medians, as for NumPy, and no other
    quantiles."""
    if as_array_operand(a).dtype.kind == "c":
        raise TypeError(at_user_line("a must be an array of real numbers"))


_PLOTTING_POSITIONS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
"""alpha and beta by which the element of rank k (from 1) is the quantile at (k - alpha) /
(n + 1 - alpha - beta). (Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996.)"""
_METHODS = (
    *("linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf"),
    *_PLOTTING_POSITIONS,
)
_INTERPOLATING = ("linear", "midpoint", *_PLOTTING_POSITIONS)


def _place(q: Operand, last: Any, method: str) -> Operand:
    """Where in rows of the sorted elements 0 ... `last` the quantiles at `q` lie; fractions lie
    between two elements."""
    if method == "inverted_cdf":
        rank = apply(ops.ceil, multiply(q, add(last, 1.0)))
        return maximum(subtract(rank, 1.0), 0.0)
    if method not in _PLOTTING_POSITIONS:
        return multiply(q, last)
    alpha, beta = _PLOTTING_POSITIONS[method]
    rank = add(multiply(q, add(last, 1.0)), add(multiply(q, 1.0 - alpha - beta), alpha))
    return minimum(maximum(subtract(rank, 1.0), 0.0), last)


@in_single
def quantile_of(
    a: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: bool,
    weights: Any = None,
    *,
    ignore_nan: bool,
) -> Operand:
    """`quantile`, or `nanquantile` if `ignore_nan`: then of the rows' elements that are numbers,
    which sorting puts in front."""
    if method not in _METHODS:
        raise ValueError(at_user_line(f"expected method {', '.join(_METHODS)}; got {method!r}"))
    if weights is not None and method != "inverted_cdf":
        raise ValueError(
            at_user_line(f"method {method!r} does not support weights; write method='inverted_cdf'")
        )
    x = strong(as_array_operand(a))
    target = inexact(x).dtype if method in _INTERPOLATING else x.dtype
    rows, kept = _rows(x, axis)
    levels = inexact(as_array_operand(q))
    known = not isinstance(levels, Tracer)
    if known and not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError(at_user_line("Quantiles must be in the range [0, 1]"))
    if target.kind == "f":
        with no_trace() if known else nullcontext():
            levels = convert(levels, target)
    if rows.shape[-1] == 0:
        result = full((*levels.shape, *rows.shape[:-1]), math.nan, inexact(x).dtype)
    elif weights is None:
        result = _of_rows(rows, target, levels, method, ignore_nan)
    else:
        of_rows = _weights_of_rows(weights, x, axis)
        result = _weighted(rows, of_rows, levels, ignore_nan)
    whole = [1 if i in kept else m for i, m in enumerate(x.shape)]
    return reshape(result, (*levels.shape, *whole)) if keepdims else result


def _of_rows(
    rows: Operand, target: np.dtype, levels: Operand, method: str, ignore_nan: bool
) -> Operand:
    """Quantiles (levels, rows) of rows (..., n), in the dtype `target`."""
    *rest, n = rows.shape
    shape = (*levels.shape, *rest)
    column = broadcast_to(reshape(levels, (*levels.shape, *[1] * len(rest))), shape)
    last: Any = float(n - 1)
    unknown = None
    if rows.dtype.kind == "f":
        if ignore_nan:
            count = _numbers_in(rows)
            unknown = apply(ops.eq, count, 0)
            last = broadcast_to(subtract(count, 1.0), shape)
        else:
            unknown = any_(apply(ops.ne, rows, rows), -1)
    result = _between(rows, target, _place(column, last, method), method)
    if unknown is not None:
        result = where(broadcast_to(unknown, result.shape), math.nan, result)
    return result


def _numbers_in(rows: Operand) -> Operand:
    """How many elements of each row are not nan, in the dtype of the rows."""
    is_number = convert(apply(ops.eq, rows, rows), INT64)
    return convert(apply(ops.reduce_sum, is_number, axes=(rows.ndim - 1,)), rows.dtype)


def _weights_of_rows(weights: Any, x: Operand, axis: Any) -> Operand:
    """The weight of each element of the rows that `_rows` makes of `x`."""
    w = inexact(as_array_operand(weights))
    if w.shape != x.shape:
        if axis is None or np.ndim(axis) or w.shape != (x.shape[axis],):
            raise ValueError(
                at_user_line(
                    "weights: expected the shape of a, or of its one axis `axis`; got shape "
                    f"{w.shape} for {x.shape}"
                )
            )
        w = reshape(w, [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])
        w = broadcast_to(w, x.shape)
    return _rows(w, axis)[0]


def _weighted(rows: Operand, weights: Operand, levels: Operand, ignore_nan: bool) -> Operand:
    """The first elements of sorted rows at which the running sums of weights reach q times their
    totals."""
    axis = rows.ndim - 1
    is_number = apply(ops.eq, rows, rows)
    if ignore_nan:
        weights = apply(ops.select, is_number, weights, filled(weights, 0))
    ordered, of_ordered = apply(ops.sort, rows, weights, axis=axis, num_keys=1, descending=False)
    reached = apply(ops.cumsum, of_ordered, axis=axis, reverse=False)
    total = apply(ops.reduce_sum, of_ordered, axes=(axis,))
    # Elements without weight in front are not the quantile at 0.
    reached = where(apply(ops.eq, reached, 0), -1.0, reached)
    count = levels.ndim
    goals = multiply(reshape(levels, (*levels.shape, *[1] * total.ndim)), total)
    shape = (*goals.shape, rows.shape[-1])
    before = apply(
        ops.lt,
        broadcast_to(convert(reached, goals.dtype), shape),
        broadcast_to(reshape(goals, (*goals.shape, 1)), shape),
    )
    place = apply(ops.reduce_sum, convert(before, INT64), axes=(len(shape) - 1,))
    place = clip(place, 0, rows.shape[-1] - 1)
    first = reshape(ordered, (1,) * count + ordered.shape)
    result = take_along_axis(first, reshape(place, (*place.shape, 1)), -1)[..., 0]
    if rows.dtype.kind != "f":
        return result
    known = apply(ops.reduce_or if ignore_nan else ops.reduce_and, is_number, axes=(axis,))
    return where(known, result, math.nan)


FEW_RANKS = 16
"""So many elements of long rows are found in linear time rather than by sorting."""


def _is_long(rows: Operand, ranks: int) -> bool:
    """Whether that pays: of each two ranks, which are neighbours, another search; many rows make up
    for the time it takes to compile."""
    searches = (ranks + 1) // 2
    each = 512 if searches == 1 and math.prod(rows.shape) >= 1 << 16 else 1024
    return ranks <= FEW_RANKS and rows.shape[-1] > each * searches


def _at_ranks(rows: Operand, places: Operand) -> Operand:
    """Elements of the rows (..., n) that are in these places (..., m) when the rows are sorted."""
    last = rows.ndim - 1
    places = clip(convert(places, INT64), 0, rows.shape[last] - 1)
    if rows.dtype.kind != "c" and _is_long(rows, places.shape[last]):
        return apply(ops.order_statistics, rows, places)[0]
    ordered = apply(ops.sort, rows, axis=last, num_keys=1, descending=False)[0]
    return take_along_axis(ordered, places, -1)


def _rows(x: Operand, axis: Any) -> tuple[Operand, tuple[int, ...]]:
    """`x` with the axes `axis` as one behind the others, and which they were."""
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    count = math.prod([x.shape[i] for i in axes])
    moved = transpose(x, (*rest, *axes))
    return reshape(moved, (*[x.shape[i] for i in rest], count)), axes


def _between(rows: Operand, target: np.dtype, virtual: Operand, method: str) -> Operand:
    """Elements of rows (the last axis), in the dtype `target`, at fractional places when they are
    sorted, given for each row by their last axes; their first ones are those of the levels."""
    low, high = apply(ops.floor, virtual), apply(ops.ceil, virtual)
    lead = rows.ndim - 1

    def elements(*places: Operand) -> list[Operand]:
        count = math.prod(virtual.shape[: virtual.ndim - lead])
        flat = [reshape(place, (count, 1, *rows.shape[:lead])) for place in places]
        side_by_side = concatenate(flat, 1)  # neighbours are sought one after the other
        by_row = moveaxis(reshape(side_by_side, (count * len(flat), *rows.shape[:lead])), 0, -1)
        found = convert(moveaxis(_at_ranks(rows, by_row), -1, 0), target)
        found = reshape(found, side_by_side.shape)
        return [reshape(found[:, i], virtual.shape) for i in range(len(flat))]

    if method == "nearest":
        return elements(apply(ops.round, virtual))[0]
    if method in ("lower", "inverted_cdf"):
        return elements(low)[0]
    if method == "higher":
        return elements(high)[0]
    below, above = elements(low, high)
    if method == "midpoint":
        return multiply(add(below, above), 0.5)
    share = convert(apply(ops.sub, virtual, low), below.dtype)
    step = subtract(above, below)
    # From the nearer end, as NumPy does: exact at both.
    from_below = add(below, multiply(step, share))
    from_above = subtract(above, multiply(step, subtract(1.0, share)))
    return apply(ops.select, apply(ops.ge, share, 0.5), from_above, from_below)
