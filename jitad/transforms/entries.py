"""From a traced function to an entry of the native dispatcher, through the disk cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jitad_ir import disk
from jitad_ir.native import (
    cache,
    threads,  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers families)
)
from jitad_ir.passes.derive import known_by_text
from jitad_ir.stages import stage

from .. import node_types
from ..dispatch import signature as signature_module
from ..dispatch.record import Entry
from ..dispatch.signature import (
    DictNode,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    NoneNode,
    OtherNode,
    ResultLeaf,
    ResultNode,
    Signature,
    TupleNode,
)
from ..settings import config
from .float0 import Float0
from .function import Traced
from .program_key import constants_of, program_key

ENTRY = "jitad.entry"
"""Symbol of the function that the native dispatcher calls."""


def compile_traced(
    traced: Traced, signature: Signature, name: str, times: Mapping[str, float]
) -> Entry:
    """The native entry of a traced program for calls of `signature`: from the disk cache, or
    compiled and put there. `times` are the seconds of each stage, as they are recorded."""
    with stage("passes"):
        graph = known_by_text(traced.graph)
    constants = list(constants_of(graph))
    with stage("cache"):
        key = b"\0".join([_entry_stamp(), program_key(graph, constants)])
        executable = cache.load(key, constants=constants)
    found = executable is not None
    if executable is None:
        from .compiling import compile_program  # noqa: PLC0415  (loads the code generator)

        executable, added = compile_program(graph, constants, ENTRY)
        with stage("cache"):
            cache.store(key, executable, added)
        constants += added
    if config.log_compiles:
        how = "from the disk cache" if found else "compiled"
        print(
            f"jitad: {name}: {len(graph.equations)} equations, {how}; {_budget(times)}",
            file=sys.stderr,
        )
    return Entry(
        executable.address(ENTRY),
        executable,
        signature,
        _results(traced),
        workspace_bytes=executable.metadata["workspace"],
        release_gil=executable.metadata["long"],
        constants=constants,
    )


def _budget(times: Mapping[str, float]) -> str:
    """In words, where the time went: the whole in ms, then stage by stage."""
    whole = sum(times.values())
    parts = [f"{name} {1e3 * seconds:.2f}" for name, seconds in times.items()]
    return f"{1e3 * whole:.2f} ms: {', '.join(parts)}"


@lru_cache(maxsize=1)
def _entry_stamp() -> bytes:
    """Identifies the sources that `jitad.entry` is made by; the cache knows those of the rest."""
    return disk.source_stamp(os.path.dirname(signature_module.__file__ or ""))


def _results(traced: Traced) -> ResultNode:
    """The tree of results, each leaf with its dtype and shape."""
    leaves = [ResultLeaf(t.dtype, t.shape) for t in traced.graph.output_types]
    return _result_node(traced.out_tree.unflatten(leaves))


def _result_node(tree: Any) -> ResultNode:
    if isinstance(tree, ResultLeaf):
        return tree
    if tree is None:
        return NoneNode()
    if isinstance(tree, Float0):
        return LiteralNode(tree.array())
    kind = node_types.node_type(type(tree))
    assert kind is not None, f"{type(tree).__name__} is no longer registered as a pytree"
    children, data = kind.flatten(tree)
    keys: Any = data
    items: Any = tuple([_result_node(child) for child in children])
    if kind is node_types.TUPLE:
        return TupleNode(items)
    if kind is node_types.LIST:
        return ListNode(items)
    if kind is node_types.DICT:
        return DictNode(tuple(keys), items)
    if kind is node_types.NAMEDTUPLE:
        return NamedTupleNode(type(tree), items)
    return OtherNode(type(tree), data, items)
