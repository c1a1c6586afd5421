"""Operands of NumPy functions: what may be one, which dtype they meet at, one shape for all.

The dtype rules are NumPy 2's, taken from NumPy itself (`ufunc.resolve_dtypes`, `result_type`):
Python scalars are weak, arrays decide. float16 is computed in where an operand has it; where NumPy
would choose it for bools and integers of 8 bits, float32 takes its place.

Broadcasting and promotion happen here only: in the IR all operands of an op have one type.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from jitad.errors import at_user_line
from jitad.settings import config
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import DTYPES, FLOAT16, FLOAT32, SHORT_NAMES, DType, Shape

Operand: TypeAlias = Any
"""A Tracer, an ndarray, a NumPy scalar or a Python number."""

_CANONICAL: dict[DType, DType] = {dtype: dtype for dtype in DTYPES.values()}
_NUMBERS = (bool, int, float, complex)
_WEAK_TYPES: dict[str, Any] = {"b": np.dtype("bool"), "i": int, "f": float, "c": complex}
_NUMBER_KINDS: dict[type, str] = {bool: "b", int: "i", float: "f", complex: "c"}
_SUPPORTED = ", ".join(SHORT_NAMES)
_OBJECT = np.dtype("object")


def as_operand(x: Any) -> Operand:
    """`x` as a tracer, an array or a Python number; lists, tuples and what NumPy takes for a
    sequence become arrays, and so does what has `__jax_array__` (which may give a tracer),
    `__array__` or a buffer.

    Raises TypeError for what is none of these and for dtypes that the IR does not have.
    """
    cls = type(x)
    if cls is Tracer or cls in _NUMBER_KINDS:
        return x
    if isinstance(x, (np.ndarray, np.generic)):
        return _native(x)
    if isinstance(x, _NUMBERS):
        return x
    if isinstance(x, (list, tuple)):
        return from_nested(x)
    as_array = getattr(x, "__jax_array__", None)
    if as_array is not None:
        return as_operand(as_array())
    if not isinstance(x, type) and (hasattr(x, "__array__") or _has_buffer(x)):
        return _native(np.asarray(x))
    if _is_sequence(x):
        array = np.asarray(x)
        if array.dtype.kind not in "OSUV":
            return _native(array)
    got = (
        f"the type {x.__name__}" if isinstance(x, type) else f"{cls.__module__}.{cls.__qualname__}"
    )
    raise TypeError(at_user_line(f"expected an array or a number; got {got}"))


def _is_sequence(x: Any) -> bool:
    """True of what NumPy goes through as it does through lists."""
    return (
        hasattr(x, "__len__")
        and hasattr(x, "__getitem__")
        and not isinstance(x, (str, bytes, dict, type))
    )


def _has_buffer(x: Any) -> bool:
    try:
        memoryview(x)
    except TypeError:
        return False
    return True


def is_operand(x: Any) -> bool:
    """True if `as_operand` takes `x`, going by its type."""
    return isinstance(x, (Tracer, np.ndarray, np.generic, *_NUMBERS, list, tuple)) or (
        hasattr(x, "__array__") or hasattr(x, "__jax_array__")
    )


def _native(array: Any) -> Any:
    """`array` with a dtype of the IR: swapped bytes put right, aliases of a dtype made one."""
    dtype = array.dtype
    canonical = _CANONICAL.get(dtype)
    if canonical is dtype:
        return array
    if canonical is None:
        canonical = _CANONICAL.get(dtype.newbyteorder("="))
    if canonical is None:
        raise TypeError(
            at_user_line(
                f"expected an array with one of the dtypes {_SUPPORTED}; got {dtype}"
                f"{_advice_on(dtype)}"
            )
        )
    return array.astype(canonical)


def _advice_on(dtype: Any) -> str:
    """What to write instead of a dtype that the IR does not have, to end a message with."""
    other = np.dtype(dtype).name.startswith(("bfloat", "float8", "float4"))
    return ". Of short floats there is float16; write x.astype(np.float32)" if other else ""


def as_array_operand(x: Any) -> Operand:
    """`as_operand`, with Python numbers as 0-d arrays of NumPy's default dtype."""
    x = as_operand(x)
    if isinstance(x, _NUMBERS) and not isinstance(x, np.generic):
        return _native(np.asarray(x))
    return x


