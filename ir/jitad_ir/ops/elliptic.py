"""Elliptic integrals and Jacobi's elliptic functions of the parameter m, by SciPy's C functions.

Derivatives by m of the integrals F(phi, m), of 1 / D over the angle u from 0 to phi, and E(phi, m),
of D, with D**2 = 1 - m sin(u)**2, are

    dF/dm = (E - (1 - m) F) / (2 m (1 - m)) - sin(phi) cos(phi) / (2 (1 - m) D(phi))
          = 1/2 integral of sin(u)**2 / D**3,
    dE/dm = (E - F) / (2 m) = -1/2 integral of sin(u)**2 / D            (DLMF 19.4)

The quotients cancel where m sin(phi)**2 is small; there Gauss-Legendre integration has all digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..graph import Value
from ..op import Draw, Joint, Sample
from .arithmetic import abs as abs_
from .arithmetic import add, div, mul, neg, reciprocal, rsqrt, sqrt, square, sub
from .bitwise import bitwise_and
from .comparison import ge, le
from .constants import full_like
from .hypergeometric import hyp2f1
from .incomplete import integral
from .library_functions import library_function
from .rounding import round
from .samples import edges, one
from .selection import select
from .transcendental import cos, sin

_SMALL = 0.5
_LEAST, _MOST = -100.0, 0.99
"""Between these m sin(phi)**2 the derivatives by m are integrated."""


def _near_zero(
    m: Value, inside: Callable[[Value], Value], outside: Callable[[Value], Value]
) -> Value:
    """inside(m) where |m| is small, else outside(m)."""
    is_small = le(abs_(m), full_like(m, _SMALL))
    half = full_like(m, _SMALL)
    return select(
        is_small,
        inside(select(is_small, m, half)),
        outside(select(is_small, full_like(m, -1.0), m)),
    )


def _gauss(a: float, b: float, scale: float) -> Callable[[Value], Value]:
    """scale F(a, b; 2; m)"""

    def function(m: Value) -> Value:
        first, second, third = [full_like(m, v) for v in (a, b, 2.0)]
        return mul(hyp2f1(first, second, third, m), scale)

    return function


def _first_by_m(m: Value) -> Value:
    """K'(m) = pi/8 F(3/2, 3/2; 2; m)."""

    def quotient(m: Value) -> Value:
        rest = sub(full_like(m, 1.0), m)
        return div(sub(div(ellipe(m), rest), ellipk(m)), mul(m, 2.0))

    return _near_zero(m, _gauss(1.5, 1.5, math.pi / 8), quotient)


def _second_by_m(m: Value) -> Value:
    """E'(m) = -pi/8 F(1/2, 3/2; 2; m)."""
    return _near_zero(
        m,
        _gauss(0.5, 1.5, -math.pi / 8),
        lambda m: div(sub(ellipe(m), ellipk(m)), mul(m, 2.0)),
    )


ellipk = library_function(
    "ellipk",
    "Complete elliptic integral of the first kind K(m), m <= 1.",
    symbol="ellipk",
    jvp=[lambda t, out, m: mul(t, _first_by_m(m))],
    samples=(*one(-3.0, 0.95), *edges(extra=(1.0 - 1e-10,))),
)


def _first_by_complement(p: Value) -> Value:
    """dK(1 - p)/dp = (K - E / p) / (2 (1 - p))."""

    def quotient(m: Value) -> Value:
        p = sub(full_like(m, 1.0), m)
        return div(sub(div(ellipe(m), p), ellipkm1(p)), mul(m, 2.0))

    return neg(_near_zero(sub(full_like(p, 1.0), p), _gauss(1.5, 1.5, math.pi / 8), quotient))


ellipkm1 = library_function(
    "ellipkm1",
    "K(1 - p), accurate for small p.",
    symbol="ellipkm1",
    jvp=[lambda t, out, p: mul(t, _first_by_complement(p))],
    samples=(*one(0.05, 3.0), *edges(extra=(1e-100,))),
)

ellipe = library_function(
    "ellipe",
    "Complete elliptic integral of the second kind E(m), m <= 1.",
    symbol="ellipe",
    jvp=[lambda t, out, m: mul(t, _second_by_m(m))],
    samples=(*one(-3.0, 0.95), *edges()),
)


def _delta(phi: Value, m: Value) -> Value:
    """1 - m sin(phi)**2"""
    return sub(full_like(m, 1.0), mul(m, square(sin(phi))))


def _reduced(phi: Value) -> tuple[Value, Value]:
    """n and r with phi = n pi + r, |r| <= pi / 2."""
    n = round(mul(phi, 1 / math.pi))
    return n, sub(phi, mul(n, math.pi))


