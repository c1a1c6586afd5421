"""Addresses of foreign functions and objects in this process, by name.

A name is a family, a colon and the rest: "blas:dgemm", "py:PyFloat_FromDouble", "numpy:93".
`register` adds families. Apart from `externals.py` so that linking cached code does not load the
code generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

TABLE_NAME = "jitad.externals"
"""Symbol of the table of addresses in an object; its address is found by the linker."""

CONSTANT = "const:"
"""Prefix of externals that a program brings along: "const:2" is the data of `constants[2]`, or that
object itself if it is no array."""

Resolver: TypeAlias = Callable[[str], int]

_RESOLVERS: dict[str, Resolver] = {}
_SLOW: set[str] = set()
_ADDRESSES: dict[str, int] = {}


def register(prefix: str, resolver: Resolver, *, slow: bool = False) -> None:
    """Add the family `prefix`: `resolver(rest)` gives the address of "prefix:rest" in this
    process, or raises LookupError. It is `slow` if that may take longer than to start a thread.
    Raises ValueError if the family is taken."""
    if ":" in prefix:
        raise ValueError(f"expected a prefix without a colon; got {prefix!r}")
    if prefix in _RESOLVERS:
        raise ValueError(f"externals of family {prefix!r} already have a resolver")
    _RESOLVERS[prefix] = resolver
    if slow:
        _SLOW.add(prefix)


def slow_ones(names: Iterable[str]) -> list[str]:
    """Those externals that are not known yet and may take a while."""
    return [name for name in names if name not in _ADDRESSES and name.partition(":")[0] in _SLOW]


def resolve(name: str) -> int:
    """Address of an external in this process; raises LookupError if there is none."""
    address = _ADDRESSES.get(name)
    if address is None:
        prefix, colon, rest = name.partition(":")
        resolver = _RESOLVERS.get(prefix)
        if not colon or resolver is None:
            families = " ".join(sorted(_RESOLVERS)) or "none"
            raise LookupError(f"expected an external of one of the families {families}; got {name}")
        address = resolver(rest)
        if not address:
            raise LookupError(f"external {name} resolved to a null pointer")
        _ADDRESSES[name] = address
    return address
