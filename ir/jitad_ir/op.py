"""The op record: everything jitad knows about one operation, in one place.

An `Op` is frozen and every slot is required, so that a missing rule is an error when the op is
defined, not when a user's program reaches it. "No rule" is said explicitly: `NO_TANGENT`,
`NONLINEAR`, `NOT_LOWERED`. A family such as `elementwise` fills in what its members share.

Calling conventions of the rules (each gets the static params, and `regions=` if it has any, as
keywords; rules that build IR call ops on Values, which append to the current builder):

=============  ================================================================================
`infer`        `(*operand_types, **params) -> ArrayType` (a tuple of them for several results);
               raises TypeMismatch with expected and got
`evaluate`     `(*arrays, **params) -> array` (a tuple for several results), over NumPy
`jvp`          what the tangents of the results are: `PerOperand`, `Joint` or `WithPrimal`
`transpose`    what the cotangents of linear operands are, see `Linear`, `Bilinear`, `Joint`
`batch`        `(size, batched, *operands, **params) -> Value` or tuple: the op over a leading axis
               of length `size` that operand i has where `batched[i]`; a result may come without
               the axis if it is the same in every lane. Ops with regions or a param `axis_name`
               also get `batch_axis=`, the name of the axis or None
`lower`        how native code computes it: one of the kinds of `jitad_ir.lowering`, or NOT_LOWERED
`samples`      operands and params on which every law of the op is tested
=============  ================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .graph import Graph, Number, Params, Typed, Value, current_builder
from .lowering import (
    ArgReduction,
    Cumulative,
    Elementwise,
    Pull,
    Reduction,
    Routine,
    Rule,
    Structured,
)
from .types import (
    ARRAY_TYPES,
    BOOL,
    ArrayType,
    DType,
    Shape,
    TypeMismatch,
    is_inexact,
    short_name,
)


class Marker:
    """A named, explicit absence of a rule."""

    def __init__(self, name: str, doc: str) -> None:
        self.name = name
        self.__doc__ = doc

    def __repr__(self) -> str:
        return self.name


NO_TANGENT = Marker("NO_TANGENT", "The results' tangents are zero whatever the operands'.")
NONLINEAR = Marker("NONLINEAR", "The op is not linear in this operand (or in any).")
NOT_LOWERED = Marker("NOT_LOWERED", "Inlined or removed by a pass before native code is planned.")


@dataclass(frozen=True, slots=True)
class PerOperand:
    """jvp as a sum: rule i is `(t, out, *operands, **params) -> tangent`, where t is the tangent
    of operand i and out the primal result; None where operand i does not move the result (a rule
    may also return None, where its params or dtype say so).
    Rules never see symbolic zeros; the pass sums the contributions. For ops with one result."""

    rules: tuple[Rule | None, ...]


@dataclass(frozen=True, slots=True)
class Joint:
    """One rule for all operands.

    As a jvp: `(tangents, outs, *operands, **params) -> tangents of the results`, where a tangent
    is None if it is zero. As a transpose: `(cts, *operands, **params) -> cotangents of the
    operands`, where cts has None for a zero cotangent, and linear operands come as `Unknown`.
    """

    rule: Rule


@dataclass(frozen=True, slots=True)
class WithPrimal:
    """One jvp rule that gives the primal results too: `(tangents, *operands, **params) ->
    (results, tangents of the results)`. For structured ops, whose forward body changes."""

    rule: Rule


@dataclass(frozen=True, slots=True)
class Linear:
    """The op is linear in the operands with a rule, jointly. Rule i is
    `(ct, *operands, **params) -> cotangent of operand i`; linear operands come as `Unknown`;
    NONLINEAR where it is not linear in operand i. A single rule may serve a variadic op:
    see `Joint`."""

    rules: tuple[Rule | Marker, ...]


@dataclass(frozen=True, slots=True)
class Bilinear:
    """The op is linear in either of its first operands while the others are fixed. Rule i is
    `(ct, *operands, **params) -> cotangent of operand i`."""

    rules: tuple[Rule | Marker, ...]


@dataclass(frozen=True, slots=True)
class Masked:
    """A cotangent that is `value` where `keep` (bool, of its shape) is true and zero elsewhere.

    A transpose rule may return it in place of `select(keep, value, 0)`. The transpose pass then
    puts the selection off until behind the elementwise rules that follow, so that an infinite or
    nan derivative in a branch not taken (0 * inf = nan) does not reach the branch taken.
    """

    keep: Value
    value: Value


class Unknown(Typed):
    """Stands for a linear operand in a transpose rule: only its type is known."""

    __slots__ = ()


Lowering: TypeAlias = (
    Elementwise | Pull | Reduction | ArgReduction | Cumulative | Routine | Structured | Marker
)
"""How native code computes an op, see `jitad_ir.lowering`; or NOT_LOWERED."""


@dataclass(frozen=True, slots=True)
class Draw:
    """How the laws draw one operand: `shape`, elements uniform in [low, high) of the sample's
    dtype, or of the fixed `dtype`. `values` replaces drawing by given elements."""

    shape: Shape = (4,)
    low: float = -3.0
    high: float = 3.0
    dtype: str | None = None
    values: tuple[Number, ...] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Operands and params on which an op's laws are tested, in each dtype of `dtypes` (IR names;
    None: every dtype the type rule accepts)."""

    operands: tuple[Draw, ...]
    params: Params = field(default_factory=dict[str, Any])
    dtypes: tuple[str, ...] | None = None
    smooth: bool = True
    """False where the op has kinks or jumps that finite differences would step over."""


