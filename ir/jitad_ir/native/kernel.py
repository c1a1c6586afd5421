"""A kernel in LLVM: its loops, with the expression emitted in SIMD registers.

Each node is emitted once, in the body of the loop where it belongs (see `placement`): a scalar
register if it does not vary along the vector loop, one vector for each copy if it does. Index
arithmetic is emitted at the outermost place too, so that LLVM finds no invariants to hoist.

The last step of a vector loop whose length is no multiple of the step covers the last full step of
elements, some of them for the second time: there is no remainder loop, no mask, and no access out
of bounds. Folds leave out what they have seen (see `folds`). Where a kernel overwrites what it
reads, the second time gives something else: those lanes are not stored (see `stores`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from llvmlite import ir as ll

from ..plan.columns import stride
from ..plan.index import Counter, Dynamic, Index, Position
from ..plan.steps import (
    Apply,
    Buffer,
    Constant,
    Fold,
    Inside,
    Kernel,
    Node,
    Number,
    Read,
    Store,
)
from ..types import BOOL, INT64, DType
from .addressing import (
    atom_value,
    element_pointer,
    gather,
    masked_load,
    vector_of,
    weighted_sum,
)
from .emitter import Emitter
from .folds import FoldState
from .interleaving import in_order, interleaved
from .lanes import Lanes, call_intrinsic, splat_constant
from .loops import counted, integer
from .placement import Placement
from .schedule import TILE, Schedule, schedule
from .stores import Write, emit_writes
from .strips import emit_strips

Pointers: TypeAlias = Callable[[int], ll.Value]


class Range(NamedTuple):
    """The steps of one loop that a kernel is to run: `count` (at least 1) from number `start` on,
    of the loop at `depth` open ones."""

    depth: int
    start: ll.Value
    count: ll.Value


class KernelEmitter:
    """Emits one kernel at the place of `builder`.

    `pointer(buffer)` gives the address of a buffer. `registers` holds the values of buffers of
    one element that earlier kernels of the function computed; those in `kept` are only written
    there, not to memory.
    """

    def __init__(
        self,
        builder: ll.IRBuilder,
        kernel: Kernel,
        buffers: tuple[Buffer, ...],
        pointer: Pointers,
        registers: dict[int, Lanes],
        kept: frozenset[int],
        part: Range | None = None,
    ) -> None:
        self.builder = builder
        self.part = part
        self.kernel = kernel
        self.buffers = buffers
        self.pointer = pointer
        self.registers = registers
        self.kept = kept
        self.schedule: Schedule = schedule(kernel, buffers)
        self.scalar = Emitter(builder, 1)
        self.vector = Emitter(builder, self.schedule.width)
        self.placement = Placement(kernel, self.schedule)
        self.counters: dict[int, ll.Value] = {}
        self.blocks: list[ll.Block] = []
        """The block that encloses each open loop."""
        self.addresses: list[dict[Any, ll.Value]] = [{}]
        """Index arithmetic in registers, for each depth of loops."""
        self.values: dict[int, list[Lanes]] = {}
        """Node -> its register, or its registers for each copy if it varies."""
        self.splats: dict[int, Lanes] = {}
        vector = self.schedule.vector
        scalar = vector is None or self.schedule.width == 1
        self.groups = [] if vector is None or scalar else interleaved(kernel, vector)
        """Stores that alternate along the vector loop."""
        self.in_place = not set(kernel.reads).isdisjoint(kernel.writes)
        self.seen: ll.Value | None = None
        """How many lanes of the vector loop's step another step computes; None: none, or that does
        not matter."""
        self.ahead: dict[int, int] = {}
        """How many iterations of a loop what is read lies ahead of its counter."""

    # -- the nest -------------------------------------------------------------------------

    def emit(self) -> None:
        """Emit the kernel; the builder is then behind it."""
        self._level(0)

    def _level(self, depth: int) -> None:
        """The body at `depth` open loops, with the loops inside."""
        self.emit_nodes(depth)
        plan = self.schedule
        part = self.part if self.part is not None and self.part.depth == depth else None
        if plan.strip and depth == plan.kept - 1:
            emit_strips(self, depth, part)
        elif depth == plan.kept and self.kernel.folds:
            FoldState(self).emit(depth)
        elif depth == len(plan.order):
            self.emit_stores(range(plan.copies))
        else:
            self._loop(depth, part)

    def _loop(self, depth: int, part: Range | None) -> None:
        """The loop at `depth`, or a part of it, with those inside."""
        plan = self.schedule
        loop = plan.order[depth]
        length = self.kernel.lengths[loop]
        step = plan.step(depth)
        block: ll.Value | None = None
        count: int | ll.Value = -(-length // step)
        if loop == plan.tiled and step == 1:
            block, count = self.counters[loop], TILE
            if self.in_place and length % TILE:
                left = self.builder.sub(integer(length), block)
                count = call_intrinsic(self.builder, "llvm.smin", [left, integer(TILE)])
        if part is not None:
            count = part.count
        self.open(depth)

        def body(i: ll.Value, carried: list[ll.Value]) -> list[ll.Value]:
            if part is not None:
                i = self.builder.add(i, part.start, flags=("nuw", "nsw"))
            if loop == plan.tiled and self.in_place:
                start = self.builder.mul(i, integer(step), flags=("nuw", "nsw"))
            else:
                start = self.step_start(i, length, step)
            if loop == plan.vector and self.in_place and length % step:
                done = self.builder.mul(i, integer(step), flags=("nuw", "nsw"))
                self.seen = self.builder.sub(done, start)
            self.counters[loop] = start if block is None else self.builder.add(block, start)
            self._level(depth + 1)
            return carried

        counted(self.builder, count, [], body)
        if loop == plan.vector:
            self.seen = None
        self.close(depth)

    def step_start(self, i: ll.Value, length: int, step: int) -> ll.Value:
        """Counter of the first element of step i: min(i * step, length - step)."""
        if step == 1:
            return i
        if isinstance(i, ll.Constant):
            return integer(min(i.constant * step, length - step))
        start = self.builder.mul(i, integer(step), flags=("nuw", "nsw"))
        if length % step:
            start = call_intrinsic(self.builder, "llvm.smin", [start, integer(length - step)])
        return start

    def open(self, depth: int) -> None:
        """Enter a loop inside `depth` others."""
        del self.blocks[depth:]
        self.blocks.append(self.builder.block)
        del self.addresses[depth + 1 :]
        self.addresses.append({})

    def close(self, depth: int) -> None:
        """Leave it."""
        del self.blocks[depth:]
        del self.addresses[depth + 1 :]

    # -- nodes ----------------------------------------------------------------------------

    def emit_nodes(self, depth: int, copies: Sequence[int] | None = None) -> None:
        """Emit the nodes that belong in the body at `depth`; of those that vary along the vector
        loop only the given copies."""
        if copies is None:
            copies = range(self.schedule.copies)
        for k in self.placement.by_depth[depth]:
            node = self.kernel.nodes[k]
            if isinstance(node, Constant):
                continue
            if self.placement.varying[k]:
                held: list[Any] = [None] * self.schedule.copies
                for copy in copies:
                    held[copy] = self._vector_node(node, copy)
                self.values[k] = held
            else:
                self.values[k] = [self._scalar_node(node)]
                if k in self.placement.splatted:
                    self.splats[k] = self.vector.splat(self.values[k][0])

    def scalar_lanes(self, k: int) -> Lanes:
        """The register of a node that does not vary along the vector loop."""
        node = self.kernel.nodes[k]
        if isinstance(node, Constant):
            return self.scalar.constant(node.dtype, node.number)
        return self.values[k][0]

    def lanes(self, k: int, copy: int) -> Lanes:
        """A node in registers of the kernel's width."""
        node = self.kernel.nodes[k]
        if isinstance(node, Constant):
            return self.vector.constant(node.dtype, node.number)
        if self.placement.varying[k]:
            return self.values[k][copy]
        return self.splats.get(k) or self.vector.splat(self.values[k][0])

    def _scalar_node(self, node: Node) -> Lanes:
        if isinstance(node, Apply):
            operands = [self.scalar_lanes(u) for u in node.operands]
            return node.emit(self.scalar, *operands, **node.params)
        if isinstance(node, Number):
            return Lanes(INT64, self.address(node.index))
        if isinstance(node, Inside):
            if isinstance(node.index, int):
                return self.scalar.constant(BOOL, node.low <= node.index < node.high)
            return Lanes(BOOL, self._inside(node, self.address(node.index)))
        assert isinstance(node, Read)
        register = self.registers.get(node.buffer)
        if register is not None:
            return register
        if node.mask is None:
            return self.scalar.load(self.pointer_to(node.buffer, node.offset), node.dtype)
        # Nothing is chosen where the mask is false: any element will do.
        flag = self.scalar_lanes(node.mask).value
        offset = self.builder.select(flag, self.address(node.offset), integer(0))
        pointer = element_pointer(self.builder, self.pointer(node.buffer), node.dtype, offset)
        return self.scalar.load(pointer, node.dtype)

    def _vector_node(self, node: Node, copy: int) -> Lanes:
        if isinstance(node, Apply):
            operands = [self.lanes(u, copy) for u in node.operands]
            return node.emit(self.vector, *operands, **node.params)
        if isinstance(node, Number):
            return Lanes(INT64, self.address_lanes(node.index, copy))
        if isinstance(node, Inside):
            return Lanes(BOOL, self._inside(node, self.address_lanes(node.index, copy)))
        assert isinstance(node, Read)
        return self._vector_read(node, copy)

    def _inside(self, node: Inside, value: ll.Value) -> ll.Value:
        low, high = splat_constant(value.type, node.low), splat_constant(value.type, node.high)
        assert not isinstance(node.index, int)
        least, greatest = node.index.range
        tests = []
        if least < node.low:
            tests.append(self.builder.icmp_signed(">=", value, low))
        if greatest >= node.high:
            tests.append(self.builder.icmp_signed("<", value, high))
        if not tests:  # in a part of the loop
            return self.builder.icmp_signed("==", value, value)
        return tests[0] if len(tests) == 1 else self.builder.and_(*tests)

    def _vector_read(self, node: Read, copy: int) -> Lanes:
        stride = self.placement.lane_stride(node.offset)
        pointer = self.pointer(node.buffer)
        if stride is not None and (node.mask is None or self._is_read_whole(node)):
            return self._strided_read(node, stride, copy)
        mask = None if node.mask is None else self.lanes(node.mask, copy).value
        if self.schedule.width == 1:
            offset = self.address_lanes(node.offset, copy)
            if mask is not None:
                offset = self.builder.select(mask, offset, integer(0))
            place = element_pointer(self.builder, pointer, node.dtype, offset)
            return self.scalar.load(place, node.dtype)
        if stride != 1:
            offsets = self.address_lanes(node.offset, copy)
            return gather(self.vector, pointer, node.dtype, offsets, mask)
        assert mask is not None  # else it is read whole
        first = self.read_pointer(node.buffer, node.offset, stride, copy)
        return masked_load(self.vector, first, node.dtype, mask)

    def _is_read_whole(self, node: Read) -> bool:
        """True if the mask is one for all lanes, and another row will do where it is false."""
        assert node.mask is not None
        if self.schedule.width == 1 or self.placement.varying[node.mask]:
            return False
        _, within = self._row(node)
        low, high = (within, within) if isinstance(within, int) else within.range
        return low >= 0 and high < self.buffers[node.buffer].type.size

    def _row(self, node: Read) -> tuple[Position, Position]:
        """The offset of a read, divided: what is known where its mask is, and the rest."""
        assert node.mask is not None and isinstance(node.offset, Index)
        depth = self.placement.depths[node.mask]
        terms = [(self.placement.depth_of(term[0]) <= depth, term) for term in node.offset.terms]
        outer, inner = (tuple([t for known, t in terms if known is side]) for side in (True, False))
        return (
            Index(outer, 0) if outer else 0,
            Index(inner, node.offset.offset) if inner else node.offset.offset,
        )

    def _strided_read(self, node: Read, stride: int, copy: int) -> Lanes:
        if node.mask is None:
            first = self.read_pointer(node.buffer, node.offset, stride, copy)
        else:
            row, within = self._row(node)
            first = self._pointer_on(
                self._row_pointer(node, row), node.dtype, within, copy * self.vector.width * stride
            )
        if stride == -1:
            width = self.schedule.width
            last = element_pointer(self.builder, first, node.dtype, 1 - width)
            return self.vector.shuffle(
                self.vector.load(last, node.dtype), list(range(width - 1, -1, -1))
            )
        return self.vector.load(first, node.dtype, stride)

    # -- index arithmetic -----------------------------------------------------------------

    def pointer_to(self, buffer: int, position: Position, further: int = 0) -> ll.Value:
        """Address of the element at an index (at lane 0 of copy 0) and `further` elements on."""
        dtype = self.buffers[buffer].type.dtype
        return self._pointer_on(self.pointer(buffer), dtype, position, further)

    def _pointer_on(
        self, pointer: ll.Value, dtype: DType, position: Position, further: int
    ) -> ll.Value:
        """Address of the element so far from the one at the pointer."""
        if isinstance(position, int):
            return element_pointer(self.builder, pointer, dtype, position + further)
        pointer = element_pointer(self.builder, pointer, dtype, self._sum(position))
        for loop, rows in self.ahead.items():
            further += rows * (stride(position, loop) or 0)
        return element_pointer(self.builder, pointer, dtype, position.offset + further)

    def _row_pointer(self, node: Read, row: Position) -> ll.Value:
        """Address of the row that a masked read is in, of the first one where the mask is false:
        found where the mask is, outside of the loops within."""
        assert node.mask is not None
        depth, key = self.placement.depths[node.mask], (node.mask, node.buffer, repr(row))
        held = self.addresses[depth].get(key)
        if held is None:
            start = self.address(row)
            block = self.blocks[depth] if depth < len(self.blocks) else self.builder.block
            with self.builder.goto_block(block):
                flag = self.scalar_lanes(node.mask).value
                offset = self.builder.select(flag, start, integer(0))
                held = element_pointer(self.builder, self.pointer(node.buffer), node.dtype, offset)
            self.addresses[depth][key] = held
        return held

    def read_pointer(self, buffer: int, offset: Position, stride: int, copy: int) -> ll.Value:
        """Address of lane 0 of a copy, of an access with a constant stride between lanes."""
        return self.pointer_to(buffer, offset, copy * self.schedule.width * stride)

    def address(self, position: Position) -> ll.Value:
        """An index in a register, at lane 0 of copy 0."""
        if isinstance(position, int):
            return integer(position)
        total = self._sum(position)
        return self.builder.add(total, integer(position.offset)) if position.offset else total

    def _sum(self, position: Index) -> ll.Value:
        """The index without its offset, each part of the sum emitted as far out as it can be."""
        groups: dict[int, list[tuple[Any, int]]] = {}
        for atom, c in position.terms:
            groups.setdefault(self.placement.depth_of(atom), []).append((atom, c))
        total: ll.Value | None = None
        known: list[tuple[str, int]] = []
        for depth in sorted(groups):
            known += [(atom.name, c) for atom, c in groups[depth]]
            held = self.addresses[depth].get(tuple(known))
            if held is None:
                held = self._partial_sum(depth, groups[depth], total)
                self.addresses[depth][tuple(known)] = held
            total = held
        assert total is not None
        return total

    def _partial_sum(
        self, depth: int, terms: list[tuple[Any, int]], total: ll.Value | None
    ) -> ll.Value:
        """`total` plus the terms, in the body at `depth`."""
        block = self.blocks[depth] if depth < len(self.blocks) else self.builder.block
        with self.builder.goto_block(block):
            for atom, c in terms:
                value = self._atom(atom)
                if c != 1:
                    value = self.builder.mul(value, integer(c))
                total = value if total is None else self.builder.add(total, value)
        assert total is not None
        return total

    def _atom(self, atom: Any) -> ll.Value:
        if isinstance(atom, Counter):
            return self.counters[atom.number]
        if isinstance(atom, Dynamic):
            return self.scalar_lanes(atom.node).value
        inner = atom.index
        value = weighted_sum(self.builder, inner, self._atom, integer)
        return atom_value(self.builder, atom, value)

    def address_lanes(self, position: Position, copy: int) -> ll.Value:
        """An index in the lanes of an i64 register."""
        if isinstance(position, int):  # one element, which some lanes read
            return self.vector.constant(INT64, position).value
        width = self.schedule.width

        def value_of(atom: Any) -> ll.Value:
            if isinstance(atom, Counter):
                base = self.counters[atom.number]
                if atom.number == self.schedule.vector:
                    if copy:
                        base = self.builder.add(base, integer(copy * width))
                    return vector_of(self.builder, base, width)
                return self.vector.splat(Lanes(INT64, base)).value
            if isinstance(atom, Dynamic):
                return self.lanes(atom.node, copy).value
            inner = weighted_sum(self.builder, atom.index, value_of, constant)
            return atom_value(self.builder, atom, inner)

        def constant(n: int) -> ll.Value:
            return self.vector.constant(INT64, n).value

        return weighted_sum(self.builder, position, value_of, constant)

    # -- stores ---------------------------------------------------------------------------

    def emit_stores(
        self, copies: Sequence[int], masks: Sequence[Lanes | None] | None = None
    ) -> None:
        """Store the results of the innermost body; `masks` are those of lanes to be stored, for
        each of the copies."""
        writes: list[Write] = []
        together: list[Store] = []
        if masks is None and self.seen is None:
            for group in self.groups:
                together += group
                writes += self._interleaved(group, copies)
        for store in self.kernel.stores:
            if store in together:
                continue
            stride = self.placement.lane_stride(store.offset)
            if self.schedule.vector is None or stride == 0:
                self.write_scalar(store.buffer, store.offset, self.scalar_lanes(store.node))
                continue
            if stride is None:
                raise AssertionError("a store that is not affine along the vector loop")
            for k, copy in enumerate(copies):
                pointer = self.read_pointer(store.buffer, store.offset, stride, copy)
                mask = None if masks is None else masks[k]
                writes.append(Write(pointer, self.lanes(store.node, copy), stride, copy, mask))
        self.write(writes)

    def _interleaved(self, group: Sequence[Store], copies: Sequence[int]) -> Iterator[Write]:
        """What writes the registers of stores that alternate in memory."""
        first, width = group[0], self.schedule.width
        for copy in copies:
            registers = [self.lanes(store.node, copy) for store in group]
            for k, lanes in enumerate(in_order(self.vector, registers)):
                further = (copy * len(group) + k) * width
                pointer = self.pointer_to(first.buffer, first.offset, further)
                yield Write(pointer, lanes, 1, copy)

    def write(self, writes: Sequence[Write]) -> None:
        """Write registers, but for the lanes that are not to be stored."""
        emit_writes(self.vector, writes, self.seen)

    def write_scalar(self, buffer: int, offset: Position, lanes: Lanes) -> None:
        """Write one element; to a register where the function's other kernels find it."""
        if not self.blocks and self.buffers[buffer].type.size == 1:
            self.registers[buffer] = lanes
            if buffer in self.kept:
                return
        self.scalar.store(self.pointer_to(buffer, offset), lanes)

    def write_fold(self, fold: Fold, lanes: Sequence[Lanes]) -> None:
        """Write the result of a fold: one register, or one for each copy where the vector loop
        is kept."""
        stride = self.placement.lane_stride(fold.offset)
        if self.schedule.vector is None or not stride:
            self.write_scalar(fold.buffer, fold.offset, lanes[0])
            return
        writes: list[Write] = []
        for copy, item in enumerate(lanes):
            pointer = self.read_pointer(fold.buffer, fold.offset, stride, copy)
            writes.append(Write(pointer, item, stride, copy))
        self.write(writes)
