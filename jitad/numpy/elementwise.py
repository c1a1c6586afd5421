"""How elementwise functions are made: NumPy's ufuncs by name, each over one op of the IR (or a
composition of ops), with NumPy's promotion and broadcasting in front.

    @unary(ops.sin, "fc")
    def sin(x: Any, /) -> Any:
        # a docstring

A ufunc is declared as a function: signature and docstring are there for readers, editors and type
checkers, and what is called is made by the decorator.

A function takes the short way when its operands are tracers of one type that the op takes as they
are, or such a tracer and a Python number that gives way to it: then it is one `apply`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np

from jitad.array import Array
from jitad.trace import Tracer, apply
from jitad_ir.op import Op
from jitad_ir.types import DTYPES, FLOAT64, DType

from .promotion import Operand, as_operand, broadcast_shape, kind_of, promote, spread

Rule: TypeAlias = Callable[..., Any]
"""What computes a function from operands of one shape in the dtypes that NumPy would use."""

F = TypeVar("F", bound=Callable[..., Any])

_TAKES: dict[str, frozenset[DType]] = {}


def _dtypes(kinds: str) -> frozenset[DType]:
    found = _TAKES.get(kinds)
    if found is None:
        found = frozenset([d for d in DTYPES.values() if d.kind in kinds])
        _TAKES[kinds] = found
    return found


def document(function: Rule, declaration: Rule) -> None:
    """`function` takes the name and the docstring under which it is declared."""
    function.__name__ = function.__qualname__ = declaration.__name__
    function.__module__ = "jitad.numpy"
    function.__doc__ = declaration.__doc__


_FOLDS = ("accumulate", "outer", "reduce", "reduceat")
"""What a function of two operands has beyond being called."""


def as_ufunc(function: Rule, ufunc: np.ufunc) -> None:
    """Let `function` be jitad's of NumPy's `ufunc`, with its numbers and methods. They are those of
    `ufuncs.ufunc`, which loads when the first is called."""
    UFUNCS[ufunc] = function
    function.nin, function.nout = ufunc.nin, ufunc.nout  # type: ignore[attr-defined]
    function.nargs, function.identity = ufunc.nargs, ufunc.identity  # type: ignore[attr-defined]
    for name in ("at", *(_FOLDS if (ufunc.nin, ufunc.nout) == (2, 1) else ())):
        setattr(function, name, _late(function, name))


def _late(function: Rule, name: str) -> Rule:
    def method(*args: Any, **kwargs: Any) -> Any:
        found = importlib.import_module("jitad.numpy.ufuncs").elementwise(function)
        return getattr(found, name)(*args, **kwargs)

    method.__name__ = name
    method.__doc__ = f"`jitad.numpy.ufunc.{name}` of this function."
    return method


def unary(op: Op, kinds: str, other: Rule | None = None) -> Callable[[F], F]:
    """Decorator of the declaration (a signature with a docstring) of the ufunc of one operand by
    that name: `op` for dtypes whose kind is in `kinds`, the rule `other` for the rest."""
    takes = _dtypes(kinds)
    takes_float = FLOAT64 in takes

    def declared(declaration: F) -> F:
        ufunc = getattr(np, declaration.__name__)

        def function(x: Any, /) -> Any:
            cls = type(x)
            if cls is Tracer:
                if x.value.type.dtype in takes:
                    return apply(op, x)
            elif cls is float:
                if takes_float:
                    return apply(op, np.float64(x))
            elif isinstance(x, np.ndarray) and x.dtype in takes:
                return apply(op, x)
            (x,) = promote(ufunc, (x,))
            if other is None or x.dtype in takes:
                return apply(op, x)
            return other(x)

        document(function, declaration)
        as_ufunc(function, ufunc)
        return cast(F, function)

    return declared


def binary(op: Op, kinds: str, other: Rule | None = None) -> Callable[[F], F]:
    """Decorator of the declaration of a ufunc of two operands; see `unary`. Complex operands of a
    ufunc that NumPy has for real ones alone go to the rule `other`."""
    takes = _dtypes(kinds)

    def declared(declaration: F) -> F:
        ufunc = getattr(np, declaration.__name__)
        is_extended = other is not None and not any(["D" in loop for loop in ufunc.types])

        def function(x: Any, y: Any, /) -> Any:
            cls, other_cls = type(x), type(y)
            if cls in _NUMBERS:
                if other_cls is Tracer:
                    b = y.value.type
                    if b.dtype in takes and gives_way(x, b.dtype):
                        return apply(op, x, y)
            elif other_cls in _NUMBERS:
                if cls is Tracer:
                    a = x.value.type
                    if a.dtype in takes and gives_way(y, a.dtype):
                        return apply(op, x, y)
            elif cls in _ARRAYS and other_cls in _ARRAYS:
                dtype = x.dtype
                if dtype is y.dtype and dtype in takes:
                    if x.shape == y.shape:
                        return apply(op, x, y)
                    shape = broadcast_shape((x.shape, y.shape))
                    return apply(op, spread(x, shape), spread(y, shape))
            if is_extended and _has_complex(x, y):
                assert other is not None
                return other(*promote(np.multiply, (x, y)))
            x, y = promote(ufunc, (x, y))
            if other is None or (x.dtype in takes and x.dtype == y.dtype):
                return apply(op, x, y)
            return other(x, y)

        document(function, declaration)
        as_ufunc(function, ufunc)
        return cast(F, function)

    return declared


def _has_complex(*operands: Any) -> bool:
    return any([kind_of(as_operand(x)) == "c" for x in operands])


def composed(rule: F) -> F:
    """Decorator: the ufunc by the name of `rule`, which computes it from promoted operands."""
    ufunc = getattr(np, rule.__name__)

    def of_one(x: Any, /) -> Any:
        return rule(*promote(ufunc, (x,)))

    def of_two(x: Any, y: Any, /) -> Any:
        return rule(*promote(ufunc, (x, y)))

    function: Rule = of_one if ufunc.nin == 1 else of_two
    document(function, rule)
    as_ufunc(function, ufunc)
    return cast(F, function)


UFUNCS: dict[np.ufunc, Rule] = {}
"""NumPy's ufuncs that jitad.numpy has, with its functions: what `np.sin(tracer)` calls."""


_NUMBERS = frozenset({int, float, complex})
_ARRAYS = frozenset({Tracer, np.ndarray, Array, *[d.type for d in DTYPES.values()]})


def gives_way(number: int | float | complex, dtype: DType) -> bool:
    """True if a Python number takes the dtype of an array of `dtype` it meets."""
    cls = type(number)
    if cls is float:
        return dtype.kind in "fc"
    if cls is int:
        kind = dtype.kind
        # Beyond this range the slow way finds out whether the number fits.
        return kind in "fc" or (0 <= number < 128 and kind in "iu")  # type: ignore[operator]
    return dtype.kind == "c"


def unchanged(x: Operand) -> Operand:
    """Rule of functions that leave operands of some dtypes as they are."""
    return x
