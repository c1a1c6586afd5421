"""Calls of the functions of `jax.lax`, each a function of the namespace and of arrays: what the
tests ask of `jitad.lax`, and what `record_jax_values` asks of JAX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """`call(lax, *operands)`; float64 and complex128 operands carry derivatives, unless not
    `smooth`. `as_in_jax` is False where results are right but may be others than JAX's."""

    name: str
    call: Callable[..., Any]
    operands: tuple[Any, ...]
    smooth: bool = True
    as_in_jax: bool = True


CASES: list[Case] = []


def add(name: str, call: Callable[..., Any], *operands: Any, **flags: bool) -> None:
    """Append a case; names are told apart by a number."""
    count = sum([case.name.split("-")[0] == name for case in CASES])
    label = f"{name}-{count}" if count else name
    CASES.append(Case(label, call, operands, **flags))


def reals(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Doubles drawn from [low, high)."""
    return np.random.default_rng(1000 * len(shape) + seed).uniform(low, high, shape)


def complexes(*shape: int, seed: int = 0) -> np.ndarray:
    """Complex numbers of the square [-2, 2)**2."""
    return reals(*shape, seed=seed) + 1j * reals(*shape, seed=seed + 100)


def integers(*shape: int, low: int = -9, high: int = 9, seed: int = 0) -> np.ndarray:
    """int64 drawn from [low, high)."""
    return np.random.default_rng(1000 * len(shape) + seed).integers(low, high, shape)
