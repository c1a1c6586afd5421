"""ELF object files of x86-64, as far as LLVM writes them for code that is loaded into a process.

Source: "System V Application Binary Interface", chapter 4, and its "AMD64 Architecture Processor
Supplement", 4.4.
"""

from __future__ import annotations

import platform
import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple

IS_HOST = sys.platform == "linux" and platform.machine() == "x86_64" and sys.maxsize >> 32 > 0
"""Whether the objects of this machine are such files."""

_HEADER = struct.Struct("<4s BB 10x HH I QQQ I HHH HHH")
_SECTION = struct.Struct("<II QQQQ II QQ")
_SYMBOL = struct.Struct("<I BB H QQ")
_REFERENCE = struct.Struct("<Q II q")

_BITS_64, _LITTLE_END_FIRST, _RELOCATABLE, _X86_64 = 2, 1, 1, 62
_SYMBOL_TABLE, _REFERENCES, _NO_BITS, _UNWIND = 2, 4, 8, 0x70000001
_WRITE, _ALLOCATED, _CODE, _THREAD_LOCAL = 1, 2, 4, 0x400
_UNDEFINED, _RESERVED = 0, 0xFF00
_GLOBAL = 1


class UnknownObjectError(Exception):
    """An object file holds what is not known here: another linker is asked."""


class Section(NamedTuple):
    """Part of an object file."""

    name: int
    type: int
    flags: int
    address: int
    place: int
    size: int
    link: int
    info: int
    align: int
    entry: int

    def belongs(self, *, written: bool, code: bool) -> bool:
        """Whether it is of that kind and needed to run the code. What unwinds the stack for
        exceptions of C++ is not."""
        wanted = _ALLOCATED | written * _WRITE | code * _CODE
        kind = self.flags & (_ALLOCATED | _WRITE | _CODE)
        return kind == wanted and self.type != _UNWIND


class Symbol(NamedTuple):
    """What a reference can name."""

    name: str
    """Known to other objects; "" if it is local."""
    section: int | None
    """None if another object defines it."""
    value: int
    """Bytes from the start of the section."""


class Reference(NamedTuple):
    """To be written into a section when the symbol has an address."""

    place: int
    kind: int
    symbol: int
    addend: int


class ObjectFile:
    """An object file's sections and symbols. Raises UnknownObjectError."""

    def __init__(self, code: bytes) -> None:
        magic, bits, end, kind, machine, *others = _HEADER.unpack_from(code)
        form = (magic, bits, end, kind, machine)
        if form != (b"\x7fELF", _BITS_64, _LITTLE_END_FIRST, _RELOCATABLE, _X86_64):
            raise UnknownObjectError("expected a relocatable object of x86-64")
        place, size, count = others[3], others[8], others[9]
        if size != _SECTION.size or not count:
            raise UnknownObjectError("its sections are listed in another way")
        self.code = code
        listed = code[place : place + size * count]
        self.sections = [Section(*each) for each in _SECTION.iter_unpack(listed)]
        if any([section.flags & _THREAD_LOCAL for section in self.sections]):
            raise UnknownObjectError("it has variables of threads")
        tables = [section for section in self.sections if section.type == _SYMBOL_TABLE]
        self.symbols = [symbol for table in tables for symbol in self._symbols(table)]

    def content(self, section: Section) -> bytes:
        """The bytes of a section."""
        if section.type == _NO_BITS:
            return bytes(section.size)
        return self.code[section.place : section.place + section.size]

    def _symbols(self, table: Section) -> Iterator[Symbol]:
        names = self.content(self.sections[table.link])
        for name, info, _, section, value, _ in _SYMBOL.iter_unpack(self.content(table)):
            binding = info >> 4
            if binding > _GLOBAL:
                raise UnknownObjectError("it has symbols that others may replace")
            if binding == _GLOBAL and section >= _RESERVED:
                raise UnknownObjectError("it has symbols in no section")
            word = names[name : names.index(b"\0", name)].decode() if binding == _GLOBAL else ""
            yield Symbol(word, None if section == _UNDEFINED else section, value)

    def references(self) -> Iterator[tuple[int, list[Reference]]]:
        """Numbers of sections, and what each refers to."""
        for section in self.sections:
            if section.type == _REFERENCES:
                entries = _REFERENCE.iter_unpack(self.content(section))
                yield (
                    section.info,
                    [Reference(place, kind, symbol, more) for place, kind, symbol, more in entries],
                )
