"""Statistics of samples: standard error of the mean, the commonest value, ranks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops


class ModeResult(NamedTuple):
    """Result of `mode`: the values, and how often they occur.

    >>> from jitad.scipy import stats
    >>> import numpy as np
    >>> stats.mode(np.array([2, 1, 2])).count
    Array(2)
    """

    mode: Any
    """The commonest values."""
    count: Any
    """How often they occur."""


def _check_policy(name: str, nan_policy: str) -> None:
    if nan_policy != "propagate":
        raise NotImplementedError(
            at_user_line(f"{name}: expected nan_policy='propagate'; got {nan_policy!r}")
        )


def sem(
    a: Any,
    axis: int | None = 0,
    ddof: int = 1,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    """Standard error of the mean: the standard deviation with `ddof` degrees of freedom taken off,
    over the root of the number of elements.

    >>> sem(np.array([1.0, 3.0]))
    Array(1.)
    """
    _check_policy("sem", nan_policy)
    a = jnp.asarray(a)
    count = a.size if axis is None else a.shape[axis]
    return jnp.std(a, axis, ddof=ddof, keepdims=keepdims) / count**0.5


def _runs(ordered: Any) -> tuple[Any, Any]:
    """First and last index of the run of equal elements that each is in, along the last axis."""
    n = ordered.shape[-1]
    differs = ordered[..., 1:] != ordered[..., :-1]
    edge = jnp.ones((*ordered.shape[:-1], 1), bool)
    starts = jnp.concatenate([edge, differs], -1)
    ends = jnp.concatenate([differs, edge], -1)
    index = jnp.broadcast_to(jnp.arange(n), ordered.shape)
    axis = ordered.ndim - 1
    first = apply(ops.cummax, jnp.where(starts, index, 0), axis=axis, reverse=False)
    last = apply(ops.cummin, jnp.where(ends, index, n - 1), axis=axis, reverse=True)
    return first, last


def mode(
    a: Any, axis: int | None = 0, nan_policy: str = "propagate", keepdims: bool = False
) -> ModeResult:
    """The commonest value along `axis` (None: of all elements), the least of those, and how often
    it occurs; nan, and 1, if there is a nan.

    >>> mode(np.array([2, 1, 2, 1, 3]))
    ModeResult(mode=Array(1), count=Array(2))
    """
    _check_policy("mode", nan_policy)
    a = jnp.asarray(a)
    if axis is None:
        flat = mode(jnp.ravel(a), 0)
        shape = (1,) * a.ndim if keepdims else ()
        return ModeResult(*[jnp.reshape(x, shape) for x in flat])
    ordered = jnp.sort(jnp.moveaxis(a, axis, -1), axis=-1)
    first, last = _runs(ordered)
    lengths = last - first + 1
    if a.dtype.kind == "f":  # nans are sorted last
        is_nan = jnp.isnan(ordered)
        lengths = jnp.where(is_nan[..., -1:], jnp.where(is_nan, 1, 0), lengths)
    place = jnp.argmax(lengths, axis=-1, keepdims=True)
    found = [jnp.take_along_axis(x, place, axis=-1) for x in (ordered, lengths)]
    moved = [jnp.moveaxis(x, -1, axis) for x in found]
    return ModeResult(*[x if keepdims else jnp.squeeze(x, axis) for x in moved])


def rankdata(
    a: Any, method: str = "average", *, axis: int | None = None, nan_policy: str = "propagate"
) -> Any:
    """Ranks from 1 on along `axis` (None: of all elements, flat). Equal elements get the average,
    the "min" or the "max" of their ranks, or "dense" ones without gaps, or "ordinal" ones in their
    order. nan throughout if there is a nan.

    >>> rankdata(np.array([3.0, 1.0, 3.0]))
    Array([2.5, 1. , 2.5])

    Raises ValueError for other methods.
    """
    _check_policy("rankdata", nan_policy)
    if method not in ("average", "min", "max", "dense", "ordinal"):
        raise ValueError(at_user_line(f"rankdata: unknown method {method!r}"))
    a = jnp.asarray(a)
    if axis is None:
        return rankdata(jnp.ravel(a), method, axis=0)
    moved = jnp.moveaxis(a, axis, -1)
    if moved.shape[-1] == 0:
        return jnp.zeros(a.shape)
    order = jnp.argsort(moved, axis=-1, stable=True)
    ordered = jnp.take_along_axis(moved, order, axis=-1)
    first, last = _runs(ordered)
    index = jnp.broadcast_to(jnp.arange(moved.shape[-1]), ordered.shape)
    if method == "average":
        ranks: Any = (first + last) / 2 + 1
    elif method == "dense":
        ranks = jnp.cumsum(first == index, axis=-1)
    else:
        ranks = {"min": first, "max": last, "ordinal": index}[method] + 1
    back = jnp.argsort(order, axis=-1, stable=True)
    ranks = jnp.take_along_axis(ranks, back, axis=-1)
    if a.dtype.kind == "f":
        has_nan = jnp.any(jnp.isnan(moved), axis=-1, keepdims=True)
        ranks = jnp.where(has_nan, np.nan, ranks.astype(np.float64))
    return jnp.moveaxis(ranks, -1, axis)
