"""Operations on the bits of integers."""

from __future__ import annotations

from typing import Any

from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import DTYPES

from .elementwise import binary, composed, unary
from .promotion import Operand, convert


@binary(ops.bitwise_and, "biu")
def bitwise_and(x: Any, y: Any, /) -> Any:
    """The bits that `x` and `y` share, the operator `&`.

    The operands broadcast; bools or integers, in the dtype at which theirs meet. Raises TypeError
    for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.bitwise_and(jnp.array([6, 5]), 3)
    Array([2, 1])
    """


@binary(ops.bitwise_or, "biu")
def bitwise_or(x: Any, y: Any, /) -> Any:
    """The bits of `x` and of `y` together, the operator `|`.

    The operands broadcast; bools or integers, in the dtype at which theirs meet. Raises TypeError
    for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.bitwise_or(jnp.array([6, 5]), 3)
    Array([7, 7])
    """


@binary(ops.bitwise_xor, "biu")
def bitwise_xor(x: Any, y: Any, /) -> Any:
    """The bits in which `x` and `y` differ, the operator `^`.

    The operands broadcast; bools or integers, in the dtype at which theirs meet. Raises TypeError
    for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.bitwise_xor(jnp.array([6, 5]), 3)
    Array([5, 6])
    """


@unary(ops.bitwise_not, "biu")
def invert(x: Any, /) -> Any:
    """Every bit of `x` flipped, the operator `~`: -x - 1 of signed integers, "not" of bools.

    Any shape; bools or integers. Raises TypeError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.invert(jnp.array([0, 5]))
    Array([-1, -6])
    >>> jnp.invert(jnp.array([True, False]))
    Array([False,  True])
    """


bitwise_not = bitwise_invert = invert


@binary(ops.shift_left, "iu")
def left_shift(x: Any, y: Any, /) -> Any:
    """x * 2**y, the operator `<<`; bits shifted out are lost.

    The operands broadcast; integers, in the dtype at which theirs meet. An amount below 0, or of
    all bits and more, gives 0. Raises TypeError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.left_shift(jnp.array([1, 3]), 4)
    Array([16, 48])
    """


bitwise_left_shift = left_shift


def _right_shift_unsigned(x: Operand, y: Operand) -> Operand:
    return apply(ops.shift_right_logical, x, y)


@binary(ops.shift_right_arithmetic, "i", _right_shift_unsigned)
def right_shift(x: Any, y: Any, /) -> Any:
    """floor(x / 2**y), the operator `>>`: copies of the sign bit move in.

    The operands broadcast; integers, in the dtype at which theirs meet. An amount below 0, or of
    all bits and more, gives 0, or -1 of negative `x`. Raises TypeError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.right_shift(jnp.array([16, -5]), 1)
    Array([ 8, -3])
    """


bitwise_right_shift = right_shift


@composed
def bitwise_count(x: Any, /) -> Any:
    """Number of bits set in |x|, uint8.

    Any shape; bools or integers. Raises TypeError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.bitwise_count(jnp.array([7, -8]))
    Array([3, 1], dtype=uint8)
    """
    bits = apply(ops.abs, x) if x.dtype.kind == "i" else x
    return convert(apply(ops.population_count, bits), DTYPES["u8"])
