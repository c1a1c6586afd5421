"""branch: one of several programs, chosen at run time by an index.

    branch(index, operands; b_0, ..., b_n): operands -> b_index(operands)

`index` is an int64 scalar, clamped to the branches there are. Only the branch chosen runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..evaluate import evaluate
from ..graph import Builder, Graph, Value, building, current_builder
from ..lowering import Elementwise, Pull, Routine, Structured
from ..op import OPS, Joint, Op, Pruned, WithPrimal
from ..passes.dce import select_outputs
from ..passes.jvp import jvp
from ..passes.split import Split, split
from ..passes.transpose import transpose
from ..types import INT64, ArrayType, TypeMismatch
from .steps import Regions
from .structured import batched_everywhere, lane_by_lane, pruned_regions

DEAR = 2000
"""Work (see `_work`) above which a branch is not run for lanes that did not choose it."""


def _infer(index: ArrayType, *operands: ArrayType, regions: Regions) -> tuple[ArrayType, ...]:
    if index != ArrayType(INT64, ()):
        raise TypeMismatch(f"branch: expected an index i64[]; got {index!r}")
    for number, region in enumerate(regions):
        if region.input_types != operands:
            raise TypeMismatch(
                f"branch: branch {number} takes {region.input_types}; got {operands}"
            )
        if region.output_types != regions[0].output_types:
            raise TypeMismatch(
                f"branch: all branches must give {regions[0].output_types}; branch {number} gives "
                f"{region.output_types}"
            )
    return regions[0].output_types


def _evaluate(index: Any, *arrays: Any, regions: Regions) -> tuple[Any, ...]:
    chosen = min(max(int(index), 0), len(regions) - 1)
    return evaluate(regions[chosen], *arrays)


def _jvp(
    tangents: Sequence[Value | None], index: Value, *operands: Value, regions: Regions
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    moving = [t is not None for t in tangents[1:]]
    wanted = [any(flags) for flags in zip(*[jvp(r, moving).nonzero for r in regions], strict=True)]
    results = branch(
        index,
        *operands,
        *[t for t in tangents[1:] if t is not None],
        regions=tuple([jvp(r, moving, forced=wanted).graph for r in regions]),
    )
    primals = len(regions[0].outputs)
    moved = iter(results[primals:])
    return results[:primals], [next(moved) if want else None for want in wanted]


class _Residuals:
    """Where the rest of each branch finds its residuals: among the known operands, or in slots that
    the branches share, each of one type."""

    def __init__(self, parts: Sequence[Split]) -> None:
        self.slots: list[ArrayType] = []
        self.places: list[list[tuple[str, int]]] = []
        """For each branch and residual: ("operand", i) or ("slot", j)."""
        for part in parts:
            operands = {v: i for i, v in enumerate(part.known.inputs)}
            taken: set[int] = set()
            places: list[tuple[str, int]] = []
            for value in part.known.outputs[sum(part.is_known) :]:
                if value in operands:
                    places.append(("operand", operands[value]))
                else:
                    places.append(("slot", self._slot(value.type, taken)))
            self.places.append(places)

    def _slot(self, type: ArrayType, taken: set[int]) -> int:
        for number, held in enumerate(self.slots):
            if held == type and number not in taken:
                taken.add(number)
                return number
        self.slots.append(type)
        taken.add(len(self.slots) - 1)
        return len(self.slots) - 1

    def known(self, number: int, part: Split) -> Graph:
        """The known part of a branch, giving its known results and all slots."""
        builder = Builder(part.known.name)
        inputs = [builder.input(t) for t in part.known.input_types]
        answers = sum(part.is_known)
        with building(builder):
            results = builder.inline(part.known, inputs)
            filled = {
                slot: value
                for (kind, slot), value in zip(self.places[number], results[answers:], strict=True)
                if kind == "slot"
            }
            slots = [
                filled[j] if j in filled else OPS["full"](value=0, shape=t.shape, dtype=t.dtype)
                for j, t in enumerate(self.slots)
            ]
        return builder.build([*results[:answers], *slots])

    def rest(self, number: int, part: Split, operands: Sequence[ArrayType]) -> Graph:
        """The rest of a branch over (known operands, slots, unknown operands)."""
        held = {("operand", i): Value(t) for i, t in enumerate(operands)}
        held |= {("slot", j): Value(t) for j, t in enumerate(self.slots)}
        count = part.residuals
        builder = Builder(part.rest.name)
        builder.inputs = list(held.values())
        unknown = [builder.input(v.type) for v in part.rest.inputs[count:]]
        residuals = [held[place] for place in self.places[number]]
        return builder.build(builder.inline(part.rest, [*residuals, *unknown]))


def _split(unknown: Sequence[bool], index: Any, *operands: Any, regions: Regions) -> Any:
    known = [not u for u in unknown[1:]]
    given = [v for v, k in zip(operands, known, strict=True) if k]
    if unknown[0]:
        return _all_unknown(unknown, given, regions)
    first = [split(r, known).is_known for r in regions]
    late = [not all(flags) for flags in zip(*first, strict=True)]
    parts = [split(r, known, late) for r in regions]
    residuals = _Residuals(parts)
    results = branch(
        index, *given, regions=tuple([residuals.known(i, p) for i, p in enumerate(parts)])
    )
    answers = len(late) - sum(late)
    found = iter(results[:answers])
    types = [v.type for v in given]

    def rest(held: Sequence[Value], others: Sequence[Value]) -> tuple[Value, ...]:
        return branch(
            *held,
            *others,
            regions=tuple([residuals.rest(i, p, types) for i, p in enumerate(parts)]),
        )

    return (
        [None if is_late else next(found) for is_late in late],
        [index, *given, *results[answers:]],
        rest,
    )


def _all_unknown(unknown: Sequence[bool], given: Sequence[Value], regions: Regions) -> Any:
    """The index itself is unknown: the whole branch is."""

    def rest(held: Sequence[Value], others: Sequence[Value]) -> tuple[Value, ...]:
        kept, free = iter(held), iter(others)
        return branch(*[next(free) if u else next(kept) for u in unknown], regions=regions)

    return [None] * len(regions[0].outputs), list(given), rest


def _transpose(
    cts: Sequence[Value | None], index: Any, *operands: Any, regions: Regions
) -> list[Value | None]:
    linear = [not isinstance(v, Value) for v in operands]
    given = [ct is not None for ct in cts]
    backward = tuple([transpose(select_outputs(r, given), linear) for r in regions])
    results = iter(
        branch(
            index,
            *[v for v, is_linear in zip(operands, linear, strict=True) if not is_linear],
            *[ct for ct in cts if ct is not None],
            regions=backward,
        )
    )
    return [None, *[next(results) if is_linear else None for is_linear in linear]]


def _prune(used: Sequence[bool], regions: Regions) -> Pruned:
    regions, kept = pruned_regions(used, regions)
    return Pruned({}, regions, [True, *kept], used)


def _work(region: Graph) -> float:
    """Roughly how many arithmetic operations a branch takes; infinite if it holds a loop."""
    total = 0.0
    for eq in region.equations:
        size = max([v.type.size for v in (*eq.operands, *eq.outputs)], default=1)
        lower = eq.op.lower
        if eq.regions:
            return np.inf
        if isinstance(lower, Routine):
            total += DEAR
        elif isinstance(lower, Elementwise):
            total += size * (10 if lower.dear else 1)
        elif not isinstance(lower, Pull):
            total += size
    return total


def _batch(
    size: int,
    batched: Sequence[bool],
    index: Value,
    *operands: Value,
    regions: Regions,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    flags = batched[1:]
    acts = any([region.acts for region in regions])
    if batched[0] and (acts or max(map(_work, regions)) > DEAR):
        return lane_by_lane(branch, size, batched, (index, *operands), {"regions": regions})
    wide = tuple([batched_everywhere(r, size, flags, batch_axis) for r in regions])
    if not batched[0]:
        return branch(index, *operands, regions=wide)
    return _selected(index, operands, wide)


def _selected(index: Value, operands: Sequence[Value], wide: Regions) -> tuple[Value, ...]:
    """Every branch in every lane, and a selection: for branches that cost little."""
    builder = current_builder()
    results = list(builder.inline(wide[-1], operands))
    for number in reversed(range(len(wide) - 1)):
        chosen = OPS["le"](index, number)
        others = builder.inline(wide[number], operands)
        for i, (here, there) in enumerate(zip(others, results, strict=True)):
            keep = OPS["broadcast"](chosen, shape=here.shape, dims=(0,))
            results[i] = OPS["select"](keep, here, there)
    return tuple(results)


branch = Op(
    name="branch",
    doc="One of the regions applied to the operands, chosen by an index; see the module.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=WithPrimal(_jvp),
    transpose=Joint(_transpose),
    batch=_batch,
    lower=Structured("branch"),
    samples=(),
    multiple_results=True,
    split=_split,
    prune=_prune,
)
