"""Folds over sliding windows: sum, max and min of each window, and where its extremum is.

Each axis of x has a window of `window` elements, `window_dilation` apart, which moves in steps of
`strides` over x padded and dilated as in `sliding`; what is padded does not count. Windows are of a
few elements: sums and extrema over many are made of few (`LARGEST`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Number, Value
from ..lowering import Pull, Rule
from ..op import NO_TANGENT, NONLINEAR, Draw, Linear, Op, PerOperand, Sample, Unknown
from ..types import INT64, ArrayType, DType, Shape, TypeMismatch, short_name
from .constants import full
from .indexing import gather
from .reduce import highest, lowest
from .shape import broadcast, reshape
from .slicing import pad
from .sliding import Ints, Padding, Sliding, dilated, padded, slidings, windows_of

LARGEST = 64
"""Most elements of a window: native code reads them one by one."""


def windows_along(
    name: str,
    shape: Shape,
    *,
    window: Shape,
    strides: Ints,
    padding: Padding,
    base_dilation: Ints,
    window_dilation: Ints,
) -> list[Sliding]:
    """Windows along each axis."""
    if len(window) != len(shape):
        raise TypeMismatch(
            f"{name}: expected a window of {len(shape)} lengths, one for each axis; got {window}"
        )
    if math.prod(window) > LARGEST:
        raise TypeMismatch(
            f"{name}: expected a window of at most {LARGEST} elements; got {window}: fold along "
            "one axis after the other, or windows of windows"
        )
    return slidings(name, shape, window, strides, padding, base_dilation, window_dilation)


def _infer(name: str, kinds: str, x: ArrayType, **params: Any) -> ArrayType:
    if x.dtype.kind not in kinds:
        raise TypeMismatch(f"{name}: not defined for {short_name(x.dtype)}; got {x!r}")
    return x.with_shape(tuple(one.out for one in windows_along(name, x.shape, **params)))


def _in_windows(x: Any, along: Sequence[Sliding], fill: Number) -> Any:
    """NumPy: axes of the windows, then those within a window."""
    axes = range(x.ndim)
    return windows_of(padded(x, axes, along, fill), axes, along)


def _batched(params: dict[str, Any]) -> dict[str, Any]:
    """The params for one more, leading axis."""
    return {
        name: (((0, 0), *value) if name == "padding" else (1, *value))
        if isinstance(value, tuple)
        else value
        for name, value in params.items()
    }


def _reads(m: Any, index: Any, x: Any, along: Sequence[Sliding]) -> Any:
    """For each place of the window, in C order: the index into x, and the flag that it is there."""
    for place in itertools.product(*[range(one.k) for one in along]):
        at: list[Any] = []
        inside: list[Any] = []
        for i, j, one in zip(index, place, along, strict=True):
            position = i * one.stride + (j * one.spread - one.low)
            inside.append(m.inside(position, 0, dilated(one.n, one.base)))
            if one.base > 1:
                inside.append(m.inside(position % one.base, 0, 1))
                position = position // one.base
            at.append(position)
        yield tuple(at), m.all(*inside)


def _terms(*, window: Shape, **_params: Any) -> int:
    """Elements that are read for one of the result."""
    return math.prod(window)


# Sum, max, min.


def _evaluate(name: str, combine: Rule, identity: Rule, x: Any, **params: Any) -> Any:
    """Place by place of the window, in the order of native code."""
    along = windows_along(name, x.shape, **params)
    view = _in_windows(x, along, identity(x.dtype))
    places = itertools.product(*[range(one.k) for one in along])
    total: Any = None
    for place in places:
        term = view[(..., *place)]
        total = np.array(term) if total is None else np.asarray(combine(total, term), x.dtype)
    return total


def _pull(name: str, combine: str, identity: Rule) -> Pull:
    def emit(m: Any, index: Any, x: Any, *, result: ArrayType, **params: Any) -> Any:
        along = windows_along(name, x.type.shape, **params)
        dtype = result.dtype
        neutral = m.b.constant(dtype, identity(dtype))
        total: Any = None
        for at, inside in _reads(m, index, x, along):
            term = m.choose(inside, lambda at=at: x(at), lambda: neutral)
            total = term if total is None else getattr(m.b, combine)(total, term)
        return total

    return Pull(emit, _terms)


def _transpose_sum(
    ct: Value,
    x: Unknown,
    *,
    window: Shape,
    strides: Ints,
    base_dilation: Ints,
    window_dilation: Ints,
    padding: Padding,
) -> Value:
    """Each element gets the sum over the windows that it is in, which are windows too."""
    if 0 in ct.shape:
        return full(value=0, shape=x.shape, dtype=x.dtype)
    along = windows_along(
        "reduce_window_sum",
        x.shape,
        window=window,
        strides=strides,
        padding=padding,
        base_dilation=base_dilation,
        window_dilation=window_dilation,
    )
    if window == strides and all(one.base == one.spread == 1 for one in along):
        return _repeated(ct, along)
    return reduce_window_sum(
        ct,
        window=window,
        strides=base_dilation,
        padding=tuple(one.towards_array for one in along),
        base_dilation=strides,
        window_dilation=window_dilation,
    )


def _repeated(ct: Value, along: Sequence[Sliding]) -> Value:
    """Each cotangent for all elements of its window, where windows lie side by side."""
    apart = tuple([n for one in along for n in (one.out, one.k)])
    dims = tuple(range(0, 2 * len(along), 2))
    spread = broadcast(ct, shape=apart, dims=dims)
    side_by_side = reshape(spread, shape=tuple([one.out * one.k for one in along]))
    return pad(
        side_by_side,
        full(value=0, shape=(), dtype=ct.dtype),
        low=tuple([-one.low for one in along]),
        high=tuple([one.n + one.low - one.out * one.k for one in along]),
        interior=(0,) * len(along),
    )


def _sample(
    shape: Shape,
    window: Shape,
    *,
    strides: Ints | None = None,
    padding: Padding | None = None,
    base_dilation: Ints | None = None,
    window_dilation: Ints | None = None,
    **others: Any,
) -> Sample:
    ones = (1,) * len(shape)
    params: dict[str, Any] = {
        "window": window,
        "strides": strides or ones,
        "padding": padding or ((0, 0),) * len(shape),
        "base_dilation": base_dilation or ones,
        "window_dilation": window_dilation or ones,
        **others,
    }
    return Sample((Draw(shape),), params)


def _samples(**others: Any) -> tuple[Sample, ...]:
    return (
        _sample((6,), (3,), **others),
        _sample((2, 4, 6, 3), (1, 2, 2, 1), strides=(1, 2, 2, 1), **others),
        _sample((5, 4), (3, 2), padding=((1, 2), (0, 1)), **others),
        _sample((7,), (2,), strides=(3,), padding=((-1, 2),), **others),
        _sample((4,), (3,), base_dilation=(3,), padding=((2, 1),), **others),
        _sample((9, 3), (3, 1), window_dilation=(3, 1), strides=(2, 1), **others),
        _sample((3,), (2,), base_dilation=(2,), window_dilation=(3,), strides=(2,), **others),
        _sample((2,), (3,), **others),
        _sample((0, 3), (1, 2), **others),
        _sample((), (), **others),
        _sample((4, 7), (2, 3), strides=(2, 3), padding=((1, 2), (2, -1)), **others),
        _sample((3, 37), (2, 3), padding=((0, 0), (1, 1)), **others),
    )


reduce_window_sum = Op(
    name="reduce_window_sum",
    doc="Sum of each window of x; 0 where a window sees padding only.",
    infer=lambda x, **params: _infer("reduce_window_sum", "iufc", x, **params),
    evaluate=lambda x, **params: _evaluate(
        "reduce_window_sum", np.add, lambda dtype: 0, x, **params
    ),
    jvp=PerOperand((lambda t, out, x, **params: reduce_window_sum(t, **params),)),
    transpose=Linear((_transpose_sum,)),
    batch=lambda size, batched, x, **params: reduce_window_sum(x, **_batched(params)),
    lower=_pull("reduce_window_sum", "add", lambda dtype: 0),
    samples=_samples(),
)


def _jvp_extremum(kind: str) -> Rule:
    def jvp(t: Value, _out: Value, x: Value, **params: Any) -> Value:
        """The tangent of the first element that attains the extremum."""
        place = window_position(x, kind=kind, lanes=0, **params)
        chosen = gather(
            reshape(t, shape=(t.type.size,)),
            place,
            axes=(0,),
            sizes=(1,),
            batch=0,
            mode="fill",
            fill=0,
        )
        return reshape(chosen, shape=place.shape)

    return jvp


def _extremum(name: str, doc: str, function: Rule, identity: Rule, combine: str) -> Op:
    def batch(size: int, batched: Sequence[bool], x: Value, **params: Any) -> Value:
        return op(x, **_batched(params))

    op = Op(
        name=name,
        doc=doc,
        infer=lambda x, **params: _infer(name, "biuf", x, **params),
        evaluate=lambda x, **params: _evaluate(name, function, identity, x, **params),
        jvp=PerOperand((_jvp_extremum(combine),)),
        transpose=NONLINEAR,
        batch=batch,
        lower=_pull(name, combine, identity),
        samples=(*_samples(), _with_nan()),
    )
    return op


def _with_nan(**others: Any) -> Sample:
    draw = Draw((6,), values=(1.0, 3.0, 3.0, np.nan, -np.inf, np.inf))
    params = dict(_sample((6,), (2,), **others).params)
    return Sample((draw,), params, ("f32", "f64"), smooth=False)


reduce_window_max = _extremum(
    "reduce_window_max",
    "Greatest element of each window of x, nan if there is one; the least value of the dtype where "
    "a window sees padding only. Its tangent is that of the first element that attains it.",
    np.maximum,
    lowest,
    "max",
)

reduce_window_min = _extremum(
    "reduce_window_min",
    "Least element of each window of x, nan if there is one; the greatest value of the dtype where "
    "a window sees padding only. Its tangent is that of the first element that attains it.",
    np.minimum,
    highest,
    "min",
)


# Positions.


def _infer_position(x: ArrayType, *, kind: str, lanes: int, **params: Any) -> ArrayType:
    if not 0 <= lanes <= x.ndim:
        raise TypeMismatch(f"window_position: expected 0 to {x.ndim} axes of lanes; got {lanes}")
    if kind not in ("max", "min"):
        raise TypeMismatch(f"window_position: expected kind 'max' or 'min'; got {kind!r}")
    return _infer("window_position", "biuf", x, **params).with_dtype(INT64)


def _evaluate_position(x: Any, *, kind: str, lanes: int, **params: Any) -> Any:
    """Where a window has nan, that attains; only what is no padding does."""
    along = windows_along("window_position", x.shape, **params)
    identity = (lowest if kind == "max" else highest)(x.dtype)
    values = _in_windows(x, along, identity)
    numbers = np.arange(math.prod(x.shape[lanes:])).reshape(x.shape[lanes:])
    places = _in_windows(np.broadcast_to(numbers, x.shape), along, -1)
    shape = values.shape[: x.ndim]
    values, places = (a.reshape(*shape, math.prod(a.shape[x.ndim :])) for a in (values, places))
    best = getattr(np, kind)(values, axis=-1, keepdims=True, initial=identity)
    attains = (places >= 0) & ((values == best) | (values != values))
    first = np.argmax(attains, axis=-1)[..., None]
    found = np.take_along_axis(np.where(attains, places, -1), first, -1)
    return np.asarray(found[..., 0])


def _pull_position(
    m: Any, index: Any, x: Any, *, result: ArrayType, kind: str, lanes: int, **params: Any
) -> Any:
    dtype: DType = x.type.dtype
    along = windows_along("window_position", x.type.shape, **params)
    identity = m.b.constant(dtype, (lowest if kind == "max" else highest)(dtype))
    none = m.b.constant(INT64, -1)
    best, place = identity, none
    for at, inside in _reads(m, index, x, along):
        number = m.number(m.flatten(at[lanes:], x.type.shape[lanes:]))
        here = number if inside is True else m.b.select(inside, number, none)
        if all(one.k == 1 for one in along):
            return here  # whatever the element is
        value = m.choose(inside, lambda at=at: x(at), lambda: identity)
        better = (m.b.gt if kind == "max" else m.b.lt)(value, best)
        if dtype.kind == "f":
            is_nan, holds = m.b.ne(value, value), m.b.eq(best, best)
            better = m.b.bitwise_or(better, m.b.bitwise_and(is_nan, holds))
        # The first that is there wins over none, even if it equals the identity.
        zero = m.b.constant(INT64, 0)
        first = m.b.bitwise_and(m.b.lt(place, zero), m.b.ge(here, zero))
        wins = m.b.bitwise_or(better, first)
        best, place = m.b.select(wins, value, best), m.b.select(wins, here, place)
    return place


window_position = Op(
    name="window_position",
    doc="Row-major number (int64), among the axes of x behind the first `lanes`, of the first "
    "element of each window that attains its extremum, `kind` 'max' or 'min', or of the first nan; "
    "-1 where a window sees padding only.",
    infer=_infer_position,
    evaluate=_evaluate_position,
    jvp=NO_TANGENT,
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, lanes, **params: window_position(
        x, lanes=lanes + 1, **_batched(params)
    ),
    lower=Pull(_pull_position, _terms),
    samples=(
        *_samples(kind="max", lanes=0),
        *_samples(kind="min", lanes=0),
        _with_nan(kind="max", lanes=0),
        _with_nan(kind="min", lanes=0),
        _sample((2, 3, 4), (1, 2, 2), kind="max", lanes=2),
        Sample(
            (Draw((6,), values=(1, 2, 2, 0, 0, 0)),),
            _sample((6,), (3,), padding=((1, 3),), kind="max", lanes=0).params,
        ),
    ),
)
