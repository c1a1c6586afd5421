"""Cases drawn from the registry: an op on one of its samples in one dtype."""

from __future__ import annotations

import functools
import math
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import jitad_ir.ops  # noqa: F401  (fills the registry)
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.op import Draw, Op, PerOperand, Sample
from jitad_ir.ops.library_functions import NoSlope
from jitad_ir.types import DTYPES, TypeMismatch, type_of

WIDE = {"f16": "f64", "f32": "f64", "c64": "c128"}


@dataclass(frozen=True, eq=False)
class Case:
    """One application of an op; `graph` is the op alone on the operands' types."""

    op: Op
    index: int
    sample: Sample
    dtype: str
    params: dict[str, Any]
    operands: tuple[np.ndarray, ...]
    graph: Graph

    def __str__(self) -> str:
        params = "".join([f", {k}={v}" for k, v in self.params.items()])
        types = ", ".join([repr(v.type) for v in self.graph.inputs])
        return f"{self.op.name}({types}{params}) [sample {self.index}, {self.dtype}]"

    @property
    def moving(self) -> list[int]:
        """Positions of the operands that may carry tangents."""
        rule = self.op.jvp
        rules = rule.rules if isinstance(rule, PerOperand) else ()
        fixed = [i for i, r in enumerate(rules) if isinstance(r, NoSlope)]
        return [i for i, v in enumerate(self.graph.inputs) if v.type.is_inexact and i not in fixed]

    @property
    def differentiable(self) -> bool:
        """True if tangents of operands can move a result."""
        return bool(self.moving) and any(v.type.is_inexact for v in self.graph.outputs)

    @property
    def wide(self) -> bool:
        """True if every inexact operand and result has double precision."""
        values = (*self.graph.inputs, *self.graph.outputs)
        return all(v.dtype.name in ("float64", "complex128") for v in values if v.type.is_inexact)

    @property
    def half(self) -> bool:
        """True if an operand or a result is float16."""
        return any(v.dtype.name == "float16" for v in (*self.graph.inputs, *self.graph.outputs))

    def rng(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each case and purpose."""
        return np.random.default_rng(
            zlib.crc32(f"{self.op.name} {self.index} {self.dtype} {purpose}".encode())
        )

    def draw_again(self, purpose: str) -> tuple[np.ndarray, ...]:
        """Other operands of the same sample (equal ones where it gives the elements)."""
        rng = self.rng(purpose)
        return tuple([draw(d, self.dtype, rng) for d in self.sample.operands])


def draw(d: Draw, dtype: str, rng: np.random.Generator) -> np.ndarray:
    """An operand as `d` describes it, in `dtype` unless it has one of its own."""
    target = DTYPES[d.dtype or dtype]
    if d.values is not None:
        if target.kind != "c" and any(isinstance(v, complex) for v in d.values):
            raise TypeMismatch("complex elements in a real dtype")
        with np.errstate(all="ignore"):
            return np.array(d.values).astype(target).reshape(d.shape)
    if target.kind == "b":
        return np.asarray(rng.integers(0, 2, d.shape).astype(target))
    low = max(d.low, 0.0) if target.kind == "u" else d.low
    drawn = _spread(d.shape, low, max(d.high, low), rng)
    if target.kind == "c":
        drawn = drawn + 1j * _spread(d.shape, d.low, d.high, rng)
    return np.asarray(drawn).astype(target)


def _spread(
    shape: tuple[int, ...], low: float, high: float, rng: np.random.Generator
) -> np.ndarray:
    """Uniform in [low, high), one in each of as many cells, in random order: no two elements are
    so close that finite differences would swap them."""
    size = math.prod(shape)
    cells = rng.permutation(size) + rng.uniform(0.1, 0.9, size)
    return (low + (high - low) * cells / max(size, 1)).reshape(shape)


def make(
    op: Op, index: int, sample: Sample, dtype: str, operands: Sequence[np.ndarray] | None = None
) -> Case | None:
    """The case, or None if the type rule rejects the dtype."""
    params = dict(sample.params)
    rng = np.random.default_rng(zlib.crc32(f"{op.name} {index} {dtype}".encode()))
    try:
        if operands is None:
            operands = [draw(d, dtype, rng) for d in sample.operands]
        builder = Builder(op.name)
        with building(builder):
            outs = op(*[builder.input(type_of(a)) for a in operands], **params)
    except TypeMismatch:
        return None
    graph = builder.build(outs if op.multiple_results else (outs,))
    return Case(op, index, sample, dtype, params, tuple(operands), graph)


@functools.lru_cache(maxsize=4)
def cases(op: Op) -> tuple[Case, ...]:
    """Every case of `op`: each sample in each dtype that the sample and the type rule allow."""
    return tuple([case for case in _cases(op) if case is not None])


def _cases(op: Op) -> Iterator[Case | None]:
    for index, sample in enumerate(op.samples):
        dtypes = sample.dtypes or tuple(DTYPES)
        if all(d.dtype is not None for d in sample.operands):
            dtypes = dtypes[:1]  # nothing varies
        for dtype in dtypes:
            yield make(op, index, sample, dtype)


def widen(case: Case) -> Case:
    """The same case in double precision: its operands, and its params that are dtypes."""

    def wide(name: str) -> str:
        return WIDE.get(name, name)

    short = {dtype: name for name, dtype in DTYPES.items()}

    def wide_param(param: Any) -> Any:
        return DTYPES[wide(short[param])] if isinstance(param, np.dtype) else param

    draws = tuple(
        [
            Draw(d.shape, d.low, d.high, wide(d.dtype) if d.dtype else None, d.values)
            for d in case.sample.operands
        ]
    )
    params = {name: wide_param(param) for name, param in case.params.items()}
    operands = [a.astype(DTYPES[wide(short[a.dtype])]) for a in case.operands]
    sample = Sample(draws, params, None, case.sample.smooth)
    twin = make(case.op, case.index, sample, wide(case.dtype), operands)
    assert twin is not None, f"{case}: the type rule rejects double precision"
    return twin
