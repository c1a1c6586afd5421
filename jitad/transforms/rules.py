"""What functions with derivative rules of their own share: their calls, their rules as regions."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import update_wrapper
from typing import Any, ClassVar, NamedTuple

import numpy as np

from jitad_ir.graph import Graph, Value
from jitad_ir.op import OPS
from jitad_ir.types import ArrayType

from ..argument_types import type_of_argument
from ..array import as_given
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import ClosedGraph, Tracer, apply, find_trace, rule_depth
from .function import (
    FLOAT0,
    Traced,
    as_operands,
    check_callable,
    global_name,
    leaf_types,
    name_of,
    trace_function,
)


class TracedRule(NamedTuple):
    """A rule of `function` that is being traced, for a call of the program `primal`. Rules for
    calls inside are traced to the depth `limit`.

    Deeper calls are equations without rules if they are of the same program as the call around
    them: derivatives of a higher order give them its rules (`jitad_ir.ops.custom_derivatives`). If
    not, they are the function as it is written, which no derivative being taken gets to."""

    function: CustomRule
    primal: Traced
    limit: int


_TRACED_RULES: ContextVar[tuple[TracedRule, ...]] = ContextVar("rules", default=())
"""The rules that are being traced, from the outermost."""


class SymbolicZero:
    """The tangent or cotangent of what cannot move, such as an integer: zero without an array. It
    has a shape and a dtype.

    >>> import jitad
    >>> import numpy as np
    >>> zero = jitad.custom_derivatives.SymbolicZero(jitad.typeof(np.ones(2)))
    >>> zero.instantiate()
    array([0., 0.])
    """

    def __init__(self, type: ArrayType) -> None:
        self.shape, self.dtype = type.shape, type.dtype

    def instantiate(self) -> Any:
        """Zeros of its shape and dtype."""
        return np.zeros(self.shape, self.dtype)

    def __repr__(self) -> str:
        return f"SymbolicZero(shape={self.shape}, dtype={self.dtype})"


def zero_from_primal(x: Any, symbolic_zeros: bool = False) -> Any:
    """The zero tangent of an array: zeros of its shape and dtype, of dtype float0 for integers and
    bools, or a SymbolicZero.

    >>> zero_from_primal(np.ones(2))
    array([0., 0.])
    """
    found = type_of_argument(x)
    if symbolic_zeros:
        return SymbolicZero(found)
    return np.zeros(found.shape, found.dtype if found.is_inexact else FLOAT0)


class CustomVJPPrimal(NamedTuple):
    """What a forward rule with symbolic zeros is given for a leaf: its value, and whether the
    result is being differentiated in it, as far as is known while the rule is traced.

    >>> import jitad
    >>> jitad.custom_derivatives.CustomVJPPrimal(1.0, True).perturbed
    True
    """

    value: Any
    perturbed: bool


def custom_vjp_primal_tree_values(tree: Any) -> Any:
    """The pytree with the value of each `CustomVJPPrimal` in its place.

    >>> from jitad import custom_derivatives
    >>> leaf = custom_derivatives.CustomVJPPrimal(1.0, True)
    >>> custom_derivatives.custom_vjp_primal_tree_values({"w": leaf})
    {'w': 1.0}
    """
    leaves, whole = flatten(tree, is_leaf=lambda x: isinstance(x, CustomVJPPrimal))
    return whole.unflatten([x.value if isinstance(x, CustomVJPPrimal) else x for x in leaves])


class CustomRule:
    """A function with derivative rules of its own, and its call while something is traced: one
    equation that holds the function and its rules as programs."""

    transform: ClassVar[str]

    def __init__(
        self,
        fun: Callable[..., Any],
        nondiff_argnums: int | Sequence[int] = (),
        nondiff_argnames: str | Sequence[str] = (),
    ) -> None:
        check_callable(fun, self.transform)
        update_wrapper(self, fun)
        self.fun = fun
        self.nondiff_argnums = _positions(fun, nondiff_argnums, nondiff_argnames)
        self.symbolic_zeros = False

    def __reduce_ex__(self, protocol: Any) -> Any:
        return global_name(self) or super().__reduce_ex__(protocol)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        return lambda *args, **kwargs: self(instance, *args, **kwargs)

    def require_rules(self) -> None:
        """Raises AttributeError if the rules have not been set."""
        raise NotImplementedError

    def traced_rules(self, call: Call, primal: Traced) -> list[Rule]:
        """The rules of this call."""
        raise NotImplementedError

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.require_rules()
        args = bound_arguments(self.fun, args, kwargs)
        call = Call(self.fun, args, self.nondiff_argnums)
        if find_trace(call.leaves) is None:
            return self.fun(*call.arguments([as_given(x) for x in call.leaves]))
        primal = self.trace(
            lambda leaves: self.fun(*call.arguments(leaves)), name_of(self.fun), call.leaves
        )
        if not any(t.is_inexact for t in primal.graph.output_types):
            return self.fun(*args)  # nothing to differentiate
        around = _TRACED_RULES.get()
        own = [rule for rule in around if rule.function is self]
        limit = own[0].limit if own else rule_depth()
        rules: list[Rule] = []
        if len(own) < limit:
            token = _TRACED_RULES.set((*around, TracedRule(self, primal, limit)))
            try:
                rules = self.traced_rules(call, primal)
            finally:
                _TRACED_RULES.reset(token)
        elif not self._is_called_again(primal, around[-1]):
            return self.fun(*args)
        count = len(call.leaves)
        programs = [Rule(primal, count), *rules]
        captures = Captures()
        for program in programs:
            captures.take(program.traced.closed)
        results = apply(
            OPS[self.transform],
            *as_operands(call.leaves, call.types),
            *captures.operands,
            arguments=count,
            regions=tuple([program.region(captures) for program in programs]),
        )
        return primal.out_tree.unflatten(results)

    def _is_called_again(self, primal: Traced, around: TracedRule) -> bool:
        """Whether a call of the program `primal` in the rule `around` is the call that this is for,
        of other arguments."""
        closed, other = primal.closed, around.primal.closed
        return (
            around.function is self
            and closed.graph == other.graph
            and all(map(_are_same, closed.captures, other.captures))
        )

    def trace(
        self,
        flat: Callable[[list[Any]], Any],
        name: str,
        leaves: Sequence[Any],
        types: Sequence[ArrayType] | None = None,
    ) -> Traced:
        """The program of a function of a list of leaves."""
        return trace_function(
            flat,
            name,
            leaves,
            concrete=True,
            types=types,
            transform=self.transform,
            mutes=True,
            defers=False,
        )


def _positions(
    fun: Callable[..., Any], argnums: int | Sequence[int], argnames: str | Sequence[str]
) -> tuple[int, ...]:
    """Numbers of the arguments that are given by number or by name."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    names = (argnames,) if isinstance(argnames, str) else tuple(argnames)
    if not names:
        return numbers
    known = list(inspect.signature(fun).parameters)
    for name in names:
        if name not in known:
            raise ValueError(
                at_user_line(
                    f"nondiff_argnames: expected names of arguments of {name_of(fun)} "
                    f"({', '.join(known)}); got {name!r}"
                )
            )
    return tuple(sorted({*numbers, *[known.index(name) for name in names]}))


