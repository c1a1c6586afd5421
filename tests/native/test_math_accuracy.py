"""Errors of the math functions in units in the last place (ulp), against mpmath.

Points are dense over the interesting range, uniform in the logarithm over the whole range, random
bit patterns, and known hard cases. Special values are compared with NumPy's.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mpmath
import numpy as np
import pytest
import scipy.special

from benchmarks import fit_polynomials
from jitad_ir.native import (
    math_error,
    math_exponential,
    math_gamma,
    math_hyperbolic,
    math_inverse_trigonometric,
    math_log_table,
    math_power,
    math_trigonometric,
)
from jitad_ir.native.link import image_of, link
from jitad_ir.native.math_kernel import BINARY32, BINARY64
from jitad_ir.native.target import Target, host
from jitad_ir.native.unlocked import parse
from tests.native.lane_runner import LaneRunner, build_module

mp = mpmath.mp
FLOATS = [np.dtype("float64"), np.dtype("float32")]
COMPLEXES = [np.dtype("complex128"), np.dtype("complex64")]
POINTS = 250

SPECIAL = [0.0, 1.0, 0.5, 2.0, 2.5, 1e-10, 3.0, 100.0, np.inf]


class Case(NamedTuple):
    """One function of one operand."""

    exact: Callable
    special: Callable
    low: float = -np.inf
    high: float = np.inf
    dense: tuple[float, float] = (-4.0, 4.0)
    ulp: float = 2.0
    hard: tuple[float, ...] = ()


# Near multiples of pi / 2: 6381956970095103 * 2^797 is the double nearest to one.
NEAR_PI = (6381956970095103.0 * 2.0**797, 3.141592653589793, 1.5707963267948966, 710.0, 1e22,
           2.0**28, 268435457.3, 5.319372648326541e255)  # fmt: skip


def log_base(base: float) -> Callable:
    return lambda x: mp.log(x) / mp.log(base)


def lgamma(x: mpmath.mpf) -> mpmath.mpf:
    return mp.log(abs(mp.gamma(x))) if abs(x) < 1e4 else mp.re(mp.loggamma(x))


CASES = {
    "exp": Case(mp.exp, np.exp, -760, 720, (-3, 3), hard=(-745.13, -708.4, 709.78, -0.34657)),
    "exp2": Case(lambda x: mp.mpf(2) ** x, np.exp2, -1080, 1030, (-3, 3), hard=(0.5, -1074.5)),
    "expm1": Case(mp.expm1, np.expm1, -760, 720, (-2, 2), hard=(0.34657, 709.78, -37.0)),
    "log": Case(mp.log, np.log, 0, dense=(0.3, 3), hard=(0.70710678, 1.4142135, 5e-324)),
    "log1p": Case(mp.log1p, np.log1p, -1 + 1e-7, dense=(-0.9, 2), hard=(-0.2929, 0.41421)),
    "log2": Case(log_base(2), np.log2, 0, dense=(0.3, 3), hard=(0.70710678, 1.4142135)),
    "log10": Case(log_base(10), np.log10, 0, dense=(0.3, 3), hard=(1000.0, 1e22)),
    "logistic": Case(lambda x: 1 / (1 + mp.exp(-x)), scipy.special.expit, -760, 720),
    "sin": Case(mp.sin, np.sin, dense=(-10, 10), hard=NEAR_PI),
    "cos": Case(mp.cos, np.cos, dense=(-10, 10), hard=NEAR_PI),
    "tan": Case(mp.tan, np.tan, dense=(-10, 10), hard=NEAR_PI),
    "asin": Case(mp.asin, np.arcsin, -1, 1, (-1, 1), hard=(0.5, 0.49999999, 1 - 2e-16)),
    "acos": Case(mp.acos, np.arccos, -1, 1, (-1, 1), hard=(0.5, -0.5, 1 - 2e-16)),
    "atan": Case(mp.atan, np.arctan, hard=(0.41421356, 2.41421356, 0.4142136)),
    "sinh": Case(mp.sinh, np.sinh, -715, 715, hard=(1.0, 0.9999999, 710.4)),
    "cosh": Case(mp.cosh, np.cosh, -715, 715, hard=(710.4,)),
    "tanh": Case(mp.tanh, np.tanh, hard=(0.5625, 0.56249, 19.06, 22.0,
                                          0.062292620737198726, 0.062424604)),
    "asinh": Case(mp.asinh, np.arcsinh, hard=(2.0**28, 2.0**28 + 1)),
    "acosh": Case(mp.acosh, np.arccosh, 1, dense=(1, 3), hard=(1 + 2.0**-50, 1 + 2.0**-20)),
    "atanh": Case(mp.atanh, np.arctanh, -1 + 1e-7, 1 - 1e-7, (-1, 1), hard=(0.5, 0.333)),
    "cbrt": Case(lambda x: mp.sign(x) * mp.cbrt(abs(x)), np.cbrt, hard=(8.0, 27.0, 1e-320)),
    "sqrt": Case(lambda x: mp.sqrt(x), np.sqrt, 0, ulp=0.5001),
    "rsqrt": Case(lambda x: 1 / mp.sqrt(x), lambda x: 1 / np.sqrt(x), 0),
    "erf": Case(mp.erf, scipy.special.erf, hard=(1.0, 0.99999999, 5.9, 0.06257508)),
    "erfc": Case(mp.erfc, scipy.special.erfc, -30, 30, (-3, 10), 4, hard=(26.5, 0.5, 27.2)),
    "erf_inv": Case(mp.erfinv, scipy.special.erfinv, -1 + 1e-16, 1 - 1e-16, (-1, 1), 4,
                    hard=(0.99663, 0.9999963, 1 - 2e-16, 1e-300)),
    "lgamma": Case(lgamma, scipy.special.gammaln, 1e-300, dense=(0.01, 12), ulp=4,
                   hard=(1 + 1e-9, 2 - 1e-9, 0.9, 2.25, 8.0, 1.37)),
    "digamma": Case(mp.digamma, scipy.special.digamma, 1e-300, 1e100, (0.01, 12), 4,
                    hard=(1.4616321449683622, 1.46163, 6.0, 2.0, 1.0)),
}  # fmt: skip


def points(case: Case, dtype: np.dtype) -> np.ndarray:
    """Where to look at a function: finite values within its domain."""
    rng = np.random.default_rng(7)
    info = np.finfo(dtype)
    integer = np.uint64 if dtype == np.float64 else np.uint32
    patterns = rng.integers(0, np.iinfo(integer).max, POINTS, dtype=integer).view(dtype)
    exponents = rng.uniform(-60, 12, POINTS)
    signs = rng.choice([-1.0, 1.0], POINTS)
    hard = np.array([s * h for h in case.hard for s in (1, -1)])
    with np.errstate(over="ignore"):
        hard = hard.astype(dtype)
    hard = np.concatenate([hard, np.nextafter(hard, dtype.type(0))])
    tiny = np.array([info.tiny, info.smallest_subnormal, info.tiny / 3, info.max], dtype)
    dense = rng.uniform(*case.dense, 3 * POINTS)
    x = np.concatenate(
        [a.astype(dtype) for a in (dense, np.exp2(exponents) * signs, patterns, hard, tiny, -tiny)]
    )
    # fmt: skip
    exact = x.astype(float)
    return x[np.isfinite(x) & (exact >= case.low) & (exact <= case.high)]


@functools.cache
def reference(name: str, dtype: np.dtype) -> tuple[np.ndarray, list]:
    """Points and exact values: enough bits for the greatest angles."""
    case = CASES[name]
    x = points(case, dtype)
    with mp.workprec(1300 if name in ("sin", "cos", "tan") else 200):
        return x, [+case.exact(mp.mpf(v)) for v in x.tolist()]


def ulp_errors(actual: np.ndarray, exact: list) -> np.ndarray:
    """|actual - exact| in units in the last place of the exact value; 0 where both overflow."""
    dtype = actual.dtype.type
    errors = np.zeros(len(exact))
    with np.errstate(over="ignore"), mp.workprec(200):
        for i, (a, e) in enumerate(zip(actual.tolist(), exact, strict=True)):
            rounded = dtype(float(e))
            if np.isinf(rounded) or np.isinf(a):
                # Infinity stands for the power of two after the greatest float.
                limit = mp.mpf(2) * mp.mpf(2.0 ** (np.finfo(dtype).maxexp - 1))
                unit = float(np.spacing(np.finfo(dtype).max))
                a = float(np.copysign(1, a)) * limit if np.isinf(a) else mp.mpf(a)
                e = mp.sign(e) * min(abs(e), limit)
                errors[i] = float(abs(a - e) / unit)
            elif np.isnan(a):
                errors[i] = np.inf
            else:
                errors[i] = float(abs(mp.mpf(a) - e) / float(np.spacing(abs(rounded))))
    return errors


def assert_within(actual: np.ndarray, exact: list, ulp: float, *operands: np.ndarray) -> None:
    errors = ulp_errors(actual, exact)
    worst = int(np.argmax(errors))
    at = ", ".join(repr(x[worst]) for x in operands)
    assert errors[worst] <= ulp, f"{errors[worst]:.3f} ulp at {at}: got {actual[worst]!r}"


@pytest.mark.parametrize("has_fma", [True, False], ids=["fma", "no_fma"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_ulp(name: str, dtype: np.dtype, has_fma: bool) -> None:
    x, exact = reference(name, dtype)
    runners = [
        LaneRunner(lambda e, x: getattr(e, name)(x), [dtype], width, has_fma) for width in (4, 1, 8)
    ]
    vector, scalar, wide = (runner(x) for runner in runners)
    assert_within(vector, exact, CASES[name].ulp, x)
    assert scalar.tobytes() == vector.tobytes() == wide.tobytes()


def assert_same_special(actual: np.ndarray, expected: np.ndarray, *operands: np.ndarray) -> None:
    """nan where nan, the same infinities and zeros with their signs, other values nearly."""
    eps, least = np.finfo(expected.dtype).eps, np.finfo(expected.dtype).smallest_subnormal
    with np.errstate(invalid="ignore"):
        close = np.isclose(actual, expected, rtol=8 * eps, atol=least)
    same_sign = np.signbit(actual) == np.signbit(expected)
    good = (close & same_sign) | (np.isnan(actual) & np.isnan(expected))
    report = [(*(x[i] for x in operands), actual[i], expected[i]) for i in np.flatnonzero(~good)]
    assert not report, f"(operands, got, expected): {report}"


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", CASES)
def test_special_values(name: str, dtype: np.dtype) -> None:
    x = np.array([*SPECIAL, *(-v for v in SPECIAL), np.nan], dtype)
    if name in ("lgamma", "digamma"):
        # SciPy's own errors at negative arguments are larger than ours, and its gammaln(-inf) is
        # -inf, where C's lgamma and ours is inf.
        x = x[~np.isin(x, np.array([-1e-10, 1e-10, -0.5, -2.5, -100.0, -np.inf], dtype))]
    with np.errstate(all="ignore"):
        expected = CASES[name].special(x.astype(float)).astype(dtype)
    runner = LaneRunner(lambda e, x: getattr(e, name)(x), [dtype], 4)
    assert_same_special(runner(x), expected, x)


def power_points(dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Bases and exponents whose power is spread over the whole range."""
    rng = np.random.default_rng(3)
    n = 2 * POINTS
    limit = 700 if dtype == np.float64 else 87
    base = np.exp2(rng.uniform(-1, 1, n) * rng.choice([0.001, 1, 10, 100], n))
    exponent = rng.uniform(-1.08, 1.03, n) * limit / np.log(base)
    x = np.concatenate([base, rng.uniform(0, 20, n), 1 + rng.normal(size=n) * 1e-6])
    y = np.concatenate([exponent, rng.uniform(-20, 20, n), rng.normal(size=n) * 1e6])
    x, y = x.astype(dtype), y.astype(dtype)
    keep = x > 0
    return x[keep], y[keep]


