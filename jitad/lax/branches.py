"""Branches as one operation: cond and switch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jitad_ir import ops
from jitad_ir.op import OPS
from jitad_ir.types import INT64, ArrayType

from .. import numpy as jnp
from ..argument_types import is_known
from ..errors import at_user_line, hides_internals
from ..numpy.promotion import convert
from ..settings import config
from ..trace import apply
from ..transforms.function import check_callable, name_of
from ..transforms.rules import Captures, region_of
from .bodies import check_same, joined, leaves_of, run_structured, trace_body

_NO_OPERAND: Any = object()


@hides_internals
def cond(
    pred: Any,
    true_fun: Callable[..., Any],
    false_fun: Callable[..., Any],
    *operands: Any,
    operand: Any = _NO_OPERAND,
) -> Any:
    """`true_fun(*operands)` where `pred` holds, else `false_fun(*operands)`; only one is run.

    `pred` is a bool scalar (or a number, which holds if it is not zero). Both functions are traced
    and return pytrees of the same structure, shapes and dtypes; a Python number takes on the dtype
    of the other's array. Under `vmap` with a batched `pred`, each lane runs its own branch where a
    branch is dear or holds a loop; cheap branches both run, and the results are selected.

    Programs of old call `cond(pred, true_operand, true_fun, false_operand, false_fun)`, with an
    operand for each branch; that works as well.

    Raises TypeError if `pred` is no scalar or the branches differ, leaf by leaf.

    >>> from jitad import lax
    >>> lax.cond(3.0 > 2.0, lambda x: x + 1.0, lambda x: x - 1.0, 5.0)
    Array(6.)
    """
    if _has_operand_for_each(false_fun, operands) and not callable(true_fun):
        return _cond_of_each(pred, true_fun, false_fun, *operands)
    check_callable(true_fun, "cond: true_fun")
    check_callable(false_fun, "cond: false_fun")
    arguments = _arguments(operands, operand, "cond")
    pred, type = _scalar(pred, "cond: pred")
    if type.shape != () or type.dtype.kind == "c":
        raise TypeError(
            at_user_line(
                f"cond: the predicate must be a bool scalar, bool[]; got {type!r}. Write jnp.where "
                "to choose element by element, or jnp.any or jnp.all"
            )
        )
    if config.disable_jit and is_known(pred):
        return (true_fun if pred else false_fun)(*arguments)
    holds = pred if type.dtype.kind == "b" else jnp.not_equal(pred, 0)
    holds = holds if hasattr(holds, "dtype") else type.dtype.type(holds)
    chosen = apply(ops.convert, holds, dtype=INT64)
    names = [f"cond: false_fun {name_of(false_fun)}", f"cond: true_fun {name_of(true_fun)}"]
    return _branch(chosen, [false_fun, true_fun], names, arguments, "cond")


def _has_operand_for_each(true_fun: Any, rest: tuple[Any, ...]) -> bool:
    return callable(true_fun) and len(rest) == 2 and callable(rest[1])


def _cond_of_each(
    pred: Any,
    true_operand: Any,
    true_fun: Callable[..., Any],
    false_operand: Any,
    false_fun: Callable[..., Any],
) -> Any:
    def if_true(operands: Any) -> Any:
        return true_fun(operands[0])

    def if_false(operands: Any) -> Any:
        return false_fun(operands[1])

    return cond(pred, if_true, if_false, (true_operand, false_operand))


@hides_internals
def switch(
    index: Any,
    branches: Sequence[Callable[..., Any]],
    *operands: Any,
    operand: Any = _NO_OPERAND,
) -> Any:
    """`branches[index](*operands)`, with `index` clamped to the branches there are.

    Like `cond`, with any number of branches. Raises TypeError if `index` is no integer scalar or
    the branches differ, and ValueError without a branch.

    >>> from jitad import lax
    >>> lax.switch(1, [lambda x: x, lambda x: 10.0 * x, lambda x: 100.0 * x], 2.0)
    Array(20.)
    """
    for branch in branches:
        check_callable(branch, "switch")
    arguments = _arguments(operands, operand, "switch")
    index, type = _scalar(index, "switch: index")
    if type.shape != () or type.dtype.kind not in "iu":
        raise TypeError(
            at_user_line(f"switch: the index must be an integer scalar, i64[]; got {type!r}")
        )
    if not branches:
        raise ValueError(at_user_line("switch: expected at least one branch; got none"))
    chosen = convert(jnp.clip(index, 0, len(branches) - 1), INT64)
    if config.disable_jit and is_known(chosen):
        return branches[int(chosen)](*arguments)
    if len(branches) == 1:
        return branches[0](*arguments)
    names = [f"switch: branch {i} {name_of(b)}" for i, b in enumerate(branches)]
    return _branch(chosen, branches, names, arguments, "switch")


def _scalar(x: Any, what: str) -> tuple[Any, ArrayType]:
    leaves = leaves_of(x, what)
    if len(leaves.operands) != 1:
        raise TypeError(at_user_line(f"{what}: expected a scalar; got {x!r}"))
    return leaves.operands[0], leaves.types[0]


def _arguments(operands: tuple[Any, ...], operand: Any, what: str) -> tuple[Any, ...]:
    if operand is _NO_OPERAND:
        return operands
    if operands:
        raise TypeError(at_user_line(f"{what}: expected operands or operand=; got both"))
    return (operand,)


def _branch(
    index: Any,
    functions: Sequence[Callable[..., Any]],
    names: Sequence[str],
    arguments: tuple[Any, ...],
    what: str,
) -> Any:
    given = leaves_of(arguments, f"{what}: operand")
    bodies = [
        trace_body(f, given.tree.unflatten, given.types, given.weak, name)
        for f, name in zip(functions, names, strict=True)
    ]
    bodies = joined(bodies)
    order = range(len(bodies)) if what == "switch" else range(len(bodies))[::-1]
    first = order[0]
    for other in order[1:]:
        check_same(
            f"{what}: all branches must return one structure, shapes and dtypes;\n"
            f"expected what {names[first].removeprefix(what + ': ')} returns, got what "
            f"{names[other].removeprefix(what + ': ')} returns",
            "result",
            (bodies[first].out_tree, bodies[first].out_types),
            (bodies[other].out_tree, bodies[other].out_types),
            "Convert with .astype or jnp.broadcast_to in one of them",
        )
    captures = Captures()
    for body in bodies:
        captures.take(body.closed)
    results = run_structured(
        OPS["branch"],
        [index, *captures.operands, *given.arrays],
        tuple([region_of(body.closed, 0, captures) for body in bodies]),
    )
    return bodies[0].out_tree.unflatten(results)
