"""Wavefronts in machine code against the reference interpreter, to the bit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.native.program import compile_graph
from jitad_ir.types import DTYPES, ArrayType, DType
from jitad_ir.verify import verify
from tests.native.test_kernels import guarded_call

Draw = Callable[[int], int]
"""A number below a bound."""
MIXED = ("f64", "i32", "bool", "i8", "f32", "i64")


def bounded(x: Value) -> Value:
    """In -100 ... 100, so that floats are exact and int8 does not wrap either."""
    if x.dtype.kind == "b":
        return x
    low, high = [ops.full(value=n, shape=x.shape, dtype=x.dtype) for n in (-100, 100)]
    return ops.min(ops.max(x, low), high)


def as_type(x: Value, type: ArrayType) -> Value:
    """`x`, cast, summed and spread to a type."""
    if x.dtype != type.dtype:
        x = ops.convert(x, dtype=type.dtype)
    if x.shape != type.shape:
        fold = ops.reduce_or if x.dtype.kind == "b" else ops.reduce_sum
        x = fold(x, axes=tuple(range(x.ndim))) if x.ndim else x
        x = ops.broadcast(x, shape=type.shape, dims=())
    return bounded(x)


class RandomWavefront:
    """A graph that is one wavefront with a random cell."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.rows, self.length = 1 + draw(40), (1 + draw(12), 13 + draw(60))[draw(2)]
        self.dtype = DTYPES[MIXED[draw(6)]]
        self.types = [self.type() for _ in range(1 + draw(2))]
        self.heads = [draw(4) for _ in self.types]
        self.reads = [
            (t, draw(p + 1)) for t, p in enumerate(self.heads) for _ in range(1 + draw(2))
        ]
        self.parts = {
            name: [self.type() for _ in range(draw(3))]
            for name in ("shared", "rowwise", "inits", "columns", "grids", "entries")
        }

    def type(self) -> ArrayType:
        """Of a value at one cell; most have one dtype."""
        dtype = self.dtype if self.draw(3) else DTYPES[MIXED[self.draw(6)]]
        return ArrayType(dtype, ((), (), (2,), (1,), (0,))[self.draw(5)])

    def element(self, inputs: list[Value], type: ArrayType) -> Value:
        """A value of a type that depends on some inputs."""
        total: Value | None = None
        for _ in range(1 + self.draw(3)):
            x = as_type(inputs[self.draw(len(inputs))], type)
            if total is None:
                total = x
            elif type.dtype.kind == "b":
                total = ops.bitwise_xor(total, x)
            else:
                op = (ops.max, ops.min, ops.add, ops.sub)[self.draw(4)]
                total = bounded(op(total, x))
        assert total is not None
        return total

    def looked_up(self, tables: list[Value], inputs: list[Value]) -> Value:
        """An element of a constant at a computed place."""
        table = tables[self.draw(len(tables))]
        index = as_type(inputs[self.draw(len(inputs))], ArrayType(DTYPES["i64"], ()))
        part = ops.dynamic_slice(table, *[index] * table.ndim, sizes=(1,) * table.ndim)
        return ops.reshape(part, shape=())

    def cell(self) -> Graph:
        builder = Builder("cell")
        p = self.parts
        fixed = [builder.input(t) for t in (*p["shared"], *p["rowwise"])]
        carry = [builder.input(t) for t in p["inits"]]
        above = [builder.input(self.types[t]) for t, _ in self.reads]
        others = [builder.input(t) for t in (*p["columns"], *p["grids"])]
        with building(builder):
            inputs = [*fixed, *carry, *above, *others]
            places = [v for v in fixed if v.type.size]
            if places and self.draw(2):
                inputs.append(self.looked_up(places, inputs))
            wanted = [*p["inits"], *self.types, *p["entries"]]
            outputs = [self.element([*inputs, *carry, *above], t) for t in wanted]
        return builder.build(outputs)

    def graph(self, reverse: tuple[bool, bool]) -> Graph:
        m, n, p = self.rows, self.length, self.parts
        lead: list[tuple[list[ArrayType], tuple[int, ...]]] = [
            (p["shared"], ()),
            (p["rowwise"], (m,)),
            (p["inits"], (m,)),
        ]
        given = [t.with_shape((*front, *t.shape)) for types, front in lead for t in types]
        both = list(zip(self.types, self.heads, strict=True))
        given += [t.with_shape((m, h, *t.shape)) for t, h in both]
        given += [t.with_shape((n + h, *t.shape)) for t, h in both]
        given += [t.with_shape((n, *t.shape)) for t in p["columns"]]
        given += [t.with_shape((m, n, *t.shape)) for t in p["grids"]]
        builder = Builder("main")
        operands = [builder.input(t) for t in given]
        with building(builder):
            outs = ops.wavefront(
                *operands,
                regions=(self.cell(),),
                rows=m,
                length=n,
                counts=(
                    len(p["shared"]),
                    len(p["rowwise"]),
                    len(p["inits"]),
                    len(self.types),
                    len(p["columns"]),
                ),
                reads=tuple(self.reads),
                reverse=reverse,
            )
        return builder.build(outs)


def numbers(dtype: DType, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 2 if dtype.kind == "b" else 5, shape).astype(dtype)


def check(graph: Graph) -> None:
    verify(graph)
    rng = np.random.default_rng(3)
    arrays = [numbers(v.dtype, v.shape, rng) for v in graph.inputs]
    got = guarded_call(compile_graph(graph), arrays)
    for a, b in zip(got, evaluate(graph, *arrays), strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=60)
@given(st.data(), st.booleans(), st.booleans())
def test_random_wavefronts(data: st.DataObject, rows: bool, columns: bool) -> None:
    def draw(bound: int) -> int:
        return data.draw(st.integers(0, bound - 1))

    check(RandomWavefront(draw).graph((rows, columns)))


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 32])
@pytest.mark.parametrize("length", [1, 15, 16, 17, 40])
@pytest.mark.parametrize("head", [0, 1])
def test_sums_of_all_sizes(rows: int, length: int, head: int) -> None:
    """y = left + above + above to the left + an entry of a grid."""
    f64 = ArrayType(DTYPES["f64"], ())
    cell = Builder("cell")
    left, up, corner, x = [cell.input(f64) for _ in range(4)]
    with building(cell):
        y = ops.sub(ops.add(ops.add(left, up), x), corner)
    builder = Builder("main")
    shapes = [(rows,), (rows, head), (length + head,), (rows, length)]
    operands = [builder.input(f64.with_shape(shape)) for shape in shapes]
    with building(builder):
        outs = ops.wavefront(
            *operands,
            regions=(cell.build([y, y, y]),),
            rows=rows,
            length=length,
            counts=(0, 0, 1, 1, 0),
            reads=((0, head), (0, 0)),
            reverse=(False, False),
        )
    check(builder.build(outs))
