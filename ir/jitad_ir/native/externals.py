"""Addresses of foreign functions and objects, kept out of machine code.

Each LLVM module has one writable table of pointers, `jitad.externals`. Code loads a pointer from
the slot of its name; whoever loads the object into a process fills the slots by `resolve`. Objects
therefore hold no absolute address and are valid in the next process.

Names and their addresses are the matter of `addresses.py`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir as ll

from .addresses import CONSTANT, TABLE_NAME
from .lanes import I64, PTR


class Externals:
    """The table of one LLVM module."""

    def __init__(self, module: ll.Module, constants: list[Any] | None = None) -> None:
        self.module = module
        self.constants: list[Any] = [] if constants is None else constants
        """What the externals "const:0", "const:1" ... are: arrays, and Python objects."""
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

    def object(self, builder: ll.IRBuilder, held: object) -> ll.Value:
        """Load the address of a Python object, which is one of `constants` or becomes one."""
        same = [
            number
            for number, constant in enumerate(self.constants)
            if type(constant) is type(held) and constant == held
        ]
        if not same:
            same = [len(self.constants)]
            self.constants.append(held)
        return self.pointer(builder, f"{CONSTANT}{same[0]}")

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
