"""jit: functions as native code.

A jitted function is a `CompiledFunction` of `jitad.dispatch`, whose native entries take the calls
that fit a signature compiled before. Every other call comes to `_Staged.call` below, which traces
and compiles once for each signature and installs an entry. Inside an open trace (under `grad`,
`vmap`, another `jit`) the traced program is inlined there.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from jitad_ir.collector import collector_paused
from jitad_ir.stages import recorded, stage
from jitad_ir.types import ArrayType

from ..argument_types import is_weak
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..settings import config
from ..trace import Tracer, check_open, current_trace, defers, rule_depth
from .float0 import with_float0, without_float0
from .function import (
    Traced,
    cached,
    check_callable,
    leaf_types,
    name_of,
    run_graph,
    trace_function,
)
from .programs import Inlined, forget_programs, programs_of
from .static_arguments import static_arguments


@hides_internals
def jit(
    fun: Callable[..., Any] | None = None,
    *,
    static_argnums: int | Sequence[int] | None = None,
    static_argnames: str | Sequence[str] | None = None,
    donate_argnums: Any = None,
    donate_argnames: Any = None,
    keep_unused: bool = False,
    inline: bool = False,
    in_shardings: Any = None,
    out_shardings: Any = None,
    device: Any = None,
    backend: Any = None,
    compiler_options: Any = None,
) -> Any:
    """`fun` as native code, compiled at the first call for each structure, shapes and dtypes.

    Arguments named by `static_argnums` or `static_argnames` are hashable Python values that the
    program is specialised to. The other arguments are pytrees of arrays and numbers; so are the
    results, with a `jitad.Array` for each leaf. `donate_argnums`, `donate_argnames`, `keep_unused`,
    `inline` and what says where arrays lie are accepted for JAX's sake and change nothing: buffers
    are not donated, calls inside traced functions are always inlined, there is one device.

    Inside `fun`, values of arrays are not known: Python's `if` on one raises
    TracerBoolConversionError. Arrays that `fun` closes over are compiled in as they are at the
    first call.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> @jitad.jit
    ... def norm(x):
    ...     return jnp.sqrt(jnp.sum(x * x))
    >>> norm(np.array([3.0, 4.0]))
    Array(5.)
    """
    if fun is None:
        return functools.partial(
            jit, static_argnums=static_argnums, static_argnames=static_argnames
        )
    check_callable(fun, "jit")
    numbers, names = static_arguments(fun, static_argnums, static_argnames)
    staged = _Staged(fun, numbers, names)
    function = staged.native_function()
    functools.update_wrapper(function, fun)
    _ALL.add(staged)
    return function


def _again(fun: Any, argnums: frozenset[int], argnames: frozenset[str]) -> Any:
    """A function that was pickled, jitted again."""
    return jit(fun, static_argnums=tuple(argnums), static_argnames=tuple(argnames))


class _ClosesOver(Exception):
    """A program closes over arrays that are traced: it belongs into their trace."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced


def _inlined(traced: Traced) -> Any:
    """The result of a program in the traces of its operands."""
    return with_float0(traced.out_tree, run_graph(traced.graph, traced.operands))


