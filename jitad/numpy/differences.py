"""Numerical derivatives along axes, and phases without jumps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.errors import at_user_line
from jitad_ir.types import real_dtype

from .arithmetic import absolute, add, divide, multiply, remainder, subtract
from .joining import concatenate
from .promotion import Operand, as_array_operand, common_dtype, convert, inexact, shape_of, strong
from .reduce import cumsum
from .selection import where
from .shapes import moveaxis, reshape
from .statistics import diff


def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Central differences along each axis (or those of `axis`), one-sided at the edges.

    A tuple of arrays in the shape of `f`, or one if there is one axis. `varargs` is a step for all
    axes, or for each axis a step or the coordinates of its points. Differences at the edges are
    accurate to first order, or to second for `edge_order` 2. Raises ValueError for axes that are
    too short. Not to be confused with `jitad.grad`.

    >>> import jitad.numpy as jnp
    >>> jnp.gradient(jnp.array([1.0, 4.0, 9.0, 16.0]))
    Array([3., 4., 6., 7.])
    """
    x = strong(as_array_operand(f))
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if len(varargs) not in (0, 1, len(axes)):
        raise TypeError(at_user_line("invalid number of arguments"))
    if edge_order not in (1, 2):
        raise ValueError(at_user_line("'edge_order' greater than 2 not supported"))
    steps = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    found = [_along(x, i, step, edge_order) for i, step in zip(axes, steps, strict=True)]
    return found[0] if len(found) == 1 else tuple(found)


def _along(x: Operand, axis: int, step: Any, edge_order: int) -> Operand:
    n = x.shape[axis]
    if n < edge_order + 1:
        raise ValueError(
            at_user_line(
                "Shape of array too small to calculate a numerical gradient, at least "
                "(edge_order + 1) elements are required."
            )
        )
    if x.dtype.kind == "b":
        raise TypeError(at_user_line("gradient: bools have no differences; got an array of bool"))
    x = inexact(x)
    rows = moveaxis(x, axis, 0)
    spacing = as_array_operand(step)
    if spacing.dtype.kind != "c":  # the result has the dtype of f
        spacing = convert(spacing, real_dtype(x.dtype))
    if spacing.ndim == 0:
        result = _uniform(rows, spacing, edge_order)
    elif spacing.ndim == 1:
        if spacing.shape[0] != n:
            raise ValueError(
                at_user_line(
                    "when 1d, distances must match the length of the corresponding dimension"
                )
            )
        widths = diff(inexact(spacing))
        result = _uneven(rows, reshape(widths, (n - 1,) + (1,) * (x.ndim - 1)), edge_order)
    else:
        raise ValueError(at_user_line("distances must be either scalars or 1d"))
    return moveaxis(result, 0, axis)


def _uniform(y: Operand, h: Operand, edge_order: int) -> Operand:
    n = y.shape[0]
    inner = divide(subtract(y[2:], y[: n - 2]), multiply(h, 2.0))
    if edge_order == 1:
        first, last = subtract(y[1:2], y[:1]), subtract(y[n - 1 :], y[n - 2 : n - 1])
    else:
        first = _second_order(y[:1], y[1:2], y[2:3])
        last = multiply(_second_order(y[n - 1 :], y[n - 2 : n - 1], y[n - 3 : n - 2]), -1.0)
    return concatenate([divide(first, h), inner, divide(last, h)])


def _second_order(edge: Operand, next: Operand, third: Operand) -> Operand:
    """(-3 y0 + 4 y1 - y2) / 2"""
    return add(add(multiply(edge, -1.5), multiply(next, 2.0)), multiply(third, -0.5))


def _uneven(y: Operand, widths: Operand, edge_order: int) -> Operand:
    """Differences of points at unequal distances, exact for parabolas inside."""
    n = y.shape[0]
    left, right = widths[: n - 2], widths[1:]
    both = add(left, right)
    a = divide(multiply(right, -1.0), multiply(left, both))
    b = divide(subtract(right, left), multiply(left, right))
    c = divide(left, multiply(right, both))
    inner = add(add(multiply(a, y[: n - 2]), multiply(b, y[1 : n - 1])), multiply(c, y[2:]))
    if edge_order == 1:
        first = divide(subtract(y[1:2], y[:1]), widths[:1])
        last = divide(subtract(y[n - 1 :], y[n - 2 : n - 1]), widths[n - 2 :])
    else:
        first = _uneven_edge(y[:1], y[1:2], y[2:3], widths[:1], widths[1:2])
        last = _uneven_edge(
            y[n - 1 :], y[n - 2 : n - 1], y[n - 3 : n - 2], widths[n - 2 :], widths[n - 3 : n - 2]
        )
        last = multiply(last, -1.0)
    return concatenate([first, inner, last])


def _uneven_edge(y0: Operand, y1: Operand, y2: Operand, h1: Operand, h2: Operand) -> Operand:
    """The derivative at y0 of the parabola through y0, y1 (h1 away) and y2 (h2 farther)."""
    both = add(h1, h2)
    a = divide(multiply(add(add(h1, h1), h2), -1.0), multiply(h1, both))
    b = divide(both, multiply(h1, h2))
    c = divide(multiply(h1, -1.0), multiply(h2, both))
    return add(add(multiply(a, y0), multiply(b, y1)), multiply(c, y2))


def unwrap(p: Any, discont: Any = None, axis: int = -1, period: float = 2 * math.pi) -> Any:
    """`p` with multiples of `period` added along `axis`, so that neighbours differ by little.

    By no more than max(discont, period / 2). Raises AxisError for an axis that `p` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.unwrap(jnp.array([0.0, 3.0, 6.0, 2.0]), period=4)
    Array([ 0., -1., -2., -2.])
    """
    x = strong(as_array_operand(p))
    if x.dtype.kind == "c":
        raise TypeError(at_user_line(f"unwrap: expected real numbers; got dtype {x.dtype}"))
    place = normalize_axis_index(axis, x.ndim)
    dtype = common_dtype([x, np.asarray(period)]) if shape_of(period) else common_dtype([x, period])
    rows = moveaxis(convert(x, dtype), place, 0)
    if not rows.shape[0]:
        return moveaxis(rows, 0, place)
    step = diff(rows, axis=0)
    if dtype.kind in "iu":
        high, odd = divmod(int(period), 2)
        boundary_ambiguous = not odd
    else:
        high, boundary_ambiguous = period / 2, True
    low = -high
    wrapped = add(remainder(subtract(step, low), period), low)
    if boundary_ambiguous:
        at_end = (wrapped == low) & (step > 0)
        wrapped = where(at_end, high, wrapped)
    correction = subtract(wrapped, step)
    limit = period / 2 if discont is None else discont
    correction = where(absolute(step) < limit, 0, correction)
    result = concatenate([rows[:1], add(rows[1:], convert(cumsum(correction, 0), dtype))])
    return moveaxis(result, 0, place)
