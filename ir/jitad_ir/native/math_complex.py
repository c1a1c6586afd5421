"""Math functions of complex numbers, by formulas over the real kernels.

A formula takes and returns real and imaginary parts. complex64 is evaluated in complex128. Errors
are a few units in the last place of the result's modulus; zeros, infinities and branch cuts are
those of C99's Annex G. `asin`, `acos`, `acosh`, `atanh` follow Kahan, "Branch cuts for complex
elementary functions" (1987).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

from .math_kernel import Kernel, Mask, Real
from .math_power import is_sign_set
from .math_trigonometric import sincos

Pair: TypeAlias = tuple[Real, Real]
ComplexFormula: TypeAlias = Callable[..., Pair]

LARGE_EXPONENT = 700.0
"""Beyond this e^x is taken as e^(x - 700) e^700, the last factor after all others: the product
with a sine may be finite where e^x is not."""
EXP_LARGE = math.exp(LARGE_EXPONENT)
FAR = 2.0**400
"""Where 1 / z is to be seen in no sum with pi / 2, and squares are finite."""


def select(k: Kernel, mask: Mask, z: Pair, w: Pair) -> Pair:
    """z where `mask` is true, else w."""
    return k.select(mask, z[0], w[0]), k.select(mask, z[1], w[1])


def product(z: Pair, w: Pair) -> Pair:
    """z w."""
    return z[0] * w[0] - z[1] * w[1], z[0] * w[1] + z[1] * w[0]


def is_infinite(x: Real) -> Mask:
    """Where x is inf or -inf."""
    return abs(x).equals(math.inf)


def exp(k: Kernel, x: Real, y: Real) -> Pair:
    """e^x (cos y + i sin y)."""
    sine, cosine = sincos(k, y)
    is_large = x > LARGE_EXPONENT
    modulus = k.call("exp", k.select(is_large, x - LARGE_EXPONENT, x))
    factor = k.select(is_large, EXP_LARGE, 1.0)
    re, im = modulus * cosine * factor, modulus * sine * factor
    # Limits where an infinite angle meets a modulus of 0 or inf; a zero angle stays.
    no_angle = ~(abs(y) < math.inf)
    vanishes = x.equals(-math.inf) & no_angle
    re = k.select(vanishes, 0.0, re)
    im = k.select(vanishes, k.copysign(0.0, y), im)
    re = k.select(x.equals(math.inf) & no_angle, math.inf, re)
    return k.select(y.equals(0.0), modulus * factor, re), k.select(y.equals(0.0), y, im)


def exp2(k: Kernel, x: Real, y: Real) -> Pair:
    """e^(z log 2)."""
    return exp(k, x * math.log(2.0), y * math.log(2.0))


def expm1(k: Kernel, x: Real, y: Real) -> Pair:
    """(e^x - 1) cos y - 2 sin^2(y / 2) + i e^x sin y."""
    sine, cosine = sincos(k, y)
    half_sine = k.call("sin", y * 0.5)
    near = (
        k.call("expm1", x) * cosine - half_sine * half_sine * 2.0,
        k.call("exp", x) * sine,
    )
    re, im = exp(k, x, y)
    is_near = (abs(x) < 1.0) & (abs(y) < math.inf)
    return k.select(is_near, near[0], re - 1.0), k.select(is_near, near[1], im)


def logistic(k: Kernel, x: Real, y: Real) -> Pair:
    """1 / (1 + e^-z) = e^z / (e^z + 1), whichever has an exponential of modulus <= 1."""
    is_left = x < 0.0
    e_re, e_im = exp(k, -abs(x), k.select(is_left, y, -y))
    d_re = e_re + 1.0
    square = k.fma(d_re, d_re, e_im * e_im)
    # (1 or e) conj(1 + e) / |1 + e|^2.
    n_re, n_im = k.select(is_left, e_re, 1.0), k.select(is_left, e_im, 0.0)
    re, im = product((n_re, n_im), (d_re, -e_im))
    return re / square, im / square


def log(k: Kernel, x: Real, y: Real) -> Pair:
    """log |z| + i arg z."""
    return log_modulus(k, x, y), k.call("atan2", y, x)


def log_modulus(k: Kernel, x: Real, y: Real) -> Real:
    """log |z|; with a the greater and b the smaller of |x| and |y|,
    log1p((a - 1) (a + 1) + b^2) / 2 where a is near 1."""
    x, y = abs(x), abs(y)
    x_is_greater = x > y
    a, b = k.select(x_is_greater, x, y), k.select(x_is_greater, y, x)
    is_near = (a > 0.5) & (a < 2.0)
    above, above_low = k.two_sum(a, k.real(1.0))
    below = a - 1.0
    first, first_low = k.two_product(k.select(is_near, below, 0.0), above)
    second, second_low = k.two_product(k.select(is_near, b, 0.0), k.select(is_near, b, 0.0))
    total, total_low = k.two_sum(first, second)
    low = k.fma(k.select(is_near, below, 0.0), above_low, first_low) + second_low
    near = k.call("log1p", total + (total_low + low)) * 0.5
    is_huge, is_tiny = a > 2.0**1000, a < 2.0**-900
    scale = k.select(is_huge, 2.0**-10, k.select(is_tiny, 2.0**200, 1.0))
    shift = k.select(is_huge, 10.0, k.select(is_tiny, -200.0, 0.0)) * math.log(2.0)
    far = k.call("log", k.call("hypot", a * scale, b * scale)) + shift
    result = k.select(is_near, near, far)
    return k.select(is_infinite(x) | is_infinite(y), math.inf, result)


def log1p(k: Kernel, x: Real, y: Real) -> Pair:
    """log(1 + z); near 0, log |1 + z| = log1p(x (2 + x) + y^2) / 2."""
    is_near = (abs(x) < 0.5) & (abs(y) < 0.5)
    near = k.call("log1p", k.select(is_near, k.fma(y, y, x * (x + 2.0)), 0.0)) * 0.5
    re, im = log(k, x + 1.0, y)
    return k.select(is_near, near, re), im


def log2(k: Kernel, x: Real, y: Real) -> Pair:
    """log z / log 2."""
    re, im = log(k, x, y)
    return re * (1.0 / math.log(2.0)), im * (1.0 / math.log(2.0))


def log10(k: Kernel, x: Real, y: Real) -> Pair:
    """log z / log 10."""
    re, im = log(k, x, y)
    return re * (1.0 / math.log(10.0)), im * (1.0 / math.log(10.0))


def sqrt(k: Kernel, x: Real, y: Real) -> Pair:
    """t + i y / (2 t) with t = sqrt((|x| + |z|) / 2) for x >= 0; |y| / (2 t) +- i t for x < 0."""
    largest = k.select(abs(x) > abs(y), abs(x), abs(y))
    is_huge, is_tiny = largest > 2.0**1000, largest < 2.0**-900
    scale = k.select(is_huge, 2.0**-10, k.select(is_tiny, 2.0**200, 1.0))
    unscale = k.select(is_huge, 2.0**5, k.select(is_tiny, 2.0**-100, 1.0))
    a, b = abs(x) * scale, abs(y) * scale
    t = k.sqrt((a + k.call("hypot", a, b)) * 0.5)
    other = b / k.select(t.equals(0.0), 1.0, t + t)
    t, other = t * unscale, other * unscale
    is_left = is_sign_set(k, x)
    re, im = k.select(is_left, other, t), k.select(is_left, t, other)
    # Infinities: of y, both parts; of x alone, the part that is not 0.
    limit = k.select(y.is_nan(), y, 0.0)
    x_is_infinite, y_is_infinite = is_infinite(x), is_infinite(y)
    re = k.select(x_is_infinite, k.select(is_left, limit, math.inf), re)
    im = k.select(x_is_infinite, k.select(is_left, math.inf, limit), im)
    re, im = k.select(y_is_infinite, math.inf, re), k.select(y_is_infinite, math.inf, im)
    return re, k.copysign(im, y)


def pow(k: Kernel, x: Real, y: Real, c: Real, d: Real) -> Pair:
    """z^(c + i d) = |z|^c e^(-d arg z) (cos + i sin)(c arg z + d log |z|); 1 for exponent 0, and
    for z = 0: 0 if c > 0, else nan."""
    modulus, angle = k.call("hypot", x, y), k.call("atan2", y, x)
    is_zero = modulus.equals(0.0)
    power = k.call("pow", modulus, c) * k.call("exp", -d * angle)
    # A real exponent needs no logarithm, which might be infinite.
    turned = k.select(d.equals(0.0), 0.0, d * k.call("log", modulus))
    sine, cosine = sincos(k, k.fma(c, angle, turned))
    re, im = power * cosine, power * sine
    at_zero = k.select(c > 0.0, 0.0, math.nan)
    re, im = k.select(is_zero, at_zero, re), k.select(is_zero, at_zero, im)
    is_one = c.equals(0.0) & d.equals(0.0)
    return k.select(is_one, 1.0, re), k.select(is_one, 0.0, im)


def scaled_hyperbolic(k: Kernel, x: Real) -> tuple[Real, Real, Real]:
    """sinh x and cosh x divided by a factor, and that factor: e^700 for large |x|, else 1."""
    magnitude = abs(x)
    is_large = magnitude > LARGE_EXPONENT
    reduced = k.select(is_large, magnitude - LARGE_EXPONENT, magnitude)
    half = k.call("exp", reduced) * 0.5
    sine = k.select(is_large, k.copysign(half, x), k.call("sinh", x))
    cosine = k.select(is_large, half, k.call("cosh", x))
    return sine, cosine, k.select(is_large, EXP_LARGE, 1.0)


def sinh(k: Kernel, x: Real, y: Real) -> Pair:
    """sinh x cos y + i cosh x sin y."""
    s, c, factor = scaled_hyperbolic(k, x)
    sine, cosine = sincos(k, y)
    re = s * cosine * factor
    im = k.select(y.equals(0.0), y, c * sine * factor)
    # 0 or inf times the cosine of an infinite angle: of either sign.
    no_angle = ~(abs(y) < math.inf)
    return k.select((is_infinite(x) | x.equals(0.0)) & no_angle, x, re), im


def cosh(k: Kernel, x: Real, y: Real) -> Pair:
    """cosh x cos y + i sinh x sin y."""
    s, c, factor = scaled_hyperbolic(k, x)
    sine, cosine = sincos(k, y)
    re = c * cosine * factor
    im = s * sine * factor
    # 0 times whatever: the sign of the product, as far as there is one.
    flat = x.equals(0.0) | y.equals(0.0)
    zero = k.select(x.equals(0.0), x, k.copysign(1.0, x)) * k.select(
        y.equals(0.0), y, k.copysign(1.0, y)
    )
    im = k.select(flat, k.copysign(0.0, zero), im)
    return k.select(is_infinite(x) & ~(abs(y) < math.inf), math.inf, re), im


def tanh(k: Kernel, x: Real, y: Real) -> Pair:
    """With t = tan y, b = 1 + t^2, s = sinh x: (b sqrt(1 + s^2) s + i t) / (1 + b s^2); for large
    |x|, +-1 + 4 i sin y cos y e^(-2 |x|)."""
    is_large = abs(x) > 22.0
    t = k.call("tan", y)
    b = k.fma(t, t, 1.0)
    s = k.call("sinh", k.select(is_large, 0.0, x))
    denominator = k.fma(b * s, s, 1.0)
    near = (b * k.sqrt(k.fma(s, s, 1.0)) * s / denominator, t / denominator)
    sine, cosine = sincos(k, y)
    decay = k.call("exp", abs(x) * -2.0)
    # The angle of a number that is +-1 + 0 i does not matter.
    angle = k.select(abs(y) < math.inf, sine * cosine, k.copysign(1.0, y))
    far = (k.copysign(1.0, x), angle * decay * 4.0)
    re, im = select(k, is_large, far, near)
    return k.select(x.equals(0.0), x, re), k.select(y.equals(0.0), y, im)


def roots_beside_one(k: Kernel, x: Real, y: Real) -> tuple[Pair, Pair]:
    """sqrt(1 - z) and sqrt(1 + z)."""
    return sqrt(k, 1.0 - x, -y), sqrt(k, x + 1.0, y)


def asin(k: Kernel, x: Real, y: Real) -> Pair:
    """With p = sqrt(1 - z) and q = sqrt(1 + z): atan(x / Re(p q)) + i asinh(Im(conj(p) q))."""
    (a, b), (c, d) = roots_beside_one(k, x, y)
    re = k.call("atan2", x, a * c - b * d)
    im = k.call("asinh", a * d - b * c)
    infinite = is_infinite(x) | is_infinite(y)
    re = k.select(infinite, k.call("atan2", x, abs(y)), re)
    return k.select(x.equals(0.0), x, re), k.select(infinite, k.copysign(math.inf, y), im)


def acos(k: Kernel, x: Real, y: Real) -> Pair:
    """With p = sqrt(1 - z) and q = sqrt(1 + z): 2 atan(Re p / Re q) + i asinh(Im(conj(q) p))."""
    (a, b), (c, d) = roots_beside_one(k, x, y)
    re = k.call("atan2", a, c) * 2.0
    im = k.call("asinh", c * b - d * a)
    infinite = is_infinite(x) | is_infinite(y)
    re = k.select(infinite, k.call("atan2", abs(y), x), re)
    return k.select(x.equals(0.0), math.pi / 2.0, re), k.select(
        infinite, -k.copysign(math.inf, y), im
    )


def acosh(k: Kernel, x: Real, y: Real) -> Pair:
    """With p = sqrt(z - 1) and q = sqrt(z + 1): asinh(Re(conj(p) q)) + 2 i atan(Im p / Re q)."""
    (a, b), (c, d) = sqrt(k, x - 1.0, y), sqrt(k, x + 1.0, y)
    re = k.call("asinh", a * c + b * d)
    im = k.call("atan2", b, c) * 2.0
    infinite = is_infinite(x) | is_infinite(y)
    im = k.select(infinite, k.call("atan2", y, x), im)
    im = k.select(x.equals(0.0), k.copysign(math.pi / 2.0, y), im)
    return k.select(infinite, math.inf, re), im


def atanh(k: Kernel, x: Real, y: Real) -> Pair:
    """For x >= 0: log1p(4 x / ((1 - x)^2 + y^2)) / 4 + i atan2(2 y, (1 - x) (1 + x) - y^2) / 2;
    odd in x. Far from 0, where these overflow, 1 / z + i pi / 2 for y >= 0."""
    a, b = abs(x), abs(y)
    below = 1.0 - a
    square = y * y
    re = k.call("log1p", a * 4.0 / k.fma(below, below, square)) * 0.25
    im = k.call("atan2", y * 2.0, below * (a + 1.0) - square) * 0.5
    greater = k.select(a > b, a, b)
    of_x, of_y = a / greater, b / greater
    is_far = greater > FAR
    re = k.select(is_far, of_x / (of_x * of_x + of_y * of_y) / greater, re)
    infinite = is_infinite(x) | is_infinite(y)
    re = k.select(infinite | x.equals(0.0), 0.0, re)
    im = k.select((infinite | is_far) & ~y.is_nan(), k.copysign(math.pi / 2.0, y), im)
    return k.copysign(re, x), im


def by_rotation(formula: ComplexFormula) -> ComplexFormula:
    """g(z) = -i f(i z), for the trigonometric g of a hyperbolic f."""

    def rotated(k: Kernel, x: Real, y: Real) -> Pair:
        re, im = formula(k, -y, x)
        return im, -re

    return rotated


def cos(k: Kernel, x: Real, y: Real) -> Pair:
    """cosh(i z)."""
    return cosh(k, -y, x)


def asinh(k: Kernel, x: Real, y: Real) -> Pair:
    """-i asin(i z)."""
    re, im = asin(k, -y, x)
    return im, -re


COMPLEX_FORMULAS: dict[str, ComplexFormula] = {
    "exp": exp,
    "exp2": exp2,
    "expm1": expm1,
    "logistic": logistic,
    "log": log,
    "log1p": log1p,
    "log2": log2,
    "log10": log10,
    "sqrt": sqrt,
    "pow": pow,
    "sinh": sinh,
    "cosh": cosh,
    "tanh": tanh,
    "asinh": asinh,
    "acosh": acosh,
    "atanh": atanh,
    "sin": by_rotation(sinh),
    "cos": cos,
    "tan": by_rotation(tanh),
    "asin": asin,
    "acos": acos,
    "atan": by_rotation(atanh),
}
"""Name -> `(kernel, re, im, ...) -> (re, im)`."""
