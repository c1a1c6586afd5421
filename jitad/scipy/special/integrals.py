"""Error functions, the normal distribution, exponential integrals and others."""

from __future__ import annotations

import math
from typing import Any

from jitad import numpy as jnp
from jitad.numpy.half import in_single
from jitad.numpy.promotion import as_array_operand, convert, promote_to_common, spread
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import INT64

from .arguments import applied, floats


def erf(x: Any) -> Any:
    """Error function: 2 / sqrt(pi) times the integral of exp(-u**2) from 0 to x (DLMF 7.2.1).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.erf(0.5)
    Array(0.52049988)
    """
    return applied(ops.erf, "erf", x)


def erfc(x: Any) -> Any:
    """1 - erf(x), without cancellation for large x (DLMF 7.2.2).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.erfc(10.0)
    Array(2.08848758e-45)
    """
    return applied(ops.erfc, "erfc", x)


def erfcx(x: Any) -> Any:
    """exp(x**2) erfc(x), which does not underflow.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.erfcx(100.0)
    Array(0.00564161)
    """
    return applied(ops.erfcx, "erfcx", x)


def erfinv(y: Any) -> Any:
    """Inverse of `erf`: infinite at -1 and 1, nan beyond.

    `y` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.erfinv(0.5)
    Array(0.47693628)
    """
    return applied(ops.erf_inv, "erfinv", y)


def dawsn(x: Any) -> Any:
    """Dawson's integral: exp(-x**2) times the integral of exp(u**2) from 0 to x (DLMF 7.2.5).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.dawsn(1.0)
    Array(0.53807951)
    """
    return applied(ops.dawsn, "dawsn", x)


def expi(x: Any) -> Any:
    """Exponential integral Ei(x) (DLMF 6.2.5); -inf at 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.expi(1.0)
    Array(1.89511782)
    """
    return applied(ops.expi, "expi", x)


def exp1(x: Any) -> Any:
    """Exponential integral E1(x) (DLMF 6.2.1); inf at 0, nan for x < 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.exp1(1.0)
    Array(0.21938393)
    """
    return applied(ops.exp1, "exp1", x)


def spence(z: Any) -> Any:
    """Spence's function: the integral of log(u) / (1 - u) from 1 to z, the dilogarithm Li2(1 - z)
    (DLMF 25.12.1); nan for z < 0.

    `z` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.spence(2.0)
    Array(-0.82246703)
    """
    return applied(ops.spence, "spence", z)


def owens_t(h: Any, a: Any) -> Any:
    """Owen's T function: 1 / (2 pi) times the integral of exp(-h**2 (1 + u**2) / 2) / (1 + u**2)
    from 0 to a (D. B. Owen, 1956).

    `h` and `a` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.owens_t(1.0, 0.5)
    Array(0.04306469)
    """
    return applied(ops.owens_t, "owens_t", h, a)


def log_ndtr(x: Any) -> Any:
    """Logarithm of `ndtr`, which does not underflow.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.log_ndtr(-100.0)
    Array(-5005.52420869)
    """
    return applied(ops.log_ndtr, "log_ndtr", x)


def ndtri(p: Any) -> Any:
    """Inverse of `ndtr`: infinite at 0 and 1, nan beyond.

    `p` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ndtri(0.975)
    Array(1.95996398)
    """
    return applied(ops.ndtri, "ndtri", p)


@in_single
def ndtr(x: Any) -> Any:
    """Standard normal distribution function at `x`, accurate in the lower tail.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.ndtr(np.array([0.0, -10.0]))
    Array([5.00000000e-01, 7.61985302e-24])
    """
    (x,) = floats("ndtr", x)
    return apply(ops.mul, apply(ops.erfc, apply(ops.mul, x, -math.sqrt(0.5))), 0.5)


@in_single
def expn(n: Any, x: Any) -> Any:
    """Generalized exponential integral E_n(x): of exp(-x u) / u**n over u from 1 on (DLMF 8.19.3).

    `n` and `x` are real and broadcast; TypeError if one is complex. `n` are integers >= 0.
    Differentiable in `x` only.

    >>> from jitad.scipy import special
    >>> special.expn(2, 0.5)
    Array(0.32664386)
    """
    n = as_array_operand(n)
    (x,) = floats("expn", x)
    counts, _ = promote_to_common([convert(n, INT64), jnp.zeros(x.shape, INT64)])
    return apply(ops.expn, counts, spread(x, counts.shape))


@in_single
def sici(x: Any) -> tuple[Any, Any]:
    """Sine and cosine integral Si(x) and Ci(x) (DLMF 6.2.9 and 6.2.11), a pair.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.sici(1.0)
    (Array(0.94608307), Array(0.33740392))
    """
    return tuple(apply(ops.sici, *floats("sici", x)))


@in_single
def fresnel(x: Any) -> tuple[Any, Any]:
    """Fresnel's integrals S(x) and C(x), a pair: of sin(pi u**2 / 2) and cos(pi u**2 / 2) from 0
    (DLMF 7.2.7).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.fresnel(1.0)
    (Array(0.43825915), Array(0.7798934))
    """
    return tuple(apply(ops.fresnel, *floats("fresnel", x)))