class Pruned(NamedTuple):
    """An op without what nobody uses: its new params and regions, and which of its
    operands and results are left."""

    params: Params
    regions: tuple[Graph, ...]
    operands: Sequence[bool]
    results: Sequence[bool]


OPS: dict[str, Op] = {}
"""Every op by name; filled as the modules of `jitad_ir.ops` are imported."""


@dataclass(frozen=True, eq=False, slots=True)
class Op:
    """One operation. Call it on Values (and, in elementwise ops, Python numbers) to append it to
    the current builder."""

    name: str
    doc: str
    infer: Rule
    evaluate: Rule
    jvp: PerOperand | Joint | WithPrimal | Marker
    transpose: Linear | Bilinear | Joint | Marker
    batch: Rule
    lower: Lowering
    samples: tuple[Sample, ...]
    multiple_results: bool = False
    split: Rule | None = None
    """Structured ops only, which may be divided into a known and an unknown part:
    `(unknown, *operands, **params) -> (results, residuals, rest)`, run in the known program.
    `unknown[i]` tells that operand i is not known (it comes as `Unknown`); results has None for
    what is not known; `rest(residuals, unknown_operands)`, run in the other program, gives the
    results that results has None for. None: an equation with an unknown operand is unknown."""
    expand: Rule | None = None
    """Structured ops only, which stand for straight-line code: `(*operands, **params) -> results`
    builds that code. The inline pass applies it before native code is planned."""
    prune: Rule | None = None
    """`(used, regions, **params) -> Pruned`: the op without what serves only results i with not
    `used[i]`, parts of loops, the vectors of a decomposition. The dce pass applies it."""
    effect: bool = False
    """It acts on the world (prints, calls back): passes keep it, in order and once, even if nobody
    reads its results."""
    runs: int | None = None
    """Structured ops only: how many regions, the first ones, run when it does (the others are
    rules for passes); None: all of them."""

    def __post_init__(self) -> None:
        if self.name in OPS:
            raise ValueError(f"op {self.name} is defined twice")
        OPS[self.name] = self

    def result_types(
        self, operands: Sequence[Value], params: Params, regions: tuple[Graph, ...] = ()
    ) -> tuple[ArrayType, ...]:
        """Types of the results, by the op's type rule; raises TypeMismatch."""
        return self.types_of([v.type for v in operands], params, regions)

    def types_of(
        self, types: Sequence[ArrayType], params: Params, regions: tuple[Graph, ...] = ()
    ) -> tuple[ArrayType, ...]:
        """Types of the results for operands of `types`; raises TypeMismatch."""
        if regions:
            result = self.infer(*types, **params, regions=regions)
        elif params:
            result = self.infer(*types, **params)
        else:
            return _inferred(self, *types)
        return result if self.multiple_results else (result,)

    def __call__(
        self, *operands: Value | Number, regions: tuple[Graph, ...] = (), **params: Any
    ) -> Any:
        """Append to the current builder: the result Value, or a tuple if several."""
        values: tuple[Value, ...] = operands  # pyright: ignore[reportAssignmentType]
        for operand in operands:
            if not isinstance(operand, Value):
                values = _literals(self, operands)
                break
        outputs = current_builder().add(self, values, params, regions)
        return outputs if self.multiple_results else outputs[0]

    def __repr__(self) -> str:
        return f"<op {self.name}>"


