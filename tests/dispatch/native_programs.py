"""Hand-written programs with the ABI of compiled graphs, and what makes them callable."""

from __future__ import annotations

import ctypes
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir as ll

from jitad.array import Array
from jitad.dispatch.entry import emit_entry
from jitad.dispatch.function_type import compiled_function_type, install
from jitad.dispatch.record import Entry
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    NamedTupleNode,
    NoneNode,
    ResultLeaf,
    ResultNode,
    Signature,
    TupleNode,
    iterate_result_leaves,
)
from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals

PTR, I32, I64, F64 = ll.PointerType(), ll.IntType(32), ll.IntType(64), ll.DoubleType()


def define_program(module: ll.Module, pointers: int) -> tuple[ll.Function, ll.IRBuilder]:
    program = ll.Function(module, ll.FunctionType(I32, [PTR] * pointers), "program")
    program.linkage = "internal"
    return program, ll.IRBuilder(program.append_basic_block("entry"))


def emit_loop(builder: ll.IRBuilder, count: int, body: Callable[[ll.Value], None]) -> None:
    """for (i64 i = 0; i < count; i++) body(i)"""
    if count == 0:
        return
    before = builder.block
    loop, after = builder.append_basic_block("loop"), builder.append_basic_block("after")
    builder.branch(loop)
    builder.position_at_end(loop)
    index = builder.phi(I64)
    index.add_incoming(I64(0), before)
    body(index)
    following = builder.add(index, I64(1))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, I64(count)), loop, after)
    builder.position_at_end(after)


def add_one(inputs: Sequence[int], outputs: Sequence[int]) -> Callable[[ll.Module], ll.Function]:
    """out[j] = in[j] + 1 over float64; sizes in elements. A missing input counts as 0."""

    def emit(module: ll.Module) -> ll.Function:
        program, builder = define_program(module, len(inputs) + len(outputs) + 1)
        for j, size in enumerate(outputs):

            def body(index: ll.Value, j: int = j) -> None:
                value: ll.Value = F64(0)
                if j < len(inputs):
                    source = builder.gep(program.args[j], [index], source_etype=F64)
                    value = builder.load(source, typ=F64)
                target = builder.gep(program.args[len(inputs) + j], [index], source_etype=F64)
                builder.store(builder.fadd(value, F64(1)), target)

            emit_loop(builder, size, body)
        builder.ret(I32(0))
        return program

    return emit


def compile_entry(
    emit: Callable[[ll.Module], ll.Function],
    signature: Signature,
    results: ResultNode,
    *,
    inputs: Sequence[int] | None = None,
    **options: Any,
) -> Entry:
    """The entry of a program, in memory."""
    module = ll.Module("test")
    externals = Externals(module)
    counts = len(signature.leaves), len(list(iterate_result_leaves(results)))
    function = emit_entry(module, emit(module), *counts, inputs=inputs)
    executable = compile_module(module, externals, exports=[function.name])
    address = executable.address(function.name)
    return Entry(address, executable, signature, results, **options)


def refuse(args: tuple, kwargs: dict) -> object:
    return ("slow", args, kwargs)


def function_for(
    signature: Signature,
    results: ResultNode,
    emit: Callable[[ll.Module], ll.Function] | None = None,
    slow: Callable[[tuple, dict], object] = refuse,
    **options: object,
) -> object:
    """A compiled function with one entry; by default it adds 1 to float64 leaves."""
    if emit is None:
        leaves = signature.leaves
        order = options.get("inputs", range(len(leaves)))
        inputs = [int(np.prod(leaves[position].shape)) for position in order]
        outputs = [int(np.prod(leaf.shape)) for leaf in iterate_result_leaves(results)]
        emit = add_one(inputs, outputs)
    function = compiled_function_type()(slow)
    install(function, compile_entry(emit, signature, results, **options))
    return function


def refcount(obj: object) -> int:
    return ctypes.c_int32.from_address(id(obj)).value


FLOAT = np.dtype(np.float64)
SLOW = object()
"""What the slow path of the functions made here returns."""

Point = namedtuple("Point", "x y")


def array(*shape: int, dtype: object = FLOAT) -> Leaf:
    return Leaf(LeafKind.ARRAY, np.dtype(dtype), shape)


def result(*shape: int, dtype: object = FLOAT) -> ResultLeaf:
    return ResultLeaf(np.dtype(dtype), shape)


def slow(args: tuple, kwargs: dict) -> object:
    return SLOW


def vector_function(size: int = 4, **options: object) -> object:
    return function_for(Signature((array(size),)), result(size), slow=slow, **options)


def check_vector(function: object, x: np.ndarray) -> None:
    out = function(x)
    assert type(out) is Array
    assert out.flags.c_contiguous and out.flags.aligned and out.flags.writeable
    np.testing.assert_array_equal(out, np.asarray(x) + 1)


def tree_node(leaf: object) -> DictNode:
    """A tree with containers of every kind."""
    return DictNode(
        ("a", "b", "c"),
        (
            ListNode((leaf, TupleNode((leaf, NoneNode())))),
            NamedTupleNode(Point, (leaf, ListNode(()))),
            DictNode((), ()),
        ),
    )


def tree_value(x: object) -> dict:
    """A value of that tree with `x` in the place of each leaf."""
    return {"c": {}, "b": Point(x, []), "a": [x, (x, None)]}


def raising_program(module: ll.Module, outputs: int = 2) -> ll.Function:
    """Calls the address it finds in its first input with the object there, and fails."""
    program, builder = define_program(module, 2 + outputs)
    function_type = ll.FunctionType(ll.VoidType(), [PTR]).as_pointer()
    target, argument = (
        builder.load(builder.gep(program.args[0], [I32(i)], source_etype=PTR), typ=PTR)
        for i in range(2)
    )
    callee = builder.inttoptr(builder.ptrtoint(target, ll.IntType(64)), function_type)
    builder.call(callee, [argument])
    builder.ret(I32(1))
    return program


def entry_for_size(size: int) -> Entry:
    """The entry of a program that adds 1 to a float64 vector of this size."""
    signature = Signature((array(size),))
    return compile_entry(add_one([size], [size]), signature, result(size))
