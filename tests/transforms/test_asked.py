"""Derivatives and batches that `jit` records as they are asked for: what they are found by on disk,
and that they mean what they mean elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.op import OPS
from jitad_ir.passes import derive

X = np.array([0.3, -1.2, 0.7])
W = np.array([[0.2, 1.0, -0.4], [0.9, -0.3, 0.5]])


def energy(x: Any) -> Any:
    return jnp.sum(jnp.tanh(W @ x) ** 2) + jnp.sum(x**3)


def field(x: Any) -> Any:
    return jnp.sin(x) * jnp.roll(x, 1)


def descent(x: Any) -> Any:
    def step(x: Any, rate: Any) -> Any:
        value, slope = jitad.value_and_grad(energy)(x)
        return x - rate * slope, value

    return lax.scan(step, x, jnp.array([0.1, 0.05, 0.01]))


def with_aux(x: Any) -> Any:
    return jnp.sum(x**2), {"double": 2 * x, "count": jnp.sum(x > 0)}


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "grad": jitad.grad(energy),
    "value_and_grad": jitad.value_and_grad(with_aux, has_aux=True),
    "jvp": lambda x: jitad.jvp(field, (x,), (2 * x,)),
    "jvp of what does not move": lambda x: jitad.jvp(lambda y: (y, x, y > 0), (x,), (x,)),
    "vmap": jitad.vmap(lambda x: x * jnp.sin(x), out_axes=-1),
    "vmap of grad": lambda x: jitad.vmap(jitad.grad(energy), in_axes=1, out_axes=1)(
        jnp.stack([x, 2 * x], axis=1)
    ),
    "vmap of none": lambda x: jitad.vmap(jitad.grad(energy))(jnp.zeros((0, 3))),
    "jacfwd": jitad.jacfwd(field),
    "jacrev": jitad.jacrev(field),
    "jacrev of a tree": jitad.jacrev(lambda x: {"a": field(x), "b": energy(x)}),
    "jacrev with aux": jitad.jacrev(lambda x: (field(x), energy(x)), has_aux=True),
    "jacfwd with aux": jitad.jacfwd(lambda x: (field(x), energy(x)), has_aux=True),
    "hessian": jitad.hessian(energy),
    "grad of grad": jitad.grad(lambda x: jnp.sum(jitad.grad(energy)(x) ** 2)),
    "grad of vmap": jitad.grad(lambda x: jnp.sum(jitad.vmap(lambda y: y * energy(x))(x))),
    "vjp of grad": lambda x: jitad.vjp(jitad.grad(energy), x)[1](x)[0],
    "scan of grad": descent,
    "grad of scan of grad": jitad.grad(lambda x: energy(descent(x)[0])),
    "cond of grad": lambda x: lax.cond(x[0] > 0, jitad.grad(energy), field, x),
    "checkpoint": jitad.grad(lambda x: energy(jitad.checkpoint(jitad.grad(energy))(x))),
    "complex": lambda x: jitad.grad(lambda z: jnp.sum(jnp.abs(z) ** 2))(x + 1j * x),
    "no derivative": jitad.grad(lambda x: jnp.sum(jnp.floor(x))),
}


def compare(found: Any, expected: Any) -> None:
    leaves, tree = jitad.tree_util.tree_flatten(found)
    others, other_tree = jitad.tree_util.tree_flatten(expected)
    assert tree == other_tree
    for a, b in zip(leaves, others, strict=True):
        assert np.shape(a) == np.shape(b)
        assert np.asarray(a).dtype == np.asarray(b).dtype
        if np.asarray(a).dtype != jitad.float0:
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PROGRAMS)
def test_means_what_it_means_outside_of_jit(name: str) -> None:
    compare(jitad.jit(PROGRAMS[name])(X), PROGRAMS[name](X))


@pytest.mark.parametrize("name", PROGRAMS)
def test_inside_of_other_programs(name: str) -> None:
    """A jitted function inlined where nothing is asked for, and where something is."""
    inner = jitad.jit(PROGRAMS[name])
    jitad.jit(inner)(X)
    compare(jitad.vmap(inner)(np.stack([X])), jitad.vmap(PROGRAMS[name])(np.stack([X])))
    printed = str(inner.trace(X))
    assert not any(op in printed for op in derive.DERIVED)


@pytest.fixture
def disk_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITAD_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("JITAD_CACHE", raising=False)
    jitad.clear_caches()


@pytest.mark.parametrize("name", ["grad", "vmap of grad", "jacfwd", "jacrev", "hessian"])
def test_what_is_on_disk_is_not_derived(
    name: str, disk_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = jitad.jit(PROGRAMS[name])(X)
    jitad.clear_caches()

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("derived all the same")

    for op in derive.DERIVED:
        monkeypatch.setitem(derive.DERIVED, op, never)
    again = jitad.jit(PROGRAMS[name])(X)
    compare(again, first)
    with pytest.raises(AssertionError, match="derived all the same"):
        jitad.jit(lambda x: jitad.grad(energy)(2 * x))(X)  # which is not there


def test_constants_of_a_derivative_are_on_disk_too(
    disk_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = np.linspace(0.0, 1.0, 300)

    @jitad.custom_jvp
    def looked_up(x: Any) -> Any:
        return x

    @looked_up.defjvp
    def _rule(primals: Any, tangents: Any) -> Any:
        return primals[0], tangents[0] * table

    slope = jitad.grad(lambda x: jnp.sum(looked_up(x)))
    x = np.ones(300)
    first = jitad.jit(slope)(x)
    jitad.clear_caches()
    monkeypatch.setattr("jitad.transforms.compiling.compile_program", None)
    compare(jitad.jit(slope)(x), first)
    np.testing.assert_array_equal(first, table)


def test_asked_for_again_it_is_derived_once(monkeypatch: pytest.MonkeyPatch) -> None:
    derivations = 0
    program = derive.DERIVED["pullback"]

    def counted(*args: Any, **params: Any) -> Any:
        nonlocal derivations
        derivations += 1
        return program(*args, **params)

    monkeypatch.setitem(derive.DERIVED, "pullback", counted)

    def steps(x: Any) -> Any:
        for _ in range(5):
            x = x - 0.1 * jitad.grad(energy)(x)
        return x

    monkeypatch.setenv("JITAD_CACHE", "0")
    compare(jitad.jit(steps)(X), steps(X))
    assert derivations == 1


def test_nothing_asked_for_nothing_done() -> None:
    graph = jitad.make_ir(energy)(X)
    assert derive.derive(graph) is graph


def test_bad_operands() -> None:
    body = jitad.make_ir(energy)(X)
    with pytest.raises(TypeError, match=r"pullback: expected operands"):
        OPS["pullback"].types_of(body.input_types, {"moving": (True,), "wanted": (True,)}, (body,))


def test_rules_that_text_does_not_tell(disk_cache: None) -> None:
    """Two functions that differ in a Python function alone, which is asked for when they are
    batched."""

    def lanes(factor: float) -> Any:
        @jitad.custom_batching.custom_vmap
        def f(x: Any) -> Any:
            return 2 * x

        @f.def_vmap
        def _rule(size: int, batched: Any, x: Any) -> Any:
            return factor * x, True

        return jitad.jit(lambda x: lax.scan(lambda c, x: (c, jitad.vmap(f)(x)), 0.0, x)[1])

    for factor in (3.0, 5.0):
        np.testing.assert_array_equal(lanes(factor)(X[None]), factor * X[None])
        jitad.clear_caches()


def test_errors_name_both_lines() -> None:
    def f(x: Any) -> Any:
        return jnp.sum(jitad.pure_callback(np.sin, x, x))

    def g(x: Any) -> Any:
        return jitad.grad(f)(x)

    with pytest.raises(
        ValueError, match=r"no derivative rule(.|\n)*test_asked\.py:\d+ \(f\)"
    ) as info:
        jitad.jit(g)(X)
    (note,) = info.value.__notes__
    assert "asked for at" in note and note.endswith("(g)")
