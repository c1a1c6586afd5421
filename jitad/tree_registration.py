"""Registration of container types, and containers made for pytrees: `jitad.tree_util` has these
names.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from operator import methodcaller
from typing import Any, TypeVar

from .keypaths import GetAttrKey, KeyPath
from .node_types import register_node_type

T = TypeVar("T")
Class = TypeVar("Class", bound=type)


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

    >>> from jitad.tree_util import register_pytree_node, tree_map
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
    """As `register_pytree_node`, from a function that gives (key, child) pairs; `flatten_func`, if
    given, is its quicker form without keys.

    Raises ValueError for a class that is a container already, TypeError for what is no class.

    >>> from jitad import tree_util
    >>> class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    >>> def flatten(pair):
    ...     return ((("a", pair.a), ("b", pair.b)), None)
    >>> tree_util.register_pytree_with_keys(Pair, flatten, lambda _, children: Pair(*children))
    >>> tree_util.tree_leaves(Pair(1, 2))
    [1, 2]
    """

    def without_keys(tree: T) -> tuple[Iterable[Any], Any]:
        pairs, data = flatten_with_keys(tree)
        return [child for _, child in pairs], data

    register_pytree_node(nodetype, flatten_func or without_keys, unflatten_func, flatten_with_keys)


def register_pytree_node_class(cls: Class) -> Class:
    """Class decorator: register a class with methods `tree_flatten(self)` and `tree_unflatten(cls,
    aux_data, children)` (a classmethod).

    >>> from jitad import tree_util
    >>> @tree_util.register_pytree_node_class
    ... class Pair:
    ...     def __init__(self, a, b):
    ...         self.a, self.b = a, b
    ...     def tree_flatten(self):
    ...         return (self.a, self.b), None
    ...     @classmethod
    ...     def tree_unflatten(cls, aux_data, children):
    ...         return cls(*children)
    >>> tree_util.tree_map(lambda x: 2 * x, Pair(1, 2)).b
    4
    """
    register_pytree_node(cls, methodcaller("tree_flatten"), cls.tree_unflatten)
    return cls


def register_pytree_with_keys_class(cls: Class) -> Class:
    """Class decorator: as `register_pytree_node_class`, with a method `tree_flatten_with_keys` (and
    `tree_flatten`, if there is one).

    >>> from jitad import tree_util
    >>> @tree_util.register_pytree_with_keys_class
    ... class Box:
    ...     def __init__(self, x):
    ...         self.x = x
    ...     def tree_flatten_with_keys(self):
    ...         return ((tree_util.GetAttrKey("x"), self.x),), None
    ...     @classmethod
    ...     def tree_unflatten(cls, aux_data, children):
    ...         return cls(*children)
    >>> tree_util.keystr(tree_util.tree_leaves_with_path(Box(1))[0][0])
    '.x'
    """
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

    >>> from jitad.tree_util import register_dataclass, tree_flatten
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
    """Class decorator: instances (hashable) are part of the structure and have no leaves.

    >>> from jitad import tree_util
    >>> @tree_util.register_static
    ... class Mode(str):
    ...     pass
    >>> tree_util.tree_leaves((Mode("fast"), 1.0))
    [1.0]
    """
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

    >>> from jitad.tree_util import Partial, tree_leaves
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
