"""custom_vjp: functions with a rule for cotangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import at_user_line
from ..node_types import node_type
from ..pytree import PyTreeDef, flatten
from .function import Traced, check_callable, leaf_types, name_of
from .rules import (
    Call,
    CustomRule,
    CustomVJPPrimal,
    Rule,
    as_type,
    check_same,
    placeholders,
    with_zeros,
)


class custom_vjp(CustomRule):  # noqa: N801  (a decorator, named like a function)
    """A function with its own rule for cotangents.

    Forward mode works through it too, where the backward rule is linear in the cotangents.

    >>> import jitad, jitad.numpy as jnp
    >>> @jitad.custom_vjp
    ... def clipped(x):
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, ct: (jnp.clip(ct, -1.0, 1.0),))
    >>> jitad.grad(lambda x: clipped(x) * 10.0)(2.0)
    Array(1.)
    """

    transform = "custom_vjp"
    fwd: Callable[..., Any] | None = None
    bwd: Callable[..., Any] | None = None

    def defvjp(
        self,
        fwd: Callable[..., Any],
        bwd: Callable[..., Any],
        symbolic_zeros: bool = False,
        optimize_remat: bool = False,
    ) -> None:
        """Set the rules: `fwd(*args) -> (result, residuals)` and `bwd(*nondiff_args, residuals,
        cotangent) -> tuple of cotangents`, one for each differentiable argument (None for zero).

        If `symbolic_zeros`, `fwd` is given a `CustomVJPPrimal` for each leaf, and cotangents of
        integers are `SymbolicZero`s, otherwise of dtype float0. `optimize_remat` is accepted for
        programs that set it: what is kept and what recomputed is chosen by cost in any case."""
        check_callable(fwd, "defvjp")
        check_callable(bwd, "defvjp")
        self.fwd, self.bwd, self.symbolic_zeros = fwd, bwd, symbolic_zeros

    def require_rules(self) -> None:
        if self.fwd is None or self.bwd is None:
            raise AttributeError(
                at_user_line(
                    f"{name_of(self.fun)} is a custom_vjp function without rules: set them with "
                    "defvjp"
                )
            )

    def traced_rules(self, call: Call, primal: Traced) -> list[Rule]:
        forward, residual_tree = self._trace_forward(call, primal)
        backward = self._trace_backward(call, primal, forward, residual_tree)
        return [
            Rule(forward, len(call.leaves), hands_on=True),
            Rule(backward, residual_tree.num_leaves),
        ]

    def _trace_forward(self, call: Call, primal: Traced) -> tuple[Traced, PyTreeDef]:
        """The traced forward rule (results, then residuals), and the residuals' tree."""
        assert self.fwd is not None
        fwd = self.fwd
        what = f"forward rule of {name_of(self.fun)}"
        trees: list[PyTreeDef] = []

        def flat(tracers: list[Any]) -> Any:
            if self.symbolic_zeros:
                tracers = [
                    CustomVJPPrimal(leaf, t.is_inexact)
                    for leaf, t in zip(tracers, call.types, strict=True)
                ]
            pair = fwd(*call.arguments(tracers))
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(
                    at_user_line(f"{what} must return a pair (result, residuals); got {pair!r}")
                )
            results, tree = flatten(pair[0])
            check_same(
                tree,
                leaf_types(results, what),
                primal.out_tree,
                primal.graph.output_types,
                f"{what}: result",
            )
            residual_leaves, residual_tree = flatten(pair[1])
            trees.append(residual_tree)
            return [*results, *residual_leaves]

        traced = self.trace(flat, f"{name_of(self.fun)}_fwd", call.leaves)
        return traced, trees[0]

    def _trace_backward(
        self, call: Call, primal: Traced, forward: Traced, residual_tree: PyTreeDef
    ) -> Traced:
        assert self.bwd is not None
        bwd = self.bwd
        what = f"backward rule of {name_of(self.fun)}"
        out_types = primal.graph.output_types
        moving = [t for t in out_types if t.is_inexact]
        residuals = residual_tree.num_leaves

        def flat(tracers: list[Any]) -> Any:
            cts = with_zeros(tracers[residuals:], out_types, self.symbolic_zeros)
            rows = bwd(
                *call.fixed,
                residual_tree.unflatten(tracers[:residuals]),
                primal.out_tree.unflatten(cts),
            )
            return _argument_cotangents(rows, call, what)

        types = [*forward.graph.output_types[len(out_types) :], *moving]
        return self.trace(
            flat,
            f"{name_of(self.fun)}_bwd",
            [*_residual_arrays(forward, len(out_types)), *placeholders(moving)],
            types,
        )


def _residual_arrays(forward: Traced, results: int) -> list[Any]:
    """The residuals' values where they are known, else zeros of their types."""
    outputs = forward.graph.outputs[results:]
    if forward.values is None:
        return placeholders([v.type for v in outputs])
    graph = forward.graph
    values = [*graph.inputs, *[v for eq in graph.equations for v in eq.outputs]]
    arrays = dict(zip(values, forward.values, strict=True))
    return [arrays[v] for v in outputs]


def _argument_cotangents(rows: Any, call: Call, what: str) -> list[Any]:
    """The cotangents of the inexact argument leaves from what a backward rule returned."""
    arguments = call.tree.unflatten(range(len(call.leaves)))
    if not isinstance(rows, (tuple, list)) or len(rows) != len(arguments):
        raise TypeError(
            at_user_line(
                f"{what} must return a tuple of {len(arguments)} cotangents, one for each "
                f"differentiable argument; got {rows!r}"
            )
        )
    cts: list[Any] = []
    for row, argument in zip(rows, arguments, strict=True):
        for leaf, number in _matched(row, argument, what):
            expected = call.types[number]
            if not expected.is_inexact:
                continue
            leaf = as_type(0.0 if leaf is None else leaf, expected)
            got = leaf_types([leaf], what)[0]
            if got != expected:
                raise TypeError(
                    at_user_line(f"{what}: cotangent must be {expected!r}; got {got!r}")
                )
            cts.append(leaf)
    return cts


def _matched(row: Any, argument: Any, what: str) -> list[tuple[Any, int]]:
    """Each leaf of `argument` with its cotangent in `row`, where None stands for zeros of all the
    leaves in its place."""
    numbers, tree = flatten(argument)
    if row is None:
        return [(None, number) for number in numbers]
    kind = node_type(type(argument))
    if kind is None:
        return [(row, argument)]
    if type(row) is type(argument):
        children, data = kind.flatten(argument)
        given, given_data = kind.flatten(row)
        pairs = list(zip(given, children, strict=False))
        if data == given_data and len(pairs) == len(list(children)) == len(list(given)):
            return [match for pair in pairs for match in _matched(*pair, what)]
    raise TypeError(at_user_line(f"{what}: cotangent must have the structure {tree}; got {row!r}"))
