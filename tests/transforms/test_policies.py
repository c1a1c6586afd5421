"""checkpoint policies: what is kept, and what is computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import checkpoint_policies as policies
from jitad_ir.passes.pipeline import optimize

X = np.linspace(-1.0, 1.0, 9).reshape(3, 3)
W = np.linspace(0.5, -0.7, 9).reshape(3, 3)


def network(x: Any, w: Any) -> Any:
    hidden = policies.checkpoint_name(jnp.tanh(x @ w), "hidden")
    batched = jnp.einsum("bij,bj->bi", jnp.stack([w, w, w]), jnp.sin(hidden))
    return jnp.sum(jnp.exp(batched @ w))


POLICIES = {
    "none": None,
    "nothing": policies.nothing_saveable,
    "everything": policies.everything_saveable,
    "dots": policies.dots_saveable,
    "dots without batch": policies.dots_with_no_batch_dims_saveable,
    "names": policies.save_only_these_names("hidden"),
    "other name": policies.save_only_these_names("visible"),
    "names but": policies.save_any_names_but_these("visible"),
    "all but": policies.save_anything_except_these_names("hidden"),
    "offloaded dots": policies.offload_dot_with_no_batch_dims("device", "pinned_host"),
    "offloaded names": policies.save_and_offload_only_these_names(
        names_which_can_be_saved=["visible"],
        names_which_can_be_offloaded=["hidden"],
        offload_src="device",
        offload_dst="pinned_host",
    ),
    "function": lambda prim, *types, **params: prim.name in ("exp", "dot_general"),
    "both": policies.save_from_both_policies(
        policies.save_only_these_names("hidden"), policies.dots_saveable
    ),
}


def counts(policy: Any, ops: tuple[str, ...]) -> list[int]:
    """How often the ops stand in the program of value and gradient."""
    f = jitad.checkpoint(network, policy=policy)
    program = optimize(jitad.jit(jitad.value_and_grad(f, argnums=(0, 1))).trace(X, W))
    names = [eq.op.name for eq in program.equations]
    return [names.count(op) for op in ops]


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_policies_change_no_value(policy: Any) -> None:
    f = jitad.checkpoint(network, policy=policy)
    for wrap in (lambda f: f, jitad.jit):
        got = wrap(jitad.grad(f, argnums=(0, 1)))(X, W)
        for a, b in zip(got, jitad.grad(network, argnums=(0, 1))(X, W), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13)
    second = jitad.jit(jitad.hessian(f))(X, W)
    np.testing.assert_allclose(second, jitad.hessian(network)(X, W), rtol=1e-11, atol=1e-13)


def test_what_is_run_twice() -> None:
    """tanh, exp and products, with the six or so products that the derivative has anyway."""
    ops = ("tanh", "sin", "dot")
    plain = [
        eq.op.name
        for eq in optimize(
            jitad.jit(jitad.value_and_grad(network, argnums=(0, 1))).trace(X, W)
        ).equations
    ]
    dots = plain.count("dot")
    assert counts(policies.everything_saveable, ops) == [1, 1, dots]
    assert counts(policies.nothing_saveable, ops) == [2, 2, dots + 3]
    assert counts(policies.dots_saveable, ops) == [2, 2, dots]
    assert counts(policies.dots_with_no_batch_dims_saveable, ops) == [2, 2, dots + 1]
    assert counts(policies.save_only_these_names("hidden"), ops) == [1, 2, dots + 2]
    assert counts(policies.save_only_these_names("visible"), ops) == [2, 2, dots + 3]
    assert counts(policies.save_any_names_but_these("visible"), ops) == [1, 2, dots + 2]
    assert counts(policies.save_any_names_but_these("hidden"), ops) == [2, 2, dots + 3]


def test_functions_choose_what_is_kept() -> None:
    ops = ("tanh", "sin", "dot")
    dots = counts(policies.everything_saveable, ops)[2]

    def without_batch(prim: Any, *types: Any, **params: Any) -> bool:
        return prim is jitad.lax.dot_general_p and params["dimension_numbers"][1] == ((), ())

    def vectors(prim: Any, *types: Any, **params: Any) -> bool:
        return prim.name == "tanh" and types[0].shape == (3, 3) and types[0].dtype == np.float64

    assert counts(without_batch, ops) == [2, 2, dots + 1]
    assert counts(vectors, ops) == [1, 2, dots + 2]
    assert counts(lambda *_, **__: True, ops) == [1, 1, dots]
    assert counts(lambda *_, **__: False, ops) == [2, 2, dots + 3]
    either = policies.save_from_both_policies(vectors, policies.dots_saveable)
    assert counts(either, ops) == [1, 2, dots]
    assert counts(POLICIES["offloaded dots"], ops) == [2, 2, dots + 1]
    assert counts(POLICIES["offloaded names"], ops) == [1, 2, dots + 2]


def test_policies_are_functions_of_operations() -> None:
    product, name = jitad.lax.dot_general_p, jitad.lax.conv_general_dilated_p
    dims = {"dimension_numbers": (((1,), (0,)), ((), ())), "batch": ((), ())}
    assert policies.dots_saveable(product, **dims) and policies.dots_saveable(name)
    assert policies.dots_with_no_batch_dims_saveable(product, **dims)
    assert not policies.nothing_saveable(product) and policies.everything_saveable(product)
    assert (product.name, str(name)) == ("dot_general", "conv_general_dilated")
    with pytest.raises(AttributeError, match="no attribute 'no_such_p'"):
        _ = jitad.lax.no_such_p


def test_convolutions_are_products() -> None:
    image, kernel = np.ones((1, 1, 5, 5)), np.ones((1, 1, 2, 2))

    def f(x: Any) -> Any:
        return jnp.sum(jnp.exp(jitad.lax.conv(x, kernel, (1, 1), "VALID")))

    def convolutions(policy: Any) -> int:
        g = jitad.value_and_grad(jitad.checkpoint(f, policy=policy))
        equations = optimize(jitad.jit(g).trace(image)).equations
        return [eq.op.name for eq in equations].count("convolution")

    assert convolutions(policies.dots_saveable) == 2
    assert convolutions(None) == 3


def test_static_names() -> None:
    @jitad.checkpoint
    def plain(x: Any, kind: str = "sin") -> Any:
        return getattr(jnp, kind)(x)

    f = jitad.checkpoint(plain.__wrapped__, static_argnames="kind")
    assert jitad.grad(lambda x: f(x, kind="cos"))(0.5) == -np.sin(0.5)
    with pytest.raises(TypeError, match="argument of plain"):
        jitad.grad(lambda x: plain(x, kind="cos"))(0.5)


def test_wrong_policy() -> None:
    with pytest.raises(TypeError, match="or a function of an operation; got True"):
        jitad.checkpoint(network, policy=True)


@pytest.mark.parametrize("stage", [jitad.jit, lambda f: f])
def test_checkpoints_that_hand_on_what_they_are_given(stage: Callable[..., Any]) -> None:
    """A result of an inner checkpoint that is not moved by what moves the others."""
    inner = jitad.checkpoint(lambda v, s: (v, jnp.sum(v) * s))
    outer = jitad.checkpoint(
        lambda v, s: (lambda a, b: (a * a - jnp.roll(a, 1), a * b))(*inner(v, s))
    )
    x = np.array([0.7, -0.4, 0.2])

    def total(rule: Callable[..., Any]) -> Callable[[Any], Any]:
        return lambda x: sum(jnp.sum(jnp.sin(y)) for y in rule(x, 0.3 + x[0]))

    plain = lambda v, s: (v * v - jnp.roll(v, 1), v * (jnp.sum(v) * s))  # noqa: E731
    np.testing.assert_allclose(
        stage(jitad.grad(total(outer)))(x), jitad.grad(total(plain))(x), rtol=1e-13
    )
    twice = [stage(jitad.grad(lambda x, g=g: jnp.sum(jitad.grad(g)(x) ** 2)))(x)
             for g in (total(outer), total(plain))]  # fmt: skip
    np.testing.assert_allclose(*twice, rtol=1e-12)
    with pytest.raises(TypeError, match="expected True or False of the policy <lambda> for sin"):
        jitad.grad(jitad.checkpoint(jnp.sin, policy=lambda *_, **__: "yes"))(1.0)
    with pytest.raises(ValueError, match="got a as both"):
        policies.save_and_offload_only_these_names(
            names_which_can_be_saved="a",
            names_which_can_be_offloaded="ab",
            offload_src="device",
            offload_dst="host",
        )


def test_what_is_kept_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    def f(x: Any, w: Any) -> Any:
        return jnp.sum(jnp.sin(x @ w["m"]) * 2.0)

    arguments = np.ones((2, 3)), {"m": np.ones((3, 4))}

    def told(f: Any) -> list[str]:
        jitad.ad_checkpoint.print_saved_residuals(f, *arguments)
        return capsys.readouterr().out.splitlines()

    plain = told(f)
    given = {"f64[2,3] from the argument at [0]", "f64[3,4] from the argument at [1]['m']"}
    (cosine,) = [line for line in plain if line not in given]
    assert len(plain) == 3 and cosine.startswith("f64[2,4] output of cos from ")
    assert "test_policies.py" in cosine
    assert set(told(jitad.checkpoint(f))) == given
    (product,) = set(told(jitad.checkpoint(f, policy=policies.dots_saveable))) - given
    assert product.startswith("f64[2,4] output of ")
