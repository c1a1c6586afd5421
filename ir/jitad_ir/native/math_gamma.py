"""Gamma functions: lgamma and digamma.

float32 is evaluated in float64 with shorter polynomials. Polynomials are Chebyshev fits by
benchmarks/fit_polynomials.py, which names them as they are named here.
"""

from __future__ import annotations

import math

from .math_kernel import BINARY32, BINARY64, Format, Kernel, Real
from .math_trigonometric import HALF_PI, in_float64, sin_and_cos

# lgamma(x) / ((x - 1) (x - 2)) in x - 25/16, for 0.9 <= x <= 2.25.
LGAMMA = {
    BINARY32: (
        0.4742448097337505,
        -0.13844723825215988,
        0.057412824788025695,
        -0.02744864970359562,
        0.014145839259551369,
        -0.007668730553227414,
        0.004236947987523957,
        -0.002168846026153103,
        0.0012995234218172633,
        -0.0012641343518348855,
        0.0006899835702542326,
    ),
    BINARY64: (
        0.4742448086605885,
        -0.13844715293951274,
        0.057412915220458174,
        -0.02745242545341078,
        0.014145195457045399,
        -0.007622480361343276,
        0.004229715711374209,
        -0.0023955330505388444,
        0.0013772204904398493,
        -0.0008009014925781209,
        0.00046998848878214503,
        -0.00027784284891702797,
        0.00016524714603917068,
        -9.874694064195387e-05,
        5.934658362760416e-05,
        -3.6014288131680954e-05,
        2.16196956938018e-05,
        -1.2348833352770347e-05,
        7.916843339347499e-06,
        -6.5080689252173125e-06,
        3.3600574006438495e-06,
        2.900046884140204e-07,
        3.6527411971052454e-07,
        -2.126227638175855e-06,
        1.1004884709020573e-06,
    ),
}

# x (lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) in 1 / x^2, for x >= 8.
STIRLING = {
    BINARY32: (
        0.08333333326463775,
        -0.0027776985451945964,
        0.0007800347188969731,
    ),
    BINARY64: (
        0.08333333333333333,
        -0.002777777777773988,
        0.0007936507897524055,
        -0.0005952365845056352,
        0.0008414700852428958,
        -0.0018903829935085934,
        0.005065905352702229,
    ),
}

LOG_ROOT_TWO_PI = 0.9189385332046728

# The positive zero of digamma, in two parts.
DIGAMMA_ZERO = (1.4616321449683622, 9.549995429965697e-17)

# digamma(x) / (x - DIGAMMA_ZERO) in x - 3/2, for 1 <= x <= 2.
DIGAMMA = {
    BINARY32: (
        0.9510558760318328,
        -0.42362749747529066,
        0.24054253501497624,
        -0.14839886138832803,
        0.09498468507487733,
        -0.062055980386093564,
        0.04085002674082558,
        -0.025786883631254663,
        0.017114988999704085,
        -0.016373620255340487,
        0.010902588672585914,
    ),
    BINARY64: (
        0.951055876031833,
        -0.4236274212814605,
        0.2405424842407742,
        -0.14840492305390884,
        0.09498872445494122,
        -0.061922133273064534,
        0.04076083381242074,
        -0.02697579675613825,
        0.0179072524394512,
        -0.011908218001568644,
        0.007926944646403795,
        -0.005279964873257403,
        0.0035190064015022935,
        -0.0023452676325407804,
        0.0015566317474485798,
        -0.001037637409841791,
        0.0007233266279291309,
        -0.00048219905305692923,
        0.00022723316609799018,
        -0.00015148586836723538,
        0.0002596848212649378,
        -0.00017312261802769418,
    ),
}

# x^2 (log x - 1 / (2 x) - digamma(x)) in 1 / x^2, for x >= 6.
DIGAMMA_FAR = {
    BINARY32: (
        0.08333333073733713,
        -0.008331646585872324,
        0.0038038031921524486,
    ),
    BINARY64: (
        0.08333333333333333,
        -0.008333333333329406,
        0.003968253964454612,
        -0.004166665241786486,
        0.0075754873968014195,
        -0.021063611805084047,
        0.0814363028563542,
        -0.3678575880716,
        1.239167605191699,
    ),
}


def lgamma(k: Kernel, x: Real) -> Real:
    """log |Gamma(x)|; inf at 0 and the negative integers.

    By Gamma(x + 1) = x Gamma(x) arguments below 8 come to [0.9, 2.25]; Stirling's series serves
    above. Negative ones are reflected: |Gamma(x) Gamma(-x)| = pi / |x sin(pi x)|.
    """
    return in_float64(k, x, _lgamma)


