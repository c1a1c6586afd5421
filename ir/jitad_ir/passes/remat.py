"""Which values of a loop's body are kept for its derivative, and which are computed again.

    recompute : (a1 -> b1, res), (res, a2 -> b2)  to  the same with fewer bytes in res

Every residual is kept at every step, so bytes cost time. What cheap equations (elementwise ones,
views, small sums and products) made of other known values can be made again by the second program.
Transcendental functions, library calls, loops and sums of many elements are not run twice. Values
that the second program has anyway (constants of the loop, rows of its operands, stacked results)
cost nothing.

The residuals of least cost are a minimum cut: of the graph whose edges lead from operands to
results, between what cannot be recomputed and what the second program reads, with a value's bytes
as its capacity. Of several such cuts it is the one next to the reader, where least is recomputed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from ..graph import Builder, Equation, Graph, Value, building
from ..lowering import Elementwise, Pull, Reduction, Routine
from .flow import Edge, minimum_cut
from .split import Split

SMALL = 256
"""Bytes a step up to which keeping all or going back as far as possible is all that is compared."""

_RATE = 2
"""Numbers computed in the time that a byte takes to be written and read, in small bodies."""

_FEW = 64
"""Elements of a sum, or products of a dot, up to which it is cheap."""


def recompute(parts: Split, free: Collection[Value]) -> Split:
    """`parts` with the residuals of least cost; values of `parts.known` in `free` cost nothing."""
    answers = sum(parts.is_known)
    needed = list(dict.fromkeys(parts.known.outputs[answers:]))
    if not needed:
        return parts
    region = _Region(parts.known, needed, free)
    kept = region.chosen()
    if set(kept) == set(needed) and len(needed) == parts.residuals:
        return parts
    return stored(parts, kept)


def stored(parts: Split, kept: Sequence[Value]) -> Split:
    """`parts` with the values `kept` of the known program as residuals: what else the second
    program reads is computed there, from them."""
    answers = sum(parts.is_known)
    known, rest = parts.known, parts.rest
    builder = Builder(rest.name)
    env = {v: builder.input(v.type) for v in kept}
    wanted = known.outputs[answers:]
    with building(builder):
        for eq in _between(known, env, wanted):
            outs = builder.replay(eq, tuple([env[v] for v in eq.operands]))
            env.update({v: out for v, out in zip(eq.outputs, outs, strict=True) if v not in env})
        unknown = [builder.input(v.type) for v in rest.inputs[parts.residuals :]]
        outputs = builder.inline(rest, [*[env[v] for v in wanted], *unknown])
    outs = [*known.outputs[:answers], *kept]
    return Split(
        Graph(known.inputs, known.equations, outs, known.name),
        builder.build(outputs),
        parts.is_known,
        len(kept),
    )


def _between(graph: Graph, kept: Collection[Value], wanted: Iterable[Value]) -> list[Equation]:
    """The equations that make the wanted values from the kept ones."""
    missing = {v for v in wanted if v not in kept}
    found: list[Equation] = []
    for eq in reversed(graph.equations):
        if not missing.isdisjoint(eq.outputs):
            found.append(eq)
            missing.update([v for v in eq.operands if v not in kept])
    return found[::-1]


def is_cheap(eq: Equation) -> bool:
    """Whether running `eq` again costs less than keeping its results."""
    lower = eq.op.lower
    if eq.regions:
        return False
    if isinstance(lower, Elementwise):
        return not lower.dear
    if isinstance(lower, Pull) or not (eq.operands or isinstance(lower, Routine)):
        return True
    if isinstance(lower, Reduction) or eq.op.name == "dot":
        return _terms(eq) <= _FEW
    return False


def _terms(eq: Equation) -> int:
    """Elements summed, or products formed, by a reduction or a dot."""
    sizes = [v.type.size for v in eq.operands]
    if eq.op.name != "dot":
        return sizes[0]
    # Each of the m n results has k products: (m k) (k n) (m n) = (m k n)^2.
    return round((sizes[0] * sizes[1] * max(eq.outputs[0].type.size, 1)) ** 0.5)


class _Region:
    """What lies between values that cannot be recomputed and the values needed."""

    def __init__(self, graph: Graph, needed: Sequence[Value], free: Collection[Value]) -> None:
        self.needed = needed
        self.free = free
        self.producers = {v: eq for eq in graph.equations for v in eq.outputs}
        self.operands: dict[Value, tuple[Value, ...]] = {}
        """The operands that each recomputable value is made of."""
        self.sources: list[Value] = []
        """Values that are not recomputed."""
        pending = list(needed)
        seen: set[Value] = set()
        while pending:
            value = pending.pop()
            if value in seen:
                continue
            seen.add(value)
            eq = self.producers.get(value)
            if value in free or eq is None or not is_cheap(eq):
                self.sources.append(value)
            else:
                self.operands[value] = eq.operands
                pending.extend(eq.operands)

    def cost(self, values: Iterable[Value]) -> int:
        """Bytes to keep these values at a step."""
        return sum([0 if v in self.free else v.type.nbytes for v in values])

    def chosen(self) -> list[Value]:
        """The values to keep."""
        as_is, back = self.cost(self.needed), self.cost(self.sources)
        if as_is <= SMALL:
            again = sum([v.type.size for v in self.operands if not self._is_view(v)])
            return self.sources[::-1] if back + again / _RATE < as_is else list(self.needed)
        return self._minimum_cut()

    def _is_view(self, value: Value) -> bool:
        return isinstance(self.producers[value].op.lower, Pull)

    def _minimum_cut(self) -> list[Value]:
        order = list(dict.fromkeys([*self.needed, *self.operands, *self.sources]))
        # Value k is node 2 k where it is read, and node 2 k + 1 where it is made. From the reader
        # to the sources, so that the cut found is the one next to the reader.
        read = {v: 2 * k for k, v in enumerate(order)}
        reader, made = 2 * len(order), 2 * len(order) + 1
        edges = [Edge(reader, read[v], None) for v in self.needed]
        edges += [Edge(read[v] + 1, made, None) for v in self.sources]
        edges += [Edge(read[v], read[v] + 1, self.cost([v])) for v in order]
        for value, operands in self.operands.items():
            edges += [Edge(read[value] + 1, read[v], None) for v in dict.fromkeys(operands)]
        near = minimum_cut(edges, reader, made)
        return [v for v in order if read[v] in near and read[v] + 1 not in near]
