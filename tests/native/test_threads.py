"""Worker threads: the same bits for any number of them, and no harm from or to other threads."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from llvmlite import ir as ll

import jitad
import jitad.numpy as jnp
from jitad_ir import workers
from jitad_ir.native import parallel, threads, threads_code
from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.lanes import I64
from jitad_ir.ops import lu_blocks, triangular_blocks
from jitad_ir.plan import parallel as plan_parallel
from jitad_ir.plan import stacks
from jitad_ir.plan.duration import is_long
from jitad_ir.workers import Field
from tests.native.random_programs import RandomProgram, arguments
from tests.native.test_kernels import check

COUNTS = (1, 2, 3, 7)


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Share out every kernel that can be, in parts of one step."""
    monkeypatch.setattr(plan_parallel, "WORTH", 0.0)
    monkeypatch.setattr(plan_parallel, "FEW", 1 << 60)
    monkeypatch.setattr(parallel, "PART", 1e-6)
    monkeypatch.setattr(stacks, "WORTH", 0.0)
    with jitad.threads(3):
        yield


# -- the pool ---------------------------------------------------------------------------------


def counting_job() -> Any:
    """A job that adds 1 to number `part + 1` of its arguments, after number 0 rounds of waiting."""
    module = ll.Module("job")
    job = ll.Function(module, threads_code.JOB, "job")
    b = ll.IRBuilder(job.append_basic_block("entry"))
    array, part = job.args
    rounds = b.load(array, typ=I64)
    before, head, after = b.block, b.append_basic_block("head"), b.append_basic_block("after")
    b.branch(head)
    b.position_at_end(head)
    i = b.phi(I64)
    i.add_incoming(I64(0), before)
    following = b.add(i, I64(1))
    i.add_incoming(following, head)
    b.fence("seq_cst")
    b.cbranch(b.icmp_signed("<", following, rounds), head, after)
    b.position_at_end(after)
    place = b.gep(array, [b.add(part, I64(1))], source_etype=I64)
    b.atomic_rmw("add", place, I64(1), "seq_cst")
    b.ret_void()
    return compile_module(module, Externals(module), exports=["job"])


PARALLEL_FOR = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64
)


class Pool:
    """The counting job, on the workers of the process or on others that wait in another way."""

    def __init__(self, code: Any, state: int) -> None:
        self.job = counting_job()
        self.state = state
        self.run = PARALLEL_FOR(code.address("parallel_for"))

    def check(self, parts: int, rounds: int = 0) -> None:
        """Every part is done once."""
        array = np.zeros(parts + 1, np.int64)
        array[0] = rounds
        self.run(self.state, self.job.address("job"), array.ctypes.data, parts)
        assert (array[1:] == 1).all()


@pytest.fixture
def pool() -> Pool:
    return Pool(threads.support(), workers.STATE)


@pytest.mark.parametrize("count", COUNTS)
def test_every_part_is_done_once(pool: Pool, count: int) -> None:
    with jitad.threads(count):
        for parts in (1, 2, 3, 100):
            for rounds in (0, 3000):
                pool.check(parts, rounds)


def test_no_job_is_slept_through(pool: Pool) -> None:
    """Many jobs with pauses around the time after which workers fall asleep."""
    with jitad.threads(3):
        for k in range(3000):
            pool.check(4, k % 7 * 50)
            end = time.perf_counter() + k % 100 * 1e-6
            while time.perf_counter() < end:
                pass


def test_many_calls(pool: Pool) -> None:
    with jitad.threads(2):
        array = np.zeros(3, np.int64)
        arguments = (pool.state, pool.job.address("job"), array.ctypes.data, 2)
        for _ in range(100_000):
            pool.run(*arguments)
    assert array.tolist() == [0, 100_000, 100_000]


def test_a_caller_who_was_held_up_works_alone_for_a_while(pool: Pool) -> None:
    me = threading.get_ident()
    joined = threading.Event()
    by_me: list[bool] = []

    @ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64)
    def job(_arguments: int, _part: int) -> None:
        by_me.append(threading.get_ident() == me)
        if by_me[-1]:
            joined.wait(5.0)
        else:
            joined.set()
            time.sleep(1.0)

    address = ctypes.cast(job, ctypes.c_void_p)
    workers.write(Field.PENALTY, 0)
    workers.write(Field.ALONE, 0)
    with jitad.threads(2):
        pool.run(pool.state, address, None, 2)
        assert sorted(by_me) == [False, True]
        assert workers.read(Field.ALONE) == 1
        pool.run(pool.state, address, None, 2)
        assert by_me[2:] == [True, True]
    assert workers.read(Field.ALONE) == 0


