"""How native code computes an op: the kinds of the slot `lower` of an op's record.

The planner decides by these kinds what is computed together. Their `emit` rules receive emitters
(see `jitad_ir.native`), which compute on `Lanes`: one element, or a SIMD register of them. Ops
never import LLVM.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .graph import Number
from .types import DType

Rule: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Elementwise:
    """Result element i depends on element i of each operand: `emit(b, *lanes, **params)` gives the
    result's Lanes through the scalar/SIMD emitter `b`. `dear` marks what is not worth computing
    twice (transcendental functions)."""

    emit: Rule
    dear: bool = False


def _one(**_params: Any) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class Pull:
    """Result element at an index is read from operand elements at computed indices:
    `emit(m, index, *operands, result=ArrayType, **params) -> Lanes`.

    The rule runs while a kernel is planned: m records what it does (see `plan.tracing`), and Lanes
    are stand-ins with a dtype. `index` is a tuple with, for each axis of the result, an int where
    it is known or an `Index`: an expression of loop counters that takes + - with ints and Index,
    and * // % with ints (divisors positive). `operands[i](index)` gives the Lanes of operand i at a
    tuple of such, and `operands[i].type` its type.

    `m.number(i)` turns an index into int64 Lanes, `m.index(lanes)` integer Lanes into an index, to
    be bounded by `m.clamp(i, lo, hi)` (lo <= i <= hi, both included). `m.inside(i, lo, hi)` is the
    flag lo <= i < hi, a plain bool where the ranges of the counters decide it; `m.all(*flags)`;
    `m.choose(flag, then, otherwise)` with callables giving Lanes, of which the one not chosen is
    not read. `m.constant_array(array, index)` is an element of a given array; `m.flatten(index,
    shape)` and `m.unflatten(number, shape)` convert to and from row-major numbers. `m.b` has the
    methods of the Emitter.

    Every read must be in bounds wherever it is reached. `terms(**params)` is the number of elements
    of an operand that an element of the result is computed from, where it is more than one."""

    emit: Rule
    terms: Rule = _one


@dataclass(frozen=True, slots=True)
class Reduction:
    """Result element is a fold over the axes in param `axes`, in a fixed order:
    `combine(b, x, y)` folds Lanes; `identity(dtype) -> Number` starts it."""

    combine: Rule
    identity: Callable[[DType], Number]


@dataclass(frozen=True, slots=True)
class ArgReduction:
    """Result element is the index of the first element along param `axis` that wins:
    `better(b, x, y)` is bool Lanes, true where candidate y beats the holder x. Nothing is beaten
    by `identity(dtype)`."""

    better: Rule
    identity: Callable[[DType], Number]


@dataclass(frozen=True, slots=True)
class Cumulative:
    """Result element i along param `axis` folds elements 0..i (i..n-1 if param `reverse`):
    `combine(b, carry, x)`. If it is associative, `identity(dtype)` is what it leaves others
    unchanged with: then elements may be folded in another order."""

    combine: Rule
    identity: Callable[[DType], Number] | None = None


@dataclass(frozen=True, slots=True)
class Routine:
    """Whole arrays at once: `emit(r, *operands, results, **params)` writes every element of each
    result. `r` is the routine emitter: loops, loads and stores on buffers, library calls by name;
    `operands[i]` and `results[j]` are buffers (`.type`, `.pointer`). `workspace(*operand_types,
    **params) -> bytes` of scratch memory, passed as `r.workspace`."""

    emit: Rule
    workspace: Rule = lambda *_types, **_params: 0
    overwrites: int | None = None
    """An operand whose buffer the result may have, where nobody reads the operand afterwards:
    `emit` then gets one pointer for both."""
    reuses: Rule = lambda *_types, **_params: None
    """`reuses(*operand_types, **params)`: an operand whose buffer a result may have where that is
    of no use afterwards, None for none: any result of its dtype and size. All of the result is
    written, as without: `emit` copies the operand there first, which is then no work, or is through
    with it (with each of its problems or rows) before it writes such a result (there)."""
    flops: Rule | None = None
    """`flops(*operand_types, **params)`: floating point operations on reals, for `explain`; None:
    not counted."""
    parts: Rule = lambda *_types, **_params: 1
    """`parts(*operand_types, **params)`: how many parts `emit` shares out among threads."""
    calls_python: bool = False
    """Whether `emit` calls Python, where an exception may end the program."""
    problem_axes: int | None = None
    """Trailing axes of the first operand that are one problem, if the axes before them, which all
    operands and results have in front, only number problems that do not depend on each other."""


@dataclass(frozen=True, slots=True)
class Structured:
    """A loop or a branch: its regions become plans inside of the plan. `step` names the kind of
    step: "loop", "branch", "while_loop" or "wavefront"."""

    step: str
