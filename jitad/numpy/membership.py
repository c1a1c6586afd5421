"""Which elements of one array are in another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.op import Op
from jitad_ir.types import BOOL, DTYPES, INT64, ArrayType

from .logic import logical_not
from .promotion import Operand, as_array_operand, common_dtype, convert
from .reduce import any as any_
from .shapes import broadcast_to, ravel, reshape

_FEW = 32
"""Elements to test against up to which each is compared, without sorting them."""

_LARGE = 8192
"""Elements of both arrays from which on a table is worth its code."""

_EACH = 6
"""Bytes of a table for each element of both arrays: NumPy's bound."""

_AT: dict[str, Any] = {"axes": (0,), "batch": 0}
"""Where elements of vectors are read and written."""

_UNSIGNED = DTYPES["u64"]

Step = Callable[..., Any]
"""`step(op, *operands, **params)` applies an op: in a trace, or in the program of a branch."""


def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    method: str = "auto",
) -> Any:
    """True where an element is one of `test_elements` (is not, if `invert`): a bool array.

    In the shape of `element`. `method` ("auto", "sort", "compare_all", "binary_search") is
    accepted: the way is chosen by size, and for integers by their range. nan is never found.

    >>> import jitad.numpy as jnp
    >>> jnp.isin(jnp.array([[1, 2], [3, 4]]), jnp.array([2, 4]))
    Array([[False,  True],
           [False,  True]])
    """
    if method not in ("auto", "sort", "compare_all", "binary_search"):
        raise ValueError(
            at_user_line(
                "isin: expected method 'auto', 'sort', 'compare_all' or 'binary_search'; got "
                f"{method!r}"
            )
        )
    x, tests = as_array_operand(element), ravel(test_elements)
    dtype = common_dtype([x, tests])
    x, tests = convert(x, dtype), convert(tests, dtype)
    count = tests.shape[0]
    if dtype == BOOL:
        given = [broadcast_to(any_(some), x.shape) for some in (tests, logical_not(tests))]
        found = apply(ops.select, x, *given)
    elif count <= _FEW:
        shape = (*x.shape, count)
        column = broadcast_to(reshape(x, (*x.shape, 1)), shape)
        found = any_(apply(ops.eq, column, broadcast_to(tests, shape)), -1)
    else:
        found = reshape(_among_many(ravel(x), tests), x.shape)
    return logical_not(found) if invert else found


def _among_many(x: Operand, tests: Operand) -> Operand:
    """Which elements of a vector are in another one, of the same dtype: integers that lie close
    together by a table of all numbers there, as in NumPy; others by bisection."""
    dtype, length = x.dtype, _EACH * (x.shape[0] + tests.shape[0])
    if dtype.kind not in "iu" or length < _EACH * _LARGE:
        return _by_bisection(apply, x, tests)
    low, high = (apply(op, tests, axes=(0,)) for op in (ops.reduce_min, ops.reduce_max))
    # Without signs, differences of all integers of 64 bits are exact.
    spread = apply(ops.sub, convert(high, _UNSIGNED), convert(low, _UNSIGNED))
    is_close = apply(ops.lt, spread, np.uint64(length))

    def by_bisection(x: Value, tests: Value, _low: Value) -> Value:
        return _by_bisection(_in_program, x, tests)

    def by_table(x: Value, tests: Value, low: Value) -> Value:
        return _by_table(_in_program, x, tests, low, length)

    types = [ArrayType(dtype, a.shape) for a in (x, tests, low)]
    regions = tuple([_program(types, way) for way in (by_bisection, by_table)])
    return apply(ops.branch, convert(is_close, INT64), x, tests, low, regions=regions)[0]


def _in_program(op: Op, *operands: Value, **params: Any) -> Any:
    return op(*operands, **params)


def _program(types: Sequence[ArrayType], way: Callable[..., Value]) -> Graph:
    builder = Builder("isin")
    inputs = [builder.input(type) for type in types]
    with building(builder):
        return builder.build([way(*inputs)])


def _by_bisection(step: Step, x: Any, tests: Any) -> Any:
    (ordered,) = step(ops.sort, tests, axis=0, num_keys=1, descending=False)
    place = step(ops.searchsorted, ordered, x, right=False)
    nearest = step(ops.gather, ordered, place, **_AT, sizes=(1,), mode="clip", fill=0)
    return step(ops.eq, step(ops.reshape, nearest, shape=x.shape), x)


def _by_table(step: Step, x: Any, tests: Any, low: Any, length: int) -> Any:
    """By bools that tell for each number from `low` on whether it is among the tests, of which all
    lie less than `length` behind it."""
    low = step(ops.convert, low, dtype=INT64)

    def places(numbers: Any) -> Any:
        first = step(ops.broadcast, low, dims=(), shape=numbers.shape)
        return step(ops.sub, step(ops.convert, numbers, dtype=INT64), first)

    empty, marks = (
        step(ops.full, value=value, shape=shape, dtype=BOOL)
        for value, shape in ((False, (length,)), (True, (*tests.shape, 1)))
    )
    table = step(ops.scatter, empty, marks, places(tests), **_AT, mode="drop", unique=False)
    found = step(ops.gather, table, places(x), **_AT, sizes=(1,), mode="fill", fill=0)
    return step(ops.reshape, found, shape=x.shape)
