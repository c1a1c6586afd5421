"""Settings of the process.

>>> import jitad
>>> jitad.config.log_compiles
False
>>> with jitad.threads(1):
...     jitad.config.threads
1
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jitad_ir import workers

_IGNORED = frozenset({"jax_enable_x64", "jax_platform_name", "jax_platforms"})
"""Settings of JAX that programs set to get what jitad always does: 64-bit types on the CPU."""


class Config:
    """Settings, as attributes; each starts from the environment variable JITAD_<NAME>."""

    def __init__(self) -> None:
        self.disable_jit: bool = _flag("DISABLE_JIT")
        """`jit` runs the Python function itself, so that a debugger and prints see values."""
        self.log_compiles: bool = _flag("LOG_COMPILES")
        """Print what is compiled and where the time went, to standard error."""
        given = os.environ.get("JITAD_THREADS", "").strip()
        if given:
            self.threads = int(given) if given.isdecimal() else given

    @property
    def threads(self) -> int:
        """Threads that compiled programs compute on, the caller's among them; the results do not
        depend on it. As it starts: the cores that this process may use. A new number counts from
        the next large operation on, in programs that are compiled already as well.

        Raises TypeError or ValueError if it is set to anything but a positive int.
        """
        return workers.limit()

    @threads.setter
    def threads(self, count: Any) -> None:
        if isinstance(count, bool) or not isinstance(count, int):
            raise TypeError(f"threads: expected a positive int; got {count!r}")
        if not 0 < count <= workers.MOST:
            raise ValueError(f"threads: expected 1 to {workers.MOST}; got {count}")
        workers.set_limit(count)

    def update(self, name: str, value: Any) -> None:
        """Set `name` (with or without JAX's prefix `jax_`); raises AttributeError if there is no
        such setting."""
        if name in _IGNORED:
            return
        plain = name.removeprefix("jax_").removeprefix("jitad_")
        names = {*vars(self), "threads"}
        if plain not in names:
            known = ", ".join(sorted(names))
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


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within this context compiled programs compute on `count` threads, the caller's among them.

    With 1, a program keeps one core busy. The setting is the process's: other Python threads see
    it too. Raises TypeError or ValueError if `count` is not a positive int.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> x = np.linspace(0.0, 1.0, 1_000_000)
    >>> f = jitad.jit(lambda x: jnp.sum(jnp.sin(x) * x))
    >>> with jitad.threads(1):
    ...     one = f(x)
    >>> bool(f(x) == one)  # to the bit
    True
    """
    before = config.threads
    config.threads = count
    try:
        yield
    finally:
        config.threads = before