class _Staged:
    """One jitted function: a callable, and the programs that it calls."""

    def __init__(
        self,
        fun: Callable[..., Any],
        static_argnums: frozenset[int],
        static_argnames: frozenset[str],
    ) -> None:
        self.fun = fun
        self.name = name_of(fun)
        self.static_argnums = static_argnums
        self.static_argnames = static_argnames
        self.function: Callable[[], Any] = lambda: None
        self.programs = programs_of(fun, (static_argnums, static_argnames))

    def reduced(self) -> tuple[Any, ...]:
        """For pickle: how to make this function again."""
        return _again, (self.fun, self.static_argnums, self.static_argnames)

    def clear_cache(self) -> None:
        """Forget every compiled program."""
        self.programs.clear()
        self.uninstall()

    @hides_internals
    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call that no native entry took."""
        if config.disable_jit:
            return self.fun(*args, **kwargs)
        leaves, tree = self._dynamic(args, kwargs)
        current = current_trace()
        staged = current is not None and not current.concrete
        if staged or any([isinstance(leaf, Tracer) for leaf in leaves]):
            return self._inline(args, kwargs, leaves, tree)
        try:
            return self._call_native(args, kwargs, leaves)
        except _ClosesOver as found:
            return _inlined(found.traced)

    def native_function(self) -> Any:
        """A new callable whose native entries are those of this function."""
        with collector_paused():
            from .jitted import jitted_function_type  # noqa: PLC0415  (loads LLVM)

            type_ = jitted_function_type()  # the first time compiled, or loaded from the disk cache
        function = type_(self.call)
        self.function = weakref.ref(function)
        return function

    def trace(self, *args: Any, **kwargs: Any) -> Any:
        """The program traced for these arguments, or for the shapes and dtypes of
        `ShapeDtypeStruct`s, before any pass: a `TracedProgram`, a Graph."""
        from .ahead import TracedProgram, prototypes  # noqa: PLC0415  (loads passes and planner)

        given, named = prototypes((args, kwargs))
        traced = self._traced(given, named, *self._dynamic(given, named))
        positions = tuple([i for i in range(len(given)) if i not in self.static_argnums])
        keywords = {n: a for n, a in named.items() if n not in self.static_argnames}
        leaves, tree = flatten((tuple([given[i] for i in positions]), keywords))

        def prepare() -> Callable[..., Any]:
            function = self.function() or self.native_function()
            try:
                self._entry(given, named)
            except _ClosesOver:
                raise TypeError(
                    at_user_line(
                        f"compile: {self.name} closes over traced arrays, whose values are not "
                        "known: pass them as arguments"
                    )
                ) from None

            def run(positional: Sequence[Any], keywords: dict[str, Any]) -> Any:
                dynamic = iter(positional)
                full = [
                    a if i in self.static_argnums else next(dynamic) for i, a in enumerate(given)
                ]
                fixed = {n: a for n, a in named.items() if n in self.static_argnames}
                return function(*full, **keywords, **fixed)

            return run

        types = tuple(self._leaf_types(leaves))
        return TracedProgram(traced, tree, types, positions, prepare)

    def lower(self, *args: Any, **kwargs: Any) -> Any:
        """As `trace`, to be compiled ahead of its first call: a `Lowered`."""
        return self.trace(*args, **kwargs).lower()

    def eval_shape(self, *args: Any, **kwargs: Any) -> Any:
        """Shapes and dtypes of the results, as a pytree of ShapeDtypeStruct."""
        return self.trace(*args, **kwargs).out_info

    def _dynamic(self, args: Any, kwargs: Any) -> tuple[list[Any], PyTreeDef]:
        """The leaves of all arguments that are not static, in the order of a Signature."""
        positional = [a for i, a in enumerate(args) if i not in self.static_argnums]
        named = [a for name, a in kwargs.items() if name not in self.static_argnames]
        return flatten((positional, named))

    def _traced(
        self,
        args: Any,
        kwargs: Any,
        leaves: Sequence[Any],
        tree: PyTreeDef,
        defers: bool | None = None,
    ) -> Traced:
        types = self._leaf_types(leaves)

        def flat(tracers: list[Any]) -> Any:
            positional, named = tree.unflatten(tracers)
            given, given_named = iter(positional), iter(named)
            inner = [a if i in self.static_argnums else next(given) for i, a in enumerate(args)]
            keywords = {
                name: a if name in self.static_argnames else next(given_named)
                for name, a in kwargs.items()
            }
            return without_float0(self.fun(*inner, **keywords))

        return trace_function(
            flat, self.name, leaves, concrete=False, types=types, transform="jit", defers=defers
        )

    def _leaf_types(self, leaves: Sequence[Any]) -> list[ArrayType]:
        try:
            return leaf_types(leaves, f"jit: argument of {self.name}")
        except TypeError as error:
            raise TypeError(
                at_user_line(f"{error}. A value that is no array can be named in static_argnums")
            ) from None

    def _static_key(self, args: Any, kwargs: Any) -> tuple[Hashable, ...]:
        values = [(i, a) for i, a in enumerate(args) if i in self.static_argnums]
        values += [(n, a) for n, a in kwargs.items() if n in self.static_argnames]
        key: list[Hashable] = []
        for where, value in values:
            try:
                hash(value)
            except TypeError:
                raise TypeError(
                    at_user_line(
                        f"jit: static argument {where!r} of {self.name} must be hashable; got a "
                        f"{type(value).__name__}. Write a tuple for a list, or leave it out of "
                        "static_argnums"
                    )
                ) from None
            key.append((where, type(value), repr(value) if type(value) is float else value))
        return tuple(key)

    def _inline(self, args: Any, kwargs: Any, leaves: Sequence[Any], tree: PyTreeDef) -> Any:
        static = self._static_key(args, kwargs)
        types = self._leaf_types(leaves)
        weak = tuple([is_weak(leaf) for leaf in leaves])
        key = (tree, tuple(kwargs), tuple(types), weak, static, defers(), rule_depth())
        known = self.programs.inlined.get(key)
        if known is not None:
            return with_float0(known.out_tree, run_graph(known.graph, leaves))
        traced = self._traced(args, kwargs, leaves, tree)
        if not traced.closed.captures:
            self.programs.inlined[key] = Inlined(traced.graph, traced.out_tree)
        return _inlined(traced)

    def _entry(self, args: Any, kwargs: Any) -> tuple[Any, Sequence[Any]]:
        """The native entry for these arguments, compiled if it is new, and their arrays."""
        from ..dispatch.classify import UnsupportedLeaf, classify  # noqa: PLC0415
        from ..dispatch.function_type import install  # noqa: PLC0415  (loads LLVM)

        self._static_key(args, kwargs)
        try:
            signature, arrays = classify(args, kwargs, self.static_argnums, self.static_argnames)
        except UnsupportedLeaf as error:
            raise TypeError(
                at_user_line(
                    f"jit: argument of {self.name}: {error}. Register its type with "
                    "jitad.tree_util, or name the argument in static_argnums"
                )
            ) from None
        entry = self.programs.entries.get(signature)
        if entry is None:
            entry = self.programs.entries[signature] = self._compile(
                signature, args, kwargs, arrays
            )
        function = self.function()
        if function is not None and not config.watches:
            install(function, entry)
        return entry, arrays

    def _call_native(self, args: Any, kwargs: Any, leaves: Sequence[Any]) -> Any:
        with collector_paused():
            from ..dispatch.classify import call_entry  # noqa: PLC0415  (loads LLVM)

            entry, arrays = self._entry(args, kwargs)
        result = call_entry(entry, arrays)
        if config.watches:
            self._check(args, kwargs, leaves, result)
        return result

    def _explain(self, args: Any, kwargs: Any, leaves: Sequence[Any], tree: PyTreeDef) -> None:
        """Note what it is traced for; say what is new, if that is wanted."""
        types, weak = tuple(self._leaf_types(leaves)), tuple([is_weak(leaf) for leaf in leaves])
        now = (tree, types, weak, self._static_key(args, kwargs))
        if config.explain_cache_misses and self.programs.seen:
            from .misses import Seen, explain  # noqa: PLC0415  (only explaining pays for it)

            explain(self.name, Seen(*now), [Seen(*before) for before in self.programs.seen])
        self.programs.seen.append(now)

    def _check(self, args: Any, kwargs: Any, leaves: Sequence[Any], result: Any) -> None:
        """Look at a result for nan and infinity; trace again to find where they came from."""
        from ..checks import any_in, check_graph  # noqa: PLC0415  (only debug_nans pays for it)

        results = flatten(result)[0]
        if any_in(results):
            with recorded():
                traced = self._traced(args, kwargs, leaves, self._dynamic(args, kwargs)[1])
            check_graph(traced.graph, traced.arguments, results)

    def uninstall(self) -> None:
        """Have every call come to Python."""
        from ..dispatch.function_type import uninstall_all  # noqa: PLC0415  (loads LLVM)

        function = self.function()
        if function is not None:
            uninstall_all(function)

    def _compile(self, signature: Any, args: Any, kwargs: Any, arrays: Sequence[Any]) -> Any:
        from .entries import compile_traced  # noqa: PLC0415  (loads LLVM)

        leaves, tree = self._dynamic(args, kwargs)
        self._explain(args, kwargs, leaves, tree)
        with recorded() as times:
            with stage("trace"):
                traced = self._traced(args, kwargs, leaves, tree, defers=not config.watches)
            for outer in traced.closed.captures:
                check_open(outer)
            if traced.closed.captures:
                raise _ClosesOver(traced)
            return compile_traced(traced, signature, self.name, times)


_ALL: weakref.WeakSet[_Staged] = weakref.WeakSet()


def _begin_watching() -> None:
    """Have calls come to Python, and derivative programs made anew, with the user's lines."""
    cached.cache_clear()
    for staged in list(_ALL):
        staged.uninstall()


config.on_watch.append(_begin_watching)


def clear_caches() -> None:
    """Forget every compiled and every derived program of the process (not the disk cache).

    >>> import jitad
    >>> jitad.clear_caches()
    """

    cached.cache_clear()
    forget_programs()
    for staged in list(_ALL):
        staged.clear_cache()


def block_until_ready(x: Any) -> Any:
    """The pytree `x`: results are complete when a call returns.

    >>> import jitad
    >>> jitad.block_until_ready(jitad.jit(lambda x: x + 1)(1.0))
    Array(2.)
    """
    return x
