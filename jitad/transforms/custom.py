"""Functions with derivative rules of their own, and checkpoints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper, wraps
from typing import Any

import numpy as np

from jitad_ir.graph import Graph, Value
from jitad_ir.op import OPS
from jitad_ir.types import ArrayType

from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import ClosedGraph, apply, find_trace
from .function import (
    FLOAT0,
    Traced,
    check_callable,
    leaf_types,
    name_of,
    trace_function,
)


def _bound(fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in."""
    try:
        signature = inspect.signature(fun)
    except (TypeError, ValueError):
        return args
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    if bound.kwargs:
        names = ", ".join(bound.kwargs)
        raise TypeError(
            at_user_line(
                f"{name_of(fun)}: a function with a custom rule takes no keyword-only arguments; "
                f"got {names}"
            )
        )
    return bound.args


class _Call:
    """One call of a function with a custom rule: its differentiable leaves, and how to rebuild the
    arguments from them."""

    def __init__(self, fun: Callable[..., Any], args: tuple[Any, ...], nondiff: Sequence[int]) -> None:
        chosen = {n % len(args) if args else n for n in nondiff}
        self.fixed = [args[i] for i in sorted(chosen)]
        self._slots = [None if i in chosen else i for i in range(len(args))]
        self._args = args
        self.leaves, self.tree = flatten(tuple([args[i] for i in self._slots if i is not None]))
        self.types = leaf_types(self.leaves, f"argument of {name_of(fun)}")
        self.inexact = [t.is_inexact for t in self.types]

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments, with these leaves for the differentiable ones."""
        given = iter(self.tree.unflatten(leaves))
        return [
            self._args[i] if slot is None else next(given) for i, slot in enumerate(self._slots)
        ]

    @property
    def directions(self) -> list[ArrayType]:
        """Types of the tangents."""
        return [t for t in self.types if t.is_inexact]

    def with_float0(self, tangents: Sequence[Any]) -> Any:
        """A tuple of tangents like the differentiable arguments."""
        given = iter(tangents)
        leaves = [
            next(given) if moves else np.zeros(t.shape, FLOAT0)
            for moves, t in zip(self.inexact, self.types, strict=True)
        ]
        return self.tree.unflatten(leaves)


def _placeholders(types: Sequence[ArrayType]) -> list[Any]:
    """Zeros that stand for tangents and cotangents while a rule is traced."""
    return [np.zeros(t.shape, t.dtype)[()] for t in types]


def _check_same(
    found: PyTreeDef,
    found_types: Sequence[ArrayType],
    expected: PyTreeDef,
    expected_types: Sequence[ArrayType],
    what: str,
) -> None:
    if found != expected:
        raise TypeError(at_user_line(f"{what} must have the structure {expected}; got {found}"))
    for got, want in zip(found_types, expected_types, strict=True):
        if got != want:
            raise TypeError(at_user_line(f"{what} must be {want!r}; got {got!r}"))


class _Captures:
    """The captures of several traced programs, united as common operands."""

    def __init__(self) -> None:
        self.operands: list[Any] = []
        self._position: dict[int, int] = {}

    def take(self, closed: ClosedGraph) -> None:
        for outer in closed.captures:
            if id(outer) not in self._position:
                self._position[id(outer)] = len(self.operands)
                self.operands.append(outer)

    def inputs(self, closed: ClosedGraph) -> list[Value]:
        """An input of `closed` for each common operand; unread ones are new."""
        graph = closed.graph
        own = graph.inputs[len(graph.inputs) - len(closed.captures) :]
        by_position = {
            self._position[id(outer)]: v for outer, v in zip(closed.captures, own, strict=True)
        }
        types = leaf_types(self.operands, "closed-over value")
        return [by_position.get(i) or Value(t) for i, t in enumerate(types)]


def _region(closed: ClosedGraph, first: int, captures: _Captures) -> Graph:
    """`closed` with its inputs as: the first ones, the common captures, the others."""
    graph = closed.graph
    arguments = graph.inputs[: len(graph.inputs) - len(closed.captures)]
    inputs = [*arguments[:first], *captures.inputs(closed), *arguments[first:]]
    return Graph(inputs, graph.equations, graph.outputs, graph.name)


class custom_jvp:  # noqa: N801  (a decorator, named like a function)
    """A function with its own rule for tangents.

    >>> import jitad, jitad.numpy as jnp
    >>> @jitad.custom_jvp
    ... def log1pexp(x):
    ...     return jnp.log(1.0 + jnp.exp(x))
    >>> @log1pexp.defjvp
    ... def log1pexp_jvp(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), (1.0 - 1.0 / (1.0 + jnp.exp(x))) * t
    >>> jitad.grad(log1pexp)(100.0)
    Array(1.)
    """

    def __init__(self, fun: Callable[..., Any], nondiff_argnums: Sequence[int] = ()) -> None:
        check_callable(fun, "custom_jvp")
        update_wrapper(self, fun)
        self.fun = fun
        self.nondiff_argnums = tuple(nondiff_argnums)
        self.jvp: Callable[..., Any] | None = None

    def defjvp(self, jvp: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule: `jvp(*nondiff_args, primals, tangents) -> (result, result's tangent)`,
        linear in the tangents; primals and tangents are tuples of the other arguments."""
        self.jvp = jvp
        return jvp

    def defjvps(self, *jvps: Callable[..., Any] | None) -> None:
        """Set a rule for each argument: `jvp(tangent, result, *args) -> tangent's contribution`;
        None for an argument that does not move the result."""

        def rule(*args: Any) -> Any:
            fixed, primals, tangents = args[:-2], args[-2], args[-1]
            if fixed:
                raise TypeError("defjvps takes no nondiff_argnums: use defjvp")
            result = self(*primals)
            terms = [f(t, result, *primals) for f, t in zip(jvps, tangents, strict=True) if f]
            total = terms[0]
            for term in terms[1:]:
                total = total + term
            return result, total

        self.jvp = rule

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.jvp is None:
            raise AttributeError(
                at_user_line(
                    f"{name_of(self.fun)} is a custom_jvp function without a rule: set one with "
                    "defjvp"
                )
            )
        args = _bound(self.fun, args, kwargs)
        call = _Call(self.fun, args, self.nondiff_argnums)
        if find_trace(call.leaves) is None:
            return self.fun(*args)
        primal = trace_function(
            lambda leaves: self.fun(*call.arguments(leaves)),
            name_of(self.fun),
            call.leaves,
            concrete=True,
            transform="custom_jvp",
        )
        rule = self._trace_rule(call, primal)
        captures = _Captures()
        captures.take(primal.closed)
        captures.take(rule.closed)
        count = len(call.leaves)
        results = apply(
            OPS["custom_jvp"],
            *call.leaves,
            *captures.operands,
            arguments=count,
            regions=(
                _region(primal.closed, count, captures),
                _region(rule.closed, count, captures),
            ),
        )
        return primal.out_tree.unflatten(results)

    def _trace_rule(self, call: _Call, primal: Traced) -> Traced:
        assert self.jvp is not None
        rule, count = self.jvp, len(call.leaves)
        what = f"custom_jvp rule of {name_of(self.fun)}"
        out_types = primal.graph.output_types

        def flat(tracers: list[Any]) -> Any:
            primals = call.tree.unflatten(tracers[:count])
            tangents = call.with_float0(tracers[count:])
            pair = rule(*call.fixed, primals, tangents)
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(
                    at_user_line(f"{what} must return a pair (result, tangent); got {pair!r}")
                )
            results, result_tree = flatten(pair[0])
            tangent_leaves, tangent_tree = flatten(pair[1])
            _check_same(
                result_tree, leaf_types(results, what), primal.out_tree, out_types, f"{what}: result"
            )
            tangent_leaves = [
                _as_type(leaf, t) for leaf, t in zip(tangent_leaves, out_types, strict=False)
            ]
            moving = [
                (leaf, t)
                for leaf, t in zip(tangent_leaves, out_types, strict=False)
                if t.is_inexact
            ]
            if tangent_tree != primal.out_tree:
                raise TypeError(
                    at_user_line(
                        f"{what}: tangent must have the structure {primal.out_tree}; got "
                        f"{tangent_tree}"
                    )
                )
            for leaf, t in moving:
                got = leaf_types([leaf], what)[0]
                if got != t:
                    raise TypeError(at_user_line(f"{what}: tangent must be {t!r}; got {got!r}"))
            return [*results, *[leaf for leaf, _ in moving]]

        return trace_function(
            flat,
            f"{name_of(self.fun)}_jvp",
            [*call.leaves, *_placeholders(call.directions)],
            concrete=True,
            transform="custom_jvp",
        )


