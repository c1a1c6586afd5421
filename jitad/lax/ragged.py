"""Products of tensors one axis of which is divided into groups of different lengths."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import Operand
from .operands import as_array, axis_of, of_kind
from .products import DotDimensionNumbers, dot_general


@dataclasses.dataclass(frozen=True)
class RaggedDotDimensionNumbers:
    """Which axes of a ragged product mean what.

    `dot_dimension_numbers`: contracted and batch axes, as in `dot_general`.
    `lhs_ragged_dimensions`: the one axis of lhs that is divided into groups.
    `rhs_group_dimensions`: the axis of rhs that numbers the groups, where rhs has one.

    >>> from jitad import lax
    >>> lax.RaggedDotDimensionNumbers((((1,), (1,)), ((), ())), (0,), (0,)).rhs_group_dimensions
    (0,)
    """

    dot_dimension_numbers: DotDimensionNumbers
    lhs_ragged_dimensions: Sequence[int]
    rhs_group_dimensions: Sequence[int]


def ragged_dot(
    lhs: Any,
    rhs: Any,
    group_sizes: Any,
    precision: Any = None,
    preferred_element_type: Any = None,
    group_offset: None = None,
) -> Any:
    """Rows of lhs (m, k), group after group of `group_sizes` (g,) integers, times the matrix of
    their group, rhs (g, k, n): (m, n). Rows behind the last group give 0.

    >>> from jitad import lax
    >>> import numpy as np
    >>> rhs = np.array([[[1.0]], [[10.0]]])
    >>> lax.ragged_dot(np.ones((4, 1)), rhs, np.array([1, 2]))[:, 0]
    Array([ 1., 10., 10.,  0.])
    """
    numbers = RaggedDotDimensionNumbers((((1,), (1,)), ((), ())), (0,), (0,))
    return ragged_dot_general(
        lhs, rhs, group_sizes, numbers, precision, preferred_element_type, group_offset
    )


def ragged_dot_general(
    lhs: Any,
    rhs: Any,
    group_sizes: Any,
    ragged_dot_dimension_numbers: RaggedDotDimensionNumbers,
    precision: Any = None,
    preferred_element_type: Any = None,
    group_offset: None = None,
) -> Any:
    """`dot_general` with an axis of lhs divided into groups of `group_sizes` (g,).

    If the axis is neither contracted nor a batch axis, elements of group i meet part i of rhs along
    its group axis. If it is contracted, each group is summed by itself, and the result has the
    groups in front. If it is a batch axis, groups make no difference. It takes g times the
    operations of one product. Raises ValueError for dimension numbers that are none of these, and
    NotImplementedError for group sizes with batch axes and for `group_offset`.

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.RaggedDotDimensionNumbers((((0,), (0,)), ((), ())), (0,), ())
    >>> x = np.arange(4.0)[:, None]
    >>> lax.ragged_dot_general(x, np.ones((4, 1)), np.array([1, 3]), numbers)[:, 0, 0]
    Array([0., 6.])
    """
    if group_offset is not None:
        raise NotImplementedError(at_user_line("ragged_dot: group_offset is left out"))
    sizes = of_kind("ragged_dot", group_sizes, "iu")
    if sizes.ndim != 1:
        raise NotImplementedError(
            at_user_line(f"ragged_dot: expected group sizes (g,); got shape {sizes.shape}")
        )
    x, y = as_array("ragged_dot", lhs), as_array("ragged_dot", rhs)
    numbers = ragged_dot_dimension_numbers
    (of_x, of_y), (batch_x, batch_y) = numbers.dot_dimension_numbers
    if len(numbers.lhs_ragged_dimensions) != 1:
        raise ValueError(at_user_line("ragged_dot: expected exactly one ragged dimension of lhs"))
    ragged = axis_of("ragged_dot", numbers.lhs_ragged_dimensions[0], x.ndim)
    groups = tuple(numbers.rhs_group_dimensions)
    free = ragged not in of_x and ragged not in batch_x
    if len(groups) != int(free) or (free and y.shape[groups[0]] != sizes.shape[0]):
        raise ValueError(
            at_user_line(
                f"ragged_dot: expected {'one group dimension' if free else 'no group dimension'} "
                f"of rhs {y.shape}, as long as group_sizes {sizes.shape}; got {groups}"
            )
        )
    rest: dict[str, Any] = {
        "precision": precision,
        "preferred_element_type": preferred_element_type,
    }
    if ragged in batch_x:
        return dot_general(x, y, numbers.dot_dimension_numbers, **rest)
    each = _by_group(x, sizes, ragged)
    behind, batch_behind = [tuple([a + 1 for a in axes]) for axes in (of_x, batch_x)]
    if free:
        contracted = ((0, *behind), (groups[0], *of_y))
        return dot_general(each, y, (contracted, (batch_behind, tuple(batch_y))), **rest)
    axes = ((behind, tuple(of_y)), (batch_behind, tuple(batch_y)))
    return jnp.moveaxis(dot_general(each, y, axes, **rest), len(batch_behind), 0)


def _by_group(x: Operand, sizes: Operand, axis: int) -> Operand:
    """For each group, x with zeros outside of it."""
    ends = jnp.cumsum(sizes, dtype=np.int64)
    place = jnp.arange(x.shape[axis])
    member = (place < ends[:, None]) & (place >= (ends - sizes)[:, None])
    shape = [sizes.shape[0], *[1] * x.ndim]
    shape[axis + 1] = x.shape[axis]
    return jnp.where(jnp.reshape(member, shape), x, jnp.zeros_like(x))
