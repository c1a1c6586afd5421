"""Bodies of loops and branches: Python functions traced as regions, their types settled.

A Python number that a carry starts from, or that a branch returns, is weak: it takes on the dtype
of the arrays that it meets, as in `jitad.numpy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from jitad_ir import ops
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.op import Op
from jitad_ir.passes.dce import dce
from jitad_ir.passes.hoist import hoist
from jitad_ir.passes.specialize import specialize
from jitad_ir.types import ArrayType, DType

from ..argument_types import is_weak, type_of_argument
from ..errors import at_user_line, user_source
from ..numpy.promotion import as_operand, convert
from ..pytree import PyTreeDef, flatten_with_path, keystr
from ..trace import ClosedGraph
from ..transforms.function import name_of, run_graph, trace_function


class Leaves(NamedTuple):
    """The leaves of a pytree of arrays: tracers, arrays and Python numbers."""

    tree: PyTreeDef
    operands: list[Any]
    types: list[ArrayType]

    @property
    def weak(self) -> list[bool]:
        """Which leaves are Python numbers, or tracers that stand for one."""
        return [is_weak(x) for x in self.operands]

    @property
    def arrays(self) -> list[Any]:
        """The leaves as arrays and tracers of exactly their types."""
        return [convert(x, t.dtype) for x, t in zip(self.operands, self.types, strict=True)]


def leaves_of(tree: Any, what: str) -> Leaves:
    """The leaves of `tree`, each an array or a number; raises TypeError that says `what` is not."""
    found, treedef = flatten_with_path(tree)
    operands: list[Any] = []
    for path, leaf in found:
        try:
            operands.append(as_operand(leaf))
        except TypeError:
            raise TypeError(
                at_user_line(
                    f"{what}{keystr(path)}: expected an array or a number; got a "
                    f"{type(leaf).__name__}"
                )
            ) from None
    return Leaves(treedef, operands, [type_of_argument(x) for x in operands])


class Body(NamedTuple):
    """A traced body: a program over its arguments and captures, and the leaves it returns."""

    closed: ClosedGraph
    out_tree: PyTreeDef
    out_types: list[ArrayType]
    out_weak: list[bool]

    def cast(self, dtypes: Sequence[DType]) -> Body:
        """With outputs converted to `dtypes`."""
        graph = self.closed.graph
        types = [t.with_dtype(d) for t, d in zip(self.out_types, dtypes, strict=True)]
        if types == self.out_types:
            return self
        builder = Builder(graph.name)
        builder.inputs = list(graph.inputs)
        builder.equations = list(graph.equations)
        with building(builder):
            outputs = [
                v if v.dtype == d else ops.convert(v, dtype=d)
                for v, d in zip(graph.outputs, dtypes, strict=True)
            ]
        closed = ClosedGraph(builder.build(outputs), self.closed.captures)
        return Body(closed, self.out_tree, types, self.out_weak)


def trace_body(
    function: Callable[..., Any],
    arguments: Callable[[list[Any]], Sequence[Any]],
    types: Sequence[ArrayType],
    weak: Sequence[bool],
    what: str,
) -> Body:
    """Trace `function(*arguments(tracers))` at tracers of `types`."""
    found: list[tuple[Any, Any, Any]] = []

    def flat(tracers: list[Any]) -> list[Any]:
        leaves = leaves_of(function(*arguments(tracers)), f"{what}: result")
        found.append((leaves.tree, leaves.types, leaves.weak))
        return leaves.operands

    stand_ins = [_stand_in(t, w) for t, w in zip(types, weak, strict=True)]
    traced = trace_function(
        flat,
        name_of(function),
        stand_ins,
        concrete=False,
        types=types,
        transform=what,
        is_body=True,
    )
    return Body(traced.closed, *found[0])


def _stand_in(type: ArrayType, weak: bool) -> Any:
    """What is weak or not, as the argument is; a staged trace reads nothing else of it."""
    return type.dtype.type(0).item() if weak else type.dtype.type(0)


def settled(
    carry: Leaves, what: str, trace: Callable[[Leaves], tuple[Body, int]]
) -> tuple[Leaves, Body]:
    """The initial carry, and the body traced at it, once every type stays from step to step.

    `trace(carry)` gives the body, whose first outputs are the carry, and their number. A Python
    number that the carry starts from takes on the dtype that the body gives it; one that the body
    gives, that of the carry. Raises TypeError if a type changes, leaf by leaf.
    """
    while True:
        body, count = trace(carry)
        if body.out_tree.num_leaves < count or count != len(carry.types):
            return carry, body
        after = list(zip(body.out_types, body.out_weak, strict=True))[:count]
        types: list[ArrayType] = []
        for before, weak, (type, out_weak) in zip(carry.types, carry.weak, after, strict=True):
            meets = weak and type.shape == before.shape and type.dtype != before.dtype
            types.append(
                before.with_dtype(_meet([(before, weak), (type, out_weak)])) if meets else before
            )
        if types == carry.types:
            return carry, body
        operands = [
            x if t == old else convert(x, t.dtype)
            for x, old, t in zip(carry.operands, carry.types, types, strict=True)
        ]
        carry = Leaves(carry.tree, operands, types)


def _meet(items: Sequence[tuple[ArrayType, bool]]) -> DType:
    """The dtype at which values meet of which some are weak."""
    numbers: list[Any] = [t.dtype.type(0).item() if weak else t.dtype for t, weak in items]
    return np.result_type(*numbers)


def with_weak_as(body: Body, types: Sequence[ArrayType]) -> Body:
    """`body` with weak outputs in the dtypes of `types`, where those take them."""
    dtypes = [t.dtype for t in body.out_types]
    for i, (got, weak, want) in enumerate(zip(body.out_types, body.out_weak, types, strict=False)):
        if weak and got.shape == want.shape and _meet([(want, False), (got, True)]) == want.dtype:
            dtypes[i] = want.dtype
    return body.cast(dtypes)


def joined(bodies: Sequence[Body]) -> list[Body]:
    """Branches with their weak outputs in the dtypes that those of the others meet at."""
    if len({(body.out_tree, tuple([t.shape for t in body.out_types])) for body in bodies}) != 1:
        return list(bodies)
    columns = zip(
        *[zip(body.out_types, body.out_weak, strict=True) for body in bodies], strict=True
    )
    dtypes = [_meet(column) for column in columns]
    return [
        body.cast(
            [
                d if weak else t.dtype
                for t, weak, d in zip(body.out_types, body.out_weak, dtypes, strict=True)
            ]
        )
        for body in bodies
    ]


def run_structured(
    op: Op, operands: Sequence[Any], regions: tuple[Graph, ...], **params: Any
) -> list[Any]:
    """A loop or a branch applied to its operands.

    What all steps of a loop compute alike is computed before it, and what they do not change is a
    constant: derivatives need not keep either at each step.
    """
    builder = Builder(op.name)
    builder.source = user_source()
    inputs = tuple([builder.input(type_of_argument(x)) for x in operands])
    graph = builder.build(builder.add(op, inputs, params, regions))
    return run_graph(dce(hoist(specialize(graph))), operands)


# Errors that show every leaf that does not fit.


def difference(
    name: str,
    expected: tuple[PyTreeDef, Sequence[ArrayType]],
    got: tuple[PyTreeDef, Sequence[ArrayType]],
) -> str | None:
    """The leaves in which two pytrees of types differ, a line each; None if they agree."""
    if expected[0] == got[0] and list(expected[1]) == list(got[1]):
        return None
    wanted, found = _by_path(*expected), _by_path(*got)
    lines: list[str] = []
    for path in [*wanted, *[p for p in found if p not in wanted]]:
        want, have = wanted.get(path), found.get(path)
        if want != have:
            left = "no such leaf" if want is None else repr(want)
            right = "no such leaf" if have is None else repr(have)
            lines.append(f"  {name}{path}: expected {left}; got {right}")
    if not lines:
        lines.append(f"  {name}: expected the structure {expected[0]}; got {got[0]}")
    return "\n".join(lines)


def _by_path(tree: PyTreeDef, types: Sequence[ArrayType]) -> dict[str, ArrayType]:
    found, _ = flatten_with_path(tree.unflatten(types))
    return {keystr(path): type for path, type in found}


def check_same(
    message: str,
    name: str,
    expected: tuple[PyTreeDef, Sequence[ArrayType]],
    got: tuple[PyTreeDef, Sequence[ArrayType]],
    advice: str,
) -> None:
    """Raise TypeError with `message`, the leaves that differ and `advice` unless both agree."""
    lines = difference(name, expected, got)
    if lines is not None:
        raise TypeError(at_user_line(f"{message}:\n{lines}\n{advice}"))
