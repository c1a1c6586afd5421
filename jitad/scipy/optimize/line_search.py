"""A step along a direction of descent that satisfies the strong Wolfe conditions.

The search of J. J. More and D. J. Thuente, Line search algorithms with guaranteed sufficient
decrease, ACM Trans. Math. Softw. 20 (1994) 286, as MINPACK-2 has it (`dcsrch` and `dcstep`), as
one loop that evaluates the function once per turn. Along x + a p, with phi(a) = f(x + a p):

    phi(a) <= phi(0) + c1 a phi'(0)        sufficient decrease
    |phi'(a)| <= c2 |phi'(0)|              curvature

Near a minimum the decrease is lost in the rounding of phi. There its slope stands for it, after W.
W. Hager and H. Zhang, SIAM J. Optim. 16 (2005) 170: phi(a) may be phi(0) up to rounding if
phi'(a) <= (2 c1 - 1) phi'(0). Where the function is not finite, the search goes back towards the
best step so far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from jitad import lax
from jitad import numpy as jnp

ValueAndGradient = Callable[[Any], tuple[Any, Any]]

_ROUNDING = 64
"""Units in the last place of phi(0) that the rounding of phi may amount to."""

_BACK = 0.1
"""How much of the way to a place where the function is not finite is tried next."""


class Point(NamedTuple):
    """phi and its slope at a step."""

    step: Any
    value: Any
    slope: Any


class Options(NamedTuple):
    """Constants of the two conditions, the least relative width of the interval, the greatest
    number of evaluations."""

    c1: float = 1e-4
    c2: float = 0.9
    xtol: float = 1e-14
    maxiter: int = 100


class Found(NamedTuple):
    """Where a search ended: at the step that satisfies the conditions, if `success`, else at the
    best one met."""

    success: Any
    step: Any
    x: Any
    value: Any
    gradient: Any
    evaluations: Any


class _Search(NamedTuple):
    trial: Any
    best: Point
    other: Point
    bracketed: Any
    tilted: Any
    """True until a step has decreased the function enough and has a slope that is not negative:
    the search then looks at phi(a) - c1 a phi'(0)."""
    low: Any
    high: Any
    width: Any
    old_width: Any
    found: Found
    done: Any


def search(
    function: ValueAndGradient,
    start: Found,
    direction: Any,
    first: Any,
    options: Options,
) -> Found:
    """Search from `start` along `direction`, with the step `first` tried first."""
    dtype = start.value.dtype
    slope = _slope(start.gradient, direction, dtype)
    zero = jnp.zeros((), dtype)
    least, greatest = (1e-100, 1e100) if dtype == np.float64 else (1e-30, 1e30)
    origin = Point(zero, start.value, slope)
    needed = options.c1 * slope
    floor = origin.value + _ROUNDING * jnp.finfo(dtype).eps * jnp.abs(origin.value)
    state = _Search(
        trial=first,
        best=origin,
        other=origin,
        bracketed=jnp.asarray(False),
        tilted=jnp.asarray(True),
        low=zero,
        high=5 * first,
        width=zero + greatest,
        old_width=zero + 2 * greatest,
        found=start._replace(
            success=jnp.asarray(False), step=zero, evaluations=jnp.zeros((), np.int64)
        ),
        done=~(slope < 0),
    )

    def turn(state: _Search) -> _Search:
        x = start.x + (state.trial * direction).astype(start.x.dtype)
        value, gradient = function(x)
        here = Point(state.trial, value, _slope(gradient, direction, dtype))
        bound = origin.value + here.step * needed
        enough = here.value <= bound
        tilted = state.tilted & ~(enough & (here.slope >= 0))
        level = (here.value <= floor) & (here.slope <= (2 * options.c1 - 1) * slope)
        success = (enough | level) & (jnp.abs(here.slope) <= -options.c2 * slope)
        between = (here.step > state.low) & (here.step < state.high)
        narrow = state.high - state.low <= options.xtol * state.high
        stuck = state.bracketed & (~between | narrow)
        stuck = stuck | ((here.step >= greatest) & enough & (here.slope <= needed))
        stuck = stuck | ((here.step <= least) & (~enough | (here.slope >= needed)))
        finite = jnp.isfinite(here.value) & jnp.isfinite(here.slope)
        better = success | (finite & (here.value < state.found.value))
        found = Found(
            success=success,
            step=jnp.where(better, here.step, state.found.step),
            x=jnp.where(better, x, state.found.x),
            value=jnp.where(better, here.value, state.found.value),
            gradient=jnp.where(better, gradient, state.found.gradient),
            evaluations=state.found.evaluations + 1,
        )
        forth = _advanced(state, here, needed, tilted, enough, options, (least, greatest))
        back = state._replace(
            trial=state.best.step + _BACK * (here.step - state.best.step), high=here.step
        )
        following = _select(finite, forth, back)
        return following._replace(
            tilted=tilted, found=found, done=success | (finite & stuck) | (here.step <= least)
        )

    def goes_on(state: _Search) -> Any:
        return ~state.done & (state.found.evaluations < options.maxiter)

    return lax.while_loop(goes_on, turn, state).found


def _slope(gradient: Any, direction: Any, dtype: Any) -> Any:
    return jnp.dot(gradient, direction).astype(dtype)


def _select(condition: Any, yes: Any, no: Any) -> Any:
    """`jnp.where` on each array of two named tuples."""
    if not isinstance(yes, tuple):
        return jnp.where(condition, yes, no)
    return type(yes)(*[_select(condition, y, n) for y, n in zip(yes, no, strict=True)])


