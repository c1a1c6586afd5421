"""A workload from one program: each library runs the same lines, C its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.in_numba import numba_call
from benchmarks.in_torch import torch_calls
from benchmarks.measure import Call
from benchmarks.peers import autograd_library, jax_x64, jitad_library, numpy_library
from benchmarks.workload import Calls, Goal

Program = Callable[[Any], Callable[..., Any]]
"""Library -> the function that is called; see `benchmarks.peers`."""

JAX = "JAX"
JAX_OWN = "JAX, its own arrays"
NOT_SLOWER = (Goal(JAX, 1.0), Goal(JAX_OWN, 1.0))


def in_jax(program: Program, inputs: Callable[[], Any]) -> dict[str, Callable[[], Call]]:
    """The two contenders: arrays converted at every call, as ours are not, and once before."""

    def own() -> Call:
        jax = jax_x64()
        arrays = jax.block_until_ready(jax.tree.map(jax.numpy.asarray, inputs()))
        return Call(program(jax), arrays, jax.block_until_ready)

    return {
        JAX: lambda: Call(program(jax_x64()), inputs(), jax_x64().block_until_ready),
        JAX_OWN: own,
    }


def versus(
    name: str,
    about: str,
    program: Program,
    inputs: Callable[[], tuple[Any, ...]],
    *,
    numpy: Program | None = None,
    autograd: Program | None = None,
    c: Callable[[], Call] | None = None,
    numba: Callable[..., Any] | None = None,
    more: dict[str, Callable[[], Call]] | None = None,
    peers: bool = True,
    limits: dict[str, Callable[[], Call]] | None = None,
    goals: tuple[Goal, ...] = NOT_SLOWER,
    tolerance: float = 1e-9,
) -> Calls:
    """jitad against JAX (given NumPy's arrays and its own), and the others named.

    `numpy` and `autograd` are often `program` itself; NumPy may do better by hand. `numba` takes
    loops (`benchmarks.in_numba`), `c` a call of C (`benchmarks.reference`), `more` further
    contenders, PyTorch where it has a program of that name (`benchmarks.in_torch`). `limits` do
    other work, and their answers are not compared. Without `peers`, not against JAX.
    """
    contenders: dict[str, Callable[[], Call]] = {
        "jitad": lambda: Call(program(jitad_library()), inputs()),
    }
    if peers:
        contenders |= in_jax(program, inputs)
    if numpy is not None:
        contenders["NumPy"] = lambda: Call(numpy(numpy_library()), inputs())
    if autograd is not None:
        contenders["autograd"] = lambda: Call(autograd(autograd_library()), inputs())
    if c is not None:
        contenders["C"] = c
    if numba is not None:
        contenders["numba"] = lambda: numba_call(numba, inputs())
    contenders |= torch_calls(name, inputs)
    return Calls(name, about, contenders | (more or {}), goals, tolerance, limits or {})