def strong(x: Operand) -> Operand:
    """`x` without weakness: an array whose dtype counts."""
    if type(x) is Tracer and x.weak:
        return Tracer(x.owner, x.value, x.concrete)
    return x


def has_tracer(x: Any) -> bool:
    """True of a tracer, or of lists and tuples that hold one at any depth."""
    if isinstance(x, (list, tuple)):
        return any([has_tracer(item) for item in x])
    return type(x) is Tracer


def from_nested(items: Any) -> Operand:
    """An array from nested lists and tuples of numbers, arrays and tracers, as `np.array`."""
    if not isinstance(items, (list, tuple)):
        return as_array_operand(items)
    if not has_tracer(items):
        return _native(np.asarray(items))
    rows = [from_nested(item) for item in items]
    shapes = {row.shape for row in rows}
    if len(shapes) > 1:
        raise ValueError(
            at_user_line(
                "expected nested sequences of one shape; got items of shapes "
                f"{', '.join(map(str, sorted(shapes)))}"
            )
        )
    dtype = common_dtype(rows)
    stacked = [apply(ops.reshape, convert(row, dtype), shape=(1, *row.shape)) for row in rows]
    return apply(ops.concatenate, *stacked, axis=0)


def no_out(out: Any) -> None:
    """Raise TypeError for NumPy's `out=`."""
    if out is not None:
        raise TypeError(
            at_user_line("expected out=None: arrays are not written to; use the returned array")
        )


# Dtypes.


def _is_weak(x: Operand) -> bool:
    return x.weak if type(x) is Tracer else not isinstance(x, (np.ndarray, np.generic))


def kind_of(x: Operand) -> str:
    """NumPy's letter for the kind of number: b, i, u, f, c."""
    if isinstance(x, (Tracer, np.ndarray, np.generic)):
        return x.dtype.kind
    return _number_kind(x)


def _number_kind(x: Any) -> str:
    found = _NUMBER_KINDS.get(type(x))
    if found is None:
        found = next((_NUMBER_KINDS[c] for c in type(x).__mro__ if c in _NUMBER_KINDS), None)
        if found is None:
            raise TypeError(at_user_line(f"expected an array or a number; got {x!r}"))
    return found


def _key(x: Operand, weak: dict[str, Any]) -> Any:
    """The dtype that `x` brings to promotion, or the stand-in for a weak number of its kind."""
    if type(x) is Tracer:
        dtype = x.value.type.dtype
        return weak[dtype.kind] if x.weak else dtype
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype
    return weak[_number_kind(x)]


@lru_cache(maxsize=4096)
def _resolve(ufunc: np.ufunc, keys: tuple[Any, ...]) -> tuple[DType, ...]:
    found = ufunc.resolve_dtypes((*keys, *[None] * ufunc.nout))[: len(keys)]
    if any([d == _OBJECT for d in found]):  # two Python ints, which NumPy compares exactly
        return (_common(keys),) * len(keys)
    if FLOAT16 not in keys:  # else bools and integers of 8 bits would be computed in it
        found = tuple([FLOAT32 if d == FLOAT16 else d for d in found])
    return tuple([_CANONICAL.get(d, d) for d in found])


def input_dtypes(ufunc: np.ufunc, operands: Sequence[Operand]) -> tuple[DType, ...]:
    """Dtypes in which NumPy's `ufunc` would compute on these operands.

    Raises TypeError, in NumPy's words, where it does not take them.
    """
    keys = tuple([_key(x, _WEAK_TYPES) for x in operands])
    if config.is_strict:
        _require_one_dtype(keys)
    try:
        return _resolve(ufunc, keys)
    except TypeError as error:
        raise TypeError(at_user_line(str(error))) from None


@lru_cache(maxsize=4096)
def _common(keys: tuple[Any, ...]) -> DType:
    found = np.result_type(*[key if isinstance(key, np.dtype) else key(0) for key in keys])
    return _CANONICAL.get(found, found)


def common_dtype(operands: Sequence[Operand]) -> DType:
    """The dtype at which these operands meet (`np.result_type`)."""
    keys = tuple([_key(x, _WEAK_TYPES) for x in operands])
    if config.is_strict:
        _require_one_dtype(keys)
    return _common(keys)


