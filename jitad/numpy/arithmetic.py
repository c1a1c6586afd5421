"""Arithmetic, remainders and the parts of complex numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.trace import apply
from jitad_ir import ops

from .elementwise import binary, composed, unary, unchanged
from .promotion import Operand, as_array_operand, as_dtype, convert, filled, is_operand, strong
from .trigonometric import arctan2


@unary(ops.neg, "iufc")
def negative(x: Any, /) -> Any:
    """-x, the operator `-`.

    Any shape, any dtype but bool (TypeError: use `logical_not`). Integers wrap: minus the least of
    them is itself.

    >>> import jitad.numpy as jnp
    >>> jnp.negative(jnp.array([1.0, -2.0]))
    Array([-1.,  2.])
    """


@unary(ops.abs, "iufc", unchanged)
def absolute(x: Any, /) -> Any:
    """Absolute value |x|; the modulus, real, of complex `x`.

    Any shape and dtype. The least of a signed integer dtype is its own absolute value. The
    derivative at 0 is 0.

    >>> import jitad.numpy as jnp
    >>> jnp.absolute(jnp.array([-1.5, 2.0]))
    Array([1.5, 2. ])
    >>> jnp.absolute(jnp.array([3 + 4j]))
    Array([5.])
    """


abs = absolute


@unary(ops.sign, "iufc")
def sign(x: Any, /) -> Any:
    """-1, 0 or 1 by the sign of `x`; x / |x| for complex `x`, and 0 for 0.

    Any shape, any dtype but bool (TypeError). nan for nan. The derivative is 0 for real `x`.

    >>> import jitad.numpy as jnp
    >>> jnp.sign(jnp.array([-2.5, 0.0, 7.0]))
    Array([-1.,  0.,  1.])
    """


@unary(ops.square, "iufc")
def square(x: Any, /) -> Any:
    """x * x.

    Any shape and dtype; integers wrap, bools count as int8.

    >>> import jitad.numpy as jnp
    >>> jnp.square(jnp.array([-3.0, 1j]))
    Array([ 9.-0.j, -1.+0.j])
    """


@unary(ops.reciprocal, "fc", lambda x: apply(ops.div, filled(x, 1), x))
def reciprocal(x: Any, /) -> Any:
    """1 / x.

    Any shape, any dtype: of integers an integer, truncated toward zero (0 for 0), as for NumPy. Of
    floats inf or -inf at 0, by the sign of the zero.

    >>> import jitad.numpy as jnp
    >>> jnp.reciprocal(jnp.array([2.0, -4.0]))
    Array([ 0.5 , -0.25])
    """


@composed
def positive(x: Any, /) -> Any:
    """`x` itself, the operator `+`.

    Any shape, any dtype but bool (TypeError).

    >>> import jitad.numpy as jnp
    >>> jnp.positive(jnp.array([-1, 2]))
    Array([-1,  2])
    """
    return x


@composed
def fabs(x: Any, /) -> Any:
    """Absolute value in a float dtype; see `absolute`, which keeps integers.

    Any shape; real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.fabs(jnp.array([-1, 2]))
    Array([1., 2.])
    """
    return apply(ops.abs, x)


@binary(ops.add, "iufc", lambda x, y: apply(ops.bitwise_or, x, y))
def add(x: Any, y: Any, /) -> Any:
    """x + y, the operator `+`.

    The operands broadcast (else ValueError), in the dtype at which theirs meet; integers wrap. Of
    bools it is `logical_or`.

    >>> import jitad.numpy as jnp
    >>> jnp.add(jnp.array([[1.0], [2.0]]), jnp.array([10.0, 20.0]))
    Array([[11., 21.],
           [12., 22.]])
    """


@binary(ops.sub, "iufc")
def subtract(x: Any, y: Any, /) -> Any:
    """x - y, the operator `-`.

    The operands broadcast (else ValueError), in the dtype at which theirs meet; integers wrap.
    Raises TypeError for bools: use `logical_xor`.

    >>> import jitad.numpy as jnp
    >>> jnp.subtract(jnp.arange(3), 1)
    Array([-1,  0,  1])
    """


@binary(ops.mul, "iufc", lambda x, y: apply(ops.bitwise_and, x, y))
def multiply(x: Any, y: Any, /) -> Any:
    """x * y, the operator `*`, element by element; the product of matrices is `matmul`.

    The operands broadcast (else ValueError), in the dtype at which theirs meet; integers wrap. Of
    bools it is `logical_and`.

    >>> import jitad.numpy as jnp
    >>> jnp.multiply(jnp.array([1.0, 2.0]), jnp.array([3.0, -0.5]))
    Array([ 3., -1.])
    """


@binary(ops.div, "fc")
def divide(x: Any, y: Any, /) -> Any:
    """x / y, the operator `/`.

    The operands broadcast (else ValueError); float or complex, integers divide in float64. Zero
    divisors give inf, -inf or nan without a warning.

    >>> import jitad.numpy as jnp
    >>> jnp.divide(jnp.array([1, -1, 0]), jnp.array([4, 0, 0]))
    Array([0.25, -inf,  nan])
    """


true_divide = divide


# Remainders. `rem` of the IR has the sign of the dividend; Python's and NumPy's % that of the
# divisor: r + y where r and y have opposite signs.


@binary(ops.rem, "iuf")
def fmod(x: Any, y: Any, /) -> Any:
    """Remainder of the division truncated toward zero, with the sign of `x`, as in C.

    The operands broadcast; real. For y = 0 it is nan, of integers 0. See `remainder`, which has
    the sign of `y`. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.fmod(jnp.array([5.0, -5.0]), 3.0)
    Array([ 2., -2.])
    """


def _opposite(r: Operand, y: Operand) -> Operand:
    """True where r is not 0 and has not the sign of y."""
    differ = apply(ops.ne, apply(ops.lt, r, 0), apply(ops.lt, y, 0))
    return apply(ops.bitwise_and, apply(ops.ne, r, 0), differ)


def _remainder(x: Operand, y: Operand) -> Operand:
    r = apply(ops.rem, x, y)
    if y.dtype.kind == "u":
        return r
    r = apply(ops.select, _opposite(r, y), apply(ops.add, r, y), r)
    if y.dtype.kind == "f":
        # The sign of zero is that of y, and the derivative 1 here too: 0 + r, and -(0 - r).
        minus = apply(ops.neg, apply(ops.sub, filled(r, 0), r))
        zero = apply(ops.select, apply(ops.lt, y, 0), minus, apply(ops.add, r, 0.0))
        r = apply(ops.select, apply(ops.eq, r, 0), zero, r)
    return r


def _floor_divide(x: Operand, y: Operand) -> Operand:
    if y.dtype.kind == "u":
        return apply(ops.div, x, y)
    r = apply(ops.rem, x, y)
    if y.dtype.kind == "i":
        quotient = apply(ops.div, x, y)
        return apply(ops.select, _opposite(r, y), apply(ops.sub, quotient, 1), quotient)
    # As NumPy's divmod: (x - r) / y is within rounding of an integer; x / y where y is 0.
    exact = apply(ops.div, apply(ops.sub, x, r), y)
    exact = apply(ops.select, _opposite(r, y), apply(ops.sub, exact, 1), exact)
    below = apply(ops.floor, exact)
    far = apply(ops.gt, apply(ops.sub, exact, below), 0.5)
    nearest = apply(ops.select, far, apply(ops.add, below, 1), below)
    ratio = apply(ops.div, x, y)
    signed_zero = apply(ops.copysign, filled(y, 0), ratio)
    nearest = apply(ops.select, apply(ops.eq, exact, 0), signed_zero, nearest)
    result = apply(ops.select, apply(ops.eq, y, 0), ratio, nearest)
    return apply(ops.stop_gradient, result)


@composed
def remainder(x: Any, y: Any, /) -> Any:
    """x - floor(x / y) y, with the sign of `y`: the operator `%`.

    The operands broadcast; real. For y = 0 it is nan, of integers 0. The derivatives are 1 in `x`
    and -floor(x / y) in `y`. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.remainder(jnp.array([5, -5, 5]), jnp.array([3, 3, -3]))
    Array([ 2,  1, -1])
    """
    return _remainder(x, y)


mod = remainder


@composed
def floor_divide(x: Any, y: Any, /) -> Any:
    """floor(x / y), the operator `//`.

    The operands broadcast; real, in the dtype at which theirs meet. For y = 0 it is inf, -inf or
    nan, of integers 0. The derivative is 0. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.floor_divide(jnp.array([7.5, -7.5]), 2.0)
    Array([ 3., -4.])
    """
    return _floor_divide(x, y)


@composed
def divmod(x: Any, y: Any, /) -> Any:
    """The pair of `floor_divide(x, y)` and `remainder(x, y)`.

    The operands broadcast; real. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.divmod(jnp.array([7, -7]), 3)
    (Array([ 2, -3]), Array([1, 2]))
    """
    return _floor_divide(x, y), _remainder(x, y)


@composed
def modf(x: Any, /) -> Any:
    """The pair of the fraction and the integral part of `x`, both with its sign.

    Any shape; real, integers count as floats. The fraction of an infinity is 0. The derivative of
    the fraction is 1. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.modf(jnp.array([3.25, -1.5]))
    (Array([ 0.25, -0.5 ]), Array([ 3., -1.]))
    """
    whole = apply(ops.trunc, x)
    infinite = apply(ops.eq, apply(ops.abs, x), np.inf)
    fraction = apply(ops.select, infinite, filled(x, 0), apply(ops.sub, x, whole))
    return apply(ops.copysign, fraction, x), whole


@binary(ops.copysign, "f")
def copysign(x: Any, y: Any, /) -> Any:
    """|x| with the sign bit of `y`, which zeros and nan have too.

    The operands broadcast; real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.copysign(jnp.array([1.0, 2.0]), jnp.array([-0.0, 5.0]))
    Array([-1.,  2.])
    """


@binary(ops.nextafter, "f")
def nextafter(x: Any, y: Any, /) -> Any:
    """The float next to `x` on the way to `y`; `y` where they are equal.

    The operands broadcast; real, integers count as floats. The derivative in `x` is 1. Raises
    TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.nextafter(1.0, 2.0) - 1.0
    Array(2.22044605e-16)
    """


@composed
def signbit(x: Any, /) -> Any:
    """True where the sign bit of `x` is set, also of -0.0; a bool array of its shape.

    Real, integers count as floats. Raises TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.signbit(jnp.array([-1.0, -0.0, 0.0]))
    Array([ True,  True, False])
    """
    return apply(ops.lt, apply(ops.copysign, filled(x, 1), x), 0)


@composed
def heaviside(x: Any, y: Any, /) -> Any:
    """The step function: 0 for x < 0, `y` for x = 0, 1 for x > 0, nan for nan.

    The operands broadcast; real, integers count as floats. The derivative in `x` is 0. Raises
    TypeError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.heaviside(jnp.array([-1.0, 0.0, 2.0]), 0.5)
    Array([0. , 0.5, 1. ])
    """
    step = apply(ops.select, apply(ops.lt, x, 0), filled(x, 0), filled(x, 1))
    step = apply(ops.select, apply(ops.eq, x, 0), y, step)
    return apply(ops.select, apply(ops.ne, x, x), x, step)


# Complex numbers.


@unary(ops.conj, "c", unchanged)
def conjugate(x: Any, /) -> Any:
    """Complex conjugate; real `x` as it is.

    Any shape and dtype.

    >>> import jitad.numpy as jnp
    >>> jnp.conjugate(jnp.array([1 + 2j]))
    Array([1.-2.j])
    """


conj = conjugate


def real(val: Any) -> Any:
    """Real part, in the shape of `val`; of real arrays themselves.

    >>> import jitad.numpy as jnp
    >>> jnp.real(jnp.array([1 + 2j]))
    Array([1.])
    """
    val = as_array_operand(val)
    return apply(ops.real, val) if val.dtype.kind == "c" else strong(val)


def imag(val: Any) -> Any:
    """Imaginary part, in the shape of `val`; zeros for real arrays.

    >>> import jitad.numpy as jnp
    >>> jnp.imag(jnp.array([1 + 2j]))
    Array([2.])
    """
    val = as_array_operand(val)
    return apply(ops.imag, val) if val.dtype.kind == "c" else filled(val, 0)


def angle(z: Any, deg: bool = False) -> Any:
    """Argument of complex `z` in radians, in (-pi, pi]; in degrees if `deg`.

    Any shape; of real numbers 0 or pi. At 0 derivatives are nan.

    >>> import jitad.numpy as jnp
    >>> jnp.angle(jnp.array([1j, -1.0])), jnp.angle(1j, deg=True)
    (Array([1.57079633, 3.14159265]), Array(90.))
    """
    z = as_array_operand(z)
    result = arctan2(imag(z), real(z)) if z.dtype.kind == "c" else arctan2(0, z)
    return multiply(result, 180 / np.pi) if deg else result


def iscomplexobj(x: Any) -> bool:
    """True if the dtype is complex: a Python bool, also of traced arrays.

    >>> import jitad.numpy as jnp
    >>> jnp.iscomplexobj(jnp.array([1j]))
    True
    """
    dtype = getattr(x, "dtype", None)
    if isinstance(dtype, np.dtype):
        return dtype.kind == "c"
    return is_operand(x) and not isinstance(x, type) and as_array_operand(x).dtype.kind == "c"


def isrealobj(x: Any) -> bool:
    """True if the dtype is not complex: a Python bool, also of traced arrays.

    >>> import jitad.numpy as jnp
    >>> jnp.isrealobj(jnp.array([1.0]))
    True
    """
    return not iscomplexobj(x)


def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """`x` in another dtype, in its shape.

    Floats go to integers toward zero; beyond the range, where NumPy's result is undefined, to its
    end (nan to 0). Complex to real drops the imaginary part, without a warning. Derivatives go
    through conversions between floats, and end at those to integers. Raises TypeError for dtypes
    that arrays do not have here.

    >>> import jitad.numpy as jnp
    >>> jnp.astype(jnp.array([1.7, -1.7]), jnp.int32)
    Array([ 1, -1], dtype=int32)
    """
    return strong(convert(as_array_operand(x), as_dtype(dtype)))
