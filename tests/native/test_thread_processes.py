"""Programs on several threads beside other threads, other libraries and other processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir import workers
from jitad_ir.plan.duration import is_long
from jitad_ir.workers import Field
from tests.native.threaded_programs import bits, image

PRELUDE = """
import os, sys, threading, time
import numpy as np
import jitad, jitad.numpy as jnp
from jitad_ir import workers
f = jitad.jit(lambda x: jnp.sum(jnp.sin(x) * x))
x = np.linspace(0.0, 1.0, 1_000_000)
"""

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
FORKING = """
import warnings
warnings.simplefilter('ignore', DeprecationWarning)  # a fork beside threads
jitad.config.threads = 3
expected = f(x)
"""


def run(program: str, before: str = "", **environment: str) -> str:
    """What a program prints in a process of its own; `before` stands before its imports."""
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment}
    done = subprocess.run(
        [sys.executable, "-c", before + PRELUDE + program],
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


@FORKS
def test_a_forked_child_has_workers_of_its_own() -> None:
    output = run(
        FORKING + "child = os.fork()\n"
        "if child == 0:\n"
        "    none = workers.started()\n"
        "    same = bool(f(x) == expected)\n"
        "    print(none, same, workers.started(), flush=True)\n"
        "    os._exit(0)\n"
        "os.waitpid(child, 0)\n"
        "print(bool(f(x) == expected), workers.started())\n"
    )
    assert output.split() == ["0", "True", "2", "True", "2"]


@FORKS
def test_a_fork_while_another_thread_computes() -> None:
    output = run(
        FORKING + "stop = []\n"
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


@FORKS
def test_nobody_is_inside_of_blas_when_the_process_forks() -> None:
    # Hooks that are set earlier run later: this one, when those of jitad are through.
    output = run(
        FORKING + "product = jitad.jit(lambda a: a @ a)\n"
        "a = np.ones((200, 200)); product(a)\n"
        "calls, stop = [0], []\n"
        "def compute():\n"
        "    while not stop: product(a); calls[0] += 1\n"
        "others = [threading.Thread(target=compute) for _ in range(2)]\n"
        "for other in others: other.start()\n"
        "for _ in range(10):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        os._exit(0 if product(a)[0, 0] == 200 else 1)\n"
        "    assert os.waitpid(child, 0)[1] == 0\n"
        "    before = calls[0]\n"
        "    while calls[0] == before: time.sleep(0.001)\n"
        "stop.append(1)\n"
        "for other in others: other.join()\n"
        "print(inside)\n",
        before="""
import os, time
inside = []
def look():
    places = (workers.Field.BLAS, workers.Field.LAPACK)
    begun = calls[0]
    time.sleep(0.01)
    inside.append(sum(workers.read(p + workers.Calls.UNDER_WAY) for p in places))
    inside.append(max(calls[0] - begun - len(others), 0))  # who was out had a call to count
os.register_at_fork(before=look)
""",
    )
    assert output.strip() == str([0] * 20)


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
