"""Python functions in programs: values, errors, derivatives, batches, the process around them."""

from __future__ import annotations

import dataclasses
import gc
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import ShapeDtypeStruct, debug, lax

WRAPS = [lambda f: f, jitad.jit]


@pytest.mark.parametrize("wrap", WRAPS, ids=["eager", "jit"])
def test_pytrees_and_dtypes(wrap: Any) -> None:
    def host(x: Any, *, scale: Any) -> Any:
        assert isinstance(x["a"], np.ndarray)
        return {
            "c": x["a"] * 1j * scale,
            "n": x["a"].size,
            "empty": np.zeros((0, 2)),
            "flag": x["b"] > 0,
        }

    results = {
        "c": ShapeDtypeStruct((2,), complex),
        "n": ShapeDtypeStruct((), "int32"),
        "empty": ShapeDtypeStruct((0, 2), float),
        "flag": ShapeDtypeStruct((), bool),
    }
    program = wrap(lambda x: jitad.pure_callback(host, results, x, scale=2.0))
    found = program({"a": np.ones(2), "b": 3})
    assert np.array_equal(found["c"], [2j, 2j])
    assert found["n"] == 2 and found["n"].dtype == np.int32
    assert found["empty"].shape == (0, 2)
    assert found["flag"] and found["flag"].dtype == np.bool_


@pytest.mark.parametrize("wrap", WRAPS, ids=["eager", "jit"])
@pytest.mark.parametrize(
    ("method", "shapes", "calls"),
    [
        ("sequential", ((2,), ()), 3),
        ("sequential_unrolled", ((2,), ()), 3),
        ("expand_dims", ((3, 2), (1,)), 1),
        ("broadcast_all", ((3, 2), (3,)), 1),
        ("legacy_vectorized", ((3, 2), ()), 1),
    ],
)
def test_vmap_methods(wrap: Any, method: str, shapes: Any, calls: int) -> None:
    seen = []

    def host(x: Any, y: Any) -> Any:
        seen.append((x.shape, y.shape))
        return x + y[..., None] if y.ndim else x + y

    def program(x: Any, y: Any) -> Any:
        return jitad.pure_callback(host, x, x, y, vmap_method=method)

    x = np.arange(6.0).reshape(3, 2)
    found = wrap(jitad.vmap(program, in_axes=(0, None)))(x, 1.0)
    assert np.array_equal(found, x + 1.0)
    assert seen == [shapes] * calls


def test_vmap_needs_a_method() -> None:
    program = jitad.vmap(lambda x: jitad.pure_callback(np.sin, x, x))
    with pytest.raises(NotImplementedError, match="vmap_method"):
        program(np.ones(2))
    with pytest.raises(ValueError, match="vmap_method must be one of"):
        jitad.pure_callback(np.sin, 1.0, 1.0, vmap_method="both")


@pytest.mark.parametrize("wrap", WRAPS, ids=["eager", "jit"])
def test_derivatives(wrap: Any) -> None:
    def host(x: Any) -> Any:
        return jitad.pure_callback(np.sin, x, x)

    with pytest.raises(ValueError, match="custom_jvp"):
        wrap(jitad.grad(host))(1.0)
    sin = jitad.custom_jvp(host)
    sin.defjvp(lambda p, t: (sin(*p), t[0] * jitad.pure_callback(np.cos, p[0], p[0])))
    assert wrap(jitad.grad(sin))(1.0) == np.cos(1.0)
    stopped = jitad.grad(lambda x: x * host(lax.stop_gradient(x)))
    assert wrap(stopped)(1.0) == np.sin(1.0)
    integer = jitad.grad(lambda x: x * jitad.pure_callback(int, ShapeDtypeStruct((), int), x))
    assert wrap(integer)(2.5) == 2.0


