"""Idioms of native call code over an llvmlite builder: object fields, C API calls, conditions.

No address appears in the code: C functions and Python objects are reached through `Externals`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from llvmlite import ir as ll

from jitad.dispatch import layout, objects
from jitad_ir.native.externals import Externals

PTR = ll.PointerType()
I1, I8, I32, I64 = (ll.IntType(bits) for bits in (1, 8, 32, 64))
VOID = ll.VoidType()
NULL = ll.Constant(PTR, None)


class Code:
    """A builder positioned in one function, with the externals of its module."""

    def __init__(self, function: ll.Function, externals: Externals) -> None:
        self.function = function
        self.externals = externals
        self.builder = ll.IRBuilder(function.append_basic_block("entry"))

    # ---- memory -----------------------------------------------------------------------------

    def at(self, pointer: ll.Value, offset: int | ll.Value) -> ll.Value:
        """`offset` bytes past `pointer`."""
        if isinstance(offset, int):
            if offset == 0:
                return pointer
            offset = I64(offset)
        return self.builder.gep(pointer, [offset], source_etype=I8)

    def load(self, pointer: ll.Value, offset: int = 0, type_: ll.Type = PTR) -> ll.Value:
        return self.builder.load(self.at(pointer, offset), typ=type_)

    def store(self, value: ll.Value, pointer: ll.Value, offset: int = 0) -> None:
        self.builder.store(value, self.at(pointer, offset))

    def item_at(self, pointer: ll.Value, index: ll.Value) -> ll.Value:
        """Address of `pointer[index]` for 8-byte items."""
        return self.builder.gep(pointer, [index], source_etype=I64)

    def item(self, pointer: ll.Value, index: ll.Value, type_: ll.Type = PTR) -> ll.Value:
        return self.builder.load(self.item_at(pointer, index), typ=type_)

    # ---- calls ------------------------------------------------------------------------------

    def call_pointer(
        self, target: ll.Value, result: ll.Type, args: Sequence[ll.Value], tail: str = ""
    ) -> ll.Value:
        """Calls through a pointer. (The casts tell llvmlite the function's type; no code.)"""
        typed = ll.FunctionType(result, [arg.type for arg in args]).as_pointer()
        callee = self.builder.inttoptr(self.builder.ptrtoint(target, I64), typed)
        return self.builder.call(callee, args, tail=tail)

    def call(self, name: str, result: ll.Type, *args: ll.Value) -> ll.Value:
        """Calls the external C function `name`, e.g. "py:PyTuple_New"."""
        return self.call_pointer(self.externals.pointer(self.builder, name), result, args)

    def ret(self, value: ll.Value | int | None = None) -> None:
        if value is None:
            self.builder.ret_void()
        else:
            returned = self.function.function_type.return_type
            self.builder.ret(returned(value) if isinstance(value, int) else value)

    # ---- objects ----------------------------------------------------------------------------

    def object(self, name: str) -> ll.Value:
        """Borrowed reference to a process-wide Python object, see `objects.py`."""
        return self.externals.pointer(self.builder, f"{objects.FAMILY}:{name}")

    def type_of(self, obj: ll.Value) -> ll.Value:
        return self.load(obj, layout.OB_TYPE)

    def incref(self, obj: ll.Value) -> None:
        self.call("py:Py_IncRef", VOID, obj)

    def decref(self, obj: ll.Value) -> None:
        """Accepts NULL."""
        self.call("py:Py_DecRef", VOID, obj)

    def incref_mortal(self, obj: ll.Value) -> None:
        """In line, for objects that are never immortal: arrays and this package's own."""
        count = self.load(obj, layout.OB_REFCNT, I32)
        self.store(self.builder.add(count, I32(1)), obj, layout.OB_REFCNT)

    def decref_mortal(self, obj: ll.Value) -> None:
        count = self.load(obj, layout.OB_REFCNT, I32)
        last, shared, after = self.block("last"), self.block("shared"), self.block("after")
        self.builder.cbranch(self.eq(count, 1), last, shared)
        self.builder.position_at_end(last)
        self.decref(obj)
        self.builder.branch(after)
        self.builder.position_at_end(shared)
        self.store(self.builder.sub(count, I32(1)), obj, layout.OB_REFCNT)
        self.builder.branch(after)
        self.builder.position_at_end(after)

    # ---- conditions -------------------------------------------------------------------------

    def eq(self, lhs: ll.Value, rhs: ll.Value | int) -> ll.Value:
        return self.builder.icmp_unsigned("==", lhs, lhs.type(rhs) if isinstance(rhs, int) else rhs)

    def ne(self, lhs: ll.Value, rhs: ll.Value | int) -> ll.Value:
        return self.builder.icmp_unsigned("!=", lhs, lhs.type(rhs) if isinstance(rhs, int) else rhs)

    def is_null(self, pointer: ll.Value) -> ll.Value:
        return self.builder.icmp_unsigned("==", pointer, NULL)

    def not_null(self, pointer: ll.Value) -> ll.Value:
        return self.builder.icmp_unsigned("!=", pointer, NULL)

    def all_of(self, *conditions: ll.Value) -> ll.Value:
        result = conditions[0]
        for condition in conditions[1:]:
            result = self.builder.and_(result, condition)
        return result

    # ---- control flow -----------------------------------------------------------------------

    def block(self, name: str) -> ll.Block:
        return self.function.append_basic_block(name)

    def require(self, condition: ll.Value, otherwise: ll.Block) -> None:
        """Goes on where `condition` holds, to `otherwise` where it does not."""
        passed = self.block("passed")
        self.builder.cbranch(condition, passed, otherwise)
        self.builder.position_at_end(passed)

    @contextmanager
    def when(self, condition: ll.Value) -> Iterator[None]:
        """The body runs where `condition` holds; both ways meet after it unless it returns."""
        body, after = self.block("then"), self.block("after")
        self.builder.cbranch(condition, body, after)
        self.builder.position_at_end(body)
        yield
        if not self.builder.block.is_terminated:
            self.builder.branch(after)
        self.builder.position_at_end(after)

    def for_each(self, count: ll.Value, body: Callable[[ll.Value], None]) -> None:
        """`for (i64 i = 0; i < count; i++) body(i)`; the body may leave the loop by a branch."""
        before, head = self.builder.block, self.block("loop")
        inside, after = self.block("body"), self.block("done")
        self.builder.branch(head)
        self.builder.position_at_end(head)
        index = self.builder.phi(I64)
        index.add_incoming(I64(0), before)
        self.builder.cbranch(self.builder.icmp_unsigned("<", index, count), inside, after)
        self.builder.position_at_end(inside)
        body(index)
        if not self.builder.block.is_terminated:
            following = self.builder.add(index, I64(1))
            index.add_incoming(following, self.builder.block)
            self.builder.branch(head)
        self.builder.position_at_end(after)
