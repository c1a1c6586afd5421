"""Functions of `jitad.lax` give what JAX's give (as recorded), at once, compiled and batched, and
their derivatives to second order are those of finite differences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
from jitad import lax
from jitad import numpy as jnp

from .cases import Case
from .table import CASES

RECORDED = json.loads(Path(__file__).with_name("jax_values.json").read_text())
STEP = 1e-4
BY_NAME = {case.name: case for case in CASES}


def of_lax(case: Case) -> Callable[..., Any]:
    return lambda *operands: case.call(lax, *operands)


def leaves(result: Any) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jitad.tree.leaves(result)]


def expected_leaves(case: Case) -> list[np.ndarray]:
    found = []
    for entry in RECORDED[case.name]:
        dtype = np.dtype(entry["dtype"])
        if dtype.kind == "c":
            values = np.array(entry["values"], "float64").reshape(-1, 2) @ np.array([1, 1j])
        else:
            values = np.array(entry["values"], dtype)
        found.append(values.astype(dtype).reshape(entry["shape"]))
    return found


def close(got: Any, expected: Any, what: str, tolerance: float) -> None:
    """Equal shapes and dtypes; floats to `tolerance` of the greatest."""
    g, e = np.asarray(got), np.asarray(expected)
    assert g.shape == e.shape, f"{what}: shape {g.shape}, expected {e.shape}"
    assert g.dtype == e.dtype, f"{what}: dtype {g.dtype}, expected {e.dtype}"
    if e.dtype.kind not in "fc":
        np.testing.assert_array_equal(g, e, err_msg=what)
        return
    if e.dtype in ("float32", "complex64"):
        tolerance = max(tolerance, 3e-6)
    finite = np.abs(e[np.isfinite(e)])
    scale = max(float(finite.max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(g, e, rtol=0, atol=tolerance * scale, err_msg=what)


@pytest.mark.parametrize("name", [c.name for c in CASES if c.as_in_jax])
def test_value_is_that_of_jax(name: str) -> None:
    case = BY_NAME[name]
    expected = expected_leaves(case)
    for what, function in (("at once", of_lax(case)), ("jit", jitad.jit(of_lax(case)))):
        got = leaves(function(*case.operands))
        assert len(got) == len(expected), what
        for g, e in zip(got, expected, strict=True):
            close(g, e, what, 1e-12)


def moving(case: Case) -> list[int]:
    """Positions of the operands with derivatives."""
    return [
        i for i, x in enumerate(case.operands) if np.asarray(x).dtype in ("float64", "complex128")
    ]


def direction(x: Any, seed: int) -> Any:
    drawn = np.random.default_rng(seed).uniform(-1, 1, (2, *np.shape(x)))
    return drawn[0] + 1j * drawn[1] if np.asarray(x).dtype.kind == "c" else drawn[0]


def weighted(case: Case) -> Callable[..., Any]:
    """Of the moving operands, along fixed directions: a scalar made of all parts of all results."""
    places = moving(case)

    def scalar(*given: Any) -> Any:
        operands = list(case.operands)
        for i, x in zip(places, given, strict=True):
            operands[i] = x
        total: Any = 0.0
        for number, leaf in enumerate(jitad.tree.leaves(case.call(lax, *operands))):
            if leaf.dtype.kind not in "fc":
                continue
            weights = np.cos(np.arange(leaf.size) + number + 1.0).reshape(leaf.shape)
            total = total + jnp.sum(jnp.real(leaf) * weights)
            if leaf.dtype.kind == "c":
                total = total + jnp.sum(jnp.imag(leaf) * np.flip(weights) * 0.7)
        return total

    return scalar


def slope(function: Callable[..., Any], xs: list[Any], ts: list[Any]) -> float:
    """Central difference of fourth order along `ts`."""
    near = []
    for n in (-2, -1, 1, 2):
        near.append(float(function(*[x + n * STEP * t for x, t in zip(xs, ts, strict=True)])))
    return (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * STEP)


LONG = ("eig", "hessenberg", "qdwh", "schur_product", "tridiagonal")
"""Cases whose second derivatives take seconds to compile."""
SMOOTH = [
    pytest.param(c.name, marks=[pytest.mark.slow] if c.name.startswith(LONG) else [])
    for c in CASES
    if c.smooth and moving(c)
]


@pytest.mark.parametrize("name", SMOOTH)
def test_derivatives(name: str) -> None:
    case = BY_NAME[name]
    scalar = weighted(case)
    xs = [case.operands[i] for i in moving(case)]
    ts = [direction(x, i) for i, x in enumerate(xs)]
    us = [direction(x, i + 10) for i, x in enumerate(xs)]

    def along(*given: Any) -> Any:
        return jitad.jvp(scalar, given, tuple(ts))[1]

    def paired(gradients: Any, ts: list[Any]) -> Any:
        return sum([np.sum(np.asarray(g) * t).real for g, t in zip(gradients, ts, strict=True)])

    positions = tuple(range(len(xs)))
    first = slope(scalar, xs, ts)
    close(np.float64(along(*xs)), np.float64(first), "jvp", 1e-7)
    gradients = jitad.grad(scalar, positions)(*xs)
    close(np.float64(paired(gradients, ts)), np.float64(first), "grad", 1e-7)
    for g, e in zip(jitad.jit(jitad.grad(scalar, positions))(*xs), gradients, strict=True):
        close(g, e, "grad, compiled", 1e-10)
    second = slope(along, xs, us)
    mixed = jitad.grad(along, positions)(*xs)
    scale = 1.0 + abs(first)
    assert abs(jitad.jvp(along, tuple(xs), tuple(us))[1] - second) < 1e-6 * (scale + abs(second))
    assert abs(paired(mixed, us) - second) < 1e-6 * (scale + abs(second))


BATCHED = [c.name for c in CASES if c.operands]


@pytest.mark.parametrize("name", BATCHED)
def test_batches(name: str) -> None:
    """All operands batched, and the first alone, against a loop."""
    case = BY_NAME[name]
    for count in {1, len(case.operands)}:
        lanes = [lane(case, count, i) for i in range(3)]
        stacked = [
            np.stack([lane[k] for lane in lanes]) if k < count else x
            for k, x in enumerate(case.operands)
        ]
        axes = tuple([0 if k < count else None for k in range(len(stacked))])
        batched = leaves(jitad.jit(jitad.vmap(of_lax(case), in_axes=axes))(*stacked))
        single = [leaves(of_lax(case)(*operands)) for operands in lanes]
        for k, got in enumerate(batched):
            close(got, np.stack([s[k] for s in single]), f"vmap of {count}, result {k}", 1e-11)


def lane(case: Case, count: int, number: int) -> list[Any]:
    """The operands, the first `count` of them a little different in each lane."""
    found = []
    for k, x in enumerate(case.operands):
        x = np.asarray(x)
        if k < count and x.dtype.kind in "fc":
            x = (x * (1 + 0.01 * number)).astype(x.dtype)
        elif k < count and x.ndim:
            x = np.roll(x, number, -1)
        found.append(x)
    return found
