"""Every function of the table: values are SciPy's, derivatives of first and second order those of
finite differences, compiled code gives what is interpreted, vmap what a loop gives."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import jitad
from jitad.scipy import special, stats

from .table import SPECIAL, STATS, Integers, Row

ROWS = [pytest.param(row, id=f"{i}-{row.name}") for i, row in enumerate([*SPECIAL, *STATS])]
SMOOTH = [p for p in ROWS if p.values[0].moving]

INF, NAN = np.inf, np.nan
EDGES = np.array(
    [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 3.0, -2.0, -3.5, 1e-10, -1e-10, 30.0, -30.0]
    + [INF, -INF, NAN]
)


def agrees(got: Any, expected: Any, tolerance: float) -> None:
    expected = np.asarray(expected)
    assert np.asarray(got).dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(got), expected, rtol=tolerance, atol=tolerance * 1e-3)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.filterwarnings("ignore:non-integer arg n is deprecated")
def test_values_are_scipys(row: Row) -> None:
    arguments = row.draw()
    with np.errstate(all="ignore"):
        expected = row.scipys(*arguments)
    agrees(row.ours(*arguments), expected, 2e-12)
    agrees(jitad.jit(row.ours)(*arguments), expected, 2e-12)


@pytest.mark.parametrize("row", ROWS)
def test_float32_stays_float32_and_is_near_float64(row: Row) -> None:
    arguments = row.draw(dtype=np.float32)
    got = jitad.jit(row.ours)(*arguments)
    assert got.dtype == np.float32
    wide = row.ours(*[a.astype(np.float64) for a in arguments])
    np.testing.assert_allclose(got, wide, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("row", ROWS)
def test_vmap_is_a_loop(row: Row) -> None:
    first, *rest = row.draw((3, 2))
    shared = [a[0] for a in rest]
    got = jitad.vmap(row.ours, (0, *[None] * len(rest)))(first, *shared)
    expected = np.stack([row.ours(x, *shared) for x in first])
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def drawn_apart(row: Row) -> list[list[np.ndarray]]:
    """Arguments of no and of one element, scalars, ones that broadcast, and in memory that is not
    contiguous."""
    wide = row.draw((4, 5))
    apart = [a[::2, ::-2] for a in wide]
    across = [a[:, :1] if i % 2 else a[0] for i, a in enumerate(wide)]
    empty = [] if row.name == "poisson.entropy" else [row.draw((0, 2))]  # SciPy's raises
    return [apart, across, row.draw(()), row.draw((1,)), *empty]


@pytest.mark.filterwarnings("ignore:non-integer arg n is deprecated")
@pytest.mark.parametrize("row", ROWS)
def test_shapes(row: Row) -> None:
    every = drawn_apart(row)
    compiled = jitad.jit(lambda every: [row.ours(*arguments) for arguments in every])(every)
    for arguments, got in zip(every, compiled, strict=True):
        with np.errstate(all="ignore"):
            expected = np.asarray(row.scipys(*arguments))
        assert got.shape == expected.shape
        agrees(got, expected, 2e-12)
        agrees(row.ours(*arguments), expected, 2e-12)


def differences(function: Any, arguments: list[Any], position: int, step: float = 1e-4) -> Any:
    """d function / d argument by the central difference of sixth order."""

    def at(n: int) -> Any:
        moved = list(arguments)
        moved[position] = moved[position] + n * step
        return np.asarray(function(*moved))

    with np.errstate(all="ignore"):
        odd = 45 * (at(1) - at(-1)) - 9 * (at(2) - at(-2)) + (at(3) - at(-3))
        return odd / (60 * step)


def slope(row: Row, position: int) -> Any:
    """The derivative of each element by an argument, by reverse mode."""

    def total(*arguments: Any) -> Any:
        return row.ours(*arguments).sum()

    return jitad.grad(total, position)


@pytest.mark.parametrize("row", SMOOTH)
def test_derivatives_are_those_of_differences(row: Row) -> None:
    arguments = row.draw()
    for position in row.moving:
        expected = differences(row.ours, arguments, position)
        inside = np.isfinite(expected)
        at, before, after = (
            arguments[position],
            arguments[:position],
            arguments[position + 1 :],
        )
        of_one = lambda x: row.ours(*before, x, *after)  # noqa: B023, E731
        _, forward = jitad.jvp(of_one, (at,), (np.ones_like(at),))
        reverse = slope(row, position)(*arguments)
        for got in (forward, reverse, jitad.jit(slope(row, position))(*arguments)):
            np.testing.assert_allclose(
                np.asarray(got)[inside], expected[inside], rtol=2e-8, atol=2e-8
            )


@pytest.mark.parametrize("row", SMOOTH)
def test_second_derivatives_are_those_of_differences(row: Row) -> None:
    arguments = row.draw((5,))
    for position in row.moving:
        first = slope(row, position)
        for other in row.moving:
            expected = differences(first, arguments, other)
            got = jitad.grad(lambda *xs: first(*xs).sum(), other)(*arguments)  # noqa: B023
            np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-7)


OTHER_EDGES = "chdtri kn pdtr pdtrc pdtri powm1 yn"  # orders and counts that are not numbers
OTHER_EDGES += " jve yve"  # SciPy's nan at 0, where jv and yv have limits
OTHER_EDGES += " cosdg cotdg sindg tandg"  # nan at infinity, and all digits near 0
WITH_EDGES = {row.name for row in SPECIAL if len(row.ranges) < 3} - {*OTHER_EDGES.split()}


@pytest.mark.parametrize("name", sorted(WITH_EDGES))
def test_edges_are_scipys(name: str) -> None:
    row = next(row for row in SPECIAL if row.name == name)
    arguments = [EDGES]
    if len(row.ranges) == 2:
        arguments = [a.ravel() for a in np.meshgrid(EDGES, EDGES)]
    if isinstance(row.ranges[0], Integers):
        arguments = [np.arange(6.0), np.array([0.0, 0.0, 0.0, INF, NAN, 30.0])]
    with np.errstate(all="ignore"):
        expected = row.scipys(*arguments)
    got = jitad.jit(row.ours)(*arguments)
    if name == "gammaln":  # inf by C's lgamma and by the limit of |gamma|; SciPy says -inf
        got = np.where(arguments[0] == -INF, expected, got)
    if name == "pseudo_huber":  # a limit that SciPy does not take
        got = np.where(np.isfinite(arguments[0]), got, expected)
    if name == "zeta":  # a limit that SciPy does not take
        got = np.where((arguments[0] == INF) & (arguments[1] > 1), expected, got)
    np.testing.assert_allclose(got, expected, rtol=1e-11)


CONTINUOUS = "norm beta cauchy expon gamma gennorm gumbel_l gumbel_r laplace logistic pareto t"
CONTINUOUS += " truncnorm uniform vonmises wrapcauchy chi2"
SHAPES = {
    "beta": (2.0, 3.0),
    "gamma": (2.0,),
    "chi2": (3.0,),
    "gennorm": (1.5,),
    "pareto": (2.0,),
    "t": (3.0,),
    "truncnorm": (-1.0, 2.0),
    "vonmises": (2.0,),
    "wrapcauchy": (0.5,),
}


@pytest.mark.parametrize("name", CONTINUOUS.split())
def test_support_of_a_density(name: str) -> None:
    """Inside, outside, at the ends and at infinity; nan for a scale or a shape out of range."""
    import scipy.stats  # noqa: PLC0415

    ours, scipys = getattr(stats, name), getattr(scipy.stats, name)
    shapes = SHAPES.get(name, ())
    for function in [f for f in ("logpdf", "pdf", "cdf", "sf") if hasattr(ours, f)]:
        x = EDGES if name != "vonmises" else EDGES[np.isfinite(EDGES)]
        with np.errstate(all="ignore"):
            expected = getattr(scipys, function)(x, *shapes)
        if function in ("logpdf", "pdf"):  # the limit, where SciPy subtracts infinities
            expected = np.where(np.isinf(x), -INF if function == "logpdf" else 0.0, expected)
        got = getattr(ours, function)(x, *shapes)
        np.testing.assert_allclose(got, expected, rtol=1e-10, err_msg=function)
        if shapes or name == "norm":
            bad = [np.array(-1.0)] * len(shapes) if shapes else []
            if name != "truncnorm" and bad:
                assert np.isnan(getattr(ours, function)(np.array(1.5), *bad))
        assert np.isnan(getattr(ours, function)(np.array(0.5), *shapes, 0.0, -1.0))


def test_gradients_at_the_ends_of_a_support_are_finite() -> None:
    x = np.array([-1.0, 2.0, 0.5])
    for function, *parameters in (
        (stats.expon.logpdf,),
        (stats.gamma.logpdf, 2.0),
        (stats.beta.logpdf, 2.0, 3.0),
        (stats.pareto.logcdf, 2.0),
        (stats.uniform.logpdf,),
    ):
        got = jitad.grad(lambda x: np.sum(np.exp(function(x, *parameters))))(x)  # noqa: B023
        assert np.isfinite(got).all()


def test_xlogy_has_the_derivative_by_a_factor_of_zero() -> None:
    assert jitad.grad(special.xlogy)(0.0, 2.0) == pytest.approx(np.log(2.0))
    assert jitad.grad(special.xlog1py)(0.0, 1.0) == pytest.approx(np.log(2.0))
    assert jitad.grad(special.entr)(0.0) == INF


POLYNOMIALS = [
    ("legendre", ()),
    ("sh_legendre", ()),
    *[(name, ()) for name in ("chebyt", "chebyu", "chebyc", "chebys", "sh_chebyt", "sh_chebyu")],
    ("hermite", ()),
    ("hermitenorm", ()),
    ("laguerre", ()),
    ("genlaguerre", (0.7,)),
    ("gegenbauer", (1.3,)),
    ("jacobi", (0.4, 1.2)),
]


@pytest.mark.parametrize(("name", "parameters"), POLYNOMIALS)
def test_polynomials(name: str, parameters: tuple[float, ...]) -> None:
    """Values are SciPy's; derivatives in the place and in the parameters those of differences."""
    import scipy.special  # noqa: PLC0415

    ours, scipys = getattr(special, f"eval_{name}"), getattr(scipy.special, f"eval_{name}")
    x = np.linspace(0.05, 0.9, 5)
    for n in (0, 1, 2, 7, 40):
        expected = scipys(n, *parameters, x)
        scale = 1 + np.abs(expected).max()
        np.testing.assert_allclose(ours(n, *parameters, x), expected, atol=1e-13 * scale)
        compiled = jitad.jit(lambda x, n=n: ours(n, *parameters, x))
        np.testing.assert_allclose(compiled(x), expected, atol=1e-13 * scale)
    assert ours(3, *parameters, x.astype(np.float32)).dtype == np.float32
    arguments = [np.full_like(x, p) for p in parameters] + [x]
    for position in range(len(arguments)):
        got = jitad.grad(lambda *xs: ours(5, *xs).sum(), position)(*arguments)
        expected = differences(functools.partial(ours, 5), arguments, position)
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)
    with pytest.raises(TypeError, match="known integer"):
        ours(2.5, *parameters, x)


