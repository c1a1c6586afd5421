"""Folds over axes: sum, product, extrema, any, all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..op import OPS, Draw, Linear, Op, PerOperand, Reduction, Sample
from ..types import ArrayType, Shape, TypeMismatch


def _kept(shape: Shape, axes: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that a reduction over `axes` keeps."""
    return tuple(axis for axis in range(len(shape)) if axis not in axes)


def reduced_type(name: str, x: ArrayType, axes: tuple[int, ...], kinds: str) -> ArrayType:
    """Type rule of reductions: x without `axes` (ascending, distinct); raises TypeMismatch."""
    if any(not 0 <= a < x.ndim for a in axes) or list(axes) != sorted(set(axes)):
        raise TypeMismatch(f"{name}: expected ascending distinct axes of {x!r}; got {axes}")
    if x.dtype.kind not in kinds:
        raise TypeMismatch(f"{name}: not defined for {x!r}")
    return x.with_shape(tuple(x.shape[a] for a in _kept(x.shape, axes)))


def spread(value: Value, shape: Shape, axes: tuple[int, ...]) -> Value:
    """`value`, reduced from `shape` over `axes`, repeated along them: the transpose of a sum."""
    return OPS["broadcast"](value, shape=shape, dims=_kept(shape, axes))


def batch_reduction(
    _size: int, _batched: Sequence[bool], x: Value, *, op: Op, axes: tuple[int, ...]
) -> Value:
    """Batch rule of reductions: the same fold behind the leading axis."""
    return op(x, axes=tuple(a + 1 for a in axes))


reduce_sum = Op(
    name="reduce_sum",
    doc="Sum over `axes` (ascending); 0 for none; integers wrap.",
    infer=lambda x, *, axes: reduced_type("reduce_sum", x, axes, "iufc"),
    evaluate=lambda x, *, axes: np.sum(x, axis=axes, dtype=x.dtype),
    jvp=PerOperand((lambda t, out, x, *, axes: reduce_sum(t, axes=axes),)),
    transpose=Linear((lambda ct, x, *, axes: spread(ct, x.shape, axes),)),
    batch=lambda size, batched, x, *, axes: batch_reduction(
        size, batched, x, op=reduce_sum, axes=axes
    ),
    lower=Reduction(combine=lambda b, x, y: b.add(x, y), identity=lambda dtype: 0),
    samples=(
        Sample((Draw((2, 3)),), {"axes": (0,)}),
        Sample((Draw((2, 3, 4)),), {"axes": (0, 2)}),
        Sample((Draw((3,)),), {"axes": ()}),
        Sample((Draw((0, 2)),), {"axes": (0,)}),
        Sample((Draw((37, 5)),), {"axes": (0, 1)}),
    ),
)
