"""Index expressions in registers, and reads and writes at them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir as ll

from ..plan.index import Clamp, Counter, Dynamic, Index, Position, Quotient, Remainder
from ..types import BOOL, INT64, DType, real_dtype
from .emitter import Emitter
from .lanes import (
    I32,
    I64,
    PTR,
    Lanes,
    call_intrinsic,
    memory_type,
    splat_constant,
    vector_type,
)
from .loops import integer


def element_pointer(
    builder: ll.IRBuilder, pointer: ll.Value, dtype: DType, offset: int | ll.Value
) -> ll.Value:
    """Pointer to element number `offset`."""
    if isinstance(offset, int):
        if offset == 0:
            return pointer
        offset = integer(offset)
    element: ll.Type = memory_type(dtype)
    if dtype.kind == "c":
        element = ll.ArrayType(element, 2)
    return builder.gep(pointer, [offset], inbounds=True, source_etype=element)


def floor_divide(builder: ll.IRBuilder, value: ll.Value, low: int, divisor: int) -> ll.Value:
    """floor(value / divisor) where value >= low: unsigned division, shifted if low < 0."""
    shift = 0 if low >= 0 else -(low // divisor)
    if shift:
        value = builder.add(value, splat_constant(value.type, shift * divisor))
    quotient = builder.udiv(value, splat_constant(value.type, divisor))
    return builder.sub(quotient, splat_constant(value.type, shift)) if shift else quotient


def atom_value(
    builder: ll.IRBuilder,
    atom: Quotient | Remainder | Clamp,
    inner: ll.Value,
) -> ll.Value:
    """A quotient, remainder or clamped value of an expression in registers."""
    if isinstance(atom, Clamp):
        low = splat_constant(inner.type, atom.low)
        high = splat_constant(inner.type, atom.high)
        raised = call_intrinsic(builder, "llvm.smax", [inner, low])
        return call_intrinsic(builder, "llvm.smin", [raised, high])
    low, _ = atom.index.range
    if isinstance(atom, Quotient):
        return floor_divide(builder, inner, low, atom.divisor)
    if low < 0:
        shift = -(low // atom.divisor) * atom.divisor
        inner = builder.add(inner, splat_constant(inner.type, shift))
    return builder.urem(inner, splat_constant(inner.type, atom.divisor))


def weighted_sum(
    builder: ll.IRBuilder,
    index: Index,
    value_of: Callable[[Any], ll.Value],
    constant: Callable[[int], ll.Value],
) -> ll.Value:
    """offset + sum of coefficient * atom, with `value_of` giving an atom's value."""
    total: ll.Value | None = None
    for atom, c in index.terms:
        value = value_of(atom)
        if c != 1:
            value = builder.mul(value, constant(c))
        total = value if total is None else builder.add(total, value)
    assert total is not None
    return builder.add(total, constant(index.offset)) if index.offset else total


def vector_of(builder: ll.IRBuilder, base: ll.Value, width: int) -> ll.Value:
    """base, base + 1, ... as i64 lanes."""
    if width == 1:
        return base
    lanes = Emitter(builder, width).splat(Lanes(INT64, base)).value
    steps = ll.Constant(ll.VectorType(I64, width), list(range(width)))
    return builder.add(lanes, steps)


def gather(
    b: Emitter, pointer: ll.Value, dtype: DType, offsets: ll.Value, mask: ll.Value | None
) -> Lanes:
    """The elements at a vector of offsets; lanes whose mask is false hold any elements.

    Loaded lane by lane: instructions that gather take as long or longer, since those of Intel do
    not guess ahead any more (up to 3.8 times as long), and have branches for some dtypes.
    """
    builder, part = b.builder, real_dtype(dtype)
    if mask is not None:
        offsets = builder.select(mask, offsets, splat_constant(offsets.type, 0))
    lanes = [ll.Constant(I32, lane) for lane in range(b.width)]
    numbers = [builder.extract_element(offsets, lane) for lane in lanes]
    places = [element_pointer(builder, pointer, dtype, number) for number in numbers]
    if dtype.kind == "c":
        return b.load_pairs(places, dtype)
    register = vector_type(memory_type(part), b.width)
    value: ll.Value = splat_constant(register, 0)
    for place, lane in zip(places, lanes, strict=True):
        element = builder.load(place, align=part.itemsize, typ=register.element)
        value = builder.insert_element(value, element, lane)
    if dtype == BOOL:
        value = builder.icmp_unsigned("!=", value, splat_constant(register, 0))
    return Lanes(dtype, value)


