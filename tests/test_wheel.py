"""The wheel holds both packages, typed and pure Python, and imports from where it is installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the build back end comes with the test extra")
ROOT = Path(__file__).resolve().parent.parent
PIP = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from the checkout."""
    into = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(into)]
    subprocess.run([*PIP, "wheel", *options, str(ROOT)], check=True)
    (path,) = into.iterdir()
    return path


def test_wheel_is_pure_python(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_wheel_holds_the_two_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packages = {name for name in names if ".dist-info/" not in name}
    assert {name.split("/")[0] for name in packages} == {"jitad", "jitad_ir"}
    assert {"jitad/py.typed", "jitad_ir/py.typed"} <= packages
    sources = {
        str(path.relative_to(parent))
        for parent, package in ((ROOT, "jitad"), (ROOT / "ir", "jitad_ir"))
        for path in (parent / package).rglob("*.py")
    }
    assert {name for name in packages if name.endswith(".py")} == sources
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_wheel_imports_where_it_is_installed(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([*PIP, "install", "--no-deps", "--target", str(tmp_path), wheel], check=True)
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import jitad, jitad_ir\n"
        "print(jitad.__file__, jitad_ir.__file__, jitad.grad(lambda x: x * x)(3.0))"
    )
    # -I: neither PYTHONPATH nor the working directory may lend the checkout's packages.
    command = [sys.executable, "-I", "-c", program]
    run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)
    face, compiler, derivative = run.stdout.split()
    assert Path(face).is_relative_to(tmp_path) and Path(compiler).is_relative_to(tmp_path)
    assert float(derivative) == 6.0
