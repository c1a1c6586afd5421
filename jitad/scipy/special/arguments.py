"""Arguments of special functions and distributions: floats of one dtype and shape."""

from __future__ import annotations

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


def applied(op: Op, name: str, *arguments: Any, **params: Any) -> Any:
    """`op` of `arguments` made floats, for the function `name`; of float16 in float32."""
    return in_single(apply)(op, *floats(name, *arguments), **params)
