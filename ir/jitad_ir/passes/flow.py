"""The minimum cut of a flow network.

    minimum_cut : edges with capacities, source, sink  to  the nodes on the source's side

Small networks are cut here, by shortest augmenting paths (Edmonds and Karp 1972, Journal of the
ACM 19(2)); large ones by networkx, whose algorithm is better but which takes longer to load than
all passes together. Both answer with the side that is smallest, of which there is one: the nodes
that the source reaches when the flow is at its greatest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from ..collector import collector_paused

SMALL = 2000
"""Edges up to which augmenting paths are faster than loading networkx."""


class Edge(NamedTuple):
    """An arc of a network."""

    tail: int
    head: int
    capacity: int | None
    """None: without bound."""


def minimum_cut(edges: Iterable[Edge], source: int, sink: int) -> set[int]:
    """The smallest set of nodes with `source` but not `sink` that edges of least capacity leave.

    `edges` has no pair of nodes twice, and a bound on every path from `source` to `sink`.

    >>> sorted(minimum_cut([Edge(0, 1, 5), Edge(1, 2, 3), Edge(0, 2, 1)], 0, 2))
    [0, 1]
    """
    edges = list(edges)
    cut = _by_augmenting_paths if len(edges) <= SMALL else _by_networkx
    return cut(edges, source, sink)


def _by_augmenting_paths(edges: list[Edge], source: int, sink: int) -> set[int]:
    unbounded = 1 + sum([e.capacity or 0 for e in edges])
    left: dict[int, dict[int, int]] = {source: {}, sink: {}}
    for tail, head, capacity in edges:
        left.setdefault(tail, {})[head] = unbounded if capacity is None else capacity
        left.setdefault(head, {}).setdefault(tail, 0)
    while True:
        reached = _reached(left, source, sink)
        if sink not in reached:
            return set(reached)
        path = [sink]
        while path[-1] != source:
            path.append(reached[path[-1]])
        steps = list(zip(path[1:], path, strict=False))
        amount = min([left[tail][head] for tail, head in steps])
        for tail, head in steps:
            left[tail][head] -= amount
            left[head][tail] += amount


def _reached(left: dict[int, dict[int, int]], source: int, sink: int) -> dict[int, int]:
    """The nodes that more can flow to, each with the node before it; all, unless it is the sink
    that is reached."""
    before = {source: source}
    pending = deque([source])
    while pending and sink not in before:
        node = pending.popleft()
        for head, capacity in left[node].items():
            if capacity > 0 and head not in before:
                before[head] = node
                pending.append(head)
    return before


def _by_networkx(edges: list[Edge], source: int, sink: int) -> set[int]:
    with collector_paused():  # it would take a quarter of the time
        import networkx  # noqa: PLC0415  (only large networks pay for loading it)

    nx: Any = networkx
    # Backwards: the side that networkx makes as small as can be is the sink's.
    network = nx.DiGraph()
    network.add_nodes_from([source, sink])
    for tail, head, capacity in edges:
        network.add_edge(head, tail, **({} if capacity is None else {"capacity": capacity}))
    _, (_, near) = nx.minimum_cut(network, sink, source)
    return near
