"""Counting: histograms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import FLOAT64, INT64

from .arithmetic import divide, multiply, subtract
from .creation import linspace, zeros
from .joining import stack
from .picking import take
from .promotion import (
    as_array_operand,
    common_dtype,
    convert,
    inexact,
    promote_to_common,
)
from .reduce import max as max_
from .reduce import min as min_
from .reduce import sum as sum_
from .selection import clip, where
from .shapes import broadcast_to, ravel, reshape
from .sorting import searchsorted
from .statistics import diff


def bincount(
    x: Any,
    weights: Any = None,
    minlength: int = 0,
    *,
    length: int | None = None,
    out_sharding: None = None,
) -> Any:
    """Number of times each of 0, 1, 2, ... occurs in the vector `x`, or the sum of their `weights`.

    int64, or float64 with `weights`. At least `minlength` numbers; `length` is the static length of
    the result: numbers from there on are not counted. Without it the elements of `x` must be known
    while tracing. Raises ValueError for negative numbers that are known.

    >>> import jitad.numpy as jnp
    >>> jnp.bincount(jnp.array([0, 2, 2, 3]))
    Array([1, 0, 2, 1])
    """
    found = ravel(x)
    if found.dtype.kind not in "iub":
        raise TypeError(at_user_line(f"expected integers; got dtype {found.dtype}"))
    found = convert(found, INT64)
    if length is None:
        if isinstance(found, Tracer) and found.concrete is None:
            raise TypeError(
                at_user_line(
                    f"bincount of a traced array needs length=, the static length of the result: "
                    f"the elements of {found.type!r} are not known"
                )
            )
        known = np.asarray(found.concrete if isinstance(found, Tracer) else found)
        if known.size and known.min() < 0:
            raise ValueError(at_user_line("'list' argument must have no negative elements"))
        length = max(int(known.max()) + 1 if known.size else 0, minlength)
    if weights is None:
        return apply(ops.bincount, found, length=length, batch=0)
    amounts = convert(ravel(weights), FLOAT64)
    if amounts.shape != found.shape:
        raise ValueError(at_user_line("The weights and list don't have the same length."))
    counts = zeros((length,), amounts.dtype)
    if not length or not found.shape[0]:
        return counts
    return apply(
        ops.scatter_add,
        counts,
        reshape(amounts, (-1, 1)),
        found,  # negative ones are dropped, too
        axes=(0,),
        batch=0,
        mode="drop",
        unique=False,
    )


def _is_sequence(bins: Any) -> bool:
    return isinstance(bins, (list, tuple)) or np.ndim(bins) > 0


def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Edges of `bins` equal bins over `range`; `bins` itself if it is a sequence.

    The range is (least, greatest): by default those of the elements. Raises ValueError for no bins.

    >>> import jitad.numpy as jnp
    >>> jnp.histogram_bin_edges(jnp.array([0.0, 1.0]), bins=4)
    Array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    if isinstance(bins, str):
        raise NotImplementedError(
            at_user_line(f"expected a number of bins or their edges; got {bins!r}")
        )
    if _is_sequence(bins):
        edges = as_array_operand(bins)
        if isinstance(edges, np.ndarray) and (edges[:-1] > edges[1:]).any():
            raise ValueError(at_user_line("`bins` must increase monotonically, when an array"))
        return edges
    if isinstance(bins, (float, np.floating)):
        raise TypeError(
            at_user_line(f"`bins` must be an integer, or the edges of the bins; got {bins!r}")
        )
    if bins < 1:
        raise ValueError(at_user_line(f"`bins` must be positive; got {bins}"))
    x = ravel(a)
    if range is not None:
        low, high = (as_array_operand(bound) for bound in range)
    elif x.shape[0]:
        low, high = min_(x), max_(x)
    else:
        low, high = as_array_operand(0.0), as_array_operand(1.0)
    low, high = promote_to_common((inexact(low), inexact(high)))
    same = apply(ops.eq, low, high)
    low, high = where(same, subtract(low, 0.5), low), where(same, subtract(high, -0.5), high)
    return linspace(low, high, int(bins) + 1)


def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: Any = None
) -> tuple[Any, Any]:
    """(counts, edges): how many elements, or what sum of `weights`, lie in each bin.

    `bins` is a number of equal bins over `range` (default: from the least element to the greatest),
    or the edges. The last bin is closed, the others half open. `density` divides by the total and
    the widths. Raises ValueError for no bins, and for known edges that fall.

    >>> import jitad.numpy as jnp
    >>> jnp.histogram(jnp.array([0.5, 1.5, 1.7]), bins=jnp.array([0.0, 1.0, 2.0]))
    (Array([1, 2]), Array([0., 1., 2.]))
    """
    x = ravel(a)
    edges = histogram_bin_edges(x, bins, range, weights)
    place, count = _bin_of(x, edges, not _is_sequence(bins))
    counts = bincount(place, weights, length=count)
    if weights is not None:
        counts = convert(counts, common_dtype([as_array_operand(weights)]))
    if density:
        counts = divide(counts, multiply(sum_(counts), diff(edges)))
    return counts, edges


def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: Any = None
) -> tuple[Any, list[Any]]:
    """(counts, list of edges for each axis) of points in d dimensions.

    They are the rows of `sample` (n, d), or a sequence of their d coordinates. `bins` is a number,
    or for each axis a number or the edges. Other arguments as for `histogram`.

    >>> import jitad.numpy as jnp
    >>> jnp.histogramdd(jnp.array([[0.0, 0.0], [1.0, 1.0], [1.0, 0.0]]), bins=2)[0]
    Array([[1., 0.],
           [1., 1.]])
    """
    if isinstance(sample, (list, tuple)):
        points = stack([ravel(x) for x in sample], -1)
    else:
        points = as_array_operand(sample)
        points = reshape(points, (-1, 1)) if points.ndim == 1 else points
    if points.ndim != 2:
        raise ValueError(at_user_line(f"expected points in rows; got shape {points.shape}"))
    axes = points.shape[1]
    each = list(bins) if _is_sequence(bins) else [bins] * axes
    bounds = [None] * axes if range is None else list(range)
    if len(each) != axes or len(bounds) != axes:
        raise ValueError(
            at_user_line("The dimension of bins must be equal to the dimension of the sample x.")
        )
    edges, counts = [], []
    flat, inside = None, None
    for i, (of_axis, bound) in enumerate(zip(each, bounds, strict=True)):
        x = points[:, i]  # type: ignore[index]
        found = histogram_bin_edges(x, of_axis, bound)
        place, count = _bin_of(x, found, not _is_sequence(of_axis))
        within = apply(ops.bitwise_and, apply(ops.ge, place, 0), apply(ops.lt, place, count))
        flat = place if flat is None else apply(ops.add, apply(ops.mul, flat, count), place)
        inside = within if inside is None else apply(ops.bitwise_and, inside, within)
        edges.append(found)
        counts.append(count)
    total = math.prod(counts)
    result = reshape(
        convert(bincount(where(inside, flat, total), weights, length=total), FLOAT64), counts
    )
    if density:
        result = divide(result, sum_(result))
        for i, found in enumerate(edges):
            shape = [-1 if axis == i else 1 for axis, _ in enumerate(edges)]
            result = divide(result, reshape(diff(found), shape))
    return result, edges


def _bin_of(x: Any, edges: Any, uniform: bool) -> tuple[Any, int]:
    """The bin of each element, below 0 or from the number of bins on if in none; that number.
    `uniform` edges are equally far apart."""
    count = edges.shape[0] - 1
    dtype = common_dtype([x, edges])
    x, edges = convert(x, dtype), convert(edges, dtype)
    if uniform:
        place = _uniform_bin(x, edges, count)
    else:
        place = apply(ops.sub, searchsorted(edges, x, "right"), 1)
    last = broadcast_to(edges[count], x.shape)
    place = where(apply(ops.eq, x, last), count - 1, place)
    return where(apply(ops.gt, x, last), count, place), count


def _uniform_bin(x: Any, edges: Any, count: int) -> Any:
    """By one division, which rounding may put one bin too far: edges decide, as in NumPy."""
    first, last = broadcast_to(edges[0], x.shape), broadcast_to(edges[count], x.shape)
    share = divide(subtract(x, first), subtract(last, first))
    guess = clip(convert(multiply(share, float(count)), INT64), 0, count - 1)
    low = take(edges, guess, mode="clip")
    high = take(edges, apply(ops.add, guess, 1), mode="clip")
    place = apply(ops.sub, guess, convert(apply(ops.lt, x, low), INT64))
    place = apply(ops.add, place, convert(apply(ops.ge, x, high), INT64))
    # nan is in no bin, and lies behind all of them.
    return where(apply(ops.ge, x, first), place, where(apply(ops.lt, x, first), -1, count))


def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: bool = False,
    weights: Any = None,
) -> tuple[Any, Any, Any]:
    """(counts, edges of x, edges of y) of points in the plane.

    Vectors `x` and `y` are their coordinates; counts are (nx, ny). `bins` is a number, the edges
    for both axes, or a pair of such. Other arguments as for `histogram`.

    >>> import jitad.numpy as jnp
    >>> x, y = jnp.array([0.0, 1.0, 1.0]), jnp.array([0.0, 0.0, 1.0])
    >>> counts, x_edges, y_edges = jnp.histogram2d(x, y, bins=2)
    >>> counts
    Array([[1., 0.],
           [1., 1.]])
    """
    if _is_sequence(bins) and len(bins) > 2:
        bins = [bins, bins]
    counts, edges = histogramdd((x, y), bins, range, density, weights)
    return counts, edges[0], edges[1]
