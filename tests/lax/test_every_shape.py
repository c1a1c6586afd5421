"""The functions of `jitad.lax` over shapes and dtypes: arrays of one element and of none, of one
axis and of three that broadcast, in memory that is not contiguous; every dtype, accepted or not.
"""

from __future__ import annotations

import math
from typing import Any

import pytest

from jitad import lax

from ..wide import Family, Namespaces, call, check_derivatives, check_values, draw, named
from . import reference

OF = Namespaces(reference.lax, lax)
SHAPES = [(), (1,), (0, 3), (5,), (2, 1, 3)]
OTHERS = ["float16", "float32", "complex64", "complex128", "int8", "int32", "uint8", "bool"]
PLACES = [("float64", shape) for shape in SHAPES]
PLACES += [(dtype, (2, 1, 3)) for dtype in OTHERS]
PLACES += [("complex64", (0, 3)), ("int8", (0, 3))]

SMOOTH = named(
    "abs asin asinh atan atanh bessel_i0e bessel_i1e cbrt conj cos cosh digamma erf erf_inv erfc"
    " exp exp2 expm1 imag lgamma log log1p logistic neg real reciprocal rsqrt sin sinh sqrt square"
    " tan tanh"
)
SMOOTH |= {
    "acosh": lambda lax, x: lax.acosh(lax.add(x, lax.full_like(x, 1))),
    "acos": lambda lax, x: lax.neg(lax.acos(x)),
    **{f"integer_pow {y}": lambda lax, x, y=y: lax.integer_pow(x, y) for y in (0, 1, 3, -1, -2)},
}
FLAT = named("ceil floor round is_finite sign bitwise_not population_count clz")
FLAT |= {
    f"to {d}": lambda lax, x, d=d: lax.convert_element_type(x, d)
    for d in ("bool", "uint8", "int32", "float32", "complex128")
}
WIDENED = ("conj", *FLAT)
"""What differs between float16 and float32 by more than rounding."""


def _every(x: Any) -> tuple[int, ...]:
    return tuple(range(x.ndim))


ARRAYS: Family = {
    "full_like": lambda lax, x: lax.full_like(x, 1),
    "broadcast": lambda lax, x: lax.broadcast(x, (2, 1)),
    "broadcast_in_dim": lambda lax, x: lax.broadcast_in_dim(x, (*x.shape, 2), _every(x)),
    "reshape": lambda lax, x: lax.reshape(x, (1, math.prod(x.shape))),
    "expand_dims": lambda lax, x: lax.expand_dims(x, (0, -1)),
    "squeeze": lambda lax, x: lax.squeeze(x, tuple([i for i in _every(x) if x.shape[i] == 1])),
    "transpose": lambda lax, x: lax.transpose(x, _every(x)[::-1]),
    "rev": lambda lax, x: lax.rev(x, _every(x)),
    "tile": lambda lax, x: lax.tile(x, (2,) * x.ndim),
    "concatenate": lambda lax, x: lax.concatenate([x, lax.rev(x, _every(x)[:1])], 0),
    "stack": lambda lax, x: lax.stack([x, x], x.ndim),
    "unstack": lambda lax, x: lax.unstack(x, 0),
    "pad": lambda lax, x: lax.pad(x, x.dtype.type(1), [(1, -1, 1)] * x.ndim),
    "pad out": lambda lax, x: lax.pad(x, x.dtype.type(1), [(0, 2, 0)] * x.ndim),
    "slice": lambda lax, x: lax.slice(x, (0,) * x.ndim, x.shape, (2,) * x.ndim),
    "dynamic_slice": lambda lax, x: lax.dynamic_slice(
        x, (-1,) * x.ndim, tuple([min(n, 2) for n in x.shape])
    ),
    "dynamic_update_slice": lambda lax, x: lax.dynamic_update_slice(
        x, lax.slice(x, (0,) * x.ndim, x.shape, (2,) * x.ndim), (9,) * x.ndim
    ),
    "clamp": lambda lax, x: lax.clamp(lax.full_like(x, 0), x, lax.full_like(x, 1)),
}
FOLDS: Family = {}
for _name in ("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp"):
    FOLDS[_name] = lambda lax, x, name=_name: call(name, lax, x)
    FOLDS[f"{_name} back"] = lambda lax, x, name=_name: call(name, lax, x, x.ndim - 1, True)
for _name in ("sum", "prod", "max", "min", "and", "or", "xor"):
    FOLDS[f"{_name} all"] = lambda lax, x, name=f"reduce_{_name}": call(name, lax, x, _every(x))
    FOLDS[f"{_name} last"] = lambda lax, x, name=f"reduce_{_name}": call(
        name, lax, x, _every(x)[-1:]
    )
FOLDS |= {
    "sort": lambda lax, x: lax.sort(x, 0),
    "sort_key_val": lambda lax, x: lax.sort_key_val(x, lax.rev(x, _every(x))),
    "top_k": lambda lax, x: lax.top_k(x, 2),
    "argmax": lambda lax, x: lax.argmax(x, x.ndim - 1, "int32"),
    "argmin": lambda lax, x: lax.argmin(x, 0, "int64"),
}
BITWISE = ("and", "or", "xor", "arg")

