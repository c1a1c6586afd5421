"""Comparisons, and choices between elements, by the names of `jax.lax`."""

from __future__ import annotations

from typing import Any

from jitad_ir import ops

from ..errors import at_user_line
from ..numpy.promotion import filled, spread
from ..trace import apply
from .elementwise import pair
from .operands import as_result, of_kind, of_one_dtype


def is_finite(x: Any) -> Any:
    """True where x is neither infinite nor nan.

    `x`: floats of any shape; the result has its shape, and bools. TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.is_finite(np.array([1.0, np.inf, np.nan]))
    Array([ True, False, False])
    """
    return apply(ops.is_finite, of_kind("is_finite", x, "f"))


def eq(x: Any, y: Any) -> Any:
    """True where x == y; False where either is nan.

    `x` and `y`: arrays of any dtype of one shape, or scalars; the result has their shape, and
    bools. TypeError for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.eq(np.array([1, 2]), 2)
    Array([False,  True])
    """
    return apply(ops.eq, *pair("eq", x, y, "biufc"))


def ge(x: Any, y: Any) -> Any:
    """True where x >= y; False where either is nan.

    `x` and `y`: bools, integers or floats of one shape, or scalars; the result has their shape, and
    bools. TypeError for complex numbers and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.ge(np.array([1, 2, 3]), 2)
    Array([False,  True,  True])
    """
    return apply(ops.ge, *pair("ge", x, y, "biuf"))


def gt(x: Any, y: Any) -> Any:
    """True where x > y; False where either is nan.

    `x` and `y`: bools, integers or floats of one shape, or scalars; the result has their shape, and
    bools. TypeError for complex numbers and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.gt(np.array([1, 2, 3]), 2)
    Array([False, False,  True])
    """
    return apply(ops.gt, *pair("gt", x, y, "biuf"))


def le(x: Any, y: Any) -> Any:
    """True where x <= y; False where either is nan.

    `x` and `y`: bools, integers or floats of one shape, or scalars; the result has their shape, and
    bools. TypeError for complex numbers and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.le(np.array([1, 2, 3]), 2)
    Array([ True,  True, False])
    """
    return apply(ops.le, *pair("le", x, y, "biuf"))


def lt(x: Any, y: Any) -> Any:
    """True where x < y; False where either is nan.

    `x` and `y`: bools, integers or floats of one shape, or scalars; the result has their shape, and
    bools. TypeError for complex numbers and for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.lt(np.array([1, 2, 3]), 2)
    Array([ True, False, False])
    """
    return apply(ops.lt, *pair("lt", x, y, "biuf"))


def ne(x: Any, y: Any) -> Any:
    """True where x != y; True where either is nan.

    `x` and `y`: arrays of any dtype of one shape, or scalars; the result has their shape, and
    bools. TypeError for operands of different kinds.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.ne(np.array([1, 2]), 2)
    Array([ True, False])
    """
    return apply(ops.ne, *pair("ne", x, y, "biufc"))


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
    equals a limit neither carries a tangent. Complex numbers are ordered by their real parts, then
    their imaginary parts.

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
    low, high = spread(low, middle.shape), spread(high, middle.shape)
    if middle.dtype.kind in "bc":
        return apply(ops.min, apply(ops.max, low, middle), high)
    return apply(ops.clamp, low, middle, high)
