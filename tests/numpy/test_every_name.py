"""Every name of `jitad.numpy` that has a derivative: values are NumPy's, in each floating dtype;
derivatives to second order are those of finite differences; batches are those of a loop.

The table is complete: `test_no_name_is_left_out` compares it with the names that docs/coverage.md
counts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from tests.linalg.checks import check_derivatives, close_results, leaves

Function = Callable[[Any, Any], Any]
"""Of a namespace, NumPy's or ours, and of an array."""

RNG = np.random.default_rng(8)
X = RNG.uniform(0.15, 0.85, (3, 4))  # within every domain below, away from kinks and ties
V = RNG.uniform(1.15, 1.85, 4)
M = RNG.uniform(0.2, 0.9, (4, 3))
PLACES = np.array([2, 0, 1, 1])
MASK = np.array([[True, False, True, True]] * 3)


def along_each(name: str) -> Function:
    """A function of one array, by its name."""
    return lambda np, x: getattr(np, name)(x)


def with_vector(name: str) -> Function:
    """A function of two arrays, differentiated in both."""
    return lambda np, x: getattr(np, name)(x, V * x[0]) + getattr(np, name)(V, x)


def named(make: Callable[[str], Function], names: str) -> dict[str, Function]:
    return {name: make(name) for name in names.split()}


