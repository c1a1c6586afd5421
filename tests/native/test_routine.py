"""The routine emitter: loops, memory, branches and calls, run as machine code."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.lanes import I32, I64, PTR, Lanes
from jitad_ir.native.routine import Buffer, RoutineEmitter
from jitad_ir.types import DTYPES, FLOAT64, INT32, INT64, parse_type, type_of


def run(emit, *arrays, workspace=None):
    """Call `emit(r, *buffers)` as machine code on these arrays, in place."""
    module = ll.Module("routine")
    externals = Externals(module)
    signature = ll.FunctionType(ll.VoidType(), [PTR] * (len(arrays) + 1))
    function = ll.Function(module, signature, "routine")
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    *pointers, scratch = function.args
    r = RoutineEmitter(builder, externals, scratch)
    emit(r, *[Buffer(type_of(a), p) for a, p in zip(arrays, pointers, strict=True)])
    builder.ret_void()
    executable = compile_module(module, externals, exports=["routine"])
    entry = ctypes.PYFUNCTYPE(None, *[ctypes.c_void_p] * (len(arrays) + 1))
    data = [a.ctypes.data for a in arrays]
    entry(executable.address("routine"))(
        *data, workspace.ctypes.data if workspace is not None else None
    )


def guarded(shape, dtype):
    """An array of `shape` between two guards that must stay as they are."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape))
    whole = np.full(size + 16, 99).astype(dtype)
    part = whole[8 : size + 8].reshape(shape)
    part[...] = 77
    return whole, part


def check_guards(whole):
    edge = np.concatenate([whole[:8], whole[-8:]])
    assert np.array_equal(edge, np.full(16, 99).astype(whole.dtype))


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (3, 1, 4), (0,), (2, 0, 3)])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_loops_load_and_store_every_element(shape, dtype):
    whole, out = guarded(shape, dtype)
    x = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)

    def emit(r, source, result):
        r.loops(shape, lambda index: r.store(result, index, r.load(source, index)))

    run(emit, x, out)
    assert np.array_equal(out, x)
    check_guards(whole)


@pytest.mark.parametrize("width", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "i2", "u1"])
def test_chosen_lanes_are_written_side_by_side(width, dtype):
    rng = np.random.default_rng(width)
    for share in (0.0, 0.4, 1.0):
        x = rng.integers(0, 100, width).astype(dtype)
        chosen = rng.random(width) < share
        whole, out = guarded((chosen.sum(),), dtype)
        count = np.zeros(1, np.int64)

        def emit(r, source, mask, result, number):
            e = r.simd(width)
            lanes, bools = (e.load(b.pointer, b.type.dtype) for b in (source, mask))
            r.store(number, (0,), r.number(e.store_chosen(result.pointer, lanes, bools)))

        run(emit, x, chosen, out, count)
        assert count[0] == chosen.sum()
        assert np.array_equal(out, x[chosen])
        check_guards(whole)


def test_static_and_moving_indices_mix():
    x = np.arange(24.0).reshape(2, 3, 4)
    out = np.zeros(3)
    run(lambda r, x, out: r.loop(3, lambda i: r.store(out, (i,), r.load(x, (1, i, 2)))), x, out)
    assert np.array_equal(out, x[1, :, 2])


