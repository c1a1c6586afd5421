"""Folds over sliding windows (pooling), by the names of `jax.lax`.

Sums, products, extrema, and logical and and or, known by their functions, are passes over the whole
array: one for a window of few elements; one for each axis of larger windows; and log2(k) for k
elements along one axis, as windows of windows. Other functions fold the elements of all windows at
once, place by place of the window.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from jitad_ir import ops
from jitad_ir.op import Op
from jitad_ir.ops.reduce import highest, lowest
from jitad_ir.types import DType

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..numpy.promotion import Operand, as_array_operand, convert
from ..pytree import PyTreeDef, flatten
from ..trace import Tracer, apply, no_trace
from ..transforms.batching import vmap
from .convolution_shapes import dilated, padtype_to_pads

AT_ONCE = 32
"""Most elements of a window that are folded in one pass."""

Pairs: TypeAlias = tuple[tuple[int, int], ...]


class Windows(NamedTuple):
    """Windows along every axis of an array."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Pairs
    base_dilation: tuple[int, ...]
    window_dilation: tuple[int, ...]

    def along(self, axis: int) -> Windows:
        """Those along one axis only."""

        def only(numbers: tuple[int, ...]) -> tuple[int, ...]:
            return tuple([n if a == axis else 1 for a, n in enumerate(numbers)])

        pads = tuple([pair if a == axis else (0, 0) for a, pair in enumerate(self.padding)])
        return Windows(
            only(self.window),
            only(self.strides),
            pads,
            only(self.base_dilation),
            only(self.window_dilation),
        )

    def changed(self, axis: int, window: int, stride: int, spread: int) -> Windows:
        """The same but for the windows along one axis."""
        parts = [list(part) for part in (self.window, self.strides, self.window_dilation)]
        for part, number in zip(parts, (window, stride, spread), strict=True):
            part[axis] = number
        sizes, strides, spreads = map(tuple, parts)
        return Windows(sizes, strides, self.padding, self.base_dilation, spreads)

    def counts(self, shape: Sequence[int]) -> tuple[int, ...]:
        """How many windows there are along each axis of an array of `shape`."""
        found: list[int] = []
        for n, k, stride, (low, high), base, spread in zip(shape, *self, strict=True):
            length = dilated(n, base) + low + high
            room = length - dilated(k, spread)
            found.append(room // stride + 1 if room >= 0 and length > 0 else 0)
        return tuple(found)


class Monoid(NamedTuple):
    """An associative fold with an identity; `windows` is the op that folds windows. An idempotent
    one gives x of x and x."""

    identity: Callable[[DType], Any]
    combine: Callable[[Any, Any], Any]
    kinds: str
    windows: Op | None = None
    idempotent: bool = False


ADD = Monoid(lambda dtype: 0, jnp.add, "iufc", ops.reduce_window_sum)
MUL = Monoid(lambda dtype: 1, jnp.multiply, "iufc")
MAX = Monoid(lowest, jnp.maximum, "biuf", ops.reduce_window_max, True)
MIN = Monoid(highest, jnp.minimum, "biuf", ops.reduce_window_min, True)
_BY_FUNCTION: dict[Any, Monoid] = {
    jnp.add: ADD,
    np.add: ADD,
    operator.add: ADD,
    jnp.multiply: MUL,
    np.multiply: MUL,
    operator.mul: MUL,
    jnp.maximum: MAX,
    np.maximum: MAX,
    max: MAX,
    jnp.minimum: MIN,
    np.minimum: MIN,
    min: MIN,
}
_OF_BOOLS: dict[Any, Monoid] = {
    jnp.logical_or: MAX,
    jnp.bitwise_or: MAX,
    operator.or_: MAX,
    jnp.logical_and: MIN,
    jnp.bitwise_and: MIN,
    operator.and_: MIN,
}
_BY_LAX_NAME = {"add": ADD, "mul": MUL, "max": MAX, "min": MIN}


def monoid_of(function: Any, dtype: DType) -> Monoid | None:
    """The fold that `function` is known to be on elements of `dtype`."""
    found = None
    try:
        found = _BY_FUNCTION.get(function)
        if found is None and dtype.kind == "b":
            found = _OF_BOOLS.get(function)
    except TypeError:  # not hashable
        return None
    if found is None and getattr(function, "__module__", "").startswith("jitad.lax"):
        found = _BY_LAX_NAME.get(getattr(function, "__name__", ""))
    return found if found is not None and dtype.kind in found.kinds else None


@hides_internals
def reduce_window_shape_tuple(
    operand_shape: Sequence[int],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int],
    padding: Sequence[tuple[int, int]],
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> tuple[int, ...]:
    """Shape of `reduce_window`. An axis of length -1, which says that it is not known, stays one.

    >>> from jitad import lax
    >>> lax.reduce_window_shape_tuple((8, 28, 28), (1, 2, 2), (1, 2, 2), [(0, 0), (0, 0), (1, 1)])
    (8, 14, 15)
    """
    known = [1 if n == -1 else n for n in operand_shape]
    where = _windows(
        known, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )
    counts = zip(where.counts(known), operand_shape, strict=True)
    return tuple([-1 if n == -1 else count for count, n in counts])


@hides_internals
def reduce_window(
    operand: Any,
    init_value: Any,
    computation: Callable[..., Any],
    window_dimensions: Sequence[int],
    window_strides: Sequence[int] | None = None,
    padding: str | Sequence[tuple[int, int]] = "VALID",
    base_dilation: Sequence[int] | None = None,
    window_dilation: Sequence[int] | None = None,
) -> Any:
    """Each window of `operand` folded by `computation`, beginning with `init_value`.

    A window has `window_dimensions[a]` elements along axis a, `window_dilation[a]` apart, and moves
    in steps of `window_strides[a]`. What `padding` ("VALID", "SAME", "SAME_LOWER", or (low, high)
    pairs) and `base_dilation` put around and between the elements of `operand` does not count.
    `computation(a, b)` is associative and takes scalars. Operand and init value may be pytrees of
    one structure; `computation` then takes and returns such.

    Differentiable in `operand`; where elements of a window tie for its extremum, the first one is
    taken. Raises TypeError and ValueError where lengths or structures do not fit.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> x = jnp.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0])
    >>> lax.reduce_window(x, -jnp.inf, jnp.maximum, (2,), (2,))
    Array([3., 4., 9.])
    >>> lax.reduce_window(x, 0.0, jnp.add, (3,), padding="SAME")
    Array([ 4.,  8.,  6., 10., 15., 14.])
    """
    leaves, tree = flatten(operand)
    starts, start_tree = flatten(init_value)
    if tree != start_tree:
        raise ValueError(
            at_user_line(
                "Operands must have the same tree structure as init_values: "
                f"{tree} vs. {start_tree}"
            )
        )
    if not leaves:
        raise ValueError(at_user_line("reduce_window must have at least one operand."))
    xs = [as_array_operand(x) for x in leaves]
    inits = [_scalar(start, x.dtype) for start, x in zip(starts, xs, strict=True)]
    if any(x.shape != xs[0].shape for x in xs):
        listed = ", ".join([str(x.shape) for x in xs])
        raise ValueError(at_user_line(f"reduce_window: operands of one shape; got {listed}"))
    where = _windows(
        xs[0].shape, window_dimensions, window_strides, padding, base_dilation, window_dilation
    )
    if len(xs) == 1:
        monoid = monoid_of(computation, xs[0].dtype)
        if monoid is not None:
            return tree.unflatten([_by_monoid(xs[0], starts[0], inits[0], monoid, where)])
    return tree.unflatten(_by_function(xs, inits, computation, tree, where))


def _scalar(start: Any, dtype: DType) -> Operand:
    found = as_array_operand(start)
    if found.shape != ():
        raise TypeError(
            at_user_line(f"reduce_window: expected scalar init values; got shape {found.shape}")
        )
    return convert(found, dtype)


def _windows(
    shape: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int] | None,
    padding: str | Sequence[tuple[int, int]],
    base_dilation: Sequence[int] | None,
    window_dilation: Sequence[int] | None,
) -> Windows:
    """The arguments of `reduce_window`, checked."""
    rank = len(shape)
    ones = (1,) * rank
    parts: list[tuple[int, ...]] = []
    for name, given in (
        ("window_dimensions", window),
        ("window_strides", strides),
        ("base_dilation", base_dilation),
        ("window_dilation", window_dilation),
    ):
        numbers = ones if given is None else tuple([operator.index(n) for n in given])
        if len(numbers) != rank:
            raise TypeError(
                at_user_line(
                    f"reduce_window got the wrong number of {name} for operand: got operand shape "
                    f"{tuple(shape)} with {name} {numbers}."
                )
            )
        if any(n < 1 for n in numbers):
            raise TypeError(
                at_user_line(f"reduce_window {name} must have every element at least 1: {numbers}")
            )
        parts.append(numbers)
    sizes, steps, base, spread = parts
    if isinstance(padding, str):
        reach = [dilated(k, d) for k, d in zip(sizes, spread, strict=True)]
        padding = padtype_to_pads(shape, reach, steps, padding)
    pairs = tuple([(operator.index(low), operator.index(high)) for low, high in padding])
    if len(pairs) != rank:
        raise TypeError(
            at_user_line(f"reduce_window: expected {rank} pairs of padding; got {len(pairs)}")
        )
    for n, (low, high), step in zip(shape, pairs, base, strict=True):
        if dilated(n, step) + low + high < 0:
            raise ValueError(
                at_user_line(
                    f"reduce_window: padding {(low, high)} crops more than the axis of "
                    f"{dilated(n, step)} elements"
                )
            )
    return Windows(sizes, steps, pairs, base, spread)


