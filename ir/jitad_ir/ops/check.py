"""check: what must hold where the program comes here.

    check(holds, details; note)

`holds` is a bool, `details` are values that tell of a failure; behind a batch, all have its axes in
front. Nothing is computed. As it stands, a check that fails raises `CheckFailed`; the pass
`checked` makes it a result of the program instead. A check with `note.debug` does so only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph import Value
from ..lowering import Routine
from ..op import OPS, Joint, Op, batch_to_front
from ..types import BOOL, ArrayType, TypeMismatch
from .callback import arrays_at, signature_of


class CheckFailed(RuntimeError):
    """What was checked does not hold."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a check is about: its `kind` ("user", "nan", "div" or "index"), a format string, and the
    `tree` that makes (positional, keyword) arguments of it from the details, if there are any."""

    kind: str
    text: str
    tree: Any = None
    debug: bool = False

    def message(self, details: Sequence[Any]) -> str:
        """The text with the details of one failure."""
        args, kwargs = (details, {}) if self.tree is None else self.tree.unflatten(details)
        text = self.text.format(*args, **kwargs) if args or kwargs else self.text
        return f"{text} (`check` failed)" if self.kind == "user" else text

    def require(self, holds: Any, *details: Any) -> tuple[()]:
        """Raise CheckFailed for the first lane that does not hold."""
        failing = np.argwhere(~np.asarray(holds))
        if len(failing) and not self.debug:
            lane = tuple(failing[0])
            raise CheckFailed(self.message([np.asarray(d)[lane] for d in details]))
        return ()

    def __call__(self, signature: str, address: int) -> None:
        """What native code calls, as it calls a Callback."""
        self.require(*arrays_at(signature, address)[0])

    def __repr__(self) -> str:
        return f"<{self.kind}: {self.text}>"


def _infer(holds: ArrayType, *details: ArrayType, note: Note) -> tuple[()]:
    if holds.dtype != BOOL:
        raise TypeMismatch(f"check: expected a bool that must hold; got {holds!r}")
    for detail in details:
        if detail.shape[: holds.ndim] != holds.shape:
            raise TypeMismatch(f"check: expected details of {holds!r}; got {detail!r}")
    return ()


def _jvp(
    tangents: Sequence[Value | None], outs: Sequence[Value], *operands: Value, note: Note
) -> list[None]:
    return []


def _transpose(cts: Sequence[Value | None], *operands: Any, note: Note) -> Any:
    raise TypeError(f"check of {note.text!r} is not linear in its arguments")


def _batch(size: int, batched: Sequence[bool], *operands: Value, note: Note) -> tuple[()]:
    OPS["check"](*batch_to_front(size, batched, operands), note=note)
    return ()


def _emit(r: Any, *buffers: Any, note: Note) -> None:
    if not note.debug:
        *operands, _none = buffers
        r.call_python(note, signature_of([b.type for b in operands], ()), operands)


check = Op(
    name="check",
    doc="Raise unless the first operand holds; the others tell of the failure. See the module.",
    infer=_infer,
    evaluate=lambda holds, *details, note: note.require(holds, *details),
    jvp=Joint(_jvp),
    transpose=Joint(_transpose),
    batch=_batch,
    lower=Routine(_emit, calls_python=True),
    samples=(),
    multiple_results=True,
    effect=True,
)
