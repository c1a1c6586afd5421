"""The text of modules says what llvmlite's says."""

from __future__ import annotations

import platform
import re
from typing import Any

import pytest
from llvmlite import ir as ll

import jitad_ir.ops as ops
from jitad_ir.graph import Builder, building
from jitad_ir.native.assembly import _writer, global_text, module_text, probe_stack
from jitad_ir.native.chunks import split_long_blocks
from jitad_ir.native.program import emit_program
from jitad_ir.native.target import borrowed_target
from jitad_ir.native.unlocked import parse
from jitad_ir.plan import plan_graph
from jitad_ir.types import FLOAT64, ArrayType

I1, I8, I32, I64 = (ll.IntType(n) for n in (1, 8, 32, 64))
F32, F64, PTR = ll.FloatType(), ll.DoubleType(), ll.PointerType()
V4 = ll.VectorType(F64, 4)


def code(text: str) -> str:
    """Assembly language of a module."""
    parsed = parse(text)
    with borrowed_target() as compiler:
        return compiler.machine.emit_assembly(parsed)


def same(module: ll.Module) -> None:
    """Both texts give the same code."""
    assert code(module_text(module)) == code(str(module))


def new_function(module: ll.Module, result: Any, *types: Any) -> tuple[Any, ll.IRBuilder]:
    function = ll.Function(module, ll.FunctionType(result, types), f"f{len(module.globals)}")
    return function, ll.IRBuilder(function.append_basic_block("entry"))


def test_numbers() -> None:
    module = ll.Module("numbers")
    f, b = new_function(module, F64, F64, I64, F32)
    x, n, y = f.args
    i = b.add(b.mul(n, I64(3), flags=("nuw", "nsw")), b.sub(I64(-1), n))
    i = b.xor(b.or_(b.and_(i, n), b.shl(n, I64(2))), b.lshr(b.ashr(i, n), I64(1)))
    i = b.add(b.udiv(i, I64(7)), b.sdiv(b.urem(i, I64(5)), b.srem(n, I64(3))))
    z = b.fadd(b.fmul(x, F64(0.1), flags=("contract",)), b.fsub(x, b.fdiv(x, b.frem(x, F64(2)))))
    z = b.fadd(z, b.fneg(b.fpext(y, F64)))
    less = b.fcmp_ordered("<", z, x, flags=["nnan"])
    z = b.select(b.or_(less, b.icmp_signed(">", i, n)), z, b.sitofp(i, F64))
    z = b.fadd(z, b.uitofp(b.fptosi(z, I64), F64))
    z = b.fadd(z, b.fpext(b.fptrunc(z, F32), F64))
    b.ret(b.fadd(z, b.bitcast(b.zext(b.trunc(i, I8), I64), F64)))
    same(module)


def test_memory() -> None:
    module = ll.Module("memory")
    table = ll.GlobalVariable(module, ll.ArrayType(F64, 2), "table")
    table.initializer = ll.Constant(table.value_type, [1.0, float("inf")])
    table.global_constant, table.linkage, table.align = True, "internal", 16
    f, b = new_function(module, ll.VoidType(), PTR, I64)
    pointer, n = f.args
    pointer.add_attribute("noalias")
    slot = b.alloca(I64, name="slot")
    slot.align = 32
    many = b.alloca(I8, n)
    near = b.gep(pointer, [n, I32(1)], inbounds=True, source_etype=ll.ArrayType(I64, 3))
    b.store(b.load(near, typ=I64, align=8), slot, align=8)
    b.store_atomic(b.load_atomic(pointer, "acquire", 8, typ=I64), slot, "release", 8)
    b.atomic_rmw("add", pointer, n, "monotonic")
    pair = b.cmpxchg(pointer, n, I64(0), "acq_rel", "monotonic")
    b.store(b.trunc(b.extract_value(pair, 0), I8), many)
    b.fence("seq_cst")
    at = b.gep(table, [I64(0), n], source_etype=table.value_type)
    b.store(b.load(at, typ=F64), b.inttoptr(b.ptrtoint(many, I64), PTR))
    b.ret_void()
    same(module)
    assert global_text(f).mentions == {'@"table"'}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="reads this machine's assembly")
