"""Error functions and gamma functions.

float32 is evaluated in float64 with shorter polynomials. Polynomials are Chebyshev fits by
benchmarks/fit_polynomials.py, which names them as they are named here.
"""

from __future__ import annotations

import math

from .math_exponential import exp_in_two_parts, exp_of_sum, reduce_exp
from .math_kernel import BINARY32, BINARY64, Format, Kernel, Real
from .math_trigonometric import HALF_PI, in_float64, sin_and_cos

# erf(x) / x - 1 in x^2, for |x| <= 1.
ERF = {
    BINARY32: (
        0.12837916584752412,
        -0.3761262665983077,
        0.11283594623850285,
        -0.026854207648140106,
        0.005189078110013981,
        -0.0008016773499810029,
        7.875545765351228e-05,
    ),
    BINARY64: (
        0.12837916709551256,
        -0.37612638903183543,
        0.11283791670944997,
        -0.026866170643236143,
        0.00522397760710251,
        -0.0008548325974698299,
        0.00012055294883501286,
        -1.492473648590296e-05,
        1.6447419370488171e-06,
        -1.6208442020927564e-07,
        1.3719880012236024e-08,
        -7.795547647493875e-10,
    ),
}

# (1 + 2 x) e^(x^2) erfc(x) in (x - 3) / (x + 3), for 1 <= x <= 6 (float32: 4).
ERF_TAIL = {
    BINARY32: (
        1.2530080582700742,
        -0.13562117915622846,
        -0.047562373040683385,
        0.12965568858318433,
        -0.11923625705243687,
        0.06803298471179607,
        -0.025608039680380147,
        -0.0010310173813391592,
    ),
    BINARY64: (
        1.2530080582697296,
        -0.13562110612459163,
        -0.047562294353480875,
        0.12964515870508256,
        -0.11927366341012202,
        0.0683080271973104,
        -0.02377051526428797,
        0.002529395728905082,
        0.001888700988139963,
        -0.0007798805620518153,
        -0.00010532108845047966,
        0.00012533420054777904,
        6.120647749371338e-06,
        -1.9946386266158316e-05,
        -3.941434579212148e-06,
    ),
}

# (1 + 2 x) e^(x^2) erfc(x) in (x - 4) / (x + 4), for 0.499 <= x <= 27.3 (float32: 10.2).
ERFC = {
    BINARY32: (
        1.2329951188322252,
        -0.13962110977360076,
        0.015379650937917638,
        0.06809610182729198,
        -0.10104005872292991,
        0.09375423134297613,
        -0.06630142400769598,
        0.03701383168672842,
        -0.016460511830946687,
        0.0053453565202260245,
    ),
    BINARY64: (
        1.2329951186255526,
        -0.13962111684056253,
        0.015379652102619167,
        0.06809705425469517,
        -0.10103906603626275,
        0.0937328349982695,
        -0.06633036581338558,
        0.03716751553857017,
        -0.01619773404102001,
        0.005031969971287307,
        -0.0007577734291000374,
        -0.00019925668448291108,
        0.000150622410742239,
        -2.439910361853345e-05,
        -1.1224507914751285e-05,
        5.708952079729177e-06,
        2.991985856860733e-07,
        -8.230444021617981e-07,
        6.73423101992365e-08,
        1.0610226619873635e-07,
        -1.2343205537795278e-08,
        -1.0633087846768292e-08,
    ),
}

# erf_inv(x) / x - 1 in w - 2.5, for w = -log(1 - x^2) <= 5.
ERF_INV = {
    BINARY32: (
        0.5014093604780387,
        0.24664027913209563,
        -0.004177393049255392,
        -0.0012527265999146284,
        0.00021834955124707713,
        -4.9722750587149515e-06,
        -3.4640341057856105e-06,
        4.680952136641458e-07,
        2.334040178167006e-08,
        -8.928981011109258e-09,
    ),
    BINARY64: (
        0.5014093511107919,
        0.246640276744167,
        -0.004177317724382884,
        -0.0012527079078108972,
        0.0002182502643393454,
        -4.996079599313882e-06,
        -3.416619584831358e-06,
        4.787252192561859e-07,
        1.3416788777227515e-08,
        -1.0861169574763725e-08,
        9.073148060306514e-10,
        1.1960732102871393e-10,
        -3.110796832415546e-11,
        9.114568476288513e-13,
        5.371800823818376e-13,
        -7.610405985345818e-14,
        -3.1773721079305995e-15,
        1.89385194058623e-15,
        -1.0135748535223013e-16,
        -2.6623806579114634e-17,
        2.5374174287792813e-18,
        1.6383894944077084e-19,
    ),
}

# The same in sqrt(w) - 2.875 for sqrt 5 <= sqrt(w) <= 3.55, and in sqrt(w) - 4.75 up to 6.1.
ERF_INV_TAIL = (
    1.7079314070331122,
    0.9989065586227367,
    0.012919937797975388,
    -0.011101137050761552,
    0.00826169644924316,
    -0.004682857155191899,
    0.0014544609638344106,
    0.00025831015418890615,
    -0.0005367677777528296,
    0.00023361524271348614,
    1.0324398575545112e-05,
    -6.110554023083079e-05,
    2.72291410787885e-05,
    8.400045142141434e-07,
    -6.406373094224602e-06,
    2.7880654412440822e-06,
    1.3460777711653796e-07,
    -6.11679111414906e-07,
    1.6833007921074619e-07,
    2.1441946807635794e-08,
)
ERF_INV_FAR_TAIL = (
    3.5973262923270934,
    1.0103243439224805,
    5.441407862363421e-05,
    -0.0003048908321348666,
    0.00010545653773537453,
    -2.8017191131609806e-05,
    6.786249329195739e-06,
    -1.6850401647623269e-06,
    5.226225184724582e-07,
    -2.3223696735114487e-07,
    1.252694356819512e-07,
    -6.565929207858003e-08,
    2.981594718172367e-08,
    -1.0854707944717875e-08,
    2.7619185215509913e-09,
    -2.2475673982807192e-10,
    -2.377244413178975e-10,
    1.8477828483426802e-10,
    -7.12985579794114e-11,
    6.75012835490531e-12,
    5.107596000481206e-12,
    -1.3918697347869056e-12,
)
# The same in sqrt(w) - 3.25 for sqrt 5 <= sqrt(w) <= 4.2.
ERF_INV_TAIL_BINARY32 = (
    2.0838856105316337,
    1.0052589708164774,
    0.005370969168579148,
    -0.003751385625225704,
    0.002490326644789815,
    -0.0016863056827450208,
    0.000959539309159699,
    -0.00036310601646035655,
    1.0023138040396343e-05,
    8.309920466834596e-05,
    -3.4371872924730465e-05,
)

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

