"""First-order optimizers as triples of functions: `init, update, get_params = adam(1e-3)`.

`init(params) -> state`, `update(step, grads, state) -> state`, `get_params(state) -> params`, where
params are a pytree, grads one of the same structure, the state a pytree as well, and step the
number of the update, from 0. Step sizes are numbers, or schedules: functions of the step.

>>> import jitad, numpy as np
>>> init, update, get_params = momentum(0.1, mass=0.9)
>>> state = init({"x": np.array([1.0, -2.0])})
>>> for i in range(200):
...     state = update(i, jitad.grad(lambda p: (p["x"] ** 2).sum())(get_params(state)), state)
>>> bool(abs(get_params(state)["x"]).max() < 1e-3)
True
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce, wraps
from typing import Any, NamedTuple, TypeAlias

from .. import numpy as jnp
from ..tree_util import (
    PyTreeDef,
    register_pytree_node,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_structure,
)

__all__ = [
    "JoinPoint",
    "Optimizer",
    "OptimizerState",
    "Schedule",
    "adagrad",
    "adam",
    "adamax",
    "clip_grads",
    "constant",
    "exponential_decay",
    "inverse_time_decay",
    "l2_norm",
    "make_schedule",
    "momentum",
    "nesterov",
    "optimizer",
    "pack_optimizer_state",
    "piecewise_constant",
    "polynomial_decay",
    "rmsprop",
    "rmsprop_momentum",
    "sgd",
    "sm3",
    "unpack_optimizer_state",
]

Schedule: TypeAlias = Callable[[Any], Any]
"""Step size of a step's number."""


class OptimizerState(NamedTuple):
    """The states of all parameters, each a flat tuple, with the structures they have."""

    packed_state: tuple[tuple[Any, ...], ...]
    tree_def: PyTreeDef
    subtree_defs: tuple[PyTreeDef, ...]


register_pytree_node(
    OptimizerState,
    lambda state: ((state.packed_state,), (state.tree_def, state.subtree_defs)),
    lambda structures, packed: OptimizerState(packed[0], *structures),
)


class Optimizer(NamedTuple):
    """The functions of an optimizer; see the module."""

    init_fn: Callable[[Any], OptimizerState]
    update_fn: Callable[[Any, Any, OptimizerState], OptimizerState]
    params_fn: Callable[[OptimizerState], Any]


def optimizer(opt_maker: Callable[..., tuple[Any, Any, Any]]) -> Callable[..., Optimizer]:
    """Decorator: an optimizer of pytrees, from one of single arrays.

    `opt_maker(...)` returns `init(x) -> state`, `update(step, grad, state) -> state` and
    `get_params(state) -> x`, where the state is a pytree. Updates raise TypeError if the structures
    of gradients and parameters differ.
    """

    @wraps(opt_maker)
    def make(*args: Any, **kwargs: Any) -> Optimizer:
        init, update, get_params = opt_maker(*args, **kwargs)

        def init_all(params: Any) -> OptimizerState:
            leaves, tree = tree_flatten(params)
            return _packed([init(leaf) for leaf in leaves], tree)

        def update_all(step: Any, grads: Any, state: OptimizerState) -> OptimizerState:
            leaves, tree = tree_flatten(grads)
            if tree != state.tree_def:
                raise TypeError(
                    f"optimizer: expected gradients of the parameters' structure "
                    f"{state.tree_def}; got {tree}"
                )
            states = [update(step, g, s) for g, s in zip(leaves, _states(state), strict=True)]
            new = _packed(states, tree)
            if new.subtree_defs != state.subtree_defs:
                raise TypeError(
                    f"optimizer: expected update to keep the state's structures "
                    f"{state.subtree_defs}; got {new.subtree_defs}"
                )
            return new

        def all_params(state: OptimizerState) -> Any:
            return state.tree_def.unflatten([get_params(s) for s in _states(state)])

        return Optimizer(init_all, update_all, all_params)

    return make


def _packed(states: list[Any], tree: PyTreeDef) -> OptimizerState:
    flat = [tree_flatten(state) for state in states]
    leaves = tuple([tuple(leaves) for leaves, _ in flat])
    return OptimizerState(leaves, tree, tuple([structure for _, structure in flat]))


def _states(state: OptimizerState) -> list[Any]:
    """The state of each parameter."""
    pairs = zip(state.subtree_defs, state.packed_state, strict=True)
    return [structure.unflatten(leaves) for structure, leaves in pairs]


