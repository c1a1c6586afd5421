"""Functions with rules of their own, checkpoints and closures."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad_ir.passes.pipeline import optimize

WRAPS = [lambda f: f, jitad.jit]


def test_custom_jvp_rule_is_used_in_both_modes() -> None:
    @jitad.custom_jvp
    def f(x: Any, y: Any) -> Any:
        return jnp.sin(x) * y

    f.defjvp(lambda primals, tangents: (f(*primals), 10.0 * tangents[0] + 3.0 * tangents[1]))
    for wrap in WRAPS:
        assert wrap(jitad.grad(f))(2.0, 3.0) == 10.0
        assert wrap(jitad.jacfwd(f, 1))(2.0, 3.0) == 3.0
    np.testing.assert_allclose(f(2.0, 3.0), 3 * np.sin(2.0))
    np.testing.assert_allclose(jitad.vmap(jitad.grad(f))(np.ones(3), np.ones(3)), 10.0)


def test_custom_jvps_one_rule_an_argument() -> None:
    f = jitad.custom_jvp(lambda x, y: x * y)
    f.defjvps(lambda t, out, x, y: 5.0 * t, None)
    assert jitad.grad(f, (0, 1))(2.0, 3.0) == (5.0, 0.0)


@pytest.mark.parametrize("wrap", WRAPS)
def test_custom_jvp_in_an_argument_that_its_rule_ignores(wrap: Any) -> None:
    f = jitad.custom_jvp(lambda x, y: x * y)
    f.defjvps(lambda t, out, x, y: 5.0 * t, None)
    assert wrap(jitad.grad(f, 1))(2.0, 3.0) == 0.0
    assert wrap(jitad.jacfwd(f, 1))(2.0, 3.0) == 0.0
    assert wrap(jitad.hessian(f, 1))(2.0, 3.0) == 0.0

    def looped(y: Any) -> Any:
        return jitad.lax.fori_loop(0, 3, lambda i, z: f(2.0, z), y) + y

    assert wrap(jitad.grad(looped))(3.0) == 1.0


def test_custom_vjp_rule_and_its_forward_mode() -> None:
    @jitad.custom_vjp
    def f(x: Any, y: Any) -> Any:
        return x * y

    f.defvjp(lambda x, y: (x * y, (x, y)), lambda res, ct: (7.0 * ct * res[1], ct * res[0]))
    for wrap in WRAPS:
        assert wrap(jitad.grad(f, (0, 1)))(2.0, 3.0) == (21.0, 2.0)
        assert wrap(jitad.jacfwd(f))(2.0, 3.0) == 21.0
    gx, gy = jitad.vmap(jitad.grad(f, (0, 1)), in_axes=(0, None))(np.array([1.0, 2.0]), 3.0)
    np.testing.assert_allclose(gx, [21.0, 21.0])
    np.testing.assert_allclose(gy, [1.0, 2.0])


def test_gradient_of_a_batched_custom_vjp_sums_shared_arguments() -> None:
    f = jitad.custom_vjp(lambda x, w: x * w)
    f.defvjp(lambda x, w: (x * w, (x, w)), lambda res, ct: (ct * res[1], ct * res[0]))
    loss = lambda w: jnp.sum(jitad.vmap(f, (0, None))(np.array([1.0, 2.0, 4.0]), w))  # noqa: E731
    for wrap in WRAPS:
        assert wrap(jitad.grad(loss))(3.0) == 7.0


def test_nondiff_argnums() -> None:
    @jitad.custom_vjp
    def _apply(g: Any, x: Any) -> Any:
        return g(x)

    f = jitad.custom_vjp(lambda g, x: g(x), nondiff_argnums=(0,))
    f.defvjp(lambda g, x: (g(x), x), lambda g, x, ct: (ct * 2.0,))
    assert jitad.grad(lambda x: f(jnp.sin, x))(0.3) == 2.0


def test_bwd_may_return_none_and_trees() -> None:
    f = jitad.custom_vjp(lambda p, n: p["a"] * p["b"] * n)
    f.defvjp(
        lambda p, n: (p["a"] * p["b"] * n, (p, n)),
        lambda res, ct: ({"a": ct * res[0]["b"], "b": None}, None),
    )
    assert jitad.grad(f)({"a": 2.0, "b": 3.0}, 2) == {"a": 3.0, "b": 0.0}


def test_rule_closing_over_a_traced_value() -> None:
    def outer(scale: Any, x: Any) -> Any:
        f = jitad.custom_vjp(lambda v: v * 1.0)
        f.defvjp(lambda v: (v * 1.0, None), lambda _, ct: (ct * jitad.lax.stop_gradient(scale),))
        return f(x)

    for wrap in WRAPS:
        assert wrap(lambda s, x: jitad.grad(outer, 1)(s, x))(5.0, 2.0) == 5.0


def test_custom_rules_on_methods() -> None:
    class Model:
        k = 3.0

        @jitad.jit
        def scaled(self_: Any) -> Any:  # noqa: N805
            return self_ * 2.0

        @staticmethod
        @jitad.custom_jvp
        def f(x: Any) -> Any:
            return x * x

    Model.f.defjvp(lambda primals, tangents: (primals[0] ** 2, 4.0 * tangents[0]))
    assert jitad.grad(Model.f)(1.0) == 4.0


def _count(graph: Any, op: str) -> int:
    own = sum(eq.op.name == op for eq in graph.equations)
    return own + sum(_count(r, op) for eq in graph.equations for r in eq.regions)


def test_checkpoint_recomputes() -> None:
    """The gradient program evaluates the sine twice: once forwards and once again backwards."""

    def f(x: Any) -> Any:
        return jnp.sin(jnp.sin(x))

    plain = optimize(jitad.make_ir(jitad.value_and_grad(lambda x: f(x)))(1.0))
    again = optimize(jitad.make_ir(jitad.value_and_grad(jitad.checkpoint(f)))(1.0))
    assert _count(again, "sin") > _count(plain, "sin")
    for wrap in WRAPS:
        np.testing.assert_allclose(
            wrap(jitad.grad(jitad.checkpoint(f)))(1.0), np.cos(np.sin(1.0)) * np.cos(1.0)
        )
    second = jitad.grad(jitad.grad(jitad.checkpoint(f)))(1.0)
    np.testing.assert_allclose(second, jitad.grad(jitad.grad(f))(1.0))


def test_closure_convert() -> None:
    def outer(k: Any, x: Any) -> Any:
        converted, values = jitad.closure_convert(lambda v: v * k, x)
        assert len(values) == 1
        return converted(x, *values)

    assert jitad.grad(outer, (0, 1))(3.0, 2.0) == (2.0, 3.0)


def test_eval_shape_runs_nothing() -> None:
    calls = []

    def f(x: Any, n: Any) -> Any:
        calls.append(x)
        return {"y": x @ x.T, "n": n.sum()}

    out = jitad.eval_shape(f, jitad.ShapeDtypeStruct((10**6, 2), np.float32), np.ones(3))
    assert out["y"] == jitad.ShapeDtypeStruct((10**6, 10**6), np.float32)
    assert out["n"].shape == ()
    assert len(calls) == 1


def test_make_jaxpr_shows_the_program() -> None:
    text = str(jitad.make_jaxpr(lambda x: jnp.sin(x) * 2)(np.float32(1)))
    assert "sin(a)" in text
    assert "f32[]" in text
    _, shape = jitad.make_ir(lambda x: (x, x), return_shape=True)(1.0)
    assert shape == (jitad.ShapeDtypeStruct((), float),) * 2


def test_compile_time_evaluation_under_jit() -> None:
    @jitad.jit
    def f(x: Any) -> Any:
        with jitad.ensure_compile_time_eval():
            n = int(jnp.sum(jnp.arange(4)))
        return x * n

    assert f(2.0) == 12.0


@pytest.mark.parametrize("rule", ["custom_jvp", "custom_vjp"])
def test_differentiating_a_closed_over_value_is_refused(rule: str) -> None:
    def outer(k: Any) -> Any:
        if rule == "custom_jvp":
            f = jitad.custom_jvp(lambda x: x * k)
            f.defjvp(lambda primals, tangents: (primals[0] * k, tangents[0]))
        else:
            f = jitad.custom_vjp(lambda x: x * k)
            f.defvjp(lambda x: (x * k, None), lambda _, ct: (ct,))
        return f(k * 2.0)

    with pytest.raises(TypeError, match="closes over"):
        jitad.grad(outer)(3.0)


def test_arguments_that_are_not_differentiated_by_name() -> None:
    @partial(jitad.custom_jvp, nondiff_argnames=("power",))
    def raised(x: Any, power: int) -> Any:
        return x**power

    @raised.defjvp
    def raised_jvp(power: int, primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return raised(x, power), 10.0 * t

    assert jitad.grad(raised)(2.0, 3) == 10.0
    assert jitad.grad(raised)(2.0, power=3) == 10.0
    with pytest.raises(ValueError, match=r"expected names of arguments of .* got 'n'"):
        jitad.custom_vjp(lambda x: x, nondiff_argnames="n")


def test_a_default_that_can_only_be_given_by_keyword() -> None:
    function = partial(lambda x, a: a * x, a=3.0)
    clipped = jitad.custom_vjp(function)
    clipped.defvjp(lambda x: (function(x), None), lambda _, ct: (ct * 7.0,))
    assert jitad.grad(clipped)(1.0) == 7.0


def test_symbolic_zeros() -> None:
    seen: list[Any] = []

    @jitad.custom_vjp
    def scaled(x: Any, n: Any) -> Any:
        return x * n, n

    def forward(x: Any, n: Any) -> Any:
        seen.extend([x.perturbed, n.perturbed])
        return (x.value * n.value, n.value), n.value

    def backward(n: Any, cts: Any) -> Any:
        seen.append(repr(cts[1]))
        return cts[0] * n, None

    scaled.defvjp(forward, backward, symbolic_zeros=True, optimize_remat=True)
    assert jitad.grad(lambda x: scaled(x, 3)[0])(2.0) == 3.0
    assert seen == [True, False, "SymbolicZero(shape=(), dtype=int64)"]

    @jitad.custom_jvp
    def rounded(x: Any, n: Any) -> Any:
        return jnp.round(x * n), n

    def rule(primals: Any, tangents: Any) -> Any:
        return rounded(*primals), (tangents[0] * 5.0, tangents[1])

    rounded.defjvp(rule, symbolic_zeros=True)
    assert jitad.grad(lambda x: rounded(x, 3)[0])(2.0) == 5.0


def test_none_for_the_cotangents_of_a_part_of_an_argument() -> None:
    @jitad.custom_vjp
    def first(tree: Any) -> Any:
        return tree["a"][0] * tree["a"][1]

    first.defvjp(lambda tree: (first(tree), None), lambda _, ct: ({"a": (ct, None), "b": None},))
    tree = {"a": (2.0, 3.0), "b": [1.0, None]}
    assert jitad.grad(first)(tree) == {"a": (1.0, 0.0), "b": [0.0, None]}
    first.defvjp(lambda tree: (first(tree), None), lambda _, ct: ({"a": [ct, None], "b": None},))
    with pytest.raises(TypeError, match="cotangent must have the structure"):
        jitad.grad(first)(tree)


def test_a_rule_may_compute_in_wider_floats() -> None:
    single = jitad.custom_vjp(lambda x: x * 2)
    single.defvjp(lambda x: (x * 2, None), lambda _, ct: (ct * np.float64(3.0),))
    found = jitad.grad(single)(np.float32(1.0))
    assert found == 3.0
    assert found.dtype == np.float32


def test_a_rule_that_applies_its_function_to_the_tangent() -> None:
    @jitad.custom_jvp
    def negative(x: Any) -> Any:
        return -x

    @negative.defjvp
    def negative_jvp(primals: Any, tangents: Any) -> Any:
        return negative(primals[0]), negative(tangents[0])

    def looped(x: Any) -> Any:
        return jitad.lax.scan(lambda c, _: (negative(c), None), x, None, length=3)[0]

    for wrap in WRAPS:
        assert wrap(jitad.grad(negative))(3.0) == -1.0
        assert wrap(jitad.grad(looped))(3.0) == -1.0
        assert wrap(jitad.grad(lambda x: jitad.grad(looped)(x) * x))(3.0) == -1.0


@pytest.mark.parametrize("kept", [False, True])
def test_what_only_the_rules_close_over_may_be_differentiated(kept: bool) -> None:
    def slope(y: Any) -> Any:
        @jitad.custom_vjp
        def f(x: Any) -> Any:
            return 2.0 * jnp.sin(x)

        if kept:
            f.defvjp(lambda x: (f(x), y), lambda y, ct: (2.0 * jnp.cos(y) * ct,))
        else:
            f.defvjp(lambda x: (f(x), None), lambda _, ct: (2.0 * jnp.cos(y) * ct,))
        return jitad.grad(f)(1.0)

    for wrap in WRAPS:
        np.testing.assert_allclose(wrap(slope)(4.0), 2 * np.cos(4.0))
        np.testing.assert_allclose(wrap(jitad.grad(slope))(4.0), -2 * np.sin(4.0))
        np.testing.assert_allclose(wrap(jitad.vmap(slope))(np.arange(3.0)), 2 * np.cos([0, 1, 2]))


def test_the_rules_of_a_function_without_results_are_not_asked_for() -> None:
    @jitad.custom_vjp
    def nothing(x: Any) -> Any:
        return None

    def never(*_: Any) -> Any:
        raise AssertionError

    nothing.defvjp(never, never)
    assert jitad.grad(lambda x: (nothing(x), x * 2.0)[1])(1.0) == 2.0


def test_values_of_primals_that_tell_whether_they_move() -> None:
    from jitad import custom_derivatives as rules

    @jitad.custom_vjp
    def f(tree: Any) -> Any:
        return tree["x"] * tree["n"]

    def forward(tree: Any) -> Any:
        assert isinstance(tree["n"], rules.CustomVJPPrimal) and not tree["n"].perturbed
        values = rules.custom_vjp_primal_tree_values(tree)
        return f(values), values

    f.defvjp(forward, lambda res, ct: ({"x": 10.0 * ct * res["n"], "n": None},), True)
    assert jitad.grad(lambda x: f({"x": x, "n": 3}))(2.0) == 30.0


def _first_doubled(x: Any) -> Any:
    return x.at[0].multiply(2.0)


@pytest.mark.parametrize(
    "call",
    [
        jitad.checkpoint(_first_doubled),
        lambda x: _with_rule(jitad.custom_jvp(_first_doubled))(x),
        lambda x: _with_rule(jitad.custom_vjp(_first_doubled))(x),
        jitad.custom_gradient(lambda x: (_first_doubled(x), lambda ct: (ct,))),
        jitad.custom_batching.custom_vmap(_first_doubled),
        lambda x: lax.custom_root(
            lambda y: y - x, x, lambda f, guess: _first_doubled(guess), lambda g, y: y
        ),
        lambda x: lax.custom_linear_solve(lambda y: y, x, lambda mv, b: _first_doubled(b)),
        lambda x: jnp.piecewise(x, [x < 9], [_first_doubled]),
    ],
)
def test_arrays_of_numpy_have_at_where_tracers_would(call: Any) -> None:
    """What runs at once, outside of traces, may be written as if it were traced."""
    x = np.array([1.0, 2.0])
    np.testing.assert_array_equal(call(x), [2.0, 2.0])
    np.testing.assert_array_equal(jitad.jit(call)(x), [2.0, 2.0])
    np.testing.assert_array_equal(x, [1.0, 2.0])


def _with_rule(f: Any) -> Any:
    if isinstance(f, jitad.custom_jvp):
        f.defjvp(lambda primals, tangents: (_first_doubled(*primals), _first_doubled(*tangents)))
    else:
        f.defvjp(lambda x: (_first_doubled(x), None), lambda _, ct: (_first_doubled(ct),))
    return f


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_checkpointed_loop_in_a_checkpoint(wrap: Any) -> None:
    def loop(x: Any) -> Any:
        return lax.scan(lambda s, _: (s * s.sum(), s), x, None, length=3)[0]

    def nested(x: Any) -> Any:
        return jnp.sum(jitad.checkpoint(loop)(x) ** 2)

    x = np.array([0.3, 0.5, 0.7])
    expected = jitad.grad(lambda x: jnp.sum(loop(x) ** 2))(x)
    np.testing.assert_allclose(wrap(jitad.grad(jitad.checkpoint(nested)))(x), expected, rtol=1e-13)
