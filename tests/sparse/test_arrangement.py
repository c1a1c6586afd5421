"""Elements of vectors in any order: by slices where they alternate, by indices elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitad_ir.dependence.arrangement import arranged
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.native.program import compile_graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.types import ArrayType


def program(count: int, size: int, numbers: Any, places: Any) -> Graph:
    builder = Builder("arranged")
    vectors = [builder.input(ArrayType(np.dtype(np.float64), (size,))) for _ in range(count)]
    with building(builder):
        rows = np.arange(len(numbers)) // max(count, 1)
        return builder.build([arranged(vectors, numbers, places, rows)])


@st.composite
def orders(draw: Any) -> tuple[int, int, Any, Any]:
    """Numbers and places of elements that alternate, with others between."""
    count, size = draw(st.integers(1, 5)), draw(st.sampled_from([3, 70, 200]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    numbers, places = np.divmod(rng.permutation(count * size), size)
    for _ in range(draw(st.integers(0, 3))):
        length = int(rng.integers(1, size + 1))
        width, first = int(rng.integers(1, count + 1)), int(rng.integers(0, size - length + 1))
        chosen = rng.permutation(count)[:width]
        numbers = np.concatenate([numbers[: rng.integers(0, 8)], np.tile(chosen, length)])
        run = np.repeat(np.arange(first, first + length), width)
        places = np.concatenate([places[: len(numbers) - len(run)], run])
    return count, size, numbers, places


@given(orders())
@settings(max_examples=150, deadline=None)
def test_elements_are_those_asked_for(order: tuple[int, int, Any, Any]) -> None:
    count, size, numbers, places = order
    vectors = np.random.default_rng(1).normal(size=(count, size))
    (found,) = evaluate(program(*order), *vectors)
    np.testing.assert_array_equal(found, vectors[numbers, places])


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("rest", [0, 1, 7])
def test_vectors_that_alternate_are_read_in_order(count: int, rest: int) -> None:
    size = 1001
    numbers = np.concatenate([np.tile(np.arange(count), size), np.zeros(rest, int)])
    places = np.concatenate([np.repeat(np.arange(size), count), np.arange(rest) * 3])
    graph = program(count, size, numbers, places)
    assert all(eq.op.name != "gather" for eq in graph.equations)
    vectors = np.random.default_rng(1).normal(size=(count, size))
    (found,) = compile_graph(optimize(graph))(*vectors)
    np.testing.assert_array_equal(found, vectors[numbers, places])


@pytest.mark.parametrize("lengths", [(1, 3), (2, 2, 1), (4, 4, 4, 3), (5, 0, 2)])
def test_rows_that_repeat_after_some_others(lengths: tuple[int, ...]) -> None:
    """Rows of different lengths, of other vectors each, as of a function at many nodes."""
    nodes, step = 120, len(lengths)
    rows = np.repeat(np.arange(nodes * step), np.tile(lengths, nodes))
    numbers = np.tile(np.arange(sum(lengths)), nodes) % 5
    builder = Builder("nodes")
    vectors = [builder.input(ArrayType(np.dtype(np.float64), (nodes * step,))) for _ in range(5)]
    with building(builder):
        graph = builder.build([arranged(vectors, numbers, rows, rows)])
    assert all(eq.op.name != "gather" for eq in graph.equations)
    arrays = np.random.default_rng(1).normal(size=(5, nodes * step))
    np.testing.assert_array_equal(compile_graph(optimize(graph))(*arrays)[0], arrays[numbers, rows])


def test_no_order_is_read_by_indices() -> None:
    rng = np.random.default_rng(2)
    graph = program(3, 500, rng.integers(0, 3, 800), rng.integers(0, 500, 800))
    assert sum(eq.op.name == "gather" for eq in graph.equations) == 1


def neighbours(m: int, n: int, by_columns: bool) -> tuple[Any, Any, Any]:
    """The elements of a matrix of the neighbours on a grid, by rows or by columns: numbers of the
    vectors, places in them, and rows (or columns)."""
    i, j = np.divmod(np.arange(m * n), n)
    found = []
    for number, (di, dj) in enumerate([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)]):
        inside = (i + di >= 0) & (i + di < m) & (j + dj >= 0) & (j + dj < n)
        rows = np.flatnonzero(inside)
        found.append((np.full(rows.size, number), rows, rows + di * n + dj))
    numbers, rows, columns = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.lexsort((rows, columns) if by_columns else (columns, rows))
    return numbers[order], rows[order], (columns if by_columns else rows)[order]


@pytest.mark.parametrize("by_columns", [False, True])
@pytest.mark.parametrize(("m", "n"), [(30, 40), (6, 33), (7, 100), (50, 51)])
def test_lines_of_a_grid_are_read_in_order(m: int, n: int, by_columns: bool) -> None:
    numbers, places, rows = neighbours(m, n, by_columns)
    builder = Builder("grid")
    vectors = [builder.input(ArrayType(np.dtype(np.float64), (m * n,))) for _ in range(5)]
    with building(builder):
        graph = builder.build([arranged(vectors, numbers, places, rows)])
    assert all(eq.op.name != "gather" for eq in graph.equations)
    arrays = np.random.default_rng(1).normal(size=(5, m * n))
    np.testing.assert_array_equal(evaluate(graph, *arrays)[0], arrays[numbers, places])
    program = compile_graph(optimize(graph))
    assert program.plan.workspace_bytes == 0  # all is written where it belongs
    np.testing.assert_array_equal(program(*arrays)[0], arrays[numbers, places])


def test_lines_that_differ_are_read_by_indices() -> None:
    numbers, places, rows = neighbours(30, 40, False)
    swapped = numbers.copy()
    swapped[500:3000:5] = numbers[501:3001:5]
    builder = Builder("grid")
    vectors = [builder.input(ArrayType(np.dtype(np.float64), (1200,))) for _ in range(5)]
    with building(builder):
        graph = builder.build([arranged(vectors, swapped, places, rows)])
    assert sum(eq.op.name == "gather" for eq in graph.equations) == 1
    arrays = np.random.default_rng(1).normal(size=(5, 1200))
    np.testing.assert_array_equal(evaluate(graph, *arrays)[0], arrays[swapped, places])
