"""The normal log-density, the function that several workloads differentiate.

Imports nothing heavy: fresh processes whose start is measured import it first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

POINT = (1.3, 0.2, 0.7)


def density(numpy: ModuleType | Any) -> Callable[[Any, Any, Any], Any]:
    """f(y, mu, sigma) = -((y - mu) / sigma)^2 / 2 - log(sigma) - log(2 pi) / 2, with that `log`."""

    def f(y: Any, mu: Any, sigma: Any) -> Any:
        return -(((y - mu) / sigma) ** 2) / 2 - numpy.log(sigma) - math.log(2 * math.pi) / 2

    return f


def partials(y: Any, mu: Any, sigma: Any) -> tuple[Any, Any, Any]:
    """The three partial derivatives, on paper."""
    z = (y - mu) / sigma
    return -z / sigma, z / sigma, (z * z - 1) / sigma
