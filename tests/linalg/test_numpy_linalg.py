"""jitad.numpy.linalg against NumPy's: values, dtypes, kinds of errors; derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .checks import check_derivatives, close, close_results, leaves

RNG = np.random.default_rng(7)
SQUARE = RNG.uniform(-1, 1, (4, 4)) + np.diag([1.0, -2.0, 3.0, 4.0])
TALL = RNG.uniform(-1, 1, (5, 3))
WIDE = TALL.T.copy()
DEFINITE = SQUARE @ SQUARE.T + np.diag([1.0, 2.0, 3.0, 4.0])
LARGE = RNG.uniform(-1, 1, (11, 11)) + 3 * np.eye(11)
STACK = np.stack([SQUARE, SQUARE.T + 1, DEFINITE])
COMPLEX = SQUARE + 1j * RNG.uniform(-1, 1, (4, 4))
COMPLEX_TALL = TALL + 1j * RNG.uniform(-1, 1, (5, 3))
HERMITIAN = COMPLEX @ COMPLEX.conj().T + np.diag([1.0, 2.0, 3.0, 4.0])
RIGHT = RNG.uniform(-1, 1, (4, 2))

Case = tuple[Callable[[Any, Any], Any], tuple[np.ndarray, ...]]

CASES: dict[str, Case] = {
    "cholesky": (lambda L, x: L.cholesky(x), (DEFINITE, HERMITIAN)),
    "cholesky upper": (lambda L, x: L.cholesky(x, upper=True), (DEFINITE, HERMITIAN)),
    "qr": (lambda L, x: L.qr(x), (SQUARE, TALL, WIDE, COMPLEX, COMPLEX_TALL)),
    "qr r": (lambda L, x: L.qr(x, "r"), (TALL,)),
    "qr complete": (lambda L, x: L.qr(x, mode="complete"), (SQUARE, WIDE)),
    "svd": (lambda L, x: L.svd(x, full_matrices=False), (SQUARE, TALL, WIDE)),
    "svdvals": (lambda L, x: L.svdvals(x), (SQUARE, TALL, WIDE, COMPLEX_TALL)),
    "eigh": (lambda L, x: L.eigh(x), (DEFINITE,)),
    "eigvalsh": (lambda L, x: L.eigvalsh(x), (DEFINITE, HERMITIAN)),
    "inv": (lambda L, x: L.inv(x), (SQUARE, LARGE, STACK, COMPLEX)),
    "pinv": (lambda L, x: L.pinv(x), (SQUARE, TALL, WIDE, COMPLEX_TALL)),
    "det": (lambda L, x: L.det(x), (SQUARE, SQUARE[:1, :1], SQUARE[:2, :2], SQUARE[:3, :3], STACK)),
    "det complex": (lambda L, x: L.det(x[None]), (COMPLEX,)),
    "slogdet": (lambda L, x: L.slogdet(x), (SQUARE, LARGE, STACK)),
    "slogdet complex": (lambda L, x: L.slogdet(x[None]), (COMPLEX,)),
    "solve": (lambda L, x: L.solve(x, RIGHT), (SQUARE, STACK, COMPLEX)),
    "solve vector": (lambda L, x: L.solve(x, RIGHT[:, 0]), (SQUARE, STACK)),
    "solve stack": (lambda L, x: L.solve(x, np.stack([RIGHT, 2 * RIGHT])), (SQUARE,)),
    "solve right": (lambda L, x: L.solve(SQUARE, x), (RIGHT, RIGHT[:, 0], RIGHT[None] * 2)),
    "lstsq": (lambda L, x: L.lstsq(x, np.arange(5.0))[0], (TALL,)),
    "matrix_power": (lambda L, x: L.matrix_power(x, 3), (SQUARE, STACK)),
    "matrix_power inverse": (lambda L, x: L.matrix_power(x, -2), (SQUARE,)),
    "multi_dot": (lambda L, x: L.multi_dot([x, x.T, x, RIGHT[0, :1] * x[0]]), (SQUARE,)),
    "tensorinv": (lambda L, x: L.tensorinv(x.reshape(2, 2, 4)), (SQUARE,)),
    "tensorsolve": (lambda L, x: L.tensorsolve(x.reshape(2, 2, 4), x[:2, :2]), (SQUARE,)),
    "cond": (lambda L, x: L.cond(x), (SQUARE, TALL)),
    "cond -2": (lambda L, x: L.cond(x, -2), (SQUARE,)),
    "cond fro": (lambda L, x: L.cond(x, "fro"), (SQUARE,)),
    "cond inf": (lambda L, x: L.cond(x, np.inf), (SQUARE,)),
    "norm": (lambda L, x: L.norm(x), (SQUARE, TALL, COMPLEX_TALL)),
    **{
        f"norm {order}": (lambda L, x, order=order: L.norm(x, order), (SQUARE, TALL, COMPLEX_TALL))
        for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    },
    "norm axes": (
        lambda L, x: L.norm(x, "nuc", axis=(2, 0), keepdims=True),
        (RNG.uniform(-1, 1, (2, 3, 4)),),
    ),
    "matrix_norm": (lambda L, x: L.matrix_norm(x, ord=2, keepdims=True), (STACK,)),
    "vector_norm": (lambda L, x: L.vector_norm(x, ord=3, axis=1), (SQUARE,)),
    "cross": (lambda L, x: L.cross(x[:3, 0], x[1:, 1]), (SQUARE,)),
    "outer": (lambda L, x: L.outer(x[0], x[1]), (SQUARE,)),
    "trace": (lambda L, x: L.trace(x, offset=1), (SQUARE, STACK)),
    "diagonal": (lambda L, x: L.diagonal(x, offset=-1), (SQUARE, STACK)),
    "vecdot": (lambda L, x: L.vecdot(x, 2 * x), (SQUARE,)),
}
POINTS = [
    pytest.param(function, x, id=f"{name}-{x.dtype}{list(x.shape)}")
    for name, (function, arrays) in CASES.items()
    for x in arrays
]


@pytest.mark.parametrize(("function", "x"), POINTS)
def test_values_are_numpys(function: Callable[[Any, Any], Any], x: np.ndarray) -> None:
    expected = function(np.linalg, x)
    got = function(jnp.linalg, x)
    for g, e in zip(leaves(got), leaves(expected), strict=True):
        assert np.asarray(g).dtype == np.asarray(e).dtype
    close_results(got, expected, "at once", 1e-12)
    compiled = jitad.jit(lambda y: tuple(leaves(function(jnp.linalg, y))))(x)
    close_results(compiled, tuple(leaves(expected)), "compiled", 1e-11)


@pytest.mark.parametrize(("function", "x"), POINTS)
def test_single_precision(function: Callable[[Any, Any], Any], x: np.ndarray) -> None:
    """Dtypes are NumPy's; elements agree up to the signs of vectors."""
    single = x.astype(np.complex64 if x.dtype.kind == "c" else np.float32)
    got = leaves(function(jnp.linalg, single))
    types = [np.asarray(e).dtype for e in leaves(function(np.linalg, single))]
    for g, e, dtype in zip(got, leaves(function(np.linalg, x)), types, strict=True):
        assert g.dtype == dtype
        close(np.abs(g), np.abs(e), "single precision", 2e-3)


