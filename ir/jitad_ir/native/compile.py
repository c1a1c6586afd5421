"""LLVM module -> Executable: inlining, text, parsing, passes, object code, linking.

Time to compile is nearly all LLVM's, and nearly all of that is code generation (about 10 us per
instruction, 1 ms per module): emit little. docs/decisions.md has the figures behind the choices.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from llvmlite import ir as ll

from .. import workers
from ..collector import collector_paused
from ..stages import stage
from .addresses import resolve, slow_ones
from .chunks import in_loop, split_long_blocks
from .externals import Externals
from .link import Executable, Image, image_of, link
from .parts import divided
from .target import borrowed_target, without_strength_reduction
from .tasks import Task
from .unlocked import parse

INLINE_INSTRUCTIONS = 100
"""How many instructions the copies of one function may add to a module by inlining. A call of a
math function costs 2 to 3 % of its SIMD kernel; its copies double the time to compile."""

STACK_ALIGN = 64
"""Bytes: registers that are spilled lie within a cache line. LLVM asks for that too late, unless
told: kernels took up to 1.7 times as long, or not, as the stack of their caller happened to lie."""

MOST_UNSPILLED = 16
"""Vectors that are in registers whatever happens to them: a function with as few does without,
which is 4 ns a call."""

MOST_PARTS = 8
"""Threads that compile one module, if so many may work."""


def compile_module(
    module: ll.Module,
    externals: Externals,
    *,
    exports: Sequence[str],
    constants: Sequence[Any] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Executable:
    """Compile `module` for the host and load it.

    `externals` is the module's table, which this finishes. Only `exports` can be looked up:
    every other function becomes internal, and is inlined where that is cheap. `constants` are
    the arrays of externals "const:0", "const:1" ...; `metadata` is kept with the Executable.

    Raises ValueError if an export is not defined, RuntimeError with LLVM's words if the module is
    not valid, LookupError if an external cannot be resolved.

    >>> from llvmlite import ir as ll
    >>> i64 = ll.IntType(64)
    >>> module = ll.Module("doc")
    >>> externals = Externals(module)
    >>> twice = ll.Function(module, ll.FunctionType(i64, [i64]), "twice")
    >>> builder = ll.IRBuilder(twice.append_basic_block())
    >>> builder.ret(builder.add(twice.args[0], twice.args[0]))
    <...>
    >>> executable = compile_module(module, externals, exports=["twice"])
    >>> import ctypes
    >>> function = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    >>> function(executable.address("twice"))(21)
    42
    """
    externals.finish()
    image = build_image(module, externals.names, exports)
    with stage("link"):
        return link(image, constants=constants, metadata=metadata)


def build_image(module: ll.Module, externals: Sequence[str], exports: Sequence[str]) -> Image:
    """Code of `module` for the host, not loaded."""
    with collector_paused(), stage("LLVM text"):
        split_long_blocks(module)
        sizes = choose_inlining(module, exports)
        texts = divided(module, sizes, min(workers.limit(), MOST_PARTS))
    meanwhile = slow_ones(externals) if workers.limit() > 1 else []
    with without_strength_reduction():
        objects = _objects(texts, meanwhile)
    with stage("link"):
        return image_of(objects, externals, exports)


def _objects(texts: Sequence[str], externals: Sequence[str]) -> list[bytes]:
    """The objects of modules, each compiled by a thread: LLVM does not need the interpreter. So
    there is time to load libraries and to compute tables: these `externals` are known behind it."""
    begun = threading.Semaphore(0)
    others = [Task(_object, text, begun) for text in texts[1:]]
    found = [Task(_resolve, externals, begun, len(texts))] if externals else []
    try:
        first = _object(texts[0], begun)
    finally:
        for task in (*others, *found):
            task.wait()
    for task in found:
        task.result()
    return [first, *[other.result() for other in others]]


def _object(text: str, begun: threading.Semaphore) -> bytes:
    """The object of a module. Tells when the last and longest part begins, or there will be none:
    until it ends, nobody waits for the interpreter."""
    try:
        with stage("LLVM parse"):
            parsed = parse(text)
        with borrowed_target() as compiler:
            with stage("LLVM passes"):
                compiler.optimize(parsed)
            begun.release()
            with stage("LLVM code"):
                return compiler.emit_object(parsed)
    except BaseException:
        begun.release()
        raise


def _resolve(externals: Sequence[str], begun: threading.Semaphore, count: int) -> None:
    """Look these up, when LLVM has begun to generate code of so many modules: a thread that waits
    for the interpreter in between may do so for 5 ms."""
    for _ in range(count):
        begun.acquire()
    for name in externals:
        resolve(name)


def choose_inlining(module: ll.Module, exports: Sequence[str]) -> dict[str, int]:
    """Make all functions but `exports` internal, and mark those to inline. Returns the number of
    instructions of each function that is defined.

    A function is inlined if it is called once, or if its copies add at most
    `INLINE_INSTRUCTIONS` to the module. Functions that already say `noinline` or `alwaysinline`
    keep their word.
    """
    defined = {f.name: f for f in module.functions if not f.is_declaration}
    for name in exports:
        if name not in defined and name not in module.globals:
            raise ValueError(f"expected exports that the module defines; got {name}")
    calls: Counter[str] = Counter()
    sizes: dict[str, int] = {}
    for name, function in defined.items():
        sizes[name] = 0
        for block in function.blocks:
            sizes[name] += len(block.instructions)
            for instruction in block.instructions:
                if isinstance(instruction, ll.CallInstr):
                    calls[instruction.callee.name] += 1
    for name, function in defined.items():
        if name in exports:
            continue
        function.linkage = "internal"
        decided = not function.attributes.isdisjoint(("alwaysinline", "noinline"))
        count = calls[name]  # 0: it is only called by its address
        if not decided and count and sizes[name] * (count - 1) <= INLINE_INSTRUCTIONS:
            function.attributes.add("alwaysinline")
    _choose_level(defined)
    vectors: dict[str, int] = {}
    for name, function in defined.items():
        if function.attributes.isdisjoint(("alwaysinline", "optnone")):
            function.attributes.add("nounwind")
            if _vectors(name, defined, vectors) > MOST_UNSPILLED:
                function.attributes.alignstack = STACK_ALIGN
    return sizes


def _vectors(name: str, defined: Mapping[str, ll.Function], found: dict[str, int]) -> int:
    """How many vectors a function computes, with what is inlined into it."""
    if name not in found:
        found[name] = 0
        for block in defined[name].blocks:
            for i in block.instructions:
                found[name] += isinstance(i.type, ll.VectorType)
                callee = defined.get(i.callee.name) if isinstance(i, ll.CallInstr) else None
                if callee is not None and "alwaysinline" in callee.attributes:
                    found[name] += _vectors(callee.name, defined, found)
    return found[name]


GLUE = frozenset(
    ("add", "alloca", "bitcast", "br", "call", "getelementptr", "load", "mul", "ret", "ret void")
    + ("store",)
)
"""Instructions of functions that compute no more than addresses."""

_COMPUTED = (ll.FloatType, ll.DoubleType, ll.VectorType)


def _choose_level(defined: Mapping[str, ll.Function]) -> None:
    """Mark functions that only pass addresses to others: without optimisation, of which they have
    nothing, LLVM takes a fifth of the time for them."""
    found: dict[str, set[str] | None] = {}
    for name, function in defined.items():
        if "alwaysinline" not in function.attributes and _called(name, defined, found):
            function.attributes.add("noinline")
            function.attributes.add("optnone")


def _called(
    name: str, defined: Mapping[str, ll.Function], found: dict[str, set[str] | None]
) -> set[str] | None:
    """Functions that one calls, with what is inlined into it, if it only passes addresses and has
    no loop; else None. "" are those that have no name."""
    if name not in found:
        found[name] = _called_anew(defined[name], defined, found)
    return found[name]


def _called_anew(
    function: ll.Function,
    defined: Mapping[str, ll.Function],
    found: dict[str, set[str] | None],
) -> set[str] | None:
    names = set[str]()
    for i in [i for block in function.blocks for i in block.instructions]:
        if i.opname not in GLUE or any(isinstance(v.type, _COMPUTED) for v in (i, *i.operands)):
            return None
        if not isinstance(i, ll.CallInstr):
            continue
        callee = i.callee.name if isinstance(i.callee, ll.Function) else ""
        if callee in defined and "alwaysinline" in defined[callee].attributes:
            inside = _called(callee, defined, found)
            if inside is None:
                return None
            names |= inside
        else:
            names.add(callee)
    return None if any(in_loop(block) for block in function.blocks) else names
