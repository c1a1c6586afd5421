"""How two arrays are compared, and what rounding may do between two ways to one result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from jitad_ir.lowering import Elementwise, Pull

from .cases import Case


def differ(
    what: str, got: Any, expected: Any, tolerance: float, least: float = 1.0
) -> Iterator[str]:
    """A sentence if some element of `got` is off by more than tolerance * (least + |expected|).
    Infinities and nans must be where they are expected."""
    got, expected = np.atleast_1d(got), np.atleast_1d(expected)
    if got.shape != expected.shape:
        yield f"{what} has shape {got.shape}, expected {expected.shape}"
        return
    wrong = got != expected
    if got.dtype.kind in "fc":
        smallest = float(np.finfo(expected.dtype).smallest_subnormal) if tolerance else 0.0
        with np.errstate(all="ignore"):
            bound = tolerance * (least + np.abs(expected)) + smallest
            close = np.isfinite(got) & (np.abs(got - expected) <= bound)
        wrong &= ~(close | (np.isnan(got) & np.isnan(expected)))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        yield f"{what} is {got[at]!r} at {at}, expected {expected[at]!r}"


_ABSOLUTE = {"lgamma": 1.0, "digamma": 1.0, "polygamma": 1.0}
"""Ops with zeros at irrational points, near which the relative error is not small."""


def rounding(case: Case, expected: np.ndarray) -> tuple[float, float]:
    """How far two ways of computing an op may lie apart, as (relative, of how much it is at least).

    Exact for integers, bools and what only moves elements; 8 ulp for elementwise functions; for
    sums, whose order differs, 16 ulp of what the operands' elements may add up to at random.
    """
    if expected.dtype.kind not in "fc" or isinstance(case.op.lower, Pull):
        return 0.0, 0.0
    eps = float(np.finfo(expected.dtype).eps)
    if isinstance(case.op.lower, Elementwise):
        return 8 * eps, _ABSOLUTE.get(case.op.name, 0.0)
    terms = [largest(a) * np.sqrt(a.size) for a in case.operands if a.dtype.kind in "fc"]
    return 16 * eps, max(largest(expected), *terms)


def largest(array: np.ndarray) -> float:
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max()) if finite.size else 0.0
