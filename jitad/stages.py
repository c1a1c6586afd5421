"""The types of a function on its way to native code: `jit(f)` is `Wrapped`; its `trace` gives
`Traced`, that `lower` gives `Lowered`, and that `compile` gives `Compiled`.

>>> import jitad
>>> isinstance(jitad.jit(lambda x: x).lower(1.0), jitad.stages.Lowered)
True
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from .transforms.ahead import ArgInfo, Compiled, Lowered
from .transforms.ahead import TracedProgram as Traced

__all__ = ["ArgInfo", "Compiled", "Lowered", "Traced", "Wrapped"]
__dir__ = __all__.copy


@runtime_checkable
class Wrapped(Protocol):
    """A function that can be called, and traced and compiled ahead of its first call.

    >>> import jitad
    >>> isinstance(jitad.jit(lambda x: x), jitad.stages.Wrapped)
    True
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results."""
        ...

    def trace(self, *args: Any, **kwargs: Any) -> Traced:
        """Its program for these arguments."""
        ...

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """Its program for these arguments, to be compiled."""
        ...
