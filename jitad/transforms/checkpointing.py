"""checkpoint: functions whose values reverse mode recomputes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from jitad_ir.op import OPS

from ..array import as_given
from ..checkpoint_policies import Chosen, Policy
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import apply, find_trace
from .function import as_operands, check_callable, name_of, trace_function


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: bool = True,
    policy: Callable[..., Any] | None = None,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Iterable[str] = (),
    concrete: bool = False,
) -> Callable[..., Any]:
    """`fun`, whose intermediate values reverse mode recomputes instead of keeping them.

    `prevent_cse` and `concrete` are accepted for JAX's sake: recomputation is never merged with
    the first computation. `policy`, one of `jitad.checkpoint_policies` or a function that is asked
    about each operation (`policy(prim, *types, **params)`), says which values are kept all the
    same.
    Arguments named by `static_argnums` and `static_argnames` are Python values, not traced.

    >>> import jitad, jitad.numpy as jnp
    >>> jitad.grad(jitad.checkpoint(lambda x: jnp.sin(jnp.sin(x))))(0.0)
    Array(1.)
    """
    check_callable(fun, "checkpoint")
    if policy is not None and not callable(policy):
        raise TypeError(
            at_user_line(
                "checkpoint: expected a policy of jitad.checkpoint_policies, or a function of an "
                f"operation; got {policy!r}"
            )
        )
    saves = (
        ()
        if policy is None
        else policy.saves
        if isinstance(policy, Policy)
        else ("chosen", Chosen(policy))
    )
    params = {"saves": saves} if saves else {}
    names = {static_argnames} if isinstance(static_argnames, str) else set(static_argnames)
    fixed = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)

    @wraps(fun)
    @hides_internals
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        slots = {n % len(args) for n in fixed} if args else set[int]()
        dynamic = [a for i, a in enumerate(args) if i not in slots]
        fixed_keywords = {n: a for n, a in kwargs.items() if n in names}
        leaves, tree = flatten((dynamic, {n: a for n, a in kwargs.items() if n not in names}))

        def flat(tracers: list[Any]) -> Any:
            inner, keywords = tree.unflatten(tracers)
            given = iter(inner)
            full = [args[i] if i in slots else next(given) for i in range(len(args))]
            return fun(*full, **keywords, **fixed_keywords)

        if find_trace(leaves) is None:
            return flat([as_given(x) for x in leaves])
        traced = trace_function(
            flat, name_of(fun), leaves, concrete=True, transform="checkpoint", mutes=True
        )
        operands = as_operands(leaves, traced.graph.input_types[: len(leaves)])
        results = apply(
            OPS["checkpoint"],
            *operands,
            *traced.closed.captures,
            regions=(traced.graph,),
            **params,
        )
        return traced.out_tree.unflatten(results)

    return checkpointed


remat = checkpoint
