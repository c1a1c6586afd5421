"""A wavefront in LLVM: rows of a table in the lanes of SIMD registers, skewed.

Lane l of a block of rows is a column behind lane l - 1: at step s it computes column s - l, for
which lane l - 1 computed what is above at the step before. So a step takes the rows of the last
step, moved up a lane, with the last row of the block before coming in at lane 0, and puts out the
row of the last lane:

    up(s) = [table[s + p], y(s - 1)[0], ..., y(s - 1)[-2]],    table[s - last + p] = y(s)[-1]

where p is the length of the head, and what is further to the left was up at an earlier step. The
table is updated where it is: it is read ahead of where it is written. Steps in which all lanes have
a column do no more than that. In the others, at both ends of the rows and where a block has rows
to spare (the first has, in its first lanes), lanes without a column keep their carry, put out the
head before they start, and pass on what is above where they stand for no row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llvmlite import ir as ll

from ..plan.index import leaves
from ..plan.steps import Read
from ..plan.wavefront import Wavefront
from ..types import INT64, ArrayType, DType
from .addressing import element_pointer, gather, scatter
from .bodies import StraightCode, Values
from .emitter import Emitter
from .lanes import Lanes, call_intrinsic
from .loops import counted, integer, lanes_of, registers_of, repeated
from .routine import Buffer

if TYPE_CHECKING:
    from .steps import PlanEmitter

LANES = 16
"""Rows of a block: 64 bytes of int32 or float32, two registers of 64 bytes of float64."""


@dataclass(frozen=True, slots=True)
class Array:
    """An array by row and column: element e of them is number
    `first + row * of_row + column * of_column + e`."""

    pointer: ll.Value
    dtype: DType
    size: int
    first: int = 0
    of_row: int = 0
    of_column: int = 0


class CellCode(StraightCode):
    """The code of a cell. Its constants are one for all rows, or of the row of each lane."""

    def __init__(
        self, emitter: PlanEmitter, step: Wavefront, shared: Values, rowwise: Sequence[Array]
    ) -> None:
        consts = [*shared, *[array.pointer for array in rowwise]]
        given = len(step.cell.input_types) - len(consts)
        super().__init__(emitter, step.cell, consts, given, LANES)
        self.rowwise = rowwise
        self.shared = len(shared)
        self.row: ll.Value = integer(0)
        """The row of each lane."""

    def _read(self, node: Read) -> Lanes:
        buffer = self.plan.buffers[node.buffer]
        constant = buffer.kind == "constant"
        if not constant and buffer.place >= len(self.consts):
            assert isinstance(node.offset, int)
            return self.carry[buffer.place, node.offset]
        pointer = (
            self.emitter.function.constant(buffer.place) if constant else self.consts[buffer.place]
        )
        array = None
        if not constant and buffer.place >= self.shared:
            array = self.rowwise[buffer.place - self.shared]
        if array is None and not list(leaves(node.offset)):
            place = element_pointer(self.builder, pointer, node.dtype, self._known(node.offset))
            return self.b.load(place, node.dtype, 0)
        offset = self._index(node.offset)
        if node.mask is not None:
            # Nothing is chosen where the mask is false: any element will do.
            offset = self.builder.select(self._lanes(node.mask).value, offset, self._integer(0))
        if array is not None:
            offset = self.builder.add(offset, row_offset(self.b, array, self.row))
        return gather(self.b, pointer, node.dtype, offset, None)

    @staticmethod
    def _known(offset: object) -> int:
        assert isinstance(offset, int)
        return offset


def row_offset(b: Emitter, array: Array, row: ll.Value) -> ll.Value:
    """Where the rows of the lanes begin."""
    start = b.builder.mul(row, b.constant(INT64, array.of_row).value)
    return b.builder.add(start, b.constant(INT64, array.first).value)


@dataclass(frozen=True, slots=True)
class Block:
    """What a block of rows knows: the number of its first row (which may be negative), the row of
    each lane (moved to one that is there), which lanes stand for a row, and the heads."""

    first: ll.Value
    row: ll.Value
    present: Lanes
    heads: list[list[list[Lanes]]]
    """By table, place in the head and element."""


class WavefrontEmitter:
    """A wavefront."""

    def __init__(self, emitter: PlanEmitter, step: Wavefront) -> None:
        self.emitter = emitter
        self.builder = emitter.builder
        self.step = step
        self.b = Emitter(self.builder, LANES)
        self.one = Emitter(self.builder, 1)
        self.rows, self.length = step.rows, step.length
        types = step.cell.input_types
        self.fixed = len(step.shared) + len(step.rowwise)
        carry = types[self.fixed : self.fixed + len(step.inits)]
        outputs = step.cell.output_types
        ys = outputs[len(carry) : len(carry) + len(step.tables)]
        first = self.fixed + len(carry)
        heads = step.equation.operands[first : first + len(ys)]
        self.heads = [value.shape[1] for value in heads]
        behind = first + len(step.equation.params["reads"])
        columns = types[behind : behind + len(step.columns)]
        self.rowwise = self._by_row(step.rowwise, types[len(step.shared) : self.fixed])
        self.inits = self._by_row(step.inits, carry)
        self.lasts = self._by_row(step.lasts, carry)
        self.columns = [
            self._array(k, t, 0, self.length) for k, t in zip(step.columns, columns, strict=True)
        ]
        self.grids = self._by_cell(step.grids, types[behind + len(columns) :])
        self.entries = self._by_cell(step.entries, outputs[len(carry) + len(ys) :])
        self.tables = [
            self._array(k, t, 0, self.length + p)
            for k, t, p in zip(step.finals, ys, self.heads, strict=True)
        ]
        self.head_arrays = [
            self._array(k, t, p, p) for k, t, p in zip(step.heads, ys, self.heads, strict=True)
        ]
        self.delays = [0] * len(ys)
        for t, offset in step.equation.params["reads"]:
            self.delays[t] = max(self.delays[t], self.heads[t] - offset)
        self.dummy = {t.dtype: emitter.routine().local(t.dtype) for t in self.tables}

    def _by_row(self, buffers: Sequence[int], types: Sequence[ArrayType]) -> list[Array]:
        return [self._array(k, t, 1, 0) for k, t in zip(buffers, types, strict=True)]

    def _by_cell(self, buffers: Sequence[int], types: Sequence[ArrayType]) -> list[Array]:
        return [
            self._array(k, t, self.length, self.length) for k, t in zip(buffers, types, strict=True)
        ]

    def _array(self, buffer: int, type: ArrayType, in_row: int, length: int) -> Array:
        """An array of elements of `type`: `in_row` of them a row (0 if there are no rows), `length`
        along columns (0 if there are none)."""
        backwards = self.step.equation.params["reverse"]
        of_row, of_column = in_row * type.size, type.size if length else 0
        first = 0
        if backwards[0]:
            first, of_row = first + (self.rows - 1) * of_row, -of_row
        if backwards[1]:
            first, of_column = first + max(length - 1, 0) * of_column, -of_column
        pointer = self.emitter.pointer(buffer)
        return Array(pointer, type.dtype, type.size, first, of_row, of_column)

    def emit(self) -> None:
        """Emit all blocks, from the first row to the last."""
        step = self.step
        for source, target in zip(step.tables, step.finals, strict=True):
            type = self.emitter.plan.buffers[target].type
            destination = Buffer(type, self.emitter.pointer(target))
            self.emitter.routine().copy(destination, Buffer(type, self.emitter.pointer(source)))
        shared = [self.emitter.pointer(k) for k in step.shared]
        self.code = CellCode(self.emitter, step, shared, self.rowwise)
        blocks = -(-self.rows // LANES)
        spare = blocks * LANES - self.rows

        def block(k: ll.Value, _: Values) -> Values:
            first = self.builder.sub(self.builder.mul(k, integer(LANES)), integer(spare))
            self._block(first)
            return []

        counted(self.builder, blocks, [], block)

    def _block(self, first: ll.Value) -> None:
        b, builder = self.b, self.builder
        number = b.iota(first, INT64)
        present = b.ge(number, b.constant(INT64, 0))
        row = b.max(number, b.constant(INT64, 0)).value
        heads = [
            [self._gathered(array, row, c) for c in range(p)]
            for array, p in zip(self.head_arrays, self.heads, strict=True)
        ]
        self.block = Block(first, row, present, heads)
        self.code.row = row
        self.code.prepare()
        carry = [lane for array in self.inits for lane in self._gathered(array, row, 0)]
        ups: list[Lanes] = []
        for table, delay in zip(self.tables, self.delays, strict=True):
            ups += [b.constant(table.dtype, 0)] * (table.size * (delay + 1))
        moving = [b.constant(x.dtype, 0) for x in self.columns for _ in range(x.size)]
        self.like = [*carry, *ups, *moving]
        state = self._all_steps(registers_of(self.like))
        after = iter(lanes_of(self.like, state))
        for array in self.lasts:
            for e in range(array.size):
                offset = builder.add(row_offset(b, array, row), b.constant(INT64, e).value)
                scatter(b, array.pointer, next(after), offset, present.value)

    def _gathered(self, array: Array, row: ll.Value, column: int) -> list[Lanes]:
        """The elements of each lane's row at a column."""
        start = row_offset(self.b, array, row)
        found: list[Lanes] = []
        for e in range(array.size):
            shift = self.b.constant(INT64, column * array.of_column + e).value
            offsets = self.builder.add(start, shift)
            found.append(gather(self.b, array.pointer, array.dtype, offsets, None))
        return found

    def _all_steps(self, state: Values) -> Values:
        """Twice: steps in which some lanes have no column, then those in which all have one, if
        there are any left."""
        builder, length = self.builder, self.length
        last = length + LANES - 1
        full = builder.icmp_signed(">=", self.block.first, integer(0))
        begins = builder.select(full, integer(min(LANES - 1, length)), integer(length))

        def before(end: ll.Value) -> Callable[[Values], ll.Value]:
            return lambda state: builder.icmp_signed("<", state[0], end)

        def both(state: Values) -> Values:
            more = builder.icmp_signed("<", state[0], begins)
            end = builder.select(more, begins, integer(last))
            state = repeated(builder, state, before(end), lambda s: self._step(s, masked=True))
            if length < LANES:
                return state
            limit = integer(length)
            return repeated(builder, state, before(limit), lambda s: self._step(s, masked=False))

        start = integer(-max(self.heads, default=0))
        return repeated(builder, [start, *state], before(integer(last)), both)[1:]

    def _step(self, state: Values, *, masked: bool) -> Values:
        b, builder = self.b, self.builder
        s, held = state[0], iter(lanes_of(self.like, state[1:]))
        carry = [next(held) for array in self.inits for _ in range(array.size)]
        column = b.sub(b.splat(Lanes(INT64, s)), Lanes(INT64, b.iota(integer(0), INT64).value))
        inside = b.bitwise_and(
            b.bitwise_and(
                b.ge(column, b.constant(INT64, 0)), b.lt(column, b.constant(INT64, self.length))
            ),
            self.block.present,
        )
        cells = _Step(self, s, column, inside, masked)
        ups = [
            cells.up(k, [[next(held) for _ in range(t.size)] for _ in range(delay + 1)])
            for k, (t, delay) in enumerate(zip(self.tables, self.delays, strict=True))
        ]
        columns = [cells.moved(x, [next(held) for _ in range(x.size)]) for x in self.columns]
        reads = [
            lane
            for t, offset in self.step.equation.params["reads"]
            for lane in ups[t][self.heads[t] - offset]
        ]
        grids = [lane for array in self.grids for lane in cells.read(array)]
        flat = [lane for lanes in columns for lane in lanes]
        outputs = self.code.run([*carry, *reads, *flat, *grids], [])
        after = [lane for lanes in outputs[: len(self.inits)] for lane in lanes]
        if masked:
            after = [b.select(inside, new, old) for new, old in zip(after, carry, strict=True)]
        behind = len(self.inits) + len(self.tables)
        following: list[Lanes] = [*after]
        for k, ys in enumerate(outputs[len(self.inits) : behind]):
            kept = ups[k][: self.delays[k]]
            new = cells.put(k, ys, ups[k][0])
            for lanes in (new, *kept):
                following += lanes
        for array, lanes in zip(self.entries, outputs[behind:], strict=True):
            cells.write(array, lanes)
        count = builder.add(s, integer(1), flags=("nsw",))
        return [count, *registers_of([*following, *flat])]


