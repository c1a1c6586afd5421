"""The functions of jitad.scipy.special and jitad.scipy.stats to test: for each argument where it is
drawn from, and which arguments carry derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special
import scipy.stats

import jitad.scipy.special
import jitad.scipy.stats

Range = tuple[float, float]


@dataclass(frozen=True)
class Integers:
    """An argument of whole numbers from `low` to `high`, which has no derivative."""

    low: int
    high: int


@dataclass(frozen=True)
class Fixed:
    """A real argument from `low` to `high`, by which no derivative is known."""

    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """A function of SciPy's name and arguments drawn from `ranges`."""

    name: str
    ranges: tuple[Range | Integers | Fixed, ...]
    smooth: bool = True

    @property
    def moving(self) -> list[int]:
        """Positions of the arguments with derivatives."""
        if not self.smooth:
            return []
        return [i for i, r in enumerate(self.ranges) if isinstance(r, tuple)]

    def _in(self, special: Any, stats: Any) -> Any:
        found = special
        if "." in self.name:
            found = stats
        for part in self.name.split("."):
            found = getattr(found, part)
        return found

    @property
    def ours(self) -> Any:
        return self._in(jitad.scipy.special, jitad.scipy.stats)

    @property
    def scipys(self) -> Any:
        return self._in(scipy.special, scipy.stats)

    def draw(self, shape: tuple[int, ...] = (11,), dtype: Any = np.float64) -> list[np.ndarray]:
        rng = np.random.default_rng(sum(map(ord, self.name)))
        drawn = []
        for r in self.ranges:
            if isinstance(r, Integers):
                drawn.append(rng.integers(r.low, r.high + 1, shape).astype(dtype))
            elif isinstance(r, Fixed):
                drawn.append(rng.uniform(r.low, r.high, shape).astype(dtype))
            else:
                drawn.append(rng.uniform(*r, shape).astype(dtype))
        return drawn


_ANY = (-4.0, 4.0)
_UNIT = (0.05, 0.95)
_POSITIVE = (0.3, 8.0)
_SCALE = (0.5, 2.0)
_LOC = (-1.0, 1.0)


def _each(names: str, *ranges: Range | Integers | Fixed) -> list[Row]:
    return [Row(name, ranges) for name in names.split()]


SPECIAL = [
    Row("beta", (_POSITIVE, _POSITIVE)),
    Row("betainc", (_POSITIVE, _POSITIVE, _UNIT)),
    Row("betaln", (_POSITIVE, _POSITIVE)),
    Row("boxcox", (_POSITIVE, (-2.0, 2.0))),
    Row("boxcox1p", ((-0.9, 5.0), (-2.0, 2.0))),
    Row("comb", ((5.1, 9.0), (0.3, 4.9))),
    Row("dawsn", (_ANY,)),
    Row("digamma", ((0.2, 9.0),)),
    Row("entr", (_POSITIVE,)),
    Row("erf", (_ANY,)),
    Row("erfc", (_ANY,)),
    Row("erfcx", (_ANY,)),
    Row("erfinv", ((-0.9, 0.9),)),
    Row("exp1", (_POSITIVE,)),
    Row("expi", ((0.3, 6.0),)),
    Row("expit", (_ANY,)),
    Row("expn", (Integers(0, 9), _POSITIVE)),
    Row("factorial", ((0.1, 6.0),)),
    Row("gamma", ((0.2, 6.0),)),
    Row("gammainc", (_POSITIVE, _POSITIVE)),
    Row("gammaincc", (_POSITIVE, _POSITIVE)),
    Row("gammaln", ((0.2, 9.0),)),
    Row("gammasgn", (_ANY,), smooth=False),
    Row("hyp1f1", (_POSITIVE, _POSITIVE, _ANY)),
    Row("hyp2f1", ((0.3, 3.0), (0.3, 3.0), (0.3, 3.0), (-3.0, 0.7))),
    Row("i0", (_ANY,)),
    Row("i0e", (_POSITIVE,)),
    Row("i1", (_ANY,)),
    Row("i1e", (_POSITIVE,)),
    Row("kl_div", (_POSITIVE, _POSITIVE)),
    Row("log_ndtr", (_ANY,)),
    Row("loggamma", (_POSITIVE,)),
    Row("logit", (_UNIT,)),
    Row("ndtr", (_ANY,)),
    Row("ndtri", (_UNIT,)),
    Row("owens_t", (_ANY, _ANY)),
    Row("poch", (_POSITIVE, _POSITIVE)),
    Row("rel_entr", (_POSITIVE, _POSITIVE)),
    Row("spence", (_POSITIVE,)),
    Row("xlog1py", (_ANY, (-0.9, 5.0))),
    Row("xlogy", (_ANY, _POSITIVE)),
    Row("zeta", ((1.2, 6.0), _POSITIVE)),
    *_each("j0 j1 y0 y1 k0 k0e k1 k1e ber bei ker kei", _POSITIVE),
    *_each("berp beip kerp keip rgamma exprel erfi", _POSITIVE),
    *_each("jv jve yv yve iv ive kv kve", Fixed(0.2, 4.0), _POSITIVE),
    *_each("struve modstruve", Fixed(0.2, 4.0), _POSITIVE),
    *_each("yn kn", Integers(0, 5), _POSITIVE),
    *_each("ellipk ellipe", (-3.0, 0.95)),
    Row("ellipkm1", ((0.05, 3.0),)),
    *_each("ellipkinc ellipeinc", (-7.0, 7.0), (-3.0, 0.9)),
    Row("agm", (_POSITIVE, _POSITIVE)),
    Row("hyp0f1", (Fixed(0.4, 5.0), _ANY)),
    Row("hyperu", (Fixed(0.4, 3.0), Fixed(0.4, 3.0), _POSITIVE)),
    *_each("cosm1 log_expit wrightomega softplus exp10", _ANY),
    *_each("sindg cosdg tandg cotdg", (-500.0, 500.0)),
    Row("round", (_ANY,), smooth=False),
    Row("erfcinv", ((0.1, 1.9),)),
    Row("ndtri_exp", ((-6.0, -0.2),)),
    Row("kolmogorov", ((0.3, 2.5),)),
    Row("binom", ((5.1, 9.0), (0.3, 4.9))),
    Row("powm1", (_POSITIVE, (-2.0, 2.0))),
    Row("huber", (_POSITIVE, _ANY)),
    Row("pseudo_huber", (_POSITIVE, _ANY)),
    Row("inv_boxcox", ((0.1, 2.0), (-0.4, 2.0))),
    Row("inv_boxcox1p", ((0.1, 2.0), (-0.4, 2.0))),
    Row("radian", (_ANY, _ANY, _ANY)),
    Row("voigt_profile", (_ANY, _POSITIVE, _POSITIVE)),
    *_each("chdtr chdtrc", _POSITIVE, _POSITIVE),
    *_each("gammaincinv gammainccinv chdtri", _POSITIVE, _UNIT),
    *_each("betaincc betainccinv", _POSITIVE, _POSITIVE, _UNIT),
    Row("betaincinv", (_POSITIVE, _POSITIVE, _UNIT)),
    *_each("gdtr gdtrc fdtr fdtrc", _POSITIVE, _POSITIVE, _POSITIVE),
    *_each("gdtrix fdtri", _POSITIVE, _POSITIVE, _UNIT),
    Row("gdtria", (_UNIT, _POSITIVE, _POSITIVE)),
    *_each("pdtr pdtrc", Integers(0, 6), _POSITIVE),
    Row("pdtri", (Integers(0, 6), _UNIT)),
    *_each("bdtr bdtrc bdtri", Integers(0, 3), Integers(4, 9), _UNIT),
    *_each("nbdtr nbdtrc", Integers(0, 3), Integers(1, 9), _UNIT),
    Row("nbdtri", (Integers(0, 3), Integers(1, 9), _UNIT)),
    Row("stdtr", (_POSITIVE, _ANY)),
    Row("stdtrit", (_POSITIVE, _UNIT)),
]


