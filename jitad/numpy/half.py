"""Functions of several operations that take float16: computed in float32, rounded at the end, so
that what is between (squares, sums of them) has the range and the digits of float32."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import numpy as np

from jitad.trace import Tracer
from jitad_ir.types import FLOAT16, FLOAT32

from .promotion import convert

P = ParamSpec("P")

_ARRAYS = (Tracer, np.ndarray, np.generic)


def is_half(x: Any) -> bool:
    """True of arrays of float16, traced or not."""
    return isinstance(x, _ARRAYS) and x.dtype == FLOAT16


def in_single(function: Callable[P, Any]) -> Callable[P, Any]:
    """Decorator: with float16 among its arguments `function` computes in float32, and results are
    rounded to float16 unless another argument is float32."""

    @functools.wraps(function)
    def computed(*args: P.args, **kwargs: P.kwargs) -> Any:
        for x in (*args, *kwargs.values()) if kwargs else args:
            if is_half(x):
                return _rounded(function, args, kwargs)
        return function(*args, **kwargs)

    return computed


def _rounded(function: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> Any:
    given = [x for x in (*args, *kwargs.values()) if isinstance(x, _ARRAYS)]
    result = function(*map(_wide, args), **{name: _wide(x) for name, x in kwargs.items()})
    if any([x.dtype == FLOAT32 for x in given]):
        return result
    return tuple(map(_narrow, result)) if type(result) is tuple else _narrow(result)


def _wide(x: Any) -> Any:
    return convert(x, FLOAT32) if is_half(x) else x


def _narrow(x: Any) -> Any:
    return convert(x, FLOAT16) if x.dtype == FLOAT32 else x
