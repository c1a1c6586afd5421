"""Roots and linear systems found by the user's own solver, with derivatives of the equations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jitad_ir import ops
from jitad_ir.op import Op

from ..array import as_given
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import apply, current_trace
from ..transforms.directional import linearize
from ..transforms.function import Traced, as_operands, check_callable, leaf_types, trace_function
from ..transforms.inspection import ShapeDtypeStruct
from ..transforms.linear_map import linear_transpose
from ..transforms.rules import Captures, Rule, check_same
from ..tree_util import tree_map

Function = Callable[..., Any]


class _Problem:
    """The unknowns of an equation: leaves of one structure, and the functions of them."""

    def __init__(self, name: str, start: Any) -> None:
        self.name = name
        self.leaves, self.tree = flatten(start)
        self.types = leaf_types(self.leaves, f"argument of {name}")

    def traced(self, what: str, function: Function, parts: int = 1, aux: bool = False) -> Traced:
        """The program of a function of one or two (`parts`) such structures, which returns one,
        or a pair with auxiliary results if `aux`; raises TypeError if it does not."""
        count = len(self.leaves)

        def flat(tracers: list[Any]) -> Any:
            pieces = [tracers[i * count : (i + 1) * count] for i in range(parts)]
            result = function(*[self.tree.unflatten(piece) for piece in pieces])
            found = self._main(what, result) if aux else result
            leaves, tree = flatten(found)
            label = f"{self.name}: {what}"
            check_same(tree, leaf_types(leaves, label), self.tree, self.types, f"{label}: result")
            return result

        return trace_function(
            flat,
            what,
            self.leaves * parts,
            concrete=False,
            types=self.types * parts,
            transform=self.name,
            is_body=True,
            defers=False,
        )

    def _main(self, what: str, result: Any) -> Any:
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                at_user_line(
                    f"{self.name}: {what} must return a pair (solution, aux) where has_aux is "
                    f"True; got {result!r}"
                )
            )
        return result[0]

    def solved(self, op: Op, programs: Sequence[Traced], **params: Any) -> Any:
        """`op` with these programs as regions; the first one's results."""
        captures = Captures()
        for program in programs:
            captures.take(program.closed)
        results = apply(
            op,
            *captures.operands,
            *as_operands(self.leaves, self.types),
            captures=len(captures.operands),
            regions=tuple([Rule(program, 0).region(captures) for program in programs]),
            **params,
        )
        tree: PyTreeDef = programs[0].out_tree
        return tree.unflatten(results)


@hides_internals
def custom_root(
    f: Function,
    initial_guess: Any,
    solve: Function,
    tangent_solve: Function,
    has_aux: bool = False,
) -> Any:
    """x with f(x) = 0, as `solve(f, initial_guess)` finds it (a pair (x, aux) if `has_aux`).

    f maps a pytree like `initial_guess` to such a one. Derivatives by what f closes over are those
    of the equation: f(x, theta) = 0 gives dx = -(df/dx)^-1 (df/dtheta) dtheta, of any order, and
    the steps of `solve` are not differentiated (the implicit function theorem).
    `tangent_solve(g, b)` solves g(t) = b, g being f linearized at the root: `lambda g, b: b /
    g(1.0)` for scalars, `lambda g, b: jnp.linalg.solve(jitad.jacobian(g)(b), b)` for short vectors.

    Raises TypeError if a function returns another structure, shapes or dtypes.

    >>> import jitad
    >>> from jitad import lax
    >>> def sqrt(a):
    ...     def newton(f, x):
    ...         return lax.fori_loop(0, 20, lambda _, x: 0.5 * (x + a / x), x)
    ...     return lax.custom_root(lambda x: x * x - a, 1.0, newton, lambda g, b: b / g(1.0))
    >>> jitad.value_and_grad(sqrt)(4.0)
    (Array(2.), Array(0.25))
    """
    for function, what in ((f, "f"), (solve, "solve"), (tangent_solve, "tangent_solve")):
        check_callable(function, f"custom_root: {what}")
    if current_trace() is None:
        return solve(f, tree_map(as_given, initial_guess))
    problem = _Problem("custom_root", initial_guess)

    def solve_tangents(x: Any, b: Any) -> Any:
        return tangent_solve(linearize(f, x)[1], b)

    programs = [
        problem.traced("solve", lambda guess: solve(f, guess), aux=has_aux),
        problem.traced("f", f),
        problem.traced("tangent_solve", solve_tangents, parts=2),
    ]
    return problem.solved(ops.root, programs)


@hides_internals
def custom_linear_solve(
    matvec: Function,
    b: Any,
    solve: Function,
    transpose_solve: Function | None = None,
    symmetric: bool = False,
    has_aux: bool = False,
) -> Any:
    """x with matvec(x) = b, as `solve(matvec, b)` finds it (a pair (x, aux) if `has_aux`).

    `matvec` is a linear map from a pytree like `b` to such a one. Derivatives by b, and by what
    `matvec` closes over, are those of the equation, of any order: A dx = db - dA x; the steps of
    `solve` are not differentiated. Reverse mode needs `transpose_solve(vecmat, ct)`, which solves
    so for the transposed map `vecmat`, or `symmetric`, which promises that it is the same.

    Raises TypeError if a function returns another structure, shapes or dtypes.

    >>> import jitad, jitad.numpy as jnp
    >>> from jitad import lax
    >>> def halved(a, b):  # solves a x = b
    ...     return lax.custom_linear_solve(
    ...         lambda x: a * x, b, lambda mv, b: b / mv(jnp.ones(2)), symmetric=True
    ...     )
    >>> jitad.jacobian(halved)(2.0, jnp.array([1.0, 3.0]))
    Array([-0.25, -0.75])
    """
    check_callable(matvec, "custom_linear_solve: matvec")
    check_callable(solve, "custom_linear_solve: solve")
    if transpose_solve is None and symmetric:
        transpose_solve = solve
    if current_trace() is None:
        return solve(matvec, tree_map(as_given, b))
    problem = _Problem("custom_linear_solve", b)
    programs = [
        problem.traced("solve", lambda b: solve(matvec, b), aux=has_aux),
        problem.traced("matvec", matvec),
    ]
    if transpose_solve is not None and not symmetric:
        like = problem.tree.unflatten([ShapeDtypeStruct(t.shape, t.dtype) for t in problem.types])

        def solve_transposed(ct: Any) -> Any:
            vecmat = linear_transpose(matvec, like)
            return transpose_solve(lambda x: vecmat(x)[0], ct)

        programs.append(problem.traced("transpose_solve", solve_transposed, aux=has_aux))
    return problem.solved(ops.linear_solve, programs, symmetric=bool(symmetric))
