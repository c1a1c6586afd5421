"""All cases: importing a module of cases fills the table."""

from __future__ import annotations

from . import cases_arrays, cases_elementwise, cases_indexing
from .cases import CASES

__all__ = ["CASES", "cases_arrays", "cases_elementwise", "cases_indexing"]
