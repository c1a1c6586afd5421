"""Settings that find mistakes: nan and infinity, leaked tracers, repeated traces, mixed dtypes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax


def in_scan(x: Any) -> Any:
    def step(c: Any, r: Any) -> Any:
        return c * 2.0, jnp.log(c - r)  # scan

    return jnp.sum(lax.scan(step, x, np.arange(5.0))[1])


def in_while(x: Any) -> Any:
    def step(c: Any) -> Any:
        return jnp.sqrt(c[0] - 1.0), c[1] + 1  # while

    return lax.while_loop(lambda c: c[1] < 3, step, (x, 0))


def in_cond(x: Any) -> Any:
    return lax.cond(x > 0, lambda y: jnp.log(-y), lambda y: y, x)  # cond


def in_checkpoint(x: Any) -> Any:
    return jitad.checkpoint(lambda y: jnp.arccosh(y) + 1.0)(x)  # checkpoint


def in_gradient(x: Any) -> Any:
    return jitad.grad(lambda y: jnp.sum(jnp.sqrt(y * y)))(x)  # gradient


CASES: list[tuple[Callable[..., Any], Any, str, str]] = [
    (lambda x: jnp.sum(jnp.log(x)), np.array([1.0, -1.0]), "log of -1.0 at (1,)", "lambda x"),
    (in_scan, 0.25, "log of -0.5", "# scan"),
    (in_while, 2.5, "sqrt of -0.525", "# while"),
    (in_cond, 2.5, "log of -2.5", "# cond"),
    (in_checkpoint, 0.5, "acosh of 0.5", "# checkpoint"),
    (in_gradient, np.zeros(2), "mul of", "# gradient"),
    (jitad.vmap(lambda x: jnp.log(x)), np.array([1.0, -2.0]), "log of -2.0 at (1,)", "vmap"),
    (lambda x: jnp.log(-1.0 + 0.0 * x), 1.0, "log of -1.0", "lambda x"),
]


@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("case", CASES, ids=[c[2] for c in CASES])
def test_debug_nans_names_operation_and_line(case: Any, wrap: Any) -> None:
    function, argument, operation, line = case
    run = wrap(function)
    run(argument)  # without the setting nothing happens
    with jitad.debug_nans(), pytest.raises(FloatingPointError) as caught:
        run(argument)
    text = str(caught.value)
    assert f"nan in the result of {operation}" in text and line in text, text
    run(argument)


def test_debug_nans_lets_masked_and_finite_values_pass() -> None:
    run = jitad.jit(jitad.grad(lambda x: jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 0.0))))
    with jitad.debug_nans():
        assert np.array_equal(run(np.array([1.0, 0.0])), [0.5, 0.0])
        assert np.isinf(jitad.jit(lambda x: 1.0 / x)(0.0))
    with jitad.debug_infs(), pytest.raises(FloatingPointError, match="infinity in the result of"):
        jitad.jit(lambda x: 1.0 / x)(0.0)
    with jitad.debug_nans(), pytest.raises(FloatingPointError, match="nan in input 0"):
        jitad.jit(lambda x: x + 1.0)(np.nan)


def test_debug_nans_reaches_functions_compiled_before_and_prints_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @jitad.jit
    def run(x: Any) -> Any:
        jitad.debug.print("x {}", x)
        return jnp.log(x)

    run(1.0)
    run(1.0)
    jitad.config.update("jax_debug_nans", True)
    try:
        assert jitad.config.debug_nans and jitad.config.jax_debug_nans
        capsys.readouterr()
        with pytest.raises(FloatingPointError):
            run(-1.0)
        assert capsys.readouterr().out == "x -1.0\n"
    finally:
        jitad.config.update("jax_debug_nans", False)
    assert np.isnan(run(-1.0))


def test_checking_leaks() -> None:
    kept: list[Any] = []
    with jitad.checking_leaks():
        with pytest.raises(jitad.errors.LeakedTracerError, match=r"f64\[\].*in a list of 1"):
            jitad.jit(lambda x: kept.append(x))(1.0)
        kept.clear()
        with pytest.raises(jitad.errors.LeakedTracerError):
            jitad.grad(lambda x: lax.scan(lambda c, r: (kept.append(c) or c, r), x, np.ones(2))[0])(
                1.0
            )
        kept.clear()

        def clean(x: Any) -> Any:
            y = lax.scan(lambda c, r: (c * r, c), x, np.ones(3))[0]
            y = lax.while_loop(lambda c: c < 5.0, lambda c: 2.0 * c, y)
            return lax.cond(y > 0, jitad.checkpoint(jnp.sin), lambda z: z, y)

        for wrap in (jitad.jit, jitad.grad, lambda f: jitad.jit(jitad.vmap(jitad.grad(f)))):
            wrap(clean)(np.ones(2) if wrap not in (jitad.jit, jitad.grad) else 1.5)


def test_explain_cache_misses(capsys: pytest.CaptureFixture[str]) -> None:
    run = jitad.jit(lambda x, n: x["a"] * n, static_argnums=1)
    with jitad.explain_cache_misses():
        run({"a": np.ones(3)}, 2)
        run({"a": np.ones(3)}, 2)
        assert capsys.readouterr().err == ""
        for argument, n, told in [
            (np.ones(4), 2, "argument [0]['a']: f64[4]; before f64[3]"),
            (np.ones(4), 3, "static argument 1: 3; before 2"),
            (np.ones(4, int), 3, "argument [0]['a']: i64[4]; before f64[4]"),
        ]:
            run({"a": argument}, n)
            assert told in capsys.readouterr().err


def test_strict_promotion() -> None:
    with jitad.numpy_dtype_promotion("strict"):
        assert (jnp.ones(2, np.float32) * 2.0 + 1).dtype == np.float32
        for mixed in (
            lambda: jnp.add(np.ones(2), np.ones(2, np.float32)),
            lambda: jnp.concatenate([np.ones(2), np.ones(2, int)]),
            lambda: jitad.jit(lambda x: x + np.arange(2))(np.ones(2)),
        ):
            with pytest.raises(TypeError, match="meet, under numpy_dtype_promotion"):
                mixed()
    assert jnp.add(np.ones(2), np.ones(2, np.float32)).dtype == np.float64
    with pytest.raises(ValueError, match="'standard' or 'strict'"):
        jitad.config.update("jax_numpy_dtype_promotion", "loose")


def test_config() -> None:
    with jitad.log_compiles(), jitad.default_prng_impl("threefry2x32"):
        assert jitad.config.log_compiles and jitad.config.jax_log_compiles
    assert not jitad.config.log_compiles
    assert jitad.config.jax_enable_x64
    with jitad.experimental.enable_x64():
        assert jnp.zeros(1).dtype == np.float64
    with pytest.raises(ValueError, match="float32"):
        jitad.experimental.enable_x64(False)
    with pytest.raises(ValueError, match="threefry2x32"):
        jitad.default_prng_impl("rbg").__enter__()
    with pytest.raises(AttributeError, match="no setting 'jax_spelling'"):
        _ = jitad.config.jax_spelling


def test_loops_and_branches_keep_nothing() -> None:
    x = np.arange(3.0)
    with jitad.checking_leaks():
        jitad.lax.scan(lambda c, x: (jnp.sin(c) + x, c), 1.0, x)
        jitad.lax.while_loop(lambda c: c < 3.0, lambda c: c + 1.0, 0.0)
        jitad.jit(lambda x: jitad.lax.cond(x[0] > 0, jnp.sin, jnp.cos, x))(x)
        jitad.grad(lambda x: jitad.lax.map(jnp.sin, x).sum())(x)
