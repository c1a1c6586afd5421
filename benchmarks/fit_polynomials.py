"""Coefficients of the polynomials in `jitad_ir/native/math_*.py`.

    python -m benchmarks.fit_polynomials            # all, about a minute
    python -m benchmarks.fit_polynomials EXP SIN    # some

Each is the interpolation at Chebyshev nodes of a function over an interval, which is within a
small factor of the best polynomial there, computed to many digits and rounded to double. Printed
with each: the greatest error over the interval, before rounding.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from mpmath import mp, mpf

Function = Callable[[Any], Any]

DIGITS = 60
NEAR_ZERO = mpf(10) ** -18
"""Where a quotient that tends to 0 / 0 begins."""


class Fit(NamedTuple):
    """A polynomial for `function` over [low, high], of `binary32` or `binary64` coefficients."""

    function: Function
    low: Any
    high: Any
    binary64: int
    binary32: int | None = None
    high_binary32: Any = None
    """Where the interval for float32 ends, if elsewhere."""


class Coefficients(NamedTuple):
    """A fit's outcome, lowest power first."""

    values: tuple[float, ...]
    error: float


def fit(function: Function, low: Any, high: Any, count: int) -> Coefficients:
    """The polynomial of `count` coefficients."""
    with mp.workdps(DIGITS):
        polynomial = mp.chebyfit(function, [low, high], count, asc=True)
        points = (low + (high - low) * mpf(2 * i + 1) / 300 for i in range(150))
        error = max(abs(mp.polyval(polynomial, x, asc=True) - function(x)) for x in points)
        return Coefficients(tuple(float(c) for c in polynomial), float(error))


def odd(function: Function) -> Function:
    """(f(x) / x - 1) / x^2 as a function of x^2, for odd f with f'(0) = 1."""
    return lambda z: (function(mp.sqrt(z)) / mp.sqrt(z) - 1) / z


def in_ratio(function: Function, center: int) -> Function:
    """f(x) as a function of (x - center) / (x + center)."""
    return lambda q: function(center * (1 + q) / (1 - q))


def ratio(x: Any, center: int) -> Any:
    """(x - center) / (x + center)."""
    return (mpf(x) - center) / (mpf(x) + center)


def guarded(function: Function, series: Function) -> Function:
    """`function`, but `series` where |r| is so small that the function cancels."""
    return lambda r: function(r) if abs(r) > mpf(10) ** -15 else series(r)


def log_kernel(z: Any) -> Any:
    """(log((1 + s) / (1 - s)) / s - 2) / s^2 for z = s^2."""
    s = mp.sqrt(z)
    return (mp.log((1 + s) / (1 - s)) / s - 2) / z


def log2_near_one(s: Any) -> Any:
    """(log2(1 + 2 s) - 2 (s - s^2) / log 2) / s^3."""
    return (mp.log(1 + 2 * s) - 2 * (s - s * s)) / (s**3 * mp.log(2))


def scaled_erfc(x: Any) -> Any:
    """(1 + 2 x) e^(x^2) erfc(x)."""
    return (1 + 2 * x) * mp.exp(x * x) * mp.erfc(x)


def erf_inv_ratio(w: Any) -> Any:
    """erf_inv(x) / x - 1 for w = -log(1 - x^2)."""
    x = mp.sqrt(-mp.expm1(-w))
    if w < 3:
        return mp.erfinv(x) / x - 1
    return mp.findroot(lambda y: mp.log(mp.erfc(y)) - mp.log1p(-x), mp.sqrt(w)) / x - 1


def stirling(w: Any) -> Any:
    """x (lgamma(x) - (x - 1/2) log x + x - log(2 pi) / 2) for w = 1 / x^2."""
    x = 1 / mp.sqrt(w)
    return (mp.loggamma(x) - (x - mpf(0.5)) * mp.log(x) + x - mp.log(2 * mp.pi) / 2) * x


def digamma_remainder(w: Any) -> Any:
    """x^2 (log x - 1 / (2 x) - digamma(x)) for w = 1 / x^2."""
    x = 1 / mp.sqrt(w)
    return (mp.log(x) - 1 / (2 * x) - mp.digamma(x)) / w


