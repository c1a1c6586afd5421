"""What ops whose `lower` is `Routine` emit with: loops, branches and library calls on buffers.

Ops do not import LLVM: types are named by dtypes, and register values (`ll.Value`) come from the
methods here, from `r.builder` and from the emitters `r.b` and `r.simd(width)`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from llvmlite import ir as ll

from ..types import COMPLEX128, INT64, ArrayType, DType, Shape
from .blas_threads import emit_begin, emit_end
from .control_flow import ControlFlow, IndexPart
from .emitter import Emitter
from .externals import Externals
from .functions import internal_function
from .jobs import emit_parallel_for, emit_share, emit_threads_now
from .lanes import F64, I1, I8, I32, I64, PTR, Lanes, element_type, memory_type
from .loops import registers_of

Index: TypeAlias = "tuple[IndexPart, ...]"

FILL_BYTES = 32
"""Bytes that one store of `fill` writes."""


class Buffer(NamedTuple):
    """A C-contiguous array in memory."""

    type: ArrayType
    pointer: Any
    """Its first element, an LLVM pointer."""


class RoutineEmitter(ControlFlow):
    """Emits code at the place of `builder`, and moves it behind what was emitted."""

    def __init__(
        self,
        builder: ll.IRBuilder,
        externals: Externals,
        workspace: Any = None,
        raised: Callable[[], ll.Block] | None = None,
    ) -> None:
        super().__init__(builder)
        self.raised = raised
        self.externals = externals
        self.workspace = workspace
        """Pointer to the op's scratch memory, 64-byte aligned; null if it asked for none."""
        self.b = Emitter(builder, 1)
        """The emitter of single elements."""

    def simd(self, width: int) -> Emitter:
        """The emitter of vectors of `width` elements at the same place."""
        return Emitter(self.builder, width)

    # Values

    def local(self, type: DType | ll.Type, count: int = 1) -> ll.Value:
        """Pointer to an uninitialised stack slot of `count` elements, one slot however often this
        place is reached (a register, if only loads and stores of this element use it)."""
        if not isinstance(type, ll.Type):
            parts = 2 if type.kind == "c" else 1
            type = ll.ArrayType(memory_type(type), parts * count)
        elif count != 1:
            type = ll.ArrayType(type, count)
        with self.builder.goto_entry_block():
            slot = self.builder.alloca(type)
        if not isinstance(type, ll.VectorType):  # those are read and written at their own alignment
            slot.align = 16
        slot.type = PTR  # llvmlite would ask that all loads and stores have the slot's type
        return slot

    def reference(self, value: Lanes | ll.Value) -> ll.Value:
        """Pointer to a stack slot that holds `value`: how Fortran takes arguments."""
        if isinstance(value, Lanes):
            slot = self.local(value.dtype)
            self.b.store(slot, value)
        else:
            slot = self.local(value.type)
            self.builder.store(value, slot)
        return slot

    def literal(self, dtype: DType, value: complex) -> ll.Value:
        """Pointer to a number in memory that is only read, the same wherever it is asked for."""
        name = f"jitad.literal.{dtype.name}.{value}"
        known = self.builder.module.globals.get(name)
        if known is not None:
            return known
        parts: list[Any] = registers_of([self.b.constant(dtype, value)])
        type = ll.ArrayType(parts[0].type, len(parts))
        place = ll.GlobalVariable(self.builder.module, type, name)
        place.initializer = ll.Constant(type, parts)
        place.global_constant = True
        place.linkage = "internal"
        place.align = 16
        place.type = PTR
        return place

    def nowhere(self) -> ll.Value:
        """The null pointer."""
        return ll.Constant(PTR, None)

    def offset(self, pointer: ll.Value, nbytes: ll.Value) -> ll.Value:
        """The address `nbytes` bytes, an i64, behind `pointer`."""
        return self.builder.gep(pointer, [nbytes], source_etype=I8)

    def buffer(self, type: ArrayType, pointer: ll.Value, offset: int = 0) -> Buffer:
        """The memory `offset` bytes behind `pointer` as an array; for parts of the workspace."""
        if offset:
            pointer = self.builder.gep(pointer, [self.integer(offset)], source_etype=I8)
        return Buffer(type, pointer)

    # Memory

    def element_pointer(self, buffer: Buffer, index: Index) -> ll.Value:
        """Pointer to the element at `index`; raises IndexError where a static index is outside."""
        offset = self._offset(buffer.type.shape, index)
        dtype = buffer.type.dtype
        if isinstance(offset, ll.Constant) and offset.constant == 0:
            return buffer.pointer
        if dtype.kind == "c":
            two = self.integer(2)
            offset = self.builder.mul(offset, two, flags=("nuw", "nsw"))
        return self.builder.gep(
            buffer.pointer, [offset], inbounds=True, source_etype=memory_type(dtype)
        )

    def load(self, buffer: Buffer, index: Index) -> Lanes:
        """The element at `index`: ints and i64 values, as many as the buffer has axes, each in
        bounds."""
        return self.b.load(self.element_pointer(buffer, index), buffer.type.dtype)

    def store(self, buffer: Buffer, index: Index, lanes: Lanes) -> None:
        """Write one element."""
        _require_dtype("store", buffer, lanes)
        self.b.store(self.element_pointer(buffer, index), lanes)

    def copy(self, destination: Buffer, source: Buffer) -> None:
        """Copy all elements, in C order; the buffers have one dtype and size, and do not overlap
        unless they are the same."""
        to, of = destination.type, source.type
        if (to.dtype, to.size) != (of.dtype, of.size):
            raise ValueError(f"copy: expected as many elements of one dtype; got {of} into {to}")
        if to.nbytes == 0 or destination.pointer is source.pointer:
            return
        self.copy_bytes(destination.pointer, source.pointer, self.integer(to.nbytes))

    def copy_bytes(self, destination: ll.Value, source: ll.Value, nbytes: ll.Value) -> None:
        """Copy `nbytes` bytes, an i64, of memory that does not overlap."""
        memcpy = self.builder.module.declare_intrinsic("llvm.memcpy", [PTR, PTR, I64])
        self.builder.call(memcpy, [destination, source, nbytes, ll.Constant(I1, 0)])

    def clear(self, pointer: ll.Value, nbytes: ll.Value) -> None:
        """Set `nbytes` bytes, an i64, to zero."""
        memset = self.builder.module.declare_intrinsic("llvm.memset", [PTR, I64])
        self.builder.call(memset, [pointer, ll.Constant(I8, 0), nbytes, ll.Constant(I1, 0)])

    def fill(self, buffer: Buffer, lanes: Lanes) -> None:
        """Write one element to all places."""
        _require_dtype("fill", buffer, lanes)
        dtype = buffer.type.dtype
        width = FILL_BYTES // dtype.itemsize
        simd = self.simd(width)
        vector = simd.splat(lanes)
        flat = Buffer(buffer.type.with_shape((buffer.type.size,)), buffer.pointer)
        vectors, rest = divmod(buffer.type.size, width)

        def store_vector(i: ll.Value) -> None:
            first = self.builder.mul(i, self.integer(width), flags=("nuw", "nsw"))
            simd.store(self.element_pointer(flat, (first,)), vector)

        self.loop(vectors, store_vector)
        for i in range(buffer.type.size - rest, buffer.type.size):
            self.store(flat, (i,), lanes)

    # Calls

    def call(
        self,
        name: str,
        result: DType | ll.Type | None,
        arguments: Sequence[Lanes | ll.Value],
        *,
        alone: bool = False,
    ) -> ll.Value:
        """Call the external function `name` ("blas:dgemm") with real scalars and pointers.

        `result` is the dtype of its result, None for a function that returns nothing. BLAS and
        LAPACK run on this thread alone; say `alone` of a call so small that they do so anyway.
        """
        values = [_register(argument) for argument in arguments]
        signature = ll.FunctionType(_register_type(result), [v.type for v in values])
        function = self.externals.pointer(self.builder, name, signature.as_pointer())
        family = name.partition(":")[0]
        if alone or family not in ("blas", "lapack"):
            return self.builder.call(function, values)
        emit_begin(self, family)
        called = self.builder.call(function, values)
        emit_end(self, family)
        return called

    def call_python(self, function: object, text: str, buffers: Sequence[Buffer]) -> None:
        """Call a Python object as `function(text, address)`, where the buffers' addresses lie one
        after the other at `address`. An exception leaves the program.

        The program may run with the interpreter's lock or without it.
        """
        assert self.raised is not None, "a call of Python outside of a program's steps"
        places = self.local(PTR, max(len(buffers), 1))
        for number, buffer in enumerate(buffers):
            place = self.builder.gep(places, [self.integer(number)], source_etype=PTR)
            self.builder.store(buffer.pointer, place)
        target = self.externals.object(self.builder, function)
        words = self._text(text)
        status = self.call_inner(
            "jitad.call_python", _emit_python_call, target, words, places, result=I32
        )
        after = self.builder.append_basic_block("returned")
        failed = self.builder.icmp_unsigned("!=", status, ll.Constant(I32, 0))
        self.builder.cbranch(failed, self.raised(), after)
        self.builder.position_at_end(after)

    def _text(self, text: str) -> ll.Value:
        """Address of a constant string that ends with a zero byte."""
        module = self.builder.module
        data = bytearray(text.encode() + b"\0")
        held = ll.GlobalVariable(
            module, ll.ArrayType(I8, len(data)), module.get_unique_name("jitad.text")
        )
        held.initializer = ll.Constant(held.value_type, data)
        held.linkage, held.global_constant = "internal", True
        held.type = PTR  # llvmlite would ask for a type of each length
        return held

    def call_complex(self, name: str, *arguments: Lanes) -> Lanes:
        """Call the external C function `name` from complex doubles to a complex double, both by
        value: as pairs of doubles, which is what the ABIs of x86-64 (System V) and arm64 make of
        them."""
        parts = [part for z in arguments for part in z.value]
        pair = ll.LiteralStructType([F64, F64])
        signature = ll.FunctionType(pair, [F64] * len(parts))
        function = self.externals.pointer(self.builder, name, signature.as_pointer())
        outcome = self.builder.call(function, parts)
        return Lanes(COMPLEX128, tuple(self.builder.extract_value(outcome, i) for i in (0, 1)))

    def call_inner(
        self,
        name: str,
        build: Callable[..., Lanes | ll.Value | None],
        *arguments: Lanes | ll.Value,
        result: DType | ll.Type | None = None,
        apart: bool = False,
        brief: bool = False,
    ) -> ll.Value:
        """Call an internal function of the module, which is built at its first call:
        `build(r, *parameters)` emits its body and gives its result, if it has one.

        Parameters are LLVM values of the arguments' types. The name must tell all that the body
        depends on (dtype, shape, params): "sort.f64.descending". It is inlined if that is cheap,
        unless `apart`; `brief`: see `parallel_for`. Raises ValueError where one name is used with
        two signatures.
        """
        values = [_register(argument) for argument in arguments]
        signature = ll.FunctionType(_register_type(result), [v.type for v in values])
        function = self.builder.module.globals.get(name)
        if function is None:
            function = self._inner_function(name, signature, build)
            mark(function, apart=apart, brief=brief)
        elif function.function_type != signature:
            raise ValueError(
                f"call_inner: {name} takes {function.function_type}; called as {signature}"
            )
        return self.builder.call(function, values)

    def _inner_function(
        self, name: str, signature: ll.FunctionType, build: Callable[..., Any]
    ) -> ll.Function:
        function = internal_function(self.builder.module, signature, name)
        builder = ll.IRBuilder(function.append_basic_block("entry"))
        value = build(RoutineEmitter(builder, self.externals), *function.args)
        if isinstance(signature.return_type, ll.VoidType):
            builder.ret_void()
        else:
            builder.ret(_register(value))
        return function

    # Threads

    def parallel_for(
        self,
        parts: IndexPart,
        body: Callable[..., None],
        *arguments: ll.Value,
        brief: bool = False,
    ) -> None:
        """Run `body(r, i, *parameters)` for i64 i = 0 ... parts - 1, in any order and on any
        thread; all are done behind it. Its parameters are the arguments, which are pointers.

        A part should be 10 us of work or more. How the work is divided must not depend on how
        many threads there are: that differs from run to run.

        `brief`: the body itself runs for a short time, next to what it calls. It is compiled
        without optimisation, in a third of the time, and runs two or three times as long.
        """
        mark(emit_parallel_for(self, parts, body, arguments), brief=brief)

    def threads(self) -> ll.Value:
        """How many threads would share a job now, about (i64); 1 inside of one. For routines whose
        results are the same bits whatever they make of it; to be asked once for each job."""
        return emit_threads_now(self)

    def share(self, number: ll.Value, count: int, parts: int) -> tuple[ll.Value, ll.Value]:
        """First and number of the elements of part `number`, where `count` are divided evenly
        among `parts`."""
        return emit_share(self.builder, number, count, parts)

    # Indices

    def number(self, value: ll.Value) -> Lanes:
        """An i64 as an int64."""
        return Lanes(INT64, value)

    def unravel(self, flat: ll.Value, shape: Shape) -> tuple[ll.Value, ...]:
        """The index of element number `flat` of an array of this shape, in C order."""
        index: list[ll.Value] = []
        for length in reversed(shape[1:]):
            index.append(self.builder.urem(flat, self.integer(length)))
            flat = self.builder.udiv(flat, self.integer(length))
        return (flat, *reversed(index)) if shape else ()

    def _offset(self, shape: Shape, index: Index) -> ll.Value:
        """Row-major: ((i0 * n1 + i1) * n2 + i2) ..., the static parts added up here."""
        if len(index) != len(shape):
            raise IndexError(f"expected an index of {len(shape)} numbers; got {len(index)}")
        b, exact = self.builder, ("nuw", "nsw")
        fixed, moving = 0, None
        stride = 1
        for axis in reversed(range(len(shape))):
            part, extent = index[axis], shape[axis]
            if isinstance(part, int):
                if not 0 <= part < extent:
                    raise IndexError(f"index {part} is outside axis {axis} of shape {shape}")
                fixed += part * stride
            else:
                term = part if stride == 1 else b.mul(part, self.integer(stride), flags=exact)
                moving = term if moving is None else b.add(moving, term, flags=exact)
            stride *= extent
        if moving is None:
            return self.integer(fixed)
        return b.add(moving, self.integer(fixed), flags=exact) if fixed else moving


