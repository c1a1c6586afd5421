"""Sparse Jacobians and Hessians as functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, NamedTuple

import numpy as np

from jitad_ir.dependence import TooDense, pattern_program
from jitad_ir.graph import Graph
from jitad_ir.op import OPS
from jitad_ir.types import ArrayType

from .. import numpy as jnp
from ..argument_types import is_weak
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..trace import Tracer, apply, defers
from ..transforms.derivatives import check_scalar
from ..transforms.function import (
    as_operands,
    check_callable,
    leaf_types,
    name_of,
    run_graph,
    split_arguments,
    trace_function,
    with_arguments,
)
from ..transforms.inspection import ShapeDtypeStruct
from ..transforms.linear_map import declared_type
from ..transforms.staging import jit
from .structure import Elements, Structure

FORMATS = ("csr", "csc", "coo", "bcoo")


class _Arguments(NamedTuple):
    """Arguments of a call: the leaves that are differentiated in, the others, and `call(leaves,
    others)`, the vector of all results' elements, or the scalar of a Hessian."""

    leaves: list[Any]
    others: list[Any]
    call: Callable[[Sequence[Any], Sequence[Any]], Any]
    types: list[ArrayType]
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
        self._structures: dict[Any, Structure] = {}
        self._values = jit(lambda *args, **kwargs: self._elements(args, kwargs).values)
        self._whole = jit(lambda *args, **kwargs: self._elements(args, kwargs))
        update_wrapper(self, fun, updated=())

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: how to make this function again."""
        given = (self._fun, self._argnums, self._format, self._pattern, self._is_hessian)
        return SparseDerivative, given

    @hides_internals
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The matrix at these arguments, [elements of the result, elements of the argument]."""
        found: Elements = self._whole(*args, **kwargs)
        if isinstance(found.values, Tracer) and self._format != "bcoo":
            raise TypeError(
                at_user_line(
                    f"{self._transform}: a matrix of scipy.sparse is no value of a traced program; "
                    f'ask for {self._transform}({name_of(self._fun)}, format="bcoo"), or for the '
                    "elements alone, by its method values"
                )
            )
        return found.structure.matrix(found.values)

    @property
    def values(self) -> Callable[..., Any]:
        """The function that gives the elements of the matrix alone, in the order of its `data`: an
        array, also of a traced program, that can be differentiated again."""
        return self._values

    @hides_internals
    def pattern(self, *args: Any, **kwargs: Any) -> Any:
        """Which elements can be other than zero: a `scipy.sparse.csr_array` of bools. Arguments
        may be `ShapeDtypeStruct`s."""
        return self._structure(self._arguments(args, kwargs)).pattern.matrix()

    @hides_internals
    def products(self, *args: Any, **kwargs: Any) -> tuple[int, int]:
        """How many derivatives give the matrix: in forward and in reverse mode. Of a Hessian, all
        are forward derivatives of the gradient. Where each element has a program of its own, these
        are not taken: the matrix costs less."""
        return self._structure(self._arguments(args, kwargs)).products

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
                check_scalar(result, name_of(self._fun), self._transform)
                return result
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
        weak = tuple([is_weak(leaf) for leaf in (*leaves, *others)])
        key = (tree, others_tree, tuple(types), weak, defers())
        return _Arguments(leaves, others, call, types, key)

    def _structure(self, arguments: _Arguments) -> Structure:
        found = self._structures.get(arguments.key)
        if found is None:
            found = self._traced(arguments)
            if not found.captures:
                self._structures[arguments.key] = found
        return found

    def _traced(self, arguments: _Arguments) -> Structure:
        """The structure of the program whose first inputs are differentiated in."""
        leaves, others, call, types, _ = arguments
        split = len(leaves)
        traced = trace_function(
            lambda tracers: call(tracers[:split], tracers[split:]),
            name_of(self._fun),
            [*leaves, *others],
            concrete=False,
            types=types,
            transform=self._transform,
            defers=defers(),
            orders=1 + self._is_hessian,
        )
        graph, captures = traced.graph, traced.closed.captures
        moving = tuple([i < split for i in range(len(graph.inputs))])
        given = () if self._pattern is None else (self._given_pattern(graph, moving),)
        found = Structure(graph, given, moving, self._format, self._is_hessian, captures)
        try:
            _ = found.count
        except TooDense:
            dense = "hessian" if self._is_hessian else "jacfwd"
            raise ValueError(
                at_user_line(
                    f"{self._transform}: too many elements of the derivative of "
                    f"{name_of(self._fun)} can be other than zero for a sparse matrix; take "
                    f"jitad.{dense}, or give pattern= if you know that most of them are zero"
                )
            ) from None
        return found

    def _given_pattern(self, graph: Graph, moving: Sequence[bool]) -> Graph:
        """The user's, by rows, with sorted columns, as a program."""
        from scipy.sparse import csr_array  # noqa: PLC0415  (loaded by the first matrix)

        pattern = csr_array(self._pattern).astype(np.bool_)
        columns = sum([v.type.size for v, m in zip(graph.inputs, moving, strict=True) if m])
        expected = (columns if self._is_hessian else graph.outputs[0].type.size, columns)
        if pattern.shape != expected:
            raise ValueError(
                at_user_line(
                    f"{self._transform}: expected a pattern of shape {expected}, elements of the "
                    f"result by elements of the argument; got {pattern.shape}"
                )
            )
        pattern.eliminate_zeros()
        if self._is_hessian:
            pattern = (pattern + pattern.T).tocsr()
        pattern.sum_duplicates()
        return pattern_program(pattern.indices, pattern.indptr)

    def _elements(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Elements:
        """The elements at these arguments: what `jit` compiles."""
        arguments = self._arguments(args, kwargs)
        found = self._structure(arguments)
        operands = [*arguments.leaves, *arguments.others, *found.captures]
        if defers():
            given = as_operands(operands, found.regions[0].input_types)
            (values,) = apply(OPS["sparse_elements"], *given, regions=found.regions, **found.params)
        else:
            (values,) = run_graph(found.program(), operands)
        return Elements(found, values)


def _as_vector(leaves: Sequence[Any], transform: str) -> Any:
    """All elements, one array after the other."""
    for t in leaf_types(leaves, f"{transform}: result"):
        if t.dtype.kind != "f":
            raise TypeError(at_user_line(f"{transform}: results must be float; got {t!r}"))
    flat = [jnp.ravel(jnp.asarray(leaf)) for leaf in leaves]
    return flat[0] if len(flat) == 1 else jnp.concatenate(flat)


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
    matrix costs as many derivatives as `products(...)` says, or less, in one compiled program; see
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
