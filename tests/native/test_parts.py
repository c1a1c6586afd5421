"""Modules that are compiled in parts: the parts find each other, and answers do not change."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from llvmlite import ir as ll

import jitad
import jitad.numpy as jnp
from jitad_ir import workers
from jitad_ir.native import compile as compile_
from jitad_ir.native.compile import choose_inlining, compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.link import Executable, Image, image_of
from jitad_ir.native.parts import LEAST, divided

F64 = ll.DoubleType()
COUNT = 4


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "limit", lambda: 2)


def module_of_powers(length: int) -> tuple[ll.Module, Externals]:
    """`f(x)` = pi + the sum over k < COUNT of x^length + k, each by a function of its own that
    calls `half(x)` = x / 2 and doubles it again; pi is a constant of the module."""
    module = ll.Module("powers")
    externals = Externals(module)
    unary = ll.FunctionType(F64, [F64])
    half = ll.Function(module, unary, "half")
    builder = ll.IRBuilder(half.append_basic_block())
    builder.ret(builder.fmul(half.args[0], ll.Constant(F64, 0.5)))
    pi = ll.GlobalVariable(module, F64, "pi")
    pi.global_constant, pi.linkage, pi.initializer = True, "internal", ll.Constant(F64, np.pi)
    powers: list[ll.Function] = []
    for k in range(COUNT):
        power = ll.Function(module, unary, f"power{k}")
        power.attributes.add("noinline")
        builder = ll.IRBuilder(power.append_basic_block())
        halved = builder.call(half, power.args)
        x, total = builder.fadd(halved, halved), ll.Constant(F64, 1.0)
        for _ in range(length):
            total = builder.fmul(total, x)
        builder.ret(builder.fadd(total, ll.Constant(F64, float(k))))
        powers.append(power)
    f = ll.Function(module, unary, "f")
    builder = ll.IRBuilder(f.append_basic_block())
    total = builder.load(pi, typ=F64)
    for power in powers:
        total = builder.fadd(total, builder.call(power, f.args))
    to_object = ll.FunctionType(ll.PointerType(), [F64])
    boxed = externals.pointer(builder, "py:PyFloat_FromDouble", to_object.as_pointer())
    kept = builder.call(boxed, [total])
    release = ll.FunctionType(ll.VoidType(), [ll.PointerType()])
    builder.call(externals.pointer(builder, "py:Py_DecRef", release.as_pointer()), [kept])
    builder.ret(total)
    return module, externals


def value(executable: Executable, x: float) -> float:
    return ctypes.PYFUNCTYPE(ctypes.c_double, ctypes.c_double)(executable.address("f"))(x)


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many objects each module that is compiled becomes."""
    seen: list[int] = []

    def counted(objects: Sequence[bytes], *names: Sequence[str]) -> Image:
        seen.append(len(objects))
        return image_of(objects, *names)

    monkeypatch.setattr(compile_, "image_of", counted)
    return seen


def test_parts_find_each_other(parts: list[int]) -> None:
    module, externals = module_of_powers(LEAST)
    executable = compile_module(module, externals, exports=["f"])
    assert parts == [2]
    assert value(executable, 1.0) == pytest.approx(np.pi + COUNT + sum(range(COUNT)), rel=1e-15)


def test_a_short_module_is_not_divided(parts: list[int]) -> None:
    module, externals = module_of_powers(3)
    executable = compile_module(module, externals, exports=["f"])
    assert parts == [1]
    assert value(executable, 2.0) == pytest.approx(np.pi + COUNT * 8 + sum(range(COUNT)), rel=1e-15)


def test_parts_are_about_equal() -> None:
    module, _ = module_of_powers(2 * LEAST)
    sizes = choose_inlining(module, ["f"])
    texts = divided(module, sizes, COUNT)
    assert len(texts) == COUNT
    lengths = [len(text) for text in texts]
    assert max(lengths) < 1.5 * min(lengths)
    for text in texts:
        assert text.count('define internal double @"half"') == 1, "each inlines its own"


def test_one_thread_compiles_in_one_part(monkeypatch: pytest.MonkeyPatch, parts: list[int]) -> None:
    monkeypatch.setattr(workers, "limit", lambda: 1)
    module, externals = module_of_powers(LEAST)
    compile_module(module, externals, exports=["f"])
    assert parts == [1]


def test_an_error_in_another_part_is_raised() -> None:
    module, externals = module_of_powers(LEAST)
    module.get_global("power3").blocks[0].terminator = None
    module.get_global("power3").blocks[0].instructions.pop()
    with pytest.raises(RuntimeError, match="expected instruction"):
        compile_module(module, externals, exports=["f"])


def test_answers_do_not_depend_on_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any) -> Any:
        y = jnp.tanh(x @ x.T)
        return jnp.exp(y - y.max(axis=1, keepdims=True)).sum(axis=0), jnp.sort(x, axis=0), y.std()

    x = np.random.default_rng(0).standard_normal((120, 40))
    monkeypatch.setenv("JITAD_CACHE", "0")
    found: list[Any] = []
    for threads in (1, 2, 3):
        monkeypatch.setattr(workers, "limit", lambda threads=threads: threads)
        found.append(jitad.jit(lambda x: f(x))(x))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, two)
