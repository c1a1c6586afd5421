"""Lanes arithmetic: sums, products, quotients, rounding, extremes and powers by integers."""

from __future__ import annotations

import math

from llvmlite import ir as ll

from ..types import BOOL
from .conversion import Conversion
from .lanes import I1, Lanes, Splat, call_intrinsic, splat_constant, unsupported


class Arithmetic(Conversion):
    """Arithmetic that is exact or rounded once. Integers wrap; nothing traps."""

    def neg(self, x: Lanes) -> Lanes:
        """-x; integers wrap."""
        if x.dtype.kind == "c":
            re, im = self.parts(x)
            return self.from_parts(x.dtype, self.neg(re), self.neg(im))
        if x.dtype.kind == "f":
            return Lanes(x.dtype, self.builder.fneg(x.value))
        if x.dtype.kind == "b":
            raise unsupported("neg", x.dtype, "integer, float or complex")
        return Lanes(x.dtype, self.builder.neg(x.value))

    def add(self, x: Lanes, y: Lanes) -> Lanes:
        """x + y; integers wrap, bools: or."""
        if x.dtype.kind == "c":
            (a, b), (c, d) = self.parts(x), self.parts(y)
            return self.from_parts(x.dtype, self.add(a, c), self.add(b, d))
        if x.dtype.kind == "f":
            return Lanes(x.dtype, self.builder.fadd(x.value, y.value, flags=self.float_flags))
        if x.dtype.kind == "b":
            return Lanes(x.dtype, self.builder.or_(x.value, y.value))
        return Lanes(x.dtype, self.builder.add(x.value, y.value))

    def sub(self, x: Lanes, y: Lanes) -> Lanes:
        """x - y; integers wrap."""
        if x.dtype.kind == "c":
            (a, b), (c, d) = self.parts(x), self.parts(y)
            return self.from_parts(x.dtype, self.sub(a, c), self.sub(b, d))
        if x.dtype.kind == "f":
            return Lanes(x.dtype, self.builder.fsub(x.value, y.value, flags=self.float_flags))
        if x.dtype.kind == "b":
            raise unsupported("sub", x.dtype, "integer, float or complex")
        return Lanes(x.dtype, self.builder.sub(x.value, y.value))

    def mul(self, x: Lanes, y: Lanes) -> Lanes:
        """x * y; integers wrap, bools: and."""
        if x.dtype.kind == "c":
            return self._complex_mul(x, y)
        if x.dtype.kind == "f":
            return Lanes(x.dtype, self.builder.fmul(x.value, y.value, flags=self.float_flags))
        if x.dtype.kind == "b":
            return Lanes(x.dtype, self.builder.and_(x.value, y.value))
        return Lanes(x.dtype, self.builder.mul(x.value, y.value))

    def div(self, x: Lanes, y: Lanes) -> Lanes:
        """x / y. That of integers truncates toward zero, is 0 for y = 0, and wraps."""
        if x.dtype.kind == "c":
            return self._complex_div(x, y)
        if x.dtype.kind == "f":
            return Lanes(x.dtype, self.builder.fdiv(x.value, y.value))
        if x.dtype.kind == "b":
            raise unsupported("div", x.dtype, "integer, float or complex")
        if x.dtype.kind == "u":
            safe, is_zero = self._safe_divisor(y)
            quotient = Lanes(x.dtype, self.builder.udiv(x.value, safe.value))
        else:
            # x / -1 = -x wraps, where the machine's division would trap on the least integer.
            is_minus_one = self.eq(y, self.constant(y.dtype, -1))
            safe, is_zero = self._safe_divisor(y, is_minus_one)
            quotient = Lanes(x.dtype, self.builder.sdiv(x.value, safe.value))
            quotient = self.select(is_minus_one, self.neg(x), quotient)
        return self.select(is_zero, self.constant(x.dtype, 0), quotient)

    def rem(self, x: Lanes, y: Lanes) -> Lanes:
        """x - y trunc(x / y), with the sign of x; 0 for integer y = 0, nan for float y = 0."""
        if x.dtype.kind == "f":
            return self.real_function("rem", x, y)
        if x.dtype.kind not in "iu":
            raise unsupported("rem", x.dtype, "integer or float")
        if x.dtype.kind == "u":
            safe, is_zero = self._safe_divisor(y)
            remainder = Lanes(x.dtype, self.builder.urem(x.value, safe.value))
            return self.select(is_zero, self.constant(x.dtype, 0), remainder)
        safe, _ = self._safe_divisor(y, self.eq(y, self.constant(y.dtype, -1)))
        # Dividing by 1 instead of 0 or -1 leaves the remainder 0, as wanted.
        return Lanes(x.dtype, self.builder.srem(x.value, safe.value))

    def abs(self, x: Lanes) -> Lanes:
        """|x|: real for complex x; the least signed integer stays itself, as in NumPy."""
        if x.dtype.kind == "c":
            return self.real_function("hypot", *self.parts(x))
        if x.dtype.kind == "f":
            return self.intrinsic("llvm.fabs", x)
        if x.dtype.kind in "bu":
            return x
        least_wraps = ll.Constant(I1, 0)
        operands = [x.value, least_wraps]
        value = call_intrinsic(self.builder, "llvm.abs", operands, overloads=(x.value.type,))
        return Lanes(x.dtype, value)

    def sign(self, x: Lanes) -> Lanes:
        """-1, 0 or 1; nan for nan; x / |x| (0 for 0) if complex."""
        if x.dtype.kind == "b":
            raise unsupported("sign", x.dtype, "integer, float or complex")
        if x.dtype.kind == "c":
            return self._complex_sign(x)
        zero, one = self.constant(x.dtype, 0), self.constant(x.dtype, 1)
        if x.dtype.kind == "u":
            return self.select(self.eq(x, zero), zero, one)
        minus_one = self.constant(x.dtype, -1)
        signed = self.select(self.gt(x, zero), one, self.select(self.lt(x, zero), minus_one, zero))
        return self.select(self.is_nan(x), x, signed) if x.dtype.kind == "f" else signed

    def max(self, x: Lanes, y: Lanes) -> Lanes:
        """The greater; nan if either is nan; complex numbers in lexicographic order."""
        return self._extreme("max", ">", x, y)

    def min(self, x: Lanes, y: Lanes) -> Lanes:
        """The lesser; nan if either is nan; complex numbers in lexicographic order."""
        return self._extreme("min", "<", x, y)

    def clamp(self, low: Lanes, x: Lanes, high: Lanes) -> Lanes:
        """min(max(x, low), high); nan if any is nan."""
        return self.min(self.max(x, low), high)

    def floor(self, x: Lanes) -> Lanes:
        """The greatest integer <= x."""
        return self._rounded("floor", x)

    def ceil(self, x: Lanes) -> Lanes:
        """The least integer >= x."""
        return self._rounded("ceil", x)

    def trunc(self, x: Lanes) -> Lanes:
        """The nearest integer toward zero."""
        return self._rounded("trunc", x)

    def round(self, x: Lanes) -> Lanes:
        """The nearest integer, halves to even; of both parts if complex."""
        if x.dtype.kind == "c":
            re, im = self.parts(x)
            return self.from_parts(x.dtype, self.round(re), self.round(im))
        return self._rounded("rint", x)

    def fma(self, x: Lanes, y: Lanes, z: Lanes) -> Lanes:
        """x y + z; with one rounding where the target has the instruction."""
        if x.dtype.kind == "f" and self.has_fma:
            return self.intrinsic("llvm.fma", x, y, z)
        return self.add(self.mul(x, y), z)

    def square(self, x: Lanes) -> Lanes:
        """x x."""
        return self.mul(x, x)

    def reciprocal(self, x: Lanes) -> Lanes:
        """1 / x."""
        return self.div(self.constant(x.dtype, 1), x)

    def sqrt(self, x: Lanes) -> Lanes:
        """Square root, correctly rounded; the principal branch if complex."""
        if x.dtype.kind == "c":
            return self.complex_function("sqrt", x)
        if x.dtype.kind != "f":
            raise unsupported("sqrt", x.dtype, "float or complex")
        return self.intrinsic("llvm.sqrt", x)

    def rsqrt(self, x: Lanes) -> Lanes:
        """1 / sqrt(x)."""
        return self.reciprocal(self.sqrt(x))

    def integer_pow(self, x: Lanes, exponent: int) -> Lanes:
        """x to a constant integer power by repeated squaring; 1 / x^-exponent if negative."""
        if exponent < 0:
            if x.dtype.kind not in "fc":
                raise TypeError(
                    f"integer_pow: expected float or complex operands for the negative exponent "
                    f"{exponent}; got {x.dtype}"
                )
            return self.reciprocal(self.integer_pow(x, -exponent))
        result, power = None, x
        while exponent:
            if exponent & 1:
                result = power if result is None else self.mul(result, power)
            exponent >>= 1
            if exponent:
                power = self.mul(power, power)
        return self.constant(x.dtype, 1) if result is None else result

    def copysign(self, x: Lanes, y: Lanes) -> Lanes:
        """|x| with the sign bit of y."""
        if x.dtype.kind != "f":
            raise unsupported("copysign", x.dtype, "float")
        return self.intrinsic("llvm.copysign", x, y)

    def _safe_divisor(self, y: Lanes, unsafe: Lanes | None = None) -> tuple[Lanes, Lanes]:
        """`y` with 1 in place of 0 (and of the `unsafe` lanes), and where it is 0."""
        is_zero = self.eq(y, self.constant(y.dtype, 0))
        replaced = is_zero if unsafe is None else self.bitwise_or(is_zero, unsafe)
        return self.select(replaced, self.constant(y.dtype, 1), y), is_zero

    def _extreme(self, name: str, better: str, x: Lanes, y: Lanes) -> Lanes:
        if x.dtype.kind == "b":
            combine = self.builder.or_ if name == "max" else self.builder.and_
            return Lanes(BOOL, combine(x.value, y.value))
        if x.dtype.kind in "iu":
            return self.intrinsic(f"llvm.{x.dtype.kind.replace('i', 's')}{name}", x, y)
        if _is_number(y):  # so that what cannot be compared with it is nan
            chosen = self.builder.fcmp_unordered(better, x.value, y.value)
            return self.select(Lanes(BOOL, chosen), x, y)
        # A comparison with nan is false, which keeps a nan in y; one in x is put back.
        compare = self.gt if better == ">" else self.lt
        chosen = self.select(compare(x, y), x, y)
        return chosen if _is_number(x) else self.select(self.is_nan(x), x, chosen)

    def _rounded(self, name: str, x: Lanes) -> Lanes:
        if x.dtype.kind in "biu":
            return x
        if x.dtype.kind == "c":
            raise unsupported(name, x.dtype, "integer or float")
        return self.intrinsic(f"llvm.{name}", x)

    # Complex products and quotients are never contracted: fma(a, a, b b) would give z conj(z) an
    # imaginary part.

    def _complex_mul(self, x: Lanes, y: Lanes) -> Lanes:
        (a, b), (c, d) = x.value, y.value
        b_ = self.builder
        re = b_.fsub(b_.fmul(a, c), b_.fmul(b, d))
        im = b_.fadd(b_.fmul(a, d), b_.fmul(b, c))
        return Lanes(x.dtype, (re, im))

    def _complex_div(self, x: Lanes, y: Lanes) -> Lanes:
        """Smith's algorithm (1962), as in NumPy: with |c| >= |d|, t = d / c, s = 1 / (c + d t),
        (a + b i) / (c + d i) = (a + b t) s + (b - a t) s i; else numbers change places."""
        (a, b), (c, d) = x.value, y.value
        b_ = self.builder
        (re, im) = self.parts(y)
        is_c = self.ge(self.abs(re), self.abs(im)).value
        big, small = b_.select(is_c, c, d), b_.select(is_c, d, c)
        t = b_.fdiv(small, big)
        one = splat_constant(big.type, 1.0)
        s = b_.fdiv(one, b_.fadd(big, b_.fmul(small, t)))
        first, second = b_.select(is_c, a, b), b_.select(is_c, b, a)
        re = b_.fmul(b_.fadd(first, b_.fmul(second, t)), s)
        difference = b_.fsub(second, b_.fmul(first, t))
        im = b_.fmul(b_.select(is_c, difference, b_.fneg(difference)), s)
        # Division by zero: a / |0| + i b / |0|.
        is_zero = b_.fcmp_ordered("==", self._magnitude_sum(y), splat_constant(big.type, 0.0))
        zero = splat_constant(big.type, 0.0)
        re = b_.select(is_zero, b_.fdiv(a, zero), re)
        im = b_.select(is_zero, b_.fdiv(b, zero), im)
        return Lanes(x.dtype, (re, im))

    def _magnitude_sum(self, z: Lanes) -> ll.Value:
        re, im = self.parts(z)
        return self.builder.fadd(self.abs(re).value, self.abs(im).value)

    def _complex_sign(self, z: Lanes) -> Lanes:
        """z / |z|, and 0 for 0. Scaled by the greater part, so that |z| cannot overflow; where a
        part is infinite the finite one counts as 0."""
        re, im = self.parts(z)
        magnitude = self.abs(z)
        infinite = self.eq(magnitude, self.constant(re.dtype, math.inf))
        re, im = (self._unit_if_infinite(part, infinite) for part in (re, im))
        largest = self.max(self.abs(re), self.abs(im))
        is_zero = self.eq(largest, self.constant(re.dtype, 0))
        scale = self.select(is_zero, self.constant(re.dtype, 1), largest)
        re, im = self.div(re, scale), self.div(im, scale)
        norm = self.real_function("hypot", re, im)
        norm = self.select(is_zero, self.constant(re.dtype, 1), norm)
        return self.from_parts(z.dtype, self.div(re, norm), self.div(im, norm))

    def _unit_if_infinite(self, part: Lanes, infinite: Lanes) -> Lanes:
        is_inf = self.eq(self.abs(part), self.constant(part.dtype, math.inf))
        unit = self.copysign(self.constant(part.dtype, 1), part)
        zero = self.copysign(self.constant(part.dtype, 0), part)
        return self.select(infinite, self.select(is_inf, unit, zero), part)

    def real_function(self, name: str, *operands: Lanes) -> Lanes:
        """A math function of float lanes; the Emitter says how."""
        raise NotImplementedError

    def complex_function(self, name: str, *operands: Lanes) -> Lanes:
        """A math function of complex lanes; the Emitter says how."""
        raise NotImplementedError


def _is_number(x: Lanes) -> bool:
    """True of real lanes that are known to hold one number, and not nan."""
    if x.dtype.kind != "f" or not isinstance(x.value, ll.Constant):
        return False
    known = x.value.element.constant if isinstance(x.value, Splat) else x.value.constant
    return isinstance(known, float) and not math.isnan(known)
