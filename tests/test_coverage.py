"""docs/coverage.md tells the truth, and no namespace has fewer names than the page says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_page", ROOT / "docs" / "coverage.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


coverage = _load()
NAMESPACES = {namespace.title: namespace for namespace in coverage.namespaces()}


def test_page_is_up_to_date() -> None:
    page = coverage.PAGE.read_text(encoding="utf-8")
    assert page == coverage.render(), "run `python docs/coverage.py`"


@pytest.mark.parametrize("title", NAMESPACES)
def test_figure_does_not_fall(title: str) -> None:
    said = coverage.figures(coverage.PAGE.read_text(encoding="utf-8"))[title]
    namespace = NAMESPACES[title]
    found = [name for name in namespace.names if coverage.is_present(namespace, name)]
    assert len(found) >= said


@pytest.mark.parametrize("title", NAMESPACES)
def test_expected_names_are_consistent(title: str) -> None:
    """Names are told once, and a name with a reason for its absence is expected and absent."""
    namespace = NAMESPACES[title]
    assert len(set(namespace.names)) == len(namespace.names)
    for name in namespace.left_out:
        assert name in namespace.names
        assert not coverage.is_present(namespace, name)


def test_a_name_that_is_not_there_is_absent() -> None:
    namespace = NAMESPACES["jax.numpy"]
    assert coverage.is_present(namespace, "sin")
    assert not coverage.is_present(namespace, "sinn")
    assert not coverage.is_present(namespace._replace(module="jitad.nowhere"), "sin")


def test_figures_are_read_from_the_table() -> None:
    assert coverage.figures("| `jax.tree` | `jitad.tree` | 13 | 14 | 92.9% |\n") == {"jax.tree": 13}
