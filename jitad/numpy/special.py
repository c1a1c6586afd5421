"""Special functions by SciPy's names, as libraries for the array API standard look for them in the
namespace of an array: those of `jitad.scipy.special`, and NumPy's that SciPy has as well."""

from __future__ import annotations

import importlib
from typing import Any

_OTHER_NAMES = {"psi": "digamma"}
_OF_NUMPY = ("cbrt", "exp2", "expm1", "log1p", "sinc")


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'jitad.numpy.special' has no attribute {name!r}")
    module = "jitad.numpy" if name in _OF_NUMPY else "jitad.scipy.special"
    value = getattr(importlib.import_module(module), _OTHER_NAMES.get(name, name))
    globals()[name] = value
    return value
