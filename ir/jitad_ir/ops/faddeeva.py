"""Faddeeva's function, the error function of complex argument scaled, by SciPy's C function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import NONLINEAR, Draw, Op, PerOperand, Sample, same_types
from ..types import COMPLEX128
from .arithmetic import mul, sub
from .constants import full_like
from .samples import COMPLEX, one


def _evaluate_wofz(z: Any) -> Any:
    import scipy.special  # noqa: PLC0415  (0.1 s: only programs that need it pay)

    return np.asarray(scipy.special.wofz(z)).astype(z.dtype)


def _emit_wofz(r: Any, z: Any, results: Any) -> None:
    (result,) = results

    def body(index: Any) -> None:
        value = r.call_complex("special:wofz", r.b.convert(r.load(z, index), COMPLEX128))
        r.store(result, index, r.b.convert(value, result.type.dtype))

    r.loops(result.type.shape, body)


def _jvp_wofz(t: Value, out: Value, z: Value) -> Value:
    """2 i / sqrt(pi) - 2 z w(z). DLMF 7.10.2."""
    return mul(t, sub(full_like(z, 2j / math.sqrt(math.pi)), mul(mul(z, out), 2.0)))


wofz = Op(
    name="wofz",
    doc="Faddeeva's function exp(-z**2) erfc(-i z) of complex z.",
    infer=lambda z: same_types("wofz", (z,), "c"),
    evaluate=_evaluate_wofz,
    jvp=PerOperand((_jvp_wofz,)),
    transpose=NONLINEAR,
    batch=lambda size, batched, z: wofz(z),
    lower=Routine(_emit_wofz),
    samples=(
        *[Sample(s.operands, s.params) for s in one(-2.0, 2.0)],
        Sample(
            (Draw((5,), values=(0j, 1e3 + 0j, -1e3j * 0, 20j, complex("nan"))),), {}, COMPLEX, False
        ),
    ),
)
