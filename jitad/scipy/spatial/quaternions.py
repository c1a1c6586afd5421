"""Unit quaternions (..., 4) for rotations, the real part w at the end: (v, w) = (axis sin(angle /
2), cos(angle / 2))."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jitad import numpy as jnp

_SMALL = 1e-6
"""Squares of angles below which series stand for sin(x) / x and its relatives: the next term is
less than the rounding of double precision."""


def normalized(q: Any) -> Any:
    """With length one."""
    return q / jnp.linalg.norm(q, axis=-1, keepdims=True)


def inverse(q: Any) -> Any:
    """The rotation back: the conjugate."""
    return q * np.array([-1, -1, -1, 1], q.dtype)


def composed(p: Any, q: Any) -> Any:
    """The product p q, which turns by q, then by p."""
    (pv, pw), (qv, qw) = [(x[..., :3], x[..., 3:]) for x in jnp.broadcast_arrays(p, q)]
    vector = pw * qv + qw * pv + jnp.cross(pv, qv)
    return jnp.concatenate([vector, pw * qw - jnp.sum(pv * qv, -1, keepdims=True)], -1)


def from_axis(axis: int, angle: Any) -> Any:
    """About one of the three axes."""
    zero = jnp.zeros_like(angle)
    parts = [zero, zero, zero, jnp.cos(angle / 2)]
    parts[axis] = jnp.sin(angle / 2)
    return jnp.stack(parts, -1)


def from_rotation_vector(r: Any) -> Any:
    """From axis times angle, with sin(a / 2) / a and cos(a / 2) smooth at a = 0."""
    square = jnp.sum(r * r, -1, keepdims=True)
    small = square < _SMALL
    angle = jnp.sqrt(jnp.where(small, 1, square))
    series = 0.5 - square / 48 + square**2 / 3840
    factor = jnp.where(small, series, jnp.sin(angle / 2) / angle)
    real = jnp.where(small, 1 - square / 8 + square**2 / 384, jnp.cos(angle / 2))
    return jnp.concatenate([factor * r, real], -1)


def to_rotation_vector(q: Any) -> Any:
    """2 atan2(|v|, w) / |v| times v, with w >= 0; smooth at v = 0."""
    q = q * jnp.where(q[..., 3:] < 0, -1, 1).astype(q.dtype)
    v, w = q[..., :3], q[..., 3:]
    square = jnp.sum(v * v, -1, keepdims=True)
    small = square < _SMALL
    length = jnp.sqrt(jnp.where(small, 1, square))
    ratio = jnp.where(small, square, 0) / jnp.where(small, w * w, 1)
    series = (1 - ratio / 3 + ratio**2 / 5) * 2 / jnp.where(small, w, 1)
    return jnp.where(small, series, 2 * jnp.arctan2(length, w) / length) * v


def to_matrix(q: Any) -> Any:
    """Rotation matrices (..., 3, 3)."""
    x, y, z, w = (q[..., i] for i in range(4))
    rows = [
        [x * x - y * y - z * z + w * w, 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), -x * x + y * y - z * z + w * w, 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), -x * x - y * y + z * z + w * w],
    ]
    return jnp.stack([jnp.stack(row, -1) for row in rows], -2)


def from_matrix(m: Any) -> Any:
    """By the element of the quaternion with the greatest square, which the diagonal tells (I. Y.
    Bar-Itzhack, J. Guid. Control Dyn. 23 (2000) 1085)."""
    diagonal = [m[..., i, i] for i in range(3)]
    trace = diagonal[0] + diagonal[1] + diagonal[2]
    sums = {(i, j): m[..., i, j] + m[..., j, i] for i, j in ((0, 1), (0, 2), (1, 2))}
    turns = [m[..., k, j] - m[..., j, k] for j, k in ((1, 2), (2, 0), (0, 1))]
    rows: list[list[Any]] = []
    for i in range(3):
        row = [sums[min(i, j), max(i, j)] if i != j else None for j in range(3)]
        row[i] = 1 - trace + 2 * diagonal[i]
        rows.append([*row, turns[i]])
    rows.append([*turns, 1 + trace])
    candidates = jnp.stack([jnp.stack(row, -1) for row in rows], -2)
    choice = jnp.argmax(jnp.stack([*diagonal, trace], -1), -1)
    chosen = jnp.take_along_axis(candidates, choice[..., None, None], -2)
    return normalized(jnp.squeeze(chosen, -2))


def euler_angles(q: Any, axes: Sequence[int], intrinsic: bool) -> Any:
    """Angles about three axes (E. Bernardes and S. Viollet, PLoS ONE 17 (2022) e0276302)."""
    i, j, k = axes[::-1] if intrinsic else axes
    symmetric = i == k
    k = 3 - i - j if symmetric else k
    sign = (i - j) * (j - k) * (k - i) // 2
    x = [q[..., n] for n in range(4)]
    if symmetric:
        a, b, c, d = x[3], x[i], x[j], x[k] * sign
    else:
        a, b, c, d = x[3] - x[j], x[i] + x[k] * sign, x[j] + x[3], x[k] * sign - x[i]
    middle = 2 * jnp.arctan2(jnp.hypot(c, d), jnp.hypot(a, b))
    half_sum, half_difference = jnp.arctan2(b, a), jnp.arctan2(d, c)
    aligned, opposed = abs(middle) <= 1e-7, abs(middle - np.pi) <= 1e-7
    alone = jnp.where(aligned, 2 * half_sum, 2 * half_difference * (1 if intrinsic else -1))
    degenerate = aligned | opposed
    first = jnp.where(degenerate, 0 if intrinsic else alone, half_sum - half_difference)
    third = jnp.where(degenerate, alone if intrinsic else 0, half_sum + half_difference)
    if not symmetric:
        third, middle = third * sign, middle - np.pi / 2
    angles = [third, middle, first] if intrinsic else [first, middle, third]
    found = jnp.stack(angles, -1)
    return found - 2 * np.pi * ((found > np.pi).astype(q.dtype) - (found < -np.pi).astype(q.dtype))
