"""Sums and relatives over the lanes of a vmap's named axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitad_ir.op import OPS

from ..errors import at_user_line, hides_internals
from ..trace import BatchAxis, apply, current_trace, type_of_argument
from ..tree_util import tree_map


def _axis(axis_name: Any, what: str) -> BatchAxis:
    """The enclosing vmap's axis of this name; raises NameError if there is none."""
    trace = current_trace()
    bound: list[str] = []
    while trace is not None:
        if trace.axis is not None:
            if trace.axis.name == axis_name and axis_name is not None:
                return trace.axis
            bound.append(repr(trace.axis.name))
        trace = trace.parent
    known = ", ".join(bound) or "none"
    raise NameError(
        at_user_line(
            f"{what}: unbound axis name {axis_name!r}; enclosing vmaps bind: {known}. Write "
            f"vmap(f, axis_name={axis_name!r})"
        )
    )


def _gathered(x: Any, axis: BatchAxis) -> Any:
    type_of_argument(x)
    operand = x if hasattr(x, "dtype") else np.asarray(x)
    return apply(OPS["all_gather"], operand, axis_name=axis.name, lanes=axis.size)


def _over_axes(axis_name: Any, what: str, x: Any, fold: Callable[[Any], Any]) -> Any:
    """Fold the gathered lanes of each leaf, over one axis name or a tuple of them."""
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    for name in names:
        axis = _axis(name, what)
        x = tree_map(lambda leaf, axis=axis: fold(_gathered(leaf, axis)), x)
    return x


@hides_internals
def psum(x: Any, axis_name: Any) -> Any:
    """Sum of a pytree over the lanes of the vmap whose `axis_name` this is (or of several).

    >>> import jitad, numpy as np
    >>> jitad.vmap(lambda x: x / jitad.lax.psum(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    Array([0.25, 0.75])
    """
    return _over_axes(
        axis_name, "psum", x, lambda lanes: apply(OPS["reduce_sum"], lanes, axes=(0,))
    )


@hides_internals
def pmax(x: Any, axis_name: Any) -> Any:
    """Maximum over the lanes of a named axis."""
    return _over_axes(
        axis_name, "pmax", x, lambda lanes: apply(OPS["reduce_max"], lanes, axes=(0,))
    )


@hides_internals
def pmin(x: Any, axis_name: Any) -> Any:
    """Minimum over the lanes of a named axis."""
    return _over_axes(
        axis_name, "pmin", x, lambda lanes: apply(OPS["reduce_min"], lanes, axes=(0,))
    )


@hides_internals
def pmean(x: Any, axis_name: Any) -> Any:
    """Mean over the lanes of a named axis; integers are averaged as float64."""
    lanes = axis_size(axis_name)

    def mean(leaf: Any) -> Any:
        total = psum(leaf, axis_name)
        return total / lanes

    return tree_map(mean, x)


@hides_internals
def all_gather(x: Any, axis_name: Any) -> Any:
    """The value of every lane of a named axis, stacked along a new leading axis."""
    axis = _axis(axis_name, "all_gather")
    return tree_map(lambda leaf: _gathered(leaf, axis), x)


@hides_internals
def axis_index(axis_name: Any) -> Any:
    """The number of this lane along a named axis: int64."""
    axis = _axis(axis_name, "axis_index")
    return apply(OPS["axis_index"], axis_name=axis.name, lanes=axis.size)


@hides_internals
def axis_size(axis_name: Any) -> int:
    """The number of lanes of a named axis, or of the product of several."""
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    size = 1
    for name in names:
        size *= _axis(name, "axis_size").size
    return size