class Tally:
    """Counts calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Any:
        self.calls += 1
        return np.int64(self.calls)

    def drawn(self) -> Any:
        return jitad.io_callback(self, ShapeDtypeStruct((), "int64"), ordered=True)


def test_results_of_effects_are_kept_not_made_again() -> None:
    tally = Tally()

    def step(x: Any) -> Any:
        return jnp.sin(x) * tally.drawn()

    looped = jitad.jit(
        jitad.grad(lambda x: lax.scan(lambda c, _: (step(c), None), x, None, length=3)[0])
    )
    factors = [1.0, 2.0, 3.0]

    def expected(x: float) -> float:
        slope = 1.0
        for factor in factors:
            slope *= np.cos(x) * factor
            x = np.sin(x) * factor
        return slope

    assert np.allclose(looped(1.0), expected(1.0)) and tally.calls == 3
    tally.calls = 0
    remembered = jitad.jit(jitad.grad(jitad.checkpoint(lambda x: step(step(step(x))))))
    assert np.allclose(remembered(1.0), expected(1.0)) and tally.calls == 3
    repeated = jitad.jit(jitad.grad(lambda x: lax.while_loop(lambda c: c < 9.0, step, x)))
    with pytest.raises(TypeError, match="would call it twice"):
        repeated(1.0)


@pytest.mark.parametrize("wrap", WRAPS, ids=["eager", "jit"])
def test_unread_and_alike_effects_happen(wrap: Any) -> None:
    tally = Tally()

    def program(x: Any) -> Any:
        tally.drawn()
        return x * (10 * tally.drawn() + tally.drawn())

    assert wrap(program)(1.0) == 23.0
    assert tally.calls == 3


@pytest.mark.parametrize("wrap", WRAPS, ids=["eager", "jit"])
@pytest.mark.parametrize(
    ("host", "message"),
    [
        (lambda a: a[:1], r"f64\[3\].*shape \(1,\)"),
        (lambda a: a.astype("f4"), "float32"),
        (lambda a: (a, a), "structure"),
        (lambda a: None, "structure"),
    ],
)
def test_wrong_results(wrap: Any, host: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        wrap(lambda x: jitad.pure_callback(host, x, x))(np.ones(3))


class Broken(Exception):
    """Raised by callbacks."""


def test_exceptions_leave_every_kind_of_loop() -> None:
    def host(x: Any) -> None:
        if x > 50:
            raise Broken(float(x))

    def step(c: Any) -> Any:
        debug.callback(host, c)
        return c * 1.5

    programs = [
        lambda x: lax.while_loop(lambda c: c < 1000.0, step, x),
        jitad.grad(lambda x: lax.while_loop(lambda c: c < 1000.0, step, x)),  # with a tape
        jitad.grad(lambda x: lax.fori_loop(0, 100, lambda _, c: step(c), x)),
        lambda x: lax.cond(x > 0, lambda y: step(y * 100), lambda y: y, x),
        lambda x: jitad.vmap(step)(x * np.arange(100.0)),
    ]
    for program in programs:
        compiled = jitad.jit(program)
        for _ in range(3):
            with pytest.raises(Broken):
                compiled(1.0)
        with pytest.raises(Broken):
            program(1.0)


def test_arrays_and_functions_are_released() -> None:
    class Host:
        def __call__(self, x: Any) -> Any:
            if x[0] < 0:
                raise Broken
            return x

    host = Host()
    alive = weakref.ref(host)
    program = jitad.jit(lambda x, host=host: jitad.pure_callback(host, x, x) + 1.0)
    x = np.ones(1000)
    program(x)
    before = sys.getrefcount(x)
    for sign in (1.0, -1.0) * 20:
        y = x * sign
        if sign > 0:
            program(y)
        else:
            with pytest.raises(Broken):
                program(y)
    assert sys.getrefcount(x) == before
    del program, host
    gc.collect()
    assert alive() is None


def test_cycles_through_callbacks_are_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.run = jitad.jit(lambda n: self.called(n))

        def called(self, n: Any) -> Any:
            debug.callback(self.noted, n)
            return lax.cond(
                n < 2, lambda n: n, lambda n: jitad.pure_callback(self.earlier, n, n), n
            )

        def noted(self, n: Any) -> None:
            assert n >= 0

        def earlier(self, n: Any) -> Any:
            return self.run(n - 1) + self.run(n - 2)

    owner = Owner()
    assert owner.run(6) == 8
    alive = weakref.ref(owner)
    del owner
    gc.collect()
    assert alive() is None


def test_operands_are_copies() -> None:
    kept = []
    program = jitad.jit(lambda x: debug.callback(lambda a: kept.append(a) or a.fill(0.0), x * 2.0))
    x = np.ones(3)
    program(x)
    program(x * 5.0)
    assert np.array_equal(x, np.ones(3)) and [k.sum() for k in kept] == [0.0, 0.0]
    kept[0][:] = 4.0
    assert kept[1].sum() == 0.0


def test_callbacks_call_programs_and_clear_them() -> None:
    @jitad.jit
    def fibonacci(n: Any) -> Any:
        def host(m: Any) -> Any:
            return fibonacci(m - 1) + fibonacci(m - 2)

        return lax.cond(n < 2, lambda n: n, lambda n: jitad.pure_callback(host, n, n), n)

    assert fibonacci(10) == 55

    @jitad.jit
    def clearing(x: Any) -> Any:
        y = jnp.sin(x)
        debug.callback(jitad.clear_caches)
        debug.callback(gc.collect)
        return jnp.cumsum(y)

    for _ in range(3):
        assert np.array_equal(clearing(np.zeros(5)), np.zeros(5))


def test_threads_without_the_lock() -> None:
    program = jitad.jit(lambda x: jitad.pure_callback(lambda a: a * 2.0, x, x) + 1.0)
    big = np.ones(300_000)
    program(big)
    right = []

    def work(k: int) -> None:
        for _ in range(5):
            right.append(np.array_equal(program(big * k), big * k * 2.0 + 1.0))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 20


SCRIPT = """
import sys, numpy as np, jitad
first, second = (lambda: print("first")), (lambda: print("second"))
pair = (first, first) if sys.argv[1] == "same" else (first, second)
for f in (first, second):
    f.__name__ = "f"
