"""Sparse Jacobians and Hessians as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, NamedTuple

import numpy as np

from jitad_ir.dependence import TooDense, derivative_pattern
from jitad_ir.graph import Graph
from jitad_ir.types import ArrayType

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import find_trace
from ..transforms.batching import vmap
from ..transforms.derivatives import grad
from ..transforms.directional import linearize, vjp
from ..transforms.function import (
    check_callable,
    leaf_types,
    name_of,
    split_arguments,
    trace_function,
    with_arguments,
)
from ..transforms.inspection import ShapeDtypeStruct
from ..transforms.linear_map import declared_type
from ..transforms.staging import jit
from .compression import Compression, compress, compress_symmetric

FORMATS = ("csr", "csc", "coo", "bcoo")


class _Structure(NamedTuple):
    """What is known of a matrix from the types of the arguments: its pattern by rows, how its
    elements are found, and which of them, by rows, each of its storage is."""

    pattern: Any
    dtype: Any
    compression: Compression
    order: Any
    indices: tuple[Any, ...]


class _Arguments(NamedTuple):
    """Arguments of a call: the leaves that are differentiated in, the others, and `call(leaves,
    others)`, the vector of all results' elements."""

    leaves: list[Any]
    others: list[Any]
    call: Callable[[Sequence[Any], Sequence[Any]], Any]
    key: Any


