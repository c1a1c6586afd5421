"""custom_vjp: functions with a rule for cotangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

import numpy as np

from jitad_ir.graph import Graph
from jitad_ir.op import OPS

from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import apply, find_trace
from .function import (
    FLOAT0,
    Traced,
    as_operands,
    check_callable,
    leaf_types,
    name_of,
    trace_function,
)
from .rules import (
    RULE_DEPTH,
    Call,
    Captures,
    as_type,
    bound_arguments,
    check_same,
    placeholders,
    region_of,
)


class custom_vjp:  # noqa: N801  (a decorator, named like a function)
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

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> None:
        check_callable(fun, "custom_vjp")
        update_wrapper(self, fun)
        self.fun = fun
        self.nondiff_argnums = tuple(nondiff_argnums)
        self.fwd: Callable[..., Any] | None = None
        self.bwd: Callable[..., Any] | None = None
        self._depth = 0

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the rules: `fwd(*args) -> (result, residuals)` and `bwd(*nondiff_args, residuals,
        cotangent) -> tuple of cotangents`, one for each differentiable argument (None for zero)."""
        check_callable(fwd, "defvjp")
        check_callable(bwd, "defvjp")
        self.fwd, self.bwd = fwd, bwd

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.fwd is None or self.bwd is None:
            raise AttributeError(
                at_user_line(
                    f"{name_of(self.fun)} is a custom_vjp function without rules: set them with "
                    "defvjp"
                )
            )
        args = bound_arguments(self.fun, args, kwargs)
        call = Call(self.fun, args, self.nondiff_argnums)
        if find_trace(call.leaves) is None or self._depth == RULE_DEPTH:
            return self.fun(*args)
        primal = trace_function(
            lambda leaves: self.fun(*call.arguments(leaves)),
            name_of(self.fun),
            call.leaves,
            concrete=True,
            transform="custom_vjp",
            mutes=True,
        )
        self._depth += 1
        try:
            forward, residual_tree, residuals = self._trace_forward(call, primal)
            backward = self._trace_backward(call, primal, forward, residual_tree, residuals)
        finally:
            self._depth -= 1
        captures = Captures()
        for traced in (primal, forward, backward):
            captures.take(traced.closed)
        count = len(call.leaves)
        forward_region = region_of(forward.closed, count, captures)
        shared = captures.inputs(forward.closed)
        forward_region = Graph(
            forward_region.inputs,
            forward_region.equations,
            [*forward_region.outputs, *forward_region.inputs[count : count + len(shared)]],
            forward_region.name,
        )
        results = apply(
            OPS["custom_vjp"],
            *as_operands(call.leaves, call.types),
            *captures.operands,
            arguments=count,
            regions=(
                region_of(primal.closed, count, captures),
                forward_region,
                region_of(backward.closed, residuals, captures),
            ),
        )
        return primal.out_tree.unflatten(results)

    def _trace_forward(self, call: Call, primal: Traced) -> tuple[Traced, PyTreeDef, int]:
        """The traced forward rule (results, then residuals), and the residuals' tree and number."""
        assert self.fwd is not None
        fwd = self.fwd
        what = f"forward rule of {name_of(self.fun)}"
        trees: list[PyTreeDef] = []

        def flat(tracers: list[Any]) -> Any:
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

        traced = trace_function(
            flat,
            f"{name_of(self.fun)}_fwd",
            call.leaves,
            concrete=True,
            transform="custom_vjp",
            mutes=True,
        )
        return traced, trees[0], trees[0].num_leaves

    def _trace_backward(
        self,
        call: Call,
        primal: Traced,
        forward: Traced,
        residual_tree: PyTreeDef,
        residuals: int,
    ) -> Traced:
        assert self.bwd is not None
        bwd = self.bwd
        what = f"backward rule of {name_of(self.fun)}"
        out_types = primal.graph.output_types
        moving = [t for t in out_types if t.is_inexact]

        def flat(tracers: list[Any]) -> Any:
            given = iter(tracers[residuals:])
            cts = [next(given) if t.is_inexact else np.zeros(t.shape, FLOAT0) for t in out_types]
            rows = bwd(
                *call.fixed,
                residual_tree.unflatten(tracers[:residuals]),
                primal.out_tree.unflatten(cts),
            )
            return _argument_cotangents(rows, call, what)

        types = [*forward.graph.output_types[len(out_types) :], *moving]
        return trace_function(
            flat,
            f"{name_of(self.fun)}_bwd",
            [*_residual_arrays(forward, len(out_types)), *placeholders(moving)],
            concrete=True,
            types=types,
            transform="custom_vjp",
            mutes=True,
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
        numbers, tree = flatten(argument)
        leaves = [None] * len(numbers) if row is None else flatten(row, lambda x: x is None)[0]
        if row is not None and (len(leaves) != len(numbers)):
            raise TypeError(
                at_user_line(f"{what}: cotangent must have the structure {tree}; got {row!r}")
            )
        for leaf, number in zip(leaves, numbers, strict=True):
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
