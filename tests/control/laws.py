"""What every loop and branch owes to its twin, the same program in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import jitad
import jitad.numpy as jnp
from jitad.tree_util import tree_leaves, tree_map

Program = Callable[..., Any]

SEEDS = np.random.default_rng(5)


def same(got: Any, expected: Any, what: str) -> None:
    """Leaf by leaf: shapes, dtypes, values to twelve digits."""
    left, right = tree_leaves(got), tree_leaves(expected)
    assert len(left) == len(right), what
    for a, b in zip(left, right, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        assert a.shape == b.shape, f"{what}: {a.shape} {b.shape}"
        assert a.dtype == b.dtype, f"{what}: {a.dtype} {b.dtype}"
        digits = 1e-4 if a.dtype in (np.float32, np.complex64) else 1e-11
        np.testing.assert_allclose(a, b, rtol=digits, atol=digits, err_msg=what)


def scalar(program: Program) -> Program:
    """The sum of the program's inexact results, each element with a weight of its own."""

    def total(*args: Any) -> Any:
        terms = 0.0
        for leaf in tree_leaves(program(*args)):
            leaf = jnp.asarray(leaf)
            if leaf.dtype.kind == "f":
                weights = np.cos(1.0 + np.arange(leaf.size)).reshape(leaf.shape)
                terms = terms + jnp.sum(leaf * weights)
        return terms

    return total


def gradients(program: Program, count: int) -> Program:
    """Of the scalar, in all arguments."""
    return jitad.grad(scalar(program), argnums=tuple(range(count)))


def second(program: Program, count: int) -> Program:
    """The gradient of a function of the gradient."""

    def squares(*args: Any) -> Any:
        return sum([jnp.sum(jnp.sin(g)) for g in tree_leaves(gradients(program, count)(*args))])

    return jitad.grad(squares, argnums=tuple(range(count)))


def tangents_of(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """A direction for each argument."""
    return tuple([np.asarray(SEEDS.uniform(-1, 1, np.shape(x)), np.asarray(x).dtype) for x in args])


def lanes_of(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Three versions of each argument, stacked."""
    return tuple(
        [
            np.stack([np.asarray(x), np.asarray(x) * 1.1, np.asarray(x) * 0.9]).astype(
                np.asarray(x).dtype
            )
            for x in args
        ]
    )


def one_by_one(program: Program, lanes: tuple[Any, ...]) -> Any:
    """What `vmap` means."""
    rows = [program(*[x[i] for x in lanes]) for i in range(3)]
    return tree_map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *rows)


def obeys(program: Program, twin: Program, *args: Any) -> None:
    """Value, jvp, vjp, vmap, vmap of grad and grad of grad agree with the twin's, and so does each
    as native code."""
    count = len(args)
    lanes = lanes_of(args)
    directions = tangents_of(args)
    laws: list[tuple[str, Program, tuple[Any, ...], Any]] = [
        ("value", program, args, twin(*args)),
        (
            "jvp",
            lambda *a: jitad.jvp(program, a[:count], a[count:])[1],
            (*args, *directions),
            jitad.jvp(twin, args, directions)[1],
        ),
        ("grad", gradients(program, count), args, gradients(twin, count)(*args)),
        ("vmap", jitad.vmap(program), lanes, one_by_one(twin, lanes)),
        (
            "vmap of grad",
            jitad.vmap(gradients(program, count)),
            lanes,
            one_by_one(gradients(twin, count), lanes),
        ),
        ("grad of grad", second(program, count), args, second(twin, count)(*args)),
    ]
    for name, law, given, expected in laws:
        whole = _without_float0(law)
        same(whole(*given), _without_float0(lambda e=expected: e)(), name)
        same(jitad.jit(whole)(*given), _without_float0(lambda e=expected: e)(), f"jit of {name}")


def _without_float0(program: Program) -> Program:
    """The leaves of the result but for the tangents of integers, which hold nothing."""

    def run(*args: Any) -> list[Any]:
        leaves = [
            jnp.asarray(x) if not hasattr(x, "dtype") else x for x in tree_leaves(program(*args))
        ]
        return [x for x in leaves if x.dtype.kind != "V"]

    return run
