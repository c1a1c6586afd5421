"""Choices between elements: where, extrema of two, clipping, replacing what is not finite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.types import BOOL, real_dtype

from .elementwise import binary, composed
from .promotion import (
    Operand,
    as_array_operand,
    as_operand,
    broadcast_shape,
    convert,
    filled,
    promote_to_common,
    shape_of,
    spread,
    strong,
)


@binary(ops.max, "biufc")
def maximum(x: Any, y: Any, /) -> Any:
    """The greater of `x` and `y`, element by element; nan where either is (see `fmax`).

    The operands broadcast, in the dtype at which theirs meet; complex numbers compare by real
    part, then imaginary part. Where they are equal, each takes half of the derivative.

    >>> import jitad.numpy as jnp
    >>> jnp.maximum(jnp.array([1.0, 5.0, jnp.nan]), 3.0)
    Array([ 3.,  5., nan])
    """


@binary(ops.min, "biufc")
def minimum(x: Any, y: Any, /) -> Any:
    """The lesser of `x` and `y`, element by element; nan where either is (see `fmin`).

    The operands broadcast, in the dtype at which theirs meet; complex numbers compare by real
    part, then imaginary part. Where they are equal, each takes half of the derivative.

    >>> import jitad.numpy as jnp
    >>> jnp.minimum(jnp.array([1.0, 5.0, jnp.nan]), 3.0)
    Array([ 1.,  3., nan])
    """


def _unless_nan(extremum: Op, x: Operand, y: Operand) -> Operand:
    result = apply(extremum, x, y)
    if x.dtype.kind not in "fc":
        return result
    result = apply(ops.select, apply(ops.ne, y, y), x, result)
    return apply(ops.select, apply(ops.ne, x, x), y, result)


@composed
def fmax(x: Any, y: Any, /) -> Any:
    """The greater of `x` and `y`, element by element; the other where one is nan.

    Dtypes and derivatives as for `maximum`.

    >>> import jitad.numpy as jnp
    >>> jnp.fmax(jnp.array([1.0, 5.0, jnp.nan]), 3.0)
    Array([3., 5., 3.])
    """
    return _unless_nan(ops.max, x, y)


@composed
def fmin(x: Any, y: Any, /) -> Any:
    """The lesser of `x` and `y`, element by element; the other where one is nan.

    Dtypes and derivatives as for `minimum`.

    >>> import jitad.numpy as jnp
    >>> jnp.fmin(jnp.array([1.0, 5.0, jnp.nan]), 3.0)
    Array([1., 3., 3.])
    """
    return _unless_nan(ops.min, x, y)


def where(condition: Any, x: Any, y: Any) -> Any:
    """Elements of `x` where `condition` is true, else of `y`; all three broadcast. (The public
    form, which may be given `condition` alone, is in `finding`.)"""
    pred = convert(as_array_operand(condition), BOOL)
    chosen, other = promote_to_common((x, y))
    if pred.shape == chosen.shape:
        return apply(ops.select, pred, chosen, other)
    shape = broadcast_shape((pred.shape, chosen.shape))
    return apply(ops.select, spread(pred, shape), spread(chosen, shape), spread(other, shape))


def clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    """`a` limited to [a_min, a_max]: minimum(maximum(a, a_min), a_max).

    All three broadcast (else ValueError); None is no limit, and `min` and `max` are other names of
    the limits. Where `a` equals a limit, the two share the derivative; nan stays. Complex numbers
    compare by real part, then imaginary part.

    >>> import jitad.numpy as jnp
    >>> jnp.clip(jnp.array([-1.0, 0.5, 2.0]), 0.0, 1.0)
    Array([0. , 0.5, 1. ])
    """
    low = min if a_min is None else a_min
    high = max if a_max is None else a_max
    result = as_operand(a)
    if low is not None:
        result = maximum(result, low)
    if high is not None:
        result = minimum(result, high)
    return strong(as_array_operand(result))


def nan_to_num(
    x: Any,
    copy: bool = True,
    nan: Any = 0.0,
    posinf: Any = None,
    neginf: Any = None,
) -> Any:
    """nan replaced by `nan`, inf and -inf by the greatest and the least number of the dtype.

    Or by `posinf` and `neginf`. Any shape and dtype; both parts of complex numbers. What is
    replaced has derivative 0. `copy` has no meaning here: arrays are not written to.

    >>> import jitad.numpy as jnp
    >>> jnp.nan_to_num(jnp.array([1.0, jnp.nan, jnp.inf]), posinf=9.0)
    Array([1., 0., 9.])
    """
    x = strong(as_array_operand(x))
    if x.dtype.kind == "c":
        parts = [
            nan_to_num(apply(part, x), nan=nan, posinf=posinf, neginf=neginf)
            for part in (ops.real, ops.imag)
        ]
        return apply(ops.complex, *parts)
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(real_dtype(x.dtype))  # type: ignore[arg-type]
    high = float(limits.max) if posinf is None else posinf
    low = float(limits.min) if neginf is None else neginf
    result = where(apply(ops.ne, x, x), convert(as_operand(nan), x.dtype), x)
    result = where(apply(ops.eq, x, np.inf), convert(as_operand(high), x.dtype), result)
    return where(apply(ops.eq, x, -np.inf), convert(as_operand(low), x.dtype), result)


def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Elements of the choice that belongs to the first true condition, else `default`.

    Conditions, choices and the default broadcast. Choices that are not taken have no influence on
    derivatives. Raises ValueError for no conditions, or another number of choices.

    >>> import jitad.numpy as jnp
    >>> x = jnp.arange(5)
    >>> jnp.select([x < 2, x < 4], [x, 10 * x], default=-1)
    Array([ 0,  1, 20, 30, -1])
    """
    if len(condlist) != len(choicelist):
        raise ValueError(
            at_user_line(
                f"expected as many conditions as choices; got {len(condlist)} conditions and "
                f"{len(choicelist)} choices"
            )
        )
    if not condlist:
        raise ValueError(at_user_line("select with an empty condition list is not possible"))
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """Elements of choices[a]: at each place, that of the choice whose number is in `a` there.

    All broadcast. `mode` is for numbers out of range: "wrap", "clip", or "raise" (ValueError, for
    known numbers only).

    >>> import jitad.numpy as jnp
    >>> jnp.choose(jnp.array([0, 1, 0]), [jnp.array([1, 2, 3]), jnp.array([10, 20, 30])])
    Array([ 1, 20,  3])
    """
    index = as_array_operand(a)
    count = len(choices)
    if mode == "raise":
        values = np.asarray(index)
        if values.size and (values.min() < 0 or values.max() >= count):
            raise ValueError("invalid entry in choice array")
    elif mode == "clip":
        index = clip(index, 0, count - 1)
    elif mode == "wrap":
        from_below = apply(ops.rem, index, filled(index, count))
        negative = apply(ops.lt, from_below, 0)
        index = where(negative, apply(ops.add, from_below, count), from_below)
    else:
        raise ValueError(f"expected mode raise, wrap or clip; got {mode!r}")
    shape = broadcast_shape([index.shape, *[shape_of(as_operand(c)) for c in choices]])
    result = spread(as_array_operand(choices[count - 1]), shape)
    for position in range(count - 2, -1, -1):
        result = where(apply(ops.eq, index, position), choices[position], result)
    return result
