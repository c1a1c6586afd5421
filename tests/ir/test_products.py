"""Products of transposes and with diagonal matrices: the same numbers, less work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jitad_ir import ops
from jitad_ir.evaluate import evaluate
from jitad_ir.graph import Builder, Graph, building
from jitad_ir.passes.dce import dce
from jitad_ir.passes.simplify import simplify
from jitad_ir.types import DTYPES, ArrayType
from jitad_ir.verify import verify

F64 = DTYPES["f64"]
NO_BATCH = ((), ())


def built(shapes: list[tuple[int, ...]], program: Callable[..., Any]) -> Graph:
    builder = Builder("f")
    inputs = [builder.input(ArrayType(F64, shape)) for shape in shapes]
    with building(builder):
        result = program(*inputs)
    return builder.build(result if isinstance(result, list) else [result])


def simplified(shapes: list[tuple[int, ...]], program: Callable[..., Any]) -> list[str]:
    """The ops that are left; the values must be the same."""
    graph = built(shapes, program)
    result = dce(simplify(graph))
    verify(result)
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=shape) for shape in shapes]
    both = evaluate(result, *arguments), evaluate(graph, *arguments)
    for seen, expected in zip(*both, strict=True):
        np.testing.assert_allclose(seen, expected, rtol=1e-13, atol=1e-13)
    return [eq.op.name for eq in result.equations]


def turned(x: Any, *permutation: int) -> Any:
    return ops.transpose(x, permutation=permutation)


def test_transposed_operands_are_other_axes() -> None:
    def program(x: Any, y: Any) -> Any:
        return ops.dot(turned(x, 1, 0), turned(y, 1, 0), contract=((1,), (0,)), batch=NO_BATCH)

    assert simplified([(3, 4), (5, 3)], program) == ["dot"]


def test_batches_and_sums_over_two_axes_keep_their_order() -> None:
    def program(x: Any, y: Any) -> Any:
        left = turned(x, 3, 1, 0, 2)  # lengths 6 3 2 4
        right = turned(y, 1, 2, 0, 3)  # lengths 6 4 2 5
        return ops.dot(left, right, contract=((0, 3), (0, 1)), batch=((2,), (2,)))

    assert simplified([(2, 3, 4, 6), (2, 6, 4, 5)], program) == ["dot"]


def test_a_transpose_that_reorders_free_axes_stays() -> None:
    def program(x: Any, y: Any) -> Any:
        return ops.dot(turned(x, 1, 0, 2), y, contract=((2,), (0,)), batch=NO_BATCH)

    assert simplified([(2, 3, 4), (4, 5)], program) == ["transpose", "dot"]


def test_a_transposed_product_is_the_product_the_other_way_round() -> None:
    def program(x: Any, y: Any) -> Any:
        product = ops.dot(x, y, contract=((2,), (2,)), batch=((0,), (0,)))
        return turned(product, 0, 2, 1)

    assert simplified([(2, 3, 4), (2, 5, 4)], program) == ["dot"]


def test_a_product_that_others_read_is_not_computed_twice() -> None:
    def program(x: Any, y: Any) -> Any:
        product = ops.dot(x, y, contract=((1,), (0,)), batch=NO_BATCH)
        return [product, turned(product, 1, 0)]

    assert simplified([(3, 4), (4, 5)], program) == ["dot", "transpose"]


def counters(n: int) -> Any:
    rows, columns = (ops.iota(dim=d, dtype=DTYPES["i64"], shape=(n, n)) for d in (0, 1))
    return ops.eq(rows, columns)


IDENTITIES: dict[str, Callable[[], Any]] = {
    "constant": lambda: ops.constant(value=np.eye(4)),
    "counters": lambda: ops.convert(counters(4), dtype=F64),
}


@pytest.mark.parametrize("name", IDENTITIES)
@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("of_identity", [0, 1])
def test_identity_matrices(name: str, left: bool, axis: int, of_identity: int) -> None:
    def program(x: Any) -> Any:
        eye = IDENTITIES[name]()
        if left:
            return ops.dot(eye, x, contract=((of_identity,), (axis,)), batch=NO_BATCH)
        return ops.dot(x, eye, contract=((axis,), (of_identity,)), batch=NO_BATCH)

    stays = axis == (0 if left else 2)
    shape = tuple(4 if a == axis else n for a, n in enumerate((2, 3, 5)))
    assert simplified([shape], program) == ([] if stays else ["transpose"])


def padded(d: Any) -> Any:
    zero = ops.full(value=0, shape=(), dtype=F64)
    flat = ops.pad(d, zero, low=(0,), high=(0,), interior=(4,))
    return ops.reshape(flat, shape=(4, 4))


def selected(d: Any) -> Any:
    spread = ops.broadcast(d, shape=(4, 4), dims=(1,))
    zero = ops.full(value=0, shape=(4, 4), dtype=F64)
    return ops.select(counters(4), spread, zero)


@pytest.mark.parametrize("matrix", [padded, selected])
@pytest.mark.parametrize("left", [False, True])
def test_diagonal_matrices_scale(matrix: Callable[[Any], Any], left: bool) -> None:
    def program(x: Any, d: Any) -> Any:
        operands = (matrix(d), x) if left else (x, matrix(d))
        return ops.dot(*operands, contract=((1,), (0,)), batch=NO_BATCH)

    assert simplified([(4, 4), (4,)], program) == ["broadcast", "mul"]


@pytest.mark.parametrize(
    "matrix",
    [np.ones((4, 4)), np.diag([1.0, 1, 1, 2]), np.eye(4)[::-1].copy(), np.eye(4) + np.eye(4, k=1)],
)
def test_other_constants_are_multiplied(matrix: np.ndarray[Any, Any]) -> None:
    def program(x: Any) -> Any:
        constant = ops.constant(value=matrix)
        return ops.dot(x, constant, contract=((1,), (0,)), batch=NO_BATCH)

    assert simplified([(3, 4)], program) == ["constant", "dot"]


def test_a_broadcast_sees_through_added_unit_axes() -> None:
    def program(x: Any) -> Any:
        column = ops.reshape(x, shape=(3, 1))
        return ops.broadcast(column, shape=(3, 4), dims=(0, 1))

    assert simplified([(3,)], program) == ["broadcast"]


def test_a_broadcast_of_another_reshape_stays() -> None:
    def program(x: Any) -> Any:
        matrix = ops.reshape(x, shape=(3, 2))
        return ops.broadcast(matrix, shape=(5, 3, 2), dims=(1, 2))

    assert simplified([(6,)], program) == ["reshape", "broadcast"]
