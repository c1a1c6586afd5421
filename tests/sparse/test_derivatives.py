"""Sparse Jacobians and Hessians have the elements of dense ones, and go where SciPy takes them."""

from __future__ import annotations

import copy
import pickle
from typing import Any, NamedTuple

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.sparse
from numpy.testing import assert_allclose

import jitad
import jitad.numpy as jnp
from jitad import sparse

N = 30
U = np.random.default_rng(3).normal(size=N)


def burgers(u: Any, dt: Any) -> Any:
    return u[1:-1] - dt * u[1:-1] * (u[2:] - u[:-2])


def chain(x: Any) -> Any:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def with_dense_rows(x: Any) -> Any:
    return jnp.concatenate([x[1:] * x[:-1], jnp.sum(x**2)[None], x * x[0], jnp.prod(x)[None]])


def dense(matrix: Any) -> Any:
    return (
        matrix.todense()
        if isinstance(matrix, jitad.experimental.sparse.BCOO)
        else (matrix.toarray())
    )


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bcoo"])
@pytest.mark.parametrize("fun", [lambda x: burgers(x, 0.5), with_dense_rows, lambda x: x[:5] * 0])
def test_jacobians_are_those_of_jacfwd(fun: Any, format: str) -> None:
    found = sparse.jacobian(fun, format=format)(U)
    if format != "bcoo":
        assert isinstance(found, getattr(scipy.sparse, f"{format}_array"))
    assert_allclose(dense(found), jitad.jacfwd(fun)(U), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bcoo"])
@pytest.mark.parametrize(
    "fun",
    [
        chain,
        lambda x: jnp.sum(jnp.sin(x[:-1]) * x[-1] ** 2) + jnp.sum(x**3),
        lambda x: jnp.sum(jnp.diff(x.reshape(5, 6), axis=0) ** 4) + jnp.sum(jnp.cos(x)),
        lambda x: jnp.sum(jnp.sin(x)) ** 2,
        lambda x: jnp.sum(x),
    ],
)
def test_hessians_are_those_of_hessian(fun: Any, format: str) -> None:
    found = sparse.hessian(fun, format=format)(U)
    assert_allclose(dense(found), jitad.hessian(fun)(U), rtol=1e-12, atol=1e-12)


def test_structure_is_found_once_for_arguments_of_one_type() -> None:
    traces = []

    def fun(u: Any) -> Any:
        traces.append(u.shape)
        return u[1:] * u[:-1]

    j = sparse.jacobian(fun)
    j(U)
    count = len(traces)
    assert_allclose(j(2 * U).toarray(), jitad.jacfwd(lambda u: u[1:] * u[:-1])(2 * U))
    assert len(traces) == count
    assert j(U[:4]).shape == (3, 4)
    assert set(traces) == {(N,), (4,)}


def test_matrices_do_not_share_what_their_owner_may_change() -> None:
    j = sparse.jacobian(lambda u: u[1:] * u[:-1])
    first = j(np.zeros(4))
    first.eliminate_zeros()
    first.indices[:] = 0
    assert j(np.ones(4)).toarray().tolist() == [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]
    j.pattern(np.ones(4)).data[:] = False
    assert j.pattern(np.ones(4)).nnz == 6 and j.pattern(np.ones(4)).data.all()


class Point(NamedTuple):
    place: Any
    weights: dict[str, Any]


def test_pytrees_are_leaf_after_leaf() -> None:
    def fun(p: Point, scale: Any, *, power: int) -> dict[str, Any]:
        own, other = p.weights["own"], p.weights["other"]
        return {"a": scale * own**power * other[::-1], "b": jnp.outer(p.place, own[:2])}

    p = Point(U[:3], {"own": U[3:7], "other": np.float32(U[7:11])})
    found = sparse.jacobian(fun)(p, 2.0, power=3).toarray()
    blocks = jitad.jacfwd(lambda p: fun(p, 2.0, power=3))(p)
    rows = [
        [
            np.reshape(leaf, (-1, width))
            for leaf, width in zip(jitad.tree.leaves(b), (3, 4, 4), strict=True)
        ]
        for b in (blocks["a"], blocks["b"])
    ]
    assert_allclose(found, np.block(rows), rtol=1e-6)


@pytest.mark.parametrize("argnums", [0, 1, (0, 1), (1, 0), -1])
def test_argnums(argnums: Any) -> None:
    def fun(a: Any, b: Any) -> Any:
        return a * b[::-1] + a[0]

    found = sparse.jacobian(fun, argnums)(U[:4], U[4:8]).toarray()
    blocks = jitad.jacfwd(fun, argnums)(U[:4], U[4:8])
    assert_allclose(found, np.hstack(blocks) if isinstance(argnums, tuple) else blocks)


def test_dtypes_are_those_of_the_result() -> None:
    found = sparse.jacobian(lambda u: u[1:] * u[:-1])(U.astype(np.float32))
    assert found.dtype == np.float32
    assert sparse.hessian(chain)(U.astype(np.float32)).dtype == np.float32
    nothing = sparse.jacobian(lambda u: jnp.zeros(3, np.float32))(U.astype(np.float32))
    assert (nothing.dtype, nothing.nnz, nothing.shape) == (np.float32, 0, (3, N))


def test_values_are_traced_differentiated_and_batched() -> None:
    j = sparse.jacobian(burgers)
    values = j.values(U, 0.5)
    assert_allclose(values, j(U, 0.5).data)
    assert_allclose(jitad.jit(lambda u: 2 * j.values(u, 0.5))(U), 2 * values)
    slope = jitad.grad(lambda u: jnp.sum(j.values(u, 0.5) ** 2))(U)
    expected = jitad.grad(lambda u: jnp.sum(jitad.jacfwd(burgers)(u, 0.5) ** 2))(U)
    assert_allclose(slope, expected, rtol=1e-12)
    rows = jitad.vmap(lambda u: j.values(u, 0.5))(np.stack([U, 2 * U]))
    assert_allclose(rows[1], j(2 * U, 0.5).data)


def test_bcoo_is_a_value_of_traced_programs() -> None:
    j = sparse.jacobian(burgers, format="bcoo")
    product = jitad.jit(lambda u, v: j(u, 0.5) @ v)(U, U[::-1])
    assert_allclose(product, jitad.jvp(lambda u: burgers(u, 0.5), (U,), (U[::-1].copy(),))[1])


def test_a_given_pattern_replaces_the_one_that_is_found() -> None:
    def sorted_steps(u: Any) -> Any:  # dense, for all that the program tells
        return jnp.cumsum(jnp.sort(u))

    whole = sparse.jacobian(sorted_steps)
    assert whole.pattern(np.arange(6.0)).nnz == 36
    known = scipy.sparse.csr_array(np.tri(6))
    j = sparse.jacobian(sorted_steps, pattern=known)
    assert_allclose(j(np.arange(6.0)).toarray(), np.tri(6))
    h = sparse.hessian(lambda u: jnp.sum(jnp.sort(u) ** 3), pattern=np.eye(6))
    assert h.products(np.arange(6.0)) == (1, 0)
    assert_allclose(h(np.arange(6.0)).toarray(), np.diag(6 * np.arange(6.0)))


def test_products_are_few() -> None:
    assert sparse.jacobian(burgers).products(np.ones(10_000), 0.5) == (3, 0)
    assert sparse.jacobian(with_dense_rows).products(np.ones(200)) == (3, 2)
    assert sparse.hessian(chain).products(np.ones(10_000)) == (3, 0)
    types = jitad.ShapeDtypeStruct((10_000,), np.float64)
    assert sparse.jacobian(burgers).pattern(types, 0.5).nnz == 3 * 9_998


def test_attributes_of_a_function_stay_its_own() -> None:
    def fun(u: Any) -> Any:
        return u[1:] * u[:-1]

    fun.__dict__["_format"] = "mine"
    assert sparse.jacobian(fun)(np.ones(3)).format == "csr"


def test_they_are_pickled_and_copied() -> None:
    j = sparse.hessian(chain, format="csc")
    expected = j(U).toarray()
    for again in (pickle.loads(pickle.dumps(j)), copy.deepcopy(j)):
        assert vars(again)["__name__"] == "chain"
        assert again(U).format == "csc"
        np.testing.assert_array_equal(again(U).toarray(), expected)


# Errors.


def test_what_is_no_float_is_rejected() -> None:
    with pytest.raises(TypeError, match="differentiated in must be float; got i64"):
        sparse.jacobian(lambda n: 2.0 * n)(np.arange(3))
    with pytest.raises(TypeError, match="results must be float; got c128"):
        sparse.jacobian(lambda x: x * 1j)(U)
    with pytest.raises(TypeError, match="a function"):
        sparse.jacobian(U)  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="names argument 3"):
        sparse.jacobian(burgers, 3)(U, 0.5)


