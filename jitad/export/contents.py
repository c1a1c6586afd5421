"""What an exported program consists of, and what is written of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from jitad_ir.graph import Graph

from ..pytree import PyTreeDef


@dataclass(frozen=True, eq=False)
class Contents:
    """A program with the structure of its arguments and results."""

    fun_name: str
    """Name of the function."""
    graph: Graph
    """The program: from the leaves of the arguments to those of the results."""
    in_tree: PyTreeDef
    """Structure of (positional arguments, keyword arguments), without the static ones."""
    out_tree: PyTreeDef
    """Structure of the results."""
    argument_names: tuple[str, ...]
    """Names of the positional arguments."""


class CFiles(NamedTuple):
    """What `Exported.write_c` wrote."""

    header: Path
    object: Path
