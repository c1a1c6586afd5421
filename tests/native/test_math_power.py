"""Powers: the table of logarithms, the edges of its cells, every width and instruction set."""

from __future__ import annotations

import ctypes
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from jitad_ir.native import math_table
from jitad_ir.native.emitter import Emitter
from jitad_ir.native.lanes import Lanes
from jitad_ir.native.link import image_of, link
from jitad_ir.native.math_kernel import BINARY32, BINARY64, Format
from jitad_ir.native.math_log_table import CELLS, offset, tables
from jitad_ir.native.target import Target, host
from jitad_ir.native.unlocked import parse
from tests.native.lane_runner import LaneRunner, build_module

FORMATS = [BINARY32, BINARY64]
BY_DTYPE = pytest.mark.parametrize("format", FORMATS, ids=["float32", "float64"])


def apply(e: Emitter, x: Lanes, y: Lanes) -> Lanes:
    return e.pow(x, y)


def edges(format: Format) -> np.ndarray:
    """The least and the greatest m of each cell, one row for each."""
    cells = CELLS[format]
    width = (1 << format.mantissa) // len(cells.inverses)
    first = np.arange(len(cells.inverses)) * width + cells.first
    integer = np.uint64 if format is BINARY64 else np.uint32
    return np.stack([first, first + width - 1], 1).astype(integer).view(format.dtype)


def operands(format: Format, seed: int = 0, count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Bases at all edges and everywhere, exponents for powers over the whole range and beyond."""
    rng = np.random.default_rng(seed)
    limit = format.bias + format.mantissa
    near_edges = edges(format).ravel().astype(float)
    base = np.concatenate([
        rng.choice(near_edges, count) * np.exp2(rng.integers(-2, 3, count) // 2),
        np.exp2(rng.uniform(-1, 1, count) * rng.choice([1e-4, 0.02, 0.3, 100.0], count)),
        np.exp2(rng.uniform(-limit, 2 - format.bias, count // 8)),
    ])  # fmt: skip
    x = base.astype(format.dtype)
    x = x[(x > 0) & (x != 1)]
    y = rng.uniform(-1.02, 1.02, len(x)) * limit / np.log2(x.astype(float))
    return x, y.astype(format.dtype)


@BY_DTYPE
def test_digits_suffice_in_every_cell(format: Format) -> None:
    """s = m / (2 c) - 1/2 is a float, and so is the difference that `two_fma` takes."""
    mantissa, found = format.mantissa, tables(format)
    digits = mantissa + 1
    least_c, greatest_c = np.inf, 0.0
    for cell, pair in enumerate(edges(format)):
        half_inverse = Fraction(found.half_inverse.values[cell])
        unit = Fraction(float(np.spacing(pair[0]))) / half_inverse.denominator
        known = Fraction(found.high.values[cell] + offset(format))
        for m in map(Fraction, map(float, pair)):
            s = m * half_inverse - Fraction(1, 2)
            assert abs(s) <= Fraction("0.0171") and abs(s) / unit <= 2**digits
            if half_inverse == Fraction(1, 2):
                assert known == found.low.values[cell] == 0
                least_c, greatest_c = min(least_c, m), max(greatest_c, m)
                continue
            log = format.dtype.type(mpmath.log(mpmath.mpf(m.numerator) / m.denominator, 2))
            assert abs(known - Fraction(float(log))) / Fraction(float(np.spacing(abs(log)))) < (
                2**digits
            )
    assert least_c < 1 < greatest_c


@BY_DTYPE
@pytest.mark.parametrize("has_fma", [True, False], ids=["fma", "no_fma"])
def test_ulp_at_the_edges_of_cells(format: Format, has_fma: bool) -> None:
    x, y = operands(format)
    actual = LaneRunner(apply, [format.dtype] * 2, 8, has_fma)(x, y)
    wide = np.longdouble if format is BINARY64 else np.float64
    if np.finfo(wide).nmant < format.mantissa + 11:
        pytest.skip("needs a wider long double")
    with np.errstate(over="ignore", under="ignore"):
        exact = np.power(x.astype(wide), y.astype(wide))
        rounded = exact.astype(format.dtype)
        finite = np.isfinite(rounded)
        errors = np.abs(actual[finite] - exact[finite]) / np.spacing(rounded[finite])
    assert np.array_equal(np.isfinite(actual), finite)
    assert np.max(errors) <= 1.5


@BY_DTYPE
@pytest.mark.parametrize("has_fma", [True, False], ids=["fma", "no_fma"])
def test_same_bits_at_every_width(
    format: Format, has_fma: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ordinary and rare lanes side by side, with tables in registers and in memory."""
    x, y = operands(format, seed=1, count=500)
    x = np.where(np.arange(len(x)) % 7 == 3, -x, x)
    dtypes = [format.dtype] * 2
    scalar = LaneRunner(apply, dtypes, 1, has_fma)(x, y)
    for width in (2, 4, 8, 16, 32):
        assert LaneRunner(apply, dtypes, width, has_fma)(x, y).tobytes() == scalar.tobytes()
    for bits in [bits for bits in (256, 0) if bits < math_table.permuted_bits()]:
        monkeypatch.setattr(math_table, "permuted_bits", lambda bits=bits: bits)
        assert LaneRunner(apply, dtypes, 16, has_fma)(x, y).tobytes() == scalar.tobytes()


@pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="needs x86-64")
@BY_DTYPE
@pytest.mark.parametrize(("cpu", "has_fma"), [("x86-64", False), ("x86-64-v3", True)])
def test_same_bits_on_older_cpus(
    format: Format, cpu: str, has_fma: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if f"+{'fma' if has_fma else 'sse2'}" not in host().features:
        pytest.skip("the CPU at hand has no fma")
    x, y = operands(format, seed=2, count=500)
    count = len(x) // 8 * 8
    x, y = x[:count], y[:count]
    expected = LaneRunner(apply, [format.dtype] * 2, 1, has_fma)(x, y)
    monkeypatch.setattr(math_table, "permuted_bits", lambda: 256 if has_fma else 0)
    module, _ = build_module(apply, [format.dtype] * 2, 8, has_fma)
    target = Target(cpu, "")
    parsed = parse(str(module))
    target.optimize(parsed)
    executable = link(image_of((target.emit_object(parsed),), (), ("run",)))
    out = np.empty_like(x)
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)
    call(executable.address("run"))(x.ctypes.data, y.ctypes.data, out.ctypes.data, count)
    assert out.tobytes() == expected.tobytes()
