"""A module in parts, for LLVM to compile side by side.

    divided : module  to  the texts of modules of about equal size, which the linker joins

A function that others inline is in every part that calls it, and so are constants. Every other
function is in one part, and declared in those that use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llvmlite import ir as ll

from .assembly import Text, global_text, joined_text, module_text

LEAST = 120
"""Least cost of a part of its own: LLVM takes a millisecond for an empty one."""

FUNCTION, BLOCK, SHUFFLE = 19, 8, 3
"""What functions, blocks and shuffles cost LLVM besides their instructions, in instructions: fitted
to the time that it took for those of transforms and sorts."""


QUICK = 3
"""How many times as fast it is without optimisation."""


def divided(module: ll.Module, sizes: Mapping[str, int], most: int) -> list[str]:
    """The text of `module` in at most `most` parts, the longest first.

    `sizes` names the functions that are defined, of which those marked `alwaysinline` are inlined.
    """
    costs = {f.get_reference(): _cost(f) for f in map(module.get_global, sizes)}
    most = min(most, sum(costs.values()) // LEAST)
    if most < 2:
        return [module_text(module)]
    units = [module.get_global(name) for name in sizes]
    units = [f for f in units if "alwaysinline" not in f.attributes]
    for function in units:
        function.linkage = ""
    texts = {g.get_reference(): global_text(g) for g in module.global_values}
    own = {f.get_reference() for f in units}
    copied = costs.keys() - own
    contents = {name: _with_copies(name, texts, copied) for name in own}
    weights = {name: sum([costs[n] for n in inside]) for name, inside in contents.items()}
    parts = _balanced(weights, most)
    if len(parts) == 1:
        return [joined_text(module, [text.text for text in texts.values()])]
    return _texts(module, texts, [_union(contents, part) for part in parts])


def _cost(function: ll.Function) -> int:
    """About how long LLVM takes for a function."""
    total = FUNCTION
    for block in function.blocks:
        shuffles = [i for i in block.instructions if i.opname == "shufflevector"]
        total += BLOCK + len(block.instructions) + SHUFFLE * len(shuffles)
    return total // QUICK if "optnone" in function.attributes else total


def _with_copies(name: str, texts: Mapping[str, Text], copied: set[str]) -> set[str]:
    """A function and those that it inlines, directly or not."""
    found = {name}
    pending = [name]
    while pending:
        new = (texts[pending.pop()].mentions & copied) - found
        found |= new
        pending.extend(new)
    return found


def _balanced(weights: Mapping[str, int], most: int) -> list[list[str]]:
    """The names in parts of about equal weight, none below `LEAST`; the heaviest first."""
    for count in range(most, 1, -1):
        parts: list[list[str]] = [[] for _ in range(count)]
        loads = [0] * count
        for name in sorted(weights, key=lambda n: (-weights[n], n)):
            lightest = loads.index(min(loads))
            parts[lightest].append(name)
            loads[lightest] += weights[name]
        if min(loads) >= LEAST:
            order = sorted(range(count), key=lambda k: -loads[k])
            return [parts[k] for k in order]
    return [list(weights)]


def _union(contents: Mapping[str, set[str]], names: Iterable[str]) -> set[str]:
    return set[str]().union(*[contents[name] for name in names])


def _texts(module: ll.Module, texts: Mapping[str, Text], parts: Sequence[set[str]]) -> list[str]:
    """The texts of modules that define the functions of each part, and all that they need. The
    variables, which are the table of externals, are defined by the first."""
    variables = {g.get_reference() for g in module.global_values if _is_variable(g)}
    found: list[str] = []
    for number, part in enumerate(parts):
        needed = part.union(*[texts[name].mentions for name in part])
        defined = part if number else part | variables
        lines: list[str] = []
        for value in module.global_values:
            name = value.get_reference()
            if name in defined or (name in needed and _is_constant(value)):
                lines.append(texts[name].text)
            elif name in needed:
                lines.append(str(_declaration(value)))
        found.append(joined_text(module, lines))
    return found


def _is_variable(value: ll.GlobalValue) -> bool:
    return isinstance(value, ll.GlobalVariable) and not value.global_constant


def _is_constant(value: ll.GlobalValue) -> bool:
    return isinstance(value, ll.GlobalVariable) and value.global_constant


def _declaration(value: Any) -> ll.GlobalValue:
    """What says that `value` is defined in another module."""
    elsewhere = ll.Module()
    if isinstance(value, ll.GlobalVariable):
        return ll.GlobalVariable(elsewhere, value.value_type, value.name)
    function = ll.Function(elsewhere, value.ftype, value.name)
    function.attributes = value.attributes
    return function
