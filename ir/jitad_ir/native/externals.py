"""Addresses of foreign functions and objects, kept out of machine code.

Each LLVM module has one writable table of pointers, `jitad.externals`. Code loads a pointer from
the slot of its name; whoever loads the object into a process fills the slots by `resolve`. Objects
therefore hold no absolute address and are valid in the next process.

A name is a family, a colon and the rest: "blas:dgemm", "py:PyFloat_FromDouble", "numpy:93".
`register` adds families.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from llvmlite import ir as ll

from .lanes import I64, PTR

TABLE_NAME = "jitad.externals"
"""Symbol of the table; its address is found by the execution engine."""

Resolver: TypeAlias = Callable[[str], int]

_RESOLVERS: dict[str, Resolver] = {}
_ADDRESSES: dict[str, int] = {}


def register(prefix: str, resolver: Resolver) -> None:
    """Add the family `prefix`: `resolver(rest)` gives the address of "prefix:rest" in this
    process, or raises LookupError. Raises ValueError if the family is taken."""
    if ":" in prefix:
        raise ValueError(f"expected a prefix without a colon; got {prefix!r}")
    if prefix in _RESOLVERS:
        raise ValueError(f"externals of family {prefix!r} already have a resolver")
    _RESOLVERS[prefix] = resolver


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


class Externals:
    """The table of one LLVM module."""

    def __init__(self, module: ll.Module) -> None:
        self.module = module
        self._slots: dict[str, int] = {}
        self._table = ll.GlobalVariable(module, ll.ArrayType(PTR, 0), TABLE_NAME)
        self._finished = False

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each slot, in order; stored beside the object."""
        return tuple(self._slots)

    def pointer(self, builder: ll.IRBuilder, name: str, type: ll.Type = PTR) -> ll.Value:
        """Load the pointer of `name`, which gets a slot on first use. Give a function that is to
        be called as `type=signature.as_pointer()`."""
        if self._finished:
            raise RuntimeError(f"the table of externals is finished; {name} comes too late")
        slot = self._slots.setdefault(name, len(self._slots))
        address = builder.gep(
            self._table, [ll.Constant(I64, slot)], inbounds=True, source_etype=PTR
        )
        return builder.load(address, align=8, typ=type)

    def finish(self) -> None:
        """Fix the table's size: call once, before the module is compiled. A module that uses no
        external has no table."""
        if self._finished:
            raise RuntimeError("the table of externals is already finished")
        self._finished = True
        if not self._slots:
            del self.module.globals[TABLE_NAME]
            return
        table_type = ll.ArrayType(PTR, len(self._slots))
        self._table.value_type = table_type
        # Filled after loading: LLVM must not take the initial nulls for the contents.
        self._table.initializer = ll.Constant(table_type, None)
        self._table.linkage = ""
        self._table.align = 8
