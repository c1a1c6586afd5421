"""Names of JAX that are left out say why; other unknown names do not pretend to."""

from __future__ import annotations

import importlib
import warnings

import pytest

import jitad
from jitad.absent import ABSENT

NAMES = [(module, name) for module, names in ABSENT.items() for name in names]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_the_reason_is_told(module: str, name: str) -> None:
    namespace = importlib.import_module(module)
    assert not hasattr(namespace, name)
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute '{name}': "):
        getattr(namespace, name)


@pytest.mark.parametrize("module", ABSENT)
def test_of_other_names_nothing_is_told(module: str) -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'$"):
        importlib.import_module(module).nonsense  # noqa: B018


@pytest.mark.parametrize(
    ("setting", "value"),
    [("jax_enable_x64", False), ("jax_threefry_partitionable", False)],
)
def test_a_setting_that_would_change_results_warns(setting: str, value: bool) -> None:
    with pytest.warns(UserWarning, match=f"{setting} = {value} has no effect") as caught:
        jitad.config.update(setting, value)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jitad.config.update(setting, not value)
