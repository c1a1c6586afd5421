"""Functions of each element, by the names of `jax.lax`: operands of one dtype, of one shape or
scalars (see `operands`)."""

from __future__ import annotations

import enum
import operator
from typing import Any

from jitad_ir import ops

from ..argument_types import is_weak
from ..errors import at_user_line
from ..numpy.promotion import as_dtype, convert, filled
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


def pair(name: str, x: Any, y: Any, kinds: str) -> list[Any]:
    """Two operands of one dtype, with a kind in `kinds`, and of one shape; raises TypeError."""
    if not alike(x, y) or is_weak(x) or is_weak(y):
        x, y = of_one_shape(name, of_one_dtype(name, (x, y)))
    if x.dtype.kind not in kinds:
        raise TypeError(at_user_line(f"{name} {not_accepted(x.dtype, kinds)}"))
    return [x, y]


def ceil(x: Any) -> Any:
    """The smallest integer >= x, as a float.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes. The
    derivative is 0.

    >>> from jitad import lax
    >>> lax.ceil(-1.5)
    Array(-1.)
    """
    return apply(ops.ceil, of_kind("ceil", x, "f"))


def floor(x: Any) -> Any:
    """The largest integer <= x, as a float.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes. The
    derivative is 0.

    >>> from jitad import lax
    >>> lax.floor(-1.5)
    Array(-2.)
    """
    return apply(ops.floor, of_kind("floor", x, "f"))


def imag(x: Any) -> Any:
    """Imaginary part.

    `x`: complex numbers of any shape; the result has its shape, and floats of half the size.
    TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.imag(1 + 2j)
    Array(2.)
    """
    return apply(ops.imag, of_kind("imag", x, "c"))


def neg(x: Any) -> Any:
    """-x; integers wrap.

    `x`: numbers of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.neg(np.array([1.0, -2.0]))
    Array([-1.,  2.])
    """
    return apply(ops.neg, of_kind("neg", x, "iufc"))


def real(x: Any) -> Any:
    """Real part.

    `x`: complex numbers of any shape; the result has its shape, and floats of half the size.
    TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.real(1 + 2j)
    Array(1.)
    """
    return apply(ops.real, of_kind("real", x, "c"))


def sign(x: Any) -> Any:
    """-1, 0 or 1 by the sign of x, nan for nan; x / |x| for complex x, and 0 for 0.

    `x`: numbers of any shape; the result has its shape and dtype. TypeError for other dtypes. The
    derivative of real x is 0.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.sign(np.array([-2.5, 0.0, 3.0]))
    Array([-1.,  0.,  1.])
    """
    return apply(ops.sign, of_kind("sign", x, "iufc"))


def add(x: Any, y: Any) -> Any:
    """x + y; integers wrap.

    `x` and `y`: numbers of one shape, or scalars; the result has their shape and dtype. TypeError
    for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.add(np.array([1.0, 2.0]), 10.0)
    Array([11., 12.])
    """
    return apply(ops.add, *pair("add", x, y, "iufc"))


def div(x: Any, y: Any) -> Any:
    """x / y; of integers truncated toward zero, and 0 for division by zero.

    `x` and `y`: numbers of one shape, or scalars; the result has their shape and dtype. TypeError
    for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.div(np.array([7, -7]), 2)
    Array([ 3, -3])
    """
    return apply(ops.div, *pair("div", x, y, "iufc"))


def max(x: Any, y: Any) -> Any:
    """The greater of x and y, nan if either is; complex numbers by real part, then by imaginary.

    `x` and `y`: arrays of any dtype of one shape, or scalars; the result has their shape and dtype.
    TypeError for operands of different kinds. Where both are equal each has half of the derivative.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.max(np.array([1.0, 5.0]), 3.0)
    Array([3., 5.])
    """
    return apply(ops.max, *pair("max", x, y, "biufc"))


def min(x: Any, y: Any) -> Any:
    """The lesser of x and y, nan if either is; complex numbers by real part, then by imaginary.

    `x` and `y`: arrays of any dtype of one shape, or scalars; the result has their shape and dtype.
    TypeError for operands of different kinds. Where both are equal each has half of the derivative.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.min(np.array([1.0, 5.0]), 3.0)
    Array([1., 3.])
    """
    return apply(ops.min, *pair("min", x, y, "biufc"))


def rem(x: Any, y: Any) -> Any:
    """Remainder of x divided by y, the quotient truncated toward zero: it has the sign of x; of
    integers by zero it is 0.

    `x` and `y`: integers or floats of one shape, or scalars; the result has their shape and dtype.
    TypeError for other dtypes and for operands of different kinds. The derivative by x is 1.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.rem(np.array([7, -7]), 3)
    Array([ 1, -1])
    """
    return apply(ops.rem, *pair("rem", x, y, "iuf"))


def sub(x: Any, y: Any) -> Any:
    """x - y; integers wrap.

    `x` and `y`: numbers of one shape, or scalars; the result has their shape and dtype. TypeError
    for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.sub(np.array([1.0, 2.0]), 10.0)
    Array([-9., -8.])
    """
    return apply(ops.sub, *pair("sub", x, y, "iufc"))


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
    """Complex conjugate.

    `x`: floats or complex numbers of any shape; the result has its shape and is complex, of floats
    too. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.conj(1 + 2j)
    Array(1.-2.j)
    """
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
    """Angle of the point (y, x) to the first axis in radians, from -pi to pi; of complex numbers -i
    log((y + i x) / sqrt(x**2 + y**2)).

    `x` and `y`: floats or complex numbers of one shape, or scalars; the result has their shape and
    dtype. TypeError for other dtypes and for operands of different kinds.

    >>> from jitad import lax
    >>> lax.atan2(1.0, -1.0)
    Array(2.35619449)
    """
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
    """How `round` rounds what lies halfway between two integers.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.round(np.array([0.5, 2.5]), lax.RoundingMethod.TO_NEAREST_EVEN)
    Array([0., 2.])
    """

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


def convert_element_type(operand: Any, new_dtype: Any) -> Any:
    """`operand` in another dtype: integers wrap, floats go to integers toward zero (beyond the
    range to its end), complex numbers lose their imaginary part.

    >>> from jitad import lax
    >>> lax.convert_element_type(1.7, int)
    Array(1)
    """
    return as_result(convert(as_array("convert_element_type", operand), as_dtype(new_dtype)))
