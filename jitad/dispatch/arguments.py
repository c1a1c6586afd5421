"""Native readers of argument trees: from argument objects to the addresses of the leaves' data."""

from __future__ import annotations

from llvmlite import ir as ll

from jitad.dispatch import layout
from jitad.dispatch.code import I1, I8, I32, I64, NULL, PTR, VOID, Code
from jitad.dispatch.words import HOLD, Op

# The state of a walk, in memory: four cursors.
PC = 0  # next word of the record
LEAVES = 8  # where the next leaf's address goes
HELD = 16  # where the next reference held goes
SCALARS = 24  # free 8-byte cells for converted scalars
STATE_WORDS = 4

PY_EQ = 2


def push(code: Code, state: ll.Value, cursor: int, value: ll.Value) -> None:
    """`*cursor++ = value`"""
    place = code.load(state, cursor)
    code.store(value, place)
    code.store(code.at(place, 8), state, cursor)


ARRAY_LEAF = ll.FunctionType(PTR, [PTR, PTR, PTR])


def emit_array_leaf(code: Code) -> None:
    """char *array_leaf(obj, node, state): the data of an ndarray that is not as usual, or NULL.

    NULL where it has another dtype or shape. An array that only lacks the layout (C-contiguous,
    aligned) is copied, and the copy held.
    """
    obj, node, state = code.function.args
    builder = code.builder
    mismatch = code.block("mismatch")
    dtype = code.load(node, 8)
    # An equal dtype need not be the same object: unpickled arrays, long and long long.
    same = code.call(layout.PYARRAY_EQUIV_TYPES, I8, code.load(obj, layout.ARRAY_DTYPE), dtype)
    code.require(code.ne(same, 0), mismatch)
    ndim = code.load(node, 16, I64)
    own_ndim = builder.zext(code.load(obj, layout.ARRAY_NDIM, I32), I64)
    code.require(code.eq(own_ndim, ndim), mismatch)
    require_shape(code, code.load(obj, layout.ARRAY_SHAPE), code.at(node, 24), ndim, mismatch)
    flags = code.load(obj, layout.ARRAY_FLAGS, I32)
    wanted = layout.C_CONTIGUOUS | layout.ALIGNED
    with code.when(code.eq(builder.and_(flags, I32(wanted)), wanted)):
        code.ret(code.load(obj, layout.ARRAY_DATA))
    code.incref(dtype)  # stolen by the call
    copy = code.call(layout.PYARRAY_FROM_ARRAY, PTR, obj, dtype, I32(layout.CARRAY))
    with code.when(code.is_null(copy)):  # out of memory: the slow path will say so
        code.call("py:PyErr_Clear", VOID)
        builder.branch(mismatch)
    push(code, state, HELD, copy)
    code.ret(code.load(copy, layout.ARRAY_DATA))
    builder.position_at_end(mismatch)
    code.ret(ll.Constant(PTR, None))


def require_shape(
    code: Code, shape: ll.Value, expected: ll.Value, ndim: ll.Value, otherwise: ll.Block
) -> None:
    """Goes to `otherwise` unless the first `ndim` items of both are equal."""

    def compare(index: ll.Value) -> None:
        same = code.eq(code.item(shape, index, I64), code.item(expected, index, I64))
        code.require(same, otherwise)

    code.for_each(ndim, compare)


WALK = ll.FunctionType(I1, [PTR, PTR])


