"""Where a program's time goes, as spans that a trace viewer shows.

Within `trace(log_dir)` the spans of `TraceAnnotation`, `StepTraceAnnotation` and functions that
`annotate_function` decorates are written down, in the format that Perfetto (ui.perfetto.dev) and
chrome://tracing read. What a program computes is in `jitad.explain`, and how long it took to
compile in `jitad.log_compiles`.

>>> import jitad, tempfile
>>> from pathlib import Path
>>> with tempfile.TemporaryDirectory() as folder:
...     with jitad.profiler.trace(folder):
...         with jitad.profiler.TraceAnnotation("first call"):
...             y = jitad.jit(lambda x: x + 1.0)(2.0)
...     files = list(Path(folder).rglob("*.trace.json.gz"))
>>> len(files)
1
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from .errors import at_user_line

__all__ = [
    "StepTraceAnnotation",
    "TraceAnnotation",
    "annotate_function",
    "start_trace",
    "stop_trace",
    "trace",
]
__dir__ = __all__.copy


class _Recording:
    """The spans of one trace, from `start` on (nanoseconds)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start = time.perf_counter_ns()
        self.spans: list[dict[str, Any]] = []


_LOCK = threading.Lock()
_current: _Recording | None = None


def start_trace(log_dir: str | os.PathLike[str], *args: Any, **options: Any) -> None:
    """Begin to write down spans, for `stop_trace` to put below `log_dir`.

    Options, which tell JAX what to record of devices, change nothing. Raises RuntimeError if a
    trace is open already.

    >>> import tempfile
    >>> import jitad
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     jitad.profiler.start_trace(folder)
    ...     with jitad.profiler.TraceAnnotation("call"):
    ...         y = jitad.jit(lambda x: x + 1.0)(2.0)
    ...     jitad.profiler.stop_trace()
    """
    global _current
    with _LOCK:
        if _current is not None:
            raise RuntimeError(at_user_line("start_trace: a trace is open; end it by stop_trace()"))
        _current = _Recording(Path(log_dir))


def stop_trace() -> None:
    """Write the file `<log_dir>/plugins/profile/<time>/<host>.trace.json.gz`.

    Raises RuntimeError if no trace is open.

    >>> import tempfile
    >>> from pathlib import Path
    >>> import jitad
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     jitad.profiler.start_trace(folder)
    ...     jitad.profiler.stop_trace()
    ...     len(list(Path(folder).rglob("*.trace.json.gz")))
    1
    """
    global _current
    with _LOCK:
        recording, _current = _current, None
    if recording is None:
        raise RuntimeError(at_user_line("stop_trace: no trace is open; begin one by start_trace"))
    folder = recording.folder / "plugins" / "profile" / time.strftime("%Y_%m_%d_%H_%M_%S")
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / f"{socket.gethostname()}.trace.json.gz", "wt", encoding="utf-8") as out:
        json.dump({"displayTimeUnit": "ms", "traceEvents": recording.spans}, out)


@contextmanager
def trace(log_dir: str | os.PathLike[str], *args: Any, **options: Any) -> Iterator[None]:
    """`start_trace(log_dir)`, and `stop_trace()` at the end of the context.

    >>> import tempfile
    >>> import jitad
    >>> with tempfile.TemporaryDirectory() as folder, jitad.profiler.trace(folder):
    ...     y = jitad.jit(lambda x: x + 1.0)(2.0)
    """
    start_trace(log_dir)
    try:
        yield
    finally:
        stop_trace()


class TraceAnnotation(ContextDecorator):
    """A span of this name, from where the context begins to where it ends.

    `details` (numbers and strings) are shown with it. Decorates functions, too.

    >>> import jitad
    >>> with jitad.profiler.TraceAnnotation("call", size=1):
    ...     jitad.jit(lambda x: x + 1.0)(2.0)
    Array(3.)
    """

    def __init__(self, name: str, **details: Any) -> None:
        self.name = name
        self.details = details
        self._starts: list[int] = []

    def __enter__(self) -> TraceAnnotation:
        self._starts.append(time.perf_counter_ns())
        return self

    def __exit__(self, *error: object) -> None:
        end, start = time.perf_counter_ns(), self._starts.pop()
        recording = _current
        if recording is None or start < recording.start:
            return
        recording.spans.append(
            {
                "name": self.name,
                "ph": "X",
                "ts": (start - recording.start) / 1e3,
                "dur": (end - start) / 1e3,
                "pid": os.getpid(),
                "tid": threading.get_native_id(),
                "args": {key: str(value) for key, value in self.details.items()},
            }
        )


class StepTraceAnnotation(TraceAnnotation):
    """A span for one step of training, with its number.

    >>> import jitad
    >>> for step in range(2):
    ...     with jitad.profiler.StepTraceAnnotation("train", step_num=step):
    ...         loss = jitad.jit(lambda x: x * x)(float(step))
    """


def annotate_function(
    func: Callable[..., Any], name: str | None = None, **details: Any
) -> Callable[..., Any]:
    """`func`, each of whose calls is a span of its name, or of `name`.

    >>> import jitad
    >>> jitad.profiler.annotate_function(lambda x: x + 1.0, name="increment")(2.0)
    3.0
    """
    title = getattr(func, "__name__", type(func).__name__) if name is None else name

    @wraps(func)
    def annotated(*args: Any, **kwargs: Any) -> Any:
        with TraceAnnotation(title, **details):
            return func(*args, **kwargs)

    return annotated
