"""Elementwise sums, products, roots and their relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Rule
from ..op import NONLINEAR, Bilinear, Draw, Linear, Op, Sample, elementwise
from ..types import real_dtype
from .comparison import eq, gt, lt
from .constants import full_like
from .conversion import conj, convert, imag, real
from .rounding import round
from .samples import COMPLEX, bools, edges, integer_edges, one, two
from .selection import select

neg = elementwise(
    "neg",
    "-x; integers wrap.",
    kinds="iufc",
    evaluate=np.negative,
    jvp=[lambda t, out, x: neg(t)],
    transpose=Linear((lambda ct, x: neg(ct),)),
    emit=lambda b, x: b.neg(x),
    samples=(*one(), *edges(), *integer_edges()),
)

add = elementwise(
    "add",
    "x + y; integers wrap.",
    kinds="iufc",
    evaluate=np.add,
    jvp=[lambda t, out, x, y: t, lambda t, out, x, y: t],
    transpose=Linear((lambda ct, x, y: ct, lambda ct, x, y: ct)),
    emit=lambda b, x, y: b.add(x, y),
    samples=(*two(), *edges(2), *integer_edges(2)),
)

sub = elementwise(
    "sub",
    "x - y; integers wrap.",
    kinds="iufc",
    evaluate=np.subtract,
    jvp=[lambda t, out, x, y: t, lambda t, out, x, y: neg(t)],
    transpose=Linear((lambda ct, x, y: ct, lambda ct, x, y: neg(ct))),
    emit=lambda b, x, y: b.sub(x, y),
    samples=(*two(), *edges(2), *integer_edges(2)),
)

mul = elementwise(
    "mul",
    "x * y; integers wrap.",
    kinds="iufc",
    evaluate=np.multiply,
    jvp=[lambda t, out, x, y: mul(t, y), lambda t, out, x, y: mul(x, t)],
    transpose=Bilinear((lambda ct, x, y: mul(ct, y), lambda ct, x, y: mul(x, ct))),
    emit=lambda b, x, y: b.mul(x, y),
    samples=(*two(), *edges(2), *integer_edges(2)),
)


def _divide(x: Any, y: Any) -> Any:
    """Division; that of integers truncates toward zero, and by zero gives 0 as NumPy's does."""
    if x.dtype.kind in "fc":
        return np.divide(x, y)
    quotient = np.floor_divide(x, y)
    inexact = (np.remainder(x, y) != 0) & ((x < 0) != (y < 0))
    return quotient + inexact.astype(x.dtype)


div = elementwise(
    "div",
    "x / y; that of integers truncates toward zero, and division of one by zero gives 0.",
    kinds="iufc",
    evaluate=_divide,
    jvp=[
        lambda t, out, x, y: div(t, y),
        lambda t, out, x, y: mul(t, neg(div(out, y))),  # d(x/y)/dy = -(x/y)/y
    ],
    transpose=Linear((lambda ct, x, y: div(ct, y), NONLINEAR)),
    emit=lambda b, x, y: b.div(x, y),
    samples=(*two(-9.0, 9.0, 1.0, 3.0), *two(-9.0, 9.0, -3.0, -1.0), *edges(2), *integer_edges(2)),
)

rem = elementwise(
    "rem",
    "Remainder of the division of x by y truncated toward zero: it has the sign of x. That of "
    "integers by zero is 0.",
    kinds="iuf",
    evaluate=np.fmod,
    jvp=[
        lambda t, out, x, y: t,
        # out = x - n y with n the truncated quotient, a piecewise constant
        lambda t, out, x, y: mul(t, round(div(sub(out, x), y))),
    ],
    transpose=NONLINEAR,
    emit=lambda b, x, y: b.rem(x, y),
    samples=(*two(-9.0, 9.0, 1.0, 3.0), *two(-9.0, 9.0, -3.0, -1.0), *edges(2), *integer_edges(2)),
    dear=True,
)


def _jvp_sign(t: Value, out: Value, x: Value) -> Value | None:
    """Zero for real x. For complex x, with s = x / |x|: ds = i s Im(conj(s) t) / |x|."""
    if x.dtype.kind != "c":
        return None
    size = abs(x)
    size = select(eq(size, 0.0), full_like(size, 1), size)
    turn = convert(div(imag(mul(t, conj(out))), size), dtype=x.dtype)
    return mul(turn, mul(out, full_like(out, 1j)))


sign = elementwise(
    "sign",
    "-1, 0 or 1 by the sign of x, nan for nan; x / |x| for complex x, and 0 for 0.",
    kinds="iufc",
    evaluate=np.sign,
    jvp=[_jvp_sign],
    transpose=NONLINEAR,
    emit=lambda b, x: b.sign(x),
    samples=(*one(), *edges(), *integer_edges()),
)


