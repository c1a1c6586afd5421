"""Which elements of the derivative of a program can be other than zero, and programs of those.

A process that finds what it needs on disk loads none of the modules that find it.
"""

from __future__ import annotations

from typing import Any

from ..graph import Graph
from ..passes.derive import DERIVED
from .sparsity import Sparsity, TooDense, pattern_program


def _sparse_elements(*regions: Graph, **params: Any) -> Graph:
    from .elements import sparse_elements  # noqa: PLC0415  (only who compiles pays for it)

    return sparse_elements(*regions, **params)


DERIVED["sparse_elements"] = _sparse_elements

__all__ = ["Sparsity", "TooDense", "pattern_program"]
