"""What the functions of `linalg` ask of their operands, in NumPy's words."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from .arithmetic import conjugate
from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    broadcast_shape,
    common_dtype,
    convert,
    inexact,
    strong,
)
from .shapes import broadcast_to, matrix_transpose


def linear_algebra_error(message: str) -> np.linalg.LinAlgError:
    """NumPy's error, with the user's line."""
    return np.linalg.LinAlgError(at_user_line(message))


def as_matrices(a: Any) -> Operand:
    """A stack of matrices, (..., m, n), in a float or complex dtype; integers become float64."""
    x = inexact(strong(as_array_operand(a)))
    if x.ndim < 2:
        raise linear_algebra_error(
            f"{x.ndim}-dimensional array given. Array must be at least two-dimensional"
        )
    return x


def as_square(a: Any) -> Operand:
    """A stack of square matrices, (..., n, n)."""
    x = as_matrices(a)
    if x.shape[-1] != x.shape[-2]:
        raise linear_algebra_error("Last 2 dimensions of the array must be square")
    return x


def in_common_dtype(*operands: Any) -> list[Operand]:
    """The operands in the float or complex dtype at which they meet."""
    found = [strong(as_array_operand(x)) for x in operands]
    dtype = common_dtype(found)
    dtype = dtype if dtype.kind in "fc" else as_dtype("float64")
    return [convert(x, dtype) for x in found]


def stacked_alike(*operands: Operand) -> list[Operand]:
    """Stacks of matrices broadcast against each other."""
    stack = broadcast_shape([x.shape[:-2] for x in operands])
    return [broadcast_to(x, (*stack, *x.shape[-2:])) for x in operands]


def adjoint(x: Operand) -> Operand:
    """Conjugate transpose of each matrix."""
    turned = matrix_transpose(x)
    return conjugate(turned) if x.dtype.kind == "c" else turned


def hermitian_part(x: Operand) -> Operand:
    """(x + x^H) / 2"""
    return apply(ops.mul, apply(ops.add, x, adjoint(x)), 0.5)