@pytest.mark.parametrize(("function", "x"), POINTS)
def test_derivatives(function: Callable[[Any, Any], Any], x: np.ndarray) -> None:
    check_derivatives(lambda y: function(jnp.linalg, y), x)


def test_eigenvalues_of_any_matrix() -> None:
    for x in (SQUARE, COMPLEX, STACK, LARGE):
        for w, v in (jnp.linalg.eig(x), jitad.jit(jnp.linalg.eig)(x)):
            assert w.dtype == v.dtype == np.complex128
            close(x @ v, v * w[..., None, :], "a v = v w")
            close(np.linalg.norm(v, axis=-2), np.ones(w.shape), "length one")
    for x in (SQUARE, COMPLEX):
        check_derivatives(jnp.linalg.eigvals, x)
        check_derivatives(lambda y: jnp.abs(jnp.linalg.eig(y).eigenvectors), x)


@pytest.mark.parametrize("x", [COMPLEX, COMPLEX_TALL, COMPLEX_TALL.T.copy()])
def test_derivatives_of_complex_singular_vectors(x: np.ndarray) -> None:
    """Of what does not depend on their phases."""

    def function(y: Any) -> Any:
        u, s, vh = jnp.linalg.svd(y, full_matrices=False)
        return jnp.abs(u), jnp.abs(vh), (u * s[..., None, :] ** 2) @ vh

    check_derivatives(function, x)


def test_derivatives_of_complex_eigenvectors() -> None:
    def function(y: Any) -> Any:
        w, v = jnp.linalg.eigh(y)
        return jnp.abs(v), (v * w**3) @ jnp.conj(v).T

    check_derivatives(function, HERMITIAN)


