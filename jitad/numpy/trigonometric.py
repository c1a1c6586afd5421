"""Trigonometric and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations

import math
from typing import Any

from jitad.trace import apply
from jitad_ir import ops

from .elementwise import binary, composed, unary
from .promotion import as_array_operand, filled, inexact


@unary(ops.sin, "fc")
def sin(x: Any, /) -> Any:
    """Sine of `x`, an angle in radians.

    Any shape; float or complex, integers count as floats. nan where `x` is infinite.

    >>> import jitad.numpy as jnp
    >>> jnp.sin(jnp.array([0.0, jnp.pi / 6, jnp.pi / 2]))
    Array([0. , 0.5, 1. ])
    """


@unary(ops.cos, "fc")
def cos(x: Any, /) -> Any:
    """Cosine of `x`, an angle in radians.

    Any shape; float or complex, integers count as floats. nan where `x` is infinite.

    >>> import jitad.numpy as jnp
    >>> jnp.cos(jnp.array([0.0, jnp.pi / 3, jnp.pi]))
    Array([ 1. ,  0.5, -1. ])
    """


@unary(ops.tan, "fc")
def tan(x: Any, /) -> Any:
    """Tangent of `x`, an angle in radians.

    Any shape; float or complex, integers count as floats. nan where `x` is infinite.

    >>> import jitad.numpy as jnp
    >>> jnp.tan(jnp.array([0.0, jnp.pi / 4]))
    Array([0., 1.])
    """


@unary(ops.asin, "fc")
def arcsin(x: Any, /) -> Any:
    """Inverse sine, an angle in radians in [-pi/2, pi/2].

    Any shape; float or complex, integers count as floats. Real numbers beyond [-1, 1] give nan;
    the derivative is infinite at -1 and 1. Complex branch cuts: beyond -1 and 1 on the real axis.

    >>> import jitad.numpy as jnp
    >>> jnp.arcsin(jnp.array([0.0, 1.0, 2.0]))
    Array([0.        , 1.57079633,        nan])
    """


asin = arcsin


@unary(ops.acos, "fc")
def arccos(x: Any, /) -> Any:
    """Inverse cosine, an angle in radians in [0, pi].

    Any shape; float or complex, integers count as floats. Real numbers beyond [-1, 1] give nan;
    the derivative is infinite at -1 and 1. Complex branch cuts: beyond -1 and 1 on the real axis.

    >>> import jitad.numpy as jnp
    >>> jnp.arccos(jnp.array([1.0, 0.0, -1.0]))
    Array([0.        , 1.57079633, 3.14159265])
    """


acos = arccos


@unary(ops.atan, "fc")
def arctan(x: Any, /) -> Any:
    """Inverse tangent, an angle in radians in [-pi/2, pi/2]; see `arctan2` for all four quadrants.

    Any shape; float or complex, integers count as floats. Complex branch cuts: beyond -i and i on
    the imaginary axis.

    >>> import jitad.numpy as jnp
    >>> jnp.arctan(jnp.array([0.0, 1.0, jnp.inf]))
    Array([0.        , 0.78539816, 1.57079633])
    """


atan = arctan


@binary(ops.atan2, "f")
def arctan2(x: Any, y: Any, /) -> Any:
    """Angle of the point (y, x) in radians, in [-pi, pi]: the first operand is the ordinate.

    The operands broadcast; real, integers count as floats. At the origin the signs of zeros decide,
    as in C, and derivatives are nan. Raises TypeError for complex numbers (see `angle`).

    >>> import jitad.numpy as jnp
    >>> jnp.arctan2(jnp.array([1.0, 1.0, -1.0]), jnp.array([1.0, -1.0, 0.0]))
    Array([ 0.78539816,  2.35619449, -1.57079633])
    """


atan2 = arctan2


@unary(ops.sinh, "fc")
def sinh(x: Any, /) -> Any:
    """Hyperbolic sine (e**x - e**-x) / 2.

    Any shape; float or complex, integers count as floats. Accurate for small `x`; infinite beyond
    the range of the dtype (|x| > 710 in float64).

    >>> import jitad.numpy as jnp
    >>> jnp.sinh(jnp.array([0.0, 1e-10, 1.0]))
    Array([0.00000000e+00, 1.00000000e-10, 1.17520119e+00])
    """


@unary(ops.cosh, "fc")
def cosh(x: Any, /) -> Any:
    """Hyperbolic cosine (e**x + e**-x) / 2.

    Any shape; float or complex, integers count as floats. Infinite beyond the range of the dtype
    (|x| > 710 in float64).

    >>> import jitad.numpy as jnp
    >>> jnp.cosh(jnp.array([0.0, 1.0]))
    Array([1.        , 1.54308063])
    """


@unary(ops.tanh, "fc")
def tanh(x: Any, /) -> Any:
    """Hyperbolic tangent, in [-1, 1].

    Any shape; float or complex, integers count as floats. Its derivative is 1 - tanh(x)**2.

    >>> import jitad.numpy as jnp
    >>> jnp.tanh(jnp.array([0.0, 1.0, jnp.inf]))
    Array([0.        , 0.76159416, 1.        ])
    """


@unary(ops.asinh, "fc")
def arcsinh(x: Any, /) -> Any:
    """Inverse hyperbolic sine log(x + sqrt(x**2 + 1)).

    Any shape; float or complex, integers count as floats. Accurate for small `x` of both signs.
    Complex branch cuts: beyond -i and i on the imaginary axis.

    >>> import jitad.numpy as jnp
    >>> jnp.arcsinh(jnp.array([0.0, 1.0]))
    Array([0.        , 0.88137359])
    """


asinh = arcsinh


@unary(ops.acosh, "fc")
def arccosh(x: Any, /) -> Any:
    """Inverse hyperbolic cosine log(x + sqrt(x**2 - 1)), not negative.

    Any shape; float or complex, integers count as floats. Real numbers below 1 give nan; the
    derivative is infinite at 1. Complex branch cut: the real axis below 1.

    >>> import jitad.numpy as jnp
    >>> jnp.arccosh(jnp.array([1.0, 2.0, 0.5]))
    Array([0.       , 1.3169579,       nan])
    """


acosh = arccosh


@unary(ops.atanh, "fc")
def arctanh(x: Any, /) -> Any:
    """Inverse hyperbolic tangent log((1 + x) / (1 - x)) / 2.

    Any shape; float or complex, integers count as floats. -inf and inf at -1 and 1, nan for real
    numbers beyond them. Complex branch cuts: beyond -1 and 1 on the real axis.

    >>> import jitad.numpy as jnp
    >>> jnp.arctanh(jnp.array([0.0, 0.5, 1.0]))
    Array([0.        , 0.54930614,        inf])
    """


atanh = arctanh


@composed
def deg2rad(x: Any, /) -> Any:
    """Degrees to radians: x pi / 180.

    Any shape; real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.deg2rad(jnp.array([0.0, 90.0, 180.0]))
    Array([0.        , 1.57079633, 3.14159265])
    """
    return apply(ops.mul, x, math.pi / 180)


@composed
def rad2deg(x: Any, /) -> Any:
    """Radians to degrees: 180 x / pi.

    Any shape; real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.rad2deg(jnp.array([0.0, jnp.pi / 2]))
    Array([ 0., 90.])
    """
    return apply(ops.mul, x, 180 / math.pi)


@composed
def radians(x: Any, /) -> Any:
    """Degrees to radians; the same as `deg2rad`.

    Any shape; real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.radians(180.0)
    Array(3.14159265)
    """
    return apply(ops.mul, x, math.pi / 180)


@composed
def degrees(x: Any, /) -> Any:
    """Radians to degrees; the same as `rad2deg`.

    Any shape; real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.degrees(jnp.pi)
    Array(180.)
    """
    return apply(ops.mul, x, 180 / math.pi)


_SINC_SERIES = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(10))
"""sin(y) / y in powers of y^2: for |y| < 1 right to rounding, and so are four derivatives."""


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x), and 1 at 0.

    Any shape; float or complex, integers count as floats. Near 0 it is summed in powers, so that
    derivatives are as exact there as elsewhere.

    >>> import jitad, jitad.numpy as jnp
    >>> jnp.sinc(jnp.array([0.0, 0.5]))
    Array([1.        , 0.63661977])
    >>> jitad.grad(jnp.sinc)(0.0)
    Array(0.)
    """
    x = inexact(as_array_operand(x))
    y = apply(ops.mul, x, math.pi)
    near = apply(ops.lt, apply(ops.abs, y), 1.0)
    small = apply(ops.select, near, y, filled(y, 0))
    square = apply(ops.square, small)
    series: Any = filled(y, _SINC_SERIES[-1])
    for coefficient in reversed(_SINC_SERIES[:-1]):
        series = apply(ops.add, apply(ops.mul, series, square), coefficient)
    large = apply(ops.select, near, filled(y, 1), y)
    return apply(ops.select, near, series, apply(ops.div, apply(ops.sin, large), large))
