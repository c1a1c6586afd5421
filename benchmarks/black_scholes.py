"""The Black-Scholes value of a call, which several workloads and libraries compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any


def price(numpy: Any) -> Callable[..., Any]:
    """The value of a European call, with that `exp`, `log`, `sqrt`, `abs` and `where`."""
    cdf = normal(numpy)

    def f(spot: Any, strike: Any, years: Any, rate: Any, volatility: Any) -> Any:
        width = volatility * numpy.sqrt(years)
        d = (numpy.log(spot / strike) + rate * years) / width + 0.5 * width
        return spot * cdf(d) - strike * numpy.exp(-rate * years) * cdf(d - width)

    return f


def normal(numpy: Any) -> Callable[[Any], Any]:
    """The normal distribution function of exp and arithmetic, which every library has.

    Abramowitz and Stegun 26.2.17: error at most 7.5e-8.
    """
    coefficients = (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530)

    def cdf(x: Any) -> Any:
        k = 1 / (1 + 0.2316419 * numpy.abs(x))
        series = 0.0
        for c in coefficients:
            series = (series + c) * k
        tail = numpy.exp(-0.5 * x * x) * series / math.sqrt(2 * math.pi)
        return numpy.where(x > 0, 1 - tail, tail)

    return cdf
