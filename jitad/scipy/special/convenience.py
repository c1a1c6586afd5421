"""SciPy's convenience functions and others made of elementary ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.trace import apply
from jitad_ir import ops

from .arguments import applied, floats
from .functions import wofz
from .integrals import dawsn


def binom(n: Any, k: Any) -> Any:
    """Binomial coefficient gamma(n + 1) / (gamma(k + 1) gamma(n - k + 1)) of real `n` and `k` (DLMF
    1.2.6).

    `n` and `k` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.binom(5, 2)
    Array(10.)
    """
    return applied(ops.binom, "binom", n, k)


def rgamma(x: Any) -> Any:
    """1 / gamma(x), which is 0 at the poles 0, -1, -2, ... (DLMF 5.7.1).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.rgamma(np.array([5.0, 0.0]))
    Array([0.04166667, 0.        ])
    """
    return applied(ops.reciprocal_gamma, "rgamma", x)


def exprel(x: Any) -> Any:
    """(exp(x) - 1) / x, 1 at 0, without cancellation.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.exprel(1e-10)
    Array(1.)
    """
    return applied(ops.exprel, "exprel", x)


def erfcinv(y: Any) -> Any:
    """Inverse of `erfc`: infinite at 0 and 2, nan beyond.

    `y` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.erfcinv(1e-10)
    Array(4.57282497)
    """
    return applied(ops.erfc_inv, "erfcinv", y)


def ndtri_exp(y: Any) -> Any:
    """Inverse of `log_ndtr`, for y <= 0, else nan.

    `y` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.ndtri_exp(-1000.0)
    Array(-44.61574773)
    """
    return applied(ops.ndtri_exp, "ndtri_exp", y)


def wrightomega(x: Any) -> Any:
    """Wright's omega function of real `x`: the w with w + log(w) = x (R. M. Corless, D. J. Jeffrey,
    "The Wright omega function", 2002).

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.wrightomega(1.0)
    Array(1.)
    """
    return applied(ops.wright_omega, "wrightomega", x)


def hyp0f1(v: Any, x: Any) -> Any:
    """Confluent limit function 0F1(; v; x) (DLMF 16.2.1).

    `v` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by `v`
    raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.hyp0f1(1.0, 0.5)
    Array(1.56608293)
    """
    return applied(ops.hyp0f1, "hyp0f1", v, x)


def hyperu(a: Any, b: Any, x: Any) -> Any:
    """Tricomi's function U(a, b, x) (DLMF 13.2.6), for x >= 0, else nan.

    `a`, `b` and `x` are real and broadcast; TypeError if one is complex. Differentiable in `x`; by
    `a` and `b` raises NotImplementedError.

    >>> from jitad.scipy import special
    >>> special.hyperu(1.0, 2.0, 0.5)
    Array(2.)
    """
    return applied(ops.hyperu, "hyperu", a, b, x)


def shichi(x: Any) -> tuple[Any, Any]:
    """Hyperbolic sine and cosine integral Shi(x) and Chi(x) (DLMF 6.2.15), a pair.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.shichi(1.0)
    (Array(1.05725088), Array(0.83786694))
    """
    return tuple(apply(ops.shichi, *floats("shichi", x)))


def erfi(x: Any) -> Any:
    """Imaginary error function: 2 / sqrt(pi) times the integral of exp(u**2) from 0 to `x`.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.erfi(1.0)
    Array(1.65042576)
    """
    (x,) = floats("erfi", x)
    far = jnp.abs(x) > 27  # where exp(x**2) is infinite
    near = jnp.where(far, 0, x)
    value = 2 / math.sqrt(math.pi) * jnp.exp(near * near) * dawsn(near)
    return jnp.where(far, x * np.inf, value).astype(x.dtype)


def cosm1(x: Any) -> Any:
    """cos(x) - 1, without cancellation near 0.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.cosm1(1e-5)
    Array(-5.e-11)
    """
    (x,) = floats("cosm1", x)
    half = jnp.sin(x / 2)
    return -2 * half * half


def exp10(x: Any) -> Any:
    """10 to the power x.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> special.exp10(2.0)
    Array(100.)
    """
    (x,) = floats("exp10", x)
    return jnp.power(10.0, x)


def log_expit(x: Any) -> Any:
    """log(expit(x)) = -log(1 + exp(-x)), without overflow.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.log_expit(np.array([-1000.0, 0.0]))
    Array([-1.00000000e+03, -6.93147181e-01])
    """
    (x,) = floats("log_expit", x)
    return -jnp.logaddexp(0.0, -x)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.softplus(np.array([0.0, 50.0]))
    Array([ 0.69314718, 50.        ])
    """
    (x,) = floats("softplus", x)
    return jnp.logaddexp(0.0, x)


def powm1(x: Any, y: Any) -> Any:
    """x**y - 1, without cancellation where that is near 0; nan where x < 0 and y is no integer.

    `x` and `y` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.powm1(1.0 + 1e-10, 2.0)
    Array(2.00000017e-10)
    """
    x, y = floats("powm1", x, y)
    exponent = y * jnp.log(jnp.where(x > 0, x, 1))
    is_near = (x > 0) & (jnp.abs(exponent) < 0.5)
    near = jnp.expm1(jnp.where(is_near, exponent, 0))
    return jnp.where(is_near, near, jnp.power(jnp.where(is_near, 2, x), y) - 1)


