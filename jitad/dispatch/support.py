"""The native functions every compiled function shares, compiled once per process.

They are the slots of the heap type (`function_slots.py`) and the helpers that entries (`entry.py`) call
where inline code would be larger than a call: to check an array argument, to obtain storage for a
result. Entries reach the helpers as externals of the family "dispatch".
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals, register
from jitad_ir.native.link import Executable
from llvmlite import ir as ll

from jitad.dispatch import function_slots as slots
from jitad.dispatch import layout
from jitad.dispatch.code import I8, I32, I64, NULL, PTR, VECTORCALL, VOID, Code

# ---- arguments ------------------------------------------------------------------------------------

ARRAY_LEAF = ll.FunctionType(PTR, [PTR, PTR, I32, PTR, PTR, PTR])


def emit_array_leaf(code: Code) -> None:
    """char *array_leaf(obj, dtype, ndim, shape, held, held_count): the data of a C-contiguous, aligned array.

    NULL where obj is no ndarray or jitad.Array, or has another dtype or shape. An array that only
    lacks the layout is copied; the copy is appended to `held`, whose owner releases it.
    """
    obj, dtype, ndim, shape, held, held_count = code.function.args
    builder = code.builder
    mismatch = code.block("mismatch")
    type_ = code.type_of(obj)
    is_array = builder.or_(
        code.eq(type_, code.object("ndarray")), code.eq(type_, code.object("Array"))
    )
    code.require(is_array, mismatch)
    own_dtype = code.load(obj, layout.ARRAY_DTYPE)
    with code.when(code.ne(own_dtype, dtype)):  # an equal dtype need not be the same object
        same = code.call(layout.PYARRAY_EQUIV_TYPES, I8, own_dtype, dtype)
        code.require(code.ne(same, 0), mismatch)
    code.require(code.eq(code.load(obj, layout.ARRAY_NDIM, I32), ndim), mismatch)
    own_shape = code.load(obj, layout.ARRAY_SHAPE)

    def compare_dimension(index: ll.Value) -> None:
        same = code.eq(code.item(own_shape, index, I64), code.item(shape, index, I64))
        code.require(same, mismatch)

    code.for_each(builder.zext(ndim, I64), compare_dimension)
    flags = code.load(obj, layout.ARRAY_FLAGS, I32)
    with code.when(code.has_flags(flags, layout.C_CONTIGUOUS | layout.ALIGNED)):
        builder.ret(code.load(obj, layout.ARRAY_DATA))
    code.incref(dtype)  # stolen by the call
    copy = code.call(layout.PYARRAY_FROM_ARRAY, PTR, obj, dtype, I32(layout.CARRAY))
    with code.when(code.is_null(copy)):  # out of memory: the slow path will say so
        code.call("py:PyErr_Clear", VOID)
        builder.branch(mismatch)
    count = builder.load(held_count, typ=I64)
    builder.store(copy, code.item_address(held, count))
    builder.store(builder.add(count, I64(1)), held_count)
    builder.ret(code.load(copy, layout.ARRAY_DATA))
    builder.position_at_end(mismatch)
    builder.ret(NULL)


RELEASE = ll.FunctionType(VOID, [PTR, I64])


def emit_release(code: Code) -> None:
    """void release(objects, count)"""
    objects, count = code.function.args
    code.for_each(count, lambda index: code.decref(code.item(objects, index)))
    code.builder.ret_void()


# ---- results --------------------------------------------------------------------------------------

NEW_ARRAY = ll.FunctionType(PTR, [PTR, I32, PTR])
RECYCLED_ARRAY = ll.FunctionType(PTR, [PTR, PTR, I32, PTR])


def emit_new_array(code: Code) -> None:
    """PyObject *new_array(dtype, ndim, shape): a jitad.Array of uninitialised data."""
    code.builder.ret(_new_from_descr(code, *code.function.args, NULL, 0))


def _new_from_descr(
    code: Code, dtype: ll.Value, ndim: ll.Value, shape: ll.Value, data: ll.Value, flags: int
) -> ll.Value:
    code.incref(dtype)  # stolen by the call
    return code.call(
        layout.PYARRAY_NEW_FROM_DESCR,
        PTR,
        *(code.object("Array"), dtype, ndim, shape, NULL, data, I32(flags), NULL),
    )


def emit_recycled_array(code: Code) -> None:
    """PyObject *recycled_array(slots, dtype, ndim, shape): a jitad.Array of uninitialised data.

    `slots` holds references to the two arrays made last for the same result. One that nobody else
    refers to any more, and that is still as it was made, is handed out again: no allocation.
    """
    slots, dtype, ndim, shape = code.function.args
    builder = code.builder
    candidates = [code.item(slots, index) for index in range(2)]
    for candidate in candidates:
        busy = code.block("busy")
        pristine = [
            code.eq(code.load(candidate, layout.OB_REFCNT, I32), 1),
            code.eq(code.type_of(candidate), code.object("Array")),
        ]
        code.require(code.all_of(pristine), busy)
        flags = code.load(candidate, layout.ARRAY_FLAGS, I32)
        pristine = [
            code.eq(code.load(candidate, layout.ARRAY_DTYPE), dtype),
            code.eq(code.load(candidate, layout.ARRAY_NDIM, I32), ndim),
            code.eq(builder.and_(flags, I32(~layout.F_CONTIGUOUS)), layout.CARRAY | layout.OWNDATA),
            code.is_null(code.load(candidate, layout.ARRAY_BASE)),
            code.is_null(code.load(candidate, layout.ARRAY_WEAKREFS)),
        ]
        code.require(code.all_of(pristine), busy)
        own_shape = code.load(candidate, layout.ARRAY_SHAPE)

        def compare_dimension(
            index: ll.Value, own_shape: ll.Value = own_shape, busy: ll.Block = busy
        ) -> None:
            same = code.eq(code.item(own_shape, index, I64), code.item(shape, index, I64))
            code.require(same, busy)

        code.for_each(builder.zext(ndim, I64), compare_dimension)
        code.incref(candidate)
        builder.ret(candidate)
        builder.position_at_end(busy)
    array = _new_from_descr(code, dtype, ndim, shape, NULL, 0)
    with code.when(builder.not_(code.is_null(array))):
        code.incref(array)
        code.store(candidates[1], slots)
        code.store(array, slots, 8)
        code.decref(candidates[0])
    builder.ret(array)


BLOCK = ll.FunctionType(PTR, [I64])


def emit_pool_block(code: Code) -> None:
    """PyObject *pool_block(nbytes): a new reference to an owner of at least nbytes, see `pool.py`.

    The first idle owner (only the pool refers to it) that is at most a quarter too large.
    """
    (nbytes,) = code.function.args
    builder = code.builder
    owners = code.object("pool.owners")
    argument = builder.alloca(PTR)
    limit = builder.add(nbytes, builder.lshr(nbytes, I64(2)))
    items = code.load(owners, layout.LIST_ITEMS)

    def try_owner(index: ll.Value) -> None:
        following = code.block("following")
        owner = code.item(items, index)
        code.require(code.eq(code.load(owner, layout.OB_REFCNT, I32), 1), following)
        size = builder.load(code.load(owner, layout.ARRAY_SHAPE), typ=I64)
        fits = builder.and_(
            builder.icmp_unsigned(">=", size, nbytes), builder.icmp_unsigned("<=", size, limit)
        )
        code.require(fits, following)
        code.incref(owner)
        builder.ret(owner)
        builder.position_at_end(following)

    code.for_each(code.load(owners, layout.OB_SIZE, I64), try_owner)
    number = code.call("py:PyLong_FromSsize_t", PTR, nbytes)
    with code.when(code.is_null(number)):
        builder.ret(NULL)
    builder.store(number, argument)
    grow = code.object("pool.grow")
    owner = code.call("py:PyObject_Vectorcall", PTR, grow, argument, I64(1), NULL)
    code.decref(number)
    builder.ret(owner)


POOLED_ARRAY = ll.FunctionType(PTR, [PTR, I32, PTR, I64])


def emit_pooled_array(code: Code, pool_block: ll.Function) -> None:
    """PyObject *pooled_array(dtype, ndim, shape, nbytes): a jitad.Array whose base is a pool owner."""
    dtype, ndim, shape, nbytes = code.function.args
    owner = code.builder.call(pool_block, [nbytes])
    with code.when(code.is_null(owner)):
        code.builder.ret(NULL)
    data = code.load(owner, layout.ARRAY_DATA)
    array = _new_from_descr(code, dtype, ndim, shape, data, layout.CARRAY)
    with code.when(code.is_null(array)):
        code.decref(owner)
        code.builder.ret(NULL)
    status = code.call(layout.PYARRAY_SET_BASE_OBJECT, I32, array, owner)  # steals owner
    with code.when(code.ne(status, 0)):
        code.decref(array)
        code.builder.ret(NULL)
    code.builder.ret(array)


# ---- the module -----------------------------------------------------------------------------

FAMILY = "dispatch"


def emit_support(module: ll.Module, externals: Externals) -> list[str]:
    """Adds the slots and the helpers to `module`; returns their names."""
    names: list[str] = []

    def define(
        name: str, type_: ll.FunctionType, emit: Callable[..., None], *others: object
    ) -> ll.Function:
        function = ll.Function(module, type_, name)
        emit(Code(function, externals), *others)
        names.append(name)
        return function

    object_to_status = ll.FunctionType(I32, [PTR])
    slow_entry = define("slow_entry", VECTORCALL, slots.emit_slow_entry)
    define("new", ll.FunctionType(PTR, [PTR, PTR, PTR]), slots.emit_new, slow_entry)
    define("traverse", ll.FunctionType(I32, [PTR, PTR, PTR]), slots.emit_traverse)
    clear = define("clear", object_to_status, slots.emit_clear, slow_entry)
    define("dealloc", ll.FunctionType(VOID, [PTR]), slots.emit_dealloc, clear)
    define("descr_get", ll.FunctionType(PTR, [PTR, PTR, PTR]), slots.emit_descr_get)
    define("array_leaf", ARRAY_LEAF, emit_array_leaf)
    define("release", RELEASE, emit_release)
    define("new_array", NEW_ARRAY, emit_new_array)
    define("recycled_array", RECYCLED_ARRAY, emit_recycled_array)
    pool_block = define("pool_block", BLOCK, emit_pool_block)
    define("pooled_array", POOLED_ARRAY, emit_pooled_array, pool_block)
    return names


@functools.cache
def support() -> Executable:
    """The support module of this process."""
    module = ll.Module("jitad.dispatch")
    externals = Externals(module)
    names = emit_support(module, externals)
    return compile_module(module, externals, exports=names)


register(FAMILY, lambda name: support().address(name))
