"""Exported programs as an object file and a header, for C and what calls C."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from jitad_ir.native.standalone import NeedsPythonError, Standalone, standalone
from jitad_ir.native.target import host
from jitad_ir.passes.pipeline import optimize
from jitad_ir.types import ArrayType

from .. import __version__
from ..errors import at_user_line
from ..keypaths import KeyPath
from ..tree_util import tree_flatten_with_path
from .contents import CFiles, Contents

C_TYPES = {
    "bool": "bool",
    "float16": "uint16_t",
    "float32": "float",
    "float64": "double",
    "complex64": "float",
    "complex128": "double",
    **{f"{sign}int{n}": f"{sign}int{n}_t" for sign in ("", "u") for n in (8, 16, 32, 64)},
}
"""The C type of an array's elements; complex numbers are two of them."""

# fmt: off
RESERVED: frozenset[str] = frozenset((
    # of C
    "alignas", "alignof", "auto", "bool", "break", "case", "char", "const", "constexpr", "continue",
    "default", "do", "double", "else", "enum", "extern", "false", "float", "for", "goto", "if",
    "inline", "int", "long", "nullptr", "register", "restrict", "return", "short", "signed",
    "sizeof", "static", "static_assert", "struct", "switch", "thread_local", "true", "typedef",
    "typeof", "union", "unsigned", "void", "volatile", "while",
    # of C++
    "and", "asm", "catch", "class", "compl", "concept", "delete", "dynamic_cast", "explicit",
    "export", "friend", "mutable", "namespace", "new", "noexcept", "not", "operator", "or",
    "private", "protected", "public", "requires", "template", "this", "throw", "try", "typeid",
    "typename", "using", "virtual", "wchar_t", "xor",
    # of the header
    "main", "workspace",
))
# fmt: on
"""Names that arguments and functions cannot have."""

INDENT = " *   "


class Parameter(NamedTuple):
    """An array that the C function takes, under a name that C takes; `meaning` is Python's."""

    name: str
    type: ArrayType
    meaning: str


def write_c(exported: Contents, directory: str | PathLike[str], name: str | None) -> CFiles:
    """See `Exported.write_c`."""
    symbol = exported.fun_name if name is None else name
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", symbol) or symbol in RESERVED:
        raise ValueError(
            at_user_line(
                f"write_c: expected a name that C takes for a function; got {symbol!r}. "
                'Say write_c(directory, name="...")'
            )
        )
    try:
        made = standalone(optimize(exported.graph), symbol)
    except NeedsPythonError as error:
        raise ValueError(
            at_user_line(
                f"write_c: {exported.fun_name} calls {error}; leave it out of what is exported"
            )
        ) from None
    folder = Path(directory)
    files = CFiles(
        folder / f"{symbol}.h", folder / f"{symbol}.{'obj' if sys.platform == 'win32' else 'o'}"
    )
    files.object.write_bytes(made.code)
    files.header.write_text(header(exported, symbol, made), encoding="ascii")
    return files


def header(exported: Contents, symbol: str, made: Standalone) -> str:
    """The text of the header."""
    arguments, results = _parameters(exported)
    size = f"{symbol.upper()}_WORKSPACE_BYTES"
    guard = f"JITAD_{symbol.upper()}_H"
    declared = [f"const {_declared(p)}" for p in arguments]
    declared += [_declared(p) for p in results] + ["void *workspace"]
    lines = [
        f"/* {symbol}: {exported.fun_name}, compiled by jitad {__version__}.",
        " *",
        *_described("Arguments", arguments),
        *_described("Results", results),
        " * workspace: so many bytes anywhere, which need not be cleared; NULL if there are none:",
        " */",
        f"#ifndef {guard}",
        f"#define {guard}",
        "",
        f"#define {size} {made.workspace_bytes}",
        "",
        "/* Arrays are in C order, the last index fastest; a scalar is an array of one element.",
        " * Complex numbers are pairs of a real and an imaginary part, float16 is its 16 bits.",
        " * Results may overlap neither each other, nor arguments, nor the workspace.",
        " *",
        " * Returns 0, or 1 if there was not enough memory. Threads may call it at the same time,",
        " * each with results and a workspace of its own.",
        " *",
        f" * Made for {host().triple}, {host().cpu}.",
        *_linked(made),
        " */",
        "#include <stdbool.h>",
        "#include <stdint.h>",
        "",
        "#ifdef __cplusplus",
        'extern "C" {',
        "#endif",
        "",
        f"int {symbol}(",
        ",\n".join([f"    {text}" for text in declared]),
        ");",
        "",
        "#ifdef __cplusplus",
        "}",
        "#endif",
        "",
        "#endif",
        "",
    ]
    return "\n".join(lines)


def _linked(made: Standalone) -> list[str]:
    if not made.libraries:
        return [" * Link with -lm."]
    functions = [name for names in made.libraries.values() for name in names]
    return [
        f" * Link with {' '.join([f'-l{library}' for library in made.libraries])} -lm, where the",
        " * integers of BLAS and LAPACK have 32 bits; it calls",
        *textwrap.wrap(
            ", ".join(functions) + ".", 96, initial_indent=INDENT, subsequent_indent=INDENT
        ),
    ]


def _declared(parameter: Parameter) -> str:
    return f"{C_TYPES[parameter.type.dtype.name]} *{parameter.name}"


def _described(title: str, parameters: Sequence[Parameter]) -> list[str]:
    if not parameters:
        return []
    width = max([len(p.name) for p in parameters])
    lines = [f" * {title}:"]
    for name, type, meaning in parameters:
        shape = ", ".join(map(str, type.shape))
        text = f"{name:{width}}  {type.dtype.name}[{shape}]"
        lines.append(INDENT + (text if meaning == name else f"{text}, {meaning}"))
    return [*lines, " *"]


def _parameters(exported: Contents) -> tuple[list[Parameter], list[Parameter]]:
    """Arguments and results with names that C takes, each another one."""
    inside, outside = exported.graph.input_types, exported.graph.output_types
    arguments = [
        _argument_words(path, exported.argument_names)
        for path in _paths(exported.in_tree.unflatten(range(len(inside))))
    ]
    results = [["out", *path] for path in _paths(exported.out_tree.unflatten(range(len(outside))))]
    taken = set(RESERVED)
    return (
        [_parameter(words, t, taken) for words, t in zip(arguments, inside, strict=True)],
        [_parameter(words, t, taken) for words, t in zip(results, outside, strict=True)],
    )


def _paths(tree: object) -> Iterable[KeyPath]:
    return [path for path, _ in tree_flatten_with_path(tree)[0]]


def _argument_words(path: KeyPath, names: Sequence[str]) -> list[object]:
    """The name of an argument, and the keys to the leaf within."""
    kind, first, *rest = path
    return [names[first.idx] if kind.idx == 0 else first.key, *rest]


def _parameter(words: Sequence[object], type: ArrayType, taken: set[str]) -> Parameter:
    first, *keys = words
    meaning = f"{first}{''.join(map(str, keys))}"
    plain = re.sub(r"[^A-Za-z0-9]+", "_", meaning).strip("_") or "argument"
    plain = re.sub(r"__+", "_", plain if plain[0].isalpha() else f"_{plain}")
    name, number = plain, 2
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    taken.add(name)
    ascii_meaning = meaning.encode("ascii", "backslashreplace").decode()
    return Parameter(name, type, ascii_meaning.replace("*/", "* /"))
