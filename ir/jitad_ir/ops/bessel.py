"""Bessel functions of integer order."""

from __future__ import annotations

from typing import Any

from ..graph import Value
from ..op import Draw, Sample
from .arithmetic import mul, neg, sign, sub
from .library_functions import with_order
from .samples import edges, one


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


def _samples(**params: Any) -> tuple[Sample, ...]:
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
