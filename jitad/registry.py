"""`default_registry`: the containers that pytrees are made of, as an object with methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .node_types import node_type, register_node_type
from .pytree import IsLeaf, Leaf, PyTree, PyTreeDef, flatten

__all__ = ["PyTreeRegistry", "default_registry"]


class PyTreeRegistry:
    """The registered containers; there is one, `default_registry`.

    >>> import jitad
    >>> from jitad.tree_util import default_registry
    >>> default_registry.flatten({"a": 1, "b": (2, 3)})[0]
    [1, 2, 3]
    """

    def flatten(
        self, tree: PyTree, leaf_predicate: IsLeaf | None = None
    ) -> tuple[list[Leaf], PyTreeDef]:
        """Leaves and structure, as `tree_flatten`."""
        return flatten(tree, leaf_predicate)

    def flatten_one_level(self, tree: PyTree) -> tuple[Iterable[Any], Any] | None:
        """Children and metadata of the root; None for a leaf.

        >>> default_registry.flatten_one_level([1, (2, 3)]), default_registry.flatten_one_level(1)
        (([1, (2, 3)], None), None)
        """
        node = node_type(type(tree))
        return None if node is None else node.flatten(tree)

    def register_node(
        self,
        nodetype: type,
        to_iterable: Callable[[Any], tuple[Iterable[Any], Any]],
        from_iterable: Callable[[Any, Any], Any],
    ) -> None:
        """As `register_pytree_node`."""
        register_node_type(nodetype, to_iterable, from_iterable)


default_registry = PyTreeRegistry()
