"""Bessel functions of integer order, of Airy and of Kelvin."""

from __future__ import annotations

from collections.abc import Sequence

from ..graph import Value
from ..op import Draw, Joint, Sample
from .arithmetic import add, div, mul, neg, sign, sub
from .comparison import eq
from .constants import full_like
from .library_functions import library_function, with_order
from .samples import edges, one
from .selection import select


def _modified(*, order: int, scaled: bool) -> tuple[str, tuple[float, ...]]:
    suffix = "e" if scaled else ""
    return (f"i{order}{suffix}", ()) if order < 2 else (f"iv{suffix}", (float(order),))


def _jvp_modified(t: Value, out: Value, x: Value, *, order: int, scaled: bool) -> Value:
    """I_n' = (I_(n-1) + I_(n+1)) / 2, with I_-1 = I_1. DLMF 10.29.1."""
    below = bessel_i(x, order=abs(order - 1), scaled=scaled)
    slope = below
    if order:
        slope = mul(sub(below, neg(bessel_i(x, order=order + 1, scaled=scaled))), 0.5)
    return mul(t, sub(slope, mul(sign(x), out)) if scaled else slope)


def _samples(**params: int | bool) -> tuple[Sample, ...]:
    return (Sample((Draw((5,), 0.3, 9.0),), params), Sample((Draw((2, 3), -4.0, -0.3),), params))


bessel_i = with_order(
    "bessel_i",
    "Modified Bessel function of the first kind, of order `order` (at least 0); times exp(-|x|) if "
    "`scaled`.",
    symbol=_modified,
    jvp=_jvp_modified,
    samples=(
        *one(0.3, 6.0, order=0, scaled=True),
        *_samples(order=1, scaled=True),
        *_samples(order=2, scaled=True),
        *_samples(order=0, scaled=False),
        *_samples(order=1, scaled=False),
        *_samples(order=3, scaled=False),
        *edges(order=0, scaled=True),
        *edges(order=1, scaled=True),
        *edges(order=0, scaled=False),
    ),
)


def _jvp_bessel_j(t: Value, out: Value, x: Value, *, order: int) -> Value:
    """J_n' = (J_(n-1) - J_(n+1)) / 2, and J_0' = -J_1. DLMF 10.6.1."""
    if not order:
        return mul(t, neg(bessel_j(x, order=1)))
    difference = sub(bessel_j(x, order=order - 1), bessel_j(x, order=order + 1))
    return mul(t, mul(difference, 0.5))


def _first_kind(*, order: int) -> tuple[str, tuple[float, ...]]:
    return (f"j{order}", ()) if order < 2 else ("jv", (float(order),))


bessel_j = with_order(
    "bessel_j",
    "Bessel function of the first kind, of order `order` (at least 0).",
    symbol=_first_kind,
    jvp=_jvp_bessel_j,
    samples=(
        *one(-9.0, 9.0, order=0),
        *_samples(order=1),
        *_samples(order=2),
        *_samples(order=5),
        *edges(order=0),
    ),
)


def _jvp_bessel_y(t: Value, out: Value, x: Value, *, order: int) -> Value:
    """Y_n' = (Y_(n-1) - Y_(n+1)) / 2, and Y_0' = -Y_1. DLMF 10.6.1."""
    if not order:
        return mul(t, neg(bessel_y(x, order=1)))
    difference = sub(bessel_y(x, order=order - 1), bessel_y(x, order=order + 1))
    return mul(t, mul(difference, 0.5))


def _second_kind(*, order: int) -> tuple[str, tuple[float, ...]]:
    return (f"y{order}", ()) if order < 2 else ("yn", (float(order),))


bessel_y = with_order(
    "bessel_y",
    "Bessel function of the second kind, of order `order` (at least 0).",
    symbol=_second_kind,
    jvp=_jvp_bessel_y,
    samples=(
        *one(0.4, 9.0, order=0),
        *one(0.4, 9.0, order=1),
        *one(0.4, 9.0, order=3),
        *edges(order=0),
        *edges(order=1),
    ),
)


def _jvp_bessel_k(t: Value, out: Value, x: Value, *, order: int, scaled: bool) -> Value:
    """K_n' = -(K_(n-1) + K_(n+1)) / 2, and K_0' = -K_1. DLMF 10.29.1."""
    below = bessel_k(x, order=abs(order - 1), scaled=scaled)
    if order:
        below = mul(add(below, bessel_k(x, order=order + 1, scaled=scaled)), 0.5)
    return mul(t, sub(out, below) if scaled else neg(below))


def _modified_second_kind(*, order: int, scaled: bool) -> tuple[str, tuple[float, ...]]:
    suffix = "e" if scaled else ""
    return (f"k{order}{suffix}", ()) if order < 2 else (f"kv{suffix}", (float(order),))


bessel_k = with_order(
    "bessel_k",
    "Modified Bessel function of the second kind, of order `order` (at least 0); times exp(x) if "
    "`scaled`.",
    symbol=_modified_second_kind,
    jvp=_jvp_bessel_k,
    samples=(
        *one(0.4, 6.0, order=0, scaled=False),
        *one(0.4, 6.0, order=1, scaled=False),
        *one(0.4, 6.0, order=2, scaled=False),
        *one(0.4, 6.0, order=0, scaled=True),
        *one(0.4, 6.0, order=1, scaled=True),
        *edges(order=0, scaled=False),
        *edges(order=1, scaled=True),
    ),
)


def _airy_tangents(
    ts: Sequence[Value | None], outs: Sequence[Value], x: Value
) -> tuple[Value, Value, Value, Value]:
    """w'' = x w. DLMF 9.2.1."""
    (t,) = ts
    assert t is not None
    ai, ai_slope, bi, bi_slope = outs
    return mul(t, ai_slope), mul(t, mul(x, ai)), mul(t, bi_slope), mul(t, mul(x, bi))


airy = library_function(
    "airy",
    "Airy functions of real numbers and their derivatives: Ai, Ai', Bi, Bi'.",
    symbol="airy",
    jvp=Joint(_airy_tangents),
    samples=(*one(-6.0, 3.0), *edges()),
    results=4,
)


def _jvp_kelvin(t: Value, out: Value, x: Value, *, kind: str) -> Value:
    """w = ber + i bei, or ker + i kei, solves w'' = i w - w' / x (DLMF 10.61.4). At 0, where the
    former's w' / x is w'', that is i w / 2."""
    if not kind.endswith("p"):
        return mul(t, kelvin(x, kind=kind + "p"))
    other = kelvin(x, kind=_CONJUGATE[kind[:-1]])
    turned = neg(other) if kind[-2] == "r" else other
    if kind[0] == "k":
        return mul(t, sub(turned, div(out, x)))
    at_zero = eq(x, full_like(x, 0.0))
    divided = div(out, select(at_zero, full_like(x, 1.0), x))
    return mul(t, sub(turned, select(at_zero, mul(turned, 0.5), divided)))


_CONJUGATE = {"ber": "bei", "bei": "ber", "ker": "kei", "kei": "ker"}

kelvin = with_order(
    "kelvin",
    "Kelvin function `kind`: ber, bei, ker, kei, or with p behind the derivative of it.",
    symbol=lambda *, kind: (kind, ()),
    jvp=_jvp_kelvin,
    samples=tuple(
        [
            sample
            for kind in ("ber", "bei", "ker", "kei", "berp", "beip", "kerp", "keip")
            for sample in one(0.3, 6.0, kind=kind)[:2]
        ]
    ),
)
