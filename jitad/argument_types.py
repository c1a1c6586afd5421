"""Types of what an operation may be given: tracers, arrays, NumPy scalars and Python numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad_ir.types import ArrayType, interned, is_supported

from .tracer import Tracer


def type_or_none(arg: Any) -> ArrayType | None:
    """Type of a tracer, an array or a NumPy scalar; None for anything else."""
    if isinstance(arg, Tracer):
        return arg.value.type
    if isinstance(arg, (np.ndarray, np.generic)):
        return interned(arg.dtype, arg.shape)
    return None


_NUMBER_TYPES = {kind: interned(np.dtype(kind), ()) for kind in (bool, float, complex)}


def common_type(args: Sequence[Any]) -> ArrayType | None:
    """Type that Python numbers among `args` take on: that of the first other argument."""
    for arg in args:
        found = type_or_none(arg)
        if found is not None:
            return found
    return type_of_argument(args[0]) if args else None


def type_of_argument(arg: Any) -> ArrayType:
    """Type of a tracer, an array, a NumPy scalar or a Python scalar; raises TypeError."""
    found = _NUMBER_TYPES.get(type(arg))
    if found is not None:
        return found
    found = type_or_none(arg)
    if found is None:
        if not isinstance(arg, (bool, int, float, complex)):
            raise TypeError(f"expected an array or a number; got {type(arg).__name__}")
        array = np.asarray(arg)
        found = ArrayType(array.dtype, array.shape)
    if not is_supported(found.dtype):
        raise TypeError(
            "expected an array of bool, integers, floats of 16 to 64 bits or complex numbers in "
            f"native byte order; got dtype {found.dtype}"
        )
    return found


def is_known(arg: Any) -> bool:
    """True unless `arg` stands for a value that is not known while tracing."""
    return not isinstance(arg, Tracer) or arg.concrete is not None


def is_weak(arg: Any) -> bool:
    """True of Python scalars and of tracers that stand for one: arrays decide the dtype."""
    if isinstance(arg, Tracer):
        return arg.weak
    return isinstance(arg, (bool, int, float, complex)) and not isinstance(arg, np.generic)
