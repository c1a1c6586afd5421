"""`jitad.scipy.integrate`: integrals of sampled functions. Systems of differential equations are
solved by `jitad.experimental.ode`."""

from __future__ import annotations

from typing import Any

from jitad.numpy import statistics


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """The integral of the samples `y` along `axis` by the trapezoidal rule, the sum over i of
    (x[i + 1] - x[i]) (y[i] + y[i + 1]) / 2. `x` has the places of the samples, (n,) or an array
    that broadcasts to `y`; if it is None they are `dx` apart.

    Integers are summed in float64. Raises ValueError if lengths differ.

    >>> trapezoid([0.0, 1.0, 4.0])
    Array(3.)
    >>> trapezoid([0.0, 1.0, 4.0], [0.0, 1.0, 3.0])
    Array(5.5)
    """
    return statistics.trapezoid(y, x, dx, axis)


__all__ = ["trapezoid"]
__dir__ = __all__.copy
