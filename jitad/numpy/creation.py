"""New arrays: from numbers and sequences, by counting, and with a given structure."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from jitad.array import as_array, writable
from jitad.errors import at_user_line
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import FLOAT64, INT64

from .namespace import require_cpu
from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    as_operand,
    common_dtype,
    convert,
    from_nested,
    has_tracer,
    strong,
)
from .shapes import (
    as_shape,
    broadcast_to,
    expand_dims,
    moveaxis,
    reshape,
)


def array(
    object: Any,
    dtype: Any = None,
    copy: bool | None = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
    *,
    device: Any = None,
    out_sharding: None = None,
) -> Any:
    """An array of numbers, arrays or tracers, nested in lists and tuples to any depth.

    The dtype is that at which all of them meet (float64 of Python floats, int64 of ints), or
    `dtype`. A new array, unless `copy` is False. Traced elements may be anywhere: the result is
    traced then. Raises ValueError for lists of different lengths, TypeError for what is no number.

    >>> import jitad, jitad.numpy as jnp
    >>> jnp.array([[1, 2.5], [3, 4]])
    Array([[1. , 2.5],
           [3. , 4. ]])
    >>> jitad.jit(lambda x: jnp.array([x, 2.0 * x]))(3.0)
    Array([3., 6.])
    """
    require_cpu(device)
    if dtype is not None and _is_plain(object):
        # At once: 2**63 + 1 beside 1 would pass through float64.
        x: Any = np.asarray(object, as_dtype(dtype))
    else:
        x = strong(from_nested(object))
        if dtype is not None:
            x = convert(x, as_dtype(dtype))
    if ndmin > x.ndim:
        x = reshape(x, (1,) * (ndmin - x.ndim) + x.shape)
    if isinstance(x, Tracer):
        return Tracer(x.owner, x.value, x.concrete) if copy and x is object else x
    return as_array(np.array(x) if copy else x)


def _is_plain(object: Any) -> bool:
    """True of Python numbers, and of lists and tuples without tracers."""
    return isinstance(object, (list, tuple, bool, int, float, complex)) and not has_tracer(object)


def asarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    out_sharding: None = None,
) -> Any:
    """As `array`, without a copy of what is an array already.

    Raises ValueError where a copy is needed and `copy` is False.

    >>> import jitad.numpy as jnp
    >>> x = jnp.ones(3)
    >>> jnp.asarray(x) is x, jnp.asarray([1, 2], dtype=jnp.float32)
    (True, Array([1., 2.], dtype=float32))
    """
    require_cpu(device)
    if copy is False and not isinstance(a, Tracer):
        return as_array(np.asarray(a, None if dtype is None else as_dtype(dtype), copy=False))
    return array(a, dtype, copy=copy)


def copy(a: Any, order: str = "K") -> Any:
    """The elements of `a` in memory of their own, in its shape and dtype.

    >>> import jitad.numpy as jnp
    >>> jnp.copy(jnp.array([1.0, 2.0]))
    Array([1., 2.])
    """
    return array(a)


def full(
    shape: Any, fill_value: Any, dtype: Any = None, *, device: Any = None, out_sharding: None = None
) -> Any:
    """An array of `shape` with `fill_value` everywhere.

    The value is a number, or an array that broadcasts to `shape`. In the dtype of the value unless
    `dtype` is given. Lengths are static. Raises ValueError for a value that does not broadcast.

    >>> import jitad.numpy as jnp
    >>> jnp.full((2, 2), 7.0)
    Array([[7., 7.],
           [7., 7.]])
    """
    require_cpu(device)
    value = as_operand(fill_value)
    found = common_dtype([value]) if dtype is None else as_dtype(dtype)
    lengths = as_shape(shape)
    if isinstance(value, (bool, int, float, complex)) and not isinstance(value, np.generic):
        number = found.type(value).item()
        return apply(ops.full, value=number, shape=lengths, dtype=found)
    return writable(broadcast_to(convert(value, found), lengths))


def zeros(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: None = None) -> Any:
    """Zeros in `shape`, an int or a tuple of static lengths; float64 unless `dtype` is given.

    >>> import jitad.numpy as jnp
    >>> jnp.zeros((2, 3))
    Array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    require_cpu(device)
    found = FLOAT64 if dtype is None else as_dtype(dtype)
    return apply(ops.full, value=0, shape=as_shape(shape), dtype=found)


def ones(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: None = None) -> Any:
    """Ones in `shape`, an int or a tuple of static lengths; float64 unless `dtype` is given.

    >>> import jitad.numpy as jnp
    >>> jnp.ones(3, dtype=jnp.int32)
    Array([1, 1, 1], dtype=int32)
    """
    require_cpu(device)
    found = FLOAT64 if dtype is None else as_dtype(dtype)
    return apply(ops.full, value=1, shape=as_shape(shape), dtype=found)