def plane_points(dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Points of the plane, at all scales."""
    rng = np.random.default_rng(4)
    case = Case(mp.exp, np.exp, dense=(-3, 3))
    x = points(case, dtype)
    with np.errstate(over="ignore"):
        near = x * np.exp2(rng.uniform(-4, 4, len(x))).astype(dtype)
    y = np.concatenate([near, rng.permutation(x)])
    x = np.concatenate([x, x])
    keep = np.isfinite(y)
    return x[keep], y[keep]


BINARY = {
    "pow": (lambda x, y: mp.power(x, y), np.power, power_points, 2.0),
    "atan2": (mp.atan2, np.arctan2, plane_points, 2.0),
    "hypot": (mp.hypot, np.hypot, plane_points, 2.0),
}


@pytest.mark.parametrize("has_fma", [True, False], ids=["fma", "no_fma"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", BINARY)
def test_ulp_of_two_operands(name: str, dtype: np.dtype, has_fma: bool) -> None:
    exact, _, draw, ulp = BINARY[name]
    x, y = draw(dtype)
    with mp.workprec(200):
        values = [exact(mp.mpf(a), mp.mpf(b)) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
    vector, scalar = (
        LaneRunner(lambda e, x, y: getattr(e, name)(x, y), [dtype] * 2, width, has_fma)(x, y)
        for width in (4, 1)
    )
    assert_within(vector, values, ulp, x, y)
    assert scalar.tobytes() == vector.tobytes()


@pytest.mark.parametrize("has_fma", [True, False], ids=["fma", "no_fma"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(
    ("name", "special"),
    [("pow", np.power), ("atan2", np.arctan2), ("hypot", np.hypot), ("rem", np.fmod),
     ("nextafter", np.nextafter)],
)  # fmt: skip
def test_special_pairs(name: str, special: Callable, dtype: np.dtype, has_fma: bool) -> None:
    info = np.finfo(dtype)
    some = [0.0, 1.0, 0.5, 1.5, 2.0, 3.0, 2.0**info.nmant, 2.0 ** (info.nmant + 1) + 2, 1e30,
            info.tiny, info.smallest_subnormal, info.max, np.inf]  # fmt: skip
    values = np.array([*some, *(-v for v in some), np.nan], dtype)
    x, y = (grid.ravel() for grid in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = special(x, y)
    runner = LaneRunner(lambda e, x, y: getattr(e, name)(x, y), [dtype] * 2, 4, has_fma)
    assert_same_special(runner(x, y), expected, x, y)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_rem_is_exact(dtype: np.dtype, width: int) -> None:
    rng = np.random.default_rng(9)
    x, y = plane_points(dtype)
    x = np.concatenate([x, rng.permutation(x), rng.uniform(-100, 100, 500).astype(dtype)])
    y = np.concatenate([y, rng.permutation(y), rng.uniform(-9, 9, 500).astype(dtype)])
    with np.errstate(invalid="ignore"):
        expected = np.fmod(x, y)
    runner = LaneRunner(lambda e, x, y: e.rem(x, y), [dtype] * 2, width)
    np.testing.assert_array_equal(runner(x, y), expected)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["lgamma", "digamma"])
def test_gamma_functions_of_negative_numbers(name: str, dtype: np.dtype) -> None:
    """Between the poles errors are relative to 1 or the value, whichever is greater, for both
    functions have zeros there."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.uniform(-30, 0, 300), -np.exp2(rng.uniform(-30, 0, 100))])
    x = x.astype(dtype)
    actual = LaneRunner(lambda e, x: getattr(e, name)(x), [dtype], 4)(x)
    for v, a in zip(x.tolist(), actual.tolist(), strict=True):
        with mp.workprec(200):
            exact = CASES[name].exact(mp.mpf(v))
            # The value's condition: how far it moves with the last place of x.
            slope = abs(mp.diff(CASES[name].exact, mp.mpf(v))) * abs(v)
            scale = float(max(1, abs(exact), slope))
            assert abs(a - exact) <= 6 * np.finfo(dtype).eps * scale, v


COMPLEX = {
    "exp": (mp.exp, np.exp),
    "exp2": (lambda z: mp.mpf(2) ** z, np.exp2),
    "expm1": (lambda z: mp.exp(z) - 1, np.expm1),
    "log": (mp.log, np.log),
    "log1p": (lambda z: mp.log(1 + z), np.log1p),
    "log2": (lambda z: mp.log(z) / mp.log(2), np.log2),
    "log10": (lambda z: mp.log(z) / mp.log(10), np.log10),
    "sqrt": (mp.sqrt, np.sqrt),
    "sin": (mp.sin, np.sin),
    "cos": (mp.cos, np.cos),
    "tan": (mp.tan, np.tan),
    "asin": (mp.asin, np.arcsin),
    "acos": (mp.acos, np.arccos),
    "atan": (mp.atan, np.arctan),
    "sinh": (mp.sinh, np.sinh),
    "cosh": (mp.cosh, np.cosh),
    "tanh": (mp.tanh, np.tanh),
    "asinh": (mp.asinh, np.arcsinh),
    "acosh": (mp.acosh, np.arccosh),
    "atanh": (mp.atanh, np.arctanh),
    "logistic": (lambda z: 1 / (1 + mp.exp(-z)), None),
}


@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
@pytest.mark.parametrize("name", COMPLEX)
def test_complex_error_is_small_against_modulus(name: str, dtype: np.dtype) -> None:
    exact, _ = COMPLEX[name]
    rng = np.random.default_rng(0)
    n = POINTS
    unit = np.exp(1j * rng.uniform(-np.pi, np.pi, n))
    z = np.concatenate([
        np.exp2(rng.uniform(-20, 6, n)) * unit,
        (rng.normal(size=n) + 1j * rng.normal(size=n)) * 2,
        (1 + np.exp2(rng.uniform(-30, -2, n))) * unit,
    ]).astype(dtype)  # fmt: skip
    if name == "exp2":
        z = z[np.abs(z) < 4]  # The angle Im z log 2 is rounded, as it is in NumPy.
    actual = LaneRunner(lambda e, z: getattr(e, name)(z), [dtype], 4)(z)
    for value, got in zip(z.tolist(), actual.tolist(), strict=True):
        with mp.workprec(200):
            expected = exact(mp.mpc(value))
            error = abs(mp.mpc(got) - expected) / abs(expected)
        assert error <= 5 * np.finfo(dtype).eps, (value, got)


# Values whose sign C99 leaves open, or (expm1) that NumPy's formula loses.
UNSPECIFIED = {
    "expm1": lambda z: ~np.isfinite(z),
    "sinh": lambda z: np.isneginf(z.real) & ~np.isfinite(z.imag),
    "cosh": lambda z: (z.real == 0) & ~np.isfinite(z.imag),
    "sin": lambda z: ~np.isfinite(z.real) & np.isneginf(z.imag),
    "cos": lambda z: ~(np.isfinite(z.real) & np.isfinite(z.imag)),
}


@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
@pytest.mark.parametrize("name", [name for name, (_, special) in COMPLEX.items() if special])
def test_complex_special_values(name: str, dtype: np.dtype) -> None:
    parts = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.5, -2.5]
    z = np.array([complex(a, b) for a in parts for b in parts], dtype)
    if name in UNSPECIFIED:
        z = z[~UNSPECIFIED[name](z)]
    with np.errstate(all="ignore"):
        expected = COMPLEX[name][1](z)
    actual = LaneRunner(lambda e, z: getattr(e, name)(z), [dtype], 4)(z)
    assert_same_special(actual.real, expected.real, z)
    assert_same_special(actual.imag, expected.imag, z)


