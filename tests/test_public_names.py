"""What `dir` and `import *` show of a public module: its public names only."""

from __future__ import annotations

import collections.abc
import subprocess
import sys
import typing
from types import ModuleType

import pytest

import jitad
from tests.test_coverage import coverage


def public_modules(module: ModuleType) -> dict[str, ModuleType]:
    """`module` and the modules among its public names, theirs, and so on, by their full names."""
    found = {module.__name__: module}
    for name in dir(module):
        value = getattr(module, name)
        if isinstance(value, ModuleType):
            assert value.__name__.startswith("jitad."), f"{module.__name__}.{name}"
            found |= public_modules(value)
    return found


MODULES = public_modules(jitad)
EXPECTED = {namespace.module: namespace for namespace in coverage.namespaces()}


def test_all_namespaces_are_found() -> None:
    assert set(EXPECTED) <= set(MODULES)
    assert {"jitad.numpy.fft", "jitad.scipy.stats.norm", "jitad.lax.linalg"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_dir_lists_public_names_only(name: str) -> None:
    module = MODULES[name]
    assert dir(module) == sorted(set(module.__all__))
    imported = {"annotations", *dir(typing), *dir(collections.abc)}
    assert not imported & set(dir(module))
    for public in module.__all__:
        assert not public.startswith("_")
        assert hasattr(module, public)


@pytest.mark.parametrize("name", EXPECTED)
def test_dir_lists_what_programs_use(name: str) -> None:
    """A name that is there without being listed would be found by nobody."""
    namespace = EXPECTED[name]
    used = {n.split(".")[0] for n in namespace.names if coverage.is_present(namespace, n)}
    assert used <= set(dir(MODULES[name]))


@pytest.mark.parametrize("name", ["jitad.numpy", "jitad.lax", "jitad.scipy.special", "jitad.nn"])
def test_import_star_gives_the_public_names(name: str) -> None:
    scope: dict[str, object] = {}
    exec(f"from {name} import *", scope)
    assert sorted(set(scope) - {"__builtins__"}) == dir(MODULES[name])


def test_dir_loads_nothing() -> None:
    """Names of modules that are not loaded are listed, too; listing them does not load them."""
    program = (
        "import sys, jitad, jitad.numpy as jnp, jitad.lax as lax\n"
        "before = set(sys.modules)\n"
        "assert 'scan' in dir(lax) and 'image' in dir(jitad) and 'sin' in dir(jnp)\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
