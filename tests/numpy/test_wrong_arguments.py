"""Arguments of another rank, axis or structure than a function takes, and what the errors say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import nn
from jitad.scipy import linalg

A, V, SQUARE = np.ones((3, 4)), np.ones(3), np.eye(2)
ONE = np.float64(1.0)

WRONG: list[tuple[type[Exception], str, Callable[[Any], Any]]] = [
    (np.exceptions.AxisError, "axis 7 .* dimension 2", lambda a: nn.glu(a, 7)),
    (np.exceptions.AxisError, "axis 5 .* dimension 2", lambda a: jnp.fft.fftshift(a, 5)),
    (np.exceptions.AxisError, "axis 3 .* dimension 2", lambda a: jnp.fft.ifftshift(a, (0, 3))),
    (np.exceptions.AxisError, "axis 2 .* dimension 2", lambda a: jnp.linalg.cross(a, a, axis=2)),
    (ValueError, "vector of edges", lambda a: jnp.digitize(a, ONE)),
    (ValueError, r"vector of edges .* \(3, 4\)", lambda a: jnp.digitize(V, a)),
    (ValueError, "those of b", lambda a: jnp.tensordot(a, a, axes=(0,))),
    (ValueError, "those of b", lambda a: jnp.tensordot(a, a, axes=[[0], [0], [1]])),
    (TypeError, "must be an integer, or the edges", lambda a: jnp.histogram(a, bins=2.5)),
]


@pytest.mark.parametrize(("kind", "message", "call"), WRONG)
def test_wrong_arguments(kind: type[Exception], message: str, call: Callable[[Any], Any]) -> None:
    for f in (call, jitad.jit(call)):
        with pytest.raises(kind, match=message):
            f(A)


@pytest.mark.parametrize("kind", ["cho", "lu"])
def test_solving_by_what_is_no_factorization(kind: str) -> None:
    """A matrix of two rows, which could be taken for the pair, as well as others."""
    solve = getattr(linalg, f"{kind}_solve")
    for wrong in (SQUARE, np.eye(3), (SQUARE,), None):
        with pytest.raises(TypeError, match=f"{kind}_solve: expected the pair that {kind}_factor"):
            solve(wrong, np.ones(2))