@lru_cache(maxsize=8192)
def _inferred(op: Op, *types: ArrayType) -> tuple[ArrayType, ...]:
    """Result types of an op without params, remembered: tracing asks again and again."""
    result = op.infer(*types)
    return result if op.multiple_results else (result,)


def _literals(op: Op, operands: Sequence[Value | Number]) -> tuple[Value, ...]:
    """Python numbers among the operands as `full` of the first Value's type."""
    like = next((v.type for v in operands if isinstance(v, Value)), None)
    if like is None:
        raise TypeError(f"{op.name}: expected at least one Value; got {operands!r}")
    full = OPS["full"]
    return tuple(
        [
            v if isinstance(v, Value) else full(value=v, shape=like.shape, dtype=like.dtype)
            for v in operands
        ]
    )


# Type rules and batch rules that families share.


def same_types(name: str, types: Sequence[ArrayType], kinds: str) -> ArrayType:
    """The one type of all operands, with a dtype whose kind is in `kinds` (NumPy kind letters:
    b bool, i signed, u unsigned, f float, c complex); raises TypeMismatch."""
    first = types[0]
    for other in types[1:]:
        if other != first:
            got = " and ".join(map(repr, types))
            raise TypeMismatch(f"{name}: operands must have one type; got {got}")
    if first.dtype.kind not in kinds:
        expected = " or ".join(_KIND_NAMES[k] for k in kinds)
        raise TypeMismatch(f"{name}: expected {expected} operands; got {short_name(first.dtype)}")
    return first


_KIND_NAMES = {
    "b": "bool",
    "i": "signed integer",
    "u": "unsigned integer",
    "f": "float",
    "c": "complex",
}


def in_every_lane(value: Value, size: int) -> Value:
    """`value` with a leading batch axis of length `size`, by broadcasting."""
    dims = tuple(range(1, value.ndim + 1))
    return OPS["broadcast"](value, shape=(size, *value.shape), dims=dims)


def batch_to_front(size: int, batched: Sequence[bool], operands: Sequence[Value]) -> list[Value]:
    """Give every unbatched operand the leading batch axis."""
    return [
        v if has_axis else in_every_lane(v, size)
        for v, has_axis in zip(operands, batched, strict=True)
    ]


def elementwise(
    name: str,
    doc: str,
    *,
    kinds: str,
    evaluate: Rule,
    jvp: Sequence[Rule | None] | Marker,
    transpose: Linear | Bilinear | Joint | Marker,
    emit: Rule,
    samples: Sequence[Sample],
    result: Callable[[DType], DType] | None = None,
    dear: bool = False,
) -> Op:
    """Family of ops that act element by element on operands of one type with dtypes of `kinds`.

    `result(dtype)` is the result's dtype (default: the operands'); `evaluate` gets the params as
    keywords and may return any dtype of the right kind: it is cast to the result's.
    """

    def infer(*types: ArrayType, **_params: Any) -> ArrayType:
        operand = same_types(name, types, kinds)
        return operand if result is None else operand.with_dtype(result(operand.dtype))

    def batch(size: int, batched: Sequence[bool], *operands: Value, **params: Any) -> Value:
        return op(*batch_to_front(size, batched, operands), **params)

    op = Op(
        name=name,
        doc=doc,
        infer=infer,
        evaluate=evaluate,
        jvp=jvp if isinstance(jvp, Marker) else PerOperand(tuple(jvp)),
        transpose=transpose,
        batch=batch,
        lower=Elementwise(emit, dear),
        samples=tuple(samples),
    )
    return op


def to_bool(_dtype: DType) -> DType:
    """Result dtype of comparisons and predicates."""
    return BOOL


def carries_tangent(type: ArrayType) -> bool:
    """True if values of this type have tangents: float and complex arrays."""
    return is_inexact(type.dtype)


def as_result(array: Any, type: ArrayType) -> Any:
    """`array` as a result of the IR type: its dtype cast where a NumPy function chose another."""
    if isinstance(array, ARRAY_TYPES) and array.dtype == type.dtype:
        return array
    return np.asarray(array).astype(type.dtype)
