"""map: a function applied to one row after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..transforms.batching import vmap
from ..transforms.function import check_callable, name_of
from ..tree_util import tree_map
from .bodies import leaves_of
from .loops import leading_length, scan, static_integer


@hides_internals
def map(f: Callable[[Any], Any], xs: Any, *, batch_size: int | None = None) -> Any:
    """`f` applied to each row of `xs` in turn, and the results stacked.

    With `batch_size`, that many rows at a time under `vmap`: memory for one batch at a time.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.map(lambda x: x * x, jnp.array([1.0, 2.0, 3.0]), batch_size=2)
    Array([1., 4., 9.])
    """
    check_callable(f, "map")
    if batch_size is None:
        return scan(_rowwise(f), None, xs)[1]
    size = static_integer(batch_size, "map: batch_size")
    if size < 1:
        raise ValueError(at_user_line(f"map: batch_size must be positive; got {size}"))
    steps = leading_length(xs, leaves_of(xs, "map: xs"), None)
    whole = steps // size * size
    xs = tree_map(jnp.asarray, xs)
    batches = tree_map(lambda x: x[:whole].reshape(whole // size, size, *x.shape[1:]), xs)
    ys = scan(_rowwise(vmap(f)), None, batches)[1]
    ys = tree_map(lambda y: y.reshape(whole, *y.shape[2:]), ys)
    if whole == steps:
        return ys
    rest = vmap(f)(tree_map(lambda x: x[whole:], xs))
    return tree_map(lambda *parts: jnp.concatenate(parts), ys, rest)


def _rowwise(f: Callable[[Any], Any]) -> Callable[[None, Any], tuple[None, Any]]:
    def step(_: None, x: Any) -> tuple[None, Any]:
        return None, f(x)

    step.__name__ = name_of(f)
    return step
