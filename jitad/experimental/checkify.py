"""Checks in traced functions, as results: what failed is an `Error`, a pytree, that comes back
beside the result and is looked at outside.

>>> import jitad, jitad.numpy as jnp
>>> from jitad.experimental import checkify
>>> def f(x):
...     checkify.check(x > 0, "x must be positive; got {}", x)
...     return jnp.log(x)
>>> error, result = jitad.jit(checkify.checkify(f))(-1.0)
>>> error.get()
'x must be positive; got -1.0 (`check` failed)'

Without `checkify` a check that fails raises, in compiled programs too. With the sets of checks
below every operation of a function is checked as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any

import numpy as np

from jitad_ir.op import OPS
from jitad_ir.ops.check import CheckFailed, Note
from jitad_ir.passes.checked import Site, checked

from ..argument_types import type_of_argument
from ..errors import at_user_line, hides_internals
from ..numpy.promotion import as_array_operand
from ..primitives import primitive_of
from ..pytree import flatten
from ..trace import Tracer, apply, current_trace, find_trace
from ..transforms.function import check_callable, leaf_types, name_of, run_graph, trace_function
from ..tree_util import register_pytree_node

__all__ = [
    "Error",
    "JaxRuntimeError",
    "all_checks",
    "automatic_checks",
    "check",
    "check_error",
    "checkify",
    "debug_check",
    "div_checks",
    "float_checks",
    "index_checks",
    "init_error",
    "nan_checks",
    "user_checks",
]
__dir__ = __all__.copy

JaxRuntimeError = CheckFailed
"""What a check that fails raises: a RuntimeError."""

user_checks = frozenset({"user"})
"""Those that the function makes by `check`."""
nan_checks = frozenset({"nan"})
"""No operation gives nan."""
div_checks = frozenset({"div"})
"""Nothing is divided by zero."""
index_checks = frozenset({"index"})
"""No index is out of bounds."""
float_checks = nan_checks | div_checks
automatic_checks = float_checks | index_checks
all_checks = automatic_checks | user_checks


class Error:
    """What failed, if anything did. A pytree; with leading axes behind `vmap`."""

    def __init__(self, code: Any, details: Sequence[Any], sites: tuple[Site, ...]) -> None:
        self._code = code
        self._details = details
        self._sites = sites

    def get(self) -> str | None:
        """The message of the check that failed first, or None; behind `vmap` a line for each lane
        that failed."""
        code = np.asarray(self._code)
        if not code.ndim:
            return self._message(()) if code else None
        lanes = [tuple(map(int, lane)) for lane in np.argwhere(code)]
        lines = [
            f"at mapped index {', '.join(map(str, lane))}: {self._message(lane)}" for lane in lanes
        ]
        return "\n".join(lines) or None

    def _message(self, lane: tuple[int, ...]) -> str:
        number = int(np.asarray(self._code)[lane]) - 1
        start = sum([len(site.types) for site in self._sites[:number]])
        site = self._sites[number]
        details = self._details[start : start + len(site.types)]
        return site.note.message([np.asarray(d)[lane] for d in details])

    def throw(self) -> None:
        """Raise JaxRuntimeError with the message, if there is one. Within a traced function, have
        the checks fail there: `check_error`."""
        check_error(self)

    def __repr__(self) -> str:
        leaves = [self._code, *self._details]
        known = not any([isinstance(leaf, Tracer) for leaf in leaves])
        return f"Error({self.get()!r})" if known else f"Error({self._code!r})"


def _children(error: Error) -> tuple[tuple[Any, ...], tuple[Site, ...]]:
    return (error._code, *error._details), error._sites


register_pytree_node(
    Error, _children, lambda sites, leaves: Error(leaves[0], tuple(leaves[1:]), sites)
)

init_error = Error(np.zeros((), np.int32), (), ())
"""No error."""


@hides_internals
def check(pred: Any, msg: str, *fmt_args: Any, debug: bool = False, **fmt_kwargs: Any) -> None:
    """Require the bool `pred` to hold where the program comes here.

    `msg` is a format string for `fmt_args` and `fmt_kwargs`, pytrees of arrays. Under `checkify` a
    failure is part of its error. Without, it raises JaxRuntimeError, or nothing if `debug`. Raises
    TypeError unless `pred` is a scalar of dtype bool.

    >>> check(1 > 2, "{} is not more than {b}", 1, b=2)
    Traceback (most recent call last):
    jitad_ir.ops.check.CheckFailed: 1 is not more than 2 (`check` failed)
    """
    try:
        type = type_of_argument(pred)
    except TypeError:
        type = None
    if type is None or type.dtype.kind != "b" or type.shape:
        raise TypeError(at_user_line(f"check: expected a bool scalar that must hold; got {pred!r}"))
    leaves, tree = flatten((fmt_args, fmt_kwargs))
    leaf_types(leaves, "check: what msg is formatted with")
    _require(pred, leaves, Note("user", msg, tree, debug))


def debug_check(pred: Any, msg: str, *fmt_args: Any, **fmt_kwargs: Any) -> None:
    """`check`, which does nothing outside of `checkify`."""
    check(pred, msg, *fmt_args, debug=True, **fmt_kwargs)


def _require(holds: Any, details: Sequence[Any], note: Note) -> None:
    op, current = OPS["check"], current_trace()
    operands = [as_array_operand(x) for x in (holds, *details)]
    unseen = find_trace(operands) is None and current is not None
    if unseen and current is not None and (current.mutes or not current.concrete):
        current.record(op, operands, {"note": note})
    else:
        apply(op, *operands, note=note)


@hides_internals
def check_error(error: Error) -> None:
    """Raise JaxRuntimeError if `error` has a message; within a traced function, check that it has
    none, for a `checkify` outside to see.

    >>> check_error(init_error)
    """
    if not isinstance(error, Error):
        raise TypeError(at_user_line(f"check_error: expected an Error; got {error!r}"))
    if current_trace() is None and not any([isinstance(x, Tracer) for x in _children(error)[0]]):
        message = error.get()
        if message is not None:
            raise JaxRuntimeError(message)
        return
    rest = iter(error._details)
    for number, site in enumerate(error._sites, 1):
        details = [next(rest) for _ in site.types]
        _require(error._code != number, details, site.note)


@hides_internals
def checkify(
    f: Callable[..., Any], errors: Collection[str] = user_checks
) -> Callable[..., tuple[Error, Any]]:
    """`f` with its checks as results: a function to (error, result of `f`).

    `errors` says which checks: `user_checks` (those that `f` makes by `check`), `nan_checks`,
    `div_checks`, `index_checks`, or unions of them. The error is that of the check that failed
    first; the computation goes on behind it. Compose with `jit`, `vmap` and derivatives on either
    side. As under `jit`, Python's `if` does not see the values of arrays.

    Of functions with rules of their own, and of a `while_loop` in reverse mode, only the results
    are looked at, for nan; a `check` within the latter raises NotImplementedError.

    >>> import jitad, jitad.numpy as jnp
    >>> error, _ = checkify(jnp.log, errors=nan_checks)(-1.0)
    >>> error.get()
    'nan generated by primitive: log...
    """
    check_callable(f, "checkify")
    kinds = frozenset(errors)
    if not kinds <= all_checks:
        raise ValueError(
            at_user_line(f"checkify: expected checks among {sorted(all_checks)}; got {errors!r}")
        )

    @wraps(f)
    @hides_internals
    def checkified(*args: Any, **kwargs: Any) -> tuple[Error, Any]:
        leaves, tree = flatten((args, kwargs))

        def flat(tracers: list[Any]) -> Any:
            inner, keywords = tree.unflatten(tracers)
            return f(*inner, **keywords)

        traced = trace_function(
            flat, name_of(f), leaves, concrete=False, transform="checkify", defers=False
        )
        program = checked(traced.graph, kinds, lambda op: primitive_of(op).name)
        count = len(traced.graph.outputs)
        results = run_graph(program.graph, traced.operands)
        error = Error(results[count], tuple(results[count + 1 :]), program.sites)
        return error, traced.out_tree.unflatten(results[:count])

    return checkified
