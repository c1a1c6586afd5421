"""The only machine code a specialisation adds to its program: unpacking the array of pointers."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir as ll

from jitad.dispatch.code import I32, PTR
from jitad_ir.native.functions import new_function

ENTRY = ll.FunctionType(I32, [PTR])
"""int entry(void **pointers): data of the argument leaves, of the result leaves, the workspace."""


def emit_entry(
    module: ll.Module,
    program: ll.Function,
    num_leaves: int,
    num_results: int,
    *,
    inputs: Sequence[int] | None = None,
    name: str = "jitad.entry",
) -> ll.Function:
    """Adds the entry of `program` to its module; `record.Entry` makes its address callable.

    Args:
      program: `i32 program(ptr in..., ptr out..., ptr workspace)`; nonzero: an exception is set.
      num_leaves: leaves of the signature.
      num_results: leaves of the result tree: the program's outputs, in order.
      inputs: the leaf that is each input of the program, for programs that take the leaves in
        another order or not all of them; default: all, in order.

    Raises ValueError if `inputs` name a leaf that is not there or the program takes another number
    of pointers.
    """
    inputs = range(num_leaves) if inputs is None else inputs
    if any(not 0 <= leaf < num_leaves for leaf in inputs):
        raise ValueError(f"expected inputs among {num_leaves} leaves; got {list(inputs)}")
    expected = len(inputs) + num_results + 1
    if len(program.args) != expected:
        raise ValueError(f"expected a program of {expected} pointers; got {len(program.args)}")
    function = new_function(module, ENTRY, name)
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    outputs = range(num_leaves, num_leaves + num_results + 1)
    pointers = []
    for position in (*inputs, *outputs):
        place = builder.gep(function.args[0], [I32(position)], source_etype=PTR)
        pointers.append(builder.load(place, typ=PTR))
    builder.ret(builder.call(program, pointers, tail="tail"))
    return function
