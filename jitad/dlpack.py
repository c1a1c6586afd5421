"""Arrays shared with other libraries: `jitad.dlpack.from_dlpack(tensor)`."""

from __future__ import annotations

from .numpy import from_dlpack

__all__ = ["from_dlpack"]
__dir__ = __all__.copy
