"""How native code sorts many short rows: side by side, one in each lane of a vector, as columns
that one network sorts. Operands that are not keys are moved at the end, by the indices that go
along with the keys."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ..types import INT64, DType, Shape, real_dtype, short_name
from .columns import BLOCK, Columns, Slot
from .lapack import Workspace
from .merge_sort import Record, Rows, insert, record_before
from .sort_keys import Flag, Row, decode, encode, is_ambiguous, key_dtype, last_key, restore
from .sort_sharing import NETWORK, WITH_INDEX, doublings, parts_of, share_rows
from .vector_loops import affine, behind, overlapping, transpose

LANE_BYTES = 64
"""Bytes of a vector of keys; those of two registers where the target's are shorter."""

MOST = {1: 15, 2: 31, 4: 160, 8: 100}
"""Bytes of a key -> length of the longest rows that are sorted so, without other operands."""

MOST_WITH_INDEX = {1: 15, 2: 31, 4: 200, 8: 300}
"""The same with other operands."""

MOST_COMPLEX = 48
"""Length of the longest rows of complex numbers that are sorted so."""


def _keys(dtype: DType) -> DType:
    """Dtype of the keys: of either part, if these are complex."""
    return key_dtype(real_dtype(dtype) if dtype.kind == "c" else dtype)


def _lanes(dtype: DType) -> int:
    return LANE_BYTES // _keys(dtype).itemsize


