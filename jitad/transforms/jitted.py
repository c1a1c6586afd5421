"""What a jitted function has beside its call: methods, and a way into other processes."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..dispatch.function_type import compiled_function_type
from .function import global_name

_METHODS = ("trace", "lower", "eval_shape", "clear_cache")


def jitted_function_type() -> type:
    """`compiled_function_type()`, with methods that are those of the owner of its slow path."""
    type_: Any = compiled_function_type()
    if not hasattr(type_, "lower"):
        for name in _METHODS:
            setattr(type_, name, property(attrgetter(f"slow.__self__.{name}")))
        type_.__reduce__ = _reduced
        type_.__repr__ = _text
    return type_


def _text(function: Any) -> str:
    return f"<jitad.CompiledFunction of {getattr(function, '__wrapped__', function.slow)!r}>"


def _reduced(function: Any) -> str | tuple[Any, ...]:
    """For pickle: the name of a function that a module has under its own name, as of a Python
    function; else the Python function, to be jitted again."""
    name = global_name(function)
    if name is not None:
        return name
    owner = getattr(function.slow, "__self__", None)
    if owner is None:
        raise TypeError("cannot pickle a compiled function that no Python function stands behind")
    return owner.reduced()
