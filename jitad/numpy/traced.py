"""The namespace of traced arrays: `jitad.numpy` with results that are traced arrays throughout.

Libraries written for the Python array API standard ask arrays for their namespace and refuse arrays
of different ones. `jitad.numpy.zeros(3)`, which depends on no traced array, is a NumPy array to
them. So `x.__array_namespace__()` of a traced array gives this namespace, in which it is traced.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from jitad.trace import Tracer, current_trace

from .namespace import NamespaceInfo


def _traced(result: Any) -> Any:
    """`result` with arrays as tracers of the current trace."""
    if isinstance(result, tuple):
        parts = [_traced(part) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else tuple(parts)
    if isinstance(result, list):
        return [_traced(part) for part in result]
    trace = current_trace()
    if trace is None or type(result) is Tracer or not isinstance(result, (np.ndarray, np.generic)):
        return result
    value, array = trace.lift(result)
    return Tracer(trace, value, array if trace.concrete else None)


def _with_traced_results(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return _traced(function(*args, **kwargs))

    return wrapper


class _TracedInfo(NamespaceInfo):
    """What is different of traced arrays: without values, masks do not select."""

    def capabilities(self) -> dict[str, Any]:
        """Where values are known (outside of `jit`), those of `jitad.numpy`."""
        trace = current_trace()
        known = trace is None or trace.concrete
        others = super().capabilities()
        return {**others, "boolean indexing": known, "data-dependent shapes": known}


class TracedNamespace(ModuleType):
    """A module whose functions give traced arrays."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"{name}, with results that are traced arrays.")
        self._module = importlib.import_module(name)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if found is NamespaceInfo:
            value: Any = _TracedInfo
        elif isinstance(found, ModuleType):
            value = TracedNamespace(found.__name__)
        elif callable(found) and not isinstance(found, type):
            value = _with_traced_results(found)
        else:
            value = found
        self.__dict__[name] = value
        return value

    def __dir__(self) -> list[str]:
        return dir(self._module)

    def __reduce__(self) -> tuple[Any, ...]:
        return traced_namespace, ()


@functools.lru_cache(maxsize=1)
def traced_namespace() -> TracedNamespace:
    """The one namespace of all traced arrays."""
    return TracedNamespace("jitad.numpy")
