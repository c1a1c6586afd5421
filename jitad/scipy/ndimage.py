"""`jitad.scipy.ndimage`: images of any number of axes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import Operand, as_array_operand, convert, strong
from jitad_ir.types import INT64

__all__ = ["map_coordinates"]
__dir__ = __all__.copy


def _mirrored(index: Operand, size: int) -> Operand:
    """Reflected at the centres of the first and the last element: a triangular wave."""
    half = max(size - 1, 1)
    place = jnp.abs((index + half) % (2 * half) - half)
    return place if size > 1 else jnp.zeros_like(place)


def _reflected(index: Operand, size: int) -> Operand:
    """Reflected at the outer edges of the first and the last element."""
    place = index % (2 * size)
    return jnp.minimum(place, 2 * size - 1 - place)


_PLACES: dict[str, Callable[[Operand, int], Operand]] = {
    "constant": lambda index, size: jnp.clip(index, 0, size - 1),
    "nearest": lambda index, size: jnp.clip(index, 0, size - 1),
    "wrap": lambda index, size: index % size,
    "mirror": _mirrored,
    "reflect": _reflected,
}
_ALIASES = {"grid-constant": "constant", "grid-wrap": "wrap", "grid-mirror": "reflect"}


def map_coordinates(
    input: Any,
    coordinates: Any,
    order: int,
    mode: str = "constant",
    cval: Any = 0.0,
) -> Any:
    """The values of `input` at `coordinates`, interpolated.

    `coordinates` is a sequence of as many arrays as `input` has axes, or an array with such a
    leading axis; they broadcast to the shape of the result. `order` 0 takes the nearest element
    (halves away from zero), 1 interpolates linearly. Outside of the input, by `mode`, are

    ==============================  =====================================  ======================
    "constant" or "grid-constant"   `cval`, interpolated with the edge     k k k | a b c d | k k k
    "nearest"                       the edge                               a a a | a b c d | d d d
    "mirror"                        the input, without repeating the edge  d c b | a b c d | c b a
    "reflect" or "grid-mirror"      the input, reflected at its edge       c b a | a b c d | d c b
    "wrap" or "grid-wrap"           the input again and again              b c d | a b c d | a b c
    ==============================  =====================================  ======================

    as in JAX: SciPy keeps an older behaviour under the names "constant" and "wrap". The result has
    the dtype of the input; integers are rounded, halves away from zero. There are derivatives in
    the input and, for `order` 1, in the coordinates: the slope of the cell they are in.

    Raises ValueError for a wrong number of coordinates or another mode, and NotImplementedError
    for higher orders.

    >>> x = jnp.arange(12.0).reshape(3, 4)
    >>> map_coordinates(x, [[0.5, 1.5], [1.5, 2.5]], order=1)
    Array([3.5, 8.5])
    """
    if order not in (0, 1):
        raise NotImplementedError(
            at_user_line(
                f"map_coordinates: expected order 0 (nearest) or 1 (linear); got {order!r}. "
                "Splines of higher order are left out"
            )
        )
    mode = _ALIASES.get(mode, mode)
    if mode not in _PLACES:
        known = ", ".join(sorted([*_PLACES, *_ALIASES]))
        raise ValueError(at_user_line(f"map_coordinates: expected a mode of {known}; got {mode!r}"))
    x = jnp.asarray(strong(as_array_operand(input)))
    places = [strong(as_array_operand(c)) for c in _split(coordinates)]
    if len(places) != x.ndim or not places:
        raise ValueError(
            at_user_line(
                "map_coordinates: expected coordinates for each axis of an input with one or more; "
                f"got {len(places)} for an input of shape {x.shape}"
            )
        )
    result = _interpolated(x, jnp.broadcast_arrays(*places), order, mode, cval)
    if x.dtype.kind in "iub":
        result = _rounded(result)
    return convert(result, x.dtype)


def _split(coordinates: Any) -> Sequence[Any]:
    """One array for each axis."""
    if isinstance(coordinates, (list, tuple)):
        return coordinates
    whole = as_array_operand(coordinates)
    return [whole[i] for i in range(whole.shape[0])] if whole.ndim else [whole]


def _interpolated(
    x: Operand, places: Sequence[Operand], order: int, mode: str, cval: Any
) -> Operand:
    """The sum over the corners of the cell around each place of weight times value."""
    corners = [_corners(place, order) for place in places]
    known = jnp.asarray(cval).astype(x.dtype)
    total: Any = None
    for corner in itertools.product(*corners):
        indices = [_PLACES[mode](i, n) for (i, _), n in zip(corner, x.shape, strict=True)]
        value = x[tuple(indices)]
        if mode == "constant":
            inside: Any = True
            for (i, _), n in zip(corner, x.shape, strict=True):
                inside = inside & (i >= 0) & (i < n)
            value = jnp.where(inside, value, known)
        for _, weight in corner:
            value = value if weight is None else weight * value
        total = value if total is None else total + value
    return total


def _corners(place: Operand, order: int) -> list[tuple[Operand, Operand | None]]:
    """Index and weight (None: 1) of the elements around a place, along one axis."""
    if place.dtype.kind in "iub":
        return [(convert(place, INT64), None)]
    if order == 0:
        return [(convert(_rounded(place), INT64), None)]
    lower = jnp.floor(place)
    upper_weight = place - lower
    first = convert(lower, INT64)
    return [(first, 1 - upper_weight), (first + 1, upper_weight)]


def _rounded(x: Operand) -> Operand:
    """To the nearest integer, halves away from zero."""
    if x.dtype.kind in "iub":
        return x
    return jnp.copysign(jnp.floor(jnp.abs(x) + 0.5), x)
