"""Jobs: work that native code shares out among threads (see `threads_code`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from llvmlite import ir as ll

from ..workers import Field
from . import threads  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers families)
from .functions import internal_function
from .lanes import I8, I64, PTR, call_intrinsic
from .threads_code import JOB

if TYPE_CHECKING:
    from .routine import RoutineEmitter


LONG = 4096
"""Nodes computed by what is a function of its own in any program: the call is nothing beside it,
kernels that are alike share it, and LLVM can compile functions side by side."""

OUT_OF_MEMORY, RAISED = 1, 2
"""What a job that is left early stores: for want of memory, with a Python exception set."""


def new_job(module: ll.Module, name: str) -> ll.Function:
    """An internal function without a body yet."""
    return internal_function(module, JOB, name)


def call_job(r: RoutineEmitter, job: ll.Function, arguments: Sequence[ll.Value]) -> None:
    """Call `job(&arguments, 0)`."""
    job.attributes.add("noinline")
    r.builder.call(job, [_frame(r, arguments), r.integer(0)])


def share_out(
    r: RoutineEmitter, job: ll.Function, arguments: Sequence[ll.Value], parts: int | ll.Value
) -> None:
    """Call `job(&arguments, i)` for i = 0 ... parts - 1, in any order and on any thread; all are
    done behind it."""
    frame = _frame(r, arguments)
    count = r.integer(parts) if isinstance(parts, int) else parts
    state = r.externals.pointer(r.builder, "threads:state")
    function = r.builder.bitcast(job, PTR)
    r.call("threads:parallel_for", None, [state, function, frame, count])


def _frame(r: RoutineEmitter, arguments: Sequence[ll.Value]) -> ll.Value:
    """The address of the arguments, one behind the other on the stack."""
    frame = r.local(PTR, max(len(arguments), 1))
    for k, argument in enumerate(arguments):
        r.builder.store(argument, _item(r.builder, frame, k))
    return frame


def unpack(builder: ll.IRBuilder, job: ll.Function, count: int) -> list[ll.Value]:
    """The arguments of a job, in its body."""
    return [builder.load(_item(builder, job.args[0], k), typ=PTR) for k in range(count)]


def emit_parallel_for(
    r: RoutineEmitter,
    parts: int | ll.Value,
    body: Callable[..., None],
    arguments: Sequence[ll.Value],
) -> ll.Function:
    """See RoutineEmitter; gives the function of a part."""
    module = r.builder.module
    job = new_job(module, module.get_unique_name("jitad.shared"))
    builder = ll.IRBuilder(job.append_basic_block("entry"))
    inner: Any = type(r)(builder, r.externals)
    body(inner, job.args[1], *unpack(builder, job, len(arguments)))
    builder.ret_void()
    share_out(r, job, arguments, parts)
    return job


def emit_share(
    builder: ll.IRBuilder, number: ll.Value, count: int, parts: int
) -> tuple[ll.Value, ll.Value]:
    """See RoutineEmitter."""
    size, more = divmod(count, parts)
    start = builder.mul(number, I64(size))
    if not more:
        return start, I64(size)
    # The first `more` parts have one element more.
    shifted = call_intrinsic(builder, "llvm.smin", [number, I64(more)])
    longer = builder.zext(builder.icmp_signed("<", number, I64(more)), I64)
    return builder.add(start, shifted), builder.add(longer, I64(size))


def emit_threads_now(r: RoutineEmitter) -> ll.Value:
    """See RoutineEmitter."""
    b = r.builder
    state = r.externals.pointer(b, "threads:state")

    def field(which: Field) -> ll.Value:
        return b.gep(state, [I64(int(which))], inbounds=True, source_etype=I8)

    def load(which: Field) -> ll.Value:
        return b.load_atomic(field(which), "monotonic", 8, typ=I64)

    alone = b.icmp_signed(">", load(Field.ALONE), I64(0))
    with b.if_then(alone, likely=False):  # this is one of those jobs
        b.atomic_rmw("sub", field(Field.ALONE), I64(1), "monotonic")
    busy = b.icmp_signed("!=", load(Field.BUSY), I64(0))
    return b.select(b.or_(alone, busy), I64(1), load(Field.LIMIT))


def _item(builder: ll.IRBuilder, frame: ll.Value, k: int) -> ll.Value:
    return builder.gep(frame, [I64(k)], inbounds=True, source_etype=PTR) if k else frame
