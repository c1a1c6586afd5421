"""The array API standard's view of arrays, SciPy's functions and einops on traced arrays."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

ROOT = Path(__file__).resolve().parent.parent.parent
X = np.random.default_rng(2).normal(size=(3, 4))


def test_namespace() -> None:
    assert jnp.zeros(2).__array_namespace__() is jnp
    assert run_traced(lambda x: x.__array_namespace__().sin(x), X).shape == X.shape
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = jnp.special.no_such_function
    with pytest.raises(ValueError, match="2019.12"):
        jnp.zeros(2).__array_namespace__(api_version="2019.12")
    info = jnp.__array_namespace_info__()
    assert info.default_device() == "cpu" and info.devices() == ["cpu"]
    assert info.default_dtypes()["real floating"] == np.float64
    assert info.capabilities()["boolean indexing"] is True
    assert set(info.dtypes(kind="real floating")) == {"float32", "float64"}
    assert set(info.dtypes(kind=("bool", "signed integer"))) == {
        *("bool", "int8", "int16", "int32", "int64")
    }
    assert len(info.dtypes(kind="numeric")) == 12 and len(info.dtypes()) == 13
    with pytest.raises(ValueError, match="unsupported kind"):
        info.dtypes(kind="text")
    with pytest.raises(ValueError, match='Only "cpu" is allowed'):
        info.dtypes(device="gpu")


def test_devices() -> None:
    for make in (jnp.zeros, jnp.ones, jnp.empty, jnp.arange, jnp.eye):
        assert make(3, device="cpu").device == "cpu"
        with pytest.raises(ValueError, match='Only "cpu" is allowed'):
            make(3, device="gpu")
    assert run_traced(lambda x: jnp.zeros_like(x, device=x.device), X).shape == X.shape
    assert_same(run_traced(lambda x: x.to_device("cpu"), X), X, "to_device")


MASKED: list[Callable[[Any], Any]] = [
    lambda at: at.set(7.0),
    lambda at: at.add(2.0),
    lambda at: at.subtract(2.0),
    lambda at: at.multiply(3.0),
    lambda at: at.divide(2.0),
    lambda at: at.min(0.5),
    lambda at: at.max(0.5),
    lambda at: at.power(2),
    lambda at: at.apply(np.exp),
]


@pytest.mark.parametrize("update", MASKED, ids=range(len(MASKED)))
def test_updates_under_a_traced_mask(update: Callable[[Any], Any]) -> None:
    expected = np.asarray(update(jnp.asarray(X).at[X > 0]))
    assert_same(run_traced(lambda x: update(x.at[x > 0]), X), expected, "all axes")
    rows = X[:, 0] > 0
    expected = np.asarray(update(jnp.asarray(X).at[rows]))
    assert_same(run_traced(lambda x: update(x.at[x[:, 0] > 0]), X), expected, "first axis")


def test_values_of_a_traced_mask() -> None:
    row = np.arange(4.0)
    agree(
        lambda x: x.at[x[:, 0] > 0].set(row) if hasattr(x, "at") else jnp.asarray(x),
        lambda x: np.where(x[:, :1] > 0, row, x),
        jnp.asarray(X),
    )
    with pytest.raises(TypeError, match="is not known"):
        run_traced(lambda x: x.at[x > 0].set(np.arange(3.0)), X)
    with pytest.raises(IndexError, match="mask of the first axes"):
        run_traced(lambda x: x.at[x[0] > 0].set(1.0), X)


def test_the_namespace_of_a_traced_array_gives_traced_arrays() -> None:
    """Also those that depend on none: a library must not meet arrays of two namespaces."""

    def f(x: Any) -> Any:
        xp = x.__array_namespace__()
        made = (xp.zeros(3), xp.asarray(X), xp.linalg.inv(np.eye(2)), xp.fft.fftfreq(4))
        made += tuple(xp.meshgrid(np.arange(2.0), np.arange(3.0)))
        assert all(type(m) is type(x) and m.__array_namespace__() is xp for m in made)
        assert xp.isdtype(xp.float64, "real floating") and xp.__name__ == "jitad.numpy"
        return xp.sum(x * made[1]) + sum([xp.sum(m) for m in made])

    expected = np.sum(X * X) + np.sum(X) + 2 - 0.5 + 3 + 6
    np.testing.assert_allclose(jitad.jit(f)(X), expected)
    value, slope = jitad.value_and_grad(f)(X)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(slope, X)


SPECIAL = "erf erfc gammaln psi digamma i0 i1e ndtr ndtri log_ndtr expit logit entr exp1 expm1"
SPECIAL += " log1p cbrt exp2 spence dawsn erfinv j0 j1 y0 k0 k1e ellipk ellipe rgamma"
SPECIAL += " exprel erfi kei wrightomega cosm1 sindg exp10 log_expit erfcinv"


@pytest.mark.parametrize("name", SPECIAL.split())
def test_ufuncs_of_scipy_special(name: str) -> None:
    import scipy.special  # noqa: PLC0415

    ufunc = getattr(scipy.special, name)
    x = np.linspace(0.1, 0.9, 5)
    np.testing.assert_allclose(jitad.jit(lambda x: ufunc(x))(x), ufunc(x), rtol=1e-13)
    slope = (ufunc(x + 1e-5) - ufunc(x - 1e-5)) / 2e-5
    np.testing.assert_allclose(jitad.vmap(jitad.grad(lambda x: ufunc(x)))(x), slope, rtol=1e-8)


def test_ufuncs_of_scipy_special_of_several_arguments() -> None:
    import scipy.special  # noqa: PLC0415

    x = np.linspace(0.1, 0.9, 5)
    f = lambda x: scipy.special.gammainc(2.0, x) + scipy.special.betainc(x, 2, 0.3)  # noqa: E731
    np.testing.assert_allclose(jitad.jit(f)(x), f(x), rtol=1e-13)
    for f in (
        lambda x: scipy.special.kv(1.5, x) * scipy.special.jn(2, x),
        lambda x: scipy.special.ellipj(x, 0.3)[0] + scipy.special.airy(x)[3],
        lambda x: scipy.special.eval_legendre(3, x) + scipy.special.stdtr(4.0, x),
        lambda x: scipy.special.betaincinv(2.0, x, 0.3) + scipy.special.voigt_profile(x, 1.0, 0.5),
    ):
        np.testing.assert_allclose(jitad.jit(f)(x), f(x), rtol=1e-13)


def test_a_function_that_scipy_calls_needs_no_replacement_of_scipys() -> None:
    import scipy.optimize  # noqa: PLC0415

    objective = jitad.value_and_grad(lambda x: x**2)
    with pytest.raises(TypeError, match="must return a scalar") as info:
        scipy.optimize.minimize(objective, np.ones(1), jac=True)
    assert "instead of scipy" not in str(info.value)


def test_scipy_functions_name_their_replacement() -> None:
    import scipy.linalg  # noqa: PLC0415
    import scipy.signal  # noqa: PLC0415
    import scipy.special  # noqa: PLC0415
    import scipy.stats  # noqa: PLC0415

    for f, message in (
        (lambda x: scipy.stats.norm.pdf(x), "Write jitad.scipy.stats.norm.pdf instead"),
        (lambda x: scipy.linalg.expm(x[:3, :3]), "Write jitad.scipy.linalg.expm instead"),
        (lambda x: scipy.signal.welch(x), "Write jitad.scipy.signal.welch instead"),
        (lambda x: scipy.signal.hilbert(x), "scipy.signal.hilbert does this with NumPy arrays"),
        (lambda x: scipy.special.itj0y0(x), "scipy.special.itj0y0 does not take traced arrays"),
    ):
        with pytest.raises(TypeError, match=message) as caught:
            run_traced(f, X)
        assert f"at {__file__}" in str(caught.value), "the user's own line"


SCIPY = """
import functools, warnings
import numpy as np, scipy.fft, scipy.integrate, scipy.signal, scipy.special, scipy.stats
from scipy import special, stats
from scipy.spatial.transform import Rotation
import jitad, jitad.numpy as jnp

