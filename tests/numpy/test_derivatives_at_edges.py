"""Derivatives where formulas change: multiples, signed zeros, ties, small arguments."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.scipy import special, stats


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("x", [2.0, -2.0, 0.0, -0.0, 2.5, -2.5])
@pytest.mark.parametrize("y", [1.0, -1.0])
def test_remainder_has_slope_one_at_multiples_too(x: float, y: float, compiled: bool) -> None:
    slopes: Any = jitad.grad(jnp.remainder, argnums=(0, 1))
    slopes = jitad.jit(slopes) if compiled else slopes
    value = jitad.jit(jnp.remainder)(x, y) if compiled else jnp.remainder(x, y)
    assert math.copysign(1, value) == math.copysign(1, np.remainder(x, y))
    assert slopes(x, y) == (1.0, -math.floor(x / y))


@pytest.mark.parametrize("x", [2.0, -2.0, 0.0, -0.0])
@pytest.mark.parametrize("y", [3.0, -3.0, 0.0, -0.0])
def test_copysign_of_zeros(x: float, y: float) -> None:
    assert jitad.grad(jnp.copysign)(x, y) == math.copysign(1, x) * math.copysign(1, y)


@pytest.mark.parametrize("function", [jnp.logaddexp, jnp.logaddexp2])
@pytest.mark.parametrize("x", [-np.inf, -3.0, 0.0, 800.0, np.inf])
def test_equal_arguments_of_logaddexp_share(function: Any, x: float) -> None:
    assert jitad.grad(function, argnums=(0, 1))(x, x) == (0.5, 0.5)


@pytest.mark.parametrize(("x", "y"), [(np.inf, 1.0), (5.0, -np.inf), (1.0, -2000.0)])
def test_the_larger_argument_of_logaddexp_takes_all(x: float, y: float) -> None:
    assert jitad.grad(jnp.logaddexp, argnums=(0, 1))(x, y) == (1.0, 0.0)
    assert jitad.grad(jnp.logaddexp, argnums=(0, 1))(y, x) == (0.0, 1.0)


@pytest.mark.parametrize("x", [0.0, 1e-310, 1e-170, 1e-9, 1e-3, 0.1, 0.318, 0.3184, 0.9, 2.5])
def test_sinc_to_third_order(x: float) -> None:
    """Its own formula's derivatives cancel near 0; the error is of the size of rounding."""
    function: Any = jnp.sinc
    with mpmath.workdps(40):
        powers = mpmath.taylor(lambda t: mpmath.sinc(mpmath.pi * t), x, 3)
        expected = [float(c * mpmath.factorial(k)) for k, c in enumerate(powers)]
    for order in range(4):
        assert function(x) == pytest.approx(expected[order], rel=1e-13, abs=2e-14)
        function = jitad.grad(function)


@pytest.mark.parametrize("median", [jnp.median, jnp.nanmedian])
@pytest.mark.parametrize("row", [[np.inf, 1.0], [-np.inf] * 2, [np.inf, np.inf, 1.0, 1.0]])
def test_medians_of_infinities(median: Any, row: list[float]) -> None:
    assert median(np.array(row)) == np.median(row)


def test_the_hypotenuse_of_nothing_has_slope_zero() -> None:
    assert jitad.grad(jnp.hypot, argnums=(0, 1))(0.0, 0.0) == (0.0, 0.0)
    assert jitad.grad(jnp.hypot, argnums=(0, 1))(3e200, 4e200) == pytest.approx((0.6, 0.8))


def test_i0_is_flat_at_zero() -> None:
    assert jitad.grad(jnp.i0)(0.0) == 0.0
    assert jitad.grad(jitad.grad(jnp.i0))(0.0) == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("x", [-1e3, -30.0, -6.0, -4.999, -0.5, 0.0, 2.0, 30.0, 50.0, 1e4])
def test_log_ndtr_to_second_order(x: float) -> None:
    """With m = phi / Phi: m and -m (x + m)."""
    with mpmath.workdps(40):
        mills = mpmath.npdf(x) / mpmath.ncdf(x)
        expected = float(mills), float(-mills * (x + mills))
    slope = jitad.grad(special.log_ndtr)
    assert slope(x) == pytest.approx(expected[0], rel=1e-12, abs=1e-300)
    assert jitad.grad(slope)(x) == pytest.approx(expected[1], rel=1e-9, abs=1e-300)


def test_the_logistic_density_is_smooth_at_its_middle() -> None:
    second = jitad.grad(jitad.grad(stats.logistic.logpdf))
    assert second(0.0) == -0.5
    assert stats.logistic.logpdf(-800.0) == -800.0


