"""The pattern of a derivative: exact where the program says so, never too small."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import jitad
import jitad.numpy as jnp
from jitad import lax, sparse

N = 12
X = np.random.default_rng(7).uniform(0.5, 2.0, N)
EVEN = np.arange(N) % 2 == 0


def pattern_at(fun: Callable[[Any], Any], x: Any) -> Any:
    return sparse.jacobian(fun).pattern(x).toarray()


def nonzero(fun: Callable[[Any], Any], x: Any) -> Any:
    dense = np.asarray(jitad.jacfwd(fun)(x))
    return dense.reshape(-1, np.size(x)) != 0


def stencil(i: Any, y: Any) -> Any:
    return y.at[i].set(jnp.asarray(X)[i] * y[i - 1] + y[i])


EXACT: dict[str, Callable[[Any], Any]] = {
    "neighbours": lambda x: x[1:] ** 2 - x[:-1],
    "cumsum": lambda x: jnp.cumsum(x**2),
    "cumsum reverse": lambda x: lax.cumsum(x.reshape(3, 4), axis=0, reverse=True),
    "cumprod": lambda x: jnp.cumprod(x),
    "linear recurrence": lambda x: lax.associative_scan(jnp.multiply, x),
    "matrix product": lambda x: x.reshape(3, 4) @ jnp.ones((4, 2)),
    "both factors": lambda x: x.reshape(3, 4) @ x.reshape(4, 3),
    "batched products": lambda x: x.reshape(3, 2, 2) @ x.reshape(3, 2, 2),
    "a known matrix with zeros": lambda x: np.diag(np.arange(float(N))) @ jnp.sin(x),
    "a product from the right": lambda x: x.reshape(3, 4) @ np.tri(4),
    "an outer product": lambda x: jnp.outer(x[:3], x[3:6]),
    "convolve": lambda x: jnp.convolve(x, np.array([1.0, 2.0, 1.0]), "same"),
    "convolve with x": lambda x: jnp.convolve(np.arange(1.0, 6.0), x, "valid"),
    "correlate in groups": lambda x: lax.conv_general_dilated(
        x.reshape(1, 2, 6), np.ones((4, 1, 3)), (2,), [(1, 1)], feature_group_count=2
    ),
    "a dilated convolution": lambda x: lax.conv_general_dilated(
        x.reshape(2, 1, 6), np.ones((1, 1, 2)), (1,), [(1, 2)], lhs_dilation=(2,), rhs_dilation=(3,)
    ),
    "sums of windows": lambda x: lax.reduce_window(x, 0.0, lax.add, (3,), (2,), "SAME"),
    "a known choice": lambda x: jnp.where(EVEN, x, x[::-1] ** 2),
    "a known mask": lambda x: EVEN * x,
    "a choice by a value": lambda x: jnp.where(x > 1, x, -x),
    "updates": lambda x: jnp.zeros(N).at[np.array([1, 3, 5])].add(x[:3]).at[2].set(x[0]),
    "replaced elements": lambda x: x.at[3:6].set(x[:3] ** 2),
    "a known slice": lambda x: lax.dynamic_slice(x, (3,), (4,)) ** 2,
    "updates in place": lambda x: lax.dynamic_update_slice(x, x[:2] ** 2, (5,)),
    "known indices": lambda x: x[np.array([1, 5, 5, -1])] * jnp.sum(x[:2]),
    "rows by indices": lambda x: x.reshape(4, 3)[np.array([2, 0])],
    "pad": lambda x: jnp.pad(x, 1)[2:] - jnp.flip(x) ** 2,
    "concatenate": lambda x: jnp.concatenate([x[5:], x[:2] * x[0], jnp.ones(2)]),
    "transpose": lambda x: x.reshape(3, 4).T.ravel() * x,
    "sums of rows": lambda x: jnp.sum(x.reshape(3, 4) ** 2, axis=1),
    "means, subtracted": lambda x: x.reshape(3, 4) - jnp.mean(x.reshape(3, 4), axis=1)[:, None],
    "a gradient": jitad.grad(lambda x: jnp.sum((x[1:] - x[:-1] ** 2) ** 2)),
    "scan": lambda x: lax.scan(lambda c, v: (c * v, c + v), 1.0, x)[1],
    "scan, backwards": lambda x: lax.scan(lambda c, v: (c * v, v**2), 1.0, x, reverse=True)[1],
    "scan over rows": lambda x: lax.scan(lambda c, r: (c, r[1:] * r[:-1]), 0, x.reshape(3, 4))[1],
    "the number of the step": lambda x: lax.fori_loop(1, 3, stencil, x),
    "a loop that repeats": lambda x: lax.fori_loop(0, 5, lambda i, y: jnp.sin(y), x),
    "a long loop": lambda x: lax.fori_loop(0, 20_000, lambda i, y: 0.9999 * y, x),
    "while": lambda x: lax.while_loop(
        lambda c: c[1] < 5, lambda c: (jnp.sin(c[0]) * c[0], c[1] + 2), (x, 0)
    )[0],
    "an update of a row that varies": lambda x: lax.dynamic_update_slice(
        jnp.zeros((5, N)), x[None], (jnp.argmax(x) * 0 + 2, 0)
    )[2],
    "a known branch": lambda x: lax.cond(np.True_, lambda x: x * 2, lambda x: x[::-1], x),
    "checkpoint": lambda x: jitad.checkpoint(jnp.sin)(x) + jitad.nn.relu(x),
    "jit inside": lambda x: jitad.jit(lambda x: x[1:] * x[:-1])(x),
    "vmap": jitad.vmap(lambda v: v**2 + 1),
    "stop_gradient": lambda x: x * lax.stop_gradient(x[::-1]),
    "floor": lambda x: x + jnp.floor(x[::-1]),
    "inverses of blocks": lambda x: jnp.linalg.inv(x.reshape(3, 2, 2) + 3 * np.eye(2)),
}


@pytest.mark.parametrize("name", EXACT)
def test_patterns_are_exact(name: str) -> None:
    fun = EXACT[name]
    assert_array_equal(pattern_at(fun, X), nonzero(fun, X))


WIDER: dict[str, Callable[[Any], Any]] = {
    "multiplied elements": lambda x: x.at[np.array([1, 4])].multiply(x[6:8]),
    "while, with neighbours": lambda x: lax.while_loop(
        lambda c: c[1] < 5, lambda c: (jnp.sin(c[0]) + jnp.roll(c[0], 1), c[1] + 2), (x, 0)
    )[0],
    "an index that varies": lambda x: x[jnp.argsort(x)[0]] * x,
    "a slice that varies": lambda x: lax.dynamic_slice(x, (jnp.argmax(x) // 2,), (4,)),
    "an update that varies": lambda x: x.at[jnp.argmin(x)].set(x[0] ** 2),
    "a branch that varies": lambda x: lax.cond(x[0] > 0, lambda x: x * 2, lambda x: x[::-1], x),
    "sort": jnp.sort,
    "solve": lambda x: jnp.linalg.solve(x[:9].reshape(3, 3) + 3 * np.eye(3), x[9:]),
    "fft": lambda x: jnp.fft.rfft(x.reshape(3, 4)).real,
    "maxima": lambda x: jnp.max(x.reshape(3, 4), axis=1),
    "a mask of a value": lambda x: jnp.where(EVEN, x, 0) * jnp.roll(x, 1),
    "a long loop of rows": lambda x: lax.scan(
        lambda c, v: (c + v * x[1], c), x[0], jnp.ones(20_000)
    )[1][::5_000],
}


@pytest.mark.parametrize("name", WIDER)
def test_patterns_are_never_too_small(name: str) -> None:
    fun = WIDER[name]
    found, true = pattern_at(fun, X), nonzero(fun, X)
    assert not np.any(true & ~found)


def test_blocks_stay_apart_where_a_row_is_looked_for() -> None:
    """Rows are picked by an index that is not known: columns are not mixed."""
    found = pattern_at(lambda x: x.reshape(4, 3)[jnp.argmax(x[:4])], X)
    assert_array_equal(found, np.tile(np.eye(3, dtype=bool), 4))


def test_loops_whose_steps_are_not_looked_at_one_by_one_say_more() -> None:
    def chain(x: Any) -> Any:
        return lax.scan(lambda c, v: (v, c * v), x[0], jnp.broadcast_to(x[1], 20_000))[1][:3]

    assert_array_equal(pattern_at(chain, X)[:, 2:], False)
    assert_array_equal(pattern_at(chain, X)[:, :2], True)
