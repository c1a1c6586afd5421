"""The general product of tensors: sums over contracted axes, pairwise over batch axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import Bilinear, Draw, Op, PerOperand, Sample, Unknown
from ..types import ArrayType, Shape, TypeMismatch, short_name
from .dot_lowering import emit_dot, parts_of_dot, workspace_dot
from .dot_plan import Roles
from .shape import move_axis, transpose

Axes = tuple[int, ...]
AxisPairs = tuple[Axes, Axes]


def roles(ndim: int, contract: Axes, batch: Axes) -> Roles:
    """Roles of the axes of an operand: those neither contracted nor batched are free."""
    taken = {*contract, *batch}
    return Roles(batch, tuple(a for a in range(ndim) if a not in taken), contract)


def _infer_dot(x: ArrayType, y: ArrayType, *, contract: AxisPairs, batch: AxisPairs) -> ArrayType:
    if x.dtype != y.dtype or x.dtype.kind not in "iufc":
        raise TypeMismatch(
            "dot: expected operands of one numeric dtype; got "
            f"{short_name(x.dtype)} and {short_name(y.dtype)}"
        )
    for operand, c, b in ((x, contract[0], batch[0]), (y, contract[1], batch[1])):
        axes = (*c, *b)
        if len(set(axes)) != len(axes) or any(not 0 <= a < operand.ndim for a in axes):
            raise TypeMismatch(
                f"dot: expected distinct contract and batch axes of {operand!r}; got contract {c} "
                f"and batch {b}"
            )
    for role, (of_x, of_y) in (("contract", contract), ("batch", batch)):
        if _lengths(x, of_x) != _lengths(y, of_y):
            raise TypeMismatch(
                f"dot: {role} axes must have the same lengths; got {_lengths(x, of_x)} (axes "
                f"{of_x} of {x!r}) and {_lengths(y, of_y)} (axes {of_y} of {y!r})"
            )
    in_x, in_y = both_roles(x.ndim, y.ndim, contract, batch)
    return x.with_shape(_lengths(x, in_x.batch + in_x.free) + _lengths(y, in_y.free))


def _lengths(x: ArrayType | Value | Unknown, axes: Axes) -> Shape:
    return tuple(x.shape[a] for a in axes)


def both_roles(
    x_ndim: int, y_ndim: int, contract: AxisPairs, batch: AxisPairs
) -> tuple[Roles, Roles]:
    """Roles of the axes of both operands."""
    return roles(x_ndim, contract[0], batch[0]), roles(y_ndim, contract[1], batch[1])


def _evaluate_dot(x: Any, y: Any, *, contract: AxisPairs, batch: AxisPairs) -> Any:
    """As a stack of matrix products: (batch, x free, contract) @ (batch, contract, y free)."""
    in_x, in_y = both_roles(x.ndim, y.ndim, contract, batch)
    shape = [x.shape[a] for a in in_x.batch + in_x.free] + [y.shape[a] for a in in_y.free]
    b, m, k = (math.prod([x.shape[a] for a in axes]) for axes in in_x)
    n = math.prod([y.shape[a] for a in in_y.free])
    left = np.transpose(x, in_x.batch + in_x.free + in_x.contract).reshape(b, m, k)
    right = np.transpose(y, in_y.batch + in_y.contract + in_y.free).reshape(b, k, n)
    return np.matmul(left, right).reshape(shape)


def _transpose_first(
    ct: Value, x: Unknown, y: Value, *, contract: AxisPairs, batch: AxisPairs
) -> Value:
    """ct (batch, x free, y free) contracted with y over y free: (batch, x free, contract), in
    the order of y's contract axes; then put in the order of x's axes."""
    in_x, in_y = both_roles(x.ndim, y.ndim, contract, batch)
    first, free = len(in_x.batch), len(in_x.free)
    in_ct = roles(ct.ndim, tuple(range(first + free, ct.ndim)), tuple(range(first)))
    out = dot(ct, y, contract=(in_ct.contract, in_y.free), batch=(in_ct.batch, in_y.batch))
    remaining = sorted(in_y.contract)
    order = (
        *in_x.batch,
        *in_x.free,
        *[in_x.contract[in_y.contract.index(a)] for a in remaining],
    )
    return transpose(out, permutation=tuple(order.index(a) for a in range(x.ndim)))


def _transpose_second(
    ct: Value, x: Value, y: Unknown, *, contract: AxisPairs, batch: AxisPairs
) -> Value:
    """x contracted with ct over x free: (batch, x contract ascending, y free)."""
    in_x, in_y = both_roles(x.ndim, y.ndim, contract, batch)
    first, free = len(in_x.batch), len(in_x.free)
    in_ct = roles(ct.ndim, tuple(range(first, first + free)), tuple(range(first)))
    out = dot(x, ct, contract=(in_x.free, in_ct.contract), batch=(in_x.batch, in_ct.batch))
    remaining = sorted(in_x.contract)
    order = (
        *in_y.batch,
        *[in_y.contract[in_x.contract.index(a)] for a in remaining],
        *in_y.free,
    )
    return transpose(out, permutation=tuple(order.index(a) for a in range(y.ndim)))


def _batch_dot(
    _size: int,
    batched: Sequence[bool],
    x: Value,
    y: Value,
    *,
    contract: AxisPairs,
    batch: AxisPairs,
) -> Value:
    """A leading axis of both operands is a batch axis; of one, a free axis."""
    pairs: list[AxisPairs] = []
    for of_x, of_y in (contract, batch):
        pairs.append((_behind(of_x, batched[0]), _behind(of_y, batched[1])))
    contract, batch = pairs
    if all(batched):
        return dot(x, y, contract=contract, batch=((0, *batch[0]), (0, *batch[1])))
    in_x, _ = both_roles(x.ndim, y.ndim, contract, batch)
    out = dot(x, y, contract=contract, batch=batch)
    # The lane axis is the first free axis of its operand.
    return move_axis(out, len(in_x.batch) + (0 if batched[0] else len(in_x.free)), 0)


def _behind(axes: Axes, batched: bool) -> Axes:
    """`axes` behind a leading axis, if there is one."""
    return tuple(a + 1 for a in axes) if batched else axes


def _sample(x: Shape, y: Shape, contract: AxisPairs, batch: AxisPairs = ((), ())) -> Sample:
    return Sample((Draw(x), Draw(y)), {"contract": contract, "batch": batch})


def _flops_dot(x: ArrayType, y: ArrayType, *, contract: AxisPairs, batch: AxisPairs) -> int:
    """One multiplication and one addition for each element of x with each free one of y."""
    shared = math.prod(_lengths(y, (*contract[1], *batch[1])))
    return (8 if x.dtype.kind == "c" else 2) * x.size * (y.size // max(shared, 1))


dot = Op(
    name="dot",
    doc="Sum of products over the axes `contract` = (of x, of y), for each index of the axes "
    "`batch` = (of x, of y); result axes: batch, then x's others, then y's others.",
    infer=_infer_dot,
    evaluate=_evaluate_dot,
    jvp=PerOperand(
        (
            lambda t, out, x, y, **params: dot(t, y, **params),
            lambda t, out, x, y, **params: dot(x, t, **params),
        )
    ),
    transpose=Bilinear((_transpose_first, _transpose_second)),
    batch=_batch_dot,
    lower=Routine(
        lambda r, x, y, results, *, contract, batch: emit_dot(
            r, x, y, results[0], *both_roles(x.type.ndim, y.type.ndim, contract, batch)
        ),
        lambda x, y, *, contract, batch: workspace_dot(
            x, y, *both_roles(x.ndim, y.ndim, contract, batch)
        ),
        flops=_flops_dot,
        parts=lambda x, y, *, contract, batch: parts_of_dot(
            x, y, *both_roles(x.ndim, y.ndim, contract, batch)
        ),
    ),
    samples=(
        _sample((3,), (3,), ((0,), (0,))),
        _sample((2, 3), (3, 4), ((1,), (0,))),
        _sample((3, 2), (4, 3), ((0,), (1,))),
        _sample((3, 2), (3, 4), ((0,), (0,))),
        _sample((2, 3), (4, 3), ((1,), (1,))),
        _sample((2, 3), (3,), ((1,), (0,))),
        _sample((3,), (3, 2), ((0,), (0,))),
        _sample((2,), (3,), ((), ())),
        _sample((), (), ((), ())),
        _sample((2, 3), (), ((), ())),
        _sample((0,), (0,), ((0,), (0,))),
        _sample((2, 0), (0, 3), ((1,), (0,))),
        _sample((0, 2), (2, 3), ((1,), (0,))),
        _sample((2, 3, 4), (2, 4, 5), ((2,), (1,)), ((0,), (0,))),
        _sample((3, 2, 4), (4, 5, 2), ((2,), (0,)), ((1,), (2,))),
        _sample((2, 3, 4), (5, 4, 3), ((1, 2), (2, 1))),
        _sample((2, 3, 2, 4), (4, 2, 3, 2), ((3, 1), (0, 2)), ((0,), (3,))),
        _sample((12, 17), (17, 13), ((1,), (0,))),
        _sample((17, 12), (13, 17), ((0,), (1,))),
        _sample((40, 30), (30,), ((1,), (0,))),
        _sample((40,), (40, 30), ((0,), (0,))),
        _sample((8, 9, 10), (10, 9, 11), ((1, 2), (1, 0))),
    ),
)
