"""Checks of derivatives against finite differences, for tests of functions and of custom rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from .transforms.directional import jvp, linearize, vjp
from .tree_util import tree_leaves, tree_map

__all__ = ["check_grads", "check_jvp", "check_vjp"]
__dir__ = __all__.copy

EPS = 1e-4
"""Step of the central differences."""

Tolerance: TypeAlias = float | Mapping[Any, float] | None

_TOLERANCES: dict[str, float] = {
    "float16": 1e-2,
    "float32": 2e-3,
    "float64": 1e-5,
    "complex64": 1e-3,
    "complex128": 1e-5,
}
"""By dtype; of others, 0."""


def _tolerance(given: Tolerance, dtypes: Sequence[np.dtype[Any]]) -> float:
    """The largest tolerance for these dtypes: `given`, or the default where it has none."""
    if given is not None and not isinstance(given, Mapping):
        return given
    table = dict(_TOLERANCES)
    if given is not None:
        table.update({np.dtype(key).name: value for key, value in given.items()})
    return max([table.get(dtype.name, 0.0) for dtype in dtypes])


def _check_close(got: Any, want: Any, atol: Tolerance, rtol: Tolerance, what: str) -> None:
    def leaf(x: Any, y: Any) -> None:
        x, y = np.asarray(x), np.asarray(y)
        assert x.shape == y.shape, f"{what}: expected shape {y.shape}; got {x.shape}"
        if x.dtype.kind == "V":  # float0
            return
        dtypes = (x.dtype, y.dtype)
        # As many elements as are compared may add up their errors.
        limits = (_tolerance(atol, dtypes) * x.size, _tolerance(rtol, dtypes) * y.size)
        np.testing.assert_allclose(x, y, atol=limits[0], rtol=limits[1], err_msg=what)

    tree_map(leaf, got, want)


def _check_dtypes(got: Any, want: Any, what: str) -> None:
    def leaf(x: Any, y: Any) -> None:
        dtypes = np.asarray(x).dtype, np.asarray(y).dtype
        assert dtypes[0].kind == "V" or dtypes[0] == dtypes[1], (
            f"{what}: expected dtype {dtypes[1]}; got {dtypes[0]}"
        )

    tree_map(leaf, got, want)


def _random_like(rng: np.random.RandomState, x: Any) -> Any:
    """Normal numbers of the shape and dtype of `x`."""
    dtype = np.asarray(x).dtype
    drawn = np.asarray(rng.randn(*np.shape(x)), dtype)
    if dtype.kind == "c":
        drawn = drawn + dtype.type(1j) * np.asarray(rng.randn(*np.shape(x)), dtype)
    return drawn.item() if _is_number(x) else drawn


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float, complex)) and not isinstance(x, np.generic)


def _differences(f: Callable[..., Any], args: Any, tangents: Any, eps: float) -> Any:
    """(f(x + eps t) - f(x - eps t)) / (2 eps)"""

    def moved(sign: float) -> Any:
        def leaf(x: Any, t: Any) -> Any:
            dtype = np.asarray(x).dtype
            y = np.array(x + np.multiply(t, np.array(sign * eps, dtype), dtype=dtype), dtype)
            return y.item() if _is_number(x) else y

        return f(*tree_map(leaf, args, tangents))

    def slope(above: Any, below: Any) -> Any:
        dtype = np.asarray(above).dtype
        with np.errstate(invalid="ignore"):  # inf - inf, where the function is infinite
            gap = np.where(
                np.equal(above, below), np.array(0, dtype), np.subtract(above, below, dtype=dtype)
            )
        return np.multiply(gap, np.array(0.5 / eps, dtype), dtype=dtype)

    return tree_map(slope, moved(1.0), moved(-1.0))


def _inner(xs: Any, ys: Any) -> Any:
    """The real part of sum conj(x) y."""
    pairs = zip(tree_leaves(xs), tree_leaves(ys), strict=True)
    return sum([np.real(np.dot(np.conj(x).reshape(-1), np.reshape(y, -1))) for x, y in pairs])


def check_jvp(
    f: Callable[..., Any],
    f_jvp: Callable[..., Any],
    args: Sequence[Any],
    atol: Tolerance = None,
    rtol: Tolerance = None,
    eps: float = EPS,
    err_msg: str = "",
) -> None:
    """Check a function's tangents against central differences of step `eps`, in one random
    direction.

    `f_jvp(args, tangents) -> (result, tangent)`, such as `partial(jitad.jvp, f)`. Tolerances are
    numbers, or by dtype; they count for each element of a result. Raises AssertionError if results
    or tangents differ.

    >>> from functools import partial
    >>> import jitad, jitad.numpy as jnp
    >>> jitad.test_util.check_jvp(jnp.sin, partial(jitad.jvp, jnp.sin), (0.3,))
    """
    args = tuple(args)
    rng = np.random.RandomState(0)
    tangents = tree_map(partial(_random_like, rng), args)
    result, tangent = f_jvp(args, tangents)
    what = f"{err_msg} " if err_msg else ""
    _check_dtypes(tangent, result, f"{what}tangent")
    expected = f(*args)
    _check_dtypes(result, expected, f"{what}primal")
    _check_close(result, expected, atol, rtol, f"{what}primal")
    _check_close(tangent, _differences(f, args, tangents, eps), atol, rtol, f"{what}tangent")


def check_vjp(
    f: Callable[..., Any],
    f_vjp: Callable[..., Any],
    args: Sequence[Any],
    atol: Tolerance = None,
    rtol: Tolerance = None,
    eps: float = EPS,
    err_msg: str = "",
) -> None:
    """Check a function's cotangents against central differences: <ct, J t> = <J' ct, t> for one
    random direction and one random cotangent.

    `f_vjp(*args) -> (result, pullback)`, such as `partial(jitad.vjp, f)`; the rest is as in
    `check_jvp`.

    >>> from functools import partial
    >>> import jitad, jitad.numpy as jnp
    >>> jitad.test_util.check_vjp(jnp.sin, partial(jitad.vjp, jnp.sin), (0.3,))
    """
    args = tuple(args)
    draw = partial(_random_like, np.random.RandomState(0))
    result, pullback = f_vjp(*args)
    what = f"{err_msg} " if err_msg else ""
    _check_close(result, f(*args), atol, rtol, f"{what}primal")
    tangents = tree_map(draw, args)
    moved = _differences(f, args, tangents, eps)
    cts = tree_map(lambda x: draw(np.asarray(x)), result)
    pulled = tree_map(np.conj, pullback(tree_map(np.conj, cts)))
    inner, expected = _inner(tangents, pulled), _inner(moved, cts)
    _check_close(inner, expected, atol, rtol, f"{what}cotangent projection")


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: Tolerance = None,
    rtol: Tolerance = None,
    eps: float | None = None,
) -> None:
    """Check derivatives of `f` at `args` against central differences, up to `order`, in all
    compositions of the `modes` "fwd" (jvp), "rev" (vjp) and "lin" (linearize).

    Each is checked in one random direction. Tolerances are numbers, or by dtype, and count for each
    element of a result. Raises AssertionError if something differs.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> jitad.test_util.check_grads(lambda x: jnp.sum(jnp.sin(x) * x), (np.ones(3),), order=2)
    """
    unknown = [mode for mode in modes if mode not in ("fwd", "rev", "lin")]
    if unknown:
        raise ValueError(f"check_grads: modes are 'fwd', 'rev' and 'lin'; got {unknown[0]!r}")
    options: dict[str, Any] = {"atol": atol, "rtol": rtol, "eps": eps or EPS}

    def check(f: Callable[..., Any], args: tuple[Any, ...], order: int, path: str) -> None:
        for mode, name in (("fwd", "JVP"), ("rev", "VJP"), ("lin", "LIN")):
            if mode not in modes:
                continue
            message = f"{name} of {path}" if path else name
            if mode == "rev":
                check_vjp(f, partial(vjp, f), args, **options, err_msg=message)
                following, inner = partial(_pulled_back, f), args
            else:
                forward = jvp if mode == "fwd" else _linearized
                check_jvp(f, partial(forward, f), args, **options, err_msg=message)
                following, inner = partial(forward, f), (args, args)
            if order > 1:
                check(following, inner, order - 1, message)

    check(f, tuple(args), order, "")


def _pulled_back(f: Callable[..., Any], *args: Any) -> Any:
    result, pullback = vjp(f, *args)
    return pullback(result)


def _linearized(f: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    result, linear = linearize(f, *primals)
    return result, linear(*tangents)
