"""`jitad.scipy.interpolate`: interpolation on grids."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import as_array_operand, inexact, strong

__all__ = ["RegularGridInterpolator"]
__dir__ = __all__.copy


class RegularGridInterpolator:
    """Interpolation of values on a grid whose lines may have any distances.

    `points` is a sequence of vectors, the ascending (or descending) places of the lines along each
    axis; `values` an array with those axes in front. `method` is "linear" or "nearest". Outside of
    the grid the result is `fill_value`, or extrapolated if that is None. There are derivatives in
    `points` and `values`, and, if linear, in the places asked for.

    Raises ValueError for lengths that do not fit, lines that are known not to be in order, and
    other methods; NotImplementedError for `bounds_error=True`: a compiled function cannot raise.

    >>> f = RegularGridInterpolator((np.arange(3.0), np.arange(4.0)), np.arange(12.0).reshape(3, 4))
    >>> f([[0.5, 1.5], [1.0, 2.0]])
    Array([3.5, 6. ])
    """

    def __init__(
        self,
        points: Sequence[Any],
        values: Any,
        method: str = "linear",
        bounds_error: bool = False,
        fill_value: Any = np.nan,
    ) -> None:
        if bounds_error:
            raise NotImplementedError(
                at_user_line("RegularGridInterpolator: bounds_error=True is left out")
            )
        _check_method(method)
        self.method = method
        self.fill_value = fill_value
        self.values = jnp.asarray(inexact(strong(as_array_operand(values))))
        if len(points) > self.values.ndim:
            raise ValueError(
                at_user_line(
                    f"There are {len(points)} point arrays, but values has {self.values.ndim} "
                    "dimensions"
                )
            )
        self.grid = [self._line(i, line) for i, line in enumerate(points)]

    def _line(self, axis: int, given: Any) -> Any:
        """The places along one axis, ascending; values are turned around if they descend."""
        line = jnp.asarray(inexact(strong(as_array_operand(given))))
        if line.ndim != 1:
            raise ValueError(at_user_line(f"The points in dimension {axis} must be 1-dimensional"))
        n = self.values.shape[axis]
        if line.shape[0] != n:
            raise ValueError(
                at_user_line(
                    f"There are {line.shape[0]} points and {n} values along dimension {axis}"
                )
            )
        if isinstance(line, np.ndarray) and n > 1:
            if np.all(line[1:] < line[:-1]):
                self.values = jnp.flip(self.values, axis)
                return line[::-1]
            if not np.all(line[1:] > line[:-1]):
                raise ValueError(
                    at_user_line(
                        f"The points in dimension {axis} must be strictly ascending or descending"
                    )
                )
        return line

    def __call__(self, xi: Any, method: str | None = None) -> Any:
        """Values at the places `xi`: an array (..., number of axes), or a tuple of arrays, one for
        each axis, which broadcast. The result has the shape (..., further axes of the values)."""
        _check_method(self.method if method is None else method)
        places = self._coordinates(xi)
        cells = [_cell(line, x) for line, x in zip(self.grid, places, strict=True)]
        if (self.method if method is None else method) == "nearest":
            corner = [jnp.where(w <= 0.5, i, j) for i, j, w in cells]
            result = self.values[tuple(corner)]
        else:
            result = self._linear(cells)
        outside: Any = False
        unknown: Any = False
        for line, x in zip(self.grid, places, strict=True):
            outside = outside | (x < line[0]) | (x > line[-1])
            unknown = unknown | jnp.isnan(x)
        rest = (1,) * (result.ndim - places[0].ndim)
        if self.fill_value is not None:
            result = jnp.where(outside.reshape(*outside.shape, *rest), self.fill_value, result)
        return jnp.where(unknown.reshape(*unknown.shape, *rest), np.nan, result)

    def _coordinates(self, xi: Any) -> list[Any]:
        if isinstance(xi, tuple):
            places = list(jnp.broadcast_arrays(*[jnp.asarray(x) for x in xi]))
        else:
            whole = jnp.atleast_1d(jnp.asarray(xi))
            if len(self.grid) == 1 and whole.shape[-1] != 1:
                whole = whole[..., None]
            places = [whole[..., i] for i in range(whole.shape[-1])]
        if len(places) != len(self.grid):
            raise ValueError(
                at_user_line(
                    f"The requested sample points xi have dimension {len(places)}, but this "
                    f"RegularGridInterpolator has dimension {len(self.grid)}"
                )
            )
        return [inexact(x) for x in places]

    def _linear(self, cells: list[tuple[Any, Any, Any]]) -> Any:
        """The sum over the corners of the cell of weight times value."""
        total: Any = None
        further = (1,) * (self.values.ndim - len(cells))
        for sides in itertools.product((0, 1), repeat=len(cells)):
            weight: Any = 1.0
            for side, (_, _, w) in zip(sides, cells, strict=True):
                weight = weight * (w if side else 1 - w)
            value = self.values[
                tuple([cell[side] for side, cell in zip(sides, cells, strict=True)])
            ]
            term = weight.reshape(*weight.shape, *further) * value
            total = term if total is None else total + term
        return total


def _check_method(method: str) -> None:
    if method not in ("linear", "nearest"):
        raise ValueError(
            at_user_line(f"Method '{method}' is not defined: expected 'linear' or 'nearest'")
        )


def _cell(line: Any, x: Any) -> tuple[Any, Any, Any]:
    """The lines around each place, and how far from the first to the second it is."""
    n = line.shape[0]
    if n == 1:
        none = jnp.zeros(x.shape, np.int64)
        return none, none, jnp.zeros_like(x)
    first = jnp.clip(jnp.searchsorted(line, x) - 1, 0, n - 2)
    low = line[first]
    return first, first + 1, (x - low) / (line[first + 1] - low)
