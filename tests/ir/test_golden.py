"""Golden programs: each file of `golden/` holds a program, a pass and what the pass makes of it.

A file starts with `# pass: NAME ARGUMENTS`, then the input program, a line `---`, and the expected
programs. `pytest --update-golden` rewrites what is below the line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import jitad_ir.ops  # noqa: F401  (fills the registry)
from jitad_ir.graph import Graph
from jitad_ir.passes.batch import batch
from jitad_ir.passes.blocking import blocking
from jitad_ir.passes.cse import cse
from jitad_ir.passes.dce import dce
from jitad_ir.passes.derive import derive
from jitad_ir.passes.inline import inline
from jitad_ir.passes.inner_products import inner_products
from jitad_ir.passes.jvp import jvp
from jitad_ir.passes.linearize import joined, linearize, vjp
from jitad_ir.passes.pipeline import optimize
from jitad_ir.passes.simplify import simplify
from jitad_ir.passes.split import split
from jitad_ir.passes.subtotals import subtotals
from jitad_ir.passes.transpose import transpose
from jitad_ir.text import graph_text, parse
from jitad_ir.verify import verify

FILES = sorted(Path(__file__).with_name("golden").glob("*.ir"))


def _flags(graph: Graph, argument: str) -> list[bool]:
    """ "1 0" or "10": which inputs; all if empty."""
    return [c == "1" for c in argument] if argument else [True] * len(graph.inputs)


PASSES: dict[str, Callable[[Graph, str], list[Graph]]] = {
    "jvp": lambda g, which: [jvp(g, _flags(g, which)).graph],
    "split": lambda g, which: [
        (parts := split(g, _flags(g, which))).known,
        parts.rest,
    ],
    "transpose": lambda g, which: [transpose(g, _flags(g, which))],
    "batch": lambda g, which: [batch(g, 5, _flags(g, which), "lanes").graph],
    "linearize": lambda g, which: [
        (linear := linearize(g, _flags(g, which))).known,
        linear.rest,
    ],
    "gradient": lambda g, which: [optimize(joined(vjp(g, _flags(g, which)), [1.0]))],
    "simplify": lambda g, _: [simplify(g)],
    "blocking": lambda g, _: [blocking(g)],
    "cse": lambda g, _: [cse(g)],
    "dce": lambda g, _: [dce(g)],
    "derive": lambda g, _: [derive(g)],
    "inline": lambda g, _: [inline(g)],
    "inner_products": lambda g, _: [inner_products(g)],
    "subtotals": lambda g, _: [subtotals(g)],
    "optimize": lambda g, _: [optimize(g)],
}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_golden(path: Path, request: pytest.FixtureRequest) -> None:
    head, _, expected = path.read_text().partition("---\n")
    first, _, program = head.partition("\n")
    name, _, argument = first.removeprefix("# pass:").strip().partition(" ")
    graph = verify(parse(program))
    results = PASSES[name](graph, argument.replace(" ", ""))
    for result in results:
        assert parse(graph_text(verify(result))) == result
    found = "\n".join([graph_text(result) for result in results]) + "\n"
    if request.config.getoption("--update-golden"):
        path.write_text(f"{first}\n{graph_text(graph)}\n---\n{found}")
        return
    assert found == expected


def test_every_pass_has_a_golden_program() -> None:
    named = {path.read_text().split()[2] for path in FILES}
    assert named == set(PASSES)
