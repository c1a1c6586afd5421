"""Code of the native functions that every compiled function shares.

They are the slots of the heap type (`function_slots.py`) and the call itself: `call` tries each
record of the object's chain, `attempt` runs the program of one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir as ll

from jitad.dispatch import arguments, function_slots, layout, results
from jitad.dispatch.code import I8, I32, I64, NULL, PTR, VOID, Code
from jitad.dispatch.fields import CHAIN
from jitad.dispatch.pool import STACK_WORKSPACE_BYTES
from jitad.dispatch.words import Header, ResultOp
from jitad_ir.native.externals import Externals

VECTORCALL = ll.FunctionType(PTR, [PTR, PTR, I64, PTR])
"""PyObject *(self, PyObject *const *args, size_t nargsf, PyObject *kwnames)"""

ATTEMPT = ll.FunctionType(PTR, [PTR, PTR, PTR])

MISMATCH = 1
"""The address `attempt` returns where the arguments are not the record's."""


def emit_call(code: Code, attempt: ll.Function, slow_call: ll.Function) -> None:
    """The vectorcall of every compiled function: the first record of the chain that accepts."""
    self, args, nargsf, names = code.function.args
    builder = code.builder
    count = builder.zext(builder.trunc(nargsf, I32), I64)
    start, head = builder.block, code.block("head")
    attempted, following, slow = (code.block(n) for n in ("attempted", "following", "slow"))
    named, counted = code.block("named"), code.block("counted")
    builder.cbranch(code.is_null(names), counted, named)
    builder.position_at_end(named)
    named_count = code.load(names, layout.OB_SIZE, I64)
    builder.branch(counted)
    builder.position_at_end(counted)
    keywords = builder.phi(I64)
    keywords.add_incoming(I64(0), start)
    keywords.add_incoming(named_count, named)
    chain = code.at(self, CHAIN)
    builder.branch(head)
    builder.position_at_end(head)
    place = builder.phi(PTR)
    place.add_incoming(chain, counted)
    record = code.load(place)
    code.require(code.not_null(record), slow)
    same_shape = code.all_of(
        code.eq(_word(code, record, Header.POSITIONAL, I64), count),
        code.eq(_word(code, record, Header.KEYWORDS, I64), keywords),
    )
    code.require(same_shape, following)
    result = builder.call(attempt, [args, names, record])
    builder.cbranch(code.eq(builder.ptrtoint(result, I64), MISMATCH), following, attempted)
    builder.position_at_end(attempted)
    code.ret(result)
    builder.position_at_end(following)
    place.add_incoming(code.at(place, 8), following)
    builder.branch(head)
    builder.position_at_end(slow)
    code.ret(builder.call(slow_call, [self, args, nargsf, names], tail="tail"))


def _word(code: Code, record: ll.Value, item: Header, type_: ll.Type = PTR) -> ll.Value:
    return code.load(record, 8 * item, type_)


def _run_program(code: Code, record: ll.Value, frame: ll.Value) -> ll.Value:
    """Call the record's program on the addresses in `frame`, without the GIL if the record says
    so; its status."""
    builder = code.builder
    program = _word(code, record, Header.PROGRAM)
    alone, together, ran = (code.block(name) for name in ("alone", "together", "ran"))
    releases = code.ne(_word(code, record, Header.RELEASE_GIL, I64), 0)
    builder.cbranch(releases, together, alone)
    builder.position_at_end(together)
    thread = code.call("py:PyEval_SaveThread", PTR)
    together_status = code.call_pointer(program, I32, [frame])
    code.call("py:PyEval_RestoreThread", VOID, thread)
    builder.branch(ran)
    builder.position_at_end(alone)
    alone_status = code.call_pointer(program, I32, [frame])
    builder.branch(ran)
    builder.position_at_end(ran)
    status = builder.phi(I32)
    status.add_incoming(together_status, together)
    status.add_incoming(alone_status, alone)
    return status


def _finish(code: Code, record: ll.Value, outcome: ll.Value) -> None:
    """Put in the place of what was built what the record's function makes of it, if it has one."""
    finish = _word(code, record, Header.FINISH)
    with code.when(code.not_null(finish)):
        built = code.load(outcome)
        made = code.call("py:PyObject_Vectorcall", PTR, finish, outcome, I64(1), NULL)
        code.store(made, outcome)
        code.decref(built)


class _Frame(NamedTuple):
    """What an attempt has on the stack: addresses of the leaves and of the workspace, references
    held, converted scalars; and the workspace itself if it is small."""

    state: ll.Value
    """Where the walk of the arguments stands: the words of `arguments`."""
    pointers: ll.Value
    held: ll.Value
    workspace: ll.Value


def _emit_frame(code: Code, record: ll.Value, state: ll.Value, nbytes: ll.Value) -> _Frame:
    builder = code.builder
    pointers, held = (_word(code, record, h, I64) for h in (Header.POINTERS, Header.HELD))
    cells = builder.add(builder.add(pointers, pointers), held)
    frame = builder.alloca(I64, cells)
    is_large = builder.icmp_unsigned(">", nbytes, I64(STACK_WORKSPACE_BYTES))
    small = builder.alloca(I8, builder.add(builder.select(is_large, I64(0), nbytes), I64(63)))
    aligned = builder.and_(builder.add(builder.ptrtoint(small, I64), I64(63)), I64(-64))
    first_held = code.item_at(frame, pointers)
    code.store(_word(code, record, Header.ARGUMENTS), state, arguments.PC)
    code.store(frame, state, arguments.LEAVES)
    code.store(first_held, state, arguments.HELD)
    code.store(code.item_at(first_held, held), state, arguments.SCALARS)
    return _Frame(state, frame, first_held, builder.inttoptr(aligned, PTR))


