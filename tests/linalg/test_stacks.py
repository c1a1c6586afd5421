"""Machine code of stacks of matrices: every side about the limits of what is unrolled, computed in
lanes or given to LAPACK, and stacks that fill vectors and that do not."""

from __future__ import annotations

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .checks import close

DTYPES = ["float32", "float64", "complex64", "complex128"]


def matrices(number: int, n: int, dtype: str) -> np.ndarray:
    rng = np.random.default_rng(number * 10 + n)
    x = rng.uniform(-1, 1, (number, n, n))
    if dtype.startswith("complex"):
        x = x + 1j * rng.uniform(-1, 1, (number, n, n))
    return (x + 2 * np.roll(np.eye(n), 1, axis=0)).astype(dtype)


@jitad.jit
def everything(x: jitad.Array, b: jitad.Array) -> tuple[jitad.Array, ...]:
    definite = x @ jnp.conj(jnp.matrix_transpose(x)) + jnp.eye(x.shape[-1], dtype=x.dtype)
    return (
        jnp.linalg.inv(x),
        jnp.linalg.solve(x, b),
        jnp.linalg.det(x),
        *jnp.linalg.slogdet(x),
        jnp.linalg.cholesky(definite),
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9])
def test_against_numpy(n: int, dtype: str) -> None:
    tolerance = 5e-4 if np.dtype(dtype).name in ("float32", "complex64") else 1e-11
    for number in (1, 3, 8, 13):
        x = matrices(number, n, dtype)
        b = matrices(number, n, dtype)[..., :1]
        definite = x @ np.conj(np.swapaxes(x, 1, 2)) + np.eye(n, dtype=dtype)
        expected = (
            np.linalg.inv(x),
            np.linalg.solve(x, b),
            np.linalg.det(x),
            *np.linalg.slogdet(x),
            np.linalg.cholesky(definite),
        )
        for i, (g, e) in enumerate(zip(everything(x, b), expected, strict=True)):
            assert g.dtype == e.dtype
            close(g, e, f"result {i} of {number} matrices", tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [3, 7, 12])
def test_only_the_failing_matrix_is_nan(n: int, dtype: str) -> None:
    x = matrices(11, n, dtype)
    x[4, :, 0] = 0
    for name in ("inv", "cholesky"):
        operand = x if name == "inv" else x @ np.conj(np.swapaxes(x, 1, 2)) + np.eye(n, dtype=dtype)
        if name == "cholesky":
            operand[4] = -operand[4]
        result = jitad.jit(getattr(jnp.linalg, name))(operand)
        lower = np.tril_indices(n) if name == "cholesky" else (...,)
        broken = np.isnan(result).any(axis=(-2, -1))
        assert broken.tolist() == [i == 4 for i in range(11)]
        assert np.isnan(result[4][lower]).all()


def test_nothing_to_do() -> None:
    for shape in ((0, 3, 3), (2, 0, 0)):
        empty = np.zeros(shape)
        inverse, determinant = jitad.jit(lambda x: (jnp.linalg.inv(x), jnp.linalg.det(x)))(empty)
        assert inverse.shape == shape
        assert np.array_equal(determinant, np.linalg.det(empty))
