"""Draws whose numbers are known: those of JAX 0.10's default generator with 64-bit types."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

SEED = 42


class Case(NamedTuple):
    """One draw: `getattr(random, name)(key(SEED), *args, **kwargs)`."""

    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}

    def __str__(self) -> str:
        given = [_text(a) for a in self.args]
        given += [f"{name}={_text(a)}" for name, a in self.kwargs.items()]
        return f"{self.name}({', '.join(given)})"


def _text(value: Any) -> str:
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


S = (3, 5)
A = np.array([0.1, 0.5, 1.0, 2.0, 30.0])
LOGITS = np.log([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]])
GRID = np.arange(12).reshape(4, 3)
P = np.array([0.1, 0.2, 0.3, 0.2, 0.2])
COV = np.array([[2.0, 0.5], [0.5, 1.0]])


def _float_cases(dtype: str) -> list[Case]:
    """Draws in one float dtype."""
    a = A.astype(dtype)
    kind = np.dtype(dtype).type
    return [
        Case("uniform", (S, dtype)),
        Case("uniform", (S, dtype, -2.5, 3.5)),
        Case("uniform", (S, dtype, np.arange(5.0), 7.0)),
        Case("normal", (S, dtype)),
        Case("truncated_normal", (-1.0, 2.0, S, dtype)),
        Case("lognormal", (kind(0.5), S, dtype)),
        Case("maxwell", (S, dtype)),
        Case("double_sided_maxwell", (kind(1), kind(2), S, dtype)),
        Case("wald", (a + 1, S, dtype)),
        *[
            Case(name, (S, dtype))
            for name in ("exponential", "cauchy", "laplace", "logistic", "gumbel")
        ],
        Case("gumbel", (S, dtype, "high")),
        Case("gumbel", (S, dtype, "highest")),
        Case("gamma", (a, S, dtype)),
        Case("loggamma", (a, S, dtype)),
        Case("beta", (a, kind(0.7), S, dtype)),
        Case("dirichlet", (a, (3,), dtype)),
        Case("chisquare", (a, S, dtype)),
        Case("f", (a + 1, a + 2, (5,), dtype)),
        Case("t", (a + 1, S, dtype)),
        Case("generalized_normal", (1.5, S, dtype)),
        Case("ball", (3, 2.0, S, dtype)),
        Case("pareto", (a, S, dtype)),
        Case("weibull_min", (kind(2), kind(1.5), S, dtype)),
        Case("rayleigh", (a, S, dtype)),
        Case("triangular", (kind(-1), kind(0.5), kind(2), S, dtype)),
    ]


def _integer_cases(dtype: str) -> list[Case]:
    """Draws in one integer dtype."""
    low = 0 if dtype.startswith("u") else -5
    return [
        Case("randint", ((12,), 0, 100, dtype)),
        Case("randint", ((12,), low, 7, dtype)),
        Case("randint", ((12,), 3, 256, dtype)),
        Case("randint", ((3,), 5, 5, dtype)),
    ]


CASES: list[Case] = [
    *[Case("bits", (S, dtype)) for dtype in ("uint8", "uint16", "uint32", "uint64")],
    Case("bits"),
    *_float_cases("float32"),
    *_float_cases("float64"),
    Case("normal"),
    Case("normal", ((3,), "complex64")),
    Case("normal", ((3,), "complex128")),
    *[
        case
        for dtype in ("int8", "int16", "int32", "int64", "uint8", "uint32")
        for case in _integer_cases(dtype)
    ],
    Case("randint", ((6,), -(2**63), 2**63 - 1)),
    Case("randint", ((6,), 0, 2**62 + 12345)),
    Case("randint", ((3, 4), np.arange(4), np.arange(4) * 10 + 1)),
    Case("randint", ((6,), 0, np.uint64(2**64 - 1), "uint64")),
    Case("bernoulli", (0.3, S)),
    Case("bernoulli", (np.float32(0.3), S, "high")),
    Case("bernoulli"),
    Case("rademacher", (S,)),
    Case("rademacher", (S, "float32")),
    Case("geometric", (0.3, S)),
    Case("geometric", (A / 31, S, "int32")),
    Case("poisson", (3.0, S)),
    Case("poisson", (np.array([0.0, 1.0, 9.0, 10.0, 50.0, 1e4]), (2, 6))),
    Case("poisson", (200.0, (5,), "int32")),
    Case("binomial", (np.array([10, 20.0, 100, 1000, 5]), 0.3, S)),
    Case("binomial", (1000.0, 0.7, (5,))),
    Case("binomial", (np.array([10, math.nan, -1.0, math.inf, 5]), np.array([0.5] * 4 + [-1]))),
    Case("multinomial", (20.0, np.array([0.2, 0.3, 0.5]))),
    Case("multinomial", (np.array([20.0, 7.0]), P), {"shape": (2, 5), "dtype": "float32"}),
    Case("permutation", (10,)),
    Case("permutation", (GRID,)),
    Case("permutation", (GRID, 1)),
    Case("permutation", (GRID, 1, True)),
    Case("choice", (10, (5,))),
    Case("choice", (10, (5,), False)),
    Case("choice", (np.arange(5) * 2.0, (3, 2), True, P)),
    Case("choice", (5, (3,), False, P)),
    Case("choice", (GRID, (2, 2)), {"axis": 1}),
    Case("choice", (GRID, (2,), False), {"axis": 1}),
    Case("choice", (7,)),
    Case("categorical", (LOGITS,)),
    Case("categorical", (LOGITS, 0)),
    Case("categorical", (LOGITS,), {"shape": (5, 2)}),
    Case("categorical", (LOGITS.astype("float32"),), {"shape": (4, 2), "mode": "high"}),
    Case("orthogonal", (3,)),
    Case("orthogonal", (3, (2,), "float64", 5)),
    *[
        Case("multivariate_normal", (np.zeros(2), COV, (4,)), {"method": method})
        for method in ("cholesky", "eigh", "svd")
    ],
]
