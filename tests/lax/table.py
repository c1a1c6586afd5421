"""All cases: importing a module of cases fills the table."""

from __future__ import annotations

from . import (
    cases_arrays,
    cases_bits,
    cases_elementwise,
    cases_indexing,
    cases_linalg,
    cases_random,
    cases_solving,
)
from .cases import CASES

__all__ = [
    "CASES",
    "cases_arrays",
    "cases_bits",
    "cases_elementwise",
    "cases_indexing",
    "cases_linalg",
    "cases_random",
    "cases_solving",
]
