"""Functions of each element, by the names of `jax.lax`: operands of one dtype, of one shape or
scalars (see `operands`)."""

from __future__ import annotations

import enum
import operator
from collections.abc import Callable
from typing import Any

from jitad_ir import ops
from jitad_ir.op import Op

from ..argument_types import is_weak
from ..errors import at_user_line
from ..numpy.promotion import as_dtype, convert, filled, spread
from ..trace import apply
from .operands import (
    alike,
    as_array,
    as_result,
    not_accepted,
    of_kind,
    of_one_dtype,
    of_one_shape,
)

Function = Callable[..., Any]


def _named(function: Function, name: str, doc: str) -> Function:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _unary(op: Op, kinds: str, doc: str = "") -> Function:
    """`op` as a function of arrays of dtypes whose kind is in `kinds`."""

    def function(x: Any) -> Any:
        return apply(op, of_kind(op.name, x, kinds))

    return _named(function, op.name, _text(doc or op.doc, kinds))


def _rounded(op: Op, kinds: str, doc: str = "") -> Function:
    """`_unary` for functions that take `accuracy`, which has no effect: results are accurate to
    the last places of their dtype."""

    def function(x: Any, *, accuracy: Any = None) -> Any:
        return apply(op, of_kind(op.name, x, kinds))

    text = _text(doc or op.doc, kinds) + " `accuracy` has no effect: there is one, the best."
    return _named(function, op.name, text)


def _text(doc: str, kinds: str) -> str:
    names = {"biu": "Bools and integers", "iu": "Integers", "f": "Floats", "c": "Complex numbers"}
    names |= {"fc": "Floats and complex numbers", "iuf": "Integers and floats"}
    names |= {
        "iufc": "Numbers",
        "ifc": "Signed numbers",
        "biufc": "Any dtype",
        "biuf": "All but complex numbers",
    }
    return f"{doc} {names[kinds]}; TypeError for other dtypes."


def _binary(op: Op, kinds: str, doc: str = "") -> Function:
    """`op` as a function of two operands of one dtype."""

    def function(x: Any, y: Any) -> Any:
        return apply(op, *pair(op.name, x, y, kinds))

    return _named(function, op.name, _text(doc or op.doc, kinds))


def pair(name: str, x: Any, y: Any, kinds: str) -> list[Any]:
    """Two operands of one dtype, with a kind in `kinds`, and of one shape; raises TypeError."""
    if not alike(x, y) or is_weak(x) or is_weak(y):
        x, y = of_one_shape(name, of_one_dtype(name, (x, y)))
    if x.dtype.kind not in kinds:
        raise TypeError(at_user_line(f"{name} {not_accepted(x.dtype, kinds)}"))
    return [x, y]


acos = _unary(ops.acos, "fc")
acosh = _unary(ops.acosh, "fc")
asin = _unary(ops.asin, "fc")
asinh = _unary(ops.asinh, "fc")
atan = _unary(ops.atan, "fc")
atanh = _unary(ops.atanh, "fc")
cbrt = _rounded(ops.cbrt, "f")
ceil = _unary(ops.ceil, "f")
cos = _rounded(ops.cos, "fc")
cosh = _unary(ops.cosh, "fc")
erf = _unary(ops.erf, "f")
erf_inv = _unary(ops.erf_inv, "f")
erfc = _unary(ops.erfc, "f")
exp = _rounded(ops.exp, "fc")
exp2 = _rounded(ops.exp2, "fc")
expm1 = _rounded(ops.expm1, "fc")
floor = _unary(ops.floor, "f")
imag = _unary(ops.imag, "c")
is_finite = _unary(ops.is_finite, "f")
log = _rounded(ops.log, "fc")
log1p = _rounded(ops.log1p, "fc")
logistic = _rounded(ops.logistic, "fc")
neg = _unary(ops.neg, "iufc")
real = _unary(ops.real, "c")
reciprocal = _unary(ops.reciprocal, "fc")
rsqrt = _rounded(ops.rsqrt, "fc")
sign = _unary(ops.sign, "iufc")
sin = _rounded(ops.sin, "fc")
sinh = _unary(ops.sinh, "fc")
sqrt = _rounded(ops.sqrt, "fc")
square = _unary(ops.square, "iufc")
tan = _rounded(ops.tan, "fc")
tanh = _rounded(ops.tanh, "fc")

