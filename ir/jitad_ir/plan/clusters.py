"""Fusion: which equations are computed in one kernel, and in what order the kernels run.

Every equation that is worth a place of its own is given a home, a `Cluster`: one future kernel.
Clusters stand on levels. A cluster reads only what clusters of lower levels have written, so that
clusters can be filled in any way without a cycle between them, and the search for a home is a
look-up by level and number of elements: planning is linear in the size of the program.

Three kinds of values:

- a *buffer* is an input, the result of a fold or of a routine: others read it from memory;
- a *view* has no home: the result of a cheap `Pull` (broadcast, slice, constant ...) is expanded
  wherever it is read;
- a *member* has a home: elementwise results, and views that are dear to expand.

A member read in another cluster, or at another index, is expanded there once more if it is cheap
or has no other reader (`free`), and otherwise stored by its home.

Clusters of one kind hold equations of one iteration space, up to unit axes and regrouping of axes
(`bounds`: the sizes of the trailing blocks of axes, each dividing the next), and folds over the
same axes of it. The other kind, *blocks*, hold tiny values of any shape: each element of each
is its own scalar in straight-line code, so that they may read each other at any index.

Places for what comes later: a cluster with several stages over rows (softmax in one kernel) would
be a third kind, whose folds may be read by members of the next stage; a schedule that lowers the
peak of memory would reorder independent clusters of `ordered()`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import Equation, Graph, Value
from ..lowering import ArgReduction, Cumulative, Elementwise, Pull, Reduction, Routine, Structured
from ..types import Shape, TypeMismatch
from . import limits
from .homes import Call, Cluster, Homes, Info, Levels, fits, joined
from .spaces import FoldKey, contiguous_slice, fold_key, trailing_bounds
from .tiles import parts_of_concatenation
from .tracing import constant_of, identity_map, reads_parts, terms_of


def _repeats_rows(eq: Equation) -> bool:
    """Whether a view has the same rows many times: what elements of a row are computed from is
    computed for each row anew, as columns are the inner loop. So it is if each element stands in a
    short run of columns."""
    if eq.op.name != "broadcast":
        return False
    (x,), (out,), dims = eq.operands, eq.outputs, eq.params["dims"]
    long = [axis for axis, length in zip(dims, x.shape, strict=True) if length > 1]
    run = math.prod(out.shape[long[-1] + 1 :]) if long else limits.RUN
    return run < limits.RUN and out.type.size >= limits.REPEATED * x.type.size * run


def _picks_elements(eq: Equation) -> bool:
    """Whether a view reads its operand here and there: what that is computed from would be read so,
    too, not in vectors."""
    return eq.op.name == "gather" and eq.operands[0].ndim - 1 in eq.params["axes"]


def _is_glance(eq: Equation) -> bool:
    """Whether a slice reads so little of its operand that this may be computed once more for it."""
    return limits.GLANCE * eq.outputs[0].type.size <= eq.operands[0].type.size


def _highest(levels: Sequence[Levels]) -> Levels:
    return (
        max([level for level, _ in levels], default=0),
        max([level for _, level in levels], default=0),
    )


class Clustering:
    """Homes of all values of a graph; `assign()` fills it in."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.calls: list[Call] = []
        self.info: dict[Value, Info] = {}
        self.producers: dict[Value, Equation] = {}
        self._homes = Homes()
        self._uses: dict[Value, int] = {}
        self._overwritten: set[Value] = set()
        """Values that a routine may put its result in the place of."""
        self._acting = 0  # the level of the last call with effects

    def assign(self) -> None:
        """Give every equation its home."""
        self._count_uses()
        for value in self.graph.inputs:
            self.info[value] = self._buffer(value, 0)
        for eq in self.graph.equations:
            for value in eq.outputs:
                self.producers[value] = eq
            if any(value in self._uses for value in eq.outputs) or eq.acts:
                self._place(eq)
        self._sink()
        for eq in self.graph.equations:
            info = self.info.get(eq.outputs[0]) if eq.outputs else None
            if info is not None and info.kind == "member":
                assert info.home is not None
                info.home.members.append(eq)

    def settle(self, value: Value) -> Cluster:
        """A cluster that can store `value`: its home, one made for it if it has none."""
        info = self.info[value]
        if info.home is None or info.kind == "buffer":
            home = self._home(value.type.shape, info.ready, block=self._is_block(value, False))
            if info.kind == "buffer":
                return home
            info.home = home
        return info.home

    def constant(self, value: Value) -> np.ndarray[Any, Any] | None:
        """The array that `value` is known to be, if that is in memory."""
        eq = self.producers.get(value)
        if eq is None or eq.operands or not isinstance(eq.op.lower, Pull):
            return None
        return constant_of(eq)

    def ordered(self) -> Iterator[Cluster | Call]:
        """Clusters and calls in an order in which they can run."""
        everything: list[Cluster | Call] = [*self._homes.clusters, *self.calls]
        yield from sorted(everything, key=lambda step: step.level)

    def _count_uses(self) -> None:
        uses = self._uses
        for value in self.graph.outputs:
            uses[value] = uses.get(value, 0) + 1
        # Backwards, so that equations nobody needs do not count as readers.
        for eq in reversed(self.graph.equations):
            if any(value in uses for value in eq.outputs) or eq.acts:
                few = eq.op.name == "slice" and _is_glance(eq)
                for value in eq.operands:
                    uses[value] = uses.get(value, 0) + (not few)
                lower = eq.op.lower
                if isinstance(lower, Routine) and lower.overwrites is not None:
                    self._overwritten.add(eq.operands[lower.overwrites])
        for value, count in uses.items():
            uses[value] = count or 1

    def _buffer(self, value: Value, level: int) -> Info:
        return Info("buffer", value.type.size, (level, level), uses=self._uses.get(value, 0))

    def _ready(self, value: Value, reads: int, block: bool) -> int:
        """Level from which a cluster can hold a reader of `value` at arbitrary indices that
        reads `reads` elements; decides whether it is expanded there."""
        info = self.info[self.root(value)]
        if info.kind != "member":
            return info.ready[block]
        home = info.home
        assert home is not None
        info.pulled = True
        if block and home.block:
            return home.level
        if info.free and (info.work <= limits.CHEAP or reads <= info.size):
            return info.ready[block]
        if info.free:
            # Somebody reads it more often than it has elements: it is stored, for all.
            info.free = False
        return home.level + 1

    def _ready_for_both(self, reads: Mapping[Value, int]) -> Levels:
        """Levels from which a cluster, and a block, can hold a reader of so many elements of each
        of these values."""
        return _highest(
            [(self._ready(v, n, False), self._ready(v, n, True)) for v, n in reads.items()]
        )

    def _expanded_ready(self, value: Value, block: bool) -> int:
        """Level from which a cluster can hold a copy of a reader of `value`."""
        info = self.info[self.root(value)]
        home = info.home
        if info.kind != "member":
            return info.ready[block]
        assert home is not None
        if block and home.block:
            return home.level
        return info.ready[block] if info.free else home.level + 1

    def _is_block(self, value: Value, dear: bool) -> bool:
        size = value.type.size
        limit = (
            limits.BLOCK_DEAR
            if dear
            else limits.BLOCK_SIZE
            if value.ndim < 2
            else limits.BLOCK_MATRIX
        )
        return size == 1 or size <= limit

    # -- homes -----------------------------------------------------------------------------

    def _place(self, eq: Equation) -> None:
        lower = eq.op.lower
        if isinstance(lower, Elementwise):
            self._place_elementwise(eq, lower.dear)
        elif isinstance(lower, Pull):
            self._place_pull(eq)
        elif isinstance(lower, (Reduction, ArgReduction, Cumulative)):
            self._place_fold(eq)
        elif isinstance(lower, (Routine, Structured)):
            self._place_call(eq)
        else:
            raise TypeMismatch(
                f"op {eq.op.name} has no native lowering ({lower!r}): a pass has to inline or "
                "replace it before the program is planned"
            )

    def _place_elementwise(self, eq: Equation, dear: bool) -> None:
        (value,) = eq.outputs
        if self._is_empty(value):
            return
        own = limits.DEAR if dear else 1
        work, depth = self._work(eq.operands, own)
        info = self._member(value, eq.operands, work, depth)
        info.slow = eq.op.name in limits.DIVISIONS or any([self._is_slow(v) for v in eq.operands])
        roots = [self.root(v) for v in eq.operands]
        same = [v for v in roots if self.info[v].kind == "member"]
        for v in same:
            self.info[v].readers.append(info)
        others = [v for v in roots if self.info[v].kind != "member"]
        ready = _highest([self.info[v].ready for v in others])
        block = self._is_block(value, dear)
        info.home = self._home(value.type.shape, ready, same, block=block, others=others)

    def _place_pull(self, eq: Equation) -> None:
        (value,) = eq.outputs
        if self._is_empty(value):
            return
        work, depth = self._work(eq.operands, 2 * (len(eq.operands) > 1), terms_of(eq))
        if len(eq.operands) == 1 and identity_map(eq):
            # An alias: reads of it are reads of the operand at the same place.
            root = self.root(eq.operands[0])
            held = self.info[root]
            held.uses += self._uses.get(value, 0) - 1
            if held.kind == "member" and held.uses > 1 and held.work > limits.CHEAP:
                held.free = False
            self.info[value] = Info(
                "view", held.size, held.ready, work, depth, held.uses, alias=root
            )
            return
        parts = parts_of_concatenation(self, eq)
        if parts:
            self.info[value] = self._buffer(value, max([part.home.level + 1 for part in parts]))
            self.info[value].tiles = parts
            return
        if _repeats_rows(eq) and self._is_slow(eq.operands[0]):
            self.info[self.root(eq.operands[0])].free = False
        if _picks_elements(eq) and self._is_worth_storing(eq.operands[0], value.type.size):
            self.info[self.root(eq.operands[0])].free = False
        reads = self._reads(eq)
        last_look = self._is_last_look(eq)
        ready = self._ready_for_both({v: reads[v] for v in eq.operands})
        if work <= limits.VIEW_WORK and depth <= limits.MAX_DEPTH and not last_look:
            uses = self._uses[value]
            self.info[value] = Info("view", value.type.size, ready, work, depth, uses)
            return
        info = self._member(value, eq.operands, work, depth)
        info.home = self._home(value.type.shape, ready, block=self._is_block(value, False))
        if last_look:
            info.free, info.pulled = False, True

    def _is_slow(self, value: Value) -> bool:
        """Whether to expand a value takes divisions."""
        info = self.info[self.root(value)]
        return info.kind == "member" and info.free and info.slow

    def _is_worth_storing(self, value: Value, reads: int) -> bool:
        """Whether a value that is read here and there is better computed in order before."""
        info = self.info[self.root(value)]
        if info.home is None or info.home.block:
            return False
        return info.kind == "member" and info.work > limits.CHEAP and info.size <= 2 * reads

    def _is_last_look(self, eq: Equation) -> bool:
        """Whether a small part of an array is read that is then updated: it is read before, once,
        so that the update can be in place."""
        size = eq.outputs[0].type.size
        return any(v in self._overwritten and 8 * size <= v.type.size for v in eq.operands)

    def _reads(self, eq: Equation) -> dict[Value, int]:
        """Elements of each operand that a view reads, in all. Of several operands each element
        is taken to be read once (the parts of a concatenation), unless that cannot be."""
        size = eq.outputs[0].type.size
        total = sum(v.type.size for v in eq.operands)
        if len(eq.operands) > 1 and size <= 2 * total:
            return {v: v.type.size for v in eq.operands}
        return {v: size * terms_of(eq) for v in eq.operands}

    def _place_fold(self, eq: Equation) -> None:
        (value,) = eq.outputs
        (operand,) = eq.operands
        if self._is_empty(value):
            return
        lower = eq.op.lower
        source = self.info[self.root(operand)]
        if isinstance(lower, Reduction):
            if operand.type.size == 0:
                self.info[value] = Info("view", value.type.size, (0, 0), 1)
                return
            extent = operand.type.size // value.type.size
            in_block = source.home is not None and source.home.block
            moves = source.kind != "member" or source.free or in_block
            if extent == 1 or (extent <= limits.UNROLL and moves):
                self._place_unrolled(eq, extent)
                return
        root = self.root(operand)
        same = [root] if source.kind == "member" else []
        level = 0 if same else source.ready[0]
        home = self._home(operand.shape, (level, level), same, fold_key(eq))
        home.folds.append(eq)
        info = self._buffer(value, home.level + 1)
        info.home = home
        self.info[value] = info
        if same:
            # The operand may move down to the fold, but not past it.
            source.readers.append(info)

    def _place_unrolled(self, eq: Equation, extent: int) -> None:
        (value,) = eq.outputs
        (operand,) = eq.operands
        ready = self._ready_for_both({operand: operand.type.size})
        held = self.info[operand]
        expanded = held.work if held.kind == "view" or held.free else 0
        work = min(extent * (expanded + 1), limits.DEAR * limits.DEAR)
        info = self._member(value, eq.operands, work, held.depth + 1)
        info.home = self._home(value.type.shape, ready, block=self._is_block(value, False))

    def _place_call(self, eq: Equation) -> None:
        level = self._acting if eq.acts else 0
        for i, operand in enumerate(eq.operands):
            value = self.window(operand)[0] if reads_parts(eq, i) else self.root(operand)
            info = self.info[value]
            if info.kind == "view" and self.constant(value) is not None:
                continue
            if info.kind == "buffer":
                level = max(level, info.ready[0])
            elif info.size:
                home = self.settle(value)
                info.pulled = True
                info.free = info.free and info.work <= limits.CHEAP
                level = max(level, home.level + 1)
        self._acting = level if eq.acts else self._acting
        self.calls.append(Call(level, eq))
        for value in eq.outputs:
            self.info[value] = self._buffer(value, level + 1)

    def _is_empty(self, value: Value) -> bool:
        """Arrays without elements are views that nobody reads."""
        if value.type.size:
            return False
        self.info[value] = Info("view", 0, (0, 0))
        return True

    def root(self, value: Value) -> Value:
        """The value that has the same elements in the same order: that of a reshape."""
        alias = self.info[value].alias
        return value if alias is None else alias

    def window(self, value: Value) -> tuple[Value, int]:
        """The value that holds the elements of a value one after the other, and the first one's
        number there: what a contiguous part is a part of."""
        first = 0
        while True:
            value = self.root(value)
            eq = self.producers.get(value)
            if eq is None or eq.op.name != "slice" or self.info[value].kind != "view":
                return value, first
            start = contiguous_slice(eq)
            if start is None:
                return value, first
            (whole,) = eq.operands
            held = self.info[self.root(whole)]
            if held.kind != "buffer" and held.size > 2 * value.type.size:
                return value, first
            value, first = whole, first + start

    def _work(self, operands: Sequence[Value], own: int, terms: int = 1) -> tuple[int, int]:
        work, depth = own, 0
        for v in operands:
            info = self.info[v]
            if info.kind == "view" or info.free:
                work += info.work
                depth = max(depth, info.depth)
        return min(terms * (work + 1) - 1, limits.DEAR * limits.DEAR), depth + 1

    def _member(self, value: Value, operands: Sequence[Value], work: int, depth: int) -> Info:
        ready = _highest(
            [(self._expanded_ready(v, False), self._expanded_ready(v, True)) for v in operands]
        )
        uses = self._uses[value]
        info = Info(
            "member",
            value.type.size,
            ready,
            work,
            depth,
            uses,
            free=depth <= limits.MAX_DEPTH and (work <= limits.CHEAP or uses == 1),
        )
        self.info[value] = info
        return info

    def _home(
        self,
        shape: Shape,
        ready: Levels,
        same: Sequence[Value] = (),
        key: FoldKey | None = None,
        *,
        block: bool = False,
        others: Sequence[Value] = (),
    ) -> Cluster:
        """A cluster of the iteration space of `shape`, at level `ready` at least, that can read
        the members `same` at its own index, and `others` too, which have no home there."""
        size = math.prod(shape)
        if block:
            level = max([ready[1], *[self._ready(v, size, True) for v in same]])
            home = self._homes.block(size, level)
            if home is not None:
                return home
        streams = [v for v in others if size >= limits.LARGE and self.info[v].size == size]
        return self._homes.find(shape, ready[0], [self.info[v] for v in same], key, streams)

    # -- later is better -------------------------------------------------------------------

    def _sink(self) -> None:
        """Move members that are only needed on higher levels there: what would be stored now and
        read then is computed then."""
        outputs = {self.root(v) for v in self.graph.outputs if v in self.info}
        for eq in reversed(self.graph.equations):
            info = self.info.get(eq.outputs[0]) if eq.outputs else None
            if info is None or info.kind != "member" or info.pulled or not info.readers:
                continue
            home = info.home
            assert home is not None
            if home.block or eq.outputs[0] in outputs:
                continue
            targets = [reader.home for reader in info.readers]
            lowest = min((t for t in targets if t is not None), key=lambda t: t.level, default=home)
            elsewhere = [t for t in targets if t is not lowest and t is not None]
            if not info.free and any(t.level == lowest.level for t in elsewhere):
                continue
            if lowest.level > home.level and not lowest.block and lowest.size == info.size:
                bounds = trailing_bounds(eq.outputs[0].shape)
                if fits(lowest, info.size, bounds, None):
                    info.home = joined(lowest, bounds, None)
