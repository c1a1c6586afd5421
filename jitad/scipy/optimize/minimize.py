"""`minimize`, and the derivatives of a minimum in what the function depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jitad
from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import as_array_operand, inexact, strong
from jitad.transforms.inspection import closure_convert
from jitad.tree_util import tree_map

from .bfgs import BFGSOptions, minimize_bfgs
from .lbfgs import LBFGSOptions, minimize_lbfgs
from .results import OptimizeResults

T = TypeVar("T", BFGSOptions, LBFGSOptions)

_LBFGS = ("l-bfgs", "l-bfgs-b", "l-bfgs-experimental-do-not-rely-on-this")


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    method: str = "BFGS",
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResults:
    """A local minimum of `fun(x, *args)`, a real scalar, near the vector `x0`.

    `method` is "BFGS", whose iterations are those of SciPy's method of that name, or "L-BFGS"
    (also "L-BFGS-B", without bounds, and by JAX's name
    "l-bfgs-experimental-do-not-rely-on-this"), which takes memory for a few vectors instead of a
    matrix. Gradients are derived. `tol` is the greatest size of the gradient's elements at the
    solution, the option "gtol". Options are, for BFGS: maxiter, norm, gtol, xrtol, c1, c2,
    hess_inv0, line_search_maxiter; for L-BFGS: maxiter, norm, gtol, ftol, maxcor, maxfun, maxgrad,
    maxls; with SciPy's meaning.

    Works under `jit` and `vmap`, where each lane stops by itself. The solution `x` and the value
    `fun` have derivatives in `args` and in what `fun` closes over, of order up to three, by the
    implicit function theorem: at a minimum dx = -H^-1 d(grad f), whatever steps led to it. All
    else in the result, and all of it in `x0`, has derivative zero.

    Raises ValueError if `x0` is not a vector and for another method, TypeError for other options.

    >>> def rosenbrock(x, a):
    ...     return (a - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> result = minimize(rosenbrock, [-1.2, 1.0], (1.0,), method="BFGS")
    >>> jnp.round(result.x, 4)
    Array([1., 1.])
    >>> bool(result.success)
    True
    >>> jitad.grad(lambda a: minimize(rosenbrock, [-1.2, 1.0], (a,)).x[1])(1.0)
    Array(2.000)
    """
    if not isinstance(args, tuple):
        raise TypeError(at_user_line(f"minimize: expected args to be a tuple; got {args!r}"))
    x = inexact(strong(as_array_operand(x0)))
    if x.ndim > 1:
        raise ValueError(at_user_line("'x0' must only have one dimension."))
    if x.dtype.kind == "c":
        raise TypeError(at_user_line(f"minimize: expected a real x0; got {x.dtype}"))
    x = jitad.lax.stop_gradient(jnp.atleast_1d(x))
    name = method.lower() if isinstance(method, str) else method
    given = dict(options or {})
    if tol is not None:
        given.setdefault("gtol", tol)

    def scalar(x: Any, *args: Any) -> Any:
        value = jnp.asarray(fun(x, *args))
        return jnp.reshape(value, ()) if value.size == 1 else value

    objective, closed_over = closure_convert(scalar, x, *args)
    parameters = (*args, *closed_over)
    fixed = tree_map(jitad.lax.stop_gradient, parameters)
    function = jitad.value_and_grad(lambda x: objective(x, *fixed))
    if name == "bfgs":
        found = minimize_bfgs(function, x, _known(BFGSOptions, given, method))
    elif name in _LBFGS:
        found = minimize_lbfgs(function, x, _known(LBFGSOptions, given, method))
    else:
        raise ValueError(
            at_user_line(f"minimize: expected the method 'BFGS' or 'L-BFGS'; got {method!r}")
        )
    solution, value = _moving(objective, found.x, found.fun, parameters)
    return found._replace(x=solution, fun=value)


def _known(kind: type[T], given: Mapping[str, Any], method: str) -> T:
    unknown = sorted(set(given) - set(kind._fields))
    if unknown:
        raise TypeError(
            at_user_line(
                f"minimize: expected options of {method} among {', '.join(kind._fields)}; got "
                f"{', '.join(unknown)}"
            )
        )
    return kind(**given)


def _moving(
    objective: Callable[..., Any], x: Any, value: Any, parameters: tuple[Any, ...]
) -> tuple[Any, Any]:
    """The minimum x of f(x, p) and f(x, p), with derivatives in p.

    From grad_x f(x, p) = 0 follows H x' = -(grad_x f)' along p', with H the Hessian in x; and
    f' = f_x x' + f_p p', in which f_x is the rest that the search left of the gradient.
    """

    @jitad.custom_jvp
    def solution(x: Any, value: Any, parameters: tuple[Any, ...]) -> tuple[Any, Any]:
        return x, value

    @solution.defjvp
    def moved(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
        results = solution(*primals)
        x, parameters = results[0], primals[2]
        gradient = jitad.grad(objective)
        _, change = jitad.jvp(lambda p: gradient(x, *p), (parameters,), (tangents[2],))
        hessian = jitad.jacfwd(gradient)(x, *parameters)
        step = -jnp.linalg.solve(hessian, change)
        _, rise = jitad.jvp(lambda x, p: objective(x, *p), (x, parameters), (step, tangents[2]))
        return results, (step, rise)

    return solution(x, value, parameters)
