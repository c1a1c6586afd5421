"""What tells programs apart on disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from jitad_ir.graph import Graph
from jitad_ir.text import graph_text
from jitad_ir.types import ARRAY_TYPES


def constants_of(graph: Graph) -> Iterator[Any]:
    """The constant arrays and Python functions of a program and its regions, in order."""
    for eq in graph.equations:
        if eq.op.name == "constant":
            yield eq.params["value"]
        else:
            yield from [eq.params[name] for name in ("callback", "note") if name in eq.params]
        for region in eq.regions:
            yield from constants_of(region)


def program_key(graph: Graph, constants: Sequence[Any]) -> bytes:
    """All that a program's code depends on: its text, the contents of its constants, and which of
    its Python functions are the same. What those do, it does not depend on."""
    parts = [graph_text(graph, elide_above=0).encode()]
    functions: list[Any] = []
    for held in constants:
        if isinstance(held, ARRAY_TYPES):
            parts.append(held.tobytes())
            continue
        if held not in functions:
            functions.append(held)
        parts.append(b"function %d" % functions.index(held))
    return b"\0".join(parts)
