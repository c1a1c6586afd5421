"""Values in registers: one element, or one SIMD vector of elements, with its NumPy dtype."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir as ll

from ..processor import multiplies_and_adds
from ..types import BOOL, FLOAT16, FLOAT32, FLOAT64, DType, real_dtype, short_name

I1, I8, I16, I32, I64 = map(ll.IntType, (1, 8, 16, 32, 64))
F32, F64 = ll.FloatType(), ll.DoubleType()
PTR = ll.PointerType()
VOID = ll.VoidType()


class Lanes(NamedTuple):
    """One element, or one SIMD vector of elements, in registers.

    `value` is an LLVM value of the dtype's register type (bool is i1), a vector of them if the
    emitter's width is more than 1; a complex value is the pair (real, imaginary) of such values.
    """

    dtype: DType
    value: Any


@functools.cache
def element_type(dtype: DType) -> ll.Type:
    """Register type of one element; of one of the two parts if `dtype` is complex. A float16 is its
    16 bits, which code moves about; only conversions know what they mean (see `half`)."""
    dtype = real_dtype(dtype)
    if dtype == BOOL:
        return I1
    if dtype == FLOAT32:
        return F32
    if dtype == FLOAT64:
        return F64
    if dtype.kind not in "iu" and dtype != FLOAT16:
        raise TypeError(f"expected a dtype of the IR; got {short_name(dtype)}")
    return ll.IntType(8 * dtype.itemsize)


@functools.cache
def memory_type(dtype: DType) -> ll.Type:
    """Type in memory of one element, or of one of the two parts if `dtype` is complex."""
    return I8 if dtype == BOOL else element_type(dtype)


@functools.cache
def vector_type(element: ll.Type, width: int) -> ll.Type:
    """Register type of `width` elements."""
    return element if width == 1 else ll.VectorType(element, width)


class Splat(ll.Constant):
    """A vector constant with one element in each lane, in LLVM's short `splat` notation."""

    def __init__(self, type: ll.VectorType, element: ll.Constant) -> None:
        self.type = type
        self.constant = (element,) * type.count
        self.element = element

    def _get_reference(self) -> str:
        return f"splat ({self.element.type} {self.element.get_reference()})"


def splat_constant(type: ll.Type, number: Any) -> ll.Constant:
    """The constant with `number` in each element."""
    if not isinstance(type, ll.VectorType):
        return ll.Constant(type, number)
    return Splat(type, ll.Constant(type.element, number))


def intrinsic_suffix(type: ll.Type) -> str:
    """How LLVM spells `type` in the names of overloaded intrinsics: v4f64, i32."""
    if isinstance(type, ll.VectorType):
        return f"v{type.count}{type.element.intrinsic_name}"
    return type.intrinsic_name


def call_intrinsic(
    builder: ll.IRBuilder,
    name: str,
    operands: list[ll.Value],
    result: ll.Type | None = None,
    overloads: tuple[ll.Type, ...] | None = None,
) -> ll.Value:
    """Call the LLVM intrinsic `name`, overloaded on `overloads` (default: the first operand's
    type); `result` is its result type (default: the first operand's)."""
    if overloads is None:
        overloads = (operands[0].type,)
    full_name = ".".join((name, *map(intrinsic_suffix, overloads)))
    module = builder.module
    function = module.globals.get(full_name)
    if function is None:
        signature = ll.FunctionType(result or operands[0].type, [v.type for v in operands])
        function = ll.Function(module, signature, full_name)
    return builder.call(function, operands)


class Poison(ll.Constant):
    """The vector of which no lane is looked at, in LLVM's short notation."""

    def __init__(self, type: ll.Type) -> None:
        self.type = type
        self.constant = ll.Undefined

    def _get_reference(self) -> str:
        return "poison"


@functools.cache
def _lane_number(lane: int) -> ll.Constant:
    return ll.Constant(I32, lane)


class LaneNumbers(ll.Constant):
    """A vector of numbers of lanes, which needs no constants of its own."""

    def __init__(self, order: tuple[int, ...]) -> None:
        self.type = ll.VectorType(I32, len(order))
        self.constant = [_lane_number(lane) for lane in order]
        self._order = order

    def _get_reference(self) -> str:
        return f"<{', '.join([f'i32 {lane}' for lane in self._order])}>"


