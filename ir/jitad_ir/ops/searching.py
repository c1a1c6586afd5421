"""Places in sorted arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, batch_to_front
from ..types import INT64, ArrayType, TypeMismatch
from .merge_sort import before
from .sort_keys import Counter
from .sort_sharing import doublings, parts_of, share_rows
from .vector_loops import affine

QUERIES = 8
"""Places that are sought side by side: each is a chain of loads, which waits for the one before."""

BISECTION = 1.0
"""Nanoseconds of a place that is sought, and a doubling of the row's length."""


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

    parts = _parts_searchsorted(a.type, v.type)
    buffers = (rows, values, places)
    if parts == 1 or shape[0] >= parts:

        def row(r: Any, buffers: Sequence[Any], number: Any) -> None:
            length = _numbers(r, buffers[0], number, n)
            _seek_all(r, buffers, number, length, r.integer(0), r.integer(count), right)

        share_rows(r, shape[0], parts, 0, buffers, row)
        return

    def part(r: Any, number: Any, *pointers: Any) -> None:
        own: list[Any] = [r.buffer(x.type, p) for x, p in zip(buffers, pointers, strict=False)]
        at, length = (r.b.load(p, INT64).value for p in pointers[len(own) :])
        start, some = r.share(number, count, parts)
        _seek_all(r, own, at, length, start, r.builder.add(start, some), right)

    def share(number: Any) -> None:
        given = [r.reference(x) for x in (number, _numbers(r, rows, number, n))]
        r.parallel_for(parts, part, *[x.pointer for x in buffers], *given)

    r.loop(shape[0], share)


def _parts_searchsorted(a: ArrayType, v: ArrayType, right: bool = False) -> int:
    """How many parts threads share: of the rows, or of the places sought in each of a few."""
    n = a.shape[-1]
    rows = math.prod(a.shape[:-1])
    work = v.size * doublings(n) * BISECTION
    parts = parts_of(v.size, work, 0)
    if rows >= parts or n == 0:
        return parts if n else 1
    return parts_of(v.size // max(rows, 1), work / max(rows, 1), 0)


def _seek_all(
    r: Any,
    buffers: Sequence[Any],
    number: Any,
    length: Any,
    start: Any,
    end: Any,
    right: bool,
) -> None:
    """The places of values[number, start:end]."""
    b = r.builder

    rows, values, places = buffers

    def several(first: Any, at_once: int) -> None:
        _seek(r, rows, values, places, number, length, first, at_once, right)

    whole = b.udiv(b.sub(end, start), r.integer(QUERIES))
    r.loop(whole, lambda i: several(affine(r, start, (i, QUERIES)), QUERIES))
    r.loop(end, lambda i: several(i, 1), start=affine(r, start, (whole, QUERIES)))


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
    lower=Routine(_emit_searchsorted, parts=_parts_searchsorted),
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
