"""Reductions that leave nan out."""

from __future__ import annotations

import math
from typing import Any

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from . import selection
from .exponential import sqrt
from .logic import logical_and
from .promotion import Operand, as_array_operand, as_dtype, filled, no_out, strong
from .quantiles import hundredths, quantile_of, require_real
from .reduce import (
    NO_VALUE,
    any,
    argmax,
    argmin,
    count_nonzero,
    cumprod,
    cumsum,
    max,
    min,
    prod,
    sum,
)
from .shapes import broadcast_to
from .statistics import mean, var


def _replaced(a: Any, value: Any) -> tuple[Operand, Operand | None]:
    """`a` with `value` for nan, and where it has numbers (None: everywhere)."""
    x = strong(as_array_operand(a))
    if x.dtype.kind not in "fc":
        return x, None
    is_number = apply(ops.eq, x, x)
    return apply(ops.select, is_number, x, filled(x, value)), is_number


def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
) -> Any:
    """Sum over `axis` of what is not nan, which counts as 0: 0 where nothing is left.

    Dtypes and arguments are those of `sum`. nan has derivative 0.

    >>> import jitad.numpy as jnp
    >>> jnp.nansum(jnp.array([1.0, jnp.nan, 2.0]))
    Array(3.)
    """
    return sum(_replaced(a, 0)[0], axis, dtype, out, keepdims, initial, where)


def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
) -> Any:
    """Product over `axis` of what is not nan, which counts as 1: 1 where nothing is left.

    Dtypes and arguments are those of `prod`. nan has derivative 0.

    >>> import jitad.numpy as jnp
    >>> jnp.nanprod(jnp.array([3.0, jnp.nan, 2.0]))
    Array(6.)
    """
    return prod(_replaced(a, 1)[0], axis, dtype, out, keepdims, initial, where)


def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Running sum along `axis` (of all flattened if None) in which nan counts as 0.

    Dtypes and errors are those of `cumsum`.

    >>> import jitad.numpy as jnp
    >>> jnp.nancumsum(jnp.array([1.0, jnp.nan, 2.0]))
    Array([1., 1., 3.])
    """
    return cumsum(_replaced(a, 0)[0], axis, dtype, out)


def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Running product along `axis` (of all flattened if None) in which nan counts as 1.

    Dtypes and errors are those of `cumprod`.

    >>> import jitad.numpy as jnp
    >>> jnp.nancumprod(jnp.array([3.0, jnp.nan, 2.0]))
    Array([3., 3., 6.])
    """
    return cumprod(_replaced(a, 1)[0], axis, dtype, out)


def _counted(is_number: Operand | None, chosen: Any) -> Any:
    """The mask of numbers that are chosen; None for all."""
    if is_number is None:
        return chosen
    return is_number if chosen is None else logical_and(is_number, chosen)


def _nan_extremum(
    fold: Any, a: Any, worst: float, axis: Any, keepdims: bool, initial: Any, chosen: Any
) -> Operand:
    x, is_number = _replaced(a, worst)
    result = fold(x, axis, keepdims=keepdims, initial=initial, where=chosen)
    if is_number is None or initial is not NO_VALUE:
        return result
    found = any(is_number, axis, keepdims=keepdims)
    return apply(ops.select, found, result, filled(result, math.nan))


def nanmax(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
) -> Any:
    """Greatest element over `axis` of what is not nan; nan where nothing is left.

    Dtypes, ties and arguments are those of `max`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanmax(jnp.array([[1.0, jnp.nan], [jnp.nan, jnp.nan]]), axis=1)
    Array([ 1., nan])
    """
    no_out(out)
    return _nan_extremum(max, a, -math.inf, axis, keepdims, initial, where)


def nanmin(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
) -> Any:
    """Least element over `axis` of what is not nan; nan where nothing is left.

    Dtypes, ties and arguments are those of `min`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanmin(jnp.array([[1.0, jnp.nan], [jnp.nan, jnp.nan]]), axis=1)
    Array([ 1., nan])
    """
    no_out(out)
    return _nan_extremum(min, a, math.inf, axis, keepdims, initial, where)


