"""Derivatives and batches of compositions in jitad.numpy: reverse mode against central differences
and forward mode, `vmap` against a Python loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import assert_same

RNG = np.random.default_rng(5)
A = jnp.asarray(RNG.uniform(0.2, 0.9, size=(3, 4)))
B = RNG.uniform(0.2, 0.9, size=(4, 3))
V = RNG.uniform(0.2, 0.9, size=4)
PICKS = np.array([2, 0, 2])

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "hypot": lambda x: jnp.hypot(x, V),
    "logaddexp": lambda x: jnp.logaddexp(x, V),
    "logaddexp2": lambda x: jnp.logaddexp2(x, V),
    "sinc": jnp.sinc,
    "remainder": lambda x: jnp.remainder(3 * x, V) + jnp.fmod(V, x),
    "power": lambda x: x**V + V**x + x**3 + x**-2 + x**0.5 + 2**x + x**2.7,
    "float_power": lambda x: jnp.float_power(x, V),
    "clip": lambda x: jnp.clip(x, 0.4, 0.7),
    "extrema": lambda x: jnp.maximum(x, V) * jnp.minimum(x, 0.5) + jnp.fmax(x, V) - jnp.fmin(x, V),
    "where": lambda x: jnp.where(x > 0.5, x**2, jnp.sin(x)),
    "copysign": lambda x: jnp.copysign(x, -V) * jnp.heaviside(x - 0.5, 0.5),
    "modf": lambda x: jnp.modf(3 * x)[0],
    "angle": lambda x: jnp.angle(x + 1j * V) + jnp.abs(x * (1 + 2j)),
    "deg2rad": lambda x: jnp.deg2rad(x) + jnp.rad2deg(x),
    "nan_to_num": jnp.nan_to_num,
    "unary": lambda x: jnp.cbrt(x) + jnp.log1p(x) * jnp.expm1(x) - jnp.arctanh(x) / jnp.exp2(x),
    "transpose": lambda x: x.T @ x,
    "reshape": lambda x: x.reshape(2, 6)[:, ::2] * 2,
    "reshape F": lambda x: jnp.reshape(x, (6, 2), order="F") * jnp.arange(12).reshape(6, 2),
    "roll": lambda x: jnp.roll(x, 1, 0) * x,
    "tile": lambda x: jnp.tile(x, (2, 1)) * jnp.arange(24).reshape(6, 4),
    "repeat": lambda x: jnp.repeat(x, [1, 0, 2], axis=0) ** 2,
    "pad": lambda x: jnp.pad(x, ((1, 0), (2, 1)), mode="reflect") ** 2,
    "pad constant": lambda x: jnp.pad(x, 1, constant_values=3.0) ** 2,
    "joining": lambda x: jnp.concatenate([x, x**2]) * jnp.stack([x, x]).reshape(6, 4),
    "split": lambda x: jnp.split(x, 2, axis=1)[1] ** 2,
    "rot90": lambda x: jnp.rot90(x) * jnp.flip(B),
    "diag": lambda x: jnp.diag(x[0], 1) @ jnp.diag(x[1], -1) * jnp.tril(jnp.ones((5, 5))),
    "diagonal": lambda x: jnp.diagonal(x, 1) ** 2 + jnp.trace(x),
    "triu": lambda x: jnp.triu(x, 1) ** 2 + jnp.tril(x),
    "broadcast": lambda x: jnp.broadcast_to(x, (2, 3, 4)) * V,
    "linspace": lambda x: jnp.linspace(x[0], x[1], 5) ** 2,
    "sum": lambda x: x.sum(0) ** 2,
    "prod": lambda x: jnp.prod(x, axis=1),
    "mean": lambda x: jnp.mean(x, axis=0, where=A > 0.4) ** 2,
    "var": lambda x: jnp.var(x, axis=1, ddof=1) * jnp.std(x),
    "average": lambda x: jnp.average(x, axis=1, weights=V) + jnp.average(V, weights=x[0]),
    "max": lambda x: x.max(axis=0) * x.min() + jnp.ptp(x, 1, keepdims=True),
    "cumsum": lambda x: jnp.cumsum(x, 1) * jnp.cumprod(x, 0),
    "diff": lambda x: jnp.diff(x, 2, axis=1) * jnp.ediff1d(x)[:6].reshape(3, 2),
    "trapezoid": lambda x: jnp.trapezoid(x, x * 2 + V),
    "cov": lambda x: jnp.cov(x) + jnp.corrcoef(x),
    "nanmean": lambda x: jnp.nanmean(jnp.where(A > 0.4, x, jnp.nan), axis=1),
    "nanstd": lambda x: jnp.nanstd(jnp.where(A > 0.3, x, jnp.nan)),
    "median": lambda x: jnp.median(x, axis=0) * jnp.quantile(x, 0.3, axis=0),
    "sort": lambda x: jnp.sort(x, axis=1) * V,
    "interp": lambda x: jnp.interp(x, jnp.array([0.0, 0.45, 1.0]), x[:, 0] ** 2),
    "dot": lambda x: jnp.dot(x, B) @ x,
    "matmul": lambda x: x[None] @ B * jnp.ones((2, 1, 1)),
    "vdot": lambda x: jnp.vdot(x, x) + jnp.inner(x[0], x[1]),
    "vecdot": lambda x: jnp.vecdot(x, x**2),
    "tensordot": lambda x: jnp.tensordot(x, B, ([0, 1], [1, 0])) + jnp.tensordot(x, x, 0).sum(),
    "outer": lambda x: jnp.outer(x, V) * jnp.kron(x, V[:, None]).reshape(12, 4),
    "einsum": lambda x: jnp.einsum("ij,jk,il->kl", x, B, x),
    "einsum diagonal": lambda x: jnp.einsum("ii->i", x[:, :3]) * jnp.einsum("ij->i", x),
    "cross": lambda x: jnp.cross(x[:, :3], x[:, 1:]),
    "convolve": lambda x: jnp.convolve(x[0], x[1, :2], "same"),
    "norm": lambda x: jnp.linalg.norm(x) + jnp.linalg.norm(x, axis=0) @ jnp.linalg.norm(x, 1, 0),
    "norms": lambda x: jnp.linalg.norm(x, 3, 1) * jnp.linalg.norm(x, np.inf),
    "polyval": lambda x: jnp.polyval(x[0], x[1]) * jnp.polymul(x[0], x[1]).sum(),
    "index": lambda x: x[1] * x[:, 0].sum() + x[-1, ::-1],
    "advanced": lambda x: x[PICKS] * x[PICKS, 1][:, None] * x[None, :, PICKS[:, None]].sum(),
    "take": lambda x: jnp.take(x, PICKS, axis=1) * jnp.take_along_axis(x, PICKS[:, None], 1),
    "at set": lambda x: x.at[PICKS].set(x[:, :1] ** 2) * x,
    "at add": lambda x: x.at[PICKS, 1].add(x[:, 0]) ** 2,
    "at multiply": lambda x: x.at[:, PICKS].multiply(x[:, :3] + 1),
    "at slices": lambda x: x.at[::2, 1:3].set(x[:2, :2] ** 2).at[1].subtract(x[0]),
    "at extrema": lambda x: x.at[PICKS].min(x[::-1]).at[0].max(V),
    "at divide": lambda x: x.at[PICKS[:2]].divide(x[:2] + 1).at[0].power(2.5),
    "choose": lambda x: jnp.choose(np.array([0, 1, 0]), [x[:, 0], x[:, 1] ** 2]),
    "delete": lambda x: jnp.delete(x, 1, axis=0) * jnp.insert(x[0], 1, 3.0)[:4],
}


def scalar(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A scalar function in which every result of `f` counts with a weight of its own."""

    def g(x: Any) -> Any:
        out = f(x)
        return jnp.sum(out * jnp.cos(jnp.arange(out.size)).reshape(out.shape))

    return g


