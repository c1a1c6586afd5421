"""The Moore-Penrose inverse of stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..op import NONLINEAR, NOT_LOWERED, Draw, Op, PerOperand, Sample
from ..types import ArrayType, TypeMismatch, real_dtype
from .arithmetic import add, mul, reciprocal, sub
from .comparison import gt
from .constants import full_like
from .lu import well_conditioned
from .matrices import (
    adjoint,
    matmul,
    over_leading_axis,
    require_matrices,
    rows_of,
    scale_columns,
)
from .samples import FLOATS
from .selection import select
from .shape import broadcast
from .slicing import part
from .svd import svd


def _infer_pinv(a: ArrayType, rtol: ArrayType) -> ArrayType:
    require_matrices("pinv", a)
    *stack, m, n = a.shape
    expected = ArrayType(real_dtype(a.dtype), tuple(stack))
    if rtol != expected:
        raise TypeMismatch(f"pinv: expected rtol of type {expected!r}; got {rtol!r}")
    return a.with_shape((*stack, n, m))


def _evaluate_pinv(a: Any, rtol: Any) -> Any:
    if a.size == 0:
        return np.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
    u, s, vh = svd.evaluate(a, full_matrices=False, compute_uv=True)
    large = s > np.expand_dims(rtol, -1) * s[..., :1]
    inverse = np.where(large | np.isnan(s), 1 / np.where(large, s, 1) * np.sign(s), 0)
    v = np.swapaxes(vh.conj(), -1, -2)
    return (v * inverse[..., None, :]) @ np.swapaxes(u.conj(), -1, -2)


def _expand_pinv(a: Value, rtol: Value, regions: tuple[()] = ()) -> Value:
    """V S^-1 U^H, with 0 for 1/s where s <= rtol max(s)."""
    if min(a.shape[-2:]) == 0:
        return full_like(adjoint(a), 0)
    u, s, vh = svd(a, full_matrices=False, compute_uv=True)
    greatest = part(s, s.ndim - 1, 0, 1)
    greatest = broadcast(greatest, shape=s.shape, dims=tuple(range(s.ndim)))
    cutoff = mul(greatest, rows_of(rtol, s.shape))
    zero, one = full_like(s, 0), full_like(s, 1)
    is_large = gt(s, cutoff)
    inverse = select(is_large, reciprocal(select(is_large, s, one)), mul(s, zero))
    return matmul(scale_columns(adjoint(vh), inverse), adjoint(u))


def _jvp_pinv(t: Value, out: Value, a: Value, rtol: Value) -> Value:
    """P' = -P A' P + P P^H A'^H (I - A P) + (I - P A) A'^H P^H P, at constant rank (G. H. Golub and
    V. Pereyra, The differentiation of pseudo-inverses and nonlinear least squares problems whose
    variables separate, SIAM J. Numer. Anal. 10, 1973). No gap between singular values is needed."""
    t_adjoint, p_adjoint = adjoint(t), adjoint(out)
    direct = matmul(out, matmul(t, out))
    above = matmul(out, matmul(p_adjoint, t_adjoint))
    beside = matmul(matmul(t_adjoint, p_adjoint), out)
    above = sub(above, matmul(matmul(above, a), out))
    beside = sub(beside, matmul(out, matmul(a, beside)))
    return sub(add(above, beside), direct)


def _sample(m: int, n: int, *stack: int) -> Sample:
    tolerance = Draw(stack, values=(1e-6,) * math.prod(stack))
    return Sample((well_conditioned(m, n, stack), tolerance), {}, FLOATS)


def _complex_sample(m: int, n: int, precision: str, of_real: str) -> Sample:
    tolerance = Draw((), dtype=of_real, values=(1e-6,))
    return Sample((well_conditioned(m, n, imaginary=True), tolerance), {}, (precision,))


pinv = Op(
    name="pinv",
    doc="Moore-Penrose inverse of a: V diag(1/s) U^H for a = U diag(s) V^H, where singular values "
    "up to rtol times the greatest count as zero.",
    infer=_infer_pinv,
    evaluate=_evaluate_pinv,
    jvp=PerOperand((_jvp_pinv, None)),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a, rtol: pinv(a, rtol)),
    lower=NOT_LOWERED,
    expand=_expand_pinv,
    samples=(
        _sample(3, 3),
        _sample(4, 2, 2),
        _sample(2, 4),
        _complex_sample(3, 2, "c64", "f32"),
        _complex_sample(2, 3, "c128", "f64"),
        Sample(
            (
                Draw((4, 3), values=(1.0, 2.0, 3.0, 2.0, 4.0, 6.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0)),
                Draw((), values=(1e-6,)),
            ),
            {},
            FLOATS,
            smooth=False,
        ),
        Sample((Draw((2, 0, 3)), Draw((2,))), {}, FLOATS),
    ),
)
