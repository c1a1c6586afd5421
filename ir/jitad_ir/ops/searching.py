"""Places in sorted arrays, and how often each number occurs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, batch_to_front
from ..types import INT64, ArrayType, Shape, TypeMismatch
from .lapack import Workspace
from .merge_sort import before
from .sort_keys import Counter
from .vector_loops import affine

QUERIES = 8
"""Places that are sought side by side: each is a chain of loads, which waits for the one before."""

TABLES = 4
"""Tables that `bincount` adds to in turn: the next of two equal numbers need not wait for the
first one's sum to come back from memory."""

SHORT = 4096
"""Longest tables of which there are several."""


def _infer_searchsorted(a: ArrayType, v: ArrayType, *, right: bool) -> ArrayType:
    batch = a.ndim - 1
    if a.ndim == 0 or a.dtype != v.dtype or a.shape[:-1] != v.shape[:batch]:
        raise TypeMismatch(
            "searchsorted: expected sorted rows and values of one dtype, with the leading axes of "
            f"the rows; got {a!r} and {v!r}"
        )
    return v.with_dtype(INT64)


def _evaluate_searchsorted(a: Any, v: Any, *, right: bool) -> Any:
    side = "right" if right else "left"
    if a.ndim == 1:
        return np.searchsorted(a, v, side)
    out = np.empty(v.shape, np.int64)
    for index in np.ndindex(*a.shape[:-1]):
        out[index] = np.searchsorted(a[index], v[index], side)
    return out


def _batch_searchsorted(
    size: int, batched: Sequence[bool], a: Value, v: Value, **params: Any
) -> Value:
    """One row serves all lanes; else each lane has its own."""
    if not batched[0] and a.ndim == 1:
        return searchsorted(a, v, **params)
    return searchsorted(*batch_to_front(size, batched, (a, v)), **params)


def _emit_searchsorted(r: Any, a: Any, v: Any, results: Any, *, right: bool) -> None:
    """Bisection: of the elements from `base` on, as many as the row has at first, half are left
    behind or half are left off, by a choice that is no branch."""
    (out,) = results
    if out.type.size == 0:
        return
    batch = a.type.shape[:-1]
    n, count = a.type.shape[-1], math.prod(v.type.shape[len(batch) :])
    rows = r.buffer(a.type.with_shape((math.prod(batch), n)), a.pointer)
    shape = (math.prod(batch), count)
    values = r.buffer(v.type.with_shape(shape), v.pointer)
    places = r.buffer(out.type.with_shape(shape), out.pointer)
    if n == 0:
        r.fill(out, r.b.constant(INT64, 0))
        return

    def row(number: Any) -> None:
        length = _numbers(r, rows, number, n)

        def several(first: Any, at_once: int) -> None:
            _seek(r, rows, values, places, number, length, first, at_once, right)

        whole, rest = divmod(count, QUERIES)
        r.loop(whole, lambda i: several(affine(r, 0, (i, QUERIES)), QUERIES))
        r.loop(rest, lambda i: several(affine(r, whole * QUERIES, (i, 1)), 1))

    r.loop(shape[0], row)


def _numbers(r: Any, rows: Any, number: Any, n: int) -> Any:
    """How many elements of a sorted row are not nan: those are behind all numbers."""
    if rows.type.dtype.kind != "f":
        return r.integer(n)
    b = r.builder
    last = r.load(rows, (number, n - 1))
    found = Counter(r, r.integer(n))

    def count() -> None:
        found.set(r.integer(0))

        def visit(i: Any) -> None:
            x = r.load(rows, (number, i))
            found.add(b.zext(r.b.eq(x, x).value, found.value.type))

        r.loop(n, visit)

    r.when(r.b.is_nan(last), count)
    return found.value


