"""Checks as results: programs that tell what failed instead of raising.

    checked : (a -> b)  to  (a -> b, code, details)

`code` is 0, or the number (from 1) of the check that failed first; `details` are what every check
tells of its failure, of use for that one alone. Besides the `check`s of the program there are, if
wanted, those of each operation: for nan, division by zero and indices that are out of bounds.

Loops carry the code along, branches give one; a `while_loop` in reverse mode has no such form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..graph import Builder, Equation, Graph, Value, building
from ..half import MOVES
from ..op import OPS
from ..ops.check import Note
from ..types import INT32, INT64, ArrayType

_INDEXED = ("gather", "scatter", "scatter_add", "scatter_max", "scatter_min", "scatter_mul")


class Site(NamedTuple):
    """A check of a program: what it is about, and the types of its details."""

    note: Note
    types: tuple[ArrayType, ...]


class _Found(NamedTuple):
    """A site whose check was come to: whether it failed, and its details."""

    site: Site
    failed: Value
    details: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of `checked`. The graph's outputs are those of the program, the code (i32), and the
    details of each of the sites."""

    graph: Graph
    sites: tuple[Site, ...]


def checked(
    graph: Graph, kinds: Collection[str], name_of: Callable[[str], str] = lambda op: op
) -> Checked:
    """`graph` with checks of these kinds ("user", "nan", "div", "index") as results; messages say
    `name_of(op)` of ops."""
    builder = Builder(graph.name)
    inputs = [builder.input(t) for t in graph.input_types]
    with building(builder):
        pass_ = _Checks(builder, kinds, name_of)
        outputs = pass_.run(graph, inputs)
        code, details = _joined(pass_.found)
    sites = tuple([f.site for f in pass_.found])
    return Checked(builder.build([*outputs, code, *details]), sites)


