"""The errors jitad raises for programs it cannot trace, with the user's own line.

Each names what was expected, what came, where, and what to write instead. Wrong shapes, dtypes and
arguments raise TypeError, ValueError or IndexError, as NumPy does.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from types import CodeType, FrameType, TracebackType
from typing import ParamSpec, TypeVar

import numpy as np

import jitad_ir
from jitad_ir.graph import Source

__all__ = [
    "ConcretizationError",
    "ConcretizationTypeError",
    "InconclusiveDimensionOperation",
    "JAXIndexError",
    "JAXTypeError",
    "JaxRuntimeError",
    "KeyReuseError",
    "LeakedTracerError",
    "NonConcreteBooleanIndexError",
    "NonFiniteError",
    "TracerArrayConversionError",
    "TracerBoolConversionError",
    "TracerIntegerConversionError",
    "UnexpectedTracerError",
]
__dir__ = __all__.copy

P = ParamSpec("P")
R = TypeVar("R")

_INTERNAL = (
    os.path.dirname(os.path.abspath(__file__)) + os.sep,
    os.path.dirname(os.path.abspath(jitad_ir.__file__)) + os.sep,
)


class ConcretizationError(TypeError):
    """Python asked for the value of an array that has none while a function is being traced.

    >>> import jitad
    >>> issubclass(jitad.errors.TracerBoolConversionError, jitad.errors.ConcretizationError)
    True
    """


class TracerBoolConversionError(ConcretizationError):
    """`if`, `while`, `and`, `or`, `not` or `assert` on a traced value. Write `jnp.where` or
    `lax.cond`.

    >>> import jitad
    >>> jitad.jit(lambda x: x if x > 0 else -x)(1.0)
    Traceback (most recent call last):
        ...
    jitad.errors.TracerBoolConversionError: ...
    """


class TracerIntegerConversionError(ConcretizationError):
    """A traced value used as an index, a length or a number of repetitions by Python.

    >>> import jitad
    >>> jitad.jit(lambda i: [1, 2, 3][i])(0)
    Traceback (most recent call last):
        ...
    jitad.errors.TracerIntegerConversionError: ...
    """


class TracerArrayConversionError(ConcretizationError):
    """`np.array(...)`, `float(...)` or NumPy code that needs the elements of a traced value.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.jit(lambda x: np.array(x))(1.0)
    Traceback (most recent call last):
        ...
    jitad.errors.TracerArrayConversionError: ...
    """


class NonConcreteBooleanIndexError(TracerArrayConversionError, IndexError):
    """A traced mask as an index: the shape of the result would depend on its elements.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.jit(lambda x: x[x > 0])(np.ones(3))
    Traceback (most recent call last):
        ...
    jitad.errors.NonConcreteBooleanIndexError: ...
    """


class LeakedTracerError(RuntimeError):
    """A traced value was kept (in a global, a list, an object) beyond the call that traced it.

    >>> import jitad
    >>> kept = []
    >>> y = jitad.jit(lambda x: kept.append(x))(1.0)
    >>> kept[0] + 1
    Traceback (most recent call last):
        ...
    jitad.errors.LeakedTracerError: ...
    """


ConcretizationTypeError = ConcretizationError
UnexpectedTracerError = LeakedTracerError
JaxRuntimeError = RuntimeError
"""What programs catch around a computation that fails on the device."""
JAXTypeError, JAXIndexError = TypeError, IndexError


class KeyReuseError(RuntimeError):
    """A random key that was used twice. Not looked for; for programs that except it.

    >>> import jitad
    >>> issubclass(jitad.errors.KeyReuseError, RuntimeError)
    True
    """


class InconclusiveDimensionOperation(RuntimeError):
    """A comparison of lengths that are symbols. There are none; for `except` clauses.

    >>> import jitad
    >>> issubclass(jitad.errors.InconclusiveDimensionOperation, RuntimeError)
    True
    """


class NonFiniteError(FloatingPointError):
    """A nan or infinity appeared while `debug_nans` or `debug_infs` was on.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> with jitad.debug_nans():
    ...     jnp.log(-1.0)
    Traceback (most recent call last):
        ...
    jitad.errors.NonFiniteError: ...
    """


class _Scopes(threading.local):
    names: tuple[str, ...] = ()


SCOPES = _Scopes()
"""Names of the `named_scope`s that are open in this thread, the outermost first."""


_PACKAGES = os.path.dirname(os.path.dirname(os.path.abspath(np.__file__)))
_LIBRARIES = tuple(
    [os.path.join(_PACKAGES, name) + os.sep for name in ("numpy", "scipy", "einops")]
)
"""What the user may call on traced arrays: not the user's own lines."""