def test_one_thread_needs_no_worker() -> None:
    output = run(
        "with jitad.threads(1):\n"
        "    f(x)\n"
        "print(workers.started(), threading.active_count())\n"
        "with jitad.threads(3):\n"
        "    f(x)\n"
        "print(workers.started(), threading.active_count())\n"
    )
    assert output.split() == ["0", "1", "2", "3"]


def test_a_condition_variable_where_there_is_no_futex() -> None:
    """What platforms other than Linux and Windows do, on this one."""
    module = ll.Module("condition")
    externals = Externals(module)
    exports = threads_code.emit_threads(module, externals, "condition")
    try:
        code = compile_module(module, externals, exports=exports)
    except LookupError:
        pytest.skip("no threads of POSIX")
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))  # its workers never return
    memory = ctypes.create_string_buffer(workers.STATE_BYTES + 64)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(memory))
    state = -(-ctypes.addressof(memory) // 64) * 64
    simple = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
    simple(code.address("prepare"))(state)
    workers.write(Field.LIMIT, 3, state)
    workers.write(Field.WORKERS, 2, state)
    for _ in range(2):
        run_worker = simple(code.address("worker"))
        threading.Thread(target=run_worker, args=(state,), daemon=True).start()
    other = Pool(code, state)
    for k in range(200):
        other.check(6, 20_000)
        time.sleep(k % 4 * 1e-4)
    assert workers.read(Field.SLEEPING, state) <= 2


# -- programs ---------------------------------------------------------------------------------


def image(*shape: int, dtype: str = "float64", seed: int = 0) -> Any:
    return np.random.default_rng(seed).uniform(0.1, 2.0, shape).astype(dtype)


PROGRAMS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "elementwise": (lambda x, y: jnp.sin(x) * y + x, [image(300_007), image(300_007, seed=1)]),
    "sum": (lambda x: jnp.sum(x * x), [image(1_000_003)]),
    "float32 sum": (lambda x: jnp.sum(x), [image(3_000_000, dtype="float32")]),
    "two folds": (lambda x: (jnp.sum(jnp.exp(x)), jnp.max(jnp.exp(x))), [image(999_983)]),
    "value and fold": (lambda x: (jnp.exp(x), jnp.sum(jnp.exp(x))), [image(499_979)]),
    "rows": (lambda x: jnp.sum(jnp.sin(x), axis=1), [image(700, 701)]),
    "columns": (lambda x: jnp.sum(jnp.sin(x), axis=0), [image(700, 701)]),
    "few columns": (lambda x: jnp.sum(jnp.sin(x), axis=0), [image(300_000, 3)]),
    "few rows": (lambda x: jnp.sum(jnp.sin(x), axis=1), [image(3, 300_000)]),
    "softmax": (lambda x: jitad.nn.softmax(x, axis=1), [image(999, 333)]),
    "transpose": (lambda x: x.T.copy() + 1, [image(901, 1001)]),
    "gather": (lambda x, i: jnp.sin(x[i]), [image(1000), np.arange(400_000) % 997]),
    "argmax": (lambda x: jnp.argmax(x, axis=1), [image(2000, 500)]),
    "cumsum": (lambda x: jnp.cumsum(x, axis=1), [image(1000, 1000)]),
    "random": (lambda s: jitad.random.normal(jitad.random.key(s), (300_000,)), [3]),
    "gradient": (
        jitad.grad(lambda x, w: jnp.mean(jnp.log1p(jnp.exp(-w * (x @ x.T).sum() + x)))),
        [image(300, 100), image(300, 100, seed=2)],
    ),
    "product": (lambda x, y: x @ y, [image(300, 310), image(310, 330)]),
    "transposed product": (
        lambda x, y: x.T @ y.T,
        [image(400, 301, dtype="float32"), image(303, 400, dtype="float32")],
    ),
    "matrix and vector": (lambda x, y: (x @ y, y @ x.T), [image(1201, 1203), image(1203)]),
    "batch of products": (lambda x, y: x @ y, [image(77, 40, 41), image(77, 41, 42)]),
    "batch of small products": (lambda x, y: x @ y, [image(50_001, 3, 3), image(50_001, 3, 3)]),
    "products that are packed": (
        lambda x, y: jnp.einsum("biju,bjuk->bik", x, y),
        [image(37, 64, 8, 8), image(37, 8, 8, 65)],
    ),
    "complex product": (lambda x: (x + 1j) @ (x.T - 1j), [image(201, 203)]),
    "small systems": (jnp.linalg.solve, [image(5004, 4, 4) + 4 * np.eye(4), image(5004, 4, 2)]),
    "decompositions": (
        lambda x: (jnp.linalg.cholesky(x), jnp.linalg.eigh(x)[0], jnp.linalg.det(x)),
        [np.eye(9) * 9 + image(13, 7, 9, 9) * 1e-2],
    ),
    "large factorization": (
        jnp.linalg.cholesky,
        [image(600, 600) @ image(600, 600).T + 600 * np.eye(600)],
    ),
    "large triangular system": (
        lambda a, b: jitad.scipy.linalg.solve_triangular(a, b, lower=True),
        [np.tril(image(300, 300)) + 300 * np.eye(300), image(300, 297)],
    ),
    "large linear system": (
        jnp.linalg.solve,
        [image(450, 450) - 0.9 * np.eye(450), image(450, 431)],
    ),
    "inverses": (jnp.linalg.inv, [image(72, 30, 30) + 30 * np.eye(30)]),
    "loop": (
        lambda x: jitad.lax.fori_loop(0, 5, lambda i, c: jnp.sin(c) + i, x),
        [image(200_000)],
    ),
}


