"""The distributions of `jitad.random` over shapes and dtypes of their parameters: scalars, arrays
of one element and of none, parameters that broadcast, in memory that is not contiguous.

Draws compiled and in a batch are those at once (test_values.py has their numbers). Derivatives are
those of differences where the same bits are moved along, and forward and reverse ones agree.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import jitad
from jitad import random

from ..wide import (
    Family,
    Namespaces,
    check_derivatives,
    check_reverse,
    check_values,
    directions,
    draw,
)
from .test_derivatives import gamma_rank_derivative

KEY = random.key(11)
OF = Namespaces(random, random)


def _of_one(name: str, random: Any, x: Any, y: Any, **options: Any) -> Any:
    return getattr(random, name)(KEY, x, dtype=x.dtype, **options)


def _of_two(name: str, random: Any, x: Any, y: Any, **options: Any) -> Any:
    return getattr(random, name)(KEY, x, y, dtype=x.dtype, **options)


MOVED: Family = {
    **{n: partial(_of_one, n) for n in ("lognormal", "pareto", "rayleigh", "wald")},
    "weibull_min": partial(_of_two, "weibull_min"),
    "truncated_normal": lambda random, x, y: random.truncated_normal(KEY, x - 1, y + 1),
    "triangular": lambda random, x, y: random.triangular(KEY, x - 1, y, y + x + 1),
    "uniform": lambda random, x, y: random.uniform(KEY, (4, *(x + y).shape), x.dtype, x, y + 1),
    "multivariate_normal": lambda random, x, y: random.multivariate_normal(
        KEY, x[..., None] + np.zeros(2), np.eye(2) * (1 + y[..., None, None])
    ),
}
RANKED: Family = {
    **{n: partial(_of_one, n) for n in ("gamma", "loggamma", "chisquare", "t")},
    **{n: partial(_of_two, n) for n in ("beta", "f")},
    "dirichlet": lambda random, x, y: random.dirichlet(
        KEY, x[..., None] * np.arange(1.0, 4.0).astype(x.dtype), dtype=x.dtype
    ),
}
"""Whose derivatives are taken at a fixed rank."""
WHOLE: Family = {
    "poisson": lambda random, x, y: random.poisson(KEY, 9 * x),
    "bernoulli": lambda random, x, y: random.bernoulli(KEY, x),
    "geometric": lambda random, x, y: random.geometric(KEY, x),
    "binomial": lambda random, x, y: random.binomial(KEY, 20.0, x),
    "categorical": lambda random, x, y: random.categorical(KEY, x[..., None] * np.arange(3.0)),
    "permutation": lambda random, x, y: random.permutation(KEY, (x + y).reshape(-1)),
    "randint": lambda random, x, y: random.randint(KEY, (2, *x.shape), 0, 9, "int16"),
}
PAIRS = [((), ()), ((0,), (1,)), ((2, 1, 3), (4, 1))]


def operands(shapes: tuple[Any, Any], dtype: str = "float64") -> tuple[np.ndarray, np.ndarray]:
    return draw(shapes[0], dtype), draw(shapes[1], dtype, 1)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_compiled_and_batched(shapes: tuple[Any, Any]) -> None:
    dtype = "float32" if shapes == PAIRS[-1] else "float64"
    check_values(MOVED | RANKED | WHOLE, *operands(shapes, dtype), of=OF)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_moved_bits(shapes: tuple[Any, Any]) -> None:
    second = shapes == PAIRS[-1]
    check_derivatives(MOVED, *operands(shapes), second=second, of=OF)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_fixed_ranks(shapes: tuple[Any, Any]) -> None:
    """Both modes agree, to second order; those of gamma variates are those of SciPy's quantiles."""
    xs = operands(shapes)
    ts, us = directions(xs, 1), directions(xs, 2)

    def program(*xs: Any) -> Any:
        return {name: draw(random, *xs) for name, draw in RANKED.items()}

    def along(*xs: Any) -> Any:
        return jitad.jvp(program, xs, ts)[1]

    moves = jitad.jit(along)(*xs)
    check_reverse(program, xs, ts, moves, "grad")
    if shapes == PAIRS[0]:
        again = jitad.jit(lambda *xs: jitad.jvp(along, xs, us)[1])(*xs)
        check_reverse(along, xs, us, again, "grad of jvp")
    if xs[0].size:
        expected = np.vectorize(gamma_rank_derivative)(xs[0], program(*xs)["gamma"]) * ts[0]
        np.testing.assert_allclose(moves["gamma"], expected, rtol=1e-7)
