"""The permutation that row exchanges amount to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample
from ..types import INT32, ArrayType, TypeMismatch
from .lapack import each, item, stacked
from .matrices import over_leading_axis


def _infer(pivots: ArrayType, *, rows: int) -> ArrayType:
    if pivots.dtype != INT32 or pivots.ndim == 0 or pivots.shape[-1] > rows:
        raise TypeMismatch(
            f"pivots_to_permutation: expected i32 pivots, at most {rows} in the last axis; got "
            f"{pivots!r}"
        )
    return pivots.with_shape((*pivots.shape[:-1], rows))


def _evaluate(pivots: Any, *, rows: int) -> Any:
    flat = pivots.reshape(math.prod(pivots.shape[:-1]), pivots.shape[-1])
    order = np.tile(np.arange(rows, dtype=np.int32), (len(flat), 1))
    every = np.arange(len(flat))
    for k in range(flat.shape[1]):
        chosen = np.clip(flat[:, k], 0, rows - 1)
        order[every, chosen], order[:, k] = order[:, k].copy(), order[every, chosen]
    return order.reshape(*pivots.shape[:-1], rows)


def exchange_rows(r: Any, order: Any, pivots: Any) -> None:
    """Number the rows in `order`, then exchange row k with row pivots[k], for each k in turn."""

    def number(i: Any) -> None:
        lanes = r.b.constant(INT32, 0)
        r.store(order, (i,), lanes._replace(value=r.builder.trunc(i, lanes.value.type)))

    def swap(k: Any) -> None:
        limits = [r.b.constant(INT32, value) for value in (0, order.type.size - 1)]
        pivot = r.b.clamp(limits[0], r.load(pivots, (k,)), limits[1])
        at = r.builder.zext(pivot.value, r.integer(0).type)
        first, second = r.load(order, (k,)), r.load(order, (at,))
        r.store(order, (k,), second)
        r.store(order, (at,), first)

    r.loop(order.type.size, number)
    r.loop(pivots.type.size, swap)


def _emit(r: Any, pivots: Any, results: Any, *, rows: int) -> None:
    exchanges, orders = stacked(r, pivots, 1), stacked(r, results[0], 1)
    if orders.type.size:
        each(
            r,
            orders.type.shape[0],
            lambda i: exchange_rows(r, item(r, orders, i), item(r, exchanges, i)),
        )


pivots_to_permutation = Op(
    name="pivots_to_permutation",
    doc="The order of `rows` rows after row k and row pivots[k] (int32, from 0) have changed "
    "places, for each k in turn. Pivots beyond the rows count as the nearest row.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda pivots, *, rows: pivots_to_permutation(pivots, rows=rows)),
    lower=Routine(_emit),
    samples=(
        Sample((Draw((3,), dtype="i32", values=(2, 1, 2)),), {"rows": 3}),
        Sample((Draw((2, 2), dtype="i32", values=(3, 1, 0, 3)),), {"rows": 4}),
        Sample((Draw((2,), dtype="i32", values=(-1, 9)),), {"rows": 3}),
        Sample((Draw((0,), dtype="i32"),), {"rows": 2}),
        Sample((Draw((0, 2), dtype="i32"),), {"rows": 2}),
    ),
)
