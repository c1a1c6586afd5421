"""`jitad.scipy.spatial.transform`: rotations of space and interpolation between them, with
derivatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jitad import numpy as jnp
from jitad import random
from jitad.errors import at_user_line
from jitad.numpy.promotion import as_array_operand, inexact, strong
from jitad.tree_util import register_dataclass

from .quaternions import (
    composed,
    euler_angles,
    from_axis,
    from_matrix,
    from_rotation_vector,
    inverse,
    normalized,
    to_matrix,
    to_rotation_vector,
)

__all__ = ["Rotation", "Slerp"]
__dir__ = __all__.copy


def _floats(x: Any) -> Any:
    return jnp.asarray(inexact(strong(as_array_operand(x))))


def _vectors(x: Any, shape: tuple[int, ...], what: str) -> Any:
    """`x` as an array of shape (..., *shape)."""
    found = _floats(x)
    if found.shape[-len(shape) :] != shape:
        listed = ", ".join(map(str, shape))
        raise ValueError(
            at_user_line(f"Expected {what} to have shape (..., {listed}), got {found.shape}.")
        )
    return found


def _axes(seq: str, least: int) -> tuple[list[int], bool]:
    """Numbers of the axes, and whether they turn with the body (capital letters)."""
    intrinsic = re.fullmatch("[XYZ]{1,3}", seq) is not None
    if not least <= len(seq) <= 3:
        raise ValueError(
            at_user_line(
                "Expected axis specification to be a non-empty string of upto 3 characters, got "
                f"{seq}"
                if least == 1
                else f"Expected 3 axes, got {seq}."
            )
        )
    if not intrinsic and re.fullmatch("[xyz]{1,3}", seq) is None:
        raise ValueError(
            at_user_line(
                f"Expected axes from `seq` to be from ['x', 'y', 'z'] or ['X', 'Y', 'Z'], got {seq}"
            )
        )
    if any(a == b for a, b in zip(seq, seq[1:], strict=False)):
        raise ValueError(at_user_line(f"Expected consecutive axes to be different, got {seq}"))
    return ["xyz".index(letter) for letter in seq.lower()], intrinsic


@dataclass(frozen=True)
class Rotation:
    """A rotation, or an array of them: a pytree whose leaf `quat` (..., 4) has quaternions of
    length one, the real part at the end. Made by `from_quat` and its relatives.

    Angles are in radians unless `degrees`. Turning vectors: p * q turns by q, then by p.

    >>> turn = Rotation.from_euler("z", 90, degrees=True)
    >>> jnp.round(turn.apply([1.0, 0.0, 0.0]), 6)
    Array([0., 1., 0.])
    """

    quat: Any

    @classmethod
    def from_quat(cls, quat: Any) -> Rotation:
        """From quaternions (..., 4) of any length but zero, the real part at the end."""
        return cls(normalized(_vectors(quat, (4,), "`quat`")))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Rotation:
        """From rotation matrices (..., 3, 3), which are taken to be orthogonal."""
        return cls(from_matrix(_vectors(matrix, (3, 3), "`matrix`")))

    @classmethod
    def from_rotvec(cls, rotvec: Any, degrees: bool = False) -> Rotation:
        """From vectors (..., 3) along the axis, as long as the angle."""
        vector = _vectors(rotvec, (3,), "`rot_vec`")
        return cls(from_rotation_vector(jnp.deg2rad(vector) if degrees else vector))

    @classmethod
    def from_mrp(cls, mrp: Any) -> Rotation:
        """From modified Rodrigues parameters (..., 3): the axis times tan(angle / 4)."""
        x = _vectors(mrp, (3,), "`mrp`")
        square = jnp.sum(x * x, -1, keepdims=True)
        return cls(jnp.concatenate([2 * x, 1 - square], -1) / (1 + square))

    @classmethod
    def from_euler(cls, seq: str, angles: Any, degrees: bool = False) -> Rotation:
        """From angles (..., k) about k = 1, 2 or 3 axes in turn: `seq` "xyz" (fixed axes) or "XYZ"
        (which turn with the body). For one axis also a number."""
        axes, intrinsic = _axes(seq, 1)
        x = _floats(angles)
        x = jnp.deg2rad(x) if degrees else x
        x = jnp.atleast_1d(x)
        if x.shape[-1] != len(axes):
            raise ValueError(
                at_user_line(
                    f"Expected last dimension of `angles` to match number of sequence axes "
                    f"specified, got {x.shape[-1]}."
                )
            )
        quat = from_axis(axes[0], x[..., 0])
        for i, axis in enumerate(axes[1:], 1):
            following = from_axis(axis, x[..., i])
            quat = composed(quat, following) if intrinsic else composed(following, quat)
        return cls(quat)

    @classmethod
    def identity(cls, num: int | None = None, dtype: Any = float) -> Rotation:
        """No rotation, or `num` of them."""
        quat = jnp.asarray([0.0, 0.0, 0.0, 1.0], dtype)
        return cls(quat if num is None else jnp.broadcast_to(quat, (num, 4)))

    @classmethod
    def random(cls, random_key: Any, num: int | None = None) -> Rotation:
        """A rotation, or `num` of them, uniform over all."""
        return cls(normalized(random.normal(random_key, (4,) if num is None else (num, 4))))

    @classmethod
    def concatenate(cls, rotations: Sequence[Rotation]) -> Rotation:
        """All of several rotations and arrays of rotations."""
        return cls(jnp.concatenate([jnp.atleast_2d(r.quat) for r in rotations]))

    @property
    def single(self) -> bool:
        """True of one rotation, False of an array of them."""
        return self.quat.ndim == 1

    def __len__(self) -> int:
        if self.single:
            raise TypeError(at_user_line("Single rotation has no len()."))
        return self.quat.shape[0]

    def __getitem__(self, indexer: Any) -> Rotation:
        if self.single:
            raise TypeError(at_user_line("Single rotation is not subscriptable."))
        return Rotation(self.quat[indexer])

    def __mul__(self, other: Rotation) -> Rotation:
        return Rotation(normalized(composed(self.quat, other.quat)))

    def apply(self, vectors: Any, inverse: bool = False) -> Any:
        """Vectors (..., 3) turned; back, if `inverse`. Vectors and rotations broadcast."""
        x = _vectors(vectors, (3,), "`vectors`")
        matrix = self.as_matrix()
        return jnp.squeeze((matrix.mT if inverse else matrix) @ x[..., None], -1)

    def inv(self) -> Rotation:
        """The rotation back."""
        return Rotation(inverse(self.quat))

    def magnitude(self) -> Any:
        """Angles, from 0 to pi."""
        return 2 * jnp.arctan2(jnp.linalg.norm(self.quat[..., :3], axis=-1), abs(self.quat[..., 3]))

    def mean(self, weights: Any = None) -> Rotation:
        """The rotation whose distances from an array of them have the least sum of squares, each
        times its weight (F. L. Markley et al., Averaging quaternions, 2007). Raises ValueError for
        weights of another number."""
        count = len(self)
        w = jnp.ones(count) if weights is None else jnp.asarray(weights)
        if w.shape != (count,):
            raise ValueError(
                at_user_line(f"Expected `weights` of shape {(count,)}, got shape {w.shape}.")
            )
        w = w.astype(self.quat.dtype)
        return Rotation(jnp.linalg.eigh((w * self.quat.T) @ self.quat)[1][:, -1])

    def as_quat(self, canonical: bool = False, scalar_first: bool = False) -> Any:
        """Quaternions (..., 4). A rotation has two; the `canonical` one has a positive real part,
        or if that is zero a positive first element."""
        q = self.quat
        if canonical:
            sign: Any = 1.0
            for i in (2, 1, 0, 3):
                sign = jnp.where(q[..., i] != 0, jnp.sign(q[..., i]), sign)
            q = q * sign[..., None]
        return jnp.roll(q, 1, -1) if scalar_first else q

    def as_matrix(self) -> Any:
        """Rotation matrices (..., 3, 3)."""
        return to_matrix(self.quat)

    def as_rotvec(self, degrees: bool = False) -> Any:
        """Vectors (..., 3) along the axis, as long as the angle (at most pi)."""
        vector = to_rotation_vector(self.quat)
        return jnp.rad2deg(vector) if degrees else vector

    def as_mrp(self) -> Any:
        """Modified Rodrigues parameters (..., 3): the axis times tan(angle / 4)."""
        q = self.quat
        sign = jnp.where(q[..., 3:] < 0, -1.0, 1.0).astype(q.dtype)
        return sign * q[..., :3] / (1 + sign * q[..., 3:])

    def as_euler(self, seq: str, degrees: bool = False) -> Any:
        """Angles (..., 3) about three axes in turn (see `from_euler`). Where the first and the last
        axis coincide, the last angle (of fixed axes; else the first) is zero."""
        axes, intrinsic = _axes(seq, 3)
        angles = euler_angles(self.quat, axes, intrinsic)
        return jnp.rad2deg(angles) if degrees else angles


@dataclass(frozen=True)
class Slerp:
    """Rotations between given ones, at a constant speed of turning from each to the next. Made by
    `Slerp.init`.

    >>> keys = Rotation.from_euler("x", [[0.0], [1.0]])
    >>> jnp.round(Slerp.init([0.0, 1.0], keys)(0.5).as_rotvec(), 6)
    Array([0.5, 0. , 0. ])
    """

    times: Any
    timedelta: Any
    rotations: Rotation
    rotvecs: Any

    @classmethod
    def init(cls, times: Any, rotations: Rotation) -> Slerp:
        """`rotations` (two or more) at `times`, which ascend. Raises TypeError if they are no
        rotations, ValueError for numbers that do not fit."""
        if not isinstance(rotations, Rotation):
            raise TypeError(at_user_line("`rotations` must be a `Rotation` instance."))
        if rotations.single or len(rotations) == 1:
            raise ValueError(
                at_user_line("`rotations` must be a sequence of at least 2 rotations.")
            )
        at = jnp.asarray(times).astype(rotations.quat.dtype)
        if at.shape != (len(rotations),):
            raise ValueError(
                at_user_line(
                    "Expected number of rotations to be equal to number of timestamps given, got "
                    f"{len(rotations)} rotations and times of shape {at.shape}."
                )
            )
        first, second = rotations[:-1], rotations[1:]
        return cls(at, jnp.diff(at), first, (first.inv() * second).as_rotvec())

    def __call__(self, times: Any) -> Rotation:
        """The rotation at a time, or those at a vector of times."""
        at = jnp.asarray(times).astype(self.times.dtype)
        if at.ndim > 1:
            raise ValueError(at_user_line("`times` must be at most 1-dimensional."))
        last = self.timedelta.shape[0] - 1
        i = jnp.clip(jnp.searchsorted(self.times, at) - 1, 0, last)
        part = (at - self.times[i]) / self.timedelta[i]
        turned = from_rotation_vector(self.rotvecs[i] * part[..., None])
        return Rotation(composed(self.rotations.quat[i], turned))


register_dataclass(Rotation, ["quat"], [])
register_dataclass(Slerp, ["times", "timedelta", "rotations", "rotvecs"], [])
