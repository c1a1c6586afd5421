"""Functions of arrays of any shape and dtype, in families whose members are traced and compiled as
one program: a dict of functions of a namespace (a reference, such as NumPy, or ours) and of arrays.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import jitad
import jitad.numpy as jnp

Family = dict[str, Callable[..., Any]]


class Namespaces(NamedTuple):
    """Where the functions of a family are looked up: for what is expected, and for what is got."""

    reference: Any
    ours: Any


NUMPY = Namespaces(np, jnp)
ERRORS = (TypeError, ValueError, IndexError, ArithmeticError)
TOLERANCE = {"float16": 4e-3, "float32": 2e-5, "complex64": 2e-5}
STEP = 1e-4


def leaves(result: Any) -> list[np.ndarray]:
    """The arrays of a result, which may be a tuple or a list of them, or a number."""
    if isinstance(result, (tuple, list)):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result)]


def draw(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    """Elements of (0.15, 0.85), or small integers, in memory that is not contiguous."""
    rng = np.random.default_rng(seed + 10 * len(shape))
    spread = tuple([2 * n + 1 for n in shape])
    kind = np.dtype(dtype).kind
    if kind in "fc":
        base = rng.uniform(0.15, 0.85, spread)
        if kind == "c":
            base = base + 1j * rng.uniform(0.15, 0.85, spread)
    else:
        base = rng.integers(0 if kind in "bu" else -3, 2 if kind == "b" else 5, spread)
    every = tuple([slice(-2, None, -2)] * len(shape))
    view = base.astype(dtype)[every]
    assert view.shape == shape
    return view


def call(name: str, space: Any, *operands: Any, **options: Any) -> Any:
    """The function of a namespace by its dotted name."""
    for part in name.split("."):
        space = getattr(space, part)
    return space(*operands, **options)


def named(names: str, prefix: str = "", **options: Any) -> Family:
    """A family of functions by their names, called with `options`."""
    label = "".join([f", {key}={value}" for key, value in options.items()])
    return {
        f"{name}{label}": functools.partial(call, prefix + name, **options)
        for name in names.split()
    }


def expected_of(function: Callable[..., Any], space: Any, *operands: Any) -> Any:
    """The result in the reference of one function: its arrays, or the error it raises. float16 is
    that of float32, rounded."""
    half = [np.asarray(x).dtype == np.float16 for x in operands]
    if any(half):
        operands = tuple([x.astype("f4") if h else x for x, h in zip(operands, half, strict=True)])
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = leaves(function(space, *operands))
            return [x.astype("f2") if any(half) and x.dtype == "f4" else x for x in found]
    except ERRORS as error:
        return error


def same(got: list[np.ndarray], expected: list[np.ndarray], tolerance: float = 1e-12) -> str:
    """What is different, "" if nothing: number of results, shapes, dtypes, values."""
    if len(got) != len(expected):
        return f"{len(got)} results, expected {len(expected)}"
    for g, e in zip(got, expected, strict=True):
        bound = max(tolerance, TOLERANCE.get(e.dtype.name, 0.0))
        e = e.astype("float32") if (g.dtype, e.dtype) == ("float32", "float16") else e
        if (g.shape, g.dtype) != (e.shape, e.dtype):
            return f"{g.dtype}{g.shape}, expected {e.dtype}{e.shape}"
        if e.dtype.kind not in "fc":
            close = np.array_equal(g, e)
        else:
            scale = 1 + np.max(np.abs(np.where(np.isfinite(e), e, 0)), initial=0.0)
            close = np.allclose(g, e, rtol=bound, atol=bound * scale, equal_nan=True)
        if not close:
            return f"{g.ravel()[:4]}, expected {e.ravel()[:4]}"
    return ""


def together(family: Family, names: list[str], space: Any) -> Callable[..., Any]:
    """One function of operands: the results of all members `names`."""

    def program(*operands: Any) -> dict[str, Any]:
        return {name: family[name](space, *operands) for name in names}

    return program


def check_values(
    family: Family, *operands: np.ndarray, of: Namespaces = NUMPY, tolerance: float = 1e-12
) -> None:
    """Values, dtypes, shapes and kinds of errors are the reference's, at once, compiled and in a
    batch."""
    wrong: list[str] = []
    names: list[str] = []
    expected: dict[str, Any] = {}
    for name, function in family.items():
        outcome = expected_of(function, of.reference, *operands)
        if isinstance(outcome, Exception):
            problem = _fails(functools.partial(function, of.ours, *operands), outcome)
        else:
            names.append(name)
            expected[name] = outcome
            problem = same(leaves(function(of.ours, *operands)), outcome, tolerance)
        wrong += [f"{name}: {problem}"] if problem else []
    program = together(family, names, of.ours)
    compiled = jitad.jit(program)(*operands)
    stacks = [np.stack([x, x]) for x in operands]
    batched = jitad.jit(jitad.vmap(program))(*stacks)
    for name in names:
        problem = same(leaves(compiled[name]), expected[name], tolerance)
        wrong += [f"{name}, compiled: {problem}"] if problem else []
        doubled = [np.stack([e, e]) for e in expected[name]]
        problem = same(leaves(batched[name]), doubled, tolerance)
        wrong += [f"{name}, vmap: {problem}"] if problem else []
    assert not wrong, "\n".join(wrong)


def _fails(run: Callable[[], Any], error: Exception) -> str:
    kind = next(k for k in ERRORS if isinstance(error, k))
    try:
        got = run()
    except kind:
        return ""
    except Exception as other:  # reported
        return f"{other!r}, expected {error!r}"
    return f"{got!r}, expected {error!r}"


def directions(operands: tuple[np.ndarray, ...], seed: int) -> tuple[np.ndarray, ...]:
    """A random direction for each operand."""
    rng = np.random.default_rng(seed)
    found = []
    for x in operands:
        t = rng.uniform(-1, 1, x.shape)
        if x.dtype.kind == "c":
            t = t + 1j * rng.uniform(-1, 1, x.shape)
        found.append(t.astype(x.dtype))
    return tuple(found)


def slopes(
    program: Callable[..., Any], operands: tuple[np.ndarray, ...], ts: tuple[np.ndarray, ...]
) -> Any:
    """Central differences of fourth order of all inexact results."""
    near = []
    for n in (-2, -1, 1, 2):
        moved = program(*[x + n * STEP * t for x, t in zip(operands, ts, strict=True)])
        near.append({name: [v.astype(_wide(v)) for v in leaves(r)] for name, r in moved.items()})
    low, below, above, high = near
    return {
        name: [
            (a - 8 * b + 8 * c - d) / (12 * STEP)
            for a, b, c, d in zip(low[name], below[name], above[name], high[name], strict=True)
        ]
        for name in low
    }


def _wide(x: np.ndarray) -> str:
    return "complex128" if x.dtype.kind == "c" else "float64"


def check_derivatives(
    family: Family, *operands: np.ndarray, second: bool = False, of: Namespaces = NUMPY
) -> None:
    """Compiled forward derivatives of each member are those of differences; reverse ones pair with
    them; of second order (jvp of jvp, grad of jvp) too if `second`."""
    outcomes = {n: expected_of(f, of.reference, *operands) for n, f in family.items()}
    known = [n for n, outcome in outcomes.items() if not isinstance(outcome, Exception)]
    program = jitad.jit(_inexact(together(family, known, of.ours)))
    ts, us = directions(operands, 1), directions(operands, 2)

    def along(*xs: Any) -> Any:
        return jitad.jvp(program, xs, ts)[1]

    moves = jitad.jit(along)(*operands)
    _compare(moves, slopes(program, operands, ts), "jvp", 1e-7)
    check_reverse(program, operands, ts, moves, "grad")
    if second:
        again = jitad.jit(lambda *xs: jitad.jvp(along, xs, us)[1])(*operands)
        _compare(again, slopes(jitad.jit(along), operands, us), "jvp of jvp", 1e-6)
        check_reverse(along, operands, us, again, "grad of jvp")


def _inexact(program: Callable[..., Any]) -> Callable[..., Any]:
    def only(*xs: Any) -> Any:
        found = {}
        for name, result in program(*xs).items():
            parts = [v for v in jitad.tree.leaves(result) if getattr(v, "dtype", None) is not None]
            found[name] = [v for v in parts if v.dtype.kind in "fc"]
        return found

    return only


def _compare(got: Any, expected: Any, what: str, tolerance: float) -> None:
    wrong = []
    for name, parts in expected.items():
        found = [v.astype(_wide(v)) for v in leaves(got[name])]
        problem = same(found, parts, tolerance)
        wrong += [f"{name}, {what}: {problem}"] if problem else []
    assert not wrong, "\n".join(wrong)


def _weights(results: Any) -> Any:
    rng = np.random.default_rng(5)
    return jitad.tree.map(lambda v: rng.uniform(-1, 1, np.shape(v)), results)


def check_reverse(program: Any, operands: Any, ts: Any, moves: Any, what: str) -> None:
    """The gradient of a weighted sum of the real parts of all results, paired with `ts`."""
    weights = _weights(moves)

    def total(weights: Any, *xs: Any) -> Any:
        results = jitad.tree.leaves(program(*xs))
        parts = [
            jnp.sum(jnp.real(v) * w)
            for v, w in zip(results, jitad.tree.leaves(weights), strict=True)
        ]
        return sum(parts, 0.0 * jnp.sum(jnp.real(xs[0])))

    gradient = jitad.jit(jitad.grad(total, tuple(range(1, 1 + len(operands)))))

    def gap(weights: Any) -> float:
        got = sum(
            [np.sum(g * t).real for g, t in zip(gradient(weights, *operands), ts, strict=True)]
        )
        pairs = zip(jitad.tree.leaves(moves), jitad.tree.leaves(weights), strict=True)
        expected = sum([float(np.sum(np.real(m) * w)) for m, w in pairs])
        return abs(float(got) - expected) / (1 + abs(expected))

    if gap(weights) > 1e-8:
        nothing = jitad.tree.map(np.zeros_like, weights)
        guilty = [n for n in weights if gap({**nothing, n: weights[n]}) > 1e-9]
        raise AssertionError(f"{what} differs from jvp: {guilty}")
