"""Ordinary differential equations by Dormand and Prince's method, in steps that the error decides.

Source: J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", J. Comput. Appl.
Math. 6 (1980) 19-26; the first step: E. Hairer, S. P. Norsett, G. Wanner, "Solving Ordinary
Differential Equations I", II.4; the value in the middle of a step: L. F. Shampine, "Some practical
Runge-Kutta formulas", Math. Comp. 46 (1986) 135-150.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import lax
from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..flatten_util import ravel_pytree
from ..transforms.batching import vmap
from ..transforms.function import check_callable, leaf_types, name_of
from ..transforms.stop import stop_gradient
from ..tree_util import tree_leaves

__all__ = ["odeint"]
__dir__ = __all__.copy

NODES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
STAGES = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
"""Each row gives a stage from the slopes before it; the last one is the fifth-order result."""
FOURTH = (1951 / 21600, 0.0, 22642 / 50085, 451 / 720, -12231 / 42400, 649 / 6300, 1 / 60)
"""Shampine's fourth-order result with the same stages, which JAX has too."""
ERROR = tuple([fifth - fourth for fifth, fourth in zip((*STAGES[-1], 0.0), FOURTH, strict=True)])
MIDDLE = (
    6025192743 / 30085553152 / 2,
    0.0,
    51252292925 / 65400821598 / 2,
    -2691868925 / 45128329728 / 2,
    187940372067 / 1594534317056 / 2,
    -1776094331 / 19743644256 / 2,
    11237099 / 235043384 / 2,
)
"""Fourth-order weights of the value half a step on."""


class _Step(NamedTuple):
    """The last step: where it starts (time, state, slope), its middle, where it ends; and the
    length of the next."""

    t0: Any
    y0: Any
    f0: Any
    middle: Any
    t: Any
    y: Any
    f: Any
    h: Any


@hides_internals
def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    *args: Any,
    rtol: float = 1.4e-8,
    atol: float = 1.4e-8,
    mxstep: float = np.inf,
    hmax: float = np.inf,
) -> Any:
    """The solution of dy/dt = func(y, t, *args) at the times `t`, from y = `y0` at `t[0]`.

    `y0` is a pytree of float or complex arrays and `func` returns one like it; `args` are pytrees
    of arrays. `t` is a vector of floats in increasing order. The result is like `y0`, each leaf
    with a leading axis over the times. A step is accepted if the root mean square of its error,
    relative to `atol + rtol |y|`, is at most 1; it is at most `hmax` long, and at most `mxstep`
    steps are tried between two times. Values between steps are those of a fourth-order polynomial.

    Derivatives in `y0`, `t`, `args` and what `func` closes over, of every order, forwards and
    backwards, are those of the steps taken, their lengths fixed: exact for the numbers returned, at
    the cost of keeping each step's stages between two times in reverse mode.

    Raises TypeError for other arguments or if `func` returns something unlike `y0`.

    >>> import jitad, jitad.numpy as jnp
    >>> from jitad.experimental.ode import odeint
    >>> odeint(lambda y, t, rate: -rate * y, 1.0, jnp.array([0.0, 1.0]), 2.0)
    Array([1.        , 0.135335])
    """
    check_callable(func, "odeint")
    t = jnp.asarray(t)
    if t.dtype.kind != "f" or t.ndim != 1:
        raise TypeError(
            at_user_line(f"odeint: t must be a vector of floats; got {t.dtype} of shape {t.shape}")
        )
    leaf_types(tree_leaves(args), "odeint: argument of func")
    start, unravel = ravel_pytree(y0)
    if start.dtype.kind not in "fc":
        raise TypeError(at_user_line(f"odeint: y0 must be float or complex; got {start.dtype}"))
    slope = functools.partial(_slope, func, unravel, args)
    path = _integrate(slope, start, t, rtol, atol, mxstep, hmax)
    return vmap(unravel)(path)


def _slope(func: Callable[..., Any], unravel: Any, args: Sequence[Any], y: Any, t: Any) -> Any:
    result, _ = ravel_pytree(func(unravel(y), t, *args))
    if result.shape != y.shape:
        raise TypeError(
            at_user_line(
                f"odeint: {name_of(func)} must return what y0 is like, {y.size} numbers; got "
                f"{result.size}"
            )
        )
    return result.astype(y.dtype)