def _inverse_sqrt(x: Any) -> Any:
    """1 / sqrt(x), and 0 of 0."""
    positive = x > 0
    return jnp.where(positive, 1.0 / jnp.sqrt(jnp.where(positive, x, 1.0)), 0.0)


@optimizer
def sgd(step_size: float | Schedule) -> Any:
    """Gradient descent: x -= a g."""
    size = make_schedule(step_size)
    return lambda x: x, lambda i, g, x: x - size(i) * g, lambda x: x


@optimizer
def momentum(step_size: float | Schedule, mass: float) -> Any:
    """The heavy ball: v = mass v + g, x -= a v."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, v = state
        v = mass * v + g
        return x - size(i) * v, v

    return _with_zeros, update, _first


@optimizer
def nesterov(step_size: float | Schedule, mass: float) -> Any:
    """Nesterov's: v = mass v + g, x -= a (mass v + g)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, v = state
        v = mass * v + g
        return x - size(i) * (mass * v + g), v

    return _with_zeros, update, _first


def _with_zeros(x: Any, count: int = 1) -> Any:
    return (x, *[jnp.zeros_like(x) for _ in range(count)])


def _first(state: Any) -> Any:
    return state[0]


@optimizer
def adagrad(step_size: float | Schedule, momentum: float = 0.9) -> Any:
    """Adagrad with momentum (Duchi, Hazan and Singer 2011): s += g^2, m the running mean of
    g / sqrt(s), x -= a m."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = squares + jnp.square(g)
        m = (1.0 - momentum) * (g * _inverse_sqrt(squares)) + momentum * m
        return x - size(i) * m, squares, m

    return partial(_with_zeros, count=2), update, _first


@optimizer
def rmsprop(step_size: float | Schedule, gamma: float = 0.9, eps: float = 1e-8) -> Any:
    """RMSProp: s the running mean of g^2, x -= a g / sqrt(s + eps)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares = state
        squares = gamma * squares + (1.0 - gamma) * jnp.square(g)
        return x - size(i) * g / jnp.sqrt(squares + eps), squares

    return _with_zeros, update, _first


@optimizer
def rmsprop_momentum(
    step_size: float | Schedule, gamma: float = 0.9, eps: float = 1e-8, momentum: float = 0.9
) -> Any:
    """RMSProp whose steps have momentum: m = momentum m + a g / sqrt(s + eps), x -= m."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = gamma * squares + (1.0 - gamma) * jnp.square(g)
        m = momentum * m + size(i) * g / jnp.sqrt(squares + eps)
        return x - m, squares, m

    return partial(_with_zeros, count=2), update, _first


@optimizer
def adam(step_size: float | Schedule, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Any:
    """Adam (Kingma and Ba 2015): running means m of g and v of g^2, without their bias,
    x -= a m / (sqrt(v) + eps)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, v = state
        m = (1 - b1) * g + b1 * m
        v = (1 - b2) * jnp.square(g) + b2 * v
        unbiased = m / (1 - jnp.asarray(b1, m.dtype) ** (i + 1))
        spread = jnp.sqrt(v / (1 - jnp.asarray(b2, m.dtype) ** (i + 1)))
        return x - size(i) * unbiased / (spread + eps), m, v

    return partial(_with_zeros, count=2), update, _first


@optimizer
def adamax(
    step_size: float | Schedule, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8
) -> Any:
    """AdaMax (Kingma and Ba 2015): u = max(b2 u, |g|) in the place of sqrt(v)."""
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, u = state
        m = (1 - b1) * g + b1 * m
        u = jnp.maximum(b2 * u, jnp.abs(g))
        return x - size(i) / (1 - jnp.asarray(b1, m.dtype) ** (i + 1)) * m / (u + eps), m, u

    return partial(_with_zeros, count=2), update, _first


