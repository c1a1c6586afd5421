"""Code of the worker threads: how a job is handed out, taken and waited for.

A job is a function of a chunk number. The thread that has one fills in the state (`workers.Field`),
opens it, wakes workers, and takes chunks itself until none is left; then it closes the job and
waits for workers that still look at it. A worker takes chunks of an open job, looks for the next
one for some microseconds, and goes to sleep. All that two threads write is atomic and sequentially
consistent:

- a worker counts itself `ACTIVE` before it looks whether the job is open, and the caller closes the
  job before it looks whether somebody is active: when it goes on, nobody reads the job any more;
- a worker counts itself `SLEEPING` before it compares the generation, and the caller advances the
  generation before it looks whether somebody sleeps: nobody sleeps through a job.

Who has a job while another one is being done (a second Python thread, or a chunk that has chunks of
its own) does it alone.

Linux may wake a worker on the core of the caller that woke it, and leave it to wait there while
others are idle. So a worker keeps off the core that the last caller was on; and a caller whom
nobody helped lets others run for a moment: the worker that waits for its core finds that out.

On a busy machine a worker may be interrupted in the middle of a chunk, for milliseconds. A caller
who waited for workers more than twice as long as it worked itself, and more than HELD_UP, does the
next jobs alone: 1, 3, 7 ... 63, and fewer again by a quarter after each job that went well.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable

from llvmlite import ir as ll

from ..workers import Field
from .externals import Externals
from .lanes import I8, I32, I64, PTR

VOID = ll.VoidType()
ORDER = "seq_cst"

MOST_ALONE = 63

SPINS = 1000
"""Looks at memory before a thread goes to sleep: 10 to 50 us."""

JOB = ll.FunctionType(VOID, [PTR, I64])
"""`void job(void **arguments, i64 part)`"""

PARALLEL_FOR = ll.FunctionType(VOID, [PTR, PTR, PTR, I64])
"""`void parallel_for(void *state, job, void *arguments, i64 chunks)`"""

SYSCALL_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98, "ppc64le": 221, "s390x": 238}
FUTEX_WAIT_PRIVATE, FUTEX_WAKE_PRIVATE = 128, 129
INFINITE = 0xFFFFFFFF
CLOCK_MONOTONIC = 6 if sys.platform == "darwin" else 1

ON_LINUX = sys.platform.startswith("linux")

CORE_WORDS = 16
"""64-bit words of a set of cores: as many as a `cpu_set_t` has."""

HELD_UP = 5_000 if sys.platform == "win32" else 500_000
"""Half a millisecond in the platform's units: less than the time slice of who took the core."""


def way_of_waiting() -> str:
    """How threads wait here: by a "futex", an "address" or a "condition"."""
    if ON_LINUX and platform.machine() in SYSCALL_FUTEX:
        return "futex"
    return "address" if sys.platform == "win32" else "condition"


def emit_threads(module: ll.Module, externals: Externals, waiting: str) -> list[str]:
    """Functions `prepare(state)`, `worker(state)` and `parallel_for`; their names."""
    code = _Threads(module, externals, waiting)
    code.prepare()
    code.wait, code.wake = code.waiting_function(), code.waking_function()
    code.take = code.take_function()
    code.avoid = code.avoiding_function() if ON_LINUX else None
    code.worker()
    code.parallel_for()
    return ["prepare", "worker", "parallel_for"]