x = np.random.default_rng(0).normal(size=(3, 4))
above = lambda f: lambda x: f(abs(x) + 0.1)
along = lambda f: lambda x: f(x, axis=-1)

EVERYWHERE = [
    along(special.logsumexp), along(special.softmax), along(special.log_softmax),
    *[above(getattr(special, n)) for n in "erf gammaln psi i0 ndtr entr exp1 expit".split()],
    *[
        above(functools.partial(getattr(special, n), 1.3))
        for n in "betaln gammainc xlogy rel_entr chdtrc stdtr".split()
    ],
    above(lambda x: special.zeta(x + 1, 2.0)), above(lambda x: special.multigammaln(x + 5, 2)),
    *[along(getattr(stats, n)) for n in "circmean circstd kstat kurtosis sem skew zscore".split()],
    along(stats.tstd), along(stats.variation), lambda x: stats.pearsonr(x, x**2, axis=-1).pvalue,
    *[above(along(getattr(stats, n))) for n in "gmean gzscore entropy".split()],
    lambda x: stats.zmap(x, x + 1), lambda x: stats.directional_stats(x).mean_direction,
    lambda x: stats.ttest_rel(x, x * 1.3 + x**2 / 10, axis=-1).pvalue,
    lambda x: stats.ttest_ind(x, x * 1.3 + 1, axis=-1).pvalue,
    lambda x: stats.ttest_1samp(x, 0.3, axis=-1).pvalue,
    lambda x: stats.jarque_bera(x, axis=-1).pvalue,
    lambda x: stats.trim_mean(x, 0.3, axis=-1), lambda x: stats.boxcox_llf(0.3, abs(x) + 0.1),
    scipy.integrate.trapezoid, scipy.integrate.cumulative_trapezoid,
    lambda x: abs(scipy.fft.fft(x)) ** 2, lambda x: scipy.fft.irfft2(scipy.fft.rfft2(x) ** 2),
    lambda x: scipy.signal.fftconvolve(x, x), lambda x: scipy.signal.zpk2tf(x[0], x[1], 1.0)[0],
    lambda x: Rotation.from_rotvec(x[:, :3]).as_matrix(),
    lambda x: Rotation.from_quat(x).as_rotvec(),
]
# Python branches on values, which a compiled function has none of.
OUTSIDE_OF_JIT = [
    along(stats.moment), along(stats.iqr), along(stats.median_abs_deviation),
    above(along(stats.hmean)), lambda x: stats.quantile(x, 0.3, axis=-1),
    lambda x: stats.yeojohnson_llf(0.3, x, axis=-1),
]


