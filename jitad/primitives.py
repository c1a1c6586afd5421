"""Operations of programs by JAX's names, as policies of `jitad.checkpoint` meet them.

>>> import jitad
>>> jitad.lax.dot_general_p
dot_general
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import jitad_ir.ops  # noqa: F401  (registers the ops)
from jitad_ir.op import OPS

from .errors import at_user_line

_NAMES = {
    "bitcast": "bitcast_convert_type",
    "bitwise_and": "and",
    "bitwise_not": "not",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "branch": "cond",
    "broadcast": "broadcast_in_dim",
    "checkpoint_name": "name",
    "convert": "convert_element_type",
    "convolution": "conv_general_dilated",
    "custom_jvp": "custom_jvp_call",
    "custom_vjp": "custom_vjp_call",
    "dot": "dot_general",
    "reverse": "rev",
    "select": "select_n",
    "while_loop": "while",
}
"""Names of ops -> those of JAX's primitives, where they differ."""

_TAKING_FUNCTIONS = frozenset({"branch", "reduce_window", "scan", "while_loop"})
"""Ops whose functions in `jitad.lax` take Python functions, which a primitive has no place for."""

_OPS = {theirs: ours for ours, theirs in _NAMES.items()}


class Primitive:
    """An operation of programs: `name` is that of JAX's primitive where JAX has one, and `op`
    jitad's own, which `jitad.make_ir` prints. There is one object for each, so that `is` compares
    them."""

    __slots__ = ("name", "op")

    def __init__(self, name: str, op: str) -> None:
        self.name = name
        self.op = op

    def __repr__(self) -> str:
        return self.name

    def bind(self, *operands: Any, **params: Any) -> Any:
        """The function of `jitad.lax` for this operation at `operands`, which a program for JAX
        calls by its primitive. Raises NotImplementedError for operations that no one function of
        operands is: loops, branches and derivative rules.

        >>> import jitad, numpy as np
        >>> jitad.lax.div_p.bind(np.array([3.0, 1.0]), np.array([2.0, 4.0]))
        Array([1.5 , 0.25])
        """
        name = self.op if self.op.startswith("bitwise_") else self.name
        function = getattr(importlib.import_module("jitad.lax"), name, None)
        if function is None or self.op in _TAKING_FUNCTIONS:
            raise NotImplementedError(
                at_user_line(
                    f"{self.name}_p.bind: this operation has no function of operands alone. Call "
                    "the function of jitad or jitad.lax that makes it"
                )
            )
        return function(*operands, **params)


_PRIMITIVES: dict[str, Primitive] = {}


def primitive_of(op: str) -> Primitive:
    """The one Primitive of jitad's op of this name.

    >>> primitive_of("dot") is primitive_of("dot"), primitive_of("sin")
    (True, sin)
    """
    return _PRIMITIVES.setdefault(op, Primitive(_NAMES.get(op, op), op))


def primitive_named(name: str) -> Primitive | None:
    """The Primitive that JAX calls `name`, if jitad has an op for it."""
    op = _OPS.get(name) or ("" if name in _NAMES else name)
    return primitive_of(op) if op in OPS else None


def params_of(op: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of an op, those of products with the `dimension_numbers` of JAX's too."""
    if op == "dot":
        return {**params, "dimension_numbers": (params["contract"], params["batch"])}
    return dict(params)
