"""What every test of jitad.numpy asks: the same value, dtype and shape as NumPy's, or an error of
the same kind; both at once and as a traced program."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import jitad
from jitad_ir.evaluate import evaluate

TOLERANCE = {"f": 1e-14, "c": 1e-14}


def run_traced(function: Callable[..., Any], *args: Any) -> Any:
    """`function` traced at `args` with no value known, then evaluated by the interpreter."""
    graph, shape = jitad.make_ir(function, return_shape=True)(*args)
    leaves = [np.asarray(leaf) for leaf in jitad.tree.leaves(args)]
    results = evaluate(graph, *leaves)
    return jitad.tree.structure(shape).unflatten(results)


def assert_same(got: Any, expected: Any, what: str, rtol: float | None = None) -> None:
    """Equal structure, shapes, dtypes and (to rounding) elements."""
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected), f"{what}: {len(got)} results, not {len(expected)}"
        for i, (g, e) in enumerate(zip(got, expected, strict=True)):
            assert_same(g, e, f"{what}[{i}]", rtol)
        return
    g, e = np.asarray(got), np.asarray(expected)
    dtype = np.dtype("float32") if e.dtype == np.float16 else e.dtype
    assert g.dtype == dtype, f"{what}: dtype {g.dtype}, expected {dtype}"
    assert g.shape == e.shape, f"{what}: shape {g.shape}, expected {e.shape}"
    if dtype.kind in "fc":
        if rtol is None:
            rtol = 1e-3 if e.dtype == np.float16 else 2e-6 if dtype.itemsize < dtype.alignment * 2 and (
                dtype.name in ("float32", "complex64")
            ) else 1e-13
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol * 1e-2, err_msg=what)
    else:
        np.testing.assert_array_equal(g, e, err_msg=what)


def agree(
    function: Callable[..., Any],
    numpy_function: Callable[..., Any],
    *args: Any,
    rtol: float | None = None,
    traced: bool = True,
) -> None:
    """`function(*args)` is what NumPy's gives, or fails as it does; at once and traced."""
    runs = {"at once": lambda: function(*args)}
    if traced:
        runs["traced"] = lambda: run_traced(function, *args)
    with np.errstate(all="ignore"):
        try:
            expected = numpy_function(*args)
        except Exception as error:
            for what, run in runs.items():
                assert_fails(run, error, what)
            return
        for what, run in runs.items():
            assert_same(run(), expected, f"{what}, {args}", rtol)


def assert_fails(run: Callable[[], Any], error: Exception, what: str) -> None:
    """`run` raises an error of the kind of `error`."""
    try:
        got = run()
    except type(error):
        return
    except Exception as other:
        raise AssertionError(f"{what}: expected {error!r}; got {other!r}") from other
    raise AssertionError(f"{what}: expected {error!r}; got {got!r}")