@lru_cache(maxsize=4096)
def _is_internal(code: CodeType) -> bool:
    name = code.co_filename
    return name.startswith(_INTERNAL) or name.startswith("<jitad")


@lru_cache(maxsize=4096)
def _is_inside(code: CodeType) -> bool:
    return _is_internal(code) or code.co_filename.startswith(_LIBRARIES)


def user_frame(depth: int = 1) -> FrameType | None:
    """The innermost frame that is neither jitad's own nor one of NumPy, SciPy or einops."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and _is_inside(frame.f_code):
        frame = frame.f_back
    return frame


def _called_function(depth: int = 2) -> tuple[str, str] | None:
    """Module and name of SciPy's function that the user called, if it called jitad."""
    frame: FrameType | None = sys._getframe(depth)
    found: tuple[str, str] | None = None
    while frame is not None and _is_inside(frame.f_code):
        package, _, rest = frame.f_globals.get("__name__", "").partition(".")
        module = f"{package}.{rest.partition('.')[0]}"
        if module == "jitad.transforms":  # SciPy called a transformed function: nothing is traced
            return None
        name = frame.f_code.co_name
        own = getattr(frame.f_locals.get("self"), "name", None)  # of a distribution
        if package == "scipy" and hasattr(sys.modules.get(module), own or name):
            found = module, f"{own}.{name}" if own else name
        frame = frame.f_back
    return found


def _instead(depth: int = 3) -> str:
    """What to write instead of SciPy's function that met a traced array, if there is one."""
    called = _called_function(depth)
    if called is None:
        return ""
    module, name = called
    try:
        value: object = importlib.import_module(f"jitad.{module}")
        for part in name.split("."):
            value = getattr(value, part)
    except (ImportError, AttributeError):
        known = os.environ.get("SCIPY_ARRAY_API", "0") not in ("0", "")
        hint = "" if known else ", or see whether SCIPY_ARRAY_API=1, set before SciPy loads, helps"
        return (
            f"\n{module}.{name} does this with NumPy arrays: call it outside of the traced "
            f"function{hint}"
        )
    return f"\nWrite jitad.{module}.{name} instead of {module}.{name}"


def user_source(depth: int = 2) -> Source | None:
    """Where the user's code called jitad: file, line, function."""
    frame = user_frame(depth)
    if frame is None:
        return None
    code = frame.f_code
    function = "/".join([*SCOPES.names, code.co_name]) if SCOPES.names else code.co_name
    return Source(code.co_filename, frame.f_lineno, function)


def at_user_line(message: str) -> str:
    """`message` with the user's file, line and source text below it."""
    source = user_source(3)
    message += _instead()
    return message if source is None else f"{message}\n{source_text(source)}"


def source_text(source: Source) -> str:
    """File, line, function and the text of the line, for an error message."""
    import linecache

    text = linecache.getline(source.file, source.line).strip()
    where = f"  at {source.file}:{source.line}, in {source.function}"
    return f"{where}\n    {text}" if text else where


def trimmed(error: BaseException) -> BaseException:
    """`error` with the frames of jitad's own code taken out of its traceback (kept if the
    environment variable JITAD_FULL_TRACEBACK is set, or if nothing else would be left)."""
    if os.environ.get("JITAD_FULL_TRACEBACK"):
        return error
    frames: list[TracebackType] = []
    tb = error.__traceback__
    while tb is not None:
        if not _is_internal(tb.tb_frame.f_code):
            frames.append(tb)
        tb = tb.tb_next
    kept: TracebackType | None = None
    for tb in reversed(frames):
        kept = TracebackType(kept, tb.tb_frame, tb.tb_lasti, tb.tb_lineno)
    return error.with_traceback(kept)


def hides_internals(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of the public callables: errors leave them without jitad's own frames."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise trimmed(error) from error.__cause__

    return wrapper
