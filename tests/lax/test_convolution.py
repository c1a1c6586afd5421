"""Convolutions: values against loops over the definition, derivatives, batches, sizes at which
native code changes its ways, errors; and the same numbers as JAX."""

from __future__ import annotations

import importlib.util
import itertools
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.ops import convolution_plan
from jitad_ir.ops.convolution_plan import plan_convolution
from jitad_ir.types import ArrayType

LAST = ("NHWC", "HWIO", "NHWC")


class Problem(NamedTuple):
    """Operands and the other arguments of `conv_general_dilated`."""

    x: np.ndarray
    w: np.ndarray
    strides: tuple[int, ...]
    padding: list[tuple[int, int]]
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    numbers: tuple[str, str, str]
    feature_groups: int
    batch_groups: int

    def convolve(self, lib: Any, x: Any, w: Any) -> Any:
        return lib.conv_general_dilated(
            x,
            w,
            self.strides,
            self.padding,
            self.lhs_dilation,
            self.rhs_dilation,
            self.numbers,
            self.feature_groups,
            self.batch_groups,
        )


def draw(seed: int) -> Problem:
    """A small problem with every attribute at random."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(0, 4))
    feature_groups = int(rng.choice([1, 1, 2, 3]))
    batch_groups = int(rng.choice([1, 2])) if feature_groups == 1 else 1
    letters = "HWD"[:rank]

    def ints(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high, rank))

    sizes = dict(zip(letters, ints(1, 6), strict=True))
    window = dict(zip(letters, ints(1, 4), strict=True))
    sizes |= {"N": int(rng.integers(1, 3)) * batch_groups, "C": 2 * feature_groups}
    window |= {"O": int(rng.integers(1, 3)) * feature_groups * batch_groups, "I": 2}
    one = rng.permutation([*"NC", *letters])
    two = rng.permutation([*"OI", *letters])
    three = rng.permutation([*"NC", *letters])
    spatial = [c for c in two if c in letters]
    return Problem(
        rng.normal(size=[sizes[c] for c in one]),
        rng.normal(size=[window[c] for c in two]),
        ints(1, 4),
        [(int(rng.integers(0, 3)), int(rng.integers(-1, 3))) for _ in spatial],
        ints(1, 3),
        ints(1, 3),
        ("".join(one), "".join(two), "".join(three)),
        feature_groups,
        batch_groups,
    )


PROBLEMS = [draw(seed) for seed in range(24)]


def by_definition(p: Problem) -> np.ndarray:
    """Loops over the result, the window and the features."""
    lhs, rhs, out = lax.conv_general_permutations(p.numbers)
    x, w = np.transpose(p.x, lhs), np.transpose(p.w, rhs)
    lengths = [(n - 1) * d + 1 for n, d in zip(x.shape[2:], p.lhs_dilation, strict=True)]
    dilated = np.zeros((*x.shape[:2], *lengths))
    dilated[(..., *[slice(None, None, d) for d in p.lhs_dilation])] = x
    padded = np.pad(dilated, [(0, 0), (0, 0), *[(max(a, 0), max(b, 0)) for a, b in p.padding]])
    cut = [
        slice(max(-a, 0), n - max(-b, 0))
        for (a, b), n in zip(p.padding, padded.shape[2:], strict=True)
    ]
    padded = padded[(..., *cut)]
    spans = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], p.rhs_dilation, strict=True)]
    places = [
        max((n - k) // s + 1, 0) for n, k, s in zip(padded.shape[2:], spans, p.strides, strict=True)
    ]
    batch, made = x.shape[0] // p.batch_groups, w.shape[0]
    result = np.zeros((batch, made, *places))
    for b, o in itertools.product(range(batch), range(made)):
        group = o // (made // (p.feature_groups * p.batch_groups))
        row = b + batch * group if p.batch_groups > 1 else b
        first = group * w.shape[1] if p.feature_groups > 1 else 0
        for place in itertools.product(*map(range, places)):
            for k in itertools.product(*map(range, w.shape[2:])):
                at = [
                    s * i + d * j
                    for s, i, d, j in zip(p.strides, place, p.rhs_dilation, k, strict=True)
                ]
                for i in range(w.shape[1]):
                    result[(b, o, *place)] += padded[(row, first + i, *at)] * w[(o, i, *k)]
    return np.transpose(result, np.argsort(out))


@pytest.mark.parametrize("p", PROBLEMS)
def test_values_are_those_of_the_definition(p: Problem) -> None:
    expected = by_definition(p)
    for convolve in (
        p.convolve,
        lambda lib, x, w: jitad.jit(lambda x, w: p.convolve(lib, x, w))(x, w),
    ):
        got = convolve(lax, p.x, p.w)
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("p", [p for p in PROBLEMS if max(p.lhs_dilation, default=1) > 1][:8])
def test_phases_see_all_that_is_not_zero(p: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small problems too, which else are summed over the dilated x."""
    monkeypatch.setattr(convolution_plan, "DIVIDED", 0.0)
    plan_convolution.cache_clear()
    try:
        # Another program than the one above, which is in the cache of compiled ones.
        got = jitad.jit(lambda x, w: 1.5 * p.convolve(lax, x, w))(p.x, p.w)
    finally:
        plan_convolution.cache_clear()
    np.testing.assert_allclose(got, 1.5 * by_definition(p), rtol=1e-12, atol=1e-12)


