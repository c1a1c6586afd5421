"""Kernels in place: a result in the memory of an operand that dies there.

A kernel whose every iteration reads an element of an operand, if at all, where it writes one of its
result may write it over that element. So a chain of kernels passes through its memory once, and no
cache line is fetched to be written only. The operand must be a temporary that no step reads
later: steps keep their order (updates that are worth another one are found before, see `inplace`).
So may a loop's body with its carry: one buffer is enough, and half as much of the caches.

A loop reads the rows of its operands one by one, and writes those of its results: a result may take
the place of an operand if a step is done with its row before it writes that of the result. Routines
that copy an operand to their result, to work there, need not if these are one; those that compute
in memory of their own may write what they found over it (`reuses`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..lowering import Cumulative, Routine
from .index import Counter, Position
from .inplace import Pair, overwriting
from .renaming import renamed, root_of
from .steps import Buffer, Kernel, Plan, Read, RoutineCall, Step, Store
from .structures import Loop

LEAST_BYTES = 4096
"""Arrays below are left apart: they lie in the nearest cache, and LLVM knows more about them."""

LEAST_CARRY = 1 << 14
"""The same for carries of loops, of which two fit there too."""


def reuse(
    steps: Sequence[Step], buffers: Sequence[Buffer], donated: Mapping[int, int]
) -> tuple[list[Step], set[int]]:
    """The steps, in their order, with results in the memory of dying operands; and those of the
    `donated` inputs whose output lies in their memory. `donated` maps buffers of inputs that may
    be overwritten to the buffers of the outputs that may take their place."""
    if not any(map(_pairs_of, steps)):
        return list(steps), set()
    reuse = _Reuse(steps, buffers)
    done = {operand for operand, result in donated.items() if reuse.carries(operand, result)}
    return reuse.result(), done


class _Reuse:
    def __init__(self, steps: Sequence[Step], buffers: Sequence[Buffer]) -> None:
        self.steps = steps
        self.buffers = buffers
        self.roots: dict[int, int] = {}
        self.chosen: dict[int, list[int]] = {}
        """Steps that overwrite something -> the numbers of their pairs."""
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}
        """First and last step that uses each buffer, with all that share its memory."""
        for k, step in enumerate(steps):
            for buffer in (*step.reads, *step.writes):
                self.first.setdefault(buffer, k)
                self.last[buffer] = k
        for k, step in enumerate(steps):
            taken: set[int] = set()
            for number, (operand, result) in enumerate(_pairs_of(step)):
                root = root_of(operand, self.roots)
                if root not in taken and self._fits(k, root, result):
                    taken.add(self._merge(root, result))
                    self.chosen.setdefault(k, []).append(number)

    def _fits(self, k: int, operand: int, result: int) -> bool:
        """Whether an operand of step k that may be overwritten dies there, and a result is born."""
        return (
            self.buffers[operand].kind == "workspace"
            and self.buffers[result].kind in ("workspace", "output")
            and result not in self.roots
            and self._follows(k, operand, result, LEAST_BYTES)
        )

    def _follows(self, k: int, operand: int, result: int, least: int) -> bool:
        held, target = self.buffers[operand].type, self.buffers[result].type
        return (
            held.size == target.size
            and held.dtype == target.dtype
            and held.nbytes >= least
            and self.last[operand] == k
            and self.first.get(result) == k
        )

    def carries(self, operand: int, result: int) -> bool:
        """Let an output lie in the memory of an input, if the step that reads this last writes the
        output over it, or what becomes the output in place."""
        k = self.last.get(operand, -1)
        if k < 0 or not self._follows(k, operand, result, LEAST_CARRY):
            return False
        step = self.steps[k]
        pairs = [*_pairs_of(step), *overwriting(step)]
        found = [
            n for n, (o, r) in enumerate(pairs) if (o, root_of(r, self.roots)) == (operand, result)
        ]
        if not found:
            return False
        if isinstance(step, Loop) and found[0] < len(_row_pairs(step)):
            self.chosen.setdefault(k, []).append(found[0])
        self.roots[result] = operand
        return True

    def _merge(self, operand: int, result: int) -> int:
        """Give both one memory: that of an output if one of them is."""
        kept, other = operand, result
        if self.buffers[result].kind == "output":
            kept, other = result, operand
        self.roots[other] = kept
        self.first[kept], self.last[kept] = self.first[operand], self.last[result]
        return kept

    def result(self) -> list[Step]:
        """The steps on the buffers that are left."""
        steps: list[Step] = []
        for k, step in enumerate(self.steps):
            if isinstance(step, Loop) and k in self.chosen:
                places = [places for _, places in _row_pairs(step)]
                sharing = dict([places[number] for number in self.chosen[k]])
                step = replace(step, body=_on_inputs(step.body, sharing))
            steps.append(renamed(step, self.roots))
        return steps


def in_place_pairs(step: Step) -> list[Pair]:
    """Operands that a step can have overwritten by a result, whatever step it is: the buffers of
    both, which are one if it does."""
    return [*overwriting(step), *([] if isinstance(step, Loop) else _pairs_of(step))]


def _pairs_of(step: Step) -> list[Pair]:
    """Operands and results of a step that can be one buffer, in its own order of steps."""
    if isinstance(step, Loop):
        return [pair for pair, _ in _row_pairs(step)]
    if isinstance(step, RoutineCall):
        return _routine_pairs(step)
    return _kernel_pairs(step) if isinstance(step, Kernel) else []


def _routine_pairs(call: RoutineCall) -> list[Pair]:
    lower = call.equation.op.lower
    assert isinstance(lower, Routine)
    types = [value.type for value in call.equation.operands]
    number: int | None = lower.reuses(*types, **call.equation.params)
    if number is None or call.operands.count(call.operands[number]) > 1:
        return []
    operand = types[number]
    return [
        (call.operands[number], result)
        for result, value in zip(call.results, call.equation.outputs, strict=True)
        if value.type.size == operand.size and value.dtype == operand.dtype
    ]


def _row_pairs(loop: Loop) -> list[tuple[Pair, tuple[int, int]]]:
    """Stacked arrays that a loop reads, and those it may write over them; and the numbers of the
    output and the input of its body that are a row of them."""
    body, carries = loop.body, len(loop.carry.inits)
    read = [*[k for k, _ in (*loop.consts, *loop.rows)], *loop.carry.inits]
    found: list[tuple[Pair, tuple[int, int]]] = []
    if body.straight:
        return found
    for k, result in enumerate(loop.stacks, carries):
        for i, (operand, start) in enumerate(loop.rows, len(loop.consts) + carries):
            row, written = body.input_types[i], body.output_types[k]
            alike = row.dtype == written.dtype and row.size == written.size
            if alike and not start and read.count(operand) == 1 and _follows(body, k, i):
                found.append(((operand, result), (k, i)))
    return found


def _follows(plan: Plan, k: int, i: int) -> bool:
    """Whether output k is first written when input i has been read, or by a kernel that reads of
    that only what it writes."""
    (source,) = _numbers(plan, "input", i)
    (target,) = _numbers(plan, "output", k)
    reading = [n for n, step in enumerate(plan.steps) if source in step.reads]
    using = [n for n, step in enumerate(plan.steps) if target in (*step.reads, *step.writes)]
    if not reading or not using or i in plan.in_place.values() or k in plan.in_place:
        return False
    step = plan.steps[using[0]]
    if reading[-1] == using[0]:
        return isinstance(step, Kernel) and (source, target) in _kernel_pairs(step)
    return reading[-1] < using[0]


def _numbers(plan: Plan, kind: str, place: int) -> list[int]:
    return [n for n, b in enumerate(plan.buffers) if (b.kind, b.place) == (kind, place)]


def _on_inputs(plan: Plan, sharing: dict[int, int]) -> Plan:
    """The plan with outputs in the memory of inputs."""
    roots: dict[int, int] = {}
    for k, i in sharing.items():
        (source,) = _numbers(plan, "input", i)
        (target,) = _numbers(plan, "output", k)
        roots[target] = source
    steps = tuple([renamed(step, roots) for step in plan.steps])
    return replace(plan, steps=steps, in_place=dict(plan.in_place) | sharing)


def _kernel_pairs(kernel: Kernel) -> list[Pair]:
    """Operands that a kernel may overwrite by a result, as it reads each of their elements in the
    iteration only that writes this element; (k, k) for a buffer that it does overwrite."""
    written: dict[int, list[Position]] = {}
    plain: set[int] = set()
    for write in (*kernel.stores, *kernel.folds):
        written.setdefault(write.buffer, []).append(write.offset)
        if isinstance(write, Store) or isinstance(write.lower, Cumulative):
            plain.add(write.buffer)
    found: list[Pair] = []
    places: dict[int, set[Position | None]] | None = None
    for result, offsets in written.items():
        if result not in plain or len(offsets) > 1 or not _covers(offsets[0], kernel.lengths):
            continue
        if places is None:
            places = _places(kernel)
        found += [(k, result) for k, where in places.items() if where == {offsets[0]}]
    return found


def _places(kernel: Kernel) -> dict[int, set[Position | None]]:
    """For each buffer, where it is read; None: in some iterations only."""
    places: dict[int, set[Position | None]] = {}
    for node in kernel.nodes:
        if isinstance(node, Read):
            where = node.offset if node.mask is None else None
            places.setdefault(node.buffer, set()).add(where)
    return places


def _covers(offset: Position, lengths: tuple[int, ...]) -> bool:
    """Whether an offset takes each value from 0 to the number of iterations once."""
    if isinstance(offset, int) or offset.offset:
        return False
    strides: list[tuple[int, int]] = []
    loops: set[int] = set()
    for atom, stride in offset.terms:
        if not isinstance(atom, Counter):
            return False
        strides.append((stride, atom.length))
        loops.add(atom.number)
    if len(loops) != len(lengths):
        return False
    size = 1
    for stride, length in sorted(strides):
        if stride != size:
            return False
        size *= length
    return True
