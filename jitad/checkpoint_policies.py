"""What `jitad.checkpoint` keeps of a function all the same: values for its `policy`.

>>> import jitad, jitad.numpy as jnp
>>> policy = jitad.checkpoint_policies.dots_saveable
>>> f = jitad.checkpoint(lambda x: jnp.sum(jnp.tanh(x @ x)), policy=policy)
>>> round(float(jitad.grad(f)(jnp.eye(1))[0, 0]), 6)
0.839949
"""

from __future__ import annotations

from typing import Any, NamedTuple

from jitad_ir import ops

from .errors import hides_internals
from .numpy.promotion import as_array_operand
from .trace import apply
from .tree_util import tree_map


class Policy(NamedTuple):
    """Which values a checkpoint stores; see `jitad_ir.ops.checkpoint`."""

    saves: tuple[str, ...]


nothing_saveable = Policy(())
"""Store nothing but the arguments: the default."""

everything_saveable = Policy(("everything",))
"""Store all that reverse mode needs, as without a checkpoint."""

dots_saveable = Policy(("dots",))
"""Store the results of matrix products, recompute the rest."""

checkpoint_dots = dots_saveable

dots_with_no_batch_dims_saveable = Policy(("dots without batch",))
"""Store the results of matrix products without batch axes, recompute the rest."""

checkpoint_dots_with_no_batch_dims = dots_with_no_batch_dims_saveable


def save_only_these_names(*names: str) -> Policy:
    """Store the values that `checkpoint_name` gives one of `names`."""
    return Policy(("names", *names))


def save_any_names_but_these(*names: str) -> Policy:
    """Store the values that `checkpoint_name` gives a name that is none of `names`."""
    return Policy(("names but", *names))


def save_anything_except_these_names(*names: str) -> Policy:
    """Store every value but those that `checkpoint_name` gives one of `names`."""
    return Policy(("other names", *names))


@hides_internals
def checkpoint_name(x: Any, name: str) -> Any:
    """The pytree of arrays `x`, named for the policies `save_only_these_names` and
    `save_anything_except_these_names`.

    >>> from jitad.ad_checkpoint import checkpoint_name
    >>> checkpoint_name(2.0, "width")
    Array(2.)
    """
    return tree_map(lambda leaf: apply(ops.checkpoint_name, as_array_operand(leaf), name=name), x)
