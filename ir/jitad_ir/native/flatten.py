"""Objects -> one flat image, linked but for the address that it will lie at.

LLVM's linker takes 0.5 ms to load an object into a new process, half of a call through the disk
cache. So objects are linked once, when they are made: sections laid out, references between them
written. Code is position independent, so that little is left to do in each process (`mapping.py`).

    code of all objects | jumps to imports | constants | up to a page | variables | addresses

With S the place of a symbol, P that of the reference, A its addend, G the place of a word that will
hold the symbol's address:

====================  ============  ==============================================================
PC32, PLT32           S + A - P     to an import: S is a jump to where G says
64                    S + A         the image's address is added when it is mapped
GOTPCREL              G + A - P     also GOTPCRELX, REX_GOTPCRELX; where those two only load the
                                    address of what is in the image, it is computed: S + A - P
====================  ============  ==============================================================
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from .elf import ObjectFile, Reference, UnknownObjectError

PAGE = 4096
WORD = 8

ABSOLUTE, RELATIVE, CALL, ADDRESSED, RELAXED, RELAXED_LONG = 1, 2, 4, 9, 41, 42
"""Kinds of references, by their numbers in the standard."""

_LOAD, _COMPUTE = 0x8B, 0x8D
"""First bytes of `mov register, [rip + A]` and of `lea register, [rip + A]`."""

_STUB = b"\xff\x25\0\0\0\0\xcc\xcc"
"""`jmp [rip + 0]`, and two bytes that are never run."""
_STUB_DISTANCE, _STUB_END = 2, 6


class Flat(NamedTuple):
    """A linked image. Places are bytes from its start, which lies on a page."""

    code: bytes
    """Functions and constants, which nobody writes to."""
    data: bytes
    """Variables and addresses."""
    data_place: int
    """Where they begin, on a page."""
    symbols: dict[str, int]
    """Places of the exports."""
    absolutes: tuple[int, ...]
    """Places of words that the address of the image is added to."""
    imports: dict[str, int]
    """Places of words for addresses of the process's own functions, such as memcpy."""


def flatten(objects: Sequence[bytes], exports: Collection[str]) -> Flat:
    """The image of objects that refer to each other.

    Raises UnknownObjectError if they hold what is not known here, LookupError if an export is
    not defined.
    """
    return _Image([ObjectFile(code) for code in objects]).linked(exports)


class _Image:
    """An image under construction."""

    def __init__(self, objects: Sequence[ObjectFile]) -> None:
        self.objects = objects
        symbols = [symbol for each in objects for symbol in each.symbols if symbol.name]
        defined = {symbol.name for symbol in symbols if symbol.section is not None}
        imports = sorted({symbol.name for symbol in symbols} - defined)
        self.bytes = bytearray()
        self.places: list[dict[int, int]] = [{} for _ in objects]
        """Of the sections of each object."""
        self._add(written=False, code=True)
        start = self._append(_STUB * len(imports), 16)
        self.stubs = {name: start + len(_STUB) * i for i, name in enumerate(imports)}
        """Places of jumps to imports."""
        self._add(written=False, code=False)
        self.code_end = len(self.bytes)
        self.data_place = self._append(b"", PAGE)
        self._add(written=True, code=False)
        start = self._append(bytes(WORD * len(imports)), WORD)
        self.imports = {name: start + WORD * i for i, name in enumerate(imports)}
        """Places of words for their addresses."""
        self.addresses: dict[int, int] = {}
        """From places to those of words that hold their addresses."""
        self.absolutes: list[int] = []
        self.globals: dict[str, int] = {}
        for each, places in zip(objects, self.places, strict=True):
            for name, section, value in each.symbols:
                if name and section in places:
                    self.globals[name] = places[section] + value

    def _append(self, content: bytes, align: int) -> int:
        if align > PAGE:
            raise UnknownObjectError(f"a part of it lies at multiples of {align}")
        self.bytes += bytes(-len(self.bytes) % max(align, 1))
        place = len(self.bytes)
        self.bytes += content
        return place

    def _add(self, *, written: bool, code: bool) -> None:
        for each, places in zip(self.objects, self.places, strict=True):
            for number, section in enumerate(each.sections):
                if section.belongs(written=written, code=code):
                    places[number] = self._append(each.content(section), section.align)

    def linked(self, exports: Collection[str]) -> Flat:
        for each, places in zip(self.objects, self.places, strict=True):
            for number, references in each.references():
                if number in places:
                    self._write_references(each, places, places[number], references)
        for name, stub in self.stubs.items():
            distance = self.imports[name] - (stub + _STUB_END)
            self._write(stub + _STUB_DISTANCE, distance, 4)
        missing = [name for name in exports if name not in self.globals]
        if missing:
            raise LookupError(f"expected objects that define {' '.join(missing)}")
        return Flat(
            bytes(self.bytes[: self.code_end]),
            bytes(self.bytes[self.data_place :]),
            self.data_place,
            {name: self.globals[name] for name in exports},
            tuple(self.absolutes),
            self.imports,
        )

    def _write_references(
        self, each: ObjectFile, places: dict[int, int], start: int, references: list[Reference]
    ) -> None:
        """Those of the section that begins at `start`."""
        for offset, kind, number, addend in references:
            name, section, value = each.symbols[number]
            place = start + offset
            target = places[section] + value if section in places else self.globals.get(name)
            if kind == ABSOLUTE:
                self._write(place, _known(target) + addend, WORD)
                self.absolutes.append(place)
                continue
            if kind in (ADDRESSED, RELAXED, RELAXED_LONG):
                if kind != ADDRESSED and target is not None and self.bytes[place - 2] == _LOAD:
                    self.bytes[place - 2] = _COMPUTE
                else:
                    target = self.imports[name] if target is None else self._address(target)
            elif kind == CALL and target is None:
                target = self.stubs[name]
            elif kind not in (CALL, RELATIVE):
                raise UnknownObjectError(f"it has references of kind {kind}")
            self._write(place, _known(target) + addend - place, 4)

    def _address(self, place: int) -> int:
        """Place of a word that holds the address of `place`."""
        if place not in self.addresses:
            self.addresses[place] = self._append(place.to_bytes(WORD, "little"), WORD)
            self.absolutes.append(self.addresses[place])
        return self.addresses[place]

    def _write(self, place: int, value: int, size: int) -> None:
        try:
            self.bytes[place : place + size] = value.to_bytes(size, "little", signed=True)
        except OverflowError:
            raise UnknownObjectError("parts of it are 2 GiB apart") from None


def _known(target: int | None) -> int:
    if target is None:
        raise UnknownObjectError("it refers to variables of the process, or to what is left out")
    return target
