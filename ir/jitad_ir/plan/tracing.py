"""From values at symbolic indices to the expression of a kernel.

The tracer asks for the element of a value at an index. The element of an elementwise equation is
its rule applied to the operands' elements at the same index. That of a `Pull` is found by running
its rule with a map emitter that records: `MapEmitter` is the `m` of the protocol in `op.Pull`.
Elements are kept by value and index, so that none is computed twice in one kernel.

An index is a tuple of `int | Index`. Conditions that the ranges of the counters decide are decided
here (`m.inside` gives a plain bool, `m.choose` takes one branch only). What remains of a choice
reads both branches, each under a mask, and selects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from ..graph import Equation, Value
from ..lowering import Elementwise, Pull, Reduction
from ..types import BOOL, INT64, ArrayType, DType
from . import index as ix
from .index import Index, Position
from .steps import Apply, Constant, Inside, Node, Number, Read

At: TypeAlias = tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Element:
    """What stands for Lanes while a kernel is traced: a node and its dtype."""

    node: int
    dtype: DType


Flag: TypeAlias = bool | Element


class Tracer:
    """Nodes of one kernel.

    `locate(value)` gives the number of the buffer to read a value from, or None where it is to be
    expanded by the equation `producers[value]`. `intern(array)` numbers the buffer of a constant.
    """

    def __init__(
        self,
        producers: dict[Value, Equation],
        locate: Callable[[Value], int | None],
        intern: Callable[[np.ndarray[Any, Any]], int],
    ) -> None:
        self.nodes: list[Node] = []
        self.producers = producers
        self.locate = locate
        self.intern = intern
        self.map = MapEmitter(self)
        self._elements: dict[tuple[Value, At, tuple[Any, ...]], Element] = {}
        self._unique: dict[tuple[Any, ...], Element] = {}
        self._masks: tuple[tuple[int, bool], ...] = ()
        """Conditions under which reads happen: (node, whether it must be true or false)."""
        self._masked_reads = 0

    def add(self, node: Node) -> Element:
        """Append a node."""
        self.nodes.append(node)
        return Element(len(self.nodes) - 1, node.dtype)

    def once(self, key: tuple[Any, ...], make: Callable[[], Node]) -> Element:
        """The node of this key, appended on first demand."""
        found = self._unique.get(key)
        if found is None:
            found = self._unique[key] = self.add(make())
        return found

    def element(self, value: Value, at: At) -> Element:
        """The element of `value` at an index."""
        found = self._elements.get((value, at, ()))
        if found is None and self._masks:
            found = self._elements.get((value, at, self._masks))
            # What is computed from it holds under these masks only, too.
            self._masked_reads += found is not None
        if found is None:
            before = self._masked_reads
            found = self._trace(value, at)
            masks = self._masks if self._masked_reads > before else ()
            self._elements[value, at, masks] = found
        return found

    def _trace(self, value: Value, at: At) -> Element:
        buffer = self.locate(value)
        if buffer is not None:
            return self.read(buffer, value.type, at)
        eq = self.producers[value]
        lower = eq.op.lower
        if isinstance(lower, Elementwise):
            operands = tuple([self.element(v, at).node for v in eq.operands])
            return self.add(
                Apply(value.dtype, eq.op.name, lower.emit, operands, eq.params, lower.dear)
            )
        if isinstance(lower, Pull):
            readers = [Reader(self, v) for v in eq.operands]
            return lower.emit(self.map, at, *readers, result=value.type, **eq.params)
        if isinstance(lower, Reduction):
            return self._unrolled(eq, lower, at)
        raise AssertionError(f"{eq.op.name} is not computed element by element")

    def _unrolled(self, eq: Equation, lower: Reduction, at: At) -> Element:
        """A small reduction as straight-line code, neighbours folded first."""
        (operand,) = eq.operands
        axes = eq.params["axes"]
        if operand.type.size == 0:
            return self.constant(operand.dtype, lower.identity(operand.dtype))
        kept = iter(at)
        ranges = [
            range(n) if axis in axes else (next(kept),) for axis, n in enumerate(operand.shape)
        ]
        row = [self.element(operand, index) for index in product(*ranges)]
        while len(row) > 1:
            paired = [
                self.add(Apply(x.dtype, f"{eq.op.name}.combine", lower.combine, (x.node, y.node)))
                for x, y in zip(row[::2], row[1::2], strict=False)
            ]
            row = paired + row[len(paired) * 2 :]
        return row[0]

    def read(self, buffer: int, type: ArrayType, at: At) -> Element:
        """Read from a buffer, under the masks in force if that might be out of bounds."""
        # Along an axis of length 1 there is one place to read, wherever an index points that is
        # not chosen.
        at = tuple([0 if n == 1 else position for position, n in zip(at, type.shape, strict=True)])
        offset = ix.flatten(at, type.shape)
        mask = None
        if self._masks and not ix.within(offset, 0, type.size):
            mask = self._mask()
            self._masked_reads += 1
        return self.once(
            ("read", buffer, offset, mask), lambda: Read(type.dtype, buffer, offset, mask)
        )

    def constant(self, dtype: DType, number: Any) -> Element:
        """A literal."""
        scalar = np.asarray(number).astype(dtype)[()]
        key = ("constant", dtype.char, scalar.tobytes())
        return self.once(key, lambda: Constant(dtype, scalar))

    def call(self, name: str, dtype: DType, *arguments: Any) -> Element:
        """A method of the emitter; Elements among the arguments become operands."""
        operands = tuple([a.node for a in arguments if isinstance(a, Element)])
        others = tuple([a for a in arguments if not isinstance(a, Element)])
        return self.add(Apply(dtype, name, MethodCall(name, others), operands))

    def choose(
        self, condition: Element, then: Callable[[], Element], otherwise: Callable[[], Element]
    ) -> Element:
        """Both branches, each reading only where it is chosen."""
        outer = self._masks
        self._masks = (*outer, (condition.node, True))
        chosen = then()
        self._masks = (*outer, (condition.node, False))
        rejected = otherwise()
        self._masks = outer
        return self.call("select", chosen.dtype, condition, chosen, rejected)

    def _mask(self) -> int:
        """The conjunction of the masks in force."""
        total: Element | None = None
        for depth, (node, wanted) in enumerate(self._masks):
            key = ("mask", self._masks[: depth + 1])
            term = Element(node, BOOL)
            if not wanted:
                term = self.once(
                    ("not", node),
                    lambda node=node: Apply(
                        BOOL, "logical_not", MethodCall("bitwise_not", ()), (node,)
                    ),
                )
            if total is None:
                total = term
            else:
                both = Apply(BOOL, "and", MethodCall("bitwise_and", ()), (total.node, term.node))
                total = self.once(key, lambda node=both: node)
        assert total is not None
        return total.node


@dataclass(frozen=True, slots=True)
class MethodCall:
    """Rule that calls a method of the emitter: operands first, then static arguments."""

    name: str
    arguments: tuple[Any, ...]

    def __call__(self, b: Any, *lanes: Any) -> Any:
        return getattr(b, self.name)(*lanes, *self.arguments)


class Reader:
    """Operand of a Pull rule: called with an index, gives the element there."""

    __slots__ = ("_tracer", "_value", "type")

    def __init__(self, tracer: Tracer, value: Value) -> None:
        self._tracer = tracer
        self._value = value
        self.type = value.type

    def __call__(self, at: Sequence[Position]) -> Element:
        return self._tracer.element(self._value, tuple(at))


class MapEmitter:
    """The `m` of Pull rules. Flags are plain bools where they are known."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self.b = RecordingEmitter(tracer)

    def number(self, index: Position) -> Element:
        """The index as an int64."""
        if isinstance(index, int):
            return self._tracer.constant(INT64, index)
        return self._tracer.once(("number", index), lambda: Number(INT64, index))

    def index(self, element: Element) -> Position:
        """An integer element as an index; clamp it unless it is known to be in bounds."""
        node = self._tracer.nodes[element.node]
        if isinstance(node, Constant):
            return int(node.number)
        if isinstance(node, Number):
            return node.index
        if element.dtype != INT64:
            element = self._tracer.call("convert", INT64, element, INT64)
        return ix.dynamic(element.node)

    def clamp(self, index: Position, low: int, high: int) -> Position:
        """The index moved into low..high, both included."""
        return ix.clamp(index, low, high)

    def inside(self, index: Position, low: int, high: int) -> Flag:
        """low <= index < high."""
        known = ix.within(index, low, high)
        if known is not None:
            return known
        key = ("inside", index, low, high)
        return self._tracer.once(key, lambda: Inside(BOOL, index, low, high))

    def all(self, *flags: Flag) -> Flag:
        """The conjunction."""
        unknown = [flag for flag in flags if not isinstance(flag, bool)]
        if len(unknown) < len(flags) and not all(flag for flag in flags if isinstance(flag, bool)):
            return False
        if not unknown:
            return True
        total = unknown[0]
        for flag in unknown[1:]:
            total = self._tracer.call("bitwise_and", BOOL, total, flag)
        return total

    def choose(
        self, flag: Flag, then: Callable[[], Element], otherwise: Callable[[], Element]
    ) -> Element:
        """`then()` where the flag is true, else `otherwise()`; only that is read."""
        if isinstance(flag, bool):
            return then() if flag else otherwise()
        return self._tracer.choose(flag, then, otherwise)

    def constant_array(self, array: np.ndarray[Any, Any], at: Sequence[Position]) -> Element:
        """The element of a given array."""
        known = [position for position in at if isinstance(position, int)]
        if len(known) == len(at):
            return self._tracer.constant(array.dtype, array[tuple(known)])
        buffer = self._tracer.intern(array)
        return self._tracer.read(buffer, ArrayType(array.dtype, array.shape), tuple(at))

    def flatten(self, index: Sequence[Position], shape: tuple[int, ...]) -> Position:
        """Row-major number of the element at `index` of an array of `shape`."""
        return ix.flatten(tuple(index), shape)

    def unflatten(self, flat: Position, shape: tuple[int, ...]) -> At:
        """Inverse of `flatten`."""
        return ix.unflatten(flat, shape)