PAIRS = [((), ()), ((5,), ()), ((1,), (1,)), ((0,), ()), ((2, 1, 3), (2, 4, 1)), ((0, 3), (1, 3))]
PAIRS += [((2, 3), (3,)), ((2,), (3,))]
PAIR_PLACES = [("float64", "float64", shapes) for shapes in PAIRS]
PAIR_PLACES += [(dtype, dtype, PAIRS[4]) for dtype in OTHERS]
PAIR_PLACES += [("complex64", "complex64", PAIRS[3]), ("int8", "int8", PAIRS[3])]
PAIR_PLACES += [("int32", "float32", PAIRS[0]), ("complex64", "float64", PAIRS[4])]
BINARY = named("add sub mul max min")
BINARY |= {
    "atan2": lambda lax, x, y: lax.atan2(x, y),
    "complex": lambda lax, x, y: lax.complex(x, y),
    "igamma": lambda lax, x, y: lax.igamma(x, y),
    "igammac": lambda lax, x, y: lax.igammac(x, y),
    "betainc": lambda lax, x, y: lax.betainc(x, y, y),
    "zeta": lambda lax, x, y: lax.zeta(lax.exp(lax.exp(x)), y),
}
FLOAT_BINARY = named("div rem nextafter")
ORDERS = named("eq ne lt le gt ge bitwise_and bitwise_or bitwise_xor")
ORDERS["select"] = lambda lax, x, y: lax.select(lax.lt(x, x), x, y)

PRODUCTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], Any]] = {
    "scalars": ((), (), (((), ()), ((), ()))),
    "inner": ((3,), (3,), (((0,), (0,)), ((), ()))),
    "none": ((0,), (0,), (((0,), (0,)), ((), ()))),
    "outer": ((2,), (1, 3), (((), ()), ((), ()))),
    "elements": ((4,), (4, 2), (((), ()), ((0,), (0,)))),
    "matrices": ((2, 3), (3, 4), (((1,), (0,)), ((), ()))),
    "both turned": ((3, 2), (4, 3), (((0,), (1,)), ((), ()))),
    "no columns": ((2, 3), (3, 0), (((1,), (0,)), ((), ()))),
    "stacks": ((2, 3, 4), (4, 2, 5), (((2,), (0,)), ((0,), (1,)))),
    "two axes": ((2, 3, 4), (4, 2), (((0, 2), (1, 0)), ((), ()))),
    "one of each": ((1, 1, 1), (1, 1, 1), (((2,), (1,)), ((0,), (0,)))),
}


@pytest.mark.parametrize(("dtype", "shape"), PLACES, ids=str)
def test_values(dtype: str, shape: tuple[int, ...]) -> None:
    family = SMOOTH | FLAT | ARRAYS | FOLDS
    if dtype == "float16":
        family = {k: v for k, v in family.items() if k not in WIDENED}
    if not shape:
        family = {k: v for k, v in family.items() if k not in FOLDS or k.endswith("all")}
    check_values(family, draw(shape, dtype), of=OF)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape: tuple[int, ...]) -> None:
    left_out = (*BITWISE, "max", "min") if 0 in shape else BITWISE  # infinite
    folds = {k: v for k, v in FOLDS.items() if shape and not k.startswith(left_out)}
    second = shape == (2, 1, 3)
    check_derivatives(SMOOTH, draw(shape, "float64"), second=second, of=OF)
    check_derivatives(ARRAYS | folds, draw(shape, "float64"), second=second, of=OF)


@pytest.mark.parametrize("shape", [(), (2, 1, 3)], ids=str)
def test_complex_derivatives(shape: tuple[int, ...]) -> None:
    check_derivatives(SMOOTH, draw(shape, "complex128"), second=not shape, of=OF)
    folds = {k: v for k, v in FOLDS.items() if shape and not k.startswith(BITWISE)}
    check_derivatives(folds, draw(shape, "complex128"), of=OF)


@pytest.mark.parametrize(("first", "second", "shapes"), PAIR_PLACES, ids=str)
def test_values_of_pairs(first: str, second: str, shapes: tuple[Any, Any]) -> None:
    family = BINARY | ORDERS
    if "f" in first or first.startswith("c"):
        family = family | FLOAT_BINARY
    if first == "float16":
        family = {k: v for k, v in family.items() if k not in ("nextafter", "complex", "zeta")}
    check_values(family, draw(shapes[0], first), draw(shapes[1], second, 1), of=OF)


@pytest.mark.parametrize("shapes", [*PAIRS[:2], PAIRS[4], PAIRS[5]], ids=str)
def test_derivatives_of_pairs(shapes: tuple[Any, Any]) -> None:
    family = BINARY | {k: FLOAT_BINARY[k] for k in ("div", "rem")}
    operands = draw(shapes[0], "float64"), draw(shapes[1], "float64", 1)
    check_derivatives(family, *operands, second=shapes == PAIRS[4], of=OF)


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name: str) -> None:
    first, second, numbers = PRODUCTS[name]
    family: Family = {"dot_general": lambda lax, x, y: lax.dot_general(x, y, numbers)}
    if name in ("matrices", "no columns"):
        family["batch_matmul"] = lambda lax, x, y: lax.batch_matmul(x, y)
    for dtype in ("float16", "complex64", "uint8"):
        check_values(family, draw(first, dtype), draw(second, dtype, 1), of=OF)
    for dtype in ("float64", "complex128"):
        operands = draw(first, dtype), draw(second, dtype, 1)
        check_derivatives(family, *operands, second=dtype == "float64", of=OF)
