"""Every op of the registry obeys every law."""

from __future__ import annotations

import pytest

from jitad_ir.op import NO_TANGENT, NOT_LOWERED, OPS, Op

from . import laws
from .cases import cases

ALL = [pytest.param(op, id=name) for name, op in sorted(OPS.items())]


def hold(sentences: list[str]) -> None:
    shown = "\n".join(sentences[:8])
    assert not sentences, f"{len(sentences)} times:\n{shown}"


@pytest.mark.parametrize("op", ALL)
def test_op_has_cases_to_test(op: Op) -> None:
    """Else the laws would hold for want of cases."""
    if op.lower is NOT_LOWERED and not op.samples:
        pytest.skip("removed by a pass; tested with the pass")
    assert op.doc
    tried = {case.index for case in cases(op)}
    assert tried == set(range(len(op.samples))), "a sample that the type rule rejects in any dtype"
    if op.jvp is not NO_TANGENT:
        assert any(c.differentiable and c.sample.smooth and c.wide for c in cases(op))


@pytest.mark.parametrize("op", ALL)
@pytest.mark.parametrize("law", [laws.type_rule, laws.text, laws.repeat, laws.batching])
def test_values(law: laws.Law, op: Op) -> None:
    hold(laws.broken(law, op))


@pytest.mark.parametrize("op", ALL)
@pytest.mark.parametrize("law", [laws.derivative, laws.transposition, laws.second_order])
def test_derivatives(law: laws.Law, op: Op) -> None:
    hold(laws.broken(law, op))


@pytest.mark.skipif(not laws.HAS_NATIVE, reason="jitad_ir.native.program is not there")
@pytest.mark.parametrize("op", ALL)
def test_native(op: Op) -> None:
    hold(laws.native(op))
