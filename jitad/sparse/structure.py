"""What is known of a sparse derivative from the types of the arguments alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jitad_ir import disk
from jitad_ir.dependence import Sparsity
from jitad_ir.graph import Graph
from jitad_ir.passes.derive import derive, is_plain_program

from ..node_types import register_node_type
from ..transforms.program_key import constants_of, program_key


class Structure:
    """The traced program of the function, with what a derivative of it is asked for by, and the
    pattern of the matrix. `captures` are what its last inputs stand for, in outer traces."""

    def __init__(
        self,
        body: Graph,
        given: tuple[Graph, ...],
        moving: tuple[bool, ...],
        format: str,
        is_hessian: bool,
        captures: Sequence[Any],
    ) -> None:
        self.regions = (body, *given)
        self.moving = moving
        self.format = format
        self.is_hessian = is_hessian
        self.captures = captures
        self._make: Callable[[Any], Any] | None = None

    @functools.cached_property
    def count(self) -> int:
        """How many elements can be other than zero. Raises TooDense if they are too many."""
        known = disk.read(self._key(b"count")) if self._is_told else None
        return self.pattern.size if known is None else known

    @functools.cached_property
    def pattern(self) -> Sparsity:
        """Which elements can be other than zero, as an earlier process found or as is found now.
        Raises TooDense if they are too many."""
        record = disk.read(self._key(b"pattern")) if self._is_told else None
        if record is not None:
            shape, *arrays = record
            return Sparsity(shape, *[np.frombuffer(array, np.int32) for array in arrays])
        from jitad_ir.dependence.elements import sparsity  # noqa: PLC0415  (finds what is not known)

        found = sparsity(*self.regions, moving=self.moving, symmetric=self.is_hessian)
        if self._is_told:
            arrays = (found.columns.tobytes(), found.ends.tobytes())
            disk.write(self._key(b"pattern"), (found.shape, *arrays))
            disk.write(self._key(b"count"), found.size)
        return found

    @functools.cached_property
    def _is_told(self) -> bool:
        """Whether the text of the program tells all of it, so that records can be found by that."""
        return all([is_plain_program(region) for region in self.regions])

    def _key(self, what: bytes) -> bytes:
        """All that a record depends on besides the sources."""
        return b"\0".join([b"sparsity", what, self._text])

    @functools.cached_property
    def _text(self) -> bytes:
        parts = [repr((self.moving, self.is_hessian)).encode()]
        for region in self.regions:
            parts.append(program_key(region, list(constants_of(region))))
        return b"\0".join(parts)

    @property
    def params(self) -> dict[str, Any]:
        """Those of the op `sparse_elements`."""
        return {
            "moving": self.moving,
            "symmetric": self.is_hessian,
            "by_columns": self.format == "csc",
            "count": self.count,
        }

    def program(self) -> Graph:
        """The program of the elements."""
        from jitad_ir.dependence.elements import sparse_elements  # noqa: PLC0415  (as above)

        body, *given = self.regions
        return sparse_elements(derive(body), *given, **self.params)

    @functools.cached_property
    def products(self) -> tuple[int, int]:
        """How many groups of columns and of rows the matrix has."""
        from jitad_ir.dependence.elements import compression  # noqa: PLC0415  (as above)

        found = compression(self.pattern, self.is_hessian)
        return found.forward, found.reverse

    @functools.cached_property
    def indices(self) -> tuple[Any, ...]:
        """The index arrays of the format."""
        columns, ends, rows = self.pattern.columns, self.pattern.ends, self.pattern.rows
        if self.format == "csr":
            return columns, ends
        if self.format == "coo":
            return rows, columns
        if self.format == "bcoo":
            return (np.stack([rows, columns], axis=1),)
        by_columns = np.argsort(columns, kind="stable")
        counts = np.bincount(columns, minlength=self.pattern.shape[1])
        return rows[by_columns], np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def matrix(self, values: Any) -> Any:
        """The matrix of these elements, with arrays of its own."""
        if self.format == "bcoo":
            from ..experimental.sparse import BCOO  # noqa: PLC0415  (only this format loads it)

            parts = (values, self.indices[0].copy())
            return BCOO(parts, shape=self.pattern.shape, indices_sorted=True, unique_indices=True)
        if self._make is None:
            from .matrices import matrix_maker  # noqa: PLC0415  (loads scipy.sparse)

            self._make = matrix_maker(self.format, self.pattern.shape, self.indices, values.dtype)
        return self._make(np.asarray(values))


class Elements:
    """The elements of a matrix, a pytree of one leaf, that remembers which matrix."""

    __slots__ = ("structure", "values")

    def __init__(self, structure: Structure, values: Any) -> None:
        self.structure = structure
        self.values = values


register_node_type(
    Elements,
    lambda found: ((found.values,), found.structure),
    lambda structure, children: Elements(structure, *children),
)
