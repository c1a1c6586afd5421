"""The programs of docs/examples run as a reader runs them, and say what is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the plot of the main job")
ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
TABLE = ROOT / "docs" / "data" / "breast_cancer.csv"


def run(example: str) -> str:
    path = os.pathsep.join([str(ROOT), str(ROOT / "ir"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep), "MPLBACKEND": "Agg"}
    command = [sys.executable, str(EXAMPLES / example)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def number(pattern: str, text: str) -> float:
    match = re.search(pattern, text)
    assert match, f"{pattern!r} not in:\n{text}"
    return float(match[1])


def test_logistic_regression() -> None:
    """Coefficients and standard errors of statsmodels 0.15's Logit on the same columns."""
    output = run("logistic_regression.py")
    assert number(r"loss (\S+)", output) == pytest.approx(78.319383, abs=1e-6)
    expected = {
        "intercept": (-0.7661, 0.2197),
        "radius": (2.9007, 0.7279),
        "texture": (1.5815, 0.2617),
        "smoothness": (0.6415, 0.3525),
        "concave_points": (3.1043, 0.7382),
        "symmetry": (0.5146, 0.2831),
        "fractal_dimension": (-0.2974, 0.3482),
    }
    for name, (coefficient, error) in expected.items():
        assert number(rf"{name} +(\S+)", output) == pytest.approx(coefficient, abs=2e-4)
        assert number(rf"{name} +\S+ +(\S+)", output) == pytest.approx(error, abs=2e-4)
    assert number(r"row 275: (\S+) to first order", output) == pytest.approx(0.2364, abs=2e-4)
    for suffix, magic in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        plot = EXAMPLES / "output" / f"logistic_regression.{suffix}"
        assert plot.read_bytes().startswith(magic)


def test_normal_density() -> None:
    output = run("normal_density.py")
    assert number(r"f\(1.3, 0.2, 0.7\) = (\S+)", output) == pytest.approx(-1.796957466817)
    for mode in ("forward, jvp", "forward, jacfwd", "reverse, grad", "central differences"):
        assert output.count(mode) == 2, mode


@pytest.mark.parametrize(
    ("example", "pattern", "low", "high"),
    [
        ("mlp_classifier", r"^accuracy (\S+)", 0.97, 1.0),
        ("cnn_classifier", r"^accuracy (\S+)", 0.95, 1.0),
        ("vae", r"ELBO (\S+) <=", -12.0, -9.0),
        ("advi", r"full: ELBO (\S+),", -87.93, -87.83),
        ("private_sgd", r"epsilon +2.52, accuracy (\S+)", 0.85, 0.95),
        ("gaussian_process", r"length (\S+)", 0.5, 0.9),
        ("kalman_em", r"turns by (\S+)", 0.28, 0.32),
        ("three_bodies", r"yoshida .* then (\S+)", 0.0, 1e-6),
        ("neural_ode", r"off by (\S+)", 0.0, 0.15),
        ("gauss_newton", r"after a step, (\S+)", 400.0, 500.0),
    ],
)
def test_programs(example: str, pattern: str, low: float, high: float) -> None:
    """Each asserts what it says; here also that it says it."""
    found = re.search(pattern, run(f"{example}.py"), re.MULTILINE)
    assert found and low <= float(found[1]) <= high


def test_every_program_is_in_the_index_and_in_the_tests() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    tests = Path(__file__).read_text(encoding="utf-8")
    shared = {"adam", "digits"}
    for program in EXAMPLES.glob("*.py"):
        assert f"[{program.stem}]({program.name})" in index
        assert program.stem in shared or program.stem in tests


def test_the_table_is_the_one_scikit_learn_ships() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="the source of the table")
    source = datasets.load_breast_cancer()
    with TABLE.open() as file:
        names = file.readline().strip().split(",")
    table = np.genfromtxt(TABLE, delimiter=",", skip_header=1)
    expected = [f"mean {name.replace('_', ' ')}" for name in names[:-1]]
    assert expected == list(source.feature_names[:10])
    np.testing.assert_array_equal(table[:, :-1], source.data[:, :10])
    np.testing.assert_array_equal(table[:, -1], 1 - source.target)


def test_the_table_has_the_counts_its_page_gives() -> None:
    diagnosis = np.genfromtxt(TABLE, delimiter=",", names=True)["malignant"]
    assert (len(diagnosis), int(diagnosis.sum())) == (569, 212)