def empty(shape: Any, dtype: Any = None, *, device: Any = None, out_sharding: None = None) -> Any:
    """Zeros in `shape`, as `zeros`: there is no uninitialized memory here.

    >>> import jitad.numpy as jnp
    >>> jnp.empty(2)
    Array([0., 0.])
    """
    require_cpu(device)
    return zeros(shape, dtype)


def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    shape: Any = None,
    *,
    device: Any = None,
    out_sharding: None = None,
) -> Any:
    """`fill_value` everywhere, in the shape and dtype of `a` unless they are given.

    `a` may be no more than those: a `ShapeDtypeStruct`.

    >>> import jitad.numpy as jnp
    >>> jnp.full_like(jnp.arange(3), 7)
    Array([7, 7, 7])
    """
    require_cpu(device)
    x = a if hasattr(a, "shape") and hasattr(a, "dtype") else as_array_operand(a)
    return full(
        x.shape if shape is None else shape, fill_value, x.dtype if dtype is None else dtype
    )


def zeros_like(
    a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None, out_sharding: None = None
) -> Any:
    """Zeros in the shape and dtype of `a` unless they are given.

    >>> import jitad.numpy as jnp
    >>> jnp.zeros_like(jnp.array([[1.5, 2.5]]))
    Array([[0., 0.]])
    """
    require_cpu(device)
    return full_like(a, 0, dtype, shape=shape)


def ones_like(
    a: Any, dtype: Any = None, shape: Any = None, *, device: Any = None, out_sharding: None = None
) -> Any:
    """Ones in the shape and dtype of `a` unless they are given.

    >>> import jitad.numpy as jnp
    >>> jnp.ones_like(jnp.array([3, 4]))
    Array([1, 1])
    """
    require_cpu(device)
    return full_like(a, 1, dtype, shape=shape)


def empty_like(prototype: Any, dtype: Any = None, shape: Any = None, *, device: Any = None) -> Any:
    """Zeros in the shape and dtype of `prototype` unless they are given, as `zeros_like`.

    >>> import jitad.numpy as jnp
    >>> jnp.empty_like(jnp.array([1.5, 2.5]))
    Array([0., 0.])
    """
    require_cpu(device)
    return full_like(prototype, 0, dtype, shape=shape)


def arange(
    start: Any,
    stop: Any = None,
    step: Any = None,
    dtype: Any = None,
    *,
    device: Any = None,
    out_sharding: None = None,
) -> Any:
    """The vector start, start + step, ... below `stop`; from 0 if only `start` is given.

    For negative steps, above `stop`. In the dtype at which the numbers and int64 meet unless
    `dtype` is given. The length depends on the numbers, which must be known while tracing (else
    TypeError). Raises ZeroDivisionError for step 0 and ValueError for complex numbers.

    >>> import jitad.numpy as jnp
    >>> jnp.arange(4), jnp.arange(1.0, 2.0, 0.25)
    (Array([0, 1, 2, 3]), Array([1.  , 1.25, 1.5 , 1.75]))
    """
    require_cpu(device)
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    numbers = [_static(x, "arange") for x in (start, stop, step)]
    # Python numbers are not weak here, in NumPy neither.
    given = np.result_type(INT64, *[np.asarray(x).dtype for x in numbers])
    found = as_dtype(given if dtype is None else dtype)
    if any([np.iscomplexobj(x) for x in numbers]):
        given = ", ".join([str(x) for x in numbers])
        raise ValueError(
            at_user_line(
                f"arange: expected real start, stop and step; got {given}: complex numbers have no "
                "order. Write linspace(start, stop, num), or dtype=complex for real numbers"
            )
        )
    first, last, delta = [
        x.item() if isinstance(x, (np.generic, np.ndarray)) else x for x in numbers
    ]
    if delta == 0:
        raise ZeroDivisionError(at_user_line("arange: step must not be 0"))
    count = max(math.ceil((last - first) / delta), 0)
    if found.kind == "b":
        return as_array(np.arange(first, last, delta, dtype=found))
    # As NumPy, the second number less the first is the step, in the result's dtype.
    if found.kind in "iu":
        base, second = int(first), int(first + delta)
        delta = (second - base) % 2 ** (8 * found.itemsize)  # as the bits of a wrapping product
        delta = np.uint64(delta).astype(found).item()
    else:
        origin, second = np.array([first, first + delta], found)
        base, delta = origin.item(), (second - origin).item()
    result = writable(apply(ops.iota, shape=(count,), dim=0, dtype=found))
    if delta != 1:
        result = apply(ops.mul, result, delta)
    return apply(ops.add, result, base) if base != 0 else result


