"""Sparse derivatives row by row, in ELLPACK form: as many arrays as a row has elements.

    ellpack : (a -> b)  to  (a -> c_1, ..., c_k)  and arrays of numbers  n_1, ..., n_k

The derivative of element i of b in element n_j[i] of a is c_j[i]; a negative number says that there
is none. The numbers are known while the program is made, which is the jvp program: it is linear in
what moves, and each of its ops acts on a coefficient as it does on a tangent. What moves elements
moves their numbers too; a sum has the terms of both operands, those of one number added.

A tangent of a group of columns (see `compression`) has an element for each row, most of what it is
computed from multiplied by zero. Here nothing is, but for the places where a row has fewer elements
than others. Programs whose rows have many elements, or with ops that have no rule here, have no
such form: their derivatives are found from groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..evaluate import evaluate_op
from ..graph import Builder, Equation, Graph, Value, building
from ..lowering import Elementwise
from ..op import OPS
from ..ops.dot import both_roles
from ..ops.dot_plan import Roles
from ..passes.dce import dce, select_outputs
from ..passes.inline import inline
from ..passes.jvp import jvp
from ..types import DTYPES, Shape
from .analysis import known_results
from .terms import Pair, Term, Terms, added, diagonal_of, paired

MOST_TERMS = 16
"""Elements of a row of any value."""

MOST_EQUATIONS = 1000
"""Equations of the program: it has one for each element of a row."""


class _NoForm(Exception):
    """The derivative has no such form, or it is too long."""


class Ellpack(NamedTuple):
    """`program` maps the inputs to the coefficients of the only result, which is a vector, with the
    numbers `columns`, a row for each of them."""

    program: Graph
    columns: Any


def ellpack(graph: Graph, differentiated: Sequence[bool]) -> Ellpack | None:
    """The derivative of a program with one result, a vector, in the inputs i with
    `differentiated[i]`; None if it has no such form."""
    forward = jvp(dce(graph), differentiated)
    primals = len(graph.outputs)
    tangents = [False] * primals + [True] * (len(forward.graph.outputs) - primals)
    program = inline(select_outputs(forward.graph, tangents))
    (result,) = graph.outputs
    try:
        terms = _Terms(graph.name).of(program, len(graph.inputs)) if any(forward.nonzero) else None
    except _NoForm:
        return None
    if terms is None:
        builder = Builder(graph.name)
        for v in graph.inputs:
            builder.input(v.type)
        return Ellpack(builder.build([]), np.zeros((0, result.type.size), np.int32))
    builder, found = terms
    columns = [term.columns for term in found]
    return Ellpack(
        dce(builder.build([term.coefficient for term in found])),
        np.stack(columns) if columns else np.zeros((0, result.type.size), np.int32),
    )


class _Terms:
    """The terms of all values of one program that move."""

    def __init__(self, name: str) -> None:
        self.builder = Builder(name)
        self.still: dict[Value, Value] = {}
        """Values that do not move, in the new program."""
        self.known: dict[Value, Any] = {}
        """Their numbers, where the program says them."""
        self.moving: dict[Value, Terms] = {}
        self._moved: dict[tuple[Any, ...], Any] = {}
        """Numbers that were moved, by what moved them: mostly the same for many values."""
        self._kept: list[Any] = []

    def of(self, program: Graph, primals: int) -> tuple[Builder, Terms]:
        """Those of the only result, whose inputs from number `primals` on move."""
        with building(self.builder):
            for value in program.inputs[:primals]:
                self.still[value] = self.builder.input(value.type)
                self.known[value] = None
            first = 0
            for value in program.inputs[primals:]:
                numbers = np.arange(first, first + value.type.size, dtype=np.int32)
                one = OPS["full"](value=1, shape=value.shape, dtype=value.dtype)
                self.moving[value] = (Term(one, numbers.reshape(value.shape)),)
                first += value.type.size
            for eq in program.equations:
                self.builder.source = eq.source
                self._equation(eq)
        (result,) = program.outputs
        return self.builder, self.moving[result]

    def _equation(self, eq: Equation) -> None:
        if not any([v in self.moving for v in eq.operands]):
            results = self.builder.replay(eq, tuple([self.still[v] for v in eq.operands]))
            self.still.update(zip(eq.outputs, results, strict=True))
            numbers = known_results(eq, [self.known[v] for v in eq.operands])
            self.known.update(zip(eq.outputs, numbers, strict=True))
            return
        if eq.regions or eq.op.multiple_results or not eq.outputs[0].type.is_inexact:
            raise _NoForm
        rule = _RULES.get(eq.op.name)
        if rule is None and isinstance(eq.op.lower, Elementwise):
            rule = _Terms.elementwise
        if rule is None:
            raise _NoForm
        terms = rule(self, eq)
        if len(terms) > MOST_TERMS or len(self.builder.equations) > MOST_EQUATIONS:
            raise _NoForm
        self.moving[eq.outputs[0]] = terms

    # Elementwise ops.

    def elementwise(self, eq: Equation) -> Terms:
        """An op that is applied to the coefficients; of two operands that move, to those with one
        number."""
        places = [k for k, v in enumerate(eq.operands) if v in self.moving]
        if len(places) > 2:
            raise _NoForm
        first, last = places[0], places[-1]
        if first == last:
            terms = self._chosen(eq, first)
            pairs = [Pair(c, n) for c, n in terms]
        else:
            pairs = paired(*[self._chosen(eq, k) for k in places])
        found: list[Term] = []
        for pair in pairs:
            operands = [self.still.get(v) for v in eq.operands]
            operands[first] = pair.one
            if last != first:
                operands[last] = pair.other
            found.append(Term(self._applied(eq, operands), pair.columns))
        return tuple(found)

    def _applied(self, eq: Equation, operands: Sequence[Value | None]) -> Value:
        """The op, with zero for an operand that is not there."""
        if eq.op.name == "add" and None in operands:
            (alone,) = [v for v in operands if v is not None]
            return alone
        given = [
            OPS["full"](value=0, shape=like.shape, dtype=like.dtype) if v is None else v
            for v, like in zip(operands, eq.operands, strict=True)
        ]
        return self.builder.replay(eq, tuple(given))[0]

    def _multiplied(self, eq: Equation, place: int, columns: Any) -> Any:
        """The numbers without those whose coefficients are multiplied by a known zero, or are not
        chosen."""
        keep: Any = None
        if eq.op.name == "mul":
            factor = self.known.get(eq.operands[1 - place])
            keep = None if factor is None else np.asarray(factor) != 0
        elif eq.op.name == "select" and place:
            flags = self.known.get(eq.operands[0])
            keep = None if flags is None else flags == (place == 1)
        return columns if keep is None else self._masked(columns, keep)

    def _masked(self, columns: Any, keep: Any) -> Any:
        return columns if keep.all() else np.where(keep, columns, np.int32(-1))

    def _chosen(self, eq: Equation, place: int) -> Terms:
        """The terms of an operand where they are chosen, if that is known."""
        terms = self.moving[eq.operands[place]]
        return tuple([Term(c, self._multiplied(eq, place, n)) for c, n in terms])

    # Ops that move elements.

    def moves(self, eq: Equation) -> Terms:
        """An op that copies elements, applied to the coefficients, and to the numbers."""
        here = np.arange(eq.outputs[0].type.size).reshape(eq.outputs[0].shape)
        rows: list[tuple[dict[int, int], Any, int | None]] = []
        """Which term of each operand is in a term of the result, its numbers, its diagonal."""
        for k, value in enumerate(eq.operands):
            for j, term in enumerate(self.moving.get(value, ())):
                columns = self._moved_numbers(eq, k, term.columns)
                diagonal = diagonal_of(columns, here)
                for row, (used, numbers, other) in enumerate(rows):
                    if other == diagonal and k not in used:
                        rows[row] = ({**used, k: j}, np.maximum(numbers, columns), other)
                        break
                else:
                    rows.append(({k: j}, columns, diagonal))
        return tuple([Term(self._moved_coefficient(eq, used), n) for used, n, _ in rows])

    def _moved_coefficient(self, eq: Equation, used: dict[int, int]) -> Value:
        operands: list[Value] = []
        for k, value in enumerate(eq.operands):
            if value not in self.moving:
                operands.append(self.still[value])
            elif k in used:
                operands.append(self.moving[value][used[k]].coefficient)
            else:
                operands.append(OPS["full"](value=0, shape=value.shape, dtype=value.dtype))
        return self.builder.replay(eq, tuple(operands))[0]

    def _moved_numbers(self, eq: Equation, place: int, columns: Any) -> Any:
        """Numbers of one operand where the op puts them, -1 elsewhere."""
        known = [self.known.get(v) for v in eq.operands]
        indices = [
            None if v in self.moving or v.type.is_inexact else x
            for v, x in zip(eq.operands, known, strict=True)
        ]
        for v, x in zip(eq.operands, indices, strict=True):
            if x is None and not v.type.is_inexact:
                raise _NoForm  # anywhere
        shapes = tuple([v.shape for v in eq.operands])
        params = {**eq.params, "fill": 0} if "fill" in eq.params else eq.params
        key = (eq.op.name, place, shapes, repr(params), id(columns), *map(id, indices))
        found = self._moved.get(key)
        if found is None:
            arrays = [
                np.zeros(v.shape, np.int32) if x is None else x
                for v, x in zip(eq.operands, indices, strict=True)
            ]
            arrays[place] = columns + 1
            (moved,) = evaluate_op(
                eq.op, arrays, params, [eq.outputs[0].type.with_dtype(DTYPES["i32"])]
            )
            found = self._moved[key] = moved - np.int32(1)
            self._kept += [columns, indices]
        return found

    # Sums.

    def sums(self, eq: Equation) -> Terms:
        """A sum of a few elements, one after the other."""
        (x,) = eq.operands
        axes = eq.params["axes"]
        lengths = [x.shape[axis] for axis in axes]
        if np.prod(lengths) > MOST_TERMS or x.type.size == 0:
            raise _NoForm
        total: Terms = ()
        for at in np.ndindex(*lengths):
            start, limit = [0] * x.ndim, list(x.shape)
            for axis, position in zip(axes, at, strict=True):
                start[axis], limit[axis] = position, position + 1
            part = tuple([self._part(t, start, limit, eq.outputs[0].shape) for t in self.moving[x]])
            total = self._added(total, part)
        return total

    def _part(self, term: Term, start: list[int], limit: list[int], shape: Any) -> Term:
        value = OPS["slice"](
            term.coefficient,
            start=tuple(start),
            limit=tuple(limit),
            stride=(1,) * len(start),
        )
        where = tuple([slice(a, b) for a, b in zip(start, limit, strict=True)])
        return Term(OPS["reshape"](value, shape=shape), term.columns[where].reshape(shape))

    def products(self, eq: Equation) -> Terms:
        """A product of matrices with few elements to contract: of each with all that it meets."""
        places = [k for k, v in enumerate(eq.operands) if v in self.moving]
        if len(places) != 1:
            raise _NoForm
        (place,), (x, y) = places, eq.operands
        shape = eq.outputs[0].shape
        sides = both_roles(x.ndim, y.ndim, eq.params["contract"], eq.params["batch"])
        lengths = [x.shape[axis] for axis in sides[0].contract]
        if np.prod(lengths) > MOST_TERMS or 0 in (x.type.size, y.type.size):
            raise _NoForm
        own, other = (_Spread(eq.operands[k], sides, k, shape) for k in (place, 1 - place))
        still = self.still[eq.operands[1 - place]]
        known = self.known[eq.operands[1 - place]]
        total: Terms = ()
        for at in np.ndindex(*lengths):
            factor = other.value(still, at)
            keep = None if known is None else other.array(known, at) != 0
            part: list[Term] = []
            for c, columns in self.moving[eq.operands[place]]:
                moved = own.array(columns, at)
                if keep is not None:
                    moved = self._masked(moved, keep)
                part.append(Term(OPS["mul"](own.value(c, at), factor), moved))
            total = self._added(total, tuple(part))
        return total

    def _added(self, one: Terms, other: Terms) -> Terms:
        found = added(one, other)
        if len(found) > MOST_TERMS:
            raise _NoForm
        return found


class _Spread:
    """One operand of a product, at an index along the axes that are contracted, along the axes of
    the result."""

    def __init__(
        self, operand: Value, sides: tuple[Roles, Roles], side: int, result: Shape
    ) -> None:
        own = sides[side]
        before = len(own.batch) + (len(sides[0].free) if side else 0)
        dims = dict(zip(own.batch, range(len(own.batch)), strict=True))
        dims |= dict(zip(own.free, range(before, before + len(own.free)), strict=True))
        self.contract = own.contract
        self.shape = operand.shape
        self.result = result
        self.order = sorted(dims, key=lambda axis: dims[axis])
        self.dims = tuple([dims[axis] for axis in self.order])

    def value(self, value: Value, at: Sequence[int]) -> Value:
        start, limit = [0] * len(self.shape), list(self.shape)
        for axis, position in zip(self.contract, at, strict=True):
            start[axis], limit[axis] = position, position + 1
        ones = (1,) * len(start)
        value = OPS["slice"](value, start=tuple(start), limit=tuple(limit), stride=ones)
        value = OPS["transpose"](value, permutation=(*self.order, *self.contract))
        value = OPS["reshape"](value, shape=tuple([self.shape[axis] for axis in self.order]))
        return OPS["broadcast"](value, shape=self.result, dims=self.dims)

    def array(self, array: Any, at: Sequence[int]) -> Any:
        moved = np.transpose(array, (*self.contract, *self.order))[tuple(at)]
        lengths = [1] * len(self.result)
        for axis, dim in zip(self.order, self.dims, strict=True):
            lengths[dim] = self.shape[axis]
        return np.broadcast_to(moved.reshape(lengths), self.result)


Rule = Callable[[_Terms, Equation], Terms]

_RULES: dict[str, Rule] = {
    "reduce_sum": _Terms.sums,
    "dot": _Terms.products,
    **dict.fromkeys(
        (
            "broadcast",
            "reshape",
            "transpose",
            "reverse",
            "slice",
            "pad",
            "concatenate",
            "gather",
            "dynamic_slice",
            "scatter",
            "dynamic_update_slice",
        ),
        _Terms.moves,
    ),
}
assert OPS.keys() >= _RULES.keys()