def test_triangles() -> None:
    """`UPLO` and `symmetrize_input` say what is read."""
    garbage = DEFINITE + np.triu(np.full((4, 4), 9.0), 1)
    close(jnp.linalg.eigvalsh(garbage, "L"), np.linalg.eigvalsh(DEFINITE), "lower")
    close(jnp.linalg.eigvalsh(garbage.T, "U"), np.linalg.eigvalsh(DEFINITE), "upper")
    expected = np.linalg.cholesky(DEFINITE)
    close(jnp.linalg.cholesky(garbage, symmetrize_input=False), expected, "cholesky")
    close(jnp.linalg.cholesky(garbage.T, upper=True, symmetrize_input=False), expected.T, "upper")
    gradient = jitad.grad(lambda x: jnp.linalg.cholesky(x).sum())(DEFINITE)
    close(gradient, gradient.T, "the gradient is symmetric")


def test_integers_become_doubles() -> None:
    whole = np.array([[2, 1], [1, 3]])
    for name in ("inv", "det", "cholesky", "norm", "eigvalsh", "matrix_rank", "pinv"):
        got = getattr(jnp.linalg, name)(whole)
        expected = getattr(np.linalg, name)(whole)
        assert got.dtype == np.asarray(expected).dtype
        close(got, expected, name)
    assert jnp.linalg.matrix_power(whole, 2).dtype == whole.dtype
    assert jnp.linalg.solve(whole.astype("f4"), np.ones(2)).dtype == np.float64


def test_failures_are_nan() -> None:
    singular, indefinite = np.ones((2, 2)), np.array([[1.0, 2.0], [2.0, 1.0]])
    stack = np.stack([singular, np.eye(2)])
    large = np.zeros((9, 9))
    for run in (lambda f: f, jitad.jit):
        inverse = run(jnp.linalg.inv)(stack)
        assert np.isnan(inverse[0]).all()
        close(inverse[1], np.eye(2), "its neighbour")
        assert np.isnan(run(jnp.linalg.inv)(large)).all()
        factor = run(jnp.linalg.cholesky)(np.stack([indefinite, np.eye(2)]))
        assert np.isnan(factor[0][np.tril_indices(2)]).all() and factor[0][0, 1] == 0
        close(factor[1], np.eye(2), "its neighbour")
        assert np.isnan(np.diagonal(run(jnp.linalg.cholesky)(large))).all()
        for function in (jnp.linalg.eigvalsh, jnp.linalg.svdvals, jnp.linalg.eigvals):
            assert np.isnan(run(function)(np.full((3, 3), np.inf))).all()


@pytest.mark.parametrize("run", [lambda f: f, jitad.jit])
def test_determinants_of_singular_matrices(run: Callable[..., Any]) -> None:
    """The derivative of det is the matrix of cofactors, whatever the rank."""
    sign, logarithm = run(lambda x: tuple(jnp.linalg.slogdet(x)))(np.ones((5, 5)))
    assert (sign, logarithm) == (0.0, -np.inf)
    for n in (2, 3, 4, 6):
        x = np.diag(np.arange(float(n)))
        expected = np.zeros((n, n))
        expected[0, 0] = np.prod(np.arange(1.0, n))
        close(run(jitad.grad(jnp.linalg.det))(x), expected, f"rank {n - 1} of {n}", 1e-12)
    for rank in (0, 1, 2):
        x = np.zeros((5, 5))
        x[:rank, :rank] = np.eye(rank)
        close(run(jitad.grad(jnp.linalg.det))(x), np.zeros((5, 5)), f"rank {rank} of 5")
    root = RNG.uniform(-1, 1, (5, 4))
    x = root @ RNG.uniform(-1, 1, (4, 5))
    u, s, vh = np.linalg.svd(x)
    others = np.diag([0.0] * 4 + [np.prod(s[:4])])
    expected = np.linalg.det(u) * np.linalg.det(vh) * u @ others @ vh
    close(run(jitad.grad(jnp.linalg.det))(x), expected, "a random matrix of rank 4", 1e-11)


def test_pseudo_inverses_of_equal_singular_values() -> None:
    """The derivative of pinv needs no distinct singular values, nor full rank."""
    t = RNG.uniform(-1, 1, (3, 3))
    close(jitad.jvp(jnp.linalg.pinv, (np.eye(3),), (t,))[1], -t, "at the unit matrix")
    flat = np.diag([2.0, 1.0, 0.0])
    close(jnp.linalg.pinv(flat), np.linalg.pinv(flat), "rank two")
    assert np.isfinite(jitad.jvp(jnp.linalg.pinv, (flat,), (t,))[1]).all()


