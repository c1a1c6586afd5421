"""Ops over the lanes of a named batch axis. The batch pass over that axis turns them into ordinary
ops; sums, means and extrema over lanes are reductions of `all_gather`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from ..graph import Value
from ..op import NO_TANGENT, NONLINEAR, NOT_LOWERED, OPS, Linear, Op, PerOperand
from ..types import INT64, ArrayType


def _unbound(*_arrays: Any, axis_name: object, **_params: Any) -> NoReturn:
    raise NameError(f"axis name {axis_name!r} is not bound by an enclosing vmap")


def _batch_all_gather(
    size: int,
    batched: Sequence[bool],
    x: Value,
    *,
    axis_name: object,
    lanes: int,
    batch_axis: object = None,
) -> Value:
    if batch_axis == axis_name:
        if batched[0]:
            return x
        return OPS["broadcast"](x, shape=(size, *x.shape), dims=tuple(range(1, x.ndim + 1)))
    gathered = all_gather(x, axis_name=axis_name, lanes=lanes)
    order = (1, 0, *range(2, gathered.ndim))
    return OPS["transpose"](gathered, permutation=order)


def _transpose_all_gather(ct: Value, x: Any, *, axis_name: object, lanes: int) -> Value:
    """Lane j's share: the sum over lanes of their cotangents of element j."""
    total = OPS["reduce_sum"](all_gather(ct, axis_name=axis_name, lanes=lanes), axes=(0,))
    here = axis_index(axis_name=axis_name, lanes=lanes)
    zero = OPS["full"](value=0, shape=(), dtype=INT64)
    starts = [here] + [zero] * (total.ndim - 1)
    row = OPS["dynamic_slice"](total, *starts, sizes=(1, *total.shape[1:]))
    return OPS["reshape"](row, shape=total.shape[1:])


all_gather = Op(
    name="all_gather",
    doc="The operand of every lane of axis `axis_name` (of `lanes` lanes), stacked in front.",
    infer=lambda x, *, axis_name, lanes: x.with_shape((lanes, *x.shape)),
    evaluate=_unbound,
    jvp=PerOperand((lambda t, out, x, **params: all_gather(t, **params),)),
    transpose=Linear((_transpose_all_gather,)),
    batch=_batch_all_gather,
    lower=NOT_LOWERED,
    samples=(),
)


def _batch_axis_index(
    size: int,
    _batched: Sequence[bool],
    *,
    axis_name: object,
    lanes: int,
    batch_axis: object = None,
) -> Value:
    assert batch_axis == axis_name
    return OPS["iota"](shape=(size,), dim=0, dtype=INT64)


axis_index = Op(
    name="axis_index",
    doc="The number of this lane along axis `axis_name` (of `lanes` lanes): int64.",
    infer=lambda *, axis_name, lanes: ArrayType(INT64, ()),
    evaluate=_unbound,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_batch_axis_index,
    lower=NOT_LOWERED,
    samples=(),
)
