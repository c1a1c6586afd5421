"""Sums and relatives over the lanes of a vmap's named axis, or over those of groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from jitad_ir.op import OPS

from ..argument_types import type_of_argument
from ..errors import at_user_line, hides_internals
from ..trace import BatchAxis, apply, current_trace
from ..tree_util import tree_map

Groups: TypeAlias = Sequence[Sequence[int]] | None


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


class _Lanes:
    """The lanes of a named axis that a collective is over: all, or those of this lane's group."""

    def __init__(self, axis: BatchAxis, groups: Sequence[Sequence[int]] | None, what: str) -> None:
        self.axis, self.name, self.size = axis, axis.name, axis.size
        self._members: Any = None
        self._places: Any = None
        if groups is None:
            return
        table = _group_table(groups, axis.size, what)
        self.size = table.shape[1]
        self._members, self._places = (
            np.empty((axis.size, self.size), np.int64),
            np.empty(axis.size, np.int64),
        )
        for group in table:
            self._members[group] = group
            self._places[group] = np.arange(self.size)

    def index(self) -> Any:
        """The number of this lane among them."""
        lane = apply(OPS["axis_index"], axis_name=self.axis.name, lanes=self.axis.size)
        return lane if self._places is None else _row(self._places, lane, 0)

    def gathered(self, x: Any) -> Any:
        """The values of all of them, stacked."""
        type_of_argument(x)
        operand = x if hasattr(x, "dtype") else np.asarray(x)
        whole = apply(OPS["all_gather"], operand, axis_name=self.axis.name, lanes=self.axis.size)
        if self._members is None:
            return whole
        lane = apply(OPS["axis_index"], axis_name=self.axis.name, lanes=self.axis.size)
        rows: dict[str, Any] = {"axes": (0,), "sizes": (1,), "batch": 0, "fill": 0}
        own = _row(self._members, lane, 0)
        found = apply(OPS["gather"], whole, own, mode="promise_in_bounds", **rows)
        return apply(OPS["reshape"], found, shape=(self.size, *whole.shape[1:]))


def _group_table(groups: Sequence[Sequence[int]], lanes: int, what: str) -> Any:
    """The groups as rows; raises ValueError unless each lane is in one of them, of one length."""
    rows = [list(group) for group in groups]
    listed = sorted([lane for row in rows for lane in row])
    if listed != list(range(lanes)) or len({len(row) for row in rows}) != 1:
        raise ValueError(
            at_user_line(
                f"{what}: expected axis_index_groups of one length, in which each of the lanes 0 "
                f"to {lanes - 1} occurs once; got {rows}"
            )
        )
    return np.array(rows)


def _row(x: Any, index: Any, axis: int) -> Any:
    """The part of x at `index` along `axis`, without that axis."""
    zero = np.int64(0)
    starts = [index if a == axis else zero for a in range(x.ndim)]
    sizes = tuple([1 if a == axis else n for a, n in enumerate(x.shape)])
    part = apply(OPS["dynamic_slice"], x, *starts, sizes=sizes)
    return apply(OPS["reshape"], part, shape=x.shape[:axis] + x.shape[axis + 1 :])


def _over_axes(axis_name: Any, groups: Groups, what: str, x: Any, fold: str) -> Any:
    """The lanes of each leaf folded by an op, over one axis name or a tuple of them."""
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    if groups is not None and len(names) > 1:
        raise ValueError(at_user_line(f"{what}: axis_index_groups are of one axis; got {names!r}"))
    for name in names:
        lanes = _Lanes(_axis(name, what), groups, what)
        x = tree_map(lambda leaf, lanes=lanes: apply(OPS[fold], lanes.gathered(leaf), axes=(0,)), x)
    return x


@hides_internals
def psum(x: Any, axis_name: Any, *, axis_index_groups: Groups = None) -> Any:
    """Sum of a pytree over the lanes of the vmap whose `axis_name` this is (or of several).

    `axis_index_groups` (of all collectives) are lists of lane numbers, in which each lane occurs
    once: the sum is then over the lanes of a lane's own group. Raises ValueError for other lists,
    and for groups of different lengths.

    >>> import jitad, numpy as np
    >>> jitad.vmap(lambda x: x / jitad.lax.psum(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    Array([0.25, 0.75])
    """
    return _over_axes(axis_name, axis_index_groups, "psum", x, "reduce_sum")


@hides_internals
def pmax(x: Any, axis_name: Any, *, axis_index_groups: Groups = None) -> Any:
    """Maximum over the lanes of a named axis: of each leaf of the pytree `x`, whose shape and dtype
    it keeps. NameError if no enclosing vmap has that `axis_name`; groups as in `psum`.

    >>> import jitad
    >>> from jitad import lax
    >>> import numpy as np
    >>> jitad.vmap(lambda x: lax.pmax(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    Array([3., 3.])
    """
    return _over_axes(axis_name, axis_index_groups, "pmax", x, "reduce_max")


