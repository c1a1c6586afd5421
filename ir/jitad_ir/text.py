"""IR text: printer and parser side by side. `parse(graph_text(g)) == g` for every graph.

    graph f(a: f64[3], b: f64[]) {
      c: f64[3] = broadcast(b, dims=(), shape=(3,))
      d: f64[3] = mul(a, c)
      return d
    }

Grammar (`*` repeats, `[ ]` is optional, lists are comma separated):

    graph    = "graph" name "(" [binding list] ")" "{" equation* "return" [name list] "}"
    binding  = name ":" type
    equation = [binding list "="] op "(" [name list] [key "=" param list] ")" ["{" graph* "}"]
    param    = number | string | "True" | "False" | "None" | dtype | type | "(" [param list] ")"
             | "complex" "(" float "," float ")"
             | "array" "(" type "," ("[" [param list] "]" | base64 string) ")"
"""

from __future__ import annotations

import ast
import base64
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from string import ascii_lowercase
from typing import Any

import numpy as np

from .graph import Equation, Graph, Value
from .op import OPS
from .types import ARRAY_TYPES, DTYPES, ArrayType, parse_type, short_name


def _letters(number: int) -> str:
    """0 -> a, 25 -> z, 26 -> aa, ..."""
    if number < 26:
        return ascii_lowercase[number]
    before, last = divmod(number, 26)
    return _letters(before - 1) + ascii_lowercase[last]


class _Names(dict[Value, str]):
    """Names of values in order of first appearance: a, b, ..., z, aa, ..."""

    def __missing__(self, value: Value) -> str:
        name = self[value] = _letters(len(self))
        return name


_type_text = lru_cache(maxsize=4096)(repr)
_PLAIN = frozenset({int, float, bool, str, type(None), ArrayType})


def param_text(param: Any, elide_above: int | None = None, *, packed: bool = False) -> str:
    """One static parameter as text; arrays of more than `elide_above` elements without data, or
    with their bytes as base64 if `packed`."""
    if type(param) in _PLAIN:
        return repr(param)
    if isinstance(param, np.dtype):
        return short_name(param)  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(param, ARRAY_TYPES):
        array: np.ndarray[Any, Any] = np.asarray(param)
        type_ = ArrayType(array.dtype, array.shape)
        if elide_above is not None and array.size > elide_above:
            return f"array({type_!r}, {_bytes_text(array) if packed else '[...]'})"
        items = ", ".join([param_text(item) for item in array.ravel().tolist()])
        return f"array({type_!r}, [{items}])"
    if isinstance(param, tuple):
        if _PLAIN.issuperset(map(type, param)):  # pyright: ignore[reportUnknownArgumentType]
            return repr(param)  # pyright: ignore[reportUnknownArgumentType]
        items = [param_text(item, elide_above, packed=packed) for item in param]  # pyright: ignore
        return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    if isinstance(param, complex):
        return f"complex({param.real!r}, {param.imag!r})"
    return repr(param)


def _bytes_text(array: np.ndarray[Any, Any]) -> str:
    """The elements in C order, the low byte of each first."""
    ordered = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return repr(base64.b64encode(ordered.tobytes()).decode())


def _bindings(values: Sequence[Value], names: _Names) -> str:
    if len(values) == 1:  # as a rule
        (v,) = values
        return f"{names[v]}: {_type_text(v.type)}"
    return ", ".join([f"{names[v]}: {_type_text(v.type)}" for v in values])


_Write = Callable[[Any], str]
"""How a parameter is written."""


def _write_equation(
    lines: list[str], eq: Equation, names: _Names, write: _Write, indent: str = ""
) -> None:
    arguments = [names[v] for v in eq.operands]
    params = eq.params
    if params:
        arguments += [f"{k}={write(params[k])}" for k in sorted(params)]
    line = f"{eq.op.name}({', '.join(arguments)})"
    if eq.outputs:
        line = f"{_bindings(eq.outputs, names)} = {line}"
    if not eq.regions:
        lines.append(indent + line)
        return
    lines.append(f"{indent}{line} {{")
    for region in eq.regions:
        _write_graph(lines, region, write, indent + "  ")
    lines.append(indent + "}")


def _write_graph(lines: list[str], graph: Graph, write: _Write, indent: str = "") -> None:
    names = _Names()
    lines.append(f"{indent}graph {graph.name}({_bindings(graph.inputs, names)}) {{")
    within = indent + "  "
    for eq in graph.equations:
        _write_equation(lines, eq, names, write, within)
    outputs = ", ".join([names[v] for v in graph.outputs])
    lines += [f"{within}return {outputs}".rstrip(), indent + "}"]


def equation_text(eq: Equation) -> str:
    """One equation as text, with names of its own."""
    lines: list[str] = []
    _write_equation(lines, eq, _Names(), lambda param: param_text(param, 16))
    return "\n".join(lines)


def graph_text(graph: Graph, elide_above: int | None = None, *, packed: bool = False) -> str:
    """`graph` as text; constant arrays of more than `elide_above` elements without their data
    (such text is for reading and for cache keys: it does not parse back), or `packed`."""
    lines: list[str] = []
    _write_graph(lines, graph, lambda param: param_text(param, elide_above, packed=packed))
    return "\n".join(lines)


class ParseError(ValueError):
    """IR text that does not follow the grammar; the message names line and token."""


