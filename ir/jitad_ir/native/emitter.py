"""The emitter of elementwise ops: one method per op, over scalar or SIMD registers.

Math functions are built once per module, as internal functions over the register type such as
`jitad.sin.v4f64`, and called from kernels; LLVM decides what to inline. They are polynomial kernels
of our own, so that results do not depend on a platform's libm.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir as ll

from ..types import DType, real_dtype
from . import (
    math_complex,
    math_error,
    math_exponential,
    math_gamma,
    math_hyperbolic,
    math_inverse_trigonometric,
    math_power,
    math_trigonometric,
)
from .functions import internal_function
from .lanes import F64, I64, Lanes, intrinsic_suffix, unsupported, vector_type
from .math_kernel import BINARY64, FORMATS, Format, Formula, Kernel, Real
from .memory import Memory

__all__ = ["Emitter", "Lanes"]

FORMULAS: dict[str, Formula] = {
    **math_exponential.FORMULAS,
    **math_hyperbolic.FORMULAS,
    **math_inverse_trigonometric.FORMULAS,
    **math_power.FORMULAS,
    **math_error.FORMULAS,
    **math_gamma.FORMULAS,
    **math_trigonometric.FORMULAS,
}
"""Name of each math function -> `(kernel, *reals) -> real`."""

ROUTINES = {**math_power.SCALAR_ROUTINES, **math_trigonometric.SCALAR_ROUTINES}
"""Name of each scalar float64 routine for rare lanes -> (body, number of results)."""


class Emitter(Memory):
    """Builds elementwise ops over registers of `width` elements at the position of `builder`.

    Methods take and return Lanes; names are those of the ops. `has_fma` says whether the target
    multiplies and adds in one instruction (default: as the host does). With `contract`, sums of
    products in the program may be rounded once.

    >>> import numpy as np
    >>> module = ll.Module()
    >>> signature = ll.FunctionType(ll.VoidType(), [ll.PointerType()])
    >>> function = ll.Function(module, signature, "f")
    >>> e = Emitter(ll.IRBuilder(function.append_basic_block()), width=4)
    >>> x = e.load(function.args[0], np.dtype("float64"))
    >>> e.store(function.args[0], e.sin(e.mul(x, x)))
    """

    def real_function(self, name: str, *operands: Lanes) -> Lanes:
        """The math function `name` of float operands, by a call."""
        dtype = operands[0].dtype
        if dtype not in FORMATS:
            raise unsupported(name, dtype, "float")
        function = self._math_function(name, dtype)
        return Lanes(dtype, self.builder.call(function, [x.value for x in operands]))

    def _math_function(self, name: str, dtype: DType) -> ll.Function:
        register = self.register_type(dtype)
        full_name = f"jitad.{name}.{intrinsic_suffix(register)}"
        function = self.module.globals.get(full_name)
        if function is None:
            formula = FORMULAS[name]
            signature = ll.FunctionType(register, [register] * _arity(formula))
            function = self._internal_function(full_name, signature)
            kernel = self._kernel_of(function, FORMATS[dtype], self.width)
            result = formula(kernel, *[Real(kernel, x) for x in function.args])
            kernel.builder.ret(result.value)
        return function

    def complex_function(self, name: str, *operands: Lanes) -> Lanes:
        """The math function `name` of complex operands, by a call."""
        dtype = operands[0].dtype
        if name not in math_complex.COMPLEX_FORMULAS:
            raise unsupported(name, dtype, "float")
        function = self._complex_function(name, dtype)
        parts = [part for z in operands for part in z.value]
        pair = self.builder.call(function, parts)
        return Lanes(dtype, tuple(self.builder.extract_value(pair, i) for i in (0, 1)))

    def _complex_function(self, name: str, dtype: DType) -> ll.Function:
        register = self.register_type(dtype)
        full_name = f"jitad.complex_{name}.{intrinsic_suffix(register)}"
        function = self.module.globals.get(full_name)
        if function is None:
            formula = math_complex.COMPLEX_FORMULAS[name]
            pair_type = ll.LiteralStructType([register, register])
            signature = ll.FunctionType(pair_type, [register] * _arity(formula))
            function = self._internal_function(full_name, signature)
            kernel = self._kernel_of(function, FORMATS[real_dtype(dtype)], self.width)
            wide = kernel.of_format(BINARY64)
            parts = [kernel.convert(Real(kernel, x), wide) for x in function.args]
            pair = ll.Constant(pair_type, ll.Undefined)
            for i, part in enumerate(formula(wide, *parts)):
                value = wide.convert(part, kernel).value
                pair = kernel.builder.insert_value(pair, value, i)
            kernel.builder.ret(pair)
        return function

    def outlined(
        self, name: str, body: Callable[..., Lanes], *operands: Lanes, dtype: DType
    ) -> Lanes:
        """`body(emitter, *operands)`, real lanes of `dtype`, by a call of a function that is built
        once for each kind of register: for ops of very many instructions."""
        registers = [x.value.type for x in operands]
        full_name = ".".join(["jitad", name, *map(intrinsic_suffix, registers)])
        function = self.module.globals.get(full_name)
        if function is None:
            signature = ll.FunctionType(self.register_type(dtype), registers)
            function = self._internal_function(full_name, signature)
            builder = ll.IRBuilder(function.append_basic_block("entry"))
            inside = Emitter(builder, self.width, has_fma=self.has_fma, contract=self.contract)
            lanes = [Lanes(x.dtype, v) for x, v in zip(operands, function.args, strict=True)]
            builder.ret(body(inside, *lanes).value)
        return Lanes(dtype, self.builder.call(function, [x.value for x in operands]))

    def _lane_routine(self, name: str, width: int) -> ll.Function:
        """Function that does a scalar float64 routine for each lane in turn."""
        register = vector_type(F64, width)
        full_name = f"jitad.{name}.{intrinsic_suffix(register)}"
        function = self.module.globals.get(full_name)
        if function is None:
            body, result_count = ROUTINES[name]
            signature = ll.FunctionType(
                ll.LiteralStructType([register] * result_count), [register] * _arity(body)
            )
            function = self._internal_function(full_name, signature)
            # Hardly ever run: not worth LLVM's time, which is four times as long without optnone.
            for attribute in ("noinline", "cold", "optnone"):
                function.attributes.add(attribute)
            kernel = self._kernel_of(function, BINARY64, 1)
            build_lane_loop(kernel, body, function, result_count, width)
        return function

    def _internal_function(self, name: str, signature: ll.FunctionType) -> ll.Function:
        function = internal_function(self.module, signature, name)
        function.attributes.add("readnone")
        return function

    def _kernel_of(self, function: ll.Function, format: Format, width: int) -> Kernel:
        return Kernel(
            ll.IRBuilder(function.append_basic_block("entry")),
            format,
            width,
            self.has_fma,
            self._math_function,
            self._lane_routine,
        )

    def _float_or_complex(self, name: str, *operands: Lanes) -> Lanes:
        kind = operands[0].dtype.kind
        if kind == "f":
            return self.real_function(name, *operands)
        if kind == "c":
            return self.complex_function(name, *operands)
        raise unsupported(name, operands[0].dtype, "float or complex")

    def exp(self, x: Lanes) -> Lanes:
        """e^x."""
        return self._float_or_complex("exp", x)

    def exp2(self, x: Lanes) -> Lanes:
        """2^x."""
        return self._float_or_complex("exp2", x)

    def expm1(self, x: Lanes) -> Lanes:
        """e^x - 1."""
        return self._float_or_complex("expm1", x)

    def log(self, x: Lanes) -> Lanes:
        """Natural logarithm; the principal branch if complex."""
        return self._float_or_complex("log", x)

    def log1p(self, x: Lanes) -> Lanes:
        """log(1 + x)."""
        return self._float_or_complex("log1p", x)

    def logistic(self, x: Lanes) -> Lanes:
        """1 / (1 + e^-x)."""
        return self._float_or_complex("logistic", x)

    def sin(self, x: Lanes) -> Lanes:
        """Sine, in radians."""
        return self._float_or_complex("sin", x)

    def cos(self, x: Lanes) -> Lanes:
        """Cosine, in radians."""
        return self._float_or_complex("cos", x)

    def tan(self, x: Lanes) -> Lanes:
        """Tangent, in radians."""
        return self._float_or_complex("tan", x)

    def tanh(self, x: Lanes) -> Lanes:
        """Hyperbolic tangent."""
        return self._float_or_complex("tanh", x)

    def pow(self, x: Lanes, y: Lanes) -> Lanes:
        """x^y."""
        return self._float_or_complex("pow", x, y)

    def cbrt(self, x: Lanes) -> Lanes:
        """Real cube root."""
        return self.real_function("cbrt", x)

    def hypot(self, x: Lanes, y: Lanes) -> Lanes:
        """sqrt(x^2 + y^2)."""
        return self.real_function("hypot", x, y)

    def nextafter(self, x: Lanes, y: Lanes) -> Lanes:
        """The float after x in the direction of y."""
        return self.real_function("nextafter", x, y)

    def log2(self, x: Lanes) -> Lanes:
        """Logarithm to base 2."""
        return self._float_or_complex("log2", x)

    def log10(self, x: Lanes) -> Lanes:
        """Logarithm to base 10."""
        return self._float_or_complex("log10", x)

    def sinh(self, x: Lanes) -> Lanes:
        """Hyperbolic sine."""
        return self._float_or_complex("sinh", x)

    def cosh(self, x: Lanes) -> Lanes:
        """Hyperbolic cosine."""
        return self._float_or_complex("cosh", x)

    def asinh(self, x: Lanes) -> Lanes:
        """Inverse hyperbolic sine."""
        return self._float_or_complex("asinh", x)

    def acosh(self, x: Lanes) -> Lanes:
        """Inverse hyperbolic cosine; nan below 1."""
        return self._float_or_complex("acosh", x)

    def atanh(self, x: Lanes) -> Lanes:
        """Inverse hyperbolic tangent; nan beyond 1."""
        return self._float_or_complex("atanh", x)

    def asin(self, x: Lanes) -> Lanes:
        """Inverse sine, from -pi/2 to pi/2."""
        return self._float_or_complex("asin", x)

    def acos(self, x: Lanes) -> Lanes:
        """Inverse cosine, from 0 to pi."""
        return self._float_or_complex("acos", x)

    def atan(self, x: Lanes) -> Lanes:
        """Inverse tangent, from -pi/2 to pi/2."""
        return self._float_or_complex("atan", x)

    def atan2(self, y: Lanes, x: Lanes) -> Lanes:
        """Angle of the point (x, y), from -pi to pi."""
        return self.real_function("atan2", y, x)

    def erf(self, x: Lanes) -> Lanes:
        """Error function."""
        return self.real_function("erf", x)

    def erfc(self, x: Lanes) -> Lanes:
        """1 - erf(x)."""
        return self.real_function("erfc", x)

    def erf_inv(self, x: Lanes) -> Lanes:
        """Inverse of erf; nan beyond 1."""
        return self.real_function("erf_inv", x)

    def lgamma(self, x: Lanes) -> Lanes:
        """log |Gamma(x)|."""
        return self.real_function("lgamma", x)

    def digamma(self, x: Lanes) -> Lanes:
        """Derivative of lgamma."""
        return self.real_function("digamma", x)


def _arity(formula: Formula) -> int:
    """Number of operands: all parameters but the kernel."""
    return formula.__code__.co_argcount - 1


def build_lane_loop(
    kernel: Kernel, body: Formula, function: ll.Function, result_count: int, width: int
) -> None:
    """Fill `function`, of vectors to a struct of vectors, with a loop over lanes: the results of
    the scalar `body(kernel, *reals)` for each."""
    builder = kernel.builder
    entry = builder.block
    loop, done = builder.append_basic_block("lane"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    register = vector_type(F64, width)
    lane = builder.phi(I64)
    lane.add_incoming(ll.Constant(I64, 0), entry)
    before = [builder.phi(register) for _ in range(result_count)]
    if width == 1:
        after = [x.value for x in body(kernel, *[Real(kernel, x) for x in function.args])]
    else:
        elements = [Real(kernel, builder.extract_element(x, lane)) for x in function.args]
        results = body(kernel, *elements)
        after = [
            builder.insert_element(vector, x.value, lane)
            for vector, x in zip(before, results, strict=True)
        ]
    following = builder.add(lane, ll.Constant(I64, 1))
    lane.add_incoming(following, builder.block)
    for phi, value in zip(before, after, strict=True):
        phi.add_incoming(ll.Constant(register, ll.Undefined), entry)
        phi.add_incoming(value, builder.block)
    more = builder.icmp_unsigned("<", following, ll.Constant(I64, width))
    builder.cbranch(more, loop, done)
    builder.position_at_end(done)
    outcome = ll.Constant(function.function_type.return_type, ll.Undefined)
    for i, value in enumerate(after):
        outcome = builder.insert_value(outcome, value, i)
    builder.ret(outcome)