_PREDICATES = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "is_finite", "is_nan", "is_inf"})


class RecordingEmitter:
    """The `m.b` of Pull rules: each method of the Emitter, as a node."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def constant(self, dtype: DType, number: Any) -> Element:
        """A number known now."""
        return self._tracer.constant(dtype, number)

    def convert(self, x: Element, dtype: DType) -> Element:
        """`x` in another dtype."""
        return x if x.dtype == dtype else self._tracer.call("convert", dtype, x, dtype)

    def select(self, condition: Flag, x: Element, y: Element) -> Element:
        """x where the condition is true, else y."""
        if isinstance(condition, bool):
            return x if condition else y
        return self._tracer.call("select", x.dtype, condition, x, y)

    def __getattr__(self, name: str) -> Callable[..., Element]:
        if name.startswith("_"):
            raise AttributeError(name)

        def record(*arguments: Any) -> Element:
            dtype = BOOL if name in _PREDICATES else arguments[0].dtype
            return self._tracer.call(name, dtype, *arguments)

        return record


class Probe(Tracer):
    """A tracer that runs one Pull rule alone and notes where it reads each operand."""

    def __init__(self, eq: Equation) -> None:
        self.operands = [Value(v.type) for v in eq.operands]
        self.places: list[list[At]] = [[] for _ in eq.operands]
        numbers = {v: k for k, v in enumerate(self.operands)}
        self.array: np.ndarray[Any, Any] | None = None
        super().__init__({}, numbers.__getitem__, self._constant)
        self.at = tuple([ix.counter(k, n) for k, n in enumerate(eq.outputs[0].shape)])
        lower = eq.op.lower
        assert isinstance(lower, Pull)
        readers = [Reader(self, v) for v in self.operands]
        self.result: Element = lower.emit(
            self.map, self.at, *readers, result=eq.outputs[0].type, **eq.params
        )

    def _constant(self, array: np.ndarray[Any, Any]) -> int:
        self.array = array
        return len(self.operands)

    def read(self, buffer: int, type: ArrayType, at: At) -> Element:
        """Note the place of the read."""
        if buffer < len(self.places):
            self.places[buffer].append(at)
        return super().read(buffer, type, at)


def terms_of(eq: Equation) -> int:
    """Elements of an operand that a Pull computes an element of its result from."""
    lower = eq.op.lower
    return lower.terms(**eq.params) if isinstance(lower, Pull) else 1


def identity_map(eq: Equation) -> bool:
    """True if a one-operand Pull gives its operand's elements in their order: a reshape, and
    what amounts to one."""
    result = eq.outputs[0].type
    if len(eq.operands) != 1 or eq.operands[0].type.size != result.size:
        return False
    if result.size == 0:
        return False
    probe = Probe(eq)
    if len(probe.nodes) != 1 or len(probe.places[0]) != 1:
        return False
    if result.size == 1:
        return isinstance(probe.nodes[0], Read)
    offset = ix.flatten(probe.places[0][0], eq.operands[0].shape)
    return offset == ix.flatten(probe.at, result.shape)


def constant_of(eq: Equation) -> np.ndarray[Any, Any] | None:
    """The array that a Pull without operands gives as it is; None if it computes something."""
    probe = Probe(eq)
    if len(probe.nodes) != 1 or probe.array is None:
        return None
    (node,) = probe.nodes
    identity = ix.flatten(probe.at, eq.outputs[0].shape)
    return probe.array if isinstance(node, Read) and node.offset == identity else None


def tiles(eq: Equation) -> list[tuple[int, ...]] | None:
    """Where each operand lies in the result, if the Pull puts its operands side by side along
    one axis, as a concatenation does."""
    result = eq.outputs[0].type
    if sum(v.type.size for v in eq.operands) != result.size:
        return None
    probe = Probe(eq)
    if not all(isinstance(n, (Read, Inside)) or _chooses(n) for n in probe.nodes):
        return None
    corners: list[tuple[int, ...]] = []
    for operand, places in zip(eq.operands, probe.places, strict=True):
        if operand.type.size == 0:
            corners.append((0,) * len(probe.at))
            continue
        if len(places) != 1 or len(places[0]) != len(probe.at):
            return None
        shifts = [i - p for i, p in zip(probe.at, places[0], strict=True)]
        corner = tuple([shift for shift in shifts if isinstance(shift, int)])
        if len(corner) != len(shifts):
            return None
        corners.append(corner)
    along = {axis for corner in corners for axis, shift in enumerate(corner) if shift}
    if len(along) > 1:
        return None
    axis = along.pop() if along else 0
    end = 0
    for operand, corner in zip(eq.operands, corners, strict=True):
        if operand.type.size:
            if corner[axis] != end:
                return None
            end += operand.shape[axis]
    return corners


def _chooses(node: Node) -> bool:
    """True for the nodes that `m.choose` makes: selections and masks."""
    return isinstance(node, Apply) and node.name in ("select", "logical_not", "and")


__all__ = ["Element", "Index", "MapEmitter", "Tracer", "constant_of", "identity_map", "tiles"]


def reads_parts(eq: Equation, position: int) -> bool:
    """Whether a step reads operand `position` where it is, be it a part of an array: constants and
    rows of a loop, but not its carry."""
    if eq.op.name != "scan":
        return False
    first = eq.params["consts"]
    return not first <= position < first + eq.params["carries"]
