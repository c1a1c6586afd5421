"""Pytrees under their long names, and registration of container types (`jitad.tree` has the
short names).

A pytree is a nest of tuples, lists, dicts, None, namedtuples, OrderedDicts, defaultdicts and
registered types. Transformations take and return pytrees of arrays.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from operator import methodcaller
from typing import Any, TypeVar

from .pytree import (
    LEAF,
    TUPLE,
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    IsLeaf,
    KeyPath,
    Leaf,
    PyTree,
    PyTreeDef,
    SequenceKey,
    flatten,
    flatten_with_path,
    keystr,
    node_type,
    register_node_type,
)
from .registry import default_registry

__all__ = [
    "DictKey",
    "FlattenedIndexKey",
    "GetAttrKey",
    "KeyPath",
    "Partial",
    "PyTreeDef",
    "SequenceKey",
    "all_leaves",
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
    """The structure of a tuple whose items have these structures."""
    return PyTreeDef(TUPLE, None, tuple(treedefs))


def treedef_children(treedef: PyTreeDef) -> list[PyTreeDef]:
    """Structures of the root's children."""
    return treedef.children()


def treedef_is_leaf(treedef: PyTreeDef) -> bool:
    """True for a single node: a leaf (or, as in JAX, an empty container)."""
    return treedef.num_nodes == 1


def all_leaves(iterable: Iterable[Any], is_leaf: IsLeaf | None = None) -> bool:
    """True if every item is a leaf."""
    for item in iterable:
        leaves, treedef = flatten(item, is_leaf)
        if treedef is not LEAF or leaves[0] is not item:
            return False
    return True


def is_tree_node(cls: type) -> bool:
    """True if instances of `cls` are containers."""
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
    """True if every leaf is true."""
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
    """(key path, leaf) pairs of `tree`."""
    return tree_flatten_with_path(tree, is_leaf, is_leaf_takes_path)[0]


def tree_map_with_path(
    f: Callable[..., Any],
    tree: PyTree,
    *rest: PyTree,
    is_leaf: Callable[..., bool] | None = None,
    is_leaf_takes_path: bool = False,
) -> PyTree:
    """As `tree_map`, with the key path of each leaf as the first argument of `f`."""
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
    """(key, child) pairs and metadata of the root; raises ValueError for a leaf."""
    children, data = flatten_one_level(tree)
    node = node_type(type(tree))
    assert node is not None
    return tuple(zip(node.keys(tree, data), children, strict=True)), data


# Registration.


def register_pytree_node(
    nodetype: type[T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_with_keys_func: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]] | None = None,
) -> None:
    """Make instances of exactly `nodetype` pytree containers.

    `flatten_func(tree) -> (children, aux_data)`, aux_data hashable; `unflatten_func(aux_data,
    children) -> tree`. `flatten_with_keys_func` gives (key, child) pairs in place of the
    children. Raises ValueError if the type is registered already.

    >>> class Point:
    ...     def __init__(self, x, y):
    ...         self.x, self.y = x, y
    >>> register_pytree_node(Point, lambda p: ((p.x, p.y), None), lambda _, xy: Point(*xy))
    >>> tree_map(lambda v: 2 * v, Point(1, 2)).y
    4
    """
    if flatten_with_keys_func is None:
        register_node_type(nodetype, flatten_func, unflatten_func)
        return
    with_keys = flatten_with_keys_func

    def keys(tree: Any, _data: Any) -> KeyPath:
        return tuple([key for key, _ in with_keys(tree)[0]])

    register_node_type(nodetype, flatten_func, unflatten_func, keys)


def register_pytree_with_keys(
    nodetype: type[T],
    flatten_with_keys: Callable[[T], tuple[Iterable[tuple[Any, Any]], Any]],
    unflatten_func: Callable[[Any, Any], T],
    flatten_func: Callable[[T], tuple[Iterable[Any], Any]] | None = None,
) -> None:
    """As `register_pytree_node`, from a function that gives (key, child) pairs; `flatten_func`,
    if given, is its quicker form without keys."""

    def without_keys(tree: T) -> tuple[Iterable[Any], Any]:
        pairs, data = flatten_with_keys(tree)
        return [child for _, child in pairs], data

    register_pytree_node(nodetype, flatten_func or without_keys, unflatten_func, flatten_with_keys)


def register_pytree_node_class(cls: Class) -> Class:
    """Class decorator: register a class with methods `tree_flatten(self)` and
    `tree_unflatten(cls, aux_data, children)` (a classmethod)."""
    register_pytree_node(cls, methodcaller("tree_flatten"), cls.tree_unflatten)
    return cls


