"""Iterative methods against direct ones: values, operators of all kinds, derivatives, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad.scipy.sparse import linalg

from ..linalg.checks import check_derivatives, close

RNG = np.random.default_rng(4)
GENERAL = RNG.normal(size=(7, 7)) + 14 * np.eye(7)
DEFINITE = GENERAL @ GENERAL.T / 14
COMPLEX = GENERAL + 1j * RNG.normal(size=(7, 7))
HERMITIAN = COMPLEX @ COMPLEX.conj().T / 14
RIGHT = RNG.normal(size=7)
OPERATORS = {
    "cg": (DEFINITE, HERMITIAN),
    "bicgstab": (GENERAL, COMPLEX, HERMITIAN),
    "gmres": (GENERAL, COMPLEX, HERMITIAN),
}
METHODS = list(OPERATORS)


@pytest.mark.parametrize("name", METHODS)
def test_solutions(name: str) -> None:
    method = getattr(linalg, name)
    for a in OPERATORS[name]:
        expected = np.linalg.solve(a, RIGHT)
        b = RIGHT.astype(a.dtype)
        for inverse in (None, np.diag(1 / np.diag(a)), lambda v, a=a: v / np.diag(a)):
            for start in (None, expected + 0.1):
                options: dict[str, Any] = {"tol": 1e-12, "M": inverse, "x0": start}
                x, info = method(a, b, **options)
                assert info is None and x.dtype == a.dtype
                close(x, expected, name, 1e-10)
        compiled = jitad.jit(lambda a, b: method(lambda v: a @ v, b, tol=1e-12)[0])  # noqa: B023
        close(compiled(a, b), expected, "compiled", 1e-10)


@pytest.mark.parametrize("name", METHODS)
def test_derivatives(name: str) -> None:
    method = getattr(linalg, name)

    def by_right(b: Any) -> Any:
        return method(DEFINITE, b, tol=1e-13)[0]

    def by_operator(x: Any) -> Any:
        a = DEFINITE + x[:, None] * x
        return method(lambda v: a @ v, RIGHT, tol=1e-13)[0]

    check_derivatives(by_right, RIGHT)
    check_derivatives(by_operator, RIGHT / 3)


@pytest.mark.parametrize("name", METHODS)
def test_pytrees_and_lanes(name: str) -> None:
    method = getattr(linalg, name)

    def operator(v: dict[str, Any]) -> dict[str, Any]:
        flat = jnp.concatenate([v["a"], jnp.ravel(v["b"])])
        moved = DEFINITE @ flat
        return {"a": moved[:3], "b": moved[3:].reshape(2, 2)}

    b = {"a": RIGHT[:3], "b": RIGHT[3:].reshape(2, 2)}
    x, _ = method(operator, b, tol=1e-12)
    expected = np.linalg.solve(DEFINITE, RIGHT)
    close(np.concatenate([x["a"], x["b"].ravel()]), expected, "pytree", 1e-10)
    many = RNG.normal(size=(3, 7))
    solved = jitad.vmap(lambda b: method(DEFINITE, b, tol=1e-12)[0])(many)
    close(solved, np.linalg.solve(DEFINITE, many.T).T, "lanes", 1e-10)


def test_ends() -> None:
    exact = np.linalg.solve(DEFINITE, RIGHT)
    for name in METHODS:
        method = getattr(linalg, name)
        assert (method(DEFINITE, RIGHT, exact, maxiter=0)[0] == exact).all()
        assert (method(DEFINITE, np.zeros(7))[0] == 0).all()
        whole = method(np.diag([2.0, 4.0]), np.array([2, 4]))[0]
        close(whole, np.ones(2), "integers", 1e-5)
        rough = method(DEFINITE, RIGHT, atol=0.3)[0]
        assert np.linalg.norm(DEFINITE @ rough - RIGHT) <= 0.3
    few = linalg.gmres(GENERAL, RIGHT, restart=2, maxiter=40, tol=1e-12)[0]
    close(GENERAL @ few, RIGHT, "restarted", 1e-10)
    close(linalg.gmres(np.eye(7), RIGHT, solve_method="incremental")[0], RIGHT, "at once", 1e-14)
    assert np.isfinite(linalg.bicgstab(np.array([[0.0, 1.0], [-1.0, 0.0]]), np.ones(2))[0]).all()


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="square matrix"):
        linalg.cg(np.ones((2, 3)), np.ones(2))
    with pytest.raises(TypeError, match="a function or a matrix; got str"):
        linalg.cg("A", np.ones(2))
    with pytest.raises(ValueError, match="matching tree structure"):
        linalg.cg(np.eye(2), np.ones(2), {"x": np.ones(2)})
    with pytest.raises(ValueError, match="matching shapes"):
        linalg.bicgstab(np.eye(2), np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="invalid solve_method other"):
        linalg.gmres(np.eye(2), np.ones(2), solve_method="other")
