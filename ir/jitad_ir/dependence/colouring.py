"""Groups of columns, or rows, of a sparse matrix that one derivative gives at once.

Columns that share no row can be told apart in their sum (Curtis, Powell and Reid, 1974): they get
one colour. Of a symmetric matrix, two columns may share a row if the elements there can be found in
other columns: it is enough that columns next to each other (in the graph of the matrix) differ, and
that no path of four has two colours only: a star colouring (Coleman and Moré, 1984).

Colours are given greedily; see Gebremedhin, Manne and Pothen, What Color Is Your Jacobian? (2005).
Sets of colours are the bits of Python's integers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def _least_absent(colours: int) -> int:
    """The least colour that is not in a set."""
    return (~colours & (colours + 1)).bit_length() - 1


def colours_of_rows(pattern: Any) -> Any:
    """The colour of each row of a `csr_array`, such that rows of one colour share no column; by the
    better of two orders: as they are, and the longest first."""
    colours = _coloured_rows(pattern, range(pattern.shape[0]))
    if colours.max(initial=-1) + 1 == np.bincount(pattern.indices, minlength=1).max():
        return colours  # rows that share a column differ: there are no fewer
    longest_first = np.argsort(-np.diff(pattern.indptr), kind="stable")
    others = _coloured_rows(pattern, longest_first.tolist())
    return min(colours, others, key=lambda found: found.max(initial=-1))


def _coloured_rows(pattern: Any, order: Iterable[int]) -> Any:
    ends, columns = pattern.indptr.tolist(), pattern.indices.tolist()
    seen = [0] * pattern.shape[1]  # the colours of the rows that have an element in a column
    colours = np.zeros(pattern.shape[0], np.int64)
    for row in order:
        own = columns[ends[row] : ends[row + 1]]
        taken = 0
        for column in own:
            taken |= seen[column]
        colours[row] = colour = _least_absent(taken)
        for column in own:
            seen[column] |= 1 << colour
    return colours


def star_colours(pattern: Any) -> Any:
    """The colour of each column of a symmetric `csr_array`, a star colouring of its graph.

    Columns with many elements, of which there are few, get colours of their own first: a path with
    one of them inside has three colours then, so that they are out of the way.
    """
    degrees = np.diff(pattern.indptr)
    order = np.argsort(-degrees, kind="stable")
    hubs = int(np.argmin(np.arange(len(order)) + degrees[order])) if len(order) else 0
    colours = np.full(pattern.shape[0], -1)
    colours[order[:hubs]] = np.arange(hubs)
    apart = (colours >= 0).tolist()
    ends, columns = pattern.indptr.tolist(), pattern.indices.tolist()
    neighbours = [
        [] if apart[v] else [w for w in columns[ends[v] : ends[v + 1]] if w != v and not apart[w]]
        for v in range(pattern.shape[0])
    ]
    _colour_stars(neighbours, order[hubs:].tolist(), colours, hubs)
    return colours


def _colour_stars(neighbours: list[list[int]], order: list[int], colours: Any, first: int) -> None:
    """Colours from `first` on for the columns in `order`."""
    given = [-1] * len(neighbours)
    around: list[dict[int, int]] = [{} for _ in neighbours]
    """How many neighbours of each column have each colour."""
    for v in order:
        taken = 0
        for w in neighbours[v]:
            own = given[w]
            if own < 0:  # else v and another neighbour of w could end a path of two colours
                for colour in around[w]:
                    taken |= 1 << colour
                continue
            taken |= 1 << own
            for x in neighbours[w]:
                # A path v, w, x, y, with y of the colour of w.
                if given[x] >= 0 and x != v and around[x][own] > 1:
                    taken |= 1 << given[x]
        colour = given[v] = _least_absent(taken)
        colours[v] = first + colour
        for w in neighbours[v]:
            counts = around[w]
            counts[colour] = counts.get(colour, 0) + 1
