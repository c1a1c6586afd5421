"""The state of the checkout itself: sizes, text, and what no tracked file may name."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import jitad

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 500
LONGEST_FUNCTION = 70
PROSE_WIDTH = 132
BINARY = {".png", ".npz"}
# Hosts a file may point a reader to. A package index is never among them: pip finds its own.
HOSTS = {
    "arxiv.org",
    "creativecommons.org",
    "dlmf.nist.gov",
    "docs.jax.dev",
    "docs.python.org",
    "docs.scipy.org",
    "doi.org",
    "github.com",
    "keepachangelog.com",
    "llvm.org",
    "numpy.org",
    "semver.org",
    "www.apache.org",
    "www.w3.org",
}


def tracked() -> list[Path]:
    """Files under version control."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [path for name in names.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> list[tuple[Path, str]]:
    return [(p, p.read_text(encoding="utf-8")) for p in tracked() if p.suffix not in BINARY]


def sources() -> list[tuple[Path, str]]:
    """The Python files of the two packages."""
    kept = ROOT / "jitad", ROOT / "ir"
    return [
        (path, text)
        for path, text in texts()
        if path.suffix == ".py" and any(path.is_relative_to(package) for package in kept)
    ]


def test_text_is_clean() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in texts()
        if path.suffix not in {".svg", ".ir"}
        for number, line in enumerate(text.splitlines(), 1)
        if line != line.rstrip() or ("\t" in line and path.name != "Makefile")
    ]
    assert not wrong, f"trailing space or tab: {wrong}"
    assert not [path for path, text in texts() if text and not text.endswith("\n")]


def test_prose_is_narrow() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in texts()
        if path.suffix == ".md"
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > PROSE_WIDTH and not line.startswith("|") and "](" not in line
    ]
    assert not wrong, f"lines over {PROSE_WIDTH} columns: {wrong}"


def test_files_are_short() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p, t in sources() if (n := t.count("\n")) > LONGEST_FILE
    }
    assert not long, f"over {LONGEST_FILE} lines, ask which room is missing: {long}"


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the end."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return 1 + (function.end_lineno or 0) - body[0].lineno if body else 0


def test_functions_are_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({body_lines(node)})"
        for path, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and body_lines(node) > LONGEST_FUNCTION
    ]
    assert not long, f"over {LONGEST_FUNCTION} lines: {long}"


def test_modules_open_alike() -> None:
    """A docstring, then `from __future__ import annotations`."""
    for path, text in sources():
        tree = ast.parse(text)
        assert ast.get_docstring(tree), f"{path.relative_to(ROOT)} has no docstring"
        if len(tree.body) > 1:
            assert "from __future__ import annotations" in text, path.relative_to(ROOT)


def test_names_are_explained() -> None:
    """Each function and class that other modules may use has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path, text in sources()
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert not silent, silent


def test_no_file_names_a_machine() -> None:
    """No absolute path of somebody's disk, no host that is not for a reader."""
    # /home/ada, in tests of paths, is nobody's.
    place = re.compile(r"(?<![\w.~)}/])/(?:home|root|work|mnt|opt|srv|Users)/(?!ada\b)\w")
    wrong = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path, text in texts()
        for found in place.finditer(text)
    ]
    assert not wrong, wrong
    hosts = {
        (host, str(path.relative_to(ROOT)))
        for path, text in texts()
        for url in re.findall(r"\b(?:https?|ftp|git)://[^\s\"'<>)\]`]+", text)
        if (host := urlsplit(url).hostname) not in HOSTS
    }
    assert not hosts, hosts


def test_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert jitad.__version__ == project["version"]
    assert f"[{jitad.__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_run_time_dependencies_are_the_four() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]}
    assert names == {"numpy", "scipy", "llvmlite", "networkx"}
