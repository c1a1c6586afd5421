"""Cases of `lax.elementwise` and `lax.bits`."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from .cases import add, complexes, integers, reals


def _call(name: str, lax: Any, *operands: Any) -> Any:
    return getattr(lax, name)(*operands)


_OF_REALS = {
    "acos": (-0.9, 0.9),
    "acosh": (1.1, 3.0),
    "asin": (-0.9, 0.9),
    "atanh": (-0.9, 0.9),
    "cbrt": (0.1, 2.0),
    "erf": (-2.0, 2.0),
    "erf_inv": (-0.9, 0.9),
    "erfc": (-2.0, 2.0),
    "log": (0.2, 3.0),
    "log1p": (-0.5, 3.0),
    "reciprocal": (0.3, 2.0),
    "rsqrt": (0.3, 2.0),
    "sqrt": (0.3, 2.0),
}
_ANYWHERE = "abs asinh atan cos cosh exp exp2 expm1 logistic neg sign sin sinh square tan tanh"
_JUMPS = "ceil floor round is_finite"
_COMPLEX = "abs asin asinh atan atanh cos cosh exp expm1 log log1p neg reciprocal rsqrt sin sinh"
_COMPLEX += " sqrt square tan tanh conj real imag is_finite"

for _name, (_low, _high) in _OF_REALS.items():
    add(_name, partial(_call, _name), reals(7, low=_low, high=_high))
for _name in _ANYWHERE.split():
    add(_name, partial(_call, _name), reals(7))
    add(_name, partial(_call, _name), reals(2, 3).astype("float32"))
for _name in _JUMPS.split():
    add(_name, partial(_call, _name), np.array([0.5, 1.5, -0.5, 2.4, -2.6]), smooth=False)
for _name in _COMPLEX.split():
    if _name != "is_finite":
        add(_name, partial(_call, _name), complexes(5))
add("conj", lambda lax, x: lax.conj(x), reals(3))
add("neg", lambda lax, x: lax.neg(x), integers(4).astype("int8"))
add("sign", lambda lax, x: lax.sign(x), np.array([3, 0], "uint8"))
add("abs", lambda lax, x: lax.abs(x), integers(4))
add(
    "round", lambda lax, x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), reals(5), smooth=False
)
add(
    "round",
    lambda lax, x: lax.round(x),
    np.array([0.49999999999999994, 4503599627370497.0]),
    smooth=False,
)
add("sin", lambda lax, x: lax.sin(x, accuracy=None), np.float64(0.3))
add("exp", lambda lax: lax.exp(1.0))

for _name in ["add", "sub", "mul", "div", "max", "min", "atan2"]:
    add(_name, partial(_call, _name), reals(6), reals(6, low=0.5, seed=1))
    add(_name, partial(_call, _name), reals(2, 3), np.float64(1.5))
    add(_name, partial(_call, _name), reals(2, 1), reals(1, 3, low=0.5, seed=1))
for _name in ["add", "sub", "mul", "div"]:
    add(_name, partial(_call, _name), complexes(4), complexes(4, seed=1))
    add(_name, partial(_call, _name), integers(5), integers(5, low=1, seed=1))
add("rem", partial(_call, "rem"), reals(6), reals(6, low=0.5, seed=1))
add("rem", partial(_call, "rem"), integers(6), integers(6, low=1, seed=1))
for _name in ["eq", "ne", "lt", "le", "gt", "ge"]:
    add(_name, partial(_call, _name), integers(9, high=0), integers(9, high=0, seed=1))
    add(_name, partial(_call, _name), reals(4), np.float64(0.1), smooth=False)
add("eq", partial(_call, "eq"), complexes(3), complexes(3), smooth=False)
add("max", partial(_call, "max"), np.array([True, False]), np.array([False, False]))
add("add", lambda lax, x: lax.add(x, 1.5), reals(3))
add("add", lambda lax, x: lax.add(2, x), integers(3))
add("mul", lambda lax, x: lax.mul(x, 3.0), complexes(3), as_in_jax=False)
add("pow", lambda lax, x, y: lax.pow(x, y), reals(5, low=0.2), reals(5, seed=1))
add("pow", lambda lax, x, y: lax.pow(x, y), reals(5), integers(5, low=-3, high=4))
add("pow", lambda lax, x: lax.pow(x, 3), reals(5))
add("pow", lambda lax, x, y: lax.pow(x, y), complexes(4), complexes(4, seed=1))
add("integer_pow", lambda lax, x: lax.integer_pow(x, -3), reals(5, low=0.5))
add("integer_pow", lambda lax, x: lax.integer_pow(x, 2), integers(5))
add("complex", partial(_call, "complex"), reals(4), reals(4, seed=1))
add("complex", partial(_call, "complex"), reals(4).astype("float32"), np.float32(2))
add("nextafter", partial(_call, "nextafter"), reals(4), reals(4, seed=1), smooth=False)
_four = [reals(4, seed=i) for i in range(1, 4)]
add("select", lambda lax, p, x, y: lax.select(p, x, y), reals(4) > 0, *_four[:2])
add("select", lambda lax, x, y: lax.select(True, x, y), *_four[:2])
add(
    "select_n",
    lambda lax, i, x, y, z: lax.select_n(i, x, y, z),
    integers(4, low=0, high=3).astype("int32"),
    *_four,
)
add("select_n", lambda lax, i, x, y: lax.select_n(i, x, y), np.int32(1), reals(4), reals(4, seed=2))
add("select_n", lambda lax, i, x: lax.select_n(i, x), np.int32(0), reals(4))
add("clamp", lambda lax, a, x, b: lax.clamp(a, x, b), np.float64(-1), reals(5), np.float64(0.9))
add(
    "clamp",
    lambda lax, a, x, b: lax.clamp(a, x, b),
    reals(5, high=-1),
    reals(5, seed=1),
    reals(5, low=1),
)
add("clamp", lambda lax, x: lax.clamp(-3, x, 2), integers(5))
add(
    "convert_element_type",
    lambda lax, x: lax.convert_element_type(x, np.int32),
    reals(5),
    smooth=False,
)
add("convert_element_type", lambda lax, x: lax.convert_element_type(x, "complex128"), reals(5))
add("convert_element_type", lambda lax, x: lax.convert_element_type(x, float), integers(5))
add("mul", lambda lax, x: lax.mul(x, 2.0), reals(3))
