"""Sorting along an axis: several operands by the first ones of them, and the k greatest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, WithPrimal, batch_to_front
from ..types import INT64, ArrayType, TypeMismatch
from .argsort_lowering import emit_argsort, parts_argsort, workspace_argsort
from .constants import iota
from .indexing import take_along
from .selecting import (
    emit_ranks,
    emit_top_k,
    parts_ranks,
    parts_top_k,
    workspace_ranks,
    workspace_top_k,
)
from .sorting_lowering import emit_sort, parts_sort, reuses_sort, workspace_sort


def _infer_sort(
    *xs: ArrayType, axis: int, num_keys: int, descending: bool
) -> tuple[ArrayType, ...]:
    if not xs or any(x.shape != xs[0].shape for x in xs):
        got = " and ".join(map(repr, xs)) or "none"
        raise TypeMismatch(f"sort: expected operands of one shape; got {got}")
    if not 0 <= axis < xs[0].ndim:
        raise TypeMismatch(f"sort: expected an axis of {xs[0]!r}; got axis {axis}")
    if not 1 <= num_keys <= len(xs):
        raise TypeMismatch(f"sort: expected 1 to {len(xs)} keys; got num_keys {num_keys}")
    return xs


def _order(keys: Sequence[Any], axis: int, descending: bool) -> Any:
    """The stable order of the first key, ties by the next: sorted by the last key first."""
    order = np.broadcast_to(
        np.arange(keys[0].shape[axis]).reshape(
            [-1 if a == axis else 1 for a in range(keys[0].ndim)]
        ),
        keys[0].shape,
    )
    for key in reversed(keys):
        # Stable and descending: ascending from the end, read from the end.
        current = np.take_along_axis(key, order, axis)
        if descending:
            current = np.flip(current, axis)
        step = np.argsort(current, axis=axis, kind="stable")
        if descending:
            step = key.shape[axis] - 1 - np.flip(step, axis)
        order = np.take_along_axis(order, step, axis)
    return order


def _evaluate_sort(*xs: Any, axis: int, num_keys: int, descending: bool) -> tuple[Any, ...]:
    order = _order(xs[:num_keys], axis, descending)
    return tuple(np.take_along_axis(x, order, axis) for x in xs)


def _jvp_sort(
    ts: Sequence[Value | None], *xs: Value, axis: int, num_keys: int, descending: bool
) -> tuple[list[Value], list[Value | None]]:
    """Tangents go where their elements go, by the permutation sorted along."""
    place = iota(shape=xs[0].shape, dim=axis, dtype=INT64)
    *outs, order = sort(*xs, place, axis=axis, num_keys=num_keys, descending=descending)
    return outs, [None if t is None else take_along(t, order, axis) for t in ts]


sort = Op(
    name="sort",
    doc="The operands in the order of the first `num_keys` of them along `axis`. Stable in either "
    "direction; nan counts as greater than any number, as in NumPy.",
    infer=_infer_sort,
    evaluate=_evaluate_sort,
    jvp=WithPrimal(_jvp_sort),
    transpose=NONLINEAR,
    batch=lambda size, batched, *xs, axis, **params: sort(
        *batch_to_front(size, batched, xs), axis=axis + 1, **params
    ),
    lower=Routine(emit_sort, workspace_sort, reuses=reuses_sort, parts=parts_sort),
    multiple_results=True,
    samples=(
        *[
            Sample(
                tuple(Draw(shape) for _ in range(operands)),
                {"axis": axis, "num_keys": keys, "descending": descending},
            )
            for shape, operands, axis, keys in (
                ((7,), 1, 0, 1),
                ((3, 4), 1, 0, 1),
                ((2, 5, 2), 1, 1, 1),
                ((6,), 2, 0, 1),
                ((0,), 1, 0, 1),
                ((3, 0), 2, 0, 1),
                ((1,), 1, 0, 1),
            )
            for descending in (False, True)
        ],
        *[
            Sample(
                (
                    Draw((9,), values=(2, 1, 2, 0, 1, 2, 0, 0, 1)),
                    Draw((9,), values=(1, 1, 0, 1, 0, 1, 0, 1, 1)),
                    Draw((9,), dtype="i64", values=tuple(range(9))),
                ),
                {"axis": 0, "num_keys": keys, "descending": descending},
                smooth=False,
            )
            for keys in (1, 2)
            for descending in (False, True)
        ],
        *[
            Sample(
                (
                    Draw((8,), values=(np.nan, 1.0, -np.inf, 0.0, np.inf, -0.0, np.nan, -2.0)),
                    Draw((8,), dtype="i32", values=tuple(range(8))),
                ),
                {"axis": 0, "num_keys": 1, "descending": descending},
                ("f32", "f64"),
                smooth=False,
            )
            for descending in (False, True)
        ],
        Sample(
            (
                Draw(
                    (6,),
                    values=(
                        complex(1, np.nan),
                        complex(np.nan, 1),
                        complex(1, 2),
                        complex(1, -2),
                        complex(np.nan, np.nan),
                        complex(np.nan, 0),
                    ),
                ),
            ),
            {"axis": 0, "num_keys": 1, "descending": False},
            ("c64", "c128"),
            smooth=False,
        ),
        Sample((Draw((150,), -100, 100),), {"axis": 0, "num_keys": 1, "descending": False}),
        Sample(
            (Draw((150,), -9, 9), Draw((150,), dtype="i64")),
            {"axis": 0, "num_keys": 1, "descending": True},
        ),
    ),
)


def _infer_argsort(x: ArrayType, *, axis: int, descending: bool) -> ArrayType:
    if not 0 <= axis < x.ndim:
        raise TypeMismatch(f"argsort: expected an axis of {x!r}; got axis {axis}")
    return x.with_dtype(INT64)


argsort = Op(
    name="argsort",
    doc="The indices (int64) that put `x` in order along `axis`, as `sort` does: of equal elements "
    "the first leads, in either direction.",
    infer=_infer_argsort,
    evaluate=lambda x, *, axis, descending: _order([x], axis, descending),
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, axis, descending: argsort(
        x, axis=axis + 1, descending=descending
    ),
    lower=Routine(emit_argsort, workspace_argsort, parts=parts_argsort),
    samples=tuple(
        Sample((x,), {"axis": axis, "descending": descending}, dtypes, smooth=False)
        for descending in (False, True)
        for x, axis, dtypes in (
            (Draw((7,)), 0, None),
            (Draw((3, 4)), 1, None),
            (Draw((2, 5, 2)), 1, None),
            (Draw((0,)), 0, None),
            (Draw((3, 1)), 1, None),
            (Draw((9,), values=(2, 1, 2, 0, 1, 2, 0, 0, 1)), 0, None),
            (Draw((150,), -100, 100), 0, None),
            (Draw((300, 3), -100, 100), 0, None),
            (
                Draw((8,), values=(np.nan, 1.0, -np.inf, 0.0, np.inf, -0.0, np.nan, -2.0)),
                0,
                ("f32", "f64"),
            ),
        )
    ),
)


def _infer_top_k(x: ArrayType, *, k: int) -> tuple[ArrayType, ArrayType]:
    if x.ndim == 0 or not 0 <= k <= x.shape[-1]:
        raise TypeMismatch(
            f"top_k: expected 0 <= k <= the length of the last axis of {x!r}; got {k}"
        )
    if x.dtype.kind == "c":
        raise TypeMismatch(f"top_k: not defined for complex; got {x!r}")
    shape = (*x.shape[:-1], k)
    return x.with_shape(shape), ArrayType(INT64, shape)


def _evaluate_top_k(x: Any, *, k: int) -> tuple[Any, Any]:
    order = _order([x], x.ndim - 1, descending=True)[..., :k]
    return np.take_along_axis(x, order, -1), order


def _jvp_top_k(
    ts: Sequence[Value | None], x: Value, *, k: int
) -> tuple[list[Value], list[Value | None]]:
    values, order = top_k(x, k=k)
    (t,) = ts
    return [values, order], [None if t is None else take_along(t, order, x.ndim - 1), None]


top_k = Op(
    name="top_k",
    doc="The k greatest elements along the last axis, greatest first, and their indices (int64); "
    "of equal ones the first; nan counts as greater than any number.",
    infer=_infer_top_k,
    evaluate=_evaluate_top_k,
    jvp=WithPrimal(_jvp_top_k),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, k: top_k(x, k=k),
    lower=Routine(emit_top_k, workspace_top_k, parts=parts_top_k),
    multiple_results=True,
    samples=(
        Sample((Draw((6,)),), {"k": 3}),
        Sample((Draw((2, 5)),), {"k": 5}),
        Sample((Draw((3, 4)),), {"k": 0}),
        Sample((Draw((2, 0)),), {"k": 0}),
        Sample((Draw((8,), values=(2, 1, 2, 0, 1, 2, 0, 0)),), {"k": 5}, smooth=False),
        Sample(
            (Draw((6,), values=(1.0, np.nan, np.inf, np.nan, -np.inf, 0.0)),),
            {"k": 4},
            ("f32", "f64"),
            smooth=False,
        ),
        Sample((Draw((150,), -100, 100),), {"k": 7}),
        Sample((Draw((2, 150), -100, 100),), {"k": 70}),
        Sample((Draw((2, 90), -100, 100),), {"k": 70}),
        Sample((Draw((2, 700), -100, 100),), {"k": 300}),
    ),
)


def _ranks(*ranks: int, shape: tuple[int, ...] | None = None) -> Draw:
    return Draw(shape or (len(ranks),), dtype="i64", values=tuple(map(float, ranks)))


def _infer_ranks(x: ArrayType, ranks: ArrayType) -> tuple[ArrayType, ArrayType]:
    if x.ndim == 0 or ranks.dtype != INT64 or ranks.shape[:-1] != x.shape[:-1] or not ranks.ndim:
        raise TypeMismatch(
            "order_statistics: expected rows, and int64 ranks for each of them; got "
            f"{x!r} and {ranks!r}"
        )
    if x.shape[-1] == 0:
        raise TypeMismatch(f"order_statistics: expected rows with elements; got {x!r}")
    if x.dtype.kind == "c":
        raise TypeMismatch(f"order_statistics: not defined for complex; got {x!r}")
    return x.with_shape(ranks.shape), ranks


def _evaluate_ranks(x: Any, ranks: Any) -> tuple[Any, Any]:
    last = x.shape[-1] - 1
    order = _order([x], x.ndim - 1, descending=False)
    places = np.take_along_axis(order, np.clip(ranks, 0, last), -1)
    return np.take_along_axis(x, places, -1), places


def _jvp_ranks(
    ts: Sequence[Value | None], x: Value, ranks: Value
) -> tuple[list[Value], list[Value | None]]:
    values, order = order_statistics(x, ranks)
    t, _ = ts
    return [values, order], [None if t is None else take_along(t, order, x.ndim - 1), None]


order_statistics = Op(
    name="order_statistics",
    doc="The elements along the last axis that have the `ranks` (int64, those of each row along "
    "the last axis, clipped to the row) in sorted order, and their indices (int64). Sorted as by "
    "`sort`, in linear time if the ranks are few.",
    infer=_infer_ranks,
    evaluate=_evaluate_ranks,
    jvp=WithPrimal(_jvp_ranks),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, ranks: order_statistics(
        *batch_to_front(size, batched, (x, ranks))
    ),
    lower=Routine(emit_ranks, workspace_ranks, parts=parts_ranks),
    multiple_results=True,
    samples=(
        Sample((Draw((6,)), _ranks(3)), {}),
        Sample((Draw((2, 5)), _ranks(0, 4, 2, 1, 1, 3, shape=(2, 3))), {}),
        Sample((Draw((0, 5)), Draw((0, 1), dtype="i64")), {}),
        Sample((Draw((3, 5)), Draw((3, 0), dtype="i64")), {}),
        Sample(
            (Draw((8,), values=(2, 1, 2, 0, 1, 2, 0, 0)), _ranks(-1, 2, 3, 9)), {}, smooth=False
        ),
        Sample(
            (Draw((6,), values=(1.0, np.nan, np.inf, np.nan, -np.inf, 0.0)), _ranks(0, 3, 4, 5)),
            {},
            ("f32", "f64"),
            smooth=False,
        ),
        Sample((Draw((2, 150), -100, 100), _ranks(70, 149, 3, 0, shape=(2, 2))), {}),
        Sample((Draw((2, 300), -100, 100), _ranks(70, 71, 150, 299, shape=(2, 2))), {}),
    ),
)
