"""Settings of the process.

>>> import jitad
>>> jitad.config.log_compiles
False
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_IGNORED = frozenset({"jax_enable_x64", "jax_platform_name", "jax_platforms"})
"""Settings of JAX that programs set to get what jitad always does: 64-bit types on the CPU."""


class Config:
    """Settings, as attributes; each starts from the environment variable JITAD_<NAME>."""

    def __init__(self) -> None:
        self.disable_jit: bool = _flag("DISABLE_JIT")
        """`jit` runs the Python function itself, so that a debugger and prints see values."""
        self.log_compiles: bool = _flag("LOG_COMPILES")
        """Print what is compiled and where the time went, to standard error."""

    def update(self, name: str, value: Any) -> None:
        """Set `name` (with or without JAX's prefix `jax_`); raises AttributeError if there is no
        such setting."""
        if name in _IGNORED:
            return
        plain = name.removeprefix("jax_").removeprefix("jitad_")
        if plain not in vars(self):
            known = ", ".join(sorted(vars(self)))
            raise AttributeError(f"config: expected one of the settings {known}; got {name!r}")
        setattr(self, plain, value)


def _flag(name: str) -> bool:
    return os.environ.get(f"JITAD_{name}", "0").lower() not in ("", "0", "false", "no")


config = Config()


@contextmanager
def disable_jit(disable: bool = True) -> Iterator[None]:
    """Within this context `jit` runs the Python functions themselves."""
    before = config.disable_jit
    config.disable_jit = disable
    try:
        yield
    finally:
        config.disable_jit = before