def _seek(
    r: Any,
    rows: Any,
    values: Any,
    places: Any,
    number: Any,
    length: Any,
    first: Any,
    at_once: int,
    right: bool,
) -> None:
    b, e = r.builder, r.b
    one = r.integer(1)
    n = rows.type.shape[1]
    sought = [r.load(values, (number, affine(r, first, (i, 1)))) for i in range(at_once)]
    bases = [Counter(r, r.integer(0)) for _ in sought]
    left = Counter(r, length)

    def lies_behind(element: Any, value: Any) -> Any:
        """True if the place sought is behind the element."""
        if value.dtype.kind == "c":
            return e.bitwise_not(before(e, value, element)) if right else before(e, element, value)
        # All elements here are numbers: nan is behind them all, and does not compare.
        return e.bitwise_not(e.gt(element, value) if right else e.ge(element, value))

    def step(half: Any) -> None:
        """Leave `half` elements behind, or not."""
        for base, value in zip(bases, sought, strict=True):
            at = b.sub(b.add(base.value, half), one)
            behind = lies_behind(r.load(rows, (number, at)), value).value
            moved = b.select(behind, b.add(base.value, half), base.value)
            moved.set_metadata("unpredictable", b.module.add_metadata([]))
            base.set(moved)

    def halve() -> None:
        half = b.lshr(left.value, one)
        step(half)
        left.set(b.sub(left.value, half))

    r.loop_while(lambda: b.icmp_signed(">", left.value, one), halve)
    r.when(b.icmp_signed("==", left.value, one), lambda: step(one))
    for i, (base, value) in enumerate(zip(bases, sought, strict=True)):
        place = base.value
        if right and value.dtype.kind == "f":
            place = b.select(e.is_nan(value).value, r.integer(n), place)
        r.store(
            places, (number, affine(r, first, (i, 1))), e.constant(INT64, 0)._replace(value=place)
        )


def _sorted(*values: float) -> Draw:
    return Draw((len(values),), values=values)


_NAN, _INF = float("nan"), float("inf")

searchsorted = Op(
    name="searchsorted",
    doc="For each value v the place (int64) in a sorted row a before which to insert it: the "
    "number of elements that are less, or if `right`, not greater. nan is greater than any number. "
    "a has the row along its last axis, and the leading axes of v before it.",
    infer=_infer_searchsorted,
    evaluate=_evaluate_searchsorted,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_batch_searchsorted,
    lower=Routine(_emit_searchsorted),
    samples=tuple(
        sample
        for right in (False, True)
        for sample in (
            Sample((_sorted(-1, 0, 0, 1, 2, 2, 2), Draw((11,))), {"right": right}),
            Sample((_sorted(0, 1, 1), Draw((5,), values=(1, 0, 2, 1, 0))), {"right": right}),
            Sample((_sorted(1), Draw((2, 9), -2.0, 3.0)), {"right": right}),
            Sample((Draw((0,)), Draw((3,))), {"right": right}),
            Sample((_sorted(1, 2), Draw((0,))), {"right": right}),
            Sample(
                (
                    _sorted(1, 2),
                    Draw(()),
                ),
                {"right": right},
            ),
            Sample((Draw((2, 3), values=(0, 1, 2, -1, -1, 3)), Draw((2, 2, 9))), {"right": right}),
            *[
                Sample(
                    (
                        _sorted(-_INF, -0.0, 0.0, 1.0, _INF, *[_NAN] * nans),
                        Draw((7,), values=(_NAN, _INF, 0.0, -0.0, -_INF, 1.0, 0.5)),
                    ),
                    {"right": right},
                    ("f32", "f64"),
                )
                for nans in (0, 2)
            ],
            Sample(
                (_sorted(_NAN, _NAN), Draw((2,), values=(_NAN, 0.0))),
                {"right": right},
                ("f32", "f64"),
            ),
            Sample(
                (
                    Draw((4,), values=(-1j, 1, 1 + 1j, complex(1, _NAN))),
                    Draw((5,), values=(1, 1j, 1 + 1j, complex(1, _NAN), complex(_NAN, 0))),
                ),
                {"right": right},
                ("c64", "c128"),
            ),
        )
    ),
)


