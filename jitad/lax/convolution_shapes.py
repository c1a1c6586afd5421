"""Shapes of convolutions: dimension numbers, padding by name, shapes of results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

from ..errors import at_user_line, hides_internals


class ConvDimensionNumbers(NamedTuple):
    """Which axis of a convolution's operands means what.

    `lhs_spec` and `out_spec` number the axes (batch, feature, spatial...) of the input and the
    result, `rhs_spec` those of the kernel: (out feature, in feature, spatial...).

    >>> from jitad import lax
    >>> import numpy as np
    >>> numbers = lax.ConvDimensionNumbers((0, 2, 1), (2, 1, 0), (0, 2, 1))  # NWC, WIO, NWC
    >>> x, kernel = np.arange(4.0).reshape(1, 4, 1), np.ones((2, 1, 1))
    >>> lax.conv_general_dilated(x, kernel, (1,), "VALID", dimension_numbers=numbers).shape
    (1, 3, 1)
    """

    lhs_spec: Sequence[int]
    rhs_spec: Sequence[int]
    out_spec: Sequence[int]


ConvGeneralDilatedDimensionNumbers: TypeAlias = "tuple[str, str, str] | ConvDimensionNumbers | None"
"""What `dimension_numbers` may be: three strings, numbers, or None for ("NCHW", "OIHW", "NCHW")."""


def conv_general_permutations(
    dimension_numbers: Sequence[str],
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The axes that three strings such as ("NHWC", "HWIO", "NHWC") name: of the input (N, C,
    spatial...), of the kernel (O, I, spatial...), of the result (N, C, spatial...), spatial axes in
    the kernel's order.

    Raises TypeError if a letter is missing, is there twice, or the spatial letters differ.

    >>> from jitad import lax
    >>> lax.conv_general_permutations(("NHWC", "HWIO", "NHWC"))
    ((0, 3, 1, 2), (3, 2, 0, 1), (0, 3, 1, 2))
    """
    specs = dimension_numbers
    is_sequence = isinstance(specs, (tuple, list)) and len(specs) == 3
    if not is_sequence or not all(isinstance(spec, str) for spec in specs):
        raise type_error(f"convolution dimension_numbers must be three strings, got {specs!r}.")
    kernel = dimension_numbers[1]
    pairs = (("N", "C"), ("O", "I"), ("N", "C"))
    for i, (spec, (a, b)) in enumerate(zip(dimension_numbers, pairs, strict=True)):
        if not spec.count(a) == spec.count(b) == 1:
            raise type_error(
                f"convolution dimension_numbers[{i}] must contain the characters '{a}' and '{b}' "
                f"exactly once, got {spec}."
            )
        if len(spec) != len(set(spec)):
            raise type_error(
                f"convolution dimension_numbers[{i}] cannot have duplicate characters, got {spec}."
            )
    spatial = [set(spec) - set(pair) for spec, pair in zip(dimension_numbers, pairs, strict=True)]
    if not spatial[0] == spatial[1] == spatial[2]:
        raise type_error(
            "convolution dimension_numbers elements must each have the same set of spatial "
            f"characters, got {tuple(dimension_numbers)}."
        )
    letters = [c for c in kernel if c not in "OI"]
    lhs, rhs, out = [
        (spec.index(a), spec.index(b), *[spec.index(c) for c in letters])
        for spec, (a, b) in zip(dimension_numbers, pairs, strict=True)
    ]
    return lhs, rhs, out


def conv_dimension_numbers(
    lhs_shape: Sequence[int], rhs_shape: Sequence[int], dimension_numbers: Any
) -> ConvDimensionNumbers:
    """`dimension_numbers` (three strings, a ConvDimensionNumbers, or None) as numbers of axes.

    Raises TypeError if the shapes have different lengths or the strings do not fit them.

    >>> from jitad import lax
    >>> lax.conv_dimension_numbers((1, 3, 8), (4, 3, 2), ("NCW", "OIW", "NCW")).out_spec
    (0, 1, 2)
    """
    if isinstance(dimension_numbers, ConvDimensionNumbers):
        return dimension_numbers
    rank = len(lhs_shape)
    if rank != len(rhs_shape):
        raise type_error(
            f"convolution requires lhs and rhs ndim to be equal, got {rank} and {len(rhs_shape)}."
        )
    if dimension_numbers is None:
        same = tuple(range(rank))
        return ConvDimensionNumbers(same, same, same)
    if not isinstance(dimension_numbers, (list, tuple)):
        raise type_error(
            "convolution dimension_numbers must be tuple/list or None, got "
            f"{type(dimension_numbers)}."
        )
    given: Sequence[Any] = dimension_numbers
    if len(given) != 3:
        raise type_error(
            f"convolution dimension_numbers list/tuple must be length 3, got {len(given)}."
        )
    if not all(isinstance(spec, str) for spec in given):
        raise type_error(
            "convolution dimension_numbers elements must be strings, got "
            f"{tuple(map(type, given))}."
        )
    for i, spec in enumerate(given):
        if len(spec) != rank:
            raise type_error(
                f"convolution dimension_numbers[{i}] must have len equal to the ndim of lhs and "
                f"rhs, got {spec} for lhs and rhs shapes {tuple(lhs_shape)} and "
                f"{tuple(rhs_shape)}."
            )
    return ConvDimensionNumbers(*conv_general_permutations(given))


