"""Rounding: to integers, and to places of decimal numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.trace import apply
from jitad_ir import ops

from .arithmetic import divide, multiply
from .elementwise import unary, unchanged
from .promotion import Operand, as_array_operand, convert, no_out, strong


@unary(ops.floor, "f", unchanged)
def floor(x: Any, /) -> Any:
    """The greatest integer <= x, in the dtype of `x`.

    Any shape; real, integers as they are. The derivative is 0. Raises TypeError for complex
    numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.floor(jnp.array([1.7, -1.2]))
    Array([ 1., -2.])
    """


@unary(ops.ceil, "f", unchanged)
def ceil(x: Any, /) -> Any:
    """The least integer >= x, in the dtype of `x`.

    Any shape; real, integers as they are. The derivative is 0. Raises TypeError for complex
    numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.ceil(jnp.array([1.2, -1.7]))
    Array([ 2., -1.])
    """


@unary(ops.trunc, "f", unchanged)
def trunc(x: Any, /) -> Any:
    """`x` without its fraction, in its dtype: rounded toward zero.

    Any shape; real, integers as they are. The derivative is 0. Raises TypeError for complex
    numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.trunc(jnp.array([1.7, -1.7]))
    Array([ 1., -1.])
    """


def _rint_parts(x: Operand) -> Operand:
    re, im = apply(ops.round, apply(ops.real, x)), apply(ops.round, apply(ops.imag, x))
    return apply(ops.complex, re, im)


@unary(ops.round, "f", _rint_parts)
def rint(x: Any, /) -> Any:
    """The nearest integer, of two the even one; both parts of complex `x` apart.

    Any shape; integers count as floats. The derivative is 0.

    >>> import jitad.numpy as jnp
    >>> jnp.rint(jnp.array([0.5, 1.5, -1.7]))
    Array([ 0.,  2., -2.])
    """


def round(a: Any, decimals: int = 0, out: None = None) -> Any:
    """`a` rounded to `decimals` places (negative: before the point), halfway cases to even.

    Any shape and dtype. Computed as NumPy does, by rounding `a` times 10**decimals. The derivative
    is 0.

    >>> import jitad.numpy as jnp
    >>> jnp.round(jnp.array([2.5, 1.2345]), 2)
    Array([2.5 , 1.23])
    """
    no_out(out)
    a = as_array_operand(a)
    if a.dtype.kind == "b":
        a = convert(a, np.dtype("float32"))  # NumPy: float16
    if a.dtype.kind in "iu":
        if decimals >= 0:
            return strong(a)
        scale = 10**-decimals
        return convert(multiply(rint(divide(a, scale)), scale), a.dtype)
    if decimals == 0:
        return rint(a)
    scale = float(10 ** (decimals if decimals > 0 else -decimals))
    if decimals > 0:
        return divide(rint(multiply(a, scale)), scale)
    return multiply(rint(divide(a, scale)), scale)


around = round


def fix(x: Any) -> Any:
    """`x` without its fraction: `trunc`.

    >>> import jitad.numpy as jnp
    >>> jnp.fix(jnp.array([1.7, -1.7]))
    Array([ 1., -1.])
    """
    return trunc(x)
