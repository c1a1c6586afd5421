"""Keys: how they are made, what they are split into, and that they are arrays like others."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax, random

# The words of JAX's keys.
SPLIT_OF_3 = [[3716834203, 3481239269], [1946498123, 2217676430]]
FOLDED_5_IN_3 = [2464363587, 131619366]


def test_seeds_are_the_bits_of_keys() -> None:
    for seed in (0, 42, 2**31, 2**40 + 7, -1, -5, 2**64 - 1):
        key = random.key(seed)
        assert key.shape == () and key.dtype == random.key_dtype()
        assert int(key) == seed % 2**64
        assert random.PRNGKey(seed).tolist() == [int(key) >> 32, int(key) & 0xFFFFFFFF]


def test_narrow_seeds_are_padded_with_zeros() -> None:
    assert int(random.key(np.int32(-3))) == 2**32 - 3
    assert int(random.key(np.int64(-3))) == 2**64 - 3
    assert int(jitad.jit(random.key)(np.int32(-3))) == 2**32 - 3


def test_split_and_fold_in_give_known_keys() -> None:
    assert random.key_data(random.split(random.key(3))).tolist() == SPLIT_OF_3
    assert random.split(random.PRNGKey(3)).tolist() == SPLIT_OF_3
    assert random.key_data(random.fold_in(random.key(3), 5)).tolist() == FOLDED_5_IN_3
    assert random.fold_in(random.PRNGKey(3), 5).tolist() == FOLDED_5_IN_3
    assert random.fold_in(random.key(3), 2**35 + 5) == random.fold_in(random.key(3), 5)


def test_split_into_a_shape() -> None:
    keys = random.split(random.key(1), (2, 3))
    assert keys.shape == (2, 3)
    assert keys.ravel().tolist() == random.split(random.key(1), 6).tolist()
    assert len(set(keys.ravel().tolist())) == 6


def test_the_first_keys_of_a_longer_split_are_the_same() -> None:
    assert random.split(random.key(1), 5)[:2].tolist() == random.split(random.key(1)).tolist()


def test_data_there_and_back() -> None:
    keys = random.split(random.key(8), (2, 2))
    data = random.key_data(keys)
    assert data.shape == (2, 2, 2) and data.dtype == np.uint32
    assert random.wrap_key_data(data).tolist() == keys.tolist()
    assert random.key_impl(keys) == "threefry2x32"
    assert random.clone(keys).tolist() == keys.tolist()


def test_raw_keys_draw_the_same() -> None:
    raw, key = random.PRNGKey(7), random.key(7)
    assert random.normal(raw, (3,)).tolist() == random.normal(key, (3,)).tolist()


def loop_over_keys(keys: Any) -> Any:
    return lax.scan(lambda total, key: (total + random.uniform(key), key), 0.0, keys)


def test_keys_are_scanned_stacked_and_chosen() -> None:
    keys = random.split(random.key(1), 4)
    alone = [float(random.uniform(key)) for key in keys]
    total, same = jitad.jit(loop_over_keys)(keys)
    assert total == pytest.approx(sum(alone))
    assert same.tolist() == keys.tolist()
    assert jnp.stack([keys[1], keys[0]]).tolist() == keys[1::-1].tolist()
    chosen = jitad.jit(lambda keys, i: random.uniform(keys[i]))(keys, 2)
    assert float(chosen) == alone[2]
    carried = lax.fori_loop(0, 3, lambda i, key: random.split(key)[0], keys[0])
    assert carried.shape == ()


def test_the_same_on_every_thread_and_under_every_transformation() -> None:
    key = random.key(11)
    once = random.normal(key, (100,))
    drawn: list[Any] = []
    compiled = jitad.jit(lambda key: random.normal(key, (100,)))
    threads = [threading.Thread(target=lambda: drawn.append(compiled(key))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drawn.append(jitad.grad(lambda x: jnp.sum(x * random.normal(key, (100,))))(np.ones(100)))
    drawn.append(jitad.vmap(lambda key: random.normal(key, (100,)))(key[None])[0])
    assert len(drawn) == 6
    for other in drawn:
        np.testing.assert_allclose(other, once, rtol=1e-15)
    bits = random.bits(key, (1000,))
    assert jitad.jit(lambda key: random.bits(key, (1000,)))(key).tolist() == bits.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.normal(0), TypeError, r"unexpected PRNG key type int.*jitad.random.key"),
        (lambda: random.normal(np.arange(2)), TypeError, r"expected a key.*got int64\[2\]"),
        (lambda: random.normal(random.split(random.key(0))), ValueError, r"single key.*\(2,\)"),
        (lambda: random.split(np.zeros((3, 2), np.uint32)), ValueError, r"single key.*\(3,\)"),
        (lambda: random.key(1.5), TypeError, "seed must be an integer"),
        (lambda: random.key(np.arange(3)), TypeError, "scalar seed.*jitad.vmap"),
        (lambda: random.key(2**64), OverflowError, "64 bits"),
        (lambda: random.key(0, impl="rbg"), ValueError, "unrecognized PRNG implementation 'rbg'"),
        (lambda: random.fold_in(random.key(0), np.arange(2)), TypeError, "accepts a scalar"),
        (lambda: random.wrap_key_data(np.zeros(2)), TypeError, r"uint32\[..., 2\]"),
        (lambda: random.bits(random.key(0), (), "int32"), ValueError, "unsigned int dtype"),
        (lambda: random.normal(random.key(0), (), "int32"), ValueError, "float or complex dtype"),
        (lambda: random.uniform(random.key(0), (), "int32"), ValueError, "a float dtype"),
        (lambda: random.randint(random.key(0), (), 0, 1, "float32"), ValueError, "an int dtype"),
        (lambda: random.bernoulli(random.key(0), 1), TypeError, "floating dtype"),
        (lambda: random.gamma(random.key(0), np.ones(3), (2,)), ValueError, r"\(2,\)|broadcast"),
        (lambda: random.beta(random.key(0), np.ones(3), 1, ()), ValueError, r"shape argument \(\)"),
        (lambda: random.dirichlet(random.key(0), 1.0), ValueError, "alpha.ndim >= 1"),
        (lambda: random.gumbel(random.key(0), mode="x"), ValueError, "valid mode"),
        (lambda: random.choice(random.key(0), 3, (4,), False), ValueError, "larger sample"),
        (lambda: random.choice(random.key(0), 3, (1,), p=np.ones(2)), ValueError, "same size"),
        (lambda: random.choice(random.key(0), 0, (1,)), ValueError, "greater than 0"),
        (lambda: random.permutation(random.key(0), 1.5), TypeError, "integer or at least"),
        (
            lambda: random.categorical(random.key(0), np.ones(2), shape=(3,), replace=False),
            ValueError,
            "cannot exceed",
        ),
        (
            lambda: random.multivariate_normal(random.key(0), np.ones(2), np.ones((3, 3))),
            ValueError,
            "n=2",
        ),
    ],
)
def test_errors(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"(?s){message}"):
        call()