def register_pytree_with_keys_class(cls: Class) -> Class:
    """Class decorator: as `register_pytree_node_class`, with a method `tree_flatten_with_keys`
    (and `tree_flatten`, if there is one)."""
    register_pytree_with_keys(
        cls,
        methodcaller("tree_flatten_with_keys"),
        cls.tree_unflatten,
        methodcaller("tree_flatten") if hasattr(cls, "tree_flatten") else None,
    )
    return cls


def register_dataclass(
    nodetype: Class,
    data_fields: Sequence[str] | None = None,
    meta_fields: Sequence[str] | None = None,
    drop_fields: Sequence[str] = (),
) -> Class:
    """Make a dataclass a pytree container: `data_fields` are its children, `meta_fields` static.

    Without the two lists, fields with `metadata={"static": True}` (see `jitad.tree.static`) are
    static and the others are children. `drop_fields` are left out. Usable as a decorator.
    Raises TypeError if only one list is given, ValueError if the lists do not cover the fields
    that `__init__` takes.

    >>> @register_dataclass
    ... @dataclasses.dataclass
    ... class State:
    ...     x: float
    ...     kind: str = dataclasses.field(default="a", metadata={"static": True})
    >>> tree_flatten(State(1.5))
    ([1.5], PyTreeDef(CustomNode(State[('a',)], [*])))
    """
    data, meta = _dataclass_fields(nodetype, data_fields, meta_fields, drop_fields)
    names = (*meta, *data)

    def flatten_fields(tree: Any) -> tuple[Iterable[Any], Any]:
        values = tuple([getattr(tree, name) for name in data])
        return values, tuple([getattr(tree, name) for name in meta])

    def unflatten_fields(aux_data: Any, children: Iterable[Any]) -> Any:
        return nodetype(**dict(zip(names, (*aux_data, *children), strict=True)))

    keys = tuple([GetAttrKey(name) for name in data])
    register_node_type(nodetype, flatten_fields, unflatten_fields, lambda _tree, _data: keys)
    return nodetype


def _dataclass_fields(
    nodetype: type,
    data_fields: Sequence[str] | None,
    meta_fields: Sequence[str] | None,
    drop_fields: Sequence[str],
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the child fields and the static fields, checked against the dataclass."""
    if (data_fields is None) != (meta_fields is None):
        raise TypeError(
            "register_dataclass: give both data_fields and meta_fields, or neither; got "
            f"data_fields={data_fields} meta_fields={meta_fields}"
        )
    is_dataclass = dataclasses.is_dataclass(nodetype)
    if data_fields is None or meta_fields is None:
        if not is_dataclass:
            raise TypeError(
                f"register_dataclass: {nodetype!r} is not a dataclass; "
                "give data_fields and meta_fields"
            )
        fields = [f for f in dataclasses.fields(nodetype) if f.name not in drop_fields]
        data_fields = [f.name for f in fields if not f.metadata.get("static", False)]
        meta_fields = [f.name for f in fields if f.metadata.get("static", False)]
    if overlap := set(data_fields) & set(meta_fields):
        raise ValueError(f"register_dataclass: fields both data and meta: {sorted(overlap)}")
    if is_dataclass:
        expected = {f.name for f in dataclasses.fields(nodetype) if f.init} - set(drop_fields)
        given = {*data_fields, *meta_fields}
        if given != expected:
            raise ValueError(
                "register_dataclass: data_fields and meta_fields must be the fields with "
                f"init=True; missing {sorted(expected - given)}, "
                f"unexpected {sorted(given - expected)}"
            )
    return tuple(data_fields), tuple(meta_fields)


def register_static(cls: Class) -> Class:
    """Class decorator: instances (hashable) are part of the structure and have no leaves."""
    register_node_type(cls, lambda tree: ((), tree), lambda tree, _: tree)
    return cls


class _Boxed:
    """A callable hidden from functools.partial, which would merge a nested partial's arguments."""

    def __init__(self, func: Callable[..., Any]) -> None:
        self.boxed = func

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return self.boxed(*args, **keywords)

    def __eq__(self, other: object) -> bool:
        return self.boxed == (other.boxed if isinstance(other, _Boxed) else other)

    def __hash__(self) -> int:
        return hash(self.boxed)

    def __repr__(self) -> str:
        return repr(self.boxed)


class Partial(functools.partial):
    """`functools.partial` as a pytree: its bound arguments are children, its function static.

    >>> scale = Partial(lambda a, x: a * x, 3)
    >>> tree_leaves(scale), scale(2)
    ([3], 6)
    """

    def __new__(cls, func: Callable[..., Any], /, *args: Any, **keywords: Any) -> Partial:
        if isinstance(func, functools.partial):
            func = _Boxed(func)
        return super().__new__(cls, func, *args, **keywords)


register_node_type(
    Partial,
    lambda partial: ((partial.args, partial.keywords), partial.func),
    lambda func, children: _bind(func, *children),
)


def _bind(func: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Partial:
    return Partial(func, *args, **keywords)
