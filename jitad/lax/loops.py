"""Loops as one operation: scan, while_loop, fori_loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import index
from typing import Any

import numpy as np

from jitad_ir.op import OPS
from jitad_ir.types import BOOL, ArrayType

from .. import numpy as jnp
from ..argument_types import is_known, is_weak
from ..errors import at_user_line, hides_internals
from ..numpy.promotion import as_operand, common_dtype, convert, kind_of, shape_of
from ..pytree import PyTreeDef, keystr
from ..settings import config
from ..trace import Tracer
from ..transforms.function import check_callable, name_of
from ..transforms.rules import Captures, region_of
from ..tree_util import tree_flatten_with_path, tree_leaves, tree_map
from .bodies import (
    Body,
    Leaves,
    check_same,
    leaves_of,
    run_structured,
    settled,
    trace_body,
    with_weak_as,
)
from .segments import Checkpoint, scan_in_segments

_KEEP = "Convert with .astype, or give the initial carry the dtype and shape that the body returns"


@hides_internals
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    *,
    checkpoint: Checkpoint = None,
) -> tuple[Any, Any]:
    """Carry a value along the leading axis of `xs`, and stack what each step gives.

    `f(carry, x) -> (carry, y)` is called, traced once, for x = xs[0], xs[1], ...; the result is
    `(carry, ys)`, the last carry and the rows y stacked. `init`, `xs` and y are pytrees of arrays;
    all leaves of `xs` have one leading length, which `length` may repeat, and must give if `xs` is
    None. The carry keeps its structure, shapes and dtypes; a Python number takes on the dtype that
    `f` gives it. With `reverse` the steps run from the last row to the first. `unroll` steps (all
    of them if True) are laid out in a row in native code.

    `checkpoint` says what reverse mode keeps: None, what each step needs; an integer, the carry
    every so many steps, from which those steps run again; "sqrt", a carry every sqrt(length)
    steps; a string such as "200 MB", as much as fits.

    Raises TypeError if a type of the carry changes and ValueError if lengths disagree.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.scan(lambda total, x: (total + x, total), 0.0, jnp.array([1.0, 2.0, 3.0]))
    (Array(6.), Array([0., 1., 3.]))
    """
    check_callable(f, "scan")
    rows = leaves_of(xs, "scan: xs")
    steps = leading_length(xs, rows, length)
    laid_out = _unroll(unroll, steps, "scan")
    if config.disable_jit and steps:
        return _scan_by_python(f, init, xs, steps, bool(reverse))
    if checkpoint is not None:
        return scan_in_segments(scan, f, init, xs, steps, bool(reverse), unroll, checkpoint)
    row_types = [t.with_shape(t.shape[1:]) for t in rows.types]

    def trace(carry: Leaves) -> tuple[Body, int]:
        count = len(carry.types)
        body = trace_body(
            _paired(f),
            lambda ts: (carry.tree.unflatten(ts[:count]), rows.tree.unflatten(ts[count:])),
            [*carry.types, *row_types],
            [*carry.weak, *[False] * len(row_types)],
            "scan",
        )
        return body, body.out_tree.children()[0].num_leaves

    carry, body = settled(leaves_of(init, "scan: init"), "scan", trace)
    body = with_weak_as(body, carry.types)
    after, row_tree = body.out_tree.children()
    _check_carry("scan", carry, after, body)
    captures = Captures()
    captures.take(body.closed)
    results = run_structured(
        OPS["scan"],
        [*captures.operands, *carry.arrays, *rows.arrays],
        (region_of(body.closed, 0, captures),),
        length=steps,
        reverse=bool(reverse),
        consts=len(captures.operands),
        carries=len(carry.types),
        unroll=laid_out,
    )
    count = len(carry.types)
    return carry.tree.unflatten(results[:count]), row_tree.unflatten(results[count:])


def _paired(f: Callable[..., Any]) -> Callable[..., Any]:
    def step(carry: Any, x: Any) -> tuple[Any, Any]:
        result = f(carry, x)
        if not isinstance(result, tuple) or len(result) != 2:
            got = (
                f"a tuple of {len(result)}" if isinstance(result, tuple) else type(result).__name__
            )
            raise TypeError(
                at_user_line(f"scan: {name_of(f)} must return a pair (carry, y); got {got}")
            )
        return result

    step.__name__ = name_of(f)
    return step


def _check_carry(what: str, carry: Leaves, after: PyTreeDef, body: Body) -> None:
    check_same(
        f"{what}: the carry must keep its structure, shapes and dtypes from step to step",
        "carry",
        (carry.tree, carry.types),
        (after, body.out_types[: after.num_leaves]),
        _KEEP,
    )


def leading_length(xs: Any, rows: Leaves, length: Any) -> int:
    """The number of steps; raises ValueError unless all leaves of `xs` and `length` agree on it."""
    steps = None if length is None else static_integer(length, "scan: length")
    if steps is not None and steps < 0:
        raise ValueError(at_user_line(f"scan: length must not be negative; got {steps}"))
    found = {t.shape[:1] for t in rows.types}
    if steps is not None:
        found.add((steps,))
    if not found:
        raise ValueError(at_user_line("scan: expected xs with leaves, or a length; got neither"))
    if len(found) == 1 and () not in found:
        return found.pop()[0]
    paths, _ = tree_flatten_with_path(xs)
    given = [] if steps is None else [f"  length={steps}"]
    lines = [
        f"  xs{keystr(path)}: {type!r}" + ("" if type.shape else ", which has no leading axis")
        for (path, _), type in zip(paths, rows.types, strict=True)
    ]
    listed = "\n".join([*given, *lines])
    raise ValueError(at_user_line(f"scan: all xs must have one leading length; got\n{listed}"))


def static_integer(number: Any, what: str) -> int:
    """`number` as an int; raises TypeError that says `what` is none."""
    if isinstance(number, Tracer) and number.concrete is None:
        index(number)
    try:
        return index(number)
    except TypeError:
        raise TypeError(at_user_line(f"{what} must be an integer; got {number!r}")) from None


def _unroll(unroll: Any, steps: int, what: str) -> int:
    if isinstance(unroll, (bool, np.bool_)):
        return max(steps, 1) if unroll else 1
    count = static_integer(unroll, f"{what}: unroll")
    if count < 0:
        raise ValueError(at_user_line(f"{what}: unroll must not be negative; got {count}"))
    return max(min(count, steps), 1)


def _scan_by_python(f: Any, carry: Any, xs: Any, steps: int, reverse: bool) -> tuple[Any, Any]:
    rows: list[Any] = []
    for i in reversed(range(steps)) if reverse else range(steps):
        carry, y = f(carry, tree_map(lambda x, i=i: jnp.asarray(x)[i], xs))
        rows.append(y)
    ordered = rows[::-1] if reverse else rows
    return carry, tree_map(lambda *ys: jnp.stack(ys), *ordered)


@hides_internals
def while_loop(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Any
) -> Any:
    """Apply `body_fun` to a value while `cond_fun(value)` holds.

    Both take the carried value, a pytree of arrays that keeps its structure, shapes and dtypes;
    `cond_fun` returns a bool scalar. Reverse mode keeps a tape that grows with the loop. Under
    `vmap` each lane stops by itself.

    Raises TypeError if a type of the carry changes or the condition is no bool scalar.

    >>> from jitad import lax
    >>> lax.while_loop(lambda x: x < 100, lambda x: 3 * x, 1)
    Array(243)
    """
    check_callable(cond_fun, "while_loop")
    check_callable(body_fun, "while_loop")
    if config.disable_jit and all(map(is_known, tree_leaves(init_val))):
        while cond_fun(init_val):
            init_val = body_fun(init_val)
        return init_val

    def trace(carry: Leaves) -> tuple[Body, int]:
        body = trace_body(
            body_fun, lambda ts: (carry.tree.unflatten(ts),), carry.types, carry.weak, "while_loop"
        )
        return body, body.out_tree.num_leaves

    carry, body = settled(leaves_of(init_val, "while_loop: init_val"), "while_loop", trace)
    body = with_weak_as(body, carry.types)
    _check_carry("while_loop", carry, body.out_tree, body)
    holds = trace_body(
        cond_fun, lambda ts: (carry.tree.unflatten(ts),), carry.types, carry.weak, "while_loop"
    )
    if holds.out_tree.num_nodes != 1 or holds.out_types != [ArrayType(BOOL, ())]:
        got = ", ".join(map(repr, holds.out_types)) or repr(holds.out_tree)
        raise TypeError(
            at_user_line(
                f"while_loop: {name_of(cond_fun)} must return a bool scalar, bool[]; got {got}. "
                "Write a comparison, or jnp.any or jnp.all of one"
            )
        )
    captures = Captures()
    captures.take(holds.closed)
    captures.take(body.closed)
    results = run_structured(
        OPS["while_loop"],
        [*captures.operands, *carry.arrays],
        (region_of(holds.closed, 0, captures), region_of(body.closed, 0, captures)),
        consts=len(captures.operands),
        carries=(len(carry.types),),
        upwards=(True,),
    )
    return carry.tree.unflatten(results)


@hides_internals
def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[[Any, Any], Any],
    init_val: Any,
    *,
    unroll: int | bool | None = None,
) -> Any:
    """`for i in range(lower, upper): value = body_fun(i, value)`, starting from `init_val`.

    The bounds are integers, or floats both, or traced scalars; the counter has their dtype, and is
    weak like a Python number where both are. With known bounds it is a `scan`, which `unroll` is
    for; else a `while_loop`. Either has reverse mode.

    Raises TypeError if a bound is no such scalar or a type of the carry changes.

    >>> from jitad import lax
    >>> lax.fori_loop(1, 5, lambda i, x: x * i, 1.0)
    Array(24.)
    """
    check_callable(body_fun, "fori_loop")
    bounds = [_bound(lower, "lower", upper), _bound(upper, "upper", lower)]
    dtype = common_dtype(bounds)
    weak = all([is_weak(b) for b in bounds])
    if any([isinstance(b, Tracer) and b.concrete is None for b in bounds]):
        if unroll is not None:
            raise ValueError(
                at_user_line("fori_loop: unroll needs bounds that are known while tracing")
            )
        start, stop = [b if weak else convert(b, dtype) for b in bounds]
        return _count_while(start, stop, body_fun, init_val)
    first, last = [_known_number(b) for b in bounds]

    def step(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
        i, value = carry
        return (i + 1, body_fun(i, value)), None

    step.__name__ = name_of(body_fun)
    start = first if weak else dtype.type(first)
    steps = max(math.ceil(last - first), 0)
    (_, value), _ = scan(step, (start, init_val), None, steps, unroll=unroll or 1)
    return value


def _bound(bound: Any, name: str, other: Any) -> Any:
    found = as_operand(bound)
    kinds = "f" if kind_of(found) == kind_of(as_operand(other)) == "f" else "iu"
    if kind_of(found) not in kinds or shape_of(found) != ():
        raise TypeError(
            at_user_line(
                f"fori_loop: {name} must be an integer scalar; got {bound!r}. Bounds are integers, "
                "or floats both"
            )
        )
    return found


def _known_number(bound: Any) -> int | float:
    known = bound.concrete if isinstance(bound, Tracer) else bound
    return float(known) if kind_of(known) == "f" else index(known)


def _count_while(lower: Any, upper: Any, body_fun: Callable[..., Any], init_val: Any) -> Any:
    def step(carry: tuple[Any, Any]) -> tuple[Any, Any]:
        i, value = carry
        return i + 1, body_fun(i, value)

    step.__name__ = name_of(body_fun)
    return while_loop(lambda carry: carry[0] < upper, step, (lower, init_val))[1]
