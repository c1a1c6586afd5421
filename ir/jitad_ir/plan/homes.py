"""Records of fusion: future kernels, what they store, and what is known of each value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..graph import Equation, Value
from ..types import Shape
from .spaces import Bounds, FoldKey


@dataclass(eq=False, slots=True)
class Cluster:
    """The equations of one kernel, while they are collected."""

    number: int
    level: int
    size: int
    block: bool
    bounds: Bounds = ()
    fold_key: FoldKey | None = None
    elements: int = 0
    members: list[Equation] = field(default_factory=list[Equation])
    folds: list[Equation] = field(default_factory=list[Equation])
    streams: set[Value] = field(default_factory=set[Value])
    """Buffers of the cluster's size that members read."""
    roots: list[Root] = field(default_factory=list["Root"])
    """Values to store."""


@dataclass(frozen=True, slots=True)
class Root:
    """A value to store in a buffer that holds an array of `shape`, with its first element at
    `corner`."""

    value: Value
    buffer: int
    shape: Shape
    corner: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tile:
    """An operand of a concatenation that is put together in memory."""

    value: Value
    home: Cluster
    corner: tuple[int, ...]


@dataclass(eq=False, slots=True)
class Call:
    """A routine call, at its level."""

    level: int
    equation: Equation


@dataclass(eq=False, slots=True)
class Info:
    """What is known of one value. `ready[b]` is the least level at which a cluster may hold a
    reader at any index, if the value is a buffer or expanded; b = 1 for readers in blocks."""

    kind: Literal["buffer", "view", "member"]
    size: int
    ready: tuple[int, int]
    work: int = 0
    depth: int = 0
    uses: int = 0
    home: Cluster | None = None
    alias: Value | None = None
    """The value whose elements this view has, in their order."""
    free: bool = True
    pulled: bool = False
    """Somebody relies on the home's level: the member is not to be moved."""
    tiles: list[Tile] | None = None
    """Who writes the parts of a buffer that has no writer of its own."""
    readers: list[Info] = field(default_factory=list["Info"])
    """Members that read this one at their own index."""