def _advanced(
    state: _Search,
    here: Point,
    needed: Any,
    tilted: Any,
    enough: Any,
    options: Options,
    limits: tuple[float, float],
) -> _Search:
    """The interval without the part that holds no step wanted, and the next trial in it."""
    # While no step has decreased phi enough, phi(a) - c1 a phi'(0) is looked at instead.
    tilt = jnp.where(tilted & (here.value <= state.best.value) & ~enough, needed, 0)
    tilt = tilt.astype(here.value.dtype)

    def shifted(point: Point, tilt: Any) -> Point:
        return Point(point.step, point.value - point.step * tilt, point.slope - tilt)

    best, other, trial, bracketed = _step(
        shifted(state.best, tilt),
        shifted(state.other, tilt),
        shifted(here, tilt),
        state.bracketed,
        (state.low, state.high),
    )
    best, other = shifted(best, -tilt), shifted(other, -tilt)
    width = jnp.abs(other.step - best.step)
    # Where two turns did not shrink the interval to two thirds, it is halved.
    slow = bracketed & (width >= 0.66 * state.old_width)
    trial = jnp.where(slow, best.step + 0.5 * (other.step - best.step), trial)
    away = trial - best.step
    low = jnp.where(bracketed, jnp.minimum(best.step, other.step), trial + 1.1 * away)
    high = jnp.where(bracketed, jnp.maximum(best.step, other.step), trial + 4.0 * away)
    trial = jnp.clip(trial, *limits)
    spent = (trial <= low) | (trial >= high) | (high - low <= options.xtol * high)
    return state._replace(
        trial=jnp.where(bracketed & spent, best.step, trial),
        best=best,
        other=other,
        bracketed=bracketed,
        low=low,
        high=high,
        width=jnp.where(bracketed, width, state.width),
        old_width=jnp.where(bracketed, state.width, state.old_width),
    )


def _cubic(a: Point, b: Point, *, least: bool = False) -> tuple[Any, Any, Any]:
    """theta, gamma and the distance from a, in units of b - a, of the minimum of the cubic with the
    values and slopes of two points; gamma at least 0 if `least`. gamma = 0 where the cubic does not
    rise towards b."""
    theta = 3 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope
    scale = jnp.maximum(jnp.maximum(jnp.abs(theta), jnp.abs(a.slope)), jnp.abs(b.slope))
    square = (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale)
    gamma = scale * jnp.sqrt(jnp.maximum(square, 0) if least else square)
    gamma = jnp.where(b.step < a.step, -gamma, gamma)
    return theta, gamma, (gamma - a.slope + theta) / (gamma - a.slope + gamma + b.slope)


def _secant(a: Point, b: Point) -> Any:
    """Where the slope, linear through both points, is zero."""
    return a.step + a.slope / (a.slope - b.slope) * (b.step - a.step)


def _nearer(origin: Any, first: Any, second: Any) -> Any:
    return jnp.abs(first - origin) < jnp.abs(second - origin)


def _step(
    best: Point, other: Point, here: Point, bracketed: Any, limits: tuple[Any, Any]
) -> tuple[Point, Point, Any, Any]:
    """The interval with `here` as one of its ends, a next step, and whether it holds a minimum.

    By cases: the function is higher here; or the slopes have opposite signs; or the slope has
    become less; or it has not.
    """
    low, high = limits
    distance = here.step - best.step
    higher = here.value > best.value
    turned = ~higher & (jnp.sign(here.slope) * jnp.sign(best.slope) < 0)
    flatter = ~higher & ~turned & (jnp.abs(here.slope) < jnp.abs(best.slope))
    edge = jnp.where(distance > 0, high, low)

    # Higher: the minimum of the cubic, or half way from there to that of a parabola.
    cubic = best.step + _cubic(best, here)[2] * distance
    rise = (best.value - here.value) / distance + best.slope
    parabola = best.step + best.slope / rise / 2 * distance
    near = jnp.abs(cubic - best.step) <= jnp.abs(parabola - best.step)
    next_higher = jnp.where(near, cubic, cubic + (parabola - cubic) / 2)

    # Turned: the minimum of the cubic or of the slope's line, whichever is farther from here.
    cubic = here.step - _cubic(here, best)[2] * distance
    secant = _secant(here, best)
    next_turned = jnp.where(_nearer(here.step, secant, cubic), cubic, secant)

    # Flatter: the cubic may have no minimum, or one that lies behind.
    _, gamma, ratio = _cubic(here, best, least=True)
    ahead = (ratio < 0) & (gamma != 0)
    cubic = jnp.where(ahead, here.step - ratio * distance, edge)
    inner = jnp.where(_nearer(here.step, cubic, secant), cubic, secant)
    fence = here.step + 0.66 * (other.step - here.step)
    inner = jnp.where(distance > 0, jnp.minimum(fence, inner), jnp.maximum(fence, inner))
    outer = jnp.where(_nearer(here.step, secant, cubic), cubic, secant)
    outer = jnp.minimum(jnp.maximum(outer, low), high)
    next_flatter = jnp.where(bracketed, inner, outer)

    # Not flatter: towards the other end, or as far as allowed.
    cubic = here.step + _cubic(here, other)[2] * (other.step - here.step)
    next_steeper = jnp.where(bracketed, cubic, edge)

    trial = jnp.where(flatter, next_flatter, next_steeper)
    trial = jnp.where(higher, next_higher, jnp.where(turned, next_turned, trial))
    far = _select(higher, here, _select(turned, best, other))
    return _select(higher, best, here), far, trial, bracketed | higher | turned
