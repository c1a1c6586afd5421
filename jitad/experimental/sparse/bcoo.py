"""Sparse arrays by coordinates, and their products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import numpy as jnp
from ...errors import at_user_line
from ...trace import Tracer
from ...tree_util import register_pytree_node


class BCOO:
    """A sparse array: `BCOO((data, indices), shape=shape)`, with data [nse] and integer indices
    [nse, ndim]. Batch and dense axes, which JAX's may have, are not there.

    Takes `@` with dense arrays and, for matrices, with sparse ones; `*` with dense arrays of its
    shape and numbers, `/` with numbers, `+` and `-` with sparse arrays; `.T`, `transpose`, `sum`,
    `astype`, `todense`. What is not there raises TypeError: write `m.todense()`.
    """

    __array_ufunc__ = None  # NumPy's arrays leave their operators to ours
    n_batch = n_dense = 0

    def __init__(
        self,
        args: tuple[Any, Any],
        *,
        shape: Sequence[int],
        indices_sorted: bool = False,
        unique_indices: bool = False,
    ) -> None:
        self.data, self.indices = args
        self.shape = tuple(shape)
        self.indices_sorted = indices_sorted
        self.unique_indices = unique_indices
        places, elements = jnp.shape(self.indices), jnp.shape(self.data)
        if places[1:] != (self.ndim,) or places[:1] != elements:
            raise ValueError(
                at_user_line(
                    f"BCOO: expected data of shape (nse,) and indices of shape (nse, {self.ndim}) "
                    f"for an array of shape {self.shape}; got {elements} and {places}"
                )
            )

    @classmethod
    def fromdense(cls, mat: Any, *, nse: int | None = None, index_dtype: Any = np.int32) -> BCOO:
        """The elements of a dense array that are not zero, in its order: `nse` of them, with
        padding if there are fewer. Raises ValueError under `jit` if it is not given: the shape of
        the result depends on it."""
        mat = jnp.asarray(mat)
        if nse is None:
            if isinstance(mat, Tracer) and mat.concrete is None:
                raise ValueError(
                    at_user_line(
                        "BCOO.fromdense: the number of elements that are not zero is not known "
                        "while a function is traced; give nse="
                    )
                )
            known = mat.concrete if isinstance(mat, Tracer) else mat
            nse = int(np.count_nonzero(known))
        found = jnp.nonzero(mat, size=nse, fill_value=mat.shape) if mat.ndim else ()
        indices = (
            jnp.stack([f.astype(index_dtype) for f in found], axis=1)
            if found
            else (jnp.zeros((nse, 0), index_dtype))
        )
        data = _at(mat, indices)
        return cls((data, indices), shape=mat.shape, indices_sorted=True, unique_indices=True)

    @classmethod
    def from_scipy_sparse(cls, mat: Any, *, index_dtype: Any = np.int32) -> BCOO:
        """The matrix `mat` of `scipy.sparse`, of any format."""
        coo = mat.tocoo()
        indices = np.stack([coo.row, coo.col], axis=1).astype(index_dtype)
        return cls((jnp.asarray(coo.data), jnp.asarray(indices)), shape=coo.shape)

    @property
    def nse(self) -> int:
        """The number of elements that are specified, padding included."""
        return self.data.shape[0]

    @property
    def dtype(self) -> Any:
        """Dtype of the elements."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    n_sparse = ndim

    @property
    def size(self) -> int:
        """Number of elements of the dense array."""
        return math.prod(self.shape)

    @property
    def T(self) -> BCOO:  # noqa: N802  (NumPy's name)
        """The array with its axes in reversed order."""
        return self.transpose()

    def __repr__(self) -> str:
        shape = ", ".join(map(str, self.shape))
        try:
            return f"BCOO({self.dtype}[{shape}], nse={self.nse})"
        except (AttributeError, IndexError):  # the leaves of a mapped tree may be anything
            return f"BCOO({self.data!r}, {self.indices!r}, shape={self.shape})"

    def with_data(self, data: Any) -> BCOO:
        """The array with other elements at the same places."""
        return BCOO(
            (data, self.indices),
            shape=self.shape,
            indices_sorted=self.indices_sorted,
            unique_indices=self.unique_indices,
        )

    def todense(self) -> Any:
        """The dense array."""
        zeros = jnp.zeros(self.shape, self.dtype)
        if not self.ndim:
            return zeros + jnp.sum(self.data)
        return zeros.at[_columns(self.indices)].add(self.data, mode="drop")

    def astype(self, dtype: Any) -> BCOO:
        """The array with elements of another dtype."""
        return self.with_data(self.data.astype(dtype))

    def transpose(self, axes: Sequence[int] | None = None) -> BCOO:
        """The array with its axes in this order, reversed by default."""
        order = tuple(range(self.ndim))[::-1] if axes is None else tuple(axes)
        if sorted(order) != list(range(self.ndim)):
            raise ValueError(
                at_user_line(f"transpose: expected an order of {self.ndim} axes; got {axes}")
            )
        return BCOO(
            (self.data, self.indices[:, list(order)]),
            shape=[self.shape[axis] for axis in order],
            unique_indices=self.unique_indices,
        )

    def sum(self, axis: int | Sequence[int] | None = None) -> Any:
        """The sum over all axes, a dense scalar, or over some, a sparse array."""
        if axis is None:
            return jnp.sum(self._masked())
        given = (axis,) if isinstance(axis, int) else tuple(axis)
        folded = {a % self.ndim for a in given}
        kept = [a for a in range(self.ndim) if a not in folded]
        indices = self.indices[:, kept]
        return BCOO((self._masked(), indices), shape=[self.shape[a] for a in kept])

    def sort_indices(self) -> BCOO:
        """The elements in the order of a dense array."""
        order = jnp.lexsort(_columns(self.indices)[::-1]) if self.ndim else slice(None)
        return BCOO(
            (self.data[order], self.indices[order]),
            shape=self.shape,
            indices_sorted=True,
            unique_indices=self.unique_indices,
        )

    def sum_duplicates(self, nse: int | None = None) -> BCOO:
        """The array with each place once, in order: `nse` of them, padding included. Raises an
        error under `jit` if it is not given: the shape of the result depends on it."""
        places, inverse = jnp.unique(
            self.indices, axis=0, return_inverse=True, size=nse, fill_value=max(self.shape)
        )
        outside = jnp.any(places >= jnp.asarray(self.shape, places.dtype), axis=1)
        data = (
            jnp.zeros((places.shape[0],), self.dtype)
            .at[inverse.ravel()]
            .add(self._masked(), mode="drop")
        )
        padding = jnp.asarray(self.shape, places.dtype)
        places = jnp.where(outside[:, None], padding, places)
        return BCOO(
            (jnp.where(outside, 0, data).astype(self.dtype), places),
            shape=self.shape,
            indices_sorted=True,
            unique_indices=True,
        )

    def _masked(self) -> Any:
        """The data, zero for padding."""
        if not self.ndim:
            return self.data
        inside = jnp.all(self.indices < jnp.asarray(self.shape), axis=1)
        return jnp.where(inside, self.data, jnp.zeros((), self.dtype))

    # Operators.

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, BCOO):
            return _sparse_product(self, other)
        return _product(self, jnp.asarray(other))

    def __rmatmul__(self, other: Any) -> Any:
        other = jnp.asarray(other)
        product = _product(self.transpose(), other.T if other.ndim > 1 else other)
        return product.T if other.ndim > 1 else product

    def __mul__(self, other: Any) -> BCOO:
        if isinstance(other, BCOO):
            return _refuse("*")
        return multiplied(self, other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> BCOO:
        if isinstance(other, BCOO) or jnp.ndim(other):
            return _refuse("/")
        return self.with_data(self.data / other)

    def __neg__(self) -> BCOO:
        return self.with_data(-self.data)

    def __add__(self, other: Any) -> BCOO:
        if not isinstance(other, BCOO):
            return _refuse("+")
        if self.shape != other.shape:
            raise ValueError(
                at_user_line(
                    f"+: expected sparse arrays of one shape; got {self.shape} and {other.shape}"
                )
            )
        data = jnp.concatenate([self.data, other.data])
        return BCOO((data, jnp.concatenate([self.indices, other.indices])), shape=self.shape)

    def __sub__(self, other: Any) -> BCOO:
        return self + -other if isinstance(other, BCOO) else _refuse("-")


def _aux(m: BCOO) -> tuple[tuple[Any, Any], Any]:
    return (m.data, m.indices), (m.shape, m.indices_sorted, m.unique_indices)


def _rebuilt(aux: Any, children: Any) -> BCOO:
    m = object.__new__(BCOO)
    m.shape, m.indices_sorted, m.unique_indices = aux
    m.data, m.indices = children
    return m


register_pytree_node(BCOO, _aux, _rebuilt)


def _columns(indices: Any) -> tuple[Any, ...]:
    return tuple([indices[:, axis] for axis in range(indices.shape[1])])


def _at(x: Any, indices: Any) -> Any:
    """The elements of a dense array at `indices`, zero out of bounds."""
    if not x.ndim:
        return jnp.broadcast_to(x, (indices.shape[0],))
    return x.at[_columns(indices)].get(mode="fill", fill_value=0)


def _refuse(operator: str) -> Any:
    raise TypeError(
        at_user_line(f"a BCOO has no {operator} with this operand; write m.todense() for it")
    )


def _matrix(m: BCOO) -> tuple[Any, Any]:
    if m.ndim != 2:
        raise ValueError(at_user_line(f"@: expected a sparse matrix; got the shape {m.shape}"))
    return m.indices[:, 0], m.indices[:, 1]


def _product(m: BCOO, x: Any) -> Any:
    """y[i] = sum of m[i, j] x[j] over the elements of m; x is a vector or a matrix."""
    rows, columns = _matrix(m)
    if x.ndim not in (1, 2) or x.shape[0] != m.shape[1]:
        raise ValueError(
            at_user_line(
                f"@: expected a vector or a matrix of length {m.shape[1]} for a sparse matrix of "
                f"shape {m.shape}; got the shape {x.shape}"
            )
        )
    data = m.data[:, None] if x.ndim == 2 else m.data
    terms = data * x.at[columns].get(mode="fill", fill_value=0)
    zeros = jnp.zeros((m.shape[0], *x.shape[1:]), terms.dtype)
    return zeros.at[rows].add(terms, mode="drop")


def _sparse_product(a: BCOO, b: BCOO) -> BCOO:
    """The product of sparse matrices, with an element for each pair of theirs."""
    (rows, inner), (others, columns) = _matrix(a), _matrix(b)
    if a.shape[1] != b.shape[0]:
        raise ValueError(
            at_user_line(f"@: expected matrices that fit; got shapes {a.shape} and {b.shape}")
        )
    meet = (inner[:, None] == others) & (inner < a.shape[1])[:, None]
    terms = a.data[:, None] * b.data
    data = jnp.where(meet, terms, jnp.zeros((), terms.dtype)).ravel()
    pairs = jnp.broadcast_arrays(rows[:, None], columns[None, :])
    indices = jnp.stack([p.ravel() for p in pairs], axis=1)
    return BCOO((data, indices), shape=(a.shape[0], b.shape[1]))


def multiplied(sp_mat: BCOO, v: Any) -> BCOO:
    """The product, element by element, with a number or a dense array that broadcasts to the shape
    of `sp_mat`; raises ValueError for others."""
    v = v if isinstance(v, (bool, int, float, complex)) else jnp.asarray(v)
    if not jnp.ndim(v):
        return sp_mat.with_data(sp_mat.data * v)
    if jnp.broadcast_shapes(v.shape, sp_mat.shape) != sp_mat.shape:
        raise ValueError(
            at_user_line(
                f"*: expected a dense array that broadcasts to {sp_mat.shape}; got {v.shape}"
            )
        )
    return sp_mat.with_data(sp_mat.data * _at(jnp.broadcast_to(v, sp_mat.shape), sp_mat.indices))