def mark(function: ll.Function, *, apart: bool = False, brief: bool = False) -> None:
    """Say how an internal function is compiled: see `call_inner` and `parallel_for`."""
    if apart or brief:
        function.attributes.add("noinline")
    if brief:
        function.attributes.add("optnone")


def _emit_python_call(
    r: RoutineEmitter, function: ll.Value, text: ll.Value, address: ll.Value
) -> ll.Value:
    """`function(text, address)`; 0, or 1 if an exception is set."""
    builder, null = r.builder, ll.Constant(PTR, None)
    status = r.local(I32)
    arguments = r.local(PTR, 2)
    builder.store(ll.Constant(I32, 1), status)
    state = r.call("py:PyGILState_Ensure", I32, [])
    first = r.call("py:PyUnicode_FromString", PTR, [text])
    second = r.call("py:PyLong_FromVoidPtr", PTR, [address])
    both = builder.and_(
        builder.icmp_unsigned("!=", first, null), builder.icmp_unsigned("!=", second, null)
    )
    with builder.if_then(both):
        builder.store(first, arguments)
        builder.store(second, builder.gep(arguments, [r.integer(1)], source_etype=PTR))
        called = [function, arguments, r.integer(2), null]
        result = r.call("py:PyObject_Vectorcall", PTR, called)
        returned = builder.icmp_unsigned("!=", result, null)
        with builder.if_then(returned):
            builder.store(ll.Constant(I32, 0), status)
        r.call("py:Py_DecRef", None, [result])
    r.call("py:Py_DecRef", None, [first])
    r.call("py:Py_DecRef", None, [second])
    r.call("py:PyGILState_Release", None, [state])
    return builder.load(status, typ=I32)


def _require_dtype(what: str, buffer: Buffer, lanes: Lanes) -> None:
    if lanes.dtype != buffer.type.dtype:
        raise TypeError(f"{what}: expected {buffer.type.dtype} lanes; got {lanes.dtype}")


def _register(value: Any) -> ll.Value:
    """The LLVM value of an argument or result: a real scalar or a pointer."""
    if not isinstance(value, Lanes):
        return value
    if value.dtype.kind == "c":
        raise TypeError("complex numbers are passed by `reference`, C has no one way by value")
    return value.value


def _register_type(type: DType | ll.Type | None) -> ll.Type:
    if type is None:
        return ll.VoidType()
    if isinstance(type, ll.Type):
        return type
    if type.kind == "c":
        raise TypeError("complex results are returned through a pointer argument")
    return element_type(type)
