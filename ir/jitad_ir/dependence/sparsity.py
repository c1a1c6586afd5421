"""Which elements of a matrix may be other than zero."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..graph import Builder, Graph, building
from ..op import OPS


class TooDense(Exception):
    """A pattern has so many elements that it is no sparse matrix."""


class Sparsity(NamedTuple):
    """Which elements of a matrix may be other than zero: the numbers of the columns, row after row
    and sorted in each, and where each row ends, from 0 on (int32)."""

    shape: tuple[int, int]
    columns: Any
    ends: Any

    @property
    def size(self) -> int:
        """How many elements it has."""
        return len(self.columns)

    @property
    def rows(self) -> Any:
        """The row of each element."""
        return np.repeat(np.arange(self.shape[0], dtype=np.int32), np.diff(self.ends))

    def matrix(self) -> Any:
        """A `scipy.sparse.csr_array` of bools."""
        from scipy.sparse import csr_array  # noqa: PLC0415  (only who asks for one pays for it)

        flags = np.ones(len(self.columns), np.bool_)
        return csr_array((flags, self.columns.copy(), self.ends.copy()), shape=self.shape)


def pattern_program(columns: Any, ends: Any) -> Graph:
    """A pattern that is given, as a program without inputs, for a region."""
    builder = Builder("pattern")
    with building(builder):
        results = [OPS["constant"](value=np.asarray(a, np.int32)) for a in (columns, ends)]
    return builder.build(results)
