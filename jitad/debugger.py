"""debug.breakpoint: Python's debugger inside of programs, with the values they have there."""

from __future__ import annotations

import bdb
import pdb
import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

from .errors import hides_internals, user_frame
from .pytree import flatten
from .trace import Tracer
from .transforms.callbacks import act, flat_function, is_value


@dataclass(frozen=True, slots=True)
class _Stop:
    """Opens the debugger at a line, with values for the names there."""

    file: str
    line: int
    function: str

    def __call__(self, values: dict[str, Any], scope: dict[str, Any]) -> None:
        # A statement at the user's file and line: the debugger shows the source around it.
        text = "\n" * (self.line - 1) + "pass"
        debugger = _Debugger(stdin=sys.stdin, stdout=sys.stdout)
        names = {k: v.value if isinstance(v, _Opaque) else v for k, v in values.items()}
        debugger.run(compile(text, self.file, "exec"), scope, names)
        if debugger.was_left:
            raise bdb.BdbQuit


class _Debugger(pdb.Pdb):
    """A debugger that knows whether it was left by `quit`."""

    was_left = False

    def do_quit(self, arg: str) -> bool | None:
        """q(uit): leave the program."""
        self.was_left = True
        return super().do_quit(arg)

    do_q = do_exit = do_EOF = do_quit  # noqa: N815  (pdb's names of commands)


@hides_internals
def breakpoint(  # noqa: A001  (JAX's name)
    *, backend: str | None = None, ordered: bool = False, **kwargs: Any
) -> None:
    """Open Python's debugger (pdb) each time the program comes here, under `jit` too.

    The names of the function around it have the values they have at this place: `p x` prints,
    `list` shows the source, `continue` runs on, `quit` leaves the program by `bdb.BdbQuit`. Names
    whose values are not arrays, numbers or containers of those keep what they were when the
    function was traced. `backend` and further keywords (`num_frames`, `filter_frames`, `token`) are
    accepted for JAX's sake.

    >>> import jitad
    >>> @jitad.jit
    ... def f(x):
    ...     y = x * x
    ...     jitad.debug.breakpoint()  # `p y` prints 9.0 here in a call f(3.0)
    ...     return y
    >>> jitad.eval_shape(f, 3.0)  # traces f and does not run it
    ShapeDtypeStruct(shape=(), dtype=float64)
    """
    frame = user_frame()
    if frame is None:
        return
    values = _names(frame)
    code = frame.f_code
    stop = _Stop(code.co_filename, frame.f_lineno, code.co_name)
    flat, arrays = flat_function(
        stop, (values, _Scope(frame.f_globals)), {}, None, lambda leaf: not is_value(leaf)
    )
    act(flat, arrays, (), "breakpoint", ordered=bool(ordered))


class _Scope(dict[str, Any]):
    """A module's globals: one leaf, not a pytree."""


def _names(frame: FrameType) -> dict[str, Any]:
    """The local names; those whose pytrees cannot be taken apart are held as they are."""
    names: dict[str, Any] = {}
    for name, value in frame.f_locals.items():
        leaves, _ = flatten(value)
        traced = any([isinstance(leaf, Tracer) for leaf in leaves])
        names[name] = value if traced or all(map(is_value, leaves)) else _Opaque(value)
    return names


@dataclass(frozen=True, slots=True, eq=False)
class _Opaque:
    """A value that the program does not know."""

    value: Any
