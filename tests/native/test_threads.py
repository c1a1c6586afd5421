"""Programs on several threads: the same bits for any number of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import jitad
import jitad.numpy as jnp
from jitad_ir.native import parallel
from jitad_ir.ops import dot_sharing, lu_blocks, triangular_blocks
from jitad_ir.plan import parallel as plan_parallel
from jitad_ir.plan import stacks
from jitad_ir.types import FLOAT64
from tests.native.random_programs import RandomProgram, arguments
from tests.native.test_kernels import check
from tests.native.threaded_programs import COUNTS, PROGRAMS, bits, image


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Share out every kernel that can be, in parts of one step."""
    monkeypatch.setattr(plan_parallel, "WORTH", 0.0)
    monkeypatch.setattr(plan_parallel, "FEW", 1 << 60)
    monkeypatch.setattr(parallel, "PART", 1e-6)
    monkeypatch.setattr(stacks, "WORTH", 0.0)
    with jitad.threads(3):
        yield


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits_on_any_number_of_threads(name: str) -> None:
    program, operands = PROGRAMS[name]
    compiled = jitad.jit(program)
    results: list[Any] = []
    for count in 3 * COUNTS:
        with jitad.threads(count):
            results.append(compiled(*operands))
    for result in results[1:]:
        assert bits(result) == bits(results[0])
    expected = jitad.tree.leaves(program(*operands))
    for got, value in zip(jitad.tree.leaves(results[0]), expected, strict=True):
        tolerance = 2e-6 if got.dtype == "float32" else 1e-9
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=1e-3 * tolerance)


@pytest.mark.parametrize(("cores", "blocks"), [(1, 2), (2, 2), (3, 4), (64, 4)])
def test_products_have_blocks_for_the_cores_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, blocks: int
) -> None:
    monkeypatch.setattr(dot_sharing, "CORES", cores)
    x = np.random.default_rng(0).normal(size=(1024 + cores, 1024))  # no two from one cache
    shares = dot_sharing.shares(FLOAT64, (), len(x), 1024, len(x), "gemm", packed=False)
    assert shares.blocks == blocks
    np.testing.assert_allclose(jitad.jit(jnp.matmul)(x, x.T), x @ x.T, atol=1e-10)


@pytest.mark.usefixtures("everything_is_large")
@settings(max_examples=120, deadline=None)
@given(st.data(), st.sampled_from(["f64", "f32", "i64", "i32", "i8"]))
def test_random_programs_in_parts(data: st.DataObject, dtype: str) -> None:
    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    graph = RandomProgram(draw, dtype).grow(1 + draw(3), 2 + draw(14))
    check(graph, arguments(graph, seed=0))


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_factorization_in_blocks(dtype: str) -> None:
    n = 2 * triangular_blocks.PANEL + 300
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype == "complex64" else 0)
    a = (root @ root.conj().T + n * np.eye(n)).astype(dtype)
    factor = jitad.jit(jnp.linalg.cholesky)
    tolerance = 1e-10 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(factor(a), np.linalg.cholesky(a), rtol=tolerance, atol=tolerance)
    a[300, 300] = -1.0
    assert np.isnan(factor(a)[np.tril_indices(n)]).all()


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_lu_in_blocks(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for n in (lu_blocks.BLOCKED, lu_blocks.BLOCKED + 45):
        a = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype == "complex64" else 0)
        a, b = a.astype(dtype), rng.normal(size=(n, 3)).astype(dtype)
        tolerance = 1e-8 if dtype == "float64" else 1e-2
        p, lower, upper = jitad.jit(jitad.scipy.linalg.lu)(a)
        expected = scipy.linalg.lu(a)
        for got, value in zip((p, lower, upper), expected, strict=True):
            np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance)
        x = jitad.jit(jnp.linalg.solve)(a, b)
        np.testing.assert_allclose(a @ x, b, rtol=tolerance, atol=tolerance)
        sign, logarithm = jitad.jit(jnp.linalg.slogdet)(a / 10)
        expected = np.linalg.slogdet(a / 10)
        np.testing.assert_allclose([sign, logarithm], expected, rtol=tolerance)
    assert not np.isfinite(jitad.jit(jnp.linalg.solve)(0 * a, b)).any()


def test_a_long_sum_is_accurate() -> None:
    x = image(10_000_000, dtype="float32")
    exact = float(np.sum(x, dtype=np.float64))
    assert abs(float(jitad.jit(jnp.sum)(x)) - exact) <= 1e-6 * exact


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "complex128"])
def test_tables_of_parts_add_up(dtype: str) -> None:
    """Also in a loop, in place, and with places that nothing is added to, whose -0.0 stays."""
    places = np.arange(200_003) ** 2 % 997
    updates = (places % 5 - 2).astype(dtype)
    x = np.full(1000, -0.0).astype(dtype)

    def twice(x: Any) -> Any:
        return jitad.lax.fori_loop(0, 2, lambda _, x: x.at[places].add(updates), x)

    expected = x.copy()
    for _ in range(2):
        np.add.at(expected, places, updates)
    untouched = np.setdiff1d(np.arange(1000), places)
    for threads in (1, 3):
        with jitad.threads(threads):
            found = np.asarray(jitad.jit(twice)(x))
        np.testing.assert_array_equal(found, expected)
        assert found[untouched].tobytes() == x[untouched].tobytes()
        assert untouched.size


@pytest.mark.parametrize("name", ["nan", "infinite", "last", "equal"])
def test_the_place_of_an_extremum_in_parts(name: str) -> None:
    """The first one of all, whichever parts have none or as good ones."""
    n = 500_009
    x = np.full(n, -np.inf)
    if name == "nan":
        x[[n // 2, n - 3]] = np.nan
    elif name == "last":
        x[-1] = -1e30
    elif name == "equal":
        x[:] = -1.0
        x[[n // 3, n // 2, n - 1]] = 2.0
    found = jitad.jit(lambda x: (jnp.argmax(x), jnp.argmin(-x), jnp.argmax(x.astype("f4"))))(x)
    assert [int(place) for place in found] == [np.argmax(x)] * 3


def test_programs_of_the_table_are_shared_out() -> None:
    """Or their bits would prove nothing."""
    for name, (program, operands) in PROGRAMS.items():
        assert "on several threads" in str(jitad.explain(program, *operands)), name


def test_explain_says_what_is_given_to_several_threads() -> None:
    def steps(program: Callable[..., Any], *operands: Any) -> list[bool]:
        lines = str(jitad.explain(program, *operands)).splitlines()
        return ["on several threads" in line for line in lines if "[reads" in line]

    assert steps(jnp.sin, image(300_000)) == [True]
    assert steps(jnp.sin, image(300)) == [False]
    assert steps(jnp.sum, image(3_000_000)) == [True, False]
    assert steps(jnp.argmax, image(2_000_000)) == [True, False]
    assert steps(lambda x: x @ x, image(300, 300)) == [True]
    assert steps(lambda x: x @ x, image(30, 30)) == [False]
    assert steps(jnp.linalg.solve, image(20_000, 4, 4), image(20_000, 4, 4)) == [True]
    assert steps(jnp.linalg.solve, image(20, 4, 4), image(20, 4, 4)) == [False]
