"""Polynomials by their coefficients, highest power first."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.errors import at_user_line

from .arithmetic import add, multiply, subtract
from .creation import zeros_like
from .products import convolve
from .promotion import as_array_operand
from .shapes import atleast_1d, concatenate


def polyval(p: Any, x: Any) -> Any:
    """p[0] x**(n-1) + ... + p[n-1], by Horner's rule; derivatives in `p` and in `x`."""
    coefficients = atleast_1d(p)
    x = as_array_operand(x)
    result = zeros_like(multiply(x, coefficients[0]) if coefficients.shape[0] else x)
    for i in range(coefficients.shape[0]):
        result = add(multiply(result, x), coefficients[i])
    return result


def _aligned(a1: Any, a2: Any) -> tuple[Any, Any]:
    x, y = atleast_1d(a1, a2)
    n = max(x.shape[0], y.shape[0])
    zeros = [np.zeros(n - v.shape[0], v.dtype) for v in (x, y)]
    return concatenate([zeros[0], x]), concatenate([zeros[1], y])


def polyadd(a1: Any, a2: Any) -> Any:
    """Coefficients of the sum."""
    return add(*_aligned(a1, a2))


def polysub(a1: Any, a2: Any) -> Any:
    """Coefficients of the difference."""
    return subtract(*_aligned(a1, a2))


def polymul(a1: Any, a2: Any) -> Any:
    """Coefficients of the product (leading zeros are kept: shapes are static)."""
    return convolve(*atleast_1d(a1, a2))


def polyder(p: Any, m: int = 1) -> Any:
    """Coefficients of the derivative of order `m`."""
    if m < 0:
        raise ValueError(at_user_line("Order of derivative must be positive (see polyint)"))
    found = atleast_1d(p)
    for _ in range(m):
        n = found.shape[0]
        found = multiply(found[: n - 1], np.arange(n - 1, 0, -1)) if n > 1 else found[:0]
    return found
