"""Convolution of any rank, with strides, padding, dilations and groups, and its derivatives.

Axes are named by three specs, each a permutation of axes: `lhs_spec` (batch, feature, spatial...)
of x, `rhs_spec` (out feature, in feature, spatial...) of the kernel w, and `out_spec` (batch,
feature, spatial...) of the result. With x padded and dilated as in `sliding`,

    out[b, o, s] = sum_{i, k} x[b, i, s stride + k rhs_dilation] w[o, i, k]

The kernel is not reversed. With `feature_groups` = G > 1, features of x and out features fall into
G groups of neighbours, and group g of the result sees group g of x alone. With `batch_groups` it is
the batch of x that falls into groups.

The cotangents of both operands are convolutions again: that of x slides the reversed kernel, in and
out features exchanged, over the cotangent dilated by the strides; that of w slides the cotangent
over x, batch and features exchanged, so that the two kinds of groups change places.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import Bilinear, Draw, Op, PerOperand, Sample, Unknown
from ..types import ArrayType, Shape, TypeMismatch, short_name
from .constants import full
from .convolution_lowering import (
    emit_convolution,
    flops_convolution,
    parts_of_convolution,
    workspace_convolution,
)
from .convolution_pointwise import is_product, kernel_cotangent
from .shape import move_axis, reshape, reverse
from .sliding import Ints, Padding, Sliding, padded, slidings, windows_of

Specs = tuple[Ints, Ints, Ints]

EVALUATED_AT_ONCE = 2**24
"""Elements of windows that `evaluate` copies at once, so that memory stays bounded."""


def _infer(
    x: ArrayType,
    w: ArrayType,
    *,
    specs: Specs,
    feature_groups: int,
    batch_groups: int,
    **params: Any,
) -> ArrayType:
    if x.dtype != w.dtype or x.dtype.kind not in "iufc":
        raise TypeMismatch(
            "convolution: expected operands of one numeric dtype; got "
            f"{short_name(x.dtype)} and {short_name(w.dtype)}"
        )
    if x.ndim != w.ndim or x.ndim < 2:
        raise TypeMismatch(
            f"convolution: expected x and a kernel of one rank, 2 or more; got {x!r} and {w!r}"
        )
    if any(sorted(spec) != list(range(x.ndim)) for spec in specs):
        raise TypeMismatch(
            f"convolution: expected specs that permute the {x.ndim} axes; got {specs}"
        )
    _check_groups(x, w, specs, feature_groups, batch_groups)
    along = spatial_windows(x, w, specs=specs, **params)
    lhs, rhs, out = specs
    shape = [0] * x.ndim
    shape[out[0]] = x.shape[lhs[0]] // batch_groups
    shape[out[1]] = w.shape[rhs[0]]
    for axis, one in zip(out[2:], along, strict=True):
        shape[axis] = one.out
    return x.with_shape(tuple(shape))


def _check_groups(
    x: ArrayType, w: ArrayType, specs: Specs, feature_groups: int, batch_groups: int
) -> None:
    lhs, rhs, _ = specs
    batch, features = x.shape[lhs[0]], x.shape[lhs[1]]
    made, seen = w.shape[rhs[0]], w.shape[rhs[1]]
    if feature_groups < 1 or batch_groups < 1 or min(feature_groups, batch_groups) > 1:
        raise TypeMismatch(
            "convolution: expected positive numbers of feature groups and batch groups, of which "
            f"one is 1; got {feature_groups} and {batch_groups}"
        )
    if features != seen * feature_groups:
        raise TypeMismatch(
            f"convolution: expected {feature_groups} feature groups of {seen} features, as the "
            f"kernel {w!r} has; got {features} features in {x!r}"
        )
    if made % (feature_groups * batch_groups) or batch % batch_groups:
        raise TypeMismatch(
            f"convolution: expected groups that divide the {made} out features and the batch of "
            f"{batch}; got {feature_groups} feature groups, {batch_groups} batch groups"
        )


def spatial_windows(
    x: ArrayType | Value | Unknown,
    w: ArrayType | Value | Unknown,
    *,
    specs: Specs,
    strides: Ints,
    padding: Padding,
    lhs_dilation: Ints,
    rhs_dilation: Ints,
    **_params: Any,
) -> list[Sliding]:
    """Windows along each of the spatial axes."""
    lhs, rhs, _ = specs
    shape = tuple(x.shape[a] for a in lhs[2:])
    window = tuple(w.shape[a] for a in rhs[2:])
    return slidings("convolution", shape, window, strides, padding, lhs_dilation, rhs_dilation)


def _evaluate(
    x: Any, w: Any, *, specs: Specs, feature_groups: int, batch_groups: int, **params: Any
) -> Any:
    """Windows as the rows of one matrix product for each group."""
    lhs, rhs, out_spec = specs
    groups = feature_groups * batch_groups
    along = spatial_windows(x, w, specs=specs, **params)
    shape = tuple(one.out for one in along)
    batch, features = x.shape[lhs[0]] // batch_groups, w.shape[rhs[1]]
    if 0 in (*x.shape, *w.shape, *shape):
        zeros = np.zeros((batch, w.shape[rhs[0]], *shape), x.dtype)
        return np.ascontiguousarray(np.transpose(zeros, np.argsort(out_spec)))
    spatial = tuple(range(2, x.ndim))
    x = padded(np.transpose(x, lhs), spatial, along, 0)
    w = np.transpose(w, rhs)
    view = windows_of(x, spatial, along)
    # (groups, batch, features, windows, window): the groups are of features or of the batch.
    view = view.reshape(batch_groups, batch, feature_groups, features, *view.shape[2:])
    view = np.moveaxis(view, 2, 1).reshape(groups, batch, features, *view.shape[4:])
    view = np.moveaxis(view, 2, 2 + len(shape))
    kernels = w.reshape(groups, w.shape[0] // groups, math.prod(w.shape[1:]))
    out = np.empty((batch, groups, kernels.shape[1], *shape), x.dtype)
    # A part of the batch at once; a part of the places, if those of one example are too many.
    each = view.size // batch
    step = max(1, EVALUATED_AT_ONCE // each)
    places = max(1, EVALUATED_AT_ONCE * shape[0] // each) if shape else 1
    for start in range(0, batch, step):
        for first in range(0, shape[0] if shape else 1, places):
            part = view[:, start : start + step]
            into = out[start : start + step]
            if shape:
                part, into = (
                    part[:, :, first : first + places],
                    into[:, :, :, first : first + places],
                )
            products = np.matmul(part.reshape(groups, -1, kernels.shape[2]), kernels.swapaxes(1, 2))
            products = products.reshape(*part.shape[: 2 + len(shape)], kernels.shape[1])
            into[...] = np.moveaxis(np.moveaxis(products, 0, 1), -1, 2)
    out = out.reshape(batch, w.shape[0], *shape)
    return np.ascontiguousarray(np.transpose(out, np.argsort(out_spec)))


# Axes and groups.


def _merged(x: Value, axis: int, into: int) -> Value:
    """Axis `axis` made the slow part of axis `into` (counted without `axis`)."""
    x = move_axis(x, axis, into)
    shape = (*x.shape[:into], x.shape[into] * x.shape[into + 1], *x.shape[into + 2 :])
    return reshape(x, shape=shape)


def _divided(x: Value, axis: int, parts: int) -> Value:
    """Axis `axis` as `parts` and, behind it, what is in a part."""
    shape = (*x.shape[:axis], parts, x.shape[axis] // parts, *x.shape[axis + 1 :])
    return reshape(x, shape=shape)


def _regrouped(x: Value, source: int, destination: int, groups: int) -> Value:
    """The groups into which axis `source` falls made the slow part of axis `destination`."""
    if groups == 1:
        return x
    divided = _divided(x, source, groups)
    return _merged(divided, source, destination)


def _exchanged(spec: Ints) -> Ints:
    """A spec with its first two axes exchanged."""
    return (spec[1], spec[0], *spec[2:])


# Derivatives.


def _zero(of: Unknown) -> Value:
    return full(value=0, shape=of.shape, dtype=of.dtype)


def _transpose_x(
    ct: Value,
    x: Unknown,
    w: Value,
    *,
    specs: Specs,
    strides: Ints,
    lhs_dilation: Ints,
    feature_groups: int,
    batch_groups: int,
    **params: Any,
) -> Value:
    """The reversed kernel slides over the cotangent, dilated by the strides."""
    lhs, rhs, out = specs
    along = spatial_windows(x, w, specs=specs, strides=strides, lhs_dilation=lhs_dilation, **params)
    if 0 in ct.shape:
        return _zero(x)
    groups = feature_groups * batch_groups
    w = _regrouped(w, rhs[0], rhs[1], groups)
    found = convolution(
        ct,
        reverse(w, axes=tuple(sorted(rhs[2:]))),
        specs=(out, _exchanged(rhs), lhs),
        strides=lhs_dilation,
        padding=tuple(one.towards_array for one in along),
        lhs_dilation=strides,
        rhs_dilation=params["rhs_dilation"],
        feature_groups=groups,
        batch_groups=1,
    )
    return _regrouped(found, lhs[1], lhs[0], batch_groups)


def _transpose_w(
    ct: Value,
    x: Value,
    w: Unknown,
    *,
    specs: Specs,
    strides: Ints,
    rhs_dilation: Ints,
    feature_groups: int,
    batch_groups: int,
    **params: Any,
) -> Value:
    """The cotangent, its elements `strides` apart, slides over x."""
    lhs, rhs, out = specs
    groups = {"feature_groups": feature_groups, "batch_groups": batch_groups}
    along = spatial_windows(x, w, specs=specs, strides=strides, rhs_dilation=rhs_dilation, **params)
    if 0 in ct.shape or 0 in x.shape:
        return _zero(w)
    if is_product(ct, x, w, specs=specs, **groups, **params):
        return kernel_cotangent(ct, x, w, lhs, rhs, strides)
    return convolution(
        x,
        ct,
        specs=(_exchanged(lhs), _exchanged(out), _exchanged(rhs)),
        strides=rhs_dilation,
        padding=tuple(one.towards_window for one in along),
        lhs_dilation=params["lhs_dilation"],
        rhs_dilation=strides,
        feature_groups=batch_groups,
        batch_groups=feature_groups,
    )


# Batches.


def _batch(
    size: int, batched: Sequence[bool], x: Value, w: Value, *, specs: Specs, **params: Any
) -> Value:
    if all(batched):
        return _batch_both(size, x, w, specs=specs, **params)
    rule = _batch_x if batched[0] else _batch_w
    return rule(size, x, w, specs=specs, **params)


def _batch_both(size: int, x: Value, w: Value, *, specs: Specs, **params: Any) -> Value:
    """Lanes are groups: of the batch if there are such, else of features."""
    lhs, rhs, out = specs
    kind = "batch_groups" if params["batch_groups"] > 1 else "feature_groups"
    x = _merged(x, 0, lhs[0] if kind == "batch_groups" else lhs[1])
    params[kind] *= size
    found = convolution(x, _merged(w, 0, rhs[0]), specs=specs, **params)
    return move_axis(_divided(found, out[1], size), out[1], 0)


def _batch_x(size: int, x: Value, w: Value, *, specs: Specs, **params: Any) -> Value:
    """Lanes are part of the batch, within each of its groups."""
    lhs, _, out = specs
    groups = params["batch_groups"]
    if groups == 1:
        x = _merged(x, 0, lhs[0])
    else:
        x = _divided(move_axis(x, 0, lhs[0]), lhs[0] + 1, groups)  # lanes, groups, batch
        x = _merged(x, lhs[0], lhs[0] + 1)
        x = _merged(x, lhs[0], lhs[0])
    found = convolution(x, w, specs=specs, **params)
    return move_axis(_divided(found, out[0], size), out[0], 0)


def _batch_w(size: int, x: Value, w: Value, *, specs: Specs, **params: Any) -> Value:
    """Lanes are out features, within each of the groups."""
    _, rhs, out = specs
    groups = params["feature_groups"] * params["batch_groups"]
    w = _divided(move_axis(w, 0, rhs[0]), rhs[0] + 1, groups)  # lanes, groups, out features
    w = _merged(w, rhs[0], rhs[0] + 1)
    w = _merged(w, rhs[0], rhs[0])
    found = _divided(convolution(x, w, specs=specs, **params), out[1], groups)
    found = _divided(found, out[1] + 1, size)  # groups, lanes, out features
    found = move_axis(found, out[1] + 1, 0)
    shape = list(found.shape)
    shape[out[1] + 1 : out[1] + 3] = [shape[out[1] + 1] * shape[out[1] + 2]]
    return reshape(found, shape=tuple(shape))


# Samples.

_LAST: Specs = ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
"""NHWC, HWIO, NHWC."""


def _sample(
    x: Shape,
    w: Shape,
    specs: Specs | None = None,
    *,
    strides: Ints | None = None,
    padding: Padding | None = None,
    lhs_dilation: Ints | None = None,
    rhs_dilation: Ints | None = None,
    feature_groups: int = 1,
    batch_groups: int = 1,
) -> Sample:
    ones, same = (1,) * (len(x) - 2), tuple(range(len(x)))
    params: dict[str, Any] = {
        "specs": specs or (same, same, same),
        "strides": strides or ones,
        "padding": padding or ((0, 0),) * len(ones),
        "lhs_dilation": lhs_dilation or ones,
        "rhs_dilation": rhs_dilation or ones,
        "feature_groups": feature_groups,
        "batch_groups": batch_groups,
    }
    return Sample((Draw(x, -1.0, 1.0), Draw(w, -1.0, 1.0)), params)


convolution = Op(
    name="convolution",
    doc="Sum over in features i and window places k of x[b, i, s stride + k rhs_dilation] "
    "w[o, i, k]; x is dilated by `lhs_dilation` and padded first. `specs` name the axes: (batch, "
    "feature, spatial...) of x, (out feature, in feature, spatial...) of w, (batch, feature, "
    "spatial...) of the result.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=PerOperand(
        (
            lambda t, out, x, w, **params: convolution(t, w, **params),
            lambda t, out, x, w, **params: convolution(x, t, **params),
        )
    ),
    transpose=Bilinear((_transpose_x, _transpose_w)),
    batch=_batch,
    lower=Routine(
        emit_convolution,
        workspace_convolution,
        flops=flops_convolution,
        parts=parts_of_convolution,
    ),
    samples=(
        _sample((1, 1, 5), (1, 1, 3)),
        _sample((2, 3, 6), (4, 3, 2), padding=((1, 2),)),
        _sample((2, 3), (4, 3)),
        _sample((2, 5, 6, 3), (3, 2, 3, 4), _LAST, padding=((1, 1), (0, 2))),
        _sample((1, 2, 7, 6), (3, 2, 3, 2), strides=(2, 1), padding=((2, 1), (-1, 0))),
        _sample((2, 1, 5), (2, 1, 2), strides=(2,), lhs_dilation=(3,), padding=((1, -2),)),
        _sample((1, 2, 4, 5), (2, 2, 2, 2), rhs_dilation=(2, 3), padding=((1, 0), (2, 2))),
        _sample(
            (1, 2, 4, 3),
            (2, 2, 2, 3),
            strides=(2, 3),
            lhs_dilation=(2, 1),
            rhs_dilation=(1, 2),
            padding=((-1, 3), (2, 2)),
        ),
        _sample((2, 4, 5), (6, 2, 2), feature_groups=2),
        _sample((1, 4, 4, 6), (2, 2, 1, 6), _LAST, feature_groups=6, padding=((1, 0), (0, 1))),
        _sample((1, 5, 4, 3), (2, 2, 1, 6), _LAST, feature_groups=3, strides=(2, 1)),
        _sample((6, 2, 5), (4, 2, 2), batch_groups=2, padding=((1, 1),)),
        _sample((3, 1, 4), (3, 1, 2), batch_groups=3, rhs_dilation=(2,)),
        _sample((3, 4, 2), (2, 2, 4), ((1, 2, 0), (2, 1, 0), (2, 0, 1)), padding=((1, 0),)),
        _sample((1, 1, 3, 4, 3), (2, 1, 2, 2, 2), padding=((0, 1), (1, 0), (0, 0))),
        _sample((2, 3, 2), (2, 3, 4)),
        _sample((0, 2, 3), (2, 2, 2)),
        _sample((1, 0, 3), (2, 0, 2)),
        _sample((1, 1, 40), (1, 1, 5), padding=((2, 2),)),
        _sample((2, 6, 7, 3), (3, 3, 3, 20), _LAST, padding=((1, 1), (1, 1))),
        _sample((1, 5, 6, 17), (3, 3, 1, 17), _LAST, feature_groups=17),
        _sample((1, 3, 4, 19), (5, 3, 3, 3), padding=((1, 1), (1, 1))),
    ),
)
