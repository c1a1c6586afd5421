"""The types of containers that pytrees are made of, and how each is taken apart and rebuilt."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .keypaths import DictKey, FlattenedIndexKey, GetAttrKey, KeyPath, SequenceKey


@dataclass(frozen=True, slots=True, eq=False)
class NodeType:
    """How one type of container is taken apart and rebuilt.

    `flatten(tree) -> (children, data)` and `unflatten(data, children) -> tree`; `keys(tree, data)`
    names the children. `data` is what two nodes of this type must share to be the same structure.
    """

    kind: str
    type: type
    flatten: Callable[[Any], tuple[Sequence[Any], Any]]
    unflatten: Callable[[Any, Iterable[Any]], Any]
    keys: Callable[[Any, Any], KeyPath]


def _indices(tree: Any, _data: Any) -> KeyPath:
    return tuple([SequenceKey(i) for i in range(len(tree))])


def _sorted_keys(tree: dict[Any, Any]) -> tuple[Any, ...]:
    try:
        return tuple(sorted(tree))
    except TypeError as error:
        raise ValueError(
            f"the keys of a dict in a pytree are sorted, and these do not compare: {list(tree)}; "
            "use keys of one type, or an OrderedDict"
        ) from error


def _flatten_dict(tree: dict[Any, Any]) -> tuple[list[Any], tuple[Any, ...]]:
    keys = _sorted_keys(tree)
    return [tree[key] for key in keys], keys


def _flatten_defaultdict(tree: defaultdict[Any, Any]) -> tuple[list[Any], Any]:
    keys = _sorted_keys(tree)
    return [tree[key] for key in keys], (tree.default_factory, keys)


TUPLE = NodeType("tuple", tuple, lambda t: (t, None), lambda _, c: tuple(c), _indices)
LIST = NodeType("list", list, lambda t: (t, None), lambda _, c: list(c), _indices)
NONE = NodeType("none", type(None), lambda t: ((), None), lambda _, c: None, lambda t, d: ())
DICT = NodeType(
    "dict",
    dict,
    _flatten_dict,
    lambda keys, c: dict(zip(keys, c, strict=True)),
    lambda t, keys: tuple([DictKey(key) for key in keys]),
)
ORDERED_DICT = NodeType(
    "ordereddict",
    OrderedDict,
    lambda t: (list(t.values()), tuple(t)),
    lambda keys, c: OrderedDict(zip(keys, c, strict=True)),
    lambda t, keys: tuple([DictKey(key) for key in keys]),
)
NAMEDTUPLE = NodeType(
    "namedtuple",
    tuple,
    lambda t: (t, type(t)),
    lambda cls, c: cls(*c),
    lambda t, cls: tuple([GetAttrKey(name) for name in cls._fields]),
)
DEFAULT_DICT = NodeType(
    "custom",
    defaultdict,
    _flatten_defaultdict,
    lambda data, c: defaultdict(data[0], zip(data[1], c, strict=True)),
    lambda t, data: tuple([DictKey(key) for key in data[1]]),
)

NODE_TYPES: dict[type, NodeType] = {
    node.type: node for node in (TUPLE, LIST, NONE, DICT, ORDERED_DICT, DEFAULT_DICT)
}
"""The containers, by type; namedtuples are found by `node_type`."""

node_type_of = NODE_TYPES.get


def register_node_type(
    cls: type,
    flatten: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten: Callable[[Any, Iterable[Any]], Any],
    keys: Callable[[Any, Any], KeyPath] | None = None,
) -> None:
    """Make instances of exactly `cls` containers, a namedtuple's by this rule instead of as tuples;
    raises ValueError if it already is one."""
    if not isinstance(cls, type):
        raise TypeError(f"expected a class to register as a pytree; got {cls!r}")
    if cls in NODE_TYPES:
        raise ValueError(f"{cls.__qualname__} is already registered as a pytree")

    def flatten_to_list(tree: Any) -> tuple[Sequence[Any], Any]:
        result = flatten(tree)
        if not isinstance(result, tuple) or len(result) != 2:
            raise TypeError(
                f"the flatten function of {cls.__qualname__} must return (children, aux_data); "
                f"got {result!r}"
            )
        return tuple(result[0]), result[1]

    def numbers(tree: Any, _data: Any) -> KeyPath:
        return tuple([FlattenedIndexKey(i) for i in range(len(flatten_to_list(tree)[0]))])

    NODE_TYPES[cls] = NodeType("custom", cls, flatten_to_list, unflatten, keys or numbers)


def node_type(cls: type) -> NodeType | None:
    """How instances of `cls` are taken apart; None if they are leaves."""
    found = node_type_of(cls)
    if found is None and issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _register_bunch(cls) if hasattr(cls, "_extra_fields") else NAMEDTUPLE
    return found


def _register_bunch(cls: Any) -> NodeType:
    """How results of SciPy's statistics are taken apart: tuples of `_fields` with the further
    attributes `_extra_fields`. Subclasses that compute more from what they keep (`PearsonRResult`)
    are rebuilt as the class that has these alone (`PearsonRResultBase`)."""
    bare = next(base for base in cls.__mro__ if "_fields" in vars(base))
    names: tuple[str, ...] = (*bare._fields, *bare._extra_fields)
    count = len(bare._fields)

    def flatten(tree: Any) -> tuple[Sequence[Any], Any]:
        return [getattr(tree, name) for name in names], None

    def unflatten(_data: Any, children: Iterable[Any]) -> Any:
        values = list(children)
        return bare(*values[:count], **dict(zip(names[count:], values[count:], strict=True)))

    keys = tuple([GetAttrKey(name) for name in names])
    made = NodeType("custom", bare, flatten, unflatten, lambda _tree, _data: keys)
    return NODE_TYPES.setdefault(cls, NODE_TYPES.setdefault(bare, made))
