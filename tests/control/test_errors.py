"""One error for a wrong loop: what was expected, what came, leaf by leaf, at the user's line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

X = np.ones(3)

CASES: list[tuple[str, Callable[[], Any], type[Exception], list[str]]] = [
    (
        "carry changes dtype",
        lambda: lax.scan(lambda c, _: ({**c, "a": c["a"] > 0}, None), {"a": X, "b": 1.0}, X),
        TypeError,
        ["scan: the carry must keep", "carry['a']: expected f64[3]; got bool[3]"],
    ),
    (
        "carry changes shape",
        lambda: lax.while_loop(lambda c: c[0].sum() < 3, lambda c: (c[0][:1], c[1]), (X, 1.0)),
        TypeError,
        ["while_loop: the carry must keep", "carry[0]: expected f64[3]; got f64[1]"],
    ),
    (
        "carry changes structure",
        lambda: lax.fori_loop(0, 3, lambda i, c: (c, c), X),
        TypeError,
        ["expected no such leaf; got f64[3]"],
    ),
    (
        "carry changes container",
        lambda: lax.scan(lambda c, _: (tuple(c), None), [X, X], X),
        TypeError,
        ["carry: expected the structure", "[*, *]", "(*, *)"],
    ),
    (
        "several leaves",
        lambda: lax.scan(lambda c, _: ((c[0] > 0, c[1], c[2] > 0), None), (X, X, X), X),
        TypeError,
        ["carry[0]: expected f64[3]; got bool[3]", "carry[2]: expected f64[3]; got bool[3]"],
    ),
    (
        "no pair",
        lambda: lax.scan(lambda c, x: c + x, 0.0, X),
        TypeError,
        ["must return a pair (carry, y); got Tracer"],
    ),
    (
        "branches of different types",
        lambda: lax.cond(True, lambda: {"a": X}, lambda: {"a": X[:2]}),
        TypeError,
        ["cond: all branches must return", "result['a']: expected f64[3]; got f64[2]"],
    ),
    (
        "branches of different structures",
        lambda: lax.switch(0, [lambda: (1.0, 2.0), lambda: 1.0]),
        TypeError,
        ["switch: all branches", "result[1]: expected f64[]; got no such leaf"],
    ),
    (
        "unequal leading axes",
        lambda: lax.scan(lambda c, x: (c, x), 0.0, {"u": X, "v": np.ones((4, 2))}),
        ValueError,
        ["one leading length", "xs['u']: f64[3]", "xs['v']: f64[4,2]"],
    ),
    (
        "length that disagrees",
        lambda: lax.scan(lambda c, x: (c, x), 0.0, X, 7),
        ValueError,
        ["length=7", "xs: f64[3]"],
    ),
    (
        "no leading axis",
        lambda: lax.scan(lambda c, x: (c, x), 0.0, (X, 2.0)),
        ValueError,
        ["xs[1]: f64[], which has no leading axis"],
    ),
    (
        "neither xs nor length",
        lambda: lax.scan(lambda c, x: (c, x), 0.0),
        ValueError,
        ["expected xs with leaves, or a length"],
    ),
    (
        "negative length",
        lambda: lax.scan(lambda c, x: (c, x), 0.0, None, -2),
        ValueError,
        ["length must not be negative; got -2"],
    ),
    (
        "traced length",
        lambda: jitad.jit(lambda n: lax.scan(lambda c, x: (c, x), 0.0, None, n))(3),
        TypeError,
        ["expected a Python integer"],
    ),
    (
        "negative unroll",
        lambda: lax.scan(lambda c, x: (c, x), 0.0, X, unroll=-1),
        ValueError,
        ["unroll must not be negative; got -1"],
    ),
    (
        "array predicate",
        lambda: lax.cond(X > 0, lambda: 1.0, lambda: 2.0),
        TypeError,
        ["predicate must be a bool scalar, bool[]; got bool[3]", "jnp.where"],
    ),
    (
        "complex predicate",
        lambda: lax.cond(1j, lambda: 1.0, lambda: 2.0),
        TypeError,
        ["predicate must be a bool scalar, bool[]; got c128[]"],
    ),
    (
        "predicate that is no array",
        lambda: lax.cond("yes", lambda: 1.0, lambda: 2.0),
        TypeError,
        ["cond: pred", "expected an array or a number; got a str"],
    ),
    (
        "condition that is no bool",
        lambda: lax.while_loop(lambda c: c, lambda c: c, 1.0),
        TypeError,
        ["must return a bool scalar, bool[]; got f64[]"],
    ),
    (
        "condition of several",
        lambda: lax.while_loop(lambda c: (c < 1, c < 2), lambda c: c, 1.0),
        TypeError,
        ["must return a bool scalar, bool[]; got bool[], bool[]"],
    ),
    (
        "index that is no integer",
        lambda: lax.switch(1.0, [lambda: 1.0, lambda: 2.0]),
        TypeError,
        ["index must be an integer scalar, i64[]; got f64[]"],
    ),
    (
        "no branches",
        lambda: lax.switch(0, []),
        ValueError,
        ["expected at least one branch; got none"],
    ),
    (
        "bound that is no integer",
        lambda: lax.fori_loop(0, 2.5, lambda i, c: c, 1.0),
        TypeError,
        ["upper must be an integer scalar; got 2.5"],
    ),
    (
        "unroll of a loop of unknown length",
        lambda: jitad.jit(lambda n: lax.fori_loop(0, n, lambda i, c: c, 1.0, unroll=2))(3),
        ValueError,
        ["unroll needs bounds that are known"],
    ),
    (
        "elements of different lengths",
        lambda: lax.associative_scan(lambda a, b: a, (X, np.ones(4))),
        ValueError,
        ["one length along axis 0; got f64[3], f64[4]"],
    ),
    (
        "fold that changes a type",
        lambda: lax.associative_scan(jnp.less, X),
        TypeError,
        ["fn must return what it takes", "expected f64[1]; got bool[1]"],
    ),
    (
        "leaf that is no array",
        lambda: lax.scan(lambda c, x: (c, x), {"name": "a"}, X),
        TypeError,
        ["scan: init['name']: expected an array or a number; got a str"],
    ),
    (
        "result that is no array",
        lambda: lax.scan(lambda c, x: (c, "a"), 0.0, X),
        TypeError,
        ["scan: result[1]: expected an array or a number; got a str"],
    ),
    (
        "budget that is no budget",
        lambda: lax.scan(lambda c, x: (c, x), 0.0, X, checkpoint="much"),
        TypeError,
        ['checkpoint must be None, "sqrt", a number of steps, or bytes'],
    ),
    (
        "budget that is too little",
        lambda: lax.scan(lambda c, x: (c * c, x), 0.0, np.ones(100), checkpoint="8 B"),
        ValueError,
        ["is too little for 100 steps of a carry of 8 bytes"],
    ),
]


@pytest.mark.parametrize(
    ("call", "error", "parts"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_error_shows_expected_and_got(
    call: Callable[[], Any], error: type[Exception], parts: list[str]
) -> None:
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    for part in [*parts, f"at {__file__}"]:
        assert part in message
    assert len(message.splitlines()) < 12


def test_error_in_a_body_is_the_body_s_own() -> None:
    def step(c: Any, x: Any) -> Any:
        if c > 0:
            return c, x
        return x, c

    with pytest.raises(jitad.errors.TracerBoolConversionError, match="lax.cond"):
        lax.scan(step, 0.0, X)
