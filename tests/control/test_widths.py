"""Loops and branches in which 32 and 64 bits of one kind of number meet have 64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import lax

X = np.linspace(0.0, 1.0, 4)


@pytest.mark.parametrize(
    ("narrow", "wide"), [("f4", "f8"), ("i4", "i8"), ("u4", "u8"), ("c8", "c16")]
)
@pytest.mark.parametrize("staged", [False, True])
def test_carries(narrow: str, wide: str, staged: bool) -> None:
    """Whichever of the start and the body is the narrow one."""
    wrap = jitad.jit if staged else lambda f: f
    start, rows = np.ones(2, narrow), np.ones((3, 2), wide)
    last, kept = wrap(lambda c, xs: lax.scan(lambda c, x: (c + x, c), c, xs))(start, rows)
    assert last.dtype == kept.dtype == wide
    assert np.array_equal(last, [4, 4])
    back, _ = wrap(lambda c, xs: lax.scan(lambda c, x: ((c + x).astype(narrow), None), c, xs))(
        start.astype(wide), rows
    )
    assert back.dtype == wide and np.array_equal(back, [4, 4])


def test_while_and_fori() -> None:
    total = lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] + X), (0, X.astype("f4")))
    assert total[1].dtype == np.float64
    assert np.allclose(total[1], 4 * X)
    assert lax.fori_loop(0, 3, lambda i, c: c + X.sum(), np.float32(0)).dtype == np.float64


def test_branches() -> None:
    def f(x: Any, narrow: Any) -> Any:
        return lax.cond(x.sum() > 0, lambda: {"a": x}, lambda: {"a": narrow})["a"]

    for sign in (1.0, -1.0):
        found = jitad.jit(f)(sign * X, X.astype("f4"))
        assert found.dtype == np.float64
        assert np.allclose(found, X)
    slope = jitad.grad(lambda y: f(-X, y).sum())(X.astype("f4"))
    assert slope.dtype == np.float32
    assert np.array_equal(slope, np.ones(4))


@pytest.mark.parametrize("start", [np.ones(2, "i4"), np.ones(2, "f2"), np.ones(2, "u1")])
def test_other_dtypes_stay_errors(start: Any) -> None:
    """Another kind of number, and widths that nobody takes for one another."""
    with pytest.raises(TypeError, match="the carry must keep"):
        lax.scan(lambda c, x: (c + x, None), start, X)
    with pytest.raises(TypeError, match="all branches must return"):
        lax.cond(True, lambda: start, lambda: jnp.ones(2))
