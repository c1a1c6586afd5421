"""Calls in threads of their own."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Task(Generic[T]):
    """`function(*arguments)` in a thread of its own, from now on; ask for its `result`. Where the
    system refuses another thread, or Python is ending, whoever waits for it calls it.

    Who starts a `threading.Thread` waits until that runs, for milliseconds if the cores are busy.

    >>> Task(pow, 2, 10).result()
    1024
    """

    def __init__(self, function: Callable[..., T], *arguments: object) -> None:
        self._function, self._arguments = function, arguments
        self._values: list[T] = []
        self._error: BaseException | None = None
        self._running = _thread.allocate_lock()
        self._running.acquire()
        self._refused = False
        try:
            _thread.start_new_thread(self._run, ())
        except RuntimeError:
            self._refused = True

    def _run(self) -> None:
        try:
            self._values.append(self._function(*self._arguments))
        except BaseException as error:  # noqa: BLE001  (raised by `result`)
            self._error = error
        finally:
            self._running.release()

    def wait(self) -> None:
        """Until it has ended, however it did."""
        if self._refused:
            self._refused = False
            self._run()
        with self._running:
            pass

    def result(self) -> T:
        """What the call gave, or raises what it raised; waits for it."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._values[0]
