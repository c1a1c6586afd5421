"""Programs of the elements of a sparse derivative, in the order in which a matrix stores them.

    sparse_elements : (a -> b)  to  (a -> elements of the derivative of b)

The body has one result: a vector, or a scalar of whose gradient the derivative is taken
(`symmetric`). The elements come from the ELLPACK form of the derivative if it has one, else from
products with groups of columns and rows (`compression`). A second region, if there is one, is a
program of the pattern: what may be other than zero, whatever the body says.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..graph import Builder, Graph, Value, building, current_builder
from ..op import OPS, in_every_lane
from ..passes.batch import batch
from ..passes.derive import derive
from ..passes.linearize import joined, linearize, transposed, vjp
from ..types import DTYPES, DType
from .analysis import derivative_pattern
from .arrangement import arranged, picked
from .compression import Compression, compress, compress_symmetric
from .ellpack import Ellpack, ellpack
from .sparsity import Sparsity


def sparsity(
    body: Graph, *given: Graph, moving: tuple[bool, ...], symmetric: bool = False
) -> Sparsity:
    """The pattern of the matrix whose elements `sparse_elements` gives. Raises TooDense if it has
    too many."""
    return _found(derive(body), given, moving, symmetric).pattern


def compression(pattern: Sparsity, symmetric: bool) -> Compression:
    """Groups of columns and rows, whose products have the elements of a matrix."""
    return (compress_symmetric if symmetric else compress)(pattern.matrix())


class _Found(NamedTuple):
    function: Graph
    """Its one result is the vector whose derivative the matrix is."""
    pattern: Sparsity
    form: Ellpack | None


@lru_cache(maxsize=8)
def _found(
    body: Graph, given: tuple[Graph, ...], moving: tuple[bool, ...], symmetric: bool
) -> _Found:
    function = _gradient(body, moving) if symmetric else body
    columns = sum([t.size for t, m in zip(body.input_types, moving, strict=True) if m])
    shape = (function.outputs[0].type.size, columns)
    if given:
        ((numbers, ends),) = [[eq.params["value"] for eq in g.equations] for g in given]
        return _Found(function, Sparsity(shape, numbers, ends), None)
    form = ellpack(function, moving)
    if form is not None:
        pattern = _by_rows(form.columns, shape)
        if not symmetric or _is_symmetric(pattern):
            return _Found(function, pattern, form)
    matrix = derivative_pattern(function, moving)
    if symmetric:
        matrix = (matrix + matrix.T).tocsr()
    matrix.sort_indices()
    arrays = [a.astype(np.int32) for a in (matrix.indices, matrix.indptr)]
    return _Found(function, Sparsity(shape, *arrays), None)


def _by_rows(numbers: Any, shape: tuple[int, int]) -> Sparsity:
    """The pattern of an ELLPACK form."""
    rows = np.broadcast_to(np.arange(shape[0]), numbers.shape)[numbers >= 0]
    keys = np.sort(rows * max(shape[1], 1) + numbers[numbers >= 0])
    ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=shape[0]))])
    return Sparsity(shape, (keys % max(shape[1], 1)).astype(np.int32), ends.astype(np.int32))


def _is_symmetric(pattern: Sparsity) -> bool:
    rows, columns = pattern.rows.astype(np.int64), pattern.columns.astype(np.int64)
    size = pattern.shape[0]
    return bool(np.array_equal(rows * size + columns, np.sort(columns * size + rows)))


def _gradient(body: Graph, moving: Sequence[bool]) -> Graph:
    """The gradient of a scalar, as one vector."""
    linear = vjp(body, moving)
    whole = joined(linear, [1.0] * sum(linear.nonzero))
    builder = Builder(body.name)
    inputs = [builder.input(t) for t in body.input_types]
    with building(builder):
        cotangents = builder.inline(whole, inputs)[1:]
        return builder.build([_as_vector(cotangents)])


def _as_vector(parts: Sequence[Value]) -> Value:
    """All elements of floats, of the widest dtype among them."""
    dtype = max([part.dtype for part in parts], key=lambda dtype: dtype.itemsize)
    flat = [OPS["reshape"](part, shape=(part.type.size,)) for part in parts]
    flat = [v if v.dtype == dtype else OPS["convert"](v, dtype=dtype) for v in flat]
    return flat[0] if len(flat) == 1 else OPS["concatenate"](*flat, axis=0)


def sparse_elements(
    body: Graph,
    *given: Graph,
    moving: tuple[bool, ...],
    symmetric: bool,
    by_columns: bool,
    count: int,
) -> Graph:
    """The inputs to the `count` elements of the derivative in those that are `moving`: row after
    row, or column after column."""
    function, pattern, form = _found(body, given, moving, symmetric)
    assert pattern.size == count
    order = np.argsort(pattern.columns, kind="stable") if by_columns else np.arange(count)
    if form is not None:
        major = pattern.columns[order] if by_columns else pattern.rows
        return _of_form(form, pattern, order, major, function.outputs[0].dtype)
    return _of_products(function, moving, pattern, compression(pattern, symmetric), order)


def _of_form(form: Ellpack, pattern: Sparsity, order: Any, major: Any, dtype: DType) -> Graph:
    """The elements from the ELLPACK form; `major` are the rows, or the columns, in their order."""
    rows, width = pattern.rows, max(pattern.shape[1], 1)
    terms, places = np.nonzero(form.columns >= 0)
    keys = places * width + form.columns[terms, places]
    by_rows = np.argsort(keys)
    builder = Builder(form.program.name)
    inputs = [builder.input(t) for t in form.program.input_types]
    with building(builder):
        coefficients = builder.inline(form.program, inputs)
        if not len(order):
            return builder.build([OPS["full"](value=0, shape=(0,), dtype=dtype)])
        numbers, places = terms[by_rows][order], rows[order]
        return builder.build([arranged(coefficients, numbers, places, major)])


def _of_products(
    function: Graph,
    moving: Sequence[bool],
    pattern: Sparsity,
    groups: Compression,
    order: Any,
) -> Graph:
    """The elements from products with groups of columns, and of rows."""
    builder = Builder(function.name)
    inputs = [builder.input(t) for t in function.input_types]
    products, places = groups.products[order], groups.places[order]
    turned = products >= groups.forward
    linear = linearize(function, moving)
    moves, (result,) = any(linear.nonzero), function.outputs
    parts: list[Value] = []
    with building(builder):
        known = builder.inline(linear.known, inputs)[1:]
        if groups.forward and moves:
            directions = [t for t, m in zip(function.input_types, moving, strict=True) if m]
            seeds = _seeds(groups.columns, groups.forward, directions)
            (forward,) = _wide(linear.rest, known, seeds, groups.forward)
            parts.append(_picked(forward, products[~turned], places[~turned]))
        if groups.reverse and moves:
            seeds = _seeds(groups.rows, groups.reverse, [result.type])
            found = _wide(transposed(linear).rest, known, seeds, groups.reverse)
            reverse = _rows_of(found, result.dtype)
            parts.append(_picked(reverse, products[turned] - groups.forward, places[turned]))
        if not parts:
            shape = (len(order),)
            return builder.build([OPS["full"](value=0, shape=shape, dtype=result.dtype)])
        if len(parts) == 1:
            return builder.build(parts)
        back = np.empty(len(turned), np.int32)
        back[np.argsort(turned, kind="stable")] = np.arange(len(turned))
        whole = OPS["concatenate"](*parts, axis=0)
        return builder.build([_picked(OPS["reshape"](whole, shape=(1, len(back))), 0, back)])


def _wide(rest: Graph, known: Sequence[Value], seeds: Sequence[Value], count: int) -> list[Value]:
    """The linear program for all seeds at once."""
    has_axis = [False] * len(known) + [True] * len(seeds)
    wide = batch(rest, count, has_axis)
    results = current_builder().inline(wide.graph, [*known, *seeds])
    return [
        v if has_axis else in_every_lane(v, count)
        for v, has_axis in zip(results, wide.batched, strict=True)
    ]


def _rows_of(parts: Sequence[Value], dtype: DType) -> Value:
    """[products, elements of all parts]."""
    flat = [OPS["reshape"](v, shape=(v.shape[0], v.type.size // v.shape[0])) for v in parts]
    flat = [v if v.dtype == dtype else OPS["convert"](v, dtype=dtype) for v in flat]
    return flat[0] if len(flat) == 1 else OPS["concatenate"](*flat, axis=1)


def _seeds(colours: Any, count: int, types: Sequence[Any]) -> list[Value]:
    """For each type [count, ...]: 1 in the elements of each colour."""
    seeds: list[Value] = []
    start = 0
    for t in types:
        own = colours[start : start + t.size].reshape(t.shape).astype(np.int32)
        shape = (count, *t.shape)
        wide = in_every_lane(OPS["constant"](value=own), count)
        numbers = OPS["iota"](shape=shape, dim=0, dtype=DTYPES["i32"])
        seeds.append(OPS["convert"](OPS["eq"](wide, numbers), dtype=t.dtype))
        start += t.size
    return seeds


def _picked(products: Value, numbers: Any, places: Any) -> Value:
    """products[numbers, places], all in bounds."""
    at = numbers * products.shape[1] + places
    return picked(OPS["reshape"](products, shape=(products.type.size,)), at)