def nonlinear(p: Problem) -> Any:
    """A scalar function of both operands with derivatives of every order."""

    def f(x: Any, w: Any) -> Any:
        out = p.convolve(lax, jnp.sin(x), w)
        return jnp.sum(jnp.sin(out) * jnp.cos(jnp.arange(out.size)).reshape(out.shape))

    return f


@pytest.mark.parametrize("p", PROBLEMS[::3])
def test_first_and_second_derivatives(p: Problem) -> None:
    """Gradients against complex steps; products with the Hessian against differences of those."""
    f = nonlinear(p)
    rng = np.random.default_rng(1)
    dx, dw = rng.normal(size=p.x.shape), rng.normal(size=p.w.shape)
    step = 1e-30
    along = np.imag(f(p.x + step * 1j * dx, p.w + step * 1j * dw)) / step
    gradient = jitad.jit(jitad.grad(f, (0, 1)))
    gx, gw = gradient(p.x, p.w)
    np.testing.assert_allclose(np.sum(gx * dx) + np.sum(gw * dw), along, rtol=1e-10, atol=1e-12)
    _, curved = jitad.jit(lambda *at: jitad.jvp(jitad.grad(f, (0, 1)), at, (dx, dw)))(p.x, p.w)
    h = 1e-5
    high, low = gradient(p.x + h * dx, p.w + h * dw), gradient(p.x - h * dx, p.w - h * dw)
    for got, a, b in zip(curved, high, low, strict=True):
        np.testing.assert_allclose(got, (a - b) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), (1, 2)])
@pytest.mark.parametrize("p", PROBLEMS[::5])
def test_vmap_is_a_loop(p: Problem, axes: tuple[int | None, int | None]) -> None:
    rng = np.random.default_rng(2)
    stacks, lanes = [], 3
    for operand, axis in zip((p.x, p.w), axes, strict=True):
        many = rng.normal(size=(lanes, *operand.shape))
        stacks.append(operand if axis is None else np.moveaxis(many, 0, axis))

    def f(x: Any, w: Any) -> Any:
        return p.convolve(lax, x, w)

    got = jitad.jit(jitad.vmap(f, axes))(*stacks)
    for lane in range(lanes):
        one = [
            s if axis is None else np.take(s, lane, axis)
            for s, axis in zip(stacks, axes, strict=True)
        ]
        np.testing.assert_allclose(got[lane], f(*one), rtol=1e-12, atol=1e-12)


def test_gradients_of_each_example() -> None:
    """Both operands batched: groups."""
    p = PROBLEMS[0]
    f = nonlinear(p)
    xs = np.random.default_rng(3).normal(size=(4, *p.x.shape))
    got = jitad.jit(jitad.vmap(jitad.grad(f, 1), (0, None)))(xs, p.w)
    for x, one in zip(xs, got, strict=True):
        np.testing.assert_allclose(one, jitad.grad(f, 1)(x, p.w), rtol=1e-10, atol=1e-12)


# Sizes at which native code copies, cuts sums into blocks, and shares work out.

