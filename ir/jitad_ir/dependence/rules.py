"""What elements of an equation's result depend on, for ops that are linear in what moves.

Elementwise ops, reductions and cumulative ones say by their lowering what they read. Ops that copy
elements are evaluated on the numbers of the elements. The rest has rules here, or is taken to
depend on all of its operands.

A rule is `(eq, patterns, known) -> pattern`: of the operands, with None for one that does not move,
and with their values where these are known while the pattern is looked for (else None).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from ..evaluate import evaluate_op
from ..graph import Equation, Value
from ..lowering import Elementwise, Reduction, Routine
from ..op import OPS
from ..ops.convolution import spatial_windows
from ..ops.dot import both_roles
from ..ops.reduce_window import windows_along
from ..ops.sliding import padded, windows_of
from ..ops.windows import positions
from ..types import INT64
from .patterns import (
    Pattern,
    empty_pattern,
    masked,
    mixed,
    numbered,
    pulled,
    pushed,
    spread,
    united,
)

Patterns: TypeAlias = Sequence[Pattern | None]
Known: TypeAlias = Sequence[Any]
Rule: TypeAlias = Callable[[Equation, Patterns, Known], Pattern]


def pattern_of(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """The pattern of each result of an equation without regions, of which some operands move."""
    moving = [p for p in patterns if p is not None]
    size = eq.outputs[0].type.size
    if size == 0 or all(p.nnz == 0 for p in moving):
        return empty_pattern(size, moving[0].shape[1])
    rule = _RULES.get(eq.op.name)
    if rule is not None:
        return rule(eq, patterns, known)
    lower = eq.op.lower
    if isinstance(lower, Elementwise):
        return united(moving)
    if isinstance(lower, Reduction):
        return _reduction(eq, patterns, known)
    if isinstance(lower, Routine) and lower.problem_axes is not None:
        return _problems(eq, patterns, lower.problem_axes)
    return every(eq, patterns)


def every(eq: Equation, patterns: Patterns, size: int | None = None) -> Pattern:
    """Each element of a result (of `size` elements; None: of the only one) depends on all that any
    operand depends on."""
    alone = [
        mixed(p, (v.type.size,), (0,))
        for v, p in zip(eq.operands, patterns, strict=True)
        if p is not None
    ]
    return spread(united(alone), (1,), (eq.outputs[0].type.size if size is None else size,))


def _problems(eq: Equation, patterns: Patterns, axes: int) -> Pattern:
    """A stack of problems, each of the last `axes` axes of the first operand: the axes before are
    those of all operands and results."""
    stack = eq.operands[0].shape[: eq.operands[0].ndim - axes]
    count = math.prod(stack)
    alone = [
        mixed(p, (count, v.type.size // count), (1,))
        for v, p in zip(eq.operands, patterns, strict=True)
        if p is not None
    ]
    return spread(united(alone), (count, 1), (count, eq.outputs[0].type.size // count))


def _reduction(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    (pattern,) = patterns
    return mixed(pattern, eq.operands[0].shape, eq.params["axes"])


def _product(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """x y: elements that are multiplied by a known zero do not move."""
    x, y = patterns
    parts = [
        p if other is None else masked(p, np.asarray(other) != 0)
        for p, other in ((x, known[1]), (y, known[0]))
        if p is not None
    ]
    return united(parts)


def _selection(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """Elements of either branch, where it is known which."""
    _, then, otherwise = patterns
    flags = known[0]
    parts: list[Pattern] = []
    for pattern, keep in ((then, True), (otherwise, False)):
        if pattern is not None:
            parts.append(pattern if flags is None else masked(pattern, flags == keep))
    return united(parts)


def _copies(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """An op that copies elements, evaluated on their numbers, from 1 on. 0 does not move."""
    parts: list[Pattern] = []
    result = eq.outputs[0].type
    params = {**eq.params, "fill": 0} if "fill" in eq.params else eq.params
    for k, pattern in enumerate(patterns):
        if pattern is None:
            continue
        arrays = [
            _numbers(v, known[i], i == k, patterns[i] is not None)
            for i, v in enumerate(eq.operands)
        ]
        (places,) = evaluate_op(eq.op, arrays, params, [result.with_dtype(INT64)])
        parts.append(pulled(pattern, np.reshape(places, (-1, 1)) - 1))
    return united(parts)


def _numbers(value: Any, known: Any, counted: bool, moves: bool) -> Any:
    if counted:
        return numbered(value.shape) + 1
    if value.dtype.kind in "iu" and not moves:
        return known  # an index
    return np.zeros(value.shape, np.int64)


def _indexed(copies: Rule, axes_of: Callable[[Equation], Sequence[int]]) -> Rule:
    """A rule for windows at indices: those in `axes_of(eq)` may be anywhere if the indices are not
    known."""

    def rule(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
        if all(start is not None for start in known[1:]):
            return copies(eq, patterns, known)
        x = eq.operands[0].type
        axes = axes_of(eq)
        left = [1 if axis in axes else n for axis, n in enumerate(x.shape)]
        result = eq.outputs[0].shape
        batch = eq.params.get("batch", 0)
        points = len(result) - (x.ndim - batch)
        aligned = (*left[:batch], *[1] * (points - batch), *left[batch:])
        return spread(mixed(patterns[0], x.shape, axes), aligned, result)

    return rule


def _moved_along(eq: Equation, window: Value) -> list[int]:
    """Axes along which a window of an array can be in more than one place."""
    pairs = zip(window.shape, eq.operands[0].shape, strict=True)
    return [axis for axis, (size, n) in enumerate(pairs) if size < n]


def _scatter(replaces: bool) -> Rule:
    """Updates of windows at indices, which replace the elements there or are combined with them."""

    def rule(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
        x = eq.operands[0].type
        of_x, of_updates = patterns[:2]
        if any(start is None for start in known[2:]):
            parts = [] if of_x is None else [of_x]
            if of_updates is not None:
                parts.append(_anywhere(eq, of_updates))
            return united(parts)
        places = _update_places(eq, known[2:])
        parts = []
        if of_x is not None and replaces:
            kept = np.ones(x.size, np.bool_)
            kept[places[places >= 0]] = False
            parts.append(masked(of_x, kept))
        elif of_x is not None:
            parts.append(of_x)
        if of_updates is not None:
            parts.append(pushed(of_updates, places, x.size))
        return united(parts)

    return rule


def _anywhere(eq: Equation, of_updates: Pattern) -> Pattern:
    """For each element of x, all of the updates that may be there."""
    x, updates = eq.operands[:2]
    if eq.op.name != "dynamic_update_slice":
        return spread(mixed(of_updates, (updates.type.size,), (0,)), (1,), (x.type.size,))
    axes = _moved_along(eq, updates)
    left = [1 if axis in axes else n for axis, n in enumerate(updates.shape)]
    return spread(mixed(of_updates, updates.shape, axes), left, x.shape)


def _update_places(eq: Equation, starts: Sequence[Any]) -> Any:
    """For each element of the updates, the number of the element of x that it updates, or -1."""
    x, updates = (v.type for v in eq.operands[:2])
    if eq.op.name == "dynamic_update_slice":
        where: dict[str, Any] = {"axes": tuple(range(x.ndim)), "batch": 0, "mode": "clip"}
    else:
        where = {k: v for k, v in eq.params.items() if k != "unique"}
    if not starts:
        return numbered(x.shape).reshape(-1)
    window = updates.shape[np.ndim(starts[0]) :]
    sizes = tuple([window[a - where["batch"]] for a in where["axes"]])
    index, inside = positions(x.shape, starts, sizes=sizes, **where)
    places = np.full((inside.size, math.prod(window)), -1)
    if places.size:
        numbers = np.broadcast_to(numbered(x.shape)[index], (int(inside.sum()), *window))
        places[inside] = numbers.reshape(-1, places.shape[1])
    return places.reshape(-1)


def _cumulative(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """Each element with all before it along an axis, by doubling: 1, 2, 4, ... at once."""
    shape, axis = eq.outputs[0].shape, eq.params["axis"]
    total = united([p for p in patterns if p is not None])
    numbers = np.moveaxis(numbered(shape), axis, -1)
    behind = -1 if eq.params["reverse"] else 1
    reach = 1
    while reach < shape[axis]:
        before = np.full(numbers.shape, -1)
        if behind > 0:
            before[..., reach:] = numbers[..., :-reach]
        else:
            before[..., :-reach] = numbers[..., reach:]
        both = np.stack([numbered(shape), np.moveaxis(before, -1, axis)], axis=-1)
        total = pulled(total, both.reshape(-1, 2))
        reach *= 2
    return total


def _dot(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """Of each operand: elements united along the contracted axes, the same for all free axes of the
    other one; without those that the other one, if it is known, multiplies by zero."""
    x, y = eq.operands
    in_x, in_y = both_roles(x.ndim, y.ndim, eq.params["contract"], eq.params["batch"])
    result = eq.outputs[0].shape
    first, middle = len(in_x.batch), len(in_x.batch) + len(in_x.free)
    parts: list[Pattern] = []
    for k, (operand, own, other) in enumerate(((x, in_x, in_y), (y, in_y, in_x))):
        pattern, factor = patterns[k], known[1 - k]
        if pattern is None:
            continue
        # (batch, free, contract), as matrices
        order = (*own.batch, *own.free, *own.contract)
        b, m, c = (math.prod([operand.shape[a] for a in axes]) for axes in own)
        places = np.transpose(numbered(operand.shape), order).reshape(b, m, c)
        free = result[middle:] if k == 0 else result[first:middle]
        n = math.prod(free)
        if factor is not None and np.size(factor) < 1 << 24:
            order = (*other.batch, *other.free, *other.contract)
            weights = np.transpose(factor, order).reshape(b, n, c) != 0
            aligned = _weighted(places, weights)
        else:
            pattern = pulled(pattern, places.reshape(b * m, c))
            aligned = np.broadcast_to(numbered((b, m, 1, 1)), (b, m, n, 1))
        if k == 1:
            aligned = np.swapaxes(aligned, 1, 2)
        parts.append(pulled(pattern, aligned.reshape(b * m * n, aligned.shape[-1])))
    return united(parts)


def _weighted(places: Any, weights: Any) -> Any:
    """(b, m, c) and flags (b, n, c) to (b, m, n, w): the places that are not multiplied by zero,
    of which there are at most w; -1 for the others."""
    width = int(weights.sum(axis=-1).max(initial=0))
    order = np.argsort(~weights, axis=-1, kind="stable")[..., :width]
    chosen = np.take_along_axis(weights, order, axis=-1)
    lanes = np.arange(places.shape[0])[:, None, None, None]
    rows = np.arange(places.shape[1])[None, :, None, None]
    return np.where(chosen[:, None], places[lanes, rows, order[:, None]], -1)


def _convolution(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """Each result with the window of x that it sees, in all features of its group, and with the
    kernel of its out feature."""
    if eq.params["batch_groups"] > 1:
        return every(eq, patterns)
    x, w = eq.operands
    lhs, rhs, out_spec = eq.params["specs"]
    groups = eq.params["feature_groups"]
    result = [eq.outputs[0].shape[a] for a in out_spec]
    batch, made, windows = result[0], result[1], math.prod(result[2:])
    back = np.transpose(numbered(result), np.argsort(out_spec)).reshape(-1)
    parts: list[Pattern] = []
    if patterns[0] is not None:
        places = np.transpose(numbered(x.shape), lhs) + 1
        grouped = places.reshape(batch, groups, -1, *places.shape[2:])
        of_group = pulled(
            patterns[0], np.moveaxis(grouped, 2, -1).reshape(-1, grouped.shape[2]) - 1
        )
        spatial = tuple(range(2, x.ndim))
        along = spatial_windows(x, w, **eq.params)
        numbers = numbered((batch, groups, *places.shape[2:])) + 1
        view = windows_of(padded(numbers, spatial, along, 0), spatial, along)
        view = view.reshape(batch, groups, 1, windows, -1) - 1
        seen = np.broadcast_to(
            view, (batch, groups, made // groups, windows, view.shape[-1])
        ).reshape(batch * made * windows, -1)
        parts.append(pulled(of_group, seen[back]))
    if patterns[1] is not None:
        kernels = np.transpose(numbered(w.shape), rhs).reshape(made, -1)
        of_feature = pulled(patterns[1], kernels)
        features = np.broadcast_to(np.arange(made)[None, :, None], (batch, made, windows))
        parts.append(pulled(of_feature, features.reshape(-1, 1)[back]))
    return united(parts)


def _windows(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """Each sum with the elements of its window."""
    (pattern,) = patterns
    x = eq.operands[0].type
    along = windows_along(eq.op.name, x.shape, **eq.params)
    axes = range(x.ndim)
    view = windows_of(padded(numbered(x.shape) + 1, axes, along, 0), axes, along)
    return pulled(pattern, view.reshape(eq.outputs[0].type.size, -1) - 1)


def _fft(eq: Equation, patterns: Patterns, known: Known) -> Pattern:
    """Each element with all along the axes that are transformed."""
    (pattern,), shape = patterns, eq.operands[0].shape
    end = len(shape) - eq.params.get("behind", 0)
    axes = range(end - len(eq.params["lengths"]), end)
    left = [1 if axis in axes else n for axis, n in enumerate(shape)]
    return spread(mixed(pattern, shape, axes), left, eq.outputs[0].shape)


_RULES: dict[str, Rule] = {
    "mul": _product,
    "select": _selection,
    "cumsum": _cumulative,
    "linear_recurrence": _cumulative,
    "dot": _dot,
    "convolution": _convolution,
    "fft": _fft,
    "reduce_window_sum": _windows,
    "scatter": _scatter(True),
    "scatter_add": _scatter(False),
    "scatter_mul": _scatter(False),
    "dynamic_update_slice": _scatter(True),
    "gather": _indexed(_copies, lambda eq: eq.params["axes"]),
    "dynamic_slice": _indexed(_copies, lambda eq: _moved_along(eq, eq.outputs[0])),
    **dict.fromkeys(
        ("broadcast", "reshape", "transpose", "reverse", "slice", "pad", "concatenate"), _copies
    ),
}
assert OPS.keys() >= _RULES.keys()
