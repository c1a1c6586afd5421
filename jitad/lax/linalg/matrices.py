"""What the functions of `lax.linalg` ask of matrices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from ... import numpy as jnp
from ...errors import at_user_line
from ...numpy.promotion import Operand
from ...transforms.batching import vmap
from ..operands import of_kind


def as_stack(name: str, x: Any, rank: int = 2) -> Operand:
    """`x` as a stack of matrices (or of vectors, `rank` 1) of floats or complex numbers; raises
    TypeError for other dtypes and for fewer axes."""
    found = of_kind(name, x, "fc")
    if found.ndim < rank:
        raise TypeError(
            at_user_line(
                f"{name}: expected an array with at least {rank} axes; got shape {found.shape}"
            )
        )
    return found


def as_square(name: str, x: Any) -> Operand:
    """`as_stack` of square matrices; raises ValueError for others."""
    found = as_stack(name, x)
    if found.shape[-1] != found.shape[-2]:
        raise ValueError(
            at_user_line(f"{name}: expected square matrices (..., n, n); got shape {found.shape}")
        )
    return found


def adjoint(x: Any) -> Any:
    """Conjugate transpose of each matrix."""
    turned = jnp.swapaxes(x, -1, -2)
    return jnp.conj(turned) if x.dtype.kind == "c" else turned


def over_stack(
    function: Callable[..., Any], operands: Sequence[Operand], ranks: Sequence[int]
) -> Any:
    """`function` of single matrices or vectors (as many axes as `ranks` say) over stacks of one
    shape."""
    stacks = [x.shape[: x.ndim - rank] for x, rank in zip(operands, ranks, strict=True)]
    stack = stacks[0]
    if any([other != stack for other in stacks]):
        raise ValueError(at_user_line(f"expected stacks of one shape; got {stacks}"))
    if not stack:
        return function(*operands)
    count = math.prod(stack)
    flat = [jnp.reshape(x, (count, *x.shape[len(stack) :])) for x in operands]
    results = vmap(function)(*flat)

    def restored(y: Any) -> Any:
        return jnp.reshape(y, (*stack, *y.shape[1:]))

    return tuple(map(restored, results)) if isinstance(results, tuple) else restored(results)