def scatter(b: Emitter, pointer: ll.Value, lanes: Lanes, offsets: ll.Value, mask: ll.Value) -> None:
    """Write the lanes whose mask is true to a vector of offsets, in order of the lanes."""
    part = real_dtype(lanes.dtype)
    values = lanes.value if lanes.dtype.kind == "c" else (lanes.value,)
    places = _pointers(b, pointer, lanes.dtype, offsets)
    for pointers, value in zip(places, values, strict=True):
        register = vector_type(memory_type(part), b.width)
        if lanes.dtype == BOOL:
            value = b.builder.zext(value, register)
        name = f"llvm.masked.scatter.v{b.width}{register.element.intrinsic_name}.v{b.width}p0"
        operands = [value, pointers, ll.Constant(I32, part.itemsize), mask]
        b.builder.call(_declared(b.builder, name, ll.VoidType(), operands), operands)


def _pointers(b: Emitter, pointer: ll.Value, dtype: DType, offsets: ll.Value) -> list[ll.Value]:
    """Addresses of the elements at a vector of offsets; of real and imaginary parts if complex."""
    builder = b.builder
    parts = 2 if dtype.kind == "c" else 1
    itemsize = real_dtype(dtype).itemsize
    addresses = builder.add(
        b.splat(Lanes(INT64, builder.ptrtoint(pointer, I64))).value,
        builder.mul(offsets, splat_constant(offsets.type, itemsize * parts)),
    )
    found: list[ll.Value] = []
    for k in range(parts):
        at = addresses
        if k:
            at = builder.add(at, splat_constant(at.type, itemsize))
        found.append(builder.inttoptr(at, ll.VectorType(PTR, b.width)))
    return found


def masked_load(b: Emitter, pointer: ll.Value, dtype: DType, mask: ll.Value) -> Lanes:
    """The contiguous elements at `pointer`; only lanes whose mask is true are read."""
    if dtype.kind == "c":
        wide, lanes = b.of_width(2 * b.width), range(b.width)
        pairs = b.shuffle(Lanes(BOOL, mask), [lane for lane in lanes for _ in range(2)])
        parts = masked_load(wide, pointer, real_dtype(dtype), pairs.value)
        re, im = (wide.shuffle(parts, [2 * lane + part for lane in lanes]) for part in (0, 1))
        return b.from_parts(dtype, re, im)
    element = memory_type(dtype)
    register = vector_type(element, b.width)
    name = f"llvm.masked.load.v{b.width}{element.intrinsic_name}.p0"
    operands = [pointer, ll.Constant(I32, dtype.itemsize), mask, splat_constant(register, 0)]
    value = b.builder.call(_declared(b.builder, name, register, operands), operands)
    if dtype == BOOL:
        value = b.builder.icmp_unsigned("!=", value, splat_constant(register, 0))
    return Lanes(dtype, value)


def masked_store(b: Emitter, pointer: ll.Value, lanes: Lanes, stride: int, mask: ll.Value) -> None:
    """Write the lanes whose mask is true to `pointer`, `pointer` + stride, ... (in elements)."""
    builder = b.builder
    if b.width == 1:
        with builder.if_then(mask):
            b.store(pointer, lanes)
        return
    if stride != 1 or lanes.dtype.kind == "c":
        offsets = ll.Constant(ll.VectorType(I64, b.width), [stride * k for k in range(b.width)])
        scatter(b, pointer, lanes, offsets, mask)
        return
    register = vector_type(memory_type(lanes.dtype), b.width)
    value = builder.zext(lanes.value, register) if lanes.dtype == BOOL else lanes.value
    name = f"llvm.masked.store.v{b.width}{register.element.intrinsic_name}.p0"
    operands = [value, pointer, ll.Constant(I32, lanes.dtype.itemsize), mask]
    builder.call(_declared(builder, name, ll.VoidType(), operands), operands)


def _declared(
    builder: ll.IRBuilder, name: str, result: ll.Type, operands: list[ll.Value]
) -> ll.Function:
    function = builder.module.globals.get(name)
    if function is None:
        signature = ll.FunctionType(result, [operand.type for operand in operands])
        function = ll.Function(builder.module, signature, name)
    return function


__all__ = [
    "Counter",
    "Dynamic",
    "Position",
    "atom_value",
    "element_pointer",
    "gather",
    "masked_load",
    "masked_store",
    "scatter",
    "vector_of",
    "weighted_sum",
]