def _infer_bincount(x: ArrayType, *, length: int, batch: int) -> ArrayType:
    if x.dtype != INT64 or not 0 <= batch <= x.ndim or length < 0:
        raise TypeMismatch(
            f"bincount: expected int64 with at least {batch} axes, and a length of 0 or more; got "
            f"{x!r} and {length}"
        )
    return x.with_shape((*x.shape[:batch], length))


def _evaluate_bincount(x: Any, *, length: int, batch: int) -> Any:
    shape: Shape = x.shape[:batch]
    rows = x.reshape(math.prod(shape), -1) if x.size else np.empty((math.prod(shape), 0), x.dtype)
    counted = [np.bincount(row[(row >= 0) & (row < length)], minlength=length) for row in rows]
    return np.array(counted, np.int64).reshape(*shape, length)


def _tables(length: int) -> int:
    return TABLES if length <= SHORT else 1


def _workspace_bincount(x: ArrayType, *, length: int, batch: int) -> int:
    work = Workspace()
    work.array(INT64, _tables(length) - 1, length)
    return work.bytes


def _emit_bincount(r: Any, x: Any, results: Any, *, length: int, batch: int) -> None:
    (out,) = results
    if out.type.size == 0:
        return
    outer = math.prod(x.type.shape[:batch])
    n = math.prod(x.type.shape[batch:])
    rows = r.buffer(x.type.with_shape((outer, n)), x.pointer)
    counts = r.buffer(out.type.with_shape((outer, length)), out.pointer)
    others = Workspace(r).array(INT64, _tables(length) - 1, length)
    one, zero = r.b.constant(INT64, 1), r.b.constant(INT64, 0)
    r.fill(out, zero)

    def count(table: Any, at: Any) -> None:
        r.store(table, at, r.b.add(r.load(table, at), one))

    def row(number: Any) -> None:
        if n >= TABLES and others.type.size:
            r.fill(others, zero)

        def visit(i: Any, table: int) -> None:
            place = r.load(rows, (number, i))
            # Negative numbers are great ones without a sign.
            inside = r.builder.icmp_unsigned("<", place.value, r.integer(length))
            at = (counts, (number, place.value))
            if table:
                at = (others, (table - 1, place.value))
            r.when(inside, lambda: count(*at))

        def several(i: Any) -> None:
            for table in range(_tables(length)):
                visit(affine(r, table, (i, _tables(length))), table)

        whole = n // _tables(length)
        r.loop(whole, several)
        r.loop(n, lambda i: visit(i, 0), start=whole * _tables(length))

        def add_up(place: Any) -> None:
            total = r.load(counts, (number, place))
            for table in range(_tables(length) - 1):
                total = r.b.add(total, r.load(others, (table, place)))
            r.store(counts, (number, place), total)

        if n >= TABLES and others.type.size:
            r.loop(length, add_up)

    r.loop(outer, row)


def _counted(shape: Shape, length: int, batch: int = 0) -> Sample:
    draw = Draw(shape, dtype="i64", values=tuple((i * i) % 9 - 2 for i in range(math.prod(shape))))
    return Sample((draw,), {"length": length, "batch": batch}, ("i64",))


bincount = Op(
    name="bincount",
    doc="How often each of 0 ... length - 1 occurs in x (int64), behind its first `batch` axes; "
    "other numbers are not counted.",
    infer=_infer_bincount,
    evaluate=_evaluate_bincount,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, length, batch: bincount(x, length=length, batch=batch + 1),
    lower=Routine(_emit_bincount, _workspace_bincount),
    samples=(
        _counted((23,), 6),
        _counted((3,), 6),
        _counted((4, 5), 5, 1),
        _counted((4, 5), 3),
        _counted((0,), 3),
        _counted((2, 0), 3, 1),
        _counted((3,), 0),
        _counted((11,), 5000),
        _counted((), 4),
    ),
)
