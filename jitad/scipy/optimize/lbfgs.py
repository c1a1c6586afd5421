"""Minimization by limited-memory BFGS: J. Nocedal and S. J. Wright, Numerical Optimization (2006),
algorithms 7.4 and 7.5."""

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


class LBFGSOptions(NamedTuple):
    """The search stops where the gradient's norm of order `norm` is at most `gtol`, or the function
    decreases by at most `ftol` of the greater of its absolute value and 1; after `maxiter`
    iterations (default 15000), `maxfun` or `maxgrad` evaluations (default 15000). `maxcor` steps
    are remembered; `maxls` bounds the evaluations of a line search."""

    maxiter: int | None = None
    norm: float = np.inf
    maxcor: int = 10
    ftol: float = 2.220446049250313e-09
    gtol: float = 1e-5
    maxfun: float | None = None
    maxgrad: float | None = None
    maxls: int = 20


class _State(NamedTuple):
    at: Found
    steps: Any
    """The last steps s (m, n), the newest at the end."""
    changes: Any
    """How they changed the gradient, y (m, n)."""
    rho: Any
    """1 / y.s (m,); 0 where there is none yet."""
    scale: Any
    """y.s / y.y of the newest step."""
    status: Any
    iterations: Any
    evaluations: Any


def minimize_lbfgs(function: ValueAndGradient, x0: Any, options: LBFGSOptions) -> OptimizeResults:
    """The minimum of a function near the vector `x0`."""
    limits = [options.maxiter, options.maxfun, options.maxgrad]
    maxiter, *rest = [15000 if limit is None else limit for limit in limits]
    maxfun = min(rest)
    wolfe = Options(c1=1e-3, c2=0.9, xtol=0.1, maxiter=options.maxls)
    at = first_point(function, x0)
    history = jnp.zeros((options.maxcor, x0.shape[0]), x0.dtype)
    state = _State(
        at=at,
        steps=history,
        changes=history,
        rho=jnp.zeros(options.maxcor, x0.dtype),
        scale=jnp.ones((), x0.dtype),
        status=jnp.where(norm_of(at.gradient, options.norm) <= options.gtol, SUCCESS, RUNNING),
        iterations=jnp.zeros((), np.int64),
        evaluations=jnp.ones((), np.int64),
    )

    def turn(state: _State) -> _State:
        at = state.at
        direction = _direction(state)
        length = jnp.linalg.norm(direction)
        first = jnp.where(state.iterations == 0, jnp.minimum(1, 1 / length), 1)
        found = search(function, at, direction, first.astype(at.value.dtype), wolfe)
        greater = jnp.maximum(jnp.maximum(jnp.abs(at.value), jnp.abs(found.value)), 1)
        flat = at.value - found.value <= options.ftol * greater
        small = norm_of(found.gradient, options.norm) <= options.gtol
        status = jnp.where(jnp.isfinite(found.value), RUNNING, PRECISION)
        status = jnp.where(small | flat, SUCCESS, status)
        status = jnp.where(found.success, status, PRECISION)
        following = _remembered(state, found.x - at.x, found.gradient - at.gradient)
        return following._replace(
            at=found,
            status=status,
            iterations=state.iterations + found.success,
            evaluations=state.evaluations + found.evaluations,
        )

    def goes_on(state: _State) -> Any:
        within = (state.iterations < maxiter) & (state.evaluations < maxfun)
        return (state.status == RUNNING) & within

    state = lax.while_loop(goes_on, turn, state)
    at = state.at
    status = jnp.where(state.status == RUNNING, ITERATIONS, state.status)
    lost = jnp.isnan(at.value) | jnp.any(jnp.isnan(at.gradient))
    status = jnp.where(lost & (status != ITERATIONS), NOT_A_NUMBER, status)
    return OptimizeResults(
        x=at.x,
        success=status == SUCCESS,
        status=status,
        fun=at.value,
        jac=at.gradient,
        hess_inv=None,
        nfev=state.evaluations,
        njev=state.evaluations,
        nit=state.iterations,
    )


def _direction(state: _State) -> Any:
    """-H g by the two loops over the steps remembered: newest to oldest, and back."""

    def down(q: Any, row: tuple[Any, Any, Any]) -> tuple[Any, Any]:
        s, y, rho = row
        part = rho * jnp.dot(s, q)
        return q - part * y, part

    def up(r: Any, row: tuple[Any, Any, Any, Any]) -> tuple[Any, None]:
        s, y, rho, part = row
        return r + (part - rho * jnp.dot(y, r)) * s, None

    rows = (state.steps, state.changes, state.rho)
    q, parts = lax.scan(down, state.at.gradient, rows, reverse=True)
    r, _ = lax.scan(up, state.scale * q, (*rows, parts))
    return -r


def _remembered(state: _State, step: Any, change: Any) -> _State:
    """With one more step, in place of the oldest; as before where y.s is not clearly positive."""
    curvature, square = jnp.dot(change, step), jnp.dot(change, change)
    clear = curvature > jnp.finfo(step.dtype).eps * square
    safe = jnp.where(clear, curvature, 1)

    def appended(rows: Any, row: Any) -> Any:
        return jnp.where(clear, jnp.concatenate([rows[1:], row[None]]), rows)

    return state._replace(
        steps=appended(state.steps, step),
        changes=appended(state.changes, change),
        rho=appended(state.rho, 1 / safe),
        scale=jnp.where(clear, safe / jnp.where(clear, square, 1), state.scale),
    )