def _lgamma(k: Kernel, x: Real, format: Format) -> Real:
    a = abs(x)
    positive = lgamma_of_positive(k, a, format)

    def reflected() -> Real:
        sine, _ = sin_and_cos_pi(k, a, format)
        value = k.call("log", math.pi / (a * abs(sine))) - positive
        # Near 0 the product underflows, and -log |x| is left; -inf gives inf, as inf does.
        by_reflection = (x < 0.0) & (a > 2.0**-60) & (a < math.inf)
        return k.select(by_reflection, value, positive)

    return k.if_any(x < 0.0, reflected, positive)


def lgamma_of_positive(k: Kernel, a: Real, format: Format) -> Real:
    """log Gamma(a) for a >= 0."""
    is_below, is_small = a < 0.9, a < 8.0
    y, product = a, k.real(1.0)
    for _ in range(6):
        is_above, lower = y > 2.25, y - 1.0
        product = k.select(is_above, product * lower, product)
        y = k.select(is_above, lower, y)
    # x - 1 for x = a + 1, which is rounded, is a.
    less_one = k.select(is_below, a, y - 1.0)
    less_two = k.select(is_below, a - 1.0, y - 2.0)
    core = less_one * less_two * k.dominated_polynomial(less_one - (25 / 16 - 1), LGAMMA[format])
    log = k.call("log", k.select(is_below, a, k.select(is_small, product, a)))
    small = core + k.select(is_below, -log, log)
    one_over = 1.0 / a
    series = k.fma(one_over, k.polynomial(one_over * one_over, STIRLING[format]), LOG_ROOT_TWO_PI)
    large = k.fma(a - 0.5, log - 1.0, series - 0.5)
    return k.select(is_small, small, k.select(a < math.inf, large, a))


def sin_and_cos_pi(k: Kernel, x: Real, format: Format) -> tuple[Real, Real]:
    """sin(pi r) and cos(pi r) for r = x less the nearest integer: |sin(pi x)|, and tan(pi x)
    as their quotient; r and 1/2 - |r| are exact."""
    r = x - k.intrinsic("llvm.rint", x)
    distance = abs(r)
    is_upper = distance > 0.25
    part = k.select(is_upper, 0.5 - distance, distance)
    angle, angle_low = k.two_product(part, 2.0 * HALF_PI[0])
    angle_low = k.fma(part, 2.0 * HALF_PI[1], angle_low)
    first, second = sin_and_cos(k, angle, angle_low, format)
    sine = k.select(is_upper, second, first)
    return k.copysign(sine, r), k.select(is_upper, first, second)


def digamma(k: Kernel, x: Real) -> Real:
    """Derivative of lgamma: by psi(x + 1) = psi(x) + 1 / x from [1, 2], where it is
    (x - zero) P(x); an asymptotic series from 6 on; negative arguments are reflected,
    psi(x) = psi(1 - x) - pi / tan(pi x). inf at 0, nan at the negative integers."""
    return in_float64(k, x, _digamma)


def _digamma(k: Kernel, x: Real, format: Format) -> Real:
    is_reflected = x <= 0.0
    positive = digamma_of_positive(k, k.select(is_reflected, 1.0 - x, x), format)

    def reflected() -> Real:
        sine, cosine = sin_and_cos_pi(k, x, format)
        value = positive - math.pi * cosine / sine
        value = k.select(sine.equals(0.0), math.nan, value)
        value = k.select(x.equals(0.0), -k.copysign(math.inf, x), value)
        return k.select(is_reflected, value, positive)

    return k.if_any(is_reflected, reflected, positive)


def digamma_of_positive(k: Kernel, a: Real, format: Format) -> Real:
    """digamma(a) for a > 0."""
    below_one = a < 1.0
    y = k.select(below_one, a + 1.0, a)
    # The sum of 1 / (y - 1), 1 / (y - 2) ... as one quotient.
    numerator = k.select(below_one, k.real(-1.0), 0.0)
    denominator = k.select(below_one, a, 1.0)
    for _ in range(4):
        is_above, lower = y >= 2.0, y - 1.0
        numerator = k.select(is_above, k.fma(numerator, lower, denominator), numerator)
        denominator = k.select(is_above, denominator * lower, denominator)
        y = k.select(is_above, lower, y)
    distance = (y - DIGAMMA_ZERO[0]) - DIGAMMA_ZERO[1]
    small = k.fma(
        distance, k.dominated_polynomial(y - 1.5, DIGAMMA[format]), numerator / denominator
    )
    one_over = 1.0 / a
    square = one_over * one_over
    series = k.fma(square, k.polynomial(square, DIGAMMA_FAR[format]), one_over * 0.5)
    return k.select(a < 6.0, small, k.call("log", a) - series)


FORMULAS = {"lgamma": lgamma, "digamma": digamma}
