"""Jobs: work that native code shares out among threads (see `threads_code`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from llvmlite import ir as ll

from . import threads  # noqa: F401  # pyright: ignore[reportUnusedImport]  (registers families)
from .lanes import I64, PTR
from .threads_code import JOB

if TYPE_CHECKING:
    from .routine import RoutineEmitter


def new_job(module: ll.Module, name: str) -> ll.Function:
    """An internal function without a body yet."""
    job = ll.Function(module, JOB, name)
    job.linkage = "internal"
    job.attributes.add("nounwind")
    return job


def share_out(
    r: RoutineEmitter, job: ll.Function, arguments: Sequence[ll.Value], parts: int
) -> None:
    """Call `job(&arguments, i)` for i = 0 ... parts - 1, in any order and on any thread; all are
    done behind it."""
    frame = r.local(PTR, max(len(arguments), 1))
    for k, argument in enumerate(arguments):
        r.builder.store(argument, _item(r.builder, frame, k))
    state = r.externals.pointer(r.builder, "threads:state")
    function = r.builder.bitcast(job, PTR)
    r.call("threads:parallel_for", None, [state, function, frame, r.integer(parts)])


def unpack(builder: ll.IRBuilder, job: ll.Function, count: int) -> list[ll.Value]:
    """The arguments of a job, in its body."""
    return [builder.load(_item(builder, job.args[0], k), typ=PTR) for k in range(count)]


def _item(builder: ll.IRBuilder, frame: ll.Value, k: int) -> ll.Value:
    return builder.gep(frame, [ll.Constant(I64, k)], inbounds=True, source_etype=PTR)
