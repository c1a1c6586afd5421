"""Elements around an array: `pad`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops

from .arithmetic import subtract
from .creation import asarray, linspace
from .joining import concatenate
from .picking import take
from .promotion import Operand, as_array_operand, as_operand, convert, strong
from .quantiles import median
from .reduce import max as max_
from .reduce import min as min_
from .rounding import rint
from .shapes import broadcast_to, flip, moveaxis, reshape
from .statistics import mean

_BY_INDEX = ("edge", "reflect", "symmetric", "wrap")
_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": max_,
    "minimum": min_,
    "mean": mean,
    "median": median,
}

Width = tuple[int, int]


def pad(
    array: Any,
    pad_width: Any,
    mode: Any = "constant",
    *,
    constant_values: Any = 0,
    end_values: Any = 0,
    stat_length: Any = None,
    reflect_type: str = "even",
    **options: Any,
) -> Any:
    """`array` with elements around it.

    `pad_width` is a number, (before, after), or one such pair for each axis (a dict of them by
    axis). Modes: "constant" (`constant_values`), "linear_ramp" (to `end_values`), "edge", "reflect"
    and "symmetric" (even, or odd by `reflect_type`), "wrap", "maximum", "minimum", "mean" and
    "median" (of the `stat_length` elements at the edge; None: of all), "empty" (zeros). The options
    are given as `pad_width` is. A function as `mode` gets each padded vector with its widths, axis
    and the keywords left, and returns the vector. Raises ValueError for other keywords and modes.

    >>> import jitad.numpy as jnp
    >>> jnp.pad(jnp.array([1, 2, 3]), (1, 2))
    Array([0, 1, 2, 3, 0, 0])
    >>> jnp.pad(jnp.array([1, 2, 3]), 2, mode="reflect")
    Array([3, 2, 1, 2, 3, 2, 1])
    """
    x = strong(as_array_operand(array))
    widths = _pairs(pad_width, x.ndim)
    if callable(mode):
        return _by_function(x, widths, mode, options)
    if options:
        raise ValueError(
            at_user_line(f"unsupported keyword arguments for mode '{mode}': {set(options)}")
        )
    if mode in ("constant", "empty"):
        return _constant(x, widths, constant_values if mode == "constant" else 0)
    if mode not in (*_BY_INDEX, *_STATISTICS, "linear_ramp"):
        raise ValueError(at_user_line(f"mode '{mode}' is not supported"))
    if reflect_type not in ("even", "odd"):
        raise ValueError(at_user_line(f"expected reflect_type even or odd; got {reflect_type!r}"))
    ends = np.broadcast_to(np.asarray(end_values), (x.ndim, 2)) if mode == "linear_ramp" else None
    lengths = None if stat_length is None else _pairs(stat_length, x.ndim)
    padded = [axis for axis, width in enumerate(widths) if any(width)]
    by_stretches = padded
    if len(padded) > MOST_AXES:
        by_stretches = [axis for axis in padded[-1:] if x.shape[axis] >= LONG]
    if math.prod(x.shape) < LARGE:
        by_stretches = []
    for axis, width in enumerate(widths):
        if not any(width):
            continue
        if mode in ("reflect", "symmetric") and reflect_type == "odd" and x.shape[axis]:
            x = _odd(x, axis, width, mode)
        elif mode in _BY_INDEX:
            places = np.pad(np.arange(x.shape[axis]), width, mode)
            x = take_stretches(x, axis, places) if axis in by_stretches else take(x, places, axis)
        elif ends is not None:
            x = _ramps(x, axis, width, ends[axis])
        else:
            x = _with_statistic(x, axis, width, mode, None if lengths is None else lengths[axis])
    return x


def _pairs(given: Any, ndim: int) -> list[Width]:
    if isinstance(given, dict):
        found = {normalize_axis_index(axis, ndim): w for axis, w in given.items()}
        given = [
            (w, w) if isinstance(w, int) else w for w in [found.get(i, 0) for i in range(ndim)]
        ]
    numbers = np.asarray(given)
    if numbers.dtype.kind not in "iu":
        raise TypeError(at_user_line("`pad_width` must be of integral type."))
    if np.any(numbers < 0):
        raise ValueError(at_user_line("index can't contain negative values"))
    return [(int(before), int(after)) for before, after in np.broadcast_to(numbers, (ndim, 2))]


def _constant(x: Operand, widths: list[Width], values: Any) -> Operand:
    zeros = (0,) * x.ndim
    if np.ndim(values) == 0 or isinstance(values, Tracer):
        value = broadcast_to(convert(as_operand(values), x.dtype), ())
        low, high = tuple([w[0] for w in widths]), tuple([w[1] for w in widths])
        return apply(ops.pad, x, value, low=low, high=high, interior=zeros) if x.ndim else x
    pairs = np.broadcast_to(np.asarray(values), (x.ndim, 2))
    for axis, (width, pair) in enumerate(zip(widths, pairs, strict=True)):
        for side in (0, 1):
            low, high = list(zeros), list(zeros)
            (high if side else low)[axis] = width[side]
            value = convert(pair[side], x.dtype)
            x = apply(ops.pad, x, value, low=tuple(low), high=tuple(high), interior=zeros)
    return x


def _part(x: Operand, axis: int, start: int, stop: int) -> Operand:
    low, high = [0] * x.ndim, list(x.shape)
    low[axis], high[axis] = start, stop
    return apply(ops.slice, x, start=tuple(low), limit=tuple(high), stride=(1,) * x.ndim)


MOST_STRETCHES = 5
"""Parts that a padded axis is put together from; of more, elements are taken one by one."""

MOST_AXES, LARGE, LONG = 2, 4096, 192
"""Axes with such parts, and elements of the array, for which that pays: each part of an axis beside
each part of the other is code of its own. Of more axes, the last one alone, if it is long."""


def take_stretches(x: Operand, axis: int, places: np.ndarray[Any, Any]) -> Operand:
    """The elements at these places along an axis: stretches that rise, fall or stay, side by side,
    so that no place is looked up."""
    steps = np.diff(places)
    stretches: list[tuple[int, int]] = []
    start = 0
    while start < len(places):
        same = steps[start:] == steps[start] if start < len(steps) else steps[:0]
        run = len(same) if same.all() else int(same.argmin())
        end = start + 1 + run if run and abs(steps[start]) <= 1 else start + 1
        stretches.append((start, end))
        start = end
    if len(stretches) > MOST_STRETCHES:
        return take(x, places, axis)
    parts: list[Operand] = []
    for start, end in stretches:
        first, last = int(places[start]), int(places[end - 1])
        part = _part(x, axis, min(first, last), max(first, last) + 1)
        if first == last:
            shape = tuple([end - start if i == axis else m for i, m in enumerate(x.shape)])
            part = broadcast_to(part, shape)
        parts.append(flip(part, axis) if last < first else part)
    return concatenate(parts, axis)


def _odd(x: Operand, axis: int, width: Width, mode: str) -> Operand:
    """Reflections through the edge element: 2 edge - x, again and again where they are short."""
    before, after = width
    n = x.shape[axis]
    if n == 1:
        return take(x, np.zeros(before + 1 + after, np.int64), axis)
    skip = 1 if mode == "reflect" else 0
    while before or after:
        m = x.shape[axis]
        left, right = min(before, m - skip), min(after, m - skip)
        parts = [x]
        if left:
            mirrored = flip(_part(x, axis, skip, skip + left), axis)
            parts.insert(0, subtract(_twice(_part(x, axis, 0, 1)), mirrored))
        if right:
            mirrored = flip(_part(x, axis, m - skip - right, m - skip), axis)
            parts.append(subtract(_twice(_part(x, axis, m - 1, m)), mirrored))
        x = concatenate(parts, axis)
        before, after = before - left, after - right
    return x


def _twice(x: Operand) -> Operand:
    return apply(ops.add, x, x)


def _ramps(x: Operand, axis: int, width: Width, ends: Any) -> Operand:
    """Straight lines from the ends to the edges, which they do not reach."""
    n = x.shape[axis]
    parts = [x]
    for side, edge in ((0, 0), (1, n - 1)):
        if width[side]:
            at_edge = reshape(_part(x, axis, edge, edge + 1), x.shape[:axis] + x.shape[axis + 1 :])
            line = linspace(
                ends[side].astype(x.dtype), at_edge, width[side], endpoint=False, dtype=x.dtype
            )
            line = moveaxis(line, 0, axis)
            parts.insert(0 if side == 0 else len(parts), flip(line, axis) if side else line)
    return concatenate(parts, axis)


def _with_statistic(
    x: Operand, axis: int, width: Width, mode: str, lengths: Width | None
) -> Operand:
    n = x.shape[axis]
    parts = [x]
    for side in (0, 1):
        if not width[side]:
            continue
        count = n if lengths is None else min(lengths[side], n)
        if not count and mode in ("maximum", "minimum"):
            raise ValueError(at_user_line("stat_length of 0 yields no value for padding"))
        rows = _part(x, axis, 0, count) if side == 0 else _part(x, axis, n - count, n)
        value = _STATISTICS[mode](rows, axis, keepdims=True)
        if x.dtype.kind in "iu" and value.dtype != x.dtype:
            value = rint(value)
        shape = [width[side] if i == axis else m for i, m in enumerate(x.shape)]
        piece = broadcast_to(convert(value, x.dtype), shape)
        parts.insert(0 if side == 0 else len(parts), piece)
    return concatenate(parts, axis)


def _by_function(
    x: Operand, widths: list[Width], function: Callable[..., Any], options: dict[str, Any]
) -> Operand:
    """Zeros around, then `function(vector, widths, axis, options)` of each vector of each axis."""
    padded = _constant(x, widths, 0)
    for axis, width in enumerate(widths):
        rows = moveaxis(padded, axis, -1)
        flat = reshape(rows, (-1, rows.shape[-1]))
        vectors = [asarray(function(flat[i], width, axis, options)) for i in range(flat.shape[0])]
        if vectors:
            padded = moveaxis(reshape(concatenate(vectors), rows.shape), -1, axis)
    return padded
