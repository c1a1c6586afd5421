"""The words of a record: what `record.py` writes and native code (`arguments.py`, `results.py`)
reads."""

from __future__ import annotations

import enum


class Header(enum.IntEnum):
    """Word of a record that holds each item of the header."""

    OWNER = 0  # borrowed reference to the Entry, held by native code during a call
    PROGRAM = 1  # int (*)(void **pointers): see `entry.py`
    POSITIONAL = 2  # number of positional arguments
    KEYWORDS = 3  # number of keyword arguments
    NAMES = 4  # address of the keyword names
    ARGUMENTS = 5  # address of the argument trees
    RESULTS = 6  # address of the result tree
    POINTERS = 7  # number of leaves of arguments and results, and 1
    HELD = 8  # most references held during a call
    WORKSPACE = 9  # bytes
    RELEASE_GIL = 10  # 0 or 1
    FINISH = 11  # function of what is built that makes the result of it, or 0


class Op(enum.IntEnum):
    """First word of a node, and the words that follow it before its children."""

    ARRAY = 0  # dtype, ndim, *shape
    SCALAR = 1  # its type; the value follows the object header
    INT = 2
    BOOL = 3
    SAME = 4  # object, compared by identity
    STR = 5  # object, compared by value
    STATIC_INT = 6  # object, compared by value
    STATIC_FLOAT = 7  # object, compared by bits
    TUPLE = 8  # its type, size
    LIST = 9  # size
    DICT = 10  # size; each child is preceded by its key
    OTHER = 11  # its type, function that gives the children as a tuple or None, size


HOLD = 0x100
"""Added to the op of a node reached through a list or a dict: a reference is held during the call.

Another thread, or code run by an allocation, could empty the container. Direct arguments and
items of tuples are kept alive by the caller.
"""


class ResultOp(enum.IntEnum):
    """First word of a result node, and the words that follow it before its children."""

    RECYCLED = 0  # dtype, ndim, address of two slots, *shape
    NEW = 1  # dtype, ndim, 0, *shape
    POOLED = 2  # dtype, ndim, nbytes, *shape
    LITERAL = 3  # object
    TUPLE = 4  # its type (0 for tuple itself), size
    LIST = 5  # size
    DICT = 6  # size; each child is preceded by its key
