"""Modules become machine code; machine code is freed; externals are resolved."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad_ir.native.addresses import resolve
from jitad_ir.native.compile import STACK_ALIGN, choose_inlining, compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.program import PROGRAM, emit_program
from jitad_ir.native.target import borrowed_target
from jitad_ir.native.unlocked import parse
from jitad_ir.plan import plan_graph
from jitad_ir.text import parse as parse_graph

F64, I32, I64, PTR = ll.DoubleType(), ll.IntType(32), ll.IntType(64), ll.PointerType()


def polynomial_module(terms: int, scale: float = 1.0) -> tuple[ll.Module, Externals]:
    """`polynomial(x)` = scale * sum of x^k for k < terms, with a table of externals."""
    module = ll.Module("polynomial")
    externals = Externals(module)
    function = ll.Function(module, ll.FunctionType(F64, [F64]), "polynomial")
    builder = ll.IRBuilder(function.append_basic_block())
    x = function.args[0]
    total = ll.Constant(F64, 0.0)
    for _ in range(terms):
        total = builder.fadd(builder.fmul(total, x), ll.Constant(F64, 1.0))
    builder.ret(builder.fmul(total, ll.Constant(F64, scale)))
    return module, externals


def callable_of(executable, name, result, *arguments):
    return ctypes.CFUNCTYPE(result, *arguments)(executable.address(name))


def test_compiles_and_runs():
    module, externals = polynomial_module(5)
    executable = compile_module(module, externals, exports=["polynomial"])
    function = callable_of(executable, "polynomial", ctypes.c_double, ctypes.c_double)
    assert function(0.5) == 1 + 0.5 + 0.25 + 0.125 + 0.0625
    assert executable.metadata == {}
    assert executable.image.exports == ("polynomial",)


def test_address_of_what_is_not_exported():
    module, externals = polynomial_module(2)
    executable = compile_module(module, externals, exports=["polynomial"])
    with pytest.raises(KeyError, match="polynomial.*got cubic"):
        executable.address("cubic")


def test_export_that_is_not_defined():
    module, externals = polynomial_module(2)
    with pytest.raises(ValueError, match="got quartic"):
        compile_module(module, externals, exports=["quartic"])


def test_invalid_module_gives_an_error_with_the_words_of_llvm():
    module = ll.Module("bad")
    externals = Externals(module)
    function = ll.Function(module, ll.FunctionType(I64, []), "f")
    function.append_basic_block()  # no terminator
    with pytest.raises(RuntimeError, match="expected instruction"):
        compile_module(module, externals, exports=["f"])


def call_external(name: str, result: ll.Type, arguments: list[ll.Type]):
    """A module whose `f` passes its arguments on to the external `name`."""
    module = ll.Module("caller")
    externals = Externals(module)
    signature = ll.FunctionType(result, arguments)
    function = ll.Function(module, signature, "f")
    builder = ll.IRBuilder(function.append_basic_block())
    pointer = externals.pointer(builder, name, signature.as_pointer())
    builder.ret(builder.call(pointer, function.args))
    return compile_module(module, externals, exports=["f"])


def test_python_c_api():
    executable = call_external("py:PyFloat_FromDouble", PTR, [F64])
    assert executable.image.externals == ("py:PyFloat_FromDouble",)
    function = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_double)(executable.address("f"))
    assert function(2.5) == 2.5


def test_numpy_c_api():
    # Slot 0 is PyArray_GetNDArrayCVersion, 2 the type object of ndarray.
    executable = call_external("numpy:0", I32, [])
    assert callable_of(executable, "f", ctypes.c_uint)() >= 0x2000000
    assert resolve("numpy:2") == id(np.ndarray)


def test_special_function_of_scipy():
    executable = call_external("special:gammaln", F64, [F64])
    function = callable_of(executable, "f", ctypes.c_double, ctypes.c_double)
    assert function(5.0) == pytest.approx(np.log(24.0), rel=1e-15)


def test_blas():
    executable = call_external("blas:ddot", F64, [PTR] * 5)
    function = callable_of(executable, "f", ctypes.c_double, *[ctypes.c_void_p] * 5)
    x, y = np.arange(4.0), np.arange(1.0, 5.0)
    n, one = ctypes.c_int64(4), ctypes.c_int64(1)
    assert function(
        ctypes.addressof(n), x.ctypes.data, ctypes.addressof(one), y.ctypes.data,
        ctypes.addressof(one),
    ) == x @ y  # fmt: skip


def test_lapack():
    assert resolve("lapack:dpotrf") not in (0, resolve("lapack:spotrf"))


@pytest.mark.parametrize("library", ["_numpy_openblas", "_none"])
def test_pivots_in_integers_of_either_size(library, tmp_path):
    """NumPy's LAPACK has integers of 64 bits, SciPy's of 32."""
    program = (
        "import numpy as np, jitad, jitad.numpy as jnp, jitad.scipy.linalg as linalg\n"
        "from jitad_ir.native import libraries\n"
        "libraries._none = lambda: None\n"
        f"libraries._numpy_lapack = libraries._numpy_openblas = libraries.{library}\n"
        "for n in (11, 400):\n"
        "    a = np.random.default_rng(n).normal(size=(n, n))\n"
        "    x = jitad.jit(jnp.linalg.solve)(a, a @ np.ones(n))\n"
        "    assert abs(x - 1).max() < 1e-9, n\n"
        "    sign, log = jitad.jit(jnp.linalg.slogdet)(a)\n"
        "    assert sign == np.linalg.slogdet(a)[0]\n"
        "    p, l, u = jitad.jit(linalg.lu)(a)\n"
        "    assert abs(p @ l @ u - a).max() < 1e-11\n"
    )
    own = {**environment(), "JITAD_CACHE_DIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=own)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("blas:dgemmm", "scipy.linalg.cython_blas; got dgemmm"),
        ("special:no_such", "scipy.special.cython_special; got no_such"),
        ("py:PyNo_Such", "got PyNo_Such"),
        ("numpy:x", "slot number.*got x"),
        ("nobody:x", "families.*got nobody:x"),
        ("const:2", "was given 0 constants"),
    ],
)
def test_external_that_does_not_exist(name, message):
    with pytest.raises(LookupError, match=message):
        call_external(name, F64, [F64])


def test_scipy_is_imported_when_first_needed():
    program = (
        "import sys, jitad_ir.native.compile\n"
        "from jitad_ir.native.addresses import resolve\n"
        "resolve('py:PyFloat_FromDouble')\n"
        "assert not [name for name in sys.modules if name.startswith('scipy')]\n"
        "resolve('special:gammaln')\n"
        "assert 'scipy' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=environment())


def environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def constant_sum_module(size: int) -> tuple[ll.Module, Externals]:
    """`first()` reads element 0 of the captured constant."""
    module = ll.Module("constants")
    externals = Externals(module)
    function = ll.Function(module, ll.FunctionType(F64, []), "first")
    builder = ll.IRBuilder(function.append_basic_block())
    builder.ret(builder.load(externals.pointer(builder, "const:0"), typ=F64))
    return module, externals


def test_captured_constants_live_as_long_as_the_executable():
    class Tracked(np.ndarray):
        pass

    array = np.full(3, 7.5).view(Tracked)
    alive = weakref.ref(array)
    module, externals = constant_sum_module(3)
    executable = compile_module(module, externals, exports=["first"], constants=[array])
    del array
    gc.collect()
    assert alive() is not None
    assert callable_of(executable, "first", ctypes.c_double)() == 7.5
    del executable
    gc.collect()
    assert alive() is None


def test_constants_must_be_contiguous():
    module, externals = constant_sum_module(3)
    with pytest.raises(ValueError, match="C-contiguous"):
        compile_module(module, externals, exports=["first"], constants=[np.zeros((4, 4)).T[1:]])


def mapped(address: int) -> bool:
    with open("/proc/self/maps") as maps:
        for line in maps:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            if low <= address < high:
                return True
    return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_dropping_an_executable_unmaps_its_code():
    module, externals = polynomial_module(2000)
    executable = compile_module(module, externals, exports=["polynomial"])
    address = executable.address("polynomial")
    assert mapped(address)
    del executable
    gc.collect()
    assert not mapped(address)


def resident_kilobytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_thousand_dropped_programs_leave_memory_flat():
    def compile_some(first: int, last: int) -> None:
        for k in range(first, last):
            module, externals = polynomial_module(30, scale=float(k))
            executable = compile_module(module, externals, exports=["polynomial"])
            function = callable_of(executable, "polynomial", ctypes.c_double, ctypes.c_double)
            assert function(0.0) == k
        gc.collect()

    compile_some(0, 100)  # settles allocators and caches
    before = resident_kilobytes()
    compile_some(100, 1100)
    # One leaked module or library of each would be 9 KB or more.
    assert resident_kilobytes() - before < 2000


def test_compiling_in_several_threads():
    results: dict[int, float] = {}

    def work(k: int) -> None:
        for repeat in range(5):
            module, externals = polynomial_module(4, scale=k + repeat)
            executable = compile_module(module, externals, exports=["polynomial"])
            function = callable_of(executable, "polynomial", ctypes.c_double, ctypes.c_double)
            results[10 * k + repeat] = function(1.0) / 4

    threads = [threading.Thread(target=work, args=(10 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {100 * k + r: 10 * k + r for k in range(4) for r in range(5)}


def chain_module(calls: int, size: int) -> ll.Module:
    """`caller` calls `helper`, of `size` instructions, `calls` times."""
    module = ll.Module("chain")
    signature = ll.FunctionType(F64, [F64])
    helper = ll.Function(module, signature, "helper")
    builder = ll.IRBuilder(helper.append_basic_block())
    value = helper.args[0]
    for _ in range(size - 1):
        value = builder.fmul(value, helper.args[0])
    builder.ret(value)
    caller = ll.Function(module, signature, "caller")
    builder = ll.IRBuilder(caller.append_basic_block())
    value = caller.args[0]
    for _ in range(calls):
        value = builder.call(helper, [value])
    builder.ret(value)
    return module


@pytest.mark.parametrize(
    ("calls", "size", "inlined"), [(1, 5000, True), (20, 5, True), (3, 5000, False)]
)
def test_inlining_is_bounded(calls, size, inlined):
    module = chain_module(calls, size)
    choose_inlining(module, ["caller"])
    helper, caller = module.functions
    assert ("alwaysinline" in helper.attributes) == inlined
    assert helper.linkage == "internal"
    assert caller.linkage == ""
    parsed = parse(str(module))
    with borrowed_target() as compiler:
        compiler.optimize(parsed)
    assert [f.name for f in parsed.functions] == (["caller"] if inlined else ["helper", "caller"])


def test_inlining_keeps_what_a_function_says():
    module = chain_module(1, 5)
    helper = module.get_global("helper")
    helper.attributes.add("noinline")
    choose_inlining(module, ["caller"])
    assert "alwaysinline" not in helper.attributes


def test_a_target_serves_one_thread_and_is_kept():
    with borrowed_target() as first, borrowed_target() as second:
        assert first is not second
    with borrowed_target() as again:
        assert again in (first, second)


def test_importing_jitad_ir_does_not_import_llvm():
    program = "import sys, jitad_ir; assert 'llvmlite' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, env=environment())


def test_lapack_loads_without_the_rest_of_scipy():
    program = (
        "import sys; from jitad_ir.native import libraries; "
        "from jitad_ir.native.addresses import resolve; "
        "libraries._numpy_openblas = lambda: None; "
        "first = resolve('blas:dgemm'), resolve('lapack:dpotrf'); "
        "assert 'scipy.linalg' not in sys.modules; "
        "import scipy.linalg, numpy; from scipy.linalg import cython_blas; "
        "assert scipy.linalg.cython_blas is cython_blas; "
        "capsule = libraries.capsule_pointer(cython_blas.__pyx_capi__['dgemm']); "
        "assert capsule == first[0]; "
        "assert scipy.linalg.inv(numpy.eye(2)).tolist() == [[1, 0], [0, 1]]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, env=environment())


@pytest.mark.parametrize(
    ("inside", "quick"), [("addresses", True), ("floats", False), ("loop", False), ("none", False)]
)
def test_what_only_passes_addresses_is_not_optimised(inside: str, quick: bool) -> None:
    """`entry` calls `program`, which is inlined and calls `work`, a function of its own."""
    module = ll.Module("passing")
    externals = Externals(module)
    kind = ll.FunctionType(I64, [PTR])
    work = ll.Function(module, kind, "work")
    work.attributes.add("noinline")
    builder = ll.IRBuilder(work.append_basic_block())
    builder.ret(builder.load(work.args[0], typ=I64))
    program = ll.Function(module, kind, "program")
    builder = ll.IRBuilder(program.append_basic_block())
    place = builder.gep(program.args[0], [I64(1)], source_etype=I64)
    if inside == "floats":
        value = builder.load(place, typ=F64)
        builder.store(builder.fadd(value, F64(0)), place)
    result = I64(7) if inside == "none" else builder.call(work, [place])
    if inside == "loop":
        body, after = program.append_basic_block(), program.append_basic_block()
        builder.branch(body)
        builder.position_at_end(body)
        builder.cbranch(builder.icmp_signed("<", result, I64(0)), body, after)
        builder.position_at_end(after)
    builder.ret(result)
    entry = ll.Function(module, kind, "entry")
    builder = ll.IRBuilder(entry.append_basic_block())
    builder.ret(builder.call(program, [entry.args[0]]))
    executable = compile_module(module, externals, exports=["entry"])
    assert "alwaysinline" in program.attributes
    assert ("optnone" in entry.attributes) == quick
    assert "optnone" not in work.attributes
    function = callable_of(executable, "entry", ctypes.c_int64, ctypes.c_void_p)
    assert function(np.array([3, 7]).ctypes.data) == 7


@pytest.mark.parametrize(("name", "aligned"), [("tan", True), ("sqrt", False)])
def test_the_stack_is_aligned_where_vectors_may_be_spilled(name: str, aligned: bool) -> None:
    """It takes a call some nanoseconds, which small programs have no use for."""
    text = f"graph f(a: f64[64]) {{\nb: f64[64] = {name}(a)\nreturn b\n}}"
    module, _, _ = emit_program(plan_graph(parse_graph(text)), [])
    choose_inlining(module, [PROGRAM])
    program = module.get_global(PROGRAM)
    assert (program.attributes.alignstack == STACK_ALIGN) == aligned
