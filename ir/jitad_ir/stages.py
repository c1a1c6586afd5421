"""Where the time from a Python function to machine code goes, stage by stage.

    with recorded() as times:
        ...                      # somewhere inside: with stage("plan"): ...
    times == {"plan": 0.0012}    # seconds

Nobody listens as a rule, and then `stage` costs well below a microsecond.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_times: ContextVar[dict[str, float] | None] = ContextVar("_times", default=None)


class stage:  # noqa: N801  (a context manager in all but name)
    """Within it, time counts as that of stage `name`. Stages are not nested."""

    __slots__ = ("name", "start")

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        times = _times.get()
        if times is not None:
            spent = time.perf_counter() - self.start
            times[self.name] = times.get(self.name, 0.0) + spent


@contextmanager
def recorded() -> Generator[dict[str, float]]:
    """Within it, the seconds of each stage, in the order in which stages first end. A recording
    inside another one keeps what it sees for itself."""
    times: dict[str, float] = {}
    token = _times.set(times)
    try:
        yield times
    finally:
        _times.reset(token)