@hides_internals
def pmin(x: Any, axis_name: Any, *, axis_index_groups: Groups = None) -> Any:
    """Minimum over the lanes of a named axis: of each leaf of the pytree `x`, whose shape and dtype
    it keeps. NameError if no enclosing vmap has that `axis_name`; groups as in `psum`.

    >>> import jitad
    >>> from jitad import lax
    >>> import numpy as np
    >>> jitad.vmap(lambda x: lax.pmin(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    Array([1., 1.])
    """
    return _over_axes(axis_name, axis_index_groups, "pmin", x, "reduce_min")


@hides_internals
def pmean(x: Any, axis_name: Any, *, axis_index_groups: Groups = None) -> Any:
    """Mean over the lanes of a named axis: of each leaf of the pytree `x`, whose shape it keeps;
    integers are averaged as float64. NameError if no enclosing vmap has that `axis_name`; groups as
    in `psum`.

    >>> import jitad
    >>> from jitad import lax
    >>> import numpy as np
    >>> jitad.vmap(lambda x: x - lax.pmean(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    Array([-1.,  1.])
    """
    lanes = axis_size(axis_name) if axis_index_groups is None else len(axis_index_groups[0])

    def mean(leaf: Any) -> Any:
        return psum(leaf, axis_name, axis_index_groups=axis_index_groups) / lanes

    return tree_map(mean, x)


@hides_internals
def all_gather(
    x: Any,
    axis_name: Any,
    *,
    axis_index_groups: Groups = None,
    axis: int = 0,
    tiled: bool = False,
) -> Any:
    """The value of every lane of a named axis, stacked along a new axis at place `axis`, or, if
    `tiled`, one after the other along the axis there is.

    >>> import jitad, numpy as np
    >>> from jitad import lax
    >>> jitad.vmap(lambda x: lax.all_gather(x, "i"), axis_name="i")(np.array([1.0, 3.0]))
    Array([[1., 3.],
           [1., 3.]])
    """
    lanes = _Lanes(_axis(axis_name, "all_gather"), axis_index_groups, "all_gather")

    def gather(leaf: Any) -> Any:
        return _placed(lanes.gathered(leaf), axis, tiled)

    return tree_map(gather, x)


def _placed(stacked: Any, axis: int, tiled: bool) -> Any:
    """The leading axis moved to place `axis`; if `tiled`, made one with the axis there."""
    rest = stacked.ndim - 1
    place = axis + (rest if tiled else rest + 1) if axis < 0 else axis
    order = (*range(1, place + 1), 0, *range(place + 1, rest + 1))
    moved = apply(OPS["transpose"], stacked, permutation=order)
    if not tiled:
        return moved
    shape = moved.shape
    merged = shape[place] * shape[place + 1]
    return apply(OPS["reshape"], moved, shape=(*shape[:place], merged, *shape[place + 2 :]))


