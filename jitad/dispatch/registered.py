"""Nodes of registered types: the Python functions that native code calls for them.

The function of an argument's node is called before the program. Results are rebuilt after it, since
the functions of a registered type may read the arrays: native code builds a tuple of the subtrees
that have no such node, and `assembler` gives the function that makes the result of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from jitad import node_types
from jitad.dispatch.signature import (
    DictNode,
    ListNode,
    NamedTupleNode,
    OtherNode,
    ResultNode,
    TupleNode,
    children,
    is_native_result,
)


def children_function(node: OtherNode) -> Callable[[Any], tuple[Any, ...] | None]:
    """The children of an object of the node's type, or None if its metadata are others."""
    flatten, aux = _kind(node).flatten, node.aux

    def take_apart(obj: Any) -> tuple[Any, ...] | None:
        items, data = flatten(obj)
        return tuple(items) if data is aux or data == aux else None

    return take_apart


def _kind(node: OtherNode) -> node_types.NodeType:
    kind = node_types.node_type(node.type)
    assert kind is not None, f"{node.type.__name__} is no longer registered as a pytree"
    return kind


def assembler(node: ResultNode) -> tuple[ResultNode, Callable[[Any], Any] | None]:
    """What native code builds for a result, and the function that makes the result of that; None
    if it is the result itself."""
    if is_native_result(node):
        return node, None
    parts: list[Any] = []
    make = _maker(node, parts)
    return TupleNode(tuple(parts)), lambda built: make(iter(built))


def _maker(node: ResultNode, parts: list[Any]) -> Callable[[Iterator[Any]], Any]:
    """Takes the subtrees of `node` that are built already, which are appended to `parts`, from an
    iterator of them, and makes the rest."""
    if is_native_result(node):
        parts.append(node)
        return next
    rebuild = _rebuilder(node)
    items = children(node)
    if all([is_native_result(item) for item in items]):
        parts.extend(items)
        count = len(items)
        return lambda built: rebuild(list(islice(built, count)))
    makers = [_maker(item, parts) for item in items]
    return lambda built: rebuild([make(built) for make in makers])


def _rebuilder(node: ResultNode) -> Callable[[Sequence[Any]], Any]:
    """A container of its children."""
    match node:
        case TupleNode():
            return tuple
        case ListNode():
            return list
        case DictNode(keys=keys):
            return lambda items: dict(zip(keys, items, strict=True))
        case NamedTupleNode(type=type_):
            return lambda items: type_(*items)
        case OtherNode(aux=aux):
            unflatten = _kind(node).unflatten
            return lambda items: unflatten(aux, items)
    raise TypeError(f"expected a container; got {node}")
