"""jet against nested forward mode, closed forms and JAX's conventions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax
from jitad.experimental.jet import jet

ORDER = 4
ROWS = np.array([[1.0, 2.0], [3.0, 4.0]])


def scanned(x: Any) -> Any:
    return lax.scan(lambda c, r: (jnp.sin(c) * r, c), x, np.arange(1.0, 4.0))[0]


def repeated(x: Any) -> Any:
    return lax.while_loop(lambda c: c < 5.0, lambda c: c * c + 0.5, x)


@jitad.custom_jvp
def ruled(x: Any) -> Any:
    return jnp.sin(x)


ruled.defjvps(lambda t, out, x: jnp.cos(x) * t)


@jitad.custom_vjp
def backward_ruled(x: Any) -> Any:
    return x * x


backward_ruled.defvjp(lambda x: (x * x, x), lambda x, ct: (2.0 * x * ct,))

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "polynomial": lambda x: 3.0 * x**3 - x * x + 1.0,
    "exp": jnp.exp,
    "log": jnp.log,
    "sqrt": jnp.sqrt,
    "power": lambda x: x**2.5,
    "quotient": lambda x: jnp.sin(x) / (1.0 + x * x),
    "tanh": jnp.tanh,
    "arctan": jnp.arctan,
    "erf": jitad.scipy.special.erf,
    "gammaln": lambda x: jitad.scipy.special.gammaln(x + 1.0),
    "where": lambda x: jnp.where(x > 0, x * x, 0.0),
    "max": lambda x: jnp.max(jnp.stack([x, x * x, x**3])),
    "softmax": lambda x: jitad.nn.softmax(jnp.stack([x, x * x, 1.0]))[1],
    "product": lambda x: jnp.sum(jnp.array(ROWS) @ jnp.stack([x, x * x])),
    "two products": lambda x: jnp.sum(jnp.outer(jnp.stack([x, 1.0]), jnp.stack([x, x * x]))),
    "inverse": lambda x: jnp.sum(jnp.linalg.inv(ROWS * x + jnp.eye(2) * x * x)),
    "cholesky": lambda x: jnp.sum(jnp.linalg.cholesky(jnp.eye(2) * (3.0 + x) + 0.1)),
    "eigvalsh": lambda x: jnp.linalg.eigvalsh((ROWS + ROWS.T) * x + jnp.eye(2) * x * x)[0],
    "fft": lambda x: jnp.sum(jnp.abs(jnp.fft.fft(jnp.stack([x, x * x, 2.0]))) ** 2),
    "cumprod": lambda x: jnp.cumprod(jnp.stack([x, x * x, x]))[-1],
    "indices": lambda x: jnp.stack([x, x * x]).at[0].set(x**3)[np.array([0, 1])].sum(),
    "scan": scanned,
    "while": repeated,
    "cond": lambda x: lax.cond(x > 0, lambda y: y * y * y, lambda y: y, x),
    "gradient": jitad.grad(lambda x: jnp.sin(x) ** 2),
    "gradient of scan": jitad.grad(scanned),
    "gradient of while": jitad.grad(repeated),
    "checkpoint": jitad.checkpoint(lambda x: jnp.sin(x) * x),
    "custom_jvp": lambda x: ruled(x) * x,
    "custom_vjp": lambda x: backward_ruled(x) * x,
    "vmap": lambda x: jnp.sum(jitad.vmap(jnp.sin)(jnp.stack([x, 2.0 * x]))),
    "stop_gradient": lambda x: x * lax.stop_gradient(x),
    "constant": lambda x: jnp.ones(()),
}


def nested(f: Callable[..., Any], x: float, v: float) -> list[float]:
    """Derivatives of f(x + s v) at s = 0 by forward mode of forward mode ..."""

    def along(s: Any) -> Any:
        return f(x + s * v)

    found = []
    for _ in range(ORDER + 1):
        found.append(float(along(0.0)))
        along = lambda s, g=along: jitad.jvp(g, (s,), (1.0,))[1]  # noqa: E731
    return found


@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_nested_forward_mode(name: str, wrap: Any) -> None:
    f = FUNCTIONS[name]
    line = (1.3, *[0.0] * (ORDER - 1))
    value, terms = wrap(lambda x: jet(f, (x,), (line,)))(0.7)
    assert len(terms) == ORDER
    assert np.allclose([value, *terms], nested(f, 0.7, 1.3), rtol=1e-8)


def test_along_a_curve_by_faa_di_bruno() -> None:
    h0, h1, h2 = 0.5**3, 3 * 0.5**2, 6 * 0.5
    value, (f1, f2) = jet(jnp.sin, (h0,), ((h1, h2),))
    assert np.allclose(value, np.sin(h0)) and np.allclose(f1, np.cos(h0) * h1)
    assert np.allclose(f2, -np.sin(h0) * h1**2 + np.cos(h0) * h2)
    value, terms = jet(jnp.sin, (h0,), ((h1, h2 / 2),), factorial_scaled=False)
    assert np.allclose(terms, [f1, f2 / 2])


def test_high_order() -> None:
    order = 30
    _, terms = jitad.jit(lambda x: jet(jnp.exp, (x,), ((1.0, *[0.0] * (order - 1)),)))(1.0)
    assert np.allclose(terms, np.e, rtol=1e-12)
    _, terms = jet(lambda x: 1.0 / (1.0 - x), (0.0,), ((1.0, *[0.0] * (order - 1)),))
    assert np.allclose(terms, [float(math.factorial(k)) for k in range(1, order + 1)], rtol=1e-12)


def test_cost_is_quadratic_in_the_order() -> None:
    def equations(order: int) -> int:
        def f(x: Any) -> Any:
            return jet(lambda y: jnp.tanh(jnp.sin(y) * jnp.exp(y)), (x,), ((x,) * order,))

        return len(jitad.make_ir(f)(1.0).equations)

    assert equations(16) < 5 * equations(8)


def test_pytrees_arrays_and_several_arguments() -> None:
    def f(p: Any, y: Any) -> Any:
        return {"out": p["a"] * jnp.sin(y), "n": jnp.argmax(y)}

    a, y = np.arange(1.0, 4.0), np.array([0.1, 0.2, 0.3])
    zero, one = np.zeros(3), np.ones(3)
    value, terms = jet(f, ({"a": a}, y), (({"a": one}, {"a": zero}), (one, zero)))
    assert np.allclose(value["out"], a * np.sin(y)) and value["n"] == 2
    assert np.allclose(terms["out"][0], np.sin(y) + a * np.cos(y))
    assert np.allclose(terms["out"][1], 2 * np.cos(y) - a * np.sin(y))
    assert terms["n"][0] == 0
    short, _ = jet(jnp.sin, (np.float32(0.5),), ((1.0,),))
    assert short.dtype == np.float32
    turned, slopes = jet(jnp.exp, (1j,), ((1j, 0.0),))
    assert np.allclose([turned, *slopes], np.exp(1j) * np.array([1, 1j, -1]))


def test_composes() -> None:
    def third(x: Any) -> Any:
        return jet(jnp.sin, (x,), ((1.0, 0.0, 0.0),))[1][2]

    x = np.array([0.1, 0.5])
    assert np.allclose(jitad.vmap(third)(x), -np.cos(x))
    assert np.allclose(jitad.grad(third)(0.5), np.sin(0.5))
    assert np.allclose(jitad.jit(jitad.vmap(jitad.grad(third)))(x), np.sin(x))
    assert np.allclose(jet(third, (0.5,), ((1.0, 0.0),))[1], [np.sin(0.5), np.cos(0.5)])
    closed = jitad.grad(lambda a: jet(lambda x: jnp.sin(a * x), (0.5,), ((1.0, 0.0),))[1][1])(2.0)
    # d/da (-a^2 sin(a x)) = -2 a sin(a x) - a^2 x cos(a x)
    assert np.allclose(closed, -4 * np.sin(1.0) - 2 * np.cos(1.0))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((jnp.sin, (1.0,), ((1.0,), (1.0,))), ValueError, "a series for each argument"),
        ((jnp.add, (1.0, 2.0), ((1.0,), (1.0, 2.0))), ValueError, "all of one length"),
        ((jnp.sin, (np.ones(2),), ((np.ones(3),),)), ValueError, "shape of its argument"),
        ((jnp.sin, ((1.0, 2.0),), ((1.0,),)), ValueError, "structure"),
        ((jnp.sin, (1,), ((1,),)), TypeError, "float or complex"),
        ((jnp.sin, 1.0, ((1.0,),)), TypeError, "tuples"),
        ((None, (1.0,), ((1.0,),)), TypeError, "expected a function"),
    ],
)
def test_wrong_arguments(arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        jet(*arguments)
