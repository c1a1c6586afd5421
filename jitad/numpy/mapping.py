"""Functions of parts of arrays, over all parts at once."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.array import as_given
from jitad.errors import at_user_line
from jitad.transforms.batching import vmap

from .creation import asarray, zeros_like
from .logic import logical_not, logical_or
from .promotion import as_array_operand, broadcast_shape, convert, strong
from .selection import where
from .shapes import broadcast_to, expand_dims, moveaxis, reshape

_DIMENSIONS = re.compile(r"\(\s*(?:\w+(?:\s*,\s*\w+)*)?\s*\)")

CoreDimensions = tuple[str, ...]


def vectorize(
    pyfunc: Callable[..., Any] | None = None,
    otypes: Any = None,
    doc: str | None = None,
    excluded: Any = None,
    cache: bool = False,
    signature: str | None = None,
) -> Any:
    """`pyfunc`, a function of scalars, over arrays that broadcast.

    With a `signature` such as "(m,n),(n)->(m)" it is a function of arrays with these trailing
    axes, and the axes before them broadcast. `excluded` has positions and names of arguments that
    are passed as they are. Results get the dtypes that `pyfunc` gives, or those of `otypes`.
    `pyfunc` is traced once; `cache` is accepted for NumPy's sake.

    Raises ValueError where arguments do not fit the signature or do not broadcast.

    >>> import jitad.numpy as jnp
    >>> jnp.vectorize(jnp.vdot, signature="(n),(n)->()")(jnp.ones((2, 3)), jnp.arange(3.0))
    Array([3., 3.])
    """
    if pyfunc is None:
        return partial(
            vectorize, otypes=otypes, doc=doc, excluded=excluded, cache=cache, signature=signature
        )
    kept = frozenset(excluded or ())
    inputs, outputs = (None, None) if signature is None else _parsed(signature)

    @wraps(pyfunc)
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        mapped = [i for i in range(len(args)) if i not in kept]
        names = [name for name in kwargs if name not in kept]
        values = [strong(as_array_operand(args[i])) for i in mapped]
        values += [strong(as_array_operand(kwargs[name])) for name in names]

        def inner(*parts: Any) -> Any:
            places = dict(zip(mapped, parts, strict=False))
            full = [places.get(i, argument) for i, argument in enumerate(args)]
            found = dict(zip(names, parts[len(mapped) :], strict=True))
            return _typed(pyfunc(*full, **{**kwargs, **found}), otypes)

        core = [()] * len(values) if inputs is None else inputs
        if len(core) != len(values):
            raise ValueError(
                at_user_line(
                    f"vectorize: signature {signature} has {len(core)} arguments; got {len(values)}"
                )
            )
        return _over_loop_axes(inner, values, core, outputs)

    if doc is not None:
        vectorized.__doc__ = doc
    return vectorized


def _parsed(signature: str) -> tuple[list[CoreDimensions], list[CoreDimensions]]:
    sides = signature.split("->")
    group = rf"{_DIMENSIONS.pattern}(?:\s*,\s*{_DIMENSIONS.pattern})*"
    if len(sides) != 2 or not all([re.fullmatch(rf"\s*(?:{group})?\s*", side) for side in sides]):
        raise ValueError(at_user_line(f"not a valid gufunc signature: {signature}"))
    before, after = (
        [tuple(re.findall(r"\w+", part)) for part in _DIMENSIONS.findall(side)] for side in sides
    )
    return before, after


def _typed(results: Any, otypes: Any) -> Any:
    if otypes is None:
        return results
    types = [np.dtype(t) for t in otypes]
    if isinstance(results, tuple):
        return tuple([asarray(r, t) for r, t in zip(results, types, strict=True)])
    return asarray(results, types[0])


def _over_loop_axes(
    function: Callable[..., Any],
    values: Sequence[Any],
    core: Sequence[CoreDimensions],
    outputs: Sequence[CoreDimensions] | None,
) -> Any:
    """`function` of parts with the core axes, for each index of the axes before them."""
    lengths: dict[str, int] = {}
    loops = []
    for x, names in zip(values, core, strict=True):
        first = x.ndim - len(names)
        if first < 0:
            raise ValueError(
                at_user_line(
                    f"vectorize: expected an argument with the axes {names}; got shape {x.shape}"
                )
            )
        loops.append(x.shape[:first])
        for name, n in zip(names, x.shape[first:], strict=True):
            if lengths.setdefault(name, n) != n:
                raise ValueError(
                    at_user_line(
                        f"inconsistent size for core dimension {name!r}: {n} vs {lengths[name]}"
                    )
                )
    shape = broadcast_shape(loops)

    def checked(*parts: Any) -> Any:
        results = function(*parts)
        _check_results(results, outputs, lengths)
        return results

    if not shape:
        return checked(*values)
    size = math.prod(shape)
    flat, axes = [], []
    for x, loop in zip(values, loops, strict=True):
        rest = x.shape[len(loop) :]
        alike = math.prod(loop) == 1
        axes.append(None if alike else 0)
        whole = x if alike else broadcast_to(x, (*shape, *rest))
        flat.append(reshape(whole, rest if alike else (size, *rest)))
    results = vmap(checked, tuple(axes), axis_size=size)(*flat)
    if isinstance(results, tuple):
        return tuple([reshape(r, (*shape, *r.shape[1:])) for r in results])
    return reshape(results, (*shape, *results.shape[1:]))


def _check_results(
    results: Any, outputs: Sequence[CoreDimensions] | None, lengths: dict[str, int]
) -> None:
    if outputs is None:
        return
    found = results if isinstance(results, tuple) else (results,)
    if len(found) != len(outputs):
        raise ValueError(
            at_user_line(f"wrong number of outputs: expected {len(outputs)}, got {len(found)}")
        )
    known = dict(lengths)
    for result, names in zip(found, outputs, strict=True):
        shape = np.shape(result)
        if len(shape) != len(names) or any(
            [known.setdefault(name, n) != n for name, n in zip(names, shape, strict=True)]
        ):
            raise ValueError(
                at_user_line(
                    f"vectorize: expected a result with the axes {names} of lengths {known}; got "
                    f"shape {shape}"
                )
            )


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """`func1d(vector, *args, **kwargs)` of each vector along `axis`.

    The axes of its result take the place of `axis`. The function is traced once, for all vectors.
    Raises AxisError for an axis that `arr` does not have.

    >>> import jitad.numpy as jnp
    >>> jnp.apply_along_axis(lambda v: v / v.sum(), 1, jnp.array([[1.0, 3.0], [2.0, 2.0]]))
    Array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    x = strong(as_array_operand(arr))
    place = normalize_axis_index(axis, x.ndim)
    rows = moveaxis(x, place, -1)
    *others, n = rows.shape
    size = math.prod(others)
    results = vmap(lambda row: func1d(row, *args, **kwargs), axis_size=size)(
        reshape(rows, (size, n))
    )
    results = asarray(results)
    inner = results.ndim - 1
    whole = reshape(results, (*others, *results.shape[1:]))
    first = len(others)
    return moveaxis(whole, range(first, first + inner), range(place, place + inner))


