"""`jitad.scipy.stats`: densities, distribution functions and their inverses, in modules by
distribution, with SciPy's parameters; and a few statistics.

Outside of its support a density is 0; parameters out of range give nan.

>>> from jitad.scipy import stats
>>> stats.norm.cdf(0.0)
Array(0.5)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .descriptive import ModeResult, mode, rankdata, sem

if TYPE_CHECKING:
    from . import (
        bernoulli,
        beta,
        betabinom,
        binom,
        cauchy,
        chi2,
        dirichlet,
        expon,
        gamma,
        gennorm,
        geom,
        gumbel_l,
        gumbel_r,
        laplace,
        logistic,
        multinomial,
        multivariate_normal,
        nbinom,
        norm,
        pareto,
        poisson,
        t,
        truncnorm,
        uniform,
        vonmises,
        wrapcauchy,
    )
    from .kde import gaussian_kde

_DISTRIBUTIONS = frozenset(
    [
        "bernoulli",
        "beta",
        "betabinom",
        "binom",
        "cauchy",
        "chi2",
        "dirichlet",
        "expon",
        "gamma",
        "gennorm",
        "geom",
        "gumbel_l",
        "gumbel_r",
        "laplace",
        "logistic",
        "multinomial",
        "multivariate_normal",
        "nbinom",
        "norm",
        "pareto",
        "poisson",
        "t",
        "truncnorm",
        "uniform",
        "vonmises",
        "wrapcauchy",
    ]
)

__all__ = [
    "ModeResult",
    "bernoulli",
    "beta",
    "betabinom",
    "binom",
    "cauchy",
    "chi2",
    "dirichlet",
    "expon",
    "gamma",
    "gaussian_kde",
    "gennorm",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "laplace",
    "logistic",
    "mode",
    "multinomial",
    "multivariate_normal",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "rankdata",
    "sem",
    "t",
    "truncnorm",
    "uniform",
    "vonmises",
    "wrapcauchy",
]
__dir__ = __all__.copy


def __getattr__(name: str) -> Any:
    if name in _DISTRIBUTIONS:
        return importlib.import_module(f".{name}", __name__)
    if name == "gaussian_kde":
        return importlib.import_module(".kde", __name__).gaussian_kde
    raise AttributeError(f"module 'jitad.scipy.stats' has no attribute {name!r}")
