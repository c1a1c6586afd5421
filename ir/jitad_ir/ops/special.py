"""Error functions, gamma functions and the logistic function.

NumPy has none of them: `evaluate` takes them from scipy.special, imported when first needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..op import (
    NONLINEAR,
    Draw,
    Elementwise,
    Op,
    PerOperand,
    Rule,
    Sample,
    elementwise,
    same_types,
)
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

lgamma = elementwise(
    "lgamma",
    "log |gamma(x)|; infinite for 0 and negative integers.",
    kinds="f",
    evaluate=_scipy("gammaln"),
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


polygamma = Op(
    name="polygamma",
    doc="The derivative of digamma of order `order` (at least 1).",
    infer=_infer_polygamma,
    evaluate=_evaluate_polygamma,
    jvp=PerOperand((lambda t, out, x, *, order: mul(t, polygamma(x, order=order + 1)),)),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, order: polygamma(x, order=order),
    lower=Elementwise(lambda b, x, *, order: b.polygamma(x, order), dear=True),
    samples=(
        *one(0.5, 9.0, order=1),
        *[Sample((Draw((4,), 0.5, 9.0),), {"order": n}) for n in (2, 3, 6)],
        Sample((Draw((4,), -1.8, -1.2),), {"order": 1}),
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
