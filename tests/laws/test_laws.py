"""Every op of the registry obeys every law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jitad_ir.graph import Builder, building
from jitad_ir.lowering import Elementwise, Structured
from jitad_ir.op import NO_TANGENT, NOT_LOWERED, OPS, Op
from jitad_ir.types import DTYPES, ArrayType, TypeMismatch

from . import laws, native
from .cases import cases

ALL = [pytest.param(op, id=name) for name, op in sorted(OPS.items())]


def hold(sentences: list[str]) -> None:
    shown = "\n".join(sentences[:8])
    assert not sentences, f"{len(sentences)} times:\n{shown}"


@pytest.mark.parametrize("op", ALL)
def test_op_has_cases_to_test(op: Op) -> None:
    """Else the laws would hold for want of cases."""
    if (op.lower is NOT_LOWERED or isinstance(op.lower, Structured)) and not op.samples:
        pytest.skip("removed by a pass and tested with it, or a loop or branch with its own tests")
    if op.name in ("check", "io_callback", "pure_callback"):
        pytest.skip("a Python function has no text: tested in tests/debug and experimental")
    assert op.doc
    tried = {case.index for case in cases(op)}
    assert tried == set(range(len(op.samples))), "a sample that the type rule rejects in any dtype"
    if op.jvp is not NO_TANGENT:
        assert any(c.differentiable and c.sample.smooth and c.wide for c in cases(op))


def rejected(op: Op, types: list[ArrayType], params: dict[str, Any]) -> str | None:
    """What the type rule says against operands of `types`; None if it takes them."""
    builder = Builder()
    inputs = [builder.input(t) for t in types]
    try:
        with building(builder):
            op(*inputs, **params)
    except TypeMismatch as error:
        return str(error)
    return None


@pytest.mark.parametrize("op", ALL)
def test_every_dtype_is_tried_or_rejected_with_the_name_of_the_op(op: Op) -> None:
    """Also dtypes that a sample leaves out."""
    tried = {case.dtype for case in cases(op)}
    for sample in op.samples:
        if all(d.dtype is not None for d in sample.operands):
            continue
        for dtype in DTYPES:
            types = [ArrayType(DTYPES[d.dtype or dtype], d.shape) for d in sample.operands]
            said = rejected(op, types, dict(sample.params))
            if said is None:
                assert dtype in tried, f"no sample of {op.name} is tried in {dtype}"
            else:
                assert said.startswith(f"{op.name}: ")


SEVERAL_OPERANDS = [
    pytest.param(op, id=name)
    for name, op in sorted(OPS.items())
    if isinstance(op.lower, Elementwise) and len(op.samples[0].operands) > 1
]


@pytest.mark.parametrize("op", SEVERAL_OPERANDS)
def test_elementwise_operands_have_one_shape(op: Op) -> None:
    """Broadcasting is an op of its own."""
    case = cases(op)[0]
    types = list(case.graph.input_types)
    for position, type in enumerate(types):
        other = type.with_shape((*type.shape, 1))
        changed = [*types[:position], other, *types[position + 1 :]]
        said = rejected(op, changed, case.params)
        assert said is not None and said.startswith(f"{op.name}: ") and repr(other) in said


@pytest.mark.parametrize("op", ALL)
@pytest.mark.parametrize("law", [laws.type_rule, laws.text, laws.repeat, laws.batching])
def test_values(law: laws.Law, op: Op) -> None:
    hold(laws.broken(law, op))


@pytest.mark.parametrize("op", ALL)
@pytest.mark.parametrize(
    "law",
    [laws.derivative, laws.transposition, laws.second_order, laws.dependence, laws.coefficients],
)
def test_derivatives(law: laws.Law, op: Op) -> None:
    hold(laws.broken(law, op))


@pytest.mark.parametrize("op", ALL)
@pytest.mark.parametrize("law", [native.native, native.native_derivative])
def test_native(law: Callable[[Op], list[str]], op: Op) -> None:
    hold(law(op))
