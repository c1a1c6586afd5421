"""Functions of analysis, element by element, by the names of `jax.lax`."""

from __future__ import annotations

from typing import Any

from jitad_ir import ops

from ..trace import apply
from .operands import of_kind


def acos(x: Any) -> Any:
    """Inverse cosine in radians, in [0, pi]; nan for real |x| > 1.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. The derivative is -1 / sqrt(1 - x**2).

    >>> from jitad import lax
    >>> lax.acos(0.5)
    Array(1.04719755)
    """
    return apply(ops.acos, of_kind("acos", x, "fc"))


def acosh(x: Any) -> Any:
    """Inverse hyperbolic cosine; nan for real x < 1.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. The derivative is 1 / sqrt(x**2 - 1).

    >>> from jitad import lax
    >>> lax.acosh(2.0)
    Array(1.3169579)
    """
    return apply(ops.acosh, of_kind("acosh", x, "fc"))


def asin(x: Any) -> Any:
    """Inverse sine in radians, in [-pi/2, pi/2]; nan for real |x| > 1.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. The derivative is 1 / sqrt(1 - x**2).

    >>> from jitad import lax
    >>> lax.asin(0.5)
    Array(0.52359878)
    """
    return apply(ops.asin, of_kind("asin", x, "fc"))


def asinh(x: Any) -> Any:
    """Inverse hyperbolic sine.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. The derivative is 1 / sqrt(x**2 + 1).

    >>> from jitad import lax
    >>> lax.asinh(1.0)
    Array(0.88137359)
    """
    return apply(ops.asinh, of_kind("asinh", x, "fc"))


def atan(x: Any) -> Any:
    """Inverse tangent in radians, in [-pi/2, pi/2].

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. The derivative is 1 / (1 + x**2).

    >>> from jitad import lax
    >>> lax.atan(1.0)
    Array(0.78539816)
    """
    return apply(ops.atan, of_kind("atan", x, "fc"))


def atanh(x: Any) -> Any:
    """Inverse hyperbolic tangent; infinite at -1 and 1, nan for real |x| > 1.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. The derivative is 1 / (1 - x**2).

    >>> from jitad import lax
    >>> lax.atanh(0.5)
    Array(0.54930614)
    """
    return apply(ops.atanh, of_kind("atanh", x, "fc"))


def cbrt(x: Any, *, accuracy: Any = None) -> Any:
    """Cube root, negative for negative x.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes.
    `accuracy` has no effect: there is one, the best. The derivative is infinite at 0.

    >>> from jitad import lax
    >>> lax.cbrt(-8.0)
    Array(-2.)
    """
    return apply(ops.cbrt, of_kind("cbrt", x, "f"))


def cos(x: Any, *, accuracy: Any = None) -> Any:
    """Cosine of x in radians.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.cos(np.array([0.0, np.pi]))
    Array([ 1., -1.])
    """
    return apply(ops.cos, of_kind("cos", x, "fc"))


def cosh(x: Any) -> Any:
    """Hyperbolic cosine, (exp(x) + exp(-x)) / 2.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes.

    >>> from jitad import lax
    >>> lax.cosh(1.0)
    Array(1.54308063)
    """
    return apply(ops.cosh, of_kind("cosh", x, "fc"))


def erf(x: Any) -> Any:
    """Error function: 2 / sqrt(pi) times the integral of exp(-u**2) over u from 0 to x (DLMF
    7.2.1).

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.erf(0.5)
    Array(0.52049988)
    """
    return apply(ops.erf, of_kind("erf", x, "f"))


def erf_inv(x: Any) -> Any:
    """Inverse of `erf`: infinite at -1 and 1, nan beyond.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes. The
    derivative is sqrt(pi) / 2 exp(y**2) at the result y.

    >>> from jitad import lax
    >>> lax.erf_inv(0.5)
    Array(0.47693628)
    """
    return apply(ops.erf_inv, of_kind("erf_inv", x, "f"))


def erfc(x: Any) -> Any:
    """1 - erf(x) (DLMF 7.2.2), without cancellation for large x.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.erfc(10.0)
    Array(2.08848758e-45)
    """
    return apply(ops.erfc, of_kind("erfc", x, "f"))


