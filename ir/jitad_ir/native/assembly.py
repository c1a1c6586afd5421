"""The text of LLVM modules: what llvmlite builds, as LLVM reads it.

llvmlite's own text calls each value by a name in quotes and formats every part of a line by itself,
which takes 6 us an instruction: as long as to build it. Here values have numbers in the order of
their definition, LLVM's names for what has none, so that lines are short to write and to read.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from llvmlite import ir as ll
from llvmlite.ir import instructions as kinds

_REFERENCE = re.compile(r'@"[^"]*"')

_PROBES = ' "probe-stack"="inline-asm"'
"""An attribute that llvmlite does not know: frames of more than a page touch each of their pages,
in order, when they are entered."""


class Text(NamedTuple):
    """A global as text."""

    text: str
    mentions: set[str]
    """References of the other globals that it needs."""


def module_text(module: ll.Module) -> str:
    """All of a module.

    >>> module = ll.Module("doc")
    >>> i64 = ll.IntType(64)
    >>> twice = ll.Function(module, ll.FunctionType(i64, [i64]), "twice")
    >>> builder = ll.IRBuilder(twice.append_basic_block())
    >>> builder.ret(builder.add(twice.args[0], twice.args[0], "sum"))
    <...>
    >>> print(global_text(twice).text)
    define i64 @"twice"(i64 %0)
    {
    1:
     %2 = add i64 %0, %0
     ret i64 %2
    }
    """
    return joined_text(module, [global_text(value).text for value in module.global_values])


def probe_stack(function: ll.Function) -> None:
    """Have a function that uses much of the stack touch it page by page, so that a thread with too
    little of it stops at the page that guards its end and never writes beyond."""
    function.probes_stack = True


def joined_text(module: ll.Module, globals: Iterable[str]) -> str:
    """A module of the platform and with the metadata of another one, that has these globals."""
    lines = [f'target triple = "{module.triple}"', f'target datalayout = "{module.data_layout}"']
    types = [t.get_declaration() for t in module.get_identified_types().values()]
    return "\n".join([*lines, *types, *globals, *map(str, module.metadata)])


def global_text(value: ll.GlobalValue) -> Text:
    """A function, or a variable."""
    if isinstance(value, ll.Function) and value.blocks:
        return _FunctionText(value).written()
    text = str(value)
    mentions = set(_REFERENCE.findall(text)) if isinstance(value, ll.GlobalVariable) else set[str]()
    return Text(text, mentions - {value.get_reference()})


class _FunctionText:
    """The text of a function that is defined."""

    def __init__(self, function: ll.Function) -> None:
        self._function = function
        self._mentions: set[str] = set()
        self._references: dict[int, str] = {}  # by id: to hash a constant writes it
        self._types: dict[int, str] = {}
        self._count = 0

    def written(self) -> Text:
        """The definition."""
        function = self._function
        head = self._prototype()
        for block in function.blocks:
            self._number(block)
            for i in block.instructions:
                if type(i.type) is not ll.VoidType:
                    self._number(i)
        references = self._references
        lines = [head, "{"]
        for block in function.blocks:
            lines.append(references[id(block)][1:] + ":")
            for i in block.instructions:
                line = _writer(type(i))(self, i)
                if i.metadata:
                    line += i._stringify_metadata(leading_comma=True)
                if type(i.type) is ll.VoidType:
                    lines.append(" " + line)
                else:
                    lines.append(f" {references[id(i)]} = {line}")
        lines.append("}")
        return Text("\n".join(lines), self._mentions - {function.get_reference()})

    def _number(self, value: Any) -> None:
        """Give it the next number; where it stands for another value, that has it as well."""
        reference = self._references[id(value)] = f"%{self._count}"
        self._count += 1
        original = getattr(value, "stands_for", None)
        if original is not None:
            self._references[id(original)] = reference

    def _prototype(self) -> str:
        function = self._function
        arguments: list[str] = []
        for argument in function.args:
            self._number(argument)
            attributes = argument.attributes._to_list(argument.type)
            words = [self.type(argument.type), *attributes, self.reference(argument)]
            arguments.append(" ".join(words))
        returned = function.return_value
        words = [
            "define",
            function.linkage,
            function.calling_convention,
            *returned.attributes._to_list(returned.type),
            str(returned.type),
        ]
        head = " ".join([word for word in words if word])
        attributes = "".join([f" {a}" for a in function.attributes._to_list(returned.type)])
        if getattr(function, "probes_stack", False):
            attributes += _PROBES
        return f"{head} {function.get_reference()}({', '.join(arguments)}){attributes}"

    def type(self, type: ll.Type) -> str:
        """The name of a type."""
        found = self._types.get(id(type))
        if found is None:
            found = self._types[id(type)] = str(type)
        return found

    def reference(self, value: Any) -> str:
        """What names a value in this function: its number, name, or the constant it is."""
        found = self._references.get(id(value))
        if found is None:
            found = self._references[id(value)] = value.get_reference()
            if "@" in found:
                self._mentions.update(_REFERENCE.findall(found))
        return found

    def typed(self, value: Any) -> str:
        """Its type and its name."""
        return f"{self.type(value.type)} {self.reference(value)}"


_Writer = Callable[[_FunctionText, Any], str]


def _plain(w: _FunctionText, i: Any) -> str:
    """Of two operands of one type, or of one."""
    opname = " ".join([i.opname, *i.flags]) if i.flags else i.opname
    first, *others = i.operands
    line = f"{opname} {w.typed(first)}"
    for other in others:
        line += f", {w.reference(other)}"
    return line


def _listed(w: _FunctionText, i: Any) -> str:
    """Of operands that each have a type."""
    return f"{i.opname} {', '.join([w.typed(v) for v in i.operands])}"


def _switch(w: _FunctionText, i: Any) -> str:
    cases = " ".join([f"{w.typed(value)}, {w.typed(block)}" for value, block in i.cases])
    return f"switch {w.typed(i.value)}, {w.typed(i.default)} [{cases}]"


def _return(w: _FunctionText, i: Any) -> str:
    return f"ret {w.typed(i.operands[0])}" if i.operands else "ret void"


def _select(w: _FunctionText, i: Any) -> str:
    flags = "".join([flag + " " for flag in i.flags])
    return f"select {flags}{', '.join([w.typed(v) for v in i.operands])}"


def _compare(w: _FunctionText, i: Any) -> str:
    first, second = i.operands
    flags = "".join([flag + " " for flag in i.flags])
    return f"{i.opname} {flags}{i.op} {w.typed(first)}, {w.reference(second)}"


def _cast(w: _FunctionText, i: Any) -> str:
    return f"{i.opname} {w.typed(i.operands[0])} to {w.type(i.type)}"


def _aligned(i: Any) -> str:
    return "" if i.align is None else f", align {i.align}"


def _load(w: _FunctionText, i: Any) -> str:
    return f"load {w.type(i.type)}, {w.typed(i.operands[0])}{_aligned(i)}"


def _store(w: _FunctionText, i: Any) -> str:
    value, pointer = i.operands
    return f"store {w.typed(value)}, {w.typed(pointer)}{_aligned(i)}"


def _load_atomic(w: _FunctionText, i: Any) -> str:
    pointer = w.typed(i.operands[0])
    return f"load atomic {w.type(i.type)}, {pointer} {i.ordering}, align {i.align}"


def _store_atomic(w: _FunctionText, i: Any) -> str:
    value, pointer = i.operands
    return f"store atomic {w.typed(value)}, {w.typed(pointer)} {i.ordering}, align {i.align}"


def _alloca(w: _FunctionText, i: Any) -> str:
    count = "".join([f", {w.typed(v)}" for v in i.operands])
    return f"alloca {w.type(i.allocated_type)}{count}{_aligned(i)}"


def _address(w: _FunctionText, i: Any) -> str:
    kind = "getelementptr inbounds" if i.inbounds else "getelementptr"
    operands = ", ".join([w.typed(v) for v in (i.pointer, *i.indices)])
    return f"{kind} {w.type(i.source_etype)}, {operands}"


def _phi(w: _FunctionText, i: Any) -> str:
    flags = "".join([flag + " " for flag in i.flags])
    incoming = [f"[{w.reference(value)}, {w.reference(block)}]" for value, block in i.incomings]
    return f"phi {flags}{w.type(i.type)} {', '.join(incoming)}"


def _parts(w: _FunctionText, i: Any) -> str:
    """Of members of aggregates."""
    operands = ", ".join([w.typed(v) for v in i.operands])
    return f"{i.opname} {operands}, {', '.join(map(str, i.indices))}"


def _call(w: _FunctionText, i: Any) -> str:
    callee, *arguments = i.operands
    signature = callee.function_type
    result = w.type(signature if signature.var_arg else signature.return_type)
    line = f"{i.tail} call" if i.tail else "call"
    if i.fastmath or i.cconv:
        words = [line, *i.fastmath._to_list(signature.return_type), i.cconv or ""]
        line = " ".join([word for word in words if word])
    texts = [w.typed(v) for v in arguments]
    for k, attributes in i.arg_attributes.items():
        value = arguments[k]
        words = [w.type(value.type), *attributes._to_list(value.type), w.reference(value)]
        texts[k] = " ".join(words)
    line = f"{line} {result} {w.reference(callee)}({', '.join(texts)})"
    if i.attributes:
        line += "".join([f" {a}" for a in i.attributes._to_list(signature.return_type)])
    return line


def _atomic(w: _FunctionText, i: Any) -> str:
    pointer, value = i.operands
    return f"atomicrmw {i.operation} {w.typed(pointer)}, {w.typed(value)} {i.ordering}"


def _exchange(w: _FunctionText, i: Any) -> str:
    operands = ", ".join([w.typed(v) for v in i.operands])
    return f"cmpxchg {operands} {i.ordering} {i.failordering}"


_WRITERS: dict[type[Any], _Writer] = {
    kinds.Instruction: _plain,
    kinds.Branch: _listed,
    kinds.ConditionalBranch: _listed,
    kinds.SwitchInstr: _switch,
    kinds.Ret: _return,
    kinds.Unreachable: lambda w, i: "unreachable",
    kinds.SelectInstr: _select,
    kinds.ICMPInstr: _compare,
    kinds.FCMPInstr: _compare,
    kinds.CastInstr: _cast,
    kinds.LoadInstr: _load,
    kinds.StoreInstr: _store,
    kinds.LoadAtomicInstr: _load_atomic,
    kinds.StoreAtomicInstr: _store_atomic,
    kinds.AllocaInstr: _alloca,
    kinds.GEPInstr: _address,
    kinds.PhiInstr: _phi,
    kinds.ExtractElement: _listed,
    kinds.InsertElement: _listed,
    kinds.ShuffleVector: _listed,
    kinds.ExtractValue: _parts,
    kinds.InsertValue: _parts,
    kinds.CallInstr: _call,
    kinds.AtomicRMW: _atomic,
    kinds.CmpXchg: _exchange,
    kinds.Fence: lambda w, i: f"fence {i.ordering}",
}
"""How each kind of instruction is written; the others of llvmlite are none that we use."""


@functools.cache
def _writer(kind: type[Any]) -> _Writer:
    """That of a kind of instruction, or of the one that it is a kind of."""
    for base in kind.__mro__:
        if base in _WRITERS and (base is not kinds.Instruction or base is kind):
            return _WRITERS[base]
    raise TypeError(f"expected an instruction that there is a way to write; got {kind.__name__}")
