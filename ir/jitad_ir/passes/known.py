"""What a rewrite may ask of the program in front of it."""

from __future__ import annotations

import numpy as np

from ..graph import Equation, Graph, Value


class View:
    """The program so far: which equation made a value, and how often `graph` uses it."""

    def __init__(self, graph: Graph) -> None:
        self.producers: dict[Value, Equation] = {}
        self._uses: dict[Value, int] = {}
        for value in graph.outputs:
            self._uses[value] = self._uses.get(value, 0) + 1
        for eq in graph.equations:
            for value in eq.operands:
                self._uses[value] = self._uses.get(value, 0) + 1

    def used_once(self, value: Value) -> bool:
        """True if one operand or output of the program is `value`; False of new values."""
        return self._uses.get(value) == 1

    def made_by(self, value: Value, op: str) -> Equation | None:
        """The equation that made `value`, if it is an `op`."""
        eq = self.producers.get(value)
        return eq if eq is not None and eq.op.name == op else None

    def number(self, value: Value) -> complex | None:
        """The number that `value` has everywhere, None if that is not known."""
        eq = self.producers.get(value)
        while eq is not None and eq.op.name in ("broadcast", "reshape", "transpose"):
            eq = self.producers.get(eq.operands[0])
        if eq is None:
            return None
        if eq.op.name == "full":
            return eq.params["value"]
        if eq.op.name == "constant" and eq.outputs[0].shape == ():
            return eq.params["value"].item()
        return None

    def is_number(self, value: Value, number: complex) -> bool:
        """True if `value` is `number` everywhere, with the same sign of zero."""
        found = self.number(value)
        return found is not None and found == number and sign_of_zero(found) == 1.0


def sign_of_zero(number: complex) -> float:
    """-1.0 for a negative zero (in either part), else 1.0."""
    if number != 0 or isinstance(number, int):
        return 1.0
    parts = (number.real, number.imag) if isinstance(number, complex) else (number,)
    return -1.0 if any(np.signbit(part) for part in parts) else 1.0