class _Threads:
    def __init__(self, module: ll.Module, externals: Externals, waiting: str) -> None:
        self.module = module
        self.externals = externals
        self.waiting = waiting
        self.builder = ll.IRBuilder()
        self.state: ll.Value = ll.Constant(PTR, None)
        self.wait: ll.Function
        self.wake: ll.Function
        self.take: ll.Function
        self.avoid: ll.Function | None

    # -- idioms -------------------------------------------------------------------------------

    def _function(self, name: str, signature: ll.FunctionType) -> ll.Function:
        """A new function, with the builder in it; its first argument is the state."""
        function = ll.Function(self.module, signature, name)
        function.attributes.add("nounwind")
        self.builder = ll.IRBuilder(function.append_basic_block("entry"))
        self.state = function.args[0]
        return function

    def _block(self, name: str) -> ll.Block:
        return self.builder.append_basic_block(name)

    def _field(self, field: Field) -> ll.Value:
        return self.builder.gep(self.state, [I64(int(field))], inbounds=True, source_etype=I8)

    def _load(self, field: Field, type: ll.Type = I64) -> ll.Value:
        width = 4 if type == I32 else 8
        return self.builder.load_atomic(self._field(field), ORDER, width, typ=type)

    def _add(self, field: Field, number: int, type: ll.Type = I64) -> ll.Value:
        """The number before."""
        return self.builder.atomic_rmw("add", self._field(field), type(number), ORDER)

    def _set(self, field: Field, number: int) -> None:
        self.builder.atomic_rmw("xchg", self._field(field), I64(number), ORDER)

    def _pause(self) -> None:
        """Tell the core that this is a loop of waiting."""
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            name, types, values = "llvm.x86.sse2.pause", [], []
        elif machine in ("aarch64", "arm64"):
            name, types, values = "llvm.aarch64.hint", [I32], [I32(1)]
        else:
            return
        function = self.module.globals.get(name)
        if function is None:
            function = ll.Function(self.module, ll.FunctionType(VOID, types), name)
        self.builder.call(function, values)

    def _call(
        self, name: str, result: ll.Type, *arguments: ll.Value, more: bool = False
    ) -> ll.Value:
        """Call an external function; `more` if it takes any number of arguments."""
        types = [] if more else [a.type for a in arguments]
        signature = ll.FunctionType(result, types, var_arg=more).as_pointer()
        function = self.externals.pointer(self.builder, name, signature)
        return self.builder.call(function, arguments)

    def _until(self, done: Callable[[], ll.Value], spins: int, after: ll.Block) -> None:
        """Go to `after` once `done()`, and on when that was asked `spins` times in vain."""
        b = self.builder
        before, head, again = b.block, self._block("spin"), self._block("again")
        tired = self._block("tired")
        b.branch(head)
        b.position_at_end(head)
        count = b.phi(I64)
        count.add_incoming(I64(0), before)
        b.cbranch(done(), after, again)
        b.position_at_end(again)
        self._pause()
        following = b.add(count, I64(1))
        count.add_incoming(following, again)
        b.cbranch(b.icmp_unsigned("<", following, I64(spins)), head, tired)
        b.position_at_end(tired)

    # -- sleeping and waking ------------------------------------------------------------------

    def prepare(self) -> None:
        """void prepare(state): before all else, and again in a forked child."""
        self._function("prepare", ll.FunctionType(VOID, [PTR]))
        if self.waiting == "condition":
            null = ll.Constant(PTR, None)
            self._call("system:pthread_mutex_init", I32, self._field(Field.MUTEX), null)
            self._call("system:pthread_cond_init", I32, self._field(Field.CONDITION), null)
        self.builder.ret_void()

    def waiting_function(self) -> ll.Function:
        """void wait(state, i32 *address, i32 expected): sleep while it holds that number. It may
        return before."""
        function = self._function("wait", ll.FunctionType(VOID, [PTR, PTR, I32]))
        b = self.builder
        _, address, expected = function.args
        if self.waiting == "futex":
            number = SYSCALL_FUTEX[platform.machine()]
            operation, forever = I32(FUTEX_WAIT_PRIVATE), ll.Constant(PTR, None)
            arguments = (I64(number), address, operation, expected, forever)
            self._call("system:syscall", I64, *arguments, more=True)
        elif self.waiting == "address":
            slot = b.alloca(I32)
            slot.type = PTR
            b.store(expected, slot)
            self._call("system:WaitOnAddress", I32, address, slot, I64(4), I32(INFINITE))
        else:
            mutex, condition = self._field(Field.MUTEX), self._field(Field.CONDITION)
            self._call("system:pthread_mutex_lock", I32, mutex)
            same = b.icmp_signed("==", b.load_atomic(address, ORDER, 4, typ=I32), expected)
            with b.if_then(same):
                self._call("system:pthread_cond_wait", I32, condition, mutex)
            self._call("system:pthread_mutex_unlock", I32, mutex)
        b.ret_void()
        return function

    def waking_function(self) -> ll.Function:
        """void wake(state, i32 *address, i32 count): threads that sleep at this address."""
        function = self._function("wake", ll.FunctionType(VOID, [PTR, PTR, I32]))
        b = self.builder
        _, address, count = function.args
        if self.waiting == "futex":
            number = SYSCALL_FUTEX[platform.machine()]
            arguments = (I64(number), address, I32(FUTEX_WAKE_PRIVATE), count)
            self._call("system:syscall", I64, *arguments, more=True)
        elif self.waiting == "address":
            self._call("system:WakeByAddressAll", VOID, address)
        else:
            # The mutex, so that nobody is between comparing and sleeping.
            self._call("system:pthread_mutex_lock", I32, self._field(Field.MUTEX))
            self._call("system:pthread_mutex_unlock", I32, self._field(Field.MUTEX))
            self._call("system:pthread_cond_broadcast", I32, self._field(Field.CONDITION))
        b.ret_void()
        return function

    def avoiding_function(self) -> ll.Function:
        """void avoid(state, cores, i64 *avoided): keep this thread, which may be on any of `cores`,
        off the core of the caller, as it is kept off the core `avoided` so far."""
        function = self._function("avoid", ll.FunctionType(VOID, [PTR, PTR, PTR]))
        b = self.builder
        _, cores, avoided = function.args
        set_type = ll.ArrayType(I64, CORE_WORDS)
        others = b.alloca(set_type)
        others.type = PTR
        core = self._load(Field.CALLER_CORE)
        moved = b.icmp_signed("!=", core, b.load(avoided, typ=I64))
        known = b.icmp_unsigned("<", core, I64(64 * CORE_WORDS))
        with b.if_then(b.and_(moved, known), likely=False):
            b.store(core, avoided)
            b.store(b.load(cores, typ=set_type), others)
            word = b.gep(others, [b.lshr(core, I64(6))], source_etype=I64)
            bit = b.shl(I64(1), b.and_(core, I64(63)))
            b.store(b.and_(b.load(word, typ=I64), b.not_(bit)), word)
            # Refused where there is no other core: then it stays where it is.
            self._call("system:sched_setaffinity", I32, I32(0), I64(8 * CORE_WORDS), others)
        b.ret_void()
        return function

    # -- the job ------------------------------------------------------------------------------

    def take_function(self) -> ll.Function:
        """void take(state): do chunks of the job until there are none."""
        function = self._function("take", ll.FunctionType(VOID, [PTR]))
        b = self.builder
        job = b.load(self._field(Field.FUNCTION), typ=JOB.as_pointer())
        arguments = b.load(self._field(Field.ARGUMENTS), typ=PTR)
        chunks = b.load(self._field(Field.CHUNKS), typ=I64)
        head, body, done = self._block("head"), self._block("body"), self._block("done")
        b.branch(head)
        b.position_at_end(head)
        chunk = self._add(Field.NEXT, 1)
        b.cbranch(b.icmp_signed("<", chunk, chunks), body, done)
        b.position_at_end(body)
        b.call(job, [arguments, chunk])
        b.branch(head)
        b.position_at_end(done)
        b.ret_void()
        return function

    def worker(self) -> None:
        """void worker(state): what a worker does, forever."""
        self._function("worker", ll.FunctionType(VOID, [PTR]))
        b = self.builder
        cores, avoided = b.alloca(ll.ArrayType(I64, CORE_WORDS)), b.alloca(I64)
        cores.type = avoided.type = PTR
        if self.avoid is not None:
            b.store(ll.Constant(ll.ArrayType(I64, CORE_WORDS), None), cores)
            self._call("system:sched_getaffinity", I32, I32(0), I64(8 * CORE_WORDS), cores)
            b.store(I64(-1), avoided)
        look, watch = self._block("look"), self._block("watch")
        b.branch(look)
        b.position_at_end(look)
        seen = self._load(Field.GENERATION, I32)
        if self.avoid is not None:
            b.call(self.avoid, [self.state, cores, avoided])
        self._add(Field.ACTIVE, 1, I32)
        is_open = b.icmp_signed("!=", self._load(Field.OPEN), I64(0))
        with b.if_then(is_open):
            place = self._add(Field.PLACES, -1)
            with b.if_then(b.icmp_signed(">", place, I64(0))):
                b.call(self.take, [self.state])
        last = b.icmp_signed("==", self._add(Field.ACTIVE, -1, I32), I32(1))
        awaited = b.icmp_signed("!=", self._load(Field.CALLER_SLEEPING), I64(0))
        with b.if_then(b.and_(last, awaited)):
            b.call(self.wake, [self.state, self._field(Field.ACTIVE), I32(1)])
        b.branch(watch)
        b.position_at_end(watch)

        def changed() -> ll.Value:
            return b.icmp_signed("!=", self._load(Field.GENERATION, I32), seen)

        self._until(changed, SPINS, look)
        self._add(Field.SLEEPING, 1)
        sleep, awake = self._block("sleep"), self._block("awake")
        b.branch(sleep)
        b.position_at_end(sleep)
        b.call(self.wait, [self.state, self._field(Field.GENERATION), seen])
        b.cbranch(changed(), awake, sleep)
        b.position_at_end(awake)
        self._add(Field.SLEEPING, -1)
        b.branch(look)

    def parallel_for(self) -> None:
        """See PARALLEL_FOR: `job(arguments, k)` for k = 0 ... chunks - 1, in any order and on any
        thread; returns when all are done."""
        function = self._function("parallel_for", PARALLEL_FOR)
        b = self.builder
        _, job, arguments, chunks = function.args
        limit = self._load(Field.LIMIT)
        smaller = b.icmp_signed("<", limit, chunks)
        wanted = b.sub(b.select(smaller, limit, chunks), I64(1))
        alone, together = self._block("alone"), self._block("together")
        asked = self._block("asked")
        b.cbranch(b.icmp_signed(">", wanted, I64(0)), asked, alone)
        b.position_at_end(asked)
        claim = b.cmpxchg(self._field(Field.BUSY), I64(0), I64(1), ORDER)
        claimed, held_up = self._block("claimed"), self._block("held_up")
        b.cbranch(b.extract_value(claim, 1), claimed, alone)
        b.position_at_end(claimed)
        left = self._load(Field.ALONE)
        b.cbranch(b.icmp_signed(">", left, I64(0)), held_up, together)
        b.position_at_end(held_up)
        b.store(b.sub(left, I64(1)), self._field(Field.ALONE))
        self._set(Field.BUSY, 0)
        b.branch(alone)

        b.position_at_end(alone)
        self._all(job, arguments, chunks)
        b.ret_void()

        b.position_at_end(together)
        missing = b.icmp_signed("<", self._load(Field.WORKERS), wanted)
        with b.if_then(missing, likely=False):
            start = ll.FunctionType(VOID, [I64]).as_pointer()
            b.call(b.load(self._field(Field.START), typ=start), [wanted])
        b.store(job, self._field(Field.FUNCTION))
        b.store(arguments, self._field(Field.ARGUMENTS))
        b.store(chunks, self._field(Field.CHUNKS))
        if ON_LINUX:
            core = b.sext(self._call("system:sched_getcpu", I32), I64)
            b.store(core, self._field(Field.CALLER_CORE))
        self._set(Field.NEXT, 0)
        b.atomic_rmw("xchg", self._field(Field.PLACES), wanted, ORDER)
        self._set(Field.OPEN, 1)
        self._add(Field.GENERATION, 1, I32)
        asleep = b.icmp_signed(">", self._load(Field.SLEEPING), I64(0))
        with b.if_then(asleep):
            count = b.trunc(wanted, I32)
            b.call(self.wake, [self.state, self._field(Field.GENERATION), count])
        start = self._now()
        b.call(self.take, [self.state])
        self._set(Field.OPEN, 0)
        done = self._now()
        if self.avoid is not None:
            nobody = b.icmp_signed("==", self._load(Field.PLACES), wanted)
            with b.if_then(nobody, likely=False):
                self._call("system:sched_yield", I32)
        self._wait_for_workers(start, done)
        self._set(Field.BUSY, 0)
        b.ret_void()

    def _now(self) -> ll.Value:
        """The time, in units of the platform."""
        b = self.builder
        with b.goto_entry_block():
            slot = b.alloca(ll.ArrayType(I64, 2))
        slot.type = PTR
        if sys.platform == "win32":
            self._call("system:QueryPerformanceCounter", I32, slot)
            return b.load(slot, typ=I64)
        self._call("system:clock_gettime", I32, I32(CLOCK_MONOTONIC), slot)
        nanoseconds = b.load(b.gep(slot, [I64(1)], source_etype=I64), typ=I64)
        return b.add(b.mul(b.load(slot, typ=I64), I64(10**9)), nanoseconds)

    def _all(self, job: ll.Value, arguments: ll.Value, chunks: ll.Value) -> None:
        """Every chunk, on this thread."""
        b = self.builder
        typed = b.inttoptr(b.ptrtoint(job, I64), JOB.as_pointer())  # for llvmlite; no code
        before, head, body = b.block, self._block("head"), self._block("body")
        done = self._block("done")
        b.branch(head)
        b.position_at_end(head)
        chunk = b.phi(I64)
        chunk.add_incoming(I64(0), before)
        b.cbranch(b.icmp_signed("<", chunk, chunks), body, done)
        b.position_at_end(body)
        b.call(typed, [arguments, chunk])
        chunk.add_incoming(b.add(chunk, I64(1)), body)
        b.branch(head)
        b.position_at_end(done)

    def _wait_for_workers(self, start: ll.Value, done: ll.Value) -> None:
        """Until nobody looks at the job, at which the caller worked from `start` until `done`."""
        b = self.builder
        gone = self._block("gone")

        def idle() -> ll.Value:
            return b.icmp_signed("==", self._load(Field.ACTIVE, I32), I32(0))

        self._until(idle, SPINS, gone)
        self._set(Field.CALLER_SLEEPING, 1)
        head, sleep, awake = self._block("look"), self._block("sleep"), self._block("awake")
        b.branch(head)
        b.position_at_end(head)
        active = self._load(Field.ACTIVE, I32)
        b.cbranch(b.icmp_signed("==", active, I32(0)), awake, sleep)
        b.position_at_end(sleep)
        b.call(self.wait, [self.state, self._field(Field.ACTIVE), active])
        b.branch(head)
        b.position_at_end(awake)
        self._set(Field.CALLER_SLEEPING, 0)
        penalty = b.load(self._field(Field.PENALTY), typ=I64)
        more = b.and_(b.add(b.shl(penalty, I64(1)), I64(1)), I64(MOST_ALONE))
        less = b.sub(penalty, b.lshr(b.add(penalty, I64(3)), I64(2)))
        wait, work = b.sub(self._now(), done), b.sub(done, start)
        longer = b.icmp_signed(">", wait, b.shl(work, I64(1)))
        waited = b.and_(longer, b.icmp_signed(">", wait, I64(HELD_UP)))
        b.store(b.select(waited, more, less), self._field(Field.PENALTY))
        b.store(b.select(waited, more, I64(0)), self._field(Field.ALONE))
        b.branch(gone)
        b.position_at_end(gone)
