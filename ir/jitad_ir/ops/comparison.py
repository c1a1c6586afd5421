"""Comparisons and predicates: bool results, no tangents."""

from __future__ import annotations

import numpy as np

from ..lowering import Rule
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, elementwise, to_bool
from .samples import bools, edges, integer_edges, one, two

_COMPLEX_ORDER = (
    Sample(
        (
            Draw((6,), values=(1 + 1j, 1 + 2j, 1 + 2j, 2 + 0j, 0j, -1 + 5j)),
            Draw((6,), values=(1 + 2j, 1 + 1j, 1 + 2j, 1 + 9j, -0j, -2 + 7j)),
        ),
        dtypes=("c64", "c128"),
        smooth=False,
    ),
)


def _compare(name: str, sign: str, evaluate: Rule, emit: Rule) -> Op:
    return elementwise(
        name,
        f"x {sign} y; False where either is nan{' (then True)' if name == 'ne' else ''}; complex "
        "numbers are ordered by real part, then by imaginary part.",
        kinds="biufc",
        evaluate=evaluate,
        jvp=NO_TANGENT,
        transpose=NONLINEAR,
        emit=emit,
        samples=(*two(), *edges(2), *integer_edges(2), *bools(2), *_COMPLEX_ORDER),
        result=to_bool,
    )


eq = _compare("eq", "==", np.equal, lambda b, x, y: b.eq(x, y))
ne = _compare("ne", "!=", np.not_equal, lambda b, x, y: b.ne(x, y))
lt = _compare("lt", "<", np.less, lambda b, x, y: b.lt(x, y))
le = _compare("le", "<=", np.less_equal, lambda b, x, y: b.le(x, y))
gt = _compare("gt", ">", np.greater, lambda b, x, y: b.gt(x, y))
ge = _compare("ge", ">=", np.greater_equal, lambda b, x, y: b.ge(x, y))

is_finite = elementwise(
    "is_finite",
    "True where x is neither infinite nor nan (in both parts if complex).",
    kinds="fc",
    evaluate=np.isfinite,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    emit=lambda b, x: b.is_finite(x),
    samples=(*one(), *edges()),
    result=to_bool,
)
