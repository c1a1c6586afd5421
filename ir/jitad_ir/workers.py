"""The state that worker threads share, how many of them there may be, and how they come to life.

Workers are Python threads that entered native code, without the interpreter's lock, and stay there
(`native.threads_code`). They take their work from `STATE`, a block of memory that lives as long as
the process. None is started before there is work for it; a forked child has none, and starts its
own.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import math
import os
import threading
import time
from collections.abc import Callable


class Field(enum.IntEnum):
    """Offsets in bytes of the fields of `STATE`, on as many cache lines as they are written by
    different threads. Those marked * are 32-bit numbers that threads wait on, others 64-bit."""

    LIMIT = 0
    """Threads that may work at once, the caller's among them."""
    WORKERS = 8
    """Workers that were asked for."""
    START = 16
    """`void start(i64 count)`: see that there are `count` workers."""
    BUSY = 64
    """1 while a job is being done."""
    ALONE = 72
    """Jobs that the next callers do alone."""
    PENALTY = 80
    """ALONE after the last job that workers held up."""
    GENERATION = 128
    """* Number of jobs so far."""
    SLEEPING = 192
    """Workers that wait for another generation."""
    OPEN = 256
    """1 while workers may join the job."""
    FUNCTION = 264
    """The job: `function(arguments, chunk)` for each of `CHUNKS`."""
    ARGUMENTS = 272
    CHUNKS = 280
    CALLER_CORE = 288
    """The core that the caller was on when it opened the job, where the system tells."""
    NEXT = 320
    """The first chunk that nobody has taken."""
    PLACES = 328
    """Workers that may still join."""
    ACTIVE = 384
    """* Workers that look at the job."""
    CALLER_SLEEPING = 392
    """1 if the caller waits for ACTIVE to become 0."""
    BLAS = 448
    """The calls of BLAS, see `Calls`."""
    LAPACK = 512
    """The calls of LAPACK; also those of BLAS, if both are one library."""
    MUTEX = 576
    """A mutex and a condition variable, on platforms where threads wait by these."""
    CONDITION = 704


class Calls(enum.IntEnum):
    """Offsets of 64-bit fields about the calls of a library that has threads of its own."""

    LOCK = 0
    """1 while the two below are looked at."""
    UNDER_WAY = 8
    """How many there are."""
    THREADS = 16
    """The number of threads of the library before the first of them."""
    SETTER = 24
    """The library's `int set_num_threads(int)`, 0 if it is not loaded."""
    CLOSED = 32
    """While a thread forks the process: `NONE_BEGINS` or `NONE_ENDS`, otherwise 0."""


NONE_BEGINS, NONE_ENDS = 1, 2
"""Calls wait before they begin; also those under way before they end."""

STATE_BYTES = 832

MOST = 1024
"""Threads that may be asked for."""

_memory = ctypes.create_string_buffer(STATE_BYTES + 64)
STATE = -(-ctypes.addressof(_memory) // 64) * 64
"""Address of the state of this process."""


def read(field: int, state: int = STATE) -> int:
    """A 64-bit field."""
    return ctypes.c_int64.from_address(state + field).value


def write(field: int, value: int, state: int = STATE) -> None:
    """Set a 64-bit field."""
    ctypes.c_int64.from_address(state + field).value = value


def available_cores() -> int:
    """Cores that this process may use: those it is bound to, within the quota of its container."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):  # no such file: no quota; so does "max"
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:
            quota, period = map(int, file.read().split())
        count = min(count, math.ceil(quota / period))
    return max(count, 1)


def limit() -> int:
    """Threads that may work at once, the caller's among them."""
    return read(Field.LIMIT)


def set_limit(count: int) -> None:
    """Let at most `count` threads work at once, from the next job on."""
    write(Field.LIMIT, count)


def started() -> int:
    """Workers that this process has."""
    return read(Field.WORKERS)


_lock = threading.Lock()
_CODE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_prepare: Callable[[int], None] | None = None
_run: Callable[[int], None] | None = None


def serve(prepare: int, run: int) -> None:
    """Let the native functions at these addresses set the state up, and be what workers do."""
    global _prepare, _run
    _prepare, _run = _CODE(prepare), _CODE(run)
    _prepare(STATE)


@ctypes.CFUNCTYPE(None, ctypes.c_int64)
def _start(count: int) -> None:
    """See that there are `count` workers; called by native code."""
    assert _run is not None
    with _lock:
        for number in range(started(), count):
            worker = threading.Thread(
                target=_run, args=(STATE,), name=f"jitad-worker-{number + 1}", daemon=True
            )
            # Refused where the system has no more threads, or Python is ending: those that are
            # there do the work, and no more are asked for.
            with contextlib.suppress(RuntimeError):
                worker.start()
        write(Field.WORKERS, max(count, started()))


_LIBRARIES = (Field.BLAS, Field.LAPACK)

FORK_PATIENCE = 0.1
"""Seconds that a fork waits for calls of BLAS and LAPACK that are under way."""

_forking = threading.RLock()


def _close() -> None:
    """Before a fork: keep other threads out of BLAS and LAPACK. These have locks, for the number of
    threads and for memory; one that is held when the process forks stays held in the child.

    Calls under way are waited for, though not for long. Those that last may hold the lock of memory
    (for nanoseconds of their seconds), but not that of the number of threads.
    """
    _forking.acquire()
    _set_closed(NONE_BEGINS)
    deadline = time.monotonic() + FORK_PATIENCE
    while _any_call(Calls.LOCK, Calls.UNDER_WAY) and time.monotonic() < deadline:
        time.sleep(1e-4)
    _set_closed(NONE_ENDS)
    while _any_call(Calls.LOCK):
        time.sleep(1e-4)


def _open() -> None:
    """In the parent, after it."""
    _set_closed(0)
    _forking.release()


def _set_closed(closed: int) -> None:
    for place in _LIBRARIES:
        write(place + Calls.CLOSED, closed)
    # The system call is a barrier: what is read behind it is read after others see the number.
    time.sleep(0)


def _any_call(*fields: Calls) -> bool:
    return any(read(place + field) for place in _LIBRARIES for field in fields)


def _forget() -> None:
    """In a forked child: there are no workers, no job, and nobody is inside of a library."""
    global _lock, _forking
    _lock, _forking = threading.Lock(), threading.RLock()
    kept = limit()
    libraries = [
        (place, *[read(place + field) for field in (Calls.UNDER_WAY, Calls.THREADS, Calls.SETTER)])
        for place in _LIBRARIES
    ]
    ctypes.memset(STATE, 0, STATE_BYTES)
    _begin(kept)
    if _prepare is not None:
        _prepare(STATE)
    for place, calls, threads, setter in libraries:
        write(place + Calls.SETTER, setter)
        if calls:
            ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(setter)(threads)


def _begin(threads: int) -> None:
    set_limit(threads)
    write(Field.START, ctypes.cast(_start, ctypes.c_void_p).value or 0)


_begin(available_cores())
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close, after_in_parent=_open, after_in_child=_forget)