@optimizer
def sm3(step_size: float | Schedule, momentum: float = 0.9) -> Any:
    """SM3 (Anil, Gupta, Koren and Singer 2019): Adagrad whose sums are kept for each row and column
    (of every axis), an element's being the least of those it lies in."""
    size = make_schedule(step_size)

    def along(values: Any, axis: int, ndim: int) -> Any:
        return jnp.reshape(values, [-1 if a == axis else 1 for a in range(ndim)])

    def init(x: Any) -> Any:
        x = jnp.asarray(x)
        return x, jnp.zeros_like(x), [jnp.zeros(n, x.dtype) for n in x.shape or (1,)]

    def update(i: Any, g: Any, state: Any) -> Any:
        x, m, sums = state
        ndim = max(1, jnp.ndim(x))
        least = reduce(jnp.minimum, [along(s, axis, ndim) for axis, s in enumerate(sums)])
        squares = jnp.reshape(least, jnp.shape(x) or (1,)) if ndim == 1 else least
        squares = squares + jnp.reshape(jnp.square(g), jnp.shape(g) or (1,))
        scaled = g * jnp.reshape(_inverse_sqrt(squares), jnp.shape(g))
        m = (1.0 - momentum) * scaled + momentum * m
        others = [tuple([a for a in range(ndim) if a != axis]) for axis in range(ndim)]
        return x - size(i) * m, m, [jnp.max(squares, axis=axes) for axes in others]

    return init, update, _first


# Schedules: step sizes as functions of the step's number.


def make_schedule(scalar_or_schedule: float | Schedule) -> Schedule:
    """A schedule as it is, a number as a constant one; raises TypeError for anything else."""
    if callable(scalar_or_schedule):
        return scalar_or_schedule
    if jnp.ndim(scalar_or_schedule) == 0:
        return constant(scalar_or_schedule)
    raise TypeError(f"step size: expected a number or a function; got {scalar_or_schedule!r}")


def constant(step_size: Any) -> Schedule:
    """a."""
    return lambda i: step_size


def exponential_decay(step_size: float, decay_steps: float, decay_rate: float) -> Schedule:
    """a rate^(i / steps)."""
    return lambda i: step_size * decay_rate ** (i / decay_steps)


def inverse_time_decay(
    step_size: float, decay_steps: float, decay_rate: float, staircase: bool = False
) -> Schedule:
    """a / (1 + rate i / steps); with `staircase`, i / steps is rounded down."""

    def schedule(i: Any) -> Any:
        turns = jnp.floor(i / decay_steps) if staircase else i / decay_steps
        return step_size / (1 + decay_rate * turns)

    return schedule


def polynomial_decay(
    step_size: float, decay_steps: float, final_step_size: float, power: float = 1.0
) -> Schedule:
    """From a to the final step size within `decay_steps`, as (1 - i / steps)^power."""

    def schedule(i: Any) -> Any:
        left = (1 - jnp.minimum(i, decay_steps) / decay_steps) ** power
        return left * (step_size - final_step_size) + final_step_size

    return schedule


def piecewise_constant(boundaries: Any, values: Any) -> Schedule:
    """values[k] beyond k of the ascending `boundaries`; raises ValueError unless there is one value
    more than boundaries."""
    boundaries, values = jnp.array(boundaries), jnp.array(values)
    if not boundaries.ndim == values.ndim == 1 or len(values) != len(boundaries) + 1:
        raise ValueError(
            "piecewise_constant: expected n boundaries and n + 1 values; got shapes "
            f"{boundaries.shape} and {values.shape}"
        )
    return lambda i: values[jnp.sum(i > boundaries)]


# Gradients.


def l2_norm(tree: Any) -> Any:
    """The Euclidean norm of all elements of a pytree."""
    return jnp.sqrt(sum([jnp.vdot(x, x) for x in tree_leaves(tree)]))


def clip_grads(grad_tree: Any, max_norm: Any) -> Any:
    """The pytree scaled to this norm if its own is larger."""
    norm = l2_norm(grad_tree)
    return tree_map(lambda g: jnp.where(norm < max_norm, g, g * (max_norm / norm)), grad_tree)


# States as trees of the parameters' structure, to be written to a file.


class JoinPoint:
    """A parameter's state, within the tree of parameters."""

    def __init__(self, subtree: Any) -> None:
        self.subtree = subtree

    def __iter__(self) -> Any:
        yield self.subtree


def unpack_optimizer_state(opt_state: OptimizerState) -> Any:
    """The parameters' tree, with a `JoinPoint` that holds the state for each."""
    return opt_state.tree_def.unflatten([JoinPoint(state) for state in _states(opt_state)])


def pack_optimizer_state(marked_pytree: Any) -> OptimizerState:
    """The inverse of `unpack_optimizer_state`; raises TypeError for other leaves."""
    points, tree = tree_flatten(marked_pytree)
    if not all([isinstance(point, JoinPoint) for point in points]):
        raise TypeError(f"expected a JoinPoint for each leaf; got {tree_structure(marked_pytree)}")
    return _packed([point.subtree for point in points], tree)