add = _binary(ops.add, "iufc")
div = _binary(ops.div, "iufc")
max = _binary(
    ops.max,
    "biufc",
    "The greater of x and y, nan if either is; complex numbers by real part, then imaginary.",
)
min = _binary(
    ops.min,
    "biufc",
    "The lesser of x and y, nan if either is; complex numbers by real part, then imaginary.",
)
rem = _binary(ops.rem, "iuf")
sub = _binary(ops.sub, "iufc")
eq = _binary(ops.eq, "biufc")
ge = _binary(ops.ge, "biuf")
gt = _binary(ops.gt, "biuf")
le = _binary(ops.le, "biuf")
lt = _binary(ops.lt, "biuf")
ne = _binary(ops.ne, "biufc")


def abs(x: Any) -> Any:
    """|x|, real for complex x. TypeError for bools and unsigned integers.

    >>> from jitad import lax
    >>> lax.abs(-2.5)
    Array(2.5)
    """
    return apply(ops.abs, of_kind("abs", x, "ifc"))


def mul(x: Any, y: Any, *, out_dtype: Any = None) -> Any:
    """x * y; integers wrap. With `out_dtype`, operands of any dtypes, computed in that one.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.mul(np.arange(3.0), 2.0)
    Array([0., 2., 4.])
    """
    if out_dtype is None:
        return apply(ops.mul, *pair("mul", x, y, "iufc"))
    dtype = as_dtype(out_dtype)
    found = [convert(as_array("mul", operand), dtype) for operand in (x, y)]
    return apply(ops.mul, *of_one_shape("mul", found))


def conj(x: Any) -> Any:
    """Complex conjugate of floats, which become complex, and complex numbers."""
    found = of_kind("conj", x, "fc")
    if found.dtype.kind == "f":
        found = apply(ops.complex, found, filled(found, 0))
    return apply(ops.conj, found)


def complex(x: Any, y: Any) -> Any:
    """x + i y, from floats of one dtype.

    >>> from jitad import lax
    >>> lax.complex(1.0, 2.0)
    Array(1.+2.j)
    """
    return apply(ops.complex, *pair("complex", x, y, "f"))


def atan2(x: Any, y: Any) -> Any:
    """Angle of the point (y, x) to the first axis, from -pi to pi; of complex numbers
    -i log((y + i x) / sqrt(x**2 + y**2))."""
    found = pair("atan2", x, y, "fc")
    if found[0].dtype.kind == "f":
        return apply(ops.atan2, *found)
    x, y = found
    unit = filled(x, 1j)
    size = apply(ops.sqrt, apply(ops.add, apply(ops.square, x), apply(ops.square, y)))
    turned = apply(ops.div, apply(ops.add, y, apply(ops.mul, x, unit)), size)
    return apply(ops.mul, apply(ops.log, turned), filled(x, -1j))


def nextafter(x1: Any, x2: Any) -> Any:
    """The float next to x1 in the direction of x2; its derivative by x1 is 1 on neither side, so
    it has none.

    >>> from jitad import lax
    >>> float(lax.nextafter(1.0, 2.0)) - 1.0
    2.220446049250313e-16
    """
    return apply(ops.nextafter, *pair("nextafter", x1, x2, "f"))


def pow(x: Any, y: Any) -> Any:
    """x**y: floats or complex numbers to a power of the same dtype or of integers.

    >>> from jitad import lax
    >>> lax.pow(2.0, 3)
    Array(8.)
    """
    if type(y) is int:
        return integer_pow(of_kind("pow", x, "fc"), y)
    base, exponent = as_array("pow", x), as_array("pow", y)
    if exponent.dtype.kind not in "iu":
        return apply(ops.pow, *pair("pow", x, y, "fc"))
    base = of_kind("pow", base, "fc")
    base, exponent = of_one_shape("pow", [base, convert(exponent, base.dtype)])
    return apply(ops.pow, base, exponent)


def integer_pow(x: Any, y: int) -> Any:
    """x**y for a Python integer y, by repeated multiplication; TypeError for integers to a
    negative power.

    >>> from jitad import lax
    >>> lax.integer_pow(2.0, -2)
    Array(0.25)
    """
    found = of_kind("integer_pow", x, "iufc")
    exponent = operator.index(y)
    if exponent < 0 and found.dtype.kind in "iu":
        raise TypeError(
            at_user_line(
                "Integers cannot be raised to negative powers, got "
                f"integer_pow({found.dtype}{list(found.shape)}, {exponent})"
            )
        )
    return apply(ops.integer_pow, found, exponent=exponent)


