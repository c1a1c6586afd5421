"""`ufunc`: elementwise functions with reduce, accumulate, outer and at; gcd and lcm, by loops.

Loaded when one of its names is first used: it needs the loops of `jitad.lax`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad.errors import at_user_line
from jitad.lax import fori_loop, scan, while_loop
from jitad.trace import apply
from jitad_ir import ops

from .at import At
from .creation import asarray, full
from .elementwise import UFUNCS, composed
from .mapping import vectorize
from .promotion import Operand, as_array_operand, convert, filled, strong
from .reduce import any as any_
from .shapes import broadcast_to, expand_dims, moveaxis, ravel, reshape


class _Elementwise(type):
    """Makes `isinstance(jnp.add, jnp.ufunc)` true."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type.__instancecheck__(cls, instance) or instance in set(UFUNCS.values())


class ufunc(metaclass=_Elementwise):
    """An elementwise function of `nin` operands, made of a function of scalars by `frompyfunc`.

    Calling it broadcasts. Functions of two operands fold too: `reduce` and `accumulate` go along
    an axis in order, `outer` pairs every element with every other, and `at` returns a copy with
    a[indices] updated. `identity` is what a fold of nothing gives (None: an error).
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

    def _rows(self, method: str, a: Any, axis: int, dtype: Any) -> tuple[Operand, int]:
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
        axis: int | None = 0,
        dtype: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
    ) -> Any:
        """The fold of the elements along `axis` (None: all), in order."""
        if axis is None:
            x = asarray(a, dtype)
            result = self.reduce(ravel(x), 0, initial=initial)
            return reshape(result, (1,) * x.ndim) if keepdims else result
        rows, place = self._rows("reduce", a, axis, dtype)
        start = self.identity if initial is None and not rows.shape[0] else initial
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


gcd = composed("gcd", _gcd, "Greatest common divisor of |x| and |y|.")
lcm = composed("lcm", _lcm, "Least common multiple of |x| and |y|; 0 if one of them is 0.")
