"""Prints and callbacks happen as often as a program says, in its order, under every transformation,
evaluated and compiled."""

from __future__ import annotations

import bdb
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import debug, lax


def squared(x: Any) -> Any:
    debug.print("x {}", x)
    return x * x


def scanned(x: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        debug.print("{} {}", carry, row)
        return carry * row, carry

    return lax.scan(step, x, np.array([1.0, 2.0, 3.0]))[0]


def repeated(x: Any) -> Any:
    def step(value: Any) -> Any:
        debug.print("w {}", value)
        return value * value

    return lax.while_loop(lambda value: value < 100.0, step, x)


def branched(x: Any) -> Any:
    def yes(y: Any) -> Any:
        debug.print("yes {}", y)
        return y * y

    def no(y: Any) -> Any:
        debug.print("no {}", y)
        return y

    return lax.cond(x > 1.0, yes, no, x)


def remembered(x: Any) -> Any:
    return jitad.checkpoint(lambda y: jnp.sin(squared(jnp.sin(y))))(x)


def twice(x: Any) -> Any:
    debug.print("a {}", x)
    debug.print("b")
    debug.print("a {}", x)
    return x + 1.0


def unread(x: Any) -> Any:
    lax.fori_loop(0, 2, lambda i, y: (debug.print("i {}", i), y + 1.0)[1], x)
    return x * x


SIN = np.sin(1.0)
SCAN = "2.0 1.0|2.0 2.0|4.0 3.0"
WHILE = "w 2.0|w 4.0|w 16.0"
CASES: dict[str, tuple[Callable[..., Any], Any, str]] = {
    "print": (squared, 3.0, "x 3.0"),
    "equal prints": (twice, 3.0, "a 3.0|b|a 3.0"),
    "grad": (jitad.grad(squared), 3.0, "x 3.0"),
    "value_and_grad": (jitad.value_and_grad(squared), 3.0, "x 3.0"),
    "jvp": (lambda x: jitad.jvp(squared, (x,), (x,)), 3.0, "x 3.0"),
    "grad of grad": (jitad.grad(jitad.grad(squared)), 3.0, "x 3.0"),
    "hessian": (jitad.hessian(squared), 3.0, "x 3.0"),
    "jacrev": (jitad.jacrev(squared), np.arange(2.0), "x [0. 1.]"),
    "jacfwd": (jitad.jacfwd(squared), np.arange(2.0), "x [0. 1.]"),
    "vmap": (jitad.vmap(squared), np.arange(3.0), "x 0.0|x 1.0|x 2.0"),
    "vmap, the same in all lanes": (
        lambda x: jitad.vmap(lambda y: squared(x) + y)(np.arange(3.0)),
        3.0,
        "x 3.0",
    ),
    "vmap of vmap": (
        jitad.vmap(jitad.vmap(squared)),
        np.arange(4.0).reshape(2, 2),
        "x 0.0|x 2.0|x 1.0|x 3.0",
    ),
    "vmap of grad": (jitad.vmap(jitad.grad(squared)), np.arange(2.0), "x 0.0|x 1.0"),
    "grad of vmap": (
        jitad.grad(lambda x: jnp.sum(jitad.vmap(squared)(x))),
        np.arange(2.0),
        "x 0.0|x 1.0",
    ),
    "grad of jit": (jitad.grad(jitad.jit(squared)), 3.0, "x 3.0"),
    "scan": (scanned, 2.0, SCAN),
    "grad of scan": (jitad.grad(scanned), 2.0, SCAN),
    "jvp of scan": (lambda x: jitad.jvp(scanned, (x,), (x,)), 2.0, SCAN),
    "hessian of scan": (jitad.hessian(scanned), 2.0, SCAN),
    "vmap of scan": (
        jitad.vmap(scanned),
        np.array([0.0, 1.0]),
        "0.0 1.0|1.0 1.0|0.0 2.0|1.0 2.0|0.0 3.0|2.0 3.0",
    ),
    "scan without results": (unread, 2.0, "i 0|i 1"),
    "grad of scan without results": (jitad.grad(unread), 2.0, "i 0|i 1"),
    "while": (repeated, 2.0, WHILE),
    "grad of while": (jitad.value_and_grad(repeated), 2.0, WHILE),
    "jvp of while": (lambda x: jitad.jvp(repeated, (x,), (x,)), 2.0, WHILE),
    "vmap of while": (
        jitad.vmap(repeated),
        np.array([2.0, 3.0, 200.0]),
        WHILE + "|w 3.0|w 9.0|w 81.0",
    ),
    "cond": (branched, 2.0, "yes 2.0"),
    "cond, the other": (branched, 0.5, "no 0.5"),
    "grad of cond": (jitad.grad(branched), 2.0, "yes 2.0"),
    "vmap of cond": (jitad.vmap(branched), np.array([2.0, 0.5]), "yes 2.0|no 0.5"),
    "vmap of grad of cond": (
        jitad.vmap(jitad.grad(branched)),
        np.array([2.0, 0.5]),
        "yes 2.0|no 0.5",
    ),
    "checkpoint": (remembered, 1.0, f"x {SIN}"),
    "grad of checkpoint": (jitad.grad(remembered), 1.0, f"x {SIN}"),
    "hessian of checkpoint": (jitad.hessian(remembered), 1.0, f"x {SIN}"),
    "grad of checkpoint of scan": (jitad.grad(jitad.checkpoint(scanned)), 2.0, SCAN),
    "grad of checkpoint of while": (jitad.grad(jitad.checkpoint(repeated)), 2.0, WHILE),
}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize("name", CASES)
def test_prints_once_in_order(
    name: str, compiled: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    function, argument, expected = CASES[name]
    run = jitad.jit(function) if compiled else function
    lines = "".join([line + "\n" for line in expected.split("|")])
    for _ in range(2):
        run(argument)
        assert capsys.readouterr().out == lines


def test_custom_jvp_rule_prints(capsys: pytest.CaptureFixture[str]) -> None:
    @jitad.custom_jvp
    def f(x: Any) -> Any:
        debug.print("primal")
        return x * x

    @f.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        debug.print("rule {}", primals[0])
        debug.print("tangent {}", tangents[0])
        return primals[0] ** 2, 2.0 * primals[0] * tangents[0]

    assert jitad.jit(jitad.grad(f))(3.0) == 6.0  # which has no tangents to print
    assert capsys.readouterr().out == "rule 3.0\n"
    assert jitad.jit(lambda x: jitad.jvp(f, (x,), (1.0,)))(3.0) == (9.0, 6.0)
    assert capsys.readouterr().out == "rule 3.0\ntangent 1.0\n"
    assert jitad.grad(f)(3.0) == 6.0
    assert capsys.readouterr().out == "primal\nrule 3.0\n"


@pytest.mark.parametrize("loop", ["scan", "while"])
def test_custom_vjp_rules_print_in_both_sweeps(
    loop: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @jitad.custom_vjp
    def f(x: Any) -> Any:
        return x * x

    def forward(x: Any) -> Any:
        debug.print("forward {}", x)
        return x * x, x

    def backward(x: Any, ct: Any) -> Any:
        debug.print("backward {} {}", x, ct)
        return (2.0 * x * ct,)

    f.defvjp(forward, backward)

    def program(x: Any) -> Any:
        if loop == "scan":
            return lax.scan(lambda c, _: (f(c), None), x, None, length=2)[0]
        return lax.while_loop(lambda c: c < 5.0, f, x)

    assert jitad.jit(jitad.grad(program))(1.5) == 13.5
    assert capsys.readouterr().out == (
        "forward 1.5\nforward 2.25\nbackward 2.25 1.0\nbackward 1.5 4.5\n"
    )


def test_transposed_while_with_an_outer_print(capsys: pytest.CaptureFixture[str]) -> None:
    def program(x: Any) -> Any:
        debug.print("before")
        y = repeated(x)
        debug.print("after {}", y)
        return y

    jitad.jit(jitad.grad(program))(2.0)
    assert capsys.readouterr().out.split("\n")[:-1] == [
        "before",
        *WHILE.split("|"),
        "after 256.0",
    ]


def test_updates_in_place_do_not_overtake_prints(capsys: pytest.CaptureFixture[str]) -> None:
    @jitad.jit
    def program(x: Any) -> Any:
        debug.print("{}", x)
        for i in range(3):
            x = x.at[i].set(7.0)
            debug.print("{}", x)
        return x

    program(np.zeros(3))
    assert capsys.readouterr().out == "[0. 0. 0.]\n[7. 0. 0.]\n[7. 7. 0.]\n[7. 7. 7.]\n"
    jitad.jit(
        lambda x: lax.fori_loop(0, 2, lambda i, y: (debug.print("{}", y), y.at[i].set(i))[1], x)
    )(np.full(40, 9))
    first, second = capsys.readouterr().out.split("]\n")[:-1]
    assert first.split()[:2] == ["[9", "9"]
    assert second.split()[:2] == ["[0", "9"]


def test_what_is_no_array_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    @jitad.jit
    def program(x: Any) -> Any:
        for fixed in (1, True, 1.0, 0.0, -0.0, "text", None, [1, "a"]):
            debug.print("{} {}", fixed, x)
        debug.print("{tree} {x:>5.1f}", tree={"shape": x.shape, "x": x}, x=x)
        debug.print("{{}}")

    program(2.0)
    assert capsys.readouterr().out == (
        "1 2.0\nTrue 2.0\n1.0 2.0\n0.0 2.0\n-0.0 2.0\ntext 2.0\nNone 2.0\n[1, 'a'] 2.0\n"
        "{'shape': (), 'x': Array(2.)}   2.0\n{}\n"
    )


def test_formats_are_checked_at_the_call() -> None:
    for call, error in [
        (lambda: debug.print("{} {}", 1.0), IndexError),
        (lambda: debug.print("{x}", y=1.0), (KeyError, ValueError)),
        (lambda: debug.print("no field", 1.0), ValueError),
        (lambda: debug.print("no field", x=1.0), ValueError),
        (lambda: debug.print(1.0), TypeError),
        (lambda: debug.print(ordered=True, x=1), TypeError),
    ]:
        with pytest.raises(error):
            call()


def test_two_calls_and_log(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    debug.print(ordered=True)("x {}", 1.5)
    debug.callback(ordered=True)(print, "y", 2.5)
    assert capsys.readouterr().out == "x 1.5\ny 2.5\n"
    with caplog.at_level("INFO", logger="jitad.debug"):
        jitad.jit(lambda x: debug.log("x {:.1f}", x))(2.0)
    (record,) = caplog.records
    assert record.message == "x 2.0" and record.filename == "test_effects.py"


def test_print_options_are_those_of_the_call(capsys: pytest.CaptureFixture[str]) -> None:
    with np.printoptions(precision=2):
        run = jitad.jit(lambda x: debug.print("{}", x))
        run(np.array([np.pi]))
    run(np.array([np.pi]))
    assert capsys.readouterr().out == "[3.14]\n[3.14]\n"


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
def test_breakpoint(
    compiled: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    label = "here"

    def program(x: Any) -> Any:
        y = x * 2.0
        debug.breakpoint()
        return y + len(label)

    run = jitad.jit(program) if compiled else program
    monkeypatch.setattr("sys.stdin", io.StringIO("p y + 1.0\np label\nlist\ncontinue\n"))
    assert run(3.0) == 10.0
    out = capsys.readouterr().out
    assert "7." in out and "'here'" in out and "debug.breakpoint()" in out
    monkeypatch.setattr("sys.stdin", io.StringIO("quit\n"))
    with pytest.raises(bdb.BdbQuit):
        run(3.0)