def test_formats_and_patterns_are_checked() -> None:
    with pytest.raises(ValueError, match="csr, csc, coo, bcoo; got 'dense'"):
        sparse.jacobian(burgers, format="dense")
    with pytest.raises(ValueError, match=r"pattern of shape \(28, 30\).*got \(30, 30\)"):
        sparse.jacobian(burgers, pattern=np.eye(N))(U, 0.5)


def test_a_matrix_of_scipy_is_no_value_of_a_traced_program() -> None:
    with pytest.raises(TypeError, match=r'sparse.jacobian\(burgers, format="bcoo"\)'):
        jitad.jit(lambda u: sparse.jacobian(burgers)(u, 0.5))(U)


def test_a_hessian_is_of_a_scalar() -> None:
    with pytest.raises(TypeError, match="scalar"):
        sparse.hessian(lambda x: x**2)(U)


def test_what_is_not_sparse_is_rejected_before_it_takes_memory() -> None:
    j = sparse.jacobian(lambda x: jnp.sort(x))
    with pytest.raises(ValueError, match=r"for a sparse matrix; take jitad\.jacfwd"):
        j(jnp.arange(20_000.0))


# With SciPy.


def test_newton_steps_of_a_boundary_value_problem() -> None:
    """u'' = exp(u), u(0) = u(1) = 0 (Bratu's problem), in 200 unknowns."""
    n = 200
    h = 1 / (n + 1)

    def residual(u: Any) -> Any:
        v = jnp.pad(u, 1)
        return (v[2:] - 2 * v[1:-1] + v[:-2]) / h**2 - jnp.exp(u)

    j = sparse.jacobian(residual, format="csc")
    u = np.zeros(n)
    for _ in range(6):
        u = u - scipy.sparse.linalg.spsolve(j(u), np.asarray(residual(u)))
    x = np.linspace(h, 1 - h, n)
    c = scipy.optimize.brentq(lambda c: np.sqrt(2) * c - np.cos(c / 2), 0, 1)
    exact = np.log(2 * c**2 / np.cos(c * (x - 0.5)) ** 2)
    assert np.abs(residual(u)).max() < 1e-8
    assert np.abs(u - exact).max() < h**2


