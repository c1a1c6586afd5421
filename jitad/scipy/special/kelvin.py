"""Kelvin's and Airy's functions of real arguments."""

from __future__ import annotations

from typing import Any

from jitad.numpy.half import in_single
from jitad.numpy.promotion import in_parts
from jitad.trace import apply
from jitad_ir import ops

from .arguments import applied, floats


def airy(x: Any) -> tuple[Any, Any, Any, Any]:
    """Airy functions Ai, Ai', Bi and Bi' of `x` (DLMF 9.2), four arrays.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.airy(0.0)
    (Array(0.35502805), Array(-0.2588194), Array(0.61492663), Array(0.44828836))
    """
    return tuple(in_single(apply)(ops.airy, *floats("airy", x)))


def ber(x: Any) -> Any:
    """Real part of Kelvin's ber(x) + i bei(x) = J_0(x exp(3 pi i / 4)) (DLMF 10.61.1).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ber(1.0)
    Array(0.98438178)
    """
    return applied(ops.kelvin, "ber", x, kind="ber")


def bei(x: Any) -> Any:
    """Imaginary part of Kelvin's ber(x) + i bei(x) = J_0(x exp(3 pi i / 4)) (DLMF 10.61.1).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.bei(1.0)
    Array(0.24956604)
    """
    return applied(ops.kelvin, "bei", x, kind="bei")


def ker(x: Any) -> Any:
    """Real part of Kelvin's ker(x) + i kei(x) = K_0(x exp(pi i / 4)) (DLMF 10.61.2), for x > 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ker(1.0)
    Array(0.28670621)
    """
    return applied(ops.kelvin, "ker", x, kind="ker")


def kei(x: Any) -> Any:
    """Imaginary part of Kelvin's ker(x) + i kei(x) = K_0(x exp(pi i / 4)) (DLMF 10.61.2), for x >=
    0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.kei(1.0)
    Array(-0.49499464)
    """
    return applied(ops.kelvin, "kei", x, kind="kei")


def berp(x: Any) -> Any:
    """Derivative of `ber`.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.berp(1.0)
    Array(-0.06244575)
    """
    return applied(ops.kelvin, "berp", x, kind="berp")


def beip(x: Any) -> Any:
    """Derivative of `bei`.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.beip(1.0)
    Array(0.49739651)
    """
    return applied(ops.kelvin, "beip", x, kind="beip")


def kerp(x: Any) -> Any:
    """Derivative of `ker`, for x > 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.kerp(1.0)
    Array(-0.69460389)
    """
    return applied(ops.kelvin, "kerp", x, kind="kerp")


def keip(x: Any) -> Any:
    """Derivative of `kei`, for x >= 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.keip(1.0)
    Array(0.35236991)
    """
    return applied(ops.kelvin, "keip", x, kind="keip")


def kelvin(x: Any) -> tuple[Any, Any, Any, Any]:
    """Kelvin's functions ber + i bei, ker + i kei, and the derivatives of both: four complex
    arrays.

    `x` is real, of any shape; TypeError if it is complex. See `ber` and `ker`.

    >>> from jitad.scipy import special
    >>> special.kelvin(1.0)[0]
    Array(0.98438178+0.24956604j)
    """
    (x,) = map(in_parts, floats("kelvin", x))
    pairs = ((ber, bei), (ker, kei), (berp, beip), (kerp, keip))
    return tuple([apply(ops.complex, real(x), imag(x)) for real, imag in pairs])
