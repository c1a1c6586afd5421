"""float16: an op on it is the op in float32, whose result is rounded.

So computes NumPy, and so do compilers for CPUs without arithmetic of 16 bits. Sums and products of
many elements are rounded once, at their end. The interpreter follows this rule array by array; for
native code the pass `widen` writes the conversions out, so that no code but conversions knows what
the bits of a float16 mean.
"""

from __future__ import annotations

from .graph import Graph, Params
from .types import FLOAT16, FLOAT32, ArrayType, DType

MOVES = frozenset(
    (
        "bitcast",
        "broadcast",
        "checkpoint_name",
        "concatenate",
        "constant",
        "convert",
        "dynamic_slice",
        "dynamic_update_slice",
        "full",
        "gather",
        "io_callback",
        "iota",
        "nextafter",
        "optimization_barrier",
        "pad",
        "pure_callback",
        "reshape",
        "reverse",
        "scatter",
        "select",
        "slice",
        "stop_gradient",
        "transpose",
    )
)
"""Ops that move elements, make or convert them, but do not compute with them: they take float16 as
it is. The float16 next to another is not made of the next float32."""


def is_half(type: ArrayType) -> bool:
    """True of arrays of float16."""
    return type.dtype == FLOAT16


def has_half(graph: Graph) -> bool:
    """True if a value of `graph`, or of a body in it, is float16."""
    half = FLOAT16
    for value in graph.inputs:
        if value.type.dtype == half:
            return True
    for eq in graph.equations:
        for value in eq.outputs:
            if value.type.dtype == half:
                return True
        if eq.regions and any([has_half(region) for region in eq.regions]):
            return True
    return False


def single(dtype: DType) -> DType:
    """The dtype computed in: float32 for float16, else itself."""
    return FLOAT32 if dtype == FLOAT16 else dtype


def single_params(params: Params) -> Params:
    """Params with float32 in place of float16."""
    return {
        name: FLOAT32 if isinstance(value, type(FLOAT16)) and value == FLOAT16 else value
        for name, value in params.items()
    }
