"""`ufunc`: elementwise functions with reduce, accumulate, outer and at; gcd and lcm, by loops.

Loaded when one of its names is first used: it needs the loops of `jitad.lax`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from jitad.errors import at_user_line
from jitad.lax import fori_loop, scan, while_loop
from jitad.trace import apply
from jitad_ir import ops

from .at import At
from .creation import asarray, full
from .elementwise import UFUNCS, composed
from .joining import stack
from .mapping import vectorize
from .promotion import Operand, as_array_operand, convert, filled, no_out, strong
from .reduce import all as all_
from .reduce import any as any_
from .reduce import cumprod, cumsum, prod
from .reduce import max as max_
from .reduce import min as min_
from .reduce import sum as sum_
from .shapes import broadcast_to, expand_dims, moveaxis, ravel, reshape, transpose


class _Elementwise(type):
    """Makes `isinstance(jnp.add, jnp.ufunc)` true."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance) or instance in set(UFUNCS.values())


class ufunc(metaclass=_Elementwise):
    """An elementwise function of `nin` operands, made of a function of scalars by `frompyfunc`.

    Calling it broadcasts. Functions of two operands fold too: `reduce` and `accumulate` go along an
    axis in order, `outer` pairs every element with every other, and `at` returns a copy with
    a[indices] updated. `identity` is what a fold of nothing gives (None: an error).

    >>> import jitad.numpy as jnp
    >>> longer = jnp.frompyfunc(lambda x, y: jnp.maximum(x, y + 1), 2, 1)
    >>> longer.accumulate(jnp.array([5, 1, 9]))
    Array([ 5,  5, 10])
    """

    def __init__(
        self, func: Callable[..., Any], nin: int, nout: int, *, identity: Any = None
    ) -> None:
        self.nin, self.nout, self.nargs, self.identity = nin, nout, nin + nout, identity
        self.__name__ = getattr(func, "__name__", "ufunc")
        self.__doc__ = func.__doc__
        self._vectorized = vectorize(func)

    def __call__(self, *operands: Any) -> Any:
        if len(operands) != self.nin:
            raise TypeError(
                at_user_line(f"{self.__name__}: expected {self.nin} operands; got {len(operands)}")
            )
        results = self._vectorized(*operands)
        count = len(results) if isinstance(results, tuple) else 1
        if count != self.nout:
            raise TypeError(
                at_user_line(f"{self.__name__}: expected {self.nout} results; got {count}")
            )
        return results

    def __repr__(self) -> str:
        return f"<jnp.ufunc {self.__name__!r}>"

    def _rows(self, method: str, a: Any, axis: int, dtype: Any) -> tuple[Any, int]:
        if (self.nin, self.nout) != (2, 1):
            raise ValueError(
                at_user_line(f"{method} is for functions of two operands with one result")
            )
        x = asarray(a, dtype)
        place = normalize_axis_index(axis, x.ndim)
        return moveaxis(x, place, 0), place

    def reduce(
        self,
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        """The fold of the elements along `axis` (None: all, or a tuple of axes), in order; of those
        where `where` is true, for which it needs a number to begin with."""
        no_out(out)
        if axis is None or isinstance(axis, tuple):
            return self._reduce_axes(asarray(a, dtype), axis, keepdims, initial, where)
        rows, place = self._rows("reduce", a, axis, dtype)
        needs_start = where is not None or not rows.shape[0]
        start = self.identity if initial is None and needs_start else initial
        if where is not None:
            mask = moveaxis(broadcast_to(asarray(where, bool), np.shape(a)), place, 0)
            return self._reduce_chosen(rows, mask, start, place, keepdims)
        if start is None:
            if not rows.shape[0]:
                raise ValueError(
                    at_user_line("zero-size array to a reduction operation which has no identity")
                )
            first, rest = rows[0], rows[1:]
        else:
            first, rest = full(rows.shape[1:], start, rows.dtype), rows
        result = scan(lambda carry, row: (self._next(carry, row), None), first, rest)[0]
        return expand_dims(result, place) if keepdims else result

    def _reduce_axes(
        self, x: Any, axis: tuple[int, ...] | None, keepdims: bool, initial: Any, where: Any
    ) -> Any:
        """The fold along several axes, the last running fastest."""
        axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
        rest = [i for i in range(x.ndim) if i not in axes]
        order, shape = [*sorted(axes), *rest], [-1, *[x.shape[i] for i in rest]]
        rows = reshape(transpose(x, order), shape)
        mask = None
        if where is not None:
            mask = reshape(transpose(broadcast_to(asarray(where, bool), x.shape), order), shape)
        result = self.reduce(rows, 0, initial=initial, where=mask)
        whole = [1 if i in axes else n for i, n in enumerate(x.shape)]
        return reshape(result, whole) if keepdims else result

    def _reduce_chosen(self, rows: Any, mask: Any, start: Any, place: int, keepdims: bool) -> Any:
        if start is None:
            raise ValueError(
                at_user_line(
                    f"reduction operation '{self.__name__}' does not have an identity, so to use a "
                    "where mask one has to specify 'initial'"
                )
            )

        def step(carry: Any, row: Any) -> Any:
            x, chosen = row
            return apply(ops.select, chosen, self._next(carry, x), carry), None

        result = scan(step, full(rows.shape[1:], start, rows.dtype), (rows, mask))[0]
        return expand_dims(result, place) if keepdims else result

    def reduceat(
        self, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: None = None
    ) -> Any:
        """The folds of a[i:j] along `axis` for neighbours i, j of `indices`, which are known; of
        a[i] alone where i >= j, and of what is behind the last one."""
        no_out(out)
        rows, place = self._rows("reduceat", a, axis, dtype)
        starts = [operator.index(i) for i in indices]
        for i in starts:
            if not 0 <= i < rows.shape[0]:
                raise IndexError(
                    at_user_line(f"index {i} out-of-bounds in {self.__name__}.reduceat")
                )
        ends = [*starts[1:], rows.shape[0]]
        parts = [
            self.reduce(rows[i:j]) if i < j else rows[i] for i, j in zip(starts, ends, strict=True)
        ]
        return stack(parts, place)

    def accumulate(self, a: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """The folds of the elements up to each one along `axis`."""
        rows, place = self._rows("accumulate", a, axis, dtype)
        if not rows.shape[0]:
            return moveaxis(rows, 0, place)

        def step(carry: Any, row: Any) -> Any:
            found = self._next(carry, row)
            return found, found

        rest = scan(step, rows[0], rows[1:])[1]
        whole = apply(ops.concatenate, rows[:1], rest, axis=0)
        return moveaxis(whole, 0, place)

    def _next(self, carry: Any, row: Any) -> Any:
        return asarray(self(carry, row), carry.dtype)

    def outer(self, a: Any, b: Any, /) -> Any:
        """The function of every element of `a` with every element of `b`."""
        x, y = as_array_operand(a), as_array_operand(b)
        return self(reshape(x, x.shape + (1,) * y.ndim), y)

    def at(self, a: Any, indices: Any, b: Any = None, /, *, inplace: bool = True) -> Any:
        """A copy of `a` with a[indices] updated one after the other. Raises ValueError unless
        `inplace=False`."""
        if inplace:
            raise ValueError(
                at_user_line(
                    f"{self.__name__}.at cannot modify arrays in place: pass inplace=False and "
                    "use the result"
                )
            )
        x = strong(as_array_operand(a))
        if b is None:
            return At(x)[indices].set(self(x[indices]))
        places = asarray(np.arange(x.size).reshape(x.shape)[indices])
        values = asarray(ravel(broadcast_to(asarray(b), places.shape)))
        places = asarray(ravel(places))

        def step(i: Any, flat: Any) -> Any:
            return At(flat)[places[i]].set(self(flat[places[i]], values[i]))

        return reshape(fori_loop(0, places.shape[0], step, ravel(x)), x.shape)


_REDUCTIONS: dict[str, Callable[..., Any]] = {
    "add": sum_,
    "multiply": prod,
    "maximum": max_,
    "minimum": min_,
    "logical_and": all_,
    "logical_or": any_,
}
_RUNNING: dict[str, Callable[..., Any]] = {"add": cumsum, "multiply": cumprod}


class _Known(ufunc):
    """A function of NumPy's, which broadcasts by itself; some fold at once."""

    def __init__(self, function: Any) -> None:
        self.nin, self.nout, self.nargs = function.nin, function.nout, function.nargs
        self.identity, self.__name__ = function.identity, function.__name__
        self._vectorized = function

    def reduce(
        self,
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        """As `ufunc.reduce`."""
        fold = _REDUCTIONS.get(self.__name__)
        if fold is None:
            return super().reduce(a, axis, dtype, out, keepdims, initial, where)
        no_out(out)
        x = a if dtype is None else asarray(a, dtype)
        options: dict[str, Any] = {} if initial is None else {"initial": initial}
        if initial is not None and fold in (all_, any_):
            return super().reduce(asarray(x, bool), axis, None, None, keepdims, initial, where)
        return fold(x, axis, keepdims=keepdims, where=where, **options)

    def accumulate(self, a: Any, axis: int = 0, dtype: Any = None, out: None = None) -> Any:
        """As `ufunc.accumulate`."""
        fold = _RUNNING.get(self.__name__)
        if fold is None:
            return super().accumulate(a, axis, dtype, out)
        return fold(a, axis, dtype, out)


@lru_cache(maxsize=256)
def elementwise(function: Any) -> ufunc:
    """The `ufunc` whose methods an elementwise function of this namespace has."""
    return _Known(function)


def frompyfunc(func: Callable[..., Any], /, nin: int, nout: int, *, identity: Any = None) -> ufunc:
    """The `ufunc` of a function of `nin` scalars with `nout` results.

    >>> import jitad.numpy as jnp
    >>> jnp.frompyfunc(lambda x, y: x * y + 1, 2, 1).reduce(jnp.arange(1.0, 4.0))
    Array(10.)
    """
    return ufunc(func, nin, nout, identity=identity)


def _magnitude(x: Operand) -> Operand:
    return apply(ops.abs, x) if x.dtype.kind == "i" else x


def _gcd(x: Operand, y: Operand) -> Operand:
    """Euclid's algorithm, for all elements until the last is done."""

    def step(pair: Any) -> Any:
        a, b = pair
        done = apply(ops.eq, b, filled(b, 0))
        rest = apply(ops.rem, a, apply(ops.select, done, filled(b, 1), b))
        return apply(ops.select, done, a, b), apply(ops.select, done, b, rest)

    found, _ = while_loop(
        lambda pair: any_(apply(ops.ne, pair[1], filled(pair[1], 0))),
        step,
        (asarray(_magnitude(x)), asarray(_magnitude(y))),
    )
    return found


def _lcm(x: Operand, y: Operand) -> Operand:
    divisor = _gcd(x, y)
    none = apply(ops.eq, divisor, filled(divisor, 0))
    share = apply(ops.div, _magnitude(x), apply(ops.select, none, filled(divisor, 1), divisor))
    product = apply(ops.mul, share, _magnitude(y))
    return convert(product, x.dtype)


@composed
def gcd(x: Any, y: Any, /) -> Any:
    """Greatest common divisor of |x| and |y|, by Euclid's algorithm; gcd(0, 0) = 0.

    The operands broadcast; integers, in the dtype at which theirs meet. Raises TypeError for other
    dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.gcd(jnp.array([12, 18]), 8)
    Array([4, 2])
    """
    return _gcd(x, y)


@composed
def lcm(x: Any, y: Any, /) -> Any:
    """Least common multiple of |x| and |y|; 0 if one of them is 0.

    The operands broadcast; integers, in the dtype at which theirs meet, which may wrap. Raises
    TypeError for other dtypes.

    >>> import jitad.numpy as jnp
    >>> jnp.lcm(jnp.array([4, 0]), 6)
    Array([12,  0])
    """
    return _lcm(x, y)
