"""What distributions share: checks of their keys, shapes, dtypes and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from jitad_ir.types import DTYPES, DType, Shape

from ..errors import at_user_line, hides_internals
from ..numpy.promotion import as_array_operand, as_operand, broadcast_shape, convert, shape_of
from ..numpy.shapes import as_shape
from .keys import single_key

P = ParamSpec("P")
R = TypeVar("R")

_KINDS = {"f": "a float", "fc": "a float or complex", "iu": "an int", "u": "an unsigned int"}
_DEFAULTS = {"f": DTYPES["f64"], "fc": DTYPES["f64"], "iu": DTYPES["i64"], "u": DTYPES["u64"]}


class FloatInfo(NamedTuple):
    """What distributions ask of a float dtype; see `numpy.finfo`."""

    mantissa: int
    eps: float
    epsneg: float
    tiny: float


def float_info(dtype: DType) -> FloatInfo:
    """The numbers of a float dtype, as Python's."""
    info: Any = np.finfo(dtype)  # type: ignore[call-overload]
    return FloatInfo(int(info.nmant), float(info.eps), float(info.epsneg), float(info.tiny))


def distribution(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of the public functions: NumPy does not warn of the infinities and nans that masked
    out elements give, and errors come without jitad's own frames."""
    return hides_internals(np.errstate(all="ignore")(function))


def take_key(name: str, key: Any) -> Any:
    """The key, as `uint64[]`."""
    return single_key(name, key)[0]


def dtype_of_result(name: str, dtype: Any, kinds: str = "f") -> DType:
    """`dtype`, of a kind in `kinds` (NumPy's letters); float64, int64 or uint64 if None."""
    found = _DEFAULTS[kinds] if dtype is None else np.dtype(dtype)
    if found.kind not in kinds or found not in DTYPES.values():
        raise ValueError(
            at_user_line(f"dtype argument to `{name}` must be {_KINDS[kinds]} dtype, got {found}")
        )
    return next(d for d in DTYPES.values() if d == found)


def parameters(dtype: DType, *values: Any) -> list[Any]:
    """Parameters of a distribution in `dtype`."""
    return [as_array_operand(convert(as_operand(value), dtype)) for value in values]


def shape_of_result(name: str, shape: Any, *values: Any) -> Shape:
    """`shape`, to which the parameters `values` broadcast; their common shape if None."""
    shapes = [shape_of(as_operand(value)) for value in values]
    if shape is None:
        return broadcast_shape(shapes)
    given = as_shape(shape)
    common = broadcast_shape([given, *shapes])
    if common != given:
        raise ValueError(
            at_user_line(
                f"{name}: parameters must broadcast to the shape argument {given}; together they "
                f"have the shape {common}"
            )
        )
    return given
