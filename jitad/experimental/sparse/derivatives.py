"""Derivatives in sparse arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ...errors import hides_internals
from ...transforms.derivatives import value_and_grad as dense_value_and_grad
from .bcoo import BCOO


def value_and_grad(
    fun: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """As `jitad.value_and_grad`; the gradient in a sparse argument is that in its data, a sparse
    array with the same indices."""
    positions = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @wraps(fun)
    @hides_internals
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        places = [n % len(args) for n in positions]

        def of_data(*data: Any) -> Any:
            full = list(args)
            for place, new in zip(places, data, strict=True):
                full[place] = args[place].with_data(new) if isinstance(args[place], BCOO) else new
            return fun(*full, **kwargs)

        given = [args[p].data if isinstance(args[p], BCOO) else args[p] for p in places]
        value, slopes = dense_value_and_grad(of_data, range(len(places)), has_aux)(*given)
        found = [
            args[p].with_data(slope) if isinstance(args[p], BCOO) else slope
            for p, slope in zip(places, slopes, strict=True)
        ]
        return value, found[0] if isinstance(argnums, int) else tuple(found)

    return differentiated


def grad(
    fun: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """As `jitad.grad`; see `value_and_grad`."""
    both = value_and_grad(fun, argnums, has_aux)

    @wraps(fun)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient
