"""Pytrees: nested containers of leaves, taken apart into a list and a structure, and rebuilt.

Containers are tuples, lists, dicts (in the order of their sorted keys), None (no leaves),
namedtuples, OrderedDicts and defaultdicts, and whatever type is registered; everything else is a
leaf (`jitad.node_types` has the registry). This module holds `PyTreeDef` and the walks;
`jitad.tree` and `jitad.tree_util` are the public names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from .keypaths import KeyPath, keystr
from .node_types import (
    DICT,
    LIST,
    NAMEDTUPLE,
    NODE_TYPES,
    NONE,
    ORDERED_DICT,
    TUPLE,
    NodeType,
    node_type,
    node_type_of,
)

PyTree: TypeAlias = Any
Leaf: TypeAlias = Any
IsLeaf: TypeAlias = Callable[[Any], bool]


# Structures.


def hash_of_aux(data: Any) -> int:
    """A hash of what a node keeps beside its children: of its type where it has none, as dicts
    and lists do not; equality tells those apart."""
    try:
        return hash(data)
    except TypeError:
        return hash(type(data))


class PyTreeDef:
    """The structure of a pytree: its containers without the leaves. Hashable, compared by value.

    `node_kind` is "leaf", "none", "tuple", "list", "dict", "namedtuple", "ordereddict" or
    "custom"; `num_leaves` and `num_nodes` count the leaves and all nodes.

    >>> treedef = flatten({"b": (1, 2), "a": None})[1]
    >>> treedef
    PyTreeDef({'a': None, 'b': (*, *)})
    >>> treedef.unflatten("xy")
    {'a': None, 'b': ('x', 'y')}
    """

    __slots__ = ("_children", "_data", "_hash", "_node", "flat", "num_leaves")

    _node: NodeType | None
    _data: Any
    _children: tuple[PyTreeDef, ...]
    num_leaves: int
    flat: bool
    """True if every child is a leaf."""

    def __init__(self, node: NodeType | None, data: Any, children: tuple[PyTreeDef, ...]) -> None:
        self._node = node
        self._data = data
        self._children = children
        self._hash: int | None = None
        self.flat = children.count(LEAF) == len(children) if node is not None else False
        if self.flat:
            self.num_leaves = len(children)
        else:
            self.num_leaves = 1 if node is None else sum([c.num_leaves for c in children])

    @property
    def node_kind(self) -> str:
        """What the root is."""
        return "leaf" if self._node is None else self._node.kind

    def node_data(self) -> tuple[type, Any] | None:
        """Class of the root, and what it keeps beside its children: the keys of a dict or an
        OrderedDict, the aux_data of a registered type, else None. None for a leaf."""
        if self._node is None:
            return None
        if self._node is NAMEDTUPLE:
            return self._data, None
        return self._node.type, list(self._data) if self._node is DICT else self._data

    @staticmethod
    def from_node_data_and_children(
        registry: Any, node_data: tuple[type, Any] | None, children: Iterable[PyTreeDef]
    ) -> PyTreeDef:
        """The structure that `node_data()` and `children()` tell of; `registry` must be
        `jitad.tree_util.default_registry`, the only one.

        >>> treedef = flatten({"b": 1, "a": 2})[1]
        >>> made = PyTreeDef.from_node_data_and_children(
        ...     None, treedef.node_data(), treedef.children()
        ... )
        >>> made == treedef
        True
        """
        if node_data is None:
            return LEAF
        cls, data = node_data
        found = node_type(cls)
        if found is None:
            raise ValueError(f"{cls.__qualname__} is not registered as a pytree")
        kept: Any = cls if found is NAMEDTUPLE else tuple(data) if found is DICT else data
        return PyTreeDef(found, kept, tuple(children))

    @property
    def num_nodes(self) -> int:
        """Number of containers and leaves."""
        return 1 + sum([child.num_nodes for child in self._children])

    def children(self) -> list[PyTreeDef]:
        """Structures of the root's children."""
        return list(self._children)

    def unflatten(self, leaves: Iterable[Leaf]) -> PyTree:
        """The tree of this structure with these leaves; raises ValueError on a wrong number."""
        leaves = list(leaves)
        if len(leaves) != self.num_leaves:
            few = "few" if len(leaves) < self.num_leaves else "many"
            raise ValueError(
                f"too {few} leaves: expected {self.num_leaves} for {self!r}; got {len(leaves)}"
            )
        if self.flat:
            assert self._node is not None
            return self._node.unflatten(self._data, leaves)
        return _unflatten(self, iter(leaves))

    def flatten_up_to(self, tree: PyTree) -> list[Any]:
        """The subtrees of `tree` at the places of this structure's leaves.

        Raises ValueError, with both structures and the path, where `tree` does not begin with
        this structure.

        >>> flatten((0, 0))[1].flatten_up_to(([1, 2], None))
        [[1, 2], None]
        """
        subtrees: list[Any] = []
        if not _flatten_up_to(self, tree, subtrees):
            raise prefix_error(self, tree)
        return subtrees

    def compose(self, inner: PyTreeDef) -> PyTreeDef:
        """This structure with `inner` in the place of each leaf."""
        if self._node is None:
            return inner
        return PyTreeDef(self._node, self._data, tuple([c.compose(inner) for c in self._children]))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, PyTreeDef):
            return NotImplemented
        return (
            self._node is other._node
            and self.num_leaves == other.num_leaves
            and self._data == other._data
            and self._children == other._children
        )

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self._node, hash_of_aux(self._data), self._children))
        return self._hash

    def __repr__(self) -> str:
        return f"PyTreeDef({_text(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        node = self._node
        cls = self._data if node is NAMEDTUPLE else None if node is None else node.type
        return (_from_class, (cls, self._data, self._children))


LEAF: PyTreeDef = PyTreeDef.__new__(PyTreeDef)
LEAF.__init__(None, None, ())
"""The structure of a single leaf."""

_NO_LEAVES = PyTreeDef(NONE, None, ())
_FLAT_TUPLES = [PyTreeDef(TUPLE, None, (LEAF,) * n) for n in range(9)]
_FLAT_LISTS = [PyTreeDef(LIST, None, (LEAF,) * n) for n in range(9)]


def _from_class(cls: type | None, data: Any, children: tuple[PyTreeDef, ...]) -> PyTreeDef:
    """Rebuild an unpickled structure from the class of its root."""
    if cls is None:
        return LEAF
    node = node_type(cls)
    if node is None:
        raise TypeError(f"{cls.__qualname__} is not registered as a pytree")
    return PyTreeDef(node, data, children)


def _text(treedef: PyTreeDef) -> str:
    node, data = treedef._node, treedef._data
    parts = [_text(child) for child in treedef._children]
    inside = ", ".join(parts)
    if node is None:
        return "*"
    if node is NONE:
        return "None"
    if node is TUPLE:
        return f"({inside},)" if len(parts) == 1 else f"({inside})"
    if node is LIST:
        return f"[{inside}]"
    if node is DICT:
        pairs = zip(data, parts, strict=True)
        return "{" + ", ".join([f"{key!r}: {part}" for key, part in pairs]) + "}"
    if node is NAMEDTUPLE:
        return f"CustomNode(namedtuple[{data.__name__}], [{inside}])"
    return f"CustomNode({node.type.__name__}[{data}], [{inside}])"


# The walks.


def flatten(tree: PyTree, is_leaf: IsLeaf | None = None) -> tuple[list[Leaf], PyTreeDef]:
    """Leaves, in order, and structure of `tree`; subtrees with `is_leaf(subtree)` are leaves.

    >>> flatten({"b": (1, [2]), "a": None})
    ([1, 2], PyTreeDef({'a': None, 'b': (*, [*])}))
    """
    leaves: list[Leaf] = []
    if is_leaf is None:
        return leaves, _flatten(tree, leaves)
    return leaves, _flatten_to(tree, leaves, is_leaf)


def _flatten(tree: PyTree, leaves: list[Leaf]) -> PyTreeDef:
    """Append the leaves of `tree`; its structure. The hot path of every transformed call."""
    node = node_type_of(type(tree))
    if node is None:
        if not isinstance(tree, tuple) or not hasattr(tree, "_fields"):
            leaves.append(tree)
            return LEAF
        node = node_type(type(tree))
        assert node is not None
    if node is TUPLE or node is LIST:
        children, data = tree, None
    elif node is NONE:
        return _NO_LEAVES
    else:
        children, data = node.flatten(tree)
    for child in children:
        if type(child) in NODE_TYPES or isinstance(child, tuple):
            break
    else:
        leaves.extend(children)
        count = len(children)
        if count <= 8:
            if node is TUPLE:
                return _FLAT_TUPLES[count]
            if node is LIST:
                return _FLAT_LISTS[count]
        return PyTreeDef(node, data, (LEAF,) * count)
    return PyTreeDef(node, data, tuple([_flatten(child, leaves) for child in children]))


def _flatten_to(tree: PyTree, leaves: list[Leaf], is_leaf: IsLeaf) -> PyTreeDef:
    node = None if is_leaf(tree) else node_type(type(tree))
    if node is None:
        leaves.append(tree)
        return LEAF
    children, data = node.flatten(tree)
    return PyTreeDef(node, data, tuple([_flatten_to(c, leaves, is_leaf) for c in children]))


