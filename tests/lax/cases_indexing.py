"""Cases of `lax.gathering`, `lax.scattering`, `lax.sorting` and `lax.reductions`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import add, complexes, integers, reals

# Gather: operand, indices, dimension numbers (see lax.GatherDimensionNumbers), slice sizes.
_GATHERS: list[tuple[np.ndarray, Any, tuple[Any, ...], tuple[int, ...]]] = [
    (reals(5), [[0], [3], [3]], ((), (0,), (0,)), (1,)),
    (reals(5), [[0], [3], [2]], ((1,), (), (0,)), (2,)),
    (reals(4, 5), [[0, 3], [3, 1]], ((), (0, 1), (0, 1)), (1, 1)),
    (reals(4, 5), [[3, 0], [1, 3]], ((), (0, 1), (1, 0)), (1, 1)),
    (reals(4, 5), [[2], [0], [1]], ((1,), (0,), (0,)), (1, 5)),
    (reals(4, 5), [[2], [0], [1]], ((0,), (0,), (0,)), (1, 5)),
    (reals(4, 5), [[2], [0], [1]], ((1,), (0,), (0,)), (1, 3)),
    (reals(4, 5), [[[2], [0]], [[1], [1]]], ((0, 2), (), (1,)), (2, 3)),
    (reals(4, 5), [1, 2], ((0, 1), (), (0, 1)), (2, 2)),
    (reals(4, 5), np.zeros((3, 0)), ((1, 2), (), ()), (2, 5)),
    (reals(3, 4), [[1], [0], [3]], ((), (1,), (1,), (0,), (0,)), (1, 1)),
    (reals(4, 3), [[1], [0], [3]], ((), (0,), (0,), (1,), (0,)), (1, 1)),
    (
        reals(3, 4, 2, 5),
        integers(6, 2, 3, 1, low=0, high=5),
        ((2,), (3,), (3,), (0, 2), (2, 1)),
        (1, 4, 1, 1),
    ),
    (integers(5), [[0], [3]], ((), (0,), (0,)), (1,)),
    (complexes(5), [[0], [3]], ((), (0,), (0,)), (1,)),
]
for _x, _indices, _numbers, _sizes in _GATHERS:
    add(
        "gather",
        lambda lax, x, i, numbers=_numbers, sizes=_sizes: lax.gather(
            x, i, lax.GatherDimensionNumbers(*numbers), sizes
        ),
        _x,
        np.asarray(_indices, np.int64),
    )
for _mode in ("clip", "fill", "promise_in_bounds"):
    _outside = [[0], [7], [-2]] if _mode != "promise_in_bounds" else [[0], [1], [1]]
    for _x in (reals(5), integers(5), np.array([3, 4], "uint8"), np.array([True, False, False])):
        add(
            "gather",
            lambda lax, x, i, mode=_mode: lax.gather(
                x, i, lax.GatherDimensionNumbers((), (0,), (0,)), (1,), mode=mode
            ),
            _x,
            np.array(_outside),
            smooth=_mode != "fill",
        )
add(
    "gather",
    lambda lax, x, i: lax.gather(
        x,
        i,
        lax.GatherDimensionNumbers((1,), (), (0,)),
        (2,),
        mode=lax.GatherScatterMode.FILL_OR_DROP,
        fill_value=7,
    ),
    reals(5),
    np.array([[0], [4], [-1]]),
)

# Scatter: operand, indices, shape of the updates, dimension numbers.
_SCATTERS: list[tuple[tuple[int, ...], Any, tuple[int, ...], tuple[Any, ...]]] = [
    ((5,), [[0], [3], [1]], (3,), ((), (0,), (0,))),
    ((5,), [[0], [3]], (2, 2), ((1,), (), (0,))),
    ((4, 5), [[0, 3], [3, 1]], (2,), ((), (0, 1), (0, 1))),
    ((4, 5), [[3, 0], [1, 3]], (2,), ((), (0, 1), (1, 0))),
    ((4, 5), [[2], [0]], (2, 5), ((1,), (0,), (0,))),
    ((4, 5), [[2], [0]], (5, 2), ((0,), (0,), (0,))),
    ((4, 5), [[2], [0]], (2, 3), ((1,), (0,), (0,))),
    ((4, 5), [1, 2], (2, 2), ((0, 1), (), (0, 1))),
    ((4, 5), np.zeros((1, 0)), (1, 2, 5), ((1, 2), (), ())),
    ((3, 4), [[1], [0], [3]], (3,), ((), (1,), (1,), (0,), (0,))),
    ((4, 3), [[1], [0], [3]], (3,), ((), (0,), (0,), (1,), (0,))),
    ((4, 5), [[9], [0], [-1]], (3, 5), ((1,), (0,), (0,))),
]
for _name in ("scatter", "scatter_add", "scatter_sub", "scatter_mul", "scatter_min", "scatter_max"):
    for _shape, _indices, _updates, _numbers in _SCATTERS:
        add(
            _name,
            lambda lax, x, i, u, name=_name, numbers=_numbers: getattr(lax, name)(
                x, i, u, lax.ScatterDimensionNumbers(*numbers)
            ),
            reals(*_shape),
            np.asarray(_indices, np.int64),
            reals(*_updates, seed=1),
        )
    if _name != "scatter":
        add(
            _name,
            lambda lax, x, i, u, name=_name: getattr(lax, name)(
                x, i, u, lax.ScatterDimensionNumbers((), (0,), (0,)), mode="clip"
            ),
            reals(4),
            np.array([[1], [1], [9], [1]]),
            reals(4, seed=1),
        )
add(
    "scatter",
    lambda lax, x, i, u: lax.scatter(
        x,
        i,
        u,
        lax.ScatterDimensionNumbers((), (0,), (0,)),
        mode=lax.GatherScatterMode.CLIP,
        unique_indices=True,
        indices_are_sorted=True,
    ),
    reals(4),
    np.array([[1], [9]]),
    reals(2, seed=1),
)
for _unique in (True, False):
    add(
        "scatter_apply",
        lambda lax, x, i, unique=_unique: lax.scatter_apply(
            x,
            i,
            lambda e: e * e,
            lax.ScatterDimensionNumbers((), (0,), (0,)),
            update_shape=i.shape[:-1],
            unique_indices=unique,
        ),
        reals(4, low=0.5),
        np.array([[1], [2]] if _unique else [[1], [1], [3]]),
    )

add("sort", lambda lax, x: lax.sort(x), reals(2, 5))
add("sort", lambda lax, x: lax.sort(x, 0), reals(4, 2))
add("sort", lambda lax, x: lax.sort(x), np.array([1.0, np.nan, -np.inf, 0.0]), smooth=False)
add("sort", lambda lax, x, y: lax.sort((x, y), num_keys=2), integers(9, high=-6), integers(9))
add("sort", lambda lax, x, y: lax.sort([x, y], 0), integers(9, high=-6), reals(9))
add("sort_key_val", lambda lax, x, y: lax.sort_key_val(x, y), reals(2, 5), reals(2, 5, seed=1))
add("top_k", lambda lax, x: lax.top_k(x, 3)[0], reals(2, 6))
add("top_k", lambda lax, x: lax.top_k(x, 2, axis=0)[0], reals(4, 2))
add("top_k", lambda lax, x: lax.top_k(x, 2)[1].astype(np.int32), integers(6))
for _name in ("argmax", "argmin"):
    add(
        _name,
        lambda lax, x, name=_name: getattr(lax, name)(x, 1, np.int32),
        integers(3, 4, low=0, high=3),
    )
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x, 0, int), reals(3, 4))

for _name in ("reduce_sum", "reduce_prod", "reduce_max", "reduce_min"):
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x, (0, 2)), reals(2, 3, 2))
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x, [1]), integers(2, 3).astype("int8"))
for _name in ("reduce_and", "reduce_or", "reduce_xor"):
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x, (1,)), integers(3, 5))
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x, (0,)), reals(3, 4) > 0)
add("reduce", lambda lax, x: lax.reduce(x, 0.0, lax.add, (0,)), reals(3, 4))
add("reduce", lambda lax, x: lax.reduce(x, -np.inf, lax.max, (1,)), reals(3, 4))
add("reduce", lambda lax, x: lax.reduce(x, 1.0, lambda a, b: a * b, (0, 1)), reals(3, 4))
add(
    "reduce",
    lambda lax, x: lax.reduce(x, 0.0, lambda a, b: a + b + a * b, (0,)),
    reals(5, 2),
)
add(
    "reduce",
    lambda lax, x, y: lax.reduce((x, y), (1.0, 0.0), lambda a, b: (a[0] * b[0], a[1] + b[1]), (0,)),
    reals(5, 2),
    reals(5, 2, seed=1),
)
for _name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x), reals(4, 2))
    add(_name, lambda lax, x, name=_name: getattr(lax, name)(x, 1, True), reals(2, 4))
    if _name != "cumlogsumexp":
        add(_name, lambda lax, x, name=_name: getattr(lax, name)(x), integers(4).astype("int32"))
add("cumsum", lambda lax, x: lax.cumsum(x, reverse=True), complexes(4))