def _emit_check(code: Code, walk: ll.Function, state: ll.Value, leave: ll.Block) -> None:
    """Compare the arguments with the record's. Keyword names are compared by identity: call sites
    intern them."""
    args, names, record = code.function.args
    builder = code.builder
    keywords = _word(code, record, Header.KEYWORDS, I64)
    expected_names = _word(code, record, Header.NAMES)

    def check_name(index: ll.Value) -> None:
        name = code.item(code.at(names, layout.TUPLE_ITEMS), index)
        code.require(code.eq(name, code.item(expected_names, index)), leave)

    code.for_each(keywords, check_name)
    count = builder.add(_word(code, record, Header.POSITIONAL, I64), keywords)

    def check(index: ll.Value) -> None:
        accepted = builder.call(walk, [code.item(args, index), state])
        code.require(accepted, leave)

    code.for_each(count, check)


def _emit_release(code: Code, frame: _Frame) -> None:
    """Give back the references held."""
    builder = code.builder
    last_held = code.load(frame.state, arguments.HELD)
    held_bytes = builder.sub(builder.ptrtoint(last_held, I64), builder.ptrtoint(frame.held, I64))
    held_count = builder.lshr(held_bytes, I64(3))
    code.for_each(held_count, lambda index: code.decref(code.item(frame.held, index)))


def emit_attempt(
    code: Code, walk: ll.Function, build: ll.Function, pool_block: ll.Function
) -> None:
    """PyObject *attempt(args, names, record)

    MISMATCH where the arguments are not the record's; otherwise what its program returns, or NULL
    with an exception set. Holds the record's entry, and with it the code, until it returns.
    """
    record = code.function.args[2]
    builder = code.builder
    failed, leave = code.block("failed"), code.block("leave")
    state = builder.alloca(PTR, arguments.STATE_WORDS)
    outcome = builder.alloca(PTR)  # what is returned; owned
    owner = _word(code, record, Header.OWNER)
    code.incref_mortal(owner)
    code.store(builder.inttoptr(I64(MISMATCH), PTR), outcome)
    nbytes = _word(code, record, Header.WORKSPACE, I64)
    frame = _emit_frame(code, record, state, nbytes)
    _emit_check(code, walk, state, leave)

    # Allocate.
    code.store(_word(code, record, Header.RESULTS), state, arguments.PC)
    tree = builder.call(build, [state])
    code.store(tree, outcome)
    code.require(code.not_null(tree), leave)
    code.store(frame.workspace, code.load(state, arguments.LEAVES))
    with code.when(builder.icmp_unsigned(">", nbytes, I64(STACK_WORKSPACE_BYTES))):
        block = builder.call(pool_block, [nbytes])
        code.require(code.not_null(block), failed)
        arguments.push(code, state, arguments.HELD, block)
        code.store(code.load(block, layout.ARRAY_DATA), code.load(state, arguments.LEAVES))

    code.require(code.eq(_run_program(code, record, frame.pointers), 0), failed)
    _finish(code, record, outcome)
    builder.branch(leave)

    builder.position_at_end(failed)
    code.decref(tree)
    code.store(NULL, outcome)
    builder.branch(leave)

    builder.position_at_end(leave)
    _emit_release(code, frame)
    code.decref_mortal(owner)
    code.ret(code.load(outcome))


def emit_support(module: ll.Module, externals: Externals) -> list[str]:
    """Adds all functions to `module`; returns the names of those used from outside."""

    def define(
        name: str, type_: ll.FunctionType, emit: Callable[..., Any], *others: object
    ) -> ll.Function:
        function = ll.Function(module, type_, name)
        emit(Code(function, externals), *others)
        return function

    array_leaf = define("array_leaf", arguments.ARRAY_LEAF, arguments.emit_array_leaf)
    walk = define("walk", arguments.WALK, arguments.Walk, array_leaf)
    block_type = ll.FunctionType(PTR, [I64])
    pool_block = define("pool_block", block_type, results.emit_pool_block)
    arrays = {
        ResultOp.RECYCLED: define("recycled", results.ARRAY, results.emit_recycled_array),
        ResultOp.NEW: define("unpooled", results.ARRAY, results.emit_new_array),
        ResultOp.POOLED: define("pooled", results.ARRAY, results.emit_pooled_array, pool_block),
    }
    build = define("build", results.BUILD, results.Build, arrays)
    attempt = define("attempt", ATTEMPT, emit_attempt, walk, build, pool_block)
    attempt.attributes.add("noinline")  # slow calls recurse without its stack frame
    slow_call = define("slow_call", VECTORCALL, function_slots.emit_slow_call)
    call = define("call", VECTORCALL, emit_call, attempt, slow_call)
    slot_types = {name: ll.FunctionType(PTR, [PTR] * 3) for name in ("new", "descr_get")}
    define("new", slot_types["new"], function_slots.emit_new, call)
    define("descr_get", slot_types["descr_get"], function_slots.emit_descr_get)
    traverse_type = ll.FunctionType(I32, [PTR] * 3)
    define("traverse", traverse_type, function_slots.emit_traverse)
    clear = define("clear", ll.FunctionType(I32, [PTR]), function_slots.emit_clear)
    define("dealloc", ll.FunctionType(VOID, [PTR]), function_slots.emit_dealloc, clear)
    releasing = ll.FunctionType(VOID, [PTR])
    define("release_hidden", releasing, function_slots.emit_release_hidden)
    return ["new", "traverse", "clear", "dealloc", "descr_get", "release_hidden"]
