"""Reductions of rows by labels: `segment_sum` and relatives.

>>> from jitad import ops
>>> ops.segment_sum([1.0, 2.0, 4.0], [0, 2, 0], num_segments=3)
Array([5., 0., 2.])
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import numpy as jnp
from .errors import at_user_line, hides_internals
from .numpy.at import At
from .numpy.promotion import as_array_operand
from .trace import Tracer

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]
__dir__ = __all__.copy


@hides_internals
def segment_sum(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
) -> Any:
    """Row k of the result, (num_segments, ...), is the sum of the rows `data[i]` with
    `segment_ids[i] == k`.

    `segment_ids` are integers in the shape of the first axes of `data`; rows whose number is no
    segment are left out. Without `num_segments`, which a traced function needs, there are as many
    segments as the largest number says. Raises TypeError for numbers that are no integers, and
    ValueError where shapes differ. The last four arguments are JAX's and make no difference.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.ops.segment_sum(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0]))
    Array([5., 2.])
    """
    return _segments("add", 0, data, segment_ids, num_segments)


@hides_internals
def segment_prod(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
) -> Any:
    """As `segment_sum`, the product: 1 of a segment without rows.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.ops.segment_prod(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1]))
    Array([1., 8.])
    """
    return _segments("multiply", 1, data, segment_ids, num_segments)


@hides_internals
def segment_max(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
) -> Any:
    """As `segment_sum`, the largest: -inf, or the least integer, of a segment without rows.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.ops.segment_max(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]))
    Array([  4., -inf,   2.])
    """
    return _segments("max", _least(data), data, segment_ids, num_segments)


@hides_internals
def segment_min(
    data: Any,
    segment_ids: Any,
    num_segments: int | None = None,
    indices_are_sorted: bool = False,
    unique_indices: bool = False,
    bucket_size: int | None = None,
    mode: Any = None,
) -> Any:
    """As `segment_sum`, the least: inf, or the largest integer, of a segment without rows.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.ops.segment_min(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]))
    Array([ 1., inf,  2.])
    """
    return _segments("min", _largest(data), data, segment_ids, num_segments)


def _least(data: Any) -> Any:
    dtype = _array(data).dtype
    return False if dtype.kind == "b" else np.iinfo(dtype).min if dtype.kind in "iu" else -np.inf


def _largest(data: Any) -> Any:
    dtype = _array(data).dtype
    return True if dtype.kind == "b" else np.iinfo(dtype).max if dtype.kind in "iu" else np.inf


def _array(x: Any) -> Any:
    return as_array_operand(np.asarray(x) if isinstance(x, (list, tuple)) else x)


def _segments(update: str, start: Any, data: Any, segment_ids: Any, count: int | None) -> Any:
    x, ids = _array(data), _array(segment_ids)
    if ids.dtype.kind not in "iu":
        raise TypeError(at_user_line(f"segment_ids: expected integers; got {ids.dtype}"))
    if x.ndim == 0:
        x = jnp.broadcast_to(x, ids.shape)
    if x.shape[: ids.ndim] != ids.shape:
        raise ValueError(
            at_user_line(
                f"segment_ids: expected the first axes of data, of shape {x.shape}; got {ids.shape}"
            )
        )
    if count is None:
        if isinstance(ids, Tracer) and ids.concrete is None:
            raise TypeError(
                at_user_line("num_segments: expected an int, since the numbers are not known yet")
            )
        known = np.asarray(ids.concrete if isinstance(ids, Tracer) else ids)
        count = int(known.max(initial=-1)) + 1
    segments = jnp.full((count, *x.shape[ids.ndim :]), start, x.dtype)
    # Negative numbers would count from the end: they are moved past it, where updates are dropped.
    places = jnp.where(jnp.greater_equal(ids, 0), ids, count)
    return getattr(At(segments)[places], update)(x, mode="drop")
