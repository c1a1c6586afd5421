"""BLAS and LAPACK on the caller's thread alone.

OpenBLAS has one number of threads for all of a process. The first of our calls that are under way
sets it to 1, the last one back, so that other users of the library find it as they left it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llvmlite import ir as ll

from ..workers import Field
from .lanes import I8, I32, I64
from .loops import integer

if TYPE_CHECKING:
    from .routine import RoutineEmitter

ORDER = "seq_cst"
SETTER = ll.FunctionType(I32, [I32]).as_pointer()


def emit_begin(r: RoutineEmitter) -> None:
    """Before a call of BLAS or LAPACK."""
    r.call_inner("jitad.blas.begin", _begin, *_arguments(r))


def emit_end(r: RoutineEmitter) -> None:
    """Behind it."""
    r.call_inner("jitad.blas.end", _end, *_arguments(r))


def _arguments(r: RoutineEmitter) -> list[ll.Value]:
    return [
        r.externals.pointer(r.builder, "threads:state"),
        r.externals.pointer(r.builder, "openblas:set_num_threads"),
    ]


def _begin(r: RoutineEmitter, state: ll.Value, setter: ll.Value) -> None:
    builder = r.builder
    _lock(r, state)
    calls = _field(r, state, Field.BLAS_CALLS)
    before = builder.load(calls, typ=I64)
    builder.store(builder.add(before, integer(1)), calls)
    with builder.if_then(builder.icmp_signed("==", before, integer(0))):
        threads = _set(r, setter, ll.Constant(I32, 1))
        builder.store(builder.zext(threads, I64), _field(r, state, Field.BLAS_THREADS))
    _unlock(r, state)


def _end(r: RoutineEmitter, state: ll.Value, setter: ll.Value) -> None:
    builder = r.builder
    _lock(r, state)
    calls = _field(r, state, Field.BLAS_CALLS)
    after = builder.sub(builder.load(calls, typ=I64), integer(1))
    builder.store(after, calls)
    with builder.if_then(builder.icmp_signed("==", after, integer(0))):
        threads = builder.load(_field(r, state, Field.BLAS_THREADS), typ=I64)
        _set(r, setter, builder.trunc(threads, I32))
    _unlock(r, state)


def _set(r: RoutineEmitter, setter: ll.Value, count: ll.Value) -> ll.Value:
    """The number before."""
    typed = r.builder.inttoptr(r.builder.ptrtoint(setter, I64), SETTER)  # for llvmlite; no code
    return r.builder.call(typed, [count])


def _lock(r: RoutineEmitter, state: ll.Value) -> None:
    """Held for some nanoseconds, so that others wait for it in a loop."""
    builder = r.builder
    taken, free = builder.append_basic_block("taken"), builder.append_basic_block("free")
    builder.branch(taken)
    builder.position_at_end(taken)
    lock = _field(r, state, Field.BLAS_LOCK)
    held = builder.atomic_rmw("xchg", lock, integer(1), ORDER)
    builder.cbranch(builder.icmp_signed("==", held, integer(0)), free, taken)
    builder.position_at_end(free)


def _unlock(r: RoutineEmitter, state: ll.Value) -> None:
    lock = _field(r, state, Field.BLAS_LOCK)
    r.builder.atomic_rmw("xchg", lock, integer(0), ORDER)


def _field(r: RoutineEmitter, state: ll.Value, field: Field) -> ll.Value:
    return r.builder.gep(state, [integer(int(field))], inbounds=True, source_etype=I8)