def test_functions_of_several_results() -> None:
    import scipy.special  # noqa: PLC0415

    x = np.linspace(0.3, 2.0, 5)
    for name, arguments in (
        ("airy", (x,)),
        ("kelvin", (x,)),
        ("shichi", (x,)),
        ("ellipj", (x, np.linspace(0.1, 0.9, 5))),
        ("hankel1", (1.5, x)),
        ("hankel1e", (0.5, x)),
        ("hankel2", (2.0, x)),
        ("hankel2e", (0.0, x)),
    ):
        ours, scipys = getattr(special, name), getattr(scipy.special, name)
        expected = np.stack([*np.atleast_2d(scipys(*arguments))])
        got = np.stack([*np.atleast_2d(jitad.jit(ours)(*arguments))])
        np.testing.assert_allclose(got, expected, rtol=2e-13, err_msg=name)
        for position in [i for i, a in enumerate(arguments) if isinstance(a, np.ndarray)]:
            before, after = arguments[:position], arguments[position + 1 :]
            of_one = lambda v: ours(*before, v, *after)  # noqa: B023, E731
            _, slopes = jitad.jvp(of_one, (arguments[position],), (np.ones(5),))
            moved = [np.stack([*np.atleast_2d(of_one(arguments[position] + h))]) for h in STEPS]
            expected = (8 * (moved[1] - moved[0]) - (moved[3] - moved[2])) / (12 * STEPS[1])
            np.testing.assert_allclose(np.atleast_2d(slopes), expected, rtol=1e-8, atol=1e-9)


STEPS = (-1e-3, 1e-3, -2e-3, 2e-3)


def test_there_is_no_derivative_by_an_order() -> None:
    with pytest.raises(NotImplementedError, match="the order v of bessel_jv"):
        jitad.grad(special.jv)(1.5, 2.0)
    assert np.isfinite(jitad.grad(lambda v, x: special.jv(jitad.lax.stop_gradient(v), x))(1.5, 2.0))
