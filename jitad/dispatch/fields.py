"""The fields of a `CompiledFunction` object, by offset in bytes."""

from __future__ import annotations

MAX_CHAIN = 16
"""Native entries of one object: what they do not recognise goes the slow way."""

VECTORCALL = 16  # PyObject *(*)(self, args, nargsf, kwnames)
CHAIN = 24  # record *chain[MAX_CHAIN + 1], newest first, ended by a null
DICT = CHAIN + 8 * (MAX_CHAIN + 1)
WEAKREFS = DICT + 8
SLOW = DICT + 16  # callable (args, kwargs)
ENTRIES = DICT + 24  # tuple of the entries whose records are in the chain
BASIC_SIZE = DICT + 32
