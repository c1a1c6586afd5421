"""A Plan: what native code does, step by step, and in which memory.

The steps run one after the other. A `Kernel` is a nest of loops around a scalar expression: a DAG
of nodes, numbered in order, that reads buffers at offsets which are expressions of the loop
counters (see `index`), stores elements and folds others. A `RoutineCall` is one equation on whole
arrays. Steps that hold Plans of their own, loops and branches, are in `structures`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from ..graph import Equation
from ..lowering import ArgReduction, Cumulative, Reduction, Rule
from ..types import ArrayType, DType
from .index import Position
from .structures import Branch, Loop, WhileLoop
from .wavefront import Wavefront


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory that holds one array, C-contiguous.

    `place` says where: the number of the input, output or constant, or the offset in bytes of a
    temporary in the workspace, or in the memory of output `host` that is not written yet.
    """

    type: ArrayType
    kind: Literal["input", "output", "constant", "workspace"]
    place: int
    host: int | None = None

    @property
    def name(self) -> str:
        """The buffer in the plan's text."""
        if self.host is not None:
            return f"out{self.host}@{self.place}"
        return f"{_KINDS[self.kind]}{self.place}"


_KINDS = {"input": "in", "output": "out", "constant": "const", "workspace": "work@"}


@dataclass(frozen=True, slots=True)
class Read:
    """The element number `offset` of a buffer. Where node `mask` is false, nothing is read and
    the result is arbitrary."""

    dtype: DType
    buffer: int
    offset: Position
    mask: int | None = None


@dataclass(frozen=True, slots=True)
class Apply:
    """`emit(b, *operands, **params)`: the elementwise rule of an op, or a method of the emitter."""

    dtype: DType
    name: str
    emit: Rule
    operands: tuple[int, ...]
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    dear: bool = False


@dataclass(frozen=True, slots=True)
class Constant:
    """A number known when the plan is made."""

    dtype: DType
    number: Any


@dataclass(frozen=True, slots=True)
class Number:
    """The value of an index expression, an int64."""

    dtype: DType
    index: Position


@dataclass(frozen=True, slots=True)
class Inside:
    """low <= index < high, a bool."""

    dtype: DType
    index: Position
    low: int
    high: int


Node: TypeAlias = Read | Apply | Constant | Number | Inside


@dataclass(frozen=True, slots=True)
class Store:
    """Element number `offset` of a buffer becomes the value of a node."""

    buffer: int
    offset: Position
    node: int


@dataclass(frozen=True, slots=True)
class Fold:
    """A fold of a node's values over some of the loops, stored at `offset` of a buffer.

    `offset` has no counter of `loops`, unless the fold is a running one (`Cumulative`), which
    stores each partial result. `position` is the number that an `ArgReduction` gives an element.
    """

    name: str
    lower: Reduction | ArgReduction | Cumulative
    node: int
    loops: tuple[int, ...]
    buffer: int
    offset: Position
    result: DType
    reverse: bool = False
    position: Position = 0


@dataclass(frozen=True, slots=True)
class Kernel:
    """Loops of the given `lengths`, all around one body: `nodes`, `stores`, `folds`.

    Iterations are independent but for the folds, and may run in any order; an iteration may run
    twice unless it is folded. A buffer that is both read and written is read in each iteration
    only where this one writes. Without loops, a kernel is straight-line code. `equations` are
    those that the kernel computes, in program order.
    """

    lengths: tuple[int, ...]
    nodes: tuple[Node, ...]
    stores: tuple[Store, ...]
    folds: tuple[Fold, ...]
    equations: tuple[Equation, ...]

    @property
    def writes(self) -> tuple[int, ...]:
        """Buffers written, without repetition."""
        return tuple(dict.fromkeys([w.buffer for w in (*self.stores, *self.folds)]))

    @property
    def reads(self) -> tuple[int, ...]:
        """Buffers read, without repetition."""
        return tuple(dict.fromkeys([n.buffer for n in self.nodes if isinstance(n, Read)]))


@dataclass(frozen=True, slots=True)
class RoutineCall:
    """An equation whose op is lowered as a `Routine`. The buffers have the elements of its operands
    and results, but may have other shapes (those of reshapes); `scratch` is a workspace buffer of
    the bytes it asks for, None if it asks for none."""

    equation: Equation
    operands: tuple[int, ...]
    results: tuple[int, ...]
    scratch: int | None = None

    @property
    def writes(self) -> tuple[int, ...]:
        """Buffers written, without repetition."""
        scratch = () if self.scratch is None else (self.scratch,)
        return (*self.results, *scratch)

    @property
    def reads(self) -> tuple[int, ...]:
        """Buffers read, without repetition."""
        return tuple(dict.fromkeys(self.operands))


Step: TypeAlias = Kernel | RoutineCall | Loop | Branch | WhileLoop | Wavefront


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a program, its buffers, and the bytes of workspace they take."""

    name: str
    buffers: tuple[Buffer, ...]
    steps: tuple[Step, ...]
    constants: tuple[np.ndarray[Any, Any], ...]
    workspace_bytes: int
    input_types: tuple[ArrayType, ...]
    output_types: tuple[ArrayType, ...]
    straight: bool = False
    """One kernel without loops, which reads the carry of a loop at known places only: the carry can
    live in registers."""
    in_place: Mapping[int, int] = field(default_factory=dict[int, int])
    """Outputs that lie in the memory of an input: output k in that of input `in_place[k]`."""

    @property
    def memory_bytes(self) -> int:
        """Bytes that a call takes at once: its results and its workspace. The tape of a while loop
        comes on top: its bytes a step, times at most twice the steps taken."""
        return self.workspace_bytes + sum(type.nbytes for type in self.output_types)

    def text(self) -> str:
        """The plan in words: every step with what it costs, the expression of each kernel."""
        from .text import plan_text  # noqa: PLC0415  (text reads the records defined here)

        return plan_text(self)

    def __repr__(self) -> str:
        return self.text()