def _rows(names: str, x: Range | Integers, *parameters: Range | Integers) -> list[Row]:
    module, functions = names.split(": ")
    found = []
    for function in functions.split():
        first = _UNIT if function in ("ppf", "isf") else x
        found.append(Row(f"{module}.{function}", (first, *parameters)))
    return found


_PLACED = (_LOC, _SCALE)
_ABOVE = (1.1, 6.0)

STATS = [
    *_rows("norm: logpdf pdf cdf logcdf sf logsf ppf isf", _ANY, *_PLACED),
    *_rows("beta: logpdf pdf cdf logcdf sf logsf", (0.1, 0.9), _POSITIVE, _POSITIVE),
    *_rows("beta: logpdf cdf", (1.1, 1.4), _POSITIVE, _POSITIVE, (0.5, 1.0), (1.0, 2.0)),
    *_rows("cauchy: logpdf pdf cdf logcdf sf logsf ppf isf", _ANY, *_PLACED),
    *_rows("chi2: logpdf pdf cdf logcdf sf logsf", _ABOVE, _POSITIVE, *_PLACED),
    *_rows("expon: logpdf pdf cdf logcdf sf logsf ppf", _ABOVE, *_PLACED),
    *_rows("gamma: logpdf pdf cdf logcdf sf logsf", _ABOVE, _POSITIVE, *_PLACED),
    *_rows("gennorm: logpdf pdf cdf", _ABOVE, _POSITIVE, *_PLACED),
    *_rows("gumbel_l: logpdf pdf cdf logcdf sf logsf ppf", (-2.0, 1.0), *_PLACED),
    *_rows("gumbel_r: logpdf pdf cdf logcdf sf logsf ppf", (-1.0, 2.0), *_PLACED),
    *_rows("laplace: logpdf pdf cdf", _ABOVE, *_PLACED),
    *_rows("logistic: logpdf pdf cdf sf ppf isf", _ABOVE, *_PLACED),
    *_rows("pareto: logpdf pdf cdf logcdf sf logsf ppf", (4.0, 9.0), _POSITIVE, *_PLACED),
    *_rows("t: logpdf pdf", _ANY, _POSITIVE, *_PLACED),
    *_rows("truncnorm: logpdf pdf cdf logcdf sf logsf", _UNIT, (-3.0, -0.5), (2.5, 4.0)),
    *_rows("uniform: logpdf pdf cdf ppf", (0.0, 0.4), (-0.2, -0.1), _SCALE),
    *_rows("vonmises: logpdf pdf", _ANY, _POSITIVE),
    *_rows("wrapcauchy: logpdf pdf", (0.1, 6.0), _UNIT),
    *_rows("bernoulli: logpmf pmf cdf", Integers(-1, 2), _UNIT),
    *_rows("binom: logpmf pmf", Integers(-1, 5), Integers(4, 9), _UNIT),
    *_rows("betabinom: logpmf pmf", Integers(-1, 5), Integers(4, 9), _POSITIVE, _POSITIVE),
    *_rows("geom: logpmf pmf", Integers(0, 6), _UNIT),
    *_rows("nbinom: logpmf pmf", Integers(-1, 6), _POSITIVE, _UNIT),
    *_rows("poisson: logpmf pmf cdf", Integers(-1, 6), _POSITIVE),
    Row("poisson.entropy", ((0.5, 60.0),)),
]