def _by_m(
    phi: Value,
    m: Value,
    complete: Callable[[Value], Value],
    integrand: Callable[[Value, Value], Value],
    quotient: Callable[[Value, Value], Value],
) -> Value:
    """A derivative by m: 2 n times the complete one, and that of the rest."""
    n, rest = _reduced(phi)
    weight = mul(m, square(sin(rest)))
    is_near = bitwise_and(ge(weight, full_like(m, _LEAST)), le(weight, full_like(m, _MOST)))
    # Of the one not taken nothing is used: it is given numbers at which all is finite.
    end = select(is_near, rest, full_like(m, 0.5))
    near_m = select(is_near, m, full_like(m, 0.5))
    near = integral(end, lambda u, m: integrand(u, m), near_m)
    far = quotient(select(is_near, full_like(m, 0.5), rest), select(is_near, full_like(m, -1.0), m))
    several = ge(abs_(n), full_like(n, 0.5))
    whole = mul(mul(n, 2.0), complete(select(several, m, full_like(m, 0.5))))
    found = select(is_near, near, far)
    return select(several, add(found, whole), found)


def _first_slope(phi: Value, m: Value) -> Value:
    def integrand(u: Value, m: Value) -> Value:
        root = rsqrt(_delta(u, m))
        return mul(mul(square(sin(u)), mul(root, square(root))), 0.5)

    def quotient(phi: Value, m: Value) -> Value:
        rest = sub(full_like(m, 1.0), m)
        change = sub(ellipeinc(phi, m), mul(rest, ellipkinc(phi, m)))
        edge = mul(mul(sin(phi), cos(phi)), rsqrt(_delta(phi, m)))
        return div(sub(div(change, m), edge), mul(rest, 2.0))

    return _by_m(phi, m, _first_by_m, integrand, quotient)


def _second_slope(phi: Value, m: Value) -> Value:
    def integrand(u: Value, m: Value) -> Value:
        return mul(mul(square(sin(u)), rsqrt(_delta(u, m))), -0.5)

    def quotient(phi: Value, m: Value) -> Value:
        return div(sub(ellipeinc(phi, m), ellipkinc(phi, m)), mul(m, 2.0))

    return _by_m(phi, m, _second_by_m, integrand, quotient)


_INCOMPLETE = (
    Sample((Draw((11,), -1.4, 1.4), Draw((11,), -2.0, 0.9))),
    Sample((Draw((3, 2), 2.0, 7.0), Draw((3, 2), 0.1, 0.8))),
    Sample((Draw((), 0.2, 1.4), Draw((), 0.2, 0.9))),
    Sample((Draw((0,)), Draw((0,)))),
    Sample((Draw((2,), values=(0.4, 0.9)), Draw((2,), values=(0.0, 0.98)))),
    Sample((Draw((2,), values=(1.55, 1.5)), Draw((2,), values=(0.999, -300.0)))),
)

ellipkinc = library_function(
    "ellipkinc",
    "Incomplete elliptic integral of the first kind F(phi, m).",
    symbol="ellipkinc",
    jvp=[
        lambda t, out, phi, m: mul(t, rsqrt(_delta(phi, m))),
        lambda t, out, phi, m: mul(t, _first_slope(phi, m)),
    ],
    samples=_INCOMPLETE,
)

ellipeinc = library_function(
    "ellipeinc",
    "Incomplete elliptic integral of the second kind E(phi, m).",
    symbol="ellipeinc",
    jvp=[
        lambda t, out, phi, m: mul(t, sqrt(_delta(phi, m))),
        lambda t, out, phi, m: mul(t, _second_slope(phi, m)),
    ],
    samples=_INCOMPLETE,
)


def _jacobi_tangents(
    ts: Sequence[Value | None], outs: Sequence[Value], u: Value, m: Value
) -> tuple[Value, ...]:
    """By u: ph' = dn, sn' = cn ph', cn' = -sn ph', dn' = -m sn cn; by m, from F(ph, m) = u,
    ph' = -dn dF/dm, and dn' = -(sn**2 + 2 m sn cn ph') / (2 dn). DLMF 22.13, 22.16.1."""
    sn, cn, dn, ph = outs
    of_u, of_m = ts
    angle = None if of_u is None else mul(of_u, dn)
    extra = None
    if of_m is not None:
        by_m = neg(mul(of_m, mul(dn, _first_slope(ph, m))))
        angle = by_m if angle is None else add(angle, by_m)
        extra = mul(mul(of_m, square(sn)), mul(reciprocal(dn), -0.5))
    assert angle is not None
    dn_move = neg(div(mul(mul(m, mul(sn, cn)), angle), dn))
    dn_move = dn_move if extra is None else add(dn_move, extra)
    return mul(cn, angle), neg(mul(sn, angle)), dn_move, angle


ellipj = library_function(
    "ellipj",
    "Jacobi's elliptic functions sn, cn, dn and the amplitude of u, with parameter m in [0, 1].",
    symbol="ellipj",
    jvp=Joint(_jacobi_tangents),
    samples=(
        Sample((Draw((11,), -4.0, 4.0), Draw((11,), 0.05, 0.9))),
        Sample((Draw((2, 2), 0.2, 2.0), Draw((2, 2), 0.05, 0.9))),
        Sample((Draw((), 0.2, 2.0), Draw((), 0.05, 0.9))),
        Sample((Draw((0,)), Draw((0,)))),
    ),
    results=4,
)
