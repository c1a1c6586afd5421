"""The emitter of elementwise ops: one method per op, over scalar or SIMD registers.

Math functions are built once per module, as internal functions over the register type such as
`jitad.sin.v4f64`, and called from kernels; LLVM decides what to inline. They are polynomial kernels
of our own, so that results do not depend on a platform's libm.
"""

from __future__ import annotations

from llvmlite import ir as ll

from ..types import DType
from . import math_exponential, math_hyperbolic, math_trigonometric
from .lanes import Lanes, intrinsic_suffix, unsupported
from .math_kernel import FORMATS, Formula, Kernel, Real
from .memory import Memory

__all__ = ["Emitter", "Lanes"]

FORMULAS: dict[str, Formula] = {
    **math_exponential.FORMULAS,
    **math_hyperbolic.FORMULAS,
    **math_trigonometric.FORMULAS,
}
"""Name of each math function -> `(kernel, *reals) -> real`."""


class Emitter(Memory):
    """Builds elementwise ops over registers of `width` elements at the position of `builder`.

    Methods take and return Lanes; names are those of the ops. `has_fma` says whether the target
    multiplies and adds in one instruction (default: as the host does). With `contract`, sums of
    products in the program may be rounded once.

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
            arity = formula.__code__.co_argcount - 1
            function = ll.Function(
                self.module, ll.FunctionType(register, [register] * arity), full_name
            )
            function.linkage = "internal"
            function.attributes.add("nounwind")
            function.attributes.add("readnone")
            builder = ll.IRBuilder(function.append_basic_block("entry"))
            kernel = Kernel(builder, FORMATS[dtype], self.width, self.has_fma, self._math_function)
            operands = [Real(kernel, argument) for argument in function.args]
            builder.ret(formula(kernel, *operands).value)
        return function

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
