"""Folds in a kernel's innermost loops: accumulators in registers, in a fixed order.

Accumulators are the lanes and copies of one step of the vector loop. If that is a fold loop, lane l
of the step takes elements l, l + lanes, l + 2 lanes ..., and at the end the upper half of the
accumulators is folded into the lower half until one is left. That order depends on the shape alone.

Sums of floats over more than `BLOCK` steps are folded in blocks, whose results are folded in pairs,
pairs of pairs and so on (a stack holds the result of each complete 2^k blocks): the error grows
with the logarithm of the length. See Higham, Accuracy and Stability of Numerical Algorithms, 4.2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llvmlite import ir as ll

from ..lowering import ArgReduction, Cumulative, Reduction
from ..plan.steps import Apply, Fold
from ..types import BOOL, INT32, INT64, DType
from .lanes import I1, I32, Lanes, call_intrinsic
from .loops import counted, integer, lanes_of, registers_of
from .pairwise import folded_in_pairs
from .stores import Write

if TYPE_CHECKING:
    from .kernel import KernelEmitter

BLOCK = 64
"""Steps that are accumulated one after the other."""

Accumulators = list[Lanes]


class FoldState:
    """The fold loops of one kernel."""

    def __init__(self, kernel: KernelEmitter) -> None:
        self.kernel = kernel
        self.builder = kernel.builder
        plan = kernel.schedule
        self.folds = kernel.kernel.folds
        self.across = plan.vector in plan.order[plan.kept :] and not plan.strip
        """Whether lanes are partial results, to be folded at the end."""
        self.copies = plan.copies
        self.running = any(isinstance(f.lower, Cumulative) for f in self.folds)
        self.blocked = any(
            isinstance(f.lower, Reduction) and kernel.kernel.nodes[f.node].dtype.kind in "fc"
            for f in self.folds
        )

    def emit(self, depth: int) -> None:
        """The loops, and the stores of the results."""
        accumulators = self._loop(depth, self.start())
        if not self.running:
            self.finish(accumulators)

    # -- accumulators: for each fold, for each copy, one register (two for an ArgReduction) ----

    def start(self) -> Accumulators:
        b = self.kernel.vector
        start: Accumulators = []
        for fold in self.folds:
            dtype = self.kernel.kernel.nodes[fold.node].dtype
            for _ in range(self.copies):
                identity = fold.lower.identity
                start.append(b.constant(dtype, 0 if identity is None else identity(dtype)))
                if isinstance(fold.lower, ArgReduction):
                    # Right if no element beats the identity; else the state loses.
                    start.append(b.constant(self._place_dtype(fold), 0))
        return start

    def _combine(self, fold: Fold, b: Any, x: Accumulators, y: Accumulators) -> Accumulators:
        """Fold two states of one fold; y holds later elements."""
        if isinstance(fold.lower, ArgReduction):
            (best, at), (other, where) = x, y
            better = fold.lower.better
            # A better candidate, or one as good that comes first.
            tie = b.bitwise_and(b.bitwise_not(better(b, other, best)), b.lt(where, at))
            wins = b.bitwise_or(better(b, best, other), tie)
            return [b.select(wins, other, best), b.select(wins, where, at)]
        return [fold.lower.combine(b, x[0], y[0])]

    def _accumulate(
        self, fold: Fold, b: Any, state: Accumulators, new: Accumulators
    ) -> Accumulators:
        """Fold one element into a state of earlier ones."""
        if not isinstance(fold.lower, ArgReduction):
            return self._combine(fold, b, state, new)
        # Of two that are as good as each other the earlier one stays.
        (best, at), (element, position) = state, new
        wins = fold.lower.better(b, best, element)
        return [b.select(wins, element, best), b.select(wins, position, at)]

    def _states(self, accumulators: Accumulators) -> list[list[Accumulators]]:
        """accumulators -> [fold][copy] -> registers."""
        found: list[list[Accumulators]] = []
        rest = iter(accumulators)
        for fold in self.folds:
            size = 2 if isinstance(fold.lower, ArgReduction) else 1
            found.append([[next(rest) for _ in range(size)] for _ in range(self.copies)])
        return found

    def merged(self, x: Accumulators, y: Accumulators) -> Accumulators:
        b = self.kernel.vector
        merged: Accumulators = []
        for fold, xs, ys in zip(self.folds, self._states(x), self._states(y), strict=True):
            for first, second in zip(xs, ys, strict=True):
                merged += self._combine(fold, b, first, second)
        return merged

    # -- loops --------------------------------------------------------------------------------

    def _loop(self, depth: int, accumulators: Accumulators) -> Accumulators:
        """The loop at `depth` and those inside."""
        kernel = self.kernel
        plan = kernel.schedule
        if depth == len(plan.order):
            return self.body(accumulators, range(self.copies), None)
        loop = plan.order[depth]
        length = kernel.kernel.lengths[loop]
        kernel.open(depth)
        if loop == plan.vector:
            accumulators = self._vector_loop(depth, loop, length, accumulators)
        else:

            def step(i: ll.Value, held: Accumulators) -> Accumulators:
                if self.running and self.folds[0].reverse:
                    i = self.builder.sub(integer(length - 1), i)
                kernel.counters[loop] = i
                kernel.emit_nodes(depth + 1)
                return self._loop(depth + 1, held)

            accumulators = self._counted(length, accumulators, step)
        kernel.close(depth)
        return accumulators

    def _vector_loop(
        self, depth: int, loop: int, length: int, accumulators: Accumulators
    ) -> Accumulators:
        kernel = self.kernel
        lanes = kernel.schedule.lanes
        if length % lanes and self._is_masked():
            return self._masked_loop(depth, loop, length, accumulators)

        def step(i: ll.Value, held: Accumulators) -> Accumulators:
            start = kernel.step_start(i, length - length % lanes, lanes)
            if self.running and self.folds[0].reverse:
                start = self.builder.sub(integer(length - lanes), start)
            kernel.counters[loop] = start
            kernel.emit_nodes(depth + 1)
            return self.body(held, range(self.copies), None)

        accumulators = self._counted(length // lanes, accumulators, step)
        rest = length % lanes
        if rest:
            # The last full step again; only its last `rest` elements are new.
            kernel.open(depth)
            reverse = self.running and self.folds[0].reverse
            kernel.counters[loop] = integer(0 if reverse else length - lanes)
            width = kernel.schedule.width
            new = [
                copy
                for copy in range(self.copies)
                if (copy * width < rest if reverse else (copy + 1) * width > lanes - rest)
            ]
            kernel.emit_nodes(depth + 1, new)
            accumulators = self.body(accumulators, new, lanes - rest)
        return accumulators

    def _is_masked(self) -> bool:
        """Whether the loop of the full steps runs the last one too, so that functions are called at
        one place, and inlined. On shapes and dtypes alone, as the order of additions depends on
        it."""
        if self.running or self.kernel.in_place:
            return False
        return any(isinstance(node, Apply) and node.dear for node in self.kernel.kernel.nodes)

    def _masked_loop(
        self, depth: int, loop: int, length: int, accumulators: Accumulators
    ) -> Accumulators:
        """All full steps, in blocks, and as a last block the last full step again, of which only
        the last `length % lanes` elements are new. Lanes to leave out are known before a block."""
        kernel, builder = self.kernel, self.builder
        lanes = kernel.schedule.lanes
        trips, rest = divmod(length, lanes)
        size = BLOCK if self.blocked and trips > BLOCK else trips
        full = -(-trips // size)
        copies = range(self.copies)

        def block(number: ll.Value, held: Accumulators) -> Accumulators:
            last = builder.icmp_signed("==", number, integer(full))
            first = builder.mul(number, integer(size), flags=("nuw", "nsw"))
            left = builder.sub(integer(trips), first)
            count = call_intrinsic(builder, "llvm.smin", [left, integer(size)])
            count = builder.select(last, integer(1), count)
            begin = builder.mul(first, integer(lanes), flags=("nuw", "nsw"))
            begin = builder.select(last, integer(length - lanes), begin)
            masks = [self._mask(last, copy, lanes - rest) for copy in copies]

            def step(i: ll.Value, values: list[ll.Value]) -> list[ll.Value]:
                done = builder.mul(i, integer(lanes), flags=("nuw", "nsw"))
                kernel.counters[loop] = builder.add(begin, done, flags=("nuw", "nsw"))
                kernel.emit_nodes(depth + 1)
                return registers_of(self.body(lanes_of(held, values), copies, None, masks))

            return lanes_of(held, counted(builder, count, registers_of(held), step))

        if full == 1:

            def body(number: ll.Value, values: list[ll.Value]) -> list[ll.Value]:
                return registers_of(block(number, lanes_of(accumulators, values)))

            values = counted(builder, 2, registers_of(accumulators), body)
            return lanes_of(accumulators, values)
        results = self._pairs(full + 1, lambda number: block(number, self.start()))
        return self.merged(accumulators, results)

    def _mask(self, last: ll.Value, copy: int, seen: int) -> Lanes | None:
        """Lanes of a copy that are not among the first `seen` if this is the last step."""
        unseen = self._unseen(copy, seen)
        if unseen is None:
            return None
        every = self.kernel.vector.constant(BOOL, True)
        return Lanes(BOOL, self.builder.select(last, unseen.value, every.value))

    def _counted(
        self, trips: int, accumulators: Accumulators, step: Callable[..., Accumulators]
    ) -> Accumulators:
        def body(i: ll.Value, values: list[ll.Value]) -> list[ll.Value]:
            return registers_of(step(i, lanes_of(accumulators, values)))

        if not self.blocked or trips <= BLOCK:
            values = counted(self.builder, trips, registers_of(accumulators), body)
            return lanes_of(accumulators, values)
        start = self.start()

        def block(number: ll.Value) -> Accumulators:
            first = self.builder.mul(number, integer(BLOCK), flags=("nuw", "nsw"))
            count: ll.Value | int = BLOCK
            if trips % BLOCK:
                left = self.builder.sub(integer(trips), first)
                smaller = self.builder.icmp_unsigned("<", left, integer(BLOCK))
                count = self.builder.select(smaller, left, integer(BLOCK))

            def body(i: ll.Value, values: list[ll.Value]) -> list[ll.Value]:
                number = self.builder.add(first, i, flags=("nuw", "nsw"))
                return registers_of(step(number, lanes_of(start, values)))

            return lanes_of(start, counted(self.builder, count, registers_of(start), body))

        return self.merged(accumulators, self._pairs(-(-trips // BLOCK), block))

    def _pairs(self, blocks: int, block: Callable[[ll.Value], Accumulators]) -> Accumulators:
        """The results of `block(number)`, folded in pairs."""
        like = self.start()

        def merged(x: list[ll.Value], y: list[ll.Value]) -> list[ll.Value]:
            return registers_of(self.merged(lanes_of(like, x), lanes_of(like, y)))

        values = folded_in_pairs(
            self.builder,
            blocks,
            lambda number: registers_of(block(number)),
            registers_of(like),
            merged,
        )
        return lanes_of(like, values)

    # -- body and end -------------------------------------------------------------------------

    def body(
        self,
        accumulators: Accumulators,
        copies: Any,
        seen: int | None,
        masks: Sequence[Lanes | None] | None = None,
    ) -> Accumulators:
        """Fold the current elements into the accumulators, all but the first `seen` of a step, or
        those that `masks` leaves out of each copy."""
        kernel = self.kernel
        b = kernel.vector
        result: Accumulators = []
        for fold, states in zip(self.folds, self._states(accumulators), strict=True):
            if self.running and self.across:
                result += self._prefix(fold, states, copies, seen)
                continue
            for copy, state in enumerate(states):
                if copy not in copies:
                    result += state
                    continue
                new = self._element(fold, copy)
                if self.running:
                    result += self._run(fold, state, new, copy)
                    continue
                folded = self._accumulate(fold, b, state, new)
                mask = self._unseen(copy, seen) if masks is None else masks[copy]
                if mask is not None:
                    folded = [b.select(mask, x, y) for x, y in zip(folded, state, strict=True)]
                result += folded
        kernel.emit_stores(copies, self._unstored(copies, seen))
        return result

    def _unstored(self, copies: Any, seen: int | None) -> list[Lanes | None] | None:
        """For each of the copies the lanes that are not stored yet, where storing them again would
        store something else."""
        if seen is None or not self.kernel.in_place:
            return None
        reverse = self.running and self.folds[0].reverse
        return [self._unseen(copy, seen, reverse) for copy in copies]

    def _element(self, fold: Fold, copy: int) -> Accumulators:
        kernel = self.kernel
        element = kernel.lanes(fold.node, copy)
        if not isinstance(fold.lower, ArgReduction):
            return [element]
        dtype = self._place_dtype(fold)
        if kernel.placement.lane_stride(fold.position) is None:
            place = Lanes(INT64, kernel.address_lanes(fold.position, copy))
            return [element, kernel.vector.convert(place, dtype)]
        # That of lane 0 of copy 0: what the others are further is added in the end.
        first = kernel.scalar.convert(Lanes(INT64, kernel.address(fold.position)), dtype)
        return [element, kernel.vector.splat(first)]

    def _place_dtype(self, fold: Fold) -> DType:
        """Integers for the positions of an ArgReduction."""
        last = fold.position if isinstance(fold.position, int) else fold.position.range[1]
        return INT32 if last < 2**31 else INT64

    def _placed(self, fold: Fold, states: list[Accumulators]) -> list[Accumulators]:
        """The states of the copies with the position of each lane."""
        stride = self.kernel.placement.lane_stride(fold.position)
        if not isinstance(fold.lower, ArgReduction) or not stride:
            return states
        b = self.kernel.vector
        placed: list[Accumulators] = []
        for copy, (best, at) in enumerate(states):
            first = copy * self.kernel.schedule.width
            lanes = b.mul(b.iota(integer(first), at.dtype), b.constant(at.dtype, stride))
            placed.append([best, b.add(at, lanes)])
        return placed

    def _unseen(self, copy: int, seen: int | None, reverse: bool = False) -> Lanes | None:
        """Lanes of a copy that are not among the first `seen` of the step (the last, if reversed);
        None for all."""
        width = self.kernel.schedule.width
        if seen is None:
            return None
        lanes = range(copy * width, (copy + 1) * width)
        flags = [lane < width * self.copies - seen if reverse else lane >= seen for lane in lanes]
        if all(flags):
            return None
        if width == 1:
            raise AssertionError("a copy of one lane is seen or not")
        return Lanes(BOOL, ll.Constant(ll.VectorType(I1, width), [int(flag) for flag in flags]))

    def _run(self, fold: Fold, state: Accumulators, new: Accumulators, copy: int) -> Accumulators:
        """One step of a running fold: the first element as it is, then combined."""
        kernel = self.kernel
        b = kernel.vector
        first: ll.Value | None = None
        for loop in fold.loops:
            edge = kernel.kernel.lengths[loop] - 1 if fold.reverse else 0
            at_edge = self.builder.icmp_signed("==", kernel.counters[loop], integer(edge))
            first = at_edge if first is None else self.builder.and_(first, at_edge)
        assert first is not None
        combined = fold.lower.combine(b, state[0], new[0])  # type: ignore[union-attr]
        values = registers_of([combined])
        given = registers_of(new)
        chosen = [self.builder.select(first, x, y) for x, y in zip(given, values, strict=True)]
        result = lanes_of(new, chosen)
        stride = kernel.placement.lane_stride(fold.offset)
        if kernel.schedule.vector is None or not stride:
            kernel.write_scalar(fold.buffer, fold.offset, result[0])
        else:
            pointer = kernel.read_pointer(fold.buffer, fold.offset, stride, copy)
            kernel.write([Write(pointer, result[0], stride, copy)])
        return result

    def _prefix(
        self, fold: Fold, states: list[Accumulators], copies: Any, seen: int | None
    ) -> Accumulators:
        """A step of a running fold: with x_l the fold of the 2^k lanes up to l, those of 2^(k+1)
        are x_(l - 2^k) . x_l (W. D. Hillis, G. L. Steele, "Data parallel algorithms", 1986), for
        lanes of all copies. The carry waits for one operation a step."""
        assert isinstance(fold.lower, Cumulative) and fold.lower.identity is not None
        kernel, b = self.kernel, self.kernel.vector
        combine, width = fold.lower.combine, kernel.schedule.width
        dtype = kernel.kernel.nodes[fold.node].dtype
        identity = b.constant(dtype, fold.lower.identity(dtype))
        unseen = [self._unseen(copy, seen, fold.reverse) for copy in range(self.copies)]
        xs: list[Lanes] = []
        for copy, mask in enumerate(unseen):
            x = kernel.lanes(fold.node, copy) if copy in copies else identity
            xs.append(x if mask is None or copy not in copies else b.select(mask, x, identity))
        step = 1
        while step < width * self.copies:
            before = [self._before(xs, identity, copy, step, fold) for copy in range(self.copies)]
            xs = [combine(b, x, y) for x, y in zip(before, xs, strict=True)]
            step *= 2
        carry = states[0][0]
        for copy in copies:
            result = combine(b, carry, xs[copy])
            pointer = kernel.read_pointer(fold.buffer, fold.offset, 1, copy)
            mask = unseen[copy]
            if mask is not None:
                result = b.select(mask, result, b.load(pointer, dtype))
            b.store(pointer, result)
        last = b.extract(xs[0], 0) if fold.reverse else b.extract(xs[-1], width - 1)
        return [combine(b, carry, b.splat(last)), *[state[0] for state in states[1:]]]

    def _before(self, xs: list[Lanes], identity: Lanes, copy: int, step: int, fold: Fold) -> Lanes:
        """The lanes that are `step` before those of a copy (behind them, if reversed)."""
        width = self.kernel.schedule.width
        back = -1 if fold.reverse else 1

        def register(number: int) -> Lanes:
            return xs[number] if 0 <= number < len(xs) else identity

        if step >= width:
            return register(copy - back * (step // width))
        pair = [register(copy - back), xs[copy]][::back]
        first = step if fold.reverse else width - step
        mask = ll.Constant(ll.VectorType(I32, width), [first + lane for lane in range(width)])
        values = [x.value for x in pair]
        return Lanes(identity.dtype, self.builder.shuffle_vector(*values, mask))

    def finish(self, accumulators: Accumulators) -> None:
        kernel = self.kernel
        for fold, states in zip(self.folds, self._states(accumulators), strict=True):
            if self.across:
                states = [self._across(fold, self._placed(fold, states))]
            results = [state[-1] for state in states]
            b = kernel.scalar if self.across else kernel.vector
            kernel.write_fold(fold, [b.convert(x, fold.result) for x in results])

    def _across(self, fold: Fold, states: list[Accumulators]) -> Accumulators:
        """Copies, then lanes, folded by halves."""
        b = self.kernel.vector
        while len(states) > 1:
            half = len(states) // 2
            states = [
                self._combine(fold, b, x, y)
                for x, y in zip(states[:half], states[half:], strict=True)
            ]
        (state,) = states
        width = self.kernel.schedule.width
        while width > 1:
            half = width // 2
            b = self.kernel.vector.of_width(width)
            if half == 1:
                low = [b.extract(x, 0) for x in state]
                high = [b.extract(x, 1) for x in state]
            else:
                low = [b.shuffle(x, list(range(half))) for x in state]
                high = [b.shuffle(x, list(range(half, width))) for x in state]
            state = self._combine(fold, b.of_width(half), low, high)
            width = half
        return state
