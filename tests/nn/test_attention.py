"""Attention against a loop over heads; scaled products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import jitad
import jitad.numpy as jnp
from jitad import nn
from jitad.nn import attention

RNG = np.random.default_rng(2)
B, T, S, N, K, H = 2, 5, 7, 4, 2, 8
Q, KEY, VALUE = [RNG.normal(size=s) for s in ((B, T, N, H), (B, S, K, H), (B, S, K, H))]
ROW, COLUMN = np.arange(T)[:, None], np.arange(S)


def reference(hidden: Any, bias: Any = 0.0, scale: float = 1 / np.sqrt(H)) -> Any:
    result = np.zeros((B, T, N, H))
    hidden = np.broadcast_to(hidden, (B, N, T, S))
    bias = np.broadcast_to(bias, (B, N, T, S))
    for b in range(B):
        for n in range(N):
            logits = Q[b, :, n] @ KEY[b, :, n // (N // K)].T * scale + bias[b, n]
            logits = np.where(hidden[b, n], -np.inf, logits)
            result[b, :, n] = scipy.special.softmax(logits, -1) @ VALUE[b, :, n // (N // K)]
    return result


BIAS = RNG.normal(size=(B, N, T, S))
MASK = RNG.random((B, 1, T, S)) > 0.4
MASK[..., 0] = True
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {"hidden": False}),
    "scale": ({"scale": 0.3}, {"hidden": False, "scale": 0.3}),
    "causal": ({"is_causal": True}, {"hidden": COLUMN > ROW}),
    "window": ({"local_window_size": 2}, {"hidden": np.abs(COLUMN - ROW) > 2}),
    "left": ({"local_window_size": (1, 0)}, {"hidden": (COLUMN > ROW) | (COLUMN < ROW - 1)}),
    "bias": ({"bias": BIAS}, {"hidden": False, "bias": BIAS}),
    "mask": ({"mask": MASK}, {"hidden": ~MASK}),
    "lengths": (
        {"key_value_seq_lengths": np.array([7, 4], np.int32)},
        {"hidden": np.array([7, 4])[:, None, None, None] <= COLUMN},
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_attention(name: str) -> None:
    given, expected = OPTIONS[name]

    def attend(q: Any, k: Any, v: Any) -> Any:
        return nn.dot_product_attention(q, k, v, **given)

    for found in (attend(Q, KEY, VALUE), jitad.jit(attend)(Q, KEY, VALUE)):
        np.testing.assert_allclose(found, reference(**expected), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize(("queries", "keys"), [(5, 7), (5, 3), (4, 4), (1, 1)])
def test_causal_attention_in_parts(
    part: int, queries: int, keys: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any number of parts the results, residuals and gradients are those of one part."""
    q, k, v = Q[:, :queries], KEY[:, :keys], VALUE[:, :keys]

    def attend(q: Any, k: Any, v: Any) -> Any:
        return nn.dot_product_attention(q, k, v, is_causal=True, return_residual=True)

    def all_of() -> Any:
        outputs = attend(q, k, v)
        gradients = jitad.grad(lambda *x: jnp.sum(attend(*x)[0] ** 2), argnums=(0, 1, 2))
        return outputs, jitad.jit(gradients)(q, k, v)

    expected = all_of()
    monkeypatch.setattr(attention, "PART", part)
    for got, value in zip(*map(jitad.tree.leaves, (all_of(), expected)), strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-10, atol=1e-12)


def test_parts_of_long_causal_attention() -> None:
    """Keys that no query of a part sees are not read: there is less to be computed."""
    x = np.zeros((1, 2048, 1, 16), np.float32)

    def flops(is_causal: bool) -> float:
        attend = jitad.jit(lambda x: nn.dot_product_attention(x, x, x, is_causal=is_causal))
        return attend.lower(x).cost_analysis()["flops"]

    assert flops(True) < 0.7 * flops(False)


def test_lengths_of_queries_and_residual() -> None:
    lengths = np.array([3, 5], np.int32)
    result, residual = nn.dot_product_attention(
        Q, KEY, VALUE, query_seq_lengths=lengths, return_residual=True
    )
    assert not result[0, 3:].any() and residual.shape == (B, T, N)
    np.testing.assert_allclose(result[1], reference(False)[1], rtol=1e-10)
    logits = Q[1, :, 0] @ KEY[1, :, 0].T / np.sqrt(H)
    np.testing.assert_allclose(residual[1, :, 0], scipy.special.logsumexp(logits, -1))


def test_without_a_batch_and_in_float32() -> None:
    alone = nn.dot_product_attention(Q[0], KEY[0], VALUE[0])
    np.testing.assert_allclose(alone, reference(False)[0], rtol=1e-10)
    narrow = nn.dot_product_attention(*[x.astype("float32") for x in (Q, KEY, VALUE)])
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, reference(False), rtol=1e-4, atol=1e-5)


def test_gradient() -> None:
    def loss(q: Any) -> Any:
        return jnp.sum(nn.dot_product_attention(q, KEY, VALUE, is_causal=True) ** 2)

    direction, step = RNG.normal(size=Q.shape), 1e-6
    numeric = (loss(Q + step * direction) - loss(Q - step * direction)) / (2 * step)
    np.testing.assert_allclose(np.sum(jitad.grad(loss)(Q) * direction), numeric, rtol=1e-6)


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((Q, KEY, VALUE[:, :3]), {}, "value shape should be"),
        ((Q.astype("float32"), KEY, VALUE), {}, "query dtype should be float64"),
        ((Q[:, :, :3], KEY, VALUE), {}, "multiple of key/value heads, but got 3 vs 2"),
        ((Q, KEY, VALUE), {"mask": np.ones((B, 1, T, S))}, "mask dtype should be bool"),
        ((Q, KEY, VALUE), {"implementation": "cudnn"}, "Unsupported implementation"),
        ((Q, KEY, VALUE), {"query_seq_lengths": np.ones(3)}, "sequence lengths"),
    ],
)
def test_errors(args: Any, kwargs: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.dot_product_attention(*args, **kwargs)


def test_scaled_products() -> None:
    x, y = RNG.normal(size=(2, 3, 8)), RNG.normal(size=(2, 5, 8))
    x_scales, y_scales = RNG.uniform(size=(2, 3, 2)), RNG.uniform(size=(2, 5, 2))
    whole = np.repeat(x_scales, 4, 2) * x, np.repeat(y_scales, 4, 2) * y
    found = nn.scaled_matmul(x, y, x_scales, y_scales, np.float64)
    np.testing.assert_allclose(found, whole[0] @ np.swapaxes(whole[1], 1, 2))
    assert nn.scaled_matmul(x, y, x_scales, y_scales).dtype == np.float32
    with pytest.raises(ValueError, match="scales to match"):
        nn.scaled_matmul(x, y, x_scales[:, :2], y_scales)
    product = nn.scaled_dot_general(x, y, (((2,), (2,)), ((0,), (0,))))
    np.testing.assert_allclose(product, x @ np.swapaxes(y, 1, 2), rtol=1e-6)
    assert product.dtype == np.float32
    with pytest.raises(ValueError, match="configs=None"):
        nn.scaled_dot_general(x, y, (((2,), (2,)), ((0,), (0,))), configs=[1])