class SparseDerivative:
    """A function that gives a sparse Jacobian or Hessian; see `jacobian` and `hessian`.

    Its structure, that is its pattern and which products it is found from, is found at the first
    call with arguments of a type, and the same for all values of these.
    """

    def __init__(
        self,
        fun: Callable[..., Any],
        argnums: int | Sequence[int],
        format: str,
        pattern: Any,
        is_hessian: bool,
    ) -> None:
        self._transform = "sparse.hessian" if is_hessian else "sparse.jacobian"
        check_callable(fun, self._transform)
        if format not in FORMATS:
            raise ValueError(
                at_user_line(
                    f"{self._transform}: expected a format of {', '.join(FORMATS)}; got {format!r}"
                )
            )
        self._fun = fun
        self._argnums = argnums
        self._format = format
        self._pattern = pattern
        self._is_hessian = is_hessian
        self._structures: dict[Any, _Structure] = {}
        self._compiled = jit(self._values)
        update_wrapper(self, fun, updated=())

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The matrix at these arguments, [elements of the result, elements of the argument]."""
        arguments = self._arguments(args, kwargs)
        structure = self._structure(arguments)
        if self._format == "bcoo":
            from ..experimental.sparse import BCOO  # noqa: PLC0415  (only this format loads it)

            parts = (self._compiled(*args, **kwargs), structure.indices[0].copy())
            shape = structure.pattern.shape
            return BCOO(parts, shape=shape, indices_sorted=True, unique_indices=True)
        if find_trace([*arguments.leaves, *arguments.others]) is not None:
            raise TypeError(
                at_user_line(
                    f"{self._transform}: a matrix of scipy.sparse is no value of a traced program; "
                    f'ask for {self._transform}({name_of(self._fun)}, format="bcoo"), or for the '
                    "elements alone, by its method values"
                )
            )
        import scipy.sparse  # noqa: PLC0415  (loaded by the first matrix)

        data = np.asarray(self._compiled(*args, **kwargs))
        make = getattr(scipy.sparse, f"{self._format}_array")
        indices = tuple([array.copy() for array in structure.indices])
        parts = (data, indices) if self._format == "coo" else (data, *indices)
        return make(parts, shape=structure.pattern.shape)

    @hides_internals
    def values(self, *args: Any, **kwargs: Any) -> Any:
        """The elements of the matrix alone, in the order of its `data`: an array, also of a traced
        program, that can be differentiated again."""
        return self._compiled(*args, **kwargs)

    @hides_internals
    def pattern(self, *args: Any, **kwargs: Any) -> Any:
        """Which elements can be other than zero: a `scipy.sparse.csr_array` of bools. Arguments
        may be `ShapeDtypeStruct`s."""
        return self._structure(self._arguments(args, kwargs)).pattern.copy()

    @hides_internals
    def products(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
        """How many derivatives give the matrix: in forward and in reverse mode. Of a Hessian, all
        are forward derivatives of the gradient."""
        found = self._structure(self._arguments(args, kwargs)).compression
        return found.forward, found.reverse

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        positions, chosen = split_arguments(args, self._argnums, self._transform)
        leaves, tree = flatten(tuple(chosen))
        rest = [None if i in positions else arg for i, arg in enumerate(args)]
        others, others_tree = flatten((rest, kwargs))

        def of_chosen(leaves: Sequence[Any], others: Sequence[Any]) -> Any:
            rest, named = others_tree.unflatten(others)
            full = with_arguments(tuple(rest), positions, tree.unflatten(leaves))
            return self._fun(*full, **named)

        def call(leaves: Sequence[Any], others: Sequence[Any]) -> Any:
            result = of_chosen(leaves, others)
            if self._is_hessian:
                slope = grad(lambda *leaves: of_chosen(leaves, others), range(len(leaves)))
                result = slope(*leaves)
            return _as_vector(flatten(result)[0], self._transform)

        what = f"{self._transform}: argument of {name_of(self._fun)}"
        types: list[ArrayType] = []
        for leaf in (*leaves, *others):
            declared = isinstance(leaf, ShapeDtypeStruct)
            types.append(declared_type(leaf) if declared else leaf_types([leaf], what)[0])
        for t in types[: len(leaves)]:
            if t.dtype.kind != "f":
                raise TypeError(
                    at_user_line(
                        f"{self._transform}: what is differentiated in must be float; got {t!r}"
                    )
                )
        return _Arguments(leaves, others, call, (tree, others_tree, tuple(types)))

    def _structure(self, arguments: _Arguments) -> _Structure:
        found = self._structures.get(arguments.key)
        if found is None:
            graph = self._graph(arguments)
            moving = [i < len(arguments.leaves) for i in range(len(graph.inputs))]
            is_given = self._pattern is not None
            pattern = (self._given_pattern if is_given else self._found_pattern)(graph, moving)
            if self._is_hessian:
                pattern = _both_ways(pattern)
            compression = (compress_symmetric if self._is_hessian else compress)(pattern)
            order, indices = _storage(pattern, self._format)
            dtype = graph.outputs[0].dtype
            found = _Structure(pattern, dtype, compression, order, indices)
            self._structures[arguments.key] = found
        return found

    def _graph(self, arguments: _Arguments) -> Graph:
        """The program of the vector of results, whose first inputs are differentiated in."""
        leaves, others, call, (_, _, types) = arguments
        split = len(leaves)
        traced = trace_function(
            lambda tracers: call(tracers[:split], tracers[split:]),
            name_of(self._fun),
            [*leaves, *others],
            concrete=False,
            types=types,
            transform=self._transform,
            defers=False,
            orders=1,
        )
        return traced.graph

    def _found_pattern(self, graph: Graph, moving: Sequence[bool]) -> Any:
        """By rows, with sorted columns."""
        try:
            pattern = derivative_pattern(graph, moving)
        except TooDense:
            dense = "hessian" if self._is_hessian else "jacfwd"
            raise ValueError(
                at_user_line(
                    f"{self._transform}: too many elements of the derivative of "
                    f"{name_of(self._fun)} can be other than zero for a sparse matrix; take "
                    f"jitad.{dense}, or give pattern= if you know that most of them are zero"
                )
            ) from None
        pattern.sort_indices()
        return pattern

    def _given_pattern(self, graph: Graph, moving: Sequence[bool]) -> Any:
        """The user's, by rows, with sorted columns."""
        from scipy.sparse import csr_array  # noqa: PLC0415  (loaded by the first matrix)

        pattern = csr_array(self._pattern).astype(np.bool_)
        columns = sum([v.type.size for v, m in zip(graph.inputs, moving, strict=True) if m])
        expected = (graph.outputs[0].type.size, columns)
        if pattern.shape != expected:
            raise ValueError(
                at_user_line(
                    f"{self._transform}: expected a pattern of shape {expected}, elements of the "
                    f"result by elements of the argument; got {pattern.shape}"
                )
            )
        pattern.eliminate_zeros()
        pattern.sum_duplicates()
        return pattern

    def _values(self, *args: Any, **kwargs: Any) -> Any:
        arguments = self._arguments(args, kwargs)
        structure = self._structure(arguments)
        found = structure.compression
        leaves, others, call, _ = arguments

        def function(*leaves: Any) -> Any:
            return call(leaves, others)

        products, places = structure.order(found.products), structure.order(found.places)
        turned = products >= found.forward
        parts: list[Any] = []
        if found.forward:
            _, push = linearize(function, *leaves)
            tangents = _seeds(found.columns, found.forward, leaves)
            forward = vmap(lambda ts: push(*ts))(tangents)
            parts.append(_elements(forward, products[~turned], places[~turned]))
        if found.reverse:
            result, pull = vjp(function, *leaves)
            (cotangents,) = _seeds(found.rows, found.reverse, [result])
            reverse = vmap(lambda ct: _as_vector(pull(ct), self._transform))(cotangents)
            parts.append(_elements(reverse, products[turned] - found.forward, places[turned]))
        if len(parts) < 2:
            return parts[0] if parts else jnp.zeros(0, structure.dtype)
        back = np.empty(len(turned), np.int64)
        back[np.argsort(turned, kind="stable")] = np.arange(len(turned))
        return jnp.concatenate(parts)[back]


