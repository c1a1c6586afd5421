"""Rewrites of products of arrays: transposes that need no copy, diagonal matrices.

A `dot` names the axes that it sums over, so that a transpose of an operand, and of a result of
which nothing else is read, is other names. A product with a diagonal matrix, of which identity
matrices are the seeds of a Jacobian, scales what it is multiplied with.
"""

from __future__ import annotations

import numpy as np

from ..graph import Equation, Value
from ..op import OPS
from .known import View

Axes = tuple[int, ...]


def product(view: View, eq: Equation) -> Value | None:
    """A `dot` with a diagonal matrix or of a transpose."""
    scaled = _scaled(view, eq)
    return _of_transposed(view, eq) if scaled is None else scaled


def transposed_product(view: View, eq: Equation) -> Value | None:
    """transpose(dot(x, y)) = dot(y, x), where it puts y's free axes before x's and nothing else
    reads the product."""
    inner = view.made_by(eq.operands[0], "dot")
    if inner is None or not view.used_once(inner.outputs[0]):
        return None
    (x, y), contract, batch = inner.operands, inner.params["contract"], inner.params["batch"]
    first = len(batch[0])
    middle = x.ndim - len(contract[0])
    last = inner.outputs[0].ndim
    swapped = (*range(first), *range(middle, last), *range(first, middle))
    if eq.params["permutation"] != swapped:
        return None
    return OPS["dot"](y, x, contract=contract[::-1], batch=batch[::-1])


def _of_transposed(view: View, eq: Equation) -> Value | None:
    """dot(transpose(x), y) = dot(x, y) over other axes, and so for y, as long as the free axes
    keep their order."""
    operands = list(eq.operands)
    contract: list[Axes] = list(eq.params["contract"])
    batch: list[Axes] = list(eq.params["batch"])
    for k, operand in enumerate(eq.operands):
        inner = view.made_by(operand, "transpose")
        if inner is None:
            continue
        permutation: Axes = inner.params["permutation"]
        taken = {*contract[k], *batch[k]}
        free = [permutation[axis] for axis in range(operand.ndim) if axis not in taken]
        if free == sorted(free):
            operands[k] = inner.operands[0]
            contract[k] = tuple([permutation[axis] for axis in contract[k]])
            batch[k] = tuple([permutation[axis] for axis in batch[k]])
    if operands == list(eq.operands):
        return None
    return OPS["dot"](*operands, contract=tuple(contract), batch=tuple(batch))


def _scaled(view: View, eq: Equation) -> Value | None:
    """dot(x, diag(d)) = x with its contracted axis last, times d; dot(diag(d), y) = y with its
    contracted axis first, times d."""
    contract, batch = eq.params["contract"], eq.params["batch"]
    if len(contract[0]) != 1 or batch != ((), ()):
        return None
    for matrix, x, (axis,), last in (
        (eq.operands[1], eq.operands[0], contract[0], True),
        (eq.operands[0], eq.operands[1], contract[1], False),
    ):
        known, diagonal = _diagonal(view, matrix)
        if not known:
            continue
        others = [a for a in range(x.ndim) if a != axis]
        order = (*others, axis) if last else (axis, *others)
        if order != tuple(range(x.ndim)):
            x = OPS["transpose"](x, permutation=order)
        if diagonal is None:
            return x
        along = x.ndim - 1 if last else 0
        return OPS["mul"](x, OPS["broadcast"](diagonal, shape=x.shape, dims=(along,)))
    return None


def _diagonal(view: View, matrix: Value) -> tuple[bool, Value | None]:
    """Whether `matrix` is known to be square and zero off its diagonal, and its diagonal: None of
    an identity matrix."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        return False, None
    if _is_identity(view, matrix):
        return True, None
    select = view.made_by(matrix, "select")
    if select is not None:  # select(i == j, d[i], 0)
        pred, diagonal, rest = select.operands
        spread = view.made_by(diagonal, "broadcast")
        if spread is not None and _on_diagonal(view, pred) and view.number(rest) == 0:
            return spread.operands[0].ndim == 1, spread.operands[0]
    reshape = view.made_by(matrix, "reshape")
    padded = None if reshape is None else view.made_by(reshape.operands[0], "pad")
    if padded is None:
        return False, None
    # d with n zeros after each but the last, n + 1 elements apart
    diagonal, fill = padded.operands
    apart = {"low": (0,), "high": (0,), "interior": (matrix.shape[0],)}
    is_diagonal = diagonal.ndim == 1 and view.number(fill) == 0
    return is_diagonal and all(padded.params[k] == v for k, v in apart.items()), diagonal


def _is_identity(view: View, matrix: Value) -> bool:
    converted = view.made_by(matrix, "convert")
    if converted is not None:
        return _on_diagonal(view, converted.operands[0])
    constant = view.made_by(matrix, "constant")
    if constant is None:
        return False
    array = constant.params["value"]
    return bool((np.diagonal(array) == 1).all()) and np.count_nonzero(array) == len(array)


def _on_diagonal(view: View, flags: Value) -> bool:
    """Whether `flags` are row == column."""
    equal = view.made_by(flags, "eq")
    if equal is None or flags.ndim != 2:
        return False
    counters = [view.made_by(v, "iota") for v in equal.operands]
    dims = [None if c is None else c.params["dim"] for c in counters]
    return sorted(map(str, dims)) == ["0", "1"]
