"""Expectation maximisation for a linear dynamical system: a Kalman smoother that learns its model.

A hidden state moves linearly, and is seen through noise:

    x[t+1] = A x[t] + N(0, Q),    y[t] = C x[t] + N(0, R),    x[0] ~ N(m, P)

The Kalman filter gives p(x[t] | y[0..t]) and log p(y) in one pass forwards, the smoother of Rauch,
Tung and Striebel p(x[t] | y) in one pass backwards. Expectation maximisation (Shumway & Stoffer
1982) replaces the parameters by those best for the smoothed moments, which never lowers log p(y).
Both passes are a `scan`. See log p(y) rise, the gradient of log p(y), which the algorithm never
uses, go to zero, and the rotation that made the data come back.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import jitad.numpy as jnp
from jitad import grad, jit, lax, random
from jitad.scipy.stats import multivariate_normal


class Model(NamedTuple):
    """The parameters; state of n numbers, observations of d."""

    A: np.ndarray  # (n, n)
    Q: np.ndarray  # (n, n)
    C: np.ndarray  # (d, n)
    R: np.ndarray  # (d, d)
    m: np.ndarray  # (n,)
    P: np.ndarray  # (n, n)


class Belief(NamedTuple):
    """Mean (n,) and covariance (n, n) of a state."""

    mean: np.ndarray
    covariance: np.ndarray


def kalman_filter(model: Model, ys: np.ndarray) -> tuple[np.ndarray, Belief]:
    """log p(y), and the states given the observations so far, stacked."""

    def step(predicted: Belief, y: np.ndarray) -> tuple[Belief, tuple[np.ndarray, Belief]]:
        mean, covariance = predicted
        expected, spread = model.C @ mean, model.C @ covariance @ model.C.T + model.R
        gain = jnp.linalg.solve(spread, model.C @ covariance).T
        seen = Belief(mean + gain @ (y - expected), covariance - gain @ model.C @ covariance)
        score = multivariate_normal.logpdf(y, expected, spread)
        ahead = Belief(model.A @ seen.mean, model.A @ seen.covariance @ model.A.T + model.Q)
        return ahead, (score, seen)

    scores, filtered = lax.scan(step, Belief(model.m, model.P), ys)[1]
    return jnp.sum(scores), filtered


def smoother(model: Model, filtered: Belief) -> tuple[Belief, np.ndarray]:
    """The states given all observations, and Cov(x[t+1], x[t]) for t = 0 ... T - 2, stacked."""

    def step(later: Belief, seen: Belief) -> tuple[Belief, tuple[Belief, np.ndarray]]:
        mean, covariance = seen
        ahead = model.A @ covariance @ model.A.T + model.Q
        gain = jnp.linalg.solve(ahead, model.A @ covariance).T
        now = Belief(
            mean + gain @ (later.mean - model.A @ mean),
            covariance + gain @ (later.covariance - ahead) @ gain.T,
        )
        return now, (now, later.covariance @ gain.T)

    last = Belief(*[moment[-1] for moment in filtered])
    before = Belief(*[moment[:-1] for moment in filtered])
    states, cross = lax.scan(step, last, before, reverse=True)[1]
    whole = [jnp.concatenate([s, end[None]]) for s, end in zip(states, last, strict=True)]
    return Belief(*whole), cross


def maximise(states: Belief, cross: np.ndarray, ys: np.ndarray) -> Model:
    """The parameters that are best for the smoothed moments of the states."""
    x, covariance = states
    count = len(ys)
    square = covariance + x[:, :, None] * x[:, None, :]  # E x[t] x[t]'
    product = cross + x[1:, :, None] * x[:-1, None, :]  # E x[t+1] x[t]'
    A = jnp.linalg.solve(square[:-1].sum(0), product.sum(0).T).T
    Q = (square[1:].sum(0) - A @ product.sum(0).T) / (count - 1)
    C = jnp.linalg.solve(square.sum(0), x.T @ ys).T
    R = (ys.T @ ys - C @ (x.T @ ys)) / count
    return Model(A, (Q + Q.T) / 2, C, (R + R.T) / 2, x[0], covariance[0])


@jit
def learn(model: Model, ys: np.ndarray, steps: np.ndarray) -> tuple[Model, np.ndarray]:
    """The model after each of `steps` (any array of that length) steps, and log p(y) before."""

    def step(model: Model, _: np.ndarray) -> tuple[Model, np.ndarray]:
        score, filtered = kalman_filter(model, ys)
        return maximise(*smoother(model, filtered), ys), score

    return lax.scan(step, model, steps)


def simulate(key: np.ndarray, model: Model, count: int) -> np.ndarray:
    """Observations (count, d) of a system that starts at m."""
    first, second = random.split(key)
    pushes = random.multivariate_normal(first, jnp.zeros(len(model.Q)), model.Q, (count,))
    errors = random.multivariate_normal(second, jnp.zeros(len(model.R)), model.R, (count,))
    states = lax.scan(lambda x, push: (model.A @ x + push, x), model.m, pushes)[1]
    return states @ model.C.T + errors


def main(count: int = 500, steps: int = 300) -> Model:
    """Recover a slowly decaying rotation, which three sensors see."""
    turn, decay = 0.3, 0.99
    rotation = decay * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sensors = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    eye, wide = np.eye(2), np.eye(3)
    truth = Model(rotation, 0.05 * eye, sensors, 0.2 * wide, np.ones(2), 0.1 * eye)
    ys = simulate(random.key(0), truth, count)

    start = Model(0.5 * eye + 0.1, eye, sensors, wide, np.zeros(2), eye)
    model, scores = learn(start, ys, np.arange(steps))
    score = jit(lambda model: kalman_filter(model, ys)[0])
    slope = jit(grad(score))

    def steepness(model: Model) -> float:
        return np.abs(slope(model).A).max()

    angle = float(np.abs(np.angle(np.linalg.eigvals(model.A))).max())
    print(f"log p(y) {scores[0]:.2f} at first, {score(model):.2f} learnt, {score(truth):.2f} true")
    print(f"|d log p / dA| {steepness(start):.3g} at first, {steepness(model):.3g} at last")
    print(f"turns by {angle:.3f} a step (truth {turn})")
    assert np.all(np.diff(scores) > -1e-8)
    assert score(model) > score(truth) - 1
    assert steepness(model) < 1e-3 * steepness(start)
    assert abs(angle - turn) < 0.02
    return model


if __name__ == "__main__":
    main()
