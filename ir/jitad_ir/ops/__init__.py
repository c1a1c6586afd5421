"""Every op of the IR. An op lives in one place: its module here."""

from __future__ import annotations

from .arithmetic import add, div, mul, neg, sub
from .constants import constant, full, iota
from .reduce import reduce_sum
from .shape import broadcast, reshape, transpose

__all__ = [
    "add",
    "broadcast",
    "constant",
    "div",
    "full",
    "iota",
    "mul",
    "neg",
    "reduce_sum",
    "reshape",
    "sub",
    "transpose",
]