# Known folds.


def _by_monoid(x: Operand, start: Any, init: Operand, monoid: Monoid, where: Windows) -> Operand:
    """`init` is `start` in the dtype of x."""
    found = _folded(x, monoid, where)
    for number in (start, init):
        if not isinstance(number, Tracer) and number == monoid.identity(x.dtype):
            return found
    return monoid.combine(found, init)


def _folded(x: Operand, monoid: Monoid, where: Windows) -> Operand:
    """Each window folded; padding does not count. Axes from the last to the first: so the first of
    equal elements stays the first."""
    if math.prod(where.window) <= AT_ONCE:
        return _at_once(x, monoid, where)
    counts = where.counts(x.shape)
    if 0 in counts:
        return jnp.zeros(counts, x.dtype)
    for axis in reversed(range(x.ndim)):
        x = _along_axis(x, monoid, where.along(axis), axis)
    return x


def _at_once(x: Operand, monoid: Monoid, where: Windows) -> Operand:
    if monoid.windows is not None:
        return apply(monoid.windows, x, **where._asdict())
    total = None
    for term in _places(x, monoid.identity(x.dtype), where):
        total = term if total is None else monoid.combine(total, term)
    return total


def _along_axis(x: Operand, monoid: Monoid, where: Windows, axis: int) -> Operand:
    """Windows of windows: those of 2 p elements fold two neighbours of p elements. A window of k is
    two of p that overlap, or those of the binary digits of k if overlaps would count twice."""
    k, spread, stride = where.window[axis], where.window_dilation[axis], where.strides[axis]
    if k <= AT_ONCE:
        return _at_once(x, monoid, where)
    identity = monoid.identity(x.dtype)
    count = where.counts(x.shape)[axis]
    powers = _padded(x, identity, where)

    def two(array: Operand, gap: int, stride: int) -> Operand:
        ones = (1,) * x.ndim
        pair = Windows(ones, ones, ((0, 0),) * x.ndim, ones, ones)
        pair = pair.changed(axis, 2, stride, gap)
        return _at_once(array, monoid, pair)

    size, start, total = 1, 0, None
    while 2 * size <= k:
        if k & size and not monoid.idempotent:
            part = _slice(powers, axis, start * spread, count, stride)
            total = part if total is None else monoid.combine(total, part)
            start += size
        powers = two(powers, size * spread, 1)
        size *= 2
    if monoid.idempotent and size < k:
        return two(powers, (k - size) * spread, stride)
    part = _slice(powers, axis, start * spread, count, stride)
    return part if total is None else monoid.combine(total, part)


