"""Solutions of equations, whose derivatives are those of the equations: roots and linear systems.

Regions are closed Graphs whose first inputs, the same in each, are the captures of the functions.
How a solution is found is not differentiated, at any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph import Graph, Value, current_builder
from ..op import NONLINEAR, OPS, Joint, Op, Unknown, WithPrimal, batch_to_front
from ..passes.jvp import instantiated, push
from ..passes.transpose import transpose
from ..types import ArrayType, TypeMismatch
from .constants import zeros
from .steps import Regions
from .structured import batched_everywhere, call_of_region, region_types

# root: (solve, f, tangent_solve); operands: captures, then the leaves of the first guess.
# With x = solve(guess) and f(x) = 0: df = (df/dx) dx + (df/dcaptures) dcaptures = 0.


def _unknowns(region: Graph, captures: int) -> int:
    return len(region.inputs) - captures


def _jvp_root(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, captures: int
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    f, tangent_solve = regions[1:]
    outs = root(*operands, regions=regions, captures=captures)
    count = _unknowns(f, captures)
    solution, shared = outs[:count], operands[:captures]
    none = [None] * count
    residual, moves = push(
        current_builder(), f, [*shared, *solution], [*tangents[:captures], *none]
    )
    still: list[Value | None] = [None] * len(outs)
    if all(t is None for t in moves):
        return outs, still
    rhs = instantiated(residual, moves)
    found = current_builder().inline(tangent_solve, [*shared, *solution, *rhs])
    negated = [OPS["neg"](t) if t.type.is_inexact else None for t in found]
    return outs, [*negated, *still[count:]]


def _batch_everywhere(
    op: Op,
    size: int,
    batched: Sequence[bool],
    operands: Sequence[Value],
    regions: Regions,
    captures: int,
    batch_axis: object,
    **params: Any,
) -> tuple[Value, ...]:
    """All but the captures gets the axis, in every region."""
    shared = list(batched[:captures])
    wide = [
        batched_everywhere(
            region, size, [*shared, *[True] * _unknowns(region, captures)], batch_axis
        )
        for region in regions
    ]
    others = batch_to_front(size, batched[captures:], operands[captures:])
    return op(*operands[:captures], *others, regions=tuple(wide), captures=captures, **params)


def _batch_root(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    captures: int,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    return _batch_everywhere(root, size, batched, operands, regions, captures, batch_axis)


root = call_of_region(
    "root",
    (
        "Region 0, of the captures and a first guess, finds where region 1, a function of the "
        "captures and x, is zero (and may give further results). Region 2, of the captures, x and "
        "b, solves the equations of region 1, linearized at x, for the right hand side b."
    ),
    jvp=WithPrimal(_jvp_root),
    transpose=NONLINEAR,
    batch=_batch_root,
)


# linear_solve: (solve, matvec) or (solve, matvec, transpose_solve); operands: captures, then the
# leaves of b. A x = b, so A dx = db - dA x; and ct_b solves transpose(A) ct_b = ct_x.


def _infer_linear_solve(
    *types: ArrayType, regions: Regions, captures: int, symmetric: bool
) -> tuple[ArrayType, ...]:
    results = region_types("linear_solve", regions[0], types)
    b = types[captures:]
    if results[: len(b)] != b or regions[1].output_types != b or regions[1].input_types != types:
        raise TypeMismatch(
            f"linear_solve: expected a solution and a map of type {b}; got {results} and "
            f"{regions[1].output_types} from {regions[1].input_types}"
        )
    return results


def _jvp_linear_solve(
    tangents: Sequence[Value | None],
    *operands: Value,
    regions: Regions,
    captures: int,
    symmetric: bool,
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    params: Any = {"regions": regions, "captures": captures, "symmetric": symmetric}
    outs = linear_solve(*operands, **params)
    count = len(operands) - captures
    solution, shared = outs[:count], operands[:captures]
    _, moves = push(
        current_builder(),
        regions[1],
        [*shared, *solution],
        [*tangents[:captures], *[None] * count],
    )
    still: list[Value | None] = [None] * len(outs)
    pairs = list(zip(tangents[captures:], moves, strict=True))
    if all(db is None and dax is None for db, dax in pairs):
        return outs, still
    rhs = [_difference(b, *pair) for b, pair in zip(solution, pairs, strict=True)]
    found = linear_solve(*shared, *rhs, **params)[:count]
    return outs, [*[t if t.type.is_inexact else None for t in found], *still[count:]]


def _difference(like: Value, db: Value | None, dax: Value | None) -> Value:
    if dax is None:
        return zeros(like) if db is None else db
    return OPS["neg"](dax) if db is None else OPS["sub"](db, dax)


def _transpose_linear_solve(
    cts: Sequence[Value | None],
    *operands: Value | Unknown,
    regions: Regions,
    captures: int,
    symmetric: bool,
) -> list[Value | None]:
    programs: list[Graph] = list(regions)
    if len(programs) < 3 and not symmetric:
        raise TypeError(
            "reverse mode through custom_linear_solve needs its argument transpose_solve, or "
            "symmetric=True"
        )
    if any(isinstance(v, Unknown) for v in operands[:captures]):
        raise TypeError("custom_linear_solve is linear in b, not in what matvec closes over")
    b = operands[captures:]
    given = instantiated(b, cts[: len(b)])
    other = regions
    if not symmetric:
        solve, matvec, transpose_solve = programs
        linear = [i >= captures for i in range(len(matvec.inputs))]
        other = (transpose_solve, transpose(matvec, linear), solve)
    shared: Any = operands[:captures]
    found = linear_solve(*shared, *given, regions=other, captures=captures, symmetric=symmetric)
    return [*[None] * captures, *found[: len(b)]]


def _batch_linear_solve(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    captures: int,
    symmetric: bool,
    batch_axis: object = None,
) -> tuple[Value, ...]:
    return _batch_everywhere(
        linear_solve,
        size,
        batched,
        operands,
        regions,
        captures,
        batch_axis,
        symmetric=symmetric,
    )


linear_solve = call_of_region(
    "linear_solve",
    (
        "Region 0, of the captures and b, finds x with region 1, a linear map of x (and the "
        "captures), equal to b (and may give further results). Region 2, if there, solves so for "
        "the transposed map; a `symmetric` map is its own."
    ),
    infer=_infer_linear_solve,
    jvp=WithPrimal(_jvp_linear_solve),
    transpose=Joint(_transpose_linear_solve),
    batch=_batch_linear_solve,
)