def _static(x: Any, name: str) -> Any:
    """A number that is known while tracing; raises TypeError for others."""
    x = as_operand(x)
    if isinstance(x, Tracer):
        if x.concrete is None:
            raise TypeError(
                at_user_line(
                    f"{name} needs numbers that are known while {x.owner.name} is traced, since "
                    "shapes are static; got a traced array. Name the argument in static_argnums"
                )
            )
        return x.concrete
    return x


def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """`num` numbers in equal steps from `start` to `stop`, which is left out unless `endpoint`.

    `start` and `stop` may be arrays, which broadcast: the numbers lie along a new axis `axis`.
    Float or complex unless `dtype` is given (to integers they are rounded down); derivatives in
    both ends. With `retstep` the pair of the numbers and the step. Raises ValueError for negative
    `num`.

    >>> import jitad.numpy as jnp
    >>> jnp.linspace(0.0, 1.0, 5)
    Array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    require_cpu(device)
    count = operator.index(num)
    if count < 0:
        raise ValueError(at_user_line(f"Number of samples, {count}, must be non-negative."))
    first, last = as_operand(start), as_operand(stop)
    found = common_dtype([first, last, 1.0])
    first, last = as_array_operand(convert(first, found)), as_array_operand(convert(last, found))
    first, last = _same_shape(first, last)
    steps = count - 1 if endpoint else count
    width = apply(ops.sub, last, first)
    place = (count, *[1] * first.ndim)
    counter = reshape(apply(ops.iota, shape=(count,), dim=0, dtype=found), place)
    shape = (count, *first.shape)
    counter = broadcast_to(counter, shape)
    step = apply(ops.div, width, float(steps)) if steps > 0 else apply(ops.mul, width, math.nan)
    if steps > 0:
        offsets = apply(ops.mul, counter, broadcast_to(step, shape))
    else:
        offsets = apply(ops.mul, counter, broadcast_to(width, shape))
    result = apply(ops.add, offsets, broadcast_to(first, shape))
    if endpoint and count > 1:
        at_end = apply(ops.eq, counter, float(count - 1))
        result = apply(ops.select, at_end, broadcast_to(last, shape), result)
    if dtype is not None:
        target = as_dtype(dtype)
        if target.kind in "iu":
            result = apply(ops.floor, result)
        result = convert(result, target)
    result = moveaxis(result, 0, axis) if axis else result
    return (result, step) if retstep else result


def _same_shape(x: Operand, y: Operand) -> tuple[Operand, Operand]:
    shape = np.broadcast_shapes(x.shape, y.shape)
    return broadcast_to(x, shape), broadcast_to(y, shape)


def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers from base**start to base**stop: base**linspace(start, stop).

    Shapes and dtypes are those of `linspace`; `base` may be an array that broadcasts.

    >>> import jitad.numpy as jnp
    >>> jnp.logspace(0, 3, 4)
    Array([   1.,   10.,  100., 1000.])
    """
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    base = convert(as_operand(base), common_dtype([exponents, as_operand(base)]))
    base = broadcast_to(base, exponents.shape)
    result = apply(ops.pow, base, convert(exponents, base.dtype))
    return result if dtype is None else convert(result, as_dtype(dtype))


def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """`num` numbers from `start` to `stop`, each a fixed factor times the one before.

    Both ends have one sign, unless they are complex, and neither is 0; this is not checked. Shapes
    and dtypes are those of `linspace`.

    >>> import jitad.numpy as jnp
    >>> jnp.geomspace(1.0, 1000.0, 4)
    Array([   1.,   10.,  100., 1000.])
    """
    found = common_dtype([as_operand(start), as_operand(stop), 1.0])
    first, last = [as_array_operand(convert(as_operand(x), found)) for x in (start, stop)]
    first, last = _same_shape(first, last)
    sign = apply(ops.sign, first)
    if found.kind == "c":  # a spiral that starts on the real axis, turned
        turned = [apply(ops.div, x, sign) for x in (first, last)]
        ends = [apply(ops.div, apply(ops.log, x), math.log(10.0)) for x in turned]
    else:
        ends = [apply(ops.log10, apply(ops.abs, x)) for x in (first, last)]
    result = logspace(ends[0], ends[1], num, endpoint, axis=axis)
    result = apply(ops.mul, result, broadcast_to(expand_dims(sign, axis), result.shape))
    return result if dtype is None else convert(result, as_dtype(dtype))
