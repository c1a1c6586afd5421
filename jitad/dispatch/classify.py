"""The slow way: a call's signature and leaves, and calling an entry without its record.

`classify` describes a call; the signature finds or makes an entry. `call_entry` runs the program
of an entry with leaves of any layout, for pytrees too large for native code and for
array-likes that it does not read.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jitad import node_types
from jitad.array import Array
from jitad.dispatch.pool import POOL, POOLED_RESULT_BYTES
from jitad.dispatch.record import Entry
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    Node,
    NoneNode,
    OtherNode,
    ResultLeaf,
    ResultNode,
    Signature,
    StaticNode,
    TupleNode,
    children,
    iterate_result_leaves,
)
from jitad.keypaths import KeyPath, keystr
from jitad_ir.types import DTYPES

_DTYPES = {dtype: dtype for dtype in DTYPES.values()}
"""The dtypes a leaf can have, in native byte order, each to the one object that stands for it."""

_SCALARS: dict[type, Leaf] = {
    type_: Leaf(LeafKind.PYTHON, np.dtype(type_)) for type_ in (bool, int, float, complex)
}
_SCALARS[int] = Leaf(LeafKind.PYTHON, np.dtype(np.int64))
_SCALARS.update({dtype.type: Leaf(LeafKind.NUMPY, dtype) for dtype in _DTYPES})

_ARRAYS: dict[tuple[np.dtype, tuple[int, ...]], Leaf] = {}
_NONE = NoneNode()
_INT64 = np.iinfo(np.int64)


class UnsupportedLeaf(TypeError):
    """An argument that is neither a pytree, nor an array, nor a number.

    Attributes: `value`, and `keys`: how it is reached from the argument, outermost first.
    """

    def __init__(self, value: object) -> None:
        super().__init__(value)
        self.value = value
        self.keys: KeyPath = ()

    def __str__(self) -> str:
        return (
            "expected a number, an array of numbers or a pytree of them; "
            f"got {self.value!r} of type {type(self.value).__name__}"
            + (f" at {keystr(self.keys)}" if self.keys else "")
        )


def classify(
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    static_argnums: Iterable[int] = (),
    static_argnames: Iterable[str] = (),
) -> tuple[Signature, list[Any]]:
    """The signature of a call, and its leaves in the signature's order, as they were given.

    Raises UnsupportedLeaf for a leaf that is no array, TypeError for a static value that is not
    hashable, OverflowError for an int beyond 64 bits.
    """
    leaves: list[Any] = []
    static_argnums, static_argnames = frozenset(static_argnums), frozenset(static_argnames)
    positional = tuple(
        [
            StaticNode(arg) if position in static_argnums else _node(arg, leaves)
            for position, arg in enumerate(args)
        ]
    )
    keywords = tuple(
        [
            (name, StaticNode(arg) if name in static_argnames else _node(arg, leaves))
            for name, arg in kwargs.items()
        ]
    )
    return Signature(positional, keywords), leaves


def _node(obj: Any, leaves: list[Any]) -> Node:
    type_ = type(obj)
    if type_ is np.ndarray or type_ is Array:
        leaves.append(obj)
        return _array_leaf(obj)
    leaf = _SCALARS.get(type_)
    if leaf is not None:
        if type_ is int and not _INT64.min <= obj <= _INT64.max:
            raise OverflowError(f"expected an int of at most 64 bits; got {obj}")
        leaves.append(obj)
        return leaf
    if obj is None:
        return _NONE
    kind = node_types.node_type(type_)
    if kind is None:
        return _other_leaf(obj, leaves)
    children, data = kind.flatten(obj)
    items = []
    for position, child in enumerate(children):
        try:
            items.append(_node(child, leaves))
        except UnsupportedLeaf as error:
            error.keys = (kind.keys(obj, data)[position], *error.keys)
            raise
    return _container(kind, type_, data, tuple(items))


def _container(kind: node_types.NodeType, type_: type, data: Any, items: tuple[Node, ...]) -> Node:
    if kind is node_types.TUPLE:
        return TupleNode(items)
    if kind is node_types.LIST:
        return ListNode(items)
    if kind is node_types.DICT:
        return DictNode(data, items)
    if kind is node_types.NAMEDTUPLE:
        return NamedTupleNode(type_, items)
    return OtherNode(type_, data, items)


def _array_leaf(array: np.ndarray) -> Leaf:
    key = array.dtype, array.shape
    leaf = _ARRAYS.get(key)
    if leaf is None:
        dtype = _DTYPES.get(array.dtype.newbyteorder("="))
        if dtype is None:
            raise UnsupportedLeaf(array)
        leaf = Leaf(LeafKind.ARRAY, dtype, array.shape)
        if len(_ARRAYS) >= 4096:
            _ARRAYS.clear()
        _ARRAYS[key] = leaf
    return leaf


def _other_leaf(obj: Any, leaves: list[Any]) -> Leaf:
    """Array-likes: subclasses of ndarray and of numbers, and whatever has `__array__`."""
    is_number = isinstance(obj, (np.ndarray, np.generic, bool, int, float, complex))
    if not is_number and not hasattr(type(obj), "__array__"):
        raise UnsupportedLeaf(obj)
    array = np.asarray(obj)
    leaf = _array_leaf(array)
    leaves.append(array)
    return leaf


# ---- calling --------------------------------------------------------------------------------

_NOTHING = np.empty(0, np.uint8)
_ENTRY_WITH_GIL = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_ENTRY_WITHOUT_GIL = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


def call_entry(entry: Entry, leaves: Sequence[Any]) -> Any:
    """Runs the entry's program on leaves in the order of its signature; returns the result tree.

    Leaves may be any array-likes of the signature's shapes; they are converted to its dtypes.
    Raises ValueError for a leaf of another shape.
    """
    arrays = [
        _as_input(value, leaf) for value, leaf in zip(leaves, entry.signature.leaves, strict=True)
    ]
    outputs = [_new_array(leaf) for leaf in iterate_result_leaves(entry.results)]
    workspace = POOL.take(entry.workspace_bytes) if entry.workspace_bytes else _NOTHING
    places = [array.__array_interface__["data"][0] for array in (*arrays, *outputs, workspace)]
    pointers = (ctypes.c_void_p * len(places))(*places)
    prototype = _ENTRY_WITHOUT_GIL if entry.release_gil else _ENTRY_WITH_GIL
    try:
        status = prototype(entry.address)(ctypes.addressof(pointers))
    except SystemError as error:  # which Python finds set behind a call without the lock
        raise error.__cause__ or error from None
    if status:  # with the lock, ctypes raises what is set
        raise RuntimeError(f"the program failed with status {status}")
    return _unflatten(entry.results, iter(outputs))


def _as_input(value: Any, leaf: Leaf) -> np.ndarray:
    array = np.asarray(value, leaf.dtype, order="C")
    if array.shape != leaf.shape:
        raise ValueError(f"expected a leaf of shape {leaf.shape}; got {array.shape}")
    return array if array.flags.aligned else array.copy()


def _new_array(leaf: ResultLeaf) -> Array:
    if leaf.nbytes < POOLED_RESULT_BYTES:
        return np.ndarray.__new__(Array, leaf.shape, leaf.dtype)
    return np.ndarray.__new__(Array, leaf.shape, leaf.dtype, POOL.take(leaf.nbytes))


def _unflatten(node: ResultNode, outputs: Iterator[Array]) -> Any:
    if isinstance(node, ResultLeaf):
        return next(outputs)
    if isinstance(node, LiteralNode):
        return node.value
    if isinstance(node, NoneNode):
        return None
    parts = [_unflatten(item, outputs) for item in children(node)]
    match node:
        case TupleNode():
            return tuple(parts)
        case ListNode():
            return parts
        case DictNode(keys=keys):
            return dict(zip(keys, parts, strict=True))
        case NamedTupleNode(type=type_):
            return type_(*parts)
        case OtherNode(type=type_, aux=aux):
            kind = node_types.node_type(type_)
            assert kind is not None, f"{type_.__name__} is no longer registered as a pytree"
            return kind.unflatten(aux, parts)
    raise TypeError(f"expected a node of a result tree; got {node}")
