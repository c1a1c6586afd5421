"""The modified Bessel function of order 0."""

from __future__ import annotations

from typing import Any

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from .promotion import as_array_operand, inexact, strong


def i0(x: Any) -> Any:
    """Modified Bessel function of the first kind, order 0 (DLMF 10.25.2).

    `x` is real, of any shape; its derivative is I_1(x). Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.i0(jnp.array([0.0, 1.0]))
    Array([1.        , 1.26606588])
    """
    x = strong(inexact(as_array_operand(x)))
    if x.dtype.kind == "c":
        raise TypeError(at_user_line("i0 not supported for complex values"))
    return apply(ops.bessel_i, x, order=0, scaled=False)
