"""The kernel's cotangent of a convolution with a window of one place: a product of matrices.

    w[o, i] = sum_{b, s} ct[b, o, s] x[b, i, s stride]

The sum goes over all places, thousands for each element. As a convolution, whose window is all of
an image, it falls into blocks, between which results are in memory; BLAS copies both operands to an
order in which it reads them from the first level of cache.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..graph import Value
from ..op import Unknown
from .dot import dot
from .shape import reshape
from .slicing import slice_
from .sliding import Ints, Padding

MADE, AREA, PLACES = 64, 1536, 1024
"""Out features, elements of the kernel, and products in each sum from which on this is faster: else
the result is in registers all the time."""


def is_product(
    ct: Value,
    x: Value,
    w: Unknown,
    *,
    specs: tuple[Ints, Ints, Ints],
    padding: Padding,
    lhs_dilation: Ints,
    feature_groups: int,
    batch_groups: int,
) -> bool:
    """Whether the window is one place, features lie side by side in both operands, whose other axes
    are in one order, and there are so many that a product of matrices is the faster way."""
    lhs, rhs, out = specs
    window = [w.shape[a] for a in rhs[2:]]
    plain = all(n == 1 for n in (*window, *lhs_dilation, feature_groups, batch_groups))
    if not plain or any(pad != (0, 0) for pad in padding) or x.dtype.kind not in "fc":
        return False
    places = math.prod([ct.shape[a] for a in (out[0], *out[2:])])
    large = w.shape[rhs[0]] >= MADE and math.prod(w.shape) >= AREA and places >= PLACES
    return large and lhs == out and lhs[1] == x.ndim - 1


def kernel_cotangent(
    ct: Value, x: Value, w: Unknown, lhs: Ints, rhs: Ints, strides: Sequence[int]
) -> Value:
    """The product, in the shape of w."""
    stride = [1] * x.ndim
    for axis, step in zip(lhs[2:], strides, strict=True):
        stride[axis] = step
    if max(stride) > 1:
        x = slice_(x, start=(0,) * x.ndim, limit=x.shape, stride=tuple(stride))
    others = tuple(range(x.ndim - 1))
    first, second = (x, ct) if rhs[1] < rhs[0] else (ct, x)
    product = dot(first, second, contract=(others, others), batch=((), ()))
    return reshape(product, shape=w.shape)