def flatten_with_path(
    tree: PyTree, is_leaf: Callable[[KeyPath, Any], bool] | None = None
) -> tuple[list[tuple[KeyPath, Leaf]], PyTreeDef]:
    """As `flatten`, with each leaf's key path; `is_leaf(path, subtree)` ends the descent."""
    leaves: list[tuple[KeyPath, Leaf]] = []
    return leaves, _flatten_with_path((), tree, leaves, is_leaf)


def _flatten_with_path(
    path: KeyPath,
    tree: PyTree,
    leaves: list[tuple[KeyPath, Leaf]],
    is_leaf: Callable[[KeyPath, Any], bool] | None,
) -> PyTreeDef:
    stop = is_leaf is not None and is_leaf(path, tree)
    node = None if stop else node_type(type(tree))
    if node is None:
        leaves.append((path, tree))
        return LEAF
    children, data = node.flatten(tree)
    treedefs = [
        _flatten_with_path((*path, key), child, leaves, is_leaf)
        for key, child in zip(node.keys(tree, data), children, strict=True)
    ]
    return PyTreeDef(node, data, tuple(treedefs))


def _unflatten(treedef: PyTreeDef, leaves: Iterator[Leaf]) -> PyTree:
    node = treedef._node
    if node is None:
        return next(leaves)
    if treedef.flat:
        children = list(islice(leaves, len(treedef._children)))
    else:
        children = [_unflatten(child, leaves) for child in treedef._children]
    return node.unflatten(treedef._data, children)


def _flatten_up_to(treedef: PyTreeDef, tree: PyTree, subtrees: list[Any]) -> bool:
    """Append the subtrees at the leaves of `treedef`; False if `tree` does not begin with it."""
    node = treedef._node
    if node is None:
        subtrees.append(tree)
        return True
    if node_type(type(tree)) is not node:
        return False
    children, data = node.flatten(tree)
    if len(children) != len(treedef._children) or data != treedef._data:
        return False
    return all(
        [_flatten_up_to(d, c, subtrees) for d, c in zip(treedef._children, children, strict=True)]
    )


# What is wrong, in words.


def prefix_error(
    prefix: PyTreeDef, tree: PyTree, prefix_name: str = "", tree_name: str = ""
) -> ValueError:
    """The error for a `tree` that does not begin with the structure `prefix`: where they part,
    what was expected and got there, and both whole structures."""
    path, expected, got = _difference((), prefix, tree)
    place = f"at {keystr(path)}" if path else "at the root"
    first = f" of {prefix_name}" if prefix_name else ""
    second = f" of {tree_name}" if tree_name else ""
    return ValueError(
        f"pytree structures differ {place}: expected {expected}; got {got}\n"
        f"  expected structure{first}: {prefix!r}\n"
        f"  got structure{second}: {flatten(tree)[1]!r}"
    )


def _difference(path: KeyPath, prefix: PyTreeDef, tree: PyTree) -> tuple[KeyPath, str, str]:
    """Path to the first place where `tree` parts from `prefix`; what was expected and got."""
    node = prefix._node
    assert node is not None, "a leaf is a prefix of every tree"
    if node_type(type(tree)) is not node:
        return path, _describe(prefix), _describe_tree(tree)
    children, data = node.flatten(tree)
    if len(children) != len(prefix._children) or data != prefix._data:
        return path, _describe(prefix), _describe_tree(tree)
    for key, child, subtree in zip(node.keys(tree, data), prefix._children, children, strict=True):
        if not _flatten_up_to(child, subtree, []):
            return _difference((*path, key), child, subtree)
    raise AssertionError("the structures do not differ")


def _describe(treedef: PyTreeDef) -> str:
    node, count = treedef._node, len(treedef._children)
    if node is None:
        return "a leaf"
    if node is NONE:
        return "None"
    if node in (DICT, ORDERED_DICT):
        return f"{_article(node.type.__name__)} with keys {list(treedef._data)}"
    if node in (TUPLE, LIST):
        return f"a {node.kind} of length {count}"
    if node is NAMEDTUPLE:
        return f"a namedtuple {treedef._data.__name__}"
    return f"{_article(node.type.__name__)} with {count} children and aux_data {treedef._data!r}"


def _describe_tree(tree: PyTree) -> str:
    node = node_type(type(tree))
    if node is None:
        return f"a leaf of type {type(tree).__name__}"
    children, data = node.flatten(tree)
    return _describe(PyTreeDef(node, data, (LEAF,) * len(children)))


def _article(noun: str) -> str:
    return f"an {noun}" if noun[:1].lower() in "aeiou" else f"a {noun}"
