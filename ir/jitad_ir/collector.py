"""Pausing Python's cyclic garbage collector while a program is built.

Graphs and LLVM modules are many small objects that all stay alive until the program is done. The
collector would look at them again and again: it takes more time than building them. In a first call
it would look at all modules that the process has loaded as well, which takes longer than to load
the program from the disk cache.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager

_lock = threading.Lock()
_pauses = 0
_was_enabled = False


@contextmanager
def collector_paused() -> Generator[None, None, None]:
    """No automatic collection within this context; nested and concurrent pauses add up.

    >>> with collector_paused():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    global _pauses, _was_enabled
    with _lock:
        if _pauses == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _pauses += 1
    try:
        yield
    finally:
        with _lock:
            _pauses -= 1
            if _pauses == 0 and _was_enabled:
                gc.enable()
