"""How native code sorts long rows by one complex key: by the digits of the real parts.

If the row is in order then, as it is where no two real parts are equal, that is all. If not, it is
sorted anew, by the imaginary parts and after that, in the order they are in then, by the real
parts. Numbers with a nan in them are ordered by another rule (`merge_sort.before`): where these are
out of place even so, one more pass puts them right. Every step is stable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..types import DType, real_dtype, short_name
from . import radix, runs
from .lapack import Workspace
from .merge_sort import Rows, record_before
from .sort_keys import Counter, Row

FROM = 200
"""Length from which rows are sorted so."""


def suits(dtypes: Sequence[DType], num_keys: int, n: int) -> bool:
    """True if rows of n records are best sorted so."""
    return num_keys == 1 and dtypes[0].kind == "c" and FROM <= n < 2**32


def _operands(dtypes: Sequence[DType]) -> tuple[list[DType], tuple[int, ...]]:
    """Dtypes and strides of a part that is the key, the other part, and the other operands."""
    part = real_dtype(dtypes[0])
    return [part, part, *dtypes[1:]], (2, 2, *[1] * (len(dtypes) - 1))


class _Space:
    """Scratch memory: rows, contiguous copies of operands and results that are not, and what
    sorting by digits needs."""

    def __init__(self, work: Workspace, dtypes: Sequence[DType], n: int, stride: int) -> None:
        self.rows = [work.array(dtype, n) for dtype in dtypes]
        copies = 0 if stride == 1 else 2
        self.copies = [[work.array(dtype, n) for dtype in dtypes] for _ in range(copies)]
        self.digits = radix.Space(work, _operands(dtypes)[0], n)


def workspace_complex(work: Workspace, dtypes: Sequence[DType], n: int, stride: int) -> None:
    """Count the scratch memory."""
    _Space(work, dtypes, n, stride)


def sort_row(
    r: Any,
    work: Workspace,
    sources: Sequence[Any],
    targets: Sequence[Any],
    dtypes: Sequence[DType],
    stride: int,
    n: int,
    descending: bool,
) -> None:
    """Sort one row of n records, `stride` elements apart, from `sources` on to `targets` on."""
    space = _Space(work, dtypes, n, stride)
    free = [row.pointer for row in space.rows]
    if stride == 1:
        _sort(r, space, sources, targets, free, dtypes, n, descending)
        return
    given, asked = ([row.pointer for row in rows] for rows in space.copies)
    _copy(r, dtypes, n, sources, stride, given, 1)
    _sort(r, space, given, asked, free, dtypes, n, descending)
    _copy(r, dtypes, n, asked, 1, targets, stride)


def _copy(
    r: Any,
    dtypes: Sequence[DType],
    n: int,
    sources: Sequence[Any],
    apart: int,
    targets: Sequence[Any],
    stride: int,
) -> None:
    """Rows whose elements are `apart` to rows whose elements are `stride` elements apart."""
    for dtype, source, target in zip(dtypes, sources, targets, strict=True):
        row, goal = Row(r, dtype, source, apart), Row(r, dtype, target, stride)
        r.loop(n, lambda i, row=row, goal=goal: goal.store(r.b, i, row.load(r.b, i)))


def _sort(
    r: Any,
    space: _Space,
    sources: Sequence[Any],
    targets: Sequence[Any],
    free: Sequence[Any],
    dtypes: Sequence[DType],
    n: int,
    descending: bool,
) -> None:
    """The same of contiguous rows."""
    operands, strides = _operands(dtypes)
    length = r.integer(n)
    rows, others = (Rows(r, dtypes, some) for some in (targets, free))
    nbytes = r.integer(operands[0].itemsize)

    def by_part(imaginary: bool, given: Sequence[Any], asked: Sequence[Any]) -> None:
        """By the real or imaginary parts."""

        def parts(pointers: Sequence[Any]) -> list[Any]:
            two = [pointers[0], r.offset(pointers[0], nbytes)]
            return [*(reversed(two) if imaginary else two), *pointers[1:]]

        source, target = parts(given), parts(asked)
        rows, counts = space.digits.pointers(), space.digits.counts.pointer
        order = (operands, strides, n, descending, length)
        radix.sort_within(r, source, target, rows, counts, *order)

    def in_order(pointer: Any) -> Any:
        key = Row(r, dtypes[0], pointer)
        end = runs.end_of_run(r, [key], descending, r.integer(0), length)
        ends = [[key.load(r.b, r.integer(i))] for i in (0, n - 1)]
        falls = record_before(r.b, ends[1], ends[0], 1, descending).value
        return r.builder.and_(r.builder.icmp_signed("==", end, length), r.builder.not_(falls))

    def by_nans() -> None:
        _by_nans(r, rows, others, descending, length)

    def by_both() -> None:
        by_part(True, sources, free)
        by_part(False, free, targets)
        r.when(in_order(targets[0]), lambda: None, by_nans)

    def by_digits() -> None:
        by_part(False, sources, targets)
        r.when(in_order(targets[0]), lambda: None, by_both)

    def copy() -> None:
        for dtype, source, target in zip(dtypes, sources, targets, strict=True):
            r.copy_bytes(target, source, r.integer(n * dtype.itemsize))

    r.when(in_order(sources[0]), copy, by_digits)


def _by_nans(r: Any, rows: Rows, free: Rows, descending: bool, n: Any) -> None:
    """Of n records that are in order by the real, then the imaginary parts: numbers first, then
    those whose imaginary part is nan, then those whose real part is, each in the order they have.
    If descending, in the opposite order of the three."""
    order = "descending" if descending else "ascending"
    name = f"jitad.nans.{'.'.join(map(short_name, rows.dtypes))}.{order}"

    def build(r: Any, *parameters: Any) -> None:
        *pointers, n = parameters
        half = len(pointers) // 2
        given, free = (Rows(r, rows.dtypes, some) for some in (pointers[:half], pointers[half:]))
        _emit_by_nans(r, given, free, descending, n)

    r.call_inner(name, build, *rows.pointers, *free.pointers, n, apart=True)


def _emit_by_nans(r: Any, rows: Rows, free: Rows, descending: bool, n: Any) -> None:
    b = r.builder
    counts = [Counter(r, r.integer(0)) for _ in range(3)]

    def kinds(x: Any) -> list[Any]:
        """Which of the three a number is."""
        real, any_ = r.b.is_nan(r.b.real(x)).value, r.b.is_nan(x).value
        found = [b.not_(any_), b.and_(any_, b.not_(real)), real]
        return found[::-1] if descending else found

    def count(i: Any) -> None:
        for counter, flag in zip(counts, kinds(rows.load(i)[0]), strict=True):
            counter.add(b.zext(flag, n.type))

    r.loop(n, count)
    total = r.integer(0)
    places: list[Counter] = []
    for counter in counts:
        places.append(Counter(r, total))
        total = b.add(total, counter.value)

    def move(i: Any) -> None:
        record = rows.load(i)
        flags = kinds(record[0])
        first, second, third = (place.value for place in places)
        free.store(b.select(flags[0], first, b.select(flags[1], second, third)), record)
        for place, flag in zip(places, flags, strict=True):
            place.add(b.zext(flag, n.type))

    r.loop(n, move)
    r.loop(n, lambda i: rows.store(i, free.load(i)))