def bits(tree: Any) -> list[bytes]:
    return [np.asarray(leaf).tobytes() for leaf in jitad.tree.leaves(tree)]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_same_bits_on_any_number_of_threads(name: str) -> None:
    program, operands = PROGRAMS[name]
    compiled = jitad.jit(program)
    results: list[Any] = []
    for count in 3 * COUNTS:
        with jitad.threads(count):
            results.append(compiled(*operands))
    for result in results[1:]:
        assert bits(result) == bits(results[0])
    expected = jitad.tree.leaves(program(*operands))
    for got, value in zip(jitad.tree.leaves(results[0]), expected, strict=True):
        tolerance = 2e-6 if got.dtype == "float32" else 1e-9
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=1e-3 * tolerance)


@pytest.mark.usefixtures("everything_is_large")
@settings(max_examples=120, deadline=None)
@given(st.data(), st.sampled_from(["f64", "f32", "i64", "i32", "i8"]))
def test_random_programs_in_parts(data: st.DataObject, dtype: str) -> None:
    def draw(n: int) -> int:
        return data.draw(st.integers(0, n - 1))

    graph = RandomProgram(draw, dtype).grow(1 + draw(3), 2 + draw(14))
    check(graph, arguments(graph, seed=0))


@pytest.mark.parametrize("whose", ["NumPy's BLAS", "SciPy's BLAS"])
def test_blas_keeps_its_threads(whose: str) -> None:
    """Other users of the libraries find the number of threads that they left."""
    without = "" if whose == "NumPy's BLAS" else "libraries._numpy_openblas = lambda: None\n"
    output = run(
        "import ctypes, scipy.linalg.cython_blas as blas\n"
        "from jitad_ir.native import libraries\n"
        + without
        + "files = blas.__file__, np._core._multiarray_umath.__file__\n"
        "names = 'scipy_openblas_get_num_threads', 'scipy_openblas_get_num_threads64_'\n"
        "found = [getattr(ctypes.CDLL(f), n, lambda: 0) for f, n in zip(files, names)]\n"
        "get = lambda: [f() for f in found]\n"
        "before = get()\n"
        "product = jitad.jit(lambda x: (x @ x, jitad.numpy.linalg.cholesky(x @ x.T + 1e3)))\n"
        "matrices = [np.eye(n) for n in (50, 300)]\n"
        "for m in matrices: product(m)\n"
        "def work():\n"
        "    for _ in range(50): [product(m) for m in matrices]\n"
        "callers = [threading.Thread(target=work) for _ in range(4)]\n"
        "[c.start() for c in callers]; [c.join() for c in callers]\n"
        "places = workers.Field.BLAS, workers.Field.LAPACK\n"
        "calls = [workers.read(place + workers.Calls.UNDER_WAY) for place in places]\n"
        "print(get() == before, *calls)\n"
    )
    assert output.split() == ["True", "0", "0"]


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_factorization_in_blocks(dtype: str) -> None:
    n = 2 * triangular_blocks.PANEL + 300
    rng = np.random.default_rng(0)
    root = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype == "complex64" else 0)
    a = (root @ root.conj().T + n * np.eye(n)).astype(dtype)
    factor = jitad.jit(jnp.linalg.cholesky)
    tolerance = 1e-10 if dtype == "float64" else 1e-3
    np.testing.assert_allclose(factor(a), np.linalg.cholesky(a), rtol=tolerance, atol=tolerance)
    a[300, 300] = -1.0
    assert np.isnan(factor(a)[np.tril_indices(n)]).all()


