"""What the loops share: a scan taken apart, the jvp of a step, and which values of a body change
from step to step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..graph import Builder, Graph, Value, building
from ..passes.jvp import push, zeros

Regions = tuple[Graph, ...]


def cut(items: Sequence[Any], lengths: Sequence[int]) -> list[list[Any]]:
    """`items` in consecutive pieces of these lengths."""
    pieces: list[list[Any]] = []
    start = 0
    for length in lengths:
        pieces.append(list(items[start : start + length]))
        start += length
    return pieces


class Parts(NamedTuple):
    """Operands, inputs or flags of a scan by their role."""

    consts: list[Any]
    carry: list[Any]
    xs: list[Any]

    @property
    def all(self) -> list[Any]:
        """In the order of the operands."""
        return [*self.consts, *self.carry, *self.xs]


def parts_of(items: Sequence[Any], consts: int, carries: int) -> Parts:
    """Operands, or what belongs to them, by their role."""
    end = consts + carries
    return Parts(list(items[:consts]), list(items[consts:end]), list(items[end:]))


@dataclass(frozen=True, slots=True)
class Steps:
    """A scan taken apart: its body, how often it runs and in which direction, and how many of its
    operands are constants and carries."""

    body: Graph
    length: int
    reverse: bool
    consts: int
    carries: int
    unroll: int

    def parts(self, items: Sequence[Any]) -> Parts:
        """Operands, or what belongs to them, by their role."""
        return parts_of(items, self.consts, self.carries)

    def with_body(self, body: Graph, consts: int, carries: int) -> dict[str, Any]:
        """Regions and params of a scan of as many steps over another body."""
        return {"regions": (body,), **self.params(consts, carries)}

    def params(self, consts: int, carries: int) -> dict[str, Any]:
        """Params of a scan of as many steps with these numbers of constants and carries."""
        return {
            "length": self.length,
            "reverse": self.reverse,
            "consts": consts,
            "carries": carries,
            "unroll": self.unroll,
        }


def steps_of(regions: Regions, **params: Any) -> Steps:
    """The scan with these regions and params."""
    return Steps(regions[0], **params)


def jvp_of_step(
    step: Graph, groups: Sequence[Sequence[bool]], width: int
) -> tuple[Graph, list[bool], list[bool]]:
    """The jvp of a loop's body whose first `width` outputs are the next carry. `groups` tells which
    inputs move: constants, carry and others. In the new inputs the tangents of a group follow its
    values; in the new outputs those of the moving carry (zeros if need be) follow the carry, those
    of the other results that have one come last. Also which of the carry and of the other results
    have a tangent that is not zero."""
    builder = Builder(f"jvp.{step.name}")
    primals: list[Value] = []
    tangents: list[Value | None] = []
    for values, flags in zip(cut(step.inputs, [len(g) for g in groups]), groups, strict=True):
        primals += [builder.input(v.type) for v in values]
        tangents += [
            builder.input(v.type) if f else None for v, f in zip(values, flags, strict=True)
        ]
    with building(builder):
        outs, ts = push(builder, step, primals, tangents)
        carry_ts = [
            zeros(out) if t is None else t
            for out, t, f in zip(outs, ts, groups[1], strict=False)
            if f
        ]
    moved = [t is not None for t in ts]
    others = [t for t in ts[width:] if t is not None]
    graph = builder.build([*outs[:width], *carry_ts, *outs[width:], *others])
    return graph, moved[:width], moved[width:]


def grown(mask: Sequence[bool], step: Callable[[list[bool]], Sequence[bool]]) -> list[bool]:
    """The least flags above `mask` with `step(flags) <= flags`: what becomes of the carry."""
    flags = list(mask)
    while True:
        after = [a or b for a, b in zip(flags, step(flags), strict=True)]
        if after == flags:
            return flags
        flags = after


def invariant_values(body: Graph, consts: Sequence[Value]) -> set[Value]:
    """The values of a body that depend on these inputs alone."""
    found = set(consts)
    for eq in body.equations:
        if not eq.acts and all(v in found for v in eq.operands):
            found.update(eq.outputs)
    return found
