"""Counter-based random bits: the Threefry-2x32 block cipher with 20 rounds.

J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011. A word of 64 bits stands for the two of 32 that the cipher works on, the first of them
in the high bits: keys, counters and results are one number each, and the op is elementwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ..graph import Value
from ..lowering import Elementwise
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample, batch_to_front
from ..types import DTYPES, ArrayType, TypeMismatch

Word = TypeVar("Word")

_PARITY = 0x1BD11BDA
"""The third word of a key is this, xor the other two."""
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
"""Bits that the four rounds of a group rotate by: even groups, odd groups."""
_GROUPS = 5
_BLOCK = 1 << 14
"""Counters that the interpreter enciphers at once: they stay in the first cache."""
_U32, _U64 = DTYPES["u32"], DTYPES["u64"]


def encipher(
    key: tuple[Word, Word],
    counter: tuple[Word, Word],
    add: Callable[[Word, Word], Word],
    xor: Callable[[Word, Word], Word],
    rotate: Callable[[Word, int], Word],
    constant: Callable[[int], Word],
) -> tuple[Word, Word]:
    """The cipher over words of 32 bits, whatever they are; `add` wraps, `rotate` is to the left."""
    schedule = (*key, xor(xor(*key), constant(_PARITY)))
    x, y = add(counter[0], key[0]), add(counter[1], key[1])
    for group in range(_GROUPS):
        for distance in _ROTATIONS[group % 2]:
            x = add(x, y)
            y = xor(rotate(y, distance), x)
        x = add(x, schedule[(group + 1) % 3])
        y = add(y, add(schedule[(group + 2) % 3], constant(group + 1)))
    return x, y


def _halves(words: Any) -> tuple[Any, Any]:
    return (words >> np.uint64(32)).astype(np.uint32), words.astype(np.uint32)


def _rotate(word: Any, distance: int) -> Any:
    return (word << np.uint32(distance)) | (word >> np.uint32(32 - distance))


def _evaluate(key: Any, counter: Any) -> Any:
    key, counter = np.asarray(key), np.asarray(counter)
    keys, counters = key.ravel(), counter.ravel()
    result = np.empty(counters.size, np.uint64)
    for first in range(0, counters.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        high, low = encipher(
            _halves(keys[block]),
            _halves(counters[block]),
            np.add,
            np.bitwise_xor,
            _rotate,
            np.uint32,
        )
        result[block] = (high.astype(np.uint64) << np.uint64(32)) | low
    return result.reshape(counter.shape)


def _emit(b: Any, key: Any, counter: Any) -> Any:
    half = b.constant(_U64, 32)

    def halves(words: Any) -> tuple[Any, Any]:
        return b.convert(b.shift_right_logical(words, half), _U32), b.convert(words, _U32)

    high, low = encipher(
        halves(key),
        halves(counter),
        b.add,
        b.bitwise_xor,
        b.rotate_left,
        lambda number: b.constant(_U32, number),
    )
    return b.bitwise_or(b.shift_left(b.convert(high, _U64), half), b.convert(low, _U64))


def _infer(key: ArrayType, counter: ArrayType) -> ArrayType:
    if key.dtype != _U64 or key != counter:
        raise TypeMismatch(f"threefry2x32: expected operands of one u64 type; got {key}, {counter}")
    return counter


def _batch(size: int, batched: Sequence[bool], key: Value, counter: Value) -> Value:
    return threefry2x32(*batch_to_front(size, batched, (key, counter)))


def _sample(keys: tuple[int, ...], counters: tuple[int, ...], shape: tuple[int, ...]) -> Sample:
    return Sample((Draw(shape, values=keys), Draw(shape, values=counters)), dtypes=("u64",))


threefry2x32 = Op(
    name="threefry2x32",
    doc="Random bits: `counter` enciphered with `key`, both of 64 bits.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=_batch,
    lower=Elementwise(
        lambda b, key, counter: b.outlined("threefry2x32", _emit, key, counter, dtype=_U64),
        dear=True,
    ),
    samples=(
        _sample((0,) * 19, tuple(range(19)), (19,)),
        _sample((0, 2**64 - 1, 42, 2**32), (0, 2**64 - 1, 2**32, 7), (2, 2)),
        _sample((0x13198A2E03707344,), (0x243F6A8885A308D3,), ()),
        _sample((), (), (0,)),
    ),
)
