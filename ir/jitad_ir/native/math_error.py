"""Error functions.

Polynomials are Chebyshev fits by benchmarks/fit_polynomials.py, which names them as they are named
here.
"""

from __future__ import annotations

import math

from . import math_pieces
from .math_exponential import LOG2_E, exp_in_two_parts, normal_exp, normal_exp2, reduce_exp
from .math_kernel import BINARY32, BINARY64, Kernel, Real

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

# log erfc(x) for 0.9 <= x <= 4.
LOG_ERFC_BINARY32 = (
    0.00031853966241225597,
    -1.1302310552231873,
    -0.6318239181057594,
    -0.1100871664955004,
    0.026427637153529877,
    -0.004762625832512992,
    0.0005975857702302331,
    -4.616385862524457e-05,
    1.6430636556906173e-06,
)

# (1 + 2 x) e^(x^2) erfc(x) in (x - 3) / (x + 3), for 1 <= x <= 6.
ERF_TAIL = (
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
)

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


def erf(k: Kernel, x: Real) -> Real:
    """In float32 by pieces where that is quick, else x (1 + P(x^2)) near 0 and 1 - erfc(|x|) with
    the sign of x beyond."""
    if k.format is BINARY32 and math_pieces.has_pieces(k):
        return math_pieces.erf(k, x)
    magnitude = abs(x)
    near = k.fma(x, k.short_polynomial(x * x, ERF[k.format]), x)
    complement = single_complement if k.format is BINARY32 else double_complement
    return k.select(magnitude < 1.0, near, k.copysign(1.0 - complement(k, magnitude), x))


def single_complement(k: Kernel, x: Real) -> Real:
    """erfc(x) for x >= 1, to half an ulp of 1: 2^P(x), and from 4 on that of 4."""
    logarithm = [c * LOG2_E for c in LOG_ERFC_BINARY32]
    return normal_exp2(k, k.short_polynomial(k.at_most(x, 4.0), logarithm))


def double_complement(k: Kernel, x: Real) -> Real:
    """The same: e^(-x^2) P((x - 3) / (x + 3)) / (1 + 2 x), and from 6 on that of 6."""
    a = k.at_most(x, 6.0)
    a_scale, q_scale = k.fma(a, 2.0, 1.0), a + 3.0
    one_over = 1.0 / (a_scale * q_scale)
    q = (a - 3.0) * (a_scale * one_over)
    return normal_exp(k, a * -a) * (k.dominated_polynomial(q, ERF_TAIL) * (q_scale * one_over))


def erfc(k: Kernel, x: Real) -> Real:
    """e^(-x^2) P((x - 4) / (x + 4)) / (1 + 2 x) for x >= 1/2, 2 - erfc(-x) for x <= -1/2, and
    1 - erf(x) between. x^2 is taken to twice the digits. In float32 by pieces where that is
    quick."""
    if k.format is BINARY32 and math_pieces.has_pieces(k):
        return math_pieces.erfc(k, x)
    near = 1.0 - k.fma(x, k.short_polynomial(x * x, ERF[k.format]), x)
    # From 27.3 on erfc is 0; in float32, from 10.2 on.
    a = k.at_most(abs(x), 27.3 if k.format is BINARY64 else 10.2)
    square, square_low = k.two_product(a, a)
    numerator = k.dominated_polynomial((a - 4.0) / (a + 4.0), ERFC[k.format])
    denominator, denominator_low = k.two_sum(a * 2.0, k.real(1.0))
    one_over = 1.0 / denominator
    p = numerator * one_over
    error = k.exact_remainder(numerator, p, denominator)
    p_low = k.fma(-p, denominator_low, error) * one_over
    reduced = reduce_exp(k, -square, -square_low)
    leading, rest = exp_in_two_parts(k, reduced)
    far = k.scale_by_two_steps(k.fma(p, leading, k.fma(p, rest, p_low * leading)), reduced.biased)
    far = k.select(x < 0.0, 2.0 - far, far)
    return k.select(abs(x) < 0.5, near, far)


def erf_inv(k: Kernel, x: Real) -> Real:
    """The y with erf(y) = x: x + x P(w) with w = -log(1 - x^2), after Giles (2012). As P grows like
    sqrt w, an error of w counts for little."""
    a = abs(x)
    w = -k.call("log", (1.0 - a) * (a + 1.0))
    central = k.polynomial(w - 2.5, ERF_INV[k.format])
    # Few arguments are beyond 0.9966: registers without one do not pay for the tails.
    beyond = w >= 5.0

    def with_tails() -> Real:
        return k.select(beyond, _erf_inv_tail(k, w), central)

    result = k.fma(x, k.if_any(beyond, with_tails, central), x)
    result = k.select(a.equals(1.0), x * math.inf, result)
    return k.select(a > 1.0, math.nan, result)


def _erf_inv_tail(k: Kernel, w: Real) -> Real:
    s = k.sqrt(w)
    if k.format is BINARY32:
        return k.polynomial(s - 3.25, ERF_INV_TAIL_BINARY32)
    near = k.dominated_polynomial(s - 2.875, ERF_INV_TAIL)
    is_far = s >= 3.55

    def far() -> Real:
        return k.select(is_far, k.dominated_polynomial(s - 4.75, ERF_INV_FAR_TAIL), near)

    return k.if_any(is_far, far, near)


FORMULAS = {"erf": erf, "erfc": erfc, "erf_inv": erf_inv}
