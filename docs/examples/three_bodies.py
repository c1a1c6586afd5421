"""Three bodies that chase each other along a figure of eight, and an integrator that keeps energy.

Positions q and momenta p of bodies of mass 1 that attract each other follow Hamilton's equations,

    H(q, p) = |p|^2 / 2 + V(q),  V(q) = -sum_{i < j} 1 / |q_i - q_j|,  dq/dt = p,  dp/dt = -dV/dq

A leapfrog step (kick, drift, kick) is symplectic: its Jacobian J has J' W J = W, W = [0 I; -I 0],
so that the error of the energy stays bounded, where it grows with Runge and Kutta. Leapfrogs of
lengths w dt, (1 - 2w) dt and w dt, w = 1 / (2 - 2^(1/3)), make a step of order 4 (Yoshida 1990).

The forces are the gradient of V. See the bodies return after one period of the orbit of Chenciner
and Montgomery (2000), the energy over a thousand periods, and the Jacobian of a whole one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

import jitad.numpy as jnp
from jitad import grad, jacfwd, jit, lax

State = tuple[np.ndarray, np.ndarray]

PERIOD = 6.32591398
FIRST = np.array([0.97000436, -0.24308753])
SPEED = np.array([-0.93240737, -0.86473146])
ORBIT = (np.array([FIRST, -FIRST, [0.0, 0.0]]), np.array([-SPEED / 2, -SPEED / 2, SPEED]))


def potential(q: np.ndarray) -> np.ndarray:
    """V at positions (bodies, 2)."""
    i, j = np.triu_indices(len(q), 1)
    return -jnp.sum(1 / jnp.linalg.norm(q[i] - q[j], axis=1))


def energy(state: State) -> np.ndarray:
    """H."""
    q, p = state
    return jnp.sum(p**2) / 2 + potential(q)


def leapfrog(state: State, dt: float) -> State:
    """A step of order two."""
    q, p = state
    p = p - dt / 2 * grad(potential)(q)
    q = q + dt * p
    return q, p - dt / 2 * grad(potential)(q)


def yoshida(state: State, dt: float) -> State:
    """A step of order four."""
    w = 1 / (2 - 2 ** (1 / 3))
    for part in (w, 1 - 2 * w, w):
        state = leapfrog(state, part * dt)
    return state


def runge_kutta(state: State, dt: float) -> State:
    """The classical step of order four, which is not symplectic."""

    def slope(state: State) -> State:
        return state[1], -grad(potential)(state[0])

    def moved(slope: State, by: float) -> State:
        return state[0] + by * slope[0], state[1] + by * slope[1]

    a = slope(state)
    b = slope(moved(a, dt / 2))
    c = slope(moved(b, dt / 2))
    d = slope(moved(c, dt))
    q, p = [(a[i] + 2 * b[i] + 2 * c[i] + d[i]) / 6 for i in range(2)]
    return moved((q, p), dt)


@partial(jit, static_argnums=(0, 2, 3))
def run(
    step: Callable[[State, float], State], state: State, periods: int, steps: int
) -> tuple[State, np.ndarray]:
    """The state after `periods` periods of `steps` steps, and the largest error of the energy in
    each period, relative to the first energy."""
    dt, first = PERIOD / steps, energy(state)

    def inner(_: int, carry: tuple[State, np.ndarray]) -> tuple[State, np.ndarray]:
        state = step(carry[0], dt)
        return state, jnp.maximum(carry[1], jnp.abs(energy(state) / first - 1))

    def period(state: State, _: None) -> tuple[State, np.ndarray]:
        return lax.fori_loop(0, steps, inner, (state, 0.0))

    return lax.scan(period, state, None, periods)


def main(periods: int = 1000) -> None:
    """One period in detail, then many."""
    (q, p), _ = run(yoshida, ORBIT, 1, 1000)
    missed = max(np.abs(q - ORBIT[0]).max(), np.abs(p - ORBIT[1]).max())
    print(f"after one period every body is back within {missed:.1e}")
    assert missed < 1e-5

    growth = {}
    for step in (leapfrog, runge_kutta, yoshida):
        _, errors = run(step, ORBIT, periods, 200)
        growth[step] = errors[-1] / errors[0]
        print(f"{step.__name__:12} error of the energy {errors[0]:.1e}, then {errors[-1]:.1e}")
    assert growth[leapfrog] < 3 and growth[yoshida] < 3 and growth[runge_kutta] > 100

    def flow(z: np.ndarray) -> np.ndarray:
        (q, p), _ = run(yoshida, (z[:6].reshape(3, 2), z[6:].reshape(3, 2)), 1, 200)
        return jnp.concatenate([q.ravel(), p.ravel()])

    jacobian = jit(jacfwd(flow))(np.concatenate([part.ravel() for part in ORBIT]))
    w = np.kron([[0, 1], [-1, 0]], np.eye(6))
    unsymplectic = np.abs(jacobian.T @ w @ jacobian - w).max()
    largest = np.abs(jacobian).max()
    print(
        f"an orbit's Jacobian, of entries up to {largest:.0f}, is symplectic to {unsymplectic:.1e}"
    )
    assert unsymplectic < 1e-9 * largest


if __name__ == "__main__":
    main()
