"""The modified Bessel function of order 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import FLOAT64

from .promotion import Operand, as_array_operand, convert, filled, inexact, strong

# Chebyshev coefficients of exp(-x) I0(x) on [0, 8], and of exp(-x) sqrt(x) I0(x) in 32/x - 2 on
# [8, inf), highest degree first. S. L. Moshier, Cephes Mathematical Library, i0.c; relative error
# below 5e-16.
_NEAR = (
    -4.4153416464793395e-18,
    3.3307945188222384e-17,
    -2.431279846547955e-16,
    1.715391285555133e-15,
    -1.1685332877993451e-14,
    7.676185498604936e-14,
    -4.856446783111929e-13,
    2.95505266312964e-12,
    -1.726826291441556e-11,
    9.675809035373237e-11,
    -5.189795601635263e-10,
    2.6598237246823866e-09,
    -1.300025009986248e-08,
    6.046995022541919e-08,
    -2.670793853940612e-07,
    1.1173875391201037e-06,
    -4.4167383584587505e-06,
    1.6448448070728896e-05,
    -5.754195010082104e-05,
    0.00018850288509584165,
    -0.0005763755745385824,
    0.0016394756169413357,
    -0.004324309995050576,
    0.010546460394594998,
    -0.02373741480589947,
    0.04930528423967071,
    -0.09490109704804764,
    0.17162090152220877,
    -0.3046826723431984,
    0.6767952744094761,
)
_FAR = (
    -7.233180487874754e-18,
    -4.830504485944182e-18,
    4.46562142029676e-17,
    3.461222867697461e-17,
    -2.8276239805165836e-16,
    -3.425485619677219e-16,
    1.7725601330565263e-15,
    3.8116806693526224e-15,
    -9.554846698828307e-15,
    -4.150569347287222e-14,
    1.54008621752141e-14,
    3.8527783827421426e-13,
    7.180124451383666e-13,
    -1.7941785315068062e-12,
    -1.3215811840447713e-11,
    -3.1499165279632416e-11,
    1.1889147107846439e-11,
    4.94060238822497e-10,
    3.3962320257083865e-09,
    2.266668990498178e-08,
    2.0489185894690638e-07,
    2.8913705208347567e-06,
    6.889758346916825e-05,
    0.0033691164782556943,
    0.8044904110141088,
)


def _chebyshev(x: Operand, coefficients: Sequence[float]) -> Operand:
    """Clenshaw's recurrence, for x in [-2, 2]."""
    b0, b1, b2 = filled(x, coefficients[0]), filled(x, 0.0), filled(x, 0.0)
    for c in coefficients[1:]:
        b0, b1, b2 = apply(ops.add, apply(ops.sub, apply(ops.mul, x, b0), b1), c), b0, b1
    return apply(ops.mul, apply(ops.sub, b0, b2), 0.5)


def i0(x: Any) -> Any:
    """Modified Bessel function of the first kind, order 0, of real numbers."""
    x = strong(inexact(as_array_operand(x)))
    if x.dtype.kind == "c":
        raise TypeError("i0 not supported for complex values")
    dtype = x.dtype
    size = apply(ops.abs, convert(x, FLOAT64))
    near = apply(ops.le, size, 8.0)
    small = apply(ops.select, near, size, filled(size, 1.0))
    large = apply(ops.select, near, filled(size, 9.0), size)
    inside = _chebyshev(apply(ops.sub, apply(ops.mul, small, 0.5), 2.0), _NEAR)
    outside = _chebyshev(apply(ops.sub, apply(ops.div, filled(large, 32.0), large), 2.0), _FAR)
    outside = apply(ops.mul, outside, apply(ops.rsqrt, large))
    scaled = apply(ops.select, near, inside, outside)
    return convert(apply(ops.mul, apply(ops.exp, size), scaled), dtype)