@pytest.mark.parametrize("index", [(2,), (-1,), (0, 0), ()])
def test_static_index_outside(index):
    with pytest.raises(IndexError):
        run(lambda r, x: r.load(x, index), np.zeros(2))


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (1, 4), (3, 4), (4, 4), (5, 4), (-2, 1)])
@pytest.mark.parametrize("moving", [False, True])
def test_loop_bounds(start, stop, moving):
    bounds = np.array([start, stop])
    whole, counts = guarded((8,), np.int64)
    counts[...] = 0

    def emit(r, bounds, counts):
        first, last = start, stop
        if moving:
            first, last = (r.load(bounds, (k,)).value for k in (0, 1))

        def body(i):
            at = (r.builder.add(i, r.integer(2)),)
            r.store(counts, at, r.b.add(r.load(counts, at), r.b.constant(INT64, 1)))

        r.loop(last, body, start=first)

    run(emit, bounds, counts)
    expected = [1 if start <= k - 2 < stop else 0 for k in range(8)]
    assert counts.tolist() == expected
    check_guards(whole)


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 37)])
def test_fill_and_copy(shape, dtype):
    whole, out = guarded(shape, dtype)
    value = np.ones((), dtype)
    run(lambda r, value, out: r.fill(out, r.load(value, ())), value, out)
    assert np.array_equal(out, np.ones(shape, dtype))
    check_guards(whole)
    source = np.arange(out.size).astype(dtype)
    run(lambda r, source, out: r.copy(out, source), source, out)
    assert np.array_equal(out, source.reshape(shape))
    check_guards(whole)


def test_copy_refuses_other_sizes_and_dtypes():
    for other in (np.zeros(4), np.zeros(3, np.float32)):
        with pytest.raises(ValueError, match="copy: expected as many elements"):
            run(lambda r, x, y: r.copy(x, y), np.zeros(3), other)


def test_store_and_fill_refuse_other_dtypes():
    with pytest.raises(TypeError, match="store: expected float64 lanes; got int32"):
        run(lambda r, x: r.store(x, (0,), r.b.constant(INT32, 0)), np.zeros(3))
    with pytest.raises(TypeError, match="fill: expected float64 lanes; got int32"):
        run(lambda r, x: r.fill(x, r.b.constant(INT32, 0)), np.zeros(3))


def test_when_takes_one_branch():
    x, out = np.array([-2.0, 3.0, np.nan, 0.0]), np.zeros(4)

    def emit(r, x, out):
        def element(i):
            value = r.load(x, (i,))
            positive = r.b.gt(value, r.b.constant(FLOAT64, 0))
            r.when(
                positive,
                lambda: r.store(out, (i,), value),
                lambda: r.store(out, (i,), r.b.constant(FLOAT64, -1)),
            )
            r.when(r.b.ne(value, value), lambda: r.store(out, (i,), r.b.constant(FLOAT64, 9)))

        r.loop(4, element)

    run(emit, x, out)
    assert out.tolist() == [-1, 3, 9, -1]


def test_locals_carry_values_between_rounds():
    """Collatz: rounds until 1 is reached."""
    starts, rounds = np.array([1, 2, 6, 27]), np.zeros(4, np.int64)

    def emit(r, starts, rounds):
        n = Buffer(parse_type("i64[]"), r.local(INT64))
        one, two, three = (r.b.constant(INT64, k) for k in (1, 2, 3))

        def element(i):
            r.copy(n, Buffer(n.type, r.element_pointer(starts, (i,))))

            def step():
                value = r.load(n, ())
                odd = r.b.ne(r.b.bitwise_and(value, one), r.b.constant(INT64, 0))
                tripled = r.b.add(r.b.mul(value, three), one)
                r.store(n, (), r.b.select(odd, tripled, r.b.div(value, two)))
                r.store(rounds, (i,), r.b.add(r.load(rounds, (i,)), one))

            r.loop_while(lambda: r.b.ne(r.load(n, ()), one), step)

        r.loop(4, element)

    run(emit, starts, rounds)
    assert rounds.tolist() == [0, 1, 8, 111]


def test_simd_shares_the_place():
    x = np.arange(8.0)

    def emit(r, x):
        wide = r.simd(8)
        pointer = r.element_pointer(x, (0,))
        wide.store(pointer, wide.mul(wide.load(pointer, FLOAT64), wide.constant(FLOAT64, 2)))
        r.store(x, (7,), r.b.constant(FLOAT64, -1))

    run(emit, x)
    assert x.tolist() == [0, 2, 4, 6, 8, 10, 12, -1]


