"""Running folds along an axis, and the linear recurrence that their derivatives are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph import Number, Value
from ..lowering import Cumulative, Routine, Rule
from ..op import NONLINEAR, OPS, Draw, Linear, Op, PerOperand, Sample, batch_to_front, same_types
from ..types import ArrayType, DType, TypeMismatch, short_name
from .constants import zeros
from .log_sums import emit_logaddexp
from .reduce import highest, lowest
from .slicing import concatenate, pad, part
from .sort_sharing import parts_of, share_rows
from .vector_loops import stretch, vector_width

RUNNING, RUNNING_ACROSS = 0.25, 0.05
"""Nanoseconds of a byte of a recurrence: a product and a sum that wait for those before, and where
neighbours run side by side."""

COLUMNS = 32
"""Neighbours that one part has, or a multiple of them."""


def _cumulative_type(name: str, x: ArrayType, axis: int, kinds: str) -> ArrayType:
    if not 0 <= axis < x.ndim:
        raise TypeMismatch(f"{name}: expected an axis of {x!r}; got axis {axis}")
    if x.dtype.kind not in kinds:
        raise TypeMismatch(f"{name}: not defined for {short_name(x.dtype)}; got {x!r}")
    return x


def _along(ufunc: Any) -> Rule:
    """NumPy evaluation of a running fold by a ufunc."""

    def evaluate(x: Any, *, axis: int, reverse: bool) -> Any:
        flipped = np.flip(x, axis) if reverse else x
        out = ufunc.accumulate(flipped, axis=axis, dtype=x.dtype)
        return np.flip(out, axis) if reverse else out

    return evaluate


def _shift(x: Value, axis: int, *, back: bool) -> Value:
    """Element i becomes element i - 1 (i + 1 if `back`), with 0 at the edge."""
    if x.shape[axis] == 0:
        return x
    low, high = [0] * x.ndim, [0] * x.ndim
    low[axis], high[axis] = (-1, 1) if back else (1, -1)
    zero = OPS["full"](value=0, shape=(), dtype=x.dtype)
    return pad(x, zero, low=tuple(low), high=tuple(high), interior=(0,) * x.ndim)


# y[i] = a[i] y[i-1] + b[i] is linear in b, and differentiates into itself:
#   dy[i] = a[i] dy[i-1] + (da[i] y[i-1] + db[i]).


def _evaluate_recurrence(a: Any, b: Any, *, axis: int, reverse: bool) -> Any:
    a, b = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
    y = np.array(b)
    steps = range(len(b) - 2, -1, -1) if reverse else range(1, len(b))
    for i in steps:
        y[i] = a[i] * y[i + 1 if reverse else i - 1] + b[i]
    return np.moveaxis(y, 0, axis)


def _transpose_recurrence(ct: Value, a: Value, b: object, *, axis: int, reverse: bool) -> Value:
    """s[i] = ct[i] + a[i+1] s[i+1]: the recurrence the other way, with shifted coefficients."""
    return linear_recurrence(_shift(a, axis, back=not reverse), ct, axis=axis, reverse=not reverse)


def _emit_recurrence(r: Any, a: Any, b: Any, results: Any, *, axis: int, reverse: bool) -> None:
    """Row after row along the axis, over vectors of neighbours if rows have any."""
    (out,) = results
    shape = out.type.shape
    n, across = shape[axis], math.prod(shape[axis + 1 :])
    cube = out.type.with_shape((math.prod(shape[:axis]), n, across))
    a, b, out = (r.buffer(cube, operand.pointer) for operand in (a, b, out))
    if cube.size == 0:
        return

    blocks, parts = cube.shape[0], _parts_recurrence(out.type, out.type, axis=axis)
    emit = _in_register if across == 1 else _side_by_side

    def block(r: Any, buffers: Sequence[Any], number: Any) -> None:
        emit(r, buffers, number, reverse, r.integer(0), r.integer(across))

    if parts == 1 or blocks >= parts:
        share_rows(r, blocks, parts, 0, (a, b, out), block)
        return

    def columns(r: Any, number: Any, *pointers: Any) -> None:
        buffers = [r.buffer(cube, pointer) for pointer in pointers]
        first, count = r.share(number, -(-across // COLUMNS), parts)
        start, behind = (r.builder.mul(x, r.integer(COLUMNS)) for x in (first, count))
        end = r.builder.add(start, behind)
        whole = r.integer(across)
        end = r.builder.select(r.builder.icmp_signed("<", end, whole), end, whole)
        r.loop(blocks, lambda i: emit(r, buffers, i, reverse, start, end))

    r.parallel_for(parts, columns, *[buffer.pointer for buffer in (a, b, out)])


def _parts_recurrence(a: ArrayType, _b: ArrayType, *, axis: int, reverse: bool = False) -> int:
    """How many parts threads share: of the rows before the axis, or behind it."""
    before, across = math.prod(a.shape[:axis]), math.prod(a.shape[axis + 1 :])
    work = a.nbytes * (RUNNING if across == 1 else RUNNING_ACROSS)
    parts = parts_of(before, work, 0)
    return parts if parts > 1 else parts_of(-(-across // COLUMNS), work, 0)


def _in_register(
    r: Any, buffers: Sequence[Any], block: Any, reverse: bool, _start: Any, _end: Any
) -> None:
    """One row along the axis, without others beside it."""
    a, b, out = buffers
    n, dtype = out.type.shape[1], out.type.dtype
    carry = r.local(dtype)

    def write(at: tuple[Any, ...], y: Any) -> None:
        r.b.store(carry, y)
        r.store(out, at, y)

    def step(i: Any) -> None:
        at = (block, _place(r, i, n, reverse), 0)
        product = r.b.mul(r.load(a, at), r.b.load(carry, dtype))
        write(at, r.b.add(product, r.load(b, at)))

    start = (block, _place(r, r.integer(0), n, reverse), 0)
    write(start, r.load(b, start))
    r.loop(n, step, start=1)


def _side_by_side(
    r: Any, buffers: Sequence[Any], block: Any, reverse: bool, start: Any, end: Any
) -> None:
    """Step after step, over vectors of neighbours from `start` on."""
    a, b, out = buffers
    n, dtype = out.type.shape[1], out.type.dtype

    def load(e: Any, buffer: Any, *at: Any) -> Any:
        return e.load(r.element_pointer(buffer, at), dtype)

    def first(e: Any, j: Any) -> None:
        here = _place(r, r.integer(0), n, reverse)
        e.store(r.element_pointer(out, (block, here, j)), load(e, b, block, here, j))

    def step(i: Any) -> None:
        here = _place(r, i, n, reverse)
        before = _place(r, r.builder.sub(i, r.integer(1)), n, reverse)

        def strip(e: Any, j: Any) -> None:
            product = e.mul(load(e, a, block, here, j), load(e, out, block, before, j))
            y = e.add(product, load(e, b, block, here, j))
            e.store(r.element_pointer(out, (block, here, j)), y)

        stretch(r, start, end, vector_width(dtype), strip)

    stretch(r, start, end, vector_width(dtype), first)
    r.loop(n, step, start=1)


def _place(r: Any, step: Any, n: int, reverse: bool) -> Any:
    return r.builder.sub(r.integer(n - 1), step) if reverse else step


linear_recurrence = Op(
    name="linear_recurrence",
    doc="y[i] = a[i] y[i-1] + b[i] along `axis` with y[-1] = 0; from the end if `reverse`.",
    infer=lambda a, b, *, axis, reverse: _cumulative_type(
        "linear_recurrence", same_types("linear_recurrence", (a, b), "iufc"), axis, "iufc"
    ),
    evaluate=_evaluate_recurrence,
    jvp=PerOperand(
        (
            lambda t, out, a, b, *, axis, reverse: linear_recurrence(
                a,
                OPS["mul"](t, _shift(out, axis, back=reverse)),
                axis=axis,
                reverse=reverse,
            ),
            lambda t, out, a, b, **params: linear_recurrence(a, t, **params),
        )
    ),
    transpose=Linear((NONLINEAR, _transpose_recurrence)),
    batch=lambda size, batched, a, b, *, axis, reverse: linear_recurrence(
        *batch_to_front(size, batched, (a, b)), axis=axis + 1, reverse=reverse
    ),
    lower=Routine(_emit_recurrence, reuses=lambda a, b, **params: 1, parts=_parts_recurrence),
    samples=tuple(
        Sample((Draw(shape), Draw(shape)), {"axis": axis, "reverse": reverse})
        for shape, axis in (
            ((5,), 0),
            ((3, 4), 0),
            ((2, 3, 2), 1),
            ((4, 37), 0),
            ((0,), 0),
            ((2, 0), 0),
        )
        for reverse in (False, True)
    ),
)


def _samples(*special: Sample) -> tuple[Sample, ...]:
    plain = [
        Sample((Draw(shape),), {"axis": axis, "reverse": reverse})
        for shape, axis in (
            ((6,), 0),
            ((37,), 0),
            ((3, 21), 1),
            ((3, 4), 0),
            ((2, 3, 2), 1),
            ((0,), 0),
            ((2, 0), 0),
        )
        for reverse in (False, True)
    ]
    return (*plain, *special)


def _cumulative(
    name: str,
    doc: str,
    *,
    kinds: str,
    ufunc: Any,
    combine: Rule,
    identity: Callable[[DType], Number] | None,
    jvp: Rule,
    transpose: Linear | Any,
    samples: Sequence[Sample],
) -> Op:
    """Family of the running folds: params `axis` and `reverse`."""

    def batch(_size: int, _batched: Sequence[bool], x: Value, *, axis: int, reverse: bool) -> Value:
        return op(x, axis=axis + 1, reverse=reverse)

    op = Op(
        name=name,
        doc=doc,
        infer=lambda x, *, axis, reverse: _cumulative_type(name, x, axis, kinds),
        evaluate=_along(ufunc),
        jvp=PerOperand((jvp,)),
        transpose=transpose,
        batch=batch,
        lower=Cumulative(combine, identity),
        samples=tuple(samples),
    )
    return op


cumsum = _cumulative(
    "cumsum",
    "Running sum along `axis`, from the end if `reverse`; integers wrap.",
    kinds="iufc",
    ufunc=np.add,
    combine=lambda b, carry, x: b.add(carry, x),
    identity=lambda dtype: -0.0 if dtype.kind == "f" else 0,
    jvp=lambda t, out, x, **params: cumsum(t, **params),
    transpose=Linear((lambda ct, x, *, axis, reverse: cumsum(ct, axis=axis, reverse=not reverse),)),
    samples=_samples(),
)


def _jvp_cumprod(t: Value, out: Value, x: Value, *, axis: int, reverse: bool) -> Value:
    """d out[i] = x[i] d out[i-1] + out[i-1] t[i]; right where elements are zero."""
    n = x.shape[axis]
    if n == 0:
        return t
    edge = [0] * x.ndim
    low, high = list(edge), list(edge)
    low[axis], high[axis] = (-1, 1) if reverse else (1, -1)
    one = OPS["full"](value=1, shape=(), dtype=x.dtype)
    before = pad(out, one, low=tuple(low), high=tuple(high), interior=tuple(edge))
    return linear_recurrence(x, OPS["mul"](before, t), axis=axis, reverse=reverse)


cumprod = _cumulative(
    "cumprod",
    "Running product along `axis`, from the end if `reverse`; integers wrap.",
    kinds="iufc",
    ufunc=np.multiply,
    combine=lambda b, carry, x: b.mul(carry, x),
    identity=lambda dtype: 1,
    jvp=_jvp_cumprod,
    transpose=NONLINEAR,
    samples=_samples(
        Sample((Draw((5,), values=(2, 0, 3, 0, 5)),), {"axis": 0, "reverse": False}),
        Sample((Draw((5,), values=(2, 0, 3, 0, 5)),), {"axis": 0, "reverse": True}),
    ),
)


def _jvp_extremum(t: Value, out: Value, x: Value, *, axis: int, reverse: bool) -> Value:
    """The mean of the tangents of the elements so far that attain the extremum, as in reduce_max.

    They lie in the run of equal results that i ends: with same[i] = (out[i] == out[i-1]) and
    attains[i] = (x[i] == out[i]), sums over them are recurrences s[i] = same[i] s[i-1] + b[i].
    """
    n = x.shape[axis]
    if n == 0:
        return t
    dtype = x.dtype
    edge = OPS["full"](value=0, shape=(*x.shape[:axis], 1, *x.shape[axis + 1 :]), dtype=dtype)
    equal = OPS["convert"](OPS["eq"](part(out, axis, 1, n), part(out, axis, 0, n - 1)), dtype=dtype)
    same = concatenate(*((equal, edge) if reverse else (edge, equal)), axis=axis)
    attains = OPS["eq"](x, out)
    count = linear_recurrence(
        same, OPS["convert"](attains, dtype=dtype), axis=axis, reverse=reverse
    )
    chosen = OPS["select"](attains, t, zeros(t))
    return OPS["div"](linear_recurrence(same, chosen, axis=axis, reverse=reverse), count)


_TIES = tuple(
    Sample((Draw((8,), values=values),), {"axis": 0, "reverse": reverse}, dtypes, smooth=False)
    for values, dtypes in (
        ((1, 3, 1, 3, 3, 0, 5, 3), None),
        ((1, 3, np.nan, -np.inf, 3, np.inf, 5, np.nan), ("f32", "f64")),
    )
    for reverse in (False, True)
)

cummax = _cumulative(
    "cummax",
    "Running maximum along `axis`, from the end if `reverse`; nan from the first nan on.",
    kinds="biufc",
    ufunc=np.maximum,
    combine=lambda b, carry, x: b.max(carry, x),
    identity=lowest,
    jvp=_jvp_extremum,
    transpose=NONLINEAR,
    samples=_samples(*_TIES),
)

cummin = _cumulative(
    "cummin",
    "Running minimum along `axis`, from the end if `reverse`; nan from the first nan on.",
    kinds="biufc",
    ufunc=np.minimum,
    combine=lambda b, carry, x: b.min(carry, x),
    identity=highest,
    jvp=_jvp_extremum,
    transpose=NONLINEAR,
    samples=_samples(*_TIES),
)


def _jvp_cumlogsumexp(t: Value, out: Value, x: Value, *, axis: int, reverse: bool) -> Value:
    """d out[i] = sum_k e^(x[k] - out[i]) t[k], hence
    d out[i] = e^(out[i-1] - out[i]) d out[i-1] + e^(x[i] - out[i]) t[i]."""
    n = x.shape[axis]
    if n == 0:
        return t
    infinite = OPS["full"](value=-np.inf, shape=(), dtype=x.dtype)
    low, high = [0] * x.ndim, [0] * x.ndim
    low[axis], high[axis] = (-1, 1) if reverse else (1, -1)
    before = pad(out, infinite, low=tuple(low), high=tuple(high), interior=(0,) * x.ndim)
    # Where all so far are -inf, they are compared with 0: e^(-inf - 0) = 0, not e^(-inf + inf).
    reached = OPS["ne"](out, OPS["broadcast"](infinite, shape=out.shape, dims=()))
    kept = _weight(before, OPS["select"](reached, out, zeros(out)))
    gained = OPS["mul"](_weight(x, out), t)
    return linear_recurrence(kept, gained, axis=axis, reverse=reverse)


def _weight(x: Value, total: Value) -> Value:
    """e^(x - total), 1 where they are equal, infinities too."""
    one = OPS["full"](value=1, shape=x.shape, dtype=x.dtype)
    return OPS["select"](OPS["eq"](x, total), one, OPS["exp"](OPS["sub"](x, total)))


cumlogsumexp = _cumulative(
    "cumlogsumexp",
    "log of the running sum of e^x along `axis`, from the end if `reverse`, without overflow.",
    kinds="f",
    ufunc=np.logaddexp,
    combine=emit_logaddexp,
    identity=None,
    jvp=_jvp_cumlogsumexp,
    transpose=NONLINEAR,
    samples=_samples(
        Sample((Draw((4,), values=(800.0, 801.0, -900.0, 700.0)),), {"axis": 0, "reverse": False}),
        *[
            Sample(
                (Draw((5,), values=(-np.inf, -np.inf, 0.5, np.inf, 1.0)),),
                {"axis": 0, "reverse": reverse},
                smooth=False,
            )
            for reverse in (False, True)
        ],
    ),
)