# The positive zero of digamma, in two parts.
DIGAMMA_ZERO = (1.4616321449683622, 9.549995429965697e-17)

# digamma(x) / (x - DIGAMMA_ZERO) in x - 3/2, for 1 <= x <= 2.
DIGAMMA = {
    BINARY32: (
        0.9510558760318328,
        -0.42362749747529066,
        0.24054253501497624,
        -0.1483988613883281,
        0.09498468507487738,
        -0.062055980386091954,
        0.040850026740824504,
        -0.025786883631264544,
        0.01711498899971067,
        -0.016373620255320655,
        0.010902588672572695,
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
        0.007926944646403797,
        -0.005279964873257405,
        0.003519006401502276,
        -0.002345267632540769,
        0.0015566317474486838,
        -0.0010376374098418604,
        0.0007233266279287554,
        -0.0004821990530566789,
        0.0002272331660987376,
        -0.00015148586836773365,
        0.00025968482126430747,
        -0.00017312261802727394,
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


def erf(k: Kernel, x: Real) -> Real:
    """x (1 + P(x^2)) near 0, else 1 - erfc(|x|) with the sign of x."""
    return in_float64(k, x, _erf)


def _erf(k: Kernel, x: Real, format: Format) -> Real:
    magnitude = abs(x)
    near = k.fma(x, k.polynomial(x * x, ERF[format]), x)
    # From 6 on erfc is below half an ulp of 1.
    a = k.at_most(magnitude, 6.0 if format is BINARY64 else 4.0)
    a_scale, q_scale = k.fma(a, 2.0, 1.0), a + 3.0
    one_over = 1.0 / (a_scale * q_scale)
    q = (a - 3.0) * (a_scale * one_over)
    complement = exp_of_sum(k, a * -a) * (
        k.dominated_polynomial(q, ERF_TAIL[format]) * (q_scale * one_over)
    )
    return k.select(magnitude < 1.0, near, k.copysign(1.0 - complement, x))


def erfc(k: Kernel, x: Real) -> Real:
    """e^(-x^2) P((x - 4) / (x + 4)) / (1 + 2 x) for x >= 1/2, 2 - erfc(-x) for x <= -1/2, and
    1 - erf(x) between. x^2 is taken to twice the digits."""
    return in_float64(k, x, _erfc)


def _erfc(k: Kernel, x: Real, format: Format) -> Real:
    near = 1.0 - k.fma(x, k.polynomial(x * x, ERF[format]), x)
    # From 27.3 on erfc is 0; float32 needs no more than 10.2.
    a = k.at_most(abs(x), 27.3 if format is BINARY64 else 10.2)
    square, square_low = k.two_product(a, a)
    p = k.dominated_polynomial((a - 4.0) / (a + 4.0), ERFC[format]) / k.fma(a, 2.0, 1.0)
    reduced = reduce_exp(k, -square, -square_low)
    leading, rest = exp_in_two_parts(k, reduced)
    far = k.scale_by_two_steps(k.fma(p, leading, p * rest), reduced.biased)
    far = k.select(x < 0.0, 2.0 - far, far)
    return k.select(abs(x) < 0.5, near, far)


def erf_inv(k: Kernel, x: Real) -> Real:
    """The y with erf(y) = x: x + x P(w) with w = -log(1 - x^2), after Giles (2012)."""
    return in_float64(k, x, _erf_inv)


def _erf_inv(k: Kernel, x: Real, format: Format) -> Real:
    a = abs(x)
    w = -k.call("log", (1.0 - a) * (a + 1.0))
    central = k.polynomial(w - 2.5, ERF_INV[format])
    s = k.sqrt(w)
    if format is BINARY32:
        tail = k.polynomial(s - 3.25, ERF_INV_TAIL_BINARY32)
    else:
        near, far = (
            k.dominated_polynomial(s - 2.875, ERF_INV_TAIL),
            k.dominated_polynomial(s - 4.75, ERF_INV_FAR_TAIL),
        )
        tail = k.select(s < 3.55, near, far)
    result = k.fma(x, k.select(w < 5.0, central, tail), x)
    result = k.select(a.equals(1.0), x * math.inf, result)
    return k.select(a > 1.0, math.nan, result)


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


LOG_ROOT_TWO_PI = 0.9189385332046728


def sin_and_cos_pi(k: Kernel, x: Real, format: Format) -> tuple[Real, Real]:
    """sin(pi r) and cos(pi r) for r = x less the nearest integer: |sin(pi x)|, and tan(pi x)
    as their quotient; r and 1/2 - |r| are exact."""
    r = x - k.intrinsic("llvm.roundeven", x)
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


FORMULAS = {"erf": erf, "erfc": erfc, "erf_inv": erf_inv, "lgamma": lgamma, "digamma": digamma}
