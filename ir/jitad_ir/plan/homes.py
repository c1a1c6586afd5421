"""Records of fusion: future kernels, what they store, what is known of each value; and the search
for a kernel that can hold one more equation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from ..graph import Equation, Value
from ..types import Shape
from . import limits
from .spaces import Bounds, FoldKey, refined, trailing_bounds

Levels: TypeAlias = tuple[int, int]
"""Two levels: for a cluster of one iteration space, and for a block."""


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
class Stage:
    """An array, seen with the shape `view`, in one of the shape `whole`, with its first element at
    `corner`."""

    view: Shape
    whole: Shape
    corner: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Root:
    """A value to store in a buffer: as it is, or where the stages put it, one in the other."""

    value: Value
    buffer: int
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a concatenation that is put together in memory."""

    value: Value
    home: Cluster
    stages: tuple[Stage, ...]


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
    ready: Levels
    work: int = 0
    depth: int = 0
    uses: int = 0
    home: Cluster | None = None
    alias: Value | None = None
    """The value whose elements this view has, in their order."""
    free: bool = True
    slow: bool = False
    """Whether an element takes a division or a root, of its own or of what is expanded in it."""
    pulled: bool = False
    """Somebody relies on the home's level: the member is not to be moved."""
    tiles: list[Tile] | None = None
    """Who writes the parts of a buffer that has no writer of its own."""
    readers: list[Info] = field(default_factory=list["Info"])
    """Members that read this one at their own index."""


def fits(home: Cluster, size: int, bounds: Bounds, key: FoldKey | None) -> bool:
    """Whether an equation of this iteration space, a fold with this key, can be in the cluster."""
    if home.block or home.size != size:
        return False
    if key is not None and home.fold_key is not None and key != home.fold_key:
        return False
    return refined(home.bounds, bounds) is not None


def joined(home: Cluster, bounds: Bounds, key: FoldKey | None) -> Cluster:
    """The cluster, with an equation of this iteration space in it."""
    home.bounds = refined(home.bounds, bounds) or home.bounds
    home.fold_key = home.fold_key or key
    return home


class Homes:
    """All clusters, by level and number of elements."""

    def __init__(self) -> None:
        self.clusters: list[Cluster] = []
        self._at: dict[tuple[int, int], list[Cluster]] = {}
        self._blocks: dict[int, Cluster] = {}
        self._block_elements = 0

    def find(
        self,
        shape: Shape,
        level: int,
        same: Sequence[Info],
        key: FoldKey | None,
        streams: Sequence[Value],
    ) -> Cluster:
        """A cluster of the iteration space of `shape`, at `level` at least, that can read the
        members `same` at its own index, and the buffers `streams`."""
        size, bounds = math.prod(shape), trailing_bounds(shape)
        homes = {id(i.home): i.home for i in same if i.home is not None}
        for home in sorted(homes.values(), key=lambda c: -c.level):
            if (
                home.level >= level
                and fits(home, size, bounds, key)
                and all(i.home is home or _is_read_below(i, home.level) for i in same)
            ):
                return joined(home, bounds, key)
        for info in same:
            assert info.home is not None
            level = max(level, info.ready[0] if info.free else info.home.level + 1)
        for home in self._at.get((level, size), ()):
            more = len(home.streams.union(streams)) - len(home.streams)
            full = more > 0 and len(home.streams) + more > limits.STREAMS
            if not full and fits(home, size, bounds, key):
                home.streams.update(streams)
                return joined(home, bounds, key)
        home = Cluster(len(self.clusters), level, size, False, bounds, key)
        home.streams.update(streams)
        self.clusters.append(home)
        self._at.setdefault((level, size), []).append(home)
        return home

    def block(self, size: int, level: int) -> Cluster | None:
        """The block at `level`; None if there is no room in it for `size` elements more."""
        home = self._blocks.get(level)
        if home is None:
            home = self._blocks[level] = Cluster(len(self.clusters), level, 1, True)
            self.clusters.append(home)
        if size > 1:
            self._block_elements += size
            if (
                home.elements + size > limits.BLOCK_ELEMENTS
                or self._block_elements > limits.ALL_BLOCK_ELEMENTS
            ):
                return None
            home.elements += size
        return home


def _is_read_below(info: Info, level: int) -> bool:
    """Whether a cluster at `level` that is not the member's home can use it."""
    assert info.home is not None
    return info.home.level < level or (info.free and info.ready[0] <= level)
