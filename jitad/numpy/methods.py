"""What makes a tracer behave as a NumPy array: operators, methods, properties, and NumPy's own
functions applied to it (`__array_ufunc__`, `__array_function__`). Installed on import."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from jitad.array import Array, as_array
from jitad.avals import typeof
from jitad.errors import at_user_line
from jitad.trace import Tracer

from . import (
    arithmetic,
    array_names,
    bits,
    creation,
    exponential,
    finding,
    indexing,
    logic,
    matrices,
    picking,
    products,
    reduce,
    rounding,
    selection,
    shapes,
    sorting,
    statistics,
)
from .at import At
from .elementwise import UFUNCS
from .namespace import API_VERSION
from .promotion import is_operand
from .traced import traced_namespace

_NUMBERS = frozenset({bool, int, float, complex})


def _binary(function: Callable[..., Any], reflected: bool = False) -> Callable[..., Any]:
    """The operator of `function`. Of a weak tracer with a weak one or a Python number the result
    is weak too, as arithmetic on Python numbers gives Python numbers."""

    def operator(self: Tracer, other: Any) -> Any:
        cls = type(other)
        if cls is Tracer or cls in _NUMBERS:
            result = function(other, self) if reflected else function(self, other)
            if self.weak and (cls is not Tracer or other.weak):
                _weaken(result)
            return result
        if not is_operand(other):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    return operator


def _unary(function: Callable[..., Any]) -> Callable[..., Any]:
    def operator(self: Tracer) -> Any:
        result = function(self)
        if self.weak:
            _weaken(result)
        return result

    return operator


def _weaken(result: Any) -> None:
    for item in result if isinstance(result, tuple) else (result,):
        if type(item) is Tracer:
            item.weak = True


_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": arithmetic.add,
    "sub": arithmetic.subtract,
    "mul": arithmetic.multiply,
    "truediv": arithmetic.divide,
    "floordiv": arithmetic.floor_divide,
    "mod": arithmetic.remainder,
    "divmod": arithmetic.divmod,
    "pow": exponential.power,
    "matmul": products.matmul,
    "and": bits.bitwise_and,
    "or": bits.bitwise_or,
    "xor": bits.bitwise_xor,
    "lshift": bits.left_shift,
    "rshift": bits.right_shift,
}
_COMPARISONS: dict[str, Callable[..., Any]] = {
    "eq": logic.equal,
    "ne": logic.not_equal,
    "lt": logic.less,
    "le": logic.less_equal,
    "gt": logic.greater,
    "ge": logic.greater_equal,
}
_UNARY: dict[str, Callable[..., Any]] = {
    "neg": arithmetic.negative,
    "pos": arithmetic.positive,
    "abs": arithmetic.absolute,
    "invert": bits.invert,
}

_METHODS: dict[str, Callable[..., Any]] = {
    "all": reduce.all,
    "any": reduce.any,
    "argmax": reduce.argmax,
    "argmin": reduce.argmin,
    "argsort": sorting.argsort,
    "astype": arithmetic.astype,
    "choose": selection.choose,
    "clip": selection.clip,
    "compress": lambda self, condition, axis=None, **options: finding.compress(
        condition, self, axis, **options
    ),
    "conj": arithmetic.conjugate,
    "conjugate": arithmetic.conjugate,
    "copy": creation.copy,
    "cumprod": reduce.cumprod,
    "cumsum": reduce.cumsum,
    "diagonal": matrices.diagonal,
    "dot": products.dot,
    "flatten": shapes.ravel,
    "max": reduce.max,
    "mean": statistics.mean,
    "min": reduce.min,
    "nonzero": finding.nonzero,
    "prod": reduce.prod,
    "ptp": reduce.ptp,
    "ravel": shapes.ravel,
    "repeat": picking.repeat,
    "round": rounding.round,
    "searchsorted": sorting.searchsorted,
    "sort": sorting.sort,
    "squeeze": shapes.squeeze,
    "std": statistics.std,
    "sum": reduce.sum,
    "swapaxes": shapes.swapaxes,
    "take": picking.take,
    "trace": reduce.trace,
    "var": statistics.var,
}


def _reshape(self: Tracer, *lengths: Any, order: str = "C", copy: bool | None = None) -> Any:
    """`x.reshape(2, 3)` or `x.reshape((2, 3))`; see `jitad.numpy.reshape`."""
    return shapes.reshape(self, lengths[0] if len(lengths) == 1 else lengths, order)


def _transpose(self: Tracer, *axes: Any) -> Any:
    """`x.transpose()`, `x.transpose(1, 0)` or `x.transpose((1, 0))`."""
    if not axes or axes == (None,):
        return shapes.transpose(self)
    return shapes.transpose(self, axes[0] if isinstance(axes[0], (tuple, list)) else axes)


def _view(self: Tracer, dtype: Any = None) -> Any:
    """The bits of the elements read as another dtype; those of other sizes lie along the last axis,
    whose length changes. Raises ValueError where it does not fit, TypeError for bools and complex
    numbers."""
    if dtype is None:
        return self
    bits = importlib.import_module("jitad.lax").bitcast_convert_type
    size, new = self.dtype.itemsize, np.dtype(dtype).itemsize
    if size == new:
        return bits(self, dtype)
    if not self.ndim or (self.shape[-1] * size) % new:
        raise ValueError(
            at_user_line(
                f"view: expected a last axis whose bytes are whole elements of {np.dtype(dtype)}; "
                f"got {self.type!r}"
            )
        )
    if size > new:
        return shapes.reshape(bits(self, dtype), (*self.shape[:-1], -1))
    return bits(shapes.reshape(self, (*self.shape[:-1], -1, new // size)), dtype)


_OWNERS_OF_WHAT_THEY_WRITE = ("array_api_extra._lib._at",)
"""Ends of the names of modules whose assignments go to arrays that nobody else sees."""


def _set_item(self: Any, index: Any, value: Any) -> None:
    if sys._getframe(1).f_globals.get("__name__", "").endswith(_OWNERS_OF_WHAT_THEY_WRITE):
        # `xpx.at(x)[index].set(value)`, with which SciPy's functions update their own results on
        # array libraries that it does not know: the tracer goes on as the updated array.
        updated = At(self)[index].set(value)
        self.value, self.concrete = updated.value, updated.concrete
        return
    raise TypeError(
        at_user_line(
            f"a traced array {self.type!r} cannot be assigned to in place. Write x = "
            "x.at[index].set(value) for x[index] = value, x = x.at[index].add(value) for "
            "x[index] += value"
        )
    )


def _get_item(self: Tracer, index: Any) -> Any:
    return indexing.get_item(self, index)


def _power(self: Tracer, exponent: Any, modulus: Any = None) -> Any:
    if modulus is not None:
        return NotImplemented
    return _plain_power(self, exponent)


_plain_power = _binary(exponential.power)

_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "T": shapes.transpose,
    "at": At,
    "aval": typeof,
    "device": lambda self: "cpu",
    "imag": arithmetic.imag,
    "itemsize": lambda self: self.dtype.itemsize,
    "mT": shapes.matrix_transpose,
    "nbytes": lambda self: self.type.nbytes,
    "real": arithmetic.real,
    "sharding": lambda self: typeof(self).sharding,
    "weak_type": lambda self: self.weak,
}


# NumPy's functions on tracers (NEP 13 and NEP 18).

_REDUCTIONS: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduce.sum,
    np.multiply: reduce.prod,
    np.maximum: reduce.max,
    np.minimum: reduce.min,
    np.logical_and: reduce.all,
    np.logical_or: reduce.any,
}
_RUNNING: dict[np.ufunc, Callable[..., Any]] = {
    np.add: reduce.cumsum,
    np.multiply: reduce.cumprod,
}
for _ufunc, _function in (
    (np.matmul, products.matmul),
    (np.vecdot, products.vecdot),
):
    UFUNCS[_ufunc] = _function
for _name in ("matvec", "vecmat"):
    if hasattr(np, _name):  # new in NumPy 2.2
        UFUNCS[getattr(np, _name)] = getattr(products, _name)

_LATE = {np.gcd: "gcd", np.lcm: "lcm"}
"""Ufuncs whose functions are made of loops, which load when first used."""

FUNCTIONS: dict[Callable[..., Any], Callable[..., Any]] = {}
"""NumPy's functions (not ufuncs) that jitad has, with its own; filled by `jitad.numpy`."""


