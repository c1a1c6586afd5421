"""Checks as results: which fail, what they say, in every composition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad.experimental import checkify

WRAPS = pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])


def positive_log(x: Any) -> Any:
    checkify.check(x > 0, "must be positive, got {} and {k}", x, k=2 * x)
    return jnp.log(x)


def message(f: Any, *args: Any, errors: Any = checkify.user_checks, wrap: Any = None) -> Any:
    function = checkify.checkify(f, errors=errors)
    return (wrap or jitad.jit)(function)(*args)[0].get()


SAID = "must be positive, got {} and {} (`check` failed)"


@WRAPS
def test_a_check(wrap: Any) -> None:
    error, result = wrap(checkify.checkify(positive_log))(2.0)
    assert error.get() is None and result == np.log(2.0)
    error.throw()
    checkify.check_error(error)
    error, result = wrap(checkify.checkify(positive_log))(-1.0)
    assert error.get() == SAID.format(-1.0, -2.0) and np.isnan(result)
    assert "must be positive" in repr(error)
    for raising in (error.throw, lambda: checkify.check_error(error)):
        with pytest.raises(checkify.JaxRuntimeError, match="must be positive, got -1.0"):
            raising()


@WRAPS
def test_without_checkify_it_raises(wrap: Any) -> None:
    f = wrap(positive_log)
    assert f(2.0) == np.log(2.0)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="got -1.0 and -2.0"):
            f(-1.0)
    with pytest.raises(RuntimeError, match="got -1.0 and -2.0"):
        wrap(jitad.grad(positive_log))(-1.0)
    with pytest.raises(RuntimeError, match="got -3.0 and -6.0"):
        wrap(jitad.vmap(positive_log))(np.array([1.0, -3.0, -4.0]))

    def quiet(x: Any) -> Any:
        checkify.debug_check(x > 0, "m")
        return x

    assert wrap(quiet)(-1.0) == -1.0
    assert message(quiet, -1.0, wrap=wrap) == "m (`check` failed)"


@WRAPS
def test_the_first_that_fails(wrap: Any) -> None:
    def f(x: Any) -> Any:
        checkify.check(x > 0, "first")
        checkify.check(x > 1, "second")
        return x

    assert message(f, -1.0, wrap=wrap) == "first (`check` failed)"
    assert message(f, 0.5, wrap=wrap) == "second (`check` failed)"
    assert message(f, 2.0, wrap=wrap) is None

    def outer(x: Any) -> Any:
        error, y = checkify.checkify(f)(x)
        checkify.check_error(error)
        return y

    assert message(outer, 0.5, wrap=wrap) == "second (`check` failed)"
    assert message(outer, 2.0, wrap=wrap) is None


@WRAPS
def test_vmap(wrap: Any) -> None:
    x = np.array([1.0, -2.0, -3.0])
    error, _ = wrap(jitad.vmap(checkify.checkify(positive_log)))(x)
    assert error.get() == "\n".join(
        [f"at mapped index {i}: {SAID.format(v, 2 * v)}" for i, v in ((1, -2.0), (2, -3.0))]
    )
    assert message(jitad.vmap(positive_log), x, wrap=wrap) == SAID.format(-2.0, -4.0)
    assert message(
        jitad.vmap(jitad.vmap(positive_log)), np.array([[1.0, 2.0], [3.0, -4.0]]), wrap=wrap
    ) == (SAID.format(-4.0, -8.0))
    assert message(jitad.vmap(positive_log), abs(x), wrap=wrap) is None


@WRAPS
def test_loops_and_branches(wrap: Any) -> None:
    def step(c: Any, a: Any) -> Any:
        checkify.check(a < 2, "a {}", a)
        return c + a, c

    total = lambda x: lax.scan(step, 0.0, x)  # noqa: E731
    assert message(total, np.arange(5.0), wrap=wrap) == "a 2.0 (`check` failed)"
    backwards = lambda x: lax.scan(step, 0.0, x, reverse=True)  # noqa: E731
    assert message(backwards, np.arange(5.0), wrap=wrap) == "a 4.0 (`check` failed)"
    error, (last, rows) = wrap(checkify.checkify(total))(np.arange(2.0))
    assert error.get() is None and last == 1.0 and rows.tolist() == [0.0, 0.0]

    def advance(c: Any) -> Any:
        checkify.check(c != 3, "step at {}", c)
        return c + 1

    def holds(c: Any) -> Any:
        checkify.check(c < 7, "condition at {}", c)
        return c < 7

    loop = lambda c: lax.while_loop(holds, advance, c)  # noqa: E731
    assert message(loop, 0, wrap=wrap) == "step at 3 (`check` failed)"
    assert message(loop, 4, wrap=wrap) == "condition at 7 (`check` failed)"
    assert message(lambda c: lax.while_loop(lambda c: c < 3, advance, c), 0, wrap=wrap) is None

    def small(x: Any) -> Any:
        checkify.check(x > 5, "small {}", x)
        return x

    def negative(x: Any) -> Any:
        checkify.check(x < -5, "near zero {} {}", x, jnp.stack([x, x]))
        return -x

    choose = lambda x: lax.cond(x > 0, small, negative, x)  # noqa: E731
    assert message(choose, 1.0, wrap=wrap) == "small 1.0 (`check` failed)"
    assert message(choose, -1.0, wrap=wrap) == "near zero -1.0 [-1. -1.] (`check` failed)"
    assert message(choose, 6.0, wrap=wrap) is message(choose, -6.0, wrap=wrap) is None
    nested = lambda x: lax.scan(lambda c, a: (choose(a), c), 0.0, x)  # noqa: E731
    assert message(nested, np.array([9.0, -7.0, -1.0, 1.0]), wrap=wrap).startswith("near zero -1.0")


@WRAPS
def test_derivatives(wrap: Any) -> None:
    assert message(jitad.grad(positive_log), -1.0, wrap=wrap) == SAID.format(-1.0, -2.0)
    checkified = checkify.checkify(positive_log)
    assert wrap(jitad.grad(lambda x: checkified(x)[1]))(2.0) == 0.5
    value, slope = wrap(lambda x: jitad.jvp(lambda x: checkified(x)[1], (x,), (1.0,)))(2.0)
    assert (value, slope) == (np.log(2.0), 0.5)
    inner = jitad.checkpoint(positive_log)
    assert message(inner, -1.0, wrap=wrap) == SAID.format(-1.0, -2.0)
    assert message(jitad.grad(inner), -1.0, wrap=wrap) == SAID.format(-1.0, -2.0)

    @jitad.custom_jvp
    def ruled(x: Any) -> Any:
        return positive_log(x)

    ruled.defjvp(lambda p, t: (ruled(p[0]), 7.0 * t[0]))
    assert message(ruled, -1.0, wrap=wrap) == SAID.format(-1.0, -2.0)


@WRAPS
def test_operations(wrap: Any) -> None:
    nan, div, index = checkify.nan_checks, checkify.div_checks, checkify.index_checks
    assert message(jnp.log, -1.0, errors=nan, wrap=wrap).startswith(
        "nan generated by primitive: log."
    )
    assert message(jnp.log, -1.0, errors=div | index, wrap=wrap) is None
    assert message(jnp.log, 1.0, errors=checkify.all_checks, wrap=wrap) is None
    assert "sqrt" in message(jnp.sqrt, np.array([1.0, -1.0]), errors=nan, wrap=wrap)
    assert "complex" not in str(message(jnp.sqrt, 1j, errors=nan, wrap=wrap))
    for one, zero in ((1.0, 0.0), (np.ones(3), np.array([1.0, 0.0, 1.0]))):
        said = message(lambda x, y: x / y, one, zero, errors=checkify.float_checks, wrap=wrap)
        assert said.startswith("division by zero")
    x = np.arange(3.0)
    outside = "out-of-bounds indexing for array of shape (3,): index 5 is out of bounds for axis 0"
    for f in (
        lambda x, i: x[i],
        lambda x, i: x.at[i].set(1.0),
        lambda x, i: x.at[i].add(1.0),
        lambda x, i: x[jnp.stack([i, i])],
        lambda x, i: lax.dynamic_slice(x, (i,), (2,)),
        lambda x, i: lax.dynamic_update_slice(x, x[:2], (i,)),
    ):
        assert message(f, x, 5, errors=index, wrap=wrap).startswith(outside)
        assert message(f, x, 0, errors=index, wrap=wrap) is None
        assert message(f, x, 5, wrap=wrap) is None
    assert message(lambda x, i: x[i], x, -1, errors=index, wrap=wrap) is None
    assert (
        message(jitad.vmap(lambda x, i: x[i], (None, 0)), x, np.array([0, 5]), errors=index)
        is not None
    )
    loop = lambda x: lax.fori_loop(0, 3, lambda i, c: jnp.log(c), x)  # noqa: E731
    assert "log" in message(loop, 0.5, errors=nan, wrap=wrap)


def test_where_it_was_written() -> None:
    said = message(lambda x: jnp.log(x), -1.0, errors=checkify.nan_checks)
    assert "test_checkify.py" in said


def test_wrong_arguments() -> None:
    for pred in (1.0, np.ones(2, bool), "x"):
        with pytest.raises(TypeError, match="expected a bool scalar"):
            checkify.check(pred, "m")
    with pytest.raises(TypeError, match="what msg is formatted with"):
        checkify.check(True, "{}", "text")
    with pytest.raises(ValueError, match="expected checks among"):
        checkify.checkify(jnp.sin, errors={"sign"})
    with pytest.raises(TypeError, match="expected an Error; got 3"):
        checkify.check_error(3)
    assert checkify.init_error.get() is None


@WRAPS
def test_reverse_mode_of_a_while_loop(wrap: Any) -> None:
    def loop(x: Any) -> Any:
        def step(c: Any) -> Any:
            checkify.check(c < 5, "at {}", c)
            return c * c

        return lax.while_loop(lambda c: c < 50, step, x)

    checkified = wrap(checkify.checkify(jitad.grad(loop)))
    assert checkified(60.0)[0].get() is None and checkified(60.0)[1] == 1.0
    error, slope = checkified(3.0)
    assert error.get() == "at 9.0 (`check` failed)" and slope == 4 * 27.0


def test_a_loop_whose_checks_are_not_asked_for_keeps_them() -> None:
    def f(n: Any) -> Any:
        def body(i: Any) -> Any:
            checkify.check(i < 3, "at most 3 steps")
            return i + 1

        return lax.while_loop(lambda i: i < n, body, 0)

    error, result = checkify.checkify(f, errors=checkify.nan_checks)(3)
    assert error.get() is None and result == 3
    with pytest.raises(checkify.JaxRuntimeError, match="at most 3 steps"):
        checkify.checkify(f, errors=checkify.nan_checks)(5)


def test_nan_of_a_while_loop_in_reverse_mode_is_seen() -> None:
    def loss(x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, jnp.sqrt(c[1])), (0, x))[1]

    error, _ = checkify.checkify(jitad.grad(loss), errors=checkify.nan_checks)(-1.0)
    assert "nan generated" in str(error.get())
    assert checkify.checkify(jitad.grad(loss), errors=checkify.nan_checks)(2.0)[0].get() is None
