"""Windows that slide along axes: the geometry that convolution and reduce_window share.

Along each axis, an array of n elements gets `base - 1` zeros (or other neutral elements) between
neighbours, then `low` before and `high` after it; negative ones crop. A window of k elements that
are `spread` apart starts at every `stride`-th place where it fits:

    dilated(n, base) + low + high = padded length
    out[i] sees padded[i stride + j spread],  j = 0 ... k - 1
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..graph import Number
from ..types import Shape, TypeMismatch

Ints = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]


def dilated(n: int, by: int) -> int:
    """Length of n elements of which neighbours are `by` apart."""
    return (n - 1) * by + 1 if n else 0


@dataclass(frozen=True, slots=True)
class Sliding:
    """Windows along one axis; see the equations above."""

    n: int
    k: int
    stride: int
    low: int
    high: int
    base: int
    spread: int

    @property
    def padded(self) -> int:
        """Length of the dilated and padded axis."""
        return dilated(self.n, self.base) + self.low + self.high

    @property
    def out(self) -> int:
        """Number of windows."""
        room = self.padded - dilated(self.k, self.spread)
        return room // self.stride + 1 if room >= 0 and self.padded > 0 else 0

    @property
    def towards_array(self) -> tuple[int, int]:
        """Padding of the cotangents, dilated by `stride`, over which the reversed window slides in
        steps of `base` to give the cotangent of the array."""
        low = dilated(self.k, self.spread) - self.low - 1
        reach = dilated(self.n, self.base) + dilated(self.k, self.spread) - 1
        return low, reach - dilated(self.out, self.stride) - low

    @property
    def towards_window(self) -> tuple[int, int]:
        """Padding of the array over which the cotangents, `stride` apart, slide in steps of
        `spread` to give the cotangent of the window."""
        reach = dilated(self.out, self.stride) + dilated(self.k, self.spread) - 1
        return self.low, reach - dilated(self.n, self.base) - self.low


class Phase(NamedTuple):
    """Windows out_first, out_first + out_step, ... of an axis, of which the same places see no
    zero of a dilation: window i of them sees element first + i stride + j spread of the array
    itself at place w_first + j w_step."""

    out_first: int
    out_step: int
    out: int
    w_first: int
    w_step: int
    k: int
    first: int
    stride: int
    spread: int

    @property
    def last(self) -> int:
        """The last element that is seen."""
        return self.first + (self.out - 1) * self.stride + (self.k - 1) * self.spread


def phases(one: Sliding) -> list[Phase]:
    """All windows of an axis by phases, also those that see nothing (k = 0).

    Place j of window i lies on an element where i stride + j spread = low modulo base. That
    depends on i modulo base / gcd(stride, base), and holds for none of the places, or one of them
    and every (base / gcd(spread, base))th before and behind it.
    """
    step = one.base // math.gcd(one.stride, one.base)
    every = one.base // math.gcd(one.spread, one.base)
    found: list[Phase] = []
    for i in range(min(step, one.out)):
        count = -(-(one.out - i) // step)
        places = [
            j
            for j in range(min(every, one.k))
            if (i * one.stride + j * one.spread - one.low) % one.base == 0
        ]
        j = places[0] if places else 0
        k = -(-(one.k - j) // every) if places else 0
        first = (i * one.stride + j * one.spread - one.low) // one.base
        stride, spread = step * one.stride // one.base, every * one.spread // one.base
        found.append(Phase(i, step, count, j, every, k, first, stride, spread))
    return found


def slidings(
    name: str,
    shape: Shape,
    window: Shape,
    strides: Ints,
    padding: Padding,
    base: Ints,
    spread: Ints,
) -> list[Sliding]:
    """Windows along each of some axes; raises TypeMismatch if there are none such."""
    rank = len(shape)
    for what, given in (
        ("strides", strides),
        ("padding", padding),
        ("base dilation", base),
        ("window dilation", spread),
    ):
        if len(given) != rank:
            raise TypeMismatch(
                f"{name}: expected {what} with {rank} entries, one for each axis of a window; "
                f"got {given}"
            )
    for what, numbers in (
        ("strides", strides),
        ("base dilation", base),
        ("window dilation", spread),
        ("window", window),
    ):
        if any(n < 1 for n in numbers):
            raise TypeMismatch(f"{name}: expected {what} of positive numbers; got {numbers}")
    found: list[Sliding] = []
    for axis in range(rank):
        low, high = padding[axis]
        one = Sliding(shape[axis], window[axis], strides[axis], low, high, base[axis], spread[axis])
        if one.padded < 0:
            raise TypeMismatch(
                f"{name}: padding {padding[axis]} crops more than the length "
                f"{dilated(one.n, one.base)} of the axis"
            )
        found.append(one)
    return found


def padded(x: Any, axes: Sequence[int], along: Sequence[Sliding], fill: Number) -> Any:
    """NumPy: x dilated and padded along `axes`."""
    shape, into, of = list(x.shape), [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for axis, one in zip(axes, along, strict=True):
        shape[axis] = one.padded
        first = max(-(one.low // one.base), 0)  # the first element that is not cropped
        last = min((one.padded - 1 - one.low) // one.base + 1, one.n)
        start = one.low + first * one.base
        of[axis] = slice(first, max(last, first))
        into[axis] = slice(start, start + max(last - first, 0) * one.base, one.base)
    out = np.full(shape, fill, x.dtype)
    out[tuple(into)] = x[tuple(of)]
    return out


def windows_of(x: Any, axes: Sequence[int], along: Sequence[Sliding]) -> Any:
    """NumPy: a view of the padded x in which each of `axes` counts windows; behind all of its axes
    come those within a window, in the order of `axes`."""
    shape, strides = list(x.shape), list(x.strides)
    for axis, one in zip(axes, along, strict=True):
        shape.append(one.k)
        strides.append(x.strides[axis] * one.spread)
        shape[axis], strides[axis] = one.out, x.strides[axis] * one.stride
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
