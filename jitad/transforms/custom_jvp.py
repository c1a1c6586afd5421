"""custom_jvp: functions with a rule for tangents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

from jitad_ir.op import OPS

from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import apply, find_trace
from .function import Traced, as_operands, check_callable, leaf_types, name_of, trace_function
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
        self._depth = 0

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
        args = bound_arguments(self.fun, args, kwargs)
        call = Call(self.fun, args, self.nondiff_argnums)
        if find_trace(call.leaves) is None or self._depth == RULE_DEPTH:
            return self.fun(*args)
        primal = trace_function(
            lambda leaves: self.fun(*call.arguments(leaves)),
            name_of(self.fun),
            call.leaves,
            concrete=True,
            transform="custom_jvp",
            mutes=True,
        )
        rule = self._trace_rule(call, primal)
        captures = Captures()
        captures.take(primal.closed)
        captures.take(rule.closed)
        count = len(call.leaves)
        results = apply(
            OPS["custom_jvp"],
            *as_operands(call.leaves, call.types),
            *captures.operands,
            arguments=count,
            regions=(
                region_of(primal.closed, count, captures),
                region_of(rule.closed, count, captures),
            ),
        )
        return primal.out_tree.unflatten(results)

    def _trace_rule(self, call: Call, primal: Traced) -> Traced:
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
            check_same(
                result_tree,
                leaf_types(results, what),
                primal.out_tree,
                out_types,
                f"{what}: result",
            )
            tangent_leaves = [
                as_type(leaf, t) for leaf, t in zip(tangent_leaves, out_types, strict=False)
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

        self._depth += 1
        try:
            return trace_function(
                flat,
                f"{name_of(self.fun)}_jvp",
                [*call.leaves, *placeholders(call.directions)],
                concrete=True,
                transform="custom_jvp",
                mutes=True,
            )
        finally:
            self._depth -= 1