LARGE = {
    "last": ((4, 30, 29, 37), (3, 3, 37, 75), {"dimension_numbers": LAST}),
    "first": ((2, 19, 40, 41), (21, 19, 3, 3), {}),
    "one feature": ((8, 28, 28, 1), (3, 3, 1, 32), {"dimension_numbers": LAST}),
    "depthwise": (
        (3, 30, 30, 45),
        (3, 3, 1, 45),
        {"dimension_numbers": LAST, "feature_group_count": 45},
    ),
    "long": ((1, 1, 9000), (1, 1, 63), {}),
    "pointwise": ((2, 20, 20, 90), (1, 1, 90, 70), {"dimension_numbers": LAST}),
    "groups": ((2, 24, 30, 30), (40, 6, 3, 3), {"feature_group_count": 4}),
    "strided": ((2, 40, 40, 33), (3, 3, 33, 18), {"dimension_numbers": LAST, "stride": 2}),
    "phases": (
        (2, 20, 20, 32),
        (3, 3, 32, 48),
        {"dimension_numbers": LAST, "lhs_dilation": (2, 3), "padding": [(3, 1), (0, 4)]},
    ),
    "phases that see nothing": (
        (2, 19, 20, 33),
        (2, 3, 33, 40),
        {
            "dimension_numbers": LAST,
            "lhs_dilation": (3, 4),
            "rhs_dilation": (1, 2),
            "padding": [(3, 1), (-2, 4)],
        },
    ),
    "no places": ((600, 300), (500, 300), {}),
    "turned": ((3, 100, 13, 14), (90, 100, 3, 3), {}),
    "wide": ((2, 60, 60, 66), (5, 5, 66, 48), {"dimension_numbers": LAST}),
}


def large(name: str) -> tuple[Any, np.ndarray, np.ndarray]:
    """A function of x and w, and operands in float32."""
    x_shape, w_shape, params = LARGE[name]
    rng = np.random.default_rng(4)
    x, w = (rng.normal(size=s).astype(np.float32) for s in (x_shape, w_shape))
    params = dict(params)
    strides = (params.pop("stride", 1),) * (x.ndim - 2)
    padding = params.pop("padding", "SAME")

    def f(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, strides, padding, **params)

    return f, x, w


@pytest.mark.parametrize("name", LARGE)
def test_native_code_is_right_for_large_operands(name: str) -> None:
    """Against the interpreter in double precision; forwards and backwards."""
    f, x, w = large(name)
    expected = np.asarray(f(x.astype(float), w.astype(float)))
    tolerance = 2e-5 * np.abs(expected).max()
    np.testing.assert_allclose(jitad.jit(f)(x, w), expected, rtol=0, atol=tolerance)
    ct = np.random.default_rng(5).normal(size=expected.shape).astype(np.float32)

    def pulled(x: Any, w: Any, ct: Any) -> Any:
        return jitad.vjp(f, x, w)[1](ct)

    wide = pulled(x.astype(float), w.astype(float), ct.astype(float))
    for got, exact in zip(jitad.jit(pulled)(x, w, ct), wide, strict=True):
        np.testing.assert_allclose(got, exact, rtol=0, atol=2e-5 * np.abs(exact).max())


