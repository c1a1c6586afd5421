"""Pytrees under their long names, and registration of container types (`jitad.tree` has the
short names).

A pytree is a nest of tuples, lists, dicts, None, namedtuples, OrderedDicts, defaultdicts and
registered types. Transformations take and return pytrees of arrays.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from .keypaths import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    KeyEntry,
    KeyPath,
    SequenceKey,
    keystr,
)
from .node_types import TUPLE, node_type
from .pytree import LEAF, IsLeaf, Leaf, PyTree, PyTreeDef, flatten, flatten_with_path
from .registry import default_registry
from .tree_registration import (
    Partial,
    register_dataclass,
    register_pytree_node,
    register_pytree_node_class,
    register_pytree_with_keys,
    register_pytree_with_keys_class,
    register_static,
)

__all__ = [
    "DictKey",
    "FlattenedIndexKey",
    "GetAttrKey",
    "KeyPath",
    "Partial",
    "PyTreeDef",
    "SequenceKey",
    "all_leaves",
    "KeyEntry",
    "default_registry",
    "flatten_one_level",
    "flatten_one_level_with_keys",
    "is_tree_node",
    "keystr",
    "register_dataclass",
    "register_pytree_node",
    "register_pytree_node_class",
    "register_pytree_with_keys",
    "register_pytree_with_keys_class",
    "register_static",
    "tree_all",
    "tree_broadcast",
    "tree_flatten",
    "tree_flatten_with_path",
    "tree_leaves",
    "tree_leaves_with_path",
    "tree_map",
    "tree_map_with_path",
    "tree_reduce",
    "tree_reduce_associative",
    "tree_structure",
    "tree_transpose",
    "tree_unflatten",
    "treedef_children",
    "treedef_is_leaf",
    "treedef_tuple",
]
__dir__ = __all__.copy

T = TypeVar("T")
Class = TypeVar("Class", bound=type)
_MISSING: Any = object()

TreeDef = PyTreeDef
tree_flatten = flatten


def tree_unflatten(treedef: PyTreeDef, leaves: Iterable[Leaf]) -> PyTree:
    """The tree of structure `treedef` with these leaves; raises ValueError on a wrong number.

    >>> tree_unflatten(tree_structure({"a": 0, "b": [0]}), (1, 2))
    {'a': 1, 'b': [2]}
    """
    return treedef.unflatten(leaves)


def tree_leaves(tree: PyTree, is_leaf: IsLeaf | None = None) -> list[Leaf]:
    """Leaves of `tree`, in order.

    >>> tree_leaves({"b": (1, [2]), "a": None})
    [1, 2]
    """
    return flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: IsLeaf | None = None) -> PyTreeDef:
    """Structure of `tree`: its containers without the leaves.

    >>> tree_structure((1, {"a": 2}))
    PyTreeDef((*, {'a': *}))
    """
    return flatten(tree, is_leaf)[1]


def treedef_tuple(treedefs: Iterable[PyTreeDef]) -> PyTreeDef:
    """The structure of a tuple whose items have these structures.

    >>> from jitad import tree_util
    >>> leaf = tree_util.tree_structure(0)
    >>> tree_util.treedef_tuple([leaf, leaf]) == tree_util.tree_structure((1, 2))
    True
    """
    return PyTreeDef(TUPLE, None, tuple(treedefs))


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """Structures of the root's children.

    >>> from jitad import tree_util
    >>> len(tree_util.treedef_children(tree_util.tree_structure({"a": 1, "b": (2, 3)})))
    2
    """
    return treedef.children()


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """True for a single node: a leaf (or, as in JAX, an empty container).

    >>> from jitad import tree_util
    >>> tree_util.treedef_is_leaf(tree_util.tree_structure(1.0))
    True
    """
    return treedef.num_nodes == 1


def all_leaves(iterable: Iterable[Any], is_leaf: IsLeaf | None = None) -> bool:
    """True if every item is a leaf.

    >>> from jitad import tree_util
    >>> tree_util.all_leaves([1, 2.0]), tree_util.all_leaves([1, (2, 3)])
    (True, False)
    """
    for item in iterable:
        leaves, treedef = flatten(item, is_leaf)
        if treedef is not LEAF or leaves[0] is not item:
            return False
    return True


def is_tree_node(cls: type) -> bool:
    """True if instances of `cls` are containers.

    >>> from jitad import tree_util
    >>> tree_util.is_tree_node(dict), tree_util.is_tree_node(float)
    (True, False)
    """
    return node_type(cls) is not None


def tree_map(
    f: Callable[..., Any], tree: PyTree, *rest: PyTree, is_leaf: IsLeaf | None = None
) -> PyTree:
    """`f` applied to each leaf of `tree` together with the subtrees of `rest` at its place.

    Raises ValueError, with both structures and the path, if one of `rest` does not begin with
    the structure of `tree`.

    >>> tree_map(lambda x, y: x + y, {"a": 1, "b": (2, 3)}, {"a": 10, "b": (20, 30)})
    {'a': 11, 'b': (22, 33)}
    """
    leaves, treedef = flatten(tree, is_leaf)
    if not rest:
        return treedef.unflatten([f(leaf) for leaf in leaves])
    columns = [treedef.flatten_up_to(other) for other in rest]
    return treedef.unflatten([f(*row) for row in zip(leaves, *columns, strict=True)])


def tree_reduce(
    function: Callable[[Any, Any], Any],
    tree: PyTree,
    initializer: Any = _MISSING,
    is_leaf: IsLeaf | None = None,
) -> Any:
    """Fold of the leaves from the left, beginning with `initializer` if given.

    >>> tree_reduce(lambda x, y: x + y, (1, [2, 3]), 10)
    16
    """
    leaves = tree_leaves(tree, is_leaf)
    if initializer is _MISSING:
        return functools.reduce(function, leaves)
    return functools.reduce(function, leaves, initializer)


def tree_reduce_associative(
    operation: Callable[[T, T], T],
    tree: PyTree,
    *,
    identity: T = _MISSING,
    is_leaf: IsLeaf | None = None,
) -> T:
    """Fold of the leaves by an associative operation, as a balanced tree; `identity` for none.

    Raises TypeError if there are no leaves and no identity.

    >>> from jitad import tree_util
    >>> tree_util.tree_reduce_associative(lambda a, b: a + b, {"a": 1, "b": (2, 3)})
    6
    """
    leaves = tree_leaves(tree, is_leaf)
    if not leaves:
        if identity is _MISSING:
            raise TypeError("tree_reduce_associative of a tree without leaves needs an identity")
        return identity
    while len(leaves) > 1:
        pairs = [operation(a, b) for a, b in zip(leaves[::2], leaves[1::2], strict=False)]
        leaves = [*pairs, leaves[-1]] if len(leaves) % 2 else pairs
    return leaves[0]


def tree_all(tree: PyTree, *, is_leaf: IsLeaf | None = None) -> bool:
    """True if every leaf is true.

    >>> from jitad import tree_util
    >>> tree_util.tree_all({"a": True, "b": [True, False]})
    False
    """
    return all(tree_leaves(tree, is_leaf))


def tree_transpose(
    outer_treedef: PyTreeDef, inner_treedef: PyTreeDef | None, pytree_to_transpose: PyTree
) -> PyTree:
    """A tree of trees turned inside out: outer structure of inner -> inner of outer.

    Without `inner_treedef` it is that of the first inner tree. Raises TypeError if the tree is
    not `outer_treedef` of `inner_treedef`.

    >>> tree_transpose(tree_structure([0, 0]), None, [{"a": 1, "b": 2}, {"a": 3, "b": 4}])
    {'a': [1, 3], 'b': [2, 4]}
    """
    leaves, treedef = flatten(pytree_to_transpose)
    if inner_treedef is None:
        inner_treedef = tree_structure(outer_treedef.flatten_up_to(pytree_to_transpose)[0])
    inner = inner_treedef.num_leaves
    expected = outer_treedef.compose(inner_treedef)
    if treedef.num_leaves != expected.num_leaves:
        raise TypeError(
            f"tree_transpose: expected a tree of structure {expected!r}; got {treedef!r}"
        )
    columns = [outer_treedef.unflatten(leaves[i::inner]) for i in range(inner)]
    return inner_treedef.unflatten(columns)


def tree_broadcast(prefix_tree: PyTree, full_tree: PyTree, is_leaf: IsLeaf | None = None) -> PyTree:
    """A tree of the structure of `full_tree`, each leaf of `prefix_tree` repeated over the
    subtree at its place. Raises ValueError if it is not a prefix.

    >>> tree_broadcast((0, 1), ([5, 6], {"a": 7}))
    ([0, 0], {'a': 1})
    """
    leaves, treedef = flatten(prefix_tree, is_leaf)
    repeated: list[Leaf] = []
    for leaf, subtree in zip(leaves, treedef.flatten_up_to(full_tree), strict=True):
        repeated += [leaf] * tree_structure(subtree).num_leaves
    return tree_structure(full_tree).unflatten(repeated)


# With key paths.


def _with_path(is_leaf: Callable[..., bool] | None, takes_path: bool) -> Any:
    if is_leaf is None or takes_path:
        return is_leaf
    return lambda _path, tree: is_leaf(tree)


def tree_flatten_with_path(
    tree: PyTree, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> tuple[list[tuple[KeyPath, Leaf]], PyTreeDef]:
    """(key path, leaf) pairs and structure of `tree`.

    >>> [(keystr(path), leaf) for path, leaf in tree_flatten_with_path({"a": [1, 2]})[0]]
    [("['a'][0]", 1), ("['a'][1]", 2)]
    """
    return flatten_with_path(tree, _with_path(is_leaf, is_leaf_takes_path))


def tree_leaves_with_path(
    tree: PyTree, is_leaf: Callable[..., bool] | None = None, is_leaf_takes_path: bool = False
) -> list[tuple[KeyPath, Leaf]]:
    """(key path, leaf) pairs of `tree`.

    >>> from jitad import tree_util
    >>> [(tree_util.keystr(path), x) for path, x in tree_util.tree_leaves_with_path({"a": (1, 2)})]
    [("['a'][0]", 1), ("['a'][1]", 2)]
    """
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def tree_map_with_path(
    f: Callable[..., Any],
    tree: PyTree,
    *rest: PyTree,
    is_leaf: Callable[..., bool] | None = None,
    is_leaf_takes_path: bool = False,
) -> PyTree:
    """As `tree_map`, with the key path of each leaf as the first argument of `f`.

    >>> from jitad import tree_util
    >>> tree_util.tree_map_with_path(lambda path, x: tree_util.keystr(path), {"a": [1, 2]})
    {'a': ["['a'][0]", "['a'][1]"]}
    """
    pairs, treedef = tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)
    columns = [treedef.flatten_up_to(other) for other in rest]
    rows = zip(pairs, *columns, strict=True)
    return treedef.unflatten([f(path, leaf, *others) for (path, leaf), *others in rows])


def flatten_one_level(tree: PyTree) -> tuple[Iterable[Any], Any]:
    """Children and metadata of the root; raises ValueError for a leaf.

    >>> flatten_one_level({"a": [1, 2], "b": 3})
    ([[1, 2], 3], ('a', 'b'))
    """
    node = node_type(type(tree))
    if node is None:
        raise ValueError(f"{type(tree).__qualname__} is a leaf, not a pytree container")
    return node.flatten(tree)


def flatten_one_level_with_keys(tree: PyTree) -> tuple[Iterable[tuple[Any, Any]], Any]:
    """(key, child) pairs and metadata of the root; raises ValueError for a leaf.

    >>> from jitad import tree_util
    >>> tree_util.flatten_one_level_with_keys({"a": (1, 2)})[0]
    ((DictKey(key='a'), (1, 2)),)
    """
    children, data = flatten_one_level(tree)
    node = node_type(type(tree))
    assert node is not None
    return tuple(zip(node.keys(tree, data), children, strict=True)), data