def total(f):
    return lambda x: jnp.sum(jnp.sin(f(x)))


def check_gradient(f):
    step = 1e-5 * np.random.default_rng(1).normal(size=x.shape)
    expected = total(f)(x + step) - total(f)(x - step)
    np.testing.assert_allclose(2 * np.sum(jitad.grad(total(f))(x) * step), expected, rtol=1e-6)


for f in EVERYWHERE:
    np.testing.assert_allclose(f(jnp.asarray(x)), f(x), rtol=1e-12)
    np.testing.assert_allclose(jitad.jit(f)(x), f(x), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(jitad.vmap(f)(x[None]), f(x)[None], rtol=1e-9, atol=1e-12)
    check_gradient(f)
for f in OUTSIDE_OF_JIT:
    check_gradient(f)
print("same")
"""


def test_scipy_by_the_array_api() -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "ir")])
    environment = {**os.environ, "PYTHONPATH": path, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, "-c", SCIPY]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.stdout == "same\n", done.stderr


def test_einops() -> None:
    einops = pytest.importorskip("einops")
    for f in (
        lambda x: einops.rearrange(x, "a (b c) -> c a b", b=2),
        lambda x: einops.reduce(x, "a (b c) -> a", "mean", b=2),
        lambda x: einops.reduce(x, "a b -> b", "max"),
        lambda x: einops.repeat(x, "a b -> a b c", c=2),
        lambda x: einops.einsum(x, x, "a b, c b -> a c"),
        lambda x: einops.pack([x, x], "* b")[0],
    ):
        assert_same(run_traced(f, X), f(X), "einops")
    slope = jitad.grad(lambda x: einops.reduce(x**2, "a b -> ", "sum"))(X)
    assert_same(slope, 2 * X, "gradient")
    rows = jitad.vmap(lambda x: einops.repeat(x, "(a b) -> b a c", a=2, c=3))(X)
    assert_same(rows, einops.repeat(X, "n (a b) -> n b a c", a=2, c=3), "vmap")
    second = jitad.jit(jitad.hessian(lambda x: einops.einsum(x, x, X[:, :3], "a, b, a b -> ")))(
        X[:, 0]
    )
    np.testing.assert_allclose(second, X[:, :3] + X[:, :3].T)
