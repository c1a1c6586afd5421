"""Bessel functions of real order v, the second operand being x. There are no derivatives by v."""

from __future__ import annotations

import math
from typing import Any

from ..graph import Value
from ..lowering import Rule
from ..op import Draw, Op, Sample
from .arithmetic import add, mul, neg, sign, sub
from .constants import full_like
from .factorials import reciprocal_gamma
from .library_functions import NoSlope, library_function
from .powers import pow
from .samples import FLOATS


def _samples(low: float, high: float) -> tuple[Sample, ...]:
    def at(*shape: int) -> Sample:
        return Sample((Draw(shape, 0.2, 4.0), Draw(shape, low, high)))

    orders = (0.0, 1.0, 2.0, 0.5, -1.0, -0.5, 30.0, 0.0, 2.5)
    places = (0.0, 0.0, 0.0, 0.0, 2.0, 3.0, 1.0, math.inf, math.nan)
    edges = Sample(
        (Draw((9,), values=orders), Draw((9,), values=places)), dtypes=FLOATS, smooth=False
    )
    return at(11), at(2, 3), at(), at(0), edges


def _neighbours(op: Op, v: Value, x: Value) -> tuple[Value, Value]:
    """The functions of orders v - 1 and v + 1."""
    one = full_like(v, 1.0)
    return op(sub(v, one), x), op(add(v, one), x)


def _of_order(
    name: str, doc: str, symbol: str, slope: Rule, low: float = 0.4, high: float = 9.0
) -> Op:
    return library_function(
        name,
        doc,
        symbol=symbol,
        jvp=[NoSlope(f"the order v of {name}"), slope],
        samples=_samples(low, high),
    )


def _circular(op: str) -> Rule:
    """C_v' = (C_(v-1) - C_(v+1)) / 2, C = J, Y. DLMF 10.6.1."""

    def slope(t: Value, out: Value, v: Value, x: Value) -> Value:
        below, above = _neighbours(_OPS[op], v, x)
        return mul(t, mul(sub(below, above), 0.5))

    return slope


def _modified(op: str, sense: float, growth: float) -> Rule:
    """I_v' = (I_(v-1) + I_(v+1)) / 2, K_v' = -(K_(v-1) + K_(v+1)) / 2, DLMF 10.29.1; scaled by
    exp(growth x) (or exp(-|x|), of I) that much more."""

    def slope(t: Value, out: Value, v: Value, x: Value) -> Value:
        below, above = _neighbours(_OPS[op], v, x)
        found = mul(add(below, above), 0.5 * sense)
        if growth < 0:
            found = sub(found, mul(sign(x), out))
        elif growth > 0:
            found = add(found, out)
        return mul(t, found)

    return slope


bessel_jv = _of_order(
    "bessel_jv", "Bessel function of the first kind of order v.", "jv", _circular("bessel_jv")
)
bessel_yv = _of_order(
    "bessel_yv", "Bessel function of the second kind of order v.", "yv", _circular("bessel_yv")
)
bessel_iv = _of_order(
    "bessel_iv",
    "Modified Bessel function of the first kind of order v.",
    "iv",
    _modified("bessel_iv", 1.0, 0.0),
)
bessel_ive = _of_order(
    "bessel_ive",
    "exp(-|x|) bessel_iv(v, x).",
    "ive",
    _modified("bessel_ive", 1.0, -1.0),
)
bessel_kv = _of_order(
    "bessel_kv",
    "Modified Bessel function of the second kind of order v.",
    "kv",
    _modified("bessel_kv", -1.0, 0.0),
)
bessel_kve = _of_order(
    "bessel_kve",
    "exp(x) bessel_kv(v, x).",
    "kve",
    _modified("bessel_kve", -1.0, 1.0),
)


def _inhomogeneous(op: str, sense: float) -> Rule:
    """2 H_v' = H_(v-1) - H_(v+1) + c, 2 L_v' = L_(v-1) + L_(v+1) + c, with
    c = (x / 2)**v / (sqrt(pi) gamma(v + 3/2)). DLMF 11.4.24, 11.4.26."""

    def slope(t: Value, out: Value, v: Value, x: Value) -> Value:
        below, above = _neighbours(_OPS[op], v, x)
        scale = mul(reciprocal_gamma(add(v, full_like(v, 1.5))), 1 / math.sqrt(math.pi))
        rest = mul(pow(mul(x, 0.5), v), scale)
        above = neg(above) if sense < 0 else above
        return mul(t, mul(add(add(below, above), rest), 0.5))

    return slope


struve = _of_order(
    "struve", "Struve function of order v.", "struve", _inhomogeneous("struve", -1.0)
)
struve_modified = _of_order(
    "struve_modified",
    "Modified Struve function of order v.",
    "modstruve",
    _inhomogeneous("struve_modified", 1.0),
)

_OPS: dict[str, Any] = {
    op.name: op
    for op in (
        bessel_jv,
        bessel_yv,
        bessel_iv,
        bessel_ive,
        bessel_kv,
        bessel_kve,
        struve,
        struve_modified,
    )
}