@pytest.mark.parametrize("kind", ["function", "inlined", "small"])
def test_large_frames_are_touched_page_by_page(kind: str) -> None:
    module = ll.Module("frames")
    f, b = new_function(module, I64, I64)
    slots = b.alloca(I64, I32(8 if kind == "small" else 1 << 13))
    b.call(ll.Function(module, ll.FunctionType(ll.VoidType(), [PTR]), "outside"), [slots])
    b.ret(b.load(b.gep(slots, [f.args[0]], source_etype=I64), typ=I64))
    assert not re.search(r"subq\s+\$4096, %rsp", code(module_text(module)))
    probe_stack(f)
    if kind == "inlined":
        f.linkage = "internal"
        f.attributes.add("alwaysinline")
        g, b = new_function(module, I64, I64)
        b.ret(b.call(f, g.args))
    probed = re.search(r"subq\s+\$4096, %rsp", code(module_text(module)))
    assert bool(probed) == (kind != "small")


def test_vectors_and_members() -> None:
    module = ll.Module("vectors")
    pair = ll.LiteralStructType([F64, I32])
    f, b = new_function(module, pair, V4, F64)
    v, x = f.args
    mask = ll.Constant(ll.VectorType(I32, 4), [3, 5, 0, 6])
    w = b.shuffle_vector(v, b.insert_element(v, x, I32(2)), mask)
    total = ll.Function(module, ll.FunctionType(F64, [F64, V4]), "llvm.vector.reduce.fadd.v4f64")
    total = b.call(total, [F64(0), w], fastmath=("reassoc",))
    total = b.fadd(total, b.extract_element(w, I32(1)))
    made = b.insert_value(ll.Constant(pair, ll.Undefined), total, 0)
    b.ret(b.insert_value(made, I32(7), [1]))
    same(module)


def test_flow_and_calls() -> None:
    module = ll.Module("flow")
    callee = ll.Function(module, ll.FunctionType(I64, [PTR], var_arg=True), "outside")
    callee.attributes.add("nounwind")
    helper, b = new_function(module, I64, I64)
    helper.linkage = "internal"
    helper.attributes.add("noinline")
    b.ret(b.add(helper.args[0], I64(1)))
    f, b = new_function(module, I64, I64, PTR)
    loop, done, other = (f.append_basic_block(name) for name in ("loop", "done", "other"))
    b.branch(loop)
    b.position_at_end(loop)
    i = b.phi(I64, "i")
    following = b.call(helper, [i], tail=True)
    i.add_incoming(I64(0), f.entry_basic_block)
    i.add_incoming(following, loop)
    likely = b.cbranch(b.icmp_unsigned("<", following, f.args[0]), loop, done)
    likely.set_weights([9, 1])
    b.position_at_end(done)
    switch = b.switch(following, other)
    last = f.append_basic_block()
    switch.add_case(I64(4), last)
    b.position_at_end(last)
    pointer = b.call(callee, [f.args[1], I32(1), F64(2)], arg_attrs={0: ("nonnull",)})
    b.ret(pointer)
    b.position_at_end(other)
    b.unreachable()
    same(module)


def test_what_is_cut() -> None:
    builder = Builder("long")
    x = y = builder.input(ArrayType(FLOAT64, ()))
    with building(builder):
        for k in range(400):
            y = ops.add(ops.mul(ops.sin(y), x), y if k % 3 else x)
    module, externals, _ = emit_program(plan_graph(builder.build([y])), ())
    split_long_blocks(module)
    externals.finish()
    assert sum(not f.is_declaration for f in module.functions) > 4
    same(module)


def test_other_instructions_are_refused() -> None:
    with pytest.raises(TypeError, match="LandingPadInstr"):
        _writer(ll.instructions.LandingPadInstr)
