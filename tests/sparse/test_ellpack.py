"""Derivatives row by row: which programs have that form, and that its elements are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import jitad
import jitad.numpy as jnp
from jitad import sparse
from jitad_ir.dependence import ellpack as module
from jitad_ir.dependence.ellpack import ellpack
from jitad_ir.dependence.terms import Term
from jitad_ir.evaluate import evaluate
from jitad_ir.op import OPS

from ..laws import laws
from .test_dependence import EXACT, WIDER

N = 12
X = np.random.default_rng(7).uniform(0.5, 2.0, N)


def form_of(fun: Callable[[Any], Any]) -> Any:
    graph = jitad.jit(lambda x: jnp.ravel(fun(x))).trace(X).graph
    return ellpack(graph, [True])


def dense(form: Any, size: int) -> Any:
    matrix = np.full((form.columns.shape[1], size), np.nan)
    for numbers, c in zip(form.columns, evaluate(form.program, X), strict=True):
        rows = np.flatnonzero(numbers >= 0)
        assert np.isnan(matrix[rows, numbers[rows]]).all()  # each element once
        matrix[rows, numbers[rows]] = c[rows]
    return np.nan_to_num(matrix)


HAVE_IT = [
    "neighbours",
    "a known choice",
    "a known mask",
    "a choice by a value",
    "replaced elements",
    "a known slice",
    "updates in place",
    "rows by indices",
    "pad",
    "concatenate",
    "transpose",
    "sums of rows",
    "matrix product",
    "both factors",
    "batched products",
    "a known matrix with zeros",
    "a product from the right",
    "an outer product",
    "means, subtracted",
    "a gradient",
    "checkpoint",
    "jit inside",
    "vmap",
    "stop_gradient",
    "floor",
]


@pytest.mark.parametrize("name", HAVE_IT)
def test_it_has_the_elements_of_the_dense_derivative(name: str) -> None:
    form = form_of(EXACT[name])
    assert form is not None
    expected = np.asarray(jitad.jacfwd(lambda x: jnp.ravel(EXACT[name](x)))(X))
    assert_allclose(dense(form, N), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*EXACT, *WIDER])
def test_values_are_right_with_and_without_it(name: str) -> None:
    fun = {**EXACT, **WIDER}[name]
    expected = np.asarray(jitad.jacfwd(fun)(X)).reshape(-1, N)
    assert_allclose(sparse.jacobian(fun)(X).toarray(), expected, rtol=1e-10, atol=1e-12)


def test_a_coefficient_for_each_element_of_a_row() -> None:
    form = form_of(lambda x: x[1:-1] * (x[2:] - x[:-2]))
    assert form.columns.T.tolist() == [[i + 1, i + 2, i] for i in range(N - 2)]
    assert form_of(lambda x: jnp.zeros(3)).columns.shape == (0, 3)


def test_rows_of_many_elements_have_no_such_form() -> None:
    assert form_of(lambda x: jnp.sum(jnp.tile(x, 3)) * x) is None
    assert form_of(jnp.cumsum) is None
    assert form_of(jnp.sort) is None


def test_terms_that_agree_in_some_places_are_told_apart() -> None:
    def fun(x: Any) -> Any:
        order = np.r_[0:6, 11, 10, 9, 8, 7, 6]
        return jnp.sin(x) + x[order] ** 2 + x * x[0]

    form = form_of(fun)
    assert len(form.columns) == 3
    assert_allclose(dense(form, N), jitad.jacfwd(fun)(X), rtol=1e-12)


def test_pieces_of_one_diagonal_are_one_term() -> None:
    def fun(x: Any) -> Any:
        left = jnp.pad(x[:6] ** 2, (0, 6))
        return left + jnp.pad(jnp.sin(x[6:]), (6, 0)) + x[::-1]

    form = form_of(fun)
    assert len(form.columns) == 2
    assert_allclose(dense(form, N), jitad.jacfwd(fun)(X), rtol=1e-12)


def test_a_wrong_rule_breaks_the_law(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(terms: Any, eq: Any) -> Any:
        return [Term(c, np.roll(n, 1)) for c, n in module._Terms.moves(terms, eq)]

    assert laws.broken(laws.coefficients, OPS["reverse"]) == []
    monkeypatch.setitem(module._RULES, "reverse", shifted)
    assert laws.broken(laws.coefficients, OPS["reverse"])


ENDS = {
    "zeros": lambda x, k: jnp.pad(x, 2)[2 + k : 2 + k + x.shape[0]],
    "periodic": lambda x, k: jnp.roll(x, -k),
    "the last one": lambda x, k: jnp.pad(x, 2, mode="edge")[2 + k : 2 + k + x.shape[0]],
    "mirrored": lambda x, k: jnp.pad(x, 2, mode="reflect")[2 + k : 2 + k + x.shape[0]],
}


@st.composite
def stencils(draw: Any) -> Callable[[Any], Any]:
    ends = ENDS[draw(st.sampled_from(list(ENDS)))]
    terms = draw(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=1))
    fixed = draw(st.booleans())

    def fun(x: Any) -> Any:
        total = jnp.sum(jnp.stack([ends(x, a) * jnp.sin(ends(x, b)) for a, b in terms[:4]]), 0)
        return total.at[0].set(x[0]).at[-1].set(x[-2] ** 2) if fixed else total

    return fun


@given(stencils(), st.sampled_from([5, 12, 100]), st.sampled_from(["csr", "csc"]))
@settings(max_examples=25, deadline=None)
def test_stencils_with_any_ends(fun: Callable[[Any], Any], n: int, format: str) -> None:
    x = np.random.default_rng(n).uniform(0.5, 2.0, n)
    found = sparse.jacobian(fun, format=format)(x)
    assert found.has_canonical_format
    assert_allclose(found.toarray(), jitad.jacfwd(fun)(x), rtol=1e-12, atol=1e-12)


@given(stencils(), st.sampled_from([5, 12, 100]))
@settings(max_examples=12, deadline=None)
def test_hessians_of_stencils(fun: Callable[[Any], Any], n: int) -> None:
    x = np.random.default_rng(n).uniform(0.5, 2.0, n)
    found = sparse.hessian(lambda x: jnp.sum(fun(x) ** 2))(x).toarray()
    expected = jitad.hessian(lambda x: jnp.sum(fun(x) ** 2))(x)
    assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
