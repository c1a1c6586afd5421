"""Every public name of the namespaces held to it has a docstring with an example, and it runs.

pytest runs the examples of plain functions and classes where they are defined. Those of names that
are made by decorators and factories, and of objects, are not found there: they are in `__test__`,
where it looks for more. Such an example has the imports it needs. To hold another namespace to
all this, add it to `NAMESPACES`.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from jitad.scipy import stats

NAMESPACES = (
    "jitad",
    "jitad.ad_checkpoint",
    "jitad.core",
    "jitad.custom_batching",
    "jitad.custom_derivatives",
    "jitad.debug",
    "jitad.dlpack",
    "jitad.dtypes",
    "jitad.example_libraries.optimizers",
    "jitad.experimental",
    "jitad.experimental.jet",
    "jitad.experimental.ode",
    "jitad.flatten_util",
    "jitad.image",
    "jitad.lax",
    "jitad.lax.linalg",
    "jitad.nn",
    "jitad.nn.initializers",
    "jitad.numpy",
    "jitad.numpy.fft",
    "jitad.numpy.linalg",
    "jitad.ops",
    "jitad.placement",
    "jitad.profiler",
    "jitad.random",
    "jitad.registry",
    "jitad.scipy.cluster.vq",
    "jitad.scipy.fft",
    "jitad.scipy.integrate",
    "jitad.scipy.interpolate",
    "jitad.scipy.linalg",
    "jitad.scipy.ndimage",
    "jitad.scipy.optimize",
    "jitad.scipy.signal",
    "jitad.scipy.sparse.linalg",
    "jitad.scipy.spatial.transform",
    "jitad.scipy.special",
    "jitad.scipy.stats",
    "jitad.sharding",
    "jitad.stages",
    "jitad.test_util",
    "jitad.tree",
    "jitad.tree_util",
    *(
        f"jitad.scipy.stats.{name}"
        for name in stats.__all__
        if isinstance(getattr(stats, name), ModuleType)
    ),
)


def is_defined_in(namespace: str, name: str, value: Any) -> bool:
    return not name.startswith("_") and getattr(value, "__module__", None) == namespace


def public(namespace: str) -> Iterator[tuple[str, Any]]:
    """The names of a namespace and what they are, but for modules and for what is not ours:
    constants, and NumPy's and Python's own objects."""
    module = importlib.import_module(namespace)
    names = getattr(module, "__all__", None)
    if names is None:
        names = [n for n, value in vars(module).items() if is_defined_in(namespace, n, value)]
    for name in names:
        value = getattr(module, name)
        home = getattr(value, "__module__", None) or type(value).__module__
        if not isinstance(value, ModuleType) and home.partition(".")[0] in ("jitad", "jitad_ir"):
            yield name, value


def runs_at_home(value: Any) -> bool:
    """True if doctest finds `value` in the module that defines it."""
    home = sys.modules.get(value.__module__)
    if home is None or vars(home).get(getattr(value, "__name__", "")) is not value:
        return False
    return inspect.isclass(value) or getattr(value, "__globals__", None) is vars(home)


def has_example(value: Any) -> bool:
    return bool(doctest.DocTestParser().get_examples(value.__doc__ or ""))


# Read by pytest's collection of doctests: a name, and a docstring to run.
__test__ = {
    f"{namespace}.{name}": value.__doc__
    for namespace in NAMESPACES
    for name, value in public(namespace)
    if has_example(value) and not runs_at_home(value)
}


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_name_has_an_example(namespace: str) -> None:
    silent = [name for name, value in public(namespace) if not has_example(value)]
    assert not silent, f"public names of {namespace} whose docstrings have no example: {silent}"


def test_a_name_without_an_example_is_found() -> None:
    def documented() -> None:
        """>>> 1 + 1
        2
        """

    assert has_example(documented)
    documented.__doc__ = "Nothing to see."
    assert not has_example(documented)
    assert not runs_at_home(documented)
    assert runs_at_home(has_example)
