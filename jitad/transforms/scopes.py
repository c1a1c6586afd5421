"""named_scope, named_call: names of parts of programs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from functools import wraps
from typing import Any

from ..errors import SCOPES
from .function import check_callable, name_of


class named_scope(ContextDecorator):  # noqa: N801  (a context manager, named like a function)
    """Within this context, or in functions that it decorates, equations are traced under `name`:
    it stands before the function's in error messages and with the sources of equations. Scopes
    nest: "outer/inner/f".

    >>> import jitad, jitad.numpy as jnp
    >>> def f(x):
    ...     with jitad.named_scope("layer"):
    ...         return jnp.sin(x)
    >>> jitad.make_ir(f)(1.0).equations[0].source.function
    'layer/f'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"named_scope: expected a str; got {type(name).__name__}")
        self.name = name

    def __enter__(self) -> None:
        SCOPES.names = (*SCOPES.names, self.name)

    def __exit__(self, *error: object) -> None:
        SCOPES.names = SCOPES.names[:-1]


def named_call(fun: Callable[..., Any], *, name: str | None = None) -> Callable[..., Any]:
    """`fun`, traced in a `named_scope` of its name, or of `name`.

    >>> import jitad
    >>> double = jitad.named_call(lambda x: 2 * x, name="double")
    >>> double(3.0)
    6.0
    """
    check_callable(fun, "named_call")
    scope = name_of(fun) if name is None else name

    @wraps(fun)
    def named(*args: Any, **kwargs: Any) -> Any:
        with named_scope(scope):
            return fun(*args, **kwargs)

    return named