def program(x):
    jitad.debug.callback(pair[0])
    jitad.debug.callback(pair[1])
    return x + 1.0
jitad.config.log_compiles = True
jitad.jit(program)(1.0)
"""


def test_programs_with_callbacks_come_from_the_disk(tmp_path: Path) -> None:
    environment = {**os.environ, "JITAD_CACHE_DIR": str(tmp_path), "JITAD_CACHE": "1"}

    def run(which: str) -> tuple[str, bool]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, which],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, "from the disk cache" in done.stderr

    assert run("same") == ("first\nfirst\n", False)
    assert run("different") == ("first\nsecond\n", False)
    assert run("same") == ("first\nfirst\n", True)
    assert run("different") == ("first\nsecond\n", True)


def test_first_call_of_a_large_program_raises() -> None:
    def host(x: Any) -> Any:
        raise Broken

    program = jitad.jit(lambda x: jitad.pure_callback(host, x, x) + 1.0)
    for _ in range(2):
        with pytest.raises(Broken):
            program(np.ones(500_000))


@dataclasses.dataclass
class Unhashable:
    """Compares by value, so it has no hash."""

    scale: float

    def __call__(self, x: Any) -> Any:
        return self.scale * x

    def method(self, x: Any) -> Any:
        return self.scale * x


@pytest.mark.parametrize("wrap", WRAPS, ids=["eager", "jit"])
def test_functions_without_a_hash(wrap: Any) -> None:
    host = Unhashable(3.0)

    def program(x: Any) -> Any:
        fixed = lax.stop_gradient(x)
        return x * jitad.pure_callback(host, x, fixed) * jitad.pure_callback(host.method, x, fixed)

    assert wrap(program)(2.0) == 72.0
    assert wrap(jitad.grad(program))(2.0) == 36.0


def test_lanes_know_their_index(capsys: pytest.CaptureFixture[str]) -> None:
    def program(x: Any) -> Any:
        debug.print("{} {}", lax.axis_index("lanes"), x)
        return x

    jitad.jit(jitad.vmap(program, axis_name="lanes"))(np.array([5.0, 6.0]))
    assert capsys.readouterr().out == "0 5.0\n1 6.0\n"


@pytest.mark.parametrize("callback", [jitad.pure_callback, jitad.experimental.io_callback])
def test_results_in_containers_of_another_kind(callback: Any) -> None:
    shape = jitad.ShapeDtypeStruct((), np.float64)
    f = jitad.jit(lambda x: callback(lambda x: [x, 2.0 * x], (shape, {"twice": shape}), x))
    assert f(3.0) == (3.0, {"twice": 6.0})
    with pytest.raises(TypeError, match="must return the structure"):
        jitad.jit(lambda x: callback(lambda x: [x, x], shape, x))(3.0)
