"""Cases of `lax.shapes`, `lax.slicing` and `lax.products`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import add, complexes, integers, reals

add("full", lambda lax: lax.full((2, 3), 1.5))
add("full", lambda lax, x: lax.full((2,), x), np.float64(2.0))
add("full", lambda lax: lax.full((2,), 3, np.int8))
add("full_like", lambda lax, x: lax.full_like(x, 2.0), reals(3))
add("full_like", lambda lax, x: lax.full_like(x, 2, np.int32, (2, 2)), reals(3))
add("iota", lambda lax: lax.iota(np.int32, 4))
add("broadcasted_iota", lambda lax: lax.broadcasted_iota(np.float64, (2, 3), 1))
add("broadcast", lambda lax, x: lax.broadcast(x, (2, 1)), reals(3))
add("broadcast_in_dim", lambda lax, x: lax.broadcast_in_dim(x, (2, 3, 4), (0, 2)), reals(2, 1))
add("broadcast_in_dim", lambda lax, x: lax.broadcast_in_dim(x, (2, 3), ()), np.float64(2.0))
add("reshape", lambda lax, x: lax.reshape(x, (3, 2)), reals(2, 3))
add("reshape", lambda lax, x: lax.reshape(x, (6,), (1, 0)), reals(2, 3))
add("collapse", lambda lax, x: lax.collapse(x, 1, 3), reals(2, 3, 2))
add("collapse", lambda lax, x: lax.collapse(x, 0, -1), reals(2, 3, 2))
add("expand_dims", lambda lax, x: lax.expand_dims(x, (0, 2)), reals(3))
add("expand_dims", lambda lax, x: lax.expand_dims(x, (-1,)), reals(3))
add("squeeze", lambda lax, x: lax.squeeze(x, (0, -1)), reals(1, 3, 1))
add("transpose", lambda lax, x: lax.transpose(x, (2, 0, 1)), reals(2, 3, 2))
add("rev", lambda lax, x: lax.rev(x, (0, 1)), reals(2, 3))
add("tile", lambda lax, x: lax.tile(x, (2, 1)), reals(2, 3))
add("concatenate", lambda lax, x, y: lax.concatenate([x, y], 1), reals(2, 3), reals(2, 1))
add("stack", lambda lax, x, y: lax.stack([x, y], 1), reals(3), reals(3, seed=1))
add("unstack", lambda lax, x: lax.unstack(x, 1), reals(2, 3))
add("split", lambda lax, x: lax.split(x, (1, 3), 1), reals(2, 4))
add("pad", lambda lax, x, v: lax.pad(x, v, [(1, 2, 0), (0, -1, 1)]), reals(2, 3), np.float64(7.0))
add("pad", lambda lax, x: lax.pad(x, np.int64(0), [(-1, 2, 1)]), integers(4))

add("slice", lambda lax, x: lax.slice(x, (1, 0), (4, 3)), reals(5, 3))
add("slice", lambda lax, x: lax.slice(x, (0,), (5,), (2,)), integers(6))
add("slice_in_dim", lambda lax, x: lax.slice_in_dim(x, -3, None, 2, 1), reals(2, 5))
add("index_in_dim", lambda lax, x: lax.index_in_dim(x, -1, 1), reals(2, 5))
add("index_in_dim", lambda lax, x: lax.index_in_dim(x, 1, 0, False), reals(2, 5))
for _at in ((1, 0), (-2, 1), (9, 9), (-9, 0)):
    add(
        "dynamic_slice",
        lambda lax, x, i, j: lax.dynamic_slice(x, (i, j), (2, 3)),
        reals(4, 5),
        *map(np.int32, _at),
    )
    add(
        "dynamic_update_slice",
        lambda lax, x, u, i: lax.dynamic_update_slice(x, u, i),
        reals(4, 5),
        reals(2, 3),
        np.array(_at),
    )
add("dynamic_slice", lambda lax, x: lax.dynamic_slice(x, (-1, 0), (1, 2)), reals(4, 5))
add(
    "dynamic_slice",
    lambda lax, x, i: lax.dynamic_slice(x, (i,), (2,), allow_negative_indices=False),
    reals(4),
    np.int64(-1),
)
add(
    "dynamic_slice_in_dim",
    lambda lax, x, i: lax.dynamic_slice_in_dim(x, i, 2, 1),
    reals(2, 5),
    np.uint8(2),
)
for _keep in (True, False):
    add(
        "dynamic_index_in_dim",
        lambda lax, x, i, keep=_keep: lax.dynamic_index_in_dim(x, i, -1, keep),
        reals(2, 5),
        np.int64(-2),
    )
add(
    "dynamic_update_slice_in_dim",
    lambda lax, x, u, i: lax.dynamic_update_slice_in_dim(x, u, i, 1),
    reals(2, 5),
    reals(2, 2),
    np.int64(1),
)
for _shape in ((2,), (2, 1)):
    add(
        "dynamic_update_index_in_dim",
        lambda lax, x, u, i: lax.dynamic_update_index_in_dim(x, u, i, 1),
        reals(2, 5),
        reals(*_shape),
        np.int64(3),
    )
add(
    "index_take",
    lambda lax, x, i, j: lax.index_take(x, (i, j), (0, 2)),
    reals(3, 2, 4),
    np.array([0, -1, 2]),
    np.array([3, 1, 5]),
)

add("dot", lambda lax, x, y: lax.dot(x, y), reals(3), reals(3, seed=1))
add("dot", lambda lax, x, y: lax.dot(x, y), reals(2, 3), reals(3, 4))
add("dot", lambda lax, x, y: lax.dot(x, y), integers(2, 3), integers(3))
add("dot", lambda lax, x, y: lax.dot(x, y), complexes(2, 3), complexes(3))
add(
    "dot",
    lambda lax, x, y: lax.dot(x, y, preferred_element_type=np.int32),
    integers(3).astype("int8"),
    integers(3).astype("int8"),
)
add(
    "dot_general",
    lambda lax, x, y: lax.dot_general(x, y, (((2,), (1,)), ((0,), (0,)))),
    reals(2, 3, 4),
    reals(2, 4, 2),
)
add(
    "dot_general",
    lambda lax, x, y: lax.dot_general(x, y, (((1, 2), (2, 0)), ((), ()))),
    reals(2, 3, 4),
    reals(4, 2, 3),
)
add("batch_matmul", lambda lax, x, y: lax.batch_matmul(x, y), reals(2, 3, 4), reals(2, 4, 2))


def _ragged(numbers: tuple[Any, ...]) -> Any:
    return lambda lax, x, y, sizes: lax.ragged_dot_general(
        x, y, sizes, lax.RaggedDotDimensionNumbers(*numbers)
    )


_sizes = np.array([2, 0, 3])
add(
    "ragged_dot",
    lambda lax, *operands: lax.ragged_dot(*operands),
    reals(6, 2),
    reals(3, 2, 4),
    _sizes,
)
add("ragged_dot", _ragged(((((0,), (0,)), ((), ())), (0,), ())), reals(5, 2), reals(5, 4), _sizes)
