"""Native construction of results: the whole tree, around arrays the program will fill.

It is built before the program runs, so that nothing can fail after it.
"""

from __future__ import annotations

from llvmlite import ir as ll

from jitad.dispatch import layout
from jitad.dispatch.arguments import LEAVES, PC, push, require_shape
from jitad.dispatch.code import I32, I64, NULL, PTR, Code
from jitad.dispatch.words import ResultOp

# ---- arrays ---------------------------------------------------------------------------------

ARRAY = ll.FunctionType(PTR, [PTR])


def _new_from_descr(code: Code, node: ll.Value, data: ll.Value, flags: int) -> ll.Value:
    """A jitad.Array of the node's dtype and shape; NULL with an exception set."""
    dtype = code.load(node, 8)
    code.incref(dtype)  # stolen by the call
    ndim = code.builder.trunc(code.load(node, 16, I64), I32)
    args = (code.object("Array"), dtype, ndim, code.at(node, 32), NULL, data, I32(flags), NULL)
    return code.call(layout.PYARRAY_NEW_FROM_DESCR, PTR, *args)


def emit_new_array(code: Code) -> None:
    """PyObject *new_array(node): its data are uninitialised."""
    (node,) = code.function.args
    code.ret(_new_from_descr(code, node, NULL, 0))


def emit_recycled_array(code: Code) -> None:
    """PyObject *recycled_array(node): an array that nobody refers to any more, or a new one.

    Two slots hold references to the arrays made last for this result. One that has no other
    reference, and is still as it was made, is handed out again: no allocation.
    """
    (node,) = code.function.args
    builder = code.builder
    dtype, ndim, slots = code.load(node, 8), code.load(node, 16, I64), code.load(node, 24)
    array_type = code.object("Array")

    def try_slot(index: ll.Value) -> None:
        altered, busy = code.block("altered"), code.block("busy")
        slot = code.item_at(slots, index)
        candidate = code.load(slot)
        code.require(code.eq(code.load(candidate, layout.OB_REFCNT, I32), 1), busy)
        code.require(code.eq(code.type_of(candidate), array_type), altered)
        flags = builder.and_(
            code.load(candidate, layout.ARRAY_FLAGS, I32), I32(~layout.F_CONTIGUOUS)
        )
        pristine = code.all_of(
            code.eq(code.load(candidate, layout.ARRAY_DTYPE), dtype),
            code.eq(builder.zext(code.load(candidate, layout.ARRAY_NDIM, I32), I64), ndim),
            code.eq(flags, layout.CARRAY | layout.OWNDATA),
            code.is_null(code.load(candidate, layout.ARRAY_BASE)),
            code.is_null(code.load(candidate, layout.ARRAY_WEAKREFS)),
        )
        code.require(pristine, altered)
        shape = code.load(candidate, layout.ARRAY_SHAPE)
        require_shape(code, shape, code.at(node, 32), ndim, altered)
        code.incref_mortal(candidate)
        code.ret(candidate)
        builder.position_at_end(altered)
        _replace(code, slot, code.object("None"))
        builder.branch(busy)
        builder.position_at_end(busy)

    code.for_each(I64(2), try_slot)
    array = _new_from_descr(code, node, NULL, 0)
    with code.when(code.not_null(array)):
        older = code.load(slots)
        code.store(code.load(slots, 8), slots)
        code.store(older, slots, 8)
        _replace(code, code.at(slots, 8), array)
    code.ret(array)


def _replace(code: Code, slot: ll.Value, obj: ll.Value) -> None:
    """Puts `obj` into a slot. Dropping what was there can run Python code, so it comes last."""
    old = code.load(slot)
    code.incref(obj)
    code.store(obj, slot)
    code.decref(old)


def emit_pool_block(code: Code) -> None:
    """PyObject *pool_block(nbytes): a new reference to an owner of at least nbytes, see `pool.py`.

    The first idle owner (only the pool refers to it) that is at most a quarter too large.
    """
    (nbytes,) = code.function.args
    builder = code.builder
    argument = builder.alloca(PTR)
    owners = code.object("pool.owners")
    limit = builder.add(nbytes, builder.lshr(nbytes, I64(2)))
    limit = builder.add(limit, I64(1 << 13))
    items = code.load(owners, layout.LIST_ITEMS)

    def try_owner(index: ll.Value) -> None:
        following = code.block("following")
        owner = code.item(items, index)
        code.require(code.eq(code.load(owner, layout.OB_REFCNT, I32), 1), following)
        size = code.load(code.load(owner, layout.ARRAY_SHAPE), 0, I64)
        code.require(builder.icmp_unsigned(">=", size, nbytes), following)
        code.require(builder.icmp_unsigned("<=", size, limit), following)
        code.incref_mortal(owner)
        code.ret(owner)
        builder.position_at_end(following)

    code.for_each(code.load(owners, layout.OB_SIZE, I64), try_owner)
    number = code.call("py:PyLong_FromSsize_t", PTR, nbytes)
    with code.when(code.is_null(number)):
        code.ret(NULL)
    code.store(number, argument)
    grow = code.object("pool.grow")
    owner = code.call("py:PyObject_Vectorcall", PTR, grow, argument, I64(1), NULL)
    code.decref(number)
    code.ret(owner)


