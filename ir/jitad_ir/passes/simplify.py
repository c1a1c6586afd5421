"""Algebraic simplification.

    simplify : (a -> b)  to  (a -> b)   with fewer or cheaper equations and the same values

Every rewrite keeps the value to the last bit, nan, infinity and signed zero included (so x + 0 and
0 * x stay for floats). `TABLE` lists them: each row a function of one op's equation that gives its
replacement or None, with the equation as comment. Products of arrays (`products`) are the one
exception: their sums may change order, and terms that are zero times something are not formed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from ..evaluate import evaluate_op
from ..graph import Builder, Equation, Graph, Value, building
from ..lowering import Elementwise
from ..op import OPS
from ..types import FLOAT64, Shape
from .known import View
from .products import product, transposed_product
from .regions import in_regions

Rewrite: TypeAlias = Callable[[View, Equation], "Value | None"]


def _mul(view: View, eq: Equation) -> Value | None:
    x, y = eq.operands
    if view.is_number(y, 1):  # x * 1 = x
        return x
    if view.is_number(x, 1):  # 1 * y = y
        return y
    for this, other in ((x, y), (y, x)):
        if eq.outputs[0].dtype.kind in "if" and view.is_number(this, -1):  # -1 * y = -y
            return OPS["neg"](other)
        if eq.outputs[0].dtype.kind in "iu" and view.is_number(this, 0):  # 0 * y = 0, integers
            return this
    return None


def _div(view: View, eq: Equation) -> Value | None:
    x, y = eq.operands
    if view.is_number(y, 1):  # x / 1 = x
        return x
    divisor = view.number(y)
    if eq.outputs[0].dtype == FLOAT64 and isinstance(divisor, float) and _is_power_of_two(divisor):
        return OPS["mul"](x, 1 / divisor)  # x / 2**k = x * 2**-k, exactly
    return None


def _is_power_of_two(number: float) -> bool:
    mantissa, exponent = np.frexp(number)
    return bool(abs(mantissa) == 0.5 and -1000 < exponent < 1000)


def _add(view: View, eq: Equation) -> Value | None:
    x, y = eq.operands
    for this, other in ((x, y), (y, x)):
        if eq.outputs[0].dtype.kind in "iu" and view.is_number(this, 0):  # 0 + y = y, integers
            return other
        negated = view.made_by(this, "neg")
        if negated is not None:  # y + (-x) = y - x
            return OPS["sub"](other, negated.operands[0])
    return None


def _sub(view: View, eq: Equation) -> Value | None:
    x, y = eq.operands
    if view.is_number(y, 0):  # x - 0 = x
        return x
    negated = view.made_by(y, "neg")
    if negated is not None:  # x - (-y) = x + y
        return OPS["add"](x, negated.operands[0])
    return None


def _neg(view: View, eq: Equation) -> Value | None:
    negated = view.made_by(eq.operands[0], "neg")
    return None if negated is None else negated.operands[0]  # -(-x) = x


def _integer_pow(view: View, eq: Equation) -> Value | None:
    (x,), exponent = eq.operands, eq.params["exponent"]
    if exponent == 1:  # x ** 1 = x
        return x
    return OPS["mul"](x, x) if exponent == 2 else None  # x ** 2 = x * x


def _identity_of_shape(view: View, eq: Equation) -> Value | None:
    (x,) = eq.operands
    return x if x.type == eq.outputs[0].type else None  # reshape or broadcast to x's own shape


def _reshape(view: View, eq: Equation) -> Value | None:
    inner = view.made_by(eq.operands[0], "reshape")
    if inner is not None:  # reshape(reshape(x)) = reshape(x)
        return OPS["reshape"](inner.operands[0], shape=eq.params["shape"])
    return _identity_of_shape(view, eq)


def _broadcast(view: View, eq: Equation) -> Value | None:
    inner = view.made_by(eq.operands[0], "reshape")
    if inner is not None:  # broadcast(reshape(x)) = broadcast(x), where reshape adds unit axes
        kept = _kept_axes(inner.operands[0].shape, inner.outputs[0].shape)
        if kept is not None:
            dims = tuple([eq.params["dims"][axis] for axis in kept])
            return OPS["broadcast"](inner.operands[0], shape=eq.params["shape"], dims=dims)
    inner = view.made_by(eq.operands[0], "broadcast")
    if inner is not None:  # broadcast(broadcast(x)) = broadcast(x)
        outer = eq.params["dims"]
        dims = tuple([outer[d] for d in inner.params["dims"]])
        return OPS["broadcast"](inner.operands[0], shape=eq.params["shape"], dims=dims)
    splat = view.made_by(eq.operands[0], "full")
    if splat is not None:  # broadcast(full) = full
        dtype = eq.outputs[0].dtype
        return OPS["full"](value=splat.params["value"], shape=eq.params["shape"], dtype=dtype)
    return _identity_of_shape(view, eq)


def _kept_axes(short: Shape, long: Shape) -> list[int] | None:
    """Places of the axes of `short` in `long`, if `long` is `short` with axes of length 1 added."""
    kept: list[int] = []
    for axis, n in enumerate(long):
        if len(kept) < len(short) and n == short[len(kept)]:
            kept.append(axis)
        elif n != 1:
            return None
    return kept if len(kept) == len(short) else None


def _transpose(view: View, eq: Equation) -> Value | None:
    permutation = eq.params["permutation"]
    if permutation == tuple(range(len(permutation))):  # the identity permutation
        return eq.operands[0]
    inner = view.made_by(eq.operands[0], "transpose")
    if inner is not None:  # transpose(transpose(x, p), q) = transpose(x, p[q])
        composed = tuple([inner.params["permutation"][p] for p in permutation])
        if composed == tuple(range(len(composed))):
            return inner.operands[0]
        return OPS["transpose"](inner.operands[0], permutation=composed)
    return transposed_product(view, eq)


def _convert(view: View, eq: Equation) -> Value | None:
    (x,) = eq.operands
    if x.type == eq.outputs[0].type:  # convert to x's own dtype
        return x
    inner = view.made_by(x, "convert")
    if inner is None or inner.operands[0].type != eq.outputs[0].type:
        return None
    (y,) = inner.operands  # there and back, where all of y's numbers are there
    exact = y.dtype.kind == x.dtype.kind and y.dtype.itemsize < x.dtype.itemsize
    return y if exact else None


def _select(view: View, eq: Equation) -> Value | None:
    pred, on_true, on_false = eq.operands
    if on_true is on_false:  # select(p, x, x) = x
        return on_true
    chosen = view.number(pred)
    if chosen is None:
        return None
    return on_true if chosen else on_false  # select(True, x, y) = x, select(False, x, y) = y


def _reduce_sum(view: View, eq: Equation) -> Value | None:
    return eq.operands[0] if not eq.params["axes"] else None  # a sum over no axes


def _and(view: View, eq: Equation) -> Value | None:
    x, y = eq.operands
    if x is y:  # x & x = x
        return x
    for this, other in ((x, y), (y, x)):
        known = view.number(this)
        if isinstance(known, bool):
            return other if known else this  # True & y = y, False & y = False
    return None


def _or(view: View, eq: Equation) -> Value | None:
    x, y = eq.operands
    if x is y:  # x | x = x
        return x
    for this, other in ((x, y), (y, x)):
        known = view.number(this)
        if isinstance(known, bool):
            return this if known else other  # True | y = True, False | y = y
    return None


TABLE: dict[str, Rewrite] = {
    "add": _add,
    "bitwise_and": _and,
    "bitwise_or": _or,
    "broadcast": _broadcast,
    "convert": _convert,
    "div": _div,
    "dot": product,
    "integer_pow": _integer_pow,
    "mul": _mul,
    "neg": _neg,
    "reduce_sum": _reduce_sum,
    "reshape": _reshape,
    "select": _select,
    "sub": _sub,
    "transpose": _transpose,
}
"""Op -> its rewrite."""


def _folded(view: View, eq: Equation) -> Value | None:
    """An elementwise equation on known numbers, computed now."""
    if not eq.operands or len(eq.outputs) != 1 or not isinstance(eq.op.lower, Elementwise):
        return None
    if eq.op.name == "optimization_barrier":
        return None
    numbers: list[Any] = []
    for value in eq.operands:
        number = view.number(value)
        if number is None:
            return None
        numbers.append(np.array(number, value.dtype))
    (out,) = eq.outputs
    with np.errstate(all="ignore"):
        (result,) = evaluate_op(eq.op, numbers, eq.params, [out.type.with_shape(())])
    return OPS["full"](value=np.asarray(result).item(), shape=out.shape, dtype=out.dtype)


def simplify(graph: Graph) -> Graph:
    """`graph` with the rewrites of `TABLE` and constant folding applied, first to last, and
    so the bodies of its loops and branches."""
    graph = in_regions(graph, simplify)
    builder = Builder(graph.name)
    builder.inputs = list(graph.inputs)
    env: dict[Value, Value] = {v: v for v in graph.inputs}
    view = View(graph)
    with building(builder):
        for eq in graph.equations:
            operands = tuple([env[v] for v in eq.operands])
            current = Equation(eq.op, operands, eq.params, eq.outputs, eq.regions, eq.source)
            builder.source = eq.source
            replacement = _rewritten(view, current, builder)
            if replacement is not None:
                env[eq.outputs[0]] = replacement
                continue
            builder.equations.append(current)
            for value in eq.outputs:
                env[value] = value
                view.producers[value] = current
    return Graph(graph.inputs, builder.equations, [env[v] for v in graph.outputs], graph.name)


def _rewritten(view: View, eq: Equation, builder: Builder) -> Value | None:
    """What `eq` simplifies to, appended to the builder; None if it stays."""
    before = len(builder.equations)
    replacement = _folded(view, eq)
    if replacement is None:
        rewrite = TABLE.get(eq.op.name)
        replacement = None if rewrite is None else rewrite(view, eq)
    for added in builder.equations[before:]:
        for value in added.outputs:
            view.producers[value] = added
    return replacement
