"""Ops on the bits of integers; and, or, xor and not of bools are the logical ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..lowering import Rule
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, elementwise
from .samples import bools, integer_edges, one, two

_SHIFTS = tuple(
    [
        Sample((Draw((8,), low, 128), Draw((8,), values=(0, 1, 3, 7, 8, 31, 63, 64))), {}, (dtype,))
        for dtype, low in (("i8", -128), ("u8", 0), ("i32", -128), ("u64", 0), ("i64", -128))
    ]
)


def _bitwise(name: str, doc: str, kinds: str, arity: int, evaluate: Rule, emit: Rule) -> Op:
    drawn = one(-100, 100) if arity == 1 else two(-100, 100)
    shifts = _SHIFTS if name.startswith("shift") else ()
    return elementwise(
        name,
        doc,
        kinds=kinds,
        evaluate=evaluate,
        jvp=NO_TANGENT,
        transpose=NONLINEAR,
        emit=emit,
        samples=(
            *drawn,
            *integer_edges(arity),
            *(bools(arity) if "b" in kinds else ()),
            *shifts,
        ),
    )


bitwise_not = _bitwise(
    "bitwise_not", "Every bit of x flipped.", "biu", 1, np.invert, lambda b, x: b.bitwise_not(x)
)
bitwise_and = _bitwise(
    "bitwise_and",
    "The bits that x and y share.",
    "biu",
    2,
    np.bitwise_and,
    lambda b, x, y: b.bitwise_and(x, y),
)
bitwise_or = _bitwise(
    "bitwise_or",
    "The bits of x and of y together.",
    "biu",
    2,
    np.bitwise_or,
    lambda b, x, y: b.bitwise_or(x, y),
)
bitwise_xor = _bitwise(
    "bitwise_xor",
    "The bits in which x and y differ.",
    "biu",
    2,
    np.bitwise_xor,
    lambda b, x, y: b.bitwise_xor(x, y),
)


def _unsigned(x: Any) -> Any:
    """The same bits as unsigned integers."""
    return x.view(f"u{x.dtype.itemsize}")


_BEYOND = "An amount below 0 or of all bits and more"

shift_left = _bitwise(
    "shift_left",
    f"x * 2**y, wrapping. {_BEYOND} gives 0.",
    "iu",
    2,
    np.left_shift,
    lambda b, x, y: b.shift_left(x, y),
)
shift_right_logical = _bitwise(
    "shift_right_logical",
    f"The bits of x moved y places down, zeros moving in. {_BEYOND} gives 0.",
    "iu",
    2,
    lambda x, y: np.right_shift(_unsigned(x), _unsigned(y)).astype(x.dtype),
    lambda b, x, y: b.shift_right_logical(x, y),
)
shift_right_arithmetic = _bitwise(
    "shift_right_arithmetic",
    "floor(x / 2**y): zeros move in, or copies of the sign bit of a negative x. An amount below 0 "
    "or of all bits and more gives 0, or -1 for a negative x.",
    "iu",
    2,
    np.right_shift,
    lambda b, x, y: b.shift_right_arithmetic(x, y),
)


def _clz(x: Any) -> Any:
    bits = _unsigned(x)
    places = 1
    while places < 8 * x.dtype.itemsize:  # fill every place below the leading bit
        bits = bits | (bits >> np.array(places, bits.dtype))
        places *= 2
    return 8 * x.dtype.itemsize - np.bitwise_count(bits)


population_count = _bitwise(
    "population_count",
    "Number of bits that are set (in two's complement), in the dtype of x.",
    "iu",
    1,
    lambda x: np.bitwise_count(_unsigned(x)),
    lambda b, x: b.population_count(x),
)
clz = _bitwise(
    "clz",
    "Number of zero bits above the leading bit that is set, in the dtype of x.",
    "iu",
    1,
    _clz,
    lambda b, x: b.clz(x),
)