def test_workspace_is_divided_by_buffers():
    space, out = np.zeros(128, np.uint8), np.zeros(2)

    def emit(r, out):
        first = r.buffer(parse_type("i32[4]"), r.workspace)
        second = r.buffer(parse_type("f64[2]"), r.workspace, offset=64)
        r.fill(first, r.b.constant(INT32, 5))
        r.fill(second, r.b.constant(FLOAT64, 2.5))
        r.copy(out, second)

    run(emit, out, workspace=space)
    assert out.tolist() == [2.5, 2.5]
    assert space[:16].view(np.int32).tolist() == [5] * 4
    assert not space[16:64].any()


def test_library_call_by_references():
    a, b, c = np.random.default_rng(0).normal(size=(3, 2, 2))

    def emit(r, a, b, c):
        n = r.reference(r.integer(2))
        one, zero = (r.literal(FLOAT64, k) for k in (1, 0))
        letter = r.reference(ll.Constant(ll.IntType(8), ord("N")))
        # Fortran order: c' = b' a'
        r.call(
            "blas:dgemm",
            None,
            [letter, letter, n, n, n, one, b.pointer, n, a.pointer, n, zero, c.pointer, n],
        )

    run(emit, a, b, c)
    np.testing.assert_allclose(c, a @ b, rtol=1e-15)


def test_library_call_with_a_result():
    out = np.zeros(1)

    def emit(r, out):
        result = r.call("special:gammaln", FLOAT64, [r.b.constant(FLOAT64, 5.0)])
        r.store(out, (0,), Lanes(FLOAT64, result))

    run(emit, out)
    assert out[0] == pytest.approx(np.log(24))


def test_inner_function_is_built_once():
    x, built = np.array([4.0, 3.0, 1.0, 2.0]), []

    def build(r, pointer, n):
        built.append(n)
        array = Buffer(parse_type("f64[2]"), pointer)
        low = r.b.min(r.load(array, (0,)), r.load(array, (1,)))
        high = r.b.max(r.load(array, (0,)), r.load(array, (1,)))
        r.store(array, (0,), low)
        r.store(array, (1,), high)
        return r.builder.add(n, r.integer(1))

    def emit(r, x):
        for k in (0, 2, 1, 0, 2, 1):
            at = r.element_pointer(x, (k,))
            r.call_inner("order_pair.f64", build, at, r.integer(k), result=INT64)
        for arguments in ((x.pointer,), (x.pointer, ll.Constant(I32, 0))):
            with pytest.raises(ValueError, match="call_inner: order_pair.f64 takes"):
                r.call_inner("order_pair.f64", build, *arguments, result=INT64)

    run(emit, x)
    assert x.tolist() == [1, 2, 3, 4]
    assert len(built) == 1
    assert built[0].type == I64


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_slots_of_vectors_are_aligned_as_their_stores_assume(lanes):
    module = ll.Module("slots")
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), []), "slots")
    r = RoutineEmitter(ll.IRBuilder(function.append_basic_block("entry")), Externals(module))
    vector = ll.VectorType(ll.DoubleType(), lanes)
    assert r.local(vector).align in (None, 8 * lanes)
    assert r.local(FLOAT64, 4).align == 16


def test_small_products_leave_the_threads_of_blas_as_they_were() -> None:
    program = (
        "import ctypes, numpy as np, scipy.linalg.cython_blas as blas\n"
        "from jitad_ir import ops\n"
        "from jitad_ir.native.program import compile_graph\n"
        "from jitad_ir.text import parse\n"
        "get = getattr(ctypes.CDLL(blas.__file__), 'scipy_openblas_get_num_threads', None)\n"
        "before = get() if get else 0\n"
        "graph = parse('graph f(a: f64[100,100]) { b: f64[100,100] = dot(a, a, batch=((), ()), '\n"
        "              'contract=((1,), (0,))) return b }')\n"
        "x = np.random.default_rng(0).normal(size=(100, 100))\n"
        "(y,) = compile_graph(graph)(x)\n"
        "assert np.allclose(y, x @ x)\n"
        "assert (get() if get else 0) == before\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
