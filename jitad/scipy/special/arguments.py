"""Arguments of special functions and distributions: floats of one dtype and shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitad.errors import at_user_line
from jitad.numpy.half import in_single
from jitad.numpy.promotion import Operand, promote_to_common
from jitad.trace import apply
from jitad_ir.op import Op


def floats(name: str, *arguments: Any) -> list[Operand]:
    """`arguments` broadcast, in the float dtype at which they meet (of integers float64).

    Raises TypeError if one is complex.
    """
    # The number is weak: it decides only where all are integers or bools.
    found = promote_to_common([*arguments, 1.0])[:-1]
    if found[0].dtype.kind == "c":
        raise TypeError(
            at_user_line(f"{name}: expected real arguments; got dtype {found[0].dtype}")
        )
    return found


def function_of(op: Op, name: str, doc: str) -> Callable[..., Any]:
    """The function `name` that applies `op`, of as many float operands as its samples have."""
    count = len(op.samples[0].operands)

    def function(*arguments: Any) -> Any:
        if len(arguments) != count:
            raise TypeError(at_user_line(f"{name}() takes {count} arguments; got {len(arguments)}"))
        return in_single(apply)(op, *floats(name, *arguments))

    function.__name__ = function.__qualname__ = name
    function.__module__ = "jitad.scipy.special"
    function.__doc__ = doc
    return function
