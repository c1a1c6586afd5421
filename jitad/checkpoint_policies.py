"""What `jitad.checkpoint` keeps of a function all the same: values for its `policy`.

A policy is one of these, or a function `policy(prim, *types, **params)` of an operation (whose
`name` is JAX's), the types of its operands and its parameters, that tells whether results are kept.

>>> import jitad, jitad.numpy as jnp
>>> policy = jitad.checkpoint_policies.dots_saveable
>>> f = jitad.checkpoint(lambda x: jnp.sum(jnp.tanh(x @ x)), policy=policy)
>>> round(float(jitad.grad(f)(jnp.eye(1))[0, 0]), 6)
0.839949
>>> f = jitad.checkpoint(jnp.sin, policy=lambda prim, *types, **params: prim.name == "cos")
>>> jitad.grad(f)(0.0)
Array(1.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from jitad_ir import ops
from jitad_ir.graph import Equation
from jitad_ir.ops.checkpoint import is_saved_op

from .errors import at_user_line, hides_internals
from .numpy.promotion import as_array_operand
from .primitives import Primitive, params_of, primitive_of
from .trace import apply
from .tree_util import tree_map

__all__ = [
    "Offloadable",
    "Policy",
    "checkpoint_dots",
    "checkpoint_dots_with_no_batch_dims",
    "checkpoint_name",
    "dots_saveable",
    "dots_with_no_batch_dims_saveable",
    "everything_saveable",
    "nothing_saveable",
    "offload_dot_with_no_batch_dims",
    "save_and_offload_only_these_names",
    "save_any_names_but_these",
    "save_anything_except_these_names",
    "save_from_both_policies",
    "save_only_these_names",
]
__dir__ = __all__.copy


class Policy(NamedTuple):
    """Which values a checkpoint stores; see `jitad_ir.ops.checkpoint`. As a function of an
    operation it tells whether the results are among them."""

    saves: tuple[Any, ...]

    def __call__(self, prim: Primitive, *types: Any, **params: Any) -> bool:
        return is_saved_op(prim.op, params, self.saves)


class Offloadable(NamedTuple):
    """A policy's answer for values to be kept in another memory. There is one: they are kept.

    >>> from jitad.ad_checkpoint import Offloadable
    >>> Offloadable(src="device", dst="pinned_host").dst
    'pinned_host'
    """

    src: str
    dst: str


class Chosen:
    """The user's policy, asked about equations. Two are equal if they ask the same object."""

    __slots__ = ("policy",)

    def __init__(self, policy: Callable[..., Any]) -> None:
        self.policy = policy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chosen) and self.policy is other.policy

    def __hash__(self) -> int:
        return id(self.policy)

    def __call__(self, eq: Equation) -> bool:
        types = [v.type for v in eq.operands]
        answer = self.policy(primitive_of(eq.op.name), *types, **params_of(eq.op.name, eq.params))
        if not isinstance(answer, (bool, np.bool_, int, Offloadable, type(None))):
            raise TypeError(
                at_user_line(
                    f"checkpoint: expected True or False of the policy {self!r} for "
                    f"{eq.op.name}; got {answer!r}"
                )
            )
        return bool(answer)

    def __repr__(self) -> str:
        return getattr(self.policy, "__name__", type(self.policy).__name__)


nothing_saveable = Policy(())
"""Store nothing but the arguments: the default."""

everything_saveable = Policy(("everything",))
"""Store all that reverse mode needs, as without a checkpoint."""

dots_saveable = Policy(("dots",))
"""Store the results of matrix products and convolutions, recompute the rest."""

checkpoint_dots = dots_saveable

dots_with_no_batch_dims_saveable = Policy(("dots without batch",))
"""Store the results of matrix products without batch axes, recompute the rest."""

checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable


def offload_dot_with_no_batch_dims(offload_src: str, offload_dst: str) -> Policy:
    """`dots_with_no_batch_dims_saveable`: there is one memory, where what JAX moves from one
    (`offload_src`) to another (`offload_dst`) stays."""
    return dots_with_no_batch_dims_saveable


def save_only_these_names(*names: str) -> Policy:
    """Store the values that `checkpoint_name` gives one of `names`, and compute others again.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> from jitad.ad_checkpoint import checkpoint_name
    >>> policy = jitad.checkpoint_policies.save_only_these_names("y")
    >>> f = jitad.checkpoint(lambda x: jnp.sin(checkpoint_name(jnp.sin(x), "y")), policy=policy)
    >>> jitad.grad(f)(1.0)
    Array(0.36003949)
    """
    return Policy(("names", *names))


def save_any_names_but_these(*names: str) -> Policy:
    """Store the values that `checkpoint_name` gives a name that is none of `names`.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> policy = jitad.checkpoint_policies.save_any_names_but_these("x")
    >>> jitad.grad(jitad.checkpoint(jnp.sin, policy=policy))(0.0)
    Array(1.)
    """
    return Policy(("names but", *names))


def save_anything_except_these_names(*names: str) -> Policy:
    """Store every value but those that `checkpoint_name` gives one of `names`.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> policy = jitad.checkpoint_policies.save_anything_except_these_names("x")
    >>> jitad.grad(jitad.checkpoint(jnp.sin, policy=policy))(0.0)
    Array(1.)
    """
    return Policy(("other names", *names))


def save_and_offload_only_these_names(
    *,
    names_which_can_be_saved: Iterable[str],
    names_which_can_be_offloaded: Iterable[str],
    offload_src: str,
    offload_dst: str,
) -> Policy:
    """`save_only_these_names` of both kinds of names: there is one memory, where what JAX moves
    from one (`offload_src`) to another (`offload_dst`) stays.

    Raises ValueError for a name of both kinds."""
    saved, offloaded = list(names_which_can_be_saved), list(names_which_can_be_offloaded)
    both = sorted(set(saved) & set(offloaded))
    if both:
        raise ValueError(
            at_user_line(
                "save_and_offload_only_these_names: expected names that are saved or offloaded; "
                f"got {', '.join(both)} as both"
            )
        )
    return save_only_these_names(*saved, *offloaded)


def save_from_both_policies(
    policy_1: Callable[..., Any], policy_2: Callable[..., Any]
) -> Callable[..., bool]:
    """Store what either policy stores."""

    def policy(prim: Primitive, *types: Any, **params: Any) -> bool:
        return bool(policy_1(prim, *types, **params) or policy_2(prim, *types, **params))

    return policy


@hides_internals
def checkpoint_name(x: Any, name: str) -> Any:
    """The pytree of arrays `x`, named for the policies `save_only_these_names` and
    `save_anything_except_these_names`.

    >>> from jitad.ad_checkpoint import checkpoint_name
    >>> checkpoint_name(2.0, "width")
    Array(2.)
    """
    return tree_map(lambda leaf: apply(ops.checkpoint_name, as_array_operand(leaf), name=name), x)