def derivatives(function: Any, x: float, orders: int) -> list[float]:
    found = []
    for _ in range(orders):
        function = jitad.grad(function)
        found.append(float(function(x)))
    return found


@pytest.mark.parametrize("x", [0.0, -1.0, -2.0, -7.0, -1.5, 0.4999, 0.5, 3.0])
def test_the_reciprocal_gamma_function_at_poles(x: float) -> None:
    expected = [float(mpmath.diff(mpmath.rgamma, x, order)) for order in (1, 2, 3)]
    assert derivatives(special.rgamma, x, 3) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("kind", ["ber", "bei"])
def test_kelvin_functions_at_zero(kind: str) -> None:
    expected = [float(mpmath.diff(lambda x: getattr(mpmath, kind)(0, x), 0, k)) for k in (1, 2, 3)]
    assert derivatives(getattr(special, kind), 0.0, 3) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("y", [-0.5, 0.0, 1.0, 3.0])
def test_the_inverse_of_boxcox_by_its_parameter_at_zero(y: float) -> None:
    """(1 + l y)^(1 / l) = e^y (1 - l y^2 / 2 + l^2 (y^3 / 3 + y^4 / 8) ...)."""
    expected = math.exp(y) * np.array([-(y**2) / 2, 2 * y**3 / 3 + y**4 / 4])
    found = derivatives(lambda lmbda: special.inv_boxcox(y, lmbda), 0.0, 2)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("m", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("z", [0.0, -1.0])
def test_rising_factorials_from_poles(z: float, m: float) -> None:
    if z + m <= 0 and (z + m).is_integer():
        pytest.skip("both are poles")
    expected = float(mpmath.diff(lambda t: mpmath.rf(t, m), z))
    assert derivatives(lambda t: special.poch(t, m), z, 1) == pytest.approx([expected], rel=1e-12)


@pytest.mark.parametrize("beta", [2.0, 4.0])
def test_even_generalized_normal_densities_at_their_middle(beta: float) -> None:
    found = derivatives(lambda x: stats.gennorm.logpdf(x, beta), 0.0, 2)
    assert found == [0.0, -2.0 if beta == 2 else 0.0]


@pytest.mark.parametrize("function", [stats.beta.cdf, stats.beta.sf])
@pytest.mark.parametrize("x", [-1.0, 2.0])
def test_the_beta_distribution_is_flat_outside(function: Any, x: float) -> None:
    assert derivatives(lambda x: function(x, 2.0, 3.0), x, 2) == [0.0, 0.0]


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_logaddexp_of_complex_numbers(wrap: Any, dtype: Any) -> None:
    """NumPy has it for real numbers alone; exp of the result is the sum."""
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(2, 30)) + 3j * rng.normal(size=(2, 30))).astype(dtype)
    near = 1e-5 if dtype == np.complex64 else 1e-12
    for f, base in ((jnp.logaddexp, np.e), (jnp.logaddexp2, 2.0)):
        out = wrap(f)(x, y)
        assert out.dtype == dtype and np.all(abs(out.imag * np.log(base)) <= np.pi * (1 + 1e-6))
        np.testing.assert_allclose(base**out, base**x + base**y, rtol=20 * near, atol=near)
        np.testing.assert_array_equal(jitad.vmap(f)(x, y), f(x, y))
        slopes = wrap(jitad.vmap(jitad.grad(f, argnums=(0, 1), holomorphic=True)))(x, y)
        for slope, given in zip(slopes, (x, y), strict=True):
            expected = base**given / (base**x + base**y)
            np.testing.assert_allclose(slope, expected, rtol=200 * near, atol=near)
        assert wrap(f)(x, 1).dtype == dtype
        for a, b, expected in [
            (800 + 1j, 800 + 1j, 800 + 1j + np.log(2) / np.log(base)),
            (-np.inf, -np.inf + 0j, -np.inf + 0j),
            (-np.inf + 0j, 1 + 2j, 1 + 2j),
        ]:
            np.testing.assert_allclose(wrap(f)(dtype(a), dtype(b)), expected, rtol=1e-6)
        slopes = jitad.grad(f, argnums=(0, 1), holomorphic=True)(dtype(3 + 1j), dtype(3 + 1j))
        np.testing.assert_allclose(slopes, [0.5, 0.5], rtol=1e-6)


def test_complex_numbers_have_no_range() -> None:
    for arguments in ((3 + 0j,), (0, 3, 1j), (np.complex64(0), 3)):
        with pytest.raises(ValueError, match="expected real start, stop and step.*linspace"):
            jnp.arange(*arguments)
    np.testing.assert_array_equal(jnp.arange(3, dtype=complex), np.arange(3, dtype=complex))