@pytest.mark.parametrize("name", ["last", "wide", "long", "turned"])
def test_threads_do_not_change_a_bit(name: str) -> None:
    f, x, w = large(name)

    def both(x: Any, w: Any) -> Any:
        out, pull = jitad.vjp(f, x, w)
        return out, pull(out)

    before = jitad.config.threads
    results = []
    for threads in (1, 2, 3):
        jitad.config.update("threads", threads)
        try:
            results.append(jitad.tree.leaves(jitad.jit(both)(x, w)))
        finally:
            jitad.config.update("threads", before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def planned(x: tuple[int, ...], w: tuple[int, ...], **changed: Any) -> Any:
    """The plan of a two-dimensional convolution with features last, in float32."""
    last = (0, 3, 1, 2)
    params: dict[str, Any] = {
        "specs": (last, (3, 2, 0, 1), last),
        "strides": (1, 1),
        "padding": ((1, 1), (1, 1)),
        "lhs_dilation": (1, 1),
        "rhs_dilation": (1, 1),
        "feature_groups": 1,
        "batch_groups": 1,
    }
    f32 = np.dtype("float32")
    return plan_convolution(ArrayType(f32, x), ArrayType(f32, w), **(params | changed))


def test_plans_take_every_way() -> None:
    """So that the tests of large operands reach each of them."""
    wide = planned((2, 60, 60, 66), (5, 5, 66, 48), padding=((2, 2), (2, 2)))
    assert wide.x is not None and wide.panels and wide.parts[0].nest.blocks
    near = planned((4, 30, 29, 37), (3, 3, 37, 75))
    (part,) = near.parts
    assert part.nest.lane.length % part.nest.width and near.panels
    first = (0, 1, 2, 3)
    turned = planned((3, 100, 13, 14), (90, 100, 3, 3), specs=(first, first, first))
    assert turned.out is not None and turned.panels and turned.parts[0].nest.blocks
    plain = planned((2, 20, 20, 90), (1, 1, 90, 70), padding=((0, 0), (0, 0)))
    assert plain.x is None
    assert planned((0, 5, 5, 2), (3, 3, 2, 2)) is None
    phases = planned((2, 20, 20, 32), (3, 3, 32, 48), lhs_dilation=(2, 3))
    assert len(phases.parts) == 6 and not phases.cleared
    empty = planned((2, 30, 30, 32), (2, 2, 32, 48), lhs_dilation=(3, 3))
    assert len(empty.parts) == 4 and empty.cleared
    small = planned((1, 4, 4, 2), (3, 3, 2, 2), lhs_dilation=(2, 2))
    assert len(small.parts) == 1 and small.x.base == (1, 2, 2, 1)


# Names and shapes.


@pytest.mark.parametrize("kernel", ["HWIO", "OIHW", "IHWO"])
@pytest.mark.parametrize(("stride", "dtype"), [(1, "f4"), (2, "f8"), (3, "c16")])
def test_gradient_of_a_window_of_one_place_is_a_product(
    kernel: str, stride: int, dtype: str
) -> None:
    rng = np.random.default_rng(0)
    side = 24 * stride - stride // 2
    x = rng.normal(size=(2, side, side, 24)).astype(dtype)
    ct = rng.normal(size=(2, 24, 24, 64)).astype(dtype)
    shape = tuple([{"O": 64, "I": 24}.get(letter, 1) for letter in kernel])
    w = rng.normal(size=shape).astype(dtype)

    def gradient(x: Any, w: Any, ct: Any) -> Any:
        def convolve(w: Any) -> Any:
            numbers = ("NHWC", kernel, "NHWC")
            return lax.conv_general_dilated(
                x, w, (stride, stride), "VALID", dimension_numbers=numbers
            )

        return jitad.vjp(convolve, w)[1](ct)[0]

    expected = np.einsum("bhwi,bhwo->io", x[:, ::stride, ::stride], ct)
    expected = (expected.T if kernel[0] == "O" else expected).reshape(shape)
    for found in (gradient(x, w, ct), jitad.jit(gradient)(x, w, ct)):
        np.testing.assert_allclose(found, expected, 0, 1e-3 if dtype == "f4" else 1e-10)
    assert " dot(" in str(jitad.make_ir(gradient)(x, w, ct))


def test_transposed_convolution_is_the_gradient() -> None:
    rng = np.random.default_rng(6)
    w = rng.normal(size=(3, 3, 2, 4))
    x, ct = rng.normal(size=(1, 8, 8, 2)), rng.normal(size=(1, 4, 4, 4))

    def f(x: Any) -> Any:
        return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=LAST)

    (expected,) = jitad.vjp(f, x)[1](ct)
    got = lax.conv_transpose(ct, w, (2, 2), "SAME", transpose_kernel=True)
    assert got.shape == lax.conv_transpose_shape_tuple(ct.shape, (3, 3, 4, 2), (2, 2), "SAME", LAST)
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_local_convolution_with_one_kernel_is_a_convolution() -> None:
    rng = np.random.default_rng(7)
    x, w = rng.normal(size=(2, 3, 6, 5)), rng.normal(size=(4, 3, 2, 3))
    expected = lax.conv(x, w, (1, 1), "VALID")
    spread = np.broadcast_to(w.reshape(4, 18, 1, 1), (4, 18, 5, 3))
    got = lax.conv_general_dilated_local(x, spread, (1, 1), "VALID", (2, 3))
    np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


