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
from .vector_loops import strips, vector_width


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
    shape, dtype = out.type.shape, out.type.dtype
    n, across = shape[axis], math.prod(shape[axis + 1 :])
    cube = out.type.with_shape((math.prod(shape[:axis]), n, across))
    a, b, out = (r.buffer(cube, operand.pointer) for operand in (a, b, out))
    if cube.size == 0:
        return

    def place(step: Any) -> Any:
        return r.builder.sub(r.integer(n - 1), step) if reverse else step

    def in_register(block: Any) -> None:
        carry = r.local(dtype)

        def write(at: tuple[Any, ...], y: Any) -> None:
            r.b.store(carry, y)
            r.store(out, at, y)

        def step(i: Any) -> None:
            at = (block, place(i), 0)
            product = r.b.mul(r.load(a, at), r.b.load(carry, dtype))
            write(at, r.b.add(product, r.load(b, at)))

        start = (block, place(r.integer(0)), 0)
        write(start, r.load(b, start))
        r.loop(n, step, start=1)

    def side_by_side(block: Any) -> None:
        def load(e: Any, buffer: Any, *at: Any) -> Any:
            return e.load(r.element_pointer(buffer, at), dtype)

        def first(e: Any, j: Any, _count: int) -> None:
            here = place(r.integer(0))
            e.store(r.element_pointer(out, (block, here, j)), load(e, b, block, here, j))

        def step(i: Any) -> None:
            here, before = place(i), place(r.builder.sub(i, r.integer(1)))

            def strip(e: Any, j: Any, _count: int) -> None:
                product = e.mul(load(e, a, block, here, j), load(e, out, block, before, j))
                y = e.add(product, load(e, b, block, here, j))
                e.store(r.element_pointer(out, (block, here, j)), y)

            strips(r, across, vector_width(dtype), strip)

        strips(r, across, vector_width(dtype), first)
        r.loop(n, step, start=1)

    r.loop(cube.shape[0], in_register if across == 1 else side_by_side)


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
    lower=Routine(_emit_recurrence),
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
