"""The step of a `wavefront`: several rows of a table at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..graph import Equation

if TYPE_CHECKING:
    from .steps import Plan

Buffers = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Wavefront:
    """A `wavefront` (see its op): `cell`, a straight plan, at each place of a table.

    Operands and results by role. `finals` are the tables, updated row by row where they are;
    `lasts` the carry at the end of each row.
    """

    equation: Equation
    cell: Plan
    shared: Buffers
    rowwise: Buffers
    inits: Buffers
    heads: Buffers
    tables: Buffers
    columns: Buffers
    grids: Buffers
    finals: Buffers
    lasts: Buffers
    entries: Buffers

    @staticmethod
    def of(eq: Equation, cell: Plan, operands: Sequence[int], results: Sequence[int]) -> Wavefront:
        """The step on these buffers."""
        shared, rowwise, inits, tables, columns = eq.params["counts"]
        given = _cut(operands, (shared, rowwise, inits, tables, tables, columns))
        made = _cut(results, (tables, inits))
        return Wavefront(
            eq,
            cell,
            shared=given[0],
            rowwise=given[1],
            inits=given[2],
            heads=given[3],
            tables=given[4],
            columns=given[5],
            grids=given[6],
            finals=made[0],
            lasts=made[1],
            entries=made[2],
        )

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.equation.params["rows"]

    @property
    def length(self) -> int:
        """Number of columns."""
        return self.equation.params["length"]

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans inside."""
        return (self.cell,)

    @property
    def operands(self) -> Buffers:
        """In the order of the equation."""
        return (
            *self.shared,
            *self.rowwise,
            *self.inits,
            *self.heads,
            *self.tables,
            *self.columns,
            *self.grids,
        )

    @property
    def results(self) -> Buffers:
        """In the order of the equation."""
        return (*self.finals, *self.lasts, *self.entries)

    @property
    def writes(self) -> Buffers:
        """Buffers written, without repetition."""
        return tuple(dict.fromkeys(self.results))

    @property
    def reads(self) -> Buffers:
        """Buffers read, without repetition."""
        return tuple(dict.fromkeys(self.operands))


def _cut(items: Sequence[int], widths: Sequence[int]) -> list[Buffers]:
    """Consecutive parts of these widths, and the rest."""
    parts: list[Buffers] = []
    start = 0
    for width in widths:
        parts.append(tuple(items[start : start + width]))
        start += width
    return [*parts, tuple(items[start:])]
