"""einops on traced arrays: the backend by which `einops.rearrange` and its relatives know them.

einops asks the subclasses of its backend class whether an array is theirs. One for tracers is made
when a trace is opened in a process that has einops loaded.
"""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from typing import Any

from .tracer import Tracer


@lru_cache(maxsize=1)
def register() -> None:
    """Add the backend; einops must be loaded."""
    backends: Any = sys.modules["einops._backends"]

    class JitadBackend(backends.NumpyBackend):
        """Computes with `jitad.numpy`."""

        framework_name = "jitad"

        def __init__(self) -> None:
            super().__init__()
            self.np = importlib.import_module("jitad.numpy")

        def is_appropriate_type(self, tensor: Any) -> bool:
            return type(tensor) is Tracer

    known.append(JitadBackend)


known: list[Any] = []
"""Keeps the class alive: einops finds it among the subclasses, which are held weakly."""
