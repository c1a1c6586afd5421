"""A program with the types and the structure of its arguments and results: `Exported`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from os import PathLike
from typing import Any

from jitad_ir.graph import Graph
from jitad_ir.passes.derive import known_by_text

from ..avals import ShapedArray
from ..errors import at_user_line, hides_internals
from ..pytree import flatten
from ..transforms.function import check_callable, leaf_types, name_of, run_graph
from ..transforms.staging import jit
from .contents import CFiles, Contents
from .serialization import from_bytes, to_bytes


class Exported(Contents):
    """What `export` gives: a program for arguments of one structure, and of given shapes and
    dtypes, that needs nothing of the Python function it was traced from.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> from jitad import export
    >>> exported = export.export(jitad.jit(lambda x: 2.0 * x))(np.ones(3))
    >>> exported.in_avals
    (f64[3],)
    >>> exported.call(np.arange(3.0))
    Array([0., 2., 4.])
    """

    platforms = ("cpu",)
    """Where it runs."""
    nr_devices = 1
    """How many devices it runs on."""

    @property
    def in_avals(self) -> tuple[ShapedArray, ...]:
        """Shapes and dtypes of the leaves of the arguments."""
        return tuple([ShapedArray(t.shape, t.dtype) for t in self.graph.input_types])

    @property
    def out_avals(self) -> tuple[ShapedArray, ...]:
        """Shapes and dtypes of the leaves of the results."""
        return tuple([ShapedArray(t.shape, t.dtype) for t in self.graph.output_types])

    @hides_internals
    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The results, from native code. It can be called in functions that are transformed, and
        differentiated to any order. Raises TypeError for arguments of another structure, and
        ValueError for other shapes or dtypes."""
        leaves, tree = flatten((args, kwargs))
        if tree != self.in_tree:
            raise TypeError(
                at_user_line(
                    f"{self.fun_name} was exported for arguments {self.in_tree}; got {tree}"
                )
            )
        given = leaf_types(leaves, f"argument of {self.fun_name}")
        for number, (got, expected) in enumerate(zip(given, self.graph.input_types, strict=True)):
            if got != expected:
                raise ValueError(
                    at_user_line(
                        f"{self.fun_name} was exported for {expected!r} as leaf {number} of its "
                        f"arguments; got {got!r}. Export it for that, too"
                    )
                )
        return self.out_tree.unflatten(self._run(*leaves))

    @cached_property
    def _run(self) -> Callable[..., Any]:
        def run(*leaves: Any) -> Any:
            return run_graph(self.graph, leaves)

        run.__name__ = self.fun_name
        return jit(run)

    def has_vjp(self) -> bool:
        """Whether it can be differentiated: always."""
        return True

    @hides_internals
    def serialize(self, vjp_order: int = 0) -> bytearray:
        """The program as bytes, for `deserialize`. They hold all constants, and what derivatives of
        any order are made from: `vjp_order`, which JAX asks for, changes nothing.

        Raises ValueError for a program that calls Python (`debug.print`, `pure_callback`), and for
        containers that are neither tuple, list, dict nor None and are not registered with
        `register_namedtuple_serialization` or `register_pytree_node_serialization`.
        """
        return bytearray(to_bytes(self))

    @hides_internals
    def write_c(self, directory: str | PathLike[str], name: str | None = None) -> CFiles:
        """Write `name.o` (`name.obj` on Windows), machine code for C and all that calls C, and
        `name.h`, which declares its one function `name`; by default it is named like the Python
        function. What it takes and what it has to be linked with, the header says.

        The code is for the CPU at hand and better ones, or for what JITAD_CPU in the environment
        says. It runs without Python and on the thread that calls it, takes no memory but for loops
        that keep as much as they need for their derivative, and gives the same bits as a call here
        does, where it does not use BLAS.

        Raises ValueError for a name that C does not take, and for a program that calls Python or
        special functions that are SciPy's (`jitad.scipy.special.jv`).
        """
        from .object_file import write_c  # noqa: PLC0415  (loads the code generator)

        return write_c(self, directory, name)

    def __repr__(self) -> str:
        types = ", ".join([repr(t) for t in self.graph.input_types])
        results = ", ".join([repr(t) for t in self.graph.output_types])
        return f"Exported({self.fun_name}({types}) -> ({results}))"


@hides_internals
def deserialize(blob: bytes | bytearray | memoryview) -> Exported:
    """The program that `Exported.serialize` made these bytes of, in this process or another, on
    this machine or another. Raises ValueError for bytes that are damaged or no such program, or one
    of another version that has other ops.

    >>> import jitad
    >>> from jitad import export
    >>> exported = export.export(jitad.jit(lambda x: {"twice": x + x}))(1.5)
    >>> export.deserialize(exported.serialize()).call(2.0)
    {'twice': Array(4.)}
    """
    found = from_bytes(bytes(blob))
    return Exported(
        found.fun_name, found.graph, found.in_tree, found.out_tree, found.argument_names
    )


@hides_internals
def export(
    fun: Callable[..., Any],
    *,
    platforms: Sequence[str] | None = None,
    disabled_checks: Sequence[Any] = (),
) -> Callable[..., Exported]:
    """A function of arguments, or of `ShapeDtypeStruct`s that stand for them, that gives `fun` as
    an `Exported` for arguments of these shapes and dtypes. `fun` is jitted, if it is not yet.

    `platforms` must be None or ("cpu",); `disabled_checks` changes nothing. Raises ValueError for
    other platforms, TypeError if `fun` cannot be called or traced.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> from jitad import export
    >>> def energy(q):
    ...     return jnp.sum(q**2) / 2
    >>> force = jitad.jit(lambda q: -jitad.grad(energy)(q))
    >>> blob = export.export(force)(jitad.ShapeDtypeStruct((2,), np.float64)).serialize()
    >>> export.deserialize(blob).call(np.array([1.0, -2.0]))
    Array([-1.,  2.])
    """
    check_callable(fun, "export")
    if platforms is not None and tuple(platforms) != Exported.platforms:
        raise ValueError(
            at_user_line(f'export: expected platforms=None or ("cpu",); got {platforms!r}')
        )
    jitted: Any = fun if hasattr(fun, "trace") else jit(fun)

    @hides_internals
    def exporting(*args: Any, **kwargs: Any) -> Exported:
        traced = jitted.trace(*args, **kwargs)
        graph = known_by_text(Graph(traced.inputs, traced.equations, traced.outputs, traced.name))
        if len(graph.inputs) != traced.in_tree.num_leaves:
            raise TypeError(
                at_user_line(
                    f"export: {traced.name} closes over traced arrays, whose values are not known: "
                    "pass them as arguments"
                )
            )
        names = _argument_names(jitted, traced.positions)
        return Exported(name_of(fun), graph, traced.in_tree, traced.out_tree, names)

    return exporting


def _argument_names(fun: Callable[..., Any], positions: Sequence[int]) -> tuple[str, ...]:
    """Names of the arguments at these positions; those that have none are numbered."""
    try:
        parameters = inspect.signature(fun).parameters.values()
    except (TypeError, ValueError):  # written in C, or no signature of its own
        parameters = ()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in parameters if p.kind in kinds]
    return tuple([names[i] if i < len(names) else f"argument{i}" for i in positions])
