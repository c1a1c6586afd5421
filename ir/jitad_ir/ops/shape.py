"""Ops that rearrange elements: broadcast, reshape, transpose, ... and the sum that is
broadcast's transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Pull
from ..op import Draw, Linear, Op, PerOperand, Sample, Unknown
from ..types import ArrayType, Shape, TypeMismatch
from .reduce import reduce_sum


def _infer_broadcast(x: ArrayType, *, shape: Shape, dims: tuple[int, ...]) -> ArrayType:
    fits = len(dims) == x.ndim and all(0 <= d < len(shape) for d in dims)
    if not fits or any(a >= b for a, b in zip(dims, dims[1:], strict=False)):
        raise TypeMismatch(
            f"broadcast: expected dims to be {x.ndim} ascending axes of shape {shape}; got {dims}"
        )
    for axis, dim in enumerate(dims):
        if x.shape[axis] not in (1, shape[dim]):
            raise TypeMismatch(
                f"broadcast: axis {axis} of {x!r} must have length 1 or {shape[dim]} to become "
                f"axis {dim} of shape {shape}"
            )
    return x.with_shape(shape)


def _evaluate_broadcast(x: Any, *, shape: Shape, dims: tuple[int, ...]) -> Any:
    column = [1] * len(shape)
    for axis, dim in enumerate(dims):
        column[dim] = x.shape[axis]
    return np.broadcast_to(np.reshape(x, column), shape)


def _transpose_broadcast(ct: Value, x: Unknown, *, shape: Shape, dims: tuple[int, ...]) -> Value:
    """Sum over the axes along which x was repeated."""
    stretched = [d for a, d in enumerate(dims) if x.shape[a] != shape[d]]
    repeated = tuple(d for d in range(len(shape)) if d not in dims or d in stretched)
    total = reduce_sum(ct, axes=repeated) if repeated else ct
    return reshape(total, shape=x.shape) if stretched else total


def _batch_broadcast(
    size: int, _batched: Sequence[bool], x: Value, *, shape: Shape, dims: tuple[int, ...]
) -> Value:
    return broadcast(x, shape=(size, *shape), dims=(0, *[d + 1 for d in dims]))


def _pull_broadcast(
    m: Any, index: Any, x: Any, *, result: ArrayType, shape: Shape, dims: tuple[int, ...]
) -> Any:
    return x(tuple(0 if x.type.shape[a] == 1 else index[d] for a, d in enumerate(dims)))


broadcast = Op(
    name="broadcast",
    doc="Repeat x to `shape`: axis i of x, of its length or 1, becomes axis dims[i] (ascending).",
    infer=_infer_broadcast,
    evaluate=_evaluate_broadcast,
    jvp=PerOperand((lambda t, out, x, **params: broadcast(t, **params),)),
    transpose=Linear((_transpose_broadcast,)),
    batch=_batch_broadcast,
    lower=Pull(_pull_broadcast),
    samples=(
        Sample((Draw((3,)),), {"shape": (2, 3), "dims": (1,)}),
        Sample((Draw((2, 1)),), {"shape": (2, 4, 3), "dims": (0, 2)}),
        Sample((Draw(()),), {"shape": (2,), "dims": ()}),
        Sample((Draw((1,)),), {"shape": (0,), "dims": (0,)}),
    ),
)


def _infer_reshape(x: ArrayType, *, shape: Shape) -> ArrayType:
    result = x.with_shape(shape)
    if result.size != x.size:
        raise TypeMismatch(f"reshape: expected a shape of {x.size} elements; got {shape}")
    return result


reshape = Op(
    name="reshape",
    doc="The elements of x in row-major order, as an array of `shape`.",
    infer=_infer_reshape,
    evaluate=lambda x, *, shape: np.reshape(x, shape),
    jvp=PerOperand((lambda t, out, x, *, shape: reshape(t, shape=shape),)),
    transpose=Linear((lambda ct, x, *, shape: reshape(ct, shape=x.shape),)),
    batch=lambda size, batched, x, *, shape: reshape(x, shape=(size, *shape)),
    lower=Pull(
        lambda m, index, x, *, result, shape: x(m.unflatten(m.flatten(index, shape), x.type.shape))
    ),
    samples=(
        Sample((Draw((2, 3)),), {"shape": (3, 2)}),
        Sample((Draw((4,)),), {"shape": (2, 1, 2)}),
        Sample((Draw((1, 1)),), {"shape": ()}),
        Sample((Draw((0, 3)),), {"shape": (0,)}),
    ),
)


def _infer_transpose(x: ArrayType, *, permutation: tuple[int, ...]) -> ArrayType:
    if sorted(permutation) != list(range(x.ndim)):
        raise TypeMismatch(f"transpose: expected a permutation of {x.ndim} axes; got {permutation}")
    return x.with_shape(tuple(x.shape[p] for p in permutation))


def _inverse(permutation: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(p) for p in np.argsort(permutation))


transpose = Op(
    name="transpose",
    doc="Axes of x in another order: axis i of the result is axis permutation[i] of x.",
    infer=_infer_transpose,
    evaluate=lambda x, *, permutation: np.transpose(x, permutation),
    jvp=PerOperand((lambda t, out, x, *, permutation: transpose(t, permutation=permutation),)),
    transpose=Linear(
        (lambda ct, x, *, permutation: transpose(ct, permutation=_inverse(permutation)),)
    ),
    batch=lambda size, batched, x, *, permutation: transpose(
        x, permutation=(0, *[p + 1 for p in permutation])
    ),
    lower=Pull(
        lambda m, index, x, *, result, permutation: x(
            tuple(index[i] for i in _inverse(permutation))
        )
    ),
    samples=(
        Sample((Draw((2, 3)),), {"permutation": (1, 0)}),
        Sample((Draw((2, 3, 4)),), {"permutation": (2, 0, 1)}),
        Sample((Draw(()),), {"permutation": ()}),
    ),
)


def _infer_reverse(x: ArrayType, *, axes: tuple[int, ...]) -> ArrayType:
    if any(not 0 <= a < x.ndim for a in axes) or list(axes) != sorted(set(axes)):
        raise TypeMismatch(f"reverse: expected ascending distinct axes of {x!r}; got {axes}")
    return x


reverse = Op(
    name="reverse",
    doc="The elements of x in reverse order along `axes` (ascending).",
    infer=_infer_reverse,
    evaluate=lambda x, *, axes: np.flip(x, axes),
    jvp=PerOperand((lambda t, out, x, *, axes: reverse(t, axes=axes),)),
    transpose=Linear((lambda ct, x, *, axes: reverse(ct, axes=axes),)),
    batch=lambda size, batched, x, *, axes: reverse(x, axes=tuple(a + 1 for a in axes)),
    lower=Pull(
        lambda m, index, x, *, result, axes: x(
            tuple(i * -1 + (result.shape[a] - 1) if a in axes else i for a, i in enumerate(index))
        )
    ),
    samples=(
        Sample((Draw((5,)),), {"axes": (0,)}),
        Sample((Draw((2, 3, 4)),), {"axes": (0, 2)}),
        Sample((Draw((2, 0)),), {"axes": (0, 1)}),
        Sample((Draw(()),), {"axes": ()}),
    ),
)


def move_axis(x: Value, source: int, destination: int) -> Value:
    """x with axis `source` at position `destination`, the others in order."""
    order = [a for a in range(x.ndim) if a != source]
    order.insert(destination, source)
    return x if source == destination else transpose(x, permutation=tuple(order))
