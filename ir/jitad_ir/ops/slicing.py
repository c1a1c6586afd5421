"""Parts and sums of parts along axes: slice, its transpose pad, and concatenate."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Pull
from ..op import OPS, Draw, Joint, Linear, Op, PerOperand, Sample, Unknown, batch_to_front
from ..types import ArrayType, Shape, TypeMismatch
from .constants import full, zeros
from .reduce import reduce_sum

Ints = tuple[int, ...]


def _check_lengths(name: str, ndim: int, **params: Ints) -> None:
    for param, given in params.items():
        if len(given) != ndim:
            raise TypeMismatch(
                f"{name}: expected {param} to have {ndim} entries, one for each axis; got {given}"
            )


def _infer_slice(x: ArrayType, *, start: Ints, limit: Ints, stride: Ints) -> ArrayType:
    _check_lengths("slice", x.ndim, start=start, limit=limit, stride=stride)
    shape: list[int] = []
    for axis, (n, lo, hi, step) in enumerate(zip(x.shape, start, limit, stride, strict=True)):
        if not (0 <= lo <= hi <= n and step >= 1):
            raise TypeMismatch(
                f"slice: expected 0 <= start <= limit <= {n} and stride >= 1 on axis {axis} of "
                f"{x!r}; got start {lo}, limit {hi}, stride {step}"
            )
        shape.append(-(-(hi - lo) // step))
    return x.with_shape(tuple(shape))


def _evaluate_slice(x: Any, *, start: Ints, limit: Ints, stride: Ints) -> Any:
    return x[tuple(slice(*bounds) for bounds in zip(start, limit, stride, strict=True))]


def _transpose_slice(ct: Value, x: Unknown, *, start: Ints, limit: Ints, stride: Ints) -> Value:
    """Each element back to where it was read, zeros elsewhere."""
    high: list[int] = []
    for n, length, lo, step in zip(x.shape, ct.shape, start, stride, strict=True):
        spanned = (length - 1) * step + 1 if length else 0
        high.append(n - lo - spanned)
    return pad(
        ct,
        full(value=0, shape=(), dtype=ct.dtype),
        low=start,
        high=tuple(high),
        interior=tuple(step - 1 for step in stride),
    )


def _batch_slice(
    size: int, _batched: Sequence[bool], x: Value, *, start: Ints, limit: Ints, stride: Ints
) -> Value:
    return slice_(x, start=(0, *start), limit=(size, *limit), stride=(1, *stride))


def _pull_slice(
    m: Any, index: Any, x: Any, *, result: ArrayType, start: Ints, limit: Ints, stride: Ints
) -> Any:
    return x(tuple(i * step + lo for i, lo, step in zip(index, start, stride, strict=True)))


slice_ = Op(
    name="slice",
    doc="Elements start, start + stride, ... below limit along each axis; 0 <= start <= limit.",
    infer=_infer_slice,
    evaluate=_evaluate_slice,
    jvp=PerOperand((lambda t, out, x, **params: slice_(t, **params),)),
    transpose=Linear((_transpose_slice,)),
    batch=_batch_slice,
    lower=Pull(_pull_slice),
    samples=(
        Sample((Draw((5,)),), {"start": (1,), "limit": (4,), "stride": (1,)}),
        Sample((Draw((4, 7)),), {"start": (0, 1), "limit": (4, 6), "stride": (3, 2)}),
        Sample((Draw((3, 2)),), {"start": (1, 1), "limit": (1, 2), "stride": (1, 5)}),
        Sample((Draw((0, 3)),), {"start": (0, 0), "limit": (0, 3), "stride": (2, 1)}),
        Sample((Draw(()),), {"start": (), "limit": (), "stride": ()}),
    ),
)


def _core(n: int, interior: int) -> int:
    """Length of n elements with `interior` more between neighbours."""
    return n + max(n - 1, 0) * interior


def _infer_pad(
    x: ArrayType, value: ArrayType, *, low: Ints, high: Ints, interior: Ints
) -> ArrayType:
    if value != ArrayType(x.dtype, ()):
        raise TypeMismatch(
            f"pad: expected the padding value to be {ArrayType(x.dtype, ())!r}; got {value!r}"
        )
    _check_lengths("pad", x.ndim, low=low, high=high, interior=interior)
    shape: list[int] = []
    for axis, (n, lo, hi, gap) in enumerate(zip(x.shape, low, high, interior, strict=True)):
        length = lo + _core(n, gap) + hi
        if gap < 0:
            raise TypeMismatch(f"pad: expected interior >= 0; got {gap} on axis {axis}")
        if length < 0:
            raise TypeMismatch(
                f"pad: low {lo} and high {hi} crop more than the length {_core(n, gap)} of "
                f"axis {axis} of {x!r} (interior {gap})"
            )
        shape.append(length)
    return x.with_shape(tuple(shape))


def _evaluate_pad(x: Any, value: Any, *, low: Ints, high: Ints, interior: Ints) -> Any:
    cores = [_core(n, gap) for n, gap in zip(x.shape, interior, strict=True)]
    grown = [max(lo, 0) + n + max(hi, 0) for lo, n, hi in zip(low, cores, high, strict=True)]
    out = np.full(grown, value, x.dtype)
    at = [
        slice(max(lo, 0), max(lo, 0) + n, gap + 1)
        for lo, n, gap in zip(low, cores, interior, strict=True)
    ]
    out[tuple(at)] = x
    crop = [slice(max(-lo, 0), n - max(-hi, 0)) for lo, n, hi in zip(low, grown, high, strict=True)]
    return out[tuple(crop)]


def _transpose_pad_operand(
    ct: Value, x: Unknown, value: object, *, low: Ints, high: Ints, interior: Ints
) -> Value:
    """The elements at which x stands in the result; zero for those that were cropped."""
    if any(n < 0 for n in (*low, *high)):
        ct = pad(
            ct,
            full(value=0, shape=(), dtype=ct.dtype),
            low=tuple(max(-n, 0) for n in low),
            high=tuple(max(-n, 0) for n in high),
            interior=(0,) * ct.ndim,
        )
    start = tuple(max(n, 0) for n in low)
    spans = [_core(n, gap) for n, gap in zip(x.shape, interior, strict=True)]
    return slice_(
        ct,
        start=start,
        limit=tuple(lo + n for lo, n in zip(start, spans, strict=True)),
        stride=tuple(gap + 1 for gap in interior),
    )


def _transpose_pad_value(ct: Value, x: Value | Unknown, value: object, **params: Any) -> Value:
    """Sum over the padding."""
    padding = _select(_is_padding(x.shape, **params), ct, zeros(ct))
    return reduce_sum(padding, axes=tuple(range(ct.ndim)))


def _is_padding(shape: Shape, **params: Any) -> Value:
    """Bool array: True where the padded result has the padding value."""
    bool_ = np.dtype("bool")
    return pad(
        full(value=False, shape=shape, dtype=bool_),
        full(value=True, shape=(), dtype=bool_),
        **params,
    )


def _select(pred: Value, then: Value, otherwise: Value) -> Value:
    return OPS["select"](pred, then, otherwise)


def _batch_pad(
    size: int,
    batched: Sequence[bool],
    x: Value,
    value: Value,
    *,
    low: Ints,
    high: Ints,
    interior: Ints,
) -> Value:
    if not batched[1]:
        return pad(x, value, low=(0, *low), high=(0, *high), interior=(0, *interior))
    (x,) = batch_to_front(size, batched[:1], (x,))
    params: dict[str, Any] = {
        "low": (0, *low),
        "high": (0, *high),
        "interior": (0, *interior),
    }
    padded = pad(x, full(value=0, shape=(), dtype=x.dtype), **params)
    values = OPS["broadcast"](value, shape=padded.shape, dims=(0,))
    return _select(_is_padding(x.shape, **params), values, padded)


def _pull_pad(
    m: Any,
    index: Any,
    x: Any,
    value: Any,
    *,
    result: ArrayType,
    low: Ints,
    high: Ints,
    interior: Ints,
) -> Any:
    source: list[Any] = []
    inside: list[Any] = []
    for i, n, lo, hi, gap in zip(index, x.type.shape, low, high, interior, strict=True):
        position = i - lo if lo else i
        if lo > 0 or hi > 0:
            inside.append(m.inside(position, 0, _core(n, gap)))
        if gap:
            inside.append(m.inside(position % (gap + 1), 0, 1))
            position = position // (gap + 1)
        source.append(position)
    if not inside:
        return x(tuple(source))
    return m.choose(m.all(*inside), lambda: x(tuple(source)), lambda: value(()))


pad = Op(
    name="pad",
    doc="x with `value` around it: low before, high after, interior between the elements of each "
    "axis; negative low and high crop.",
    infer=_infer_pad,
    evaluate=_evaluate_pad,
    jvp=PerOperand(
        (
            lambda t, out, x, value, **params: pad(t, zeros(value), **params),
            lambda t, out, x, value, **params: pad(zeros(x), t, **params),
        )
    ),
    transpose=Linear((_transpose_pad_operand, _transpose_pad_value)),
    batch=_batch_pad,
    lower=Pull(_pull_pad),
    samples=(
        Sample((Draw((3,)), Draw(())), {"low": (1,), "high": (2,), "interior": (0,)}),
        Sample((Draw((2, 3)), Draw(())), {"low": (1, 0), "high": (0, 2), "interior": (2, 1)}),
        Sample((Draw((5,)), Draw(())), {"low": (-1,), "high": (-2,), "interior": (0,)}),
        Sample((Draw((4, 3)), Draw(())), {"low": (-2, 1), "high": (3, -2), "interior": (1, 2)}),
        Sample((Draw((2,)), Draw(())), {"low": (-3,), "high": (4,), "interior": (0,)}),
        Sample((Draw((0, 2)), Draw(())), {"low": (1, 0), "high": (2, 0), "interior": (3, 0)}),
        Sample((Draw((3,)), Draw(())), {"low": (-1,), "high": (-2,), "interior": (0,)}),
        Sample((Draw(()), Draw(())), {"low": (), "high": (), "interior": ()}),
    ),
)


def _infer_concatenate(*xs: ArrayType, axis: int) -> ArrayType:
    if not xs:
        raise TypeMismatch("concatenate: expected at least one operand; got none")
    first = xs[0]
    if not 0 <= axis < first.ndim:
        raise TypeMismatch(f"concatenate: expected 0 <= axis < {first.ndim}; got axis {axis}")
    around = (first.dtype, first.ndim, first.shape[:axis], first.shape[axis + 1 :])
    for x in xs[1:]:
        if (x.dtype, x.ndim, x.shape[:axis], x.shape[axis + 1 :]) != around:
            raise TypeMismatch(
                f"concatenate: operands must have one type but for the length of axis {axis}; "
                f"got {first!r} and {x!r}"
            )
    total = sum(x.shape[axis] for x in xs)
    return first.with_shape((*first.shape[:axis], total, *first.shape[axis + 1 :]))


def _jvp_concatenate(
    ts: Sequence[Value | None], _outs: Sequence[Value], *xs: Value, axis: int
) -> tuple[Value]:
    parts = [zeros(x) if t is None else t for t, x in zip(ts, xs, strict=True)]
    return (concatenate(*parts, axis=axis),)


def _transpose_concatenate(
    cts: Sequence[Value], *xs: Value | Unknown, axis: int
) -> list[Value | None]:
    """To each operand its part."""
    (ct,) = cts
    starts = accumulate((x.shape[axis] for x in xs), initial=0)
    return [
        part(ct, axis, start, start + x.shape[axis]) if isinstance(x, Unknown) else None
        for x, start in zip(xs, starts, strict=False)
    ]


def part(x: Value, axis: int, start: int, limit: int) -> Value:
    """Elements start..limit-1 of x along one axis."""
    starts, limits = [0] * x.ndim, list(x.shape)
    starts[axis], limits[axis] = start, limit
    return slice_(x, start=tuple(starts), limit=tuple(limits), stride=(1,) * x.ndim)


def _pull_concatenate(m: Any, index: Any, *xs: Any, result: ArrayType, axis: int) -> Any:
    """A tree of choices: the operand in whose range the index lies."""
    xs = tuple([x for x in xs if x.type.shape[axis]]) or xs[:1]
    starts = list(accumulate((x.type.shape[axis] for x in xs), initial=0))

    def read(first: int, last: int) -> Any:
        """The element, which is in one of the operands first..last-1."""
        if last - first == 1:
            return xs[first]((*index[:axis], index[axis] - starts[first], *index[axis + 1 :]))
        middle = (first + last) // 2
        return m.choose(
            m.inside(index[axis], 0, starts[middle]),
            lambda: read(first, middle),
            lambda: read(middle, last),
        )

    return read(0, len(xs))


concatenate = Op(
    name="concatenate",
    doc="The operands one after the other along `axis`.",
    infer=_infer_concatenate,
    evaluate=lambda *xs, axis: np.concatenate(xs, axis),
    jvp=Joint(_jvp_concatenate),
    transpose=Joint(_transpose_concatenate),
    batch=lambda size, batched, *xs, axis: concatenate(
        *batch_to_front(size, batched, xs), axis=axis + 1
    ),
    lower=Pull(_pull_concatenate),
    samples=(
        Sample((Draw((3,)), Draw((2,))), {"axis": 0}),
        Sample((Draw((2, 3)), Draw((2, 1)), Draw((2, 4))), {"axis": 1}),
        Sample((Draw((0, 2)), Draw((3, 2))), {"axis": 0}),
        Sample((Draw((0,)), Draw((0,))), {"axis": 0}),
        Sample((Draw((4,)),), {"axis": 0}),
    ),
)
