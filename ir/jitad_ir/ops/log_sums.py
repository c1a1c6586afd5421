"""log(e^x + e^y) and its like to base 2: sums of what is known by its logarithm.

With d = x - y, log(e^x + e^y) = max(x, y) + log(1 + e^-|d|), and its derivatives by x and y are the
logistic function of d and -d. Equal infinities have d = 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..op import NONLINEAR, Draw, Sample, elementwise
from .arithmetic import mul, sub
from .bitwise import bitwise_and
from .comparison import eq, ne
from .constants import full_like
from .samples import edges, two
from .selection import select
from .special import logistic

_LOG_2 = math.log(2.0)

_EQUAL = Sample((Draw((3,), values=(0.0, 1.5, -2.0)),) * 2)


def _share(t: Value, x: Value, y: Value) -> Value:
    """The tangent `t` times e^x / (e^x + e^y)."""
    return mul(t, logistic(_difference(x, y)))


def _share2(t: Value, x: Value, y: Value) -> Value:
    """The tangent `t` times 2^x / (2^x + 2^y)."""
    return mul(t, logistic(mul(_difference(x, y), _LOG_2)))


def _difference(x: Value, y: Value) -> Value:
    """x - y; 0 for equal infinities."""
    difference = sub(x, y)
    same_infinity = bitwise_and(eq(x, y), ne(difference, difference))
    return select(same_infinity, full_like(x, 0), difference)


def emit_logaddexp(b: Any, x: Any, y: Any) -> Any:
    """Lanes of log(e^x + e^y)."""
    tail = b.log1p(b.exp(b.neg(b.abs(b.sub(x, y)))))
    return _emit_sum(b, x, y, tail, _LOG_2)


def _emit_logaddexp2(b: Any, x: Any, y: Any) -> Any:
    tail = b.log1p(b.exp2(b.neg(b.abs(b.sub(x, y)))))
    return _emit_sum(b, x, y, b.mul(tail, b.constant(x.dtype, 1 / _LOG_2)), 1.0)


def _emit_sum(b: Any, x: Any, y: Any, tail: Any, doubled: float) -> Any:
    equal = b.add(x, b.constant(x.dtype, doubled))
    return b.select(b.eq(x, y), equal, b.add(b.max(x, y), tail))


logaddexp = elementwise(
    "logaddexp",
    "log(e**x + e**y), without overflow on the way.",
    kinds="f",
    evaluate=np.logaddexp,
    jvp=[lambda t, out, x, y: _share(t, x, y), lambda t, out, x, y: _share(t, y, x)],
    transpose=NONLINEAR,
    emit=emit_logaddexp,
    samples=(*two(), _EQUAL, *edges(2, extra=(709.0, -745.0))),
    dear=True,
)

logaddexp2 = elementwise(
    "logaddexp2",
    "log2(2**x + 2**y), without overflow on the way.",
    kinds="f",
    evaluate=np.logaddexp2,
    jvp=[lambda t, out, x, y: _share2(t, x, y), lambda t, out, x, y: _share2(t, y, x)],
    transpose=NONLINEAR,
    emit=_emit_logaddexp2,
    samples=(*two(), _EQUAL, *edges(2, extra=(1023.5, -1074.0))),
    dear=True,
)
