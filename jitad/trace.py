"""Tracing: a Python function, run on stand-ins for its arguments, becomes a Graph.

A `Trace` is an open program; a `Tracer` stands for one of its values. `apply` is the one door
through which operations happen: with no trace open it evaluates by NumPy; else it records an
equation in a trace.

Outside `jit` (in `grad`, `jvp`, `linearize`, ...) a trace is *concrete*: each tracer carries the
array it stands for, so that Python's `if`, `while` and `float` work along the path taken. Under
`jit`, `vmap` and in the bodies of loops it is *staged*: tracers have types only.

Traces nest. A tracer of an outer trace that an inner function closes over is lifted to an extra
input of the inner Graph (a capture), whose value the outer trace supplies when the Graph is applied
there. So every Graph is closed, and derivatives of inner functions treat captures as constants.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from jitad_ir.evaluate import evaluate_op
from jitad_ir.graph import Builder, Equation, Graph, Params, Source, Value
from jitad_ir.op import OPS, Op, as_result
from jitad_ir.passes.effects import silenced_equation
from jitad_ir.types import FLOAT16, ArrayType, TypeMismatch

from .argument_types import common_type, type_of_argument, type_or_none
from .array import as_array
from .errors import LeakedTracerError, at_user_line, user_source
from .loops import run_equation
from .settings import config
from .tracer import Tracer


class _State(threading.local):
    trace: Trace | None = None
    """The innermost open trace of this thread."""


_state = _State()

_SHORT = 64
"""Arrays of at most this many elements are constants of the bodies that close over them."""

_RULE_DEPTH = 3
"""To what depth a rule that calls its own function is traced where less is known to be needed."""


class BatchAxis(NamedTuple):
    """A batch axis that collectives may name, and its length."""

    name: object
    size: int


class Trace(Builder):
    """A program being recorded. `name` is that of the traced function."""

    __slots__ = (
        "_literals",
        "axis",
        "captures",
        "concrete",
        "defers",
        "is_body",
        "is_open",
        "known",
        "level",
        "mutes",
        "orders",
        "parent",
    )

    def __init__(
        self,
        name: str,
        parent: Trace | None,
        concrete: bool,
        axis: BatchAxis | None = None,
        is_body: bool = False,
        mutes: bool = False,
        defers: bool | None = None,
        orders: int = 0,
    ) -> None:
        super().__init__(name)
        self.defers: bool = (parent is not None and parent.defers) if defers is None else defers
        """Whether derivatives and batches are recorded as they are asked for, to be derived when
        the program is compiled, if it has to be. None: if the trace around this one does so."""
        self.mutes = mutes or (parent is not None and parent.mutes)
        """Whether effects are recorded only, in a concrete trace: they happen when the program is
        applied. In other concrete traces they happen now, and are not recorded."""
        self.is_body = is_body or (parent is not None and parent.is_body)
        """Whether this is the body of a loop or a branch, which captures long arrays: its operand
        is the array itself, not a copy in each trace of it."""
        self.orders: int = orders + (0 if parent is None else parent.orders)
        """How often the program is going to be differentiated, by those that opened this trace and
        the ones around it."""
        self.parent = parent
        self.level: int = 0 if parent is None else parent.level + 1
        self.concrete = concrete and (parent is None or parent.concrete)
        self.axis = axis
        """The batch axis that collectives in this trace may name (under vmap)."""
        self.known: dict[Value, Any] = {}
        """The array that each value stands for, in a concrete trace."""
        self.is_open = True
        self.captures: dict[int, tuple[Any, Value]] = {}
        """Outer tracers in use here (in a concrete trace also arrays), by identity, with the
        inputs that stand for them."""
        self._literals: dict[Any, tuple[Any, Value]] = {}

    def argument(self, type: ArrayType, concrete: Any = None, weak: bool = False) -> Tracer:
        """A tracer for a new input of the program; `concrete` is what it stands for."""
        value = self.input(type)
        if not self.concrete:
            return Tracer(self, value, None, weak)
        if isinstance(concrete, Tracer):
            concrete = concrete.concrete
        elif not isinstance(concrete, (np.ndarray, np.generic)):
            concrete = type.dtype.type(concrete)
        self.known[value] = concrete
        return Tracer(self, value, concrete, weak)

    def lift(self, arg: Any, like: ArrayType | None = None) -> tuple[Value, Any]:
        """The value that stands for `arg` here, and its array (None in a staged trace).

        `arg` is a tracer of this or an outer trace, an array, a NumPy scalar, or a Python number,
        which becomes an array of type `like`.
        """
        if isinstance(arg, Tracer):
            if arg.owner is self:
                return arg.value, arg.concrete
            return self._capture(arg), arg.concrete
        if isinstance(arg, (np.ndarray, np.generic)):
            return self._constant(arg), arg
        assert like is not None, f"{type(arg).__name__} is neither a tracer nor an array"
        value = self._number(arg, like)
        return value, self.known.get(value)

    def _capture(self, outer: Any) -> Value:
        held = self.captures.get(id(outer))
        if held is None:
            if isinstance(outer, Tracer):
                check_open(outer)
            held = self.captures[id(outer)] = (outer, Value(type_of_argument(outer)))
            if self.concrete:
                self.known[held[1]] = outer.concrete if isinstance(outer, Tracer) else outer
        return held[1]

    def _constant(self, array: Any) -> Value:
        if self.concrete or (self.is_body and array.size > _SHORT):
            return self._capture(array)
        if array.ndim == 0:
            return self._number(array.item(), ArrayType(array.dtype, ()))
        held = self._literals.get(id(array))
        if held is None:
            copy = np.array(array, copy=True, order="C", subok=False)
            copy.flags.writeable = False
            (value,) = self.add(OPS["constant"], (), {"value": copy})
            held = self._literals[id(array)] = (array, value)
        return held[1]

    def _number(self, number: Any, like: ArrayType) -> Value:
        if self.concrete:
            return self._known_number(number, like)
        key = (repr(number), like)
        held = self._literals.get(key)
        if held is None:
            params = {"value": number, "shape": like.shape, "dtype": like.dtype}
            held = self._literals[key] = (number, self.add(OPS["full"], (), params)[0])
        return held[1]

    def _known_number(self, number: Any, like: ArrayType) -> Value:
        """An input for the number: programs that differ in numbers only share their derivatives."""
        value = Value(like)
        scalar = like.dtype.type(number)
        array = np.full(like.shape, scalar) if like.shape else scalar
        self.known[value] = array
        self.captures[id(value)] = (array, value)
        return value

    def record(
        self, op: Op, args: Sequence[Any], params: dict[str, Any], regions: tuple[Graph, ...] = ()
    ) -> tuple[Tracer, ...]:
        """Append `op(*args, **params)`; evaluated at once in a concrete trace."""
        if not self.concrete or config.watches:
            self.source = user_source(3)
        operands: list[Value] = []
        arrays: list[Any] = []
        like: ArrayType | None = None
        for arg in args:
            if type(arg) is Tracer and arg.owner is self:
                operands.append(arg.value)
                arrays.append(arg.concrete)
                continue
            if like is None:
                like = common_type(args)
            value, array = self.lift(arg, like)
            operands.append(value)
            arrays.append(array)
        try:
            outputs = self.add(op, tuple(operands), params, regions)
        except TypeMismatch as error:
            raise TypeMismatch(at_user_line(str(error))) from None
        if not self.concrete:
            return tuple([Tracer(self, value, None) for value in outputs])
        if not op.multiple_results and not regions:
            (out,) = outputs
            if out.type.dtype == FLOAT16:
                (result,) = evaluate_op(op, arrays, params, (out.type,))
            else:
                result = as_result(op.evaluate(*arrays, **params), out.type)
            if config.watches:
                self._check(arrays, (result,))
            self.known[out] = result
            return (Tracer(self, out, result),)
        results = self._run_last(arrays)
        self.known.update(zip(outputs, results, strict=True))
        return tuple([Tracer(self, v, a) for v, a in zip(outputs, results, strict=True)])

    def record_graph(self, graph: Graph, args: Sequence[Any]) -> list[Tracer]:
        """Append a copy of `graph` applied to `args`; evaluated at once in a concrete trace."""
        lifted = [self.lift(a, v.type) for a, v in zip(args, graph.inputs, strict=True)]
        env = {v: value for v, (value, _) in zip(graph.inputs, lifted, strict=True)}
        for eq in graph.equations:
            operands = tuple([env[v] for v in eq.operands])
            outputs = self.replay(eq, operands)
            env.update(zip(eq.outputs, outputs, strict=True))
            if self.concrete:
                arrays = self._run_last([self.known[v] for v in operands])
                self.known.update(zip(outputs, arrays, strict=True))
        return [Tracer(self, env[v], self.known.get(env[v])) for v in graph.outputs]

    def _run_last(self, arrays: Sequence[Any]) -> Sequence[Any]:
        """Results of the last equation; its effects happen here or are left to be recorded."""
        eq = self.equations[-1]
        if not eq.acts:
            results = run_equation(eq, arrays)
            if config.watches:
                self._check(arrays, results)
            return results
        quiet = silenced_equation(eq)
        if not self.mutes:
            self.equations[-1:] = [] if quiet is None else [quiet]
            return run_equation(eq, arrays)
        if quiet is not None and quiet.acts:
            raise TypeError(
                at_user_line(
                    f"{eq.op.name}: results of io_callback, in a function with a derivative rule "
                    "or a checkpoint that is differentiated outside of jit, would need two calls. "
                    "Use pure_callback, or jit"
                )
            )
        return () if quiet is None else run_equation(quiet, arrays)

    def _check(self, arrays: Sequence[Any], results: Sequence[Any]) -> None:
        """Look at the results of the last equation for nan and infinity."""
        eq = self.equations[-1]
        source = eq.source or user_source(3)
        _check(eq.op, arrays, eq.params, results, eq.regions, source)

    def finish(self, outputs: Sequence[Any], types: Sequence[ArrayType]) -> ClosedGraph:
        """The recorded program with these outputs (tracers, arrays or numbers of `types`)."""
        values = [self.lift(out, type)[0] for out, type in zip(outputs, types, strict=True)]
        captures = list(self.captures.values())
        inputs = [*self.inputs, *[value for _, value in captures]]
        graph = Graph(inputs, self.equations, values, self.name)
        return ClosedGraph(graph, tuple([outer for outer, _ in captures]))


class ClosedGraph:
    """A traced Graph, and the outer tracers and arrays that its last inputs stand for."""

    __slots__ = ("captures", "graph")

    def __init__(self, graph: Graph, captures: tuple[Any, ...]) -> None:
        self.graph = graph
        self.captures = captures


def current_trace() -> Trace | None:
    """The innermost open trace of this thread."""
    return _state.trace


def defers() -> bool:
    """Whether the current trace records what is asked for, see `Trace.defers`."""
    return _state.trace is not None and _state.trace.defers


def rule_depth() -> int:
    """To what depth a rule that calls its own function is traced: each derivative that is being
    taken puts one rule in the place of a call. A few more do for programs that are traced once
    and differentiated again and again."""
    return max(_RULE_DEPTH, _state.trace.orders if _state.trace is not None else 0)


@lru_cache(maxsize=1)
def _load_operators() -> None:
    """Give tracers their operators, which `import jitad` does not load."""
    importlib.import_module("jitad.numpy.methods")


@lru_cache(maxsize=1)
def _teach_einops() -> None:
    """Let einops take tracers."""
    importlib.import_module("jitad.einops_backend").register()


class tracing:  # noqa: N801  (a context manager, named like a function)
    """Open a trace inside the current one; closed on leaving, after which its tracers are dead.
    It is concrete if `concrete` and the current one is.

    >>> with tracing("f", concrete=False) as trace:
    ...     current_trace() is trace
    True
    """

    __slots__ = ("_outer", "_trace")

    def __init__(
        self,
        name: str,
        concrete: bool,
        axis: BatchAxis | None = None,
        is_body: bool = False,
        mutes: bool = False,
        defers: bool | None = None,
        orders: int = 0,
    ) -> None:
        _load_operators()
        if "einops._backends" in sys.modules:
            _teach_einops()
        self._outer = _state.trace
        self._trace = Trace(name, self._outer, concrete, axis, is_body, mutes, defers, orders)

    def __enter__(self) -> Trace:
        _state.trace = self._trace
        return self._trace

    def __exit__(self, *_error: object) -> None:
        self._trace.is_open = False
        _state.trace = self._outer


@contextmanager
def no_trace() -> Iterator[None]:
    """Within this context operations on arrays are evaluated at once, whatever trace is open."""
    outer = _state.trace
    _state.trace = None
    try:
        yield
    finally:
        _state.trace = outer


def check_open(tracer: Tracer) -> None:
    """Raise LeakedTracerError if the trace of `tracer` has ended or is another thread's."""
    trace = _state.trace
    while trace is not None and trace is not tracer.owner:
        trace = trace.parent
    if trace is None:
        raise LeakedTracerError(
            at_user_line(
                f"a traced array {tracer.type!r} of {tracer.owner.name} was used after the call "
                "that traced it had ended: it was stored in a global, an attribute or a list. "
                "Return it from the function instead"
            )
        )


