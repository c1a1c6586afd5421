"""Patterns: which of a program's inputs each element of a value depends on.

A pattern is a sparse boolean matrix with a row for each element of a value (in row-major order) and
a column for each element of the inputs. An op acts on it from the left, by the pattern of its own
derivative: the chain rule over booleans, in which 1 + 1 = 1. Such matrices are described by arrays
of places: numbers of the rows that are united.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .sparsity import TooDense

Pattern: TypeAlias = Any
"""`scipy.sparse.csr_array` of bools."""

MOST_ELEMENTS = 1 << 26
"""Elements of a pattern, at most: a quarter of a GB of column numbers."""


def _matrix(columns: Any, ends: Any, shape: tuple[int, int]) -> Pattern:
    from scipy.sparse import csr_array  # noqa: PLC0415  (only sparse derivatives pay for it)

    return csr_array((np.ones(len(columns), np.bool_), columns, ends), shape=shape)


def unit_pattern(size: int, first: int, columns: int) -> Pattern:
    """That of an input: element i depends on column first + i of `columns`."""
    return _matrix(first + np.arange(size), np.arange(size + 1), (size, columns))


def empty_pattern(size: int, columns: int) -> Pattern:
    """That of what depends on nothing."""
    return _matrix(np.zeros(0, np.int64), np.zeros(size + 1, np.int64), (size, columns))


def _product(left: Pattern, pattern: Pattern) -> Pattern:
    """The product of two boolean matrices; raises TooDense before it is computed."""
    each = np.diff(pattern.indptr)
    if int(each[left.indices].sum(dtype=np.int64)) > MOST_ELEMENTS:
        raise TooDense
    return left @ pattern


def pulled(pattern: Pattern, places: Any) -> Pattern:
    """Row i is the union of those rows of the pattern that `places[i, ...]` names; negative places
    name none."""
    places = np.asarray(places)
    places = places.reshape(places.shape[0], math.prod(places.shape[1:]))
    if places.size > MOST_ELEMENTS:
        raise TooDense
    found = places >= 0
    ends = np.concatenate([[0], np.cumsum(found.sum(axis=1))])
    shape = (places.shape[0], pattern.shape[0])
    return _product(_matrix(places[found], ends, shape), pattern)


def pushed(pattern: Pattern, places: Any, size: int) -> Pattern:
    """Row i of `size` is the union of those rows k of the pattern with places[k] = i; negative
    places are none of them."""
    places = np.asarray(places).reshape(-1)
    order = np.argsort(places, kind="stable")
    order = order[np.searchsorted(places[order], 0) :]
    ends = np.searchsorted(places[order], np.arange(size + 1))
    return _product(_matrix(order, ends, (size, pattern.shape[0])), pattern)


def united(patterns: Sequence[Pattern]) -> Pattern:
    """The union of patterns of one shape."""
    total = patterns[0]
    for pattern in patterns[1:]:
        if pattern is not total:
            total = total + pattern
    return total


def masked(pattern: Pattern, keep: Any) -> Pattern:
    """The pattern without those rows where `keep` is false."""
    keep = np.asarray(keep).reshape(-1)
    if keep.all():
        return pattern
    return pulled(pattern, np.where(keep, np.arange(keep.size), -1)[:, None])


def numbered(shape: Sequence[int]) -> Any:
    """The row-major number of each element of an array."""
    return np.arange(math.prod(shape)).reshape(tuple(shape))


def mixed(pattern: Pattern, shape: Sequence[int], axes: Sequence[int]) -> Pattern:
    """Elements united along some axes of an array, of which these are left with length 1."""
    left = [1 if axis in axes else n for axis, n in enumerate(shape)]
    places = np.broadcast_to(numbered(left), tuple(shape))
    return pushed(pattern, places, math.prod(left))


def spread(pattern: Pattern, shape: Sequence[int], result: Sequence[int]) -> Pattern:
    """An array of `shape` broadcast to that of the result."""
    places = np.broadcast_to(numbered(shape), tuple(result))
    return pulled(pattern, places.reshape(-1, 1))
