"""Tracers: what a traced function gets in place of its arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from jitad_ir.graph import Value
from jitad_ir.types import ArrayType

from .array import MetaArray
from .errors import (
    TracerArrayConversionError,
    TracerBoolConversionError,
    TracerIntegerConversionError,
    at_user_line,
)

if TYPE_CHECKING:
    from .trace import Trace


class Tracer:
    """Stands for a value of an open trace. Its operators and methods are those of NumPy's arrays
    (defined in `jitad.numpy.methods`).

    `concrete` is the array it stands for, or None in a staged trace; `weak` is true of Python
    scalars, whose dtype gives way to that of arrays they meet.

    >>> import jitad
    >>> import numpy as np
    >>> @jitad.jit
    ... def f(x):
    ...     print(isinstance(x, jitad.core.Tracer), x.shape, x.dtype)
    ...     return x
    >>> y = f(np.ones(2))
    True (2,) float64
    """

    __slots__ = ("__weakref__", "concrete", "owner", "value", "weak")

    owner: Trace
    value: Value
    concrete: Any
    weak: bool

    def __init__(self, owner: Trace, value: Value, concrete: Any, weak: bool = False) -> None:
        self.owner = owner
        self.value = value
        self.concrete = concrete
        self.weak = weak

    @property
    def type(self) -> ArrayType:
        """Type of the value."""
        return self.value.type

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the value."""
        return self.value.type.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.type.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.value.type.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.value.type.size

    @property
    def weak_type(self) -> bool:
        """Whether its dtype gives way to that of arrays it meets."""
        return self.weak

    if TYPE_CHECKING:

        def __getitem__(self, index: Any) -> Any: ...

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return iter([self[i] for i in range(self.shape[0])])

    def __bool__(self) -> bool:
        if self.concrete is None:
            raise TracerBoolConversionError(
                at_user_line(
                    f"expected a Python bool; got a traced array {self.type!r}, whose value is "
                    f"not known while {self.owner.name} is traced. Write jnp.where(condition, a, "
                    "b) or lax.cond for `if`, lax.while_loop for `while`, & and | for `and` and "
                    "`or`, or name the argument in static_argnums"
                )
            )
        return bool(self.concrete)

    def _scalar(self, kind: str) -> Any:
        if self.concrete is None:
            raise TracerArrayConversionError(
                at_user_line(
                    f"{kind}() needs the value of a traced array {self.type!r}, which is not "
                    f"known while {self.owner.name} is traced. Write x.astype(...) to convert, or "
                    "do this outside of the traced function"
                )
            )
        return self.concrete

    def _bare(self, kind: str) -> Any:
        """The array of a tracer that carries no derivative; raises for those that would lose it."""
        value = self._scalar(kind)
        if self.type.is_inexact:
            raise TracerArrayConversionError(
                at_user_line(
                    f"{kind}() would drop the derivative of a traced array {self.type!r} of "
                    f"{self.owner.name}. Write x itself, jnp.asarray or x.astype(...), or x.item() "
                    "and lax.stop_gradient(x) for a value without its derivative"
                )
            )
        return value

    def __float__(self) -> float:
        return float(self._bare("float"))

    def __int__(self) -> int:
        return int(self._scalar("int"))

    def __complex__(self) -> complex:
        return complex(self._bare("complex"))

    def __index__(self) -> int:
        if self.concrete is None:
            raise TracerIntegerConversionError(
                at_user_line(
                    f"expected a Python integer; got a traced array {self.type!r}, whose value is "
                    f"not known while {self.owner.name} is traced. Shapes, lengths and range() "
                    "need static numbers: name the argument in static_argnums, use "
                    "lax.fori_loop for a loop, or jnp.take(x, i) for an index"
                )
            )
        return self.concrete.__index__()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.concrete is None:
            raise TracerArrayConversionError(
                at_user_line(
                    f"expected a NumPy array; got a traced array {self.type!r}, whose elements "
                    f"are not known while {self.owner.name} is traced. Write jnp.asarray or the "
                    "jitad.numpy function of the same name"
                )
            )
        return np.array(self._bare("np.array"), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The bare value of a one-element array as a Python scalar, without its derivative
        (outside `jit` only)."""
        return self._scalar("item").item()

    def tolist(self) -> Any:
        """The bare elements as nested lists, without their derivatives (outside `jit` only)."""
        return self._scalar("tolist").tolist()

    def block_until_ready(self) -> Tracer:
        """The tracer itself."""
        return self

    def __hash__(self) -> int:
        raise TypeError(
            at_user_line(f"a traced array {self.type!r} is not hashable, as NumPy's arrays are not")
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or not hasattr(np.ndarray, name):
            raise AttributeError(f"a traced array has no attribute {name!r}")
        raise AttributeError(
            at_user_line(
                f"a traced array {self.type!r} has no {name!r}: it stands for a value and has no "
                "memory that could be described or written to. Write x.at[...] for updates, or the "
                "jitad.numpy function that computes this"
            )
        )

    def __copy__(self) -> Tracer:
        """The tracer itself, which nothing can change; so of deep copies of what holds it."""
        return self

    def __deepcopy__(self, memo: object) -> Tracer:
        return self

    def __repr__(self) -> str:
        value = "" if self.concrete is None else f" = {np.array2string(np.asarray(self.concrete))}"
        return f"Tracer({self.type!r} in {self.owner.name}{value})"

    def __format__(self, spec: str) -> str:
        if spec and self.concrete is not None and not self.shape:
            return format(self.concrete.item(), spec)
        return format(repr(self), spec)


MetaArray.tracer = Tracer
