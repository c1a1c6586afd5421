"""The functions of `jitad.numpy` over shapes and dtypes: scalars, vectors, matrices, three axes
that broadcast, arrays of one element and of none, in memory that is not contiguous; axes, keepdims.

Members of a family are one program, so that a shape and dtype costs one compilation. Every name at
one shape is in test_every_name.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from ..wide import Family, check_derivatives, check_values, draw, named

SHAPES = [(), (1,), (5,), (0,), (3, 4), (2, 3, 4), (0, 3), (2, 1, 3)]
FEW_SHAPES = [(), (0,), (1, 1), (2, 1, 3)]
DTYPES = ["float32", "float64", "complex64", "complex128", "int32", "uint8", "bool"]


def _shifted(name: str) -> Callable[..., Any]:
    return lambda np, x: getattr(np, name)(x + 1)


ELEMENTWISE = named(
    "abs acos angle arcsin arcsinh arctan atanh cbrt ceil conj cos cosh deg2rad exp exp2 expm1 "
    "fabs fix floor i0 imag isfinite isinf isnan log log10 log1p log2 logical_not nan_to_num "
    "negative positive rad2deg real rint sign signbit sin sinc sinh sqrt square tan "
    "tanh trunc round iscomplex isreal"
)
ELEMENTWISE["arccosh"] = _shifted("arccosh")
ELEMENTWISE["reciprocal"] = lambda np, x: np.reciprocal(x * x + 1)
REARRANGED = named(
    "atleast_1d atleast_2d atleast_3d copy diagflat ediff1d flip fliplr flipud "
    "matrix_transpose ones_like ravel rot90 squeeze transpose zeros_like diagonal trace "
    "cumsum cumprod nancumsum nancumprod diff sort argmax argmin count_nonzero ptp "
    "median average gradient cov corrcoef vander sort_complex trapezoid diag all any"
)
REARRANGED["tril"] = lambda np, x: np.tril(np.atleast_2d(x), -1)
REARRANGED["triu"] = lambda np, x: np.triu(np.atleast_2d(x), 1)
JUMPS = {*["ones_like", "zeros_like", "sign", "rint", "fix", "floor", "ceil", "trunc", "round"]}
"""Their derivatives are zero."""
SMOOTH_ELEMENTWISE = {k: v for k, v in ELEMENTWISE.items() if k not in JUMPS}
SMOOTH_REARRANGED = {k: v for k, v in REARRANGED.items() if k not in JUMPS}
OF_NONE = ("median", "average", "cov", "corrcoef")
"""Functions that give nan for no elements; of complex ones NumPy's dtype is not complex."""
FOLDS = (
    "sum prod mean var std max min ptp median nansum nanprod nanmean nanvar nanstd nanmax nanmin"
)
AXES = [None, 0, -1, (0, 1), ()]


def _folds(axis: Any) -> Family:
    found = named(FOLDS, axis=axis) | named(FOLDS, axis=axis, keepdims=True)
    if not isinstance(axis, tuple):
        found |= named("cumsum cumprod sort all any", axis=axis)
    if isinstance(axis, int):
        found |= named("flip diff gradient trapezoid cumulative_sum", axis=axis)
        found |= named("argmax argmin count_nonzero", axis=axis, keepdims=True)
    return found


PAIRS = [
    ((), ()),
    ((3,), ()),
    ((1,), (1,)),
    ((0,), (1,)),
    ((2, 3), (3,)),
    ((2, 1, 3), (4, 1)),
    ((0, 3), (3,)),
    ((2,), (3,)),
]
MIXED = [
    ("float32", "float32"),
    ("float64", "float32"),
    ("float32", "int64"),
    ("complex64", "float64"),
    ("int8", "uint8"),
    ("bool", "int32"),
    ("bool", "bool"),
]
BINARY = named(
    "add arctan2 copysign divide divmod equal float_power floor_divide fmax fmin fmod greater "
    "heaviside hypot less_equal logaddexp logaddexp2 logical_and maximum minimum mod multiply "
    "not_equal power subtract array_equal broadcast_arrays isclose outer kron"
)
FLAT_BINARY = ("equal", "greater", "heaviside", "less_equal", "not_equal")
FLAT_BINARY += ("floor_divide", "divmod")
SMOOTH_BINARY = {k: v for k, v in BINARY.items() if k not in FLAT_BINARY}
PRODUCTS = named("dot inner matmul vdot vecdot tensordot kron outer convolve correlate append")
PRODUCTS |= named("matvec vecmat cross polyadd polyval polymul")
PRODUCT_SHAPES = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((2, 3), (3, 2)),
    ((4, 2, 3), (3, 3)),
    ((2, 1, 2, 3), (4, 3, 2)),
    ((0, 3), (3, 2)),
    ((2, 0), (0, 3)),
    ((1,), (1,)),
    ((2, 3), (2, 3)),
    ((3, 3), ()),
]
TRANSFORMS = named("fft ifft rfft irfft hfft ihfft fft2 ifft2 rfft2 fftn irfftn fftshift", "fft.")
TRANSFORMS |= named("fft ifft rfft irfft", "fft.", n=3, norm="ortho")
TRANSFORMS |= named("fft rfft irfft", "fft.", axis=0)
TRANSFORM_SHAPES = [(5,), (6,), (1,), (3, 4), (2, 3, 4), (0, 4)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_values(shape: tuple[int, ...], dtype: str) -> None:
    family = ELEMENTWISE | REARRANGED
    if 0 in shape:
        family = {k: v for k, v in family.items() if k not in OF_NONE}
    check_values(family, draw(shape, dtype))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape: tuple[int, ...]) -> None:
    x = draw(shape, "float64")
    check_derivatives(SMOOTH_ELEMENTWISE, x, second=shape in FEW_SHAPES)
    others = {k: v for k, v in SMOOTH_REARRANGED.items() if 0 not in shape or k not in OF_NONE}
    check_derivatives(others, x, second=shape in FEW_SHAPES)


