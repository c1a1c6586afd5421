"""Programs that are large enough to be shared out among threads, for the tests of that."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import jitad
import jitad.numpy as jnp

COUNTS = (1, 2, 3, 7)
"""Numbers of threads to try."""


def image(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(0.1, 2.0, shape).astype(dtype)


PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "elementwise": (lambda x, y: jnp.sin(x) * y + x, [image(300_007), image(300_007, seed=1)]),
    "sum": (lambda x: jnp.sum(x * x), [image(1_000_003)]),
    "float32 sum": (lambda x: jnp.sum(x), [image(3_000_000, dtype="float32")]),
    "two folds": (lambda x: (jnp.sum(jnp.exp(x)), jnp.max(jnp.exp(x))), [image(999_983)]),
    "value and fold": (lambda x: (jnp.exp(x), jnp.sum(jnp.exp(x))), [image(499_979)]),
    "rows": (lambda x: jnp.sum(jnp.sin(x), axis=1), [image(700, 701)]),
    "columns": (lambda x: jnp.sum(jnp.sin(x), axis=0), [image(700, 701)]),
    "many columns": (lambda x: jnp.mean(jnp.tanh(x) ** 2, axis=0), [image(1000, 1100)]),
    "columns of many rows": (lambda x: (x.sum(0), x.max(0)), [image(20_003, 130)]),
    "wide rows": (lambda x: x.sum(0), [image(40, 70_001, dtype="float32")]),
    "rows stored and folded": (lambda x: (x * x, jnp.sum(x * x, axis=0)), [image(1001, 1030)]),
    "softmax of long rows": (
        lambda x: (jitad.nn.softmax(x, axis=1).sum(0), jnp.max(x, axis=1)),
        [image(64, 70_000, dtype="float32")],
    ),
    "few columns": (lambda x: jnp.sum(jnp.sin(x), axis=0), [image(300_000, 3)]),
    "few rows": (lambda x: jnp.sum(jnp.sin(x), axis=1), [image(3, 300_000)]),
    "softmax": (lambda x: jitad.nn.softmax(x, axis=1), [image(999, 333)]),
    "transpose": (lambda x: x.T.copy() + 1, [image(901, 1001)]),
    "gather": (lambda x, i: jnp.sin(x[i]), [image(1000), np.arange(400_000) % 997]),
    "argmax": (lambda x: jnp.argmax(x, axis=1), [image(2000, 500)]),
    "argmax of one row": (
        lambda x: (jnp.argmax(x), jnp.argmin(jnp.sin(x)[::-1]), jnp.max(x)),
        [image(800_011).round(5)],
    ),
    "argmin of few columns": (lambda x: jnp.argmin(x, axis=0), [image(200_003, 3).round(4)]),
    "cumsum": (lambda x: jnp.cumsum(x, axis=1), [image(1000, 1000)]),
    "random": (lambda s: jitad.random.normal(jitad.random.key(s), (300_000,)), [3]),
    "gradient": (
        jitad.grad(lambda x, w: jnp.mean(jnp.log1p(jnp.exp(-w * (x @ x.T).sum() + x)))),
        [image(300, 100), image(300, 100, seed=2)],
    ),
    "dense layer": (
        lambda x, w, b: jnp.maximum(x @ w + b, 0),
        [image(500, 310), image(310, 502), -90 * image(502)],
    ),
    "product": (lambda x, y: x @ y, [image(300, 310), image(310, 330)]),
    "transposed product": (
        lambda x, y: x.T @ y.T,
        [image(400, 301, dtype="float32"), image(303, 400, dtype="float32")],
    ),
    "matrix and vector": (lambda x, y: (x @ y, y @ x.T), [image(1201, 1203), image(1203)]),
    "convolution": (
        lambda x, w: jitad.lax.conv(x, w, (1, 1), "SAME"),
        [image(3, 40, 28, 29), image(50, 40, 3, 3, seed=1)],
    ),
    "batch of products": (lambda x, y: x @ y, [image(77, 40, 41), image(77, 41, 42)]),
    "batch of small products": (lambda x, y: x @ y, [image(50_001, 3, 3), image(50_001, 3, 3)]),
    "products that are packed": (
        lambda x, y: jnp.einsum("biju,bjuk->bik", x, y),
        [image(37, 64, 8, 8), image(37, 8, 8, 65)],
    ),
    "complex product": (lambda x: (x + 1j) @ (x.T - 1j), [image(201, 203)]),
    "small systems": (jnp.linalg.solve, [image(5004, 4, 4) + 4 * np.eye(4), image(5004, 4, 2)]),
    "decompositions": (
        lambda x: (jnp.linalg.cholesky(x), jnp.linalg.eigh(x)[0], jnp.linalg.det(x)),
        [np.eye(9) * 9 + image(13, 7, 9, 9) * 1e-2],
    ),
    "large factorization": (
        jnp.linalg.cholesky,
        [image(600, 600) @ image(600, 600).T + 600 * np.eye(600)],
    ),
    "large triangular system": (
        lambda a, b: jitad.scipy.linalg.solve_triangular(a, b, lower=True),
        [np.tril(image(300, 300)) + 300 * np.eye(300), image(300, 297)],
    ),
    "large linear system": (
        jnp.linalg.solve,
        [image(450, 450) - 0.9 * np.eye(450), image(450, 431)],
    ),
    "inverses": (jnp.linalg.inv, [image(72, 30, 30) + 30 * np.eye(30)]),
    "transforms of rows": (jnp.fft.rfft, [image(303, 1000)]),
    "transforms of columns": (lambda x: jnp.fft.fft2(x).real, [image(301, 204)]),
    "long transform": (
        lambda x: jnp.fft.irfft(jnp.fft.rfft(x) * 2),
        [image(1 << 17)],
    ),
    "long transform in single precision": (
        lambda x: 1 + jnp.fft.ifft(x + 1j).imag,
        [image(101_250, dtype="float32")],
    ),
    "sorts side by side": (lambda x: (jnp.sort(x), jnp.argsort(x)), [image(9001, 25)]),
    "sorts of columns": (lambda x: jnp.sort(x, axis=0), [image(40, 9001, dtype="float32")]),
    "sorts of rows": (
        lambda x: (jnp.sort(x), jnp.argsort(x), jnp.sort(x + 1j)),
        [image(301, 203).round(2)],
    ),
    "sort of one row": (
        lambda x: (jnp.sort(x), jnp.argsort(x), jnp.sort(jnp.where(x > 1, -0.0, x))),
        [image(50_021).round(3)],
    ),
    "merged sort of one row": (
        lambda x, i: (jnp.lexsort((x, i)), jnp.sort(x + 1j * i, descending=True)),
        [image(50_021, dtype="float32").round(2), np.arange(50_021) % 7],
    ),
    "searches": (
        lambda x, v: (jnp.searchsorted(x[0], v), jnp.searchsorted(x[1, :5], x, side="right")),
        [np.sort(image(2, 3001), axis=1), image(20_011)],
    ),
    "searches of rows": (
        jitad.vmap(jnp.searchsorted),
        [np.sort(image(40, 501), axis=1), image(40, 601)],
    ),
    "counts": (
        lambda i: (jnp.bincount(i, length=13), jnp.bincount(i, length=5000)),
        [np.arange(300_007) ** 2 % 4999],
    ),
    "counts of rows": (
        jitad.vmap(lambda i: jnp.bincount(i, length=31)),
        [np.arange(301_000).reshape(70, 4300) ** 2 % 37],
    ),
    "small windows added": (
        lambda i, u: (jnp.zeros(300).at[i].add(u), jnp.full((3, 100), -0.0).at[:, i // 3].add(u)),
        [np.arange(200_003) ** 2 % 299, image(200_003)],
    ),
    "small windows added at two places": (
        lambda x, i, j, u: jnp.asarray(x).at[i, j].add(u + 1j, mode="drop"),
        [
            image(7, 9, dtype="complex128"),
            np.arange(150_000).reshape(500, 300) % 8,
            np.arange(150_000).reshape(500, 300) % 11,
            image(500, 300),
        ],
    ),
    "large windows added": (
        lambda x, i, u: jnp.asarray(x).at[i].add(u),
        [image(101, 301), np.arange(2000) ** 2 % 131 - 7, image(2000, 301)],
    ),
    "large windows written": (
        lambda x, i, j, u: jnp.asarray(x).at[:, i, j].set(u, mode="drop"),
        [
            image(3, 90, 2, 201),
            np.arange(1500) ** 2 % 97,
            np.arange(1500) % 2,
            image(3, 1500, 201),
        ],
    ),
    "windows of lanes": (
        jitad.vmap(lambda x, i: x.at[i].multiply(1.01)),
        [image(71, 301), np.arange(71 * 3000).reshape(71, 3000) ** 2 % 307],
    ),
    "recurrences of rows": (
        jitad.grad(lambda x: (jnp.cumprod(x, axis=1) * x).sum()),
        [image(701, 403)],
    ),
    "recurrences side by side": (
        jitad.grad(lambda x: (jnp.cumprod(x, axis=0) * x).sum()),
        [image(203, 1403, dtype="float32")],
    ),
    "greatest of long rows": (
        lambda x: (jitad.lax.top_k(x, 40), jitad.lax.top_k(x, 20_000), jnp.median(x, axis=1)),
        [image(5, 100_003).round(4)],
    ),
    "quantiles of long rows, all alike": (
        lambda x: (jnp.nanquantile(x, np.array([0.1, 0.5, 0.9]), 1), jitad.lax.top_k(x, 75_001)),
        [np.where(np.arange(4 * 75_001).reshape(4, -1) % 9 == 0, np.nan, 1.5).astype("float32")],
    ),
    "greatest of rows": (
        lambda x: (jitad.lax.top_k(x, 5), jitad.lax.top_k(x, 40), jnp.median(x, axis=1)),
        [image(301, 503).round(2)],
    ),
    "products of few rows": (
        lambda x, y: (x @ y, x @ y.T, y @ x.T, x[0] @ y),
        [image(11, 1500), image(1500, 1500)],
    ),
    "products of few float32 rows": (
        lambda x, y, z: (x @ y, x[:3] @ z.T, z @ x.T),
        [
            image(16, 700, dtype="float32"),
            image(700, 4103, dtype="float32"),
            image(900, 700, dtype="float32"),
        ],
    ),
    "products of a batch, again and again": (
        lambda x: functools.reduce(lambda total, _: jnp.tanh(total @ x), range(20), x),
        [image(10, 64, 64)],
    ),
    "rows divided": (
        lambda x: (jnp.partition(x, 300), jnp.argpartition(x, (9, 1400)), jnp.median(x, 1)),
        [image(203, 1403).round(2)],
    ),
    "rows divided, of few numbers": (
        lambda x: (jnp.partition(x, 300), jnp.argpartition(x, (9, 1400)), jnp.median(x, 1)),
        [np.where(image(203, 1403) > 1, np.nan, image(203, 1403).round()).astype("float32")],
    ),
    "loop": (
        lambda x: jitad.lax.fori_loop(0, 5, lambda i, c: jnp.sin(c) + i, x),
        [image(200_000)],
    ),
}


def bits(tree: Any) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in jitad.tree.leaves(tree)]
