"""The object behind `CompiledFunction`: its fields, and the native slots of its type."""

from __future__ import annotations

from llvmlite import ir as ll

from jitad.dispatch import layout
from jitad.dispatch.code import I8, I32, I64, NULL, PTR, VOID, Code

MAX_CHAIN = 16
"""Native entries of one object; the slow entry comes after the last."""

ENTRIES = 16  # entries[MAX_CHAIN + 1]; entries[0] is the vectorcall pointer
RECORDS = ENTRIES + 8 * (MAX_CHAIN + 1)  # records[i]: the tuple of objects entries[i] uses
DICT = RECORDS + 8 * (MAX_CHAIN + 1)
WEAKREFS = DICT + 8
SLOW = DICT + 16  # callable (args, kwargs)
KEEP = DICT + 24  # what must live as long as the installed entries
RETIRED = DICT + 32  # list: what must live until calls under way have ended
ACTIVE = DICT + 40  # number of native calls under way
BASIC_SIZE = DICT + 48

INDEX_SHIFT = 56
"""An entry learns its place in the chain from bits 56..62 of nargsf: 0 from every caller outside.

The low 32 bits are the number of positional arguments."""


def emit_new(code: Code, slow_entry: ll.Function) -> None:
    """PyObject *tp_new(type, args, kwargs): arguments are left to __init__."""
    (type_, _, _) = code.function.args
    self = code.call("py:PyType_GenericAlloc", PTR, type_, I64(0))
    with code.when(code.builder.not_(code.is_null(self))):
        code.store(slow_entry, self, ENTRIES)
    code.builder.ret(self)


def emit_traverse(code: Code) -> None:
    """int tp_traverse(self, visit, arg)"""
    self, visit, arg = code.function.args
    for offset in (layout.OB_TYPE, DICT, SLOW, KEEP, RETIRED):
        member = code.load(self, offset)
        with code.when(code.builder.not_(code.is_null(member))):
            status = code.call_pointer(visit, I32, [member, arg])
            with code.when(code.ne(status, 0)):
                code.builder.ret(status)
    code.builder.ret(I32(0))


def emit_clear(code: Code, slow_entry: ll.Function) -> None:
    """int tp_clear(self): a cleared object can still be called and then raises."""
    (self,) = code.function.args
    code.store(slow_entry, self, ENTRIES)
    for offset in (DICT, SLOW, KEEP, RETIRED):
        member = code.load(self, offset)
        code.store(NULL, self, offset)
        code.decref(member)
    code.builder.ret(I32(0))


def emit_dealloc(code: Code, clear: ll.Function) -> None:
    """void tp_dealloc(self)"""
    (self,) = code.function.args
    type_ = code.type_of(self)
    code.call("py:PyObject_GC_UnTrack", VOID, self)
    with code.when(code.builder.not_(code.is_null(code.load(self, WEAKREFS)))):
        code.call("py:PyObject_ClearWeakRefs", VOID, self)
    code.builder.call(clear, [self])
    code.call("py:PyObject_GC_Del", VOID, self)
    code.decref(type_)
    code.builder.ret_void()


def emit_descr_get(code: Code) -> None:
    """PyObject *tp_descr_get(self, obj, type): binds as a Python function does."""
    self, obj, _ = code.function.args
    with code.when(code.is_null(obj)):
        code.incref(self)
        code.builder.ret(self)
    code.builder.ret(code.call("py:PyMethod_New", PTR, self, obj))


def emit_slow_entry(code: Code) -> None:
    """The last entry of every chain: `slow(args, kwargs)` with a fresh tuple and a fresh dict."""
    self, args, nargsf, names = code.function.args
    builder = code.builder
    pair = builder.alloca(PTR, 2)
    count = builder.zext(builder.trunc(nargsf, I32), I64)
    slow = code.load(self, SLOW)
    with code.when(code.is_null(slow)):
        message = _string_constant(code.function.module, "this compiled function was cleared")
        code.call("py:PyErr_SetString", VOID, code.object("RuntimeError"), message)
        builder.ret(NULL)
    positional = code.call("py:PyTuple_New", PTR, count)
    with code.when(code.is_null(positional)):
        builder.ret(NULL)

    def take(index: ll.Value) -> None:
        value = code.item(args, index)
        code.incref(value)
        builder.store(value, code.item_address(code.at(positional, layout.TUPLE_ITEMS), index))

    code.for_each(count, take)
    keywords = code.call("py:PyDict_New", PTR)
    failed = code.block("failed")
    code.require(builder.not_(code.is_null(keywords)), failed)
    with code.when(builder.not_(code.is_null(names))):

        def set_keyword(index: ll.Value) -> None:
            name = code.item(code.at(names, layout.TUPLE_ITEMS), index)
            value = code.item(args, builder.add(count, index))
            status = code.call("py:PyDict_SetItem", I32, keywords, name, value)
            code.require(code.eq(status, 0), failed)

        code.for_each(code.load(names, layout.OB_SIZE, I64), set_keyword)
    code.incref(slow)
    code.store(positional, pair)
    code.store(keywords, pair, 8)
    result = code.call("py:PyObject_Vectorcall", PTR, slow, pair, I64(2), NULL)
    for owned in (slow, positional, keywords):
        code.decref(owned)
    builder.ret(result)
    builder.position_at_end(failed)
    code.decref(positional)
    code.decref(keywords)
    builder.ret(NULL)


def _string_constant(module: ll.Module, text: str) -> ll.Value:
    data = bytearray(text.encode() + b"\0")
    constant = ll.GlobalVariable(
        module, ll.ArrayType(I8, len(data)), module.get_unique_name("text")
    )
    constant.initializer = ll.Constant(constant.value_type, data)
    constant.linkage, constant.global_constant = "internal", True
    return constant