def fits() -> dict[str, Fit]:
    """Every fit, by the name of the table it fills."""
    half_log_two = mp.log(2) / 2 + mpf(2) ** -30
    half = mpf(1) / 2 + mpf(2) ** -40
    quarter_pi_square = (mp.pi / 4 + mpf(2) ** -20) ** 2
    s_square = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mpf(1.0001)
    tan_eighth_pi_square = mp.tan(mp.pi / 8) ** 2 * (1 + mpf(10) ** -6)
    center = mpf(25) / 16
    zero = mp.findroot(mp.digamma, 1.46)
    log_two = mp.log(2)
    third = mpf(1) / 3
    return {
        "EXP": Fit(
            guarded(lambda r: (mp.exp(r) - 1 - r) / r**2, lambda r: mpf(0.5) + r / 6 + r * r / 24),
            -half_log_two, half_log_two, 10, 5,
        ),
        "EXP2": Fit(
            guarded(lambda r: (mpf(2) ** r - 1) / r, lambda r: log_two + log_two**2 * r / 2),
            -half, half, 11, 6,
        ),
        "LOG": Fit(log_kernel, NEAR_ZERO, s_square, 7),
        "LOG_BINARY32": Fit(
            guarded(
                lambda f: (mp.log(1 + f) - f) / f**2, lambda f: f / 3 - f * f / 4 - mpf(0.5)
            ),
            mp.sqrt(mpf(0.5)) - 1 - mpf(2) ** -20, mp.sqrt(mpf(2)) - 1 + mpf(2) ** -20, 9,
        ),
        "LOG2_NEAR_ONE": Fit(
            guarded(log2_near_one, lambda s: (mpf(8) / 3 - 4 * s) / mp.log(2)),
            -mpf("0.0171"), mpf("0.0171"), 9, 4,
        ),
        "EXP2_SIXTEENTH": Fit(
            guarded(lambda r: (mpf(2) ** r - 1) / r, lambda r: log_two + log_two**2 * r / 2),
            -mpf(1) / 32 - mpf(2) ** -20, mpf(1) / 32 + mpf(2) ** -20, 7, 3,
        ),
        "SIN": Fit(odd(mp.sin), NEAR_ZERO, quarter_pi_square, 6, 3),
        "SIN_HALF_TURN": Fit(odd(mp.sin), NEAR_ZERO, (mp.pi / 2 + mpf(2) ** -20) ** 2, 5),
        "TAN": Fit(odd(mp.tan), NEAR_ZERO, quarter_pi_square, 7),
        "COS": Fit(
            lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, NEAR_ZERO, quarter_pi_square, 6, 3
        ),
        "SINH": Fit(odd(mp.sinh), NEAR_ZERO, mpf(1.0001) ** 2, 7, 4),
        "TANH_BINARY32": Fit(odd(mp.tanh), NEAR_ZERO, mpf(0.6251) ** 2, 5),
        "ATANH": Fit(odd(mp.atanh), NEAR_ZERO, mpf(0.295) ** 2, 10, 4),
        "ASIN": Fit(odd(mp.asin), NEAR_ZERO, mpf(0.25001), 13, 6),
        "ATAN": Fit(odd(mp.atan), NEAR_ZERO, tan_eighth_pi_square, 11, 9, mpf(1.000001)),
        "CBRT": Fit(
            guarded(lambda w: ((1 - w) ** (-third) - 1) / w, lambda w: third + 2 * w / 9),
            mpf(-0.0955), mpf(0.0955), 4, 3,
        ),
        "ERF": Fit(
            lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z) - 1, NEAR_ZERO, mpf(1.0001), 12, 7
        ),
        "LOG_ERFC_BINARY32": Fit(lambda x: mp.log(mp.erfc(x)), mpf(0.9), mpf(4), 9),
        "ERF_TAIL": Fit(in_ratio(scaled_erfc, 3), ratio(1, 3), ratio(6, 3), 15),
        "ERFC": Fit(
            in_ratio(scaled_erfc, 4), ratio(0.499, 4), ratio(27.3, 4), 22, 10, ratio(10.2, 4)
        ),
        "ERF_INV": Fit(
            lambda u: erf_inv_ratio(u + mpf(2.5)), -2.5 + mpf(10) ** -12, mpf(2.501), 22, 10
        ),
        "ERF_INV_TAIL": Fit(
            lambda v: erf_inv_ratio((v + mpf(2.875)) ** 2),
            mpf(2.236) - 2.875, mpf(3.55) - 2.875, 20,
        ),
        "ERF_INV_FAR_TAIL": Fit(
            lambda v: erf_inv_ratio((v + mpf(4.75)) ** 2), mpf(3.55) - 4.75, mpf(6.1) - 4.75, 22
        ),
        "ERF_INV_TAIL_BINARY32": Fit(
            lambda v: erf_inv_ratio((v + mpf(3.25)) ** 2), mpf(2.236) - 3.25, mpf(4.2) - 3.25, 11
        ),
        "LGAMMA": Fit(
            lambda t: mp.loggamma(t + center) / ((t + center - 1) * (t + center - 2)),
            mpf(0.9) - center, mpf(2.25) - center, 25, 11,
        ),
        "STIRLING": Fit(stirling, mpf(10) ** -10, 1 / mpf(64), 7, 3),
        "DIGAMMA": Fit(
            lambda z: mp.digamma(z + mpf(1.5)) / (z + mpf(1.5) - zero), -half, half, 22, 11
        ),
        "DIGAMMA_FAR": Fit(digamma_remainder, mpf(10) ** -8, 1 / mpf(36), 9, 3),
    }  # fmt: skip


def tables(name: str) -> Iterator[tuple[str, Coefficients]]:
    """The table `name`, as (format, coefficients)."""
    with mp.workdps(DIGITS):
        plan = fits()[name]
        if plan.binary32 is not None:
            high = plan.high if plan.high_binary32 is None else plan.high_binary32
            yield "BINARY32", fit(plan.function, plan.low, high, plan.binary32)
        yield "BINARY64", fit(plan.function, plan.low, plan.high, plan.binary64)


def main(names: list[str]) -> None:
    """Print the tables of `names`, or all."""
    for name in names or fits():
        for format, coefficients in tables(name):
            print(f"{name} {format}: error {coefficients.error:.2g}")
            for value in coefficients.values:
                print(f"    {value!r},")


if __name__ == "__main__":
    main(sys.argv[1:])
