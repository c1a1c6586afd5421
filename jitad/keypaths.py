"""Key paths: how a child of a pytree is reached from its parent."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeAlias

KeyEntry: TypeAlias = Any
KeyPath: TypeAlias = tuple[KeyEntry, ...]


@dataclass(frozen=True, slots=True)
class SequenceKey:
    """Item `idx` of a tuple or list, in a key path.

    >>> from jitad import tree_util
    >>> str(tree_util.SequenceKey(0))
    '[0]'
    """

    idx: int

    def __str__(self) -> str:
        return f"[{self.idx!r}]"


@dataclass(frozen=True, slots=True)
class DictKey:
    """Item `key` of a mapping, in a key path.

    >>> from jitad import tree_util
    >>> str(tree_util.DictKey("w"))
    "['w']"
    """

    key: Hashable

    def __str__(self) -> str:
        return f"[{self.key!r}]"


@dataclass(frozen=True, slots=True)
class GetAttrKey:
    """Attribute `name` of a namedtuple, dataclass or other object, in a key path.

    >>> from jitad import tree_util
    >>> str(tree_util.GetAttrKey("w"))
    '.w'
    """

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


@dataclass(frozen=True, slots=True)
class FlattenedIndexKey:
    """Child number `key` of a node registered without keys, in a key path.

    >>> from jitad import tree_util
    >>> str(tree_util.FlattenedIndexKey(1))
    '<flat index 1>'
    """

    key: int

    def __str__(self) -> str:
        return f"<flat index {self.key}>"


def keystr(keys: KeyPath, *, simple: bool = False, separator: str = "") -> str:
    """A key path as text, for messages.

    With `simple`, keys are written bare ("foo/0" with separator "/"), which can be ambiguous.

    >>> keystr((DictKey("w"), SequenceKey(0)))
    "['w'][0]"
    >>> keystr((DictKey("w"), SequenceKey(0)), simple=True, separator="/")
    'w/0'
    """
    return separator.join([_bare(key) if simple else str(key) for key in keys])


def _bare(key: Any) -> str:
    for name in ("idx", "key", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    return str(key)
