"""Programs: frozen graphs in static single assignment form, and the builder that makes them.

A `Graph` maps its `inputs` to its `outputs` by `equations` in order. An `Equation` applies an `Op`
to operands, with static `params` and, for structured ops, `regions` (sub-graphs). Nothing is
mutated once built: a pass reads one Graph and builds another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from .types import ARRAY_TYPES, ArrayType, DType, Shape

if TYPE_CHECKING:
    from .op import Op

Params: TypeAlias = Mapping[str, Any]
Number: TypeAlias = bool | int | float | complex


class Typed:
    """What has an array type."""

    __slots__ = ("type",)

    type: ArrayType

    def __init__(self, type: ArrayType) -> None:
        self.type = type

    @property
    def dtype(self) -> DType:
        """Dtype of its type."""
        return self.type.dtype

    @property
    def shape(self) -> Shape:
        """Shape of its type."""
        return self.type.shape

    @property
    def ndim(self) -> int:
        """Number of axes of its type."""
        return len(self.type.shape)


class Value(Typed):
    """The result of an equation or an input of a graph. Compared by identity."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self.type!r} at {id(self):#x}>"


class Source:
    """Where in the user's program an equation was traced: file, line and function."""

    __slots__ = ("file", "function", "line")

    def __init__(self, file: str, line: int, function: str) -> None:
        self.file = file
        self.line = line
        self.function = function

    def __repr__(self) -> str:
        return f"{self.file}:{self.line} ({self.function})"


class Equation:
    """`outputs = op(operands, **params)`, with `regions` for structured ops. Never mutated."""

    __slots__ = ("op", "operands", "outputs", "params", "regions", "source")

    op: Op
    operands: tuple[Value, ...]
    params: Params
    outputs: tuple[Value, ...]
    regions: tuple[Graph, ...]
    source: Source | None

    def __init__(
        self,
        op: Op,
        operands: tuple[Value, ...],
        params: Params,
        outputs: tuple[Value, ...],
        regions: tuple[Graph, ...] = (),
        source: Source | None = None,
    ) -> None:
        self.op = op
        self.operands = operands
        self.params = params
        self.outputs = outputs
        self.regions = regions
        self.source = source

    @property
    def acts(self) -> bool:
        """Whether it does something besides giving results: prints, calls back."""
        if self.op.effect or not self.regions:
            return self.op.effect
        return any([region.acts for region in self.regions[: self.op.runs]])

    def __repr__(self) -> str:
        from .text import equation_text  # noqa: PLC0415  (only a debugger's view)

        return equation_text(self)


class Graph:
    """A frozen program `inputs -> outputs`. Equal to another if both have the same structure."""

    __slots__ = ("_acts", "_key", "equations", "inputs", "name", "outputs")

    name: str
    inputs: tuple[Value, ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Value, ...]

    def __init__(
        self,
        inputs: Sequence[Value],
        equations: Sequence[Equation],
        outputs: Sequence[Value],
        name: str = "f",
    ) -> None:
        self.inputs = tuple(inputs)
        self.equations = tuple(equations)
        self.outputs = tuple(outputs)
        self.name = name
        self._key: tuple[Any, ...] | None = None
        self._acts: bool | None = None

    @property
    def acts(self) -> bool:
        """Whether running it does something besides giving results."""
        if self._acts is None:
            self._acts = any([eq.acts for eq in self.equations])
        return self._acts

    @property
    def input_types(self) -> tuple[ArrayType, ...]:
        """Types of the inputs, in order."""
        return tuple(v.type for v in self.inputs)

    @property
    def output_types(self) -> tuple[ArrayType, ...]:
        """Types of the outputs, in order."""
        return tuple(v.type for v in self.outputs)

    @property
    def key(self) -> tuple[Any, ...]:
        """Hashable structure: equal for graphs that differ only in the identity of values."""
        if self._key is None:
            self._key = _structure(self)
        return self._key

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return self.key == other.key if isinstance(other, Graph) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        from .text import graph_text  # noqa: PLC0415  (only a debugger's view)

        return graph_text(self)


