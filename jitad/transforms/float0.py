"""Tangents of integers, which have dtype float0, among the results of traced functions: programs do
not compute them, so that they leave the tree of results before it is traced and come back behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from jitad_ir.types import Shape

from ..node_types import register_node_type
from ..pytree import PyTreeDef, flatten
from .function import FLOAT0


class Float0:
    """Stands for an array of dtype float0 in a tree of results, where it is no leaf."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def array(self, batch: Shape = ()) -> Any:
        """The array that it stands for, with the axes `batch` in front."""
        return np.zeros((*batch, *self.shape), FLOAT0)


register_node_type(Float0, lambda node: ((), node.shape), lambda shape, children: Float0(shape))


def without_float0(result: Any) -> Any:
    """The pytree `result` with `Float0` in the place of arrays of dtype float0."""
    leaves, tree = flatten(result)
    if not any([_is_float0(leaf) for leaf in leaves]):
        return result
    return tree.unflatten([Float0(x.shape) if _is_float0(x) else x for x in leaves])


def _is_float0(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and leaf.dtype == FLOAT0


def with_float0(tree: PyTreeDef, leaves: Sequence[Any], batch: Shape = ()) -> Any:
    """`tree` with these leaves, and arrays of dtype float0 for each `Float0`."""
    result = tree.unflatten(leaves)
    if not _has_float0(tree):
        return result
    parts, whole = flatten(result, is_leaf=_stands_for_one)
    return whole.unflatten([x.array(batch) if isinstance(x, Float0) else x for x in parts])


@lru_cache(maxsize=4096)
def _has_float0(tree: PyTreeDef) -> bool:
    parts, _ = flatten(tree.unflatten(range(tree.num_leaves)), is_leaf=_stands_for_one)
    return len(parts) > tree.num_leaves


def _stands_for_one(x: Any) -> bool:
    return isinstance(x, Float0)