def _as_type(leaf: Any, type: ArrayType) -> Any:
    """A Python number as an array of `type`; anything else as it is."""
    if isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic):
        return np.full(type.shape, leaf, type.dtype)
    return leaf


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
        args = _bound(self.fun, args, kwargs)
        call = _Call(self.fun, args, self.nondiff_argnums)
        if find_trace(call.leaves) is None:
            return self.fun(*args)
        primal = trace_function(
            lambda leaves: self.fun(*call.arguments(leaves)),
            name_of(self.fun),
            call.leaves,
            concrete=True,
            transform="custom_vjp",
        )
        forward, residual_tree, residuals = self._trace_forward(call, primal)
        backward = self._trace_backward(call, primal, forward, residual_tree, residuals)
        captures = _Captures()
        for traced in (primal, forward, backward):
            captures.take(traced.closed)
        count = len(call.leaves)
        forward_region = _region(forward.closed, count, captures)
        shared = captures.inputs(forward.closed)
        forward_region = Graph(
            forward_region.inputs,
            forward_region.equations,
            [*forward_region.outputs, *forward_region.inputs[count : count + len(shared)]],
            forward_region.name,
        )
        results = apply(
            OPS["custom_vjp"],
            *call.leaves,
            *captures.operands,
            arguments=count,
            regions=(
                _region(primal.closed, count, captures),
                forward_region,
                _region(backward.closed, residuals, captures),
            ),
        )
        return primal.out_tree.unflatten(results)

    def _trace_forward(self, call: _Call, primal: Traced) -> tuple[Traced, PyTreeDef, int]:
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
            _check_same(
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
            flat, f"{name_of(self.fun)}_fwd", call.leaves, concrete=True, transform="custom_vjp"
        )
        return traced, trees[0], trees[0].num_leaves

    def _trace_backward(
        self,
        call: _Call,
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
            [*_residual_arrays(forward, len(out_types)), *_placeholders(moving)],
            concrete=True,
            types=types,
            transform="custom_vjp",
        )


