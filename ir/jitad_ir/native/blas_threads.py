"""BLAS and LAPACK on the caller's thread alone.

An OpenBLAS has one number of threads for all of a process. The first of our calls that are under
way sets it to 1, the last one back, so that other users of the library find it as they left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llvmlite import ir as ll

from ..workers import NONE_BEGINS, NONE_ENDS, Calls
from .lanes import I8, I32, I64
from .loops import integer

if TYPE_CHECKING:
    from .routine import RoutineEmitter

ORDER = "seq_cst"
SETTER = ll.FunctionType(I32, [I32]).as_pointer()


def emit_begin(r: RoutineEmitter, family: str) -> None:
    """Before a call of a function of the family "blas" or "lapack"."""
    r.call_inner("jitad.blas.begin", _begin, _calls(r, family), brief=True)


def emit_end(r: RoutineEmitter, family: str) -> None:
    """Behind it."""
    r.call_inner("jitad.blas.end", _end, _calls(r, family), brief=True)


def _calls(r: RoutineEmitter, family: str) -> ll.Value:
    return r.externals.pointer(r.builder, f"calls:{family}")


def _begin(r: RoutineEmitter, calls: ll.Value) -> None:
    builder = r.builder
    _lock(r, calls, unless=NONE_BEGINS)
    under_way = _field(r, calls, Calls.UNDER_WAY)
    before = builder.load(under_way, typ=I64)
    builder.store(builder.add(before, integer(1)), under_way)
    with builder.if_then(builder.icmp_signed("==", before, integer(0))):
        threads = _set(r, calls, ll.Constant(I32, 1))
        builder.store(builder.zext(threads, I64), _field(r, calls, Calls.THREADS))
    _unlock(r, calls)


def _end(r: RoutineEmitter, calls: ll.Value) -> None:
    builder = r.builder
    _lock(r, calls, unless=NONE_ENDS)
    under_way = _field(r, calls, Calls.UNDER_WAY)
    after = builder.sub(builder.load(under_way, typ=I64), integer(1))
    builder.store(after, under_way)
    with builder.if_then(builder.icmp_signed("==", after, integer(0))):
        threads = builder.load(_field(r, calls, Calls.THREADS), typ=I64)
        _set(r, calls, builder.trunc(threads, I32))
    _unlock(r, calls)


def _set(r: RoutineEmitter, calls: ll.Value, count: ll.Value) -> ll.Value:
    """The number before."""
    setter = r.builder.load(_field(r, calls, Calls.SETTER), typ=SETTER)
    return r.builder.call(setter, [count])


def _lock(r: RoutineEmitter, calls: ll.Value, *, unless: int) -> None:
    """Held for some nanoseconds, so that others wait for it in a loop; so they do while the process
    forks, if `CLOSED` is `unless` or more. That is looked at with the lock held: whoever closes and
    then finds the lock free knows that nobody gets past here."""
    builder = r.builder
    waiting, taken = builder.append_basic_block("waiting"), builder.append_basic_block("taken")
    held, back = builder.append_basic_block("held"), builder.append_basic_block("back")
    free = builder.append_basic_block("free")
    builder.branch(taken)
    builder.position_at_end(waiting)
    builder.cbranch(_is_closed(r, calls, unless), waiting, taken)
    builder.position_at_end(taken)
    before = builder.atomic_rmw("xchg", _field(r, calls, Calls.LOCK), integer(1), ORDER)
    builder.cbranch(builder.icmp_signed("==", before, integer(0)), held, taken)
    builder.position_at_end(held)
    builder.cbranch(_is_closed(r, calls, unless), back, free)
    builder.position_at_end(back)
    _unlock(r, calls)
    builder.branch(waiting)
    builder.position_at_end(free)


def _is_closed(r: RoutineEmitter, calls: ll.Value, unless: int) -> ll.Value:
    closed = r.builder.load_atomic(_field(r, calls, Calls.CLOSED), ORDER, 8, typ=I64)
    return r.builder.icmp_signed(">=", closed, integer(unless))


def _unlock(r: RoutineEmitter, calls: ll.Value) -> None:
    lock = _field(r, calls, Calls.LOCK)
    r.builder.atomic_rmw("xchg", lock, integer(0), ORDER)


def _field(r: RoutineEmitter, calls: ll.Value, field: Calls) -> ll.Value:
    return r.builder.gep(calls, [integer(int(field))], inbounds=True, source_etype=I8)
