"""JAX with 64-bit floats, as NumPy has them; imported by the workloads that ask for it."""

from __future__ import annotations

from typing import Any


def jax_x64() -> Any:
    """The module `jax`, set to 64-bit floats."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return jax
