"""New functions of a module."""

from __future__ import annotations

from llvmlite import ir as ll


class _Names:
    """The names of the values of a function, told apart by a number. llvmlite looks for the first
    that is free, which takes a sixth of the time to emit a function."""

    def __init__(self, taken: int) -> None:
        self._count = taken

    def register(self, name: str, deduplicate: bool = False) -> str:
        """A name that no other value has."""
        self._count += 1
        return f"{name}.{self._count}"


def new_function(module: ll.Module, signature: ll.FunctionType, name: str) -> ll.Function:
    """A function without a body yet, which raises no exceptions of C++."""
    function = ll.Function(module, signature, name)
    function.scope = _Names(len(function.args))
    function.attributes.add("nounwind")
    return function


def internal_function(module: ll.Module, signature: ll.FunctionType, name: str) -> ll.Function:
    """One that only this module calls."""
    function = new_function(module, signature, name)
    function.linkage = "internal"
    return function