def test_preferred_element_type_is_that_of_the_sums() -> None:
    x = np.full((1, 1, 4), 100, np.int8)
    got = lax.conv(x, x, (1,), "VALID", preferred_element_type=np.int32)
    assert got.dtype == np.int32 and int(got[0, 0, 0]) == 40_000


X, W = np.ones((2, 4, 8, 8)), np.ones((6, 4, 3, 3))
WRONG: list[tuple[type[Exception], str, Any]] = [
    (TypeError, "lhs and rhs ndim to be equal", lambda: lax.conv(X, W[0], (1, 1), "SAME")),
    (RuntimeError, "expected 'VALID', 'SAME'", lambda: lax.conv(X, W, (1, 1), "FULL")),
    (ValueError, r"4 // 1 != 3", lambda: lax.conv(X, W[:, :3], (1, 1), "SAME")),
    (
        ValueError,
        "3 does not divide 4",
        lambda: lax.conv_general_dilated(X, W, (1, 1), "SAME", feature_group_count=3),
    ),
    (
        ValueError,
        "At most one of",
        lambda: lax.conv_general_dilated(
            X, W[:, :2], (1, 1), "SAME", feature_group_count=2, batch_group_count=2
        ),
    ),
    (ValueError, "same number of dimensions", lambda: lax.conv(X, W, (1,), "SAME")),
    (
        ValueError,
        "String padding is not implemented",
        lambda: lax.conv_general_dilated(X, W, (1, 1), "SAME", lhs_dilation=(2, 1)),
    ),
    (
        ValueError,
        "Negative padding is larger",
        lambda: lax.conv_general_dilated(X, W, (1, 1), [(-5, -4), (0, 0)]),
    ),
    (
        TypeError,
        "Wrong number of explicit pads",
        lambda: lax.conv_general_dilated(X, W, (1, 1), [(0, 0)]),
    ),
    (
        ValueError,
        r"sequence of \(low, high\) pairs",
        lambda: lax.conv_general_dilated(X, W, (1, 1), [1, 2]),
    ),
    (
        TypeError,
        "same set of spatial characters",
        lambda: lax.conv_general_permutations(("NHWC", "HDIO", "NHWC")),
    ),
    (
        TypeError,
        "a batch axis, a feature axis",
        lambda: lax.conv(X[0, 0, 0], X[0, 0, 0], (), "SAME"),
    ),
    (
        TypeError,
        "expected 2 numbers for rhs_dilation",
        lambda: lax.conv_general_dilated(X, W, (1, 1), "SAME", rhs_dilation=(2,)),
    ),
]


@pytest.mark.parametrize("error, words, call", WRONG)
def test_bad_input_is_told(error: type[Exception], words: str, call: Any) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "test_convolution.py" in str(caught.value), "the user's line"


@pytest.mark.slow
def test_jax_agrees() -> None:
    """Values and cotangents of every problem."""
    if importlib.util.find_spec("jax") is None:
        pytest.skip("jax is not installed: `pip install jitad[peers]`")
    questions = []
    for p in PROBLEMS:
        out = p.convolve(lax, p.x, p.w)
        questions.append((tuple(p), np.cos(np.arange(out.size)).reshape(out.shape)))
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("jax_convolutions.py"))],
        input=pickle.dumps(questions),
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    for p, (_, ct), answer in zip(PROBLEMS, questions, pickle.loads(run.stdout), strict=True):
        out, pull = jitad.vjp(lambda x, w, p=p: p.convolve(lax, x, w), p.x, p.w)
        for got, expected in zip((out, *pull(ct)), answer, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10, err_msg=str(p[2:]))


def test_dtypes_are_promoted() -> None:
    x, w = X.astype("f4"), W.astype("f8")
    got = lax.conv(x, w, (1, 1), "SAME")
    np.testing.assert_allclose(got, lax.conv(x.astype("f8"), w, (1, 1), "SAME"), rtol=1e-14)
    gradient = jitad.grad(lambda x: lax.conv(x, w, (1, 1), "SAME").sum())(x)
    assert got.dtype == np.float64 and gradient.dtype == np.float32