def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """`func(a, axis)` for one axis of `axes` after the other; what it removes stays, of length 1.

    Raises ValueError if a result has another number of axes.

    >>> import jitad.numpy as jnp
    >>> jnp.apply_over_axes(jnp.sum, jnp.ones((2, 3)), (0, 1))
    Array([[6.]])
    """
    x = strong(as_array_operand(a))
    for axis in np.atleast_1d(np.asarray(axes)).tolist():
        place = normalize_axis_index(axis, x.ndim)
        result = func(x, place)
        if result.ndim != x.ndim:
            result = expand_dims(result, place)
            if result.ndim != x.ndim:
                raise ValueError(
                    at_user_line("function is not returning an array of the correct shape")
                )
        x = result
    return x


def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """Where condition i holds, `funclist[i]`: a function of x, args and kw, or a number.

    The last condition that holds counts. One function more than conditions is for the rest (default
    0). Every function is computed everywhere: what is not chosen has no influence on derivatives.
    In the shape and dtype of `x`. Raises ValueError for another number of functions.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([-2.0, 3.0])
    >>> jnp.piecewise(x, [x < 0], [lambda x: -x, lambda x: 10 * x])
    Array([ 2., 30.])
    """
    values = as_given(strong(as_array_operand(x)))
    given = condlist if isinstance(condlist, (list, tuple)) else [condlist]
    if not len(given) or (not np.ndim(given[0]) and values.ndim):
        given = [given]
    conditions = [convert(as_array_operand(c), np.dtype("bool")) for c in given]
    functions = list(funclist)
    if len(functions) == len(conditions) + 1:
        conditions.append(logical_not(_any_of(conditions)))
    if len(functions) != len(conditions):
        raise ValueError(
            at_user_line(
                f"with {len(conditions)} condition(s), either {len(conditions)} or "
                f"{len(conditions) + 1} functions are expected"
            )
        )
    result = zeros_like(values)
    for condition, function in zip(conditions, functions, strict=True):
        found = function(values, *args, **kw) if callable(function) else function
        result = where(condition, asarray(found, values.dtype), result)
    return result


def _any_of(conditions: Sequence[Any]) -> Any:
    found = conditions[0]
    for condition in conditions[1:]:
        found = logical_or(found, condition)
    return found