TABLE: dict[str, Function] = {
    **named(
        along_each,
        "abs absolute acos arccos angle asin arcsin asinh arcsinh atan arctan atanh arctanh "
        "atleast_1d atleast_2d atleast_3d cbrt conj conjugate copy cos cosh deg2rad degrees exp "
        "exp2 expm1 fabs fliplr flipud i0 imag log log10 log1p log2 matrix_transpose nan_to_num "
        "positive negative rad2deg radians ravel real reciprocal rot90 sin sinc sinh sqrt square "
        "tan tanh transpose sum prod mean var std amax amin max min ptp median nansum nanprod "
        "nanmean nanvar nanstd nanmax nanmin nanmedian cumsum cumprod nancumsum nancumprod diff "
        "ediff1d sort trace diagonal tril triu squeeze",
    ),
    **named(
        with_vector,
        "add arctan2 atan2 copysign divide float_power fmax fmin fmod hypot logaddexp logaddexp2 "
        "maximum minimum mod multiply pow power remainder subtract true_divide",
    ),
    "acosh": lambda np, x: np.acosh(1 + x),
    "arccosh": lambda np, x: np.arccosh(1 + x),
    "append": lambda np, x: np.append(x, x * V, 0),
    "apply_along_axis": lambda np, x: np.apply_along_axis(lambda r: r * r[0], 1, x),
    "apply_over_axes": lambda np, x: np.apply_over_axes(np.sum, x * x, (0, 1)),
    "array": lambda np, x: np.array([x[0], x[1] ** 2]),
    "array_split": lambda np, x: np.array_split(x * x, 3, 1),
    "asarray": lambda np, x: np.asarray(x) ** 2,
    "astype": lambda np, x: np.astype(x, complex) ** 2,
    "average": lambda np, x: np.average(x, 1, x * V),
    "block": lambda np, x: np.block([[x, x**2], [x * 3, x]]),
    "broadcast_arrays": lambda np, x: np.broadcast_arrays(x[:1], x[:, :1] ** 2),
    "broadcast_to": lambda np, x: np.broadcast_to(x, (2, 3, 4)) * V,
    "choose": lambda np, x: np.choose(PLACES % 3, [x[0], x[1] ** 2, x[2]]),
    "clip": lambda np, x: np.clip(x, 0.4 * V - 0.3, 0.75),
    "column_stack": lambda np, x: np.column_stack([x, x[:, 0] ** 2]),
    "compress": lambda np, x: np.compress([True, False, True], x**2, 0),
    "concat": lambda np, x: np.concat([x, x**2], axis=1),
    "concatenate": lambda np, x: np.concatenate([x, x**2]),
    "convolve": lambda np, x: np.convolve(x[0], x[1, :3]),
    "corrcoef": lambda np, x: np.corrcoef(x),
    "correlate": lambda np, x: np.correlate(x[0], x[1, :3], "full"),
    "cov": lambda np, x: np.cov(x, aweights=V),
    "cross": lambda np, x: np.cross(x[:, 0], x[:, 1]),
    "cumulative_prod": lambda np, x: np.cumulative_prod(x, axis=1, include_initial=True),
    "cumulative_sum": lambda np, x: np.cumulative_sum(x * x, axis=0),
    "delete": lambda np, x: np.delete(x**2, [1], 1),
    "diag": lambda np, x: np.diag(x**2, 1),
    "diagflat": lambda np, x: np.diagflat(x[0] ** 2, 1),
    "divmod": lambda np, x: np.divmod(5 * x, V),
    "dot": lambda np, x: np.dot(x, x.T),
    "dsplit": lambda np, x: np.dsplit((x * x).reshape(1, 3, 4), 2),
    "dstack": lambda np, x: np.dstack([x, x**2]),
    "einsum": lambda np, x: np.einsum("ij,kj,j->ik", x, x, V),
    "expand_dims": lambda np, x: np.expand_dims(x**2, 1),
    "extract": lambda np, x: np.extract(MASK, x**2),
    "flip": lambda np, x: np.flip(x, 1) * V,
    "full": lambda np, x: np.full((2, 4), x[0] ** 2),
    "full_like": lambda np, x: np.full_like(x, x[0] ** 2),
    "geomspace": lambda np, x: np.geomspace(x[0], 1 + x[1], 4),
    "gradient": lambda np, x: np.gradient(x * x, 0.5, axis=1),
    "hsplit": lambda np, x: np.hsplit(x * x, 2),
    "hstack": lambda np, x: np.hstack([x, x**2]),
    "inner": lambda np, x: np.inner(x, x * V),
    "insert": lambda np, x: np.insert(x, 1, x[0] ** 2, 0),
    "interp": lambda np, x: np.interp(x[0], [0.0, 0.1, 0.9, 1.0], x[1] ** 2),
    "kron": lambda np, x: np.kron(x, x[:2] ** 2),
    "ldexp": lambda np, x: np.ldexp(x**2, PLACES),
    "frexp": lambda np, x: np.frexp(x * x)[0],
    "linspace": lambda np, x: np.linspace(x[0], x[1] ** 2, 4),
    "logspace": lambda np, x: np.logspace(x[0], x[1], 3),
    "matmul": lambda np, x: np.matmul(x, x.T @ x),
    "matvec": lambda np, x: np.matvec(x, x[0]),
    "meshgrid": lambda np, x: np.meshgrid(x[0] ** 2, x[1]),
    "modf": lambda np, x: np.modf(5 * x)[0],
    "moveaxis": lambda np, x: np.moveaxis(x**2, 0, 1),
    "nanpercentile": lambda np, x: np.nanpercentile(x, [20, 71], 1),
    "nanquantile": lambda np, x: np.nanquantile(x, 0.37, 0),
    "outer": lambda np, x: np.outer(x[0], x[1]),
    "pad": lambda np, x: np.pad(x**2, ((1, 0), (2, 1)), mode="reflect"),
    "partition": lambda np, x: np.sort(np.partition(x, 2, 1)[:, :2], 1),
    "percentile": lambda np, x: np.percentile(x, 40, 0),
    "permute_dims": lambda np, x: np.permute_dims(x**2, (1, 0)),
    "piecewise": lambda np, x: np.piecewise(x, [x < 0.5], [lambda y: y**2, lambda y: 3 * y]),
    "poly": lambda np, x: np.poly(x[0]),
    "polyadd": lambda np, x: np.polyadd(x[0] ** 2, x[1, :2]),
    "polyder": lambda np, x: np.polyder(x[0] ** 2),
    "polydiv": lambda np, x: np.polydiv(x[0], x[1, :2])[0],
    "polyfit": lambda np, x: np.polyfit(V, x[0] ** 2, 2),
    "polyint": lambda np, x: np.polyint(x[0] ** 2),
    "polymul": lambda np, x: np.polymul(x[0], x[1]),
    "polysub": lambda np, x: np.polysub(x[0], x[1] ** 2),
    "polyval": lambda np, x: np.polyval(x[0], x),
    "quantile": lambda np, x: np.quantile(x, 0.37, 1),
    "repeat": lambda np, x: np.repeat(x**2, [1, 0, 2], axis=0),
    "reshape": lambda np, x: np.reshape(x**2, (2, 6)),
    "resize": lambda np, x: np.resize(x**2, (2, 7)),
    "roll": lambda np, x: np.roll(x, 1, 0) * V,
    "rollaxis": lambda np, x: np.rollaxis(x**2, 1),
    "roots": lambda np, x: _roots(np, np.stack([V[0] + x[0, 0], -9 * V[1], x[1, 1]])),
    "select": lambda np, x: np.select([x < 0.4, x < 0.6], [x**2, x**3], 1.5),
    "sort_complex": lambda np, x: np.sort_complex(x),
    "split": lambda np, x: np.split(x * x, 2, axis=1),
    "stack": lambda np, x: np.stack([x, x**2], 1),
    "swapaxes": lambda np, x: np.swapaxes(x**2, 0, 1),
    "take": lambda np, x: np.take(x**2, PLACES, 1),
    "take_along_axis": lambda np, x: np.take_along_axis(x**2, PLACES[None], 0),
    "tensordot": lambda np, x: np.tensordot(x, M * x.T, ((1,), (0,))),
    "tile": lambda np, x: np.tile(x**2, (2, 1)),
    "trapezoid": lambda np, x: np.trapezoid(x, x.cumsum(1)),
    "unstack": lambda np, x: np.unstack(x * x, axis=1),
    "vander": lambda np, x: np.vander(x[0], 4),
    "vdot": lambda np, x: np.vdot(x[0] * (1 + 2j), x[1] * (3 - 1j)) * V,
    "vecdot": lambda np, x: np.vecdot(x, x * V),
    "vecmat": lambda np, x: np.vecmat(x[:, 0], x),
    "vectorize": lambda np, x: np.vectorize(lambda a, b: a * b)(x, x[0]),
    "vsplit": lambda np, x: np.vsplit(x * x, 3),
    "vstack": lambda np, x: np.vstack([x, x[0] ** 2]),
    "where": lambda np, x: np.where(x > 0.5, x**2, np.sin(x)),
}

PLACED: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "fill_diagonal": (
        lambda x: jnp.fill_diagonal(x**2, x[0, 1], inplace=False),
        lambda x: _written(np.fill_diagonal, x**2, x[0, 1]),
    ),
    "place": (
        lambda x: jnp.place(x**2, MASK, x[0], inplace=False),
        lambda x: _written(np.place, x**2, MASK, x[0]),
    ),
    "put": (
        lambda x: jnp.put(x**2, [1, 5], x[0, :2], inplace=False),
        lambda x: _written(np.put, x**2, [1, 5], x[0, :2]),
    ),
    "put_along_axis": (
        lambda x: jnp.put_along_axis(x**2, PLACES[None], x[:1], 0, inplace=False),
        lambda x: _written(np.put_along_axis, x**2, PLACES[None], x[:1], 0),
    ),
}
"""What NumPy writes in place, and we return."""

CONSTANT = (
    "around ceil fix floor floor_divide heaviside rint round sign trunc nextafter spacing "
    "bincount histogram histogram2d histogram_bin_edges histogramdd ones_like zeros_like "
    "empty_like argmax argmin argpartition argsort argwhere nanargmax nanargmin nonzero "
    "flatnonzero searchsorted digitize count_nonzero lexsort all any allclose array_equal "
    "array_equiv equal greater greater_equal isclose iscomplex isfinite isin isinf isnan isneginf "
    "isposinf isreal less less_equal logical_and logical_not logical_or logical_xor not_equal "
    "signbit trim_zeros"
)
"""Functions of floats whose derivative is zero or that NumPy's users do not differentiate: their
values are tested elsewhere in this folder."""

WITHOUT_FLOATS = (
    "arange array_repr array_str bartlett bitwise_and bitwise_count bitwise_invert "
    "bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor blackman "
    "broadcast_shapes can_cast diag_indices diag_indices_from einsum_path eye finfo from_dlpack "
    "frombuffer fromfile fromfunction fromiter frompyfunc fromstring gcd get_printoptions hamming "
    "hanning identity iinfo indices intersect1d invert iscomplexobj isdtype isrealobj isscalar "
    "issubdtype iterable ix_ kaiser lcm left_shift load mask_indices ndim ones packbits "
    "printoptions promote_types ravel_multi_index result_type right_shift save savez "
    "set_printoptions setdiff1d setxor1d shape size tri tril_indices tril_indices_from "
    "triu_indices triu_indices_from union1d unique unique_all unique_counts unique_inverse "
    "unique_values unpackbits unravel_index zeros"
)
"""Functions of integers, shapes, dtypes, files and sets."""


def _roots(np: Any, coefficients: Any) -> Any:
    """Of a polynomial whose first coefficient is not 0, in order; they are real."""
    options = {"strip_zeros": False} if np is jnp else {}
    return np.sort(np.roots(coefficients, **options).real)


def _written(function: Callable[..., Any], array: Any, *arguments: Any) -> Any:
    function(array, *arguments)
    return array


def test_no_name_is_left_out() -> None:
    table = tomllib.loads(
        (Path(__file__).parents[2] / "docs/data/expected_names.toml").read_text("utf-8")
    )
    names = re.findall(r"\S+", table["jax.numpy"]["names"])
    functions = {
        name
        for name in names
        if callable(getattr(jnp, name, None)) and not isinstance(getattr(jnp, name), type)
    }
    known = [*TABLE, *PLACED, *CONSTANT.split(), *WITHOUT_FLOATS.split()]
    assert functions - {*known} == set()
    assert len(known) == len({*known})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", TABLE)
def test_values(name: str, dtype: str) -> None:
    x = X.astype(dtype)
    function = TABLE[name]
    expected = leaves(function(np, x))
    tolerance = 1e-12 if dtype == "float64" else 2e-5
    for how, run in (("at once", lambda f: f), ("compiled", jitad.jit)):
        got = leaves(run(lambda y: function(jnp, y))(x))
        close_results(got, expected, f"{name}, {how}", tolerance)


@pytest.mark.parametrize("name", PLACED)
def test_values_placed(name: str) -> None:
    ours, oracle = PLACED[name]
    close_results(ours(X), oracle(X), name, 1e-15)
    close_results(jitad.jit(ours)(X), oracle(X), name, 1e-15)


@pytest.mark.parametrize("name", [*TABLE, *PLACED])
def test_derivatives(name: str) -> None:
    ours = PLACED[name][0] if name in PLACED else lambda x: TABLE[name](jnp, x)
    check_derivatives(ours, X)
