"""Rounding to integers of the same float dtype. Piecewise constant: no tangents."""

from __future__ import annotations

import numpy as np

from ..lowering import Rule
from ..op import NO_TANGENT, NONLINEAR, Op, elementwise
from .samples import edges, one


def _rounding(name: str, doc: str, evaluate: Rule, emit: Rule) -> Op:
    return elementwise(
        name,
        doc,
        kinds="f",
        evaluate=evaluate,
        jvp=NO_TANGENT,
        transpose=NONLINEAR,
        emit=emit,
        samples=(*one(), *edges(extra=(1.5, 2.0**52 + 1, -(2.0**23) - 0.5))),
    )


floor = _rounding("floor", "The largest integer <= x.", np.floor, lambda b, x: b.floor(x))
ceil = _rounding("ceil", "The smallest integer >= x.", np.ceil, lambda b, x: b.ceil(x))
round = _rounding(
    "round", "The nearest integer, the even one if halfway.", np.rint, lambda b, x: b.round(x)
)
trunc = _rounding("trunc", "x without its fraction.", np.trunc, lambda b, x: b.trunc(x))
