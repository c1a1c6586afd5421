"""What one specialisation of a compiled function accepts and returns: frozen, hashable trees.

    Signature(positional=(TupleNode((Leaf(ARRAY, float64, (3,)), NoneNode())),), keywords=())

A signature describes one call shape exactly: the number of positional arguments, the keyword
names in call order, the pytree structure of each argument and the type of each leaf. Leaves are
numbered depth first, positional arguments before keywords; dict entries in the order of
`DictNode.keys`.
"""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np

from ..pytree import hash_of_aux


class LeafKind(enum.Enum):
    """Which Python objects a leaf stands for; every kind is an exact type check."""

    ARRAY = "array"  # np.ndarray or jitad.Array
    PYTHON = "python"  # bool, int, float or complex, by the dtype
    NUMPY = "numpy"  # the NumPy scalar type of the dtype

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An argument leaf read as an array of `dtype` (native byte order) and `shape`."""

    kind: LeafKind
    dtype: np.dtype
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TupleNode:
    """A tuple of these items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class ListNode:
    """A list of these items."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DictNode:
    """An exact dict with exactly these keys, inserted in any order; `items[i]` is at `keys[i]`."""

    keys: tuple[Hashable, ...]
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class NamedTupleNode:
    """A namedtuple of this type."""

    type: type
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class NoneNode:
    """None: a pytree without leaves."""


@dataclass(frozen=True, slots=True)
class OtherNode:
    """A node of a registered type, which Python functions take apart and rebuild, with its
    auxiliary data."""

    type: type
    aux: Any
    items: tuple[Node, ...]

    def __hash__(self) -> int:
        return hash((self.type, hash_of_aux(self.aux), self.items))


class StaticNode:
    """A value that is part of the specialisation.

    1, True and 1.0 are three values, as are 0.0 and -0.0.

    Native code compares exact str, int and float by value and everything else by identity; an
    equal object of another identity is recognised by the slow path.
    """

    __slots__ = ("_hash", "value")

    def __init__(self, value: Hashable) -> None:
        """Raises TypeError if the value is not hashable."""
        self.value = value
        self._hash = hash((type(value), value))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StaticNode):
            return NotImplemented
        if self.value is other.value:
            return True
        if type(self.value) is not type(other.value):
            return False
        if isinstance(self.value, float) and isinstance(other.value, float):
            return self.value.hex() == other.value.hex()
        return self.value == other.value

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"StaticNode({self.value!r})"


Node: TypeAlias = (
    Leaf | TupleNode | ListNode | DictNode | NamedTupleNode | NoneNode | OtherNode | StaticNode
)


@dataclass(frozen=True)
class Signature:
    """The arguments of one specialisation: positional ones, then (name, node) in call order."""

    positional: tuple[Node, ...]
    keywords: tuple[tuple[str, Node], ...] = ()

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """Every leaf, in order."""
        return tuple(leaf for node in self.nodes for leaf in iterate_leaves(node))

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The root of each argument, positional before keywords."""
        return self.positional + tuple(node for _, node in self.keywords)

    @cached_property
    def _hash(self) -> int:
        return hash((self.positional, self.keywords))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class ResultLeaf:
    """A result array: the next output of the program."""

    dtype: np.dtype
    shape: tuple[int, ...] = ()

    @property
    def nbytes(self) -> int:
        return self.dtype.itemsize * int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class LiteralNode:
    """A constant object returned as it is."""

    value: object


ResultNode: TypeAlias = (
    ResultLeaf
    | LiteralNode
    | TupleNode
    | ListNode
    | DictNode
    | NamedTupleNode
    | NoneNode
    | OtherNode
)
"""The tree of results: containers as in signatures, ResultLeaf and LiteralNode at the leaves."""


def children(node: Node | ResultNode) -> tuple[Any, ...]:
    """Subtrees of a container node; () for the rest."""
    return getattr(node, "items", ())


def iterate_leaves(node: Node) -> Iterator[Leaf]:
    """Argument leaves of a tree, depth first."""
    if isinstance(node, Leaf):
        yield node
    for child in children(node):
        yield from iterate_leaves(child)


def iterate_result_leaves(node: ResultNode) -> Iterator[ResultLeaf]:
    """Result leaves of a tree, depth first: the program's outputs."""
    if isinstance(node, ResultLeaf):
        yield node
    for child in children(node):
        yield from iterate_result_leaves(child)


def is_native_result(node: ResultNode) -> bool:
    """Whether native code can build this result, without a Python function."""
    if isinstance(node, OtherNode):
        return False
    if isinstance(node, NamedTupleNode) and not is_plain_namedtuple(node.type):
        return False
    return all(is_native_result(child) for child in children(node))


@lru_cache(maxsize=256)
def is_plain_namedtuple(type_: type) -> bool:
    """Whether filling in the items makes an instance: the generated __new__ is not overridden."""
    for base in type_.__mro__:
        if "_fields" in vars(base):
            return True
        if not {"__new__", "__init__"}.isdisjoint(vars(base)):
            return False
    return False
