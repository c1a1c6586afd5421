"""`ShapedArray`: types of values with what JAX's programs ask of them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad_ir.types import ArrayType, short_name

from .argument_types import is_weak, type_of_argument
from .transforms.function import FLOAT0


class ShapedArray(ArrayType):
    """Shape and dtype of a value, and whether the dtype is weak: that of a Python number.

    >>> ShapedArray((2, 3), "float32")
    f32[2,3]
    >>> ShapedArray((), int).at_least_vspace().dtype == FLOAT0
    True
    """

    __slots__ = ("weak_type",)

    vma: frozenset[str] = frozenset()
    """Names of the axes of a mesh along which parts differ: none, on one device."""

    def __init__(
        self, shape: Sequence[int], dtype: Any, weak_type: bool = False, **placement: Any
    ) -> None:
        super().__init__(np.dtype(dtype), tuple(shape))
        self.weak_type = weak_type

    @property
    def sharding(self) -> Any:
        """Where the parts of the value are: undivided, as no axis of a mesh is known."""
        return importlib.import_module("jitad.sharding").undivided(self.ndim)

    def update(self, **changes: Any) -> ShapedArray:
        """With another `shape`, `dtype` or `weak_type`."""
        given: dict[str, Any] = {
            "shape": self.shape,
            "dtype": self.dtype,
            "weak_type": self.weak_type,
        }
        return ShapedArray(**{**given, **changes})

    def at_least_vspace(self) -> ShapedArray:
        """The type of tangents: this one, and `float0` for integers and bools."""
        return self if self.is_inexact else self.update(dtype=FLOAT0, weak_type=False)

    to_tangent_aval = to_cotangent_aval = at_least_vspace

    def strip_weak_type(self) -> ShapedArray:
        """The same, with a dtype of its own."""
        return self.update(weak_type=False)

    def str_short(self, *_: Any, **__: Any) -> str:
        """The dtype and the shape, as in `f32[2,3]`."""
        return repr(self)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __repr__(self) -> str:
        name = "float0" if self.dtype == FLOAT0 else short_name(self.dtype)
        return f"{name}[{','.join(map(str, self.shape))}]"


def typeof(x: Any) -> ShapedArray:
    """The type of an array, a number or a traced value: `.shape`, `.dtype`, `.ndim`, `.size`,
    `.weak_type`, `.sharding`.

    Raises TypeError for anything else.

    >>> import jitad, numpy as np
    >>> jitad.typeof(np.ones((2, 3), np.float32))
    f32[2,3]
    """
    found = type_of_argument(x)
    return ShapedArray(found.shape, found.dtype, is_weak(x))
