"""Rotations and interpolation between them against SciPy's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial import transform as scipys

import jitad
from jitad import random
from jitad.scipy.spatial.transform import Rotation, Slerp

from ..linalg.checks import check_derivatives, close

RNG = np.random.default_rng(12)
QUATERNIONS = RNG.normal(size=(20, 4))
QUATERNIONS /= np.linalg.norm(QUATERNIONS, axis=1)[:, None]
OURS, THEIRS = Rotation.from_quat(QUATERNIONS), scipys.Rotation.from_quat(QUATERNIONS)
SEQUENCES = ["".join(s) for s in itertools.product("xyz", repeat=3) if s[0] != s[1] != s[2]]
SEQUENCES += [s.upper() for s in SEQUENCES]
VECTOR = np.array([1.0, 2.0, -3.0])

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "matrix": lambda r: r.as_matrix(),
    "rotation vector": lambda r: r.as_rotvec(degrees=True),
    "parameters": lambda r: r.as_mrp(),
    "quaternion": lambda r: r.as_quat(canonical=True, scalar_first=True),
    "magnitude": lambda r: r.magnitude(),
    "apply": lambda r: r.apply(VECTOR),
    "apply back": lambda r: r.apply(VECTOR, inverse=True),
    "product": lambda r: (r * r[::-1]).as_matrix(),
    "inverse": lambda r: r.inv().as_matrix(),
    "mean": lambda r: r[:3].mean().as_matrix(),
    "weighted mean": lambda r: r[:3].mean([1.0, 2.0, 3.0]).as_matrix(),
    "single": lambda r: r[4].as_euler("xyz"),
}


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS.keys())
def test_what_is_made_of_a_rotation(function: Callable[[Any], Any]) -> None:
    close(function(OURS), function(THEIRS), "value", 1e-12)
    compiled = jitad.jit(lambda q: function(Rotation.from_quat(q)))
    close(compiled(QUATERNIONS), function(THEIRS), "compiled", 1e-12)
    check_derivatives(lambda q: function(Rotation.from_quat(q)), QUATERNIONS[:5].copy())


@pytest.mark.parametrize("name", ["matrix", "rotvec", "mrp"])
def test_what_rotations_are_made_of(name: str) -> None:
    given = getattr(THEIRS, f"as_{name}")()
    make = getattr(Rotation, f"from_{name}")
    close(make(given).as_matrix(), THEIRS.as_matrix(), name, 1e-12)
    close(make(given[3]).as_matrix(), THEIRS[3].as_matrix(), "one", 1e-12)
    if name != "matrix":
        check_derivatives(lambda x: make(x).as_matrix(), given[:3])


@pytest.mark.parametrize("seq", SEQUENCES)
@pytest.mark.filterwarnings("ignore:Gimbal lock")
def test_angles(seq: str) -> None:
    close(OURS.as_euler(seq), THEIRS.as_euler(seq), "angles", 1e-12)
    angles = RNG.uniform(-3, 3, (5, 3))
    expected = scipys.Rotation.from_euler(seq, angles, degrees=True).as_matrix()
    close(Rotation.from_euler(seq, angles, degrees=True).as_matrix(), expected, "made", 1e-12)
    for middle in (0.0, np.pi, np.pi / 2, -np.pi / 2):
        quat = scipys.Rotation.from_euler(seq, [0.3, middle, 0.4]).as_quat()
        again = Rotation.from_euler(seq, Rotation.from_quat(quat).as_euler(seq))
        expected = scipys.Rotation.from_quat(quat).as_matrix()
        close(again.as_matrix(), expected, "coinciding axes", 1e-12)


@pytest.mark.parametrize(
    "seq, angles", [("z", 90.0), ("z", [90.0]), ("z", [[90.0], [20.0]]), ("xy", [1.0, 2.0])]
)
def test_angles_about_few_axes(seq: str, angles: Any) -> None:
    expected = scipys.Rotation.from_euler(seq, angles, degrees=True).as_matrix()
    close(Rotation.from_euler(seq, angles, degrees=True).as_matrix(), expected, seq, 1e-14)


def test_no_rotation_has_derivatives() -> None:
    slope = jitad.jacobian(lambda v: Rotation.from_rotvec(v).as_rotvec())(np.zeros(3))
    close(slope, np.eye(3), "around nothing", 1e-15)
    turned = jitad.jacobian(lambda v: Rotation.from_rotvec(v).apply(VECTOR))(np.zeros(3))
    close(turned, -np.cross(np.eye(3), VECTOR).T * -1, "cross product", 1e-14)
    for size in (1e-9, 1e-4, 1e-3, 1.1e-3):
        vector = size * VECTOR / np.linalg.norm(VECTOR)
        close(Rotation.from_rotvec(vector).as_rotvec() / size, vector / size, "small", 1e-12)


def test_collections() -> None:
    assert len(OURS) == 20 and not OURS.single and OURS[0].single
    whole = Rotation.concatenate([OURS[:2], OURS[5]])
    close(whole.as_quat(), QUATERNIONS[[0, 1, 5]], "together", 1e-14)
    close(Rotation.identity().as_matrix(), np.eye(3), "identity", 0)
    assert len(Rotation.identity(4)) == 4
    drawn = Rotation.random(random.key(1), 2000)
    assert np.max(np.abs(np.mean(drawn.apply(VECTOR), axis=0))) < 0.3
    assert Rotation.random(random.key(1)).single
    doubled = jitad.jit(lambda r: r * r)(OURS)
    close(doubled.as_matrix(), (THEIRS * THEIRS).as_matrix(), "a pytree", 1e-12)


def test_interpolation() -> None:
    times = np.sort(RNG.uniform(size=20))
    at = RNG.uniform(times[0], times[-1], 30)
    expected = scipys.Slerp(times, THEIRS)
    ours = Slerp.init(times, OURS)
    close(ours(at).as_matrix(), expected(at).as_matrix(), "between", 1e-12)
    close(jitad.jit(ours)(at[0]).as_matrix(), expected(at[0]).as_matrix(), "one", 1e-12)
    check_derivatives(lambda t: Slerp.init(times, OURS)(t).as_matrix(), at)


WRONG: list[Callable[[], Any]] = [
    lambda: Rotation.from_quat(np.ones(3)),
    lambda: Rotation.from_matrix(np.ones((3, 2))),
    lambda: Rotation.from_euler("xyzx", np.ones(4)),
    lambda: Rotation.from_euler("xY", np.ones(2)),
    lambda: Rotation.from_euler("xx", np.ones(2)),
    lambda: Rotation.from_euler("xyz", np.ones(2)),
    lambda: OURS.as_euler("xy"),
    lambda: OURS.mean(np.ones(3)),
    lambda: Slerp.init([0.0], OURS[:1]),
    lambda: Slerp.init([0.0], OURS[:2]),
    lambda: Slerp.init([0.0, 1.0], OURS[:2])(np.ones((2, 2))),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_values(wrong: Callable[[], Any]) -> None:
    with pytest.raises(ValueError):
        wrong()


def test_wrong_types() -> None:
    for wrong in (
        lambda: len(OURS[0]),
        lambda: OURS[0][0],
        lambda: Slerp.init([0.0, 1.0], QUATERNIONS),  # pyright: ignore[reportArgumentType]
    ):
        with pytest.raises(TypeError):
            wrong()
