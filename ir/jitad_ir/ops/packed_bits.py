"""Bools as the bits of bytes, eight in each."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..lowering import Routine
from ..op import NO_TANGENT, NONLINEAR, Draw, Op, Sample
from ..types import BOOL, DTYPES, ArrayType, TypeMismatch
from .sort_keys import Row
from .vector_loops import affine

BYTE = DTYPES["u8"]

WORD = 64
"""Bits that are packed or unpacked at once."""


def _infer_pack(x: ArrayType, *, big: bool) -> ArrayType:
    if x.dtype != BOOL or x.ndim == 0 or x.shape[-1] % 8:
        raise TypeMismatch(f"pack_bits: expected rows of bools, a multiple of 8; got {x!r}")
    return ArrayType(BYTE, (*x.shape[:-1], x.shape[-1] // 8))


def _infer_unpack(x: ArrayType, *, big: bool) -> ArrayType:
    if x.dtype != BYTE or x.ndim == 0:
        raise TypeMismatch(f"unpack_bits: expected rows of uint8; got {x!r}")
    return x.with_shape((*x.shape[:-1], 8 * x.shape[-1]))


def _order(big: bool) -> Any:
    return "big" if big else "little"


def _in_order(r: Any, word: Any, big: bool) -> Any:
    """The word (i64), with the bits of each byte the other way round if the first is the highest:
    all bits the other way round, and then the bytes."""
    if not big:
        return word
    reversed_bits = r.b.intrinsic("llvm.bitreverse", r.number(word))
    return r.b.intrinsic("llvm.bswap", reversed_bits).value


def _emit_pack(r: Any, x: Any, results: Any, *, big: bool) -> None:
    """Words, whose bits are the results of one comparison, then bytes."""
    (out,) = results
    flags, packed = Row(r, BOOL, x.pointer), Row(r, BYTE, out.pointer)
    words, count = x.type.size // WORD, x.type.size // 8
    eight, many = r.simd(8), r.simd(WORD)
    none = eight.constant(BYTE, 0)

    def pack_word(i: Any) -> None:
        word = _in_order(r, many.bits(flags.load(many, affine(r, 0, (i, WORD)))), big)
        value = r.builder.bitcast(word, eight.register_type(BYTE))
        packed.store(eight, affine(r, 0, (i, 8)), none._replace(value=value))

    def pack_byte(i: Any) -> None:
        word = _in_order(r, eight.bits(flags.load(eight, affine(r, 0, (i, 8)))), big)
        packed.store(r.b, i, r.b.convert(r.number(word), BYTE))

    r.loop(words, pack_word)
    r.loop(count, pack_byte, start=8 * words)


def _emit_unpack(r: Any, x: Any, results: Any, *, big: bool) -> None:
    """Words, whose bits are bools, then bytes."""
    (out,) = results
    packed, flags = Row(r, BYTE, x.pointer), Row(r, BYTE, out.pointer)
    words, count = out.type.size // WORD, x.type.size
    eight, many = r.simd(8), r.simd(WORD)
    i64 = r.integer(0).type

    def put(e: Any, bits: Any, first: Any) -> None:
        none = e.constant(BOOL, False)
        bools = none._replace(value=r.builder.bitcast(bits, e.register_type(BOOL)))
        flags.store(e, first, e.convert(bools, BYTE))

    def unpack_word(i: Any) -> None:
        word = r.builder.bitcast(packed.load(eight, affine(r, 0, (i, 8))).value, i64)
        put(many, _in_order(r, word, big), affine(r, 0, (i, WORD)))

    def unpack_byte(i: Any) -> None:
        word = _in_order(r, r.builder.zext(packed.load(r.b, i).value, i64), big)
        put(eight, r.builder.trunc(word, r.b.register_type(BYTE)), affine(r, 0, (i, 8)))

    r.loop(words, unpack_word)
    r.loop(count, unpack_byte, start=8 * words)


def _draws(dtype: str, shape: tuple[int, ...]) -> tuple[Sample, ...]:
    size = int(np.prod(shape))
    values = tuple(float(i * i % 7 < 3) if dtype == "bool" else i * 37 % 256 for i in range(size))
    draw = Draw(shape, dtype=dtype, values=values)
    return tuple(Sample((draw,), {"big": big}, smooth=False) for big in (True, False))


pack_bits = Op(
    name="pack_bits",
    doc="Eight bools along the last axis as the bits of a uint8: the first is the highest if "
    "`big`, else the lowest.",
    infer=_infer_pack,
    evaluate=lambda x, *, big: np.packbits(x, axis=-1, bitorder=_order(big)),
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, big: pack_bits(x, big=big),
    lower=Routine(_emit_pack),
    samples=(
        *_draws("bool", (8,)),
        *_draws("bool", (3, 24)),
        *_draws("bool", (200,)),
        *_draws("bool", (0, 16)),
        *_draws("bool", (2, 0)),
    ),
)

unpack_bits = Op(
    name="unpack_bits",
    doc="The bits of each uint8 along the last axis, 0 or 1 as uint8: the highest first if `big`, "
    "else the lowest.",
    infer=_infer_unpack,
    evaluate=lambda x, *, big: np.unpackbits(x, axis=-1, bitorder=_order(big)),
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, big: unpack_bits(x, big=big),
    lower=Routine(_emit_unpack),
    samples=(
        *_draws("u8", (1,)),
        *_draws("u8", (3, 5)),
        *_draws("u8", (30,)),
        *_draws("u8", (0, 2)),
        *_draws("u8", (2, 0)),
    ),
)
