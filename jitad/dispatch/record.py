"""Records: what native code reads to check one call shape, run its program and return its results.

A record is an array of 64-bit words: a header, then three sequences in prefix order (keyword
names, the argument trees, the result tree). It holds addresses of this process, so it is made
where it is installed and never stored. `words.py` names the words; `arguments.py` and `results.py`
are the native readers.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad.dispatch import layout
from jitad.dispatch.pool import POOLED_RESULT_BYTES
from jitad.dispatch.registered import assembler, children_function
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    Node,
    NoneNode,
    OtherNode,
    ResultLeaf,
    ResultNode,
    Signature,
    StaticNode,
    TupleNode,
    children,
    iterate_result_leaves,
)
from jitad.dispatch.support import hidden_reference
from jitad.dispatch.words import HOLD, Header, Op, ResultOp

RECYCLED_RESULT_BYTES = 16 << 10
"""Result arrays of at most this size are kept for reuse by their entry, two for each result."""

MAX_CELLS = 16384
"""8-byte cells of the stack a native call may take for its leaves and references."""


_PYTHON_TYPES = {np.dtype(type_): type_ for type_ in (bool, int, float, complex)}
_STATIC_OPS = {str: Op.STR, int: Op.STATIC_INT, float: Op.STATIC_FLOAT}


class _Words:
    """Words under construction and the objects whose addresses are among them."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.objects: list[object] = []

    def add(self, *words: int) -> None:
        self.words += words

    def address(self, obj: object) -> int:
        self.objects.append(obj)
        return id(obj)

    def argument(self, node: Node, hold: int = 0) -> None:
        below = hold
        match node:
            case Leaf():
                self._leaf(node, hold)
            case NoneNode():
                self.add(Op.SAME | hold, id(None))
            case StaticNode(value=value):
                op = _STATIC_OPS.get(type(value), Op.SAME)
                self.add(op | hold, self.address(value))
            case TupleNode():
                self.add(Op.TUPLE | hold, id(tuple), len(node.items))
            case NamedTupleNode():
                self.add(Op.TUPLE | hold, self.address(node.type), len(node.items))
            case ListNode():
                below = HOLD
                self.add(Op.LIST | hold, len(node.items))
            case DictNode():
                below = HOLD
                self.add(Op.DICT | hold, len(node.items))
            case OtherNode():
                below = 0  # in a tuple, which is held
                take_apart = self.address(children_function(node))
                self.add(Op.OTHER | hold, self.address(node.type), take_apart, len(node.items))
        for position, child in enumerate(children(node)):
            if isinstance(node, DictNode):
                self.add(self.address(node.keys[position]))
            self.argument(child, below)

    def _leaf(self, leaf: Leaf, hold: int) -> None:
        if leaf.kind is LeafKind.ARRAY:
            dtype = self.address(leaf.dtype)
            self.add(Op.ARRAY | hold, dtype, len(leaf.shape), *leaf.shape)
        elif leaf.shape or (leaf.kind is LeafKind.PYTHON and leaf.dtype not in _PYTHON_TYPES):
            raise ValueError(f"expected a scalar of a Python or NumPy type; got {leaf}")
        elif leaf.kind is LeafKind.NUMPY:
            self.add(Op.SCALAR | hold, self.address(leaf.dtype.type))
        elif leaf.dtype.kind == "b":
            self.add(Op.BOOL | hold)
        elif leaf.dtype.kind == "i":
            self.add(Op.INT | hold)
        else:
            self.add(Op.SCALAR | hold, id(_PYTHON_TYPES[leaf.dtype]))

    def result(self, node: ResultNode, slots: Any) -> None:
        match node:
            case ResultLeaf():
                op, word = ResultOp.NEW, 0
                if node.nbytes >= POOLED_RESULT_BYTES:
                    op, word = ResultOp.POOLED, node.nbytes
                elif node.nbytes <= RECYCLED_RESULT_BYTES:
                    op, word = ResultOp.RECYCLED, next(slots)
                self.add(op, self.address(node.dtype), len(node.shape), word, *node.shape)
            case NoneNode():
                self.add(ResultOp.LITERAL, id(None))
            case LiteralNode(value=value):
                self.add(ResultOp.LITERAL, self.address(value))
            case TupleNode():
                self.add(ResultOp.TUPLE, 0, len(node.items))
            case NamedTupleNode():
                self.add(ResultOp.TUPLE, self.address(node.type), len(node.items))
            case ListNode():
                self.add(ResultOp.LIST, len(node.items))
            case DictNode():
                self.add(ResultOp.DICT, len(node.items))
            case _:
                raise TypeError(f"expected a node with a native construction; got {node}")
        for position, child in enumerate(children(node)):
            if isinstance(node, DictNode):
                self.add(self.address(node.keys[position]))
            self.result(child, slots)


