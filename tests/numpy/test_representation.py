"""Exponents, gaps, bits, files and dtypes against NumPy's."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

from .compare import agree, assert_same, run_traced

TINY = np.finfo("f8").smallest_subnormal
FLOATS = np.array(
    [0.0, -0.0, 1.0, -1.5, 3.0, 0.1, 1e300, -1e-300, 5e-324, 2.2e-308, np.inf, -np.inf, np.nan]
)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_frexp_and_spacing(dtype: str) -> None:
    with np.errstate(all="ignore"):
        x = FLOATS.astype(dtype)
    powers = np.ldexp(np.ones(200, dtype), np.arange(-100, 100))
    x = np.concatenate([x, powers, np.nextafter(powers, 0), -np.nextafter(powers, 9e9)])
    x = x.astype(dtype)
    finite = np.isfinite(x)
    agree(jnp.frexp, np.frexp, x[finite])
    assert_same(jnp.frexp(x)[0], np.frexp(x)[0], "mantissa of what is not finite")
    agree(jnp.spacing, np.spacing, x)
    agree(lambda x: np.frexp(x), lambda x: np.frexp(x), x[finite])


def test_ldexp_rounds_once() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=200), FLOATS, [TINY, 3 * TINY]])
    exponents = rng.integers(-1100, 1100, x.size)
    for places in (exponents, exponents * 3, np.full(x.size, -1073), np.full(x.size, 2000)):
        got = jnp.ldexp(x, places)
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(got, np.ldexp(x, places))
    for dtype in ("f4", "i4", "u1"):
        agree(jnp.ldexp, np.ldexp, np.arange(4).astype(dtype), np.array([1, -2, 3, -140]))
    agree(jnp.ldexp, np.ldexp, 1.0, 2.0)
    assert float(jitad.grad(lambda x: jnp.ldexp(x, 5))(3.0)) == 32.0
    slope = jitad.grad(lambda x: jnp.frexp(x)[0])(12.0)
    assert float(slope) == 2.0**-4


def test_bits() -> None:
    flags = np.random.default_rng(0).integers(0, 3, (3, 11))
    data = np.random.default_rng(0).integers(0, 256, (3, 5)).astype("u1")
    for order in ("big", "little"):
        for axis in (None, 0, 1, -1):
            agree(
                lambda x, a=axis, o=order: jnp.packbits(x, a, o),
                lambda x, a=axis, o=order: np.packbits(x, a, o),
                flags,
            )
            for count in (None, 9, 50, -3):
                agree(
                    lambda x, a=axis, o=order, c=count: jnp.unpackbits(x, a, c, o),
                    lambda x, a=axis, o=order, c=count: np.unpackbits(x, a, c, o),
                    data,
                )
    agree(jnp.packbits, np.packbits, np.ones(3))
    agree(jnp.unpackbits, np.unpackbits, np.ones(3, "i4"))


def test_files(tmp_path: Path) -> None:
    x = np.arange(6.0).reshape(2, 3)
    jnp.save(tmp_path / "x.npy", jnp.asarray(x))
    loaded = jnp.load(tmp_path / "x.npy")
    assert isinstance(loaded, jitad.Array)
    assert_same(loaded, x, "load")
    buffer = io.BytesIO()
    jnp.savez(buffer, x, y=x[0])
    buffer.seek(0)
    found = jnp.load(buffer)
    assert_same(found["y"], x[0], "savez")
    assert_same(found["arr_0"], x, "savez")
    x.tofile(tmp_path / "raw")
    assert_same(jnp.fromfile(tmp_path / "raw"), x.ravel(), "fromfile")
    assert_same(jnp.frombuffer(x.tobytes(), "f8", 2, 8), x.ravel()[1:3], "frombuffer")
    assert_same(jnp.fromiter(iter([1, 2]), "i4"), np.array([1, 2], "i4"), "fromiter")
    assert_same(jnp.fromstring("1 2.5", sep=" "), np.array([1, 2.5]), "fromstring")
    assert_same(jnp.from_dlpack(x), x, "from_dlpack")
    with jnp.printoptions(precision=2):
        assert jnp.get_printoptions()["precision"] == 2
        assert jnp.array_str(np.array([1 / 3])) == "[0.33]"
    assert jnp.array_repr(x[0]) == np.array_repr(x[0])
    texts: list[str] = []
    jitad.make_ir(lambda x: texts.append(jnp.array_repr(x)) or x)(x)
    assert "f64[2,3]" in texts[0]


TYPES = ("float32", "float64", "int8", "int32", "int64", "uint8", "uint64", "complex64")


@pytest.mark.parametrize("name", TYPES)
def test_dtypes_are_numpys_and_convert(name: str) -> None:
    ours, theirs = getattr(jnp, name), getattr(np, name)
    assert np.dtype(ours) == np.dtype(theirs)
    assert ours == theirs and theirs == ours and hash(ours) == hash(theirs)
    assert {theirs: 1}[ours] == 1
    assert np.zeros(2, theirs).dtype == ours
    assert jnp.zeros(2, ours).dtype == theirs
    assert isinstance(theirs(1), ours) and not isinstance(1, ours)
    assert np.issubdtype(ours, np.number) and issubclass(theirs, ours)
    assert jnp.issubdtype(theirs, ours)
    assert pickle.loads(pickle.dumps(ours)) is ours
    assert_same(ours(3), np.asarray(3, theirs), name)
    assert_same(run_traced(lambda x: ours(x), np.arange(3)), np.arange(3).astype(theirs), name)
    assert_same(run_traced(lambda x: x.astype(ours), np.arange(3)), np.arange(3).astype(theirs), "")


def test_dtypes_are_distinct() -> None:
    assert jnp.float32 != jnp.float64 and jnp.float32 != np.float64 and jnp.int_ == np.int64
    assert jnp.float32 != "float32"


def check_i0(x: Any) -> None:
    agree(jnp.i0, np.i0, x, rtol=1e-15 * 20)


def test_i0() -> None:
    check_i0(np.linspace(-30, 30, 101))
    check_i0(np.array([8.0, np.nextafter(8, 9), 0.0]))
    check_i0(np.arange(5))
    # I0' = I1, and I0'' = (I0 + I2) / 2; the values are those of DLMF 10.25.2 summed up.
    series = [
        sum((x / 2) ** (2 * k + n) / (_factorial(k) * _factorial(k + n)) for k in range(60))
        for n in (1, 2)
        for x in (2.0, 10.0)
    ]
    for i, x in enumerate((2.0, 10.0)):
        assert abs(float(jitad.grad(jnp.i0)(x)) / series[i] - 1) < 1e-13
        second = (np.i0(x) + series[2 + i]) / 2
        assert abs(float(jitad.grad(jitad.grad(jnp.i0))(x)) / second - 1) < 1e-11
    assert float(jitad.grad(jnp.i0)(0.0)) == 0.0


def _factorial(n: int) -> float:
    return float(np.prod(np.arange(1.0, n + 1)))


def test_large_integers_are_exact_beside_small_ones() -> None:
    """Without the dtype, NumPy has float64 for integers of int64 and uint64."""
    large = 2**63 + 1
    for make in (jnp.array, jnp.asarray):
        assert int(make([large, 1], dtype=jnp.uint64)[0]) == large
        assert make([[1, large]], jnp.uint64).tolist() == [[1, large]]
        with pytest.raises(OverflowError, match="out of bounds for uint8"):
            make([300], jnp.uint8)
