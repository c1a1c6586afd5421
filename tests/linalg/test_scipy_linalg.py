"""jitad.scipy.linalg against SciPy's: values, derivatives, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
import jitad.scipy.linalg as jlinalg

from .checks import check_derivatives, close, close_results, leaves

scipy_linalg = pytest.importorskip("scipy.linalg")

RNG = np.random.default_rng(11)
SQUARE = RNG.uniform(-1, 1, (4, 4)) + np.diag([1.0, -2.0, 3.0, 4.0])
TALL = RNG.uniform(-1, 1, (5, 3))
DEFINITE = SQUARE @ SQUARE.T + np.diag([1.0, 2.0, 3.0, 4.0])
OTHER = DEFINITE[::-1, ::-1] + np.eye(4)
COMPLEX = SQUARE + 1j * RNG.uniform(-1, 1, (4, 4))
HERMITIAN = COMPLEX @ COMPLEX.conj().T + np.diag([1.0, 2.0, 3.0, 4.0])
RIGHT = RNG.uniform(-1, 1, (4, 3))
VECTOR = RNG.uniform(1, 3, 5)
APART = SQUARE + np.diag([0.0, 5.0, 10.0, 15.0])
PAIRED = np.triu(SQUARE) + np.diag([0.0, 1.0 - SQUARE[1, 1] - SQUARE[2, 2], 0.0], -1)
PAIRED[2, 2], PAIRED[1, 2] = PAIRED[1, 1], -1.5

Case = tuple[Callable[[Any, Any], Any], tuple[np.ndarray, ...]]

CASES: dict[str, Case] = {
    "cholesky": (lambda L, x: L.cholesky(x), (DEFINITE, HERMITIAN)),
    "cholesky lower": (lambda L, x: L.cholesky(x, lower=True), (DEFINITE,)),
    "cho_solve": (lambda L, x: L.cho_solve(L.cho_factor(x), RIGHT), (DEFINITE, HERMITIAN)),
    "cho_solve lower": (
        lambda L, x: L.cho_solve(L.cho_factor(x, lower=True), RIGHT[:, 0]),
        (DEFINITE, HERMITIAN),
    ),
    "lu": (lambda L, x: L.lu(x), (SQUARE, TALL, TALL.T.copy(), COMPLEX)),
    "lu permuted": (lambda L, x: L.lu(x, permute_l=True), (SQUARE, TALL)),
    "lu indices": (lambda L, x: L.lu(x, p_indices=True)[1:], (TALL,)),
    "lu_factor": (lambda L, x: L.lu_factor(x)[0], (SQUARE, COMPLEX)),
    **{
        f"lu_solve {trans}": (
            lambda L, x, trans=trans: L.lu_solve(L.lu_factor(x), RIGHT, trans),
            (SQUARE, COMPLEX),
        )
        for trans in (0, 1, 2)
    },
    "qr": (lambda L, x: L.qr(x, mode="economic"), (SQUARE, TALL, COMPLEX)),
    "qr r": (lambda L, x: L.qr(x, mode="r")[0], (TALL,)),
    "qr_multiply": (lambda L, x: L.qr_multiply(x, np.ones((2, 5))), (TALL,)),
    "qr_multiply left": (lambda L, x: L.qr_multiply(x, np.ones((3, 2)), mode="left"), (TALL,)),
    "svd": (lambda L, x: L.svd(x, full_matrices=False), (TALL,)),
    "eigh": (lambda L, x: (L.eigh(x)[0], abs(L.eigh(x)[1])), (DEFINITE,)),
    **{
        f"eigh of a pair {kind}": (lambda L, x, kind=kind: L.eigh(x, OTHER, type=kind), (DEFINITE,))
        for kind in (1, 2, 3)
    },
    "eigh_tridiagonal": (
        lambda L, x: L.eigh_tridiagonal(x, np.arange(1.0, 5), eigvals_only=True),
        (VECTOR,),
    ),
    "eigh_tridiagonal some": (
        lambda L, x: L.eigh_tridiagonal(
            np.arange(6.0), x, eigvals_only=True, select="i", select_range=(1, 3)
        ),
        (VECTOR,),
    ),
    "polar": (lambda L, x: L.polar(x), (SQUARE, TALL, COMPLEX)),
    "polar left": (lambda L, x: L.polar(x, side="left"), (SQUARE,)),
    "solve": (lambda L, x: L.solve(x, RIGHT), (SQUARE, COMPLEX)),
    "solve transposed": (lambda L, x: L.solve(x, RIGHT[:, 0], transposed=True), (SQUARE,)),
    "solve definite": (lambda L, x: L.solve(x, RIGHT, assume_a="pos"), (DEFINITE, HERMITIAN)),
    "solve triangular": (lambda L, x: L.solve(x, RIGHT, assume_a="upper triangular"), (SQUARE,)),
    "inv": (lambda L, x: L.inv(x), (SQUARE,)),
    "det": (lambda L, x: L.det(x), (SQUARE,)),
    "solve_triangular": (lambda L, x: L.solve_triangular(x, RIGHT), (DEFINITE, HERMITIAN)),
    "solve_triangular T": (
        lambda L, x: L.solve_triangular(x, RIGHT[:, 0], trans="T", lower=True),
        (DEFINITE, HERMITIAN),
    ),
    "solve_triangular C": (
        lambda L, x: L.solve_triangular(x, RIGHT, trans=2, unit_diagonal=True),
        (SQUARE, COMPLEX),
    ),
    "expm": (lambda L, x: L.expm(x), (SQUARE, 5 * SQUARE, COMPLEX)),
    "expm_frechet": (lambda L, x: L.expm_frechet(x, DEFINITE), (SQUARE,)),
    "sqrtm": (lambda L, x: L.sqrtm(x) + 0j, (DEFINITE, HERMITIAN, COMPLEX @ COMPLEX)),
    "logm": (lambda L, x: L.logm(x) + 0j, (DEFINITE, 30 * HERMITIAN, COMPLEX @ COMPLEX)),
    "solve_sylvester": (
        lambda L, x: L.solve_sylvester(x, OTHER[:3, :3] + 5 * np.eye(3), RIGHT),
        (SQUARE, COMPLEX),
    ),
    "schur": (lambda L, x: L.schur(x), (APART,)),
    "schur complex": (lambda L, x: abs(L.schur(x, output="complex")[0]), (SQUARE, COMPLEX)),
    "hessenberg": (lambda L, x: L.hessenberg(x), (SQUARE, COMPLEX, COMPLEX[:2, :2])),
    "hessenberg with q": (lambda L, x: L.hessenberg(x, calc_q=True), (SQUARE, COMPLEX)),
    "rsf2csf": (lambda L, x: abs(L.rsf2csf(x * (PAIRED != 0), np.eye(4))[0]), (PAIRED,)),
    "toeplitz": (lambda L, x: L.toeplitz(x), (VECTOR, VECTOR + 1j)),
    "toeplitz row": (lambda L, x: L.toeplitz(x, x[::-1][:3]), (VECTOR,)),
    "hankel": (lambda L, x: L.hankel(x), (VECTOR,)),
    "hankel row": (lambda L, x: L.hankel(x, x[::-1][:3]), (VECTOR,)),
    "circulant": (lambda L, x: L.circulant(x), (VECTOR,)),
    **{
        f"convolution_matrix {mode} {n}": (
            lambda L, x, mode=mode, n=n: L.convolution_matrix(x, n, mode),
            (VECTOR,),
        )
        for mode in ("full", "same", "valid")
        for n in (3, 7)
    },
    "companion": (lambda L, x: L.companion(x), (VECTOR,)),
    **{
        f"fiedler_companion {n}": (lambda L, x, n=n: L.fiedler_companion(x[:n]), (VECTOR,))
        for n in (2, 3, 4, 5)
    },
    "fiedler": (lambda L, x: L.fiedler(x), (VECTOR,)),
    "leslie": (lambda L, x: L.leslie(x, x[1:] / 4), (VECTOR,)),
    "block_diag": (lambda L, x: L.block_diag(x, RIGHT, 2.0, [1.0, 2.0]), (SQUARE, VECTOR)),
}
POINTS = [
    pytest.param(function, x, id=f"{name}-{x.dtype}{list(x.shape)}")
    for name, (function, arrays) in CASES.items()
    for x in arrays
]


@pytest.mark.parametrize(("function", "x"), POINTS)
def test_values_are_scipys(function: Callable[[Any, Any], Any], x: np.ndarray) -> None:
    expected, got = leaves(function(scipy_linalg, x)), leaves(function(jlinalg, x))
    assert [g.dtype for g in got] == [np.asarray(e).dtype for e in expected]
    close_results(got, expected, "at once", 1e-11)
    compiled = jitad.jit(lambda y: tuple(leaves(function(jlinalg, y))))(x)
    close_results(compiled, expected, "compiled", 1e-11)


@pytest.mark.parametrize(("function", "x"), POINTS)
def test_derivatives(function: Callable[[Any, Any], Any], x: np.ndarray) -> None:
    check_derivatives(lambda y: function(jlinalg, y), x)


@pytest.mark.parametrize("name", ["dft", "hilbert", "invhilbert", "pascal", "invpascal", "helmert"])
def test_named_matrices(name: str) -> None:
    expected = getattr(scipy_linalg, name)(5)
    got = getattr(jlinalg, name)(5)
    assert got.dtype == expected.dtype and np.array_equal(got, expected)
    assert np.array_equal(jlinalg.hadamard(4), scipy_linalg.hadamard(4))


def test_a_wrong_transposition_is_named() -> None:
    with pytest.raises(ValueError, match="got 5"):
        jlinalg.solve_triangular(SQUARE, np.ones(4), trans=5)


def test_functions_of_matrices() -> None:
    for name in ("exp", "sin"):
        got = jlinalg.funm(COMPLEX, getattr(jnp, name))
        close(got, scipy_linalg.funm(COMPLEX, getattr(np, name)), name)
    check_derivatives(lambda x: jlinalg.funm(x, jnp.cos), COMPLEX)


def test_exponentials_of_any_size() -> None:
    """Scaling, squaring, stacks of matrices that need different numbers of squarings; both
    precisions; what is not finite."""
    stack = SQUARE * np.array([1e-3, 1.0, 30.0])[:, None, None]
    for x in (stack, stack.astype(np.complex128), np.kron(SQUARE, np.eye(5)), np.zeros((2, 0, 0))):
        got = jitad.jit(jlinalg.expm)(x)
        for g, e in zip(got, scipy_linalg.expm(x), strict=True):
            close(g, e, "compiled", 1e-12)
    single = jitad.jit(jlinalg.expm)(stack.astype(np.float32)[:2])
    assert single.dtype == np.float32
    close(single, scipy_linalg.expm(stack[:2]), "single precision", 3e-6)
    broken = np.stack([SQUARE, np.full((4, 4), np.nan), np.full((4, 4), np.inf)])
    for run in (lambda f: f, jitad.jit):
        result = run(jlinalg.expm)(broken)
        close(result[0], scipy_linalg.expm(SQUARE), "the finite one", 1e-12)
        assert np.isnan(result[1]).all() and np.isnan(result[2]).all()


def test_square_roots() -> None:
    for x in (SQUARE, np.diag([4.0, 0.0]), np.array([[0.0, 1.0], [0.0, 1.0]]), -np.eye(2)):
        for run in (lambda f: f, jitad.jit):
            root = run(jlinalg.sqrtm)(x)
            assert root.dtype == np.complex128
            close(root @ root, x, "squared", 1e-12)


def test_pivots_of_several_matrices() -> None:
    stack = RNG.uniform(-1, 1, (3, 6, 6))
    factors = jitad.jit(lambda x: jlinalg.lu_factor(x))(stack)
    for packed, pivots, x in zip(*factors, stack, strict=True):
        close_results((packed, pivots), scipy_linalg.lu_factor(x), "factors")
    solved = jitad.jit(lambda f, b: jlinalg.lu_solve(f, b))(factors, np.ones((6, 1)))
    close(stack @ solved, np.ones((3, 6, 1)), "solution")


def test_schur_forms() -> None:
    """Stacks, real forms with blocks, complex ones from them; what is not finite."""
    stack = RNG.uniform(-1, 1, (3, 7, 7))
    for run in (lambda f: f, jitad.jit):
        t, z = run(jlinalg.schur)(stack)
        for got, x in zip(zip(t, z, strict=True), stack, strict=True):
            close_results(got, scipy_linalg.schur(x), "real", 1e-12)
        complex_t, complex_z = run(jlinalg.rsf2csf)(t, z)
        assert complex_t.dtype == np.complex128
        for form, q, x in zip(complex_t, complex_z, stack, strict=True):
            assert not np.any(np.tril(form, -1))
            close(q @ form @ q.conj().T, x, "made complex", 1e-12)
            close(q.conj().T @ q, np.eye(7), "unitary", 1e-12)
            values, expected = np.diagonal(form).round(9), np.linalg.eigvals(x).round(9)
            close(np.sort_complex(values), np.sort_complex(expected), "eigenvalues", 1e-8)
        broken = run(jlinalg.schur)(np.stack([SQUARE, np.full((4, 4), np.inf)]))
        close(broken[0][0], scipy_linalg.schur(SQUARE)[0], "the finite one", 1e-12)
        assert np.isnan(broken[0][1]).all() and np.isnan(broken[1][1]).all()
    single = jlinalg.schur(SQUARE.astype(np.float32), output="complex")
    assert single[0].dtype == np.complex64
    paired = jitad.jvp(lambda x: jlinalg.schur(x)[0], (stack[0],), (stack[1],))[1]
    assert np.isnan(paired).any(), "a real form with blocks has no derivative"
    for n in (0, 1):
        small = np.full((2, n, n), 3.0)
        for parts in (jlinalg.schur(small), jlinalg.rsf2csf(small, small)):
            assert [p.shape for p in parts] == [small.shape] * 2
        assert jlinalg.hessenberg(small).shape == small.shape


def test_traces_through_schur_forms() -> None:
    """What does not depend on the phases has the derivative that it has without the form."""

    def trace(x: Any) -> Any:
        t, z = jlinalg.schur(x, output="complex")
        return jnp.trace(z @ t @ t @ z.conj().T).real

    close(jitad.grad(trace)(SQUARE), 2 * SQUARE.T, "gradient", 1e-11)


WRONG: dict[str, Callable[[Any], Any]] = {
    "not square": lambda L: L.inv(TALL),
    "expm": lambda L: L.expm(TALL),
    "lengths": lambda L: L.solve_triangular(SQUARE, np.ones(3)),
    "cho_solve": lambda L: L.cho_solve((SQUARE, True), np.ones(3)),
    "qr": lambda L: L.qr(SQUARE, mode="other"),
    "schur": lambda L: L.schur(TALL),
    "schur output": lambda L: L.schur(SQUARE, output="other"),
    "hessenberg": lambda L: L.hessenberg(TALL),
    "rsf2csf": lambda L: L.rsf2csf(TALL, SQUARE),
    "rsf2csf sizes": lambda L: L.rsf2csf(SQUARE, np.eye(3)),
    "qr_multiply": lambda L: L.qr_multiply(SQUARE, SQUARE, mode="other"),
    "polar": lambda L: L.polar(SQUARE, side="other"),
    "sylvester": lambda L: L.solve_sylvester(SQUARE, SQUARE, TALL),
    "frechet": lambda L: L.expm_frechet(SQUARE, TALL),
    "convolution_matrix": lambda L: L.convolution_matrix(VECTOR, 0),
    "convolution_matrix mode": lambda L: L.convolution_matrix(VECTOR, 2, "other"),
    "companion": lambda L: L.companion(VECTOR[:1]),
    "leslie": lambda L: L.leslie(VECTOR, VECTOR),
    "block_diag": lambda L: L.block_diag(np.ones((2, 2, 2, 2)), np.ones((3, 2, 2))),
    "eigh": lambda L: L.eigh(SQUARE, OTHER, type=4),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_errors_are_scipys(wrong: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, TypeError)) as expected:
        wrong(scipy_linalg)
    kind = ValueError if issubclass(expected.type, ValueError) else expected.type
    with pytest.raises(kind):
        wrong(jlinalg)


@pytest.mark.parametrize(
    "left_out",
    [
        lambda: jlinalg.qr(SQUARE, pivoting=True),
        lambda: jlinalg.qr(SQUARE, mode="raw"),
        lambda: jlinalg.eigh(SQUARE, eigvals=(0, 1)),
        lambda: jlinalg.eigh_tridiagonal(VECTOR, VECTOR[1:], select="v", select_range=(0, 1)),
        lambda: jlinalg.svd(SQUARE, lapack_driver="gesvd"),
        lambda: jlinalg.schur(SQUARE, sort="lhp"),
        lambda: jlinalg.funm(SQUARE, jnp.exp, disp=False),
    ],
)
def test_what_is_left_out_says_so(left_out: Callable[[], Any]) -> None:
    with pytest.raises(NotImplementedError):
        left_out()


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize(
    "kind",
    ["gen", "pos", "sym", "her", "symmetric", "diagonal", "tridiagonal", "banded", None]
    + ["upper triangular", "lower triangular"],
)
def test_solve_reads_what_a_matrix_is_assumed_to_be(kind: str | None, lower: bool) -> None:
    half = np.tril(SQUARE @ SQUARE.T) if lower else np.triu(SQUARE @ SQUARE.T)
    matrix = half + 0.1 * np.eye(half.shape[0])
    got = jlinalg.solve(matrix, VECTOR[: half.shape[0]], lower, assume_a=kind)
    want = scipy_linalg.solve(matrix, VECTOR[: half.shape[0]], lower, assume_a=kind)
    np.testing.assert_allclose(got, want, rtol=1e-7)


def test_solve_with_an_unknown_kind_of_matrix() -> None:
    with pytest.raises(ValueError, match="not a recognized matrix structure"):
        jlinalg.solve(SQUARE, VECTOR, assume_a="sparse")


def test_special_matrices_of_stacks() -> None:
    rng = np.random.default_rng(3)
    c, r = rng.normal(size=(2, 1, 3)), rng.normal(size=(5, 4))
    for name in ("toeplitz", "hankel"):
        got = getattr(jlinalg, name)(c, r)
        assert got.shape == (2, 5, 3, 4)
        np.testing.assert_array_equal(got[1, 3], getattr(scipy_linalg, name)(c[1, 0], r[3]))
    for name in ("companion", "fiedler_companion"):
        got = getattr(jlinalg, name)(r)
        np.testing.assert_allclose(got[2], getattr(scipy_linalg, name)(r[2]))
    got = jlinalg.leslie(r, c[0, 0])
    np.testing.assert_array_equal(got[4], scipy_linalg.leslie(r[4], c[0, 0]))
