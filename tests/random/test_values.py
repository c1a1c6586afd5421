"""Every distribution draws the numbers of JAX's default generator: at once and compiled."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
from jitad import random

from .cases import CASES, SEED, Case

TOLERANCE = {"float32": 3e-5, "complex64": 3e-5}
"""Relative, by dtype; 1e-11 for the others. Transcendental functions are rounded differently."""


@functools.cache
def recorded() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("jax_values.json").read_text())


def expected(case: Case) -> np.ndarray:
    entry = recorded()[str(case)]
    dtype = np.dtype(entry["dtype"])
    values = entry["values"]
    if dtype.kind == "c":
        flat = np.array(values, np.dtype(f"f{dtype.itemsize // 2}")).view(dtype)
    else:
        flat = np.array(values, dtype)
    return flat.reshape(entry["shape"])


def assert_drawn(got: Any, case: Case) -> None:
    want = expected(case)
    assert got.shape == want.shape
    if want.dtype.kind in "fc":
        assert got.dtype == want.dtype
        rtol = TOLERANCE.get(want.dtype.name, 1e-11)
        atol = 1e-14 if case.name == "orthogonal" else 0.0  # LAPACKs differ
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol)
    else:
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_at_once(case: Case) -> None:
    assert_drawn(getattr(random, case.name)(random.key(SEED), *case.args, **case.kwargs), case)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_compiled(case: Case) -> None:
    draw = getattr(random, case.name)
    compiled = jitad.jit(lambda key: draw(key, *case.args, **case.kwargs))
    assert_drawn(compiled(random.key(SEED)), case)


BATCHED = {str(case): case for case in CASES if case.name not in ("orthogonal", "bits")}
BATCHED = {
    name: case
    for name, case in BATCHED.items()
    if case is next(other for other in CASES if other.name == case.name)
}


@pytest.mark.parametrize("case", BATCHED.values(), ids=str)
def test_of_a_batch_of_keys(case: Case) -> None:
    """Each lane of a vmapped draw is the draw by its own key, whatever the others are."""
    draw = functools.partial(getattr(random, case.name), **case.kwargs)
    keys = random.split(random.key(7), 3)
    batched = jitad.vmap(lambda key: draw(key, *case.args))(keys)
    compiled = jitad.jit(jitad.vmap(lambda key: draw(key, *case.args)))(keys)
    for lane, key in enumerate(keys):
        alone = draw(key, *case.args)
        np.testing.assert_allclose(batched[lane], alone, rtol=TOLERANCE["float32"])
        np.testing.assert_allclose(compiled[lane], alone, rtol=TOLERANCE["float32"])


def test_every_distribution_is_covered() -> None:
    keys = {"PRNGKey", "clone", "fold_in", "key", "key_data", "key_dtype", "key_impl"}
    keys |= {"split", "wrap_key_data"}
    assert {case.name for case in CASES} == set(random.__all__) - keys
