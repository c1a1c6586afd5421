"""checking_leaks: traced arrays that are kept beyond their trace."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from types import FrameType
from typing import Any

from .errors import LeakedTracerError
from .trace import Trace
from .tracer import Tracer


def check_leaks(trace: Trace) -> None:
    """Raise LeakedTracerError if a tracer of `trace`, which has ended, or of a trace inside of it
    is still referred to."""
    gc.collect()
    kept = [x for x in gc.get_objects() if type(x) is Tracer and _is_inside(x.owner, trace)]
    if not kept:
        return
    lines = [f"  {x!r}, in {_holders(x, kept)}" for x in kept]
    listed = "\n".join(lines)
    raise LeakedTracerError(
        f"{len(kept)} traced array{'s' if len(kept) > 1 else ''} kept beyond the call of "
        f"{trace.name} that traced them:\n{listed}\nReturn them from the function instead"
    )


def _is_inside(owner: Trace | None, trace: Trace) -> bool:
    while owner is not None and owner is not trace:
        owner = owner.parent
    return owner is trace


def _holders(tracer: Tracer, kept: Sequence[Tracer]) -> str:
    """What refers to a tracer, in words."""
    found = [
        holder
        for holder in gc.get_referrers(tracer)
        if holder is not kept and not isinstance(holder, FrameType)
    ]
    return " and ".join([_named(holder) for holder in found]) or "something unknown"


def _named(holder: Any) -> str:
    if isinstance(holder, dict):
        return f"a dict with keys {', '.join(map(repr, list(holder)[:5]))}"
    if isinstance(holder, (list, tuple, set)):
        return f"a {type(holder).__name__} of {len(holder)}"
    return f"an object of type {type(holder).__name__}"
