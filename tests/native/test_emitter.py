"""Emitter methods that are exact or rounded once, against NumPy, over edge values of each dtype."""

from __future__ import annotations

import ctypes
import itertools

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad_ir.native.compile import compile_module
from jitad_ir.native.emitter import Emitter
from jitad_ir.native.externals import Externals
from tests.native.lane_runner import LaneRunner, run

INTEGERS = [np.dtype(f"{sign}int{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)]
FLOATS = [np.dtype("float32"), np.dtype("float64")]
COMPLEXES = [np.dtype("complex64"), np.dtype("complex128")]
BOOL = np.dtype("bool")
EVERY = [BOOL, *INTEGERS, *FLOATS, *COMPLEXES]
WIDTHS = [1, 4, 8]


def edge_values(dtype: np.dtype) -> np.ndarray:
    """Values where an op of this dtype may go wrong."""
    if dtype == BOOL:
        return np.array([False, True])
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        values = [info.min, info.min + 1, -7, -2, -1, 0, 1, 2, 3, 5, 100, info.max - 1, info.max]
        return np.array(sorted({v for v in values if info.min <= v <= info.max}), dtype)
    real = np.dtype(f"f{dtype.itemsize // 2}") if dtype.kind == "c" else dtype
    info = np.finfo(real)
    tiny = [info.smallest_subnormal, info.tiny, info.max, np.inf, 0.0]
    plain = [0.5, 1.0, 1.5, 2.5, 3.0, 1e-3, 12345.678, 2.0**info.nmant, 2.0**info.nmant - 0.5]
    positive = np.array([*tiny, *plain], real)
    reals = np.concatenate([positive, -positive, np.array([np.nan], real)])
    if dtype.kind != "c":
        return reals
    few = np.array([0.0, -0.0, 1.5, -2.5, 1e-3, 12345.678, np.inf, np.nan], real)
    return np.array([complex(a, b) for a, b in itertools.product(few, few)], dtype)


def pairs(dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of edge values."""
    values = edge_values(dtype)
    first, second = np.meshgrid(values, values)
    return first.ravel(), second.ravel()


def assert_same(actual: np.ndarray, expected: np.ndarray, signed_zero: bool = True) -> None:
    """Equal values and dtypes, nan equal to nan, and signs of zeros unless told otherwise."""
    expected = np.asarray(expected)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)
    if signed_zero and actual.dtype.kind == "f":
        where = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(actual)[where], np.signbit(expected)[where])


def truncating_divide(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "f":
        return np.divide(x, y)
    quotient = np.floor_divide(x, y)
    return quotient + ((np.remainder(x, y) != 0) & ((x < 0) != (y < 0))).astype(x.dtype)


def out_of_range_shift(function, fill):
    def shift(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        bits = 8 * x.dtype.itemsize
        in_range = (y >= 0) & (y < bits)
        return np.where(in_range, function(x, np.where(in_range, y, 0)), fill(x)).astype(x.dtype)

    return shift


def zeros(x: np.ndarray) -> np.ndarray:
    return np.zeros_like(x)


def logical_right_shift(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    return np.right_shift(x.view(unsigned), y.astype(unsigned)).view(x.dtype)


def leading_zeros(x: np.ndarray) -> np.ndarray:
    bits = 8 * x.dtype.itemsize
    mask = (1 << bits) - 1
    return np.array([bits - (int(v) & mask).bit_length() for v in x], x.dtype)


UNARY = {
    "neg": (np.negative, [*INTEGERS, *FLOATS, *COMPLEXES]),
    "abs": (np.absolute, [*INTEGERS, *FLOATS]),
    "sign": (np.sign, [*INTEGERS, *FLOATS]),
    "floor": (np.floor, [*INTEGERS, *FLOATS]),
    "ceil": (np.ceil, [*INTEGERS, *FLOATS]),
    "trunc": (np.trunc, [*INTEGERS, *FLOATS]),
    "round": (np.round, [*INTEGERS, *FLOATS, *COMPLEXES]),
    "sqrt": (np.sqrt, FLOATS),
    "square": (np.square, [*INTEGERS, *FLOATS]),
    "reciprocal": (lambda x: 1 / x, FLOATS),
    "is_finite": (np.isfinite, EVERY),
    "signbit": (np.signbit, FLOATS),
    "bitwise_not": (np.invert, [BOOL, *INTEGERS]),
    "population_count": (lambda x: np.bitwise_count(x.view(f"u{x.itemsize}")).astype(x.dtype),
                         INTEGERS),
    "clz": (leading_zeros, INTEGERS),
    "real": (np.real, EVERY),
    "imag": (np.imag, EVERY),
    "conj": (lambda x: np.conjugate(x).astype(x.dtype), [*INTEGERS, *FLOATS, *COMPLEXES]),
}  # fmt: skip

BINARY = {
    "add": (np.add, EVERY),
    "sub": (np.subtract, [*INTEGERS, *FLOATS, *COMPLEXES]),
    "mul": (np.multiply, [BOOL, *INTEGERS, *FLOATS]),
    "div": (truncating_divide, [*INTEGERS, *FLOATS]),
    "rem": (np.fmod, [*INTEGERS]),
    "max": (np.maximum, EVERY),
    "min": (np.minimum, EVERY),
    "copysign": (np.copysign, FLOATS),
    "eq": (np.equal, EVERY),
    "ne": (np.not_equal, EVERY),
    "lt": (np.less, EVERY),
    "le": (np.less_equal, EVERY),
    "gt": (np.greater, EVERY),
    "ge": (np.greater_equal, EVERY),
    "bitwise_and": (np.bitwise_and, [BOOL, *INTEGERS]),
    "bitwise_or": (np.bitwise_or, [BOOL, *INTEGERS]),
    "bitwise_xor": (np.bitwise_xor, [BOOL, *INTEGERS]),
    "shift_left": (out_of_range_shift(np.left_shift, zeros), INTEGERS),
    "shift_right_logical": (out_of_range_shift(logical_right_shift, zeros), INTEGERS),
    "shift_right_arithmetic": (
        out_of_range_shift(np.right_shift, lambda x: np.where(x < 0, -1, 0).astype(x.dtype)),
        INTEGERS,
    ),
}


def cases(table: dict) -> list:
    return [
        pytest.param(name, reference, dtype, id=f"{name}-{dtype}")
        for name, (reference, dtypes) in table.items()
        for dtype in dtypes
    ]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("name", "reference", "dtype"), cases(UNARY))
def test_unary(name: str, reference, dtype: np.dtype, width: int) -> None:
    x = edge_values(dtype)
    with np.errstate(all="ignore"):
        expected = reference(x)
    assert_same(run(lambda e, x: getattr(e, name)(x), x, width=width), expected)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize(("name", "reference", "dtype"), cases(BINARY))
def test_binary(name: str, reference, dtype: np.dtype, width: int) -> None:
    x, y = pairs(dtype)
    with np.errstate(all="ignore"):
        expected = reference(x, y)
    actual = run(lambda e, x, y: getattr(e, name)(x, y), x, y, width=width)
    # NumPy does not say which of 0.0 and -0.0 is the greater.
    assert_same(actual, expected, signed_zero=name not in ("max", "min"))


@pytest.mark.parametrize("dtype", COMPLEXES, ids=str)
@pytest.mark.parametrize("name", ["mul", "div"])
@pytest.mark.parametrize("width", [1, 4])
def test_complex_product_and_quotient(name: str, dtype: np.dtype, width: int) -> None:
    rng = np.random.default_rng(0)
    parts = rng.normal(size=(4, 500)) * np.exp(rng.normal(size=(4, 500)) * 8)
    x, y = (parts[0] + 1j * parts[1]).astype(dtype), (parts[2] + 1j * parts[3]).astype(dtype)
    zero = np.zeros(3, dtype)
    x = np.concatenate([x, np.array([1, -2j, 0], dtype), zero])
    y = np.concatenate([y, zero, np.array([1, 2j, np.inf], dtype)])
    with np.errstate(all="ignore"):
        expected = getattr(np, {"mul": "multiply", "div": "divide"}[name])(x, y)
    actual = run(lambda e, x, y: getattr(e, name)(x, y), x, y, width=width)
    np.testing.assert_allclose(actual, expected, rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("target", EVERY, ids=str)
@pytest.mark.parametrize("source", EVERY, ids=str)
def test_convert(source: np.dtype, target: np.dtype, width: int) -> None:
    x = edge_values(source)
    with np.errstate(all="ignore"):
        if source.kind in "fc" and target.kind in "iu":
            # Out of range, NumPy's answer is the platform's; ours is the nearest integer, nan: 0.
            info = np.iinfo(target)
            expected = np.array(
                [
                    0 if np.isnan(v) else info.max if v >= info.max else info.min
                    if v <= info.min else int(v)
                    for v in x.real.astype(object)
                ],
                target,
            )  # fmt: skip
        elif source.kind == "c" and target.kind != "c" and target != BOOL:
            expected = x.real.astype(target)
        else:
            expected = x.astype(target)
    assert_same(run(lambda e, x: e.convert(x, target), x, width=width), expected)


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("dtype", EVERY, ids=str)
def test_select_clamp_constant(dtype: np.dtype, width: int) -> None:
    x, y = pairs(dtype)
    pred = np.arange(len(x)) % 3 == 0
    assert_same(
        run(lambda e, p, x, y: e.select(p, x, y), pred, x, y, width=width), np.where(pred, x, y)
    )
    for value in edge_values(dtype):
        constant = run(lambda e, x, v=value: e.constant(dtype, v), x[:3], width=width)
        assert_same(constant, np.full(3, value, dtype))
    if dtype.kind in "if":
        low, high = dtype.type(-2), dtype.type(3)
        clamped = run(
            lambda e, x: e.clamp(e.constant(dtype, low), x, e.constant(dtype, high)),
            x, width=width,
        )  # fmt: skip
        assert_same(clamped, np.clip(x, low, high))


@pytest.mark.parametrize("width", [1, 4])
@pytest.mark.parametrize("exponent", [-3, -1, 0, 1, 2, 3, 7, 10])
@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, *COMPLEXES], ids=str)
def test_integer_pow(dtype: np.dtype, exponent: int, width: int) -> None:
    x = edge_values(dtype)
    if dtype.kind == "c":
        x = x[(np.abs(x) < 100) & (x != 0)]
    if exponent < 0 and dtype.kind in "iu":
        with pytest.raises(TypeError, match="negative exponent"):
            run(lambda e, x: e.integer_pow(x, exponent), x, width=width)
        return
    with np.errstate(all="ignore"):
        expected = (
            np.prod(np.stack([x] * abs(exponent)), axis=0, dtype=dtype)
            if exponent
            else (np.ones_like(x))
        )
        if exponent < 0:
            expected = (1 / expected).astype(dtype)
    actual = run(lambda e, x: e.integer_pow(x, exponent), x, width=width)
    if dtype.kind in "iu":
        assert_same(actual, expected)
    else:
        np.testing.assert_allclose(
            actual, expected, rtol=32 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny
        )


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("f4", "i4"),
        ("u4", "f4"),
        ("f8", "u8"),
        ("i8", "f8"),
        ("i1", "u1"),
        ("?", "u1"),
        ("i2", "u2"),
    ],
)
def test_bitcast(source: str, target: str) -> None:
    x = edge_values(np.dtype(source))
    actual = run(lambda e, x: e.bitcast(x, np.dtype(target)), x, width=4)
    assert actual.tobytes() == x.tobytes()


def test_bitcast_rejects_other_sizes() -> None:
    with pytest.raises(TypeError, match="one size; got f64 and i32"):
        run(lambda e, x: e.bitcast(x, np.dtype("i4")), np.zeros(4), width=4)


REDUCTIONS = {
    "reduce_sum": (np.add, EVERY),
    "reduce_prod": (np.multiply, EVERY),
    "reduce_max": (np.maximum, EVERY),
    "reduce_min": (np.minimum, EVERY),
    "reduce_and": (np.bitwise_and, [BOOL, *INTEGERS]),
    "reduce_or": (np.bitwise_or, [BOOL, *INTEGERS]),
}


@pytest.mark.parametrize(("name", "reference", "dtype"), cases(REDUCTIONS))
@pytest.mark.parametrize("width", [1, 2, 8])
def test_reductions(name: str, reference, dtype: np.dtype, width: int) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 5, (20, width)).astype(dtype)
    if dtype.kind == "f":
        x[3, width // 2] = np.nan
    actual = run(lambda e, x: e.splat(getattr(e, name)(x)), x.ravel(), width=width).reshape(
        20, width
    )[:, 0]
    assert_same(actual, reference.reduce(x, axis=1, dtype=dtype))


@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("width", [1, 4])
def test_extract_and_insert(dtype: np.dtype, width: int) -> None:
    x = np.resize(edge_values(dtype), 8)
    last = width - 1

    def swap_ends(e: Emitter, x):
        first_element, last_element = e.extract(x, 0), e.extract(x, last)
        return e.insert(e.insert(x, last_element, 0), first_element, last)

    expected = x.reshape(-1, width).copy()
    expected[:, [0, last]] = expected[:, [last, 0]]
    assert_same(run(swap_ends, x, width=width), expected.ravel())


@pytest.mark.parametrize("stride", [-1, 0, 2, 3])
@pytest.mark.parametrize("dtype", EVERY, ids=str)
@pytest.mark.parametrize("dynamic", [False, True], ids=["constant", "dynamic"])
def test_strided_load_and_store(dtype: np.dtype, stride: int, dynamic: bool) -> None:
    i64 = ll.IntType(64)
    buffer = np.resize(edge_values(dtype), 16)
    out = np.zeros(16, dtype)
    module = ll.Module()
    pointer = ll.PointerType()
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), [pointer, pointer, i64]), "copy")
    builder = ll.IRBuilder(function.append_basic_block())
    emitter = Emitter(builder, 4)
    lane_stride = function.args[2] if dynamic else stride
    lanes = emitter.load(function.args[0], dtype, lane_stride)
    emitter.store(function.args[1], lanes, 2)
    builder.ret_void()
    executable = compile_module(module, Externals(module), exports=["copy"])
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    start = 3 if stride < 0 else 0
    call(executable.address("copy"))(buffer[start:].ctypes.data, out.ctypes.data, stride)
    expected = np.zeros(16, dtype)
    expected[0:8:2] = buffer[[start + stride * lane for lane in range(4)]]
    assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", [*INTEGERS, *FLOATS, *COMPLEXES], ids=str)
@pytest.mark.parametrize("width", [1, 8])
def test_iota(dtype: np.dtype, width: int) -> None:
    start = np.repeat(np.array([0, 5, 120, -3, 2**24 + 1], "i8"), width)
    actual = run(lambda e, s: e.iota(e.extract(s, 0).value, dtype), start, width=width)
    numbers = start + np.tile(np.arange(width), 5)
    assert_same(actual, numbers.astype(dtype))


@pytest.mark.parametrize("bound", [0.0, -np.inf, np.inf, 1.5, np.nan])
@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_extremum_of_a_constant(dtype: np.dtype, name: str, bound: float) -> None:
    x = np.array([np.nan, -np.inf, np.inf, -1, 0.0, -0.0, 1.5, 2.0], dtype)
    for width in (1, 4):
        first = run(lambda e, x: getattr(e, name)(x, e.constant(dtype, bound)), x, width=width)
        second = run(lambda e, x: getattr(e, name)(e.constant(dtype, bound), x), x, width=width)
        expected = getattr(np, f"{name}imum")(x, dtype.type(bound))
        np.testing.assert_array_equal(first, expected)
        np.testing.assert_array_equal(second, expected)


@pytest.mark.parametrize("has_fma", [True, False])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_fma(dtype: np.dtype, has_fma: bool) -> None:
    rng = np.random.default_rng(5)
    x, y, z = rng.normal(size=(3, 100)).astype(dtype)
    actual = run(lambda e, x, y, z: e.fma(x, y, z), x, y, z, width=4, has_fma=has_fma)
    np.testing.assert_allclose(actual, x * y + z, rtol=1e-6 if dtype == "f4" else 1e-14,
                               atol=np.finfo(dtype).eps)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("sqrt", "i4"), ("exp", "i8"), ("neg", "?"), ("sub", "?"), ("floor", "c16"), ("clz", "f8"),
     ("signbit", "i4"), ("bitwise_and", "f4"), ("rem", "c8"), ("shift_left", "f8")],
)  # fmt: skip
def test_undefined_ops_say_so(name: str, dtype: str) -> None:
    dtype = np.dtype(dtype)
    arity = 2 if name in ("sub", "bitwise_and", "rem", "shift_left") else 1
    with pytest.raises(TypeError, match=f"{name}: expected .* operands; got"):
        LaneRunner(lambda e, *xs: getattr(e, name)(*xs), [dtype] * arity, 4)


def test_width_must_be_a_power_of_two() -> None:
    with pytest.raises(ValueError, match="power of two; got 3"):
        run(lambda e, x: x, np.zeros(3), width=3)
