"""Objects for C: every op gives the bits that it gives in this process."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from jitad_ir.graph import Graph
from jitad_ir.native import addresses, libraries
from jitad_ir.native.orc import instances
from jitad_ir.native.program import compile_graph
from jitad_ir.native.standalone import NeedsPythonError, Standalone, standalone
from jitad_ir.op import NOT_LOWERED, OPS, Op
from jitad_ir.passes.pipeline import optimize
from jitad_ir.text import parse
from tests.laws.cases import Case, cases

NAME = "program"


def run(made: Standalone, graph: Graph, arrays: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    """The results of the object's function, linked by LLVM with C's functions and with SciPy's BLAS
    and LAPACK, whose integers have 32 bits."""
    known = {
        f"{function}_": libraries._capsule_address(libraries._linalg(f"cython_{library}"), function)
        for library, functions in made.libraries.items()
        for function in functions
    }
    library = instances.link([made.code], [NAME], known)
    outputs = [np.empty(t.shape, t.dtype) for t in graph.output_types]
    workspace = np.empty(made.workspace_bytes, np.uint8)
    given = [np.require(a, requirements=("C", "ALIGNED")) for a in arrays]
    pointers = [a.ctypes.data for a in (*given, *outputs, workspace)]
    function = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * len(pointers))(library[NAME])
    assert function(*pointers) == 0
    return outputs


def one_of_each_sample(op: Op) -> list[Case]:
    found: dict[int, Case] = {}
    for case in cases(op):
        found.setdefault(case.index, case)
    return list(found.values())


LOWERED = [op for op in OPS.values() if op.lower is not NOT_LOWERED and op.samples]


@pytest.fixture
def scipys_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of this process call the library that the objects are linked with: another one may
    find another one of several Schur forms."""
    monkeypatch.setattr(libraries, "_numpy_openblas", lambda: None)
    monkeypatch.setattr(addresses, "_ADDRESSES", {})


@pytest.mark.usefixtures("scipys_blas")
@pytest.mark.parametrize("op", LOWERED, ids=lambda op: op.name)
def test_an_op_gives_the_same_bits(op: Op) -> None:
    tried = 0
    for case in one_of_each_sample(op):
        graph = optimize(case.graph)
        try:
            made = standalone(graph, NAME)
        except NeedsPythonError as error:
            assert "scipy.special" in str(error) or "Python function" in str(error)
            return
        found = run(made, graph, case.operands)
        for got, expected in zip(found, compile_graph(graph)(*case.operands), strict=True):
            if made.libraries:  # on as many threads as the library takes
                scale = 1 + np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
                np.testing.assert_allclose(got, expected, rtol=0, atol=1e-4 * scale)
            else:
                assert got.tobytes() == np.ascontiguousarray(expected).tobytes(), case
        tried += 1
    assert tried


def test_a_program_of_no_arrays() -> None:
    graph = parse("graph f() { return }")
    assert run(standalone(graph, NAME), graph, ()) == []


def test_names_of_its_own_are_refused() -> None:
    graph = parse("graph f(a: f64[1000000]) { b: f64[1000000] = sin(a) return b }")
    taken = {"jitad.program", "jitad.externals"}
    for name in taken:
        with pytest.raises(ValueError, match="does not use itself"):
            standalone(graph, name)


def test_many_threads_are_one() -> None:
    """Jobs that are shared out in this process are done part by part, and give the same bits."""
    text = (
        "graph f(a: f64[3000000]) { b: f64[3000000] = sin(a) c: f64[] = reduce_sum(b, axes=(0,)) "
        "return c }"
    )
    graph = optimize(parse(text))
    x = np.random.default_rng(0).uniform(-3, 3, 3_000_000)
    expected: Any = compile_graph(graph)(x)[0]
    assert run(standalone(graph, NAME), graph, (x,))[0] == expected
