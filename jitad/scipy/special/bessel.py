"""Bessel functions and their relatives, of real arguments.

Derivatives are by the argument. By the order v there is none: differentiating by it raises
NotImplementedError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.half import in_single
from jitad.numpy.promotion import in_parts
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.op import Op

from .arguments import floats, function_of


def _of_known_order(op: Op, name: str, doc: str, **params: Any) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        return in_single(apply)(op, *floats(name, x), **params)

    function.__name__ = function.__qualname__ = name
    function.__module__ = "jitad.scipy.special"
    function.__doc__ = doc
    return function


_FIRST, _SECOND = "Bessel function of the first kind", "Bessel function of the second kind"
i0 = _of_known_order(ops.bessel_i, "i0", f"Modified {_FIRST} and order 0.", order=0, scaled=False)
i0e = _of_known_order(ops.bessel_i, "i0e", "exp(-|x|) i0(x).", order=0, scaled=True)
i1 = _of_known_order(ops.bessel_i, "i1", f"Modified {_FIRST} and order 1.", order=1, scaled=False)
i1e = _of_known_order(ops.bessel_i, "i1e", "exp(-|x|) i1(x).", order=1, scaled=True)
j0 = _of_known_order(ops.bessel_j, "j0", f"{_FIRST} and order 0.", order=0)
j1 = _of_known_order(ops.bessel_j, "j1", f"{_FIRST} and order 1.", order=1)
y0 = _of_known_order(ops.bessel_y, "y0", f"{_SECOND} and order 0.", order=0)
y1 = _of_known_order(ops.bessel_y, "y1", f"{_SECOND} and order 1.", order=1)
k0 = _of_known_order(ops.bessel_k, "k0", f"Modified {_SECOND} and order 0.", order=0, scaled=False)
k0e = _of_known_order(ops.bessel_k, "k0e", "exp(x) k0(x).", order=0, scaled=True)
k1 = _of_known_order(ops.bessel_k, "k1", f"Modified {_SECOND} and order 1.", order=1, scaled=False)
k1e = _of_known_order(ops.bessel_k, "k1e", "exp(x) k1(x).", order=1, scaled=True)

jv = function_of(ops.bessel_jv, "jv", f"jv(v, x): {_FIRST} and real order v.")
yv = function_of(ops.bessel_yv, "yv", f"yv(v, x): {_SECOND} and real order v.")
iv = function_of(ops.bessel_iv, "iv", f"iv(v, x): modified {_FIRST} and real order v.")
ive = function_of(ops.bessel_ive, "ive", "ive(v, x) = exp(-|x|) iv(v, x).")
kv = function_of(ops.bessel_kv, "kv", f"kv(v, x): modified {_SECOND} and real order v.")
kve = function_of(ops.bessel_kve, "kve", "kve(v, x) = exp(x) kv(v, x).")
struve = function_of(ops.struve, "struve", "struve(v, x): Struve function of order v.")
modstruve = function_of(
    ops.struve_modified, "modstruve", "modstruve(v, x): modified Struve function of order v."
)


def jve(v: Any, x: Any) -> Any:
    """jv(v, x): the scale of SciPy's function is 1 for real x."""
    return jv(v, x)


def yve(v: Any, x: Any) -> Any:
    """yv(v, x): the scale of SciPy's function is 1 for real x."""
    return yv(v, x)


jn = jv


def yn(n: Any, x: Any) -> Any:
    """Bessel function of the second kind and integer order `n`."""
    return yv(jnp.trunc(n), x)


def kn(n: Any, x: Any) -> Any:
    """Modified Bessel function of the second kind and integer order `n`."""
    return kv(jnp.trunc(n), x)


def hankel1(v: Any, x: Any) -> Any:
    """jv(v, x) + i yv(v, x), complex."""
    return apply(ops.complex, *_both(v, x))


def hankel2(v: Any, x: Any) -> Any:
    """jv(v, x) - i yv(v, x), complex."""
    first, second = _both(v, x)
    return apply(ops.complex, first, -second)


def hankel1e(v: Any, x: Any) -> Any:
    """exp(-i x) hankel1(v, x)."""
    return hankel1(v, x) * _phase(-1, x)


def hankel2e(v: Any, x: Any) -> Any:
    """exp(i x) hankel2(v, x)."""
    return hankel2(v, x) * _phase(1, x)


def _both(v: Any, x: Any) -> tuple[Any, Any]:
    v, x = map(in_parts, floats("hankel1", v, x))
    return apply(ops.bessel_jv, v, x), apply(ops.bessel_yv, v, x)


def _phase(sign: int, x: Any) -> Any:
    (x,) = map(in_parts, floats("hankel1e", x))
    return apply(ops.complex, jnp.cos(x), sign * jnp.sin(x))


def airy(x: Any) -> tuple[Any, Any, Any, Any]:
    """Airy functions Ai, Ai', Bi and Bi' of `x`.

    >>> print(round(float(airy(0.0)[0]), 6))
    0.355028
    """
    return tuple(in_single(apply)(ops.airy, *floats("airy", x)))


ber, bei, ker, kei, berp, beip, kerp, keip = [
    _of_known_order(ops.kelvin, name, f"Kelvin function {name}; with p: a derivative.", kind=name)
    for name in ("ber", "bei", "ker", "kei", "berp", "beip", "kerp", "keip")
]


def kelvin(x: Any) -> tuple[Any, Any, Any, Any]:
    """ber + i bei, ker + i kei, and the derivatives of both, complex."""
    (x,) = map(in_parts, floats("kelvin", x))
    pairs = ((ber, bei), (ker, kei), (berp, beip), (kerp, keip))
    return tuple([apply(ops.complex, real(x), imag(x)) for real, imag in pairs])


@in_single
def bessel_jn(z: Any, *, v: int, n_iter: int = 50) -> Any:
    """Bessel functions of the first kind of orders 0 to `v` at `z`, stacked in front: shape
    (v + 1, *z.shape). `n_iter` is accepted as in JAX and of no use here.

    Raises ValueError unless v is a non-negative integer.
    """
    if not isinstance(v, int) or v < 0:
        raise ValueError(at_user_line(f"bessel_jn: expected an integer v >= 0; got {v!r}"))
    (z,) = floats("bessel_jn", z)
    return jnp.stack([apply(ops.bessel_j, z, order=order) for order in range(v + 1)])
