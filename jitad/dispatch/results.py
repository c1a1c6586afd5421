"""The allocate stage of an entry: the result tree, whole, around arrays the program will fill.

Containers are made before their contents and every object is put into its parent at once, so the root
owns all of it and discarding the root discards everything.
"""

from __future__ import annotations

from llvmlite import ir as ll

from jitad.dispatch import layout, objects
from jitad.dispatch.arguments import shape_constant
from jitad.dispatch.code import I32, I64, NULL, PTR, Code
from jitad.dispatch.pool import POOLED_RESULT_BYTES
from jitad.dispatch.signature import (
    DictNode,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    NoneNode,
    ResultLeaf,
    ResultNode,
    TupleNode,
)

RECYCLED_RESULT_BYTES = 16 << 10
"""Result arrays of at most this size are kept for reuse by their entry, two for each result."""


class ResultBuilder:
    """Emits the construction of a result tree; where it fails it branches to `failed`."""

    def __init__(
        self,
        code: Code,
        objects: ll.Value,
        positions: dict[int, int],
        failed: ll.Block,
    ) -> None:
        """`objects[positions[id(obj)]]` is obj."""
        self.code = code
        self.objects = objects
        self.positions = positions
        self.failed = failed
        self.data: list[ll.Value] = []  # address of each result leaf's data
        with code.builder.goto_entry_block():
            self._root = code.builder.alloca(PTR)
            code.builder.store(NULL, self._root)

    def build(self, node: ResultNode, slots: ll.Value) -> ll.Value:
        """The root of the tree: a reference owned by the caller. `slots`: see `_array`."""
        self._slots = slots
        root = self._make(node)
        self.code.builder.store(root, self._root)
        self._fill(root, node)
        return root

    def discard(self) -> None:
        """Drops whatever has been made."""
        self.code.decref(self.code.builder.load(self._root, typ=PTR))

    def _local(self, obj: object) -> ll.Value:
        return self.code.item(self.objects, self.positions[id(obj)])

    def _make(self, node: ResultNode) -> ll.Value:
        """A new reference to the node's object, containers still empty."""
        code = self.code
        match node:
            case ResultLeaf():
                made = self._array(node)
                self._require_made(made)
                self.data.append(code.load(made, layout.ARRAY_DATA))
                return made
            case NoneNode() | LiteralNode():
                made = (
                    code.object("None") if isinstance(node, NoneNode) else self._local(node.value)
                )
                code.incref(made)
                return made
            case TupleNode(items=items):
                made = code.call("py:PyTuple_New", PTR, I64(len(items)))
            case NamedTupleNode(type=type_, items=items):
                size = I64(len(items))
                made = code.call("py:PyType_GenericAlloc", PTR, self._local(type_), size)
            case ListNode(items=items):
                made = code.call("py:PyList_New", PTR, I64(len(items)))
            case DictNode():
                made = code.call("py:PyDict_New", PTR)
            case _:
                raise TypeError(f"no native construction of {node}")
        self._require_made(made)
        return made

    def _fill(self, container: ll.Value, node: ResultNode) -> None:
        code = self.code
        match node:
            case TupleNode(items=items) | NamedTupleNode(items=items):
                for position, item in enumerate(items):
                    made = self._make(item)
                    code.store(made, container, layout.TUPLE_ITEMS + 8 * position)
                    self._fill(made, item)
            case ListNode(items=items) if items:
                storage = code.load(container, layout.LIST_ITEMS)
                for position, item in enumerate(items):
                    made = self._make(item)
                    code.store(made, storage, 8 * position)
                    self._fill(made, item)
            case DictNode(keys=keys, items=items):
                for key, item in zip(keys, items, strict=True):
                    made = self._make(item)
                    args = (container, self._local(key), made)
                    status = code.call("py:PyDict_SetItem", I32, *args)
                    code.decref(made)  # the dict holds it now, or nobody does
                    code.require(code.eq(status, 0), self.failed)
                    self._fill(made, item)

    def _require_made(self, made: ll.Value) -> None:
        self.code.require(self.code.builder.not_(self.code.is_null(made)), self.failed)

    def _array(self, leaf: ResultLeaf) -> ll.Value:
        code = self.code
        args = (
            code.object(objects.dtype_name(leaf.dtype)),
            I32(len(leaf.shape)),
            shape_constant(code.function.module, leaf.shape),
        )
        if leaf.nbytes >= POOLED_RESULT_BYTES:
            return code.call("dispatch:pooled_array", PTR, *args, I64(leaf.nbytes))
        if leaf.nbytes > RECYCLED_RESULT_BYTES:
            return code.call("dispatch:new_array", PTR, *args)
        slots = code.at(self._slots, 16 * len(self.data))
        return code.call("dispatch:recycled_array", PTR, slots, *args)
