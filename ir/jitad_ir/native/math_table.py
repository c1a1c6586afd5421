"""Constant tables of floats, looked up by an index in each lane.

AVX-512 holds a small table in one or two registers and takes its elements by a permutation of
lanes: one instruction for 16 elements of float32 or 8 of float64, where a gather loads one after
the other. AVX2 does so for 8 elements of float32, which are chosen from the parts of a greater
table. Elsewhere the table lies in memory. The values are the same.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from llvmlite import ir as ll

from ..processor import permuted_bits
from .lanes import (
    F32,
    I1,
    I32,
    I64,
    Poison,
    intrinsic_suffix,
    lane_numbers,
    splat_constant,
    vector_type,
)
from .math_kernel import BINARY32, Bits, Kernel, Real


class Table(NamedTuple):
    """Numbers of the kernel's format, as many as a power of two; the name tells the table from
    others of a module."""

    name: str
    values: tuple[float, ...]


class Numbers(ll.Constant):
    """A vector or an array of floats, without an object for each: those of a power are a tenth of
    the time to emit it."""

    def __init__(self, type: ll.Type, values: tuple[float, ...]) -> None:
        self.type = type
        self.constant = values

    def _get_reference(self) -> str:
        element = self.type.element
        # LLVM spells a float32 as the float64 that it is.
        rounded = np.array(self.constant, "f" if element is F32 else "d")
        words = rounded.astype("d").view("u8").tolist()
        text = ", ".join([f"{element} 0x{word:016X}" for word in words])
        return f"<{text}>" if isinstance(self.type, ll.VectorType) else f"[{text}]"


@functools.lru_cache(maxsize=256)
def numbers(type: ll.Type, values: tuple[float, ...]) -> ll.Constant:
    """The constant; one for all modules, as it keeps its text."""
    return Numbers(type, values)


def host_permutes() -> bool:
    """True if the CPU at hand has the permutations of AVX-512."""
    return permuted_bits() == 512


def look_up(k: Kernel, table: Table, index: Bits) -> Real:
    """In each lane the element whose number is in the low bits of `index`: as many bits as the
    table needs, whatever the others are. Tables of up to 32 numbers of float32 and 16 of float64
    are quick with AVX-512, in vectors of at least 32 bytes."""
    bits = permuted_bits()
    lanes = bits // k.format.bits
    longest = {512: 2 * lanes, 256: 32 if k.format is BINARY32 else 0, 0: 0}[bits]
    # Code without fma may be for another CPU than this one. Of two lanes of float64, LLVM 22 looks
    # at the index of the first alone.
    if 2 * k.width >= lanes and k.has_fma and len(table.values) <= longest:
        return Real(k, _in_registers(k, table, index.value, lanes))
    array = constant_array(k.builder.module, table.name, k.format.register, table.values)
    return gather(k, array, index & (len(table.values) - 1))


def _in_registers(k: Kernel, table: Table, index: ll.Value, lanes: int) -> ll.Value:
    """By permutations of `lanes` elements, of which a narrower vector takes the first."""
    if k.width < lanes:
        index = _lanes_of(k, [index], lanes)
    parts = [
        _permutation(k, table, _lanes_of(k, [index], lanes, first))
        for first in range(0, k.width, lanes)
    ]
    while len(parts) > 1:
        width = 2 * parts[0].type.count
        parts = [_lanes_of(k, parts[i : i + 2], width) for i in range(0, len(parts), 2)]
    return _lanes_of(k, parts, k.width)


def _lanes_of(k: Kernel, registers: Sequence[ll.Value], count: int, first: int = 0) -> ll.Value:
    """So many lanes of one register or of two in a row; those beyond are any."""
    one, other = registers[0], registers[-1]
    width: int = one.type.count
    if count == width and len(registers) == 1:
        return one
    order = tuple(min(first + lane, len(registers) * width - 1) for lane in range(count))
    return k.builder.shuffle_vector(one, other, lane_numbers(order))


def _permutation(k: Kernel, table: Table, index: ll.Value) -> ll.Value:
    """Of one whole register."""
    lanes: int = index.type.count
    register = ll.VectorType(k.format.register, lanes)
    # The permutation looks at more bits of the index than a shorter table needs.
    values = table.values * -(-lanes // len(table.values))
    parts = [numbers(register, values[i : i + lanes]) for i in range(0, len(values), lanes)]
    if lanes * k.format.bits == 256:
        return _chosen(
            k, [_call(k, "llvm.x86.avx2.permps", [part, index]) for part in parts], index
        )
    single = k.format is BINARY32
    if len(parts) == 1:
        name, operands = f"permvar.{'sf' if single else 'df'}.512", [parts[0], index]
    else:
        name, operands = f"vpermi2var.{'ps' if single else 'pd'}.512", [parts[0], index, parts[1]]
    return _call(k, f"llvm.x86.avx512.{name}", operands)


def _chosen(k: Kernel, parts: list[ll.Value], index: ll.Value) -> ll.Value:
    """In each lane that of the part of which the number is in the bits of the index from that on
    which tells the parts apart: one by one, as the sign of an integer."""
    builder, bit = k.builder, (index.type.count - 1).bit_length()
    while len(parts) > 1:
        shifted = builder.shl(index, splat_constant(index.type, k.format.bits - 1 - bit))
        is_odd = builder.icmp_signed("<", shifted, splat_constant(index.type, 0))
        parts = [builder.select(is_odd, parts[i + 1], parts[i]) for i in range(0, len(parts), 2)]
        bit += 1
    return parts[0]


def gather(k: Kernel, array: ll.GlobalVariable, index: Bits) -> Real:
    """In each lane the element of an array in memory with the number `index`."""
    builder = k.builder
    shift = {32: 2, 64: 3}[k.format.bits]
    addresses = vector_type(I64, k.width)
    offset = builder.shl(builder.zext(index.value, addresses), splat_constant(addresses, shift))
    base = builder.ptrtoint(array, I64)
    if k.width == 1:
        pointer = builder.inttoptr(builder.add(base, offset), ll.PointerType())
        return Real(k, builder.load(pointer, align=k.format.bits // 8, typ=k.format.register))
    first = builder.insert_element(Poison(addresses), base, ll.Constant(I32, 0))
    order = lane_numbers((0,) * k.width)
    bases = builder.shuffle_vector(first, Poison(addresses), order)
    pointers = ll.VectorType(ll.PointerType(), k.width)
    operands = [
        builder.inttoptr(builder.add(bases, offset), pointers),
        ll.Constant(I32, k.format.bits // 8),
        splat_constant(ll.VectorType(I1, k.width), 1),
        k.value(0.0),
    ]
    name = f"llvm.masked.gather.{intrinsic_suffix(k.register)}.v{k.width}p0"
    return Real(k, _call(k, name, operands, k.register))


def _call(
    k: Kernel, name: str, operands: list[ll.Value], result: ll.Type | None = None
) -> ll.Value:
    """An intrinsic by its full name; its result is as the first operand, unless said."""
    module = k.builder.module
    function = module.globals.get(name)
    if function is None:
        types = [operand.type for operand in operands]
        function = ll.Function(module, ll.FunctionType(result or types[0], types), name)
    return k.builder.call(function, operands)


def constant_array(
    module: ll.Module, name: str, element: ll.Type, values: Sequence[float]
) -> ll.GlobalVariable:
    """An array that is in the module once for each name and type of elements."""
    full_name = f"jitad.{name}.{intrinsic_suffix(element)}"
    array = module.globals.get(full_name)
    if array is None:
        type = ll.ArrayType(element, len(values))
        array = ll.GlobalVariable(module, type, full_name)
        array.initializer = numbers(type, tuple(values))
        array.linkage = "internal"
        array.global_constant = True
        array.align = 8
    return array
