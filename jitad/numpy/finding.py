"""Where elements are true, and the elements there.

How many there are depends on the elements. With `size=` the results have that length, whatever
the elements: what is too many is left out, and `fill_value` stands for what is missing, so that
these functions can be traced. Without it the elements must be known.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jitad.argument_types import is_known
from jitad.array import as_array
from jitad.errors import ConcretizationError, at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import BOOL, INT32, INT64, Shape

from . import selection
from .joining import stack
from .picking import take
from .promotion import Operand, as_array_operand, convert, filled
from .shapes import ndim, ravel, shape


def known(x: Any, name: str) -> np.ndarray[Any, Any]:
    """The elements of `x`, on which the shape of `name`'s result depends; raises TypeError if they
    are not known while tracing."""
    if isinstance(x, Tracer) and not is_known(x):
        raise ConcretizationError(
            at_user_line(
                f"{name} needs elements that are known: the shape of its result depends on them; "
                f"got a traced array {x.type!r}. Give the length of the result (size=), call it "
                f"outside of {x.owner.name}, or use jnp.where with a mask"
            )
        )
    return np.asarray(x.concrete if isinstance(x, Tracer) else x)


def nonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> tuple[Any, ...]:
    """Indices of the nonzero elements, an array for each axis.

    With `size`, arrays of that length; missing indices are `fill_value` (a number, or one for each
    axis; 0 if None).

    >>> import jitad, jitad.numpy as jnp
    >>> jitad.jit(lambda x: jnp.nonzero(x > 2, size=3, fill_value=-1))(jnp.arange(5))
    (Array([ 3,  4, -1]),)
    """
    if size is None:
        return tuple([as_array(index) for index in np.nonzero(known(a, "nonzero"))])
    x = as_array_operand(a)
    mask = ravel(convert(x, BOOL))
    if x.ndim == 0:
        raise ValueError(
            at_user_line("nonzero: expected an array of one axis at least; use jnp.atleast_1d")
        )
    fills = fill_value if isinstance(fill_value, tuple) else (fill_value,) * x.ndim
    if len(fills) != x.ndim:
        raise ValueError(
            at_user_line(f"nonzero: expected {x.ndim} fill values; got {len(fills)}: {fills}")
        )
    missing = mask.shape[0]
    length = operator.index(size)
    if x.ndim == 1 and (fills[0] is None or type(fills[0]) is int):
        return (apply(ops.true_places, mask, length=length, fill=fills[0] or 0),)
    flat = apply(ops.true_places, mask, length=length, fill=missing)
    inside = apply(ops.lt, flat, filled(flat, missing))
    zero = filled(flat, 0)
    index = _along_axes(apply(ops.select, inside, flat, zero), x.shape)
    return tuple(
        [
            i if fill is None else apply(ops.select, inside, i, _spread(fill, length))
            for i, fill in zip(index, fills, strict=True)
        ]
    )


def _along_axes(flat: Operand, shape: Shape) -> list[Operand]:
    """Indices for each axis of those of the flattened array, which are in bounds. Divided as
    integers of 32 bits where these do: vectors of 64 bits have no multiplication."""
    left = convert(flat, INT32) if math.prod(shape) < 2**31 else flat
    found: list[Operand] = []
    for length in reversed(shape[1:]):
        n = filled(left, max(length, 1))
        found.append(apply(ops.rem, left, n))
        left = apply(ops.div, left, n)
    return [convert(index, INT64) for index in (left, *reversed(found))]


def _spread(fill: Any, size: int) -> Operand:
    value = convert(as_array_operand(fill), INT64)
    return apply(ops.broadcast, value, dims=(), shape=(size,))


def where(
    condition: Any,
    x: Any = None,
    y: Any = None,
    /,
    *,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Elements of `x` where `condition` is true, else of `y`; all three broadcast.

    What is not chosen has no influence, on values or derivatives, be it nan or infinite. With
    `condition` alone, the indices of its true elements: see `nonzero` for `size` and `fill_value`.

    >>> import jitad.numpy as jnp
    >>> jnp.where(jnp.arange(4) < 2, 10.0, jnp.arange(4))
    Array([10., 10.,  2.,  3.])
    """
    if x is None and y is None:
        return nonzero(condition, size=size, fill_value=fill_value)
    if x is None or y is None:
        raise ValueError(at_user_line("either both or neither of x and y should be given"))
    if size is not None or fill_value is not None:
        raise ValueError(at_user_line("size and fill_value are for where(condition) alone"))
    return selection.where(condition, x, y)


def flatnonzero(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """Indices, int64, of the nonzero elements of the flattened array.

    With `size`, so many of them; `fill_value` stands for those missing: see `nonzero`.

    >>> import jitad.numpy as jnp
    >>> jnp.flatnonzero(jnp.array([0, 3, 0, 4]))
    Array([1, 3])
    """
    return nonzero(ravel(a), size=size, fill_value=fill_value)[0]


def argwhere(a: Any, *, size: int | None = None, fill_value: Any = None) -> Any:
    """Indices of the nonzero elements in rows: (n, ndim), int64.

    With `size`, so many rows; `fill_value` is in those missing: see `nonzero`.

    >>> import jitad.numpy as jnp
    >>> jnp.argwhere(jnp.array([[1, 0], [0, 2]]))
    Array([[0, 0],
           [1, 1]])
    """
    if size is None:
        return as_array(np.argwhere(known(a, "argwhere")))
    return stack(nonzero(a, size=size, fill_value=fill_value), -1)


def compress(
    condition: Any,
    a: Any,
    axis: int | None = None,
    out: None = None,
    *,
    size: int | None = None,
    fill_value: Any = 0,
) -> Any:
    """Parts of `a` along `axis` where the vector `condition` is true.

    Of the flattened array if `axis` is None; the vector may be shorter than the axis. With `size`,
    that many parts, those missing filled with `fill_value`; without it the condition must be known
    while tracing. Raises ValueError for a condition that is no vector.

    >>> import jitad.numpy as jnp
    >>> jnp.compress(jnp.array([False, True, True]), jnp.array([1, 2, 3]))
    Array([2, 3])
    """
    if out is not None:
        raise TypeError(
            at_user_line("expected out=None: arrays are not written to; use the returned array")
        )
    if ndim(condition) != 1:
        raise ValueError(
            at_user_line(f"expected a vector of conditions; got the shape {shape(condition)}")
        )
    x, place = (ravel(a), 0) if axis is None else (as_array_operand(a), axis)
    if size is None:
        return take(x, np.flatnonzero(known(condition, "compress")), place)
    chosen = flatnonzero(condition, size=size, fill_value=x.shape[place])
    return take(x, chosen, place, mode="fill", fill_value=fill_value)


def extract(condition: Any, arr: Any, *, size: int | None = None, fill_value: Any = 0) -> Any:
    """Elements of `arr`, flattened, where `condition` is true.

    With `size`, that many, those missing filled with `fill_value`; without it the condition must be
    known while tracing.

    >>> import jitad.numpy as jnp
    >>> x = jnp.arange(6)
    >>> jnp.extract(x % 2 == 1, x)
    Array([1, 3, 5])
    """
    flat = ravel(condition) if isinstance(condition, Tracer) else np.ravel(condition)
    return compress(flat, arr, size=size, fill_value=fill_value)
