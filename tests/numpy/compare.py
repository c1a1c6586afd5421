"""What every test of jitad.numpy asks: the same value, dtype and shape as NumPy's, or an error of
the same kind; both at once and as a traced program."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import jitad
from jitad_ir.evaluate import evaluate

KIND_TOLERANCE = {"float16": 2e-3, "float32": 4e-6, "complex64": 4e-6}
"""Relative tolerances by the dtype of NumPy's result; 1e-13 for the others. Sums and powers are
rounded in another order than NumPy's, and where NumPy computes with bools and integers of 8 bits in
float16 jitad uses float32."""


def run_traced(function: Callable[..., Any], *args: Any) -> Any:
    """`function` traced at `args` with no value known, then evaluated by the interpreter."""
    graph, shape = jitad.make_ir(function, return_shape=True)(*args)
    leaves = [np.asarray(leaf) for leaf in jitad.tree.leaves(args)]
    return jitad.tree.structure(shape).unflatten(evaluate(graph, *leaves))


def assert_same(
    got: Any, expected: Any, what: str, rtol: float | None = None, half: bool = False
) -> None:
    """Equal structure, shapes, dtypes and (to rounding) elements. float16 is expected if `half`,
    else float32 in its place."""
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected), f"{what}: {len(got)} results, not {len(expected)}"
        for i, (g, e) in enumerate(zip(got, expected, strict=True)):
            assert_same(g, e, f"{what}[{i}]", rtol, half)
        return
    g, e = np.asarray(got), np.asarray(expected)
    dtype = np.dtype("float32") if e.dtype == np.float16 and not half else e.dtype
    assert g.dtype == dtype, f"{what}: dtype {g.dtype}, expected {dtype}"
    assert g.shape == e.shape, f"{what}: shape {g.shape}, expected {e.shape}"
    if dtype.kind in "fc":
        tolerance = KIND_TOLERANCE.get(e.dtype.name, 1e-13) if rtol is None else rtol
        np.testing.assert_allclose(g, e, rtol=tolerance, atol=tolerance * 1e-2, err_msg=what)
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
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = numpy_function(*args)
    except (TypeError, ValueError, IndexError, ArithmeticError) as error:
        for what, run in runs.items():
            assert_fails(run, error, f"{what} at {args}")
        return
    half = any([np.asarray(leaf).dtype == np.float16 for leaf in jitad.tree.leaves(args)])
    for what, run in runs.items():
        assert_same(run(), expected, f"{what} at {args}", rtol, half)


def assert_fails(run: Callable[[], Any], error: Exception, what: str) -> None:
    """`run` raises an error of the kind of `error` (subclasses of TypeError and ValueError, such
    as AxisError, count as these)."""
    kinds = (TypeError, ValueError, IndexError, ArithmeticError)
    kind = next(k for k in kinds if isinstance(error, k))
    try:
        got = run()
    except kind:
        return
    raise AssertionError(f"{what}: expected {error!r}; got {got!r}")