def find_trace(args: Sequence[Any]) -> Trace | None:
    """The trace in which an operation on `args` is recorded: the current one if it is staged,
    else the innermost of those of `args`; None if it is evaluated at once."""
    current = _state.trace
    if current is not None and not current.concrete:
        return current
    found: Trace | None = None
    for arg in args:
        if isinstance(arg, Tracer):
            if arg.owner is not current:
                check_open(arg)
            if found is None or arg.owner.level > found.level:
                found = arg.owner
    return found


def apply(op: Op, *args: Any, regions: tuple[Graph, ...] = (), **params: Any) -> Any:
    """`op(*args, **params)`: Tracers where a trace records it, else Arrays.

    `args` are tracers, arrays and NumPy scalars of the types the op's rule asks for, and Python
    numbers, which stand for arrays of the first other argument's type.
    """
    trace = find_trace(args)
    if trace is not None:
        results = trace.record(op, args, params, regions)
        return results if op.multiple_results else results[0]
    return _evaluate_now(op, args, params, regions)


def _evaluate_now(
    op: Op, args: Sequence[Any], params: dict[str, Any], regions: tuple[Graph, ...]
) -> Any:
    like: ArrayType | None = None
    types: list[ArrayType] = []
    arrays: list[Any] = []
    for arg in args:
        own = type_or_none(arg)
        if own is None:
            own = like = like or common_type(args)
            assert own is not None, f"{type(arg).__name__} is neither a tracer nor an array"
            arg = own.dtype.type(arg)
        types.append(own)
        arrays.append(arg)
    try:
        result_types = op.types_of(types, params, regions)
    except TypeMismatch as error:
        raise TypeMismatch(at_user_line(str(error))) from None
    if _state.trace is not None:  # which has switched NumPy's warnings off
        results = evaluate_op(op, arrays, params, result_types, regions)
    else:
        with np.errstate(all="ignore"):
            results = evaluate_op(op, arrays, params, result_types, regions)
    if config.watches:
        _check(op, arrays, params, results, regions, user_source(3))
    if op.multiple_results:
        return tuple([as_array(result) for result in results])
    return as_array(results[0])


def _check(
    op: Op,
    arrays: Sequence[Any],
    params: Params,
    results: Sequence[Any],
    regions: tuple[Graph, ...],
    source: Source | None,
) -> None:
    """Look at results for nan and infinity."""
    from .checks import check_equation  # noqa: PLC0415  (only debug_nans pays for loading it)

    operands = tuple([Value(type_of_argument(a)) for a in arrays])
    outputs = tuple([Value(type_of_argument(r)) for r in results])
    check_equation(Equation(op, operands, params, outputs, regions, source), arrays, results)


def apply_graph(
    graph: Graph, args: Sequence[Any], run: Callable[..., Sequence[Any]]
) -> Sequence[Any]:
    """`graph` applied to tracers or arrays of its input types: inlined where a trace records it,
    else `run(graph, *arrays)`."""
    trace = find_trace(args)
    if trace is not None:
        return trace.record_graph(graph, args)
    return run(graph, *args)
