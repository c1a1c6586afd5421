"""Sorting, and places of extrema, by the names of `jax.lax`."""

from __future__ import annotations

import operator
from typing import Any

from jitad_ir import ops
from jitad_ir.op import Op

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_dtype, convert
from ..trace import apply
from .operands import as_array, axis_of, of_kind


def sort(operand: Any, dimension: int = -1, is_stable: bool = True, num_keys: int = 1) -> Any:
    """`operand` in ascending order along axis `dimension`, nan at the end; of a sequence of arrays
    of one shape, all of them (a tuple) in the order of the first, ties in that of the next of the
    first `num_keys`. Sorting is always stable.

    Raises ValueError for other numbers of keys, TypeError for shapes that differ.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.sort(np.array([3, 1, 2]))
    Array([1, 2, 3])
    >>> lax.sort((np.array([1, 0, 1]), np.array([5, 6, 4])), num_keys=2)
    (Array([0, 1, 1]), Array([6, 4, 5]))
    """
    several = isinstance(operand, (list, tuple))
    arrays = [as_array("sort", x) for x in (operand if several else (operand,))]
    if not arrays:
        raise TypeError(at_user_line("Sort requires at least one operand"))
    if not 1 <= num_keys <= len(arrays):
        raise ValueError(
            at_user_line(f"sort: expected num_keys of 1 to {len(arrays)}; got {num_keys}")
        )
    if any([x.shape != arrays[0].shape for x in arrays]):
        shapes = ", ".join([str(x.shape) for x in arrays])
        raise TypeError(at_user_line(f"sort: expected operands of one shape; got {shapes}"))
    place = axis_of("sort", dimension, arrays[0].ndim)
    found = apply(ops.sort, *arrays, axis=place, num_keys=num_keys, descending=False)
    return found if several else found[0]


def sort_key_val(
    keys: Any, values: Any, dimension: int = -1, is_stable: bool = True
) -> tuple[Any, Any]:
    """`keys` in ascending order along axis `dimension`, and `values` in the same order.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.sort_key_val(np.array([3, 1]), np.array([0.5, 0.25]))
    (Array([1, 3]), Array([0.25, 0.5 ]))
    """
    sorted_keys, sorted_values = sort((keys, values), dimension)
    return sorted_keys, sorted_values


def top_k(operand: Any, k: int, *, axis: int = -1, is_stable: bool = True) -> tuple[Any, Any]:
    """The `k` greatest elements along `axis`, greatest first, and their indices (int64); of equal
    ones the first, whether `is_stable` or not; nan counts as greater than any number.

    Raises TypeError for complex numbers and for k beyond the length of the axis.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.top_k(np.array([9.0, 3.0, 6.0, 4.0, 10.0]), 3)
    (Array([10.,  9.,  6.]), Array([4, 0, 2]))
    """
    x = as_array("top_k", operand)
    place = axis_of("top_k", axis, x.ndim)
    if operator.index(k) < 0:
        raise ValueError(at_user_line(f"k argument to top_k must be nonnegative, got {k}"))
    values, indices = apply(ops.top_k, jnp.moveaxis(x, place, -1), k=operator.index(k))
    if place == x.ndim - 1:
        return values, indices
    return jnp.moveaxis(values, -1, place), jnp.moveaxis(indices, -1, place)


def approx_max_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> tuple[Any, Any]:
    """The `k` greatest of floats along an axis and their indices: all of them, as `top_k` gives
    them, whatever share of them `recall_target` asks for. The other arguments make no difference.

    The results have the shape of `operand` with `k` along that axis; indices are int64. TypeError
    for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.approx_max_k(np.array([3.0, 1.0, 2.0]), 2)
    (Array([3., 2.]), Array([0, 2]))
    """
    x = of_kind("approx_max_k", operand, "f")
    return top_k(x, k, axis=reduction_dimension)


def approx_min_k(
    operand: Any,
    k: int,
    reduction_dimension: int = -1,
    recall_target: float = 0.95,
    reduction_input_size_override: int = -1,
    aggregate_to_topk: bool = True,
) -> tuple[Any, Any]:
    """The `k` least of floats along an axis, least first, and their indices: see `approx_max_k`.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.approx_min_k(np.array([3.0, 1.0, 2.0]), 2)
    (Array([1., 2.]), Array([1, 2]))
    """
    x = of_kind("approx_min_k", operand, "f")
    values, indices = top_k(apply(ops.neg, x), k, axis=reduction_dimension)
    return apply(ops.neg, values), indices


def _place(name: str, op: Op, operand: Any, axis: int, index_dtype: Any) -> Any:
    x = of_kind(name, operand, "biuf")
    place = axis_of(name, axis, x.ndim)
    dtype = as_dtype(index_dtype)
    if dtype.kind not in "iu":
        raise TypeError(at_user_line(f"{name}: expected an integer index_dtype; got {dtype}"))
    if x.shape[place] == 0:
        raise ValueError(at_user_line(f"{name}: expected an axis with elements; got {x.shape}"))
    return convert(apply(op, x, axis=place), dtype)


def argmax(operand: Any, axis: int, index_dtype: Any) -> Any:
    """Index of the first greatest element (or nan) along `axis`, in `index_dtype`.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.argmax(np.array([1.0, 5.0, 2.0]), 0, np.int32)
    Array(1, dtype=int32)
    """
    return _place("argmax", ops.argmax, operand, axis, index_dtype)


def argmin(operand: Any, axis: int, index_dtype: Any) -> Any:
    """Index of the first least element (or nan) along `axis`, in `index_dtype`.

    The result has the shape of `operand` without `axis`. TypeError for complex numbers and for an
    `index_dtype` that is no integer, ValueError for an axis without elements.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.argmin(np.array([4.0, 1.0, 2.0]), 0, np.int32)
    Array(1, dtype=int32)
    """
    return _place("argmin", ops.argmin, operand, axis, index_dtype)