_TOKEN = re.compile(
    r"""(?P<space>[ \t]+|\#[^\n]*)|(?P<newline>\n)
    |(?P<type>(?:bool|[iuf]\d+|c\d+)\[[\d,]*\])
    |(?P<number>-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+|\d+|inf\b|nan\b))
    |(?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    |(?P<name>[A-Za-z_][\w.<>]*)
    |(?P<sign>[(){}\[\],:=])""",
    re.VERBOSE,
)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ParseError(f"line {line}: unexpected character {text[position]!r}")
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "newline":
            line += 1
        elif kind != "space":
            yield kind, match[0], line
    yield "end", "end of text", line


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at][:2]

    def _fail(self, expected: str) -> ParseError:
        _, token, line = self._tokens[self._at]
        return ParseError(f"line {line}: expected {expected}; got {token!r}")

    def _take(self, kind: str, expected: str | None = None) -> str:
        found, token, _ = self._tokens[self._at]
        if found != kind or (expected is not None and token != expected):
            raise self._fail(repr(expected) if expected else f"a {kind}")
        self._at += 1
        return token

    def _skip(self, token: str) -> bool:
        if self._peek()[1] == token and self._peek()[0] != "string":
            self._at += 1
            return True
        return False

    def _list(self, close: str, item: Callable[[], Any]) -> list[Any]:
        items: list[Any] = []
        while not self._skip(close):
            items.append(item())
            if not self._skip(","):
                self._take("sign", close)
                break
        return items

    def _binding(self) -> tuple[str, ArrayType]:
        name = self._take("name")
        self._take("sign", ":")
        return name, parse_type(self._take("type"))

    def graph(self) -> Graph:
        self._take("name", "graph")
        name = self._take("name")
        env: dict[str, Value] = {}
        self._take("sign", "(")
        inputs = [self._bind(env, *b) for b in self._list(")", self._binding)]
        self._take("sign", "{")
        equations: list[Equation] = []
        while not self._skip("return"):
            equations.append(self._equation(env))
        outputs: list[Value] = []
        while not self._skip("}"):
            outputs.append(self._use(env))
            self._skip(",")
        return Graph(inputs, equations, outputs, name)

    def _bind(self, env: dict[str, Value], name: str, type: ArrayType) -> Value:
        if name in env:
            raise self._fail(f"a new name: {name} is bound already, before")
        value = env[name] = Value(type)
        return value

    def _use(self, env: dict[str, Value]) -> Value:
        name = self._take("name")
        if name not in env:
            self._at -= 1
            raise self._fail("a bound name")
        return env[name]

    def _equation(self, env: dict[str, Value]) -> Equation:
        results: list[tuple[str, ArrayType]] = []
        if self._tokens[self._at + 1][1] == ":":
            results.append(self._binding())
            while self._skip(","):
                results.append(self._binding())
            self._take("sign", "=")
        op_name = self._take("name")
        if op_name not in OPS:
            self._at -= 1
            raise self._fail("the name of an op")
        self._take("sign", "(")
        operands: list[Value] = []
        params: dict[str, Any] = {}
        while not self._skip(")"):
            if self._tokens[self._at + 1][1] == "=":
                key = self._take("name")
                self._take("sign", "=")
                params[key] = self._param()
            else:
                operands.append(self._use(env))
            if not self._skip(","):
                self._take("sign", ")")
                break
        regions: list[Graph] = []
        if self._skip("{"):
            while not self._skip("}"):
                regions.append(self.graph())
        outputs = tuple(self._bind(env, *result) for result in results)
        return Equation(OPS[op_name], tuple(operands), params, outputs, tuple(regions))

    def _param(self) -> Any:
        kind, token = self._peek()
        if kind == "type":
            return parse_type(self._take("type"))
        if kind == "number":
            return _number(self._take("number"))
        if kind == "string":
            return ast.literal_eval(self._take("string"))
        if self._skip("("):
            return tuple(self._list(")", self._param))
        if kind == "name":
            self._at += 1
            if token in ("True", "False", "None"):
                return {"True": True, "False": False, "None": None}[token]
            if token in DTYPES:
                return DTYPES[token]
            if token == "complex":
                self._take("sign", "(")
                return complex(*self._list(")", self._param))
            if token == "array":
                return self._array()
            self._at -= 1
        raise self._fail("a parameter")

    def _array(self) -> np.ndarray[Any, Any]:
        self._take("sign", "(")
        type = parse_type(self._take("type"))
        self._take("sign", ",")
        if self._peek()[0] == "string":
            array = self._packed(type)
        else:
            self._take("sign", "[")
            array = np.array(self._list("]", self._param), type.dtype)
        self._take("sign", ")")
        return array.reshape(type.shape)

    def _packed(self, type: ArrayType) -> np.ndarray[Any, Any]:
        """The elements of an array written as base64."""
        try:
            data = base64.b64decode(ast.literal_eval(self._peek()[1]), validate=True)
        except ValueError:
            data = b""
        if len(data) != type.nbytes:
            raise self._fail(f"{type.nbytes} bytes as base64")
        self._take("string")
        return np.frombuffer(data, type.dtype.newbyteorder("<")).astype(type.dtype)

    def end(self) -> None:
        if self._peek()[0] != "end":
            raise self._fail("the end of the text")


def _number(token: str) -> int | float:
    return int(token) if re.fullmatch(r"-?\d+", token) else float(token)


def parse(text: str) -> Graph:
    """The graph that `text` describes; raises ParseError. It is not verified: see `verify`.

    >>> parse("graph f(a: f64[]) { b: f64[] = neg(a) return b }").output_types
    (f64[],)
    """
    parser = _Parser(text)
    graph = parser.graph()
    parser.end()
    return graph