def bound_arguments(
    fun: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """All arguments by position, defaults filled in; those of arguments that can only be given by
    keyword stay with the function."""
    try:
        signature = inspect.signature(fun)
    except (TypeError, ValueError):
        return args
    bound = signature.bind(*args, **kwargs)
    bound.apply_defaults()
    names = ", ".join([name for name in bound.kwargs if name in kwargs])
    if names:
        raise TypeError(
            at_user_line(
                f"{name_of(fun)}: a function with a custom rule takes no keyword-only arguments; "
                f"got {names}"
            )
        )
    return bound.args


def _are_same(a: Any, b: Any) -> bool:
    """Whether two captures are the same traced value, or equal arrays."""
    if a is b or isinstance(a, Tracer) or isinstance(b, Tracer):
        return a is b
    one, other = np.asarray(a), np.asarray(b)
    return one.dtype == other.dtype and np.array_equal(one, other)


class Call:
    """One call of a function with a custom rule: its differentiable leaves, and how to rebuild the
    arguments from them."""

    def __init__(
        self, fun: Callable[..., Any], args: tuple[Any, ...], nondiff: Sequence[int]
    ) -> None:
        chosen = {n % len(args) if args else n for n in nondiff}
        self.fixed = [args[i] for i in sorted(chosen)]
        self._slots = [None if i in chosen else i for i in range(len(args))]
        self._args = args
        self.leaves, self.tree = flatten(tuple([args[i] for i in self._slots if i is not None]))
        self.types = leaf_types(self.leaves, f"argument of {name_of(fun)}")
        self.inexact = [t.is_inexact for t in self.types]

    def arguments(self, leaves: Sequence[Any]) -> list[Any]:
        """All arguments, with these leaves for the differentiable ones."""
        given = iter(self.tree.unflatten(leaves))
        return [
            self._args[i] if slot is None else next(given) for i, slot in enumerate(self._slots)
        ]

    @property
    def directions(self) -> list[ArrayType]:
        """Types of the tangents."""
        return [t for t in self.types if t.is_inexact]

    def tangents(self, moving: Sequence[Any], symbolic_zeros: bool) -> Any:
        """A tuple of tangents like the differentiable arguments, given those that move."""
        return self.tree.unflatten(with_zeros(moving, self.types, symbolic_zeros))


def with_zeros(
    moving: Sequence[Any], types: Sequence[ArrayType], symbolic_zeros: bool
) -> list[Any]:
    """A tangent for each type: the moving ones, and zeros of integers and bools."""
    given = iter(moving)
    zero = SymbolicZero if symbolic_zeros else _float0
    return [next(given) if t.is_inexact else zero(t) for t in types]


def _float0(type: ArrayType) -> Any:
    return np.zeros(type.shape, FLOAT0)


def placeholders(types: Sequence[ArrayType]) -> list[Any]:
    """Zeros that stand for tangents and cotangents while a rule is traced."""
    return [np.zeros(t.shape, t.dtype)[()] for t in types]


def check_same(
    found: PyTreeDef,
    found_types: Sequence[ArrayType],
    expected: PyTreeDef,
    expected_types: Sequence[ArrayType],
    what: str,
) -> None:
    """Raise TypeError unless a rule gave the structure and the types expected."""
    if found != expected:
        raise TypeError(at_user_line(f"{what} must have the structure {expected}; got {found}"))
    for got, want in zip(found_types, expected_types, strict=True):
        if got != want:
            raise TypeError(at_user_line(f"{what} must be {want!r}; got {got!r}"))


class Captures:
    """The captures of several traced programs, united as common operands."""

    def __init__(self) -> None:
        self.operands: list[Any] = []
        self._position: dict[int, int] = {}

    def take(self, closed: ClosedGraph) -> None:
        for outer in closed.captures:
            if id(outer) not in self._position:
                self._position[id(outer)] = len(self.operands)
                self.operands.append(outer)

    def inputs(self, closed: ClosedGraph) -> list[Value]:
        """An input of `closed` for each common operand; unread ones are new."""
        graph = closed.graph
        own = graph.inputs[len(graph.inputs) - len(closed.captures) :]
        by_position = {
            self._position[id(outer)]: v for outer, v in zip(closed.captures, own, strict=True)
        }
        types = leaf_types(self.operands, "closed-over value")
        return [by_position.get(i) or Value(t) for i, t in enumerate(types)]


def region_of(closed: ClosedGraph, first: int, captures: Captures) -> Graph:
    """`closed` with its inputs as: the first ones, the common captures, the others."""
    graph = closed.graph
    arguments = graph.inputs[: len(graph.inputs) - len(closed.captures)]
    inputs = [*arguments[:first], *captures.inputs(closed), *arguments[first:]]
    return Graph(inputs, graph.equations, graph.outputs, graph.name)


class Rule(NamedTuple):
    """A traced rule. In its region the common captures stand behind the `first` inputs; if
    `hands_on`, it gives them on as further outputs."""

    traced: Traced
    first: int
    hands_on: bool = False

    def region(self, captures: Captures) -> Graph:
        """The rule's program as a region of its equation."""
        graph = region_of(self.traced.closed, self.first, captures)
        if not self.hands_on:
            return graph
        shared = graph.inputs[self.first : self.first + len(captures.operands)]
        return Graph(graph.inputs, graph.equations, [*graph.outputs, *shared], graph.name)


def as_type(leaf: Any, type: ArrayType) -> Any:
    """What a rule gave for a tangent or cotangent of `type`: numbers and symbolic zeros as arrays,
    floats of another width as such of this one; anything else as it is."""
    if isinstance(leaf, SymbolicZero):
        return leaf.instantiate()
    if isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic):
        return np.full(type.shape, leaf, type.dtype)
    given = getattr(leaf, "dtype", None)
    if given is not None and given != type.dtype and given.kind == type.dtype.kind:
        return apply(OPS["convert"], leaf, dtype=type.dtype)
    return leaf