@pytest.mark.parametrize("name", FUNCTIONS)
def test_reverse_mode_against_differences_and_forward_mode(name: str) -> None:
    f = scalar(FUNCTIONS[name])
    gradient = jitad.grad(f)(A)
    direction = RNG.normal(size=A.shape)
    _, tangent = jitad.jvp(f, (A,), (direction,))
    assert np.sum(gradient * direction) == pytest.approx(float(tangent), rel=1e-10, abs=1e-12)
    step = 1e-6
    difference = (f(A + step * direction) - f(A - step * direction)) / (2 * step)
    assert float(tangent) == pytest.approx(float(difference), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_order(name: str) -> None:
    f = scalar(FUNCTIONS[name])
    direction = np.cos(np.arange(12.0)).reshape(3, 4)
    _, along = jitad.jvp(jitad.grad(f), (A,), (direction,))
    step = 1e-6
    high, low = (jitad.grad(f)(A + s * direction) for s in (step, -step))
    np.testing.assert_allclose(along, (high - low) / (2 * step), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vmap_is_a_loop(name: str) -> None:
    f = FUNCTIONS[name]
    xs = np.stack([A, A[::-1] * 0.9, 0.1 + A * 0.5])
    expected = np.stack([np.asarray(f(jnp.asarray(x))) for x in xs])
    assert_same(jitad.vmap(f)(xs), expected, name, rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_native_code_agrees(name: str) -> None:
    f = scalar(FUNCTIONS[name])
    value, gradient = jitad.value_and_grad(f)(A)
    native_value, native_gradient = jitad.jit(jitad.value_and_grad(f))(A)
    np.testing.assert_allclose(native_value, value, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(native_gradient, gradient, rtol=1e-11, atol=1e-13)
