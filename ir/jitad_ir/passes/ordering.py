"""Who reads what; and equations that were put together in units, in an order in which they run."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from ..graph import Equation, Graph, Value


def users_of(graph: Graph) -> dict[Value, list[Equation | None]]:
    """Who reads each value; None stands for the outside."""
    users: dict[Value, list[Equation | None]] = {}
    for eq in graph.equations:
        for value in dict.fromkeys(eq.operands):
            users.setdefault(value, []).append(eq)
    for value in graph.outputs:
        users.setdefault(value, []).append(None)
    return users


def in_order(units: list[list[Equation]]) -> Iterator[list[Equation]]:
    """Units in an order in which each comes after those that it reads from, and those with effects
    in the order given; of those that could be next, the first."""
    maker = {v: k for k, unit in enumerate(units) for eq in unit for v in eq.outputs}
    readers: list[list[int]] = [[] for _ in units]
    missing = [0] * len(units)
    acting: int | None = None
    for k, unit in enumerate(units):
        sources = {maker[v] for eq in unit for v in eq.operands if v in maker} - {k}
        if any([eq.acts for eq in unit]):
            sources |= set() if acting is None else {acting}
            acting = k
        missing[k] = len(sources)
        for source in sources:
            readers[source].append(k)
    ready = [k for k, count in enumerate(missing) if not count]
    while ready:
        k = heapq.heappop(ready)
        yield units[k]
        for reader in readers[k]:
            missing[reader] -= 1
            if not missing[reader]:
                heapq.heappush(ready, reader)
