"""Truncated power series of the values of a program, coefficient by coefficient.

Inputs are series x(s) = x_0 + x_1 s + x_2 s^2 + ... . A value's coefficient k is computed when it
is first asked for, from coefficients of other values:

    linear     y = L x      y_k = L x_k
    bilinear   y = B(a, b)  y_k = sum of B(a_i, b_j) over i + j = k
    quotient   q = a / b    q_k = (a_k - sum of b_j q_(k-j) over j = 1 ... k) / b_0
    others     y' = r(x', y, x), the op's tangent rule:  y_k = (coefficient k - 1 of r) / k

The rule of an op is a program itself, over the series of x' (whose coefficient j is (j+1) x_(j+1)),
y and x. What it computes is shared with all else, so that sin and cos, each the other's derivative,
are the two coupled recurrences of the textbooks: K coefficients take of the order of K^2 products.
Source: A. Griewank, A. Walther, "Evaluating Derivatives", ch. 13.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from ..graph import Builder, Equation, Graph, Value, building, params_key
from ..op import OPS, Bilinear, Linear, Marker
from ..types import ArrayType
from .jvp import tangents_of, zeros

JOINTLY_LINEAR = frozenset(
    {"concatenate", "dynamic_slice", "dynamic_update_slice", "gather", "scatter", "scatter_add"}
)
"""Ops whose transpose rule is one for all operands, linear in the inexact ones together."""


class Series:
    """The coefficients of one value, None where they are zero."""

    __slots__ = ("_compute", "_known", "moves", "type")

    def __init__(
        self, type: ArrayType, compute: Callable[[int], Value | None], *, moves: bool
    ) -> None:
        self.type = type
        self.moves = moves
        """False if only coefficient 0 is not zero."""
        self._compute = compute
        self._known: dict[int, Value | None] = {}

    def at(self, k: int) -> Value | None:
        """Coefficient k."""
        if k and not self.moves:
            return None
        if k not in self._known:
            self._known[k] = self._compute(k)
        return self._known[k]

    @property
    def first(self) -> Value:
        """Coefficient 0, the value itself."""
        value = self.at(0)
        assert value is not None, "every value has a coefficient 0"
        return value


def given(coefficients: Sequence[Value | None]) -> Series:
    """The polynomial with these coefficients."""
    first = coefficients[0]
    assert first is not None
    moves = any([c is not None for c in coefficients[1:]])
    return Series(
        first.type, lambda k: coefficients[k] if k < len(coefficients) else None, moves=moves
    )


Handler: TypeAlias = Callable[["Expansion", Equation, Sequence[Series]], list[Series]]


class Expansion:
    """Series of a program's values, whose coefficients are appended to `builder`, the current one.

    `order` is the highest coefficient that anybody asks for; `handlers` are the rules of loops and
    branches, by op.
    """

    def __init__(self, builder: Builder, order: int, handlers: Mapping[str, Handler]) -> None:
        self.builder = builder
        self.order = order
        self.handlers = handlers
        self._made: dict[Any, tuple[Sequence[Series], list[Series]]] = {}

    def run(self, graph: Graph, inputs: Sequence[Series]) -> list[Series]:
        """Series of the outputs of `graph`. Nothing is computed yet."""
        env: dict[Value, Series] = dict(zip(graph.inputs, inputs, strict=True))
        for eq in graph.equations:
            results = self.apply(eq, [env[v] for v in eq.operands])
            env.update(zip(eq.outputs, results, strict=True))
        return [env[v] for v in graph.outputs]

    def run_in_order(self, graph: Graph, inputs: Sequence[Series]) -> list[Series]:
        """As `run`, with all coefficients computed, from the first equation to the last, so that
        recursion stays shallow."""
        env: dict[Value, Series] = dict(zip(graph.inputs, inputs, strict=True))
        for eq in graph.equations:
            self.builder.source = eq.source
            results = self.apply(eq, [env[v] for v in eq.operands])
            env.update(zip(eq.outputs, results, strict=True))
            for series in results:
                for k in range(self.order + 1):
                    series.at(k)
            if not results:
                self.builder.replay(eq, tuple([env[v].first for v in eq.operands]))
        return [env[v] for v in graph.outputs]

    def apply(self, eq: Equation, operands: Sequence[Series]) -> list[Series]:
        """Series of the results of `eq`, the same ones for the same equation."""
        key = (eq.op, tuple(map(id, operands)), params_key(eq.params), eq.regions)
        held = None if eq.acts else self._made.get(key)
        if held is None:
            held = self._made[key] = (tuple(operands), self._applied(eq, operands))
        return held[1]

    def _applied(self, eq: Equation, operands: Sequence[Series]) -> list[Series]:
        op = eq.op
        moving = [i for i, x in enumerate(operands) if x.moves]
        if not moving or isinstance(op.jvp, Marker):
            return self._constants(eq, operands)
        if op.name in self.handlers:
            return self.handlers[op.name](self, eq, operands)
        if op.expand is not None and op.name not in ("custom_jvp", "custom_vjp"):
            return self.run(_expanded(eq), operands)
        if op.name == "div" and operands[1].moves:
            return [self._quotient(eq, *operands)]
        linear = _linear_operands(eq)
        if all([i in linear for i in moving]):
            if isinstance(op.transpose, Bilinear) and len(moving) == 2:
                return [self._product(eq, operands, moving)]
            if not isinstance(op.transpose, Bilinear) or len(moving) == 1:
                return [self._linear(eq, operands, linear)]
        return self._by_tangent(eq, operands)

    def _primal(self, eq: Equation, operands: Sequence[Series]) -> Callable[[int], Value]:
        """Coefficient 0 of each result."""
        found: list[tuple[Value, ...]] = []

        def result(number: int) -> Value:
            if not found:
                found.append(self.builder.replay(eq, tuple([x.first for x in operands])))
            return found[0][number]

        return result

    def _constants(self, eq: Equation, operands: Sequence[Series]) -> list[Series]:
        primal = self._primal(eq, operands)
        return [
            Series(v.type, lambda _, i=i: primal(i), moves=False) for i, v in enumerate(eq.outputs)
        ]

    def _call(self, eq: Equation, operands: Sequence[Value]) -> Value:
        """The one result of `eq` on other operands, of which a coefficient is made."""
        return self.builder.replay(eq, tuple(operands))[0]

    def _linear(self, eq: Equation, operands: Sequence[Series], linear: set[int]) -> Series:
        def compute(k: int) -> Value | None:
            if k == 0:
                return self._call(eq, [x.first for x in operands])
            terms = [x.at(k) if i in linear else None for i, x in enumerate(operands)]
            if all([term is None for term in terms]):
                return None
            return self._call(
                eq,
                [
                    x.first if i not in linear else zeros(x.first) if term is None else term
                    for i, (x, term) in enumerate(zip(operands, terms, strict=True))
                ],
            )

        fixed = isinstance(eq.op.transpose, Bilinear)
        if fixed:  # linear in the one operand that moves
            linear = {i for i in linear if operands[i].moves}
        return Series(eq.outputs[0].type, compute, moves=True)

    def _product(self, eq: Equation, operands: Sequence[Series], moving: Sequence[int]) -> Series:
        first, second = moving

        def term(a: Value | None, b: Value | None) -> Value | None:
            if a is None or b is None:
                return None
            values = [a if i == first else b if i == second else x.first for i, x in numbered]
            return self._call(eq, values)

        numbered = list(enumerate(operands))
        a, b = operands[first], operands[second]

        def compute(k: int) -> Value | None:
            return added([term(a.at(i), b.at(k - i)) for i in range(k + 1)])

        return Series(eq.outputs[0].type, compute, moves=True)

    def _quotient(self, eq: Equation, a: Series, b: Series) -> Series:
        def compute(k: int) -> Value | None:
            if k == 0:
                return self._call(eq, [a.first, b.first])
            pairs = [(b.at(j), out.at(k - j)) for j in range(1, k + 1)]
            total = added([OPS["mul"](x, y) for x, y in pairs if x is not None and y is not None])
            top = a.at(k)
            if total is not None:
                top = OPS["neg"](total) if top is None else OPS["sub"](top, total)
            return None if top is None else OPS["div"](top, b.first)

        out = Series(eq.outputs[0].type, compute, moves=True)
        return out

    def _by_tangent(self, eq: Equation, operands: Sequence[Series]) -> list[Series]:
        """By the op's tangent rule."""
        primal = self._primal(eq, operands)
        slopes: list[list[Series | None]] = []

        def slope(number: int) -> Series | None:
            if not slopes:
                slopes.append(self._slopes(eq, operands, outs))
            return slopes[0][number]

        def coefficient(number: int, k: int) -> Value | None:
            if k == 0:
                return primal(number)
            series = slope(number)
            before = None if series is None else series.at(k - 1)
            return before if before is None or k == 1 else OPS["mul"](before, 1 / k)

        outs = [
            Series(v.type, lambda k, i=i: coefficient(i, k), moves=v.type.is_inexact)
            for i, v in enumerate(eq.outputs)
        ]
        return outs

    def _slopes(
        self, eq: Equation, operands: Sequence[Series], outs: Sequence[Series]
    ) -> list[Series | None]:
        """The derivatives of the results' series; None for zero."""
        rule = Builder(f"tangent.{eq.op.name}")
        rule.source = self.builder.source
        values = [rule.input(x.type) for x in operands]
        results = [rule.input(x.type) for x in outs]
        ts = [rule.input(x.type) if x.moves and x.type.is_inexact else None for x in operands]
        with building(rule):
            found = tangents_of(eq, values, results, ts)
        graph = rule.build([t for t in found if t is not None])
        derivatives = [_derivative(x) for x, t in zip(operands, ts, strict=True) if t is not None]
        given = iter(self.run(graph, [*operands, *outs, *derivatives]))
        return [None if t is None else next(given) for t in found]


