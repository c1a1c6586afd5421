"""float16: the pass that writes its conversions out, and the interpreter, which rounds alike."""

from __future__ import annotations

import numpy as np
import pytest

from jitad_ir.evaluate import evaluate, interpreter
from jitad_ir.graph import Graph
from jitad_ir.half import MOVES
from jitad_ir.native.program import compile_graph
from jitad_ir.op import OPS
from jitad_ir.passes.pipeline import optimize
from jitad_ir.passes.simplify import simplify
from jitad_ir.passes.widen import widen
from jitad_ir.text import parse
from jitad_ir.types import FLOAT16, TypeMismatch, complex_dtype
from jitad_ir.verify import InvalidGraph, verify

LOOP = """
graph f(s: f16[], a: f16[5]) {
  t: f16[], b: f16[5] = scan(s, a, carries=1, consts=0, length=5, reverse=False, unroll=1) {
    graph step(c: f16[], x: f16[]) {
      d: f16[] = add(c, x)
      e: f16[] = mul(d, x)
      return d, e
    }
  }
  return t, b
}
"""


def ops_of(graph: Graph) -> list[str]:
    return [eq.op.name for eq in graph.equations]


def test_without_float16_a_graph_stays_what_it_is() -> None:
    graph = parse("graph f(a: f32[3]) { b: f32[3] = sin(a) return b }")
    assert widen(graph) is graph


def test_ops_are_computed_in_float32_between_conversions() -> None:
    graph = parse("graph f(a: f16[3]) { b: f16[3] = sin(a) c: f16[3] = mul(a, b) return c }")
    wide = verify(widen(graph))
    assert ops_of(wide) == ["convert", "sin", "convert", "convert", "mul", "convert"]
    assert wide.input_types == graph.input_types and wide.outputs[0].type == graph.outputs[0].type
    computed = [eq for eq in wide.equations if eq.op.name in ("sin", "mul")]
    assert all(v.dtype == np.float32 for eq in computed for v in (*eq.operands, *eq.outputs))


def test_what_moves_elements_stays() -> None:
    graph = parse(
        "graph f(a: f16[2,3], p: bool[3,2]) { b: f16[3,2] = transpose(a, permutation=(1, 0)) "
        "c: f16[3,2] = select(p, b, b) return c }"
    )
    assert ops_of(widen(graph)) == ["transpose", "select"]
    assert set(OPS) >= MOVES


def test_dtypes_among_the_params_change_too() -> None:
    graph = parse("graph f(a: f64[3]) { b: f16[3] = convert(a, dtype=f16) return b }")
    assert ops_of(widen(graph)) == ["convert"]
    graph = parse("graph f() { b: f16[3] = iota(shape=(3,), dim=0, dtype=f16) return b }")
    assert ops_of(widen(graph)) == ["iota"]


def test_bodies_of_loops_keep_their_types() -> None:
    wide = verify(widen(parse(LOOP)))
    (loop,) = wide.equations
    assert [v.dtype for v in loop.regions[0].inputs] == [FLOAT16, FLOAT16]
    assert "convert" in ops_of(loop.regions[0])


@pytest.mark.parametrize("n", [5, 500])
def test_loops_natively_and_interpreted(n: int) -> None:
    """Each step rounds: the same bits."""
    graph = parse(LOOP.replace("[5]", f"[{n}]").replace("length=5", f"length={n}"))
    rng = np.random.default_rng(0)
    arrays = np.float16(0.5), rng.uniform(-1, 1, n).astype(np.float16)
    expected = evaluate(graph, *arrays)
    native = compile_graph(optimize(graph))(*[np.asarray(a) for a in arrays])
    for results in (native, interpreter(graph)(*arrays)):
        for a, b in zip(results, expected, strict=True):
            np.testing.assert_array_equal(a, b, strict=True)
    total = arrays[0]
    for x in arrays[1]:
        total += x
    assert expected[0] == total


def test_sums_are_rounded_once() -> None:
    graph = parse("graph f(a: f16[4096]) { b: f16[] = reduce_sum(a, axes=(0,)) return b }")
    ones = np.ones(4096, np.float16)
    assert evaluate(graph, ones) == compile_graph(optimize(graph))(ones) == (4096.0,)


def test_the_next_float16_is_not_the_next_float32() -> None:
    graph = parse("graph f(a: f16[7], b: f16[7]) { c: f16[7] = nextafter(a, b) return c }")
    x = np.array([1, 1, 0, -0.0, 65504, np.inf, np.nan], np.float16)
    y = np.array([2, 0, -1, 1, np.inf, 0, 1], np.float16)
    with np.errstate(over="ignore"):
        expected = np.nextafter(x, y)
    for results in (evaluate(graph, x, y), compile_graph(optimize(graph))(x, y)):
        np.testing.assert_array_equal(results[0], expected, strict=True)


def test_there_and_back_is_nothing() -> None:
    graph = parse(
        "graph f(a: f16[3]) { b: f32[3] = convert(a, dtype=f32) "
        "c: f16[3] = convert(b, dtype=f16) return c }"
    )
    simple = simplify(graph)
    assert simple.outputs[0] is simple.inputs[0]
    rounded = parse(
        "graph f(a: f32[3]) { b: f16[3] = convert(a, dtype=f16) "
        "c: f32[3] = convert(b, dtype=f32) return c }"
    )
    assert ops_of(simplify(rounded)) == ["convert", "convert"]


def test_there_are_no_complex_numbers_of_32_bits() -> None:
    with pytest.raises(TypeMismatch, match="eig: expected f32 or f64"):
        complex_dtype(FLOAT16, "eig")
    with pytest.raises(InvalidGraph, match="complex: expected f32 or f64"):
        verify(parse("graph f(a: f16[]) { b: c64[] = complex(a, a) return b }"))
