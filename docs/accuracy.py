"""How exact the mathematical functions are: writes docs/accuracy.md.

    python docs/accuracy.py

Points, exact values and bounds are those of tests/native/test_math_accuracy.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "ir")]

import mpmath  # noqa: E402
import numpy as np  # noqa: E402

from tests.native import test_math_accuracy as measured  # noqa: E402
from tests.native.lane_runner import LaneRunner  # noqa: E402

PAGE = ROOT / "docs" / "accuracy.md"
OPENING = """\
# Accuracy

The greatest errors of the mathematical functions of compiled programs, in units in the last place
of the exact result, against mpmath, and those of NumPy and SciPy at the same points. The points are
dense over the interesting range, uniform in the logarithm over the whole range, random bit
patterns, the edge of the subnormals, and known hard cases (arguments next to multiples of pi/2,
thresholds of overflow). Results are the same for every width of SIMD. The bound is what the tests
demand; they also compare infinities, nan and signed zeros.

This page is written by `python docs/accuracy.py`.

| function | bound | float64 | NumPy | float32 | NumPy |
|:--|--:|--:|--:|--:|--:|
"""


class Row(NamedTuple):
    """One function: its bound, and for float64 and float32 our greatest error and NumPy's."""

    name: str
    bound: float
    errors: tuple[float, ...]

    def __str__(self) -> str:
        cells = [self.name, f"{self.bound:.3g}", *[_cell(error) for error in self.errors]]
        return f"| {' | '.join(cells)} |"


def _cell(error: float) -> str:
    return f"{error:.2f}" if error < 100 else f"{error:.1e}"


def rows() -> Iterator[Row]:
    """The table, measured."""
    for name, case in measured.CASES.items():
        errors: list[float] = []
        for dtype in measured.FLOATS:
            x, exact = measured.reference(name, dtype)
            errors += _worst(name, case.special, exact, x)
        yield Row(name, case.ulp, tuple(errors))
    for name, (exact_pair, special, draw, bound) in measured.BINARY.items():
        errors = []
        for dtype in measured.FLOATS:
            x, y = draw(dtype)
            pairs = zip(x.tolist(), y.tolist(), strict=True)
            with mpmath.mp.workprec(200):
                exact = [exact_pair(mpmath.mpf(a), mpmath.mpf(b)) for a, b in pairs]
            errors += _worst(name, special, exact, x, y)
        yield Row(name, bound, tuple(errors))


def _worst(
    name: str, special: Callable[..., np.ndarray], exact: list, *operands: np.ndarray
) -> tuple[float, float]:
    """Greatest error of ours and of NumPy's."""
    dtypes = [x.dtype for x in operands]
    ours = LaneRunner(lambda e, *lanes: getattr(e, name)(*lanes), dtypes, 4)(*operands)
    with np.errstate(all="ignore"):
        theirs = special(*operands)
    return max(measured.ulp_errors(ours, exact)), max(measured.ulp_errors(theirs, exact))


if __name__ == "__main__":
    PAGE.write_text(OPENING + "\n".join(map(str, rows())) + "\n", encoding="utf-8")
