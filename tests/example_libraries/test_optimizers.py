"""Optimizers: one step by hand, descent, schedules, states as pytrees, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.example_libraries import optimizers

PARAMS = {"w": np.array([[1.0, -2.0], [0.5, 3.0]]), "b": [np.array([0.3])]}
MAKERS = {
    "sgd": lambda: optimizers.sgd(0.1),
    "momentum": lambda: optimizers.momentum(0.05, 0.9),
    "nesterov": lambda: optimizers.nesterov(0.05, 0.9),
    "adagrad": lambda: optimizers.adagrad(0.5),
    "rmsprop": lambda: optimizers.rmsprop(0.02),
    "rmsprop_momentum": lambda: optimizers.rmsprop_momentum(0.01),
    "adam": lambda: optimizers.adam(0.1),
    "adamax": lambda: optimizers.adamax(0.1),
    "sm3": lambda: optimizers.sm3(0.5),
}


def energy(params: Any) -> Any:
    return sum([jnp.sum(x**2) for x in jitad.tree.leaves(params)]) / 2


@pytest.mark.parametrize("name", MAKERS)
def test_descends(name: str) -> None:
    init, update, get_params = MAKERS[name]()
    step = jitad.jit(lambda i, s: update(i, jitad.grad(energy)(get_params(s)), s))
    state = init(PARAMS)
    assert jitad.tree.map(np.shape, get_params(state)) == jitad.tree.map(np.shape, PARAMS)
    for i in range(300):
        state = step(i, state)
    assert energy(get_params(state)) < 0.02 * energy(PARAMS)


def test_second_steps_by_hand() -> None:
    """Two steps with gradients 2 and 1 from x = 0."""
    expected = {
        "sgd": -0.1 * 3,
        "momentum": -0.05 * (2 + 0.9 * 2 + 1),
        "nesterov": -0.05 * (0.9 * 2 + 2 + 0.9 * 2.8 + 1),
        "adagrad": -0.5 * (0.1 + 0.09 + 0.1 / np.sqrt(5)),
        "rmsprop": -0.02 * (2 / np.sqrt(0.4) + 1 / np.sqrt(0.46)),
        "rmsprop_momentum": -0.01 * (1.9 * 2 / np.sqrt(0.4) + 1 / np.sqrt(0.46)),
        "adam": -0.1 * (1 + (0.28 / 0.19) / np.sqrt(0.004996 / 0.001999)),
        "adamax": -0.1 * (1 + (0.28 / 0.19) / 1.998),
        "sm3": -0.5 * (0.1 + 0.09 + 0.1 / np.sqrt(5)),
    }
    for name, value in expected.items():
        init, update, get_params = MAKERS[name]()
        state = update(1, np.array([1.0]), update(0, np.array([2.0]), init(np.zeros(1))))
        np.testing.assert_allclose(get_params(state), value, rtol=1e-5, err_msg=name)


def test_schedules() -> None:
    o = optimizers
    assert o.make_schedule(0.5)(7) == 0.5
    assert o.exponential_decay(1.0, 2, 0.25)(1) == 0.5
    assert o.inverse_time_decay(1.0, 2, 1.0)(3) == 0.4
    assert o.inverse_time_decay(1.0, 2, 1.0, staircase=True)(3) == 0.5
    assert [o.polynomial_decay(1.0, 10, 0.0, 2.0)(i) for i in (5, 20)] == [0.25, 0.0]
    steps = o.piecewise_constant([2, 5], [1.0, 0.5, 0.1])
    assert [float(steps(i)) for i in (0, 2, 3, 6)] == [1.0, 1.0, 0.5, 0.1]
    init, update, get_params = o.sgd(steps)
    assert get_params(update(6, 1.0, init(0.0))) == -0.1


def test_states_are_pytrees_and_can_be_unpacked() -> None:
    init, update, get_params = optimizers.adam(0.1)
    state = update(0, PARAMS, init(PARAMS))
    assert len(jitad.tree.leaves(state)) == 6
    tree = optimizers.unpack_optimizer_state(state)
    assert isinstance(tree["w"], optimizers.JoinPoint) and len(*tree["w"]) == 3
    again = optimizers.pack_optimizer_state(tree)
    assert jitad.tree.structure(again) == jitad.tree.structure(state)
    with pytest.raises(TypeError, match="expected a JoinPoint for each leaf"):
        optimizers.pack_optimizer_state(PARAMS)


def test_norms() -> None:
    tree = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert optimizers.l2_norm(tree) == 5.0
    assert optimizers.l2_norm(optimizers.clip_grads(tree, 1.0)) == pytest.approx(1.0)
    assert optimizers.clip_grads(tree, 10.0)["b"] == 4.0


def test_errors() -> None:
    init, update, _ = optimizers.sgd(0.1)
    with pytest.raises(TypeError, match="expected gradients of the parameters' structure"):
        update(0, [1.0], init((1.0, 2.0)))
    with pytest.raises(TypeError, match="step size: expected a number or a function"):
        optimizers.sgd(np.ones(2))
    with pytest.raises(ValueError, match="expected n boundaries and n \\+ 1 values"):
        optimizers.piecewise_constant([1], [1.0])
