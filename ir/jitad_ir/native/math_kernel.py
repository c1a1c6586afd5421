"""The small language in which the math functions are written.

A `Kernel` builds the body of one function over registers of one float type. `Real`, `Bits` and
`Mask` wrap LLVM values so that formulas read as formulas. Nothing here is contracted or
reassociated: `Kernel.fma` is one rounding where the target has the instruction and two elsewhere,
and error-free transformations work on both.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir as ll

from ..types import FLOAT32, FLOAT64, DType
from .lanes import F32, F64, call_intrinsic, splat_constant, vector_type


class Format(NamedTuple):
    """An IEEE 754 binary format."""

    dtype: DType
    register: ll.Type
    bits: int
    mantissa: int
    """Fraction bits, without the implied one."""
    bias: int
    round_magic: float
    """1.5 * 2^mantissa: adding it rounds to an integer, kept in the low bits."""
    tiny: float
    """Smallest normal number."""
    greatest: float
    """Greatest finite number."""


BINARY32 = Format(FLOAT32, F32, 32, 23, 127, 1.5 * 2.0**23, 2.0**-126, (2 - 2.0**-23) * 2.0**127)
BINARY64 = Format(FLOAT64, F64, 64, 52, 1023, 1.5 * 2.0**52, 2.0**-1022, np.finfo("d").max.item())
FORMATS = {FLOAT32: BINARY32, FLOAT64: BINARY64}


class Real:
    """A register of floats."""

    __slots__ = ("kernel", "value")

    def __init__(self, kernel: Kernel, value: ll.Value) -> None:
        self.kernel = kernel
        self.value = value

    def __add__(self, other: Real | float) -> Real:
        return Real(self.kernel, self.kernel.builder.fadd(self.value, self.kernel.value(other)))

    def __radd__(self, other: float) -> Real:
        return self.kernel.real(other) + self

    def __sub__(self, other: Real | float) -> Real:
        return Real(self.kernel, self.kernel.builder.fsub(self.value, self.kernel.value(other)))

    def __rsub__(self, other: float) -> Real:
        return self.kernel.real(other) - self

    def __mul__(self, other: Real | float) -> Real:
        return Real(self.kernel, self.kernel.builder.fmul(self.value, self.kernel.value(other)))

    def __rmul__(self, other: float) -> Real:
        return self * other

    def __truediv__(self, other: Real | float) -> Real:
        return Real(self.kernel, self.kernel.builder.fdiv(self.value, self.kernel.value(other)))

    def __rtruediv__(self, other: float) -> Real:
        return self.kernel.real(other) / self

    def __neg__(self) -> Real:
        return Real(self.kernel, self.kernel.builder.fneg(self.value))

    def __abs__(self) -> Real:
        return self.kernel.intrinsic("llvm.fabs", self)

    def __lt__(self, other: Real | float) -> Mask:
        return self._compare("<", other)

    def __le__(self, other: Real | float) -> Mask:
        return self._compare("<=", other)

    def __gt__(self, other: Real | float) -> Mask:
        return self._compare(">", other)

    def __ge__(self, other: Real | float) -> Mask:
        return self._compare(">=", other)

    def equals(self, other: Real | float) -> Mask:
        """True where equal; false for nan."""
        return self._compare("==", other)

    def is_nan(self) -> Mask:
        """True for nan."""
        return Mask(self.kernel, self.kernel.builder.fcmp_unordered("uno", self.value, self.value))

    def bits(self) -> Bits:
        """The bit pattern."""
        return Bits(self.kernel, self.kernel.builder.bitcast(self.value, self.kernel.bits_register))

    def _compare(self, relation: str, other: Real | float) -> Mask:
        compare = self.kernel.builder.fcmp_ordered
        return Mask(self.kernel, compare(relation, self.value, self.kernel.value(other)))


class Bits:
    """A register of integers as wide as the floats."""

    __slots__ = ("kernel", "value")

    def __init__(self, kernel: Kernel, value: ll.Value) -> None:
        self.kernel = kernel
        self.value = value

    def __add__(self, other: Bits | int) -> Bits:
        return self._apply(self.kernel.builder.add, other)

    def __sub__(self, other: Bits | int) -> Bits:
        return self._apply(self.kernel.builder.sub, other)

    def __and__(self, other: Bits | int) -> Bits:
        return self._apply(self.kernel.builder.and_, other)

    def __or__(self, other: Bits | int) -> Bits:
        return self._apply(self.kernel.builder.or_, other)

    def __xor__(self, other: Bits | int) -> Bits:
        return self._apply(self.kernel.builder.xor, other)

    def __lshift__(self, count: int) -> Bits:
        return self._apply(self.kernel.builder.shl, count)

    def __rshift__(self, count: int) -> Bits:
        """Logical: zeros come in."""
        return self._apply(self.kernel.builder.lshr, count)

    def shift_signed(self, count: int) -> Bits:
        """Divided by 2^count, rounded down."""
        return self._apply(self.kernel.builder.ashr, count)

    def equals(self, other: Bits | int) -> Mask:
        """True where equal."""
        compare = self.kernel.builder.icmp_unsigned
        return Mask(self.kernel, compare("==", self.value, self._operand(other)))

    def below(self, other: Bits | int) -> Mask:
        """True where less, as unsigned integers."""
        compare = self.kernel.builder.icmp_unsigned
        return Mask(self.kernel, compare("<", self.value, self._operand(other)))

    def real(self) -> Real:
        """The float with this bit pattern."""
        return Real(self.kernel, self.kernel.builder.bitcast(self.value, self.kernel.register))

    def _operand(self, other: Bits | int) -> ll.Value:
        if isinstance(other, Bits):
            return other.value
        return splat_constant(self.kernel.bits_register, other)

    def _apply(self, build: Callable[..., ll.Value], other: Bits | int) -> Bits:
        return Bits(self.kernel, build(self.value, self._operand(other)))


class Mask:
    """A register of truth values."""

    __slots__ = ("kernel", "value")

    def __init__(self, kernel: Kernel, value: ll.Value) -> None:
        self.kernel = kernel
        self.value = value

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.kernel, self.kernel.builder.and_(self.value, other.value))

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.kernel, self.kernel.builder.or_(self.value, other.value))

    def __xor__(self, other: Mask) -> Mask:
        return Mask(self.kernel, self.kernel.builder.xor(self.value, other.value))

    def __invert__(self) -> Mask:
        return Mask(self.kernel, self.kernel.builder.not_(self.value))


class Kernel:
    """Builds formulas over registers of one float format and width at the builder's position.

    `function(name, dtype)` gives the module's function of another math function, for `call`;
    `routine(name, width)` one that does a scalar routine lane by lane, for `patch_lanes`.
    """

    def __init__(
        self,
        builder: ll.IRBuilder,
        format: Format,
        width: int,
        has_fma: bool,
        function: Callable[[str, DType], ll.Function],
        routine: Callable[[str, int], ll.Function],
    ) -> None:
        self.builder = builder
        self.format = format
        self.width = width
        self.has_fma = has_fma
        self.function = function
        self.routine = routine
        self.register = vector_type(format.register, width)
        self.bits_register = vector_type(ll.IntType(format.bits), width)
        self._constants: dict[str, ll.Constant] = {}

    def value(self, x: Real | float) -> ll.Value:
        """The register of `x`; of a constant, if a Python number."""
        if isinstance(x, Real):
            return x.value
        key = float(x).hex()
        constant = self._constants.get(key)
        if constant is None:
            constant = self._constants[key] = splat_constant(self.register, float(x))
        return constant

    def real(self, x: Real | float) -> Real:
        """`x` as a Real."""
        return x if isinstance(x, Real) else Real(self, self.value(x))

    def bits(self, x: int) -> Bits:
        """The register of an integer constant."""
        return Bits(self, splat_constant(self.bits_register, x))

    def intrinsic(self, name: str, *operands: Real | float) -> Real:
        """An LLVM intrinsic from floats to floats."""
        values = [self.value(x) for x in operands]
        return Real(self, call_intrinsic(self.builder, name, values))

    def call(self, name: str, *operands: Real) -> Real:
        """Another math function of the same format."""
        function = self.function(name, self.format.dtype)
        return Real(self, self.builder.call(function, [x.value for x in operands]))

    def fma(self, x: Real | float, y: Real | float, z: Real | float) -> Real:
        """x y + z, with one rounding if the target can."""
        if self.has_fma:
            return self.intrinsic("llvm.fma", x, y, z)
        return self.real(x) * y + z

    def closely(self, x: Real, y: Real | float, z: Real) -> Real:
        """x y + z for |z| < |x y|, with the product's rounding error where there is no fma."""
        if self.has_fma:
            return self.fma(x, y, z)
        product, error = self.two_product(x, y)
        return product + (error + z)

    def sqrt(self, x: Real) -> Real:
        """Square root, correctly rounded."""
        return self.intrinsic("llvm.sqrt", x)

    def copysign(self, x: Real | float, y: Real) -> Real:
        """|x| with the sign of y."""
        return self.intrinsic("llvm.copysign", x, y)

    def select(self, mask: Mask, x: Real | float, y: Real | float) -> Real:
        """x where `mask` is true, else y."""
        return Real(self, self.builder.select(mask.value, self.value(x), self.value(y)))

    def at_most(self, x: Real, bound: Real | float) -> Real:
        """The lesser; x if it is nan."""
        return self.select(self.real(bound) < x, bound, x)

    def at_least(self, x: Real, bound: Real | float) -> Real:
        """The greater; x if it is nan."""
        return self.select(self.real(bound) > x, bound, x)

    def round(self, x: Real) -> Real:
        """The nearest integer, for |x| < 2^(mantissa - 1)."""
        magic = self.format.round_magic
        return (x + magic) - magic

    def polynomial(self, x: Real, coefficients: Sequence[float]) -> Real:
        """c[0] + c[1] x + c[2] x^2 + ..., by Estrin's scheme: pairs c[0] + c[1] x first, then
        pairs of pairs with x^2, and so on; a chain of log2(n) steps instead of n. Of 5 or 6 terms
        `short_polynomial` has as short a chain."""
        if len(coefficients) in (5, 6):
            return self.short_polynomial(x, coefficients)
        terms: list[Real | float] = list(coefficients)
        power = x
        while len(terms) > 1:
            paired: list[Real | float] = [
                self.fma(terms[i + 1], power, terms[i]) for i in range(0, len(terms) - 1, 2)
            ]
            if len(terms) % 2:
                paired.append(terms[-1])
            terms = paired
            if len(terms) > 1:
                power = power * power
        return self.real(terms[0])

    def short_polynomial(self, x: Real, coefficients: Sequence[float]) -> Real:
        """c[0] + c[1] x + ... as E(x^2) + x O(x^2), each by Horner's scheme: fewer multiplications
        than by Estrin's, and a chain of n / 2 steps."""
        square = x * x
        even, odd = self.horner(square, coefficients[::2]), self.horner(square, coefficients[1::2])
        return self.fma(x, odd, even)

    def horner(self, x: Real, coefficients: Sequence[float]) -> Real:
        """c[0] + x (c[1] + x (c[2] + ...)): a chain of n steps, with small rounding errors."""
        total = self.real(coefficients[-1])
        for coefficient in coefficients[-2::-1]:
            total = self.fma(total, x, coefficient)
        return total

    def dominated_polynomial(self, x: Real, coefficients: Sequence[float]) -> Real:
        """c[0] + x Q(x), for c[0] that is the greater part: one rounding of its size, where
        Estrin's scheme has one at each step."""
        return self.fma(x, self.polynomial(x, coefficients[1:]), coefficients[0])

    # Error-free transformations: the sum of the pair returned is the exact result.

    def two_sum(self, x: Real, y: Real) -> tuple[Real, Real]:
        """x + y (Knuth)."""
        total = x + y
        part = total - x
        return total, (x - (total - part)) + (y - part)

    def fast_two_sum(self, x: Real, y: Real) -> tuple[Real, Real]:
        """x + y for |x| >= |y| or x = 0 (Dekker)."""
        total = x + y
        return total, y - (total - x)

    def two_product(self, x: Real, y: Real | float) -> tuple[Real, Real]:
        """x y; without fma (Veltkamp, Dekker), magnitudes must be below 2^(emax - mantissa)."""
        product = x * y
        if self.has_fma:
            return product, self.fma(x, y, -product)
        y = self.real(y)
        x_high, x_low = self._halves(x)
        y_high, y_low = self._halves(y)
        error = x_high * y_high - product
        error = ((error + x_high * y_low) + x_low * y_high) + x_low * y_low
        return product, error

    def two_fma(self, x: Real, y: Real | float, z: Real) -> tuple[Real, Real]:
        """x y + z for |z| >= |x y|, or z so near to 0 that z less the sum is a float."""
        if self.has_fma:
            total = self.fma(x, y, z)
            return total, self.fma(x, y, z - total)
        product, error = self.two_product(x, y)
        total, low = self.fast_two_sum(z, product)
        return total, low + error

    def exact_remainder(self, x: Real, n: Real, y: Real | float) -> Real:
        """x - n y, for n y so near to x that the difference is a float."""
        if self.has_fma:
            return self.fma(-n, y, x)
        product, error = self.two_product(n, y)
        return (x - product) - error

    def _halves(self, x: Real) -> tuple[Real, Real]:
        scaled = x * float(2 ** ((self.format.mantissa + 2) // 2) + 1)
        high = scaled - (scaled - x)
        return high, x - high

    def rough_reciprocal(self, x: Real) -> Real:
        """1 / x to 6 %, for x >= 0 (of 0, a large number): enough for what corrects a last digit.
        Bits of a float are about its logarithm, so that those of 1 / x are twice those of 1 less
        those of x."""
        mantissa = self.format.mantissa
        twice = (2 * self.format.bias << mantissa) - int(0.101 * 2.0**mantissa)
        return (self.bits(twice) - x.bits()).real()

    # Powers of two.

    def rounded_exponent(self, x: Real, bias: int, scale: float | None = None) -> tuple[Real, Bits]:
        """n = x, or x scale, rounded to an integer, and bits whose low part is n + bias."""
        magic = self.format.round_magic + bias
        shifted = x + magic if scale is None else self.fma(x, scale, magic)
        return shifted - magic, shifted.bits()

    def scale(self, x: Real, n: Bits) -> Real:
        """x 2^n, given bits whose low part is n, where x and the result are normal."""
        return (x.bits() + (n << self.format.mantissa)).real()

    def scale_by_two_steps(self, x: Real, biased: Bits) -> Real:
        """x 2^n, given bits whose low part is n + 2 bias: 2^(n // 2) and the rest one after the
        other, so that only the last product rounds, overflows or becomes subnormal."""
        half = biased >> 1
        shift = self.format.mantissa
        return (x * (half << shift).real()) * ((biased - half) << shift).real()

    def any(self, mask: Mask) -> ll.Value:
        """i1: true if any lane is."""
        if self.width == 1:
            return mask.value
        result = ll.IntType(1)
        return call_intrinsic(self.builder, "llvm.vector.reduce.or", [mask.value], result)

    def if_any(
        self, mask: Mask, compute: Callable[[], Real], otherwise: Real, likely: bool | None = None
    ) -> Real:
        """`compute()` if any lane of `mask` is true, in a branch; else `otherwise`."""
        (result,) = self.all_if_any(mask, lambda: [compute()], [otherwise], likely)
        return result

    def all_if_any(
        self,
        mask: Mask,
        compute: Callable[[], Sequence[Real]],
        otherwise: Sequence[Real],
        likely: bool | None = None,
    ) -> list[Real]:
        """The same for several values."""
        builder = self.builder
        before = builder.block
        with builder.if_then(self.any(mask), likely=likely):
            computed = compute()
            after = builder.block
        merged: list[Real] = []
        for new, old in zip(computed, otherwise, strict=True):
            phi = builder.phi(new.kernel.register)
            phi.add_incoming(old.value, before)
            phi.add_incoming(new.value, after)
            merged.append(Real(new.kernel, phi))
        return merged

    def is_between(self, x: Real, low: float, high: float) -> Mask:
        """Where low <= x < high, for positive bounds: one comparison of integers."""
        return (x.bits() - self.pattern(low)).below(self.pattern(high) - self.pattern(low))

    def is_ordinary(self, x: Real) -> Mask:
        """Where x is positive, normal and finite."""
        return self.is_between(x, self.format.tiny, math.inf)

    def pattern(self, x: float) -> int:
        """The bits of a number."""
        real, integer = ("<d", "<Q") if self.format is BINARY64 else ("<f", "<I")
        return struct.unpack(integer, struct.pack(real, x))[0]

    def patch_lanes(
        self, mask: Mask, routine: str, operands: Sequence[Real], results: Sequence[Real]
    ) -> list[Real]:
        """`results` with those of a scalar float64 routine where `mask` is true.

        For rare lanes: a branch, not taken while there is none, goes over all lanes one by one.
        The routine sees 1.0 for the operands of others.
        """
        function = self.routine(routine, self.width)

        def patched() -> list[Real]:
            safe = [self.select(mask, x, 1.0) for x in operands]
            outcome = self.builder.call(function, [x.value for x in safe])
            return [
                self.select(mask, Real(self, self.builder.extract_value(outcome, i)), old)
                for i, old in enumerate(results)
            ]

        return self.all_if_any(mask, patched, results, likely=False)

    def convert(self, x: Real, other: Kernel) -> Real:
        """`x` in the format of the kernel `other`, rounded if that is narrower."""
        if other.format is self.format:
            return x
        wider = other.format.bits > self.format.bits
        cast = self.builder.fpext if wider else self.builder.fptrunc
        return Real(other, cast(x.value, other.register))

    def of_format(self, format: Format) -> Kernel:
        """A kernel at the same place over another format."""
        return Kernel(self.builder, format, self.width, self.has_fma, self.function, self.routine)


Formula = Callable[..., Any]
"""`(kernel, *reals) -> real`."""
