"""jitad.scipy.optimize against SciPy's methods of the same names, and derivatives of minima."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import jitad
import jitad.numpy as jnp
from jitad.scipy.optimize import OptimizeResults, minimize

from ..linalg.checks import check_derivatives


def rosenbrock(x: Any) -> Any:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def himmelblau(x: Any) -> Any:
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def eggholder(x: Any) -> Any:
    first = (x[1] + 47) * jnp.sin(jnp.sqrt(jnp.abs(x[0] / 2 + x[1] + 47)))
    return -first - x[0] * jnp.sin(jnp.sqrt(jnp.abs(x[0] - (x[1] + 47))))


def beale(x: Any) -> Any:
    factors = jnp.array([1.5, 2.25, 2.625])
    return jnp.sum((factors - x[0] + x[0] * x[1] ** jnp.arange(1, 4)) ** 2)


def wood(x: Any) -> Any:
    a, b, c, d = x
    first = 100 * (b - a**2) ** 2 + (1 - a) ** 2 + 90 * (d - c**2) ** 2 + (1 - c) ** 2
    return first + 10.1 * ((b - 1) ** 2 + (d - 1) ** 2) + 19.8 * (b - 1) * (d - 1)


PROBLEMS = [
    pytest.param(f, np.array(x0), id=f"{f.__name__}-{len(x0)}")
    for f, x0 in (
        (rosenbrock, [-1.2, 1.0]),
        (rosenbrock, [0.0] * 10),
        (himmelblau, [1.0, 1.0]),
        (eggholder, [500.0, 400.0]),
        (beale, [1.0, 1.0]),
        (wood, [-3.0, -1.0, -3.0, -1.0]),
    )
]
METHODS = {"BFGS": "BFGS", "L-BFGS": "L-BFGS-B"}


def by_scipy(f: Callable[[Any], Any], x0: np.ndarray, method: str, **options: Any) -> Any:
    both = jitad.jit(jitad.value_and_grad(f))

    def arrays(x: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple([np.asarray(part) for part in both(x)])

    return scipy.optimize.minimize(arrays, x0, jac=True, method=method, options=options)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("f, x0", PROBLEMS)
def test_iterations_are_scipys(f: Callable[[Any], Any], x0: np.ndarray, method: str) -> None:
    expected = by_scipy(f, x0, METHODS[method])
    for got in (
        minimize(f, x0, method=method),
        jitad.jit(lambda x: minimize(f, x, method=method))(x0),
    ):
        assert isinstance(got, OptimizeResults) and got.success and got.status == 0
        # After many iterations rounding decides on some.
        few = 0 if expected.nit < 80 else 3
        assert abs(int(got.nit) - expected.nit) <= few
        assert abs(int(got.nfev) - expected.nfev) <= few
        assert got.njev == got.nfev
        np.testing.assert_allclose(got.x, expected.x, rtol=1e-6)
        np.testing.assert_allclose(got.fun, expected.fun, rtol=1e-6, atol=1e-12)
        if method == "BFGS":
            assert np.max(np.abs(got.jac)) <= 1e-5
            np.testing.assert_allclose(got.hess_inv, expected.hess_inv, rtol=0.1 if few else 1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_lanes_stop_by_themselves(method: str) -> None:
    starts = np.array([[-1.2, 1.0], [0.0, 0.0], [1.0, 1.0], [2.0, -3.0]])
    got = jitad.jit(jitad.vmap(lambda x: minimize(rosenbrock, x, method=method)))(starts)
    for i, start in enumerate(starts):
        alone = minimize(rosenbrock, start, method=method)
        assert int(got.nit[i]) == int(alone.nit)
        np.testing.assert_allclose(got.x[i], alone.x, rtol=1e-10)
    assert got.nit[2] == 0


def test_many_variables() -> None:
    got = minimize(rosenbrock, np.zeros(300), method="L-BFGS", options={"gtol": 1e-6, "ftol": 0.0})
    assert got.success and got.hess_inv is None
    np.testing.assert_allclose(got.x, 1.0, atol=1e-4)
    by_its_other_name = minimize(
        rosenbrock, np.zeros(3), method="l-bfgs-experimental-do-not-rely-on-this"
    )
    assert by_its_other_name.success


@pytest.mark.parametrize("method", METHODS)
def test_functions_that_are_not_finite_everywhere(method: str) -> None:
    def barrier(x: Any) -> Any:
        return jnp.sum(jnp.arange(1.0, 4.0) * x - jnp.log(x))

    got = jitad.jit(lambda x: minimize(barrier, x, method=method, tol=1e-8))(np.full(3, 0.5))
    assert got.success
    np.testing.assert_allclose(got.x, 1 / np.arange(1.0, 4.0), rtol=1e-5)


def test_precision_beyond_that_of_the_function() -> None:
    """The value is one in sixteen digits long before the gradient is small."""
    got = minimize(lambda x: 1e3 + jnp.sum(jnp.cosh(x - jnp.arange(3.0))), np.zeros(3), tol=1e-10)
    assert got.success
    np.testing.assert_allclose(got.x, np.arange(3.0), atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_ways_to_stop_early(method: str) -> None:
    start = np.array([-1.2, 1.0])
    few = minimize(rosenbrock, start, method=method, options={"maxiter": 3})
    assert few.status == 1 and few.nit == 3 and not few.success
    down = minimize(lambda x: -x[0], np.zeros(1), method=method, options={"maxiter": 5})
    assert not down.success
    lost = minimize(lambda x: x[0] * np.nan, np.ones(1), method=method)
    assert lost.status == 3 and not lost.success

    @jitad.custom_jvp
    def with_a_wrong_gradient(x: Any) -> Any:
        return jnp.sum(x**2)

    with_a_wrong_gradient.defjvp(
        lambda primals, tangents: (jnp.sum(primals[0] ** 2), -jnp.sum(tangents[0]))
    )
    wrong = minimize(with_a_wrong_gradient, np.ones(2), method=method)
    assert wrong.status == 2 and wrong.nit == 0
    np.testing.assert_array_equal(wrong.x, 1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"gtol": 1e-9},
        {"norm": 2},
        {"xrtol": 1e-2},
        {"c1": 1e-3, "c2": 0.3},
        {"hess_inv0": np.diag([1.0, 2.0])},
    ],
)
def test_options_are_scipys(options: dict[str, Any]) -> None:
    start = np.array([-1.2, 1.0])
    got = minimize(rosenbrock, start, options=options)
    expected = by_scipy(rosenbrock, start, "BFGS", **options)
    assert (int(got.nit), int(got.nfev)) == (expected.nit, expected.nfev)
    assert bool(got.success) == bool(expected.success)


def test_the_gradient_is_as_small_as_tol() -> None:
    assert np.max(np.abs(minimize(beale, np.ones(2), tol=1e-9).jac)) <= 1e-9


def test_single_precision() -> None:
    start = np.array([-1.2, 1.0], np.float32)
    for method in METHODS:
        got = minimize(rosenbrock, start, method=method, tol=1e-3)
        assert got.x.dtype == got.fun.dtype == got.jac.dtype == np.float32
        np.testing.assert_allclose(got.x, 1.0, atol=0.01)


CURVED = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, 0.5], [0.0, 0.5, 4.0]])


def energy(x: Any, p: Any) -> Any:
    return jnp.sum((CURVED @ x - p) ** 2) + jnp.sum(p**2 * x**4) + jnp.sum(jnp.exp(x - p))


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_of_a_minimum(method: str) -> None:
    options = {"gtol": 1e-12} if method == "BFGS" else {"gtol": 1e-12, "ftol": -1.0}
    point = np.array([1.0, 2.0, 3.0])

    def solution(p: Any) -> Any:
        found = minimize(energy, np.zeros(3), (p,), method=method, options=options)
        return jnp.append(found.x, found.fun)

    def solution_closed_over(p: Any) -> Any:
        return minimize(lambda x: energy(x, p), np.zeros(3), method=method, options=options).x

    check_derivatives(solution, point)
    check_derivatives(solution_closed_over, point)


def test_third_derivative_of_a_minimum() -> None:
    """x + e^x = a: with w = x', w = 1 / (1 + e^x), so x''' = -w^3 e^x (1 - 2 e^x) w^2 ..."""

    def solution(a: Any) -> Any:
        function = lambda x: jnp.sum(x**2 / 2 + jnp.exp(x) - a * x)  # noqa: E731
        return minimize(function, np.zeros(1), tol=1e-13).x[0]

    second = jitad.grad(jitad.grad(solution))
    step = 1e-3
    near = [float(second(1.3 + n * step)) for n in (-2, -1, 1, 2)]
    expected = (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * step)
    assert jitad.grad(second)(1.3) == pytest.approx(expected, rel=1e-7)


def test_starts_and_counts_have_no_derivative() -> None:
    def from_start(x0: Any) -> Any:
        found = minimize(beale, x0)
        return jnp.sum(found.x) + found.nit

    assert (jitad.grad(from_start)(np.ones(2)) == 0).all()


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="one dimension"):
        minimize(beale, np.ones((2, 2)))
    with pytest.raises(TypeError, match="real x0"):
        minimize(beale, np.ones(2) * 1j)
    with pytest.raises(ValueError, match="expected the method 'BFGS' or 'L-BFGS'; got 'other'"):
        minimize(beale, np.ones(2), method="other")
    with pytest.raises(TypeError, match="args to be a tuple"):
        minimize(energy, np.ones(3), np.ones(3))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="options of BFGS among maxiter.*got disp, maxcor"):
        minimize(beale, np.ones(2), options={"maxcor": 3, "disp": True})
    with pytest.raises(TypeError, match="must return a scalar"):
        minimize(lambda x: x, np.ones(2))
