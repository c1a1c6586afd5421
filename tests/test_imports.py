"""Who may import whom, and what `import jitad` may cost."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT, "jitad"), (ROOT / "ir", "jitad_ir")


# Functions that print what they belong to: the printer knows the structure, and the structure may
# defer the printer.
VIEWS = {"__repr__", "__str__", "text"}


class Import(NamedTuple):
    """One name imported by one module; `function` holds the statement, None at the top level."""

    importer: str
    imported: str
    function: str | None
    line: int


def module_name(path: Path, parent: Path) -> str:
    parts = path.relative_to(parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, Path]:
    """Every module of the two packages, by its full name."""
    return {
        module_name(path, parent): path
        for parent, package in PACKAGES
        for path in sorted((parent / package).rglob("*.py"))
    }


def statements(
    node: ast.AST, function: str | None = None
) -> Iterator[tuple[ast.Import | ast.ImportFrom, str | None]]:
    """Import statements below `node` that run, and the name of the function that holds them."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, function
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for part in child.orelse:
                yield from statements(ast.Module([part], []), function)
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from statements(child, child.name)
        else:
            yield from statements(child, function)


def imports_of(source: str, name: str, is_package: bool = False) -> list[Import]:
    """Absolute names imported by `source`, the text of module `name`."""
    found: list[Import] = []
    for node, function in statements(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = node.module or ""
            if node.level:
                package = name.split(".") if is_package else name.split(".")[:-1]
                package = package[: len(package) - node.level + 1]
                base = ".".join([*package, base] if base else package)
            names = [f"{base}.{alias.name}" for alias in node.names]
        found += [Import(name, imported, function, node.lineno) for imported in names]
    return found


def all_imports() -> list[Import]:
    return [
        found
        for name, path in modules().items()
        for found in imports_of(path.read_text(), name, path.name == "__init__.py")
    ]


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


# (importers, never import, reason): the one direction, top to bottom.
LAYERS = [
    ("jitad_ir", "jitad", "the compiler knows programs, not Python functions"),
    ("jitad_ir.ops", "llvmlite", "an op's emit rule receives an emitter"),
    ("jitad_ir.ops", "jitad_ir.native", "an op's emit rule receives an emitter"),
    ("jitad_ir.ops", "jitad_ir.plan", "plans are made of ops"),
    ("jitad_ir.passes", "jitad_ir.native", "passes are Graph -> Graph"),
    ("jitad_ir.passes", "jitad_ir.plan", "passes are Graph -> Graph"),
    ("jitad_ir.passes", "llvmlite", "passes are Graph -> Graph"),
    ("jitad_ir.plan", "jitad_ir.native", "native code is emitted from plans"),
    ("jitad_ir.plan", "llvmlite", "native code is emitted from plans"),
]


@pytest.mark.parametrize(("importers", "forbidden", "reason"), LAYERS)
def test_direction(importers: str, forbidden: str, reason: str) -> None:
    wrong = [
        f"{found.importer}:{found.line} imports {found.imported}"
        for found in all_imports()
        if within(found.importer, importers) and within(found.imported, forbidden)
    ]
    assert not wrong, f"{reason}: {wrong}"


def test_the_reader_of_imports_sees_every_form() -> None:
    source = (
        "import a.b\nfrom c import d\nfrom . import e\nfrom ..f import g\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hidden\n"
        "else:\n    import shown\n"
        "def function():\n    import late\n"
    )
    found = imports_of(source, "p.q.r")
    assert [(i.imported, i.function) for i in found] == [
        ("a.b", None),
        ("c.d", None),
        ("p.q.e", None),
        ("p.f.g", None),
        ("typing.TYPE_CHECKING", None),
        ("shown", None),
        ("late", "function"),
    ]
    assert imports_of("from .x import y", "p.q", is_package=True)[0].imported == "p.q.x.y"


def module_of(imported: str, known: dict[str, Path]) -> str | None:
    """The module of ours that `import imported` runs, if any."""
    while imported and imported not in known:
        imported = imported.rpartition(".")[0]
    return imported or None


def test_no_function_local_import_hides_a_circle() -> None:
    """An import inside a function may defer a cost; it may not close a loop of modules."""
    known = modules()
    ours = [(found, module_of(found.imported, known)) for found in all_imports()]
    edges: dict[str, set[str]] = {}
    for found, target in ours:
        if target and not found.function:
            edges.setdefault(found.importer, set()).add(target)

    def reaches(start: str, goal: str) -> bool:
        seen, stack = set[str](), [start]
        while stack:
            name = stack.pop()
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                stack += edges.get(name, ())
        return False

    hidden = [
        f"{found.importer}:{found.line} imports {target}, which needs {found.importer}"
        for found, target in ours
        if target
        and found.function
        and found.function not in VIEWS
        and reaches(target, found.importer)
    ]
    assert not hidden, hidden


def run(program: str) -> str:
    """What a fresh interpreter prints for `program`, with the checkout's packages in front."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "ir"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path.rstrip(os.pathsep)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # installed packages have their byte code
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=environment
    ).stdout


@pytest.mark.parametrize("heavy", ["scipy", "networkx", "matplotlib", "jitad_ir.native"])
def test_import_leaves_out(heavy: str) -> None:
    """What a program may never need is imported by the function that needs it first."""
    loaded = run("import jitad, sys; print(*sys.modules)").split()
    assert "jitad" in loaded
    assert not [name for name in loaded if within(name, heavy)]


TIMED = (
    "import time; start = time.perf_counter(); import {modules}; print(time.perf_counter() - start)"
)


@pytest.mark.timing
def test_import_costs_little_more_than_its_dependencies() -> None:
    """About 1.35 times NumPy and llvmlite's binding: the least of interleaved fresh processes, in
    one of three tries, as neighbours may be busy for a while."""
    ours, theirs = TIMED.format(modules="jitad"), TIMED.format(modules="numpy, llvmlite.binding")
    for program in (ours, theirs):  # byte code, and the disk's pages
        run(program)
    seen: list[float] = []
    for _ in range(3):
        pairs = [(float(run(ours)), float(run(theirs))) for _ in range(9)]
        cost, base = (min(times) for times in zip(*pairs, strict=True))
        seen.append(cost / base)
        if seen[-1] < 1.6:
            return
    pytest.fail(f"import jitad takes {seen} of NumPy + llvmlite")
