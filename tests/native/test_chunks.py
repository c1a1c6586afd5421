"""Long blocks are cut into functions that compute the same bits."""

from __future__ import annotations

import ctypes
import random
import struct
import time

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Value, building
from jitad_ir.native import chunks
from jitad_ir.native.chunks import split_long_blocks
from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.program import compile_graph, emit_program
from jitad_ir.plan import plan_graph
from jitad_ir.types import DTYPES, ArrayType

F64, I1, I32, I64, PTR = (
    ll.DoubleType(),
    ll.IntType(1),
    ll.IntType(32),
    ll.IntType(64),
    ll.PointerType(),
)
V4 = ll.VectorType(F64, 4)


def random_program(seed: int, length: int) -> ll.Module:
    """`f(x, y)`: `length` operations on floats, integers, bools and vectors, in a loop of three
    rounds whose carry and whose results after the loop depend on values from everywhere."""
    rng = random.Random(seed)
    module = ll.Module("random")
    Externals(module).finish()
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), [PTR, PTR]), "f")
    b = ll.IRBuilder(function.append_basic_block("entry"))
    x, y = function.args
    slot = b.alloca(F64)
    first = b.load(x, typ=F64)
    b.store(first, slot)
    before = b.block
    head, after = b.append_basic_block("head"), b.append_basic_block("after")
    b.branch(head)
    b.position_at_end(head)
    i, carry = b.phi(I64), b.phi(F64)
    i.add_incoming(I64(0), before)
    carry.add_incoming(first, before)
    pools = {
        F64: [carry, first],
        I64: [i],
        I1: [b.icmp_signed("<", i, I64(1))],
        V4: [ll.Constant(V4, [F64(0.5 + k) for k in range(4)])],
    }

    def pick(type_):
        pool = pools[type_]
        return rng.choice(pool[-3:]) if rng.random() < 0.6 else rng.choice(pool)

    def step():
        kind = rng.randrange(9)
        if kind == 0:
            return b.fadd(pick(F64), pick(F64))
        if kind == 1:
            return b.fmul(pick(F64), F64(rng.random()))
        if kind == 2:
            return b.xor(b.mul(pick(I64), I64(rng.randrange(1, 9))), pick(I64))
        if kind == 3:
            return b.fcmp_ordered("<", pick(F64), pick(F64))
        if kind == 4:
            return b.select(pick(I1), pick(F64), pick(F64))
        if kind == 5:
            return b.fadd(pick(V4), b.fmul(pick(V4), pick(V4)))
        if kind == 6:
            return b.extract_element(pick(V4), I32(rng.randrange(4)))
        if kind == 7:
            return b.insert_element(pick(V4), pick(F64), I32(rng.randrange(4)))
        b.store(b.fadd(b.load(slot, typ=F64), pick(F64)), slot)
        return b.load(slot, typ=F64)

    for _ in range(length):
        value = step()
        pools[value.type].append(value)
    following = b.add(i, I64(1))
    i.add_incoming(following, b.block)
    carry.add_incoming(pick(F64), b.block)
    b.cbranch(b.icmp_signed("<", following, I64(3)), head, after)
    b.position_at_end(after)
    results = [pick(F64) for _ in range(8)] + [b.sitofp(pick(I64), F64), b.load(slot, typ=F64)]
    for k, value in enumerate(results):
        b.store(value, b.gep(y, [I64(k)], source_etype=F64))
    b.ret_void()
    return module


def run(module: ll.Module, monkeypatch, chunk: int) -> tuple[bytes, int]:
    monkeypatch.setattr(chunks, "CHUNK", chunk)
    monkeypatch.setattr(chunks, "LONG_BLOCK", chunk)
    monkeypatch.setattr(chunks, "LONG_BODY", chunk)
    externals = Externals(ll.Module())
    executable = compile_module(module, externals, exports=["f"])
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)(executable.address("f"))
    x, y = np.array([0.75]), np.zeros(10)
    function(x.ctypes.data, y.ctypes.data)
    return y.tobytes(), sum(not f.is_declaration for f in module.functions)


@pytest.mark.parametrize("seed", range(12))
def test_cut_programs_compute_the_same_bits(seed, monkeypatch):
    length = 30 + 40 * seed
    whole, functions = run(random_program(seed, length), monkeypatch, 10**6)
    assert functions == 1
    for chunk in (7, 40):
        cut, functions = run(random_program(seed, length), monkeypatch, chunk)
        assert cut == whole
        assert functions > length // chunk


def test_short_blocks_stay():
    module = random_program(0, 100)
    before = str(module)
    split_long_blocks(module)
    assert str(module) == before


def test_blocks_with_values_of_no_simple_type_stay(monkeypatch):
    module = ll.Module("pairs")
    function = ll.Function(module, ll.FunctionType(I64, [I64]), "f")
    b = ll.IRBuilder(function.append_basic_block())
    pair = b.sadd_with_overflow(function.args[0], I64(1))
    value = function.args[0]
    for _ in range(50):
        value = b.add(value, b.extract_value(pair, 0))
    b.ret(value)
    monkeypatch.setattr(chunks, "CHUNK", 10)
    monkeypatch.setattr(chunks, "LONG_BLOCK", 10)
    monkeypatch.setattr(chunks, "LONG_BODY", 10)
    before = str(module)
    split_long_blocks(module)
    assert str(module) == before