def test_rank_and_least_squares() -> None:
    flat = np.diag([2.0, 1.0, 0.0])
    assert jnp.linalg.matrix_rank(flat) == jitad.jit(jnp.linalg.matrix_rank)(flat) == 2
    assert jnp.linalg.matrix_rank(flat, tol=1.5) == 1
    assert jnp.linalg.matrix_rank(np.stack([flat, np.eye(3)])).tolist() == [2, 3]
    assert jnp.linalg.matrix_rank(np.zeros(3)) == 0
    for right in (np.arange(5.0), RNG.uniform(-1, 1, (5, 2))):
        got, expected = jnp.linalg.lstsq(TALL, right), np.linalg.lstsq(TALL, right)
        close_results(got, expected, "full rank")
    got = jnp.linalg.lstsq(flat, np.ones(3), numpy_resid=True)
    close_results(got, np.linalg.lstsq(flat, np.ones(3)), "not of full rank")


def test_results_have_names() -> None:
    assert jnp.linalg.slogdet(SQUARE).sign == 1.0 or jnp.linalg.slogdet(SQUARE).sign == -1.0
    assert jnp.linalg.svd(TALL).S.shape == (3,)
    assert jnp.linalg.qr(TALL).R.shape == (3, 3)
    assert jnp.linalg.eigh(DEFINITE).eigenvalues.shape == (4,)


def test_numpys_functions_take_tracers() -> None:
    def program(x: Any) -> Any:
        return np.linalg.det(x) + np.linalg.norm(np.linalg.inv(x)) + np.linalg.slogdet(x)[1]

    close(jitad.jit(program)(SQUARE), program(SQUARE), "compiled")
    assert np.isfinite(jitad.grad(program)(SQUARE)).all()


WRONG: dict[str, Callable[[Any], Any]] = {
    "not square": lambda L: L.inv(TALL),
    "a vector": lambda L: L.det(TALL[0]),
    "cholesky": lambda L: L.cholesky(TALL),
    "eig": lambda L: L.eig(TALL),
    "eigh": lambda L: L.eigh(WIDE),
    "UPLO": lambda L: L.eigh(SQUARE, UPLO="X"),
    "lengths": lambda L: L.solve(SQUARE, np.ones(3)),
    "lstsq": lambda L: L.lstsq(TALL, np.ones(3)),
    "lstsq stack": lambda L: L.lstsq(STACK, np.ones(4)),
    "qr mode": lambda L: L.qr(SQUARE, mode="other"),
    "norm order": lambda L: L.norm(SQUARE, 7),
    "norm of vectors": lambda L: L.norm(TALL[0], "fro", axis=0),
    "one array": lambda L: L.multi_dot([SQUARE]),
    "multi_dot": lambda L: L.multi_dot([SQUARE, STACK, SQUARE]),
    "tensorinv": lambda L: L.tensorinv(TALL, ind=1),
    "tensorinv ind": lambda L: L.tensorinv(SQUARE, ind=0),
    "tensorsolve": lambda L: L.tensorsolve(TALL, np.ones(4)),
    "matrix_power": lambda L: L.matrix_power(TALL, 2),
    "fraction": lambda L: L.matrix_power(SQUARE, 2.5),
    "cond": lambda L: L.cond(np.zeros((0, 0))),
    "cross": lambda L: L.cross(np.ones(2), np.ones(2)),
    "outer": lambda L: L.outer(TALL, TALL),
    "pinv": lambda L: L.pinv(SQUARE, rcond=1e-3, rtol=1e-3),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_errors_are_numpys(wrong: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, TypeError)) as expected:
        wrong(np.linalg)
    kind = np.linalg.LinAlgError if expected.type is np.linalg.LinAlgError else expected.type
    with pytest.raises(kind):
        wrong(jnp.linalg)


def test_what_is_left_out_says_so() -> None:
    with pytest.raises(NotImplementedError, match="reduced"):
        jnp.linalg.qr(SQUARE, mode="raw")
    with pytest.raises(NotImplementedError, match="reduced"):
        jitad.grad(lambda x: jnp.linalg.qr(x, mode="complete").Q.sum())(TALL)
    with pytest.raises(NotImplementedError, match="full_matrices=False"):
        jitad.grad(lambda x: jnp.linalg.svd(x).U.sum())(TALL)
