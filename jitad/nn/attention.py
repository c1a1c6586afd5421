"""Dot-product attention and scaled products of tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import BOOL, FLOAT32, DType

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_array_operand, as_dtype, common_dtype, convert
from ..trace import apply
from ..transforms.stop import stop_gradient
from .normalizing import logsumexp, softmax

PART = 256
"""Queries in a part of causal attention, at least."""


def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    *,
    scale: Any = None,
    is_causal: bool = False,
    query_seq_lengths: Any = None,
    key_value_seq_lengths: Any = None,
    local_window_size: int | tuple[int, int] | None = None,
    implementation: str | None = None,
    return_residual: bool = False,
) -> Any:
    """softmax(scale query key' + bias) value, head by head (A. Vaswani et al., "Attention is all
    you need", 2017).

    With batch B, T queries, S keys, N query heads, K key heads (which divide N) and length H:
    `query` is [B, T, N, H], `key` and `value` [B, S, K, H], `bias` and the bool `mask` (false: not
    seen) broadcast to [B, N, T, S]; without B all are of one example. `scale` is 1 / sqrt(H) unless
    given. `is_causal` hides later keys, `local_window_size` (left, right) those further away, the
    sequence lengths (int32[B]) what is behind the end. The result is like `query`; with
    `return_residual` also the logarithms [B, T, N] of the softmax's sums.

    Raises ValueError for shapes and dtypes that do not fit.

    >>> from jitad import nn
    >>> import numpy as np
    >>> x = np.arange(3.0).reshape(3, 1, 1)  # three tokens, one head of length 1
    >>> nn.dot_product_attention(x, x, x, is_causal=True)[:, 0, 0]
    Array([0.        , 0.73105858, 1.85093709])
    """
    if implementation not in (None, "xla"):
        raise ValueError(at_user_line(f"Unsupported implementation option: {implementation}"))
    result_shape = as_array_operand(query).shape
    q, k, v = _operands(query, key, value)
    batch, queries, _, length = q.shape
    keys = k.shape[1]
    if bias is not None:
        bias = _four_axes(bias)
        _check("bias", bias, (-1, -1, -1, -1), None)
    scale = 1 / math.sqrt(length) if scale is None else scale
    seen = _seen(mask, local_window_size, queries, keys)
    ends = [_ends(x, batch) for x in (query_seq_lengths, key_value_seq_lengths)]
    if ends[0] is not None:
        seen.append((jnp.arange(queries) < ends[0][:, None])[:, None, :, None])
    if ends[1] is not None:
        seen.append((jnp.arange(keys) < ends[1][:, None])[:, None, None, :])
    # If nothing else is hidden, no row is without a visible key: hidden ones weigh exactly 0.
    parts = _parts(queries) if is_causal and bias is None and not seen else 1
    rows: list[Any] = []
    logits: list[Any] = []
    for number in range(parts):
        start, end = number * queries // parts, (number + 1) * queries // parts
        reached = min(end, keys) if parts > 1 else keys
        hidden = [np.arange(reached) <= np.arange(start, end)[:, None]] if is_causal else []
        logits.append(_logits(q[:, start:end], k[:, :reached], bias, [*hidden, *seen], scale))
        weights = convert(softmax(logits[-1], -1), k.dtype)
        rows.append(jnp.einsum("bnts,bsnh->btnh", weights, v[:, :reached]))
    result = jnp.concatenate(rows, 1) if parts > 1 else rows[0]
    if ends[0] is not None:
        result = jnp.where((jnp.arange(queries) < ends[0][:, None])[..., None, None], result, 0)
    result = jnp.reshape(result, result_shape)
    if not return_residual:
        return result
    sums = jnp.concatenate([logsumexp(rows, -1) for rows in logits], 2)
    residual = jnp.transpose(convert(sums, k.dtype), (0, 2, 1))
    return result, stop_gradient(jnp.reshape(residual, result_shape[:-1]))


def _operands(query: Any, key: Any, value: Any) -> list[Any]:
    """All of them with four axes, and with as many heads."""
    q, k, v = [_four_axes(x) for x in (query, key, value)]
    batch, keys, key_heads, length = k.shape
    _check("value", v, (batch, keys, key_heads, length), k.dtype)
    _check("query", q, (batch, -1, -1, length), k.dtype)
    heads = q.shape[2]
    if heads % key_heads:
        raise ValueError(
            at_user_line(
                "The number of query heads must be a multiple of key/value heads, but got "
                f"{heads} vs {key_heads}"
            )
        )
    if heads > key_heads:
        k, v = [jnp.repeat(x, heads // key_heads, 2) for x in (k, v)]
    return [q, k, v]


def _parts(queries: int) -> int:
    """In how many parts of the queries, of which each reads the keys up to its end alone, causal
    attention is computed: less work, for more code."""
    return 4 if queries >= 4 * PART else 2 if queries >= 2 * PART else 1


def _logits(q: Any, k: Any, bias: Any, seen: list[Any], scale: Any) -> Any:
    """Products of queries and keys [B, N, T, S], very negative where one of `seen` is false."""
    logits = jnp.einsum("btnh,bsnh->bnts", q, k)
    wide = np.promote_types(q.dtype, FLOAT32)
    logits = convert(logits, wide) * scale
    if bias is not None:
        logits = convert(logits + bias, wide)
    for visible in seen:
        # Finite, so that a row without a visible key is no nan.
        logits = jnp.where(visible, logits, -0.7 * float(np.finfo(np.float32).max))
    return logits


def _four_axes(x: Any) -> Any:
    x = as_array_operand(x)
    return jnp.reshape(x, (1,) * (4 - x.ndim) + x.shape) if x.ndim < 4 else x


def _check(name: str, x: Any, shape: Sequence[int], dtype: DType | None) -> None:
    if x.ndim != len(shape):
        raise ValueError(at_user_line(f"{name} ndim should be {len(shape)}, but got {x.ndim}"))
    if dtype is not None and x.dtype != dtype:
        raise ValueError(at_user_line(f"{name} dtype should be {dtype}, but got {x.dtype}"))
    if any([want not in (-1, got) for want, got in zip(shape, x.shape, strict=True)]):
        raise ValueError(at_user_line(f"{name} shape should be {shape}: but got {x.shape}"))


def _seen(mask: Any, window: int | tuple[int, int] | None, queries: int, keys: int) -> list[Any]:
    """Bool arrays that broadcast to the logits: where all are true, the query sees the key."""
    seen: list[Any] = []
    if mask is not None:
        mask = _four_axes(mask)
        _check("mask", mask, (-1, -1, -1, -1), BOOL)
        seen.append(mask)
    of_query, of_key = np.arange(queries)[:, None], np.arange(keys)
    if window is not None:
        left, right = (window, window) if isinstance(window, int) else window
        seen.append((of_query <= of_key + left) & (of_query >= of_key - right))
    return seen


def _ends(lengths: Any, batch: int) -> Any:
    if lengths is None:
        return None
    lengths = as_array_operand(lengths)
    if lengths.shape != (batch,) or lengths.dtype.kind not in "iu":
        raise ValueError(
            at_user_line(
                f"sequence lengths should be int32[{batch}]; got "
                f"{lengths.dtype}{list(lengths.shape)}"
            )
        )
    return lengths


def scaled_matmul(
    lhs: Any, rhs: Any, lhs_scales: Any, rhs_scales: Any, preferred_element_type: Any = np.float32
) -> Any:
    """[B, M, K] by [B, N, K] to [B, M, N], where blocks along K have scales: [B, M, K / block] and
    [B, N, K / block]. Computed in `preferred_element_type`.

    Raises ValueError for shapes that do not fit.

    >>> from jitad import nn
    >>> import numpy as np
    >>> ones, scales = np.ones((1, 1, 4)), np.array([[[1.0, 10.0]]])  # two blocks of 2
    >>> nn.scaled_matmul(ones, ones, scales, np.ones((1, 1, 2)))
    Array([[[22.]]], dtype=float32)
    """
    x, y, x_scales, y_scales = [as_array_operand(a) for a in (lhs, rhs, lhs_scales, rhs_scales)]
    if any([a.ndim != 3 for a in (x, y, x_scales, y_scales)]):
        raise ValueError(
            at_user_line("scaled_matmul requires all inputs to be 3-dimensional arrays")
        )
    for a, b in ((x, y), (x_scales, y_scales)):
        if (a.shape[0], a.shape[2]) != (b.shape[0], b.shape[2]):
            raise ValueError(
                at_user_line(
                    "scaled_matmul requires matching batch (B) and contract (K) dimensions, but "
                    f"got shapes {a.shape} and {b.shape}"
                )
            )
    blocks, size = x_scales.shape[2], x.shape[2]
    if x_scales.shape[1] != x.shape[1] or y_scales.shape[1] != y.shape[1] or size % blocks:
        raise ValueError(
            at_user_line(
                "scaled_matmul requires scales to match non-contract dimensions of inputs and to "
                f"divide the contract one, but got shapes a: {x.shape}, b: {y.shape}, a_scales: "
                f"{x_scales.shape}, b_scales: {y_scales.shape}"
            )
        )
    dtype = as_dtype(preferred_element_type)
    x, y = [
        convert(a, dtype) * jnp.repeat(convert(scales, dtype), size // blocks, 2)
        for a, scales in ((x, x_scales), (y, y_scales))
    ]
    return jnp.einsum("bmk,bnk->bmn", x, y)


def scaled_dot_general(
    lhs: Any,
    rhs: Any,
    dimension_numbers: Any,
    preferred_element_type: Any = np.float32,
    configs: None = None,
    implementation: None = None,
) -> Any:
    """The product of two tensors with `dimension_numbers` ((lhs contracting, rhs contracting), (lhs
    batch, rhs batch)), in `preferred_element_type`.

    Raises ValueError if `configs` ask for scaled blocks of 4 or 8 bits, which CPUs do not have.

    >>> from jitad import nn
    >>> import numpy as np
    >>> x = np.arange(4.0).reshape(2, 2)
    >>> nn.scaled_dot_general(x, x, (((1,), (0,)), ((), ())))
    Array([[ 2.,  3.],
           [ 6., 11.]], dtype=float32)
    """
    if configs is not None:
        raise ValueError(
            at_user_line(
                "scaled_dot_general: expected configs=None, as blocks of 4 and 8 bit floats need a "
                "GPU; use scaled_matmul with scales in floats"
            )
        )
    x, y = as_array_operand(lhs), as_array_operand(rhs)
    dtype = common_dtype([x, y])
    if preferred_element_type is not None:
        dtype = as_dtype(np.promote_types(dtype, as_dtype(preferred_element_type)))
    contract, batch = [tuple([tuple(axes) for axes in pair]) for pair in dimension_numbers]
    product = apply(ops.dot, convert(x, dtype), convert(y, dtype), contract=contract, batch=batch)
    return (
        product
        if preferred_element_type is None
        else convert(product, as_dtype(preferred_element_type))
    )
