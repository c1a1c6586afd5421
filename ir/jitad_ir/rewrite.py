"""A program with some of its equations replaced by others: the frame of many passes.

rewritten : (rule, a -> b)  to  (a -> b)   with what `rule` builds in place of equations
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from .graph import Builder, Equation, Graph, Value, building

Rule: TypeAlias = Callable[[Equation, tuple[Value, ...]], Sequence[Value] | None]
"""`(equation, operands) -> results`: appends to the current builder what gives the results of the
equation on these operands; None if the equation stays, in which case nothing may be left behind."""


def rewritten(graph: Graph, rule: Rule, env: dict[Value, Value] | None = None) -> Graph:
    """`graph` with what `rule` builds in place of each equation, of the same types. A rule that
    needs more than its operands gives a dict `env`, in which it finds what stands for the values of
    earlier equations."""
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env = {} if env is None else env
    env.update({v: v for v in graph.inputs})
    with building(builder):
        for eq in graph.equations:
            builder.source = eq.source
            operands = tuple([env[v] for v in eq.operands])
            results = rule(eq, operands)
            if results is None and operands == eq.operands:
                builder.equations.append(eq)
                results = eq.outputs
            elif results is None:
                results = builder.replay(eq, operands)
            env.update(zip(eq.outputs, results, strict=True))
    return builder.build([env[v] for v in graph.outputs])
