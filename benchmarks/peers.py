"""The libraries a program is written for, each under the names it shares with the others.

A program is a function of a library: `program(lib)` uses `lib.numpy`, `lib.jit`, `lib.grad`, ...,
and returns what is called. What a library lacks is not replaced: asking for it fails.
"""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import numpy as np


def jitad_library() -> Any:
    """The module `jitad`."""
    for name in ("numpy", "lax", "random"):
        importlib.import_module(f"jitad.{name}")
    return importlib.import_module("jitad")


def jax_x64() -> Any:
    """The module `jax`, set to 64-bit floats, as NumPy has them."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax


def numpy_library() -> Any:
    """NumPy: nothing is compiled, nothing is differentiated."""
    return SimpleNamespace(numpy=np, jit=_unchanged)


def autograd_library() -> Any:
    """autograd: nothing is compiled."""
    import autograd
    import autograd.numpy

    return SimpleNamespace(
        numpy=autograd.numpy,
        jit=_unchanged,
        grad=autograd.grad,
        value_and_grad=autograd.value_and_grad,
        jacfwd=autograd.jacobian,
        hessian=autograd.hessian,
    )


def _unchanged(function: Any, **_: Any) -> Any:
    return function
