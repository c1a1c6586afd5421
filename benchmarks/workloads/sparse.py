"""Sparse Jacobians and Hessians: the elements that are not zero, of problems with local terms.

JAX has none of its own: it is given the colours of the columns, and takes as many products.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.measure import Call
from benchmarks.peers import jax_x64
from benchmarks.reference import c_call
from benchmarks.workload import Calls, Goal

SIZE = 10**4
STEP = 0.01
BAND = 3
"""Elements of a row, and columns from one that is grouped with another to that."""


@functools.cache
def state() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.5, 1.5, SIZE)


def burgers(u: Any) -> Any:
    """A step of Burgers' equation inside of its boundary, by differences."""
    return u[1:-1] - STEP * u[1:-1] * (u[2:] - u[:-2])


def rosenbrock(numpy: Any) -> Callable[[Any], Any]:
    return lambda x: numpy.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def band(rows: int, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the elements of a band, by rows; row i has columns i + first and on."""
    row = np.repeat(np.arange(rows), BAND)
    column = row + first + np.tile(np.arange(BAND), rows)
    inside = (column >= 0) & (column < SIZE)
    return row[inside], column[inside]


def jacobian_with_jitad() -> Call:
    import scipy.sparse  # noqa: F401  (who wants sparse matrices has it)

    from jitad import sparse

    return Call(sparse.jacobian(burgers).values, (state(),))


def hessian_with_jitad() -> Call:
    import scipy.sparse  # noqa: F401  (as above)

    import jitad.numpy as jnp
    from jitad import sparse

    return Call(sparse.hessian(rosenbrock(jnp)).values, (state(),))


def _by_colours(jax: Any, function: Any, rows: int, first: int, own: bool) -> Call:
    """The products of the derivative of `function` with the sums of every third column."""
    seeds = (np.arange(SIZE) % BAND == np.arange(BAND)[:, None]).astype(np.float64)
    row, column = band(rows, first)

    @jax.jit
    def values(x: Any) -> Any:
        _, push = jax.linearize(function, x)
        return jax.vmap(push)(seeds)[column % BAND, row]

    x = jax.numpy.asarray(state()) if own else state()
    return Call(values, (x,), jax.block_until_ready)


def jacobian_with_jax(own: bool = False) -> Call:
    return _by_colours(jax_x64(), burgers, SIZE - 2, 0, own)


def hessian_with_jax(own: bool = False) -> Call:
    jax = jax_x64()
    return _by_colours(jax, jax.grad(rosenbrock(jax.numpy)), SIZE, -1, own)


def _in_buffer(function: Any) -> Call:
    """A call without conversions, by the buffers that CasADi reads and writes."""
    x, out = state().copy(), np.empty(function.nnz_out(0))
    buffer, evaluate = function.buffer()
    buffer.set_arg(0, x.data)
    buffer.set_res(0, out.data)
    return Call(evaluate, (), lambda _, kept=(buffer, x, out): out)


def jacobian_with_casadi() -> Call:
    """The transpose, as CasADi stores columns."""
    import casadi

    u = casadi.SX.sym("u", SIZE)
    return _in_buffer(casadi.Function("jacobian", [u], [casadi.jacobian(burgers(u), u).T]))


def hessian_with_casadi() -> Call:
    import casadi

    x = casadi.SX.sym("x", SIZE)
    value = casadi.sum1(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    return _in_buffer(casadi.Function("hessian", [x], [casadi.hessian(value, x)[0]]))


def jacobian_in_c() -> Call:
    out = np.empty(BAND * (SIZE - 2))
    return c_call("sparse", "burgers_jacobian", (SIZE, STEP, state()), (out,))


def hessian_in_c() -> Call:
    return c_call("sparse", "rosenbrock_hessian", (SIZE, state()), (np.empty(3 * SIZE - 2),))


JACOBIAN = Calls(
    "sparse_jacobian",
    f"Jacobian, three elements a row, of a step of Burgers' equation at {SIZE:,} points",
    {
        "jitad": jacobian_with_jitad,
        "JAX": jacobian_with_jax,
        "JAX, its own arrays": functools.partial(jacobian_with_jax, True),
        "CasADi": jacobian_with_casadi,
        "C": jacobian_in_c,
    },
    (Goal("JAX", 1.0), Goal("CasADi", 1.0)),
)

HESSIAN = Calls(
    "sparse_hessian",
    f"Hessian, three elements a row, of the Rosenbrock function of {SIZE:,} variables",
    {
        "jitad": hessian_with_jitad,
        "JAX": hessian_with_jax,
        "JAX, its own arrays": functools.partial(hessian_with_jax, True),
        "CasADi": hessian_with_casadi,
        "C": hessian_in_c,
    },
    (Goal("JAX", 1.0), Goal("CasADi", 1.0)),
)

ALL = (JACOBIAN, HESSIAN)
