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
from typing import Any, NamedTuple

from .. import numpy as jnp
from ..tree_util import (
    PyTreeDef,
    register_pytree_node,
    tree_flatten,
    tree_leaves,
    tree_map,
    tree_structure,
)
from .schedules import (
    Schedule,
    constant,
    exponential_decay,
    inverse_time_decay,
    make_schedule,
    piecewise_constant,
    polynomial_decay,
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
__dir__ = __all__.copy


class OptimizerState(NamedTuple):
    """The states of all parameters, each a flat tuple, with the structures they have.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.sgd(0.1).init_fn([1.0, 2.0]).packed_state
    ((1.0,), (2.0,))
    """

    packed_state: tuple[tuple[Any, ...], ...]
    tree_def: PyTreeDef
    subtree_defs: tuple[PyTreeDef, ...]


register_pytree_node(
    OptimizerState,
    lambda state: ((state.packed_state,), (state.tree_def, state.subtree_defs)),
    lambda structures, packed: OptimizerState(packed[0], *structures),
)


class Optimizer(NamedTuple):
    """The functions of an optimizer; see the module.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.Optimizer._fields
    ('init_fn', 'update_fn', 'params_fn')
    """

    init_fn: Callable[[Any], OptimizerState]
    update_fn: Callable[[Any, Any, OptimizerState], OptimizerState]
    params_fn: Callable[[OptimizerState], Any]


def optimizer(opt_maker: Callable[..., tuple[Any, Any, Any]]) -> Callable[..., Optimizer]:
    """Decorator: an optimizer of pytrees, from one of single arrays.

    `opt_maker(...)` returns `init(x) -> state`, `update(step, grad, state) -> state` and
    `get_params(state) -> x`, where the state is a pytree. Updates raise TypeError if the structures
    of gradients and parameters differ.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> @optimizers.optimizer
    ... def signs(size):
    ...     return lambda x: x, lambda i, g, x: x - size * np.sign(g), lambda x: x
    >>> init, update, get_params = signs(0.5)
    >>> get_params(update(0, {"w": 3.0}, init({"w": 1.0})))
    {'w': np.float64(0.5)}
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
    """Gradient descent: x -= a g.

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.sgd(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    array([0.6])
    """
    size = make_schedule(step_size)
    return lambda x: x, lambda i, g, x: x - size(i) * g, lambda x: x


@optimizer
def momentum(step_size: float | Schedule, mass: float) -> Any:
    """The heavy ball (B. T. Polyak, 1964): v = mass v + g, x -= a v.

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.momentum(0.1, 0.9)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.6])
    """
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, v = state
        v = mass * v + g
        return x - size(i) * v, v

    return _with_zeros, update, _first


@optimizer
def nesterov(step_size: float | Schedule, mass: float) -> Any:
    """Nesterov's accelerated gradients (1983): v = mass v + g, x -= a (mass v + g).

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.nesterov(0.1, 0.9)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.24])
    """
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
    """Adagrad with momentum (Duchi, Hazan and Singer 2011): s += g^2, m the running mean of g /
    sqrt(s), x -= a m.

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.adagrad(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.99])
    """
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = squares + jnp.square(g)
        m = (1.0 - momentum) * (g * _inverse_sqrt(squares)) + momentum * m
        return x - size(i) * m, squares, m

    return partial(_with_zeros, count=2), update, _first


@optimizer
def rmsprop(step_size: float | Schedule, gamma: float = 0.9, eps: float = 1e-8) -> Any:
    """RMSProp (T. Tieleman, G. Hinton, 2012): s the running mean of g^2, x -= a g / sqrt(s + eps).

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.rmsprop(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.68377223])
    """
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
    """RMSProp whose steps have momentum: m = momentum m + a g / sqrt(s + eps), x -= m.

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.rmsprop_momentum(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.68377223])
    """
    size = make_schedule(step_size)

    def update(i: Any, g: Any, state: Any) -> Any:
        x, squares, m = state
        squares = gamma * squares + (1.0 - gamma) * jnp.square(g)
        m = momentum * m + size(i) * g / jnp.sqrt(squares + eps)
        return x - m, squares, m

    return partial(_with_zeros, count=2), update, _first


@optimizer
def adam(step_size: float | Schedule, b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Any:
    """Adam (Kingma and Ba 2015): running means m of g and v of g^2, without their bias, x -= a m /
    (sqrt(v) + eps).

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.adam(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.9])
    """
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
    """AdaMax (Kingma and Ba 2015): u = max(b2 u, |g|) in the place of sqrt(v).

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.adamax(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.9])
    """
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
    (of every axis), an element's being the least of those it lies in.

    `a` is `step_size`, a number or a schedule of steps; the result is an `Optimizer` of pytrees.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> init, update, get_params = optimizers.sm3(0.1)
    >>> get_params(update(0, np.array([4.0]), init(np.array([1.0]))))
    Array([0.99])
    """
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


# Gradients.


def l2_norm(tree: Any) -> Any:
    """The Euclidean norm of all elements of a pytree.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.l2_norm({"w": np.array([3.0, 0.0]), "b": 4.0})
    Array(5.)
    """
    return jnp.sqrt(sum([jnp.vdot(x, x) for x in tree_leaves(tree)]))


def clip_grads(grad_tree: Any, max_norm: Any) -> Any:
    """The pytree scaled to this norm if its own is larger.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.clip_grads(np.array([3.0, 4.0]), 1.0)
    Array([0.6, 0.8])
    """
    norm = l2_norm(grad_tree)
    return tree_map(lambda g: jnp.where(norm < max_norm, g, g * (max_norm / norm)), grad_tree)


# States as trees of the parameters' structure, to be written to a file.


class JoinPoint:
    """A parameter's state, within the tree of parameters.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.JoinPoint((1.0,)).subtree
    (1.0,)
    """

    def __init__(self, subtree: Any) -> None:
        self.subtree = subtree

    def __iter__(self) -> Any:
        yield self.subtree


def unpack_optimizer_state(opt_state: OptimizerState) -> Any:
    """The parameters' tree, with a `JoinPoint` that holds the state for each.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> state = optimizers.sgd(0.1).init_fn({"w": 1.0})
    >>> optimizers.unpack_optimizer_state(state)["w"].subtree
    1.0
    """
    return opt_state.tree_def.unflatten([JoinPoint(state) for state in _states(opt_state)])


def pack_optimizer_state(marked_pytree: Any) -> OptimizerState:
    """The inverse of `unpack_optimizer_state`; raises TypeError for other leaves.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> state = optimizers.sgd(0.1).init_fn({"w": 1.0})
    >>> optimizers.pack_optimizer_state(optimizers.unpack_optimizer_state(state)) == state
    True
    """
    points, tree = tree_flatten(marked_pytree)
    if not all([isinstance(point, JoinPoint) for point in points]):
        raise TypeError(f"expected a JoinPoint for each leaf; got {tree_structure(marked_pytree)}")
    return _packed([point.subtree for point in points], tree)
