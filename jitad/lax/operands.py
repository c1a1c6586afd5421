"""Operands of the functions of `jitad.lax`, which hardly promote: dtypes of one kind, one rank.

Dtypes of one kind meet at the wider one: programs written where 32 bits are the default mix nothing
there, and 32 with 64 bits here. Python numbers (and traced arguments that stand for one) are weak:
they take the dtype of the arrays they meet where it holds their kind of number. Scalars, and axes
of length 1, are broadcast.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..argument_types import is_weak
from ..array import as_array as array_of
from ..errors import at_user_line
from ..numpy.promotion import (
    Operand,
    as_array_operand,
    as_operand,
    common_dtype,
    convert,
    kind_of,
    spread,
    strong,
)
from ..trace import Tracer

_KIND_NAMES = {
    "b": "bool",
    "i": "signed integers",
    "u": "unsigned integers",
    "f": "floats",
    "c": "complex numbers",
}
_HOLDS = {"b": "b", "i": "iufc", "f": "fc", "c": "c"}
"""Kinds of dtypes that a weak number of each kind gives way to."""


def as_array(name: str, x: Any) -> Operand:
    """`x` as a tracer or array; Python numbers in NumPy's default dtype. Raises TypeError for
    lists, tuples and what is no array."""
    if isinstance(x, (list, tuple)):
        raise TypeError(
            at_user_line(
                f"{name}: expected an array or a number; got a {type(x).__name__}. Write "
                "jnp.asarray(...)"
            )
        )
    return strong(as_array_operand(x))


def as_result(x: Operand) -> Operand:
    """`x` as what functions return: a tracer or an Array."""
    return x if isinstance(x, Tracer) else array_of(x)


def of_kind(name: str, x: Any, kinds: str) -> Operand:
    """`as_array`, of a dtype whose kind is in `kinds`; raises TypeError."""
    found = as_array(name, x)
    if found.dtype.kind not in kinds:
        raise TypeError(at_user_line(f"{name} {not_accepted(found.dtype, kinds)}"))
    return found


def not_accepted(dtype: np.dtype[Any], kinds: str) -> str:
    """The error for a dtype that is none of `kinds`, and what to write instead."""
    accepted = " and ".join([_KIND_NAMES[k] for k in kinds])
    return f"does not accept dtype {dtype}: expected {accepted}. Write x.astype(...)"


def of_one_dtype(name: str, operands: Sequence[Any]) -> list[Operand]:
    """The operands as arrays of one dtype, the widest; raises TypeError if they are of several
    kinds."""
    for x in operands:
        if isinstance(x, (list, tuple)):
            as_array(name, x)
    given = [as_operand(x) for x in operands]
    fixed = {x.dtype for x in given if not is_weak(x)}
    if not fixed:
        dtype = common_dtype(given)
    else:
        dtype = max(fixed, key=lambda d: d.itemsize)
        kinds = [kind_of(x) for x in given if is_weak(x)]
        if len({d.kind for d in fixed}) > 1 or any([dtype.kind not in _HOLDS[k] for k in kinds]):
            raise _mixed(name, given)
    return [strong(convert(x, dtype)) for x in given]


def of_the_dtype_of(name: str, operand: Any, updates: Any) -> list[Operand]:
    """An array and what is written to it, in the array's dtype; raises TypeError if they are of
    several kinds."""
    if isinstance(operand, (list, tuple)) or is_weak(as_operand(operand)):
        return of_one_dtype(name, (operand, updates))
    _, new = of_one_dtype(name, (operand, updates))
    x = as_array(name, operand)
    return [x, convert(new, x.dtype)]


def _mixed(name: str, given: Sequence[Operand]) -> TypeError:
    got = ", ".join([str(as_array_operand(x).dtype) for x in given])
    return TypeError(
        at_user_line(
            f"{name}: expected operands of one dtype; got {got}. Write x.astype(...), or the "
            "function of jitad.numpy, which promotes"
        )
    )


def of_one_shape(name: str, operands: Sequence[Operand]) -> list[Operand]:
    """The operands broadcast: scalars, and axes of length 1. Raises TypeError if ranks or other
    lengths differ."""
    shape = common_shape(name, [x.shape for x in operands])
    return [spread(x, shape) for x in operands]


def common_shape(name: str, shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape to which scalars and axes of length 1 are broadcast; raises TypeError."""
    found = [shape for shape in shapes if shape]
    if not found or all([shape == found[0] for shape in found]):
        return found[0] if found else ()
    if len({len(shape) for shape in found}) > 1:
        listed = ", ".join(map(str, found))
        raise TypeError(
            at_user_line(
                f"{name}: expected arrays of the same number of dimensions; got shapes {listed}. "
                "Write x[None] or the function of jitad.numpy, which broadcasts"
            )
        )
    result: list[int] = []
    for lengths in zip(*found, strict=True):
        longer = {n for n in lengths if n != 1}
        if len(longer) > 1:
            listed = ", ".join(map(str, found))
            raise TypeError(
                at_user_line(f"{name} got incompatible shapes for broadcasting: {listed}.")
            )
        result.append(longer.pop() if longer else 1)
    return tuple(result)


def alike(x: Any, y: Any) -> bool:
    """True of two arrays or tracers of one type, neither weak: nothing has to be done to them."""
    if isinstance(x, (Tracer, np.ndarray)) and isinstance(y, (Tracer, np.ndarray)):
        return x.dtype is y.dtype and x.shape == y.shape
    return False


def axis_of(name: str, axis: Any, ndim: int) -> int:
    """`axis` counted from the front; raises ValueError if there is no such axis."""
    place = int(axis)
    if not -ndim <= place < ndim:
        raise ValueError(
            at_user_line(f"{name}: axis {place} is out of bounds for array of dimension {ndim}")
        )
    return place + ndim if place < 0 else place


def axes_of(name: str, axes: Any, ndim: int) -> tuple[int, ...]:
    """Distinct axes, counted from the front; raises ValueError for others."""
    given = (axes,) if isinstance(axes, (int, np.integer)) else axes
    found = tuple([axis_of(name, axis, ndim) for axis in given])
    if len(set(found)) != len(found):
        raise ValueError(at_user_line(f"{name}: expected distinct axes; got {tuple(given)}"))
    return found
