"""Jacobians and Hessians: derivatives in every direction of a basis at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from ..errors import hides_internals
from ..pytree import flatten
from ..trace import defers
from .batching import vmap
from .directional import asked_vjp, jvp, vjp
from .function import check_callable, leaf_types, name_of, split_arguments, with_arguments


def _basis(types: Sequence[Any]) -> list[Any]:
    """For each type, all unit tangents of all types: arrays (n, *shape) of the n elements."""
    total = sum(t.size for t in types)
    basis: list[Any] = []
    start = 0
    for t in types:
        rows = np.zeros((total, t.size), t.dtype)
        rows[start + np.arange(t.size), np.arange(t.size)] = 1
        basis.append(rows.reshape((total, *t.shape)))
        start += t.size
    return basis


def _check(
    types: Sequence[Any],
    holomorphic: bool,
    what: str,
    transform: str,
    *,
    takes_complex: bool = False,
) -> None:
    for t in types:
        if not t.is_inexact:
            raise TypeError(f"{transform}: {what} must be float or complex; got {t!r}")
        if holomorphic and t.dtype.kind != "c":
            raise TypeError(f"{transform}: with holomorphic, {what} must be complex; got {t!r}")
        if not (holomorphic or takes_complex) and t.dtype.kind == "c":
            raise TypeError(
                f"{transform}: {what} must be real; got {t!r}. Pass holomorphic=True for a "
                "complex derivative"
            )


def _blocks(stacked: Any, types: Sequence[Any], tree: Any, last: bool) -> Any:
    """Cut the axis of `stacked` that runs over all elements (the last or the first axis) into a
    tree of blocks, one for each type."""
    blocks: list[Any] = []
    start = 0
    for t in types:
        stop = start + t.size
        if last:
            block = stacked[..., start:stop].reshape((*stacked.shape[:-1], *t.shape))
        else:
            block = stacked[start:stop].reshape((*t.shape, *stacked.shape[1:]))
        blocks.append(block)
        start = stop
    return tree.unflatten(blocks)


def _in_arguments(
    fun: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    argnums: int | Sequence[int],
    transform: str,
) -> tuple[Callable[[Any], Any], Any]:
    """`fun` as a function of the argument that `argnums` names, or of a tuple of those it names;
    and what is given for it."""
    positions, chosen = split_arguments(args, argnums, transform)
    is_one = isinstance(argnums, int)

    def partial(inner: Any) -> Any:
        return fun(*with_arguments(args, positions, [inner] if is_one else inner), **kwargs)

    return partial, chosen[0] if is_one else tuple(chosen)


def jacfwd(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """The Jacobian by forward mode, one column an input element: best for few inputs.

    Entry [i..., j...] of a block is the derivative of result element i... in argument element
    j...; results and arguments that are pytrees give a tree of blocks, results outside.

    >>> import jitad, numpy as np
    >>> jitad.jacfwd(lambda x: x**2)(np.array([1.0, 2.0]))
    Array([[2., 0.],
           [0., 4.]])
    """
    check_callable(fun, "jacfwd")

    @wraps(fun)
    @hides_internals
    def jacobian_function(*args: Any, **kwargs: Any) -> Any:
        partial, argument = _in_arguments(fun, args, kwargs, argnums, "jacfwd")
        leaves, tree = flatten(argument)
        types = leaf_types(leaves, f"jacfwd: argument of {name_of(fun)}")
        _check(types, holomorphic, f"arguments of {name_of(fun)}", "jacfwd")

        def column(*tangent: Any) -> Any:
            return jvp(partial, (argument,), (tree.unflatten(tangent),), has_aux=has_aux)[1:]

        ends = (-1, None) if has_aux else (-1,)
        columns, *aux = vmap(column, out_axes=ends)(*_basis(types))
        column_leaves, out_tree = flatten(columns)
        blocks = [_blocks(leaf, types, tree, last=True) for leaf in column_leaves]
        result = out_tree.unflatten(blocks)
        return (result, *aux) if has_aux else result

    return jacobian_function


def jacrev(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> Callable[..., Any]:
    """The Jacobian by reverse mode, one row a result element: best for few results.

    Blocks are as for `jacfwd`. Of complex arguments the rows are gradients of the (real) results,
    as `grad` has them.

    >>> import jitad, numpy as np
    >>> jitad.jacrev(lambda x: x.sum() * x)(np.array([1.0, 2.0]))
    Array([[4., 1.],
           [2., 5.]])
    """
    check_callable(fun, "jacrev")

    @wraps(fun)
    @hides_internals
    def jacobian_function(*args: Any, **kwargs: Any) -> Any:
        partial, argument = _in_arguments(fun, args, kwargs, argnums, "jacrev")
        types = leaf_types(flatten(argument)[0], f"jacrev: argument of {name_of(fun)}")
        if not allow_int:
            _check(types, holomorphic, f"arguments of {name_of(fun)}", "jacrev", takes_complex=True)

        if defers() and not has_aux:
            point = asked_vjp(partial, argument)
            out_tree, out_types, row, aux = point.out_tree, point.out_types, point.cotangents, ()
        else:
            result, pullback, *aux = vjp(partial, argument, has_aux=has_aux)
            result_leaves, out_tree = flatten(result)
            out_types = leaf_types(result_leaves, f"jacrev: result of {name_of(fun)}")

            def row(*cotangent: Any) -> Any:
                return pullback(out_tree.unflatten(cotangent))[0]

        _check(out_types, holomorphic, f"results of {name_of(fun)}", "jacrev")
        rows = vmap(row)(*_basis(out_types))
        row_leaves, tree = flatten(rows)
        cut = [flatten(_blocks(leaf, out_types, out_tree, last=False))[0] for leaf in row_leaves]
        blocks = [
            tree.unflatten([leaf_blocks[i] for leaf_blocks in cut]) for i in range(len(out_types))
        ]
        jacobian_tree = out_tree.unflatten(blocks)
        return (jacobian_tree, *aux) if has_aux else jacobian_tree

    return jacobian_function


jacobian = jacrev


def hessian(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Callable[..., Any]:
    """The matrix of second derivatives of a scalar function: forward mode over reverse mode.

    >>> import jitad, numpy as np
    >>> jitad.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    Array([[4., 2.],
           [2., 0.]])
    """
    inner = jacrev(fun, argnums, has_aux=has_aux, holomorphic=holomorphic)
    return jacfwd(inner, argnums, has_aux=has_aux, holomorphic=holomorphic)
