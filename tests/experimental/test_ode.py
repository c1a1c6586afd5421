"""odeint against SciPy, closed forms and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jitad
import jitad.numpy as jnp
from jitad.experimental.ode import odeint
from jitad.test_util import check_grads

TIMES = np.linspace(0.0, 5.0, 11)


def pendulum(y: Any, t: Any, m: Any, g: Any) -> Any:
    angle, speed = y
    return speed, -m * speed - g * jnp.sin(angle) + 0.1 * jnp.sin(t)


@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_values_against_scipy(wrap: Any) -> None:
    run = wrap(lambda y, m, g: odeint(pendulum, y, TIMES, m, g))
    angle, speed = run((1.0, 0.0), 0.3, 9.8)
    assert angle.shape == speed.shape == TIMES.shape
    reference = solve_ivp(
        lambda t, y: [y[1], -0.3 * y[1] - 9.8 * np.sin(y[0]) + 0.1 * np.sin(t)],
        (0.0, 5.0),
        [1.0, 0.0],
        t_eval=TIMES,
        method="DOP853",
        rtol=1e-12,
        atol=1e-12,
    )
    assert np.allclose(angle, reference.y[0], atol=1e-6)
    assert np.allclose(speed, reference.y[1], atol=1e-6)


def test_tolerances_decide_the_error() -> None:
    def error(tolerance: float) -> float:
        y = odeint(lambda y, t: -y, 1.0, TIMES, rtol=tolerance, atol=tolerance)
        return float(np.abs(y - np.exp(-TIMES)).max())

    assert error(1e-4) < 1e-3 and error(1e-10) < 1e-9 < error(1e-4)


def test_dtypes_and_shapes() -> None:
    turned = odeint(lambda y, t: 1j * y, np.array([1.0 + 0j]), TIMES)
    assert turned.shape == (11, 1) and np.allclose(turned[:, 0], np.exp(1j * TIMES), atol=1e-6)
    short = odeint(lambda y, t: -y, np.ones((2, 2), np.float32), TIMES.astype("f4"), rtol=1e-5)
    assert short.shape == (11, 2, 2) and short.dtype == np.float32
    assert np.allclose(short[-1], np.exp(-5.0), atol=1e-4)
    assert odeint(lambda y, t: -y, 2.0, TIMES[:1]) == [2.0]
    still = odeint(lambda y, t: 0.0 * y, np.array([3.0]), TIMES)
    assert np.array_equal(still, np.full((11, 1), 3.0))
    assert np.allclose(odeint(lambda y, t: -y, 1.0, np.array([0.0, 0.0, 1.0])), [1, 1, np.exp(-1)])


def test_limits_of_steps() -> None:
    evaluations = []

    def f(y: Any, t: Any) -> Any:
        jitad.debug.callback(lambda: evaluations.append(0))
        return -y

    odeint(f, 1.0, TIMES[[0, -1]])
    free = len(evaluations)
    evaluations.clear()
    odeint(f, 1.0, TIMES[[0, -1]], hmax=0.01)
    assert len(evaluations) > 6 * 400 > free
    assert not np.allclose(odeint(f, 1.0, TIMES[[0, -1]], mxstep=3)[-1], np.exp(-5.0), rtol=1e-2)


def total(y: Any, m: Any, g: Any, times: Any) -> Any:
    angle, speed = odeint(pendulum, (y, 0.0), times, m, g)
    return jnp.sum(angle**2 + speed * jnp.arange(1.0, 4.0))


def test_derivatives() -> None:
    arguments = (1.0, 0.3, 9.8, np.array([0.1, 0.6, 1.3]))
    check_grads(jitad.jit(total), arguments, 1, atol=1e-5, rtol=1e-5)
    check_grads(jitad.jit(lambda m: total(1.0, m, 9.8, TIMES[:3])), (0.3,), 2, atol=1e-4, rtol=1e-4)
    # y' = -a y: dy/da = -t y, d2y/da2 = t^2 y, dy/dt = -a y
    decay = lambda a, t: odeint(lambda y, t, a: -a * y, 1.0, t, a)[-1]  # noqa: E731
    ends = np.array([0.0, 2.0])
    assert np.allclose(jitad.grad(decay)(0.5, ends), -2.0 * np.exp(-1.0), atol=1e-6)
    assert np.allclose(jitad.hessian(decay)(0.5, ends), 4.0 * np.exp(-1.0), atol=1e-5)
    slopes = jitad.grad(decay, argnums=1)(0.5, ends)
    assert np.allclose(slopes, [0.5 * np.exp(-1.0), -0.5 * np.exp(-1.0)], atol=1e-6)


def test_closures_and_batches() -> None:
    def last(rate: Any) -> Any:
        return odeint(lambda y, t: -rate * y, 1.0, TIMES)[-1]

    rates = np.array([0.1, 1.0, 3.0])
    assert np.allclose(jitad.grad(last)(0.5), -5.0 * np.exp(-2.5), atol=1e-6)
    batched = jitad.jit(jitad.vmap(jitad.value_and_grad(last)))(rates)
    assert np.allclose(batched[0], np.exp(-5.0 * rates), atol=1e-6)
    assert np.allclose(batched[1], -5.0 * np.exp(-5.0 * rates), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((lambda y, t: -y, 1.0, np.arange(3)), "vector of floats"),
        ((lambda y, t: -y, 1.0, np.float64(2.0)), "vector of floats"),
        ((lambda y, t: -y, 1, TIMES), "float or complex"),
        ((lambda y, t: (y, y), 1.0, TIMES), "what y0 is like"),
        ((lambda y, t, s: -y, 1.0, TIMES, "text"), "argument of func"),
    ],
)
def test_wrong_arguments(arguments: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        odeint(*arguments)