def _derivative(x: Series) -> Series:
    """x'(s), whose coefficient j is (j + 1) x_(j+1)."""

    def compute(j: int) -> Value | None:
        value = x.at(j + 1)
        if value is None:
            return zeros(x.first) if j == 0 else None
        return value if j == 0 else OPS["mul"](value, j + 1)

    return Series(x.type, compute, moves=True)


def added(terms: Sequence[Value | None]) -> Value | None:
    """The sum of the terms that are not zero."""
    total: Value | None = None
    for term in terms:
        if term is not None:
            total = term if total is None else OPS["add"](total, term)
    return total


def _linear_operands(eq: Equation) -> set[int]:
    """The operands in which the op is linear."""
    rule = eq.op.transpose
    if isinstance(rule, (Linear, Bilinear)):
        return {i for i, r in enumerate(rule.rules) if not isinstance(r, Marker)}
    if eq.op.name in JOINTLY_LINEAR:
        return {i for i, v in enumerate(eq.operands) if v.type.is_inexact}
    return set()


def _expanded(eq: Equation) -> Graph:
    """The straight-line code that `eq` stands for."""
    assert eq.op.expand is not None
    builder = Builder(eq.op.name)
    operands = [builder.input(v.type) for v in eq.operands]
    with building(builder):
        results = eq.op.expand(*operands, **eq.params, regions=eq.regions)
    return builder.build(results if eq.op.multiple_results else [results])
