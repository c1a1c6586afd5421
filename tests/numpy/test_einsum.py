"""einsum: what libraries for JAX pass along."""

from __future__ import annotations

import numpy as np
import pytest

import jitad.numpy as jnp
from jitad import lax


def test_a_product_of_ones_own_is_refused() -> None:
    x = np.arange(6.0).reshape(2, 3)
    out = jnp.einsum("ij,kj->ik", x, x, precision=None, _dot_general=lax.dot_general)
    assert out.tolist() == (x @ x.T).tolist()
    with pytest.raises(NotImplementedError, match="expected _dot_general=lax.dot_general"):
        jnp.einsum("ij,kj->ik", x, x, _dot_general=test_a_product_of_ones_own_is_refused)