# fmt: off
GROW_SLOWLY = (
    "log", "log1p", "log2", "log10", "sqrt", "asin", "acos", "atan", "asinh", "acosh", "atanh",
)
# fmt: on


@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
@pytest.mark.parametrize("name", GROW_SLOWLY)
def test_complex_far_from_zero(name: str, dtype: np.dtype) -> None:
    """Where the modulus is in range, no square or multiple of a part is out of it on the way."""
    greatest = float(np.finfo(np.finfo(dtype).dtype).max)
    sizes = [0.0, 1.0, greatest**0.5, 2 * greatest**0.5, greatest / 4, greatest / 1.5]
    parts = [sign * size for size in sizes for sign in (1, -1)]
    z = np.array([complex(a, b) for a in parts for b in parts if max(abs(a), abs(b)) > 1], dtype)
    actual = LaneRunner(lambda e, z: getattr(e, name)(z), [dtype], 4)(z)
    expected = COMPLEX[name][1](z.astype(np.clongdouble)).astype(dtype)
    np.testing.assert_allclose(actual, expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
def test_complex_pow_abs_sign(dtype: np.dtype, width: int) -> None:
    rng = np.random.default_rng(6)
    x = (rng.normal(size=200) + 1j * rng.normal(size=200)).astype(dtype)
    y = (rng.normal(size=200) + 1j * rng.normal(size=200)).astype(dtype)
    x[:4], y[:4] = [0, 0, 0, 2j], [0, 2, 1 + 1j, 0]
    power = LaneRunner(lambda e, x, y: e.pow(x, y), [dtype] * 2, width)(x, y)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(power, np.power(x, y), rtol=30 * eps)
    zero_to_negative = LaneRunner(lambda e, x, y: e.pow(x, y), [dtype] * 2, width)(
        np.zeros(1, dtype), np.full(1, -1, dtype)
    )
    assert np.isnan(zero_to_negative).all()
    huge = np.array([3e38 + 1e38j if dtype == np.complex64 else 1e308 - 1e308j, 0, -np.inf + 1j])
    x = np.concatenate([x, huge.astype(dtype)])
    sign = LaneRunner(lambda e, x: e.sign(x), [dtype], width)(x)
    with np.errstate(all="ignore"):
        moduli = np.abs(x[:-1].astype(complex))
        expected = np.where(x[:-1] == 0, 0, x[:-1] / 2 / np.where(moduli == 0, 1, moduli / 2))
        expected_abs = np.abs(x)
    np.testing.assert_allclose(sign[:-1], expected, rtol=4 * eps)
    assert sign[-1] == -1
    modulus = LaneRunner(lambda e, x: e.abs(x), [dtype], width)(x)
    np.testing.assert_allclose(modulus, expected_abs, rtol=2 * eps)


def test_functions_are_emitted_once() -> None:
    module, _ = build_module(
        lambda e, x: e.add(e.sin(e.exp(x)), e.sin(e.exp(e.neg(x)))), [np.dtype("f8")], 4
    )
    defined = [f.name for f in module.functions if not f.is_declaration]
    assert defined.count("jitad.sin.v4f64") == defined.count("jitad.exp.v4f64") == 1
    assert sorted(defined) == ["jitad.exp.v4f64", "jitad.huge_remainder.v4f64", "jitad.sin.v4f64",
                               "run"]  # fmt: skip


def test_tables_are_those_of_the_fit_tool() -> None:
    modules = [math_error, math_exponential, math_gamma, math_hyperbolic, math_log_table,
               math_inverse_trigonometric, math_power, math_trigonometric]  # fmt: skip
    formats = {"BINARY32": BINARY32, "BINARY64": BINARY64}
    for name in fit_polynomials.fits():
        found = [vars(module)[name] for module in modules if name in vars(module)]
        stored = found[0]
        assert all(table is stored for table in found), name
        for format, computed in fit_polynomials.tables(name):
            table = stored[formats[format]] if isinstance(stored, dict) else stored
            np.testing.assert_allclose(table, computed.values, rtol=1e-14, err_msg=name)


@pytest.mark.skipif(
    not host().triple.startswith("x86_64"), reason="compares instruction sets of x86-64"
)
@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "cbrt", "lgamma", "round", "floor"])
def test_results_do_not_depend_on_the_instruction_set(name: str) -> None:
    """Without fma, the oldest x86-64 gives the host's results bit for bit."""
    dtype = np.dtype("float64")
    x = points(Case(mp.exp, np.exp, -1e9, 1e9), dtype)
    x = x[: len(x) // 4 * 4]

    def apply(e, x):
        return getattr(e, name)(x)

    module, _ = build_module(apply, [dtype], 4, has_fma=False)
    plain = Target("x86-64", "")
    parsed = parse(str(module))
    plain.optimize(parsed)
    executable = link(image_of((plain.emit_object(parsed),), (), ("run",)))
    out = np.empty_like(x)
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    call(executable.address("run"))(x.ctypes.data, out.ctypes.data, len(x))
    assert out.tobytes() == LaneRunner(apply, [dtype], 4, has_fma=False)(x).tobytes()


LONG_DOUBLE = {
    "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log, "log1p": np.log1p,
    "log2": np.log2, "log10": np.log10, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh,
    "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "cbrt": np.cbrt, "rsqrt": lambda x: 1 / np.sqrt(x), "logistic": lambda x: 1 / (1 + np.exp(-x)),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs a wider long double")
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", LONG_DOUBLE)
def test_ulp_over_a_million_points(name: str, dtype: np.dtype) -> None:
    """Against the platform's long double functions, which have 11 more bits than float64."""
    case = CASES[name]
    low, high = max(case.low, case.dense[0]), min(case.high, case.dense[1])
    x = np.random.default_rng(1).uniform(max(low, 1e-3) if low == 0 else low, high, 1 << 20)
    x = x.astype(dtype)
    actual = LaneRunner(lambda e, x: getattr(e, name)(x), [dtype], 4)(x)
    with np.errstate(all="ignore"):
        exact = LONG_DOUBLE[name](x.astype(np.longdouble))
        errors = np.abs(actual - exact) / np.spacing(np.abs(exact.astype(dtype)))
    worst = int(np.nanargmax(errors))
    assert errors[worst] <= 2, f"{errors[worst]:.3f} ulp at {x[worst]!r}"


def test_the_page_tells_of_every_function() -> None:
    """docs/accuracy.md, which `python docs/accuracy.py` writes, keeps within the bounds."""
    page = Path(__file__).parents[2] / "docs" / "accuracy.md"
    table = [line.strip("|").split("|") for line in page.read_text(encoding="utf-8").split("\n")]
    found = {row[0].strip(): [float(cell) for cell in row[1:]] for row in table if len(row) == 6
             and row[1].strip()[0].isdigit()}  # fmt: skip
    bounds = {name: case.ulp for name, case in CASES.items()}
    bounds |= {name: ulp for name, (_, _, _, ulp) in BINARY.items()}
    assert found.keys() == bounds.keys()
    for name, (bound, ours, _, ours_single, _) in found.items():
        assert bound == pytest.approx(bounds[name], abs=1e-3)
        assert max(ours, ours_single) <= bound