def _residual_arrays(forward: Traced, results: int) -> list[Any]:
    """The residuals' values where they are known, else zeros of their types."""
    outputs = forward.graph.outputs[results:]
    if forward.values is None:
        return _placeholders([v.type for v in outputs])
    graph = forward.graph
    values = [*graph.inputs, *[v for eq in graph.equations for v in eq.outputs]]
    arrays = dict(zip(values, forward.values, strict=True))
    return [arrays[v] for v in outputs]


def _argument_cotangents(rows: Any, call: _Call, what: str) -> list[Any]:
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
            leaf = _as_type(0.0 if leaf is None else leaf, expected)
            got = leaf_types([leaf], what)[0]
            if got != expected:
                raise TypeError(at_user_line(f"{what}: cotangent must be {expected!r}; got {got!r}"))
            cts.append(leaf)
    return cts


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: bool = True,
    policy: Callable[..., bool] | None = None,
    static_argnums: int | Sequence[int] = (),
) -> Callable[..., Any]:
    """`fun`, whose intermediate values reverse mode recomputes instead of keeping them.

    `prevent_cse` is accepted for JAX's sake: recomputation is never merged with the first
    computation. `policy` other than None raises NotImplementedError.

    >>> import jitad, jitad.numpy as jnp
    >>> jitad.grad(jitad.checkpoint(lambda x: jnp.sin(jnp.sin(x))))(0.0)
    Array(1.)
    """
    check_callable(fun, "checkpoint")
    if policy is not None:
        raise NotImplementedError(
            "checkpoint: policies are not supported yet; leave policy out to recompute everything"
        )
    fixed = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)

    @wraps(fun)
    @hides_internals
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        slots = {n % len(args) for n in fixed} if args else set[int]()
        dynamic = [a for i, a in enumerate(args) if i not in slots]
        leaves, tree = flatten((dynamic, kwargs))
        if find_trace(leaves) is None:
            return fun(*args, **kwargs)

        def flat(tracers: list[Any]) -> Any:
            inner, keywords = tree.unflatten(tracers)
            given = iter(inner)
            full = [args[i] if i in slots else next(given) for i in range(len(args))]
            return fun(*full, **keywords)

        traced = trace_function(flat, name_of(fun), leaves, concrete=True, transform="checkpoint")
        operands = [
            leaf if not isinstance(leaf, (bool, int, float, complex)) else t.dtype.type(leaf)
            for leaf, t in zip(leaves, traced.graph.input_types, strict=False)
        ]
        results = apply(
            OPS["checkpoint"], *operands, *traced.closed.captures, regions=(traced.graph,)
        )
        return traced.out_tree.unflatten(results)

    return checkpointed


remat = checkpoint
