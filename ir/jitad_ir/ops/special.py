"""Error functions, gamma functions and the logistic function.

NumPy has none of them: `evaluate` takes them from scipy.special, imported when first needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Elementwise, Rule
from ..op import NONLINEAR, Draw, Op, PerOperand, Sample, elementwise, same_types
from ..types import ArrayType, TypeMismatch
from .arithmetic import mul, neg, square, sub
from .constants import full_like
from .samples import edges, one
from .transcendental import exp

_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)


def _scipy(name: str) -> Rule:
    def evaluate(x: Any) -> Any:
        import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

        return getattr(scipy.special, name)(x)

    return evaluate


def _gaussian(x: Value, factor: float) -> Value:
    return mul(exp(neg(square(x))), factor)


erf = elementwise(
    "erf",
    "Error function: 2 / sqrt(pi) times the integral of exp(-u**2) over u from 0 to x.",
    kinds="f",
    evaluate=_scipy("erf"),
    jvp=[lambda t, out, x: mul(t, _gaussian(x, _TWO_OVER_ROOT_PI))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.erf(x),
    samples=(*one(), *edges(extra=(3.9, -5.8))),
    dear=True,
)

erfc = elementwise(
    "erfc",
    "1 - erf(x), accurate for large x.",
    kinds="f",
    evaluate=_scipy("erfc"),
    jvp=[lambda t, out, x: mul(t, _gaussian(x, -_TWO_OVER_ROOT_PI))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.erfc(x),
    samples=(*one(), *edges(extra=(9.0, 26.0, -6.0))),
    dear=True,
)

erf_inv = elementwise(
    "erf_inv",
    "The y with erf(y) = x; infinite for x = -1 and 1, nan beyond.",
    kinds="f",
    evaluate=_scipy("erfinv"),
    jvp=[lambda t, out, x: mul(t, mul(exp(square(out)), 1.0 / _TWO_OVER_ROOT_PI))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.erf_inv(x),
    samples=(*one(-0.9, 0.9), *edges(extra=(0.999, -0.99999))),
    dear=True,
)

_gammaln = _scipy("gammaln")

lgamma = elementwise(
    "lgamma",
    "log |gamma(x)|; inf for 0, negative integers and both infinities.",
    kinds="f",
    evaluate=lambda x: np.where(x == -np.inf, np.inf, _gammaln(x)),  # C's, not SciPy's, at -inf
    jvp=[lambda t, out, x: mul(t, digamma(x))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.lgamma(x),
    samples=(*one(0.5, 9.0), *one(-1.8, -1.2), *edges(extra=(2.0, 3.0, -2.0, 170.5))),
    dear=True,
)

digamma = elementwise(
    "digamma",
    "The derivative of lgamma.",
    kinds="f",
    evaluate=_scipy("psi"),
    jvp=[lambda t, out, x: mul(t, polygamma(x, order=1))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.digamma(x),
    samples=(*one(0.5, 9.0), *one(-1.8, -1.2), *edges()),
    dear=True,
)


def _infer_polygamma(x: ArrayType, *, order: int) -> ArrayType:
    same_types("polygamma", (x,), "f")
    if order < 1:
        raise TypeMismatch(f"polygamma: expected order >= 1; got {order}")
    return x


def _evaluate_polygamma(x: Any, *, order: int) -> Any:
    """(-1)**(n + 1) n! zeta(n + 1, x), with Hurwitz' zeta. DLMF 25.11.12."""
    import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

    sign = 1.0 if order % 2 else -1.0
    return sign * math.factorial(order) * scipy.special.zeta(order + 1.0, np.asarray(x, float))


_BERNOULLI = (
    *(1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66),
    *(-691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330),
)
"""B(2), B(4), ..., B(20)."""


