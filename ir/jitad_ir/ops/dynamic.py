"""Blocks at computed places: dynamic_slice, and its transpose dynamic_update_slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Pull, Routine
from ..op import Draw, Joint, Op, Sample, Unknown, batch_to_front
from ..types import INT64, ArrayType, Shape, TypeMismatch
from .constants import full, zeros
from .indexing import at, gather
from .scatter import scatter
from .vector_loops import affine, strips, vector_width


def _check_starts(name: str, x: ArrayType, starts: Sequence[ArrayType], sizes: Shape) -> None:
    if len(starts) != x.ndim or any(s.shape or s.dtype.kind not in "iu" for s in starts):
        got = ", ".join(map(repr, starts)) or "none"
        raise TypeMismatch(
            f"{name}: expected one integer scalar start for each axis of {x!r}; got {got}"
        )
    fits = len(sizes) == x.ndim and all(
        0 <= size <= n for size, n in zip(sizes, x.shape, strict=True)
    )
    if not fits:
        raise TypeMismatch(f"{name}: expected a block that fits into {x!r}; got shape {sizes}")


def _infer_slice(x: ArrayType, *starts: ArrayType, sizes: Shape) -> ArrayType:
    _check_starts("dynamic_slice", x, starts, sizes)
    return x.with_shape(sizes)


def _block(shape: Shape, starts: Sequence[Any], sizes: Shape) -> tuple[slice, ...]:
    """NumPy index of the block, moved to where it fits."""
    begins = [
        min(max(int(np.int64(start)), 0), n - size)
        for start, n, size in zip(starts, shape, sizes, strict=True)
    ]
    return tuple(slice(begin, begin + size) for begin, size in zip(begins, sizes, strict=True))


def _jvp_slice(
    ts: Sequence[Value | None], _outs: object, _x: Value, *starts: Value, sizes: Shape
) -> tuple[Value | None]:
    return (None if ts[0] is None else dynamic_slice(ts[0], *starts, sizes=sizes),)


def _transpose_slice(
    cts: Sequence[Value], x: Unknown, *starts: Value, sizes: Shape
) -> list[Value | None]:
    return [dynamic_update_slice(zeros(x), cts[0], *starts), *[None] * len(starts)]


def _batch_slice(
    size: int, batched: Sequence[bool], x: Value, *starts: Value, sizes: Shape
) -> Value:
    if not any(batched[1:]):
        return dynamic_slice(x, full(value=0, shape=(), dtype=INT64), *starts, sizes=(size, *sizes))
    lanes = batch_to_front(size, batched[1:], starts)
    first = int(batched[0])
    return gather(
        x,
        *lanes,
        axes=tuple(range(first, x.ndim)),
        sizes=sizes,
        batch=first,
        mode="clip",
        fill=0,
    )


def _pull_slice(m: Any, index: Any, x: Any, *starts: Any, result: ArrayType, sizes: Shape) -> Any:
    place = [
        m.clamp(m.index(start(())), 0, n - size) + i
        for i, start, n, size in zip(index, starts, x.type.shape, sizes, strict=True)
    ]
    return x(tuple(place))


dynamic_slice = Op(
    name="dynamic_slice",
    doc="The block of x of shape `sizes` that begins at `starts` (one scalar for each axis), "
    "moved to where it fits.",
    infer=_infer_slice,
    evaluate=lambda x, *starts, sizes: x[_block(x.shape, starts, sizes)],
    jvp=Joint(_jvp_slice),
    transpose=Joint(_transpose_slice),
    batch=_batch_slice,
    lower=Pull(_pull_slice),
    samples=(
        Sample((Draw((5,)), at((), 1)), {"sizes": (3,)}),
        Sample((Draw((5,)), at((), 9)), {"sizes": (3,)}),
        Sample((Draw((4, 3)), at((), -2), at((), 1, dtype="i32")), {"sizes": (2, 2)}),
        Sample((Draw((4, 3)), at((), 1, dtype="u8"), at((), 0)), {"sizes": (1, 3)}),
        Sample((Draw((4, 0)), at((), 1), at((), 3)), {"sizes": (2, 0)}),
        Sample((Draw((4,)), at((), 4)), {"sizes": (0,)}),
        Sample((Draw(()),), {"sizes": ()}),
    ),
)


def _infer_update(x: ArrayType, update: ArrayType, *starts: ArrayType) -> ArrayType:
    if update.dtype != x.dtype:
        raise TypeMismatch(
            f"dynamic_update_slice: expected an update of the dtype of {x!r}; got {update!r}"
        )
    _check_starts("dynamic_update_slice", x, starts, update.shape)
    return x


def _evaluate_update(x: Any, update: Any, *starts: Any) -> Any:
    out = np.array(x)
    out[_block(x.shape, starts, update.shape)] = update
    return out


def _jvp_update(
    ts: Sequence[Value | None], _outs: object, x: Value, update: Value, *starts: Value
) -> tuple[Value]:
    t = zeros(x) if ts[0] is None else ts[0]
    u = zeros(update) if ts[1] is None else ts[1]
    return (dynamic_update_slice(t, u, *starts),)


def _transpose_update(
    cts: Sequence[Value], x: Value | Unknown, update: Value | Unknown, *starts: Value
) -> list[Value | None]:
    """To x what was kept of it, to the update the block that it replaced."""
    (ct,) = cts
    kept = dynamic_update_slice(ct, zeros(update), *starts) if isinstance(x, Unknown) else None
    block = dynamic_slice(ct, *starts, sizes=update.shape) if isinstance(update, Unknown) else None
    return [kept, block, *[None] * len(starts)]


def _batch_update(
    size: int, batched: Sequence[bool], x: Value, update: Value, *starts: Value
) -> Value:
    x, update = batch_to_front(size, batched[:2], (x, update))
    if not any(batched[2:]):
        return dynamic_update_slice(x, update, full(value=0, shape=(), dtype=INT64), *starts)
    lanes = batch_to_front(size, batched[2:], starts)
    axes = tuple(range(1, x.ndim))
    return scatter(x, update, *lanes, axes=axes, batch=1, mode="clip", unique=True)


def _emit_update(r: Any, x: Any, update: Any, *rest: Any) -> None:
    *starts, (out,) = rest
    r.copy(out, x)
    begins: list[Any] = []
    for start, n, size in zip(starts, x.type.shape, update.type.shape, strict=True):
        begin = r.b.convert(r.load(start, ()), INT64)
        low, high = r.b.constant(INT64, 0), r.b.constant(INT64, n - size)
        begins.append(r.b.clamp(low, begin, high).value)

    shape, dtype = update.type.shape, out.type.dtype
    if not shape:
        r.copy(out, update)
        return

    def row(outer: tuple[Any, ...]) -> None:
        def strip(e: Any, first: Any, _count: int) -> None:
            index = (*outer, first)
            place = tuple(affine(r, begin, (i, 1)) for begin, i in zip(begins, index, strict=True))
            lanes = e.load(r.element_pointer(update, index), dtype)
            e.store(r.element_pointer(out, place), lanes)

        strips(r, shape[-1], vector_width(dtype), strip)

    r.loops(shape[:-1], row)


dynamic_update_slice = Op(
    name="dynamic_update_slice",
    doc="x with the block that begins at `starts` (one scalar for each axis), moved to where it "
    "fits, replaced by `update`.",
    infer=_infer_update,
    evaluate=_evaluate_update,
    jvp=Joint(_jvp_update),
    transpose=Joint(_transpose_update),
    batch=_batch_update,
    lower=Routine(_emit_update, overwrites=0),
    samples=(
        Sample((Draw((5,)), Draw((3,)), at((), 1))),
        Sample((Draw((5,)), Draw((3,)), at((), 9))),
        Sample((Draw((4, 3)), Draw((2, 2)), at((), -2), at((), 1, dtype="i32"))),
        Sample((Draw((4, 3)), Draw((1, 3)), at((), 1, dtype="u8"), at((), 0))),
        Sample((Draw((4, 0)), Draw((2, 0)), at((), 1), at((), 3))),
        Sample((Draw((4,)), Draw((0,)), at((), 4))),
        Sample((Draw((3, 40)), Draw((2, 37)), at((), 1), at((), 2))),
        Sample((Draw(()), Draw(()))),
    ),
)
