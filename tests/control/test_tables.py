"""Loops within loops that fill tables: alignments, warped distances, smoothed minima.

Each is a wavefront after the passes, and gives what the reference interpreter gives of the loops as
they were traced; so do its derivatives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.text import graph_text, parse
from jitad_ir.verify import verify

RNG = np.random.default_rng(7)
A, B = RNG.integers(0, 4, 21), RNG.integers(0, 4, 45)
X, Y = RNG.normal(size=21), RNG.normal(size=45)
SCORES = RNG.integers(-3, 5, (4, 4))


def edit_distance(a: Any, b: Any) -> Any:
    def row(above: Any, letter: Any) -> Any:
        def cell(left: Any, column: Any) -> Any:
            up, corner, other = column
            new = jnp.minimum(jnp.minimum(up, left) + 1, corner + (letter != other))
            return new, new

        first = above[0] + 1
        _, rest = lax.scan(cell, first, (above[1:], above[:-1], b))
        return jnp.concatenate([first[None], rest]), None

    return lax.scan(row, jnp.arange(b.shape[0] + 1), a)[0][-1]


def whole_table(a: Any, b: Any) -> Any:
    """Needleman and Wunsch's scores, all of them, and what a step is."""

    def row(state: Any, letter: Any) -> Any:
        above, number = state

        def cell(left: Any, column: Any) -> Any:
            up, corner, same = column
            options = jnp.stack([corner + jnp.where(same, 1.5, -1.0), up - 0.7, left - 0.7])
            new = jnp.max(options)
            return new, (new, jnp.argmax(options))

        first = -0.7 * number
        _, (rest, steps) = lax.scan(cell, first, (above[1:], above[:-1], b == letter))
        now = jnp.concatenate([jnp.array([first]), rest])
        return (now, number + 1), (now, steps)

    start = -0.7 * jnp.arange(b.shape[0] + 1)
    return lax.scan(row, (start, 1), a)[1]


def affine_gaps(a: Any, b: Any, scores: Any) -> Any:
    """Gotoh's local alignment, three tables in two carries, with a matrix of scores."""

    def row(state: Any, letter: Any) -> Any:
        above, gaps, best = state

        def cell(carry: Any, column: Any) -> Any:
            left, gap_left, top = carry
            up, corner, gap_up, other = column
            gap_left = jnp.maximum(left - 3, gap_left - 1)
            gap_up = jnp.maximum(up - 3, gap_up - 1)
            new = jnp.maximum(corner + scores[letter, other], jnp.maximum(gap_left, gap_up))
            new = jnp.maximum(new, 0)
            return (new, gap_left, jnp.maximum(top, new)), (new, gap_up)

        zero = jnp.zeros((), scores.dtype)
        columns = (above[1:], above[:-1], gaps, b)
        (_, _, top), (rest, gaps) = lax.scan(cell, (zero, zero - 100, zero), columns)
        return (jnp.concatenate([zero[None], rest]), gaps, jnp.maximum(best, top)), None

    length = b.shape[0]
    start = (jnp.zeros(length + 1, scores.dtype), jnp.full(length, -100, scores.dtype), 0)
    return lax.scan(row, start, a)[0][2]


def warped(x: Any, y: Any, softly: bool = False) -> Any:
    """Dynamic time warping; costs are computed a row at a time."""

    def least(*options: Any) -> Any:
        if softly:
            return -0.1 * jnp.logaddexp(
                jnp.logaddexp(-options[0] / 0.1, -options[1] / 0.1), -options[2] / 0.1
            )
        return jnp.minimum(jnp.minimum(options[0], options[1]), options[2])

    def row(state: Any, at: Any) -> Any:
        above, start = state

        def cell(carry: Any, column: Any) -> Any:
            left, corner = carry
            up, cost = column
            new = cost + least(left, up, corner)
            return (new, up), new

        cost = jnp.abs(y - at) if not softly else (y - at) ** 2
        _, rest = lax.scan(cell, (1e6, start), (above, cost))
        return (rest, jnp.full((), 1e6)), None

    start = (jnp.full(y.shape[0], 1e6), jnp.zeros(()))
    return lax.scan(row, start, x)[0][0][-1]