def param_key(param: Any) -> Any:
    """A hashable stand-in for one static parameter; arrays by dtype, shape and bytes."""
    kind = cast("type[Any]", type(param))
    if kind is int or kind is str:
        return param
    if kind is tuple:
        return tuple([param_key(item) for item in param])
    if kind is float:
        return ("float", param.hex())
    if kind is bool or kind is complex:
        return (kind.__name__, repr(param))
    if isinstance(param, ARRAY_TYPES):
        return (param.dtype.str, param.shape, param.tobytes())
    return param


def params_key(params: Params) -> tuple[Any, ...]:
    """A hashable stand-in for an equation's params, independent of their order."""
    return tuple([(name, param_key(params[name])) for name in sorted(params)])


def _structure(graph: Graph) -> tuple[Any, ...]:
    number: dict[Value, int] = {}
    for value in graph.inputs:
        number[value] = len(number)
    rows: list[Any] = []
    for eq in graph.equations:
        operands = [number[v] for v in eq.operands]
        rows.append(
            (
                eq.op.name,
                *operands,
                params_key(eq.params) if eq.params else None,
                *[region.key for region in eq.regions],
            )
        )
        for value in eq.outputs:
            number[value] = len(number)
    return (graph.input_types, tuple(rows), tuple([number[v] for v in graph.outputs]))


class Builder:
    """Builds one Graph: make inputs, add equations, then `build` with the outputs.

    >>> from jitad_ir.ops import mul, sin
    >>> from jitad_ir.types import parse_type
    >>> builder = Builder("f")
    >>> x = builder.input(parse_type("f64[]"))
    >>> with building(builder):
    ...     y = mul(sin(x), x)
    >>> builder.build([y])
    graph f(a: f64[]) {
      b: f64[] = sin(a)
      c: f64[] = mul(b, a)
      return c
    }
    """

    __slots__ = ("equations", "inputs", "name", "source")

    def __init__(self, name: str = "f") -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.equations: list[Equation] = []
        self.source: Source | None = None
        """Source given to equations added from now on."""

    def input(self, type: ArrayType) -> Value:
        """A new input of the given type."""
        value = Value(type)
        self.inputs.append(value)
        return value

    def add(
        self,
        op: Op,
        operands: tuple[Value, ...],
        params: Params,
        regions: tuple[Graph, ...] = (),
    ) -> tuple[Value, ...]:
        """Append `op(*operands, **params)` and return its results; raises TypeMismatch."""
        types = op.types_of([v.type for v in operands], params, regions)
        outputs = tuple([Value(t) for t in types])
        self.equations.append(Equation(op, operands, params, outputs, regions, self.source))
        return outputs

    def replay(self, eq: Equation, operands: tuple[Value, ...]) -> tuple[Value, ...]:
        """Append `eq` on other operands of the same types, without running its type rule."""
        outputs = tuple([Value(v.type) for v in eq.outputs])
        self.equations.append(Equation(eq.op, operands, eq.params, outputs, eq.regions, eq.source))
        return outputs

    def inline(self, graph: Graph, operands: Sequence[Value]) -> tuple[Value, ...]:
        """Append a copy of `graph` applied to `operands`; returns its outputs."""
        if len(operands) != len(graph.inputs):
            raise ValueError(
                f"graph {graph.name} takes {len(graph.inputs)} inputs; got {len(operands)}"
            )
        env: dict[Value, Value] = dict(zip(graph.inputs, operands, strict=True))
        for eq in graph.equations:
            outputs = self.replay(eq, tuple([env[v] for v in eq.operands]))
            env.update(zip(eq.outputs, outputs, strict=True))
        return tuple([env[v] for v in graph.outputs])

    def build(self, outputs: Iterable[Value]) -> Graph:
        """The frozen Graph with these outputs."""
        return Graph(self.inputs, self.equations, tuple(outputs), self.name)


class _Current(threading.local):
    builder: Builder | None = None


_current = _Current()


class building:  # noqa: N801  (a context manager, named like a function)
    """Within this context, calling an op on Values appends to `builder` (one per thread)."""

    __slots__ = ("_builder", "_outer")

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._outer: Builder | None = None

    def __enter__(self) -> Builder:
        self._outer = _current.builder
        _current.builder = self._builder
        return self._builder

    def __exit__(self, *_error: object) -> None:
        _current.builder = self._outer


def current_builder() -> Builder:
    """The builder that ops called on Values append to; raises RuntimeError outside `building`."""
    builder = _current.builder
    if builder is None:
        raise RuntimeError("an op was called on Values outside `with building(builder):`")
    return builder
