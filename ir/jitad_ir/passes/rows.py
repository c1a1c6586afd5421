"""Which equations work row by row, and what they are on a block of rows.

Rows are what the leading axes of arrays number: an equation works row by row if each row of its
result depends on the same row of its operands, and on operands without rows. On a block it is the
same equation on shorter arrays: of the leading axes all but the last have length 1 then, so that
axes keep their numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from ..graph import Equation, Params, Value
from ..lowering import ArgReduction, Cumulative, Elementwise, Reduction, Routine, Structured
from ..types import Shape

Reads: TypeAlias = tuple[bool, ...]
"""For each operand whether it is read row by row; the others have no rows."""


def reads_of(eq: Equation, rows: Shape) -> Reads | None:
    """How an equation reads its operands if it works row by row, with leading axes `rows`."""
    if len(eq.outputs) != 1 or eq.regions or not has_rows(eq.outputs[0], rows):
        return None
    lower, depth = eq.op.lower, len(rows)
    if isinstance(lower, Elementwise):
        fits = True
    elif isinstance(lower, Reduction):
        fits = all(axis >= depth for axis in eq.params["axes"])
    elif isinstance(lower, (ArgReduction, Cumulative)):
        fits = eq.params["axis"] >= depth
    else:
        rule = _RULES.get(eq.op.name)
        return None if rule is None else rule(eq, rows)
    return (True,) * len(eq.operands) if fits and _all_have(eq, rows) else None


def folds_rows(eq: Equation, rows: Shape) -> bool:
    """Whether an equation folds all rows into one."""
    if not isinstance(eq.op.lower, Reduction) or not has_rows(eq.operands[0], rows):
        return False
    return eq.params["axes"][: len(rows)] == tuple(range(len(rows)))


def is_view(eq: Equation) -> bool:
    """Whether an equation only says where elements are."""
    return eq.op.name in VIEWS


def needs_memory(user: Equation | None) -> bool:
    """Whether a reader reads arrays from memory, rather than computes their elements."""
    return user is None or isinstance(user.op.lower, (Routine, Structured))


def leading_batch_axes(eq: Equation) -> int:
    """How many leading axes of both operands and the result number products; 0 for other ops."""
    if eq.op.name != "dot":
        return 0
    count = 0
    for k, pair in enumerate(zip(*eq.params["batch"], strict=True)):
        if pair != (k, k):
            break
        count = k + 1
    return count


def has_rows(value: Value, rows: Shape) -> bool:
    """Whether the leading axes of a value are those of the rows."""
    return value.shape[: len(rows)] == rows


def on_block(eq: Equation, depth: int, block: Shape) -> Params:
    """Params of the equation on a block, whose `depth` leading axes have the lengths `block`."""
    if "shape" not in eq.params:
        return eq.params
    return {**eq.params, "shape": block + tuple(eq.params["shape"])[depth:]}


def _all_have(eq: Equation, rows: Shape) -> bool:
    return all([has_rows(v, rows) for v in eq.operands])


def _broadcast(eq: Equation, rows: Shape) -> Reads | None:
    """Of rows, or of what has none: axes of length 1 do not tell rows apart."""
    (x,), dims, depth = eq.operands, eq.params["dims"], len(rows)
    if dims[:depth] == tuple(range(depth)) and has_rows(x, rows):
        return (True,)
    leading = [x.shape[i] for i, d in enumerate(dims) if d < depth]
    return (False,) if all(n == 1 for n in leading) else None


def _reshape(eq: Equation, rows: Shape) -> Reads | None:
    return (True,) if _all_have(eq, rows) else None


def _transpose(eq: Equation, rows: Shape) -> Reads | None:
    kept = eq.params["permutation"][: len(rows)] == tuple(range(len(rows)))
    return (True,) if kept else None


def _full(_eq: Equation, _rows: Shape) -> Reads | None:
    return ()


def _iota(eq: Equation, rows: Shape) -> Reads | None:
    return () if eq.params["dim"] >= len(rows) else None


def _dot(eq: Equation, rows: Shape) -> Reads | None:
    """A product for each row."""
    each = leading_batch_axes(eq) >= len(rows)
    return (True, True) if each and _all_have(eq, rows) else None


_RULES: dict[str, Callable[[Equation, Shape], Reads | None]] = {
    "broadcast": _broadcast,
    "reshape": _reshape,
    "transpose": _transpose,
    "full": _full,
    "iota": _iota,
    "dot": _dot,
}
VIEWS = frozenset(_RULES) - {"dot"}