class RoundingMethod(enum.IntEnum):
    """How `round` rounds what lies halfway between two integers."""

    AWAY_FROM_ZERO = 0
    TO_NEAREST_EVEN = 1


def round(x: Any, rounding_method: RoundingMethod = RoundingMethod.AWAY_FROM_ZERO) -> Any:
    """x rounded to the nearest integer, as floats; halves by `rounding_method`.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.round(np.array([0.5, 1.5, -2.5]))
    Array([ 1.,  2., -3.])
    """
    found = of_kind("round", x, "f")
    if RoundingMethod(rounding_method) is RoundingMethod.TO_NEAREST_EVEN:
        return apply(ops.round, found)
    whole = apply(ops.trunc, found)
    # x - trunc(x) is exact, so that 0.49999999999999994 stays below 0.5.
    rest = apply(ops.abs, apply(ops.sub, found, whole))
    away = apply(ops.add, whole, apply(ops.sign, found))
    return apply(ops.select, apply(ops.ge, rest, filled(rest, 0.5)), away, whole)


def select(pred: Any, on_true: Any, on_false: Any) -> Any:
    """on_true where `pred` (bool: a scalar or of their shape) is true, else on_false, of one shape
    and dtype. What is not chosen has no influence, nan or not.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.select(np.array([True, False]), np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    Array([1., 4.])
    """
    return select_n(pred, on_false, on_true)


def select_n(which: Any, *cases: Any) -> Any:
    """cases[which], element by element: `which` is bool for two cases or fewer, else int32 or
    another integer, a scalar or of the shape of the cases.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.select_n(np.array([2, 0]), np.array([1, 2]), np.array([3, 4]), np.array([5, 6]))
    Array([5, 2])
    """
    if not cases:
        raise ValueError(at_user_line("select_n() must have at least one case"))
    found = of_one_dtype("select", cases)
    shapes = [x.shape for x in found]
    if any([shape != shapes[0] for shape in shapes]):
        raise TypeError(at_user_line(f"select cases must have the same shapes, got {shapes}."))
    number = of_kind("select", which, "biu")
    if number.shape not in ((), shapes[0]):
        raise TypeError(
            at_user_line(
                "select `which` must be scalar or have the same shape as cases, got `which` shape "
                f"{number.shape} but case shape {shapes[0]}."
            )
        )
    if number.dtype.kind == "b" and len(found) > 2:
        raise TypeError(at_user_line("select with boolean `which` cannot have > 2 cases."))
    number = spread(number, shapes[0])
    if len(found) == 1:
        return as_result(found[0])
    if number.dtype.kind == "b":
        return apply(ops.select, number, found[1], found[0])
    result = found[-1]
    for i in range(len(found) - 2, -1, -1):
        result = apply(ops.select, apply(ops.le, number, filled(number, i)), found[i], result)
    return result


def clamp(min: Any, x: Any, max: Any) -> Any:
    """x limited to [min, max], which are scalars or of the shape of x; nan if any is. Where x
    equals a limit neither carries a tangent.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.clamp(0.0, np.array([-1.0, 0.5, 2.0]), 1.0)
    Array([0. , 0.5, 1. ])
    """
    low, middle, high = of_one_dtype("clamp", (min, x, max))
    for limit, what in ((low, "min"), (high, "max")):
        if limit.shape not in ((), middle.shape):
            raise TypeError(
                at_user_line(
                    f"clamp requires {what}.shape == x.shape or {what}.shape == (), got "
                    f"{what}.shape={limit.shape}, x.shape={middle.shape}."
                )
            )
    if middle.dtype.kind == "c":
        raise TypeError(at_user_line(f"clamp {not_accepted(middle.dtype, 'biuf')}"))
    low, high = spread(low, middle.shape), spread(high, middle.shape)
    if middle.dtype.kind == "b":
        return apply(ops.min, apply(ops.max, low, middle), high)
    return apply(ops.clamp, low, middle, high)


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """`operand` in another dtype: integers wrap, floats go to integers toward zero (beyond the
    range to its end), complex numbers lose their imaginary part.

    >>> from jitad import lax
    >>> lax.convert_element_type(1.7, int)
    Array(1)
    """
    return as_result(convert(as_array("convert_element_type", operand), as_dtype(new_dtype)))
