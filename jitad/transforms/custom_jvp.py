"""custom_jvp: functions with a rule for tangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import at_user_line
from ..pytree import flatten
from .function import Traced, check_callable, leaf_types, name_of
from .rules import Call, CustomRule, Rule, as_type, check_same, placeholders


class custom_jvp(CustomRule):  # noqa: N801  (a decorator, named like a function)
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

    transform = "custom_jvp"
    jvp: Callable[..., Any] | None = None

    def defjvp(self, jvp: Callable[..., Any], symbolic_zeros: bool = False) -> Callable[..., Any]:
        """Set the rule: `jvp(*nondiff_args, primals, tangents) -> (result, result's tangent)`,
        linear in the tangents; primals and tangents are tuples of the other arguments.

        Tangents of integers and bools are of dtype float0, or `SymbolicZero`s if `symbolic_zeros`;
        the rule may then return such ones too."""
        check_callable(jvp, "defjvp")
        self.jvp, self.symbolic_zeros = jvp, symbolic_zeros
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

    def require_rules(self) -> None:
        if self.jvp is None:
            raise AttributeError(
                at_user_line(
                    f"{name_of(self.fun)} is a custom_jvp function without a rule: set one with "
                    "defjvp"
                )
            )

    def traced_rules(self, call: Call, primal: Traced) -> list[Rule]:
        return [Rule(self._trace_rule(call, primal), len(call.leaves))]

    def _trace_rule(self, call: Call, primal: Traced) -> Traced:
        assert self.jvp is not None
        rule, count = self.jvp, len(call.leaves)
        what = f"custom_jvp rule of {name_of(self.fun)}"

        def flat(tracers: list[Any]) -> Any:
            primals = call.tree.unflatten(tracers[:count])
            tangents = call.tangents(tracers[count:], self.symbolic_zeros)
            return _results_and_tangents(rule(*call.fixed, primals, tangents), primal, what)

        return self.trace(
            flat,
            f"{name_of(self.fun)}_jvp",
            [*call.leaves, *placeholders(call.directions)],
        )


def _results_and_tangents(pair: Any, primal: Traced, what: str) -> list[Any]:
    """The leaves of what a rule returned, (result, tangent): of the result, which must be like that
    of `primal`, and of the tangent where it is inexact."""
    if not isinstance(pair, tuple) or len(pair) != 2:
        raise TypeError(at_user_line(f"{what} must return a pair (result, tangent); got {pair!r}"))
    results, result_tree = flatten(pair[0])
    tangents, tangent_tree = flatten(pair[1])
    tree, types = primal.out_tree, primal.graph.output_types
    check_same(result_tree, leaf_types(results, what), tree, types, f"{what}: result")
    if tangent_tree != tree:
        raise TypeError(
            at_user_line(f"{what}: tangent must have the structure {tree}; got {tangent_tree}")
        )
    expected = [t for t in types if t.is_inexact]
    moving = [as_type(x, t) for x, t in zip(tangents, types, strict=True) if t.is_inexact]
    for got, want in zip(leaf_types(moving, what), expected, strict=True):
        if got != want:
            raise TypeError(at_user_line(f"{what}: tangent must be {want!r}; got {got!r}"))
    return [*results, *moving]
