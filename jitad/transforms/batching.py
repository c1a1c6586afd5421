"""vmap, and the collectives over its named axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from jitad_ir.passes.batch_axes import Differs, batch_between
from jitad_ir.types import ArrayType

from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten, flatten_with_path, keystr
from ..trace import BatchAxis, Tracer, defers
from .float0 import with_float0, without_float0
from .function import (
    Traced,
    ask,
    check_callable,
    leaf_types,
    name_of,
    run_graph,
    trace_function,
)


def vmap(
    fun: Callable[..., Any],
    in_axes: Any = 0,
    out_axes: Any = 0,
    axis_name: object = None,
    axis_size: int | None = None,
) -> Callable[..., Any]:
    """`fun` over a batch: the function of one example becomes one of arrays of examples.

    `in_axes` says which axis of each argument is the batch: an int, None (the same for all
    examples), or a pytree prefix of the tuple of arguments with such leaves. `out_axes` says where
    the results get it. Keyword arguments are mapped over axis 0. `axis_name` is what collectives
    (`lax.psum`, ...) in `fun` call the axis; `axis_size` its length, if no argument has it.

    What is the same for all examples and is a number, or no array at all, comes to `fun` as it is,
    so that Python's `if` and `range` take it.

    Raises ValueError if lengths differ or no argument is mapped, and TypeError if `in_axes` does
    not fit the arguments.

    >>> import jitad, numpy as np
    >>> jitad.vmap(lambda x, y: x * y, in_axes=(0, None))(np.arange(3.0), 2.0)
    Array([0., 2., 4.])
    """
    check_callable(fun, "vmap")
    if isinstance(in_axes, list):
        in_axes = tuple(in_axes)

    @wraps(fun)
    @hides_internals
    def batched_function(*args: Any, **kwargs: Any) -> Any:
        leaves, tree = flatten((args, kwargs))
        spread = _spread_over_arguments(in_axes, args, kwargs)
        mapped, plain = _separated(leaves, spread)
        types = leaf_types(mapped.values(), f"vmap: argument of {name_of(fun)}")
        axes = _checked([spread[i] for i in mapped], types)
        size = _batch_size(axes, types, axis_size, args, kwargs, list(mapped), name_of(fun))
        lane_types = [_without(t, axis) for t, axis in zip(types, axes, strict=True)]

        def flat(tracers: list[Any]) -> Any:
            every = plain | dict(zip(mapped, tracers, strict=True))
            inner_args, inner_kwargs = tree.unflatten([every[i] for i in range(len(leaves))])
            return without_float0(fun(*inner_args, **inner_kwargs))

        traced = trace_function(
            flat,
            name_of(fun),
            list(mapped.values()),
            concrete=False,
            types=lane_types,
            axis=BatchAxis(axis_name, size),
            transform="vmap",
        )
        ends = _output_axes(out_axes, traced.out_tree, traced.graph.output_types)
        whole = [*axes, *[None] * len(traced.closed.captures)]
        results = _in_lanes(traced, size, whole, ends, axis_name)
        return with_float0(traced.out_tree, results, (size,))

    return batched_function


def _in_lanes(
    traced: Traced,
    size: int,
    axes: Sequence[int | None],
    ends: Sequence[int | None],
    axis_name: object,
) -> list[Any]:
    """Results of the traced program over the batch."""
    if defers() and axis_name is None and None not in ends:
        return ask(
            "batched",
            traced.graph,
            traced.operands,
            length=size,
            axes=tuple(axes),
            ends=tuple(ends),
        )
    try:
        program = batch_between(traced.graph, size, axes, ends, axis_name)
    except Differs:
        raise ValueError(
            at_user_line(
                f"vmap: out_axes is None for a result of {traced.graph.name} that differs between "
                "examples"
            )
        ) from None
    return run_graph(program, traced.operands)


def _separated(leaves: Sequence[Any], axes: Sequence[Any]) -> tuple[dict[int, Any], dict[int, Any]]:
    """The leaves that are traced and those that are not, by their places: without an axis, and
    numbers, or nothing that could be traced."""
    traced: dict[int, Any] = {}
    plain: dict[int, Any] = {}
    for i, (leaf, axis) in enumerate(zip(leaves, axes, strict=True)):
        is_array = isinstance(leaf, Tracer) or (isinstance(leaf, np.ndarray) and leaf.ndim > 0)
        (traced if axis is not None or is_array else plain)[i] = leaf
    return traced, plain


def _spread_over_arguments(
    in_axes: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[int | None]:
    """The batch axis of each leaf, or None."""
    if isinstance(in_axes, tuple) and len(in_axes) != len(args):
        raise ValueError(
            at_user_line(
                f"vmap: in_axes has {len(in_axes)} entries; got {len(args)} positional arguments"
            )
        )
    return [*_spread(in_axes, args, "in_axes"), *_spread(0, kwargs, "in_axes")]


def _checked(axes: Sequence[int | None], types: Sequence[ArrayType]) -> list[int | None]:
    """The axes, non-negative; raises ValueError for one that an argument does not have."""
    checked: list[int | None] = []
    for axis, type in zip(axes, types, strict=True):
        if axis is not None and not -type.ndim <= axis < type.ndim:
            raise ValueError(
                at_user_line(
                    f"vmap: in_axes gives axis {axis} of an argument {type!r} with {type.ndim} axes"
                )
            )
        checked.append(None if axis is None else axis % type.ndim)
    return checked


def _is_axis(entry: Any) -> bool:
    return entry is None or isinstance(entry, int)


def _spread(prefix: Any, full: Any, what: str) -> list[Any]:
    """An axis for each leaf of `full`, from a pytree prefix of axes."""
    if _is_axis(prefix):
        return [prefix] * len(flatten(full)[0])
    entries, tree = flatten(prefix, is_leaf=_is_axis)
    for entry in entries:
        if not _is_axis(entry):
            raise TypeError(
                at_user_line(
                    f"vmap: {what} must hold ints and None; got {type(entry).__name__} {entry!r}"
                )
            )
    try:
        parts = tree.flatten_up_to(full)
    except (ValueError, TypeError) as error:
        raise ValueError(
            at_user_line(
                f"vmap: {what} must be an int, None or a pytree prefix of what it is for; {error}"
            )
        ) from None
    return [
        entry
        for entry, part in zip(entries, parts, strict=True)
        for _ in range(len(flatten(part)[0]))
    ]


def _batch_size(
    axes: Sequence[int | None],
    types: Sequence[ArrayType],
    axis_size: int | None,
    args: Any,
    kwargs: Any,
    places: Sequence[int],
    name: str,
) -> int:
    sizes = {t.shape[a] for a, t in zip(axes, types, strict=True) if a is not None}
    if axis_size is not None:
        sizes.add(axis_size)
    if not sizes:
        raise ValueError(
            at_user_line(
                f"vmap: no argument of {name} is mapped: in_axes must name an axis of at least "
                "one, or axis_size be given"
            )
        )
    if len(sizes) > 1:
        every, _ = flatten_with_path((args, kwargs))
        paths = [every[i] for i in places]
        rows = [
            f"    argument{keystr(path[1:])}: axis {axis} of {type!r} has length {type.shape[axis]}"
            for (path, _), axis, type in zip(paths, axes, types, strict=True)
            if axis is not None
        ]
        if axis_size is not None:
            rows.append(f"    axis_size is {axis_size}")
        raise ValueError(
            at_user_line("\n".join(["vmap: the mapped axes must have one length; got", *rows]))
        )
    return sizes.pop()


def _without(type: ArrayType, axis: int | None) -> ArrayType:
    if axis is None:
        return type
    return type.with_shape(type.shape[:axis] + type.shape[axis + 1 :])


def _output_axes(out_axes: Any, tree: PyTreeDef, types: Sequence[ArrayType]) -> list[int | None]:
    axes = _spread(out_axes, tree.unflatten(range(tree.num_leaves)), "out_axes")
    checked: list[int | None] = []
    for axis, type in zip(axes, types, strict=True):
        rank = type.ndim + 1
        if axis is not None and not -rank <= axis < rank:
            raise ValueError(
                at_user_line(f"vmap: out_axes gives axis {axis} of a result with {rank} axes")
            )
        checked.append(None if axis is None else axis % rank)
    return checked
