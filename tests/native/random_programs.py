"""Random graphs of elementwise ops, views and folds, for tests of plans and native code.

All arithmetic stays in small integers (exactly represented in floats too), so that native code and
the reference interpreter must agree to the bit whatever the order of operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.graph import Builder, Graph, Value, building
from jitad_ir.types import DTYPES, ArrayType

Draw = Callable[[int], int]
"""`draw(n)` is a number in 0..n-1."""

LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 70)


class RandomProgram:
    """Grows a graph by random equations on values drawn from those there are."""

    def __init__(self, draw: Draw, dtype: str, max_size: int = 3000) -> None:
        self.draw = draw
        self.dtype = DTYPES[dtype]
        self.builder = Builder("random")
        self.max_size = max_size
        self.values: list[Value] = []

    def grow(self, inputs: int, equations: int) -> Graph:
        """A graph of about that many equations; its outputs are a few of its values."""
        for _ in range(inputs):
            self.values.append(self.builder.input(ArrayType(self.dtype, self.shape())))
        with building(self.builder):
            for _ in range(equations):
                self.values.append(self.equation())
        count = 1 + self.draw(4)
        outputs = [self.values[-1], *[self.pick() for _ in range(count - 1)]]
        return self.builder.build(outputs)

    def shape(self) -> tuple[int, ...]:
        """A shape of up to three axes; seldom without elements."""
        ndim = self.draw(4)
        if self.draw(24) == 0 and ndim:
            return (0,) * ndim
        longest = {0: 1, 1: len(LENGTHS), 2: 12, 3: 6}[ndim]
        return tuple(LENGTHS[self.draw(longest)] for _ in range(ndim))

    def pick(self) -> Value:
        """A value, recent ones more often."""
        n = len(self.values)
        if self.draw(2):
            return self.values[-1 - self.draw(min(n, 4))]
        return self.values[self.draw(n)]

    def equation(self) -> Value:
        """One more value."""
        kinds = (
            self.binary,
            self.binary,
            self.unary,
            self.comparison,
            self.broadcast,
            self.transpose,
            self.reshape,
            self.slice,
            self.pad,
            self.concatenate,
            self.reduce,
            self.reduce,
            self.position,
            self.running,
            self.constant,
            self.gather,
            self.dear,
            self.routine,
        )
        return kinds[self.draw(len(kinds))]()

    def like(self, x: Value) -> Value:
        """Another value of the type of x: one there is, or one made for it."""
        same = [v for v in self.values if v.type == x.type]
        if len(same) > 1 or self.draw(2):
            return same[self.draw(len(same))]
        fitting = [v for v in self.values if v.ndim == 1 and x.ndim and v.shape[0] == x.shape[-1]]
        if fitting:
            v = fitting[self.draw(len(fitting))]
            return ops.broadcast(v, shape=x.shape, dims=(x.ndim - 1,))
        return self.small(x.shape)

    def small(self, shape: tuple[int, ...]) -> Value:
        """A constant or a counter."""
        if shape and self.draw(2):
            counter = ops.iota(shape=shape, dim=self.draw(len(shape)), dtype=self.dtype)
            seven = ops.full(value=7, shape=shape, dtype=self.dtype)
            return ops.min(counter, seven)
        return ops.full(value=self.draw(5) - 2, shape=shape, dtype=self.dtype)

    def bounded(self, x: Value) -> Value:
        """x, in -9..9."""
        low = ops.full(value=-9, shape=x.shape, dtype=self.dtype)
        high = ops.full(value=9, shape=x.shape, dtype=self.dtype)
        return ops.max(ops.min(x, high), low)

    def binary(self) -> Value:
        x = self.pick()
        op = (ops.add, ops.sub, ops.mul, ops.max, ops.min)[self.draw(5)]
        return self.bounded(op(x, self.like(x)))

    def unary(self) -> Value:
        return (ops.neg, ops.abs, ops.sign)[self.draw(3)](self.pick())

    def routine(self) -> Value:
        """An op on whole arrays: its operands and results are in memory."""
        x = self.pick()
        if x.ndim == 0:
            return ops.neg(x)
        signs = ops.sign(self.like(x))
        axis = self.draw(x.ndim)
        return self.bounded(ops.linear_recurrence(signs, x, axis=axis, reverse=bool(self.draw(2))))

    def dear(self) -> Value:
        """A function that is not to be computed twice, of an exact result: 0 whatever x."""
        if self.dtype.kind != "f":
            return self.unary()
        x = self.pick()
        one = ops.full(value=1, shape=x.shape, dtype=self.dtype)
        return ops.floor(ops.logistic(ops.add(ops.abs(x), one)))

    def comparison(self) -> Value:
        x = self.pick()
        y = self.like(x)
        return ops.select((ops.lt, ops.eq, ops.ge)[self.draw(3)](x, y), x, self.like(x))

    def broadcast(self) -> Value:
        x = self.pick()
        shape = list(x.shape)
        dims = list(range(x.ndim))
        if x.ndim < 3:
            axis = self.draw(x.ndim + 1)
            shape.insert(axis, LENGTHS[self.draw(7)])
            dims = [d + (d >= axis) for d in dims]
        for axis, dim in enumerate(dims):
            if x.shape[axis] == 1 and self.draw(2):
                shape[dim] = LENGTHS[self.draw(7)]
        if np.prod(shape) > self.max_size:
            return x
        return ops.broadcast(x, shape=tuple(shape), dims=tuple(dims))

    def transpose(self) -> Value:
        x = self.pick()
        order = list(range(x.ndim))
        for i in range(x.ndim - 1, 0, -1):
            j = self.draw(i + 1)
            order[i], order[j] = order[j], order[i]
        return ops.transpose(x, permutation=tuple(order))

    def reshape(self) -> Value:
        x = self.pick()
        size = x.type.size
        shape: list[int] = []
        if size:
            for divisor in (2, 3, 5, 7):
                if size % divisor == 0 and self.draw(2):
                    shape.append(divisor)
                    size //= divisor
        shape.insert(self.draw(len(shape) + 1), size)
        return ops.reshape(x, shape=tuple(shape))

    def slice(self) -> Value:
        x = self.pick()
        start = tuple(self.draw(n + 1) if n else 0 for n in x.shape)
        limit = tuple(s + self.draw(n - s + 1) for s, n in zip(start, x.shape, strict=True))
        stride = tuple(1 + self.draw(3) for _ in x.shape)
        if self.draw(3) == 0:
            return ops.reverse(x, axes=tuple(a for a in range(x.ndim) if self.draw(2)))
        return ops.slice(x, start=start, limit=limit, stride=stride)

    def pad(self) -> Value:
        x = self.pick()
        zero = ops.full(value=self.draw(3), shape=(), dtype=self.dtype)
        interior = tuple(self.draw(2) * self.draw(3) for _ in x.shape)
        cores = [n + max(n - 1, 0) * g for n, g in zip(x.shape, interior, strict=True)]
        low = tuple(max(self.draw(5) - 2, -n) for n in cores)
        high = tuple(max(self.draw(5) - 2, -(n + lo)) for n, lo in zip(cores, low, strict=True))
        grown = [n + lo + hi for n, lo, hi in zip(cores, low, high, strict=True)]
        if np.prod(grown) > self.max_size:
            return x
        return ops.pad(x, zero, low=low, high=high, interior=interior)

    def concatenate(self) -> Value:
        x = self.pick()
        if x.ndim == 0 or 3 * x.type.size > self.max_size:
            return x
        axis = self.draw(x.ndim)
        around = (*x.shape[:axis], *x.shape[axis + 1 :])
        others = [
            v
            for v in self.values
            if v.ndim == x.ndim and (*v.shape[:axis], *v.shape[axis + 1 :]) == around
        ]
        count = 9 if self.draw(3) == 0 and 9 * x.type.size < self.max_size else 1 + self.draw(2)
        parts = [x] + [others[self.draw(len(others))] for _ in range(count)]
        return ops.concatenate(*parts, axis=axis)

    def reduce(self) -> Value:
        x = self.pick()
        axes = tuple(a for a in range(x.ndim) if self.draw(2))
        op = (ops.reduce_sum, ops.reduce_max, ops.reduce_min)[self.draw(3)]
        if any(x.shape[a] == 0 for a in axes):
            op = ops.reduce_sum
        return self.bounded(op(x, axes=axes))

    def position(self) -> Value:
        x = self.pick()
        axes = [a for a in range(x.ndim) if x.shape[a]]
        if not axes:
            return ops.neg(x)
        found = (ops.argmax, ops.argmin)[self.draw(2)](x, axis=axes[self.draw(len(axes))])
        return self.bounded(ops.convert(found, dtype=self.dtype))

    def running(self) -> Value:
        x = self.pick()
        if x.ndim == 0:
            return ops.abs(x)
        op = (ops.cumsum, ops.cummax)[self.draw(2)]
        return self.bounded(op(x, axis=self.draw(x.ndim), reverse=bool(self.draw(2))))

    def constant(self) -> Value:
        x = self.pick()
        rng = np.random.default_rng(self.draw(100))
        return ops.constant(value=rng.integers(-4, 5, x.shape).astype(self.dtype))

    def gather(self) -> Value:
        """A slice whose start is computed."""
        x = self.pick()
        if x.ndim == 0 or x.type.size == 0:
            return ops.neg(x)
        sizes = tuple(1 + self.draw(n) for n in x.shape)
        starts = []
        for _ in sizes:
            y = self.pick_nonempty()
            number = self.bounded(ops.reduce_sum(y, axes=tuple(range(y.ndim))))
            starts.append(ops.convert(number, dtype=DTYPES["i64"]))
        return ops.dynamic_slice(x, *starts, sizes=sizes)

    def pick_nonempty(self) -> Value:
        x = self.pick()
        return x if x.type.size else ops.full(value=1, shape=(2,), dtype=self.dtype)


def arguments(graph: Graph, seed: int) -> list[Any]:
    """Arrays of small integers for the inputs of a graph."""
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.integers(-9, 10, v.shape).astype(v.dtype)) for v in graph.inputs]
