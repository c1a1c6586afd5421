"""Adam (Kingma & Ba 2015), for the examples: gradient steps scaled by running moments.

m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import jitad.numpy as jnp
from jitad import tree


class Adam(NamedTuple):
    """State of the optimizer: pytrees like the parameters, so that it is a carry of a scan."""

    params: Any
    mean: Any
    square: Any
    count: Any

    def step(
        self,
        gradient: Any,
        rate: float | np.ndarray,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
    ) -> Adam:
        """The state after a step against `gradient`, a pytree like the parameters."""
        count = self.count + 1
        mean = tree.map(lambda m, g: b1 * m + (1 - b1) * g, self.mean, gradient)
        square = tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, self.square, gradient)

        def moved(p: Any, m: Any, v: Any) -> Any:
            return p - rate * (m / (1 - b1**count)) / (jnp.sqrt(v / (1 - b2**count)) + eps)

        return Adam(tree.map(moved, self.params, mean, square), mean, square, count)


def adam(params: Any) -> Adam:
    """The state before the first step."""
    zeros = tree.map(jnp.zeros_like, params)
    return Adam(params, zeros, zeros, 0)