def nanargmax(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Index along `axis` of the first greatest element that is not nan.

    int64, of all elements flattened if `axis` is None; 0 where all are nan (NumPy raises
    ValueError). Other errors are those of `argmax`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanargmax(jnp.array([1.0, jnp.nan, 3.0]))
    Array(2)
    """
    no_out(out)
    return argmax(_replaced(a, -math.inf)[0], axis, keepdims=keepdims)


def nanargmin(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Index along `axis` of the first least element that is not nan.

    int64, of all elements flattened if `axis` is None; 0 where all are nan (NumPy raises
    ValueError). Other errors are those of `argmin`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanargmin(jnp.array([jnp.nan, 5.0, 3.0]))
    Array(2)
    """
    no_out(out)
    return argmin(_replaced(a, math.inf)[0], axis, keepdims=keepdims)


def _axis_of(x: Operand, axis: Any) -> Any:
    """`axis`, but None for axis 0 of a float scalar: NumPy's means without nan sum, and its sums
    take a scalar for a vector."""
    is_scalar = x.ndim == 0 and x.dtype.kind in "fc" and type(axis) is int
    return None if is_scalar and axis in (0, -1) else axis


def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    where: Any = None,
) -> Any:
    """Mean over `axis` of what is not nan; nan where nothing is left.

    Dtypes and arguments are those of `mean`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanmean(jnp.array([1.0, jnp.nan, 3.0]))
    Array(2.)
    """
    x, is_number = _replaced(a, 0)
    if is_number is not None and dtype is not None and as_dtype(dtype).kind not in "fc":
        raise TypeError(at_user_line("If a is inexact, then dtype must be inexact"))
    axis = _axis_of(x, axis)
    return mean(x, axis, dtype, out, keepdims, where=_counted(is_number, where))


def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    mean: Any = None,
) -> Any:
    """Variance over `axis` of what is not nan; nan where no more than `ddof` elements are left.

    Dtypes and arguments are those of `var`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanvar(jnp.array([1.0, jnp.nan, 3.0]))
    Array(1.)
    """
    x, is_number = _replaced(a, 0)
    axis = _axis_of(x, axis)
    counted = _counted(is_number, where)
    result = var(x, axis, dtype, out, ddof, keepdims, where=counted, mean=mean)
    if is_number is None:
        return result
    mask = broadcast_to(counted, x.shape)
    enough = apply(ops.gt, count_nonzero(mask, axis, keepdims=keepdims), int(ddof))
    return selection.where(enough, result, math.nan)


def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    where: Any = None,
    mean: Any = None,
) -> Any:
    """Standard deviation over `axis` of what is not nan: the square root of `nanvar`.

    Arguments are those of `var`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanstd(jnp.array([1.0, jnp.nan, 3.0]))
    Array(1.)
    """
    return sqrt(nanvar(a, axis, dtype, out, ddof, keepdims, where, mean))


def nanmedian(
    a: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    """Median over `axis` of what is not nan; nan where nothing is left.

    Dtypes and arguments are those of `median`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanmedian(jnp.array([1.0, jnp.nan, 3.0, 10.0]))
    Array(3.)
    """
    no_out(out)
    return quantile_of(a, 0.5, axis, "midpoint", keepdims, ignore_nan=True)


def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Quantiles over `axis` at `q` percent, of what is not nan; nan where nothing is left.

    Arguments and errors are those of `quantile`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanpercentile(jnp.array([1.0, jnp.nan, 3.0]), 25)
    Array(1.5)
    """
    return nanquantile(a, hundredths(q), axis, out, False, method, keepdims, weights=weights)


def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Quantiles over `axis` at `q` in [0, 1], of what is not nan; nan where nothing is left.

    Arguments and errors are those of `quantile`.

    >>> import jitad.numpy as jnp
    >>> jnp.nanquantile(jnp.array([1.0, jnp.nan, 3.0]), 0.25)
    Array(1.5)
    """
    no_out(out)
    require_real(a)
    return quantile_of(a, q, axis, method, keepdims, weights, ignore_nan=True)