def _elements(products: Any, numbers: Any, places: Any) -> Any:
    """products[numbers, places], all in bounds."""
    narrow = products.size <= np.iinfo(np.int32).max  # half of the memory to read
    at = (numbers * products.shape[1] + places).astype(np.int32 if narrow else np.int64)
    return products.ravel().at[at].get(mode="promise_in_bounds")


def _as_vector(leaves: Sequence[Any], transform: str) -> Any:
    """All elements, one array after the other."""
    for t in leaf_types(leaves, f"{transform}: result"):
        if t.dtype.kind != "f":
            raise TypeError(at_user_line(f"{transform}: results must be float; got {t!r}"))
    flat = [jnp.ravel(jnp.asarray(leaf)) for leaf in leaves]
    return flat[0] if len(flat) == 1 else jnp.concatenate(flat)


def _seeds(colours: Any, count: int, leaves: Sequence[Any]) -> list[Any]:
    """For each leaf [count, ...]: 1 in the elements of each colour."""
    seeds: list[Any] = []
    start = 0
    for t in leaf_types(leaves, "seeds"):
        own = colours[start : start + t.size].reshape(t.shape).astype(np.int32)
        numbers = np.arange(count, dtype=np.int32).reshape((count, *[1] * t.ndim))
        seeds.append(jnp.equal(own, numbers).astype(t.dtype))
        start += t.size
    return seeds


def _both_ways(pattern: Any) -> Any:
    """The pattern, made symmetric."""
    both = (pattern + pattern.T).tocsr()
    both.sort_indices()
    return both


def _storage(pattern: Any, format: str) -> tuple[Any, tuple[Any, ...]]:
    """How numbers by rows are put in the order of a format, and the index arrays of that."""
    columns, ends = (a.astype(np.int32) for a in (pattern.indices, pattern.indptr))
    if format == "csr":
        return _as_they_are, (columns, ends)
    rows = np.repeat(np.arange(pattern.shape[0], dtype=np.int32), np.diff(ends))
    if format == "coo":
        return _as_they_are, (rows, columns)
    if format == "bcoo":
        return _as_they_are, (np.stack([rows, columns], axis=1),)
    by_columns = np.argsort(columns, kind="stable")
    ends = np.searchsorted(columns[by_columns], np.arange(pattern.shape[1] + 1))
    return lambda numbers: numbers[by_columns], (rows[by_columns], ends.astype(np.int32))


def _as_they_are(numbers: Any) -> Any:
    return numbers


def jacobian(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    format: str = "csr",
    pattern: Any = None,
) -> SparseDerivative:
    """The Jacobian of `fun` as a function that gives sparse matrices.

    `fun` takes and returns arrays or pytrees of arrays, all float; the matrix has a row for each
    element of the result and a column for each element of the argument (or arguments) that
    `argnums` names, leaf after leaf, in row-major order. `format` is "csr", "csc" or "coo", for a
    matrix of `scipy.sparse`, or "bcoo", for a `jitad.experimental.sparse.BCOO`, which may be a
    value of a traced program.

    Which elements can be other than zero is found from the program of `fun`, for all values of the
    arguments at once; a sparse matrix `pattern` that has them, and maybe more, replaces that. The
    matrix costs as many derivatives as `products(...)` says, in one compiled program; see
    Gebremedhin, Manne and Pothen, What Color Is Your Jacobian? (SIAM Review 47(4), 2005).

    Raises TypeError if something is not float, ValueError if the matrix is not sparse at all.

    >>> import jitad, numpy as np
    >>> def burgers(u, dt):
    ...     return u[1:-1] - dt * u[1:-1] * (u[2:] - u[:-2])
    >>> j = jitad.sparse.jacobian(burgers)
    >>> j(np.array([1.0, 2.0, 4.0, 3.0]), 0.5).toarray()
    array([[ 1. , -0.5, -1. ,  0. ],
           [ 0. ,  2. ,  0.5, -2. ]])
    """
    return SparseDerivative(fun, argnums, format, pattern, is_hessian=False)


def hessian(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    *,
    format: str = "csr",
    pattern: Any = None,
) -> SparseDerivative:
    """The Hessian of a scalar function as a function that gives sparse, symmetric matrices.

    As `jacobian`, with a row and a column for each element of the argument (or arguments). It is
    found from forward derivatives of the gradient, fewer than those of a Jacobian with the same
    pattern: one half of a symmetric matrix tells the other.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> h = jitad.sparse.hessian(lambda x: jnp.sum((x[1:] - x[:-1] ** 2) ** 2))
    >>> h(np.array([1.0, 2.0, 3.0])).toarray()
    array([[ 4., -4.,  0.],
           [-4., 38., -8.],
           [ 0., -8.,  2.]])
    """
    return SparseDerivative(fun, argnums, format, pattern, is_hessian=True)
