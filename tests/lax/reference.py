"""Functions of `jax.lax` in NumPy, by their names: what tests over shapes and dtypes expect.

Each takes operands of one dtype, of a kind that the function accepts (TypeError for others), and
gives results of that dtype, unless said otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import scipy.special

Function = Callable[..., Any]
lax = SimpleNamespace()


def _accepting(name: str, kinds: str, function: Function) -> Function:
    def checked(*operands: Any, **options: Any) -> Any:
        arrays = [np.asarray(x) for x in operands]
        dtype = arrays[0].dtype
        if dtype.kind not in kinds or any([x.dtype != dtype for x in arrays]):
            raise TypeError(name)
        shapes = [x.shape for x in arrays if x.ndim]
        if len({len(shape) for shape in shapes}) > 1:
            raise TypeError(name)
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            raise TypeError(name) from None
        return function(*arrays, **options)

    return checked


def _add(kinds: str, functions: dict[str, Function], *, as_operand: bool = True) -> None:
    """Functions of elements; results of operands' dtypes if `as_operand`."""

    def in_dtype(function: Function) -> Function:
        def typed(*xs: Any, **options: Any) -> Any:
            found = np.asarray(function(*xs, **options))
            dtype = xs[0].dtype if as_operand else found.dtype
            return found.astype(dtype)

        return typed

    for name, function in functions.items():
        setattr(lax, name, _accepting(name, kinds, in_dtype(function)))


def _named(names: str, space: Any = np) -> dict[str, Function]:
    return {name: getattr(space, name) for name in names.split()}


_add("fc", _named("acos acosh asin asinh atan atanh cos cosh exp exp2 expm1 log log1p"))
_add("fc", _named("reciprocal sin sinh sqrt tan tanh"))
_add("fc", {"logistic": lambda x: 1 / (1 + np.exp(-x)), "rsqrt": lambda x: 1 / np.sqrt(x)})
_add("f", _named("cbrt ceil floor") | {"erf_inv": scipy.special.erfinv})
_add("f", _named("digamma erf erfc", scipy.special) | {"lgamma": scipy.special.gammaln})
_add("f", {"bessel_i0e": scipy.special.i0e, "bessel_i1e": scipy.special.i1e})
_add("f", {"round": lambda x: np.trunc(x + np.copysign(0.5, x))})
_add("f", {"is_finite": np.isfinite}, as_operand=False)
_add("iufc", {"neg": np.negative, "sign": np.sign, "square": np.square})
_add("ifc", {"abs": np.abs}, as_operand=False)
_add(
    "fc",
    {"conj": lambda x: np.conj(x) if x.dtype.kind == "c" else _complex(x, -0 * x)},
    as_operand=False,
)
_add("c", {"real": np.real, "imag": np.imag}, as_operand=False)
_add("biu", {"bitwise_not": np.invert})
_add("iu", {"population_count": lambda x: np.bitwise_count(_unsigned(x))})
_add("iu", {"clz": lambda x: 8 * x.itemsize - np.vectorize(_bits, otypes=[int])(_unsigned(x))})
_add("iufc", _named("add subtract multiply"))
lax.sub, lax.mul = lax.subtract, lax.multiply
_add("fc", {"div": np.divide})
_add("f", {"rem": np.fmod, "nextafter": np.nextafter})
_add("fc", {"atan2": lambda y, x: _angle(x, y) if x.dtype.kind == "c" else np.arctan2(y, x)})
_add("biufc", {"max": np.maximum, "min": np.minimum})
_add("biufc", {"eq": np.equal, "ne": np.not_equal}, as_operand=False)
_add("biuf", {"lt": np.less, "le": np.less_equal}, as_operand=False)
_add("biuf", {"gt": np.greater, "ge": np.greater_equal}, as_operand=False)
_add("biu", _named("bitwise_and bitwise_or bitwise_xor"))
_add("iu", {"shift_left": np.left_shift, "shift_right_arithmetic": np.right_shift})
_add("f", {"igamma": scipy.special.gammainc, "igammac": scipy.special.gammaincc})
_add("f", {"zeta": lambda x, q: scipy.special.zeta(x, q)})
_add("f", {"betainc": scipy.special.betainc})


def _angle(x: Any, y: Any) -> Any:
    return -1j * np.log((x + 1j * y) / np.sqrt(x * x + y * y))


