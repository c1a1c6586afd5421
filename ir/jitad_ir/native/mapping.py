"""Flat images in the memory of this process: executable, and freed when nobody holds them."""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from typing import Any, NamedTuple

from .addresses import resolve
from .flatten import Flat

_READ, _WRITE, _EXECUTE = 1, 2, 4
_PRIVATE, _ANONYMOUS = 0x02, 0x20
"""Of Linux's <sys/mman.h>."""
_FAILED = ctypes.c_void_p(-1).value


class Mapping:
    """A flat image, mapped: from names of its exports to addresses.

    Raises OSError if the system refuses, LookupError if the process lacks a function that the image
    calls. The code is freed when this is dropped; not if that is because the process ends, when
    there may still be threads and objects that use it.
    """

    __slots__ = ("_calls", "_is_ending", "_size", "_start", "_symbols")

    def __init__(self, image: Flat) -> None:
        self._size = 0  # nothing is to be freed yet
        imports = {place: resolve(f"system:{name}") for name, place in image.imports.items()}
        self._calls, self._is_ending = _calls(), sys.is_finalizing
        size = image.data_place + len(image.data)
        access, kind = _READ | _WRITE, _PRIVATE | _ANONYMOUS
        start = self._calls.map(None, size, access, kind, -1, 0)
        if start == _FAILED:
            raise _refused("map")
        self._start, self._size, self._symbols = start, size, image.symbols
        ctypes.memmove(start, image.code, len(image.code))
        ctypes.memmove(start + image.data_place, image.data, len(image.data))
        for place in image.absolutes:
            ctypes.c_uint64.from_address(start + place).value += start
        for place, address in imports.items():
            ctypes.c_uint64.from_address(start + place).value = address
        if self._calls.protect(start, image.data_place, _READ | _EXECUTE):
            raise _refused("make executable")

    def __getitem__(self, name: str) -> int:
        return self._start + self._symbols[name]

    def __del__(self) -> None:
        if self._size and not self._is_ending():
            self._calls.unmap(self._start, self._size)


class _Calls(NamedTuple):
    """Functions of the C library."""

    map: Any
    protect: Any
    unmap: Any


@functools.cache
def _calls() -> _Calls:
    library = ctypes.CDLL(None, use_errno=True)
    pointer, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    calls = _Calls(library.mmap, library.mprotect, library.munmap)
    calls.map.restype = pointer
    calls.map.argtypes = pointer, size, number, number, number, ctypes.c_long
    calls.protect.argtypes = pointer, size, number
    calls.unmap.argtypes = pointer, size
    return calls


def _refused(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"cannot {what} memory for code: {os.strerror(number)}")
