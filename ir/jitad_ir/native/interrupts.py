"""Ctrl-C during a program: long loops look for signals every tenth of a second or so.

A loop that is thought to run long is one of rounds of so many steps; between rounds it asks Python
to run the handlers of signals that have arrived, and leaves the program if one raises. Nothing is
asked of a loop that takes less than that. The steps of a `while_loop`, of which nobody knows the
number, add up what they are thought to take. Python runs handlers in its main thread alone: loops
that are shared out among threads, and programs that another one calls, are not left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llvmlite import ir as ll

from ..plan.duration import nanoseconds_at_least
from ..plan.steps import Apply, Kernel
from .lanes import I32, I64, call_intrinsic
from .loops import counted, integer
from .routine import RoutineEmitter

if TYPE_CHECKING:
    from ..plan import Plan
    from .steps import PlanEmitter

INTERVAL = 1e8
"""Nanoseconds between looks, about: asking for Python's lock may take others' 5 ms."""
DEAR = 10.0
"""Nanoseconds of a transcendental function that the next step waits for, about."""

Values = list[ll.Value]


def steps_between(plan: Plan) -> int:
    """How many steps of `plan`, a loop's body, take as long as there may be between looks."""
    expected = nanoseconds_at_least(plan)
    if plan.straight:  # each step waits for the one before
        nodes = [n for step in plan.steps if isinstance(step, Kernel) for n in step.nodes]
        expected += sum([DEAR for n in nodes if isinstance(n, Apply) and n.dear])
    return max(int(INTERVAL / max(expected, 1.0)), 1)


def counted_in_rounds(
    emitter: PlanEmitter,
    trips: int,
    most: int,
    carried: Sequence[ll.Value],
    body: Callable[[ll.Value, Values], Sequence[ll.Value]],
) -> Values:
    """`counted`, with a look for signals every `most` trips if there are more."""
    builder = emitter.builder
    if trips <= most:
        return counted(builder, trips, carried, body)

    def one_round(number: ll.Value, state: Values) -> Values:
        look(emitter)
        first = builder.mul(number, integer(most), flags=("nuw", "nsw"))
        left = builder.sub(integer(trips), first)
        length = call_intrinsic(builder, "llvm.umin", [left, integer(most)])
        return counted(builder, length, state, lambda i, s: body(builder.add(first, i), s))

    return counted(builder, -(-trips // most), carried, one_round)


def passes(emitter: PlanEmitter, plan: Plan) -> None:
    """Emit, in the steps of a loop that may take any number of them, that the time of `plan` has
    passed: a look for signals when enough has."""
    builder, clock = emitter.builder, emitter.function.clock()
    step = int(INTERVAL) // steps_between(plan)
    now = builder.add(builder.load(clock, typ=I64), integer(step))
    builder.store(now, clock)
    with builder.if_then(builder.icmp_unsigned(">=", now, integer(int(INTERVAL))), likely=False):
        builder.store(integer(0), clock)
        look(emitter)


def look(emitter: PlanEmitter) -> None:
    """Run Python's handlers of signals that have arrived; an exception leaves the program."""
    builder = emitter.builder
    status = emitter.routine().call_inner("jitad.look", _run_handlers, result=I32, brief=True)
    after = builder.append_basic_block("looked")
    raised = builder.icmp_signed("!=", status, I32(0))
    builder.cbranch(raised, emitter.function.raised(), after)
    builder.position_at_end(after)


def _run_handlers(r: RoutineEmitter) -> ll.Value:
    """0, or -1 if a handler has set an exception; with Python's lock or without."""
    state = r.call("py:PyGILState_Ensure", I32, [])
    status = r.call("py:PyErr_CheckSignals", I32, [])
    r.call("py:PyGILState_Release", None, [state])
    return status