# Places of the window.


def _padded(x: Operand, fill: Any, where: Windows) -> Operand:
    low, high = zip(*where.padding, strict=True) if where.padding else ((), ())
    if not any((*low, *high)) and all(step == 1 for step in where.base_dilation):
        return x
    value = fill if isinstance(fill, Tracer) else x.dtype.type(fill)
    interior = tuple([step - 1 for step in where.base_dilation])
    return apply(ops.pad, x, value, low=low, high=high, interior=interior)


def _slice(x: Operand, axis: int, start: int, count: int, stride: int) -> Operand:
    starts, limits, strides = [0] * x.ndim, list(x.shape), [1] * x.ndim
    starts[axis], strides[axis] = start, stride
    limits[axis] = start + (count - 1) * stride + 1 if count else start
    return apply(ops.slice, x, start=tuple(starts), limit=tuple(limits), stride=tuple(strides))


def _places(x: Operand, fill: Any, where: Windows) -> Iterator[Operand]:
    """For each place of the window, in C order, the elements there of all windows."""
    counts = where.counts(x.shape)
    padded = _padded(x, fill, where)
    for place in itertools.product(*[range(k) for k in where.window]):
        part = padded
        for axis, j in enumerate(place):
            start = j * where.window_dilation[axis] if counts[axis] else 0
            part = _slice(part, axis, start, counts[axis], where.strides[axis])
        yield part