@pytest.mark.parametrize("dtype", ["float64", "complex64"])
def test_lu_in_blocks(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for n in (lu_blocks.BLOCKED, lu_blocks.BLOCKED + 45):
        a = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype == "complex64" else 0)
        a, b = a.astype(dtype), rng.normal(size=(n, 3)).astype(dtype)
        tolerance = 1e-8 if dtype == "float64" else 1e-2
        p, lower, upper = jitad.jit(jitad.scipy.linalg.lu)(a)
        expected = scipy.linalg.lu(a)
        for got, value in zip((p, lower, upper), expected, strict=True):
            np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance)
        x = jitad.jit(jnp.linalg.solve)(a, b)
        np.testing.assert_allclose(a @ x, b, rtol=tolerance, atol=tolerance)
        sign, logarithm = jitad.jit(jnp.linalg.slogdet)(a / 10)
        expected = np.linalg.slogdet(a / 10)
        np.testing.assert_allclose([sign, logarithm], expected, rtol=tolerance)
    assert not np.isfinite(jitad.jit(jnp.linalg.solve)(0 * a, b)).any()


def test_a_long_sum_is_accurate() -> None:
    x = image(10_000_000, dtype="float32")
    exact = float(np.sum(x, dtype=np.float64))
    assert abs(float(jitad.jit(jnp.sum)(x)) - exact) <= 1e-6 * exact


# -- other threads, other processes -----------------------------------------------------------

PRELUDE = """
import os, sys, threading, time
import numpy as np
import jitad, jitad.numpy as jnp
from jitad_ir import workers
f = jitad.jit(lambda x: jnp.sum(jnp.sin(x) * x))
x = np.linspace(0.0, 1.0, 1_000_000)
"""