COMPLEX_FUNCTIONS = {k: v for k, v in SMOOTH_ELEMENTWISE.items() if k != "nan_to_num"}


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)], ids=str)
def test_complex_derivatives(shape: tuple[int, ...]) -> None:
    check_derivatives(COMPLEX_FUNCTIONS, draw(shape, "complex128"), second=bool(shape))


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "complex128", "int32", "bool"])
def test_values_of_folds(axis: Any, dtype: str) -> None:
    shapes: list[tuple[int, ...]] = [(), (4,), (3, 4), (2, 3, 2)]
    for shape in [*shapes, (0, 3)] if axis != () else shapes:
        check_values(_folds(axis), draw(shape, dtype))


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_derivatives_of_folds(axis: Any) -> None:
    for shape in [(4,), (3, 4), (2, 3, 2)]:
        family = {k: v for k, v in _folds(axis).items() if axis != () or "std" not in k}
        check_derivatives(family, draw(shape, "float64"), second=shape == (3, 4))


@pytest.mark.parametrize("dtypes", MIXED, ids="-".join)
def test_values_of_pairs(dtypes: tuple[str, str]) -> None:
    # NumPy has no logaddexp of complex numbers.
    are_real = "complex" not in "".join(dtypes)
    family = {k: v for k, v in BINARY.items() if are_real or "logaddexp" not in k}
    for first, second in PAIRS:
        check_values(family, draw(first, dtypes[0]), draw(second, dtypes[1], 1))


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
def test_derivatives_of_pairs(shapes: tuple[Any, Any]) -> None:
    x, y = draw(shapes[0], "float64"), draw(shapes[1], "float64", 1)
    check_derivatives(SMOOTH_BINARY, x, y, second=shapes[0] in ((3,), (2, 1, 3)))


@pytest.mark.parametrize("shapes", PRODUCT_SHAPES, ids=str)
def test_products(shapes: tuple[Any, Any]) -> None:
    for dtypes in (("float32", "float32"), ("complex64", "float64"), ("int32", "bool")):
        check_values(PRODUCTS, draw(shapes[0], dtypes[0]), draw(shapes[1], dtypes[1], 1))
    x, y = draw(shapes[0], "float64"), draw(shapes[1], "float64", 1)
    check_derivatives(PRODUCTS, x, y, second=True)


@pytest.mark.parametrize("shape", TRANSFORM_SHAPES, ids=str)
def test_transforms(shape: tuple[int, ...]) -> None:
    for dtype in ("float32", "float64", "complex64", "int32"):
        if 0 not in shape or dtype != "complex64":  # two errors at once
            check_values(TRANSFORMS, draw(shape, dtype))
    check_derivatives(TRANSFORMS, draw(shape, "float64"), second=True)


SQUARE = named("det inv slogdet eigvalsh norm pinv matrix_rank svdvals cond matrix_norm", "linalg.")
SQUARE |= {
    "solve": lambda np, x: np.linalg.solve(x, x @ x),
    "cholesky": lambda np, x: np.linalg.cholesky(x @ np.conj(np.matrix_transpose(x))),
    "matrix_power": lambda np, x: np.linalg.matrix_power(x, -2),
    "qr": lambda np, x: np.linalg.qr(x)[0] @ np.linalg.qr(x)[1],
    "trace": lambda np, x: np.linalg.trace(x),
}


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (2, 1, 2, 2), (0, 2, 2), (0, 0)], ids=str)
def test_matrices(shape: tuple[int, ...]) -> None:
    for dtype in ("float32", "float64", "complex128"):
        x = draw(shape, dtype) + 2 * np.eye(shape[-1], dtype=dtype)
        x = x + np.conj(np.swapaxes(x, -1, -2))
        check_values(SQUARE, x)
    if 0 not in shape:
        smooth = {k: v for k, v in SQUARE.items() if k not in ("matrix_rank", "eigvalsh")}
        x = draw(shape, "float64") + 2 * np.eye(shape[-1])
        check_derivatives(smooth, x, second=True)


def test_every_axis_of_three() -> None:
    names = "sum mean max cumsum sort flip var nanmin"
    for axis, shape in itertools.product((0, 1, 2, -2), [(2, 3, 4), (1, 2, 1)]):
        check_derivatives(named(names, axis=axis), draw(shape, "float64"))
