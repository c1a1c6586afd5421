"""Minimum cuts: both ways of finding them give the same, and it is a minimum."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jitad_ir.passes import flow
from jitad_ir.passes.flow import Edge, minimum_cut


def network(seed: int) -> list[Edge]:
    """Seven nodes; what leaves node 0 and enters node 6 is bounded, some of the rest is not."""
    rng = np.random.default_rng(seed)
    pairs = [p for p in itertools.permutations(range(7), 2) if rng.random() < 0.4]
    bounded = [0 in p or 6 in p or rng.random() < 0.7 for p in pairs]
    sizes = [int(c) for c in rng.integers(0, 4, len(pairs))]
    return [
        Edge(*pair, size if bound else None)
        for pair, size, bound in zip(pairs, sizes, bounded, strict=True)
    ]


def leaving(edges: list[Edge], near: set[int]) -> float:
    cut = [e.capacity for e in edges if e.tail in near and e.head not in near]
    return sum([float("inf") if c is None else c for c in cut])


@pytest.mark.parametrize("seed", range(30))
def test_it_is_the_smallest_side_of_least_capacity(seed: int) -> None:
    edges = network(seed)
    found = minimum_cut(edges, 0, 6)
    sides = [
        {0, *chosen} for count in range(6) for chosen in itertools.combinations(range(1, 6), count)
    ]
    least = min([leaving(edges, side) for side in sides])
    best = [side for side in sides if leaving(edges, side) == least]
    assert found == set.intersection(*best)
    assert found in best


@pytest.mark.parametrize("seed", range(30))
def test_large_networks_are_cut_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    edges = network(seed)
    by_paths = minimum_cut(edges, 0, 6)
    monkeypatch.setattr(flow, "SMALL", -1)
    assert minimum_cut(edges, 0, 6) == by_paths


def test_no_path() -> None:
    assert minimum_cut([Edge(0, 1, None), Edge(2, 3, 1)], 0, 3) == {0, 1}
