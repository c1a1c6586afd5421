"""Looking at programs: their IR and the types of their results, without running them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import numpy as np

from jitad_ir.graph import Graph
from jitad_ir.types import ArrayType, short_name

from ..argument_types import type_of_argument
from ..errors import hides_internals
from ..pytree import PyTreeDef, flatten
from ..trace import Tracer, no_trace
from .float0 import with_float0, without_float0
from .function import check_callable, leaf_types, name_of, run_graph, trace_function


class ShapeDtypeStruct:
    """The shape and dtype of an array that need not exist. `weak_type` and `sharding`, JAX's
    further arguments, are taken and make no difference.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> import numpy as np
    >>> jitad.eval_shape(jnp.sum, jitad.ShapeDtypeStruct((1000, 1000), np.float32))
    ShapeDtypeStruct(shape=(), dtype=float32)
    """

    __slots__ = ("dtype", "shape")

    sharding = None
    weak_type = False

    def __init__(
        self,
        shape: Sequence[int],
        dtype: Any,
        *,
        weak_type: bool = False,
        sharding: object = None,
    ) -> None:
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)

    @classmethod
    def like(cls, array: Any) -> ShapeDtypeStruct:
        """Shape and dtype of an array, a tracer or a number."""
        found = declared_type(array)
        return cls(found.shape, found.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ShapeDtypeStruct):
            return NotImplemented
        return (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"ShapeDtypeStruct(shape={self.shape}, dtype={self.dtype})"


def declared_type(leaf: Any) -> ArrayType:
    """Type of an array, a scalar, a tracer, or anything with a shape and a dtype."""
    if isinstance(leaf, (Tracer, np.ndarray, np.generic)) or not hasattr(leaf, "shape"):
        return type_of_argument(leaf)
    dtype = np.dtype(leaf.dtype)
    short_name(dtype)
    return ArrayType(dtype, tuple(leaf.shape))


def structs_of(tree: PyTreeDef, types: Sequence[ArrayType]) -> Any:
    """A program's tree of results, each leaf a ShapeDtypeStruct: those of these types, and those of
    dtype float0, which programs do not have."""
    known = [ShapeDtypeStruct(t.shape, t.dtype) for t in types]
    leaves, whole = flatten(with_float0(tree, known))
    return whole.unflatten([ShapeDtypeStruct(x.shape, x.dtype) for x in leaves])


def _traced(fun: Callable[..., Any], static: set[int], args: Any, kwargs: Any, what: str) -> Any:
    dynamic = [a for i, a in enumerate(args) if i not in static]
    leaves, tree = flatten((dynamic, kwargs))
    types = [declared_type(leaf) for leaf in leaves]

    def flat(tracers: list[Any]) -> Any:
        inner, keywords = tree.unflatten(tracers)
        given = iter(inner)
        full = [args[i] if i in static else next(given) for i in range(len(args))]
        return without_float0(fun(*full, **keywords))

    return trace_function(flat, name_of(fun), leaves, concrete=False, types=types, transform=what)


@hides_internals
def eval_shape(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Shapes and dtypes of `fun`'s results, as a pytree of ShapeDtypeStruct, without running it.

    Arguments are arrays or anything with `shape` and `dtype`.

    >>> import jitad
    >>> jitad.eval_shape(lambda x: x @ x.T, jitad.ShapeDtypeStruct((3, 2), "float32"))
    ShapeDtypeStruct(shape=(3, 3), dtype=float32)
    """
    check_callable(fun, "eval_shape")
    traced = _traced(fun, set(), args, kwargs, "eval_shape")
    return structs_of(traced.out_tree, traced.graph.output_types)