class _Step:
    """Memory and neighbouring lanes at one step; `masked` if some lanes may have no column."""

    def __init__(
        self, whole: WavefrontEmitter, s: ll.Value, column: Lanes, inside: Lanes, masked: bool
    ) -> None:
        self.whole = whole
        self.b, self.one, self.builder = whole.b, whole.one, whole.builder
        self.s, self.column, self.inside, self.masked = s, column, inside, masked

    def _entering(self, array: Array, old: list[Lanes], ahead: int, length: int) -> list[Lanes]:
        """The lanes moved up by one; lane 0 gets what an array has `ahead` of the step."""
        at = self.builder.add(self.s, integer(ahead))
        if self.masked:
            at = self._clamped(at, length)
        found: list[Lanes] = []
        for e, lanes in enumerate(old):
            pointer = self._place(array, integer(0), at, e)
            scalar = self.b.splat(self.one.load(pointer, array.dtype))
            found.append(self._behind(scalar, lanes))
        return found

    def _behind(self, first: Lanes, lanes: Lanes) -> Lanes:
        """[first, lanes[0], ..., lanes[-2]]: one instruction on x86, if `first` is a splat."""
        order = ll.Constant(
            ll.VectorType(ll.IntType(32), LANES), list(range(LANES - 1, 2 * LANES - 1))
        )
        if lanes.dtype.kind == "c":
            pairs = zip(first.value, lanes.value, strict=True)
            parts = [self.builder.shuffle_vector(x, y, order) for x, y in pairs]
            return Lanes(lanes.dtype, tuple(parts))
        return Lanes(lanes.dtype, self.builder.shuffle_vector(first.value, lanes.value, order))

    def _clamped(self, at: ll.Value, length: int) -> ll.Value:
        at = call_intrinsic(self.builder, "llvm.smax", [at, integer(0)])
        return call_intrinsic(self.builder, "llvm.smin", [at, integer(length - 1)])

    def _place(self, array: Array, row: ll.Value, column: ll.Value, e: int) -> ll.Value:
        builder = self.builder
        offset = builder.mul(column, integer(array.of_column))
        if array.of_row:
            offset = builder.add(offset, builder.mul(row, integer(array.of_row)))
        offset = builder.add(offset, integer(array.first + e))
        return element_pointer(builder, array.pointer, array.dtype, offset)

    def up(self, k: int, held: list[list[Lanes]]) -> list[list[Lanes]]:
        """What is above, and what was at the steps before; `held` begins with the last y."""
        y, *earlier = held
        p = self.whole.heads[k]
        return [
            self._entering(self.whole.tables[k], y, p, self.whole.length + p),
            *earlier,
        ]

    def moved(self, array: Array, held: list[Lanes]) -> list[Lanes]:
        """The elements of an array at the column of each lane."""
        return self._entering(array, held, 0, self.whole.length)

    def put(self, k: int, ys: list[Lanes], above: list[Lanes]) -> list[Lanes]:
        """Write the row of the last lane to table k. What the lanes leave to those below."""
        b, builder, whole = self.b, self.builder, self.whole
        table, p = whole.tables[k], whole.heads[k]
        at = builder.add(self.s, integer(p - (LANES - 1)))
        ends = integer(whole.length + p)
        valid = builder.icmp_unsigned("<", at, ends)
        left: list[Lanes] = []
        for e, y in enumerate(ys):
            if self.masked:
                for c in range(p):
                    here = b.eq(self.column, b.constant(INT64, c - p))
                    y = b.select(here, whole.block.heads[k][c][e], y)
                y = b.select(whole.block.present, y, above[e])
            pointer = self._place(table, integer(0), at, e)
            if self.masked:
                pointer = builder.select(valid, pointer, whole.dummy[table.dtype])
            self.one.store(pointer, b.extract(y, LANES - 1))
            left.append(y)
        return left

    def _offsets(self, array: Array, e: int) -> ll.Value:
        """Where each lane's element is, moved to a column that there is."""
        b = self.b
        last = b.constant(INT64, self.whole.length - 1)
        column = b.min(b.max(self.column, b.constant(INT64, 0)), last)
        shift = b.mul(column, b.constant(INT64, array.of_column))
        start = Lanes(INT64, row_offset(b, array, self.whole.block.row))
        return b.add(b.add(start, shift), b.constant(INT64, e)).value

    def read(self, array: Array) -> list[Lanes]:
        """The elements of an array at the row and column of each lane."""
        found: list[Lanes] = []
        for e in range(array.size):
            if self.masked:
                offsets = self._offsets(array, e)
                found.append(gather(self.b, array.pointer, array.dtype, offsets, None))
            else:
                pointer = self._place(array, self.whole.block.first, self.s, e)
                stride = array.of_row - array.of_column
                found.append(self.b.load(pointer, array.dtype, stride))
        return found

    def write(self, array: Array, values: list[Lanes]) -> None:
        """Write the elements of an array at the row and column of each lane that has one."""
        for e, lanes in enumerate(values):
            if self.masked:
                scatter(self.b, array.pointer, lanes, self._offsets(array, e), self.inside.value)
            else:
                pointer = self._place(array, self.whole.block.first, self.s, e)
                self.b.store(pointer, lanes, array.of_row - array.of_column)


__all__ = ["WavefrontEmitter"]