# Other functions.


def _are_there(x: Operand, where: Windows) -> list[np.ndarray[Any, Any]]:
    """For each place of the window, of which windows it is an element and no padding."""
    with no_trace():
        flags = _places(np.ones(x.shape, np.bool_), False, where)
        return [np.asarray(flag) for flag in flags]


def _by_function(
    xs: Sequence[Operand],
    inits: Sequence[Operand],
    computation: Callable[..., Any],
    tree: PyTreeDef,
    where: Windows,
) -> list[Operand]:
    """The function applied to the elements at each place of all windows at once."""
    counts = where.counts(xs[0].shape)
    size = math.prod(counts)

    def step(*elements: Any) -> tuple[Any, ...]:
        given = [tree.unflatten(elements[: len(xs)]), tree.unflatten(elements[len(xs) :])]
        found, found_tree = flatten(computation(*given))
        if found_tree != tree:
            raise ValueError(
                at_user_line(
                    "reduce_window output must have the same tree structure as the operands "
                    f"{tree} vs. {found_tree}"
                )
            )
        return tuple(
            [convert(as_array_operand(y), x.dtype) for y, x in zip(found, xs, strict=True)]
        )

    at_all = vmap(step)
    totals = [jnp.broadcast_to(init, (size,)) for init in inits]
    streams = [_places(x, 0, where) for x in xs]
    for *terms, there in zip(*streams, _are_there(xs[0], where), strict=True):
        if size == 0 or not there.any():
            continue
        folded = at_all(*totals, *[jnp.reshape(term, (size,)) for term in terms])
        flags = there.reshape(size)
        totals = [jnp.where(flags, a, b) for a, b in zip(folded, totals, strict=True)]
    return [jnp.reshape(total, counts) for total in totals]
