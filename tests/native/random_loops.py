"""Random graphs with loops and branches in any nesting, for tests of plans and native code.

As in `random_programs`, numbers stay small integers, so that results must agree to the bit.
"""

from __future__ import annotations

from typing import Any

from jitad_ir import ops
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.types import DTYPES, ArrayType, short_name
from tests.native.random_programs import Draw, RandomProgram

I64 = DTYPES["i64"]
COUNTER = ArrayType(I64, ())


class RandomLoops(RandomProgram):
    """Grows graphs whose equations may hold graphs, to a depth."""

    def __init__(self, draw: Draw, dtype: str, depth: int, max_size: int = 200) -> None:
        super().__init__(draw, dtype, max_size)
        self.depth = depth
        self.counters: list[Value] = []
        """Scalar i64 values, which may be large."""

    def shape(self) -> tuple[int, ...]:
        """Mostly small: loops over small tensors are compiled in another way."""
        if self.draw(3) == 0:
            return super().shape()
        return ((), (1,), (2,), (3,), (2, 3), (3, 1), (0,), (2, 0))[self.draw(8)]

    def equation(self) -> Value:
        """One more value; its source may be a loop."""
        if self.depth and self.draw(4) == 0:
            results = (self.scan, self.scan, self.branch, self.while_loop)[self.draw(4)]()
            self.values += [v for v in results if v.dtype == self.dtype]
            if not self.values:
                self.values.append(ops.full(value=1, shape=(), dtype=self.dtype))
            return self.values[-1]
        if self.draw(6) == 0:
            return (self.update, self.scatter, self.dot)[self.draw(3)]()
        return super().equation()

    # ops that loops treat in their own way

    def start(self) -> Value:
        """An i64 scalar, which depends on a counter where there is one."""
        if self.counters and self.draw(3):
            return self.counters[self.draw(len(self.counters))]
        y = self.pick_nonempty()
        total = ops.reduce_sum(y, axes=tuple(range(y.ndim)))
        return ops.convert(self.bounded(total), dtype=I64)

    def update(self) -> Value:
        """A block at a computed place replaced."""
        x = self.pick()
        sizes = tuple(self.draw(n + 1) for n in x.shape)
        block = ops.full(value=self.draw(7) - 3, shape=sizes, dtype=self.dtype)
        if x.type.size and self.draw(2):
            zeros = [ops.full(value=0, shape=(), dtype=I64) for _ in sizes]
            block = ops.neg(ops.dynamic_slice(self.like(x), *zeros, sizes=sizes))
        return ops.dynamic_update_slice(x, block, *[self.start() for _ in sizes])

    def scatter(self) -> Value:
        """One element of an axis, or several, replaced or added to."""
        x = self.pick()
        if x.ndim == 0:
            return ops.neg(x)
        count = self.draw(3)
        starts = ops.broadcast(self.start(), shape=(count,), dims=())
        starts = ops.add(starts, ops.iota(shape=(count,), dim=0, dtype=I64))
        updates = ops.full(value=2, shape=(count, 1, *x.shape[1:]), dtype=self.dtype)
        op = (ops.scatter, ops.scatter_add, ops.scatter_max)[self.draw(3)]
        mode = "drop" if x.shape[0] == 0 or self.draw(2) else "clip"
        return self.bounded(op(x, updates, starts, axes=(0,), batch=0, mode=mode, unique=False))

    def dot(self) -> Value:
        """A product over the last axis."""
        x = self.pick()
        if x.ndim == 0:
            return ops.neg(x)
        y = ops.sign(self.like(x))
        last = (x.ndim - 1,)
        if x.type.size // max(x.shape[-1], 1) > 12:
            return self.bounded(ops.reduce_sum(ops.mul(x, y), axes=last))
        return self.bounded(ops.dot(x, y, contract=(last, last), batch=((), ())))

    # loops and branches

    def inner(self, types: list[ArrayType], outputs: Any, name: str) -> Graph:
        """A region over inputs of these types; `outputs(program)` picks its results."""
        program = RandomLoops(self.draw, short_name(self.dtype), self.depth - 1, self.max_size)
        program.builder = Builder(name)
        inputs = [program.builder.input(t) for t in types]
        program.values = [v for v in inputs if v.dtype == self.dtype]
        program.counters = [v for v in inputs if v.type == COUNTER]
        with building(program.builder):
            if not program.values:
                program.values.append(ops.full(value=1, shape=(), dtype=self.dtype))
            for _ in range(self.draw(7)):
                program.values.append(program.equation())
            results = outputs(program, inputs)
        return program.builder.build(results)

    def following(self, inputs: list[Value]) -> list[Value]:
        """Next values of a carry: counters count, others become any value of their type."""
        results: list[Value] = []
        for v in inputs:
            if v.type == COUNTER and v.dtype != self.dtype:
                results.append(ops.add(v, ops.full(value=1, shape=(), dtype=I64)))
            elif v.dtype.kind == "b":
                results.append(ops.bitwise_not(v))
            elif v.dtype != self.dtype:
                results.append(ops.neg(v))
            else:
                same = [x for x in self.values if x.type == v.type]
                results.append(self.bounded(same[-1 - self.draw(min(3, len(same)))]))
        return results

    def several(self, most: int) -> list[Value]:
        return [self.pick() for _ in range(self.draw(most + 1))]

    def carried(self) -> list[Value]:
        """Initial values of a carry."""
        inits = self.several(2)
        if self.draw(2):
            inits.append(ops.full(value=self.draw(4) - 1, shape=(), dtype=I64))
        if self.draw(3) == 0:
            inits.append(ops.full(value=bool(self.draw(2)), shape=(2,), dtype=DTYPES["bool"]))
        if self.draw(6) == 0:
            inits.append(ops.full(value=0, shape=(0, 2), dtype=DTYPES["c128"]))
        return inits

    def rows(self, length: int) -> list[Value]:
        """Arrays of that length."""
        found: list[Value] = []
        for v in self.several(2):
            if v.ndim and v.shape[0] == length:
                found.append(v)
            elif v.type.size * length <= self.max_size:
                dims = tuple(range(1, v.ndim + 1))
                found.append(ops.broadcast(v, shape=(length, *v.shape), dims=dims))
        return found

    def scan(self) -> tuple[Value, ...]:
        length = (0, 1, 2, 3, 5)[self.draw(5)]
        consts, inits, xs = self.several(2), self.carried(), self.rows(length)
        types = [v.type for v in (*consts, *inits)]
        types += [v.type.with_shape(v.shape[1:]) for v in xs]
        first, last = len(consts), len(consts) + len(inits)

        def outputs(inner: RandomLoops, inputs: list[Value]) -> list[Value]:
            ys = [y for y in inner.several(2) if y.type.size * length <= self.max_size]
            return [*inner.following(inputs[first:last]), *ys]

        return ops.scan(
            *consts,
            *inits,
            *xs,
            regions=(self.inner(types, outputs, "body"),),
            length=length,
            reverse=bool(self.draw(2)),
            consts=len(consts),
            carries=len(inits),
            unroll=(1, 1, 2, 3)[self.draw(4)],
        )

    def branch(self) -> tuple[Value, ...]:
        operands = self.several(3)
        types = [v.type for v in operands]
        wanted = [v.type for v in self.several(2)]

        def outputs(inner: RandomLoops, inputs: list[Value]) -> list[Value]:
            results: list[Value] = []
            for type in wanted:
                same = [x for x in inner.values if x.type == type]
                results.append(
                    same[-1]
                    if same
                    else ops.full(value=inner.draw(5), shape=type.shape, dtype=type.dtype)
                )
            return results

        count = 1 + self.draw(3)
        regions = tuple(self.inner(types, outputs, f"branch{k}") for k in range(count))
        return ops.branch(self.start(), *operands, regions=regions)

    def while_loop(self) -> tuple[Value, ...]:
        """Counts up to a number of steps that is computed, and sweeps back and forth."""
        steps = ops.min(self.start(), ops.full(value=4, shape=(), dtype=I64))
        consts = [steps, *self.several(1)]
        carries = [[ops.full(value=0, shape=(), dtype=I64), *self.carried()]]
        for _ in range(self.draw(3)):
            carries.append(self.carried())
        const_types = [v.type for v in consts]
        tapes: list[ArrayType] = []
        sweeps: list[Graph] = []
        for carry in carries:
            first, last = len(consts), len(consts) + len(carry)

            def outputs(
                inner: RandomLoops, inputs: list[Value], first: int = first, last: int = last
            ) -> list[Value]:
                following = inner.following(inputs[first:last])
                if inputs[first:last] and first and not sweeps:
                    one = ops.full(value=1, shape=(), dtype=I64)
                    following[0] = ops.add(inputs[first], one)
                return [*following, *inner.several(2)]

            types = [*const_types, *[v.type for v in carry], *tapes]
            sweeps.append(self.inner(types, outputs, f"sweep{len(sweeps)}"))
            tapes += sweeps[-1].output_types[len(carry) :]
        condition = Builder("condition")
        inputs = [condition.input(t) for t in const_types]
        inputs += [condition.input(v.type) for v in carries[0]]
        with building(condition):
            holds = ops.lt(inputs[len(consts)], inputs[0])
        return ops.while_loop(
            *consts,
            *[v for carry in carries for v in carry],
            regions=(condition.build([holds]), *sweeps),
            consts=len(consts),
            carries=tuple(len(c) for c in carries),
            upwards=(True, *[bool(self.draw(2)) for _ in carries[1:]]),
        )