def _sides(shape: Shape, axis: int) -> tuple[int, int, int]:
    """Lengths of the axes before, of the axis, and of those behind."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def suits(dtypes: Sequence[DType], num_keys: int, shape: Shape, axis: int) -> bool:
    """True if the rows are best sorted so: short ones, as many as there are lanes."""
    key = dtypes[0]
    if num_keys != 1:
        return False
    outer, n, inner = _sides(shape, axis)
    lengths = MOST if len(dtypes) == 1 else MOST_WITH_INDEX
    most = MOST_COMPLEX if key.kind == "c" else lengths[key.itemsize]
    return 2 <= n <= most and (outer if inner == 1 else inner) >= _lanes(key)


def _padded(n: int) -> int:
    """A multiple of BLOCK, of two if there are many."""
    size = BLOCK if n <= 6 * BLOCK else 2 * BLOCK
    return -(-n // size) * size


def _parts(dtypes: Sequence[DType]) -> int:
    """Keys and indices: of complex numbers, which have two keys, there always are indices."""
    return 3 if dtypes[0].kind == "c" else min(len(dtypes), 2)


def _slots(work: Workspace, dtypes: Sequence[DType], n: int) -> list[Any]:
    """Rows of slots: keys, and indices if there are any."""
    key = _keys(dtypes[0])
    return [work.array(key, _padded(n) * _lanes(key)) for _ in range(_parts(dtypes))]


def workspace_networks(work: Workspace, dtypes: Sequence[DType], n: int) -> None:
    """Count the scratch memory."""
    _slots(work, dtypes, n)


def sort_by_networks(
    r: Any, xs: Sequence[Any], results: Sequence[Any], axis: int, descending: bool
) -> None:
    """Sort the rows of the operands by the first of them."""
    outer, n, inner = _sides(xs[0].type.shape, axis)
    dtypes = [x.type.dtype for x in xs]
    kinds = ".".join(short_name(d) for d in dtypes)
    direction = "descending" if descending else "ascending"
    name = f"jitad.network.{kinds}.{n}.{inner}.{direction}"
    parts = len(xs)

    def build(r: Any, *pointers: Any) -> None:
        given, asked = pointers[:parts], pointers[parts : 2 * parts]
        _Group(r, dtypes, given, asked, pointers[2 * parts :], n, inner).emit(descending)

    _share_groups(r, dtypes, [*xs, *results], (outer, n, inner), name, build)


def order_by_networks(r: Any, x: Any, out: Any, axis: int, descending: bool) -> None:
    """Write the order (int64) of the rows of `x` to `out`."""
    outer, n, inner = _sides(x.type.shape, axis)
    dtypes = [x.type.dtype, INT64]
    direction = "descending" if descending else "ascending"
    name = f"jitad.network.order.{short_name(dtypes[0])}.{n}.{inner}.{direction}"

    def build(r: Any, given: Any, asked: Any, *slots: Any) -> None:
        _Group(r, dtypes, [given], [asked], slots, n, inner).emit_order(descending)

    _share_groups(r, dtypes, [x, out], (outer, n, inner), name, build)


def _share_groups(
    r: Any,
    dtypes: Sequence[DType],
    buffers: Sequence[Any],
    sides: tuple[int, int, int],
    name: str,
    build: Callable[..., None],
) -> None:
    """The function `build` builds, for all groups: it gets where their rows start in the buffers,
    and slots."""
    outer, n, inner = sides
    width = _lanes(dtypes[0])

    def group(r: Any, buffers: Sequence[Any], number: Any) -> None:
        """The rows of a group from element `first` of the arrays on. The last may overlap the one
        before."""
        length = outer if inner == 1 else inner
        per = -(-length // width)
        plane, at = (0, number) if inner == 1 or outer == 1 else _divided(r, number, per)
        row = affine(r, 0, (at, width))
        if length % width:
            last = r.integer(length - width)
            row = r.builder.select(r.builder.icmp_signed("<", row, last), row, last)
        first = affine(r, 0, (row, n if inner == 1 else 1), (plane, n * inner))
        starts = [_start(r, x, first) for x in buffers]
        slots = [slot.pointer for slot in _slots(Workspace(r), dtypes, n)]
        r.call_inner(name, build, *starts, *slots)

    work = Workspace()
    workspace_networks(work, dtypes, n)
    groups, shares = _shares(dtypes, sides, 1, work.bytes)
    share_rows(r, groups, shares, work.bytes, buffers, group)


def network_parts(dtypes: Sequence[DType], shape: Shape, axis: int) -> tuple[int, int]:
    """How many parts threads share, and bytes of scratch memory of each."""
    work = Workspace()
    workspace_networks(work, dtypes, shape[axis])
    return _shares(dtypes, shape, axis, work.bytes)[1], work.bytes


def _shares(dtypes: Sequence[DType], shape: Shape, axis: int, scratch: int) -> tuple[int, int]:
    """Number of groups, and of parts."""
    outer, n, inner = _sides(shape, axis)
    width = _lanes(dtypes[0])
    groups = -(-outer // width) if inner == 1 else outer * -(-inner // width)
    each = NETWORK * doublings(n) * (1.0 if len(dtypes) == 1 else WITH_INDEX)
    return groups, parts_of(groups, math.prod(shape) * each, scratch)


def _divided(r: Any, number: Any, by: int) -> tuple[Any, Any]:
    """Quotient and remainder."""
    count = r.integer(by)
    return r.builder.udiv(number, count), r.builder.urem(number, count)


def _start(r: Any, x: Any, first: Any) -> Any:
    flat = r.buffer(x.type.with_shape((x.type.size,)), x.pointer)
    return r.element_pointer(flat, (first,))


class _Column(Rows):
    """Elements of a column, `stride` apart, as records."""

    def __init__(self, r: Any, dtype: DType, pointer: Any, stride: int) -> None:
        super().__init__(r, [dtype], [pointer])
        self.row = Row(r, dtype, pointer, stride)

    def load(self, index: Any) -> Record:
        return [self.row.load(self.r.b, index)]

    def store(self, index: Any, record: Record) -> None:
        self.row.store(self.r.b, index, record[0])


class _Group:
    """Rows side by side: the body of the function that sorts as many as there are lanes."""

    def __init__(
        self,
        r: Any,
        dtypes: Sequence[DType],
        given: Sequence[Any],
        asked: Sequence[Any],
        slots: Sequence[Any],
        n: int,
        inner: int,
    ) -> None:
        self.r, self.dtypes, self.n, self.inner = r, dtypes, n, inner
        self.given, self.asked = given, asked
        self.keys = _keys(dtypes[0])
        self.width = _lanes(self.keys)
        self.b = r.simd(self.width)
        self.columns = Columns(r, self.keys, self.width, slots)
        self.step = n if inner == 1 else 1
        """Distance of neighbouring rows."""

    @property
    def _is_complex(self) -> bool:
        return self.dtypes[0].kind == "c"

    def emit(self, descending: bool) -> None:
        """Read, sort, write."""
        self._sort(descending)
        if self._is_complex:
            self._move(0)
            return
        self._write_keys(descending)
        self._move(1)
        if self.flag is not None:
            self.r.when(self.flag.value, lambda: self._each_row(self._restore(descending)))

    def emit_order(self, descending: bool) -> None:
        """Read, sort, write the indices: to the only result."""
        self._sort(descending)
        r = self.r

        def row(lane: Any) -> None:
            start = affine(r, 0, (lane, self.step))
            out = Row(r, INT64, Row(r, INT64, self.asked[0]).at(start), self.inner)
            r.loop(self.n, lambda j: out.store(r.b, j, r.number(self._index(lane, j))))

        r.loop(self.width, row)

    def _sort(self, descending: bool) -> None:
        self.flag = Flag(self.r) if self.dtypes[0].kind in "fc" else None
        self._read(descending)
        self.columns.sort(_padded(self.n))
        if self._is_complex and self.flag is not None:
            self.r.when(self.flag.value, lambda: self._insert_nans(descending))

    def _index(self, lane: Any, j: Any) -> Any:
        """Which element of a row is number j in order (i64)."""
        at = affine(self.r, lane, (j, self.width))
        return self.r.b.convert(self.columns.parts[-1].load(self.r.b, at), INT64).value

    def _insert_nans(self, descending: bool) -> None:
        """Complex numbers with nans have an order of their own: by insertion, from that of the
        keys on."""
        direction = "descending" if descending else "ascending"
        dtype = self.dtypes[0]
        name = f"jitad.network.nans.{short_name(dtype)}.{self.n}.{self.step}.{direction}"

        def build(r: Any, given: Any, indices: Any) -> None:
            def row(lane: Any) -> None:
                start = affine(r, 0, (lane, self.step))
                source = Row(r, dtype, Row(r, dtype, given).at(start), self.inner)
                column = _Column(r, self.keys, Row(r, self.keys, indices).at(lane), self.width)

                def precedes(x: Record, y: Record) -> Any:
                    first, second = (
                        [source.load(r.b, r.b.convert(k[0], INT64).value)] for k in (x, y)
                    )
                    return record_before(r.b, first, second, 1, descending).value

                def place(i: Any) -> None:
                    insert(r, column, r.integer(0), i, column.load(i), precedes)

                r.loop(self.n, place, start=1)

            r.loop(self.width, row)

        indices = self.columns.parts[-1].pointer
        self.r.call_inner(name, build, self.given[0], indices, brief=True)

    # -- rows in and out: element j of row l is lane l of slot j --

    def _read(self, descending: bool) -> None:
        ones = self.b.constant(self.keys, last_key(self.keys))

        def put(j: Any, place: Slot, number: int, x: Any) -> None:
            if self.flag is not None:
                rare = self.b.is_nan(x) if self._is_complex else is_ambiguous(self.b, x)
                self.flag.join(self.b.reduce_or(rare))
            parts = [self.b.real(x), self.b.imag(x)] if self._is_complex else [x]
            slot = [encode(self.b, part, descending) for part in parts]
            if len(self.columns.parts) > len(slot):
                index = self.r.number(affine(self.r, number, (j, 1)))
                slot.append(self.b.splat(self.r.b.convert(index, self.keys)))
            self.columns.store(place, slot, number)

        self._transposed(self.given[0], put, None)
        end = self.columns.at(self.r.integer(self.n))
        for number in range(_padded(self.n) - self.n):
            self.columns.store(end, [ones] * len(self.columns.parts), number)

    def _write_keys(self, descending: bool) -> None:
        def take(place: Slot, number: int) -> Any:
            key = self.columns.load(place, number)[0]
            return decode(self.b, key, self.dtypes[0], descending)

        self._transposed(self.asked[0], None, take)

    def _transposed(
        self, pointer: Any, put: Callable[..., None] | None, take: Callable[..., Any] | None
    ) -> None:
        """For each j = first + k: put(first, place of slot first, k, elements j of the rows), or
        elements j of the rows = take(place of slot first, k). Rows that lie one behind the other
        are read and written in squares, transposed in registers."""
        r, dtype, width = self.r, self.dtypes[0], self.width
        row = Row(r, dtype, pointer)

        def single(j: Any) -> None:
            at, place = row.at(affine(r, 0, (j, self.inner))), self.columns.at(j)
            if put is not None:
                put(j, place, 0, self.b.load(at, dtype, self.step))
            elif take is not None:
                self.b.store(at, take(place, 0), self.step)

        def square(first: Any) -> None:
            start, place = row.at(first), self.columns.at(first)
            rows = [behind(r, start, k * self.n * dtype.itemsize) for k in range(width)]
            if put is not None:
                lanes = transpose(self.b, [self.b.load(at, dtype) for at in rows])
                for k, x in enumerate(lanes):
                    put(first, place, k, x)
            elif take is not None:
                lanes = transpose(self.b, [take(place, k) for k in range(width)])
                for at, x in zip(rows, lanes, strict=True):
                    self.b.store(at, x)

        # Squares of more than 16 cost more to compile than they save.
        if self.inner == 1 and self.n >= width and width <= 16 and not self._is_complex:
            overlapping(r, self.n, width, lambda _, first: square(first))
        else:
            r.loop(self.n, single)

    # -- row by row --

    def _each_row(self, body: Callable[[Any, list[Any], list[Any]], None]) -> None:
        """body(lane, starts of operands, starts of results) for each row."""

        def row(lane: Any) -> None:
            offset = affine(self.r, 0, (lane, self.step))
            starts = [
                [
                    Row(self.r, d, p, self.inner).shifted(offset)
                    for d, p in zip(self.dtypes, some, strict=True)
                ]
                for some in (self.given, self.asked)
            ]
            body(lane, *starts)

        self.r.loop(self.width, row)

    def _move(self, first: int) -> None:
        """The operands from number `first` on, by the indices."""
        if len(self.dtypes) == first:
            return
        r = self.r

        def move(lane: Any, sources: list[Any], targets: list[Any]) -> None:
            def element(j: Any) -> None:
                index = self._index(lane, j)
                for source, target in zip(sources[first:], targets[first:], strict=True):
                    target.store(r.b, j, source.load(r.b, index))

            r.loop(self.n, element)

        self._each_row(move)

    def _restore(self, descending: bool) -> Callable[..., None]:
        r = self.r

        def row(_lane: Any, sources: list[Any], targets: list[Any]) -> None:
            restore(r, sources[0], targets[0], r.integer(self.n), descending)

        return row
