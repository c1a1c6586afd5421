"""Special functions by the names of `jax.lax`; `jitad.scipy.special` has them by SciPy's."""

from __future__ import annotations

from typing import Any

from jitad_ir import ops
from jitad_ir.op import Op

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.half import in_single
from ..trace import apply
from ..transforms.directional import jvp
from .operands import not_accepted, of_one_dtype, of_one_shape


def _floats(name: str, *operands: Any) -> list[Any]:
    """Operands of one dtype and shape, as those of the elementwise functions."""
    found = of_one_shape(name, of_one_dtype(name, operands))
    if found[0].dtype.kind != "f":
        raise TypeError(at_user_line(f"{name} {not_accepted(found[0].dtype, 'f')}"))
    return found


def _apply(op: Op, name: str, *operands: Any, **params: Any) -> Any:
    return in_single(apply)(op, *_floats(name, *operands), **params)


def lgamma(x: Any) -> Any:
    """log |gamma(x)| (DLMF 5.2.1): inf at 0 and the negative integers.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes. The
    derivative is `digamma`.

    >>> from jitad import lax
    >>> lax.lgamma(5.0)
    Array(3.17805383)
    """
    return _apply(ops.lgamma, "lgamma", x)


def digamma(x: Any) -> Any:
    """The derivative of `lgamma` (DLMF 5.2.2); nan at negative integers.

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.digamma(1.0)
    Array(-0.57721566)
    """
    return _apply(ops.digamma, "digamma", x)


@in_single
def polygamma(m: Any, x: Any) -> Any:
    """The derivative of order `m` of `digamma` (DLMF 5.15).

    `m`: integers >= 0, as floats; `x`: floats; they broadcast. TypeError for other dtypes.
    Differentiable by `x`.

    >>> from jitad import lax
    >>> lax.polygamma(1.0, 2.0)
    Array(0.64493407)
    """
    m, x = _floats("polygamma", m, x)
    above = jnp.where(m == 0, 1, m)
    size = apply(ops.gamma, above + 1) * apply(ops.zeta, above + 1, x)
    value = jnp.where(above % 2 == 0, -size, size)
    return jnp.where(m == 0, apply(ops.digamma, x), value)


def zeta(x: Any, q: Any) -> Any:
    """Hurwitz' zeta function (DLMF 25.11.1): the sum of (q + k)**-x over k = 0, 1, ...; x > 1.

    `x` and `q`: floats that broadcast. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.zeta(2.0, 1.0)
    Array(1.64493407)
    """
    return _apply(ops.zeta, "zeta", x, q)


def igamma(a: Any, x: Any) -> Any:
    """Regularized lower incomplete gamma function P(a, x) (DLMF 8.2.4), for a > 0 and x >= 0, else
    nan.

    `a` and `x`: floats that broadcast. TypeError for other dtypes. Differentiable by both.

    >>> from jitad import lax
    >>> lax.igamma(2.0, 3.0)
    Array(0.80085173)
    """
    return _apply(ops.igamma, "igamma", a, x)


def igammac(a: Any, x: Any) -> Any:
    """Regularized upper incomplete gamma function Q(a, x) = 1 - P(a, x) (DLMF 8.2.4), for a > 0 and
    x >= 0, else nan.

    `a` and `x`: floats that broadcast. TypeError for other dtypes. Differentiable by both.

    >>> from jitad import lax
    >>> lax.igammac(2.0, 3.0)
    Array(0.19914827)
    """
    return _apply(ops.igammac, "igammac", a, x)


@in_single
def igamma_grad_a(a: Any, x: Any) -> Any:
    """The derivative of `igamma` by `a`, element by element.

    `a` and `x`: floats that broadcast. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.igamma_grad_a(2.0, 3.0)
    Array(-0.19742542)
    """
    a, x = _floats("igamma_grad_a", a, x)
    return jvp(lambda a: apply(ops.igamma, a, x), (a,), (jnp.ones_like(a),))[1]


def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularized incomplete beta function I_x(a, b) (DLMF 8.17.2), for a > 0, b > 0 and x in [0,
    1], else nan.

    `a`, `b` and `x`: floats that broadcast. TypeError for other dtypes. Differentiable by all
    three.

    >>> from jitad import lax
    >>> lax.betainc(2.0, 3.0, 0.5)
    Array(0.6875)
    """
    return _apply(ops.betainc, "betainc", a, b, x)


def bessel_i0e(x: Any) -> Any:
    """exp(-|x|) I_0(x), scaled modified Bessel function of the first kind and order 0 (DLMF 10.25).

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.bessel_i0e(1.0)
    Array(0.46575961)
    """
    return _apply(ops.bessel_i, "bessel_i0e", x, order=0, scaled=True)


def bessel_i1e(x: Any) -> Any:
    """exp(-|x|) I_1(x), scaled modified Bessel function of the first kind and order 1 (DLMF 10.25).

    `x`: floats of any shape; the result has its shape and dtype. TypeError for other dtypes.

    >>> from jitad import lax
    >>> lax.bessel_i1e(1.0)
    Array(0.20791042)
    """
    return _apply(ops.bessel_i, "bessel_i1e", x, order=1, scaled=True)
