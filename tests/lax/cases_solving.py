"""Cases of `lax.solving`: solvers that no derivative may pass through."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import add, reals


def _frozen(lax: Any, x: Any) -> Any:
    """A result whose derivative would be wrong if it were taken through the solver."""
    return lax.stop_gradient(x)


def _cube_root(lax: Any, a: Any) -> Any:
    def newton(f: Any, x: Any) -> Any:
        return _frozen(lax, lax.fori_loop(0, 60, lambda _, x: (2 * x + a / (x * x)) / 3, x))

    return lax.custom_root(lambda x: x * x * x - a, 1.0, newton, lambda g, b: b / g(1.0))


add("custom_root", _cube_root, np.float64(5.0))


def _two_equations(lax: Any, a: Any, b: Any) -> Any:
    """exp(x) = a, y + x y = b, by an explicit solution."""

    def solve(f: Any, guess: Any) -> Any:
        x = lax.log(a)
        return {"x": _frozen(lax, x), "y": _frozen(lax, b / (1 + x))}, lax.reduce_sum(x, (0,))

    def tangents(g: Any, rhs: Any) -> Any:
        # g is lower triangular, element by element.
        one, zero = lax.full_like(a, 1.0), lax.full_like(a, 0.0)
        columns = [g({"x": one, "y": zero}), g({"x": zero, "y": one})]
        dx = rhs["x"] / columns[0]["x"]
        return {"x": dx, "y": (rhs["y"] - columns[0]["y"] * dx) / columns[1]["y"]}

    def equations(u: Any) -> Any:
        return {"x": lax.exp(u["x"]) - a, "y": u["y"] + u["x"] * u["y"] - b}

    guess = {"x": lax.full_like(a, 0.0), "y": lax.full_like(a, 0.0)}
    return lax.custom_root(equations, guess, solve, tangents, has_aux=True)[0]


add("custom_root", _two_equations, reals(3, low=0.5), reals(3, seed=1))


def _eliminated(lax: Any, matvec: Any, b: Any) -> Any:
    """Gauss-Jordan elimination of the 3 x 3 matrix of a map."""
    n = b.shape[0]
    unit = np.eye(n)
    rows = lax.concatenate(
        [lax.stack([matvec(unit[i]) for i in range(n)], 1), lax.expand_dims(b, (1,))], 1
    )
    rows = _frozen(lax, rows)
    for i in range(n):
        pivot = lax.slice_in_dim(rows, i, i + 1) / rows[i, i]
        factors = lax.slice_in_dim(rows, i, i + 1, axis=1) * (1 - unit[:, i : i + 1])
        rows = rows - factors * pivot
        rows = lax.dynamic_update_slice_in_dim(rows, pivot, i, 0)
    return rows[:, n]


def _general(lax: Any, matrix: Any, b: Any) -> Any:
    def solve(matvec: Any, b: Any) -> Any:
        return _eliminated(lax, matvec, b)

    return lax.custom_linear_solve(lambda x: lax.dot(matrix, x), b, solve, solve)


def _symmetric(lax: Any, matrix: Any, b: Any) -> Any:
    def solve(matvec: Any, b: Any) -> Any:
        return _eliminated(lax, matvec, b), lax.reduce_sum(b, (0,))

    matrix = lax.dot(matrix, lax.transpose(matrix, (1, 0)))
    return lax.custom_linear_solve(
        lambda x: lax.dot(matrix, x), b, solve, symmetric=True, has_aux=True
    )[0]


_MATRIX = reals(3, 3) + 4 * np.eye(3)
add("custom_linear_solve", _general, _MATRIX, reals(3))
add("custom_linear_solve", _symmetric, _MATRIX, reals(3))
