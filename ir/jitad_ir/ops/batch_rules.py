"""Batch rules of the derivatives of a function with a batch rule of its own.

A rule gives a program of batches, P. It is differentiated as any program is, so that derivatives
taken of one example and batched afterwards are those of P: the tangents of a batch are the jvp of
P, the cotangents the transpose of that.

A rule is about batches of points. Where only tangents or cotangents are batched, at one point, the
function's own derivative program is batched, as any program is, and stays a function with a rule:
batched over points later, it is the rule's program that is batched over those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..graph import Builder, Graph, Value, building
from ..op import OPS, batch_to_front, in_every_lane
from ..passes.batch import batch
from ..passes.dce import select_inputs, select_outputs, values_read
from ..passes.jvp import instantiated, push
from ..passes.transpose import transpose
from ..types import ArrayType

Flags = Sequence[bool]


class BatchRule(Protocol):
    """How a function is batched. Hashable: equal rules give equal programs."""

    def batched(self, size: int, batched: Flags, types: Sequence[ArrayType]) -> tuple[Graph, Flags]:
        """The program over operands of `types`, of which operand i has a leading axis of length
        `size` where `batched[i]`, and which of its outputs have one."""
        ...


@dataclass(frozen=True, slots=True)
class TangentRule:
    """The rule of `forward`, the jvp of a function with a `rule`: of its operands, then the
    tangents of operands i with `moves[i]`, to its results, then their tangents with `nonzero`."""

    rule: BatchRule
    forward: Graph
    moves: tuple[bool, ...]
    nonzero: tuple[bool, ...]

    def batched(self, size: int, batched: Flags, types: Sequence[ArrayType]) -> tuple[Graph, Flags]:
        """See `BatchRule`."""
        count = len(self.moves)
        if not any(batched[:count]):
            return _at_one_point(self, self.forward, size, batched)
        places = iter(range(count, len(types)))
        of_tangent = [next(places) if m else None for m in self.moves]
        together = [
            b or (t is not None and batched[t]) for b, t in zip(batched, of_tangent, strict=False)
        ]
        builder = Builder(f"jvp.{self.forward.name}")
        inputs = [builder.input(t) for t in types]
        with building(builder):
            wide = [
                in_every_lane(v, size) if along and not has_axis else v
                for v, along, has_axis in zip(inputs, together, batched, strict=False)
            ]
            tangents: list[Value | None] = [None] * count
            for i, place in enumerate(of_tangent):
                if place is not None:
                    lacks = together[i] and not batched[place]
                    tangents[i] = in_every_lane(inputs[place], size) if lacks else inputs[place]
            program, flags = self.rule.batched(size, together, [v.type for v in wide])
            outs, moved = push(builder, program, wide, tangents)
            found = instantiated(outs, moved)
        kept = [t for t, nonzero in zip(found, self.nonzero, strict=True) if nonzero]
        kept_flags = [f for f, nonzero in zip(flags, self.nonzero, strict=True) if nonzero]
        return builder.build([*outs, *kept]), [*flags, *kept_flags]


@dataclass(frozen=True, slots=True)
class PartRule:
    """The rule of a part of a function with a `rule`: of its inputs `places`, in that order, to its
    outputs i with `wanted[i]`, which read no other inputs. `types` are those of all inputs."""

    rule: BatchRule
    places: tuple[int, ...]
    types: tuple[ArrayType, ...]
    wanted: tuple[bool, ...]

    def batched(self, size: int, batched: Flags, types: Sequence[ArrayType]) -> tuple[Graph, Flags]:
        """See `BatchRule`."""
        every, every_type = [False] * len(self.types), list(self.types)
        for place, has_axis, type in zip(self.places, batched, types, strict=True):
            every[place], every_type[place] = has_axis, type
        program, flags = self.rule.batched(size, every, every_type)
        chosen = [f for f, wanted in zip(flags, self.wanted, strict=True) if wanted]
        return part_of(program, self.places, self.wanted), chosen


@dataclass(frozen=True, slots=True)
class CotangentRule:
    """The rule of `backward`, the transpose of a function with a `rule`: of its operands that are
    not `linear`, then the cotangents of its results, to those of the others."""

    rule: BatchRule
    backward: Graph
    linear: tuple[bool, ...]

    def batched(self, size: int, batched: Flags, types: Sequence[ArrayType]) -> tuple[Graph, Flags]:
        """See `BatchRule`."""
        known = len(self.linear) - sum(self.linear)
        if not any(batched[:known]):
            return _at_one_point(self, self.backward, size, batched)
        places = iter(range(known))
        results = iter(self.backward.output_types)
        of_known = [None if is_linear else next(places) for is_linear in self.linear]
        flags = [True if place is None else batched[place] for place in of_known]
        given = [
            _wide(next(results), size) if place is None else types[place] for place in of_known
        ]
        program, out_flags = self.rule.batched(size, flags, given)
        backward = transpose(_in_every_lane(program, size, out_flags), self.linear)
        builder = Builder(f"transpose.{self.backward.name}")
        inputs = [builder.input(t) for t in types]
        with building(builder):
            cts = batch_to_front(size, batched[known:], inputs[known:])
            outs = builder.inline(backward, [*inputs[:known], *cts])
        return builder.build(outs), [True] * len(outs)


def part_of(graph: Graph, places: Sequence[int], wanted: Flags) -> Graph:
    """`graph` over its inputs `places`, for the outputs i with `wanted[i]`; raises TypeError if
    these read other inputs."""
    narrow = select_outputs(graph, wanted)
    read = values_read(narrow)
    given = [i in places for i in range(len(graph.inputs))]
    if any(v in read for v, is_given in zip(narrow.inputs, given, strict=True) if not is_given):
        raise TypeError(
            f"the batch rule of {graph.name}: its results depend on arguments that those of the "
            "function do not depend on"
        )
    narrow = select_inputs(narrow, given)
    order = sorted(range(len(places)), key=lambda i: places[i])
    inputs = list(narrow.inputs)
    for value, i in zip(narrow.inputs, order, strict=True):
        inputs[i] = value
    return Graph(inputs, narrow.equations, narrow.outputs, narrow.name)


def _at_one_point(rule: BatchRule, graph: Graph, size: int, batched: Flags) -> tuple[Graph, Flags]:
    """`graph`, whose batch rule is `rule`, batched as any program is."""
    wide = batch(graph, size, batched)
    lanes = LanesRule(rule, size, tuple(batched), graph.input_types, wide.batched)
    builder = Builder(graph.name)
    inputs = [builder.input(t) for t in wide.graph.input_types]
    with building(builder):
        outs = OPS["custom_vmap"](*inputs, regions=(wide.graph,), rule=lanes)
    return builder.build(outs), wide.batched


@dataclass(frozen=True, slots=True)
class LanesRule:
    """The rule of a function with a `rule` that was batched as any program is, over `size` lanes:
    input i, of `types` before that, where `inputs[i]`, and output i where `outputs[i]`."""

    rule: BatchRule
    size: int
    inputs: tuple[bool, ...]
    types: tuple[ArrayType, ...]
    outputs: tuple[bool, ...]

    def batched(self, size: int, batched: Flags, types: Sequence[ArrayType]) -> tuple[Graph, Flags]:
        """See `BatchRule`. The lanes come first within, the new axis first outside."""
        given = [
            _wide(t, size) if has_axis else t
            for t, has_axis in zip(self.types, batched, strict=True)
        ]
        program, flags = self.rule.batched(size, batched, given)
        wide = batch(program, self.size, self.inputs)
        builder = Builder(program.name)
        arguments = [builder.input(t) for t in types]
        with building(builder):
            operands = [
                _exchanged(v) if has_axis and in_lanes else v
                for v, has_axis, in_lanes in zip(arguments, batched, self.inputs, strict=True)
            ]
            outs: list[Value] = []
            for out, found, wanted, has_axis in zip(
                builder.inline(wide.graph, operands), wide.batched, self.outputs, flags, strict=True
            ):
                if found and not wanted:
                    raise TypeError(
                        f"the batch rule of {program.name}: a result depends on a direction that "
                        "that of the function does not depend on"
                    )
                value = out if found or not wanted else in_every_lane(out, self.size)
                outs.append(_exchanged(value) if wanted and has_axis else value)
        return builder.build(outs), flags


def _exchanged(value: Value) -> Value:
    """`value` with its first two axes exchanged."""
    return OPS["transpose"](value, permutation=(1, 0, *range(2, value.ndim)))


def _wide(type: ArrayType, size: int) -> ArrayType:
    return type.with_shape((size, *type.shape))


def _in_every_lane(graph: Graph, size: int, flags: Flags) -> Graph:
    """`graph` whose outputs all have the leading axis."""
    builder = Builder(graph.name)
    inputs = [builder.input(t) for t in graph.input_types]
    with building(builder):
        outs = batch_to_front(size, flags, builder.inline(graph, inputs))
    return builder.build(outs)
