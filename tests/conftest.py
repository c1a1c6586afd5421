"""What every test runs under: its own cache of compiled objects, property tests that repeat."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Each process of the suite compiles from scratch and leaves nothing behind."""
    directory = tempfile.mkdtemp(prefix="jitad-tests-")
    os.environ["JITAD_CACHE_DIR"] = directory
    config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
    try:
        import hypothesis
    except ModuleNotFoundError:  # comes with the test extra; a few test files need it
        return
    # The same examples in every run, and no verdict that depends on the machine's speed.
    hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
    hypothesis.settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden programs of tests/ir"
    )


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Doctests are those of the packages: modules here that are not tests are not imported for
    them (some need a library that is not installed)."""
    is_helper = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
    return True if is_helper else None
