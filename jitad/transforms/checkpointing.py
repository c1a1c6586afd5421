"""checkpoint: functions whose values reverse mode recomputes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from jitad_ir.op import OPS

from ..checkpoint_policies import Policy
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import apply, find_trace
from .function import as_operands, check_callable, name_of, trace_function


def checkpoint(
    fun: Callable[..., Any],
    *,
    prevent_cse: bool = True,
    policy: Policy | None = None,
    static_argnums: int | Sequence[int] = (),
) -> Callable[..., Any]:
    """`fun`, whose intermediate values reverse mode recomputes instead of keeping them.

    `prevent_cse` is accepted for JAX's sake: recomputation is never merged with the first
    computation. `policy`, one of `jitad.checkpoint_policies`, says which values are kept all the
    same.

    >>> import jitad, jitad.numpy as jnp
    >>> jitad.grad(jitad.checkpoint(lambda x: jnp.sin(jnp.sin(x))))(0.0)
    Array(1.)
    """
    check_callable(fun, "checkpoint")
    if policy is not None and not isinstance(policy, Policy):
        raise TypeError(
            at_user_line(
                f"checkpoint: expected a policy of jitad.checkpoint_policies; got {policy!r}"
            )
        )
    params = {"saves": policy.saves} if policy is not None and policy.saves else {}
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
