"""The names of `jitad.lax`: all there, described, and loaded when they are used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jitad import lax

ROOT = Path(__file__).resolve().parent.parent.parent
NAMESPACES = {"lax": lax, "linalg": lax.linalg}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_name_is_there_with_a_docstring(namespace: str) -> None:
    module = NAMESPACES[namespace]
    assert dir(module) == module.__all__
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            assert value.__doc__, name
            assert getattr(value, "__name__", name) in (name, "_Annotated"), name


def test_other_names_are_an_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'jitad\.lax' has no attribute 'cosine'"):
        lax.cosine  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="linalg"):
        lax.linalg.inverse  # type: ignore[attr-defined]  # noqa: B018


def test_a_name_loads_its_module_alone() -> None:
    program = (
        "import sys; from jitad import lax; lax.scan;"
        "print(*[m for m in sys.modules if m.startswith('jitad.lax.')])"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "ir"), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)},
    )
    loaded = run.stdout.split()
    assert "jitad.lax.loops" in loaded
    assert "jitad.lax.elementwise" not in loaded
    assert "jitad.lax.linalg" not in loaded
