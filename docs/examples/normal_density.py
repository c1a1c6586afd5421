"""The three partials of the normal log-density, by every mode, at one point and at a million.

    f(y, mu, sigma) = -((y - mu) / sigma)^2 / 2 - log(sigma) - log(2 pi) / 2

With z = (y - mu) / sigma the partials are -z / sigma, z / sigma and (z^2 - 1) / sigma. Forward mode
takes one pass for each partial, reverse mode one pass for all three, central differences two
evaluations for each. Run it with `make demo`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import jitad.numpy as jnp
from jitad import grad, jacfwd, jit, jvp, vmap

PARTIALS = ("df/dy", "df/dmu", "df/dsigma")
POINTS = 1_000_000


def f(y, mu, sigma):
    """Log of the normal density at y, with mean mu and standard deviation sigma > 0."""
    return -(((y - mu) / sigma) ** 2) / 2 - jnp.log(sigma) - np.log(2 * np.pi) / 2


def closed_form(y, mu, sigma):
    """The three partials, differentiated on paper."""
    z = (y - mu) / sigma
    return -z / sigma, z / sigma, (z**2 - 1) / sigma


def by_jvp(y, mu, sigma):
    """Forward mode: the derivative along each coordinate direction, one jvp for each."""
    directions = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    return tuple(jvp(f, (y, mu, sigma), direction)[1] for direction in directions)


def by_central_differences(y, mu, sigma):
    """(f(x + h) - f(x - h)) / 2h in each argument; h = (machine epsilon)^(1/3)."""
    h = np.finfo(float).eps ** (1 / 3)
    return (
        (f(y + h, mu, sigma) - f(y - h, mu, sigma)) / (2 * h),
        (f(y, mu + h, sigma) - f(y, mu - h, sigma)) / (2 * h),
        (f(y, mu, sigma + h) - f(y, mu, sigma - h)) / (2 * h),
    )


WAYS: dict[str, Callable] = {
    "forward, jvp": by_jvp,
    "forward, jacfwd": jacfwd(f, argnums=(0, 1, 2)),
    "reverse, grad": grad(f, argnums=(0, 1, 2)),
    "central differences": by_central_differences,
}
# Largest absolute error accepted where the partials are of order one.
TOLERANCE = {name: 1e-8 if name == "central differences" else 1e-14 for name in WAYS}


def at_one_point(y: float, mu: float, sigma: float) -> None:
    exact = np.array(closed_form(y, mu, sigma))
    print(f"f({y}, {mu}, {sigma}) = {float(f(y, mu, sigma)):.12f}\n")
    print(f"{'':22}{''.join(f'{name:>18}' for name in PARTIALS)}{'error':>10}")
    print(f"{'on paper':22}{''.join(f'{value:18.12f}' for value in exact)}")
    for name, partials in WAYS.items():
        for label, way in ((name, partials), ("  under jit", jit(partials))):
            values = np.array(way(y, mu, sigma), dtype=float)
            error = abs(values - exact).max()
            print(f"{label:22}{''.join(f'{value:18.12f}' for value in values)}{error:10.1e}")
            np.testing.assert_allclose(values, exact, rtol=0, atol=TOLERANCE[name])


def at_many_points() -> None:
    """Every point with a mean and a deviation of its own."""
    rng = np.random.default_rng(0)
    mu, sigma = rng.normal(size=POINTS), rng.uniform(0.5, 2.0, size=POINTS)
    y = mu + sigma * rng.normal(size=POINTS)
    exact = closed_form(y, mu, sigma)
    print(f"\nover {POINTS:,} points, jit(vmap(...)):")
    print(f"{'':22}{'first call':>14}{'then':>12}{'largest error':>17}")
    for name, partials in WAYS.items():
        way = jit(vmap(partials))
        times, values = [], []
        for _ in range(6):
            start = time.perf_counter()
            values = [np.asarray(value) for value in way(y, mu, sigma)]
            times.append(1e3 * (time.perf_counter() - start))
        error = max(abs(a - b).max() for a, b in zip(values, exact, strict=True))
        print(f"{name:22}{times[0]:11.1f} ms{min(times[1:]):9.1f} ms{error:17.1e}")
        np.testing.assert_allclose(values, exact, rtol=0, atol=100 * TOLERANCE[name])


if __name__ == "__main__":
    at_one_point(1.3, 0.2, 0.7)
    at_many_points()