def _integrate(
    slope: Callable[..., Any],
    start: Any,
    times: Any,
    rtol: float,
    atol: float,
    mxstep: float,
    hmax: float,
) -> Any:
    """The states at all times, as rows."""
    f0 = slope(start, times[0])
    h = _first_step(slope, times[0], start, rtol, atol, f0)
    h = stop_gradient(jnp.clip(h, 0.0, hmax))
    first = _Step(times[0], start, f0, start, times[0], start, f0, h)

    def attempt(state: tuple[Any, _Step]) -> tuple[Any, _Step]:
        count, step = state
        new, ratio = _tried(slope, step, rtol, atol)
        length = jnp.clip(_next_step(step.h, ratio), 0.0, hmax).astype(step.h.dtype)
        kept = [jnp.where(ratio <= 1.0, a, b) for a, b in zip(new, step, strict=True)]
        return count + 1, _Step(*kept)._replace(h=length)

    def until(step: _Step, target: Any) -> tuple[_Step, Any]:
        def unfinished(state: tuple[Any, _Step]) -> Any:
            count, step = state
            more = (step.t < target) & (step.h > 0)
            return more if np.isinf(mxstep) else more & (count < mxstep)

        _, step = lax.while_loop(unfinished, attempt, (0, step))
        return step, _between(step, target)

    _, path = lax.scan(until, first, times[1:])
    return jnp.concatenate([start[None], path])


def _weighted(weights: Sequence[float], slopes: Sequence[Any]) -> Any:
    terms = [w * k for w, k in zip(weights, slopes, strict=True) if w]
    return functools.reduce(operator.add, terms)


def _tried(slope: Callable[..., Any], step: _Step, rtol: float, atol: float) -> tuple[_Step, Any]:
    """The next step, and its error relative to what is allowed."""
    t, y, h = step.t, step.y, step.h
    dt = h.astype(y.dtype)
    k = [step.f]
    at = y
    for node, weights in zip(NODES, STAGES, strict=True):
        at = y + dt * _weighted(weights, k)
        k.append(slope(at, t + node * h))
    error = stop_gradient(dt * _weighted(ERROR, k))
    allowed = atol + rtol * jnp.maximum(jnp.abs(stop_gradient(y)), jnp.abs(stop_gradient(at)))
    ratio = jnp.sqrt(jnp.mean(_squared(error / allowed)))
    middle = y + dt * _weighted(MIDDLE, k)
    return _Step(t, y, step.f, middle, t + h, at, k[-1], h), ratio


def _squared(x: Any) -> Any:
    """|x|^2"""
    return x.real**2 + x.imag**2 if x.dtype.kind == "c" else x * x


def _next_step(h: Any, ratio: Any) -> Any:
    """0.9 ratio^(-1/5) times as long, at most 10 times, and shorter only if it was refused, then
    down to a fifth."""
    least = jnp.where(ratio < 1.0, 1.0, 0.2)
    factor = jnp.clip(0.9 * jnp.where(ratio == 0.0, 1.0, ratio) ** -0.2, least, 10.0)
    return h * jnp.where(ratio == 0.0, 10.0, factor)


def _first_step(slope: Callable[..., Any], t: Any, y: Any, rtol: float, atol: float, f: Any) -> Any:
    """Hairer, Norsett and Wanner, II.4: from the sizes of y, of its slope and of that's change."""
    y, f, t = stop_gradient((y, f, t))
    scale = atol + rtol * jnp.abs(y)

    def size(x: Any) -> Any:
        return jnp.sqrt(jnp.sum(_squared(x / scale)))

    d0, d1 = size(y), size(f)
    tiny = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = jnp.where(tiny, 1e-6, 0.01 * d0 / jnp.where(tiny, 1.0, d1)).astype(t.dtype)
    ahead = stop_gradient(slope(y + h0.astype(y.dtype) * f, t + h0))
    d2 = size(ahead - f) / h0
    most = jnp.maximum(d1, d2)
    still = most <= 1e-15
    h1 = jnp.where(still, jnp.maximum(1e-6, h0 * 1e-3), (0.01 / jnp.where(still, 1.0, most)) ** 0.2)
    return jnp.minimum(100.0 * h0, h1).astype(t.dtype)


def _between(step: _Step, time: Any) -> Any:
    """The state at a time within a step: the polynomial of degree 4 through its ends and its
    middle, with the slopes at its ends."""
    y0, y1, middle = step.y0, step.y, step.middle
    h = step.t - step.t0
    s = (time - step.t0) / jnp.where(h == 0.0, 1.0, h)
    h, s = h.astype(y0.dtype), s.astype(y0.dtype)
    d0, d1 = h * step.f0, h * step.f
    a = 2.0 * (d1 - d0) - 8.0 * (y0 + y1) + 16.0 * middle
    b = 5.0 * d0 - 3.0 * d1 + 18.0 * y0 + 14.0 * y1 - 32.0 * middle
    c = -4.0 * d0 + d1 - 11.0 * y0 - 5.0 * y1 + 16.0 * middle
    return (((a * s + b) * s + c) * s + d0) * s + y0
