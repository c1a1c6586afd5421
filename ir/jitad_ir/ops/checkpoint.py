"""checkpoint: a program that reverse mode recomputes instead of storing what it needs of it.

    checkpoint(operands; body): operands -> body(operands)

`saves` says what is stored all the same: () nothing, ("everything",), ("dots",) the results of
products and convolutions, ("dots without batch",) those of products without batch axes,
("names", ...) values that `checkpoint_name` names so, ("names but", ...) those it names otherwise,
("other names", ...) every value but those, ("chosen", f) the results of equations with `f(eq)`.
What is stored is stored once; the rest is recomputed from it and the operands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..graph import Equation, Graph, Value
from ..op import OPS, Joint, Linear, Pruned, WithPrimal, elementwise
from ..passes.batch import batch
from ..passes.dce import select_outputs
from ..passes.effects import acts_for_results, silenced
from ..passes.jvp import jvp
from ..passes.remat import stored
from ..passes.split import Split, split
from ..passes.transpose import transpose
from .samples import one
from .steps import Regions
from .structured import call_of_region, pruned_regions

Saves = tuple[Any, ...]


def _params(saves: Saves) -> dict[str, Any]:
    return {"saves": saves} if saves else {}


def is_saved(eq: Equation, saves: Saves) -> bool:
    """Whether a checkpoint that `saves` so stores the results of `eq`."""
    if saves and saves[0] == "chosen":
        return bool(saves[1](eq))
    return is_saved_op(eq.op.name, eq.params, saves)


def is_saved_op(op: str, params: Mapping[str, Any], saves: Saves) -> bool:
    """Whether a checkpoint that `saves` so, by names alone, stores the results of this op."""
    kind, *names = saves or ("nothing",)
    if kind == "everything":
        return True
    if kind == "dots":
        return op in ("dot", "convolution")
    if kind == "dots without batch":
        return op == "dot" and params["batch"] == ((), ())
    named = op == "checkpoint_name"
    if kind == "names":
        return named and params["name"] in names
    if kind == "names but":
        return named and params["name"] not in names
    if kind == "other names":
        return not (named and params["name"] in names)
    return False


def _jvp(
    tangents: Sequence[Value | None], *operands: Value, regions: Regions, saves: Saves = ()
) -> tuple[Sequence[Value], Sequence[Value | None]]:
    (body,) = regions
    forward = jvp(body, [t is not None for t in tangents])
    moving = [t for t in tangents if t is not None]
    results = checkpoint(*operands, *moving, regions=(forward.graph,), **_params(saves))
    primals = len(body.outputs)
    rest = iter(results[primals:])
    return results[:primals], [next(rest) if nonzero else None for nonzero in forward.nonzero]


def _split(unknown: Sequence[bool], *operands: Any, regions: Regions, saves: Saves = ()) -> Any:
    (body,) = regions
    known = [not u for u in unknown]
    parts = split(body, known)
    operands_known = [v for v, k in zip(operands, known, strict=True) if k]
    kept = _kept(parts, saves)
    divided = bool(kept) or parts.known.acts
    rest_body = _recomputing(parts, kept) if divided else _reordered(body, known, parts)
    answers = sum(parts.is_known)
    outputs = [*parts.known.outputs[:answers], *kept]
    first = Graph(parts.known.inputs, parts.known.equations, outputs, parts.known.name)
    found = checkpoint(
        *operands_known, regions=(select_outputs(first, [True] * len(outputs)),), **_params(saves)
    )
    values = iter(found[:answers])
    results = [next(values) if k else None for k in parts.is_known]

    def rest(residuals: Sequence[Value], others: Sequence[Value]) -> tuple[Value, ...]:
        held = [OPS["optimization_barrier"](v) for v in residuals]
        return checkpoint(*held, *others, regions=(rest_body,), **_params(saves))

    return results, [*operands_known, *found[answers:]], rest


def _kept(parts: Split, saves: Saves) -> list[Value]:
    """Values of the known part to store: those saved that the rest needs, and results of effects,
    which happen once."""
    if not saves and not parts.known.acts:
        return []
    inputs = set(parts.known.inputs)
    saved: dict[Value, None] = {}
    for eq in parts.known.equations:
        if is_saved(eq, saves) or acts_for_results(eq):
            # What is named is stored before it gets its name: derivatives may read either.
            values = eq.operands if eq.op.name == "checkpoint_name" else eq.outputs
            saved |= dict.fromkeys([v for v in values if v not in inputs])
    read = _read_by_rest(parts, saved)
    return [v for v in saved if v in read]


def _read_by_rest(parts: Split, saved: Collection[Value]) -> set[Value]:
    """The values that the rest needs, and that recomputing those from saved ones needs."""
    needed = set(parts.known.outputs[sum(parts.is_known) :])
    for eq in reversed(parts.known.equations):
        if any(v in needed and v not in saved for v in eq.outputs):
            needed.update(eq.operands)
    return needed


def _recomputing(parts: Split, kept: Sequence[Value]) -> Graph:
    """The rest over the known operands, the values kept and the unknown operands. What it computes
    again has no effects."""
    known = parts.known
    if known.acts:
        outputs = len(known.outputs)
        quiet = silenced(Graph(known.inputs, known.equations, [*known.outputs, *kept], known.name))
        kept = quiet.outputs[outputs:]
        known = Graph(quiet.inputs, quiet.equations, quiet.outputs[:outputs], known.name)
        parts = Split(known, parts.rest, parts.is_known, parts.residuals)
    return stored(parts, [*known.inputs, *kept]).rest


def _reordered(body: Graph, known: Sequence[bool], parts: Split) -> Graph:
    """The whole over the known operands, then the unknown ones, for what is not known."""
    inputs = [
        *[v for v, k in zip(body.inputs, known, strict=True) if k],
        *[v for v, k in zip(body.inputs, known, strict=True) if not k],
    ]
    whole = Graph(inputs, body.equations, body.outputs, body.name)
    return select_outputs(whole, [not k for k in parts.is_known])


def _transpose(
    cts: Sequence[Value | None], *operands: Any, regions: Regions, saves: Saves = ()
) -> list[Value | None]:
    (body,) = regions
    body = select_outputs(body, [ct is not None for ct in cts])
    linear = [not isinstance(v, Value) for v in operands]
    known = [v for v in operands if isinstance(v, Value)]
    given = [ct for ct in cts if ct is not None]
    backward = transpose(body, linear)
    results = iter(checkpoint(*known, *given, regions=(backward,), **_params(saves)))
    return [next(results) if is_linear else None for is_linear in linear]


def _batch(
    size: int,
    batched: Sequence[bool],
    *operands: Value,
    regions: Regions,
    saves: Saves = (),
    batch_axis: object = None,
) -> tuple[Value, ...]:
    body = batch(regions[0], size, batched, batch_axis).graph
    return checkpoint(*operands, regions=(body,), **_params(saves))


def _prune(used: Sequence[bool], regions: Regions, saves: Saves = ()) -> Pruned:
    regions, kept = pruned_regions(used, regions)
    return Pruned(_params(saves), regions, kept, used)


checkpoint = call_of_region(
    "checkpoint",
    "The region applied to the operands; reverse mode recomputes it instead of storing it.",
    jvp=WithPrimal(_jvp),
    transpose=Joint(_transpose),
    batch=_batch,
    split=_split,
    prune=_prune,
)

checkpoint_name = elementwise(
    "checkpoint_name",
    "x, with a name by which a checkpoint may store it.",
    kinds="biufc",
    evaluate=lambda x, name: x,
    jvp=[lambda t, out, x, name: t],
    transpose=Linear((lambda ct, x, name: ct,)),
    emit=lambda b, x, name: x,
    samples=one(name="x"),
)
