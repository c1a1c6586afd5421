"""Products of tensors by the names of `jax.lax`.

`precision` is accepted for programs written for JAX: products have the full precision of their
dtype, which is `preferred_element_type` where that is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from ..errors import at_user_line
from ..numpy.products import contract
from ..numpy.promotion import Operand, as_dtype, as_operand, common_dtype, convert
from .operands import as_array, as_result, axes_of

DotDimensionNumbers: TypeAlias = (
    "tuple[tuple[Sequence[int], Sequence[int]], tuple[Sequence[int], Sequence[int]]]"
)
"""((lhs contracted, rhs contracted), (lhs batch, rhs batch)): paired axes."""


def _operands(lhs: Any, rhs: Any, dtype: Any) -> tuple[Operand, Operand]:
    x, y = as_array("dot_general", lhs), as_array("dot_general", rhs)
    found = common_dtype([as_operand(lhs), as_operand(rhs)])
    if dtype is not None:
        preferred = as_dtype(dtype)
        if found.kind == "c" and preferred.kind != "c":
            raise TypeError(
                at_user_line(
                    "dot_general: expected a complex preferred_element_type for operands of "
                    f"{found}; got {preferred}. Write .real of the result"
                )
            )
        found = preferred
    return convert(x, found), convert(y, found)


def _paired_axes(given: Any) -> Any:
    """`given`, if it is a pair of pairs."""
    parts = [given, *given] if isinstance(given, (tuple, list)) else [given]
    if not all(isinstance(part, (tuple, list)) and len(part) == 2 for part in parts):
        raise TypeError(
            at_user_line(
                "dot_general: expected dimension_numbers as ((lhs contracted, rhs contracted), "
                f"(lhs batch, rhs batch)), as in (((1,), (0,)), ((), ())); got {given!r}"
            )
        )
    return given


def dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: DotDimensionNumbers,
    precision: Any = None,
    preferred_element_type: Any = None,
    *,
    out_sharding: Any = None,
) -> Any:
    """Sum of products over paired contracted axes, side by side along paired batch axes.

    `dimension_numbers` is ((lhs contracted, rhs contracted), (lhs batch, rhs batch)). The result
    has the batch axes, then the other axes of `lhs`, then those of `rhs`. Operands of two dtypes
    meet at their common one. Raises TypeError if paired axes have different lengths, and for a real
    `preferred_element_type` of complex operands.

    >>> from jitad import lax
    >>> import numpy as np
    >>> x, y = np.ones((5, 2, 3)), np.ones((5, 3, 4))
    >>> lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))).shape
    (5, 2, 4)
    """
    (of_x, of_y), (batch_x, batch_y) = _paired_axes(dimension_numbers)
    x, y = _operands(lhs, rhs, preferred_element_type)
    axes = (axes_of("dot_general", of_x, x.ndim), axes_of("dot_general", of_y, y.ndim))
    batch = (axes_of("dot_general", batch_x, x.ndim), axes_of("dot_general", batch_y, y.ndim))
    for role, (first, second) in (("contracting", axes), ("batch", batch)):
        lengths = [x.shape[i] for i in first], [y.shape[i] for i in second]
        if lengths[0] != lengths[1]:
            raise TypeError(
                at_user_line(
                    f"dot_general requires {role} dimensions to have equal sizes, got "
                    f"{lengths[0]} and {lengths[1]}."
                )
            )
    return as_result(contract(x, y, axes, batch))


def dot(
    lhs: Any,
    rhs: Any,
    *,
    dimension_numbers: DotDimensionNumbers | None = None,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
) -> Any:
    """Product of vectors and matrices; of any tensors with `dimension_numbers`: `dot_general`.

    Raises ValueError for scalars and tensors of three axes and more, TypeError for lengths that
    differ.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dot(np.arange(3.0), np.arange(3.0))
    Array(5.)
    """
    if dimension_numbers is None:
        x, y = as_array("dot", lhs), as_array("dot", rhs)
        if x.ndim not in (1, 2) or y.ndim not in (1, 2):
            raise ValueError(
                at_user_line(
                    f"dot: expected vectors or matrices; got {x.shape} and {y.shape}. Write "
                    "dimension_numbers=..., or jnp.matmul"
                )
            )
        if x.shape[-1] != y.shape[0]:
            raise TypeError(
                at_user_line(f"Incompatible shapes for dot: got {x.shape} and {y.shape}.")
            )
        dimension_numbers = (((x.ndim - 1,), (0,)), ((), ()))
    return dot_general(lhs, rhs, dimension_numbers, precision, preferred_element_type)


def batch_matmul(lhs: Any, rhs: Any, precision: Any = None) -> Any:
    """Matrix products side by side: (..., m, k) and (..., k, n) give (..., m, n), the leading axes
    alike. Raises ValueError if the numbers of axes differ or are below 2.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.batch_matmul(np.ones((5, 2, 3)), np.ones((5, 3, 4))).shape
    (5, 2, 4)
    """
    x, y = as_array("batch_matmul", lhs), as_array("batch_matmul", rhs)
    if x.ndim != y.ndim or x.ndim < 2:
        raise ValueError(
            at_user_line(
                "batch_matmul requires arguments of one number of axes, at least 2; got "
                f"{x.shape} and {y.shape}"
            )
        )
    batch = tuple(range(x.ndim - 2))
    return dot_general(lhs, rhs, (((x.ndim - 1,), (x.ndim - 2,)), (batch, batch)))
