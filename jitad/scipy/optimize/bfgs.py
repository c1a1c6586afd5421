"""Minimization by BFGS: J. Nocedal, S. J. Wright, Numerical Optimization (2006), algorithm 6.1."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from jitad import lax
from jitad import numpy as jnp

from .line_search import Found, Options, ValueAndGradient, search
from .results import (
    ITERATIONS,
    NOT_A_NUMBER,
    PRECISION,
    RUNNING,
    SUCCESS,
    OptimizeResults,
    first_point,
    norm_of,
)


class BFGSOptions(NamedTuple):
    """`maxiter` (default 200 n); the search stops where the gradient's norm of order `norm` is at
    most `gtol`, or a step is at most `xrtol` of x; `hess_inv0`, the first inverse of the Hessian;
    constants and greatest number of evaluations of the line search."""

    maxiter: int | None = None
    norm: float = np.inf
    gtol: float = 1e-5
    line_search_maxiter: int = 100
    xrtol: float = 0.0
    c1: float = 1e-4
    c2: float = 0.9
    hess_inv0: Any = None


class _State(NamedTuple):
    at: Found
    inverse: Any
    """Of the Hessian, approximately."""
    value_before: Any
    status: Any
    iterations: Any
    evaluations: Any


def minimize_bfgs(function: ValueAndGradient, x0: Any, options: BFGSOptions) -> OptimizeResults:
    """The minimum of a function near the vector `x0`."""
    n = x0.shape[0]
    maxiter = 200 * n if options.maxiter is None else options.maxiter
    wolfe = Options(options.c1, options.c2, maxiter=options.line_search_maxiter)
    at = first_point(function, x0)
    first = jnp.eye(n) if options.hess_inv0 is None else jnp.asarray(options.hess_inv0)
    size = norm_of(at.gradient, options.norm)
    state = _State(
        at=at,
        inverse=first.astype(x0.dtype),
        # so that the first step is about 1 long
        value_before=at.value + (jnp.linalg.norm(at.gradient) / 2).astype(at.value.dtype),
        status=jnp.where(size <= options.gtol, SUCCESS, RUNNING),
        iterations=jnp.zeros((), np.int64),
        evaluations=jnp.ones((), np.int64),
    )

    def turn(state: _State) -> _State:
        at = state.at
        direction = -state.inverse @ at.gradient
        slope = jnp.dot(at.gradient, direction).astype(at.value.dtype)
        first = 2.02 * (at.value - state.value_before) / slope
        first = jnp.where((first > 0) & (first < 1), first, 1.0).astype(at.value.dtype)
        found = search(function, at, direction, first, wolfe)
        step = found.x - at.x
        change = found.gradient - at.gradient
        size = norm_of(found.gradient, options.norm)
        short = jnp.linalg.norm(step) <= options.xrtol * (options.xrtol + jnp.linalg.norm(found.x))
        status = jnp.where(jnp.isfinite(found.value), RUNNING, PRECISION)
        status = jnp.where((size <= options.gtol) | short, SUCCESS, status)
        status = jnp.where(found.success, status, PRECISION)
        return _State(
            at=found,
            inverse=jnp.where(
                status == RUNNING, _updated(state.inverse, step, change), state.inverse
            ),
            value_before=at.value,
            status=status,
            iterations=state.iterations + found.success,
            evaluations=state.evaluations + found.evaluations,
        )

    def goes_on(state: _State) -> Any:
        return (state.status == RUNNING) & (state.iterations < maxiter)

    state = lax.while_loop(goes_on, turn, state)
    at = state.at
    status = jnp.where(state.status == RUNNING, ITERATIONS, state.status)
    lost = jnp.isnan(at.value) | jnp.any(jnp.isnan(at.x)) | jnp.any(jnp.isnan(at.gradient))
    status = jnp.where(lost & (status != ITERATIONS), NOT_A_NUMBER, status)
    return OptimizeResults(
        x=at.x,
        success=status == SUCCESS,
        status=status,
        fun=at.value,
        jac=at.gradient,
        hess_inv=state.inverse,
        nfev=state.evaluations,
        njev=state.evaluations,
        nit=state.iterations,
    )


def _updated(inverse: Any, step: Any, change: Any) -> Any:
    """H+ = (1 - s y^T / y.s) H (1 - y s^T / y.s) + s s^T / y.s, multiplied out: H stays
    symmetric, and no product of matrices is needed. H itself where y.s is not positive."""
    curvature = jnp.dot(change, step)
    rho = 1 / jnp.where(curvature > 0, curvature, 1)
    moved = inverse @ change
    factor = rho * (1 + rho * jnp.dot(change, moved))
    outer = jnp.outer(step, moved)
    updated = inverse - rho * (outer + outer.T) + factor * jnp.outer(step, step)
    return jnp.where(curvature > 0, updated, inverse)