def _divided(x: Any, axis: int, here: _Lanes, tiled: bool, what: str) -> Any:
    """x with the length of `axis` as (lanes, rest) if `tiled`; raises ValueError if it does not
    divide among the lanes."""
    n, lanes = x.shape[axis], here.size
    fits = n % lanes == 0 if tiled else n == lanes
    if not fits:
        expected = f"a multiple of {lanes}" if tiled else str(lanes)
        raise ValueError(
            at_user_line(
                f"{what}: expected axis {axis} to have length {expected}, the number of lanes of "
                f"{here.name!r}; got shape {x.shape}"
            )
        )
    if not tiled:
        return x
    shape = (*x.shape[:axis], lanes, n // lanes, *x.shape[axis + 1 :])
    return apply(OPS["reshape"], x, shape=shape)


@hides_internals
def all_to_all(
    x: Any,
    axis_name: Any,
    split_axis: int,
    concat_axis: int,
    *,
    axis_index_groups: Groups = None,
    tiled: bool = False,
) -> Any:
    """Part j of lane i goes to lane j, as part i: a transposition of lanes and parts.

    The parts lie along `split_axis`, as long as there are lanes, and in the result along a new axis
    at place `concat_axis`. If `tiled`, `split_axis` holds a multiple of that and stays; the parts
    are put one after the other along `concat_axis`. Raises ValueError for other lengths.

    >>> import jitad, numpy as np
    >>> from jitad import lax
    >>> x = np.array([[1, 2], [3, 4]])
    >>> jitad.vmap(lambda row: lax.all_to_all(row, "i", 0, 0), axis_name="i")(x)
    Array([[1, 3],
           [2, 4]])
    """
    here = _Lanes(_axis(axis_name, "all_to_all"), axis_index_groups, "all_to_all")

    def exchange(leaf: Any) -> Any:
        operand = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
        place = split_axis + operand.ndim if split_axis < 0 else split_axis
        parts = _divided(operand, place, here, tiled, "all_to_all")
        received = _row(here.gathered(parts), here.index(), place + 1)
        return _placed(received, concat_axis, tiled)

    return tree_map(exchange, x)


@hides_internals
def pswapaxes(x: Any, axis_name: Any, axis: int, *, axis_index_groups: Groups = None) -> Any:
    """The lanes of a named axis and an axis as long as there are lanes, exchanged: `all_to_all`
    from and to place `axis`.

    >>> import jitad, numpy as np
    >>> from jitad import lax
    >>> x = np.array([[1, 2], [3, 4]])
    >>> jitad.vmap(lambda row: lax.pswapaxes(row, "i", 0), axis_name="i")(x)
    Array([[1, 3],
           [2, 4]])
    """
    return all_to_all(x, axis_name, axis, axis, axis_index_groups=axis_index_groups)


@hides_internals
def pshuffle(x: Any, axis_name: Any, perm: Any) -> Any:
    """Lane i receives the value of lane `perm[i]`, where `perm` is a permutation of all lanes.

    >>> import jitad, numpy as np
    >>> from jitad import lax
    >>> jitad.vmap(lambda x: lax.pshuffle(x, "i", [2, 0, 1]), axis_name="i")(np.arange(3))
    Array([2, 0, 1])
    """
    lanes = _axis(axis_name, "pshuffle").size
    if sorted(perm) != list(range(lanes)):
        raise ValueError(
            at_user_line(f"pshuffle: expected a permutation of range({lanes}); got {perm}")
        )
    return ppermute(x, axis_name, [(source, target) for target, source in enumerate(perm)])


@hides_internals
def ppermute(x: Any, axis_name: Any, perm: Any) -> Any:
    """Values passed from lane to lane: lane d receives that of lane s for each pair (s, d) of
    `perm`; lanes that receive none have zeros. Raises ValueError for lanes that there are not, or
    that occur twice.

    >>> import jitad, numpy as np
    >>> from jitad import lax
    >>> shift = lambda x: lax.ppermute(x, "i", [(0, 1), (1, 2)])
    >>> jitad.vmap(shift, axis_name="i")(np.array([1.0, 2.0, 3.0]))
    Array([0., 1., 2.])
    """
    here = _Lanes(_axis(axis_name, "ppermute"), None, "ppermute")
    pairs = [(int(source), int(target)) for source, target in perm]
    for side in zip(*pairs, strict=True):
        if len(set(side)) != len(side) or not all([0 <= lane < here.size for lane in side]):
            raise ValueError(
                at_user_line(
                    f"ppermute: expected pairs of distinct sources and of distinct targets, lanes "
                    f"0 to {here.size - 1}; got {pairs}"
                )
            )
    source, receives = np.zeros(here.size, np.int64), np.zeros(here.size, np.bool_)
    for s, d in pairs:
        source[d], receives[d] = s, True
    number, takes = _row(source, here.index(), 0), _row(receives, here.index(), 0)

    def move(leaf: Any) -> Any:
        sent = _row(here.gathered(leaf), number, 0)
        keep = apply(OPS["broadcast"], takes, shape=sent.shape, dims=())
        zero = apply(OPS["full"], value=0, shape=sent.shape, dtype=sent.dtype)
        return apply(OPS["select"], keep, sent, zero)

    return tree_map(move, x)


@hides_internals
def psum_scatter(
    x: Any,
    axis_name: Any,
    *,
    scatter_dimension: int = 0,
    axis_index_groups: Groups = None,
    tiled: bool = False,
) -> Any:
    """Sum over lanes, of which lane i keeps part i along `scatter_dimension`: an axis as long as
    there are lanes, which goes; or, if `tiled`, of a multiple of that length, which stays.

    >>> import jitad, numpy as np
    >>> from jitad import lax
    >>> x = np.array([[1, 2], [30, 40]])
    >>> jitad.vmap(lambda row: lax.psum_scatter(row, "i"), axis_name="i")(x)
    Array([31, 42])
    """
    here = _Lanes(_axis(axis_name, "psum_scatter"), axis_index_groups, "psum_scatter")

    def scatter(leaf: Any) -> Any:
        total = apply(OPS["reduce_sum"], here.gathered(leaf), axes=(0,))
        place = scatter_dimension + total.ndim if scatter_dimension < 0 else scatter_dimension
        parts = _divided(total, place, here, tiled, "psum_scatter")
        return _row(parts, here.index(), place)

    return tree_map(scatter, x)


@hides_internals
def axis_index(axis_name: Any) -> Any:
    """The number of this lane along a named axis: an int64 scalar. NameError if no enclosing vmap
    has that `axis_name`.

    >>> import jitad
    >>> from jitad import lax
    >>> import numpy as np
    >>> jitad.vmap(lambda x: x + lax.axis_index("i"), axis_name="i")(np.zeros(3))
    Array([0., 1., 2.])
    """
    axis = _axis(axis_name, "axis_index")
    return apply(OPS["axis_index"], axis_name=axis.name, lanes=axis.size)


@hides_internals
def axis_size(axis_name: Any) -> int:
    """The number of lanes of a named axis, or the product of those of several: a Python int.
    NameError if no enclosing vmap has that `axis_name`.

    >>> import jitad
    >>> from jitad import lax
    >>> import numpy as np
    >>> jitad.vmap(lambda x: x / lax.axis_size("i"), axis_name="i")(np.ones(4))
    Array([0.25, 0.25, 0.25, 0.25])
    """
    names = axis_name if isinstance(axis_name, tuple) else (axis_name,)
    size = 1
    for name in names:
        size *= _axis(name, "axis_size").size
    return size
