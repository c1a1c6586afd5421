"""Exponentials, logarithms, trigonometric and hyperbolic functions, on the branches of NumPy."""

from __future__ import annotations

import math

import numpy as np

from ..graph import Value
from ..op import NONLINEAR, Draw, Sample, elementwise
from .arithmetic import add, div, mul, neg, rsqrt, square, sub
from .comparison import eq
from .constants import full_like
from .samples import COMPLEX, edges, one, two
from .selection import select

_LOG_2 = math.log(2.0)
_LOG_10 = math.log(10.0)

exp = elementwise(
    "exp",
    "e to the power x.",
    kinds="fc",
    evaluate=np.exp,
    jvp=[lambda t, out, x: mul(t, out)],
    transpose=NONLINEAR,
    emit=lambda b, x: b.exp(x),
    samples=(*one(), *edges(extra=(88.0, -103.0, 709.0, -745.0))),
    dear=True,
)

exp2 = elementwise(
    "exp2",
    "2 to the power x.",
    kinds="fc",
    evaluate=np.exp2,
    jvp=[lambda t, out, x: mul(t, mul(out, _LOG_2))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.exp2(x),
    samples=(*one(), *edges(extra=(127.5, -149.0, 1023.5, -1074.0))),
    dear=True,
)

expm1 = elementwise(
    "expm1",
    "exp(x) - 1, accurate for small x.",
    kinds="fc",
    evaluate=np.expm1,
    jvp=[lambda t, out, x: mul(t, add(out, 1))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.expm1(x),
    samples=(*one(), *edges(extra=(1e-10, -40.0))),
    dear=True,
)

log = elementwise(
    "log",
    "Natural logarithm; nan for negative x; its branch cut is the negative real axis if complex.",
    kinds="fc",
    evaluate=np.log,
    jvp=[lambda t, out, x: div(t, x)],
    transpose=NONLINEAR,
    emit=lambda b, x: b.log(x),
    samples=(*one(0.1, 9.0), *edges()),
    dear=True,
)

log2 = elementwise(
    "log2",
    "Logarithm to base 2.",
    kinds="fc",
    evaluate=np.log2,
    jvp=[lambda t, out, x: div(t, mul(x, _LOG_2))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.log2(x),
    samples=(*one(0.1, 9.0), *edges(extra=(8.0, 1024.0))),
    dear=True,
)

log10 = elementwise(
    "log10",
    "Logarithm to base 10.",
    kinds="fc",
    evaluate=np.log10,
    jvp=[lambda t, out, x: div(t, mul(x, _LOG_10))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.log10(x),
    samples=(*one(0.1, 9.0), *edges(extra=(10.0, 1000.0))),
    dear=True,
)

log1p = elementwise(
    "log1p",
    "log(1 + x), accurate for small x.",
    kinds="fc",
    evaluate=np.log1p,
    jvp=[lambda t, out, x: div(t, add(x, 1))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.log1p(x),
    samples=(*one(-0.9, 3.0), *edges(extra=(1e-10,))),
    dear=True,
)

sin = elementwise(
    "sin",
    "Sine of x in radians.",
    kinds="fc",
    evaluate=np.sin,
    jvp=[lambda t, out, x: mul(t, cos(x))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.sin(x),
    samples=(*one(), *edges(extra=(1e5, -123456.75))),
    dear=True,
)

cos = elementwise(
    "cos",
    "Cosine of x in radians.",
    kinds="fc",
    evaluate=np.cos,
    jvp=[lambda t, out, x: mul(t, neg(sin(x)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.cos(x),
    samples=(*one(), *edges(extra=(1e5, -123456.75))),
    dear=True,
)

tan = elementwise(
    "tan",
    "Tangent of x in radians.",
    kinds="fc",
    evaluate=np.tan,
    jvp=[lambda t, out, x: mul(t, add(square(out), 1))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.tan(x),
    samples=(*one(-1.3, 1.3), *edges(extra=(1e5, -123456.75))),
    dear=True,
)


def _chord(x: Value) -> Value:
    """1 / sqrt(1 - x**2), without the cancellation near 1."""
    return rsqrt(mul(sub(full_like(x, 1), x), add(x, 1)))


asin = elementwise(
    "asin",
    "Inverse sine in radians, in [-pi/2, pi/2]; nan for |x| > 1.",
    kinds="fc",
    evaluate=np.arcsin,
    jvp=[lambda t, out, x: mul(t, _chord(x))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.asin(x),
    samples=(*one(-0.9, 0.9), *edges()),
    dear=True,
)

acos = elementwise(
    "acos",
    "Inverse cosine in radians, in [0, pi]; nan for |x| > 1.",
    kinds="fc",
    evaluate=np.arccos,
    jvp=[lambda t, out, x: mul(t, neg(_chord(x)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.acos(x),
    samples=(*one(-0.9, 0.9), *edges()),
    dear=True,
)

atan = elementwise(
    "atan",
    "Inverse tangent in radians, in [-pi/2, pi/2].",
    kinds="fc",
    evaluate=np.arctan,
    jvp=[lambda t, out, x: div(t, add(square(x), 1))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.atan(x),
    samples=(*one(), *edges()),
    dear=True,
)

atan2 = elementwise(
    "atan2",
    "Angle of the point (x, y) in radians, in [-pi, pi]; the operands are y, then x.",
    kinds="f",
    evaluate=np.arctan2,
    jvp=[
        lambda t, out, y, x: mul(t, div(x, add(square(x), square(y)))),
        lambda t, out, y, x: mul(t, neg(div(y, add(square(x), square(y))))),
    ],
    transpose=NONLINEAR,
    emit=lambda b, y, x: b.atan2(y, x),
    samples=(*two(), *edges(2)),
    dear=True,
)


def _along(t: Value, out: Value, side: Value) -> Value:
    """The tangent `t` of a leg times leg / hypotenuse; 0 at the origin, where there is none."""
    return mul(t, div(side, select(eq(out, 0), full_like(out, 1), out)))


hypot = elementwise(
    "hypot",
    "sqrt(x**2 + y**2), without overflow on the way; inf if either is infinite, nan or not.",
    kinds="f",
    evaluate=np.hypot,
    jvp=[lambda t, out, x, y: _along(t, out, x), lambda t, out, x, y: _along(t, out, y)],
    transpose=NONLINEAR,
    emit=lambda b, x, y: b.hypot(x, y),
    samples=(*two(), *edges(2)),
    dear=True,
)

sinh = elementwise(
    "sinh",
    "Hyperbolic sine.",
    kinds="fc",
    evaluate=np.sinh,
    jvp=[lambda t, out, x: mul(t, cosh(x))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.sinh(x),
    samples=(*one(), *edges(extra=(89.0, 710.0))),
    dear=True,
)

cosh = elementwise(
    "cosh",
    "Hyperbolic cosine.",
    kinds="fc",
    evaluate=np.cosh,
    jvp=[lambda t, out, x: mul(t, sinh(x))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.cosh(x),
    samples=(*one(), *edges(extra=(89.0, 710.0))),
    dear=True,
)

tanh = elementwise(
    "tanh",
    "Hyperbolic tangent.",
    kinds="fc",
    evaluate=np.tanh,
    jvp=[lambda t, out, x: mul(t, mul(add(out, 1), sub(full_like(out, 1), out)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.tanh(x),
    samples=(*one(), *edges(extra=(20.0,))),
    dear=True,
)

asinh = elementwise(
    "asinh",
    "Inverse hyperbolic sine.",
    kinds="fc",
    evaluate=np.arcsinh,
    jvp=[lambda t, out, x: mul(t, rsqrt(add(square(x), 1)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.asinh(x),
    samples=(*one(), *edges()),
    dear=True,
)

acosh = elementwise(
    "acosh",
    "Inverse hyperbolic cosine; nan for x < 1.",
    kinds="fc",
    evaluate=np.arccosh,
    jvp=[lambda t, out, x: mul(t, mul(rsqrt(sub(x, 1)), rsqrt(add(x, 1))))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.acosh(x),
    samples=(*one(1.2, 9.0), *edges(), Sample((Draw((4,), -9.0, -1.2),), dtypes=COMPLEX)),
    dear=True,
)

atanh = elementwise(
    "atanh",
    "Inverse hyperbolic tangent; nan for |x| > 1.",
    kinds="fc",
    evaluate=np.arctanh,
    jvp=[lambda t, out, x: div(t, mul(sub(full_like(x, 1), x), add(x, 1)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.atanh(x),
    samples=(*one(-0.9, 0.9), *edges()),
    dear=True,
)
