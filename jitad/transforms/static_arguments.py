"""Which arguments of a jitted function are static: Python values that a program is made for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..errors import at_user_line
from .function import name_of


def static_arguments(
    fun: Callable[..., Any],
    argnums: int | Sequence[int] | None,
    argnames: str | Sequence[str] | None,
) -> tuple[frozenset[int], frozenset[str]]:
    """Positions and names of the static arguments: each given one brings the other along."""
    numbers = {argnums} if isinstance(argnums, int) else set(argnums or ())
    names = {argnames} if isinstance(argnames, str) else set(argnames or ())
    if not numbers and not names:
        return frozenset(), frozenset()
    try:
        parameters = list(inspect.signature(fun).parameters.values())
    except (TypeError, ValueError):
        return frozenset(numbers), frozenset(names)
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    keywords = {p.name for p in parameters} if not _takes_any_name(parameters) else None
    for number in numbers:
        if not variadic and not -len(positional) <= number < len(positional):
            raise ValueError(
                at_user_line(
                    f"jit: static_argnums names argument {number}; {name_of(fun)} takes "
                    f"{len(positional)} positional arguments"
                )
            )
    numbers = {n % len(positional) if n < 0 and positional else n for n in numbers}
    for name in names:
        if keywords is not None and name not in keywords:
            raise ValueError(
                at_user_line(
                    f"jit: static_argnames names {name!r}, not a parameter of {name_of(fun)}"
                )
            )
    names |= {positional[n] for n in numbers if n < len(positional)}
    numbers |= {i for i, name in enumerate(positional) if name in names}
    return frozenset(numbers), frozenset(names)


def _takes_any_name(parameters: Iterable[inspect.Parameter]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in parameters)