def register(namespace: dict[str, Any], numpy_module: Any) -> None:
    """Make every function of `namespace` answer for its namesake in `numpy_module`."""
    for name, function in namespace.items():
        original = getattr(numpy_module, name, None)
        if callable(function) and callable(original) and not isinstance(original, (np.ufunc, type)):
            FUNCTIONS.setdefault(original, function)


def _array_ufunc(self: Tracer, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`np.sin(tracer)` and its relatives."""
    if kwargs.get("out") is not None:
        raise TypeError(
            at_user_line(
                f"np.{ufunc.__name__} cannot write a traced array into an existing one (out=, or "
                "an operator such as +=). Write x = x + y, or x = x.at[index].add(y)"
            )
        )
    found: Callable[..., Any] | None
    if method == "__call__":
        found = UFUNCS.get(ufunc)
        if found is None and ufunc in _LATE:
            found = getattr(importlib.import_module("jitad.numpy.ufuncs"), _LATE[ufunc])
        if found is None and _is_special(ufunc):
            special = importlib.import_module("jitad.numpy.special")
            found = getattr(special, ufunc.__name__, None)
    elif method == "reduce":
        found = _REDUCTIONS.get(ufunc) or getattr(UFUNCS.get(ufunc), "reduce", None)
        kwargs.setdefault("axis", 0)
        kwargs = {k: v for k, v in kwargs.items() if k != "out"}
    elif method == "accumulate":
        found = _RUNNING.get(ufunc) or getattr(UFUNCS.get(ufunc), "accumulate", None)
        kwargs.setdefault("axis", 0)
    elif method == "outer" and ufunc in UFUNCS:
        return _outer(UFUNCS[ufunc], *inputs)
    else:
        found = None
    if found is None or (method == "__call__" and set(kwargs) - {"dtype", "axis"}):
        module = "scipy.special" if _is_special(ufunc) else "np"
        name = f"{module}.{ufunc.__name__}"
        raise _unsupported(name + ("" if method == "__call__" else f".{method}"))
    return found(*inputs, **kwargs)


def _is_special(ufunc: np.ufunc) -> bool:
    """True of the ufuncs of scipy.special."""
    special = sys.modules.get("scipy.special._ufuncs")
    return getattr(special, ufunc.__name__, None) is ufunc


def _outer(function: Callable[..., Any], x: Any, y: Any) -> Any:
    x, y = creation.asarray(x), creation.asarray(y)
    return function(shapes.reshape(x, x.shape + (1,) * y.ndim), y)


def _array_function(
    self: Tracer, function: Callable[..., Any], types: Any, args: Any, kwargs: Any
) -> Any:
    """`np.sum(tracer)` and its relatives."""
    found = FUNCTIONS.get(function)
    if found is None:
        module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
        raise _unsupported(f"{module}.{function.__name__}")
    return found(*args, **kwargs)


def _unsupported(name: str) -> TypeError:
    return TypeError(
        at_user_line(
            f"{name} does not take traced arrays in this form. Use the function of jitad.numpy or "
            "jitad.lax that computes this, or call it outside of the traced function"
        )
    )


def _index_array(self: Array, index: Any) -> Any:
    """`array[index]`, by jitad where the index is traced; an element is an Array too."""
    cls = type(index)
    if cls is Tracer or (cls is tuple and any([type(i) is Tracer for i in index])):
        return indexing.get_item(self, index)
    found = np.ndarray.__getitem__(self, index)
    return found if type(found) is Array else as_array(found)


def _array_namespace(self: Any, *, api_version: str | None = None) -> Any:
    """`jitad.numpy`: the array's functions by the Python array API standard. A traced array's give
    traced arrays throughout, so that libraries do not meet arrays of two namespaces."""
    supported = ("2021.12", "2022.12", "2023.12", API_VERSION)
    if api_version not in (None, *supported):
        raise ValueError(f"expected a version of the standard {supported}; got {api_version!r}")
    return traced_namespace() if type(self) is Tracer else importlib.import_module("jitad.numpy")


def _to_device(self: Tracer, device: Any, /, *, stream: Any = None) -> Tracer:
    if device != "cpu" or stream is not None:
        raise ValueError(f"expected the device 'cpu' and no stream; got {device!r}, {stream!r}")
    return self


_BEYOND_NUMPY: dict[str, tuple[Callable[..., Any], str]] = {
    "argsort": (sorting.argsort, "descending dtype"),
    "astype": (arithmetic.astype, "device"),
    "compress": (_METHODS["compress"], "size fill_value"),
    "dot": (products.dot, "precision preferred_element_type"),
    "nonzero": (finding.nonzero, "size fill_value"),
    "prod": (reduce.prod, "promote_integers"),
    "repeat": (picking.repeat, "total_repeat_length"),
    "searchsorted": (sorting.searchsorted, "method"),
    "std": (statistics.std, "correction"),
    "sum": (reduce.sum, "promote_integers"),
    "take": (picking.take, "mode fill_value unique_indices indices_are_sorted"),
    "var": (statistics.var, "correction"),
}
"""Methods of arrays: the functions that take JAX's keywords, which NumPy's methods do not have."""


def _array_method(name: str, function: Callable[..., Any], keywords: str) -> Callable[..., Any]:
    """NumPy's method, but `function` where one of the `keywords` is given."""
    plain = getattr(Array, name)
    beyond = frozenset(keywords.split())

    @wraps(plain)
    def method(self: Array, *args: Any, **kwargs: Any) -> Any:
        if kwargs and not beyond.isdisjoint(kwargs):
            return function(self, *args, **kwargs)
        return plain(self, *args, **kwargs)

    return method


def _round(self: Any, ndigits: int | None = None) -> Any:
    """`round(x)` and `round(x, ndigits)`, of the array's own dtype."""
    return rounding.round(self, ndigits or 0)


def _install() -> None:
    for name, function in _OPERATORS.items():
        setattr(Tracer, f"__{name}__", _binary(function))
        setattr(Tracer, f"__r{name}__", _binary(function, reflected=True))
    for name, function in _COMPARISONS.items():
        setattr(Tracer, f"__{name}__", _binary(function))
    for name, function in _UNARY.items():
        setattr(Tracer, f"__{name}__", _unary(function))
    for name, function in _METHODS.items():
        setattr(Tracer, name, _as_method(name, function))
    for name, getter in _PROPERTIES.items():
        setattr(Tracer, name, property(getter, doc=getter.__doc__))
    others: dict[str, Any] = {
        "__pow__": _power,
        "__getitem__": _get_item,
        "__setitem__": _set_item,
        "__array_ufunc__": _array_ufunc,
        "__array_function__": _array_function,
        "__array_namespace__": _array_namespace,
        "__array_priority__": 1000.0,
        "__round__": _round,
        "reshape": _reshape,
        "to_device": _to_device,
        "transpose": _transpose,
        "view": _view,
    }
    for name, value in others.items():
        setattr(Tracer, name, value)
    Array.at = property(At, doc=At.__doc__)  # type: ignore[attr-defined]
    Array.__getitem__ = _index_array  # type: ignore[method-assign]
    Array.__array_namespace__ = _array_namespace  # type: ignore[method-assign]
    Array.__round__ = _round  # type: ignore[attr-defined]
    array_names.install()
    Array.ptp = _as_method("ptp", reduce.ptp)  # type: ignore[attr-defined]
    for name, (function, keywords) in _BEYOND_NUMPY.items():
        setattr(Array, name, _array_method(name, function, keywords))


def _as_method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Tracer, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    method.__doc__ = function.__doc__
    return method


_install()
