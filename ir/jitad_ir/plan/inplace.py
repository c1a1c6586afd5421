"""Updates in place: the result of a step in the buffer of an operand that nobody needs any more.

A scatter replaces a few elements of a large array; in a loop, whose carry that array is, it must
cost what it writes. A step that can overwrite an operand does so if the operand is a temporary (or
the carry of a loop's body) and all its other readers can run before: the steps are put in such an
order. A chain of such steps from a carry to the same carry's next value leaves it where it is.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from itertools import pairwise

from ..lowering import Routine
from .renaming import renamed, root_of
from .steps import Buffer, Kernel, RoutineCall, Step
from .structures import Branch, Loop, WhileLoop

Pair = tuple[int, int]
"""The buffers of an operand and of a result."""


def overwriting(step: Step) -> list[Pair]:
    """Operands that a step can have overwritten by a result: the buffers of both, which are one
    if it does."""
    pairs: list[Pair] = []
    operands: list[int] = []
    if isinstance(step, RoutineCall):
        lower = step.equation.op.lower
        assert isinstance(lower, Routine)
        operands = list(step.operands)
        if lower.overwrites is not None:
            pairs.append((step.operands[lower.overwrites], step.results[0]))
    elif isinstance(step, Loop):
        operands = [*[k for k, _ in (*step.consts, *step.rows)], *step.carry.inits]
        carries, first = len(step.carry.inits), len(step.consts) + len(step.carry.inits)
        for k, i in step.body.in_place.items():
            if k < carries:
                pairs.append((step.carry.inits[k], step.carry.finals[k]))
            else:
                pairs.append((step.rows[i - first][0], step.stacks[k - carries]))
    elif isinstance(step, WhileLoop):
        operands = [*step.consts, *[k for carry in step.carries for k in carry.inits]]
        for sweep, carry in zip(step.sweeps, step.carries, strict=True):
            pairs += [(carry.inits[k], carry.finals[k]) for k in sweep.in_place]
    elif isinstance(step, Branch):
        operands = [step.index, *step.operands]
        pairs += [(step.operands[i], step.results[k]) for k, i in step.branches[0].in_place.items()]
    return [pair for pair in pairs if operands.count(pair[0]) == 1]


def share(
    steps: Sequence[Step], buffers: Sequence[Buffer], donated: Mapping[int, int]
) -> tuple[list[Step], set[int]]:
    """The steps in their new order, with buffers shared where that can be, and those of the
    `donated` inputs whose output lies in their memory. `donated` maps buffers of inputs that may
    be overwritten to the buffers of the outputs that may take their place."""
    if not any(overwriting(step) for step in steps):
        return list(steps), set()
    while True:
        sharing = _Sharing(steps, buffers, donated)
        done = {k for k in donated if sharing.root(donated[k]) == k}
        clobbered = {k for k in donated if k in sharing.roots.values()}
        if clobbered <= done:
            return sharing.result(), done
        donated = {k: out for k, out in donated.items() if k in done}


class _Sharing:
    def __init__(
        self, steps: Sequence[Step], buffers: Sequence[Buffer], donated: Mapping[int, int]
    ) -> None:
        self.steps = steps
        self.buffers = buffers
        self.donated = donated
        self.roots: dict[int, int] = {}
        """Buffer -> the buffer it is replaced by."""
        self.readers: dict[int, list[int]] = {}
        self.writers: dict[int, list[int]] = {}
        for k, step in enumerate(steps):
            for buffer in step.reads:
                self.readers.setdefault(buffer, []).append(k)
            for buffer in step.writes:
                self.writers.setdefault(buffer, []).append(k)
        self.after: list[set[int]] = [set() for _ in steps]
        """Steps that must come after each step."""
        self.in_order = True
        """Whether these come after it in the order given, too."""
        for buffer, written in self.writers.items():
            if buffers[buffer].type.size == 0:
                continue  # nothing is read, so its readers may stand before its writers
            for k in written:
                self.after[k].update([r for r in self.readers.get(buffer, ()) if r != k])
        acting = [
            k for k, step in enumerate(steps) if not isinstance(step, Kernel) and step.equation.acts
        ]
        for k, following in pairwise(acting):
            self.after[k].add(following)
        for k, step in enumerate(steps):
            for operand, result in overwriting(step):
                self._try(k, operand, result)

    def root(self, buffer: int) -> int:
        """The buffer whose memory a buffer has."""
        return root_of(buffer, self.roots)

    def _try(self, k: int, operand: int, result: int) -> None:
        """Let step k overwrite an operand, if that can be."""
        root = self.root(operand)
        held, target = self.buffers[root], self.buffers[result]
        if self.buffers[operand].kind == "output" or self.writers[result] != [k]:
            return
        if held.kind == "input":
            fits = root in self.donated and (
                target.kind == "workspace" or self.donated[root] == result
            )
        else:
            fits = held.kind == "workspace"
        others = [reader for reader in self.readers[operand] if reader != k]
        if not fits or any(self._reaches(k, reader) for reader in others):
            return
        for reader in others:
            self.after[reader].add(k)
            self.in_order &= reader < k
        if held.kind == "workspace" and target.kind == "output":
            self.roots[root] = result
        else:
            self.roots[result] = root

    def _reaches(self, first: int, last: int) -> bool:
        """Whether step `last` must come after step `first`."""
        if self.in_order and last < first:
            return False
        pending, seen = [first], {first}
        while pending:
            step = pending.pop()
            if step == last:
                return True
            for following in self.after[step]:
                if following not in seen and (following <= last or not self.in_order):
                    seen.add(following)
                    pending.append(following)
        return False

    def result(self) -> list[Step]:
        """The steps, in an order that the sharing allows, on the buffers that are left."""
        waiting = [0] * len(self.steps)
        for following in self.after:
            for k in following:
                waiting[k] += 1
        ready = [k for k, count in enumerate(waiting) if count == 0]
        heapq.heapify(ready)
        order: list[int] = []
        while ready:
            k = heapq.heappop(ready)
            order.append(k)
            for following in self.after[k]:
                waiting[following] -= 1
                if waiting[following] == 0:
                    heapq.heappush(ready, following)
        assert len(order) == len(self.steps)
        return [renamed(self.steps[k], self.roots) for k in order]
