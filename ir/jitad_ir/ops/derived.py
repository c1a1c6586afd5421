"""Derivatives and batched forms that are asked for, and written down when they are needed.

    pushforward(a, t a; body, moving, wanted): -> body(a), its tangents
    pullback(a, ct b; body, moving, wanted): -> body(a), cotangents of a
    batched(a; body, length, axes, ends): -> body in every lane
    sparse_elements(a; body, moving, symmetric, by_columns, count): -> elements of a sparse matrix

A program that `jit` compiles holds them as they were asked for, which is what the disk cache looks
it up by: what is found there is never derived. If it is not found, `derive`, the first pass of the
pipeline, puts in their place what the passes make of the body. So does every rule of theirs.

`moving[i]` tells that input i of the body is differentiated, `wanted[i]` that output i has a
tangent, or is given a cotangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from ..evaluate import evaluate
from ..graph import Graph, Value, current_builder
from ..op import NONLINEAR, NOT_LOWERED, Op, WithPrimal
from ..passes.batch import batch
from ..passes.batch_axes import with_batch
from ..passes.derive import DERIVED
from ..passes.jvp import push
from ..types import ArrayType, TypeMismatch
from .steps import Regions

Flags = tuple[bool, ...]
Axes = tuple[int | None, ...]


@lru_cache(maxsize=64)
def _remembered(name: str, regions: Regions, params: tuple[tuple[str, Any], ...]) -> Graph:
    return DERIVED[name](*regions, **dict(params))


def _derived(name: str, doc: str, infer: Callable[..., Sequence[ArrayType]]) -> Op:
    """An op that stands for `DERIVED[name](*regions, **params)`; with the body, the first region,
    `infer(body, **params)` are the types of its operands and of its results."""

    def program(regions: Regions, **params: Any) -> Graph:
        return DERIVED[name](*regions, **params)

    def types(*given: ArrayType, regions: Regions, **params: Any) -> Any:
        operands, results = infer(regions[0], **params)
        if given != operands:
            raise TypeMismatch(f"{name}: expected operands {operands}; got {given}")
        return results

    def call(*arrays: Any, regions: Regions, **params: Any) -> Any:
        return evaluate(_remembered(name, regions, tuple(params.items())), *arrays)

    def expand(*operands: Value, regions: Regions, **params: Any) -> Any:
        return current_builder().inline(program(regions, **params), operands)

    def pushed(
        tangents: Sequence[Value | None], *operands: Value, regions: Regions, **params: Any
    ) -> Any:
        return push(current_builder(), program(regions, **params), operands, tangents)

    def in_lanes(
        size: int,
        has_axis: Sequence[bool],
        *operands: Value,
        regions: Regions,
        batch_axis: object = None,
        **params: Any,
    ) -> Any:
        wide = batch(program(regions, **params), size, has_axis, batch_axis)
        return current_builder().inline(wide.graph, operands)

    return Op(
        name=name,
        doc=doc,
        infer=types,
        evaluate=call,
        jvp=WithPrimal(pushed),
        transpose=NONLINEAR,
        batch=in_lanes,
        lower=NOT_LOWERED,
        samples=(),
        multiple_results=True,
        expand=expand,
    )


def _chosen(types: Sequence[ArrayType], flags: Flags) -> tuple[ArrayType, ...]:
    return tuple([t for t, flag in zip(types, flags, strict=True) if flag])


def _pushforward_types(body: Graph, moving: Flags, wanted: Flags) -> Any:
    operands = (*body.input_types, *_chosen(body.input_types, moving))
    return operands, (*body.output_types, *_chosen(body.output_types, wanted))


def _pullback_types(body: Graph, moving: Flags, wanted: Flags) -> Any:
    operands = (*body.input_types, *_chosen(body.output_types, wanted))
    return operands, (*body.output_types, *_chosen(body.input_types, moving))


def _batched_types(body: Graph, length: int, axes: Axes, ends: Axes) -> Any:
    def wide(types: Sequence[ArrayType], axes: Axes) -> tuple[ArrayType, ...]:
        return tuple([with_batch(t, length, a) for t, a in zip(types, axes, strict=True)])

    return wide(body.input_types, axes), wide(body.output_types, ends)


pushforward = _derived(
    "pushforward",
    "The region and its derivative in a direction; see the module.",
    _pushforward_types,
)

pullback = _derived(
    "pullback",
    "The region and the transpose of its derivative, applied to cotangents; see the module.",
    _pullback_types,
)

batched = _derived(
    "batched",
    "The region over a batch that operand i has at `axes[i]` and result i at `ends[i]`.",
    _batched_types,
)


def _elements_types(
    body: Graph, moving: Flags, symmetric: bool, by_columns: bool, count: int
) -> Any:
    (result,) = body.output_types
    dtypes = [t.dtype for t in (_chosen(body.input_types, moving) if symmetric else (result,))]
    dtype = max(dtypes, key=lambda dtype: dtype.itemsize)
    return body.input_types, (ArrayType(dtype, (count,)),)


sparse_elements = _derived(
    "sparse_elements",
    "The elements of the region's Jacobian, or Hessian, that may be other than zero; see "
    "`dependence.elements`, which has to be loaded.",
    _elements_types,
)