def _complex(x: Any, y: Any) -> Any:
    if x.dtype.kind != "f" or x.dtype == "f2":
        raise TypeError("complex")
    return (x + 1j * y).astype(f"c{2 * x.itemsize}")


_add("f", {"complex": _complex}, as_operand=False)


def _unsigned(x: Any) -> Any:
    return x.astype(f"u{x.itemsize}")


def _bits(x: int) -> int:
    return int(x).bit_length()


def integer_pow(x: Any, y: int) -> Any:
    if np.asarray(x).dtype.kind in "iu" and y < 0:
        raise TypeError("integer_pow")
    return lax.square(x) if y == 2 else np.power(lax.neg(lax.neg(x)), x.dtype.type(y))


def clamp(low: Any, x: Any, high: Any) -> Any:
    return lax.min(lax.max(x, low), high)


def select(which: Any, x: Any, y: Any) -> Any:
    if np.shape(x) != np.shape(y) or x.dtype != y.dtype or which.shape not in ((), x.shape):
        raise TypeError("select")
    return np.where(which, x, y)


# Arrays as wholes.


def _fold(name: str, kinds: str, ufunc: Any, running: str = "") -> None:
    def start(dtype: Any) -> Any:
        if ufunc not in (np.maximum, np.minimum):
            return np.array(ufunc.identity).astype(dtype)[()]
        sign = -1 if ufunc is np.maximum else 1
        if dtype.kind == "f":
            return sign * np.inf
        if dtype.kind == "c":
            return complex(sign * np.inf, sign * np.inf)
        if dtype.kind == "b":
            return sign > 0
        return np.iinfo(dtype).max if sign > 0 else np.iinfo(dtype).min

    def over(x: Any, axes: Sequence[int]) -> Any:
        if x.dtype.kind not in kinds:
            raise TypeError(name)
        kept = [n for i, n in enumerate(x.shape) if i not in axes]
        rows = np.moveaxis(x, axes, range(len(axes))).reshape(-1 if x.size else 0, math.prod(kept))
        return ufunc.reduce(rows, 0, dtype=x.dtype, initial=start(x.dtype)).reshape(kept)

    def along(x: Any, axis: int = 0, reverse: bool = False) -> Any:
        if x.dtype.kind not in kinds:
            raise TypeError(running)
        turned = np.flip(x, axis) if reverse else x
        found = ufunc.accumulate(turned, axis, dtype=x.dtype)
        return np.flip(found, axis) if reverse else found

    setattr(lax, name, over)
    if running:
        setattr(lax, running, along)


_fold("reduce_sum", "iufc", np.add, "cumsum")
_fold("reduce_prod", "iufc", np.multiply, "cumprod")
_fold("reduce_max", "biufc", np.maximum, "cummax")
_fold("reduce_min", "biufc", np.minimum, "cummin")
_fold("reduce_and", "biu", np.bitwise_and)
_fold("reduce_or", "biu", np.bitwise_or)
_fold("reduce_xor", "biu", np.bitwise_xor)


def cumlogsumexp(x: Any, axis: int = 0, reverse: bool = False) -> Any:
    if x.dtype.kind != "f":
        raise TypeError("cumlogsumexp")
    return np.log(lax.cumsum(np.exp(x), axis, reverse))


def convert_element_type(x: Any, dtype: Any) -> Any:
    if np.dtype(dtype).kind in "biu" and x.dtype.kind == "c":
        x = x.real
    return x.astype(dtype)


def pad(x: Any, value: Any, config: Sequence[tuple[int, int, int]]) -> Any:
    for axis, (low, high, interior) in enumerate(config):
        n = x.shape[axis]
        length = n + max(n - 1, 0) * interior
        wide = np.full((*x.shape[:axis], length, *x.shape[axis + 1 :]), value, x.dtype)
        wide[(slice(None),) * axis + (slice(None, None, interior + 1),)] = x
        widths = [(0, 0)] * axis + [(max(low, 0), max(high, 0))] + [(0, 0)] * (x.ndim - axis - 1)
        wide = np.pad(wide, widths, constant_values=value)
        stop = wide.shape[axis] - max(-high, 0)
        x = wide[(slice(None),) * axis + (slice(max(-low, 0), stop),)]
    return x


