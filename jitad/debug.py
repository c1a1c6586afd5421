"""Looking into programs while they run: prints, callbacks, breakpoints.

They happen each time the program comes to them, in its order: at each step of a loop, in the branch
that is taken, under `vmap` for each lane in turn, and once under derivatives.

>>> import jitad
>>> @jitad.jit
... def f(x):
...     jitad.debug.print("x = {x:.2f}", x=x)
...     return x * x
>>> f(3.0)
x = 3.00
Array(9.)
"""

from __future__ import annotations

import builtins
import logging
import string
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jitad_ir.graph import Source

from .debugger import breakpoint  # noqa: A004  (JAX's name)
from .errors import at_user_line, hides_internals, user_source
from .sharding_views import inspect_array_sharding, visualize_array_sharding, visualize_sharding
from .transforms.callbacks import Static, act, flat_function, is_value
from .transforms.function import check_callable, name_of

__all__ = [
    "DebugEffect",
    "OrderedDebugEffect",
    "breakpoint",
    "callback",
    "inspect_array_sharding",
    "log",
    "print",
    "visualize_array_sharding",
    "visualize_sharding",
]
__dir__ = __all__.copy


class DebugEffect:
    """What a print or a callback does besides giving results. In jitad all happen in the order of
    the program.

    >>> import jitad
    >>> jitad.debug.DebugEffect()
    Debug
    """

    def __repr__(self) -> str:
        return "Debug"


class OrderedDebugEffect(DebugEffect):
    """The effect of a print or a callback that was asked to be ordered.

    >>> import jitad
    >>> jitad.debug.OrderedDebugEffect()
    OrderedDebug
    """

    def __repr__(self) -> str:
        return "OrderedDebug"


class _FormatCheck(string.Formatter):
    """Formats nothing; raises where fields and arguments do not fit."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return ""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value

    def check_unused_args(self, used_args: Any, args: Any, kwargs: Any) -> None:
        extra = [str(i) for i in range(len(args)) if i not in used_args]
        extra += [name for name in kwargs if name not in used_args]
        if extra:
            raise ValueError(
                f"debug.print: the format has no field for argument {', '.join(extra)}. Give a "
                'plain string with fields, "x = {x}", not an f-string'
            )


@dataclass(frozen=True, slots=True)
class _Print:
    """Prints or logs a text filled with values."""

    text: str
    options: Static
    source: Source | None
    logs: bool

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        with np.printoptions(**dict(self.options.value)):
            text = self.text.format(*args, **kwargs)
        if self.logs:
            _log(text, self.source)
        else:
            sys.stdout.write(text + "\n")


def _log(text: str, source: Source | None) -> None:
    logger = logging.getLogger("jitad.debug")
    if not logger.isEnabledFor(logging.INFO):
        return
    file, line, function = (
        (source.file, source.line, source.function) if source is not None else ("", 0, None)
    )
    record = logger.makeRecord(logger.name, logging.INFO, file, line, text, (), None, func=function)
    logger.handle(record)


@hides_internals
def print(  # noqa: A001  (JAX's name)
    fmt: str | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    **kwargs: Any,
) -> Any:
    """Print `fmt.format(*args, **kwargs)` each time the program comes here.

    Arguments are pytrees of arrays, of which the text gets the values; leaves that are no arrays,
    Python numbers among them, stay as they are. `print(ordered=True)("x = {}", x)` is another way
    to write it. Prints are in the order of the program, `ordered` or not; `partitioned` is accepted
    for JAX's sake.

    Raises ValueError, IndexError or KeyError if fields and arguments do not fit.

    >>> import jitad, jitad.numpy as jnp
    >>> _ = jitad.vmap(lambda x: jitad.debug.print("lane {}", x))(jnp.arange(2))
    lane 0
    lane 1
    """

    def printed(fmt: str, *args: Any, **kwargs: Any) -> None:
        _print(fmt, args, kwargs, bool(ordered), skip_format_check, logs=False)

    return _called(printed, fmt, args, kwargs, "print")


@hides_internals
def log(
    fmt: str | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    skip_format_check: bool = False,
    **kwargs: Any,
) -> Any:
    """Like `print`, to the logger "jitad.debug" at level INFO, with the file and line of the call.

    >>> import jitad
    >>> jitad.debug.log("x = {}", 1.0)
    """

    def logged(fmt: str, *args: Any, **kwargs: Any) -> None:
        _print(fmt, args, kwargs, bool(ordered), skip_format_check, logs=True)

    return _called(logged, fmt, args, kwargs, "log")


def _called(
    function: Callable[..., None],
    fmt: str | None,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    name: str,
) -> Any:
    if fmt is not None:
        return function(fmt, *args, **kwargs)
    if args or kwargs:
        raise TypeError(f"debug.{name}: expected a format string, or options alone")
    return function


def _print(
    fmt: str,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    ordered: bool,
    skip_format_check: bool,
    *,
    logs: bool,
) -> None:
    if not isinstance(fmt, str):
        raise TypeError(
            at_user_line(
                f'debug.print: expected a format string such as "x = {{}}"; got '
                f"{builtins.type(fmt).__name__}"
            )
        )
    if not skip_format_check:
        _FormatCheck().format(fmt, *args, **kwargs)
    options = Static(tuple(np.get_printoptions().items()))
    printed = _Print(fmt, options, user_source() if logs else None, logs)
    _act(printed, args, kwargs, "print", ordered)


def _act(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any, name: str, ordered: bool
) -> None:
    flat, arrays = flat_function(function, args, kwargs, None, lambda leaf: not is_value(leaf))
    no_results: Sequence[Any] = ()
    act(flat, arrays, no_results, name, ordered=ordered)


@hides_internals
def callback(
    callback: Callable[..., Any] | None = None,
    *args: Any,
    ordered: bool = False,
    partitioned: bool = False,
    **kwargs: Any,
) -> Any:
    """Call `callback(*args, **kwargs)` with values each time the program comes here.

    Arguments are pytrees of arrays; leaves that are no arrays are passed as they are. What the
    callback returns is dropped; an exception leaves the program. Calls are in the order of the
    program, `ordered` or not. `callback(ordered=True)(function, *args)` is another way to write it.

    >>> import jitad, jitad.numpy as jnp
    >>> largest = []
    >>> @jitad.jit
    ... def step(x):
    ...     jitad.debug.callback(lambda y: largest.append(float(y)), jnp.max(x))
    ...     return x / jnp.max(x)
    >>> _ = step(jnp.array([1.0, 4.0]))
    >>> largest
    [4.0]
    """

    def called(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        check_callable(function, "debug.callback")
        _act(function, args, kwargs, name_of(function), bool(ordered))

    if callback is not None:
        return called(callback, *args, **kwargs)
    if args or kwargs:
        raise TypeError("debug.callback: expected a function, or options alone")
    return called
