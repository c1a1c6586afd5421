"""Which products with vectors give a sparse derivative, and where its elements are in them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .colouring import colours_of_rows, star_colours

REVERSE = 2
"""The cost of a product from the left (reverse mode) in products from the right."""


class Compression(NamedTuple):
    """An m x n matrix J in `forward` products J s and `reverse` products J^T s.

    Column j is in forward product `columns[j]`, row i in reverse product `rows[i]` (negative: in
    none). Element k of the matrix, by rows, is element `places[k]` of product `products[k]`, where
    the reverse products are numbered behind the forward ones.
    """

    columns: Any
    forward: int
    rows: Any
    reverse: int
    products: Any
    places: Any

    @property
    def cost(self) -> int:
        """In forward products."""
        return self.forward + REVERSE * self.reverse


def compress(pattern: Any) -> Compression:
    """The longest rows by reverse products, the others by forward ones: none of them, all, or as
    many as makes it least. `pattern` is a `csr_array` of bools."""
    lengths = np.diff(pattern.indptr)
    order = np.argsort(-lengths, kind="stable")
    # With the k longest rows out of the way there are as many colours as the next has elements.
    few = int(np.argmin(REVERSE * np.arange(len(order)) + lengths[order])) if len(order) else 0
    best = _split(pattern, order[:0])
    for count in {few, len(order)} - {0}:
        if _least_cost(pattern, order, count) < best.cost:
            other = _split(pattern, order[:count])
            best = min(best, other, key=lambda c: c.cost)
    return best


def _least_cost(pattern: Any, order: Any, count: int) -> int:
    """What products with the first `count` rows of an order in reverse cost at least: elements of
    one row are in different forward products, those of one column in different reverse ones."""
    lengths = np.diff(pattern.indptr)
    turned = np.bincount(pattern[order[:count]].indices, minlength=1)
    return int(lengths[order[count:]].max(initial=0) + REVERSE * turned.max())


def _split(pattern: Any, longest: Any) -> Compression:
    """The rows `longest` by reverse products, the others by forward ones."""
    m, n = pattern.shape
    by_reverse = np.zeros(m, np.bool_)
    by_reverse[longest] = True
    row_of = np.repeat(np.arange(m), np.diff(pattern.indptr))
    columns, forward = _groups(pattern[~by_reverse].T.tocsr(), np.ones(n, np.bool_))
    rows, reverse = _groups(pattern[by_reverse], by_reverse)
    turned = by_reverse[row_of]
    products = np.where(turned, forward + rows[row_of], columns[pattern.indices])
    places = np.where(turned, pattern.indices, row_of)
    return Compression(columns, forward, rows, reverse, products, places)


def _groups(vectors: Any, chosen: Any) -> tuple[Any, int]:
    """Colours of those that are `chosen`, the rows of a `csr_array`; -1 for others and for those
    without elements; and the number of colours."""
    colours = np.full(len(chosen), -1)
    found = colours_of_rows(vectors)
    found[np.diff(vectors.indptr) == 0] = -1
    colours[chosen] = found
    return colours, int(found.max(initial=-1)) + 1


def compress_symmetric(pattern: Any) -> Compression:
    """Of a symmetric matrix, by forward products alone: an element is in the product of its column,
    or of its row, whichever has it by itself."""
    n = pattern.shape[0]
    colours = star_colours(pattern)
    rows = np.repeat(np.arange(n), np.diff(pattern.indptr))
    columns = pattern.indices
    count = int(colours.max(initial=-1)) + 1
    alone = np.bincount(colours[columns] * n + rows, minlength=count * n) == 1
    own = alone[colours[columns] * n + rows]
    products = np.where(own, colours[columns], colours[rows])
    places = np.where(own, rows, columns)
    assert alone[products * n + places].all()
    return Compression(colours, count, np.full(n, -1), 0, products, places)