def _emit_hurwitz_zeta(b: Any, x: Any, s: int) -> Any:
    """zeta(s, x), x >= 0, by Euler and Maclaurin's formula. DLMF 25.11.5. With a = x + n:

    sum over k < n of 1 / (x + k)**s
    + a**(1 - s) (1/(s - 1) + 1/2a + sum over j of s (s + 1)...(s + 2j - 2) B(2j)/(2j)! a**-2j)
    """

    def number(value: float) -> Any:
        return b.constant(x.dtype, value)

    n = 8 + 2 * s  # then the first term left out is less than 1e-17 of the sum
    a = b.add(x, number(n))
    coefficients = [
        bernoulli * math.prod(range(s, s + 2 * j - 1)) / math.factorial(2 * j)
        for j, bernoulli in enumerate(_BERNOULLI, 1)
    ]
    inverse = b.reciprocal(a)
    u = b.square(inverse)
    series = number(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        series = b.add(b.mul(series, u), number(coefficient))
    tail = b.add(b.mul(series, u), b.mul(inverse, number(0.5)))
    total = b.mul(b.add(tail, number(1 / (s - 1))), b.integer_pow(inverse, s - 1))
    for k in reversed(range(n)):
        total = b.add(total, b.integer_pow(b.reciprocal(b.add(x, number(k))), s))
    return total


def _cotangent_derivative(order: int) -> list[float]:
    """Coefficients p of d^order cot(u) / du^order = sum of p[i] cot(u)**i: each derivative takes
    cot**i to -i (cot**(i - 1) + cot**(i + 1))."""
    p = [0.0, 1.0]
    for _ in range(order):
        following = [0.0] * (len(p) + 1)
        for i, factor in enumerate(p[1:], 1):
            following[i - 1] -= i * factor
            following[i + 1] -= i * factor
        p = following
    return p


def _emit_polygamma(b: Any, x: Any, *, order: int) -> Any:
    """As `_evaluate_polygamma` for x >= 0. Below, with n = order, by reflection, DLMF 5.15.6:
    polygamma(x) = (-1)**n polygamma(1 - x) - pi**(n + 1) (d/du)**n cot(u) at u = pi x."""
    zero, one = b.constant(x.dtype, 0), b.constant(x.dtype, 1)
    negative = b.lt(x, zero)
    factor = math.factorial(order) * (1.0 if order % 2 else -1.0)
    zeta = _emit_hurwitz_zeta(b, b.select(negative, b.sub(one, x), x), order + 1)
    value = b.mul(zeta, b.constant(x.dtype, factor))
    u = b.mul(b.sub(x, b.round(x)), b.constant(x.dtype, math.pi))
    cot = b.div(b.cos(u), b.sin(u))
    p = _cotangent_derivative(order)
    polynomial = b.constant(x.dtype, p[-1])
    for coefficient in reversed(p[:-1]):
        polynomial = b.mul(polynomial, cot)
        if coefficient:
            polynomial = b.add(polynomial, b.constant(x.dtype, coefficient))
    mirrored = b.neg(value) if order % 2 else value
    below = b.sub(mirrored, b.mul(polynomial, b.constant(x.dtype, math.pi ** (order + 1))))
    return b.select(negative, below, value)


polygamma = Op(
    name="polygamma",
    doc="The derivative of digamma of order `order` (at least 1).",
    infer=_infer_polygamma,
    evaluate=_evaluate_polygamma,
    jvp=PerOperand((lambda t, out, x, *, order: mul(t, polygamma(x, order=order + 1)),)),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, order: polygamma(x, order=order),
    lower=Elementwise(_emit_polygamma, dear=True),
    samples=(
        *one(0.5, 9.0, order=1),
        *[Sample((Draw((4,), 0.5, 9.0),), {"order": n}) for n in (2, 3, 6)],
        *[Sample((Draw((4,), -1.8, -1.2),), {"order": n}) for n in (1, 2, 3)],
        Sample((Draw((3,), values=(0.0, float("inf"), float("nan"))),), {"order": 1}, smooth=False),
    ),
)

logistic = elementwise(
    "logistic",
    "1 / (1 + exp(-x)).",
    kinds="fc",
    evaluate=lambda x: np.reciprocal(1 + np.exp(-x)),
    jvp=[lambda t, out, x: mul(t, mul(out, sub(full_like(out, 1), out)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.logistic(x),
    samples=(*one(), *edges(extra=(40.0, -40.0))),
    dear=True,
)