def _window(x: Any, starts: Sequence[Any], sizes: Sequence[int]) -> tuple[slice, ...]:
    if any([size > n for size, n in zip(sizes, x.shape, strict=True)]):
        raise TypeError("dynamic_slice")
    first = [
        min(max(int(i) + n * (i < 0), 0), n - size)
        for i, n, size in zip(starts, x.shape, sizes, strict=True)
    ]
    return tuple([slice(i, i + size) for i, size in zip(first, sizes, strict=True)])


def dynamic_slice(x: Any, starts: Sequence[Any], sizes: Sequence[int]) -> Any:
    return x[_window(x, starts, sizes)]


def dynamic_update_slice(x: Any, update: Any, starts: Sequence[Any]) -> Any:
    found = np.array(x)
    found[_window(found, starts, update.shape)] = update
    return found


def broadcast_in_dim(x: Any, shape: Sequence[int], dims: Sequence[int]) -> Any:
    lengths = [1] * len(shape)
    for axis, n in zip(dims, x.shape, strict=True):
        lengths[axis] = n
    return np.broadcast_to(x.reshape(lengths), shape)


def concatenate(arrays: Sequence[Any], axis: int) -> Any:
    if not arrays[0].ndim:
        raise TypeError("concatenate")
    return np.concatenate(arrays, axis)


def slice_(x: Any, start: Any, limit: Any, strides: Any) -> Any:
    return x[tuple([slice(*part) for part in zip(start, limit, strides, strict=True)])]


def sort(x: Any, dimension: int = -1) -> Any:
    return np.sort(x, dimension)


def sort_key_val(keys: Any, values: Any) -> Any:
    order = np.argsort(keys, -1, stable=True)
    return np.take_along_axis(keys, order, -1), np.take_along_axis(values, order, -1)


def top_k(x: Any, k: int) -> Any:
    if x.dtype.kind == "c" or k > x.shape[-1]:
        raise TypeError("top_k")
    order = x.shape[-1] - 1 - np.argsort(x[..., ::-1], -1, stable=True)[..., ::-1][..., :k]
    return np.take_along_axis(x, order, -1), order


def argmax(x: Any, axis: int, dtype: Any) -> Any:
    if x.dtype.kind == "c":
        raise TypeError("argmax")
    return np.argmax(x, axis).astype(dtype)


def argmin(x: Any, axis: int, dtype: Any) -> Any:
    if x.dtype.kind == "c":
        raise TypeError("argmin")
    return np.argmin(x, axis).astype(dtype)


def dot_general(x: Any, y: Any, numbers: Any) -> Any:
    (of_x, of_y), (batch_x, batch_y) = numbers
    places_x, places_y = list(range(x.ndim)), list(range(100, 100 + y.ndim))
    for i, j in (*zip(of_x, of_y, strict=True), *zip(batch_x, batch_y, strict=True)):
        places_y[j] = places_x[i]
    free_x = [i for i in range(x.ndim) if i not in (*of_x, *batch_x)]
    free_y = [places_y[j] for j in range(y.ndim) if j not in (*of_y, *batch_y)]
    names = {place: i for i, place in enumerate(dict.fromkeys([*places_x, *places_y]))}
    out = [names[p] for p in (*batch_x, *free_x, *free_y)]
    return np.einsum(x, [names[p] for p in places_x], y, [names[p] for p in places_y], out)


for _function in (integer_pow, clamp, select, cumlogsumexp, convert_element_type, pad, sort, top_k):
    setattr(lax, _function.__name__, _function)
for _function in (dynamic_slice, dynamic_update_slice, broadcast_in_dim, sort_key_val, dot_general):
    setattr(lax, _function.__name__, _function)
lax.argmax, lax.argmin, lax.slice, lax.concatenate = argmax, argmin, slice_, concatenate
lax.full_like = lambda x, value: np.full_like(x, value)
lax.broadcast = lambda x, sizes: np.broadcast_to(x, (*sizes, *x.shape))
lax.reshape = lambda x, shape: np.reshape(x, shape)
lax.expand_dims = np.expand_dims
lax.squeeze = np.squeeze
lax.transpose = np.transpose
lax.rev = lambda x, axes: np.flip(x, axes)
lax.tile = np.tile
lax.stack = np.stack
lax.unstack = lambda x, axis: np.unstack(x, axis=axis)
lax.batch_matmul = np.matmul