def common_subsequence(a: Any, b: Any) -> Any:
    """Backwards, from the last letters to the first."""

    def row(below: Any, letter: Any) -> Any:
        def cell(right: Any, column: Any) -> Any:
            down, corner, other = column
            new = jnp.where(letter == other, corner + 1, jnp.maximum(right, down))
            return new, new

        _, rest = lax.scan(cell, 0, (below[:-1], below[1:], b), reverse=True)
        return jnp.concatenate([rest, jnp.zeros(1, rest.dtype)]), None

    return lax.scan(row, jnp.zeros(b.shape[0] + 1, int), a, reverse=True)[0][0]


def smoothed(x: Any, y: Any) -> Any:
    """A row of several values at each place, costs from a given table of rows."""

    def row(above: Any, costs: Any) -> Any:
        def cell(left: Any, column: Any) -> Any:
            up, cost = column
            new = 0.25 * left + 0.5 * up + cost * jnp.array([1.0, -1.0])
            return new, new

        _, rest = lax.scan(cell, jnp.full(2, costs[0]), (above, costs))
        return rest, rest.sum()

    last, sums = lax.scan(row, jnp.zeros((y.shape[0], 2)), x[:, None] * y)
    return last, jnp.cumsum(sums)


TABLES: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "edit_distance": (edit_distance, (A, B)),
    "edit_distance_int32": (edit_distance, (A.astype("i4"), B.astype("i4"))),
    "whole_table": (whole_table, (A, B)),
    "affine_gaps": (affine_gaps, (A, B, SCORES)),
    "affine_gaps_float32": (affine_gaps, (A, B, SCORES.astype("f4"))),
    "warped": (warped, (X, Y)),
    "softly_warped": (lambda x, y: warped(x, y, True), (X, Y)),
    "common_subsequence": (common_subsequence, (A, B)),
    "smoothed": (smoothed, (X, Y)),
}