def test_pointers_lose_their_promise_not_to_alias(monkeypatch):
    """Behind a cut, LLVM cannot see that a pointer out of the frame comes from an argument."""
    monkeypatch.setattr(chunks, "CHUNK", 10)
    monkeypatch.setattr(chunks, "LONG_BLOCK", 10)
    monkeypatch.setattr(chunks, "LONG_BODY", 10)
    module = ll.Module("alias")
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), [PTR]), "f")
    (x,) = function.args
    x.add_attribute("noalias")
    b = ll.IRBuilder(function.append_basic_block())
    third = b.gep(x, [I64(3)], source_etype=F64)
    for _ in range(20):
        b.store(b.fadd(b.load(x, typ=F64), F64(1.0)), third)
        b.store(b.load(third, typ=F64), x)
    b.ret_void()
    split_long_blocks(module)
    whole, *cut = module.functions
    assert cut
    assert "noalias" in str(whole.args[0])
    assert not any("noalias" in str(argument) for f in cut for argument in f.args)
    monkeypatch.setattr(chunks, "LONG_BLOCK", 10**6)  # it is cut already
    monkeypatch.setattr(chunks, "LONG_BODY", 10**6)
    executable = compile_module(module, Externals(ll.Module()), exports=["f"])
    data = np.zeros(4)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(executable.address("f"))(data.ctypes.data)
    assert data.tolist() == [20, 0, 0, 20]


def test_places_of_dead_values_are_used_again(monkeypatch):
    """A chain whose values die at once needs a small frame, however long it is."""
    monkeypatch.setattr(chunks, "CHUNK", 10)
    monkeypatch.setattr(chunks, "LONG_BLOCK", 10)
    monkeypatch.setattr(chunks, "LONG_BODY", 10)
    module = ll.Module("chain")
    function = ll.Function(module, ll.FunctionType(F64, [F64]), "f")
    b = ll.IRBuilder(function.append_basic_block())
    value = function.args[0]
    for _ in range(1000):
        value = b.fadd(value, F64(1.0))
    b.ret(value)
    split_long_blocks(module)
    (storage,) = [i for i in function.entry_basic_block.instructions if i.opname == "alloca"]
    assert storage.allocated_type.count <= 3 * struct.calcsize("d")


def there_and_back(n: int) -> tuple[ll.Module, Externals]:
    """The shape of a derivative in reverse mode: n values kept until the way back."""
    module = ll.Module("reverse")
    externals = Externals(module)
    function = ll.Function(module, ll.FunctionType(F64, [F64]), "f")
    b = ll.IRBuilder(function.append_basic_block())
    value = function.args[0]
    values = []
    for _ in range(n):
        values.append(value)
        value = b.fadd(b.fmul(value, value), F64(0.1))
    cotangent = F64(1.0)
    for value in reversed(values):
        cotangent = b.fmul(cotangent, b.fadd(value, value))
    b.ret(cotangent)
    return module, externals


def row_of_blocks(blocks: int, length: int) -> ll.Module:
    """`f(x, y)`: blocks one after the other, each of which uses values of all before it."""
    module = ll.Module("row")
    Externals(module).finish()
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), [PTR, PTR]), "f")
    b = ll.IRBuilder(function.append_basic_block("entry"))
    value = b.load(function.args[0], typ=F64)
    kept = [value]
    for _ in range(blocks):
        following = b.append_basic_block()
        b.branch(following)
        b.position_at_end(following)
        for k in range(length):
            value = b.fadd(b.fmul(value, F64(0.5)), kept[k % len(kept)])
        kept.append(value)
    b.store(value, function.args[1])
    b.ret_void()
    return module


def test_rows_of_long_blocks_compute_the_same_bits(monkeypatch):
    whole, _ = run(row_of_blocks(6, 50), monkeypatch, 10**6)
    cut, functions = run(row_of_blocks(6, 50), monkeypatch, 9)
    assert cut == whole
    assert functions > 6 * 50 // 9


def test_every_instruction_is_looked_at_a_few_times(monkeypatch):
    """Not once for each block that is cut."""
    seen = []
    operands = chunks._operands
    monkeypatch.setattr(chunks, "_operands", lambda i: (seen.append(i), operands(i))[1])
    split_long_blocks(row_of_blocks(20, chunks.LONG_BLOCK))
    assert len(seen) < 5 * 20 * 2 * chunks.LONG_BLOCK


@pytest.mark.timing
def test_compile_time_is_linear_in_program_size():
    def seconds(n: int) -> float:
        best = float("inf")
        for _ in range(3):
            module, externals = there_and_back(n)
            start = time.perf_counter()
            compile_module(module, externals, exports=["f"])
            best = min(best, time.perf_counter() - start)
        return best

    seconds(10)
    ratios: list[float] = []
    for _ in range(3):  # neighbours may be busy for a while
        ratios.append(seconds(1600) / seconds(400))
        if ratios[-1] < 1.5 * 4:
            return
    pytest.fail(f"four times the program takes {ratios} times as long")


def test_the_body_of_a_loop_is_not_cut() -> None:
    """Its values would go through memory at every step."""

    def long_body(s: Value) -> tuple[Value, ...]:
        x = s
        for k in range(chunks.LONG_BLOCK):
            x = ops.add(ops.mul(x, 0.5), float(k))
        return (x,)

    scalar = ArrayType(DTYPES["f64"], ())
    body = Builder("body")
    carry = body.input(scalar)
    with building(body):
        region = body.build(long_body(carry))
    builder = Builder("f")
    start = builder.input(scalar)
    with building(builder):
        outs = ops.scan(
            start, regions=(region,), length=3, reverse=False, consts=0, carries=1, unroll=1
        )
    graph = builder.build(outs)
    module, _, _ = emit_program(plan_graph(graph), [])
    before = len(list(module.functions))
    split_long_blocks(module)
    assert len(list(module.functions)) == before
    (expected,) = evaluate(graph, np.float64(2))
    np.testing.assert_allclose(compile_graph(graph)(np.float64(2)), (expected,), rtol=1e-15)