def exp(x: Any, *, accuracy: Any = None) -> Any:
    """e to the power x; inf where that is beyond the dtype.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.exp(np.array([0.0, 1.0]))
    Array([1.        , 2.71828183])
    """
    return apply(ops.exp, of_kind("exp", x, "fc"))


def exp2(x: Any, *, accuracy: Any = None) -> Any:
    """2 to the power x, exact for integers.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> lax.exp2(3.0)
    Array(8.)
    """
    return apply(ops.exp2, of_kind("exp2", x, "fc"))


def expm1(x: Any, *, accuracy: Any = None) -> Any:
    """exp(x) - 1, without cancellation near 0.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> lax.expm1(1e-10)
    Array(1.e-10)
    """
    return apply(ops.expm1, of_kind("expm1", x, "fc"))


def log(x: Any, *, accuracy: Any = None) -> Any:
    """Natural logarithm; -inf at 0, nan for real x < 0.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.log(np.array([1.0, np.e]))
    Array([0., 1.])
    """
    return apply(ops.log, of_kind("log", x, "fc"))


def log1p(x: Any, *, accuracy: Any = None) -> Any:
    """log(1 + x), without cancellation near 0; -inf at -1, nan for real x < -1.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> lax.log1p(1e-10)
    Array(1.e-10)
    """
    return apply(ops.log1p, of_kind("log1p", x, "fc"))


def logistic(x: Any, *, accuracy: Any = None) -> Any:
    """1 / (1 + exp(-x)), without overflow.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best. The derivative is s (1 - s) at
    the result s.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.logistic(np.array([-1000.0, 0.0]))
    Array([0. , 0.5])
    """
    return apply(ops.logistic, of_kind("logistic", x, "fc"))


def reciprocal(x: Any) -> Any:
    """1 / x; infinite at 0.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes.

    >>> from jitad import lax
    >>> lax.reciprocal(4.0)
    Array(0.25)
    """
    return apply(ops.reciprocal, of_kind("reciprocal", x, "fc"))


def rsqrt(x: Any, *, accuracy: Any = None) -> Any:
    """1 / sqrt(x); inf at 0, nan for real x < 0.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> lax.rsqrt(4.0)
    Array(0.5)
    """
    return apply(ops.rsqrt, of_kind("rsqrt", x, "fc"))


def sin(x: Any, *, accuracy: Any = None) -> Any:
    """Sine of x in radians.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.sin(np.array([0.0, np.pi / 2]))
    Array([0., 1.])
    """
    return apply(ops.sin, of_kind("sin", x, "fc"))


def sinh(x: Any) -> Any:
    """Hyperbolic sine, (exp(x) - exp(-x)) / 2.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes.

    >>> from jitad import lax
    >>> lax.sinh(1.0)
    Array(1.17520119)
    """
    return apply(ops.sinh, of_kind("sinh", x, "fc"))


def sqrt(x: Any, *, accuracy: Any = None) -> Any:
    """Square root; nan for real x < 0.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best. The derivative is infinite at 0.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.sqrt(np.array([4.0, 2.0]))
    Array([2.        , 1.41421356])
    """
    return apply(ops.sqrt, of_kind("sqrt", x, "fc"))


def square(x: Any) -> Any:
    """x times x; integers wrap.

    `x`: numbers of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.square(np.array([-3, 2]))
    Array([9, 4])
    """
    return apply(ops.square, of_kind("square", x, "iufc"))


def tan(x: Any, *, accuracy: Any = None) -> Any:
    """Tangent of x in radians.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.tan(np.pi / 4)
    Array(1.)
    """
    return apply(ops.tan, of_kind("tan", x, "fc"))


def tanh(x: Any, *, accuracy: Any = None) -> Any:
    """Hyperbolic tangent.

    `x`: floats or complex numbers of any shape; the result has its shape and dtype. TypeError for
    other dtypes. `accuracy` has no effect: there is one, the best. The derivative is 1 - y**2 at
    the result y.

    >>> from jitad import lax
    >>> lax.tanh(0.5)
    Array(0.46211716)
    """
    return apply(ops.tanh, of_kind("tanh", x, "fc"))
