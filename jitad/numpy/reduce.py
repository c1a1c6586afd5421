"""Reductions over axes, running folds, and statistics made of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.types import BOOL, DTYPES, INT64, DType

from .arithmetic import add, multiply, subtract
from .logic import logical_and, logical_or
from .matrices import diagonal
from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    as_operand,
    convert,
    filled,
    no_out,
    strong,
)
from .selection import maximum, minimum
from .shapes import broadcast_to, expand_dims, ravel, reshape

NO_VALUE: Any = type("_NoValue", (), {"__repr__": lambda self: "<no value>"})()
"""Default of `initial`: none is given."""


def reduced_axes(x: Operand, axis: Any) -> tuple[int, ...]:
    """The axes that `axis` names, ascending; all if None."""
    if axis is None:
        return tuple(range(x.ndim))
    if x.ndim < 2 and type(axis) is int and axis in (0, -1):
        return tuple(range(x.ndim))  # NumPy takes a scalar for a vector of one element
    return tuple(sorted(normalize_axis_tuple(axis, x.ndim)))


def finish(result: Operand, x: Operand, axes: tuple[int, ...], keepdims: bool) -> Operand:
    """The result of a fold of `x` over `axes`, which are kept with length 1 if `keepdims`."""
    if not keepdims:
        return result
    return reshape(result, [1 if i in axes else n for i, n in enumerate(x.shape)])


def restrict(x: Operand, where: Any, identity: Any) -> Operand:
    """`x` with `identity` where `where` is false."""
    if where is None or where is True:
        return x
    keep = broadcast_to(convert(as_array_operand(where), BOOL), x.shape)
    return apply(ops.select, keep, x, filled(x, identity))


def _fold(
    op: Op,
    x: Operand,
    axis: Any,
    keepdims: bool,
    where: Any,
    identity: Any,
    initial: Any,
    combine: Callable[[Any, Any], Any],
) -> Operand:
    axes = reduced_axes(x, axis)
    result = apply(op, restrict(x, where, identity), axes=axes)
    if initial is not NO_VALUE and initial is not None:
        result = combine(result, convert(as_operand(initial), x.dtype))
    return finish(result, x, axes, keepdims)


def _accumulator(dtype: DType) -> DType:
    """The dtype in which NumPy sums: narrow integers in 64 bits."""
    if dtype.kind in "bi":
        return INT64
    return DTYPES["u64"] if dtype.kind == "u" else dtype


def _summand(a: Any, dtype: Any, widen: bool = True) -> Operand:
    x = strong(as_array_operand(a))
    if dtype is None and not widen and x.dtype.kind != "b":
        return x
    return convert(x, _accumulator(x.dtype) if dtype is None else as_dtype(dtype))


def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
    promote_integers: bool = True,
) -> Any:
    """Sum over `axis`: an int, a tuple of ints, or None for all axes.

    Any dtype; bools and integers sum in 64 bits (in their own if not `promote_integers`), or in
    `dtype`, and wrap. Reduced axes stay with length 1 if `keepdims`. Elements where `where` (bool,
    which broadcasts) is false do not count; `initial` is added. 0 for no elements. Large sums are
    folded in a fixed order, the same for any number of threads. Raises AxisError for axes that `a`
    does not have.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    >>> jnp.sum(x), jnp.sum(x, axis=0), jnp.sum(x, where=x > 1.5)
    (Array(10.), Array([4., 6.]), Array(9.))
    """
    no_out(out)
    x = _summand(a, dtype, promote_integers)
    if x.dtype.kind == "b":
        return any(x, axis, keepdims=keepdims, where=where)
    return _fold(ops.reduce_sum, x, axis, keepdims, where, 0, initial, add)


def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
    promote_integers: bool = True,
) -> Any:
    """Product over `axis`: an int, a tuple of ints, or None for all axes.

    Any dtype; bools and integers multiply in 64 bits (in their own if not `promote_integers`), or
    in `dtype`, and wrap. `keepdims`, `initial` and `where` as for `sum`; 1 for no elements. The
    derivative is right at zeros too. Raises AxisError for axes that `a` does not have.

    >>> import jitad, jitad.numpy as jnp
    >>> jitad.grad(jnp.prod)(jnp.array([0.0, 2.0, 3.0]))
    Array([6., 0., 0.])
    """
    no_out(out)
    x = _summand(a, dtype, promote_integers)
    if x.dtype.kind == "b":
        return all(x, axis, keepdims=keepdims, where=where)
    return _fold(ops.reduce_prod, x, axis, keepdims, where, 1, initial, multiply)


def _extremum(
    name: str, op: Op, a: Any, axis: Any, keepdims: bool, initial: Any, where: Any, combine: Any
) -> Operand:
    x = strong(as_array_operand(a))
    axes = reduced_axes(x, axis)
    given = initial is not NO_VALUE
    reduced = math.prod([x.shape[i] for i in axes])
    if reduced == 0 and not given:
        raise ValueError(
            at_user_line(f"zero-size array to reduction operation {name} which has no identity")
        )
    if where is not None and where is not True and not given:
        raise ValueError(
            at_user_line(
                f"reduction operation '{name}' does not have an identity, so to use a where mask "
                "one has to specify 'initial'"
            )
        )
    worst = _worst(x.dtype, greatest=op is ops.reduce_min)
    return _fold(op, x, axis, keepdims, where, worst, initial, combine)


def _worst(dtype: DType, greatest: bool) -> Any:
    """The greatest or least value of a dtype, which never wins against another."""
    if dtype.kind == "b":
        return greatest
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)  # type: ignore[arg-type]
        return int(limits.max if greatest else limits.min)
    return math.inf if greatest else -math.inf


def max(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
) -> Any:
    """Greatest element over `axis` (an int, a tuple, or None for all), nan if there is one.

    Any dtype; complex numbers by real part, then imaginary part. Elements that tie share the
    derivative. `keepdims` as for `sum`; `initial` is one more element, which `where` needs. Raises
    ValueError for no elements and no `initial`, AxisError for axes that `a` does not have.

    >>> import jitad, jitad.numpy as jnp
    >>> x = jnp.array([[1.0, 5.0], [5.0, 2.0]])
    >>> jnp.max(x, axis=1)
    Array([5., 5.])
    >>> jitad.grad(jnp.max)(x)
    Array([[0. , 0.5],
           [0.5, 0. ]])
    """
    no_out(out)
    return _extremum("maximum", ops.reduce_max, a, axis, keepdims, initial, where, maximum)


def min(
    a: Any,
    axis: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = NO_VALUE,
    where: Any = None,
) -> Any:
    """Least element over `axis` (an int, a tuple, or None for all), nan if there is one.

    Dtypes, ties, options and errors are those of `max`.

    >>> import jitad.numpy as jnp
    >>> jnp.min(jnp.array([[1.0, 5.0], [5.0, 2.0]]), axis=1)
    Array([1., 2.])
    """
    no_out(out)
    return _extremum("minimum", ops.reduce_min, a, axis, keepdims, initial, where, minimum)


amax, amin = max, min


def all(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
) -> Any:
    """True where every element over `axis` (an int, a tuple, or None for all) is nonzero; nan is.

    Any dtype; a bool array. `keepdims` and `where` as for `sum`. True for no elements. Raises
    AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.all(jnp.array([[1, 2], [0, 3]]), axis=1)
    Array([ True, False])
    """
    no_out(out)
    x = convert(as_array_operand(a), BOOL)
    return _fold(ops.reduce_and, x, axis, keepdims, where, True, None, logical_and)


def any(
    a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None
) -> Any:
    """True where some element over `axis` (an int, a tuple, or None for all) is nonzero; nan is.

    Any dtype; a bool array. `keepdims` and `where` as for `sum`. False for no elements. Raises
    AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.any(jnp.array([[0, 2], [0, 0]]), axis=1)
    Array([ True, False])
    """
    no_out(out)
    x = convert(as_array_operand(a), BOOL)
    return _fold(ops.reduce_or, x, axis, keepdims, where, False, None, logical_or)


def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """Sum of the diagonal `offset` in the plane of two axes (above the main one if positive).

    At least two axes, the others stay; dtypes as for `sum`. Raises ValueError for fewer.

    >>> import jitad.numpy as jnp
    >>> jnp.trace(jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array(5.)
    """
    no_out(out)
    return sum(diagonal(a, offset, axis1, axis2), -1, dtype)


def count_nonzero(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Number of nonzero elements (nan is) over `axis` (an int, a tuple, or None for all), int64.

    Any dtype; `keepdims` as for `sum`. Raises AxisError for axes that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.count_nonzero(jnp.array([[0, 1], [2, 3]]), axis=0)
    Array([1, 2])
    """
    return sum(convert(as_array_operand(a), BOOL), axis, INT64, keepdims=keepdims)


def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Greatest less least element over `axis` (None: all), nan if there is one.

    Axes, dtypes, ties and errors are those of `max`; integers may wrap.

    >>> import jitad.numpy as jnp
    >>> jnp.ptp(jnp.array([4.0, 1.0, 7.0]))
    Array(6.)
    """
    no_out(out)
    return subtract(max(a, axis, keepdims=keepdims), min(a, axis, keepdims=keepdims))


# Places of extrema.


def _place(name: str, op: Op, a: Any, axis: Any, keepdims: bool) -> Operand:
    x = as_array_operand(a)
    if axis is None or (x.ndim == 0 and axis in (0, -1)):
        flat, place = ravel(x), 0
    else:
        flat, place = x, normalize_axis_index(axis, x.ndim)
    if flat.shape[place] == 0:
        raise ValueError(at_user_line(f"attempt to get {name} of an empty sequence"))
    result = apply(op, flat, axis=place)
    if not keepdims:
        return result
    return reshape(result, [1] * x.ndim) if flat is not x else expand_dims(result, place)


def argmax(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Index, int64, of the first greatest element (or nan) along `axis`; of all flattened if None.

    Any dtype; the axis stays with length 1 if `keepdims`. The result has no derivative. Raises
    ValueError for no elements, AxisError for an axis that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.argmax(jnp.array([[1.0, 5.0, 5.0], [9.0, 2.0, 3.0]]), axis=1)
    Array([1, 0])
    """
    no_out(out)
    return _place("argmax", ops.argmax, a, axis, keepdims)


def argmin(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Index, int64, of the first least element (or nan) along `axis`; of all flattened if None.

    Any dtype; the axis stays with length 1 if `keepdims`. The result has no derivative. Raises
    ValueError for no elements, AxisError for an axis that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.argmin(jnp.array([[1.0, 5.0, 1.0], [9.0, 2.0, 3.0]]), axis=1)
    Array([0, 1])
    """
    no_out(out)
    return _place("argmin", ops.argmin, a, axis, keepdims)


# Running folds.


def _running(op: Op, a: Any, axis: Any, dtype: Any) -> Operand:
    x = _summand(a, dtype)
    if axis is None or x.ndim == 0:
        x, axis = ravel(x), 0 if axis is None else axis
    return apply(op, x, axis=normalize_axis_index(axis, x.ndim), reverse=False)


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Running sum along `axis`, of all elements flattened if None; in the shape of what is summed.

    Any dtype; bools and integers sum in 64 bits, or in `dtype`, and wrap. Raises AxisError for an
    axis that `a` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.cumsum(jnp.array([[1, 2], [3, 4]]), axis=0)
    Array([[1, 2],
           [4, 6]])
    """
    no_out(out)
    return _running(ops.cumsum, a, axis, dtype)


def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Running product along `axis`, of all elements flattened if None.

    Shapes, dtypes and errors are those of `cumsum`. The derivative is right at zeros too.

    >>> import jitad.numpy as jnp
    >>> jnp.cumprod(jnp.array([1.0, 2.0, 3.0, 4.0]))
    Array([ 1.,  2.,  6., 24.])
    """
    no_out(out)
    return _running(ops.cumprod, a, axis, dtype)


def _cumulative(op: Op, x: Any, axis: Any, dtype: Any, start: Any) -> Operand:
    x = as_array_operand(x)
    if axis is None:
        if x.ndim > 1:
            raise ValueError(at_user_line("axis must be given for arrays of several axes"))
        axis = 0
    x = x if x.ndim else reshape(x, (1,))  # as NumPy
    place = normalize_axis_index(axis, x.ndim)
    result = _running(op, x, place, dtype)
    if start is None:
        return result
    edge = [0] * x.ndim
    low = list(edge)
    low[place] = 1
    first = apply(ops.full, value=start, shape=(), dtype=result.dtype)
    return apply(ops.pad, result, first, low=tuple(low), high=tuple(edge), interior=tuple(edge))


def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Running sum along `axis`, with 0 in front if `include_initial`; the array API's name.

    Dtypes are those of `cumsum`. Raises ValueError without `axis` for several axes.

    >>> import jitad.numpy as jnp
    >>> jnp.cumulative_sum(jnp.array([1, 2, 3]), include_initial=True)
    Array([0, 1, 3, 6])
    """
    return _cumulative(ops.cumsum, x, axis, dtype, 0 if include_initial else None)


def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    """Running product along `axis`, with 1 in front if `include_initial`; the array API's name.

    Dtypes are those of `cumprod`. Raises ValueError without `axis` for several axes.

    >>> import jitad.numpy as jnp
    >>> jnp.cumulative_prod(jnp.array([1, 2, 3]), include_initial=True)
    Array([1, 1, 2, 6])
    """
    return _cumulative(ops.cumprod, x, axis, dtype, 1 if include_initial else None)
