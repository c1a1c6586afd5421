"""What one process found of a sparse derivative, the next one reads."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose

import jitad
import jitad.numpy as jnp
from jitad import sparse
from jitad_ir.dependence import elements
from jitad_ir.passes import derive

N = 40
X = np.random.default_rng(5).uniform(0.5, 2.0, N)


def steps(x: Any) -> Any:
    return x[1:-1] * (x[2:] - x[:-2])


def sorted_steps(x: Any) -> Any:  # by groups of columns
    return jnp.cumsum(jnp.sort(x.reshape(-1, 4), axis=1), axis=1).ravel()


def energy(x: Any) -> Any:
    return jnp.sum((x[1:] - x[:-1] ** 2) ** 2)


BAND = np.abs(np.subtract.outer(np.arange(N), np.arange(N))) <= 1
MATRICES: dict[str, Callable[[], Any]] = {
    "jacobian": lambda: sparse.jacobian(steps),
    "by columns": lambda: sparse.jacobian(steps, format="csc"),
    "by groups": lambda: sparse.jacobian(sorted_steps),
    "hessian": lambda: sparse.hessian(energy),
    "a given pattern": lambda: sparse.hessian(energy, pattern=scipy.sparse.csr_array(BAND)),
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JITAD_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("JITAD_CACHE", raising=False)
    forget()
    return tmp_path


def forget() -> None:
    """As in a new process."""
    jitad.clear_caches()
    elements._found.cache_clear()


def never(*_: Any, **__: Any) -> Any:
    raise AssertionError("found again")


@pytest.mark.parametrize("name", MATRICES)
def test_nothing_is_found_again(name: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = MATRICES[name]()(X)
    forget()
    monkeypatch.setattr(elements, "_found", never)
    for op in derive.DERIVED:
        monkeypatch.setitem(derive.DERIVED, op, never)
    again = MATRICES[name]()(X)
    np.testing.assert_array_equal(again.toarray(), first.toarray())
    assert again.has_canonical_format
    with pytest.raises(AssertionError, match="found again"):
        sparse.jacobian(lambda x: steps(2 * x))(X)


def records(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.record"))


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "another number": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "another sum": lambda data: data[:12] + bytes([data[12] ^ 128]) + data[13:],
    "longer": lambda data: data + b"\0\0\0\0",
    "no record": lambda data: b"\x80\x04cos\nsystem\n." + data,
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", ["jacobian", "hessian"])
def test_damaged_records_are_written_again(name: str, damage: str, cache: Path) -> None:
    first = MATRICES[name]()(X)
    whole = {path: path.read_bytes() for path in records(cache)}
    assert len(whole) == 3  # the program, the pattern, its size
    for path, data in whole.items():
        path.write_bytes(DAMAGE[damage](data))
    forget()
    again = MATRICES[name]()(X)
    np.testing.assert_array_equal(again.toarray(), first.toarray())
    sizes = {path: len(path.read_bytes()) for path in records(cache)}
    assert sizes == {path: len(data) for path, data in whole.items()}


def test_a_directory_that_cannot_be_written_to(cache: Path) -> None:
    cache.chmod(0o500)
    try:
        assert_allclose(sparse.jacobian(steps)(X).toarray(), jitad.jacfwd(steps)(X), rtol=1e-12)
        assert os.geteuid() == 0 or not records(cache)
    finally:
        cache.chmod(0o700)


def test_without_a_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JITAD_CACHE", "0")
    assert_allclose(sparse.jacobian(steps)(X).toarray(), jitad.jacfwd(steps)(X), rtol=1e-12)
    assert not records(cache)


def test_programs_that_differ_in_a_constant_have_their_own(cache: Path) -> None:
    for order in (np.arange(N), np.arange(N)[::-1].copy()):
        found = sparse.jacobian(lambda x, order=order: x[order] ** 2 * x)(X)
        expected = jitad.jacfwd(lambda x, order=order: x[order] ** 2 * x)(X)
        assert_allclose(found.toarray(), expected, rtol=1e-12)
        forget()


def test_programs_whose_text_does_not_tell_them_have_none(cache: Path) -> None:
    """Rules of custom derivatives are Python functions, which text knows by name at most."""

    def made(shift: int) -> Callable[[Any], Any]:
        @jitad.custom_jvp
        def rule(x: Any) -> Any:
            return x**2

        rule.defjvp(lambda xs, ts: (xs[0] ** 2, jnp.roll(ts[0], shift)))
        return rule

    for shift in (0, 3):
        rows = sparse.jacobian(made(shift))(X).nonzero()
        np.testing.assert_array_equal((rows[0] - rows[1]) % N, shift)
        forget()


def test_formats_share_what_was_found(cache: Path) -> None:
    """Rows and columns have programs of their own."""
    for format in ("csr", "csc", "coo", "bcoo"):
        found = sparse.jacobian(steps, format=format)(X)
        whole = found.todense() if format == "bcoo" else found.toarray()
        assert_allclose(whole, jitad.jacfwd(steps)(X), rtol=1e-12)
        forget()
    assert len(records(cache)) == 4  # rows, columns; the pattern, its size


SCRIPT = """
import numpy as np, jitad
from jitad import sparse
x = np.random.default_rng(5).uniform(0.5, 2.0, 500)
f = lambda x: x[1:-1] * (x[2:] - x[:-2])
np.testing.assert_allclose(sparse.jacobian(f)(x).toarray(), jitad.jacfwd(f)(x), rtol=1e-12)
"""


def test_processes_that_find_it_at_once(cache: Path) -> None:
    def run(_: int) -> str:
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
        return done.stderr

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [""] * 4
    assert not list(cache.glob("*.tmp"))
