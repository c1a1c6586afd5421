"""Calls of Python functions from within programs.

    pure_callback(operands; callback, results): operands -> callback(operands)
    io_callback(operands; callback, results, ordered)

`results` are the types of what the function gives. A `pure_callback` is a function of its operands:
it may be called more often or less often than it is written. An `io_callback` acts on the world:
it runs once, in the order of the program, whether its results are read or not.

Native code holds no address of Python: the function is one of the constants of a program. It is
called with the interpreter's lock, and an exception leaves the program.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ..graph import Value, current_builder
from ..lowering import Routine
from ..op import NONLINEAR, OPS, Joint, Op, batch_to_front
from ..types import ArrayType, parse_type
from .structured import lane_by_lane

Types = tuple[ArrayType, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """A Python function of arrays that gives a sequence of arrays, and its name in programs. Two
    are equal if their functions are."""

    function: Callable[..., Sequence[Any]]
    name: str

    def run(self, arrays: Sequence[Any], types: Sequence[ArrayType]) -> tuple[Any, ...]:
        """Results on `arrays`, which are copied; raises TypeError unless they have these types.
        Python numbers take on the dtype."""
        results = self.function(*[np.array(array) for array in arrays])
        if len(results) != len(types):
            raise TypeError(
                f"{self.name} must return {len(types)} arrays; it returned {len(results)}"
            )
        return tuple([self._checked(r, t) for r, t in zip(results, types, strict=True)])

    def _checked(self, result: Any, expected: ArrayType) -> Any:
        array = np.asarray(result)
        weak = isinstance(result, (bool, int, float, complex)) and not isinstance(
            result, np.generic
        )
        if array.shape != expected.shape or (array.dtype != expected.dtype and not weak):
            raise TypeError(
                f"{self.name} must return {expected!r}, as its call says; it returned an array of "
                f"shape {array.shape} and dtype {array.dtype}"
            )
        return array.astype(expected.dtype, copy=False)

    def __call__(self, signature: str, address: int) -> None:
        """What native code calls: types as text, and where the addresses of operands and results
        are."""
        arrays, places = arrays_at(signature, address)
        outs = self.run(arrays, _parsed(signature)[1])
        for place, out in zip(places, outs, strict=True):
            place[...] = out

    def __repr__(self) -> str:
        return f"<{self.name}>"


def arrays_at(signature: str, address: int) -> tuple[list[Any], list[Any]]:
    """The operands and the results that a call from native code is about, in their memory."""
    operands, results = _parsed(signature)
    types = (*operands, *results)
    places = (ctypes.c_void_p * len(types)).from_address(address)
    arrays = [_at(place, t) for place, t in zip(places, types, strict=True)]
    return arrays[: len(operands)], arrays[len(operands) :]


def _at(address: int | None, type: ArrayType) -> Any:
    """The array in memory at `address`."""
    if type.size == 0 or address is None:
        return np.empty(type.shape, type.dtype)
    memory: Any = (ctypes.c_char * type.nbytes).from_address(address)
    return np.frombuffer(memory, type.dtype).reshape(type.shape)


@lru_cache(maxsize=1024)
def _parsed(signature: str) -> tuple[Types, Types]:
    """Types of operands and results from "f64[3] f64[] -> f64[3]"."""
    before, after = [
        tuple([parse_type(word) for word in part.split()]) for part in signature.split("->")
    ]
    return before, after


def signature_of(operands: Sequence[ArrayType], results: Sequence[ArrayType]) -> str:
    """Types of operands and results as `__call__` reads them: "f64[3] f64[] -> f64[3]"."""
    return " ".join([*map(repr, operands), "->", *map(repr, results)])


def _infer(*types: ArrayType, callback: Callback, results: Types, **_params: Any) -> Types:
    return results


def _evaluate(*arrays: Any, callback: Callback, results: Types, **_params: Any) -> Any:
    return callback.run(arrays, results)


def _emit(
    r: Any, *buffers: Any, callback: Callback, results: Types, ordered: bool = False, **_: Any
) -> None:
    *operands, outs = buffers
    signature = signature_of([b.type for b in operands], results)
    r.call_python(callback, signature, [*operands, *outs])


def _no_rule(kind: str) -> Any:
    """The jvp of a callback: there is none, unless no result could have a tangent."""

    def jvp(
        tangents: Sequence[Value | None],
        outs: Sequence[Value],
        *operands: Value,
        callback: Callback,
        **_params: Any,
    ) -> list[None]:
        if any([out.type.is_inexact for out in outs]):
            source = current_builder().source
            where = f"\n  from {source}" if source is not None else ""
            raise ValueError(
                f"{kind} of {callback.name}: a Python function has no derivative rule. Give one by "
                f"custom_jvp or custom_vjp, or put stop_gradient around its arguments{where}"
            )
        return [None] * len(outs)

    return jvp


def _batch_pure(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    callback: Callback,
    results: Types,
    vmap_method: str | None,
) -> tuple[Value, ...]:
    params: dict[str, Any] = {"callback": callback, "vmap_method": vmap_method}
    if vmap_method is None:
        raise NotImplementedError(
            f"vmap of pure_callback of {callback.name} needs a vmap_method: 'sequential' calls it "
            "for each lane, 'expand_dims' and 'broadcast_all' once with a leading axis"
        )
    if vmap_method.startswith("sequential"):
        return lane_by_lane(pure_callback, size, batched, operands, {**params, "results": results})
    given: Sequence[Value] = operands
    if vmap_method == "broadcast_all":
        given = batch_to_front(size, batched, operands)
    elif vmap_method == "expand_dims":
        given = [
            v if has_axis else OPS["reshape"](v, shape=(1, *v.shape))
            for v, has_axis in zip(operands, batched, strict=True)
        ]
    wide = tuple([t.with_shape((size, *t.shape)) for t in results])
    return pure_callback(*given, **params, results=wide)


def _batch_io(
    size: int, batched: Sequence[bool], *operands: Value, **params: Any
) -> tuple[Value, ...]:
    return lane_by_lane(io_callback, size, batched, operands, params)


def _transpose_io(cts: Sequence[Value | None], *operands: Any, callback: Callback, **_: Any) -> Any:
    """Of a tangent: reverse mode has no tangents, so that prints of them drop out."""
    raise TypeError(f"io_callback of {callback.name} is not linear in its arguments")


pure_callback = Op(
    name="pure_callback",
    doc="A Python function without effects, applied to the operands; see the module.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=Joint(_no_rule("pure_callback")),
    transpose=NONLINEAR,
    batch=_batch_pure,
    lower=Routine(_emit, calls_python=True),
    samples=(),
    multiple_results=True,
)

io_callback = Op(
    name="io_callback",
    doc="A Python function with effects, applied to the operands; see the module.",
    infer=_infer,
    evaluate=_evaluate,
    jvp=Joint(_no_rule("io_callback")),
    transpose=Joint(_transpose_io),
    batch=_batch_io,
    lower=Routine(_emit, calls_python=True),
    samples=(),
    multiple_results=True,
    effect=True,
)
