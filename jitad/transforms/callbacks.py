"""pure_callback and io_callback: Python functions inside of programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jitad_ir.op import OPS
from jitad_ir.ops.callback import Callback
from jitad_ir.types import ArrayType

from ..array import as_array
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import Tracer, apply, current_trace, find_trace, no_trace
from .function import as_operands, check_callable, leaf_types, name_of
from .inspection import declared_type

VMAP_METHODS = (
    "sequential",
    "sequential_unrolled",
    "expand_dims",
    "broadcast_all",
    "legacy_vectorized",
    None,
)


class Static:
    """A value that programs do not know. Equal to another of its type that is equal to the last
    bit, or the same object where values cannot be compared."""

    __slots__ = ("_key", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        try:
            hash(value)
        except TypeError:
            self._key: Any = id(value)
        else:
            # 1 is True, and 0.0 is -0.0, but they print differently.
            self._key = repr(value) if isinstance(value, (int, float, complex)) else value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Static):
            return NotImplemented
        return type(self.value) is type(other.value) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


@dataclass(frozen=True, slots=True)
class FlatFunction:
    """A Python function of pytrees as one of arrays, the leaves that are arrays. Equal to another
    for the same function with the same structure and the same other leaves, so that programs are
    derived and compiled once for it."""

    function: Static
    tree: PyTreeDef
    static: tuple[tuple[int, Static], ...]
    results: PyTreeDef | None
    """The structure of what it gives; None if that is dropped."""

    def __call__(self, *arrays: Any) -> Sequence[Any]:
        given = iter(arrays)
        fixed = dict(self.static)
        leaves: list[Any] = []
        for i in range(self.tree.num_leaves):
            leaves.append(fixed[i].value if i in fixed else as_array(next(given)))
        args, kwargs = self.tree.unflatten(leaves)
        with no_trace():
            result = self.function.value(*args, **kwargs)
        if self.results is None:
            return ()
        leaves, tree = flatten(result)
        if tree.num_leaves != self.results.num_leaves:  # lists or tuples: as the call says
            raise TypeError(
                f"{name_of(self.function.value)} must return the structure {self.results}, as its "
                f"call says; it returned {tree}"
            )
        return leaves


def flat_function(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    results: PyTreeDef | None,
    is_static: Callable[[Any], bool],
) -> tuple[FlatFunction, list[Any]]:
    """`function` at `args` and `kwargs` as a function of arrays, and those arrays: the leaves that
    are not `is_static`."""
    leaves, tree = flatten((args, kwargs))
    static = [(i, Static(leaf)) for i, leaf in enumerate(leaves) if is_static(leaf)]
    fixed = dict(static)
    arrays = [leaf for i, leaf in enumerate(leaves) if i not in fixed]
    return FlatFunction(Static(function), tree, tuple(static), results), arrays


def act(function: FlatFunction, arrays: Sequence[Any], results: Any, name: str, **params: Any):
    """`function(*arrays)` for its effects, once each time the program comes here."""
    types = leaf_types(arrays, f"argument of {name}")
    operands = as_operands(arrays, types)
    callback = Callback(function, name)  # pyright: ignore[reportArgumentType]
    op, current = OPS["io_callback"], current_trace()
    if find_trace(operands) is None and current is not None and current.mutes:
        return current.record(op, operands, {"callback": callback, "results": results, **params})
    return apply(op, *operands, callback=callback, results=results, **params)


def _result_types(declared: Any) -> tuple[tuple[ArrayType, ...], PyTreeDef]:
    leaves, tree = flatten(declared)
    return tuple([declared_type(leaf) for leaf in leaves]), tree


def _is_never_static(leaf: Any) -> bool:
    return False


@hides_internals
def pure_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    vmap_method: str | None = None,
    **kwargs: Any,
) -> Any:
    """`callback(*args, **kwargs)`, a Python function without effects, inside of a program.

    The callback gets arrays in the structure of the arguments and returns what
    `result_shape_dtypes` says: a pytree of ShapeDtypeStruct, or of anything with `shape` and
    `dtype`. It may be called more often or less often than it is written. It has no derivative:
    give it one by `custom_jvp` or `custom_vjp`.

    `vmap_method` says what `vmap` makes of it: "sequential" calls it for each lane, "expand_dims"
    once, with a leading axis of length 1 on arguments that all lanes share, "broadcast_all" once,
    with a leading axis on all; "legacy_vectorized" leaves shared arguments as they are. `sharding`
    is accepted for JAX's sake.

    An exception of the callback leaves the program as it is. Raises ValueError where a derivative
    is asked for, NotImplementedError under `vmap` without a method, and TypeError if the callback
    returns other shapes or dtypes.

    >>> import jitad, numpy as np
    >>> @jitad.jit
    ... def f(x):
    ...     return jitad.pure_callback(np.sort, x, x) + 1.0
    >>> f(np.array([3.0, 1.0]))
    Array([2., 4.])
    """
    check_callable(callback, "pure_callback")
    if vmap_method not in VMAP_METHODS:
        raise ValueError(
            at_user_line(
                f"pure_callback: vmap_method must be one of {', '.join(map(repr, VMAP_METHODS))}; "
                f"got {vmap_method!r}"
            )
        )
    types, tree = _result_types(result_shape_dtypes)
    function, arrays = flat_function(callback, args, kwargs, tree, _is_never_static)
    operands = as_operands(arrays, leaf_types(arrays, "argument of pure_callback"))
    results = apply(
        OPS["pure_callback"],
        *operands,
        callback=Callback(function, name_of(callback)),
        results=types,
        vmap_method=vmap_method,
    )
    return tree.unflatten(results)


@hides_internals
def io_callback(
    callback: Callable[..., Any],
    result_shape_dtypes: Any,
    *args: Any,
    sharding: Any = None,
    ordered: bool = False,
    **kwargs: Any,
) -> Any:
    """`callback(*args, **kwargs)`, a Python function with effects, inside of a program.

    It is called each time the program comes to it, in the order of the program, `ordered` or not,
    and whether its results are read or not: in each step of a loop, in the branch that is taken,
    under `vmap` for each lane in turn, in `checkpoint` not again. `result_shape_dtypes` is as in
    `pure_callback`; `sharding` is accepted for JAX's sake.

    An exception of the callback leaves the program as it is. Raises ValueError where a derivative
    of a float result is asked for, TypeError if the callback returns other shapes or dtypes, and
    TypeError where reverse mode would need its results twice (in a `while_loop`; outside of `jit`
    in a loop, a branch, a checkpoint or a function with a custom rule).

    >>> import jitad, numpy as np
    >>> seen = []
    >>> @jitad.jit
    ... def f(x):
    ...     jitad.io_callback(seen.append, None, x)
    ...     return 2.0 * x
    >>> f(1.5), seen
    (Array(3.), [Array(1.5)])
    """
    check_callable(callback, "io_callback")
    types, tree = _result_types(result_shape_dtypes)
    # What a callback that is declared to give nothing returns is dropped.
    expected = tree if types else None
    function, arrays = flat_function(callback, args, kwargs, expected, _is_never_static)
    results = act(function, arrays, types, name_of(callback), ordered=bool(ordered))
    return tree.unflatten(results)


def is_value(leaf: Any) -> bool:
    """Whether a leaf is a tracer or an array that programs take."""
    if isinstance(leaf, Tracer):
        return True
    dtype = getattr(leaf, "dtype", None)
    return getattr(dtype, "kind", "O") in "biufc" and hasattr(leaf, "shape")
