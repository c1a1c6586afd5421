"""`jit(f).lower(...).compile()`."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp


def test_from_shapes_to_a_call() -> None:
    runs: list[int] = []

    @jitad.jit
    def loss(parameters: dict[str, Any], x: Any) -> Any:
        runs.append(1)
        return jnp.sum(jnp.tanh(x @ parameters["w"] + parameters["b"]))

    shape = jitad.ShapeDtypeStruct
    lowered = loss.lower(
        {"w": shape((3, 2), np.float64), "b": shape((2,), np.float64)}, shape((5, 3), np.float64)
    )
    assert "dot" in lowered.as_text()
    assert lowered.out_info.shape == ()
    compiled = lowered.compile()
    traced = len(runs)
    parameters = {"w": np.ones((3, 2)), "b": np.ones(2)}
    x = np.linspace(0, 1, 15).reshape(5, 3)
    np.testing.assert_allclose(compiled(parameters, x), np.sum(np.tanh(x @ np.ones((3, 2)) + 1)))
    assert loss(parameters, x) == compiled(parameters, x)
    assert len(runs) == traced
    cost = compiled.cost_analysis()
    assert cost["transcendentals"] == 10
    assert cost["flops"] >= 2 * 5 * 3 * 2 + 10
    memory = compiled.memory_analysis()
    assert memory.argument_size_in_bytes == 8 * (6 + 2 + 15)
    assert memory.output_size_in_bytes == 8
    assert compiled.as_text().startswith("plan loss(")


def test_static_arguments_are_part_of_the_program() -> None:
    power = jitad.jit(lambda x, n, mode="plain": x**n, static_argnums=1, static_argnames="mode")
    compiled = power.lower(2.0, 3, mode="plain").compile()
    assert compiled(5.0) == 125.0


def test_other_arguments_are_refused() -> None:
    compiled = jitad.jit(lambda x: x + 1).lower(np.ones(3)).compile()
    with pytest.raises(TypeError, match=r"compiled for an argument f64\[3\]; got f64\[4\]"):
        compiled(np.ones(4))
    with pytest.raises(TypeError, match="was compiled for arguments"):
        compiled(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="expected dialect=None; got 'stablehlo'"):
        jitad.jit(lambda x: x).lower(1.0).as_text("stablehlo")


def test_stages_tell_of_their_program() -> None:
    def scale(x: Any, n: int, *, by: Any) -> Any:
        return {"y": x["a"] * by, "n": x["a"] + n}

    scaled = jitad.jit(scale, static_argnums=1)
    arguments = {"a": jitad.ShapeDtypeStruct((3,), np.float32)}
    traced = scaled.trace(arguments, 2, by=np.float32(1))
    assert traced.fun_name == "scale" and traced.jaxpr == traced == traced.lower().compiler_ir()
    lowered = traced.lower(lowering_platforms=("cpu",))
    compiled = lowered.compile(compiler_options={"xla_cpu_enable_fast_math": False})
    for stage in (traced, lowered, compiled):
        (x,), keywords = stage.args_info
        assert (x["a"].shape, x["a"].dtype, x["a"].donated) == ((3,), np.float32, False)
        assert keywords["by"].shape == ()
        assert stage.in_tree == jitad.tree.structure((({"a": 0},), {"by": 0}))
        assert stage.out_tree == jitad.tree.structure({"n": 0, "y": 0})
        assert stage.out_info["y"] == jitad.ShapeDtypeStruct((3,), np.float32)
        assert stage.in_avals[0][0]["a"].shape == stage.out_avals["y"].shape == (3,)
        assert stage.donate_argnums == ()
    result = compiled.call({"a": np.ones(3, np.float32)}, by=np.float32(3))
    np.testing.assert_array_equal(result["y"], [3, 3, 3])
    assert jitad.tree.structure(compiled.input_shardings) == compiled.in_tree
    assert jitad.tree.structure(compiled.output_shardings) == compiled.out_tree
    memory = compiled.memory_analysis()
    assert memory.peak_memory_in_bytes == 16 + 24 + memory.temp_size_in_bytes
    with pytest.raises(ValueError, match="expected dialect=None; got 'hlo'"):
        lowered.compiler_ir("hlo")


def test_methods_are_the_functions_own() -> None:
    """What wraps a jitted function does not have its stages."""
    f = jitad.jit(jnp.sin)
    for outer in (jitad.grad(f), jitad.vmap(f), functools.wraps(f)(lambda x: x)):
        assert not hasattr(outer, "lower") and not hasattr(outer, "clear_cache")
    assert repr(f).startswith("<jitad.CompiledFunction of <function sin")
    twice = jitad.jit(jitad.vmap(f))
    assert twice.lower(np.ones(3)).compile()(np.zeros(3)).tolist() == [0, 0, 0]
