"""Lanes without arithmetic: comparisons, selection, bits, and conversion between dtypes."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir as ll

from ..types import BOOL, FLOAT16, FLOAT32, DType, complex_dtype, real_dtype, short_name
from .half import from_half, to_half
from .lanes import (
    I1,
    LaneEmitter,
    Lanes,
    call_intrinsic,
    splat_constant,
    unsupported,
    vector_type,
)


class Conversion(LaneEmitter):
    """Comparisons, selection, bitwise ops, shifts and conversions."""

    def eq(self, x: Lanes, y: Lanes) -> Lanes:
        """x == y; false for nan."""
        if x.dtype.kind == "c":
            (a, b), (c, d) = self.parts(x), self.parts(y)
            return self.bitwise_and(self.eq(a, c), self.eq(b, d))
        return self._compare("==", x, y)

    def ne(self, x: Lanes, y: Lanes) -> Lanes:
        """x != y; true for nan."""
        if x.dtype.kind == "c":
            (a, b), (c, d) = self.parts(x), self.parts(y)
            return self.bitwise_or(self.ne(a, c), self.ne(b, d))
        if x.dtype.kind == "f":
            return Lanes(BOOL, self.builder.fcmp_unordered("!=", x.value, y.value))
        return self._compare("!=", x, y)

    def lt(self, x: Lanes, y: Lanes) -> Lanes:
        """x < y; complex numbers in NumPy's lexicographic order."""
        return self._order("<", x, y)

    def le(self, x: Lanes, y: Lanes) -> Lanes:
        """x <= y; complex numbers in NumPy's lexicographic order."""
        return self._order("<=", x, y)

    def gt(self, x: Lanes, y: Lanes) -> Lanes:
        """x > y; complex numbers in NumPy's lexicographic order."""
        return self._order(">", x, y)

    def ge(self, x: Lanes, y: Lanes) -> Lanes:
        """x >= y; complex numbers in NumPy's lexicographic order."""
        return self._order(">=", x, y)

    def is_nan(self, x: Lanes) -> Lanes:
        """True for nan; if complex, for nan in either part."""
        if x.dtype.kind == "c":
            re, im = self.parts(x)
            return Lanes(BOOL, self.builder.fcmp_unordered("uno", re.value, im.value))
        if x.dtype.kind != "f":
            return self.constant(BOOL, False)
        return Lanes(BOOL, self.builder.fcmp_unordered("uno", x.value, x.value))

    def is_finite(self, x: Lanes) -> Lanes:
        """False for inf and nan, of either part if complex."""
        if x.dtype.kind == "c":
            re, im = self.parts(x)
            return self.bitwise_and(self.is_finite(re), self.is_finite(im))
        if x.dtype.kind != "f":
            return self.constant(BOOL, True)
        magnitude = self.intrinsic("llvm.fabs", x)
        return self.lt(magnitude, self.constant(x.dtype, float("inf")))

    def signbit(self, x: Lanes) -> Lanes:
        """True where the sign bit of a float is set: -0.0 has it."""
        if x.dtype.kind != "f":
            raise unsupported("signbit", x.dtype, "float")
        bits = self.builder.bitcast(x.value, self._bits_type(x.dtype))
        return Lanes(BOOL, self.builder.icmp_signed("<", bits, splat_constant(bits.type, 0)))

    def select(self, pred: Lanes, x: Lanes, y: Lanes) -> Lanes:
        """x where `pred` is true, else y."""
        select = self.builder.select
        if x.dtype.kind == "c":
            pairs = zip(x.value, y.value, strict=True)
            return Lanes(x.dtype, tuple(select(pred.value, a, b) for a, b in pairs))
        return Lanes(x.dtype, select(pred.value, x.value, y.value))

    def bitwise_and(self, x: Lanes, y: Lanes) -> Lanes:
        """x & y of integers or bools."""
        return self._bitwise("bitwise_and", self.builder.and_, x, y)

    def bitwise_or(self, x: Lanes, y: Lanes) -> Lanes:
        """x | y of integers or bools."""
        return self._bitwise("bitwise_or", self.builder.or_, x, y)

    def bitwise_xor(self, x: Lanes, y: Lanes) -> Lanes:
        """x ^ y of integers or bools."""
        return self._bitwise("bitwise_xor", self.builder.xor, x, y)

    def bitwise_not(self, x: Lanes) -> Lanes:
        """~x of integers or bools."""
        return self._bitwise("bitwise_not", self.builder.not_, x)

    def shift_left(self, x: Lanes, y: Lanes) -> Lanes:
        """x << y; 0 where y is negative or not less than the number of bits."""
        shift, in_range = self._shift_count("shift_left", x, y)
        shifted = Lanes(x.dtype, self.builder.shl(x.value, shift.value))
        return self.select(in_range, shifted, self.constant(x.dtype, 0))

    def shift_right_logical(self, x: Lanes, y: Lanes) -> Lanes:
        """x >> y filling with zeros; 0 where y is out of range."""
        shift, in_range = self._shift_count("shift_right_logical", x, y)
        shifted = Lanes(x.dtype, self.builder.lshr(x.value, shift.value))
        return self.select(in_range, shifted, self.constant(x.dtype, 0))

    def shift_right_arithmetic(self, x: Lanes, y: Lanes) -> Lanes:
        """x >> y filling with the sign bit (zeros if unsigned); only fill if y is out of range."""
        if x.dtype.kind == "u":
            return self.shift_right_logical(x, y)
        shift, in_range = self._shift_count("shift_right_arithmetic", x, y)
        last = self.constant(x.dtype, 8 * x.dtype.itemsize - 1)
        shift = self.select(in_range, shift, last)
        return Lanes(x.dtype, self.builder.ashr(x.value, shift.value))

    def rotate_left(self, x: Lanes, distance: int) -> Lanes:
        """The bits of an integer x moved up `distance` places, those that leave coming in below."""
        if x.dtype.kind not in "iu":
            raise unsupported("rotate_left", x.dtype, "integer")
        count = splat_constant(x.value.type, distance)
        operands = [x.value, x.value, count]
        return Lanes(x.dtype, call_intrinsic(self.builder, "llvm.fshl", operands))

    def population_count(self, x: Lanes) -> Lanes:
        """Number of bits of x that are 1, in x's dtype."""
        if x.dtype.kind not in "iu":
            raise unsupported("population_count", x.dtype, "integer")
        return self.intrinsic("llvm.ctpop", x)

    def clz(self, x: Lanes) -> Lanes:
        """Number of leading bits of x that are 0, in x's dtype; all bits for 0."""
        if x.dtype.kind not in "iu":
            raise unsupported("clz", x.dtype, "integer")
        zero_is_poison = ll.Constant(I1, 0)
        operands = [x.value, zero_is_poison]
        value = call_intrinsic(self.builder, "llvm.ctlz", operands, overloads=(x.value.type,))
        return Lanes(x.dtype, value)

    def real(self, x: Lanes) -> Lanes:
        """Real part; x itself if real."""
        return self.parts(x)[0] if x.dtype.kind == "c" else x

    def imag(self, x: Lanes) -> Lanes:
        """Imaginary part; 0 if real."""
        return self.parts(x)[1] if x.dtype.kind == "c" else self.constant(x.dtype, 0)

    def conj(self, x: Lanes) -> Lanes:
        """Complex conjugate; x itself if real."""
        if x.dtype.kind != "c":
            return x
        re, im = x.value
        return Lanes(x.dtype, (re, self.builder.fneg(im)))

    def complex(self, re: Lanes, im: Lanes) -> Lanes:
        """re + im i, of two float lanes of one dtype."""
        if re.dtype.kind != "f":
            raise unsupported("complex", re.dtype, "float")
        return Lanes(complex_dtype(re.dtype), (re.value, im.value))

    def bitcast(self, x: Lanes, dtype: DType) -> Lanes:
        """The bits of x read as `dtype`, which must have the same size."""
        if x.dtype == dtype:
            return x
        if x.dtype.itemsize != dtype.itemsize or "c" in x.dtype.kind + dtype.kind:
            raise TypeError(
                f"bitcast: expected real dtypes of one size; got {short_name(x.dtype)} and "
                f"{short_name(dtype)}"
            )
        if BOOL in (x.dtype, dtype):
            return self.convert(x, dtype)
        return Lanes(dtype, self.builder.bitcast(x.value, self.register_type(dtype)))

    def convert(self, x: Lanes, dtype: DType) -> Lanes:
        """x cast to `dtype` as NumPy casts; a float out of an integer dtype's range gives the
        nearest integer that is in it, and nan 0."""
        if x.dtype == dtype:
            return x
        if x.dtype == FLOAT16:
            return self.convert(from_half(self, x), dtype)
        if dtype == BOOL:
            return self.ne(x, self.constant(x.dtype, 0))
        if dtype == FLOAT16:
            x = self.real(x)
            return to_half(self, x if x.dtype.kind == "f" else self.convert(x, FLOAT32))
        if dtype.kind == "c":
            part = real_dtype(dtype)
            re, im = self.convert(self.real(x), part), self.convert(self.imag(x), part)
            return self.from_parts(dtype, re, im)
        x = self.real(x)
        if x.dtype.kind == "f":
            return self._convert_float(x, dtype)
        return self._convert_integer(x, dtype)

    def _convert_float(self, x: Lanes, dtype: DType) -> Lanes:
        target = self.register_type(dtype)
        if dtype.kind == "f":
            if dtype.itemsize == x.dtype.itemsize:
                return x
            cast = self.builder.fpext if dtype.itemsize > 4 else self.builder.fptrunc
            return Lanes(dtype, cast(x.value, target))
        name = "llvm.fptosi.sat" if dtype.kind == "i" else "llvm.fptoui.sat"
        overloads = (target, x.value.type)
        return Lanes(dtype, call_intrinsic(self.builder, name, [x.value], target, overloads))

    def _convert_integer(self, x: Lanes, dtype: DType) -> Lanes:
        target = self.register_type(dtype)
        signed = x.dtype.kind == "i"
        if dtype.kind == "f":
            cast = self.builder.sitofp if signed else self.builder.uitofp
        elif x.dtype != BOOL and dtype.itemsize <= x.dtype.itemsize:
            cast = self.builder.trunc
        else:
            cast = self.builder.sext if signed else self.builder.zext
        return Lanes(dtype, cast(x.value, target))

    def _bits_type(self, dtype: DType) -> ll.Type:
        return vector_type(ll.IntType(8 * dtype.itemsize), self.width)

    def _compare(self, relation: str, x: Lanes, y: Lanes) -> Lanes:
        if x.dtype.kind == "f":
            return Lanes(BOOL, self.builder.fcmp_ordered(relation, x.value, y.value))
        compare = self.builder.icmp_signed if x.dtype.kind == "i" else self.builder.icmp_unsigned
        return Lanes(BOOL, compare(relation, x.value, y.value))

    def _order(self, relation: str, x: Lanes, y: Lanes) -> Lanes:
        if x.dtype.kind != "c":
            return self._compare(relation, x, y)
        # Real parts decide unless they are equal; no order with a nan anywhere, but NumPy looks
        # at the imaginary parts' nan only where real parts decide strictly.
        (a, b), (c, d) = self.parts(x), self.parts(y)
        strictly = self._compare(relation[0], a, c)
        comparable = Lanes(BOOL, self.builder.fcmp_ordered("ord", b.value, d.value))
        by_imag = self.bitwise_and(self.eq(a, c), self._compare(relation, b, d))
        return self.bitwise_or(self.bitwise_and(strictly, comparable), by_imag)

    def _bitwise(self, op: str, combine: Callable[..., ll.Value], *operands: Lanes) -> Lanes:
        dtype = operands[0].dtype
        if dtype.kind not in "biu":
            raise unsupported(op, dtype, "integer or bool")
        return Lanes(dtype, combine(*(x.value for x in operands)))

    def _shift_count(self, op: str, x: Lanes, y: Lanes) -> tuple[Lanes, Lanes]:
        """The count with 0 where it is out of range, and where it is in range."""
        if x.dtype.kind not in "iu":
            raise unsupported(op, x.dtype, "integer")
        bits = splat_constant(y.value.type, 8 * x.dtype.itemsize)
        in_range = Lanes(BOOL, self.builder.icmp_unsigned("<", y.value, bits))
        return self.select(in_range, y, self.constant(y.dtype, 0)), in_range
