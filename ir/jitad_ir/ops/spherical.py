"""Legendre functions normalized as spherical harmonics are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Op, PerOperand, Sample, batch_to_front, same_types
from ..types import FLOAT64, INT64, ArrayType, TypeMismatch
from .arithmetic import add, max, mul, sqrt, sub
from .comparison import lt
from .constants import full_like
from .conversion import convert
from .samples import FLOATS
from .selection import select
from .transcendental import sin

_FIRST = math.sqrt(1 / (4 * math.pi))


def _infer(n: ArrayType, m: ArrayType, theta: ArrayType) -> ArrayType:
    type = same_types("sph_legendre", (theta,), "f")
    for other in (n, m):
        if other != type.with_dtype(INT64):
            raise TypeMismatch(
                f"sph_legendre: expected orders {type.with_dtype(INT64)!r}; got {other!r}"
            )
    return type


def _evaluate(n: Any, m: Any, theta: Any) -> Any:
    import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

    value = scipy.special.sph_harm_y(n, m, np.asarray(theta, np.float64), 0.0)
    return np.asarray(value.real).astype(theta.dtype)


def _emit(r: Any, n: Any, m: Any, theta: Any, results: Any) -> None:
    """From P(m, m), a product of (2k + 1) / 2k and sines, up by the recurrence in n,
    P(l) = c(l) (cos theta P(l - 1) - P(l - 2) / c(l - 1)), c(l)**2 = (4 l**2 - 1) / (l**2 - m**2);
    DLMF 14.10.3 for normalized functions."""
    (result,) = results
    b = r.b

    def number(value: float) -> Any:
        return b.constant(FLOAT64, value)

    now, before, step, scale = [r.local(FLOAT64) for _ in range(4)]

    def body(index: Any) -> None:
        degree = b.convert(r.load(n, index), FLOAT64)
        signed = b.convert(r.load(m, index), FLOAT64)
        angle = b.convert(r.load(theta, index), FLOAT64)
        order = b.abs(signed)
        inside = b.le(order, degree)
        sine, cosine = b.abs(b.sin(angle)), b.cos(angle)
        b.store(now, number(_FIRST))
        b.store(step, number(1.0))

        def diagonal() -> None:
            k = b.load(step, FLOAT64)
            twice = b.mul(k, number(2.0))
            factor = b.mul(b.sqrt(b.div(b.add(twice, number(1.0)), twice)), b.neg(sine))
            b.store(now, b.mul(b.load(now, FLOAT64), factor))
            b.store(step, b.add(k, number(1.0)))

        r.loop_while(lambda: b.bitwise_and(inside, b.le(b.load(step, FLOAT64), order)), diagonal)
        b.store(before, number(0.0))
        b.store(scale, number(1.0))
        b.store(step, b.add(order, number(1.0)))
        square = b.mul(order, order)

        def upwards() -> None:
            degree = b.load(step, FLOAT64)
            degrees = b.mul(degree, degree)
            above = b.sub(b.mul(degrees, number(4.0)), number(1.0))
            factor = b.sqrt(b.div(above, b.sub(degrees, square)))
            lower = b.div(b.load(before, FLOAT64), b.load(scale, FLOAT64))
            value = b.mul(factor, b.sub(b.mul(cosine, b.load(now, FLOAT64)), lower))
            b.store(before, b.load(now, FLOAT64))
            b.store(now, value)
            b.store(scale, factor)
            b.store(step, b.add(degree, number(1.0)))

        r.loop_while(lambda: b.bitwise_and(inside, b.le(b.load(step, FLOAT64), degree)), upwards)
        value = b.load(now, FLOAT64)
        half = b.mul(order, number(0.5))
        is_odd = b.ne(half, b.floor(half))
        turned = b.bitwise_and(is_odd, b.lt(signed, number(0.0)))
        value = b.select(turned, b.neg(value), value)
        value = b.select(inside, value, b.mul(number(0.0), angle))
        value = b.select(b.lt(degree, number(0.0)), number(math.nan), value)
        r.store(result, index, b.convert(value, result.type.dtype))

    r.loops(result.type.shape, body)


def _jvp(t: Value, out: Value, n: Value, m: Value, theta: Value) -> Value:
    """(sqrt((n - m)(n + m + 1)) P(m + 1) - sqrt((n + m)(n - m + 1)) P(m - 1)) / 2: half the
    difference of the ladder operators; with the other sign where sin theta < 0, for P is a function
    of cos theta."""
    one = full_like(m, 1)

    def weight(x: Value, y: Value) -> Value:
        product = mul(convert(x, dtype=theta.dtype), convert(add(y, one), dtype=theta.dtype))
        return sqrt(max(product, full_like(product, 0.0)))

    up, down = weight(sub(n, m), add(n, m)), weight(add(n, m), sub(n, m))
    above, below = sph_legendre(n, add(m, one), theta), sph_legendre(n, sub(m, one), theta)
    back = lt(sin(theta), full_like(theta, 0.0))
    half = select(back, full_like(theta, -0.5), full_like(theta, 0.5))
    return mul(t, mul(sub(mul(up, above), mul(down, below)), half))


def _batch(size: int, batched: Sequence[bool], *operands: Value) -> Value:
    return sph_legendre(*batch_to_front(size, batched, operands))


def _orders(*values: int) -> Draw:
    return Draw((len(values),), dtype="i64", values=values)


sph_legendre = Op(
    name="sph_legendre",
    doc="Spherical harmonic of degree n and order m, int64, at polar angle theta and azimuth 0; "
    "0 where |m| > n, nan for n < 0.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=PerOperand((None, None, _jvp)),
    transpose=NONLINEAR,
    batch=_batch,
    lower=Routine(_emit),
    samples=(
        Sample(
            (
                _orders(0, 1, 1, 1, 2, 3, 4, 5, 9, 2),
                _orders(0, 0, 1, -1, 1, -3, 2, 5, -4, 3),
                Draw((10,), 0.2, 2.9),
            ),
        ),
        Sample(
            (_orders(1, 2, 3, 4), _orders(1, 1, -1, 2), Draw((4,), values=(-0.7, 4.0, 4.0, 5.0)))
        ),
        Sample(
            (_orders(2, 3), _orders(1, 1), Draw((2,), values=(0.0, math.nan))), {}, FLOATS, False
        ),
    ),
)