def emit_pooled_array(code: Code, pool_block: ll.Function) -> None:
    """PyObject *pooled_array(node): an array whose base is an owner of the pool."""
    (node,) = code.function.args
    owner = code.builder.call(pool_block, [code.load(node, 24, I64)])
    with code.when(code.is_null(owner)):
        code.ret(NULL)
    array = _new_from_descr(code, node, code.load(owner, layout.ARRAY_DATA), layout.CARRAY)
    with code.when(code.is_null(array)):
        code.decref(owner)
        code.ret(NULL)
    status = code.call(layout.PYARRAY_SET_BASE_OBJECT, I32, array, owner)  # steals owner
    with code.when(code.ne(status, 0)):
        code.decref(array)
        code.ret(NULL)
    code.ret(array)


# ---- trees ----------------------------------------------------------------------------------

BUILD = ll.FunctionType(PTR, [PTR])


class Build:
    """Emits `PyObject *build(state)`: makes one tree, moves the cursors past it.

    NULL with an exception set where an allocation fails; nothing is left behind then.
    """

    def __init__(self, code: Code, arrays: dict[ResultOp, ll.Function]) -> None:
        self.code = code
        (self.state,) = code.function.args
        builder = code.builder
        self.made = builder.alloca(PTR)
        self.failed = code.block("failed")
        self.node = code.load(self.state, PC)
        code.store(NULL, self.made)
        dispatch = builder.switch(code.load(self.node, 0, I64), self.failed)
        for op in ResultOp:
            block = code.block(op.name.lower())
            dispatch.add_case(I64(op), block)
            builder.position_at_end(block)
            if op in arrays:
                self.array(arrays[op])
            else:
                getattr(self, op.name.lower())()
            code.ret(code.load(self.made))
        builder.position_at_end(self.failed)
        code.decref(code.load(self.made))
        code.ret(NULL)

    def array(self, make: ll.Function) -> None:
        code = self.code
        made = self.own(code.builder.call(make, [self.node]))
        push(code, self.state, LEAVES, code.load(made, layout.ARRAY_DATA))
        self.advance(code.builder.add(code.load(self.node, 16, I64), I64(4)))

    def literal(self) -> None:
        value = self.code.load(self.node, 8)
        self.code.incref(value)
        self.own(value)
        self.advance(2)

    def tuple(self) -> None:
        code, builder = self.code, self.code.builder
        type_, size = code.load(self.node, 8), code.load(self.node, 16, I64)
        self.advance(3)
        with code.when(code.is_null(type_)):
            code.store(code.call("py:PyTuple_New", PTR, size), self.made)
        with code.when(code.not_null(type_)):
            code.store(code.call("py:PyType_GenericAlloc", PTR, type_, size), self.made)
        made = code.load(self.made)
        code.require(code.not_null(made), self.failed)
        items = code.at(made, layout.TUPLE_ITEMS)
        code.for_each(size, lambda i: builder.store(self.child(), code.item_at(items, i)))

    def list(self) -> None:
        code, builder = self.code, self.code.builder
        size = code.load(self.node, 8, I64)
        self.advance(2)
        made = self.own(code.call("py:PyList_New", PTR, size))
        items = code.load(made, layout.LIST_ITEMS)
        code.for_each(size, lambda i: builder.store(self.child(), code.item_at(items, i)))

    def dict(self) -> None:
        code = self.code
        size = code.load(self.node, 8, I64)
        self.advance(2)
        made = self.own(code.call("py:PyDict_New", PTR))

        def item(_: ll.Value) -> None:
            place = code.load(self.state, PC)
            code.store(code.at(place, 8), self.state, PC)
            value = self.child()
            status = code.call("py:PyDict_SetItem", I32, made, code.load(place), value)
            code.decref(value)
            code.require(code.eq(status, 0), self.failed)

        code.for_each(size, item)

    def own(self, made: ll.Value) -> ll.Value:
        """The object being built, released if a later part fails."""
        self.code.store(made, self.made)
        self.code.require(self.code.not_null(made), self.failed)
        return made

    def child(self) -> ll.Value:
        made = self.code.builder.call(self.code.function, [self.state])
        self.code.require(self.code.not_null(made), self.failed)
        return made

    def advance(self, words: int | ll.Value) -> None:
        count = I64(words) if isinstance(words, int) else words
        self.code.store(self.code.item_at(self.node, count), self.state, PC)