def huber(delta: Any, r: Any) -> Any:
    """Huber's loss: r**2 / 2 for |r| <= delta, delta (|r| - delta / 2) beyond; inf for delta < 0.

    `delta` and `r` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.huber(1.0, np.array([0.5, 3.0]))
    Array([0.125, 2.5  ])
    """
    delta, r = floats("huber", delta, r)
    size = jnp.abs(r)
    value = jnp.where(size <= delta, r * r / 2, delta * (size - delta / 2))
    return jnp.where(delta < 0, np.inf, value)


def pseudo_huber(delta: Any, r: Any) -> Any:
    """delta**2 (sqrt(1 + (r / delta)**2) - 1), a smooth `huber`; 0 for delta = 0, inf for delta <
    0.

    `delta` and `r` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.pseudo_huber(1.0, np.array([0.5, 3.0]))
    Array([0.11803399, 2.16227766])
    """
    delta, r = floats("pseudo_huber", delta, r)
    scale = jnp.where(delta > 0, delta, 1)
    square = (r / scale) ** 2
    value = r * r / (1 + jnp.sqrt(1 + jnp.where(jnp.isinf(r), 0, square)))
    value = jnp.where(delta == 0, 0, jnp.where(jnp.isnan(delta), np.nan, value))
    return jnp.where(delta < 0, np.inf, value)


_TERMS = 20


def _log1p_quotient(y: Any, lmbda: Any) -> Any:
    """log(1 + lmbda y) / lmbda, y where lmbda = 0."""
    u = lmbda * jnp.where((lmbda == 0) & jnp.isinf(y), 0, y)
    is_near = jnp.abs(u) < 0.15
    small = jnp.where(is_near, u, 0)
    series = jnp.zeros_like(u)
    for k in reversed(range(_TERMS)):
        series = series * small + (-1) ** k / (k + 1)
    divisor = jnp.where(is_near, 1, lmbda)
    return jnp.where(is_near, y * series, jnp.log1p(jnp.where(is_near, 1, u)) / divisor)


def inv_boxcox(y: Any, lmbda: Any) -> Any:
    """The x with boxcox(x, lmbda) = y: (1 + lmbda y)**(1 / lmbda), exp(y) for lmbda = 0.

    `y` and `lmbda` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.inv_boxcox(1.5, 2.0)
    Array(2.)
    """
    return jnp.exp(_log1p_quotient(*floats("inv_boxcox", y, lmbda)))


def inv_boxcox1p(y: Any, lmbda: Any) -> Any:
    """The x with boxcox1p(x, lmbda) = y: inv_boxcox(y, lmbda) - 1.

    `y` and `lmbda` are real and broadcast; TypeError if one is complex.

    >>> from jitad.scipy import special
    >>> special.inv_boxcox1p(1.5, 2.0)
    Array(1.)
    """
    return jnp.expm1(_log1p_quotient(*floats("inv_boxcox1p", y, lmbda)))


def round(x: Any) -> Any:  # noqa: A001
    """The nearest integer as a float, of two the even one.

    `x` is real, of any shape; TypeError if it is complex.

    >>> from jitad.scipy import special
    >>> import numpy as np
    >>> special.round(np.array([0.5, 1.5]))
    Array([0., 2.])
    """
    return jnp.rint(floats("round", x)[0])


def voigt_profile(x: Any, sigma: Any, gamma: Any) -> Any:
    """Density at `x` of the sum of a normal variable of standard deviation `sigma` and a Cauchy
    variable of half-width `gamma` (DLMF 7.19).

    `x`, `sigma` and `gamma` are real and broadcast; TypeError if one is complex. It is Re w((x + i
    gamma) / (sigma sqrt(2))) / (sigma sqrt(2 pi)), with Faddeeva's w; either of them alone where
    the other is 0, and inf or 0 where both are.

    >>> from jitad.scipy import special
    >>> special.voigt_profile(0.5, 1.0, 0.2)
    Array(0.3078978)
    """
    x, sigma, gamma = floats("voigt_profile", x, sigma, gamma)
    has_normal, has_cauchy = sigma != 0, gamma != 0
    scale = jnp.where(has_normal, sigma, 1) * math.sqrt(2)
    both = wofz(apply(ops.complex, x / scale, gamma / scale)).real / (scale * math.sqrt(math.pi))
    normal = jnp.exp(-((x / scale) ** 2)) / (scale * math.sqrt(math.pi))
    width = jnp.where(has_cauchy, gamma, 1)
    cauchy = width / (math.pi * (x * x + width * width))
    neither = jnp.where(jnp.isnan(x), x, jnp.where(x == 0, np.inf, 0.0))
    without_normal = jnp.where(has_cauchy, cauchy, neither)
    with_normal = jnp.where(has_cauchy, both, normal)
    return jnp.where(has_normal, with_normal, without_normal).astype(x.dtype)