class LaneEmitter:
    """What the parts of the Emitter share: builder, width, types and constants."""

    def __init__(
        self,
        builder: ll.IRBuilder,
        width: int,
        *,
        has_fma: bool | None = None,
        contract: bool = True,
    ) -> None:
        if width < 1 or width & (width - 1):
            raise ValueError(f"expected a width that is a power of two; got {width}")
        self.builder = builder
        self.width = width
        self.has_fma = multiplies_and_adds() if has_fma is None else has_fma
        self.contract = contract
        self.float_flags = ("contract",) if contract else ()

    @property
    def module(self) -> ll.Module:
        """The module of the function being built."""
        return self.builder.module

    def of_width(self, width: int) -> Any:
        """An emitter like this one for registers of another width."""
        return type(self)(self.builder, width, has_fma=self.has_fma, contract=self.contract)

    def register_type(self, dtype: DType) -> ll.Type:
        """Type of a register of `dtype`; of one of the two if `dtype` is complex."""
        return vector_type(element_type(dtype), self.width)

    def constant(self, dtype: DType, number: Any) -> Lanes:
        """`number` (Python or NumPy scalar, cast to `dtype` as NumPy casts) in each lane."""
        scalar = np.asarray(number).astype(dtype)[()]
        register = self.register_type(dtype)
        if dtype.kind == "c":
            parts = (float(scalar.real), float(scalar.imag))
            return Lanes(dtype, tuple(splat_constant(register, part) for part in parts))
        number = scalar.view("uint16") if dtype == FLOAT16 else scalar
        return Lanes(dtype, splat_constant(register, number.item()))

    def splat(self, scalar: Lanes) -> Lanes:
        """A width-1 value (of an emitter of width 1) copied to each lane."""
        if self.width == 1:
            return scalar
        return _map_registers(self._splat_register, scalar)

    def extract(self, lanes: Lanes, lane: int | ll.Value) -> Lanes:
        """The element in `lane` as a width-1 value."""
        if self.width == 1:
            return lanes
        index = ll.Constant(I32, lane) if isinstance(lane, int) else lane
        return _map_registers(lambda v: self.builder.extract_element(v, index), lanes)

    def insert(self, lanes: Lanes, scalar: Lanes, lane: int | ll.Value) -> Lanes:
        """`lanes` with the element in `lane` replaced by the width-1 value `scalar`."""
        if self.width == 1:
            return scalar
        index = ll.Constant(I32, lane) if isinstance(lane, int) else lane
        insert = self.builder.insert_element
        if lanes.dtype.kind == "c":
            pairs = zip(lanes.value, scalar.value, strict=True)
            return Lanes(lanes.dtype, tuple(insert(v, s, index) for v, s in pairs))
        return Lanes(lanes.dtype, insert(lanes.value, scalar.value, index))

    def shuffle(self, lanes: Lanes, order: list[int], other: Lanes | None = None) -> Lanes:
        """The lanes in `order`, which may be of another length than the width. Those of `other`,
        of real lanes, are numbered behind those of `lanes`."""
        mask = lane_numbers(tuple(order))
        if other is not None:
            value = self.builder.shuffle_vector(lanes.value, other.value, mask)
            return Lanes(lanes.dtype, value)
        return _map_registers(lambda v: self.builder.shuffle_vector(v, undefined(v), mask), lanes)

    def interleave(self, x: Lanes, y: Lanes) -> tuple[Lanes, Lanes]:
        """x0 y0 x1 y1 ... as two vectors of the same width; of real lanes."""
        half = self.width // 2

        def woven(first: int) -> Lanes:
            order = [i + j for i in range(first, first + half) for j in (0, self.width)]
            mask = lane_numbers(tuple(order))
            return Lanes(x.dtype, self.builder.shuffle_vector(x.value, y.value, mask))

        return woven(0), woven(half)

    def blend(self, x: Lanes, y: Lanes, from_y: list[bool]) -> Lanes:
        """The lanes of x, but those of y where `from_y` says so; of real lanes."""
        order = tuple([lane + self.width * flag for lane, flag in enumerate(from_y)])
        return Lanes(x.dtype, self.builder.shuffle_vector(x.value, y.value, lane_numbers(order)))

    def parts(self, z: Lanes) -> tuple[Lanes, Lanes]:
        """Real and imaginary part of complex lanes."""
        part_dtype = real_dtype(z.dtype)
        return Lanes(part_dtype, z.value[0]), Lanes(part_dtype, z.value[1])

    def from_parts(self, dtype: DType, re: Lanes, im: Lanes) -> Lanes:
        """Complex lanes of `dtype` from their real and imaginary part."""
        return Lanes(dtype, (re.value, im.value))

    def intrinsic(self, name: str, *operands: Lanes) -> Lanes:
        """An LLVM intrinsic from lanes of one dtype to lanes of the same."""
        value = call_intrinsic(self.builder, name, [x.value for x in operands])
        return Lanes(operands[0].dtype, value)

    def _splat_register(self, value: ll.Value) -> ll.Value:
        register = ll.VectorType(value.type, self.width)
        first = self.builder.insert_element(Poison(register), value, ll.Constant(I32, 0))
        mask = splat_constant(ll.VectorType(I32, self.width), 0)
        return self.builder.shuffle_vector(first, undefined(first), mask)


@functools.lru_cache(maxsize=256)
def lane_numbers(order: tuple[int, ...]) -> ll.Constant:
    """The constant that says which lanes a shuffle takes; one for all modules, as it keeps its
    text."""
    return LaneNumbers(order)


def undefined(like: ll.Value) -> ll.Constant:
    """The undefined value of the type of `like`, for operands that no lane is taken from."""
    return Poison(like.type)


def _map_registers(function: Callable[[ll.Value], ll.Value], lanes: Lanes) -> Lanes:
    """`function` of the register, or of both if complex."""
    if lanes.dtype.kind == "c":
        return Lanes(lanes.dtype, tuple(function(v) for v in lanes.value))
    return Lanes(lanes.dtype, function(lanes.value))


def unsupported(op: str, dtype: DType, expected: str) -> TypeError:
    """The error for an op that NumPy does not define on `dtype`."""
    return TypeError(f"{op}: expected {expected} operands; got {short_name(dtype)}")
