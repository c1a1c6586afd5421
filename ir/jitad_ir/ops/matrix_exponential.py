"""The exponential of stacks of matrices, and its derivative.

Native code scales a matrix until a Pade approximant is exact to rounding, and squares the result
(N. J. Higham, The scaling and squaring method for the matrix exponential revisited, SIAM J. Matrix
Anal. Appl. 26, 2005; for the derivative A. H. Al-Mohy and N. J. Higham, SIAM J. Matrix Anal. Appl.
30, 2009).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..graph import Builder, Value, building
from ..op import NONLINEAR, NOT_LOWERED, Bilinear, Draw, Op, PerOperand, Sample, Unknown
from ..types import INT64, ArrayType, TypeMismatch, real_dtype
from .arithmetic import abs as abs_
from .arithmetic import add, mul, neg, sub
from .comparison import lt
from .constants import full
from .conversion import convert
from .lapack import nan_of
from .lu import lu, lu_solve, well_conditioned
from .matrices import (
    as_dtype,
    leading_block,
    matmul,
    matrix_transpose,
    over_leading_axis,
    require_matrices,
    unit_like,
)
from .reduce import reduce_max, reduce_sum
from .rounding import ceil
from .selection import clamp, select
from .shape import broadcast
from .slicing import concatenate, pad, part
from .transcendental import exp2, log2
from .while_loop import while_loop

MOST_SQUARINGS = 64


class Approximant(NamedTuple):
    """A diagonal Pade approximant of exp."""

    theta: float
    """It is exact to rounding up to this 1-norm."""
    coefficients: tuple[float, ...]


_SINGLE = Approximant(
    3.925724783138660, (17297280.0, 8648640.0, 1995840.0, 277200.0, 25200.0, 1512.0, 56.0, 1.0)
)
_DOUBLE = Approximant(
    5.371920351148152,
    (
        64764752532480000.0,
        32382376266240000.0,
        7771770303897600.0,
        1187353796428800.0,
        129060195264000.0,
        10559470521600.0,
        670442572800.0,
        33522128640.0,
        1323241920.0,
        40840800.0,
        960960.0,
        16380.0,
        182.0,
        1.0,
    ),
)


def _infer_expm(a: ArrayType) -> ArrayType:
    require_matrices("expm", a, square=True)
    return a


def _evaluate_expm(a: Any) -> Any:
    from scipy.linalg import expm as scipy_expm

    if a.size == 0:
        return a
    finite = np.isfinite(a).all(axis=(-2, -1))[..., None, None]
    return np.where(finite, scipy_expm(np.where(finite, a, 0)), nan_of(a.dtype))


def _infer_frechet(a: ArrayType, e: ArrayType) -> ArrayType:
    require_matrices("expm_frechet", a, e, square=True)
    if a != e:
        raise TypeMismatch(f"expm_frechet: expected matrices of one type; got {a!r} and {e!r}")
    return a


def _evaluate_frechet(a: Any, e: Any) -> Any:
    """exp of [[a, e], [0, a]] has the derivative above its diagonal."""
    n = a.shape[-1]
    if a.size == 0:
        return a
    size = np.abs(e).max(axis=(-2, -1), keepdims=True)
    size = np.where(size > 0, size, 1)
    blocks = np.block([[a, e / size], [np.zeros_like(a), a]])
    return _evaluate_expm(blocks)[..., :n, n:] * size


def _jvp_frechet_by_matrix(t: Value, out: Value, a: Value, e: Value) -> Value:
    """L(a, e) is a block of exp([[a, e], [0, a]]), which moves by [[t, 0], [0, t]]."""
    n = a.shape[-1]
    moved = expm_frechet(_blocks(a, e), _blocks(t, None))
    above = part(moved, moved.ndim - 1, n, 2 * n)
    return leading_block(above, n, n)


def _blocks(diagonal: Value, above: Value | None) -> Value:
    """[[diagonal, above], [0, diagonal]]"""
    n, axes = diagonal.shape[-1], diagonal.ndim
    zero = full(value=0, shape=(), dtype=diagonal.dtype)
    none = (0,) * (axes - 1)
    interior = (0,) * axes
    if above is None:
        top = pad(diagonal, zero, low=(*none, 0), high=(*none, n), interior=interior)
    else:
        top = concatenate(diagonal, above, axis=axes - 1)
    bottom = pad(diagonal, zero, low=(*none, n), high=(*none, 0), interior=interior)
    return concatenate(top, bottom, axis=axes - 2)


def _transpose_frechet(ct: Value, a: Value, e: Unknown) -> Value:
    """L(a, e) is the integral of exp(s a) e exp((1 - s) a) for s in [0, 1]; its transpose in e has
    the transposed exponentials."""
    return expm_frechet(matrix_transpose(a), ct)


# Native code


def _combined(terms: list[tuple[float, Value]]) -> Value:
    total: Value | None = None
    for factor, x in terms:
        term = x if factor == 1 else mul(x, factor)
        total = term if total is None else add(total, term)
    assert total is not None
    return total


class _Pade:
    """Even powers of a (and their derivatives along e), and the sums of them."""

    def __init__(self, a: Value, e: Value | None, coefficients: tuple[float, ...]) -> None:
        self.a, self.e, self.b = a, e, coefficients
        self.is_long = len(coefficients) > 8
        second = matmul(a, a)
        fourth = matmul(second, second)
        self.powers = [unit_like(a), second, fourth, matmul(fourth, second)]
        self.moved: list[Value] = []
        if e is not None:
            by_second = add(matmul(a, e), matmul(e, a))
            by_fourth = add(matmul(second, by_second), matmul(by_second, second))
            by_sixth = add(matmul(fourth, by_second), matmul(by_fourth, second))
            self.moved = [by_second, by_fourth, by_sixth]

    def series(self, first: int) -> tuple[Value, Value | None]:
        """Sum of b_(first + 2i) a^(2i), and its derivative."""
        b = self.b[first::2]
        low = _combined(list(zip(b[:4], self.powers, strict=True)))
        moved = _combined(list(zip(b[1:4], self.moved, strict=True))) if self.moved else None
        if not self.is_long:
            return low, moved
        # a^6 times the sum of the powers from a^8 on, taken to a^2
        high = _combined(list(zip(b[4:], self.powers[1:], strict=True)))
        sixth = self.powers[3]
        total = add(matmul(sixth, high), low)
        if moved is not None:
            by_high = _combined(list(zip(b[4:], self.moved, strict=True)))
            product = add(matmul(sixth, by_high), matmul(self.moved[2], high))
            moved = add(product, moved)
        return total, moved


def _scaled(a: Value, e: Value | None) -> tuple[Value, Value, Value | None]:
    """Number of squarings of each matrix, and a and e divided by 2 to its power."""
    approximant = _approximant(a)
    norm = reduce_max(reduce_sum(abs_(a), axes=(a.ndim - 2,)), axes=(a.ndim - 2,))
    exponent = ceil(log2(mul(norm, 1 / approximant.theta)))
    limits = [full(value=v, shape=norm.shape, dtype=norm.dtype) for v in (0.0, MOST_SQUARINGS)]
    squarings = convert(clamp(limits[0], exponent, limits[1]), dtype=INT64)
    factor = exp2(neg(convert(squarings, dtype=norm.dtype)))
    factors = broadcast(as_dtype(factor, a.dtype), shape=a.shape, dims=tuple(range(norm.ndim)))
    return squarings, mul(a, factors), None if e is None else mul(e, factors)


def _approximant(a: Value) -> Approximant:
    return _SINGLE if real_dtype(a.dtype).itemsize == 4 else _DOUBLE


def _exponential(a: Value, e: Value | None) -> tuple[Value, ...]:
    """exp(a), and its derivative along e if there is one."""
    squarings, a, e = _scaled(a, e)
    pade = _Pade(a, e, _approximant(a).coefficients)
    (odd, by_odd), (even, by_even) = pade.series(1), pade.series(0)
    u = matmul(a, odd)
    factors = lu(sub(even, u))
    x = lu_solve(factors, add(even, u))
    if e is None or by_odd is None or by_even is None:
        return _squared(squarings, x)
    by_u = add(matmul(a, by_odd), matmul(e, odd))
    right = add(add(by_u, by_even), matmul(sub(by_u, by_even), x))
    return _squared(squarings, x, lu_solve(factors, right))


def _squared(squarings: Value, *start: Value) -> tuple[Value, ...]:
    """x^(2^s) for s squarings, and with l its derivative: (x x, x l + l x) s times."""
    shape = start[0].shape
    stack = tuple(range(squarings.ndim))
    most = reduce_max(squarings, axes=stack) if stack else squarings
    counts = broadcast(squarings, shape=shape, dims=stack)
    types = [v.type for v in (most, counts)]
    carry = [ArrayType(INT64, ()), *[v.type for v in start]]

    condition = Builder("more_squarings")
    with building(condition):
        limit, _, k, *_rest = [condition.input(t) for t in (*types, *carry)]
        holds = condition.build([lt(k, limit)])

    step = Builder("square")
    with building(step):
        _, wanted, k, x, *others = [step.input(t) for t in (*types, *carry)]
        goes_on = lt(broadcast(k, shape=shape, dims=()), wanted)
        squares = [matmul(x, x), *[add(matmul(x, v), matmul(v, x)) for v in others]]
        chosen = [select(goes_on, s, v) for s, v in zip(squares, [x, *others], strict=True)]
        body = step.build([add(k, 1), *chosen])

    zero = full(value=0, shape=(), dtype=INT64)
    params: dict[str, Any] = {"consts": 2, "carries": (len(carry),), "upwards": (True,)}
    _, *results = while_loop(most, counts, zero, *start, regions=(holds, body), **params)
    return tuple(results)


def _expand_expm(a: Value, regions: tuple[()] = ()) -> Value:
    return _exponential(a, None)[0] if a.type.size else a


def _expand_frechet(a: Value, e: Value, regions: tuple[()] = ()) -> Value:
    return _exponential(a, e)[1] if a.type.size else e


_SAMPLES = (
    well_conditioned(1, 1),
    well_conditioned(3, 3),
    well_conditioned(2, 2, (2, 3)),
    Draw((5, 5), -0.3, 0.3),
    Draw((2, 0, 0)),
)

expm = Op(
    name="expm",
    doc="exp of square matrices: 1 + a + a^2 / 2 + ... nan where a is not finite.",
    infer=_infer_expm,
    evaluate=_evaluate_expm,
    jvp=PerOperand((lambda t, out, a: expm_frechet(a, t),)),
    transpose=NONLINEAR,
    batch=over_leading_axis(lambda a: expm(a)),
    lower=NOT_LOWERED,
    expand=_expand_expm,
    samples=tuple([Sample((draw,)) for draw in _SAMPLES]),
)

expm_frechet = Op(
    name="expm_frechet",
    doc="Derivative of expm at a along e.",
    infer=_infer_frechet,
    evaluate=_evaluate_frechet,
    jvp=PerOperand((_jvp_frechet_by_matrix, lambda t, out, a, e: expm_frechet(a, t))),
    transpose=Bilinear((NONLINEAR, _transpose_frechet)),
    batch=over_leading_axis(lambda a, e: expm_frechet(a, e)),
    lower=NOT_LOWERED,
    expand=_expand_frechet,
    samples=tuple([Sample((draw, Draw(draw.shape))) for draw in _SAMPLES]),
)
