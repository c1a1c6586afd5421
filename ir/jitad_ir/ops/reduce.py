"""Folds over axes: sum, product, extrema, bitwise and/or; and the position of an extremum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Number, Value
from ..lowering import ArgReduction, Reduction, Rule
from ..op import NO_TANGENT, NONLINEAR, OPS, Draw, Linear, Op, PerOperand, Sample
from ..types import INT64, ArrayType, DType, Shape, TypeMismatch, short_name

Axes = tuple[int, ...]


def _kept(shape: Shape, axes: Axes) -> Axes:
    """The axes that a reduction over `axes` keeps."""
    return tuple(axis for axis in range(len(shape)) if axis not in axes)


def reduced_type(name: str, x: ArrayType, axes: Axes, kinds: str) -> ArrayType:
    """Type rule of reductions: x without `axes` (ascending, distinct); raises TypeMismatch."""
    if any(not 0 <= a < x.ndim for a in axes) or list(axes) != sorted(set(axes)):
        raise TypeMismatch(f"{name}: expected ascending distinct axes of {x!r}; got {axes}")
    if x.dtype.kind not in kinds:
        raise TypeMismatch(f"{name}: not defined for {short_name(x.dtype)}; got {x!r}")
    return x.with_shape(tuple(x.shape[a] for a in _kept(x.shape, axes)))


def spread(value: Value, shape: Shape, axes: Axes) -> Value:
    """`value`, reduced from `shape` over `axes`, repeated along them: the transpose of a sum."""
    return OPS["broadcast"](value, shape=shape, dims=_kept(shape, axes))


def batch_reduction(_size: int, _batched: Sequence[bool], x: Value, *, op: Op, axes: Axes) -> Value:
    """Batch rule of reductions: the same fold behind the leading axis."""
    return op(x, axes=tuple(a + 1 for a in axes))


_SAMPLES = (
    Sample((Draw((2, 3)),), {"axes": (0,)}),
    Sample((Draw((2, 3, 4)),), {"axes": (0, 2)}),
    Sample((Draw((3,)),), {"axes": ()}),
    Sample((Draw((0, 2)),), {"axes": (0,)}),
    Sample((Draw((2, 0)),), {"axes": (0,)}),
    Sample((Draw(()),), {"axes": ()}),
)

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
    samples=(*_SAMPLES, Sample((Draw((37, 5), -1.0, 3.0),), {"axes": (0, 1)})),
)


def _jvp_prod(t: Value, _out: Value, x: Value, *, axes: Axes) -> Value:
    """sum_k t[k] prod_{j != k} x[j]; the product of the others is the product of those before and
    of those behind, so that zeros need no care."""
    kept = _kept(x.shape, axes)
    n = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    rows = tuple(x.shape[a] for a in kept)

    def to_rows(value: Value) -> Value:
        moved = OPS["transpose"](value, permutation=(*kept, *axes))
        return OPS["reshape"](moved, shape=(*rows, n))

    last = len(rows)
    flat = to_rows(x)
    before = _exclusive_cumprod(flat, last, reverse=False)
    behind = _exclusive_cumprod(flat, last, reverse=True)
    others = OPS["mul"](before, behind)
    return reduce_sum(OPS["mul"](to_rows(t), others), axes=(last,))


def _exclusive_cumprod(x: Value, axis: int, *, reverse: bool) -> Value:
    """Element i: the product of those before it along the axis (behind it, if `reverse`)."""
    n = x.shape[axis]
    edge = [0] * x.ndim
    # 1 shifts in on one side, what the full product would add falls out on the other.
    low, high = list(edge), list(edge)
    low[axis], high[axis] = (-1, 1) if reverse else (1, -1)
    if n == 0:
        return x
    one = OPS["full"](value=1, shape=(), dtype=x.dtype)
    shifted = OPS["pad"](x, one, low=tuple(low), high=tuple(high), interior=tuple(edge))
    return OPS["cumprod"](shifted, axis=axis, reverse=reverse)


reduce_prod = Op(
    name="reduce_prod",
    doc="Product over `axes` (ascending); 1 for none; integers wrap.",
    infer=lambda x, *, axes: reduced_type("reduce_prod", x, axes, "iufc"),
    evaluate=lambda x, *, axes: np.prod(x, axis=axes, dtype=x.dtype),
    jvp=PerOperand((_jvp_prod,)),
    transpose=NONLINEAR,
    batch=lambda size, batched, x, *, axes: batch_reduction(
        size, batched, x, op=reduce_prod, axes=axes
    ),
    lower=Reduction(combine=lambda b, x, y: b.mul(x, y), identity=lambda dtype: 1),
    samples=(
        *_SAMPLES,
        Sample((Draw((2, 3), values=(0, 2, 0, 3, 0, 5)),), {"axes": (1,)}),
        Sample((Draw((9, 5), 0.5, 1.5),), {"axes": (0, 1)}),
    ),
)


def lowest(dtype: DType) -> Number:
    """The identity of max: -inf, the least integer, or False."""
    if dtype.kind in "fc":
        return complex(-np.inf, -np.inf) if dtype.kind == "c" else -np.inf
    return False if dtype.kind == "b" else int(np.iinfo(dtype.name).min)


def highest(dtype: DType) -> Number:
    """The identity of min: inf, the greatest integer, or True."""
    if dtype.kind in "fc":
        return complex(np.inf, np.inf) if dtype.kind == "c" else np.inf
    return True if dtype.kind == "b" else int(np.iinfo(dtype.name).max)


def _extremum(name: str, doc: str, function: Rule, identity: Rule, combine: Rule) -> Op:
    """reduce_max or reduce_min."""

    def jvp(t: Value, out: Value, x: Value, *, axes: Axes) -> Value | None:
        """The mean of the tangents of the elements that attain the extremum."""
        if x.type.size == 0:
            return None
        attains = OPS["eq"](x, spread(out, x.shape, axes))
        count = reduce_sum(OPS["convert"](attains, dtype=x.dtype), axes=axes)
        chosen = OPS["select"](attains, t, OPS["full"](value=0, shape=t.shape, dtype=t.dtype))
        return OPS["div"](reduce_sum(chosen, axes=axes), count)

    def evaluate(x: Any, *, axes: Axes) -> Any:
        return function(x, axis=axes, initial=identity(x.dtype))

    def batch(size: int, batched: Sequence[bool], x: Value, *, axes: Axes) -> Value:
        return batch_reduction(size, batched, x, op=op, axes=axes)

    op = Op(
        name=name,
        doc=doc,
        infer=lambda x, *, axes: reduced_type(name, x, axes, "biufc"),
        evaluate=evaluate,
        jvp=PerOperand((jvp,)),
        transpose=NONLINEAR,
        batch=batch,
        lower=Reduction(combine=combine, identity=identity),
        samples=(
            *_SAMPLES,
            Sample((Draw((37, 5)),), {"axes": (0, 1)}),
            Sample((Draw((2, 3), values=(2, 1, 2, 0, 0, 0)),), {"axes": (1,)}, smooth=False),
            Sample(
                (Draw((2, 3), values=(1 + 2j, 1 - 1j, 1 + 3j, 0j, complex(0, np.nan), 2)),),
                {"axes": (1,)},
                ("c64", "c128"),
                smooth=False,
            ),
            Sample(
                (Draw((2, 3), values=(2, np.nan, 1, 0, -np.inf, np.inf)),),
                {"axes": (1,)},
                ("f32", "f64"),
                smooth=False,
            ),
        ),
    )
    return op


reduce_max = _extremum(
    "reduce_max",
    "Greatest element over `axes` (ascending), nan if there is one, the least value of the dtype "
    "for none; its tangent is the mean over elements that attain it.",
    np.max,
    lowest,
    lambda b, x, y: b.max(x, y),
)

reduce_min = _extremum(
    "reduce_min",
    "Least element over `axes` (ascending), nan if there is one, the greatest value of the dtype "
    "for none; its tangent is the mean over elements that attain it.",
    np.min,
    highest,
    lambda b, x, y: b.min(x, y),
)


def _all_ones(dtype: DType) -> Number:
    """The identity of bitwise and."""
    if dtype.kind == "b":
        return True
    return -1 if dtype.kind == "i" else int(np.iinfo(dtype.name).max)


def _bitwise(name: str, doc: str, ufunc: Any, identity: Rule, combine: Rule) -> Op:
    """reduce_and or reduce_or."""

    def evaluate(x: Any, *, axes: Axes) -> Any:
        return ufunc.reduce(x, axis=axes, initial=identity(x.dtype))

    def batch(size: int, batched: Sequence[bool], x: Value, *, axes: Axes) -> Value:
        return batch_reduction(size, batched, x, op=op, axes=axes)

    op = Op(
        name=name,
        doc=doc,
        infer=lambda x, *, axes: reduced_type(name, x, axes, "biu"),
        evaluate=evaluate,
        jvp=NO_TANGENT,
        transpose=NONLINEAR,
        batch=batch,
        lower=Reduction(combine=combine, identity=identity),
        samples=(*_SAMPLES, Sample((Draw((37, 5), -1.0, 3.0),), {"axes": (0, 1)})),
    )
    return op


reduce_and = _bitwise(
    "reduce_and",
    "Bitwise and over `axes` (ascending), all of them if bool; ones for none.",
    np.bitwise_and,
    _all_ones,
    lambda b, x, y: b.bitwise_and(x, y),
)

reduce_or = _bitwise(
    "reduce_or",
    "Bitwise or over `axes` (ascending), any of them if bool; zeros for none.",
    np.bitwise_or,
    lambda dtype: False if dtype.kind == "b" else 0,
    lambda b, x, y: b.bitwise_or(x, y),
)


def _position(name: str, doc: str, function: Rule, better: Rule, identity: Rule) -> Op:
    """argmax or argmin."""

    def infer(x: ArrayType, *, axis: int) -> ArrayType:
        if not 0 <= axis < x.ndim or x.shape[axis] == 0:
            raise TypeMismatch(f"{name}: expected a nonempty axis of {x!r}; got axis {axis}")
        return reduced_type(name, x, (axis,), "biufc").with_dtype(INT64)

    op = Op(
        name=name,
        doc=doc,
        infer=infer,
        evaluate=lambda x, *, axis: function(x, axis=axis),
        jvp=NO_TANGENT,
        transpose=NONLINEAR,
        batch=lambda size, batched, x, *, axis: op(x, axis=axis + 1),
        lower=ArgReduction(better, identity),
        samples=(
            Sample((Draw((5,)),), {"axis": 0}),
            Sample((Draw((3, 4)),), {"axis": 0}),
            Sample((Draw((2, 3, 4)),), {"axis": 1}),
            Sample((Draw((2, 0)),), {"axis": 0}),
            Sample((Draw((8,), values=(1, 2, 0, 2, 0, 1, 2, 0)),), {"axis": 0}),
            Sample(
                (Draw((3, 3), values=(1, np.nan, np.nan, np.inf, np.nan, 2, 1, 1, 1)),),
                {"axis": 1},
                ("f32", "f64"),
            ),
            Sample(
                (Draw((2, 3), values=(1 + 2j, 1 + 3j, 1 - 1j, 2, complex(0, np.nan), np.nan)),),
                {"axis": 1},
                ("c64", "c128"),
            ),
            Sample((Draw((41,)),), {"axis": 0}),
        ),
    )
    return op


def _beats(b: Any, loses: Any, x: Any, y: Any) -> Any:
    """True unless y `loses` to a number x: a nan, which does not, wins over a number, so that the
    first one is the result."""
    wins = b.bitwise_not(loses)
    return b.bitwise_and(wins, b.eq(x, x)) if x.dtype.kind in "fc" else wins


argmax = _position(
    "argmax",
    "Index (int64) along `axis` of the first greatest element, or of the first nan.",
    np.argmax,
    lambda b, x, y: _beats(b, b.le(y, x), x, y),
    lowest,
)

argmin = _position(
    "argmin",
    "Index (int64) along `axis` of the first least element, or of the first nan.",
    np.argmin,
    lambda b, x, y: _beats(b, b.ge(y, x), x, y),
    highest,
)
