"""Special functions by the names of `jax.lax`; `jitad.scipy.special` has them by SciPy's."""

from __future__ import annotations

from typing import Any

from jitad_ir import ops
from jitad_ir.op import Op

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.half import in_single
from ..numpy.promotion import promote_to_common
from ..trace import apply
from ..transforms.directional import jvp


def _floats(name: str, *operands: Any) -> list[Any]:
    found = promote_to_common(operands)
    if found[0].dtype.kind != "f":
        raise TypeError(at_user_line(f"{name}: expected floats; got dtype {found[0].dtype}"))
    return found


def _apply(op: Op, name: str, *operands: Any, **params: Any) -> Any:
    return in_single(apply)(op, *_floats(name, *operands), **params)


def lgamma(x: Any) -> Any:
    """log |gamma(x)|."""
    return _apply(ops.lgamma, "lgamma", x)


def digamma(x: Any) -> Any:
    """The derivative of `lgamma`."""
    return _apply(ops.digamma, "digamma", x)


@in_single
def polygamma(m: Any, x: Any) -> Any:
    """The derivative of order `m` (integers >= 0, of the dtype of x) of `digamma`."""
    m, x = _floats("polygamma", m, x)
    above = jnp.where(m == 0, 1, m)
    size = apply(ops.gamma, above + 1) * apply(ops.zeta, above + 1, x)
    value = jnp.where(above % 2 == 0, -size, size)
    return jnp.where(m == 0, apply(ops.digamma, x), value)


def zeta(x: Any, q: Any) -> Any:
    """Hurwitz' zeta function: the sum of (q + k)**-x over k = 0, 1, ...; x > 1."""
    return _apply(ops.zeta, "zeta", x, q)


def igamma(a: Any, x: Any) -> Any:
    """Regularized lower incomplete gamma function."""
    return _apply(ops.igamma, "igamma", a, x)


def igammac(a: Any, x: Any) -> Any:
    """Regularized upper incomplete gamma function."""
    return _apply(ops.igammac, "igammac", a, x)


@in_single
def igamma_grad_a(a: Any, x: Any) -> Any:
    """The derivative of `igamma` by `a`, elementwise."""
    a, x = _floats("igamma_grad_a", a, x)
    return jvp(lambda a: apply(ops.igamma, a, x), (a,), (jnp.ones_like(a),))[1]


def betainc(a: Any, b: Any, x: Any) -> Any:
    """Regularized incomplete beta function."""
    return _apply(ops.betainc, "betainc", a, b, x)


def bessel_i0e(x: Any) -> Any:
    """exp(-|x|) times the modified Bessel function of the first kind and order 0."""
    return _apply(ops.bessel_i, "bessel_i0e", x, order=0, scaled=True)


def bessel_i1e(x: Any) -> Any:
    """exp(-|x|) times the modified Bessel function of the first kind and order 1."""
    return _apply(ops.bessel_i, "bessel_i1e", x, order=1, scaled=True)
