"""Differentially private gradient descent: a model that gives away little of any one example.

Each example has a gradient g_i of its own, which is cut to length C; the sum gets Gaussian noise:

    g = (sum_i g_i min(1, C / |g_i|) + N(0, s^2 C^2 I)) / n                  (Abadi et al. 2016)

Without an example the sum moves by at most C, whatever the example. T such steps over all examples
satisfy rho-zero-concentrated differential privacy with rho = T / (2 s^2), and so, for every delta,
(epsilon, delta)-privacy with epsilon = rho + 2 sqrt(rho log(1 / delta)) (Bun & Steinke 2016).

`vmap(grad(loss))` is all it takes: the gradients of a thousand examples are one native loop, and
how many examples there are is the length of an axis. See what privacy costs in accuracy.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from digits import CLASSES, SIZE, make_digits

import jitad.numpy as jnp
from jitad import grad, jit, lax, nn, random, tree, vmap

CLIP = 1.0
RATE = 1.0
DELTA = 1e-5

Params = tuple[np.ndarray, np.ndarray]


def logits(params: Params, picture: np.ndarray) -> np.ndarray:
    """Softmax regression: ten numbers for one picture."""
    w, b = params
    return picture.ravel() @ w + b


def loss(params: Params, picture: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Cross-entropy of one example."""
    return -nn.log_softmax(logits(params, picture))[label]


def clipped(gradient: Params) -> Params:
    """A gradient cut to length CLIP."""
    length = jnp.sqrt(sum(jnp.sum(g**2) for g in tree.leaves(gradient)))
    scale = jnp.minimum(1.0, CLIP / length)
    return tree.map(lambda g: g * scale, gradient)


def clipped_sum(params: Params, pictures: np.ndarray, labels: np.ndarray) -> Params:
    """The sum over examples of their gradients, each cut by itself."""

    def one(picture: np.ndarray, label: np.ndarray) -> Params:
        return clipped(grad(loss)(params, picture, label))

    return tree.map(lambda g: g.sum(axis=0), vmap(one)(pictures, labels))


@partial(jit, static_argnums=1)
def train(
    key: np.ndarray, steps: int, noise: float, pictures: np.ndarray, labels: np.ndarray
) -> Params:
    """Parameters after `steps` steps over all examples, with noise of `noise` times CLIP."""
    start = (jnp.zeros((SIZE * SIZE, CLASSES)), jnp.zeros(CLASSES))

    def step(params: Params, key: np.ndarray) -> tuple[Params, None]:
        total = clipped_sum(params, pictures, labels)
        keys = random.split(key, len(total))

        def moved(p: np.ndarray, g: np.ndarray, key: np.ndarray) -> np.ndarray:
            disturbed = g + noise * CLIP * random.normal(key, g.shape)
            return p - RATE * disturbed / len(labels)

        return tree.map(moved, params, total, tuple(keys)), None

    return lax.scan(step, start, random.split(key, steps))[0]


@jit
def accuracy(params: Params, pictures: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The share of pictures that are read right."""
    scores = vmap(logits, in_axes=(None, 0))(params, pictures)
    return jnp.mean(jnp.argmax(scores, axis=1) == labels)


def epsilon(steps: int, noise: float) -> float:
    """What `steps` steps give away, for DELTA."""
    if noise == 0:
        return math.inf
    rho = steps / (2 * noise**2)
    return rho + 2 * math.sqrt(rho * math.log(1 / DELTA))


def main(count: int = 3000, steps: int = 100) -> dict[float, float]:
    """Train with more and more noise; the accuracy of each on a thousand other examples."""
    training, testing, order = random.split(random.key(0), 3)
    make = jit(partial(make_digits, shift=0, noise=0.5), static_argnums=1)
    pictures, labels = make(training, count)
    held_out = make(testing, 1000)
    reached = {}
    for noise in (0.0, 5.0, 20.0, 100.0):
        params = train(order, steps, noise, pictures, labels)
        reached[noise] = float(accuracy(params, *held_out))
        given = f"epsilon {epsilon(steps, noise):6.2f}"
        print(f"noise {noise:5.0f}: {given}, accuracy {reached[noise]:.3f}")

    whole = clipped_sum(params, pictures, labels)
    without = clipped_sum(params, pictures[1:], labels[1:])
    moved = math.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(whole, without, strict=True)))
    print(f"without the first example the sum moves by {moved:.3f}, at most {CLIP}")
    assert moved <= CLIP * (1 + 1e-9)
    assert reached[0.0] > 0.9 and reached[20.0] > 0.85
    assert reached[100.0] < reached[20.0] <= reached[0.0] + 0.02
    return reached


if __name__ == "__main__":
    main()
