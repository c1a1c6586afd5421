"""Products of vectors, matrices and tensors, all by the one `dot` of the IR.

For programs written for JAX, functions take `precision`, which has no effect (products always have
the full precision of their dtype), and `preferred_element_type`, the dtype to compute in.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import BOOL, INT64

from .arithmetic import conjugate, multiply, subtract
from .joining import stack
from .promotion import (
    Operand,
    as_array_operand,
    as_dtype,
    broadcast_shape,
    common_dtype,
    convert,
    no_out,
)
from .shapes import atleast_1d, broadcast_to, moveaxis, ravel, reshape, squeeze


def contract(
    x: Operand,
    y: Operand,
    axes: tuple[Sequence[int], Sequence[int]],
    batch: tuple[Sequence[int], Sequence[int]] = ((), ()),
) -> Operand:
    """Sum of products over paired `axes`, side by side along paired `batch` axes. The result has
    the batch axes, then the other axes of x, then those of y. Of bools: any of ands."""
    params: dict[str, Any] = {
        "contract": (tuple(axes[0]), tuple(axes[1])),
        "batch": (tuple(batch[0]), tuple(batch[1])),
    }
    if x.dtype.kind == "b":
        counts = apply(ops.dot, convert(x, INT64), convert(y, INT64), **params)
        return convert(counts, BOOL)
    return apply(ops.dot, x, y, **params)


def _pair(x: Any, y: Any, dtype: Any = None) -> tuple[Operand, Operand]:
    """Two operands in their common dtype (or `dtype`)."""
    a, b = as_array_operand(x), as_array_operand(y)
    found = common_dtype([a, b]) if dtype is None else as_dtype(dtype)
    return convert(a, found), convert(b, found)


def dot(
    a: Any,
    b: Any,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: None = None,
) -> Any:
    """Sum over the last axis of `a` and the last but one of `b` (its only one, if a vector).

    The product, if either is a scalar. In the dtype at which theirs meet, or
    `preferred_element_type`; `precision` has no effect. Raises ValueError if the lengths differ.

    >>> import jitad.numpy as jnp
    >>> jnp.dot(jnp.array([1.0, 2.0]), jnp.array([3.0, 4.0]))
    Array(11.)
    """
    x, y = _pair(a, b, preferred_element_type)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    axis = y.ndim - 2 if y.ndim > 1 else 0
    if x.shape[-1] != y.shape[axis]:
        raise ValueError(
            at_user_line(
                f"shapes {_text(x)} and {_text(y)} not aligned: {x.shape[-1]} (dim {x.ndim - 1}) "
                f"!= {y.shape[axis]} (dim {axis})"
            )
        )
    return contract(x, y, ((x.ndim - 1,), (axis,)))


def _text(x: Operand) -> str:
    return str(x.shape).replace(" ", "")


def matmul(
    a: Any,
    b: Any,
    *,
    dtype: Any = None,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: None = None,
) -> Any:
    """Matrix product, the operator `@`, of (..., m, k) and (..., k, n), whose stacks broadcast.

    Vectors stand for a row on the left and a column on the right. In the dtype at which theirs
    meet, or `preferred_element_type`; `precision` has no effect. Raises ValueError for scalars and
    lengths that differ.

    >>> import jitad.numpy as jnp
    >>> jnp.matmul(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, -1.0]))
    Array([-1., -1.])
    """
    x, y = _pair(a, b, preferred_element_type if dtype is None else dtype)
    for position, operand in enumerate((x, y)):
        if operand.ndim == 0:
            raise ValueError(
                at_user_line(
                    f"matmul: Input operand {position} does not have enough dimensions (has 0, "
                    "gufunc core with signature (n?,k),(k,m?)->(n?,m?) requires 1)"
                )
            )
    axis = y.ndim - 2 if y.ndim > 1 else 0
    if x.shape[-1] != y.shape[axis]:
        raise ValueError(
            at_user_line(
                "matmul: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
                f"signature (n?,k),(k,m?)->(n?,m?) (size {y.shape[axis]} is different from "
                f"{x.shape[-1]})"
            )
        )
    if y.ndim <= 2:
        return contract(x, y, ((x.ndim - 1,), (axis,)))
    if x.ndim == 1:
        return contract(y, x, ((axis,), (0,)))
    if x.ndim == 2:
        # (n, stack, m) -> (stack, n, m)
        return moveaxis(contract(x, y, ((1,), (axis,))), 0, -2)
    stacked = broadcast_shape((x.shape[:-2], y.shape[:-2]))
    x = broadcast_to(x, (*stacked, *x.shape[-2:]))
    y = broadcast_to(y, (*stacked, *y.shape[-2:]))
    batch = range(len(stacked))
    return contract(x, y, ((x.ndim - 1,), (y.ndim - 2,)), (batch, batch))


def _require_axes(name: str, signature: str, *operands: tuple[Any, int]) -> None:
    for position, (operand, least) in enumerate(operands):
        ndim = as_array_operand(operand).ndim
        if ndim < least:
            raise ValueError(
                at_user_line(
                    f"{name}: Input operand {position} does not have enough dimensions (has "
                    f"{ndim}, gufunc core with signature {signature} requires {least})"
                )
            )


def matvec(x1: Any, x2: Any, /) -> Any:
    """Matrices (..., m, n) times vectors (..., n), whose stacks broadcast: (..., m).

    Raises ValueError if the lengths differ.

    >>> import jitad.numpy as jnp
    >>> jnp.matvec(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, -1.0]))
    Array([-1., -1.])
    """
    column = as_array_operand(x2)
    _require_axes("matvec", "(m,n),(n)->(m)", (x1, 2), (column, 1))
    return squeeze(matmul(x1, reshape(column, (*column.shape, 1))), -1)


def vecmat(x1: Any, x2: Any, /) -> Any:
    """Conjugated vectors (..., m) times matrices (..., m, n), whose stacks broadcast: (..., n).

    Raises ValueError if the lengths differ.

    >>> import jitad.numpy as jnp
    >>> jnp.vecmat(jnp.array([1.0, -1.0]), jnp.array([[1.0, 2.0], [3.0, 4.0]]))
    Array([-2., -2.])
    """
    row = as_array_operand(x1)
    _require_axes("vecmat", "(n),(n,m)->(m)", (row, 1), (x2, 2))
    row = conjugate(row) if row.dtype.kind == "c" else row
    return squeeze(matmul(reshape(row, (*row.shape[:-1], 1, row.shape[-1])), x2), -2)


def vdot(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """Sum of conj(a) * b over all elements, both flattened.

    Dtypes are those of `dot`. Raises ValueError if the numbers of elements differ.

    >>> import jitad.numpy as jnp
    >>> jnp.vdot(jnp.array([1j, 2.0]), jnp.array([1j, 3.0]))
    Array(7.+0.j)
    """
    x, y = _pair(a, b, preferred_element_type)
    if x.size != y.size:
        raise ValueError(
            at_user_line(f"cannot reshape array of size {y.size} into shape ({x.size},)")
        )
    return contract(
        conjugate(ravel(x)) if x.dtype.kind == "c" else ravel(x), ravel(y), ((0,), (0,))
    )


def vecdot(
    x1: Any,
    x2: Any,
    /,
    *,
    axis: int = -1,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """Sum of conj(x1) * x2 along `axis`; the other axes broadcast.

    Dtypes are those of `dot`. Raises ValueError if the lengths differ.

    >>> import jitad.numpy as jnp
    >>> jnp.vecdot(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, -1.0]))
    Array([-1., -1.])
    """
    x, y = _pair(x1, x2, preferred_element_type)
    x = moveaxis(x, normalize_axis_index(axis, x.ndim), -1)
    y = moveaxis(y, normalize_axis_index(axis, y.ndim), -1)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(
            at_user_line(
                "vecdot: Input operand 1 has a mismatch in its core dimension 0, with gufunc "
                f"signature (n),(n)->() (size {y.shape[-1]} is different from {x.shape[-1]})"
            )
        )
    if x.dtype.kind == "c":
        x = conjugate(x)
    shape = broadcast_shape((x.shape, y.shape))
    x, y = broadcast_to(x, shape), broadcast_to(y, shape)
    batch, last = range(len(shape) - 1), len(shape) - 1
    return contract(x, y, ((last,), (last,)), (batch, batch))


def inner(a: Any, b: Any, *, precision: Any = None, preferred_element_type: Any = None) -> Any:
    """Sum over the last axes of both; the product, if either is a scalar.

    Dtypes are those of `dot`. Raises ValueError if the lengths differ.

    >>> import jitad.numpy as jnp
    >>> jnp.inner(jnp.array([[1.0, 2.0], [3.0, 4.0]]), jnp.array([1.0, -1.0]))
    Array([-1., -1.])
    """
    x, y = _pair(a, b, preferred_element_type)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    if x.shape[-1] != y.shape[-1]:
        raise ValueError(
            at_user_line(
                f"shapes {_text(x)} and {_text(y)} not aligned: {x.shape[-1]} (dim {x.ndim - 1}) "
                f"!= {y.shape[-1]} (dim {y.ndim - 1})"
            )
        )
    return contract(x, y, ((x.ndim - 1,), (y.ndim - 1,)))


def outer(a: Any, b: Any, out: None = None) -> Any:
    """Products of every element of `a` with every one of `b`, both flattened: (m, n).

    In the dtype at which theirs meet.

    >>> import jitad.numpy as jnp
    >>> jnp.outer(jnp.array([1, 2]), jnp.array([10, 20]))
    Array([[10, 20],
           [20, 40]])
    """
    no_out(out)
    x, y = ravel(a), ravel(b)
    return multiply(reshape(x, (x.shape[0], 1)), y)


def tensordot(
    a: Any,
    b: Any,
    axes: Any = 2,
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: None = None,
) -> Any:
    """Sum over paired axes: the last `axes` of `a` with the first of `b`, or two lists of axes.

    The result has the axes left of `a`, then those of `b`. Dtypes are those of `dot`. Raises
    ValueError if the lengths differ.

    >>> import jitad.numpy as jnp
    >>> jnp.tensordot(jnp.ones((2, 3, 4)), jnp.ones((3, 4, 5)), axes=2).shape
    (2, 5)
    >>> jnp.tensordot(jnp.ones((2, 3)), jnp.ones((5, 3)), axes=([1], [1])).shape
    (2, 5)
    """
    x, y = _pair(a, b, preferred_element_type)
    if np.ndim(axes) == 0:
        count = operator.index(axes)
        if count > min(x.ndim, y.ndim):
            # NumPy compares the axes it finds before it misses one.
            pairs = zip(x.shape[x.ndim - count :] if count <= x.ndim else (), y.shape, strict=False)
            kind = ValueError if [1 for n, m in pairs if n != m] else IndexError
            raise kind(at_user_line("tensordot: more axes than the arrays have"))
        of_x: Sequence[int] = range(x.ndim - count, x.ndim)
        of_y: Sequence[int] = range(count)
    else:
        if len(axes) != 2:
            raise ValueError(
                at_user_line(
                    "tensordot: expected a number as axes, or two: the axes of a and those of b, "
                    f"as in axes=([1], [0]); got {axes!r}"
                )
            )
        first, second = axes
        of_x = normalize_axis_tuple(first, x.ndim)
        of_y = normalize_axis_tuple(second, y.ndim)
    if [x.shape[i] for i in of_x] != [y.shape[i] for i in of_y]:
        raise ValueError(
            at_user_line(
                f"shape-mismatch for sum: axes {list(of_x)} of {_text(x)} and {list(of_y)} of "
                f"{_text(y)}"
            )
        )
    return contract(x, y, (of_x, of_y))


def kron(a: Any, b: Any) -> Any:
    """Kronecker product: blocks of `b` scaled by the elements of `a`.

    Each axis has the product of both lengths; new axes in front of that which has fewer.

    >>> import jitad.numpy as jnp
    >>> jnp.kron(jnp.array([1, 10]), jnp.array([[1, 2], [3, 4]]))
    Array([[ 1,  2, 10, 20],
           [ 3,  4, 30, 40]])
    """
    x, y = _pair(a, b)
    ndim = max(x.ndim, y.ndim)
    x = reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    y = reshape(y, (1,) * (ndim - y.ndim) + y.shape)
    left = reshape(x, [n for length in x.shape for n in (length, 1)])
    right = reshape(y, [n for length in y.shape for n in (1, length)])
    product = multiply(left, right)
    return reshape(product, [n * m for n, m in zip(x.shape, y.shape, strict=True)])


def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Cross product of vectors of three components (or of two: the third component) along an axis.

    The other axes broadcast. Raises ValueError for other numbers of components.

    >>> import jitad.numpy as jnp
    >>> jnp.cross(jnp.array([1.0, 0.0, 0.0]), jnp.array([0.0, 1.0, 0.0]))
    Array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = _pair(a, b)
    x = moveaxis(x, normalize_axis_index(axisa, x.ndim), -1)
    y = moveaxis(y, normalize_axis_index(axisb, y.ndim), -1)
    lengths = (x.shape[-1], y.shape[-1])
    if lengths not in ((2, 2), (2, 3), (3, 2), (3, 3)):
        raise ValueError(
            at_user_line("incompatible dimensions for cross product\n(dimension must be 2 or 3)")
        )
    parts_x, parts_y = _components(x), _components(y)
    third = _minor(parts_x, parts_y, 0, 1)
    if lengths == (2, 2):
        return third
    return stack([_minor(parts_x, parts_y, 1, 2), _minor(parts_x, parts_y, 2, 0), third], axisc)


def _components(x: Operand) -> list[Any]:
    """The components along the last axis: three, of which a missing one is 0."""
    found: list[Any] = []
    for i in range(x.shape[-1]):
        start, limit = [0] * x.ndim, list(x.shape)
        start[-1], limit[-1] = i, i + 1
        one = (1,) * x.ndim
        part = apply(ops.slice, x, start=tuple(start), limit=tuple(limit), stride=one)
        found.append(squeeze(part, -1))
    return found if len(found) == 3 else [*found, multiply(found[0], 0)]


def _minor(x: list[Any], y: list[Any], i: int, j: int) -> Operand:
    return subtract(multiply(x[i], y[j]), multiply(x[j], y[i]))


def convolve(
    a: Any,
    v: Any,
    mode: str = "full",
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """Discrete convolution of two vectors: sum over k of a[k] v[n - k].

    `mode` is "full" (m + n - 1 elements), "same" (as long as the longer one) or "valid" (no overlap
    with the outside). Raises ValueError for other modes, and for empty vectors.

    >>> import jitad.numpy as jnp
    >>> jnp.convolve(jnp.array([1, 2, 3]), jnp.array([0, 1, 2]))
    Array([0, 1, 4, 7, 6])
    """
    a, v = atleast_1d(a, v)
    x, y = _pair(a, v, preferred_element_type)
    if x.ndim != 1 or y.ndim != 1:
        raise ValueError(at_user_line("object too deep for desired array"))
    if not x.shape[0] or not y.shape[0]:
        name = "v" if x.shape[0] else "a"
        raise ValueError(at_user_line(f"{name} cannot be empty"))
    if x.shape[0] < y.shape[0]:
        x, y = y, x
    m = y.shape[0]
    bounds = {"full": (m - 1, m - 1), "same": (m // 2, (m - 1) // 2), "valid": (0, 0)}
    if mode not in bounds:
        raise ValueError(
            at_user_line(f"mode must be one of 'valid', 'same', or 'full'; got {mode!r}")
        )
    if x.dtype.kind == "b":
        counts = slide(
            convert(x, INT64), convert(apply(ops.reverse, y, axes=(0,)), INT64), [bounds[mode]]
        )
        return convert(counts, BOOL)
    return slide(x, apply(ops.reverse, y, axes=(0,)), [bounds[mode]])


def slide(x: Any, window: Any, padding: Sequence[tuple[int, int]]) -> Operand:
    """sum over k of x[n + k] window[k], over all axes of `x` with (before, after) zeros around."""
    a, b = _pair(x, window)
    if a.dtype.kind != "c":
        lead = (1, 1)
        given = (reshape(a, (*lead, *a.shape)), reshape(b, (*lead, *b.shape)))
        result = _slid(*given, padding)
        return reshape(result, result.shape[2:])
    # Real and imaginary parts as two features: vectors of either are read as they lie.
    (re, im), (of_re, of_im) = ((apply(ops.real, z), apply(ops.imag, z)) for z in (a, b))
    rows = [stack([of_re, apply(ops.neg, of_im)]), stack([of_im, of_re])]
    result = _slid(stack([re, im])[None], stack(rows), padding)
    return apply(ops.complex, result[0, 0], result[0, 1])


def _slid(x: Operand, window: Operand, padding: Sequence[tuple[int, int]]) -> Operand:
    """The same with two axes in front: one example and features, features of the result and of
    `x`."""
    count = x.ndim - 2
    axes = tuple(range(x.ndim))
    return apply(
        ops.convolution,
        x,
        window,
        specs=(axes, axes, axes),
        strides=(1,) * count,
        padding=tuple(padding),
        lhs_dilation=(1,) * count,
        rhs_dilation=(1,) * count,
        feature_groups=1,
        batch_groups=1,
    )


def correlate(
    a: Any,
    v: Any,
    mode: str = "valid",
    *,
    precision: Any = None,
    preferred_element_type: Any = None,
) -> Any:
    """Cross-correlation of two vectors: sum over k of a[k + n] conj(v[k]).

    Modes and errors are those of `convolve`.

    >>> import jitad.numpy as jnp
    >>> jnp.correlate(jnp.array([1, 2, 3]), jnp.array([0, 1, 2]), mode="full")
    Array([2, 5, 8, 3, 0])
    """
    x, y = _pair(a, v, preferred_element_type)
    if not x.ndim or not y.ndim:
        raise ValueError(at_user_line("object of too small depth for desired array"))
    if x.shape[0] < y.shape[0]:
        swapped = apply(ops.reverse, correlate(y, x, mode), axes=(0,))
        return conjugate(swapped) if swapped.dtype.kind == "c" else swapped
    y = apply(ops.reverse, y, axes=(0,))
    return convolve(x, conjugate(y) if y.dtype.kind == "c" else y, mode)
