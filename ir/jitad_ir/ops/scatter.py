"""Windows of an array replaced, multiplied or bounded at computed places (see `windows`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine, Rule
from ..op import NONLINEAR, OPS, Draw, Joint, Linear, Op, Sample, Unknown
from ..types import BOOL, INT64
from .constants import full, iota, zeros
from .cumulative import linear_recurrence
from .indexing import (
    at,
    batch_scatter,
    evaluate_scatter,
    gather_updates,
    infer_scatter,
    scatter_add,
    scatter_samples,
    take_along,
)
from .scatter_lowering import emit_scatter, parts_scatter
from .shape import reshape
from .slicing import pad, part


def _family(
    name: str,
    doc: str,
    *,
    kinds: str,
    assign: Rule,
    combine: Rule | None,
    jvp: Rule,
    transpose: Any,
    samples: Sequence[Sample],
) -> Op:
    """What the scatters share. `assign(out, indices, values)` updates a NumPy array in place."""

    def infer(x: Any, updates: Any, *starts: Any, unique: bool, **where: Any) -> Any:
        return infer_scatter(name, kinds, x, updates, starts, **where)

    def evaluate(x: Any, updates: Any, *starts: Any, unique: bool, **where: Any) -> Any:
        return evaluate_scatter(assign, x, updates, starts, **where)

    def batch(size: int, batched: Sequence[bool], *operands: Value, **params: Any) -> Value:
        return batch_scatter(op, size, batched, operands, **params)

    def emit(r: Any, *buffers: Any, unique: bool, **where: Any) -> None:
        emit_scatter(combine, r, *buffers, **where)

    op = Op(
        name=name,
        doc=doc,
        infer=infer,
        evaluate=evaluate,
        jvp=Joint(jvp),
        transpose=transpose,
        batch=batch,
        lower=Routine(
            emit,
            overwrites=0,
            parts=lambda *types, unique, **where: parts_scatter(*types, **where),
        ),
        samples=tuple(samples),
    )
    return op


def _distinct(updates: Value | Unknown, starts: Sequence[Value], batch: int, unique: bool) -> bool:
    """True if no element is updated twice: as promised, or there is but one window, or none."""
    return unique or math.prod(starts[0].shape[batch:]) <= 1 or 0 in updates.shape


def _assign(out: Any, indices: Any, values: Any) -> None:
    out[indices] = values


def _jvp_scatter(
    ts: Sequence[Value | None],
    _outs: object,
    x: Value,
    updates: Value,
    *starts: Value,
    **params: Any,
) -> tuple[Value]:
    t = zeros(x) if ts[0] is None else ts[0]
    u = zeros(updates) if ts[1] is None else ts[1]
    return (scatter(t, u, *starts, **params),)


def _transpose_scatter(
    cts: Sequence[Value],
    x: Value | Unknown,
    updates: Value | Unknown,
    *starts: Value,
    unique: bool,
    **where: Any,
) -> list[Value | None]:
    """To x what was kept of it; to each update what stands in its place, if it is the last one
    that was written there."""
    (ct,) = cts
    kept = replaced = None
    if isinstance(x, Unknown):
        kept = scatter(ct, zeros(updates), *starts, unique=unique, **where)
    if isinstance(updates, Unknown):
        replaced = gather_updates(ct, updates, starts, **where)
        if not _distinct(updates, starts, where["batch"], unique):
            stays = _stays(ct, updates, starts, **where)
            replaced = OPS["select"](stays, replaced, zeros(updates))
    return [kept, replaced, *[None] * len(starts)]


def _stays(x: Value, updates: Value | Unknown, starts: Sequence[Value], **where: Any) -> Value:
    """True for each update that no later one replaces: write their numbers, see which remain."""
    size = math.prod(updates.shape)
    number = reshape(iota(shape=(size,), dim=0, dtype=INT64), shape=updates.shape)
    nobody = full(value=-1, shape=x.shape, dtype=INT64)
    last = scatter(nobody, number, *starts, unique=False, **where)
    return OPS["eq"](number, gather_updates(last, updates, starts, fill=-1, **where))


scatter = _family(
    "scatter",
    "x with the windows at `starts` replaced by `updates`; the last of repeated ones stays. "
    "`unique` promises that no element is updated twice.",
    kinds="biufc",
    assign=_assign,
    combine=None,
    jvp=_jvp_scatter,
    transpose=Joint(_transpose_scatter),
    samples=scatter_samples(),
)


def _jvp_scatter_mul(
    ts: Sequence[Value | None],
    _outs: object,
    x: Value,
    updates: Value,
    *starts: Value,
    unique: bool,
    **where: Any,
) -> tuple[Value]:
    """d (x prod u) = dx prod u + x d(prod u)."""
    t, u = ts[:2]
    terms: list[Value] = []
    if t is not None:
        terms.append(scatter_mul(t, updates, *starts, unique=unique, **where))
    if u is not None and _distinct(updates, starts, where["batch"], unique):
        gained = OPS["mul"](u, gather_updates(x, updates, starts, **where))
        terms.append(scatter_add(zeros(x), gained, *starts, unique=unique, **where))
    elif u is not None:
        terms.append(OPS["mul"](x, _product_tangents(x, updates, u, starts, **where)))
    return (terms[0] if len(terms) == 1 else OPS["add"](*terms),)


def _product_tangents(
    x: Value, updates: Value, u: Value, starts: Sequence[Value], **where: Any
) -> Value:
    """At each element of x, the tangent of the product of all updates to it, whose tangents are u.

    Updates to one element are brought together by sorting. Along such a run, the products p and
    their tangents are p[i] = v[i] p[i-1] and dp[i] = v[i] dp[i-1] + dv[i] p[i-1]: recurrences with
    coefficients that are zero where a run begins. There is no division, so zeros need no care.
    """
    places = math.prod(x.shape)
    size = math.prod(updates.shape)
    numbers = reshape(iota(shape=(places,), dim=0, dtype=INT64), shape=x.shape)
    target = gather_updates(numbers, updates, starts, fill=places, **where)
    target, order = OPS["sort"](
        reshape(target, shape=(size,)),
        iota(shape=(size,), dim=0, dtype=INT64),
        axis=0,
        num_keys=1,
        descending=False,
    )
    v = take_along(reshape(updates, shape=(size,)), order, 0)
    dv = take_along(reshape(u, shape=(size,)), order, 0)
    changes = OPS["ne"](part(target, 0, 1, size), part(target, 0, 0, size - 1))
    true = full(value=True, shape=(), dtype=BOOL)
    begins = pad(changes, true, low=(1,), high=(0,), interior=(0,))
    ends = pad(changes, true, low=(0,), high=(1,), interior=(0,))
    zero = zeros(v)
    factor = OPS["select"](begins, zero, v)
    first = OPS["select"](begins, v, zero)
    product = linear_recurrence(factor, first, axis=0, reverse=False)
    nothing = full(value=0, shape=(), dtype=v.dtype)
    before = pad(product, nothing, low=(1,), high=(-1,), interior=(0,))
    gained = OPS["select"](begins, dv, OPS["mul"](dv, before))
    tangent = linear_recurrence(factor, gained, axis=0, reverse=False)
    outside = full(value=places, shape=(size,), dtype=INT64)
    flat = scatter(
        full(value=0, shape=(places,), dtype=v.dtype),
        reshape(tangent, shape=(size, 1)),
        OPS["select"](ends, target, outside),
        axes=(0,),
        batch=0,
        mode="drop",
        unique=True,
    )
    return reshape(flat, shape=x.shape)


scatter_mul = _family(
    "scatter_mul",
    "x with the windows at `starts` multiplied by `updates`, by each of repeated ones. `unique` "
    "promises that no element is updated twice.",
    kinds="iufc",
    assign=np.multiply.at,
    combine=lambda b, old, update: b.mul(old, update),
    jvp=_jvp_scatter_mul,
    transpose=Linear(
        (
            lambda ct, x, updates, *starts, **params: scatter_mul(ct, updates, *starts, **params),
            NONLINEAR,
        )
    ),
    samples=(
        *scatter_samples(),
        Sample(
            (Draw((3,)), Draw((6, 1), values=(2, 0, 3, 0, 5, 0)), at((6,), 0, 1, 0, 1, 2, 2)),
            {"axes": (0,), "batch": 0, "mode": "clip", "unique": False},
        ),
    ),
)


def _jvp_extremum(
    ts: Sequence[Value | None],
    outs: Sequence[Value],
    x: Value,
    updates: Value,
    *starts: Value,
    unique: bool,
    **where: Any,
) -> tuple[Value]:
    """The mean of the tangents of those, x and its updates, that attain the result."""
    (out,) = outs
    attains_x = OPS["eq"](x, out)
    attains_u = OPS["eq"](updates, gather_updates(out, updates, starts, **where))

    def total(of_x: Value, of_updates: Value) -> Value:
        return scatter_add(of_x, of_updates, *starts, unique=unique, **where)

    def chosen(attains: Value, t: Value | None) -> Value:
        none = zeros(attains.type.with_dtype(x.dtype))
        return none if t is None else OPS["select"](attains, t, none)

    count = total(
        OPS["convert"](attains_x, dtype=x.dtype), OPS["convert"](attains_u, dtype=x.dtype)
    )
    moved = total(chosen(attains_x, ts[0]), chosen(attains_u, ts[1]))
    return (OPS["div"](moved, count),)


def _ties(*values: float) -> Sample:
    return Sample(
        (Draw((2,), values=(1.0, 2.0)), Draw((5, 1), values=values), at((5,), 0, 0, 1, 1, 1)),
        {"axes": (0,), "batch": 0, "mode": "clip", "unique": False},
        smooth=False,
    )


scatter_min = _family(
    "scatter_min",
    "x with the windows at `starts` bounded from above by `updates`; nan if either is. `unique` "
    "promises that no element is updated twice.",
    kinds="biufc",
    assign=np.minimum.at,
    combine=lambda b, old, update: b.min(old, update),
    jvp=_jvp_extremum,
    transpose=NONLINEAR,
    samples=(*scatter_samples(), _ties(0, 0, 2, 3, 2)),
)

scatter_max = _family(
    "scatter_max",
    "x with the windows at `starts` bounded from below by `updates`; nan if either is. `unique` "
    "promises that no element is updated twice.",
    kinds="biufc",
    assign=np.maximum.at,
    combine=lambda b, old, update: b.max(old, update),
    jvp=_jvp_extremum,
    transpose=NONLINEAR,
    samples=(*scatter_samples(), _ties(3, 3, 2, 1, 2)),
)
