"""The native slots of the type `CompiledFunction`."""

from __future__ import annotations

from llvmlite import ir as ll

from jitad.dispatch import layout
from jitad.dispatch.code import I8, I32, I64, NULL, PTR, VOID, Code
from jitad.dispatch.fields import CHAIN, DICT, ENTRIES, SLOW, VECTORCALL, WEAKREFS


def emit_new(code: Code, vectorcall: ll.Function) -> None:
    """PyObject *tp_new(type, args, kwargs): arguments are left to __init__."""
    (type_, _, _) = code.function.args
    self = code.call("py:PyType_GenericAlloc", PTR, type_, I64(0))
    with code.when(code.not_null(self)):
        code.store(vectorcall, self, VECTORCALL)
    code.ret(self)


def emit_traverse(code: Code) -> None:
    """int tp_traverse(self, visit, arg)"""
    self, visit, arg = code.function.args
    for offset in (layout.OB_TYPE, DICT, SLOW, ENTRIES):
        member = code.load(self, offset)
        with code.when(code.not_null(member)):
            status = code.call_pointer(visit, I32, [member, arg])
            with code.when(code.ne(status, 0)):
                code.ret(status)
    code.ret(0)


def emit_clear(code: Code) -> None:
    """int tp_clear(self): a cleared object can still be called, and raises."""
    (self,) = code.function.args
    code.store(NULL, self, CHAIN)
    for offset in (DICT, SLOW, ENTRIES):
        member = code.load(self, offset)
        code.store(NULL, self, offset)
        code.decref(member)
    code.ret(0)


def emit_dealloc(code: Code, clear: ll.Function) -> None:
    """void tp_dealloc(self)"""
    (self,) = code.function.args
    type_ = code.type_of(self)
    code.call("py:PyObject_GC_UnTrack", VOID, self)
    with code.when(code.not_null(code.load(self, WEAKREFS))):
        code.call("py:PyObject_ClearWeakRefs", VOID, self)
    code.builder.call(clear, [self])
    code.call("py:PyObject_GC_Del", VOID, self)
    code.decref(type_)
    code.ret()


def emit_descr_get(code: Code) -> None:
    """PyObject *tp_descr_get(self, obj, type): binds as a Python function does."""
    self, obj, _ = code.function.args
    with code.when(code.is_null(obj)):
        code.incref(self)
        code.ret(self)
    code.ret(code.call("py:PyMethod_New", PTR, self, obj))


def emit_slow_call(code: Code) -> None:
    """The end of every chain: `slow(args, kwargs)` with a fresh tuple and a fresh dict."""
    self, args, nargsf, names = code.function.args
    builder = code.builder
    pair = builder.alloca(PTR, 2)
    count = builder.zext(builder.trunc(nargsf, I32), I64)
    slow = code.load(self, SLOW)
    with code.when(code.is_null(slow)):
        message = _string_constant(code.function.module, "this compiled function was cleared")
        code.call("py:PyErr_SetString", VOID, code.object("RuntimeError"), message)
        code.ret(NULL)
    positional = code.call("py:PyTuple_New", PTR, count)
    with code.when(code.is_null(positional)):
        code.ret(NULL)
    items = code.at(positional, layout.TUPLE_ITEMS)

    def take(index: ll.Value) -> None:
        value = code.item(args, index)
        code.incref(value)
        builder.store(value, code.item_at(items, index))

    code.for_each(count, take)
    keywords = code.call("py:PyDict_New", PTR)
    failed = code.block("failed")
    code.require(code.not_null(keywords), failed)
    with code.when(code.not_null(names)):

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
    code.ret(result)
    builder.position_at_end(failed)
    code.decref(positional)
    code.decref(keywords)
    code.ret(NULL)


def emit_release_hidden(code: Code) -> None:
    """void (*PyCapsule_Destructor)(capsule): drops the object the capsule points to."""
    (capsule,) = code.function.args
    code.decref(code.call("py:PyCapsule_GetPointer", PTR, capsule, NULL))
    code.ret()


def _string_constant(module: ll.Module, text: str) -> ll.Value:
    data = bytearray(text.encode() + b"\0")
    type_ = ll.ArrayType(I8, len(data))
    constant = ll.GlobalVariable(module, type_, module.get_unique_name("text"))
    constant.initializer = ll.Constant(type_, data)
    constant.linkage, constant.global_constant = "internal", True
    return constant