class Walk:
    """Emits `bool walk(obj, state)`: checks one tree and moves the cursors past it.

    False at the first thing that is not as the record says; no exception is set then.
    """

    def __init__(self, code: Code, array_leaf: ll.Function) -> None:
        self.code = code
        self.array_leaf = array_leaf
        self.obj, self.state = code.function.args
        builder = code.builder
        self.overflow = builder.alloca(I32)
        self.argument = builder.alloca(PTR)
        self.mismatch = code.block("mismatch")
        self.node = code.load(self.state, PC)
        op = code.load(self.node, 0, I64)
        with code.when(code.ne(builder.and_(op, I64(HOLD)), 0)):
            code.incref(self.obj)
            push(code, self.state, HELD, self.obj)
        dispatch = builder.switch(builder.and_(op, I64(HOLD - 1)), self.mismatch)
        cases = {
            Op.ARRAY: self.array,
            Op.SCALAR: self.scalar,
            Op.INT: self.integer,
            Op.BOOL: self.boolean,
            Op.SAME: self.same,
            Op.STR: self.static_str,
            Op.STATIC_INT: self.static_int,
            Op.STATIC_FLOAT: self.static_float,
            Op.TUPLE: self.tuple,
            Op.LIST: self.list,
            Op.DICT: self.dict,
            Op.OTHER: self.other,
        }
        for number, emit in cases.items():
            block = code.block(number.name.lower())
            dispatch.add_case(I64(number), block)
            builder.position_at_end(block)
            emit()
            if not builder.block.is_terminated:
                code.ret(1)
        builder.position_at_end(self.mismatch)
        code.ret(0)

    # ---- parts ------------------------------------------------------------------------------

    def require(self, condition: ll.Value) -> None:
        self.code.require(condition, self.mismatch)

    def require_type(self, type_: ll.Value) -> None:
        self.require(self.code.eq(self.code.type_of(self.obj), type_))

    def advance(self, words: int | ll.Value) -> None:
        """Moves the record's cursor past this node, whose children come next."""
        code = self.code
        count = I64(words) if isinstance(words, int) else words
        code.store(code.item_at(self.node, count), self.state, PC)

    def leaf(self, data: ll.Value) -> None:
        push(self.code, self.state, LEAVES, data)

    def word(self, index: int, type_: ll.Type = PTR) -> ll.Value:
        return self.code.load(self.node, 8 * index, type_)

    def child(self, obj: ll.Value) -> None:
        self.require(self.code.builder.call(self.code.function, [obj, self.state]))

    # ---- leaves -----------------------------------------------------------------------------

    def array(self) -> None:
        code, builder, obj = self.code, self.code.builder, self.obj
        type_ = code.type_of(obj)
        is_array = builder.or_(
            code.eq(type_, code.object("ndarray")), code.eq(type_, code.object("Array"))
        )
        self.require(is_array)
        ndim = self.word(2, I64)
        self.advance(builder.add(ndim, I64(3)))
        flags = code.load(obj, layout.ARRAY_FLAGS, I32)
        wanted = layout.C_CONTIGUOUS | layout.ALIGNED
        usual = code.all_of(
            code.eq(code.load(obj, layout.ARRAY_DTYPE), self.word(1)),
            code.eq(builder.zext(code.load(obj, layout.ARRAY_NDIM, I32), I64), ndim),
            code.eq(builder.and_(flags, I32(wanted)), wanted),
        )
        with code.when(builder.not_(usual)):
            data = builder.call(self.array_leaf, [obj, self.node, self.state])
            self.require(code.not_null(data))
            self.leaf(data)
            code.ret(1)
        shape = code.load(obj, layout.ARRAY_SHAPE)
        require_shape(code, shape, code.at(self.node, 24), ndim, self.mismatch)
        self.leaf(code.load(obj, layout.ARRAY_DATA))

    def scalar(self) -> None:
        self.require_type(self.word(1))
        self.leaf(self.code.at(self.obj, layout.SCALAR_VALUE))
        self.advance(2)

    def integer(self) -> None:
        """Ints beyond 64 bits are left to the slow path."""
        code = self.code
        self.require_type(code.object("int"))
        name = "py:PyLong_AsLongLongAndOverflow"
        value = code.call(name, I64, self.obj, self.overflow)
        self.require(code.eq(code.load(self.overflow, 0, I32), 0))
        self.leaf(code.load(self.state, SCALARS))
        push(code, self.state, SCALARS, value)
        self.advance(1)

    def boolean(self) -> None:
        code = self.code
        is_true = code.eq(self.obj, code.object("True"))
        self.require(code.builder.or_(is_true, code.eq(self.obj, code.object("False"))))
        self.leaf(code.load(self.state, SCALARS))
        push(code, self.state, SCALARS, code.builder.zext(is_true, I64))
        self.advance(1)

    # ---- static values ----------------------------------------------------------------------

    def same(self) -> None:
        self.require(self.code.eq(self.obj, self.word(1)))
        self.advance(2)

    def _static(self, type_name: str) -> ll.Value:
        """The expected object, once the type is as expected; returns true for the same object."""
        code = self.code
        expected = self.word(1)
        self.advance(2)
        with code.when(code.eq(self.obj, expected)):
            code.ret(1)
        self.require_type(code.object(type_name))
        return expected

    def static_str(self) -> None:
        expected = self._static("str")
        difference = self.code.call("py:PyUnicode_Compare", I32, self.obj, expected)
        self.require(self.code.eq(difference, 0))

    def static_int(self) -> None:
        args = (self.obj, self._static("int"), I32(PY_EQ))
        self.require(self.code.eq(self.code.call("py:PyObject_RichCompareBool", I32, *args), 1))

    def static_float(self) -> None:
        """By bits: 0.0 and -0.0 are different values."""
        expected = self._static("float")
        bits = [self.code.load(obj, layout.SCALAR_VALUE, I64) for obj in (self.obj, expected)]
        self.require(self.code.eq(*bits))

    # ---- containers -------------------------------------------------------------------------

    def tuple(self) -> None:
        code = self.code
        self.require_type(self.word(1))
        size = self.word(2, I64)
        self.require(code.eq(code.load(self.obj, layout.OB_SIZE, I64), size))
        self.advance(3)
        items = code.at(self.obj, layout.TUPLE_ITEMS)
        code.for_each(size, lambda index: self.child(code.item(items, index)))

    def list(self) -> None:
        """The size is read before each item: the walk of another can run Python code."""
        code = self.code
        self.require_type(code.object("list"))
        size = self.word(1, I64)
        self.advance(2)

        def item(index: ll.Value) -> None:
            self.require(code.eq(code.load(self.obj, layout.OB_SIZE, I64), size))
            self.child(code.item(code.load(self.obj, layout.LIST_ITEMS), index))

        code.for_each(size, item)
        self.require(code.eq(code.load(self.obj, layout.OB_SIZE, I64), size))

    def dict(self) -> None:
        """A key whose comparison raises counts as absent: the slow path will raise it again."""
        code = self.code
        self.require_type(code.object("dict"))
        size = self.word(1, I64)
        self.require(code.eq(code.call("py:PyDict_Size", I64, self.obj), size))
        self.advance(2)

        def item(_: ll.Value) -> None:
            place = code.load(self.state, PC)
            code.store(code.at(place, 8), self.state, PC)
            value = code.call("py:PyDict_GetItemWithError", PTR, self.obj, code.load(place))
            with code.when(code.is_null(value)):
                code.call("py:PyErr_Clear", VOID)
                code.builder.branch(self.mismatch)
            self.child(value)

        code.for_each(size, item)

    def other(self) -> None:
        """A registered node: a Python function takes it apart, and gives None for other metadata.
        If that raises, so does the slow path."""
        code = self.code
        self.require_type(self.word(1))
        code.store(self.obj, self.argument)
        name = "py:PyObject_Vectorcall"
        children = code.call(name, PTR, self.word(2), self.argument, I64(1), NULL)
        with code.when(code.is_null(children)):
            code.call("py:PyErr_Clear", VOID)
            code.builder.branch(self.mismatch)
        push(code, self.state, HELD, children)
        self.require(code.ne(children, code.object("None")))
        size = self.word(3, I64)
        self.require(code.eq(code.load(children, layout.OB_SIZE, I64), size))
        self.advance(4)
        items = code.at(children, layout.TUPLE_ITEMS)
        code.for_each(size, lambda index: self.child(code.item(items, index)))
