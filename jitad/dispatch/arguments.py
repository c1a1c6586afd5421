"""The check stage of an entry: from argument objects to the addresses of the leaves' data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from llvmlite import ir as ll

from jitad.dispatch import layout, objects
from jitad.dispatch.code import I8, I32, I64, NULL, PTR, VOID, Code
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    NamedTupleNode,
    Node,
    NoneNode,
    Signature,
    StaticNode,
    TupleNode,
    children,
)

INLINE_LEAVES = 8
"""Array leaves checked by inline code; the rest by a call each, to keep large entries small."""

PY_EQ = 2

_PYTHON_TYPES = {np.dtype(t): t.__name__ for t in (bool, int, float, complex)}


def count_held(node: Node, mutable: bool = False) -> int:
    """Upper bound on the references a walk of the tree holds at once."""
    below_mutable = mutable or isinstance(node, ListNode | DictNode)
    own = int(isinstance(node, Leaf) and node.kind is LeafKind.ARRAY) + int(mutable)
    return own + sum(count_held(child, below_mutable) for child in children(node))


class ArgumentWalk:
    """Emits the checks. Any that fails branches to `mismatch`, where `release` must be emitted.

    References are taken to whatever is reached through a list or a dict (another thread, or code run
    by an allocation, could empty it during the call) and to copies of arrays that are not
    C-contiguous. Direct arguments and items of tuples are kept alive by the caller.
    """

    def __init__(
        self,
        code: Code,
        objects: ll.Value,
        positions: dict[int, int],
        mismatch: ll.Block,
        capacity: int,
    ) -> None:
        """`objects[positions[id(obj)]]` is obj; at most `capacity` references will be held."""
        self.code = code
        self.objects = objects
        self.positions = positions
        self.mismatch = mismatch
        self._inline = INLINE_LEAVES
        self._held = code.builder.alloca(PTR, capacity)
        self._held_count = code.builder.alloca(I64)
        code.builder.store(I64(0), self._held_count)

    # ---- references held --------------------------------------------------------------------

    def hold(self, obj: ll.Value) -> None:
        """Takes over one reference, dropped by `release`."""
        builder = self.code.builder
        count = builder.load(self._held_count, typ=I64)
        builder.store(obj, self.code.item_address(self._held, count))
        builder.store(builder.add(count, I64(1)), self._held_count)

    def _borrow(self, obj: ll.Value, mutable: bool) -> ll.Value:
        if mutable:
            self.code.incref(obj)
            self.hold(obj)
        return obj

    def release(self) -> None:
        """Drops the references held."""
        code = self.code
        count = code.builder.load(self._held_count, typ=I64)
        with code.when(code.ne(count, 0)):
            code.call("dispatch:release", VOID, self._held, count)

    # ---- trees ------------------------------------------------------------------------------

    def arguments(self, args: ll.Value, signature: Signature) -> list[ll.Value]:
        """Addresses of the data of every leaf, in order."""
        leaves: list[ll.Value] = []
        for position, node in enumerate(signature.nodes):
            self._walk(self.code.item(args, position), node, leaves, mutable=False)
        return leaves

    def require_names(self, names: ll.Value, expected: Sequence[str]) -> None:
        """Keyword names, compared by identity: call sites intern them."""
        code = self.code
        self._require(code.eq(code.load(names, layout.OB_SIZE, I64), len(expected)))
        items = code.at(names, layout.TUPLE_ITEMS)
        same = [code.eq(code.item(items, i), self._local(name)) for i, name in enumerate(expected)]
        self._require(code.all_of(same))

    def _local(self, obj: object) -> ll.Value:
        return self.code.item(self.objects, self.positions[id(obj)])

    def _require(self, condition: ll.Value) -> None:
        self.code.require(condition, self.mismatch)

    def _require_type(self, obj: ll.Value, name: str) -> None:
        self._require(self.code.eq(self.code.type_of(obj), self.code.object(name)))

    def _walk(self, obj: ll.Value, node: Node, leaves: list[ll.Value], mutable: bool) -> None:
        """`mutable`: a list or a dict lies on the way from the argument to `obj`."""
        code = self.code
        match node:
            case Leaf():
                leaves.append(self._leaf(obj, node))
            case NoneNode():
                self._require(code.eq(obj, code.object("None")))
            case StaticNode(value=value):
                self._static(obj, value)
            case TupleNode(items=items) | NamedTupleNode(items=items):
                if isinstance(node, TupleNode):
                    self._require_type(obj, "tuple")
                else:
                    self._require(code.eq(code.type_of(obj), self._local(node.type)))
                self._require(code.eq(code.load(obj, layout.OB_SIZE, I64), len(items)))
                for position, item in enumerate(items):
                    child = code.item(code.at(obj, layout.TUPLE_ITEMS), position)
                    self._walk(self._borrow(child, mutable), item, leaves, mutable)
            case ListNode(items=items):
                self._require_type(obj, "list")
                for position, item in enumerate(items):
                    # The size is read again each time: the walk of an item can run Python code.
                    self._require(code.eq(code.load(obj, layout.OB_SIZE, I64), len(items)))
                    child = code.item(code.load(obj, layout.LIST_ITEMS), position)
                    self._walk(self._borrow(child, True), item, leaves, True)
                self._require(code.eq(code.load(obj, layout.OB_SIZE, I64), len(items)))
            case DictNode(keys=keys, items=items):
                self._require_type(obj, "dict")
                for key, item in zip(keys, items, strict=True):
                    child = code.call("py:PyDict_GetItemWithError", PTR, obj, self._local(key))
                    self._require_found(child)
                    self._walk(self._borrow(child, True), item, leaves, True)
                self._require(code.eq(code.call("py:PyDict_Size", I64, obj), len(items)))
            case _:
                raise TypeError(f"no native walk for {node}")

    def _require_found(self, child: ll.Value) -> None:
        """A key whose comparison raised counts as absent: the slow path will raise it again."""
        code = self.code
        with code.when(code.is_null(child)):
            code.call("py:PyErr_Clear", VOID)
            code.builder.branch(self.mismatch)

    def _static(self, obj: ll.Value, value: object) -> None:
        code, builder = self.code, self.code.builder
        expected = self._local(value)
        same = code.eq(obj, expected)
        kind = type(value)
        if kind not in (str, int, float):
            self._require(same)
            return
        compare, equal = code.block("compare"), code.block("equal")
        builder.cbranch(same, equal, compare)
        builder.position_at_end(compare)
        self._require_type(obj, kind.__name__)
        if kind is str:
            difference = code.call("py:PyUnicode_Compare", I32, obj, expected)
            self._require(code.eq(difference, 0))
        elif kind is int:
            is_equal = code.call("py:PyObject_RichCompareBool", I32, obj, expected, I32(PY_EQ))
            self._require(code.eq(is_equal, 1))
        else:  # by bits: 0.0 and -0.0 are different values
            bits = [code.load(number, layout.SCALAR_VALUE, I64) for number in (obj, expected)]
            self._require(code.eq(*bits))
        builder.branch(equal)
        builder.position_at_end(equal)

    # ---- leaves -----------------------------------------------------------------------------

    def _leaf(self, obj: ll.Value, leaf: Leaf) -> ll.Value:
        if leaf.kind is LeafKind.ARRAY:
            return self._array(obj, leaf)
        if leaf.kind is LeafKind.NUMPY:
            self._require_type(obj, objects.scalar_type_name(leaf.dtype))
            return self.code.at(obj, layout.SCALAR_VALUE)
        name = _PYTHON_TYPES[leaf.dtype]
        if name == "bool":
            return self._bool(obj)
        self._require_type(obj, name)
        return self._int(obj) if name == "int" else self.code.at(obj, layout.SCALAR_VALUE)

    def _bool(self, obj: ll.Value) -> ll.Value:
        code = self.code
        is_true = code.eq(obj, code.object("True"))
        self._require(code.builder.or_(is_true, code.eq(obj, code.object("False"))))
        slot = self._stack_slot(I8, 1)
        code.builder.store(code.builder.zext(is_true, I8), slot)
        return slot

    def _int(self, obj: ll.Value) -> ll.Value:
        """Ints beyond 64 bits are left to the slow path."""
        code = self.code
        overflow, slot = self._stack_slot(I32, 4), self._stack_slot(I64, 8)
        value = code.call("py:PyLong_AsLongLongAndOverflow", I64, obj, overflow)
        self._require(code.eq(code.builder.load(overflow, typ=I32), 0))
        code.builder.store(value, slot)
        return slot

    def _stack_slot(self, type_: ll.Type, align: int) -> ll.Value:
        with self.code.builder.goto_entry_block():
            slot = self.code.builder.alloca(type_)
        slot.align = align
        return slot

    def _array(self, obj: ll.Value, leaf: Leaf) -> ll.Value:
        code, builder = self.code, self.code.builder
        dtype = code.object(objects.dtype_name(leaf.dtype))
        shape = shape_constant(code.function.module, leaf.shape)
        general = (obj, dtype, I32(len(leaf.shape)), shape, self._held, self._held_count)
        if self._inline == 0:
            data = code.call("dispatch:array_leaf", PTR, *general)
            self._require(builder.not_(code.is_null(data)))
            return data
        self._inline -= 1
        unusual, known = code.block("unusual"), code.block("known")
        type_ = code.type_of(obj)
        is_array = builder.or_(
            code.eq(type_, code.object("ndarray")), code.eq(type_, code.object("Array"))
        )
        self._require(is_array)
        flags = code.load(obj, layout.ARRAY_FLAGS, I32)
        usual = [
            code.eq(code.load(obj, layout.ARRAY_DTYPE), dtype),
            code.eq(code.load(obj, layout.ARRAY_NDIM, I32), len(leaf.shape)),
            code.has_flags(flags, layout.C_CONTIGUOUS | layout.ALIGNED),
        ]
        code.require(code.all_of(usual), unusual)
        if leaf.shape:
            own_shape = code.load(obj, layout.ARRAY_SHAPE)
            self._require(
                code.all_of(
                    [code.eq(code.item(own_shape, i, I64), n) for i, n in enumerate(leaf.shape)]
                )
            )
        usual_data = code.load(obj, layout.ARRAY_DATA)
        usual_end = builder.block
        builder.branch(known)
        builder.position_at_end(unusual)
        unusual_data = code.call("dispatch:array_leaf", PTR, *general)
        builder.cbranch(code.is_null(unusual_data), self.mismatch, known)
        builder.position_at_end(known)
        data = builder.phi(PTR)
        data.add_incoming(usual_data, usual_end)
        data.add_incoming(unusual_data, unusual)
        return data


def shape_constant(module: ll.Module, shape: tuple[int, ...]) -> ll.Value:
    """Address of the dimensions as constants; NULL for a 0-d array."""
    if not shape:
        return NULL
    name = "jitad.shape." + ".".join(map(str, shape))
    if name in module.globals:
        return module.globals[name]
    type_ = ll.ArrayType(I64, len(shape))
    constant = ll.GlobalVariable(module, type_, name)
    constant.initializer = ll.Constant(type_, list(shape))
    constant.linkage, constant.global_constant = "internal", True
    return constant
