"""Special functions by the names of jax.lax are those of scipy.special."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

import jitad
from jitad import lax

X = np.linspace(0.3, 5.0, 9)
A = np.linspace(4.0, 0.7, 9)
SAME = {
    "lgamma": ("gammaln", (X,)),
    "digamma": ("digamma", (X,)),
    "zeta": ("zeta", (X + 1, A)),
    "igamma": ("gammainc", (A, X)),
    "igammac": ("gammaincc", (A, X)),
    "betainc": ("betainc", (A, X, X / 6)),
    "bessel_i0e": ("i0e", (X,)),
    "bessel_i1e": ("i1e", (X,)),
}


@pytest.mark.parametrize("name", SAME)
def test_values(name: str) -> None:
    other, arguments = SAME[name]
    expected = getattr(scipy.special, other)(*arguments)
    np.testing.assert_allclose(getattr(lax, name)(*arguments), expected, rtol=1e-13)
    assert jitad.jit(getattr(lax, name))(*[a.astype("f4") for a in arguments]).dtype == "f4"


def test_polygamma_of_several_orders() -> None:
    orders = np.arange(9.0)
    expected = scipy.special.polygamma(orders.astype(int), X)
    np.testing.assert_allclose(jitad.jit(lax.polygamma)(orders, X), expected, rtol=1e-12)


def test_derivative_of_igamma_by_its_parameter() -> None:
    step = 1e-4
    near = [scipy.special.gammainc(A + n * step, X) for n in (-2, -1, 1, 2)]
    slope = (near[0] - 8 * near[1] + 8 * near[2] - near[3]) / (12 * step)
    np.testing.assert_allclose(jitad.jit(lax.igamma_grad_a)(A, X), slope, rtol=1e-8)


def test_integers_are_an_error() -> None:
    with pytest.raises(TypeError, match="lgamma does not accept dtype int64: expected floats"):
        lax.lgamma(np.arange(3))