def _count_held(node: Node, hold: bool = False) -> int:
    """Most references a walk of the tree holds: nodes below lists and dicts, copies of arrays, the
    children of registered nodes."""
    is_other = isinstance(node, OtherNode)
    below = not is_other and (hold or isinstance(node, ListNode | DictNode))
    is_array = isinstance(node, Leaf) and node.kind is LeafKind.ARRAY
    own = int(is_array or is_other) + int(hold)
    return own + sum(_count_held(child, below) for child in children(node))


class Entry:
    """One specialisation of a compiled function, ready to be installed.

    Attributes:
      signature, results: what it accepts and returns.
      address: of its program, `int (*)(void **pointers)`, see `entry.emit_entry`.
      keep_alive: owner of the code.
      is_native: whether native code can check its arguments and build its results, which have a
        bounded number of leaves. If not, it is called by `classify.call_entry` only.
    """

    __slots__ = (
        "__weakref__", "_code", "_objects", "address", "constants", "is_native", "keep_alive",
        "record", "release_gil", "results", "signature", "workspace_bytes",
    )  # fmt: skip

    def __init__(
        self,
        address: int,
        keep_alive: object,
        signature: Signature,
        results: ResultNode,
        *,
        workspace_bytes: int = 0,
        release_gil: bool = False,
        constants: Sequence[object] = (),
    ) -> None:
        """`release_gil`: other Python threads run during the program, which uses no Python but to
        call the functions that are among `constants`, with the lock. The entry, which is held
        during a call, keeps those where the garbage collector sees them."""
        self.address = address
        self.constants = tuple(constants)
        self.keep_alive = keep_alive
        self.signature = signature
        self.results = results
        self.workspace_bytes = workspace_bytes
        self.release_gil = release_gil
        pointers = len(signature.leaves) + len(list(iterate_result_leaves(results))) + 1
        held = 1 + sum(map(_count_held, signature.nodes))  # 1: the workspace
        self.is_native = layout.native_calls_supported() and 2 * pointers + held <= MAX_CELLS
        self._code = hidden_reference(keep_alive) if layout.native_calls_supported() else None
        self.record: ctypes.Array[ctypes.c_int64] | None = None
        if self.is_native:
            self._encode(pointers, held)

    def _encode(self, pointers: int, held: int) -> None:
        """Sets `record`, and `_objects` that keeps what it points to."""
        encoded = _Words()
        recycled = [None] * (2 * pointers)  # native code keeps results here for reuse
        slots = ctypes.c_int64.from_address(id(recycled) + layout.LIST_ITEMS).value
        names = len(Header)
        encoded.add(*(encoded.address(name) for name, _ in self.signature.keywords))
        arguments = names + len(encoded.words)
        for node in self.signature.nodes:
            encoded.argument(node)
        results = names + len(encoded.words)
        built, finish = assembler(self.results)
        encoded.result(built, itertools.count(slots, 16))
        record = (ctypes.c_int64 * (names + len(encoded.words)))()
        start = ctypes.addressof(record)
        header = {
            Header.OWNER: id(self),
            Header.PROGRAM: self.address,
            Header.POSITIONAL: len(self.signature.positional),
            Header.KEYWORDS: len(self.signature.keywords),
            Header.NAMES: start + 8 * names,
            Header.ARGUMENTS: start + 8 * arguments,
            Header.RESULTS: start + 8 * results,
            Header.POINTERS: pointers,
            Header.HELD: held,
            Header.WORKSPACE: self.workspace_bytes,
            Header.RELEASE_GIL: int(self.release_gil),
            Header.FINISH: 0 if finish is None else encoded.address(finish),
        }
        record[:] = [*(header[item] for item in Header), *encoded.words]
        self.record = record
        self._objects = (recycled, *encoded.objects)