def _jvp_abs(t: Value, out: Value, x: Value) -> Value:
    """sign(x) t; Re(conj(sign(x)) t) if complex; 0 at 0."""
    if x.dtype.kind == "c":
        return real(mul(t, conj(sign(x))))
    return mul(t, sign(x))


abs = elementwise(
    "abs",
    "|x|, real for complex x. The least of a signed integer dtype is its own absolute value.",
    kinds="iufc",
    evaluate=np.absolute,
    jvp=[_jvp_abs],
    transpose=NONLINEAR,
    emit=lambda b, x: b.abs(x),
    samples=(
        *one(),
        *edges(),
        *integer_edges(),
        Sample(
            (Draw((5,), values=(0j, 3 + 4j, -3e30 + 4e30j, 3e-30 - 4e-30j, -1j * float("inf"))),),
            dtypes=COMPLEX,
            smooth=False,
        ),
    ),
    result=real_dtype,
)

square = elementwise(
    "square",
    "x * x; integers wrap.",
    kinds="iufc",
    evaluate=np.square,
    jvp=[lambda t, out, x: mul(t, mul(x, 2))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.square(x),
    samples=(*one(), *edges(), *integer_edges()),
)

reciprocal = elementwise(
    "reciprocal",
    "1 / x.",
    kinds="fc",
    evaluate=np.reciprocal,
    jvp=[lambda t, out, x: mul(t, neg(square(out)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.reciprocal(x),
    samples=(*one(0.5, 3.0), *one(-3.0, -0.5), *edges()),
)


sqrt = elementwise(
    "sqrt",
    "Square root, with the branch cut along the negative real axis if complex.",
    kinds="fc",
    evaluate=np.sqrt,
    jvp=[lambda t, out, x: mul(t, div(full_like(out, 0.5), out))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.sqrt(x),
    samples=(*one(0.1, 9.0), *edges()),
)

rsqrt = elementwise(
    "rsqrt",
    "1 / sqrt(x).",
    kinds="fc",
    evaluate=lambda x: np.reciprocal(np.sqrt(x)),
    jvp=[lambda t, out, x: mul(t, div(mul(out, -0.5), x))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.rsqrt(x),
    samples=(*one(0.5, 9.0), *edges()),
)

cbrt = elementwise(
    "cbrt",
    "Cube root, negative for negative x.",
    kinds="f",
    evaluate=np.cbrt,
    jvp=[lambda t, out, x: mul(t, div(full_like(out, 1 / 3), square(out)))],
    transpose=NONLINEAR,
    emit=lambda b, x: b.cbrt(x),
    samples=(*one(0.5, 9.0), *one(-9.0, -0.5), *edges()),
    dear=True,
)


def _extremum(name: str, doc: str, beats: Op, evaluate: Rule, emit: Rule) -> Op:
    def share(x: Value, y: Value) -> Value:
        """The part of the tangent of x that the result takes: 1, 0, or 1/2 in a tie."""
        tie = select(eq(x, y), full_like(x, 0.5), full_like(x, 0))
        return select(beats(x, y), full_like(x, 1), tie)

    return elementwise(
        name,
        doc,
        kinds="biufc",
        evaluate=evaluate,
        jvp=[
            lambda t, out, x, y: mul(t, share(x, y)),
            lambda t, out, x, y: mul(t, share(y, x)),
        ],
        transpose=NONLINEAR,
        emit=emit,
        samples=(*two(), *edges(2), *integer_edges(2), *bools(2)),
    )


max = _extremum(
    "max",
    "The greater of x and y, nan if either is; complex numbers by real part, then imaginary part.",
    gt,
    np.maximum,
    lambda b, x, y: b.max(x, y),
)
min = _extremum(
    "min",
    "The lesser of x and y, nan if either is; complex numbers by real part, then imaginary part.",
    lt,
    np.minimum,
    lambda b, x, y: b.min(x, y),
)


def _sign_bit(x: Value) -> Value:
    """1 or -1, of zeros too."""
    return copysign(full_like(x, 1), x)


copysign = elementwise(
    "copysign",
    "|x| with the sign bit of y.",
    kinds="f",
    evaluate=np.copysign,
    jvp=[lambda t, out, x, y: mul(t, mul(_sign_bit(x), _sign_bit(y))), None],
    transpose=NONLINEAR,
    emit=lambda b, x, y: b.copysign(x, y),
    samples=(*two(), *edges(2)),
)

nextafter = elementwise(
    "nextafter",
    "The float next to x on the way to y.",
    kinds="f",
    evaluate=np.nextafter,
    jvp=[lambda t, out, x, y: t, None],
    transpose=NONLINEAR,
    emit=lambda b, x, y: b.nextafter(x, y),
    samples=(*two(), *edges(2, extra=(5e-324, 1.7976931348623157e308))),
)
