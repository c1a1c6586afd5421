"""custom_vmap: functions with a rule of their own for vmap."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any

from jitad_ir.graph import Graph
from jitad_ir.op import OPS
from jitad_ir.types import ArrayType

from ..array import as_given
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import apply, find_trace
from .function import (
    as_operands,
    check_callable,
    global_name,
    leaf_types,
    name_of,
    trace_function,
)
from .rules import bound_arguments, placeholders


class custom_vmap:  # noqa: N801  (a decorator, named like a function)
    """A function with its own rule for `vmap`.

    The rule is `rule(axis_size, in_batched, *args) -> (result, out_batched)`: `args` have a leading
    axis where `in_batched` (bools in the structure of the arguments) is true, and so has the result
    where `out_batched` is.

    Derivatives are those of the function; where `vmap` is applied after them, over points, they are
    those of the rule.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> @jitad.custom_batching.custom_vmap
    ... def f(x):
    ...     return x + 1.0
    >>> @f.def_vmap
    ... def f_batched(axis_size, in_batched, x):
    ...     return x - 1.0, in_batched[0]
    >>> jitad.vmap(f)(np.ones(2))
    Array([0., 0.])
    """

    def __init__(self, fun: Callable[..., Any]) -> None:
        check_callable(fun, "custom_vmap")
        update_wrapper(self, fun)
        self.fun = fun
        self.vmap_rule: Callable[..., Any] | None = None

    def __reduce_ex__(self, protocol: Any) -> Any:
        return global_name(self) or super().__reduce_ex__(protocol)

    def def_vmap(self, vmap_rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the rule; returns it."""
        check_callable(vmap_rule, "def_vmap")
        self.vmap_rule = vmap_rule
        return vmap_rule

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        args = bound_arguments(self.fun, args, kwargs)
        leaves, tree = flatten(args)
        if find_trace(leaves) is None:
            return self.fun(*tree.unflatten([as_given(x) for x in leaves]))
        types = leaf_types(leaves, f"argument of {name_of(self.fun)}")
        traced = trace_function(
            lambda tracers: self.fun(*tree.unflatten(tracers)),
            name_of(self.fun),
            leaves,
            concrete=True,
            transform="custom_vmap",
            mutes=True,
        )
        rule = _Rule(self, tree, len(leaves), traced.out_tree)
        results = apply(
            OPS["custom_vmap"],
            *as_operands(leaves, types),
            *traced.closed.captures,
            rule=rule,
            regions=(traced.graph,),
        )
        return traced.out_tree.unflatten(results)


class _Rule:
    """The rule of a function for arguments and results of one structure."""

    def __init__(
        self, function: custom_vmap, tree: PyTreeDef, arguments: int, out_tree: PyTreeDef
    ) -> None:
        self.function = function
        self.tree = tree
        self.arguments = arguments
        self.out_tree = out_tree

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Rule):
            return NotImplemented
        return self.function is other.function and (self.tree, self.out_tree) == (
            other.tree,
            other.out_tree,
        )

    def __hash__(self) -> int:
        return hash((id(self.function), self.tree, self.out_tree))

    def __repr__(self) -> str:
        return f"<{name_of(self.function.fun)}>"

    def batched(
        self, size: int, batched: Sequence[bool], types: Sequence[ArrayType]
    ) -> tuple[Graph, Sequence[bool]]:
        """See `jitad_ir.ops.custom_rules.BatchRule`."""
        name = name_of(self.function.fun)
        rule = self.function.vmap_rule
        if rule is None:
            raise AttributeError(
                at_user_line(
                    f"{name} is a custom_vmap function without a rule: set one with def_vmap"
                )
            )
        if len(types) > self.arguments:
            self._refuse_captures(name)
        in_batched = list(self.tree.unflatten(batched))
        found: list[Sequence[bool]] = []

        def flat(tracers: list[Any]) -> Any:
            pair = rule(size, in_batched, *self.tree.unflatten(tracers))
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise TypeError(
                    at_user_line(
                        f"vmap rule of {name} must return a pair (result, out_batched); got "
                        f"{pair!r}"
                    )
                )
            leaves, tree = flatten(pair[0])
            flags, flag_tree = flatten(pair[1])
            if tree != self.out_tree or flag_tree != self.out_tree:
                raise TypeError(
                    at_user_line(
                        f"vmap rule of {name}: result and out_batched must have the structure "
                        f"{self.out_tree}; got {tree} and {flag_tree}"
                    )
                )
            found.append([bool(flag) for flag in flags])
            return leaves

        traced = trace_function(
            flat,
            f"{name}_vmap",
            placeholders(types),
            concrete=False,
            types=types,
            transform="custom_vmap",
            defers=False,
        )
        if traced.closed.captures:
            self._refuse_captures(name)
        self._check_axes(name, size, traced.graph.output_types, found[0])
        return traced.graph, found[0]

    def _refuse_captures(self, name: str) -> None:
        raise TypeError(
            at_user_line(
                f"{name}: a custom_vmap function and its rule cannot close over traced values: "
                "pass them as arguments"
            )
        )

    def _check_axes(
        self, name: str, size: int, types: Sequence[ArrayType], flags: Sequence[bool]
    ) -> None:
        for type, flag in zip(types, flags, strict=True):
            if flag and type.shape[:1] != (size,):
                raise ValueError(
                    at_user_line(
                        f"vmap rule of {name}: a result that is batched must have a leading axis "
                        f"of length {size}; got {type!r}"
                    )
                )


def sequential_vmap(f: Callable[..., Any]) -> custom_vmap:
    """`f`, which `vmap` runs for one lane after the other, by `lax.map`.

    >>> import jitad, numpy as np
    >>> @jitad.custom_batching.sequential_vmap
    ... def f(x):
    ...     jitad.debug.print("{}", x.shape)
    ...     return x * 2.0
    >>> jitad.vmap(f)(np.ones((2, 3))).shape
    (3,)
    (3,)
    (2, 3)
    """
    from ..lax.mapping import map as map_rows  # noqa: PLC0415  (lax builds on transforms)

    function = custom_vmap(f)

    @function.def_vmap
    def rule(axis_size: int, in_batched: Sequence[Any], *args: Any) -> Any:
        leaves, tree = flatten(args)
        flags, _ = flatten(tuple(in_batched))
        rows = [leaf for leaf, flag in zip(leaves, flags, strict=True) if flag]

        def once(given: Sequence[Any]) -> Any:
            lanes = iter(given)
            full = [next(lanes) if flag else x for x, flag in zip(leaves, flags, strict=True)]
            return f(*tree.unflatten(full))

        result = map_rows(once, rows)
        found, out_tree = flatten(result)
        return result, out_tree.unflatten([True] * len(found))

    return function
