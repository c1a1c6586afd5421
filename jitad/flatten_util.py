"""Pytrees as vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import numpy as jnp
from .argument_types import type_of_argument
from .errors import at_user_line, hides_internals
from .pytree import PyTreeDef, flatten
from .transforms.function import leaf_types
from .tree_util import Partial

__all__ = ["ravel_pytree"]
__dir__ = __all__.copy


@hides_internals
def ravel_pytree(pytree: Any) -> tuple[Any, Any]:
    """The leaves of a pytree one after the other as a vector, and a function that maps such a
    vector back to a pytree like it.

    The vector has the dtype at which the leaves meet; on the way back leaves get their own dtypes.
    The function takes vectors of another width too (float32 parameters meet float64 steps); it
    raises ValueError for another length, and TypeError for a dtype of another kind.

    >>> from jitad.flatten_util import ravel_pytree
    >>> import numpy as np
    >>> vector, unravel = ravel_pytree({"a": np.ones((2, 2)), "b": 5})
    >>> vector
    Array([1., 1., 1., 1., 5.])
    >>> unravel(2 * vector)["b"]
    Array(10)
    """
    leaves, tree = flatten(pytree)
    types = leaf_types(leaves, "ravel_pytree")
    if not leaves:
        return jnp.zeros(0), Partial(_Unravel(tree, (), np.dtype(float)))
    dtype = np.result_type(*[t.dtype for t in types])
    vector = jnp.concatenate([jnp.ravel(jnp.asarray(leaf)).astype(dtype) for leaf in leaves])
    places = tuple([(t.shape, t.dtype) for t in types])
    return vector, Partial(_Unravel(tree, places, dtype))


class _Unravel:
    """Maps vectors to pytrees of one structure."""

    def __init__(self, tree: PyTreeDef, places: tuple[Any, ...], dtype: np.dtype[Any]) -> None:
        self.key = (tree, places, dtype)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unravel) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __call__(self, vector: Any) -> Any:
        return _unravel(*self.key, vector)


def _unravel(tree: PyTreeDef, places: tuple[Any, ...], dtype: np.dtype[Any], vector: Any) -> Any:
    sizes = [int(np.prod(shape)) for shape, _ in places]
    found = type_of_argument(vector)
    if found.shape != (sum(sizes),):
        raise ValueError(
            at_user_line(
                f"unravel: expected a vector of length {sum(sizes)}; got shape {found.shape}"
            )
        )
    if found.dtype.kind != dtype.kind:
        raise TypeError(
            at_user_line(f"unravel: expected a vector of dtype {dtype}; got {found.dtype}")
        )
    leaves: list[Any] = []
    start = 0
    for (shape, own), size in zip(places, sizes, strict=True):
        part = vector[start : start + size]
        if dtype.kind == "c" and own.kind != "c":
            part = jnp.real(part)
        leaves.append(jnp.reshape(part, shape).astype(own))
        start += size
    return tree.unflatten(leaves)
