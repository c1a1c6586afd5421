"""Trends taken off."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import as_array_operand, inexact, strong


def detrend(
    data: Any,
    axis: int = -1,
    type: str = "linear",
    bp: Any = 0,
    overwrite_data: bool | None = None,
) -> Any:
    """`data` less its mean along `axis` (`type` "constant" or "c") or less the straight line that
    fits it best ("linear" or "l"); between the break points `bp`, each piece less its own line.

    Integers give float64. `overwrite_data` is taken for SciPy's sake and does nothing. Raises
    ValueError for another type and for break points beyond the data.

    >>> detrend([1.0, 2.0, 4.0], type="constant")
    Array([-1.33333333, -0.33333333,  1.66666667])
    """
    if type not in ("linear", "l", "constant", "c"):
        raise ValueError(at_user_line("Trend type must be 'linear' or 'constant'."))
    x = inexact(strong(as_array_operand(data)))
    place = normalize_axis_index(axis, x.ndim)
    if type in ("constant", "c"):
        return x - jnp.mean(x, place, keepdims=True)
    n = x.shape[place]
    breaks = np.unique(np.concatenate([[0], np.ravel(bp), [n]])).astype(int)
    if breaks[-1] > n:
        raise ValueError(
            at_user_line("Breakpoints must be less than length of data along given axis.")
        )
    moved = jnp.moveaxis(x, place, -1)
    pieces = [
        _without_line(moved[..., start:stop])
        for start, stop in zip(breaks[:-1].tolist(), breaks[1:].tolist(), strict=True)
    ]
    return jnp.moveaxis(jnp.concatenate(pieces, -1), -1, place) if pieces else x


def _without_line(x: Any) -> Any:
    """With places t of mean 0, the line is mean(x) + t sum(t x) / sum(t t)."""
    n = x.shape[-1]
    places = (np.arange(n) - (n - 1) / 2).astype(x.real.dtype)
    level = x - jnp.mean(x, -1, keepdims=True)
    if n < 2:
        return level
    slope = jnp.sum(level * places, -1, keepdims=True) / np.sum(places**2)
    return level - slope * places