def names(graph: Graph) -> list[str]:
    found: list[str] = []
    for eq in graph.equations:
        found += [eq.op.name, *[n for region in eq.regions for n in names(region)]]
    return found


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_wavefronts(name: str) -> None:
    program, arguments = TABLES[name]
    before = jitad.jit(program).trace(*arguments)
    after = verify(optimize(before))
    assert "wavefront" in names(after)
    assert parse(graph_text(after)) == after
    got = jitad.tree_util.tree_leaves(jitad.jit(program)(*arguments))
    wanted = evaluate(before, *arguments)
    for a, b, c in zip(evaluate(after, *arguments), wanted, got, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(c, b, rtol=1e-13)


@pytest.mark.parametrize("name", ["warped", "softly_warped", "smoothed"])
def test_derivatives_of_tables(name: str) -> None:
    """The forward loops of a gradient are wavefronts that stack what the way back needs."""
    program, arguments = TABLES[name]

    def total(x: Any, y: Any) -> Any:
        return sum(jnp.sum(leaf) for leaf in jitad.tree_util.tree_leaves(program(x, y)))

    lanes = np.stack([Y, Y[::-1]])
    for transformed, args in (
        (jitad.grad(total, (0, 1)), (X, Y)),
        (lambda x, y: jitad.jvp(program, (x, y), (y[:21], x[0] * y)), (X, Y)),
        (jitad.vmap(total, (None, 0)), (X, lanes)),
    ):
        before = jitad.jit(transformed).trace(*args)
        got = jitad.tree_util.tree_leaves(jitad.jit(transformed)(*args))
        for a, b in zip(got, evaluate(before, *args), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_gradients_stack_along_a_wavefront() -> None:
    graph = jitad.jit(jitad.grad(lambda x, y: warped(x, y, True), (0, 1))).trace(X, Y)
    assert "wavefront" in names(optimize(graph))


ROWS: dict[str, Callable[[Any, Any], Any]] = {
    "append": lambda above, rest: jnp.append(above[0] - 1.0, rest),
    "pad": lambda above, rest: jnp.pad(rest, (1, 0), constant_values=0.5),
    "set": lambda above, rest: above.at[1:].set(rest),
    "set in zeros": lambda above, rest: jnp.zeros(46).at[1:].set(rest),
    "pad behind": lambda above, rest: jnp.pad(rest, (0, 1)),
    "set before": lambda above, rest: above.at[:-1].set(rest),
}


@pytest.mark.parametrize("name", ROWS)
def test_ways_to_put_a_row_together(name: str) -> None:
    reverse = name in ("pad behind", "set before")

    def program(x: Any, y: Any) -> Any:
        def row(above: Any, at: Any) -> Any:
            def cell(left: Any, column: Any) -> Any:
                near, far, other = column
                new = 0.5 * left + jnp.maximum(near, far - at * other)
                return new, new

            columns = (above[1:], above[:-1], y)
            _, rest = lax.scan(cell, at, columns, reverse=reverse)
            return ROWS[name](above, rest), rest[0]

        return lax.scan(row, jnp.sin(jnp.arange(46.0)), x)

    before = jitad.jit(program).trace(X, Y)
    after = verify(optimize(before))
    assert "wavefront" in names(after)
    got = jitad.tree_util.tree_leaves(jitad.jit(program)(X, Y))
    wanted = evaluate(before, X, Y)
    for a, b, c in zip(evaluate(after, X, Y), wanted, got, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(c, b, rtol=1e-12)


def ahead(x: Any, y: Any) -> Any:
    """Reads above to the right, where the row above is not when the next is a column behind."""

    def row(above: Any, at: Any) -> Any:
        def cell(left: Any, up: Any) -> Any:
            new = 0.5 * left + up
            return new, new

        _, rest = lax.scan(cell, at, above[1:])
        return jnp.concatenate([rest, at[None]]), None

    return lax.scan(row, jnp.append(y, 0.0), x)[0]


def from_the_end(x: Any, y: Any) -> Any:
    """Each row starts with the end of the one before."""

    def row(above: Any, at: Any) -> Any:
        def cell(left: Any, up: Any) -> Any:
            new = 0.5 * left + up
            return new, new

        return lax.scan(cell, above[-1] + at, above)[1], None

    return lax.scan(row, y, x)[0]


def by_sum(x: Any, y: Any) -> Any:
    """Each row needs the sum of the whole row before."""

    def row(above: Any, at: Any) -> Any:
        def cell(left: Any, up: Any) -> Any:
            new = 0.5 * left + up
            return new, new

        return lax.scan(cell, at, above / jnp.sum(above))[1], None

    return lax.scan(row, y * y, x)[0]


def many_at_a_cell(x: Any, y: Any) -> Any:
    """Each cell picks one of many numbers that its column has."""
    columns = jnp.sin(y[:, None] * jnp.arange(50.0))

    def row(state: Any, at: Any) -> Any:
        above, number = state

        def cell(left: Any, column: Any) -> Any:
            up, many = column
            new = 0.5 * left + 0.25 * up + many[number]
            return new, new

        return (lax.scan(cell, at, (above, columns))[1], number + 1), None

    return lax.scan(row, (y, 3), x)[0][0]


@pytest.mark.parametrize("program", [ahead, from_the_end, by_sum, many_at_a_cell])
def test_what_is_no_wavefront_stays_loops(program: Callable[..., Any]) -> None:
    before = jitad.jit(program).trace(X, Y)
    after = verify(optimize(before))
    assert "wavefront" not in names(after)
    np.testing.assert_allclose(jitad.jit(program)(X, Y), evaluate(before, X, Y)[0], rtol=1e-12)


def test_short_loops_stay_loops() -> None:
    for a, b in ((A[:7], B), (A, B[:31])):
        assert "wavefront" not in names(optimize(jitad.jit(edit_distance).trace(a, b)))


def test_a_table_costs_its_rows() -> None:
    text = jitad.explain(edit_distance, A, B).text()
    assert "wavefront of 21 rows of 45" in text