@hides_internals
def padtype_to_pads(
    in_shape: Any, window_shape: Any, window_strides: Any, padding: str
) -> list[tuple[int, int]]:
    """The (low, high) padding of each axis that "VALID" (none), "SAME" (as many windows as strides,
    the odd element at the end) or "SAME_LOWER" (at the start) stand for.

    Raises RuntimeError for other strings.

    >>> from jitad import lax
    >>> lax.padtype_to_pads((5, 6), (2, 3), (1, 2), "SAME")
    [(0, 1), (0, 1)]
    """
    kind = str(getattr(padding, "name", padding)).upper()
    if kind not in ("VALID", "SAME", "SAME_LOWER"):
        raise RuntimeError(
            at_user_line(
                "Unrecognized padding type: expected 'VALID', 'SAME', or 'SAME_LOWER', got "
                f"{padding}."
            )
        )
    found: list[tuple[int, int]] = []
    for n, k, stride in zip(in_shape, window_shape, window_strides, strict=True):
        count = -(-int(n) // int(stride))
        total = max((count - 1) * int(stride) + int(k) - int(n), 0) if kind != "VALID" else 0
        low = total // 2 if kind == "SAME" else total - total // 2
        found.append((low, total - low))
    return found


@hides_internals
def conv_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    strides: Sequence[int],
    pads: str | Sequence[tuple[int, int]],
    batch_group_count: int = 1,
) -> tuple[int, ...]:
    """Shape of a convolution of an input (N, C, spatial...) and a kernel (O, I, spatial...), both
    dilated already.

    >>> from jitad import lax
    >>> lax.conv_shape_tuple((8, 3, 28, 28), (32, 3, 3, 3), (2, 2), "SAME")
    (8, 32, 14, 14)
    """
    if isinstance(pads, str):
        pads = padtype_to_pads(lhs_shape[2:], rhs_shape[2:], strides, pads)
    if len(pads) != len(lhs_shape) - 2:
        raise type_error(
            "Wrong number of explicit pads for convolution: expected "
            f"{len(lhs_shape) - 2}, got {len(pads)}."
        )
    padded = [n + low + high for n, (low, high) in zip(lhs_shape[2:], pads, strict=True)]
    if any(n < 0 for n in padded):
        raise ValueError(at_user_line(cropped(pads, tuple(lhs_shape[2:]))))
    places = [
        max((n - k) // stride + 1, 0) if n else 0
        for n, k, stride in zip(padded, rhs_shape[2:], strides, strict=True)
    ]
    return (lhs_shape[0] // batch_group_count, rhs_shape[0], *places)


def conv_general_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:
    """`conv_shape_tuple` for axes in the order of `dimension_numbers`.

    >>> from jitad import lax
    >>> numbers = ("NHWC", "HWIO", "NHWC")
    >>> lax.conv_general_shape_tuple((8, 28, 28, 3), (3, 3, 3, 32), (1, 1), "VALID", numbers)
    (8, 26, 26, 32)
    """
    lhs, rhs, out = conv_general_permutations(dimension_numbers)
    shape = conv_shape_tuple(
        [lhs_shape[a] for a in lhs], [rhs_shape[a] for a in rhs], window_strides, padding
    )
    return tuple(shape[out.index(a)] for a in range(len(out)))


def conv_transpose_shape_tuple(
    lhs_shape: Sequence[int],
    rhs_shape: Sequence[int],
    window_strides: Sequence[int],
    padding: str | Sequence[tuple[int, int]],
    dimension_numbers: Sequence[str],
) -> tuple[int, ...]:
    """Shape of `conv_transpose` for axes in the order of `dimension_numbers`.

    >>> from jitad import lax
    >>> numbers = ("NHWC", "HWIO", "NHWC")
    >>> lax.conv_transpose_shape_tuple((8, 14, 14, 32), (3, 3, 32, 3), (2, 2), "SAME", numbers)
    (8, 28, 28, 3)
    """
    lhs, rhs, out = conv_general_permutations(dimension_numbers)
    x, w = [lhs_shape[a] for a in lhs], [rhs_shape[a] for a in rhs]
    pads: Any = padding
    if isinstance(padding, str):
        pads = [
            turned_round(k, stride, padding)
            for k, stride in zip(w[2:], window_strides, strict=True)
        ]
    places = [
        (n - 1) * stride - k + 2 + sum(pad)
        for n, k, stride, pad in zip(x[2:], w[2:], window_strides, pads, strict=True)
    ]
    shape = (x[0], w[0], *places)
    return tuple(shape[out.index(a)] for a in range(len(out)))


def turned_round(k: int, stride: int, padding: Any) -> tuple[int, int]:
    """(low, high) of a dilated axis, over which a window of k slides, for the `padding` of the
    convolution in the other direction."""
    if padding == "SAME":
        total = k + stride - 2
        low = k - 1 if stride > k - 1 else -(-total // 2)
    elif padding == "VALID":
        total = k + stride - 2 + max(k - stride, 0)
        low = k - 1
    elif isinstance(padding, (tuple, list)):
        low = k - 1 - padding[0]
        total = low + k - 1 - padding[1]
    else:
        raise ValueError(at_user_line(f"Invalid padding mode: {padding}"))
    return low, total - low


def type_error(message: str) -> TypeError:
    """TypeError with the user's line."""
    return TypeError(at_user_line(message))


def dilated(n: int, by: int) -> int:
    """Length of n elements `by` places apart."""
    return (n - 1) * by + 1 if n else 0


def cropped(pads: Any, spatial: tuple[int, ...]) -> str:
    """The error for padding that takes away more than there is."""
    return (
        "Negative padding is larger than the size of the corresponding dimension: got "
        f"padding={pads} for lhs_shape[2:]={spatial}"
    )
