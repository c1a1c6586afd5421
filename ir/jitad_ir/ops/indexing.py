"""Elements at computed places: gather, and its transpose scatter_add (see `windows`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Number, Value
from ..lowering import Pull, Routine
from ..op import OPS, Draw, Joint, Op, Sample, Unknown, batch_to_front
from ..types import INT64, ArrayType, DType, Shape, TypeMismatch
from .constants import full, zeros
from .scatter_lowering import emit_scatter, parts_scatter, workspace_scatter
from .shape import move_axis, reshape
from .windows import (
    Axes,
    check_windows,
    positions,
    window_shape,
    windows_in_kernel,
)

GATHER_MODES = ("clip", "fill", "promise_in_bounds")
SCATTER_MODES = ("clip", "drop", "promise_in_bounds")


def _infer_gather(
    x: ArrayType,
    *starts: ArrayType,
    axes: Axes,
    sizes: Shape,
    batch: int,
    mode: str,
    fill: Number,
) -> ArrayType:
    check_windows(
        "gather", x, starts, axes=axes, sizes=sizes, batch=batch, mode=mode, modes=GATHER_MODES
    )
    if isinstance(fill, complex) and x.dtype.kind != "c":
        raise TypeMismatch(f"gather: expected a real fill value for {x!r}; got {fill}")
    return x.with_shape(starts[0].shape + window_shape(x.shape, axes, sizes, batch))


def _evaluate_gather(x: Any, *starts: Any, mode: str, fill: Number, **where: Any) -> Any:
    indices, inside = positions(x.shape, starts, mode=mode, **where)
    window = window_shape(x.shape, **where)
    out = np.full((inside.size, *window), fill if mode == "fill" else 0, x.dtype)
    out[inside] = x[indices]
    return out.reshape(starts[0].shape + window)


def _jvp_gather(
    ts: Sequence[Value | None], _outs: object, _x: Value, *starts: Value, fill: Number, **where: Any
) -> tuple[Value | None]:
    return (None if ts[0] is None else gather(ts[0], *starts, fill=0, **where),)


def _transpose_gather(
    cts: Sequence[Value],
    x: Unknown,
    *starts: Value,
    axes: Axes,
    sizes: Shape,
    batch: int,
    mode: str,
    fill: Number,
) -> list[Value | None]:
    """Each element back to where it was read; those read several times are summed."""
    ct = scatter_add(
        zeros(x),
        cts[0],
        *starts,
        axes=axes,
        batch=batch,
        mode="drop" if mode == "fill" else mode,
        unique=False,
    )
    return [ct, *[None] * len(starts)]


def _batch_gather(
    size: int,
    batched: Sequence[bool],
    x: Value,
    *starts: Value,
    axes: Axes,
    batch: int,
    **params: Any,
) -> Value:
    """With a batched x the lanes are a batch axis. Otherwise they are one more axis of points."""
    lanes = batch_to_front(size, batched[1:], starts)
    behind = tuple(a + 1 for a in axes)
    if batched[0]:
        return gather(x, *lanes, axes=behind, batch=batch + 1, **params)
    points = [move_axis(s, 0, batch) for s in lanes]
    return move_axis(gather(x, *points, axes=axes, batch=batch, **params), batch, 0)


def _pull_gather(
    m: Any, index: Any, x: Any, *starts: Any, result: ArrayType, fill: Number, **where: Any
) -> Any:
    points = starts[0].type.ndim
    place, conditions = windows_in_kernel(m, index[:points], index[points:], x, starts, **where)
    if not conditions:
        return x(place)
    return m.choose(m.all(*conditions), lambda: x(place), lambda: m.b.constant(result.dtype, fill))


def _gather_sample(
    x: Shape, starts: Sequence[Draw], mode: str = "clip", fill: Number = 0, **where: Any
) -> Sample:
    where = {"batch": 0, "axes": (0,), "sizes": (1,) * len(starts), **where}
    return Sample((Draw(x), *starts), {"mode": mode, "fill": fill, **where})


def at(shape: Shape, *values: int, dtype: str = "i64") -> Draw:
    """Starts for samples: the given values, again and again."""
    size = int(np.prod(shape, dtype=np.int64))
    return Draw(shape, dtype=dtype, values=tuple(values[i % len(values)] for i in range(size)))


gather = Op(
    name="gather",
    doc="Windows of x at `starts` along `axes`: result axes are those of the starts, then those "
    "of the window. `fill` stands for windows that reach beyond x in mode 'fill'.",
    infer=_infer_gather,
    evaluate=_evaluate_gather,
    jvp=Joint(_jvp_gather),
    transpose=Joint(_transpose_gather),
    batch=_batch_gather,
    lower=Pull(_pull_gather),
    samples=(
        _gather_sample((5,), [at((4,), 3, 0, 3, 4)]),
        _gather_sample((5,), [at((4,), 7, -2, 1, 1)]),
        _gather_sample((5,), [at((4,), 7, -2, 1, 1)], "fill", 7),
        _gather_sample((5,), [at((3,), 2, 0, 4)], "promise_in_bounds"),
        _gather_sample((4, 3), [at((2, 2), 3, -1, 0, 4, dtype="i32")], "fill", 1),
        _gather_sample((4, 3), [at((2,), 2, 0, dtype="u8")], axes=(1,)),
        _gather_sample((4, 3), [at((), 2), at((), 5)], axes=(0, 1)),
        _gather_sample((4, 5, 2), [at((3,), 2, 9, -1)], sizes=(3,), axes=(1,)),
        _gather_sample((4, 5, 2), [at((3,), 2, 9, 0)], "fill", 0, sizes=(4,), axes=(1,)),
        _gather_sample((3, 4), [at((3, 4), 3, 0, 0, 2, 1)], axes=(1,), batch=1),
        _gather_sample((2, 4, 3), [at((2, 2), 3, 1), at((2, 2), 1, 5)], axes=(1, 2), batch=1),
        _gather_sample((3,), [at((0,), 0)]),
        _gather_sample((0, 2), [at((0,), 0)]),
        _gather_sample((0,), [at((2,), 0)], "fill", 1),
        _gather_sample((4, 0), [at((2,), 1)]),
    ),
)


def take_along(x: Value, indices: Value, axis: int) -> Value:
    """x[..., indices[...], ...]: along `axis`, one element for each index, which must be in
    bounds; the other axes of both run side by side."""
    last = x.ndim - 1
    rows, picks = move_axis(x, axis, last), move_axis(indices, axis, last)
    out = gather(
        rows, picks, axes=(last,), sizes=(1,), batch=last, mode="promise_in_bounds", fill=0
    )
    return move_axis(reshape(out, shape=picks.shape), last, axis)


# The scatters.


def infer_scatter(
    name: str,
    kinds: str,
    x: ArrayType,
    updates: ArrayType,
    starts: Sequence[ArrayType],
    *,
    axes: Axes,
    batch: int,
    mode: str,
    wraps: bool = False,
) -> ArrayType:
    """Type rule of the scatters: x; raises TypeMismatch."""
    if x.dtype.kind not in kinds or updates.dtype != x.dtype:
        raise TypeMismatch(
            f"{name}: expected x and updates of one dtype, for which it is defined; got {x!r} and "
            f"{updates!r}"
        )
    points = starts[0].shape if starts else ()
    window = updates.shape[len(points) :]
    sizes = tuple(window[a - batch] if batch <= a < batch + len(window) else 0 for a in axes)
    check_windows(
        name, x, starts, axes=axes, sizes=sizes, batch=batch, mode=mode, modes=SCATTER_MODES
    )
    expected = points + window_shape(x.shape, axes, sizes, batch)
    if updates.shape != expected:
        raise TypeMismatch(
            f"{name}: expected updates of shape {expected}: the shape of the starts, then that of "
            f"a window of {x!r}; got {updates!r}"
        )
    return x


def update_sizes(updates: Value | Unknown, starts: Sequence[Value], axes: Axes, batch: int) -> Axes:
    """Lengths of the windows along `axes`, by the shape of the updates."""
    window = updates.shape[starts[0].ndim :]
    return tuple(window[a - batch] for a in axes)


def evaluate_scatter(
    at_indices: Any,
    x: Any,
    updates: Any,
    starts: Sequence[Any],
    *,
    axes: Axes,
    batch: int,
    **how: Any,
) -> Any:
    """`at_indices(out, indices, values)` on a copy of x, with the updates that count."""
    window = updates.shape[starts[0].ndim :]
    sizes = tuple(window[a - batch] for a in axes)
    indices, inside = positions(x.shape, starts, axes=axes, sizes=sizes, batch=batch, **how)
    out = np.array(x)
    at_indices(out, indices, updates.reshape(inside.size, *window)[inside])
    return out


def gather_updates(
    x: Value,
    updates: Value | Unknown,
    starts: Sequence[Value],
    *,
    axes: Axes,
    batch: int,
    mode: str,
    wraps: bool = False,
    fill: Number = 0,
) -> Value:
    """The elements of x that the updates go to (`fill` for those that are dropped)."""
    if wraps:
        ends = [x.shape[axis] for axis in axes]
        starts = [_from_the_front(start, n) for start, n in zip(starts, ends, strict=True)]
    return gather(
        x,
        *starts,
        axes=axes,
        sizes=update_sizes(updates, starts, axes, batch),
        batch=batch,
        mode="fill" if mode == "drop" else mode,
        fill=fill,
    )


def _from_the_front(start: Value, n: int) -> Value:
    """Starts along an axis of length n of which those below 0 count from the end."""
    start = OPS["convert"](start, dtype=INT64)
    zero, end = (full(value=v, shape=start.shape, dtype=INT64) for v in (0, n))
    return OPS["select"](OPS["lt"](start, zero), OPS["add"](start, end), start)


def batch_scatter(
    op: Op,
    size: int,
    batched: Sequence[bool],
    operands: Sequence[Value],
    *,
    axes: Axes,
    batch: int,
    **params: Any,
) -> Value:
    """Batch rule of the scatters: the lanes are a batch axis."""
    behind = tuple(a + 1 for a in axes)
    return op(*batch_to_front(size, batched, operands), axes=behind, batch=batch + 1, **params)


def scatter_samples(*dtypes: str) -> tuple[Sample, ...]:
    """Operands and params for the laws of each scatter."""

    def sample(
        x: Shape, updates: Shape, starts: Sequence[Draw], mode: str = "clip", **where: Any
    ) -> Sample:
        params = {"axes": (0,), "batch": 0, "mode": mode, "unique": False, **where}
        return Sample((Draw(x), Draw(updates), *starts), params, dtypes or None)

    return (
        sample((5,), (4, 1), [at((4,), 3, 0, 3, 4)]),
        sample((5,), (4, 1), [at((4,), 7, -2, 1, 1)]),
        sample((5,), (5, 1), [at((5,), 7, -2, 1, 1, 4)], "drop"),
        sample((5,), (3, 1), [at((3,), 2, 0, 4)], "promise_in_bounds", unique=True),
        sample((4, 3), (2, 2, 1, 3), [at((2, 2), 3, -1, 0, 4, dtype="i32")], "drop"),
        sample((4, 3), (2, 4, 1), [at((2,), 2, 0, dtype="u8")], axes=(1,), unique=True),
        sample((4, 3), (1, 1), [at((), 2), at((), 5)], axes=(0, 1)),
        sample((4, 5), (3, 4, 3), [at((3,), 2, 9, 1)], axes=(1,)),
        sample((4, 5), (3, 2, 3), [at((3,), 2, 3, 2), at((3,), 1, 2, 5)], "drop", axes=(0, 1)),
        sample((3, 4), (3, 4, 1), [at((3, 4), 3, 0, 0, 2, 1)], axes=(1,), batch=1),
        sample((2, 4, 3), (2, 2, 1, 2), [at((2, 2), 3, 1), at((2, 2), 1, 0)], axes=(1, 2), batch=1),
        sample((3,), (0, 1), [at((0,), 0)]),
        sample((0, 2), (0, 1, 2), [at((0,), 0)]),
        sample((0,), (2, 1), [at((2,), 0)], "drop"),
        sample((4, 0), (2, 1, 0), [at((2,), 1)]),
        sample((3, 37), (4, 1, 37), [at((4,), 2, 0, 2, 9)], "drop"),
        sample((40,), (3, 35), [at((3,), 2, 4, -9)]),
        sample((5,), (6, 1), [at((6,), -1, -5, 2, -6, 5, 1)], "drop", wraps=True),
        sample(
            (4, 5), (3, 2, 3), [at((3,), -2, 3, 2), at((3,), 1, -4, 5)], axes=(0, 1), wraps=True
        ),
        sample((3, 4), (3, 4, 1), [at((3, 4), -3, 0, -1, 2, 1)], axes=(1,), batch=1, wraps=True),
    )


def _jvp_scatter_add(
    ts: Sequence[Value | None],
    _outs: object,
    x: Value,
    updates: Value,
    *starts: Value,
    **params: Any,
) -> tuple[Value | None]:
    t, u = ts[:2]
    if u is None:
        return (t,)
    return (scatter_add(zeros(x) if t is None else t, u, *starts, **params),)


def _transpose_scatter_add(
    cts: Sequence[Value],
    x: Value | Unknown,
    updates: Value | Unknown,
    *starts: Value,
    unique: bool,
    **where: Any,
) -> list[Value | None]:
    """To x all of it, to each update what stands where it was added."""
    (ct,) = cts
    return [
        ct if isinstance(x, Unknown) else None,
        gather_updates(ct, updates, starts, **where) if isinstance(updates, Unknown) else None,
        *[None] * len(starts),
    ]


def _nothing(dtype: DType) -> Number:
    """What leaves every number unchanged when it is added: -0.0, as 0.0 would change that."""
    return {"f": -0.0, "c": complex(-0.0, -0.0)}.get(dtype.kind, 0)


scatter_add = Op(
    name="scatter_add",
    doc="x with `updates` added to the windows at `starts`; repeated ones add up. `unique` "
    "promises that no element is updated twice.",
    infer=lambda x, updates, *starts, unique, **where: infer_scatter(
        "scatter_add", "iufc", x, updates, starts, **where
    ),
    evaluate=lambda x, updates, *starts, unique, **where: evaluate_scatter(
        np.add.at, x, updates, starts, **where
    ),
    jvp=Joint(_jvp_scatter_add),
    transpose=Joint(_transpose_scatter_add),
    batch=lambda size, batched, *operands, **params: batch_scatter(
        scatter_add, size, batched, operands, **params
    ),
    lower=Routine(
        lambda r, *buffers, unique, **where: emit_scatter(
            lambda b, old, update: b.add(old, update), r, *buffers, identity=_nothing, **where
        ),
        lambda *types, unique, **where: workspace_scatter(*types, identity=_nothing, **where),
        overwrites=0,
        parts=lambda *types, unique, **where: parts_scatter(*types, identity=_nothing, **where),
    ),
    samples=scatter_samples(),
)