def run(program: str, **environment: str) -> str:
    """What a program prints in a process of its own."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    done = subprocess.run(
        [sys.executable, "-c", PRELUDE + program],
        env=variables, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def test_no_thread_before_there_is_work() -> None:
    output = run("y = jitad.jit(jnp.sin)(np.ones(100)); print(threading.active_count())")
    assert output.split() == ["1"]


def test_the_environment_sets_the_number() -> None:
    assert run("print(jitad.config.threads)", JITAD_THREADS="5").split() == ["5"]
    output = run("f(x); print(workers.started())", JITAD_THREADS="1")
    assert output.split() == ["0"]


def test_many_python_threads_at_once() -> None:
    compiled = jitad.jit(lambda x: jnp.sum(jnp.sin(x) * x))
    arrays = [image(300_000, seed=k) for k in range(8)]
    with jitad.threads(3):
        expected = [bits(compiled(x)) for x in arrays]
        wrong: list[int] = []

        def work(k: int) -> None:
            for _ in range(40):
                if bits(compiled(arrays[k])) != expected[k]:
                    wrong.append(k)

        callers = [threading.Thread(target=work, args=(k,)) for k in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(60)
        assert not any(caller.is_alive() for caller in callers)
    assert not wrong
    assert workers.read(Field.BUSY) == 0
    assert workers.read(Field.OPEN) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_child_has_workers_of_its_own() -> None:
    output = run(
        "import warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "jitad.config.threads = 3\n"
        "expected = f(x)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    none = workers.started()\n"
        "    same = bool(f(x) == expected)\n"
        "    print(none, same, workers.started(), flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(bool(f(x) == expected), workers.started())\n"
    )
    assert output.split() == ["0", "True", "2", "True", "2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_fork_while_another_thread_computes() -> None:
    output = run(
        "import warnings\n"
        "warnings.simplefilter('ignore', DeprecationWarning)\n"
        "jitad.config.threads = 3\n"
        "expected = f(x)\n"
        "stop = []\n"
        "def compute():\n"
        "    while not stop: f(x)\n"
        "other = threading.Thread(target=compute); other.start()\n"
        "for _ in range(20):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os._exit(0 if f(x) == expected else 1)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "stop.append(1); other.join()\n"
        "print('done')\n"
    )
    assert output.split() == ["done"]


@pytest.mark.parametrize(
    "end", ["pass", "sys.exit(0)", "threading.Thread(target=lambda: f(x)).start()"]
)
def test_the_process_ends(end: str) -> None:
    run(f"jitad.config.threads = 4; f(x); {end}")


def test_an_exception_leaves_the_workers_as_they_were() -> None:
    run(
        "f(x)\n"
        "try:\n"
        "    with jitad.threads(3):\n"
        "        f(x); f('no array')\n"
        "except TypeError:\n"
        "    pass\n"
        "else:\n"
        "    raise SystemExit(1)\n"
        "f(x)\n"
    )


def test_nobody_is_busy_without_work() -> None:
    output = run(
        "jitad.config.threads = 4\n"
        "f(x); time.sleep(0.1)\n"
        "before = time.process_time(); time.sleep(1.0)\n"
        "print(time.process_time() - before)\n"
    )
    assert float(output) < 0.05


def test_one_thread_keeps_one_core_busy() -> None:
    output = run(
        "jitad.config.threads = 1\n"
        "f(x)\n"
        "cpu, wall = time.process_time(), time.perf_counter()\n"
        "for _ in range(200): f(x)\n"
        "print((time.process_time() - cpu) / (time.perf_counter() - wall))\n"
    )
    assert float(output) < 1.05


def test_programs_of_the_table_are_shared_out() -> None:
    """Or their bits would prove nothing."""
    for name, (program, operands) in PROGRAMS.items():
        assert "on several threads" in str(jitad.explain(program, *operands)), name


def test_explain_says_what_is_given_to_several_threads() -> None:
    def steps(program: Callable[..., Any], *operands: Any) -> list[bool]:
        lines = str(jitad.explain(program, *operands)).splitlines()
        return ["on several threads" in line for line in lines if "[reads" in line]

    assert steps(jnp.sin, image(300_000)) == [True]
    assert steps(jnp.sin, image(300)) == [False]
    assert steps(jnp.sum, image(3_000_000)) == [True, False]
    assert steps(lambda x: x @ x, image(300, 300)) == [True]
    assert steps(lambda x: x @ x, image(30, 30)) == [False]
    assert steps(jnp.linalg.solve, image(20_000, 4, 4), image(20_000, 4, 4)) == [True]
    assert steps(jnp.linalg.solve, image(20, 4, 4), image(20, 4, 4)) == [False]


PROGRAM_OF_LITTLE_DATA = """
def f(x):
    return jitad.lax.fori_loop(0, 10_000_000, lambda i, c: jnp.sin(c) + x, x)
f = jitad.jit(f)
f(0.5)
"""

WHILE_LOOP = """
f = jitad.jit(lambda x: jitad.lax.while_loop(lambda c: c < 1e8, lambda c: c + 1.0, x))
f(0.5)
"""


@pytest.mark.parametrize("program", [PROGRAM_OF_LITTLE_DATA, WHILE_LOOP], ids=["for", "while"])
def test_a_long_program_lets_other_threads_run(program: str) -> None:
    """Python code of another thread goes on while the program runs, not only before and after."""
    output = run(
        program + "import sys\n"
        "ticks = []\n"
        "stop = threading.Event()\n"
        "def tick():\n"
        "    while not stop.is_set(): ticks.append(time.perf_counter()); time.sleep(1e-4)\n"
        "other = threading.Thread(target=tick); other.start()\n"
        "time.sleep(0.01)\n"
        "start = time.perf_counter(); f(0.25); end = time.perf_counter()\n"
        "stop.set(); other.join()\n"
        "quarter = (end - start) / 4\n"
        "print(sum(start + quarter < t < end - quarter for t in ticks))\n"
    )
    assert int(output) > 3


def test_a_short_program_keeps_the_lock() -> None:
    assert not is_long(jitad.explain(lambda x: jnp.sin(x) + x, image(1000)))
    assert is_long(jitad.explain(lambda x: jnp.sin(x) + x, image(100_000)))


def test_wrong_numbers() -> None:
    for wrong in (0, -1, 1 << 20):
        with pytest.raises(ValueError, match="threads: expected 1 to"):
            jitad.config.threads = wrong
    for wrong in (1.5, "2", True):
        with pytest.raises(TypeError, match="threads: expected a positive int; got"):
            jitad.config.threads = wrong  # type: ignore[assignment]