class _Checks:
    """The program with checks under construction, and the sites found so far."""

    def __init__(
        self, builder: Builder, kinds: Collection[str], name_of: Callable[[str], str]
    ) -> None:
        self.builder = builder
        self.kinds = kinds
        self.name_of = name_of
        self.found: list[_Found] = []

    def run(self, graph: Graph, inputs: Sequence[Value]) -> list[Value]:
        """Append `graph` with its checks; its outputs."""
        env: dict[Value, Value] = dict(zip(graph.inputs, inputs, strict=True))
        for eq in graph.equations:
            self.builder.source = eq.source
            operands = tuple([env[v] for v in eq.operands])
            env.update(zip(eq.outputs, self._equation(eq, operands), strict=True))
        return [env[v] for v in graph.outputs]

    def _equation(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        if eq.op.name == "check":
            return self._check(eq, operands)
        if eq.regions:
            return self._structured(eq, operands)
        self._before(eq, operands)
        return self._whole(eq, operands)

    def _check(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        if "user" not in self.kinds:
            return () if eq.params["note"].debug else self.builder.replay(eq, operands)
        holds, *details = operands
        self._add(eq.params["note"], OPS["bitwise_not"](holds), details)
        return ()

    def _add(self, note: Note, failed: Value, details: Sequence[Value]) -> None:
        """A site that fails in those lanes; its details are those of the first."""
        if failed.shape:
            lanes = OPS["reshape"](failed, shape=(failed.type.size,))
            first = OPS["argmax"](OPS["convert"](lanes, dtype=INT32), axis=0)
            details = [_row(d, failed.ndim, first) for d in details]
            failed = OPS["reduce_or"](lanes, axes=(0,))
        site = Site(note, tuple([d.type for d in details]))
        self.found.append(_Found(site, failed, details))

    # Checks of operations.

    def _before(self, eq: Equation, operands: Sequence[Value]) -> None:
        name = eq.op.name
        if "div" in self.kinds and name == "div":
            zero = _full(0, operands[1].type)
            self._add(
                Note("div", f"division by zero{_where(eq)}"), _any(OPS["eq"](operands[1], zero)), ()
            )
        if "index" not in self.kinds:
            return
        if name in _INDEXED:
            behind = 1 if name == "gather" else 2
            x, axes, starts = operands[0], eq.params["axes"], operands[behind:]
            window = operands[1].shape[starts[0].ndim - eq.params["batch"] :]
            gathers = name == "gather"
            sizes: list[int] = list(eq.params["sizes"]) if gathers else [window[a] for a in axes]
            self._indices(eq, x, axes, sizes, starts)
        elif name in ("dynamic_slice", "dynamic_update_slice"):
            behind = 1 if name == "dynamic_slice" else 2
            x = operands[0]
            lengths = eq.params["sizes"] if name == "dynamic_slice" else operands[1].shape
            self._indices(eq, x, range(x.ndim), lengths, operands[behind:])

    def _indices(
        self,
        eq: Equation,
        x: Value,
        axes: Sequence[int],
        sizes: Sequence[int],
        starts: Sequence[Value],
    ) -> None:
        for axis, size, start in zip(axes, sizes, starts, strict=True):
            if start.type.size == 0:
                continue
            wide = OPS["convert"](start, dtype=INT64) if start.dtype != INT64 else start
            low, high = [_full(n, wide.type) for n in (0, x.shape[axis] - size)]
            outside = OPS["bitwise_or"](OPS["lt"](wide, low), OPS["gt"](wide, high))
            where = _where(eq).replace("{", "{{").replace("}", "}}")
            note = Note(
                "index",
                f"out-of-bounds indexing for array of shape {x.shape}: index {{}} is out of bounds "
                f"for axis {axis} with size {x.shape[axis]}{where}",
            )
            lanes = OPS["reshape"](outside, shape=(outside.type.size,))
            self._add(note, lanes, [OPS["reshape"](wide, shape=lanes.shape)])

    def _after(self, eq: Equation, outs: Sequence[Value]) -> None:
        if "nan" not in self.kinds or eq.op.name in MOVES:
            return
        for out in outs:
            if out.type.is_inexact:
                note = Note(
                    "nan", f"nan generated by primitive: {self.name_of(eq.op.name)}{_where(eq)}"
                )
                self._add(note, _any(_isnan(out)), ())

    # Regions.

    def _structured(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        name = eq.op.name
        if name == "branch":
            return self._branch(eq, operands)
        if name == "scan":
            return self._scan(eq, operands)
        if name == "while_loop" and len(eq.regions) == 2:
            return self._while(eq, operands)
        if name == "checkpoint":
            region = self._region(eq.regions[0])
            outs = OPS["checkpoint"](*operands, regions=(region.graph,), **eq.params)
            return self._results(region.sites, outs)
        if eq.op.expand is not None and any(map(_has_check, eq.regions[: eq.op.runs])):
            return self.run(eq.regions[0], operands)
        if any(map(_has_check, eq.regions)):
            raise NotImplementedError(f"checkify: checks within a {name} in reverse mode")
        return self._whole(eq, operands)

    def _whole(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        """The equation as it is, of which only the results are looked at."""
        outs = self.builder.replay(eq, operands)
        self._after(eq, outs)
        return outs

    def _region(self, graph: Graph) -> Checked:
        return checked(graph, self.kinds, self.name_of)

    def _results(self, sites: Sequence[Site], values: Sequence[Value]) -> Sequence[Value]:
        """Of what an equation with checked regions gives: its own results. The others tell of the
        sites."""
        count = len(values) - 1 - sum([len(site.types) for site in sites])
        code, rest = values[count], iter(values[count + 1 :])
        for number, site in enumerate(sites, 1):
            failed = OPS["eq"](code, _full(number, code.type))
            self.found.append(_Found(site, failed, [next(rest) for _ in site.types]))
        return values[:count]

    def _branch(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        regions = [self._region(region) for region in eq.regions]
        sites = [site for region in regions for site in region.sites]
        if not sites:
            return self.builder.replay(eq, operands)
        count, start = len(eq.outputs), 0
        wide: list[Graph] = []
        for region in regions:
            wide.append(_among(region, count, start, sites))
            start += len(region.sites)
        return self._results(sites, OPS["branch"](*operands, regions=tuple(wide)))

    def _scan(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        region = self._region(eq.regions[0])
        if not region.sites:
            return self.builder.replay(eq, operands)
        end = eq.params["consts"] + eq.params["carries"]
        carries = eq.params["carries"]
        state = _nothing(region.sites)
        builder = Builder(region.graph.name)
        types = region.graph.input_types
        inputs = [builder.input(t) for t in (*types[:end], *[v.type for v in state], *types[end:])]
        before, after = inputs[end : end + len(state)], inputs[end + len(state) :]
        with building(builder):
            outs = builder.inline(region.graph, [*inputs[:end], *after])
            count = len(eq.regions[0].outputs)
            now = _first(before, outs[count:])
        body = builder.build([*outs[:carries], *now, *outs[carries:count]])
        params = {**eq.params, "carries": carries + len(state)}
        results = OPS["scan"](*operands[:end], *state, *operands[end:], regions=(body,), **params)
        told = results[carries : carries + len(state)]
        own = (*results[:carries], *results[carries + len(state) :])
        return self._results(region.sites, (*own, *told))

    def _while(self, eq: Equation, operands: tuple[Value, ...]) -> Sequence[Value]:
        """What the condition checks is checked at the start of each step, and after the last."""
        cond, sweep = [self._region(region) for region in eq.regions]
        sites = (*cond.sites, *sweep.sites)
        consts = eq.params["consts"]
        count = len(eq.outputs)
        if len(eq.regions[1].outputs) != count:
            if any(map(_has_check, eq.regions)):
                raise NotImplementedError("checkify: checks within a while_loop in reverse mode")
            return self._whole(eq, operands)
        if not sites:
            return self.builder.replay(eq, operands)
        state = _nothing(sites)
        types = [*sweep.graph.input_types, *[v.type for v in state]]
        holds, body = Builder(cond.graph.name), Builder(sweep.graph.name)
        with building(holds):
            inputs = [holds.input(t) for t in types]
            held, *_ = holds.inline(cond.graph, inputs[: consts + count])
        with building(body):
            inputs = [body.input(t) for t in types]
            given, before = inputs[: consts + count], inputs[consts + count :]
            inner = _Checks(body, self.kinds, self.name_of)
            inner.run(eq.regions[0], given)
            outs = inner.run(eq.regions[1], given)
            code, details = _joined(inner.found)
            now = _first(before, [code, *details])
        results = OPS["while_loop"](
            *operands,
            *state,
            regions=(holds.build([held]), body.build([*outs, *now])),
            **{**eq.params, "carries": (count + len(state),)},
        )
        own = self._results(sites, results)
        if cond.sites:
            self.run(eq.regions[0], [*operands[:consts], *own])
        return own


def _has_check(graph: Graph) -> bool:
    return any(
        [eq.op.name == "check" or any(map(_has_check, eq.regions)) for eq in graph.equations]
    )


def _where(eq: Equation) -> str:
    """Where the user wrote it."""
    return f". At {eq.source}" if eq.source else ""


def _full(number: int, type: ArrayType) -> Value:
    return OPS["full"](value=number, shape=type.shape, dtype=type.dtype)


def _any(flags: Value) -> Value:
    return OPS["reduce_or"](flags, axes=tuple(range(flags.ndim))) if flags.ndim else flags


def _isnan(x: Value) -> Value:
    if x.dtype.kind == "c":
        return OPS["bitwise_or"](_isnan(OPS["real"](x)), _isnan(OPS["imag"](x)))
    return OPS["ne"](x, x)


def _row(detail: Value, lanes: int, lane: Value) -> Value:
    """The part of a detail at `lane` of its `lanes` leading axes, counted through."""
    rest = detail.shape[lanes:]
    count = math.prod(detail.shape[:lanes])
    rows = OPS["reshape"](detail, shape=(count, *rest))
    zero = _full(0, lane.type)
    part = OPS["dynamic_slice"](rows, lane, *[zero] * len(rest), sizes=(1, *rest))
    return OPS["reshape"](part, shape=rest)


def _nothing(sites: Sequence[Site]) -> list[Value]:
    """The code and the details of sites where nothing failed."""
    types = [t for site in sites for t in site.types]
    return [_full(0, t) for t in (ArrayType(INT32, ()), *types)]


def _joined(found: Sequence[_Found]) -> tuple[Value, list[Value]]:
    """The code of the first site that failed, and all details."""
    code = _full(0, ArrayType(INT32, ()))
    for number in range(len(found), 0, -1):
        code = OPS["select"](found[number - 1].failed, _full(number, code.type), code)
    return code, [d for f in found for d in f.details]


def _first(before: Sequence[Value], now: Sequence[Value]) -> list[Value]:
    """Code and details of an earlier step, or of this one if nothing failed earlier."""
    failed = OPS["ne"](before[0], _full(0, before[0].type))
    return [_choice(failed, old, new) for old, new in zip(before, now, strict=True)]


def _choice(flag: Value, x: Value, y: Value) -> Value:
    wide = OPS["broadcast"](flag, dims=(), shape=x.shape) if x.ndim else flag
    return OPS["select"](wide, x, y)


def _among(region: Checked, count: int, start: int, sites: Sequence[Site]) -> Graph:
    """A branch that tells of the sites of all branches, its own of which begin at `start`."""
    builder = Builder(region.graph.name)
    inputs = [builder.input(t) for t in region.graph.input_types]
    with building(builder):
        outs = builder.inline(region.graph, inputs)
        code, *every = _nothing(sites)
        own = outs[count]
        if region.sites:
            failed = OPS["ne"](own, code)
            code = OPS["select"](failed, OPS["add"](own, _full(start, own.type)), own)
        place = sum([len(site.types) for site in sites[:start]])
        details = outs[count + 1 :]
        every[place : place + len(details)] = details
    return builder.build([*outs[:count], code, *every])
