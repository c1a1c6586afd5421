"""Exported programs as bytes.

"jitad.export 1\\n" | SHA-256 of the rest | zlib( structure as a line of JSON, "\\n", IR text )
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

from jitad_ir import (  # all ops that text may name
    dependence,  # noqa: F401  # pyright: ignore[reportUnusedImport]
    ops,  # noqa: F401  # pyright: ignore[reportUnusedImport]
)
from jitad_ir.graph import Graph
from jitad_ir.passes.derive import is_plain
from jitad_ir.text import ParseError, graph_text, param_text, parse
from jitad_ir.verify import InvalidGraph, verify

from ..errors import at_user_line, hides_internals
from ..pytree import LEAF, PyTreeDef
from .contents import Contents

MARK = b"jitad.export 1\n"
DIGEST_BYTES = 32
SMALL = 16
"""Elements up to which arrays are written as numbers."""

Class = TypeVar("Class", bound=type)


class _Registered(NamedTuple):
    """How nodes of a class are written: under a name, their data as bytes."""

    cls: type
    name: str
    write: Callable[[Any], bytes]
    read: Callable[[bytes], Any]


_BY_CLASS: dict[type, _Registered] = {}
_BY_NAME: dict[str, _Registered] = {}
_BUILT_IN: dict[str, type] = {"tuple": tuple, "list": list, "none": type(None)}


def to_bytes(exported: Contents) -> bytes:
    """See `Exported.serialize`."""
    _check_plain(exported.graph, exported.fun_name)
    structure = {
        "fun_name": exported.fun_name,
        "argument_names": exported.argument_names,
        "in_tree": _written(exported.in_tree),
        "out_tree": _written(exported.out_tree),
    }
    text = f"{json.dumps(structure)}\n{graph_text(exported.graph, SMALL, packed=True)}"
    data = zlib.compress(text.encode())
    return MARK + hashlib.sha256(data).digest() + data


def from_bytes(given: bytes) -> Contents:
    """What `to_bytes` was given; see `deserialize`."""
    start = len(MARK) + DIGEST_BYTES
    if not given.startswith(MARK):
        raise ValueError(
            at_user_line("deserialize: expected the bytes that Exported.serialize() gives")
        )
    data = given[start:]
    if hashlib.sha256(data).digest() != given[len(MARK) : start]:
        raise ValueError(at_user_line("deserialize: the bytes of the program are damaged"))
    line, _, text = zlib.decompress(data).decode().partition("\n")
    structure = json.loads(line)
    try:
        graph = verify(parse(text))
    except (ParseError, InvalidGraph) as error:
        raise ValueError(
            at_user_line(f"deserialize: the program is one of another version of jitad: {error}")
        ) from None
    return Contents(
        structure["fun_name"],
        graph,
        _read(structure["in_tree"]),
        _read(structure["out_tree"]),
        tuple(structure["argument_names"]),
    )


def _check_plain(graph: Graph, name: str) -> None:
    """Raise ValueError if text cannot hold a parameter of some equation."""
    for eq in graph.equations:
        for param in eq.params.values():
            if not is_plain(param):
                raise ValueError(
                    at_user_line(
                        f"serialize: {name} calls the Python function {param_text(param)} "
                        f"({eq.op.name}), which bytes cannot hold. Leave it out of what is exported"
                    )
                )
        for region in eq.regions:
            _check_plain(region, name)


# -- structures -----------------------------------------------------------------------------------


def _written(tree: PyTreeDef) -> Any:
    """A structure as JSON: "*" for a leaf, else [kind, data, children]."""
    found = tree.node_data()
    if found is None:
        return "*"
    cls, data = found
    children = [_written(child) for child in tree.children()]
    if tree.node_kind in _BUILT_IN:
        return [tree.node_kind, None, children]
    if cls is dict:
        for key in data:
            if type(key) not in (str, int):
                raise ValueError(
                    at_user_line(
                        f"serialize: expected str and int as keys of dicts; got {key!r}, a "
                        f"{type(key).__name__}"
                    )
                )
        return ["dict", data, children]
    registered = _BY_CLASS.get(cls)
    if registered is None:
        raise ValueError(
            at_user_line(
                f"serialize: there is no name for {cls.__qualname__} in other processes. Register "
                "it with jitad.export.register_namedtuple_serialization or "
                "register_pytree_node_serialization"
            )
        )
    return ["registered", [registered.name, registered.write(data).hex()], children]


def _read(written: Any) -> PyTreeDef:
    if written == "*":
        return LEAF
    kind, data, children = written
    cls = _BUILT_IN.get(kind, dict)
    if kind == "registered":
        name, aux = data
        registered = _BY_NAME.get(name)
        if registered is None:
            raise ValueError(
                at_user_line(
                    f"deserialize: nothing is registered as {name!r} here. Call "
                    "jitad.export.register_namedtuple_serialization or "
                    "register_pytree_node_serialization before"
                )
            )
        cls, data = registered.cls, registered.read(bytes.fromhex(aux))
    return PyTreeDef.from_node_data_and_children(
        None, (cls, data), [_read(child) for child in children]
    )


@hides_internals
def register_namedtuple_serialization(nodetype: Class, *, serialized_name: str) -> Class:
    """Let programs that take or give this namedtuple be serialized: `serialized_name` stands for it
    in the bytes, and must be registered where they are read. Gives the class. Raises ValueError if
    it is no namedtuple, or class or name are registered already.

    >>> from collections import namedtuple
    >>> from jitad import export
    >>> State = namedtuple("State", "position momentum")
    >>> export.register_namedtuple_serialization(State, serialized_name="doc.State") is State
    True
    """
    if not (issubclass(nodetype, tuple) and hasattr(nodetype, "_fields")):
        raise ValueError(
            at_user_line(
                "register_namedtuple_serialization: expected a namedtuple; got "
                f"{nodetype.__qualname__}"
            )
        )
    _register(_Registered(nodetype, serialized_name, lambda _: b"", lambda _: None))
    return nodetype


@hides_internals
def register_pytree_node_serialization(
    nodetype: Class,
    *,
    serialized_name: str,
    serialize_auxdata: Callable[[Any], bytes | bytearray],
    deserialize_auxdata: Callable[[bytes], Any],
    from_children: Callable[[Any, Sequence[Any]], Any] | None = None,
) -> Class:
    """Let programs that take or give this class, which is registered as a pytree node, be
    serialized: what it keeps beside its children (aux_data) goes through the two functions. Gives
    the class. `from_children` changes nothing: nodes are rebuilt as they are registered. Raises
    ValueError if class or name are registered already.
    """

    def write(data: Any) -> bytes:
        return bytes(serialize_auxdata(data))

    _register(_Registered(nodetype, serialized_name, write, deserialize_auxdata))
    return nodetype


def _register(entry: _Registered) -> None:
    known = _BY_CLASS.get(entry.cls) or _BY_NAME.get(entry.name)
    if known is not None:
        raise ValueError(
            at_user_line(
                f"{known.cls.__qualname__} is registered for serialization already, as "
                f"{known.name!r}"
            )
        )
    _BY_CLASS[entry.cls] = _BY_NAME[entry.name] = entry
