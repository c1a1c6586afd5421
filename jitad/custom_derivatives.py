"""Functions with derivative rules of their own."""

from __future__ import annotations

from .transforms.custom_gradient import custom_gradient, linear_call
from .transforms.custom_jvp import custom_jvp
from .transforms.custom_vjp import custom_vjp
from .transforms.inspection import closure_convert
from .transforms.rules import (
    CustomVJPPrimal,
    SymbolicZero,
    custom_vjp_primal_tree_values,
    zero_from_primal,
)

__all__ = [
    "CustomVJPPrimal",
    "SymbolicZero",
    "closure_convert",
    "custom_gradient",
    "custom_jvp",
    "custom_vjp",
    "custom_vjp_primal_tree_values",
    "linear_call",
    "zero_from_primal",
]
__dir__ = __all__.copy