def _require_one_dtype(keys: tuple[Any, ...]) -> None:
    found = list(dict.fromkeys([key for key in keys if isinstance(key, np.dtype)]))
    if len(found) > 1:
        names = " and ".join([str(key) for key in found])
        raise TypeError(
            at_user_line(
                f'dtypes {names} meet, under numpy_dtype_promotion "strict". Write x.astype(dtype)'
            )
        )


def as_dtype(dtype: Any) -> DType:
    """A dtype of the IR from anything `np.dtype` takes; raises TypeError for others."""
    found = _CANONICAL.get(np.dtype(dtype))
    if found is None:
        raise TypeError(
            at_user_line(f"expected one of the dtypes {_SUPPORTED}; got {dtype}{_advice_on(dtype)}")
        )
    return found


def convert(x: Operand, dtype: DType) -> Operand:
    """`x` in `dtype`; a Python number becomes a NumPy scalar (OverflowError if out of range)."""
    if not isinstance(x, (Tracer, np.ndarray, np.generic)):
        return dtype.type(x)
    if x.dtype == dtype:
        return x
    return apply(ops.convert, x, dtype=dtype)


def inexact(x: Operand) -> Operand:
    """`x` as NumPy's mean and its relatives take it: integers and bools in float64."""
    return x if x.dtype.kind in "fc" else convert(x, DTYPES["f64"])


def in_parts(x: Operand) -> Operand:
    """`x` in a dtype that there are complex numbers of: float16 in float32."""
    return convert(x, FLOAT32) if x.dtype == FLOAT16 else x


# Shapes.


def shape_of(x: Operand) -> Shape:
    """Shape of a tracer or array; () of a number."""
    return x.shape if isinstance(x, (Tracer, np.ndarray)) else ()


@lru_cache(maxsize=4096)
def _broadcast_shapes(shapes: tuple[Shape, ...]) -> Shape | None:
    ndim = max([len(shape) for shape in shapes], default=0)
    result = [1] * ndim
    for shape in shapes:
        for axis, n in enumerate(shape, ndim - len(shape)):
            if n != 1:
                if result[axis] not in (1, n):
                    return None
                result[axis] = n
    return tuple(result)


def broadcast_shape(shapes: Sequence[Shape]) -> Shape:
    """The shape to which all of `shapes` are broadcast; raises ValueError."""
    found = _broadcast_shapes(tuple(shapes))
    if found is None:
        listed = " ".join([str(tuple(shape)).replace(" ", "") for shape in shapes])
        raise ValueError(
            at_user_line(f"operands could not be broadcast together with shapes {listed}")
        )
    return found


def spread(x: Operand, shape: Shape) -> Operand:
    """`x` repeated to `shape`, to which it is known to broadcast."""
    own = shape_of(x)
    if own == shape:
        return x
    first = len(shape) - len(own)
    return apply(ops.broadcast, x, shape=shape, dims=tuple(range(first, len(shape))))


def promote(ufunc: np.ufunc, operands: Sequence[Any]) -> list[Operand]:
    """Operands in the dtypes in which `ufunc` computes, and of one shape."""
    found = [as_operand(x) for x in operands]
    dtypes = input_dtypes(ufunc, found)
    shape = broadcast_shape([shape_of(x) for x in found])
    return [_fit(x, d, shape) for x, d in zip(found, dtypes, strict=True)]


def promote_to_common(operands: Sequence[Any]) -> list[Operand]:
    """Operands of one dtype and one shape."""
    found = [as_operand(x) for x in operands]
    dtype = common_dtype(found)
    shape = broadcast_shape([shape_of(x) for x in found])
    return [_fit(x, dtype, shape) for x in found]


def _fit(x: Operand, dtype: DType, shape: Shape) -> Operand:
    """`x` in this dtype and shape."""
    if isinstance(x, (Tracer, np.ndarray, np.generic)):
        return spread(convert(x, dtype), shape)
    scalar = dtype.type(x)
    return apply(ops.full, value=scalar.item(), shape=shape, dtype=dtype) if shape else scalar


def filled(x: Operand, number: Any, dtype: DType | None = None) -> Operand:
    """`number` everywhere, in the shape of `x` and its dtype (or `dtype`)."""
    return apply(ops.full, value=number, shape=x.shape, dtype=dtype or x.dtype)
