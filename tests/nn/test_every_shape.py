"""The functions of `jitad.nn` over shapes and dtypes: scalars, arrays of one element and of none,
of three axes, in memory that is not contiguous; half and single precision, integers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.special

from jitad import nn

from ..wide import Family, Namespaces, check_derivatives, check_values, draw, named
from .test_activations import FORMULAS

SHAPES = [(), (1,), (0, 4), (2, 1, 4)]


def standardize(x: Any, axis: int = -1) -> Any:
    centred = x - np.mean(x, axis, keepdims=True)
    return centred / np.sqrt(np.var(x, axis, keepdims=True) + 1e-5)


def glu(x: Any, axis: int = -1) -> Any:
    if x.shape[axis] % 2:
        raise ValueError("glu")
    first, second = np.split(x, 2, axis)
    return first * scipy.special.expit(second)


def logmeanexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.mean(np.exp(x), axis, keepdims=keepdims))


REFERENCE = SimpleNamespace(
    **{k: v for k, v in FORMULAS.items() if k not in ("gelu", "relu6")},
    gelu=lambda x: FORMULAS["gelu"](x).astype(x.dtype if x.dtype.kind == "f" else float),
    relu6=lambda x: np.clip(x, 0.0, 6.0),
    glu=glu,
    log1mexp=lambda x: np.log(-np.expm1(-x)),
    log_softmax=lambda x, axis=-1: scipy.special.log_softmax(x, axis),
    logmeanexp=logmeanexp,
    logsumexp=scipy.special.logsumexp,
    softmax=lambda x, axis=-1: scipy.special.softmax(x, axis),
    standardize=standardize,
)
OF = Namespaces(REFERENCE, nn)
ELEMENTWISE = named(" ".join([*FORMULAS, "log1mexp"]))
LAST: Family = {
    **named("glu softmax log_softmax standardize"),
    **named("softmax log_softmax logsumexp logmeanexp glu standardize", axis=0),
    **named("logsumexp logmeanexp", axis=-1, keepdims=True),
}
WHOLE = named("softmax log_softmax logsumexp logmeanexp", axis=None)


def family_of(shape: tuple[int, ...]) -> Family:
    if 0 in shape:
        return ELEMENTWISE
    return ELEMENTWISE | WHOLE | (LAST if shape else {})


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_values(shape: tuple[int, ...]) -> None:
    dtypes = ["float16", "float32", "float64"] if shape == (2, 1, 4) else ["float64"]
    for dtype in dtypes:
        x = draw(shape, dtype)
        check_values(family_of(shape), x, of=OF, tolerance=1e-11)


def test_integers() -> None:
    family = {k: v for k, v in family_of((2, 1, 4)).items() if k != "log1mexp"}
    check_values(family, draw((2, 1, 4), "int32"), of=OF, tolerance=1e-7)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_derivatives(shape: tuple[int, ...]) -> None:
    second = shape == (2, 1, 4)
    check_derivatives(family_of(shape), draw(shape, "float64"), second=second, of=OF)
