"""Colours tell apart what they have to, and are few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array, diags_array

from jitad_ir.dependence.colouring import colours_of_rows, star_colours
from jitad_ir.dependence.compression import compress, compress_symmetric


@st.composite
def patterns(draw: Any, symmetric: bool = False) -> csr_array:
    m = draw(st.integers(1, 14))
    n = m if symmetric else draw(st.integers(1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dense = rng.random((m, n)) < draw(st.sampled_from([0.05, 0.15, 0.4, 1.0]))
    if draw(st.booleans()):
        dense[0] = True  # a dense row
    if draw(st.booleans()):
        dense[:, -1] = True
    return csr_array(dense | dense.T if symmetric else dense)


def recovered(pattern: csr_array, matrix: Any, found: Any) -> Any:
    """The elements of a matrix from its products with the groups."""
    forward = matrix @ (found.columns[:, None] == np.arange(found.forward))
    reverse = matrix.T @ (found.rows[:, None] == np.arange(found.reverse))
    products = [*forward.T, *reverse.T]
    pairs = zip(found.products, found.places, strict=True)
    data = [products[number][place] for number, place in pairs]
    return csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape).toarray()


@given(patterns())
@settings(max_examples=300, deadline=None)
def test_rows_of_one_colour_share_no_column(pattern: csr_array) -> None:
    colours = colours_of_rows(pattern)
    for colour in range(colours.max() + 1):
        assert pattern.toarray()[colours == colour].sum(axis=0).max() <= 1


@given(patterns())
@settings(max_examples=300, deadline=None)
def test_matrices_are_recovered_from_their_products(pattern: csr_array) -> None:
    matrix = pattern * np.random.default_rng(1).normal(size=pattern.shape)
    found = compress(pattern)
    np.testing.assert_array_equal(recovered(pattern, matrix.toarray(), found), matrix.toarray())


@given(patterns(symmetric=True))
@settings(max_examples=300, deadline=None)
def test_symmetric_matrices_are_recovered_from_one_half(pattern: csr_array) -> None:
    half = np.random.default_rng(1).normal(size=pattern.shape)
    matrix = (pattern * (half + half.T)).toarray()
    found = compress_symmetric(pattern)
    assert found.reverse == 0
    np.testing.assert_array_equal(recovered(pattern, matrix, found), matrix)


@given(patterns(symmetric=True))
@settings(max_examples=300, deadline=None)
def test_no_path_of_four_has_two_star_colours(pattern: csr_array) -> None:
    colours = star_colours(pattern)
    near = [set(np.flatnonzero(row)) - {i} for i, row in enumerate(pattern.toarray())]
    for b, after in enumerate(near):
        for c in after:
            assert colours[b] != colours[c]
            for a in near[b] - {c}:
                for d in near[c] - {a, b}:
                    assert len({colours[v] for v in (a, b, c, d)}) > 2


def banded(n: int, width: int) -> csr_array:
    offsets = range(-width, width + 1)
    diagonals = [np.ones(n - abs(k)) for k in offsets]
    return csr_array(diags_array(diagonals, offsets=offsets)).astype(bool)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_bands_take_as_many_products_as_they_are_wide(width: int) -> None:
    found = compress(banded(200, width))
    assert (found.forward, found.reverse) == (2 * width + 1, 0)


def test_dense_rows_are_taken_in_reverse_and_dense_columns_forwards() -> None:
    pattern = np.eye(50, dtype=bool)
    pattern[0] = pattern[:, 3] = True
    found = compress(csr_array(pattern))
    assert (found.forward, found.reverse) == (2, 1)
    assert compress(csr_array(np.ones((1, 50), bool)))[1:4:2] == (0, 1)


def test_an_arrow_takes_two_products_of_a_hessian() -> None:
    pattern = np.eye(500, dtype=bool)
    pattern[7] = pattern[:, 7] = True
    assert compress_symmetric(csr_array(pattern)).forward == 2


def test_a_matrix_without_elements_takes_none() -> None:
    nothing = csr_array((4, 3), dtype=bool)
    assert compress(nothing)[1:4:2] == (0, 0)
    assert compress(csr_array((0, 3), dtype=bool))[1:4:2] == (0, 0)
