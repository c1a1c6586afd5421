"""The pool of workers: every part of a job is done once, and nobody waits for nothing."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from typing import Any

import numpy as np
import pytest
from llvmlite import ir as ll

import jitad
from jitad_ir import workers
from jitad_ir.native import threads, threads_code
from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.lanes import I64
from jitad_ir.workers import Field
from tests.native.threaded_programs import COUNTS


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


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores are chosen on Linux alone")
def test_workers_keep_off_the_core_of_the_caller(pool: Pool) -> None:
    mine = os.sched_getaffinity(0)
    if len(mine) < 2:
        pytest.skip("one core")
    workers.write(Field.ALONE, 0)
    with jitad.threads(2):
        pool.check(2)  # a worker may be where the thread may be that starts it
    try:
        for core in sorted(mine)[:2] * 3:
            os.sched_setaffinity(0, {core})  # of this thread alone
            with jitad.threads(2):
                for _ in range(200):
                    pool.check(8, 20_000)
                    time.sleep(1e-4)
            names = {t.name: t.native_id for t in threading.enumerate()}
            cores = os.sched_getaffinity(names["jitad-worker-1"] or 0)
            assert core not in cores
            assert cores
    finally:
        os.sched_setaffinity(0, mine)


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


def test_wrong_numbers() -> None:
    for wrong in (0, -1, 1 << 20):
        with pytest.raises(ValueError, match="threads: expected 1 to"):
            jitad.config.threads = wrong
    for wrong in (1.5, "2", True):
        with pytest.raises(TypeError, match="threads: expected a positive int; got"):
            jitad.config.threads = wrong  # type: ignore[assignment]
