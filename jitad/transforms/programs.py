"""The compiled programs of a Python function, which live as long as the function."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from types import FunctionType
from typing import Any, NamedTuple

from jitad_ir.graph import Graph

from ..pytree import PyTreeDef


class Inlined(NamedTuple):
    """A program traced for use inside other traces."""

    graph: Graph
    out_tree: PyTreeDef


class Programs:
    """The programs of a Python function, with certain static arguments."""

    def __init__(self) -> None:
        self.entries: dict[Hashable, Any] = {}
        """By signature, for calls."""
        self.inlined: dict[Hashable, Inlined] = {}
        """For use inside other traces."""
        self.seen: list[Any] = []
        """The arguments it was compiled for, to explain why it is traced again."""

    def clear(self) -> None:
        """Forget all of them."""
        self.entries.clear()
        self.inlined.clear()
        self.seen.clear()


class ProgramsOf:
    """What a function that was jitted carries as an attribute, so that it dies with it, even where
    a program refers to the function: its programs by static arguments."""

    ATTRIBUTE = "__jitad_programs__"

    def __init__(self, owner: Any = None) -> None:
        self.owner = None if owner is None else weakref.ref(owner)
        self.by_static: dict[Hashable, Programs] = {}
        _ALL_PROGRAMS.add(self)

    def __reduce__(self) -> Any:
        return ProgramsOf, ()  # a copy of the function has none


_ALL_PROGRAMS: weakref.WeakSet[ProgramsOf] = weakref.WeakSet()


def programs_of(fun: Callable[..., Any], static: Hashable) -> Programs:
    """Those of this very function, which `jit(fun)(x)` in a loop finds again; new ones for other
    callables."""
    if not isinstance(fun, FunctionType):
        return Programs()
    found = fun.__dict__.get(ProgramsOf.ATTRIBUTE)
    if found is None or found.owner is None or found.owner() is not fun:  # of what `fun` wraps
        found = ProgramsOf(fun)
        setattr(fun, ProgramsOf.ATTRIBUTE, found)
    return found.by_static.setdefault(static, Programs())


def forget_programs() -> None:
    """Forget the programs of all functions."""
    for found in list(_ALL_PROGRAMS):
        found.by_static.clear()
