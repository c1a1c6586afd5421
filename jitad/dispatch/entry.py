"""Native entries: LLVM code that checks the arguments of a call, runs the program, returns results.

`emit_entry` adds to a program's module a function with the vectorcall interface. It accepts exactly the
calls its signature describes; every other call it passes on, unchanged, to the next entry of the
function's chain. Stages, in order; each either completes or leaves nothing behind:

    check       walk the argument trees to the address of each leaf's data
    allocate    build the whole result tree around uninitialised arrays
    run         workspace, program
    return      release what was held; the result tree, or NULL with an exception set
"""

from __future__ import annotations

from collections.abc import Sequence

from jitad_ir.native.externals import Externals
from llvmlite import ir as ll

from jitad.dispatch import function_slots as fields
from jitad.dispatch import layout
from jitad.dispatch.arguments import ArgumentWalk, count_held
from jitad.dispatch.code import I8, I32, I64, NULL, PTR, VECTORCALL, VOID, Code
from jitad.dispatch.pool import STACK_WORKSPACE_BYTES
from jitad.dispatch.results import ResultBuilder
from jitad.dispatch.signature import (
    DictNode,
    LiteralNode,
    NamedTupleNode,
    Node,
    ResultNode,
    Signature,
    StaticNode,
    children,
    is_native_result,
    iterate_result_leaves,
)


def _objects_of(node: Node | ResultNode) -> list[object]:
    if isinstance(node, StaticNode | LiteralNode):
        return [node.value]
    found: list[object] = []
    if isinstance(node, NamedTupleNode):
        found.append(node.type)
    if isinstance(node, DictNode):
        found.extend(node.keys)
    for child in children(node):
        found.extend(_objects_of(child))
    return found


def _shared_objects(signature: Signature, results: ResultNode) -> list[object]:
    """Distinct objects the entry compares with or returns, in a fixed order."""
    found: list[object] = [name for name, _ in signature.keywords]
    for node in (*signature.nodes, results):
        found.extend(_objects_of(node))
    return list({id(obj): obj for obj in found}.values())


def local_objects(signature: Signature, results: ResultNode) -> tuple[object, ...]:
    """The Python objects an entry refers to, to be given to `function_type.install`.

    They are the process's own, so machine code and the disk cache hold only their positions: keyword
    names, dict keys, static values, namedtuple types, literal results. The last item is a list in
    which the entry keeps results for reuse, so each installation needs a tuple of its own.
    """
    slots: list[object] = [None] * (2 * len(list(iterate_result_leaves(results))))
    return (*_shared_objects(signature, results), slots)


def emit_entry(
    module: ll.Module,
    externals: Externals,
    program: ll.Function,
    signature: Signature,
    results: ResultNode,
    workspace_bytes: int = 0,
    release_gil: bool = False,
    *,
    inputs: Sequence[int] | None = None,
    name: str = "jitad.entry",
) -> ll.Function:
    """Adds the entry of `program` for calls of `signature` to the module.

    Args:
      program: `i32 program(ptr in..., ptr out..., ptr workspace)`; nonzero: an exception is set.
      results: the result tree; its leaves, depth first, are the program's outputs.
      workspace_bytes: scratch memory the program needs, in bytes.
      release_gil: let other Python threads run during the program, which then must not use Python.
      inputs: number of the leaf that is each input of the program; default: the leaves in order.

    Raises ValueError if the signature or the results have no native walk, or the program takes another
    number of pointers.
    """
    if not signature.is_native or not is_native_result(results):
        raise ValueError(
            "expected trees of tuples, lists, dicts, namedtuples and None; "
            f"got {signature} -> {results}"
        )
    if inputs is None:
        inputs = range(len(signature.leaves))
    outputs = list(iterate_result_leaves(results))
    expected = len(inputs) + len(outputs) + 1
    if len(program.args) != expected:
        raise ValueError(f"expected a program of {expected} pointers; got {len(program.args)}")

    function = ll.Function(module, VECTORCALL, name)
    code = Code(function, externals)
    builder = code.builder
    self, args, nargsf, names = function.args
    passed_on, mismatch, failed = (code.block(n) for n in ("passed_on", "mismatch", "failed"))

    index = builder.and_(builder.lshr(nargsf, I64(fields.INDEX_SHIFT)), I64(0x7F))
    chain = code.item_address(self, index)
    shared = _shared_objects(signature, results)
    objects = code.at(code.load(chain, fields.RECORDS), layout.TUPLE_ITEMS)
    positions = {id(obj): position for position, obj in enumerate(shared)}
    capacity = 1 + sum(map(count_held, signature.nodes))  # 1: the workspace
    walk = ArgumentWalk(code, objects, positions, mismatch, capacity)

    # check
    no_names = code.is_null(names)
    has_kinds = builder.not_(no_names) if signature.keywords else no_names
    has_count = code.eq(builder.trunc(nargsf, I32), len(signature.positional))
    code.require(builder.and_(has_count, has_kinds), passed_on)
    active = code.at(self, fields.ACTIVE)
    builder.store(builder.add(builder.load(active, typ=I64), I64(1)), active)
    if signature.keywords:
        walk.require_names(names, [name for name, _ in signature.keywords])
    leaves = walk.arguments(args, signature)

    # allocate
    tree = ResultBuilder(code, objects, positions, failed)
    slots = code.load(code.load(objects, 8 * len(shared)), layout.LIST_ITEMS) if outputs else NULL
    root = tree.build(results, slots)

    # run
    workspace = NULL
    if workspace_bytes > STACK_WORKSPACE_BYTES:
        owner = code.call("dispatch:pool_block", PTR, I64(workspace_bytes))
        code.require(builder.not_(code.is_null(owner)), failed)
        walk.hold(owner)
        workspace = code.load(owner, layout.ARRAY_DATA)
    elif workspace_bytes:
        with builder.goto_entry_block():
            workspace = builder.alloca(ll.ArrayType(I8, workspace_bytes))
            workspace.align = 64
    thread_state = code.call("py:PyEval_SaveThread", PTR) if release_gil else None
    pointers = [*(leaves[number] for number in inputs), *tree.data, workspace]
    status = builder.call(program, pointers)
    if thread_state is not None:
        code.call("py:PyEval_RestoreThread", VOID, thread_state)
    code.require(code.eq(status, 0), failed)

    def leave() -> None:
        walk.release()
        builder.store(builder.sub(builder.load(active, typ=I64), I64(1)), active)

    # return
    leave()
    builder.ret(root)
    builder.position_at_end(failed)
    tree.discard()
    leave()
    builder.ret(NULL)
    builder.position_at_end(mismatch)
    leave()
    builder.branch(passed_on)
    builder.position_at_end(passed_on)
    next_entry = code.load(chain, fields.ENTRIES + 8)
    next_index = builder.add(nargsf, I64(1 << fields.INDEX_SHIFT))
    builder.ret(
        code.call_pointer(next_entry, PTR, [self, args, next_index, names], tail="musttail")
    )
    return function
