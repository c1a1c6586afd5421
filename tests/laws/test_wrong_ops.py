"""The laws have teeth: each of these ops is wrong in one way, and the law for it says so."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from jitad_ir.lowering import Elementwise
from jitad_ir.op import NO_TANGENT, OPS, Draw, Linear, Op, PerOperand, Sample
from jitad_ir.ops import (
    add,
    broadcast,
    conj,
    cos,
    mul,
    neg,
    reduce_sum,
    select,
    sin,
    square,
    stop_gradient,
    sub,
    transpose,
)

from . import laws, native

Wrong = Callable[..., Op]


@pytest.fixture
def wrong() -> Iterator[Wrong]:
    """Makes a variant of an op, registered under a name of its own until the test ends."""
    made: list[str] = []

    def variant(op: Op, **changes: Any) -> Op:
        name = f"wrong_{op.name}_{len(made)}"
        made.append(name)
        return dataclasses.replace(op, name=name, **changes)

    yield variant
    for name in made:
        del OPS[name]


def caught(law: laws.Law, op: Op, *words: str) -> None:
    """The law is broken, and the sentence names op, sample, dtype and what is off."""
    sentences = laws.broken(law, op)
    assert sentences
    for word in (op.name, "[sample ", *words):
        assert any(word in sentence for sentence in sentences), sentences[0]


ALL_LAWS = (
    laws.type_rule,
    laws.text,
    laws.repeat,
    laws.derivative,
    laws.transposition,
    laws.second_order,
    laws.dependence,
    laws.coefficients,
    laws.batching,
)


@pytest.mark.parametrize("law", ALL_LAWS)
def test_an_unchanged_variant_obeys_every_law(wrong: Wrong, law: laws.Law) -> None:
    """So what the other tests see is the change."""
    assert laws.broken(law, wrong(sin)) == []


# Values.


def test_type_rule_with_another_shape(wrong: Wrong) -> None:
    op = wrong(transpose, infer=lambda x, *, permutation: x)
    caught(laws.type_rule, op, "shape (2, 3) by the type rule, (3, 2) by evaluate")


def test_type_rule_with_another_dtype(wrong: Wrong) -> None:
    op = wrong(sin, infer=lambda x: x.with_dtype(np.dtype("int32")))
    caught(laws.type_rule, op, "dtype int32 by the type rule, float64 by evaluate")


def test_evaluate_that_raises(wrong: Wrong) -> None:
    def evaluate(x: Any) -> Any:
        raise ZeroDivisionError("no")

    caught(laws.type_rule, wrong(sin, evaluate=evaluate), "ZeroDivisionError: no")


def test_param_that_does_not_print(wrong: Wrong) -> None:
    sample = Sample((Draw(),), {"factors": [1, 2]})
    op = wrong(sin, samples=(sample,), infer=lambda x, factors: x, jvp=NO_TANGENT)
    caught(laws.text, op, "[1, 2]")


def test_evaluate_that_varies(wrong: Wrong) -> None:
    count = itertools.count()
    op = wrong(sin, evaluate=lambda x: np.sin(x) + next(count))
    caught(laws.repeat, op, "evaluate gives")


def test_evaluate_that_writes_to_its_operand(wrong: Wrong) -> None:
    def evaluate(x: Any) -> Any:
        return np.negative(x, out=x) if isinstance(x, np.ndarray) else -x

    caught(laws.repeat, wrong(neg, evaluate=evaluate), "writes to an operand")


# Derivatives.


def test_jvp_with_a_factor(wrong: Wrong) -> None:
    rule = PerOperand((lambda t, out, x: mul(t, mul(cos(x), 1.001)),))
    caught(laws.derivative, wrong(sin, jvp=rule), "tangent by operands (0,)")


def test_jvp_wrong_in_single_precision_only(wrong: Wrong) -> None:
    def rule(t: Any, out: Any, x: Any) -> Any:
        return mul(t, mul(cos(x), 1.01 if x.dtype == np.float32 else 1.0))

    caught(laws.derivative, wrong(sin, jvp=PerOperand((rule,))), "f32")


def test_jvp_that_forgets_an_operand(wrong: Wrong) -> None:
    rule = PerOperand((lambda t, out, x, y: mul(t, y), None))
    caught(laws.derivative, wrong(mul, jvp=rule), "tangent by operands (1,)")


def test_jvp_that_is_missing(wrong: Wrong) -> None:
    caught(laws.derivative, wrong(sin, jvp=NO_TANGENT), "is np.float64(0.0)")


def test_jvp_of_the_conjugate(wrong: Wrong) -> None:
    """Right in the real direction alone."""
    rule = PerOperand((lambda t, out, x: mul(conj(t) if x.dtype.kind == "c" else t, cos(x)),))
    caught(laws.derivative, wrong(sin, jvp=rule), "c128")


def test_jvp_that_is_not_linear(wrong: Wrong) -> None:
    rule = PerOperand((lambda t, out, x: sub(mul(square(t), cos(x)), t),))
    caught(laws.transposition, wrong(sin, jvp=rule), "InvalidGraph: square is not linear")


def test_jvp_that_does_not_depend_on_the_tangent(wrong: Wrong) -> None:
    rule = PerOperand((lambda t, out, x: cos(x),))
    caught(laws.transposition, wrong(sin, jvp=rule), "does not depend on any tangent")


def test_jvp_right_at_first_order_only(wrong: Wrong) -> None:
    rule = PerOperand((lambda t, out, x: mul(t, stop_gradient(cos(x))),))
    op = wrong(sin, jvp=rule)
    assert laws.broken(laws.derivative, op) == []
    caught(laws.second_order, op, "tangent of the tangent")


def test_transpose_with_a_sign(wrong: Wrong) -> None:
    rule = Linear((lambda ct, x, y: ct, lambda ct, x, y: ct))
    caught(laws.transposition, wrong(sub, transpose=rule), "<A t, u> = ")


def test_transpose_with_conjugation(wrong: Wrong) -> None:
    """<u, v> = sum u v has no conjugate in it."""
    op = wrong(mul, transpose=Linear((lambda ct, x, y: mul(ct, conj_of(y)),)))
    caught(laws.transposition, op, "c128")


def conj_of(y: Any) -> Any:
    return conj(y) if y.dtype.kind == "c" else y


def test_transpose_of_another_type(wrong: Wrong) -> None:
    rule = Linear((lambda ct, x, *, axes: ct,))
    caught(laws.transposition, wrong(reduce_sum, transpose=rule), "AssertionError: cotangent")


def test_transpose_of_what_is_not_linear(wrong: Wrong) -> None:
    op = wrong(square, transpose=Linear((lambda ct, x: mul(ct, 2),)))
    caught(laws.transposition, op, "<A t, u> = ")


def test_transpose_of_the_other_branch(wrong: Wrong) -> None:
    rules = (select.transpose.rules[0], *reversed(select.transpose.rules[1:]))
    caught(laws.transposition, wrong(select, transpose=Linear(rules)), "<A t, u> = ")


# Batching.


def test_batch_over_the_wrong_axis(wrong: Wrong) -> None:
    op = wrong(
        reduce_sum,
        samples=(Sample((Draw((3, 3)),), {"axes": (0,)}),),
        batch=lambda size, batched, x, *, axes: reduce_sum(x, axes=axes),
    )
    caught(laws.batching, op, "batched in operands (0,)")


def test_batch_that_forgets_unbatched_operands(wrong: Wrong) -> None:
    op = wrong(add, batch=lambda size, batched, x, y: add(x, y))
    caught(laws.batching, op, "TypeMismatch: add: operands must have one type")


def test_batch_that_mixes_lanes(wrong: Wrong) -> None:
    def rule(size: int, batched: Any, x: Any) -> Any:
        total = reduce_sum(x, axes=(0,))
        return broadcast(total, shape=x.shape, dims=tuple(range(1, x.ndim)))

    caught(laws.batching, wrong(neg, batch=rule), "result 0, batched in operands (0,) is ")


# Native code.


def test_emit_of_another_function(wrong: Wrong) -> None:
    op = wrong(sin, lower=Elementwise(lambda b, x: b.cos(x)))
    sentences = native.native(op)
    assert any(op.name in s and "native code is" in s for s in sentences), sentences


def test_emit_of_another_function_in_a_derivative(wrong: Wrong) -> None:
    op = wrong(cos, lower=Elementwise(lambda b, x: b.sin(x)))
    rule = PerOperand((lambda t, out, x: mul(t, op(x)),))
    sentences = native.native_derivative(wrong(sin, jvp=rule))
    assert any("native code is" in s for s in sentences), sentences


def test_emit_that_raises_names_the_case(wrong: Wrong) -> None:
    def emit(b: Any, x: Any) -> Any:
        raise ZeroDivisionError("no") if x.dtype.name == "complex64" else AssertionError("no")

    sentences = native.native(wrong(sin, lower=Elementwise(emit)))
    assert any("c64[19]" in s and "ZeroDivisionError: no" in s for s in sentences), sentences
