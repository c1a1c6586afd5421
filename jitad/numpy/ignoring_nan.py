"""Reductions that leave nan out."""

from __future__ import annotations

import math
from typing import Any

from jitad.trace import apply
from jitad_ir import ops

from .arithmetic import divide
from .exponential import sqrt
from .promotion import Operand, as_array_operand, filled, strong
from .reduce import any, argmax, argmin, count_nonzero, cumprod, cumsum, max, min, prod, sum
from .selection import where
from .sorting import quantile_of
from .statistics import mean, var


def _replaced(a: Any, value: Any) -> tuple[Operand, Operand | None]:
    """`a` with `value` for nan, and where it has numbers (None: everywhere)."""
    x = strong(as_array_operand(a))
    if x.dtype.kind not in "fc":
        return x, None
    is_number = apply(ops.eq, x, x)
    return apply(ops.select, is_number, x, filled(x, value)), is_number


def nansum(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """Sum of what is not nan."""
    return sum(_replaced(a, 0)[0], axis, dtype, keepdims=keepdims)


def nanprod(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """Product of what is not nan."""
    return prod(_replaced(a, 1)[0], axis, dtype, keepdims=keepdims)


def nancumsum(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running sum in which nan counts as 0."""
    return cumsum(_replaced(a, 0)[0], axis, dtype)


def nancumprod(a: Any, axis: Any = None, dtype: Any = None) -> Any:
    """Running product in which nan counts as 1."""
    return cumprod(_replaced(a, 1)[0], axis, dtype)


def _nan_extremum(fold: Any, a: Any, worst: float, axis: Any, keepdims: bool) -> Operand:
    x, is_number = _replaced(a, worst)
    result = fold(x, axis, keepdims=keepdims)
    if is_number is None:
        return result
    found = any(is_number, axis, keepdims=keepdims)
    return apply(ops.select, found, result, filled(result, math.nan))


def nanmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Greatest of what is not nan; nan where nothing is."""
    return _nan_extremum(max, a, -math.inf, axis, keepdims)


def nanmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Least of what is not nan; nan where nothing is."""
    return _nan_extremum(min, a, math.inf, axis, keepdims)


def nanargmax(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Index of the first greatest element that is not nan (0 where all are)."""
    return argmax(_replaced(a, -math.inf)[0], axis, keepdims=keepdims)


def nanargmin(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Index of the first least element that is not nan (0 where all are)."""
    return argmin(_replaced(a, math.inf)[0], axis, keepdims=keepdims)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """Mean of what is not nan; nan where nothing is."""
    x, is_number = _replaced(a, 0)
    return mean(x, axis, dtype, keepdims=keepdims, where=is_number)


def nanvar(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False
) -> Any:
    """Variance of what is not nan; nan where too little is."""
    x, is_number = _replaced(a, 0)
    if is_number is None:
        return var(x, axis, dtype, ddof=ddof, keepdims=keepdims)
    result = var(x, axis, dtype, ddof=ddof, keepdims=keepdims, where=is_number)
    enough = apply(ops.gt, count_nonzero(is_number, axis, keepdims=keepdims), int(ddof))
    return where(enough, result, math.nan)


def nanstd(
    a: Any, axis: Any = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False
) -> Any:
    """Square root of `nanvar`."""
    return sqrt(nanvar(a, axis, dtype, ddof=ddof, keepdims=keepdims))


def nanmedian(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Median of what is not nan; nan where nothing is."""
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


def nanpercentile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Quantiles at `q` in percent of what is not nan."""
    return nanquantile(a, divide(q, 100), axis, method=method, keepdims=keepdims)


def nanquantile(
    a: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """Quantiles at `q` in [0, 1] of what is not nan; nan where nothing is. See `quantile`."""
    return quantile_of(a, q, axis, method, keepdims, ignore_nan=True)
