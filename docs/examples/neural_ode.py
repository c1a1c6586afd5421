"""A neural differential equation: a network that learns how hares and lynxes multiply.

The logarithms u of the numbers of prey and predators follow the equations of Lotka and Volterra,

    du_1/dt = a - b exp(u_2),    du_2/dt = -c + d exp(u_1),

which the program does not know. It replaces the right-hand side by a network f(u; theta), solves
du/dt = f by Runge and Kutta's method, and changes theta until the solutions pass through noisy
observations (Chen et al. 2018). The gradient goes backwards through every step of the solver: the
solution is a `scan`, a batch of solutions a `vmap`. See the network predict a solution from a start
it has never seen, for twice as long as it was shown any.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from adam import Adam, adam

import jitad.numpy as jnp
from jitad import jit, lax, nn, random, value_and_grad, vmap

DT = 0.1
OBSERVED = 50  # steps
HIDDEN = 32
NOISE = 0.02

Layers = list[tuple[np.ndarray, np.ndarray]]


def lotka_volterra(u: np.ndarray) -> np.ndarray:
    """The truth."""
    prey, predators = jnp.exp(u)
    return jnp.stack([1.0 - predators, prey - 1.0])


def init(key: np.ndarray) -> Layers:
    """Three layers, 2 to 2."""
    weights = nn.initializers.glorot_normal()
    sizes = [2, HIDDEN, HIDDEN, 2]
    keys = random.split(key, 3)
    return [
        (weights(k, (m, n), float), jnp.zeros(n))
        for k, m, n in zip(keys, sizes[:-1], sizes[1:], strict=True)
    ]


def network(layers: Layers, u: np.ndarray) -> np.ndarray:
    """f(u; theta)."""
    *hidden, (w, b) = layers
    for inner_w, inner_b in hidden:
        u = jnp.tanh(u @ inner_w + inner_b)
    return u @ w + b


def solve(f: Callable[[np.ndarray], np.ndarray], u: np.ndarray, steps: int) -> np.ndarray:
    """The solution of du/dt = f(u) after 0 ... steps - 1 steps of DT, shape (steps, 2)."""

    def step(u: np.ndarray, _: None) -> tuple[np.ndarray, np.ndarray]:
        k1 = f(u)
        k2 = f(u + DT / 2 * k1)
        k3 = f(u + DT / 2 * k2)
        k4 = f(u + DT * k3)
        return u + DT / 6 * (k1 + 2 * k2 + 2 * k3 + k4), u

    return lax.scan(step, u, None, steps)[1]


def loss(layers: Layers, observations: np.ndarray) -> np.ndarray:
    """Mean square distance of solutions (n, steps, 2) from those that start at the same points."""
    model = partial(network, layers)
    solutions = vmap(lambda u: solve(model, u, observations.shape[1]))(observations[:, 0])
    return jnp.mean((solutions - observations) ** 2)


@partial(jit, static_argnums=2)
def train(layers: Layers, observations: np.ndarray, steps: int) -> tuple[Layers, np.ndarray]:
    """Layers after `steps` steps of Adam, whose rate falls to zero, and the loss before each."""

    def step(state: Adam, i: np.ndarray) -> tuple[Adam, np.ndarray]:
        value, gradient = value_and_grad(loss)(state.params, observations)
        return state.step(gradient, 0.01 * (1 - i / steps)), value

    state, losses = lax.scan(step, adam(layers), jnp.arange(steps))
    return state.params, losses


def main(steps: int = 2000, count: int = 16) -> float:
    """Learn from `count` solutions; the largest error of a prediction."""
    where, noise, start = random.split(random.key(0), 3)
    starts = random.uniform(where, (count, 2), minval=-1.0, maxval=1.0)
    truth = jit(vmap(lambda u: solve(lotka_volterra, u, OBSERVED)))(starts)
    observations = truth + NOISE * random.normal(noise, truth.shape)

    layers, losses = train(init(start), observations, steps)
    new = np.array([0.5, 0.5])
    expected = solve(lotka_volterra, new, 2 * OBSERVED)
    predicted = solve(partial(network, layers), new, 2 * OBSERVED)
    error = float(np.abs(predicted - expected).max())
    print(f"loss {losses[0]:.3f} at first, {losses[-1]:.6f} at last; noise {NOISE**2:.6f}")
    print(f"a new solution, twice as long, is off by {error:.3f} of {np.ptp(expected):.2f} at most")
    assert losses[-1] < 2.5 * NOISE**2
    assert error < 0.15
    return error


if __name__ == "__main__":
    main()