def test_least_squares_takes_it() -> None:
    def residual(x: Any) -> Any:
        return jnp.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])

    start = np.full(100, 0.5)
    fit = scipy.optimize.least_squares(residual, start, jac=sparse.jacobian(residual))
    assert_allclose(fit.x, 1, atol=1e-6)


def test_stiff_equations_take_it() -> None:
    def heat(t: Any, u: Any) -> Any:
        v = jnp.pad(u, 1)
        return 900 * (v[2:] - 2 * v[1:-1] + v[:-2]) - u**3

    f, j = jitad.jit(heat), sparse.jacobian(heat, 1)

    def solve(**options: Any) -> Any:
        return scipy.integrate.solve_ivp(
            f, (0, 0.02), np.ones(29), method="BDF", rtol=1e-8, atol=1e-10, **options
        )

    found = solve(jac=j)
    assert found.njev
    assert_allclose(found.y[:, -1], solve().y[:, -1], rtol=1e-6)


def test_trust_regions_take_hessians() -> None:
    h = sparse.hessian(chain)
    fit = scipy.optimize.minimize(
        jitad.jit(jitad.value_and_grad(chain)),
        np.zeros(40),
        jac=True,
        hess=h,
        method="trust-constr",
        options={"gtol": 1e-8, "maxiter": 400},
    )
    assert_allclose(fit.x, 1, atol=1e-5)


# Grids.


def heat(u: Any) -> Any:
    v = jnp.pad(u, 1)
    return v[2:, 1:-1] + v[:-2, 1:-1] + v[1:-1, 2:] + v[1:-1, :-2] - 4 * u - jnp.exp(u)


def torus(u: Any) -> Any:
    return u * (jnp.roll(u, 1, 0) - jnp.roll(u, -1, 1)) - u**3


@pytest.mark.parametrize("format", ["csr", "csc"])
@pytest.mark.parametrize("shape", [(5, 6), (12, 20), (20, 33), (4, 5, 6)])
@pytest.mark.parametrize("fun", [heat, torus])
def test_functions_on_grids(fun: Any, shape: tuple[int, ...], format: str) -> None:
    size = int(np.prod(shape))
    u = np.random.default_rng(size).normal(size=shape)

    def sliced(u: Any) -> Any:
        return fun(u) if u.ndim == 2 else jitad.vmap(fun)(u)

    found = sparse.jacobian(sliced, format=format)(u).toarray()
    assert_allclose(found, np.reshape(jitad.jacfwd(sliced)(u), (size, size)), rtol=1e-12)
    found = sparse.hessian(lambda u: jnp.sum(sliced(u) ** 2), format=format)(u).toarray()
    expected = jitad.hessian(lambda u: jnp.sum(sliced(u) ** 2))(u)
    assert_allclose(found, np.reshape(expected, (size, size)), rtol=1e-10, atol=1e-10)


def dynamics(z: Any) -> Any:
    """What is left of the steps of a system with controls, each a small product of matrices."""
    a = np.arange(16.0).reshape(4, 4) % 5
    x, w = z.reshape(-1, 6)[:, :4], z.reshape(-1, 6)[:, 4:]
    return (x[1:] - jnp.tanh(x[:-1] @ a) - w[:-1] @ a[:2] * x[:-1, :1]).ravel()


@pytest.mark.parametrize("format", ["csr", "csc"])
@pytest.mark.parametrize("steps", [3, 40, 81])
def test_small_products_of_many_nodes(steps: int, format: str) -> None:
    z = np.random.default_rng(steps).normal(size=6 * steps)
    found = sparse.jacobian(dynamics, format=format)(z).toarray()
    assert_allclose(found, jitad.jacfwd(dynamics)(z), rtol=1e-10, atol=1e-12)
