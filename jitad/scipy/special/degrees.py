"""Trigonometric functions of degrees."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp

from .arguments import floats


def radian(d: Any, m: Any, s: Any) -> Any:
    """The angle of `d` degrees, `m` minutes and `s` seconds in radians.

    `d`, `m` and `s` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.radian(180.0, 0.0, 0.0)
    Array(3.14159265)
    """
    d, m, s = floats("radian", d, m, s)
    return jnp.deg2rad((s / 60 + m) / 60 + d)


def _quadrant(name: str, x: Any) -> tuple[Any, Any, Any]:
    """Quarter turns of x degrees, and sine and cosine of the rest, of 45 degrees at most."""
    (x,) = floats(name, x)
    quarters = jnp.rint(x / 90)
    rest = jnp.deg2rad(x - 90 * quarters)
    return jnp.mod(quarters, 4), jnp.sin(rest), jnp.cos(rest)


def sindg(x: Any) -> Any:
    """Sine of `x` degrees, exact at multiples of 90.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.sindg(np.array([30.0, 180.0]))
    Array([ 0.5, -0. ])
    """
    turn, sine, cosine = _quadrant("sindg", x)
    value = jnp.where(turn % 2 == 0, sine, cosine)
    return jnp.where(turn >= 2, -value, value)


def cosdg(x: Any) -> Any:
    """Cosine of `x` degrees, exact at multiples of 90.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.cosdg(np.array([60.0, 90.0]))
    Array([ 0.5, -0. ])
    """
    turn, sine, cosine = _quadrant("cosdg", x)
    value = jnp.where(turn % 2 == 0, cosine, sine)
    return jnp.where((turn == 1) | (turn == 2), -value, value)


def tandg(x: Any) -> Any:
    """Tangent of `x` degrees; inf at 90 and 270.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.tandg(np.array([45.0, 90.0]))
    Array([ 1., inf])
    """
    turn, sine, cosine = _quadrant("tandg", x)
    odd = turn % 2 == 1
    pole = odd & (sine == 0)
    bottom = jnp.where(pole, 1, jnp.where(odd, -sine, cosine))
    return jnp.where(pole, np.inf, jnp.where(odd, cosine, sine) / bottom)


def cotdg(x: Any) -> Any:
    """Cotangent of `x` degrees; inf at 0 and 180.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.cotdg(np.array([45.0, 90.0]))
    Array([ 1., -0.])
    """
    turn, sine, cosine = _quadrant("cotdg", x)
    odd = turn % 2 == 1
    pole = ~odd & (sine == 0)
    bottom = jnp.where(pole, 1, jnp.where(odd, cosine, sine))
    return jnp.where(pole, np.inf, jnp.where(odd, -sine, cosine) / bottom)
