"""Convolutions by the names of `jax.lax`, all by the one `convolution` of the IR.

Kernels are not reversed (use `jitad.numpy.convolve` for that). Operands of two dtypes are promoted,
as those of `dot` are: float32 pictures meet filters of the default dtype. `precision` has no effect
(products have the full precision of their dtype); `preferred_element_type` is the dtype to compute
in and of the result.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad_ir import ops

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..numpy.promotion import Operand, as_array_operand, as_dtype, common_dtype, convert
from ..trace import apply
from .convolution_shapes import (
    ConvDimensionNumbers,
    ConvGeneralDilatedDimensionNumbers,
    conv_dimension_numbers,
    cropped,
    dilated,
    padtype_to_pads,
    turned_round,
    type_error,
)


@hides_internals
def conv_general_dilated(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    feature_group_count: int = 1,
    batch_group_count: int = 1,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: None = None,
) -> Any:
    """Convolution of `lhs` with the kernel `rhs`, both of rank n + 2, over n spatial axes.

        out[b, o, s] = sum over i, k of padded[b, i, s stride + k rhs_dilation] rhs[o, i, k]

    for dimension numbers ("NCHW", "OIHW", "NCHW"), the default; the order of axes is that of the
    strings. `padded` is `lhs` with `lhs_dilation - 1` zeros between neighbours, and (low, high)
    zeros around each spatial axis (negative: cropped), or as `padtype_to_pads` says of a string.

    With `feature_group_count` = G, features of `lhs` and out features of `rhs` fall into G groups:
    out features of a group see the features of that group alone (G = features: depthwise). With
    `batch_group_count` it is the batch of `lhs` that falls into groups.

    `precision` and `out_sharding` have no effect; `preferred_element_type` is the dtype of the
    sums. Linear in either operand; derivatives of every order are convolutions.

    Raises ValueError and TypeError, in JAX's words, where ranks, groups, strides or padding do not
    fit.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> image = jnp.arange(9.0).reshape(1, 1, 3, 3)
    >>> lax.conv_general_dilated(image, jnp.ones((1, 1, 2, 2)), (1, 1), "VALID")[0, 0]
    Array([[ 8., 12.],
           [20., 24.]])
    """
    x, w = _operands(lhs, rhs, preferred_element_type)
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    ones = (1,) * (x.ndim - 2)
    between = ones if lhs_dilation is None else _ints(lhs_dilation)
    spread = ones if rhs_dilation is None else _ints(rhs_dilation)
    if isinstance(padding, str) and any(n != 1 for n in between):
        raise ValueError(
            at_user_line(
                "String padding is not implemented for transposed convolution using this op. "
                "Please either exactly specify the required padding or use conv_transpose."
            )
        )
    _check(x, w, numbers, window_strides, feature_group_count, batch_group_count)
    for name, given in (("lhs_dilation", between), ("rhs_dilation", spread)):
        if len(given) != len(ones):
            raise type_error(
                f"conv_general_dilated: expected {len(ones)} numbers for {name}, one for each "
                f"spatial axis; got {given}"
            )
    if isinstance(padding, str):
        window = [dilated(w.shape[a], d) for a, d in zip(numbers[1][2:], spread, strict=True)]
        spatial = [x.shape[a] for a in numbers[0][2:]]
        padding = padtype_to_pads(spatial, window, window_strides, padding)
    pads = _pairs(padding)
    _check_padding(x, numbers, pads, between)
    return apply(
        ops.convolution,
        x,
        w,
        specs=tuple(tuple(map(int, spec)) for spec in numbers),
        strides=_ints(window_strides),
        padding=pads,
        lhs_dilation=between,
        rhs_dilation=spread,
        feature_groups=int(feature_group_count),
        batch_groups=int(batch_group_count),
    )


def conv(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: str,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """`conv_general_dilated` of an input (N, C, spatial...) and a kernel (O, I, spatial...) without
    dilation.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.conv(jnp.ones((1, 1, 4)), jnp.ones((1, 1, 3)), (1,), "SAME")
    Array([[[2., 3., 3., 2.]]])
    """
    return conv_general_dilated(
        lhs, rhs, window_strides, padding, preferred_element_type=preferred_element_type
    )


def conv_with_general_padding(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None,
    rhs_dilation: Sequence[int] | None,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """`conv_general_dilated` of an input (N, C, spatial...) and a kernel (O, I, spatial...).

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> x, w = jnp.ones((1, 1, 4)), jnp.ones((1, 1, 2))
    >>> lax.conv_with_general_padding(x, w, (1,), [(1, 0)], None, (2,))
    Array([[[1., 2., 2.]]])
    """
    return conv_general_dilated(
        lhs,
        rhs,
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        preferred_element_type=preferred_element_type,
    )


_TRANSPOSED = {
    2: ("NC", "IO", "NC"),
    3: ("NHC", "HIO", "NHC"),
    4: ("NHWC", "HWIO", "NHWC"),
    5: ("NHWDC", "HWDIO", "NHWDC"),
}


@hides_internals
def conv_transpose(
    lhs: Any,
    rhs: Any,
    strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    transpose_kernel: bool = False,
    precision: Any = None,
    preferred_element_type: Any = None,
    use_consistent_padding: bool = False,
) -> Any:
    """Convolution with the fractional strides 1 / `strides`: `lhs` dilated by `strides`.

    Default dimension numbers are ("NHWC", "HWIO", "NHWC"). "SAME" and "VALID" are the padding of
    the convolution that this turns round; pairs are padding of the dilated input, or, with
    `use_consistent_padding`, of that convolution too. With `transpose_kernel` the kernel is
    reversed and its in and out features exchanged: the gradient of a convolution.

    Raises ValueError for other paddings and for a rank above 5 without dimension numbers.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.conv_transpose(jnp.ones((1, 2, 1)), jnp.ones((2, 1, 1)), (2,), "SAME")[0, :, 0]
    Array([1., 1., 1., 1.])
    """
    x, w = _operands(lhs, rhs, preferred_element_type)
    if dimension_numbers is None:
        if x.ndim not in _TRANSPOSED:
            raise ValueError(at_user_line("No 4+ dimensional dimension_number defaults."))
        dimension_numbers = _TRANSPOSED[x.ndim]
    numbers = conv_dimension_numbers(x.shape, w.shape, dimension_numbers)
    rhs_spec = numbers.rhs_spec
    spread = (1,) * (x.ndim - 2) if rhs_dilation is None else _ints(rhs_dilation)
    pads: Any = padding
    if use_consistent_padding or padding in ("SAME", "VALID"):
        window = [dilated(w.shape[a], d) for a, d in zip(rhs_spec[2:], spread, strict=True)]
        given = [padding] * len(strides) if isinstance(padding, str) else list(padding)
        pads = [turned_round(*one) for one in zip(window, strides, given, strict=True)]
    if transpose_kernel:
        w = jnp.swapaxes(jnp.flip(w, tuple(rhs_spec[2:])), rhs_spec[0], rhs_spec[1])
    return conv_general_dilated(x, w, (1,) * (x.ndim - 2), pads, strides, spread, numbers)


@hides_internals
def conv_general_dilated_patches(
    lhs: Any,
    filter_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """The windows that `conv_general_dilated` would see, each flattened into the feature axis: of
    shape (N, C * window size, windows...), features slowest, for the default dimension numbers.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.conv_general_dilated_patches(jnp.arange(4.0).reshape(1, 1, 4), (2,), (1,), "VALID")
    Array([[[0., 1., 2.],
            [1., 2., 3.]]])
    """
    x = as_array_operand(lhs)
    size, window = int(np.prod(filter_shape)), tuple(filter_shape)
    numbers = conv_dimension_numbers(x.shape, (1, 1, *window), dimension_numbers)
    features = x.shape[numbers.lhs_spec[1]]
    # Output feature (i, k) picks place k of the window of feature i.
    picks = np.broadcast_to(np.eye(size, dtype=x.dtype), (features, size, size))
    kernel = np.moveaxis(
        picks.reshape(features * size, 1, *window), (0, 1), tuple(numbers.rhs_spec[:2])
    )
    return conv_general_dilated(
        x,
        np.ascontiguousarray(kernel),
        window_strides,
        padding,
        lhs_dilation,
        rhs_dilation,
        numbers,
        feature_group_count=features,
        preferred_element_type=preferred_element_type,
    )


@hides_internals
def conv_general_dilated_local(
    lhs: Any,
    rhs: Any,
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    filter_shape: Sequence[int],
    lhs_dilation: Sequence[int] | None = None,
    rhs_dilation: Sequence[int] | None = None,
    dimension_numbers: ConvGeneralDilatedDimensionNumbers = None,
    precision: Any = None,
) -> Any:
    """Convolution with a kernel of its own at each place of the result.

    The spatial axes of `rhs` are those of the result; its in features are the window's elements, in
    the order of `conv_general_dilated_patches`.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> x, w = jnp.arange(4.0).reshape(1, 1, 4), jnp.ones((1, 2, 3)) * jnp.arange(3.0)
    >>> lax.conv_general_dilated_local(x, w, (1,), "VALID", (2,))
    Array([[[ 0.,  3., 10.]]])
    """
    x, w = _operands(lhs, rhs, None)
    patches = conv_general_dilated_patches(
        x, filter_shape, window_strides, padding, lhs_dilation, rhs_dilation, dimension_numbers
    )
    numbers = conv_dimension_numbers(x.shape, (1, 1, *filter_shape), dimension_numbers)
    _, rhs_spec, out_spec = numbers
    places = sorted(zip(out_spec[2:], rhs_spec[2:], strict=True))
    out = apply(
        ops.dot,
        patches,
        w,
        contract=((out_spec[1],), (rhs_spec[1],)),
        batch=(tuple(a for a, _ in places), tuple(b for _, b in places)),
    )
    return jnp.moveaxis(out, (-2, -1), (out_spec[0], out_spec[1]))


# Operands and their checks.


def _operands(lhs: Any, rhs: Any, dtype: Any) -> tuple[Operand, Operand]:
    x, w = as_array_operand(lhs), as_array_operand(rhs)
    found = common_dtype([x, w]) if dtype is None else as_dtype(dtype)
    if found.kind == "b":
        raise type_error("conv_general_dilated: expected numbers; got operands of dtype bool")
    if min(x.ndim, w.ndim) < 2:
        raise type_error(
            "conv_general_dilated: expected a batch axis, a feature axis and spatial axes; got "
            f"shapes {x.shape} and {w.shape}. Write x[None, None] for one example of one feature"
        )
    return convert(x, found), convert(w, found)


def _ints(numbers: Sequence[int]) -> tuple[int, ...]:
    return tuple(operator.index(n) for n in numbers)


def _pairs(padding: Any) -> tuple[tuple[int, int], ...]:
    try:
        return tuple((operator.index(low), operator.index(high)) for low, high in padding)
    except (ValueError, TypeError):
        raise ValueError(
            at_user_line(
                "padding argument to conv_general_dilated should be a string or a sequence of "
                f"(low, high) pairs, got {padding}"
            )
        ) from None


def _check_padding(
    x: Operand,
    numbers: ConvDimensionNumbers,
    pads: tuple[tuple[int, int], ...],
    lhs_dilation: Sequence[int],
) -> None:
    if len(pads) != x.ndim - 2:
        raise type_error(
            f"Wrong number of explicit pads for convolution: expected {x.ndim - 2}, got "
            f"{len(pads)}."
        )
    spatial = tuple(
        dilated(x.shape[a], d) for a, d in zip(numbers.lhs_spec[2:], lhs_dilation, strict=True)
    )
    if any(n + low + high < 0 for n, (low, high) in zip(spatial, pads, strict=True)):
        raise ValueError(at_user_line(cropped(pads, spatial)))


def _check(
    x: Operand,
    w: Operand,
    numbers: ConvDimensionNumbers,
    strides: Sequence[int],
    feature_groups: int,
    batch_groups: int,
) -> None:
    """Raise what JAX raises where shapes and groups do not fit."""
    name = "conv_general_dilated"
    lhs, rhs, _ = numbers
    said = None
    if x.ndim != w.ndim:
        said = (
            f"{name} lhs and rhs must have the same number of dimensions, but got {x.shape} and "
            f"{w.shape}."
        )
        raise ValueError(at_user_line(said))
    batch, features = x.shape[lhs[0]], x.shape[lhs[1]]
    made, seen = w.shape[rhs[0]], w.shape[rhs[1]]
    if not feature_groups > 0:
        said = f"{name} feature_group_count must be a positive integer, got {feature_groups}."
    elif features % feature_groups:
        said = (
            f"{name} feature_group_count must divide lhs feature dimension size, but "
            f"{feature_groups} does not divide {features}."
        )
    elif features // feature_groups != seen:
        said = (
            f"{name} lhs feature dimension size divided by feature_group_count must equal the rhs "
            f"input feature dimension size, but {features} // {feature_groups} != {seen}."
        )
    elif made % feature_groups:
        said = (
            f"{name} rhs output feature dimension size must be a multiple of feature_group_count, "
            f"but {made} is not a multiple of {feature_groups}."
        )
    elif not batch_groups > 0:
        said = f"{name} batch_group_count must be a positive integer, got {batch_groups}."
    elif batch % batch_groups:
        said = (
            f"{name} batch_group_count must divide lhs batch dimension size, but {batch_groups} "
            f"does not divide {batch}."
        )
    elif made % batch_groups:
        said = (
            f"{name} rhs output feature dimension size must be a multiple of batch_group_count, "
            f"but {made} is not a multiple of {batch_groups}."
        )
    elif batch_groups > 1 and feature_groups > 1:
        said = (
            "At most one of batch_group_count and feature_group_count may be > 1, got "
            f"batch_group_count={batch_groups} and feature_group_count={feature_groups}"
        )
    elif len(strides) != x.ndim - 2:
        said = (
            f"{name} window and window_strides must have the same number of dimensions, but got "
            f"{x.ndim - 2} and {len(strides)}"
        )
    if said is not None:
        raise ValueError(at_user_line(said))