def make_ir(
    fun: Callable[..., Any],
    static_argnums: int | Sequence[int] = (),
    return_shape: bool = False,
) -> Callable[..., Any]:
    """A function that returns the traced program of `fun` at its arguments: a Graph, which prints
    as IR text. With `return_shape`, a pair of it and what `eval_shape` gives.

    >>> import jitad, jitad.numpy as jnp
    >>> jitad.make_ir(lambda x: jnp.sin(x) * x)(1.0)
    graph f(a: f64[]) {
      b: f64[] = sin(a)
      c: f64[] = mul(b, a)
      return c
    }
    """
    check_callable(fun, "make_ir")
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums)

    @wraps(fun)
    @hides_internals
    def traced_function(*args: Any, **kwargs: Any) -> Any:
        static = {n % len(args) for n in numbers} if args else set[int]()
        traced = _traced(fun, static, args, kwargs, "make_ir")
        graph: Graph = traced.graph
        if not return_shape:
            return graph
        return graph, structs_of(traced.out_tree, graph.output_types)

    return traced_function


make_jaxpr = make_ir


@hides_internals
def explain(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """How `jit` would run `fun` on these arguments: the Plan, which prints as text. It shows the
    kernels with the expression of each, library calls, the buffers, and what each step costs:
    bytes moved, floating point operations, evaluations of transcendental functions, and whether
    it is given to several threads (see `jitad.threads`).

    `plan.memory_bytes` is what a call takes at once, for results and work.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> jitad.explain(lambda x: jnp.sum(jnp.sin(x) * x), np.ones(1000))
    plan f(in0: f64[1000]) -> (out0: f64[]), workspace 0 bytes
      in all: reads 8 kB, writes 8 B, 2 kflops, 1 k functions; results and workspace take 8 B
      kernel over i0 < 1000: sin mul reduce_sum  [reads 8 kB, writes 8 B, 2 kflops, 1 k functions]
        %0 = in0[i0]
        %1 = sin(%0)
        %2 = mul(%1, %0)
        out0[0] = reduce_sum of %2 over i0
    """
    from jitad_ir.passes.pipeline import optimize  # noqa: PLC0415  (as is the planner,
    from jitad_ir.plan import plan_graph  # noqa: PLC0415  only loaded when it is asked for)

    check_callable(fun, "explain")
    return plan_graph(optimize(_traced(fun, set(), args, kwargs, "explain").graph))


@hides_internals
def closure_convert(
    fun: Callable[..., Any], *example_args: Any
) -> tuple[Callable[..., Any], list[Any]]:
    """`fun` with the traced values it closes over as further arguments.

    Returns `(converted, values)` such that `converted(*args, *values)` is `fun(*args)`, so that a
    custom rule can differentiate in them. `example_args` give structures, shapes and dtypes.

    >>> import jitad
    >>> def f(a):
    ...     converted, values = jitad.closure_convert(lambda x: a * x, 1.0)
    ...     return converted(2.0, *values)
    >>> jitad.grad(f)(3.0)
    Array(2.)
    """
    check_callable(fun, "closure_convert")
    leaves, tree = flatten(example_args)
    types = leaf_types(leaves, f"closure_convert: argument of {name_of(fun)}")
    traced = trace_function(
        lambda tracers: fun(*tree.unflatten(tracers)),
        name_of(fun),
        leaves,
        concrete=False,
        types=types,
        transform="closure_convert",
    )
    captures = list(traced.closed.captures)

    def converted(*args: Any) -> Any:
        count = len(args) - len(captures)
        given, found = flatten(args[:count])
        if found != tree:
            raise TypeError(f"closure_convert: expected arguments {tree}; got {found}")
        return traced.out_tree.unflatten(run_graph(traced.graph, [*given, *args[count:]]))

    return converted, captures


@contextmanager
def ensure_compile_time_eval() -> Iterator[None]:
    """Within this context, functions of `jitad.numpy` on known arrays are evaluated at once, even
    while a function is traced under `jit`, so that Python can use their values.

    >>> import jitad, jitad.numpy as jnp
    >>> @jitad.jit
    ... def f(x):
    ...     with jitad.ensure_compile_time_eval():
    ...         n = int(jnp.arange(4).sum())
    ...     return x * n
    >>> f(1.0)
    Array(6.)
    """
    with no_trace():
        yield
