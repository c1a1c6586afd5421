"""Hyperbolic functions, by exp and log of the same format.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

from .math_exponential import exp_of_sum
from .math_kernel import BINARY32, BINARY64, Kernel, Real

# (tanh x - x) / x^3 in x^2, for |x| <= 0.5625.
TANH = {
    BINARY32: (
        -0.3333333169251688,
        0.13333073470989293,
        -0.05390168875228631,
        0.021262975692241618,
        -0.006524892992459014,
    ),
    BINARY64: (
        -0.3333333333333333,
        0.13333333333332387,
        -0.05396825396705584,
        0.021869488476807385,
        -0.008863234018108599,
        0.0035921054890186723,
        -0.001455623647981603,
        0.0005887521588659856,
        -0.00023410116338902362,
        8.42583184408898e-05,
        -2.0022154752706074e-05,
    ),
}


def tanh(k: Kernel, x: Real) -> Real:
    """x + x^3 P(x^2) near 0, else 1 - 2 / (e^(2 |x|) + 1), which is 1 to all digits from 20 on."""
    magnitude = abs(x)
    z = x * x
    near = k.fma(x * z, k.polynomial(z, TANH[k.format]), x)
    e = exp_of_sum(k, k.at_most(magnitude * 2.0, 20.0 if k.format is BINARY32 else 44.0))
    far = k.copysign(1.0 - 2.0 / (e + 1.0), x)
    result = k.select(magnitude < 0.5625, near, far)
    # Keeps -0.0.
    return k.select(magnitude < k.format.tiny, x, result)


FORMULAS = {"tanh": tanh}
