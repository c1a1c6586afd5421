"""The pool of storage for large results."""

from __future__ import annotations

import gc
import os
import sys

import numpy as np
import pytest

from jitad.array import Array
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.pool import HUGE_PAGE, POOL, BufferPool, new_owner
from jitad.dispatch.signature import Leaf, LeafKind, ResultLeaf, Signature
from tests.dispatch.native_programs import function_for

FLOAT = np.dtype(np.float64)
SIZE = 1 << 16  # 512 KiB of float64

native = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")


def large_function(size: int = SIZE) -> object:
    leaf = Leaf(LeafKind.ARRAY, FLOAT, (size,))
    return function_for(Signature((leaf,)), ResultLeaf(FLOAT, (size,)))


@native
def test_storage_is_used_again_when_the_result_has_died():
    POOL.clear()
    f = large_function()
    x = np.arange(float(SIZE))
    first = f(x)
    assert type(first) is Array and (first == x + 1).all()
    address = first.ctypes.data
    second = f(first)
    assert second.ctypes.data != address and (second == x + 2).all()
    del first
    assert f(x).ctypes.data == address
    assert POOL.nbytes() == 2 * 8 * SIZE


@native
@pytest.mark.parametrize(
    "view",
    [
        lambda out: out[1:],
        lambda out: np.asarray(out)[1:],
        lambda out: np.asarray(out)[1:][:],
        lambda out: out.view(np.int64)[1:].view(FLOAT),
        lambda out: np.frombuffer(memoryview(out)[1:], FLOAT),
        lambda out: np.asarray(out).reshape(2, -1).T.T.reshape(-1)[1:],
        lambda out: np.from_dlpack(np.asarray(out))[1:],
        lambda out: out.base.view(FLOAT)[1:SIZE],
    ],
)
def test_views_keep_the_storage(view: object):
    POOL.clear()
    f = large_function()
    kept = view(f(np.zeros(SIZE)))
    gc.collect()
    for i in range(4):
        f(np.full(SIZE, float(i + 5)))
    assert (kept == 1).all()


@native
def test_large_results_are_on_huge_pages():
    f = large_function(1 << 19)
    out = f(np.zeros(1 << 19))
    assert out.ctypes.data % HUGE_PAGE == 0
    assert (out == 1).all()


def test_idle_memory_is_bounded():
    pool = BufferPool(capacity=8 << 20, max_owners=4)
    owners = [pool.grow(3 << 20) for _ in range(10)]
    assert pool.nbytes() <= 8 << 20
    huge = pool.grow(9 << 20)
    assert huge.nbytes >= 9 << 20 and all(owner is not huge for owner in pool.owners)
    del owners
    for _ in range(10):
        pool.grow(1000)
    assert len(pool.owners) <= 4 and pool.nbytes() <= 8 << 20


def test_idle_owners_are_forgotten_first():
    pool = BufferPool(capacity=8 << 20)
    used = pool.grow(4 << 20)
    pool.grow(4 << 20)
    pool.grow(4 << 20)
    assert pool.owners[0] is used and len(pool.owners) == 2


def test_no_room():
    with pytest.raises(MemoryError, match="no room for an array"):
        new_owner(1 << 60)


@native
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_write_into_our_results():
    f = large_function()
    out = f(np.zeros(SIZE))
    child = os.fork()
    if child == 0:
        out[:] = 5
        os._exit(0)
    os.waitpid(child, 0)
    assert (out == 1).all()


@native
def test_references_to_owners_are_balanced():
    POOL.clear()
    f = large_function()
    x = np.zeros(SIZE)
    for _ in range(200):
        f(x)
    assert [sys.getrefcount(owner) for owner in POOL.owners] == [3]


@native
def test_taking_from_python():
    pool = BufferPool(capacity=8 << 20)
    first = pool.take(1 << 20)
    second = pool.take(1 << 20)
    assert first is not second and len(pool.owners) == 2
    address = first.ctypes.data
    del first
    assert pool.take(1 << 20).ctypes.data == address
    assert pool.take(1 << 19).ctypes.data not in (address, second.ctypes.data)
    assert pool.take(100).ctypes.data % 64 == 0 and pool.take(0).nbytes == 0


@pytest.mark.parametrize("nbytes", [300_000, 2**21 - 1, 2**21, 2**21 + 4096, 2**22 + 1, 10**7 + 1])
def test_a_block_is_found_again_for_a_request_of_its_size(nbytes: int) -> None:
    pool = BufferPool()
    first = pool.take(nbytes).ctypes.data
    assert pool.take(nbytes).ctypes.data == first
    assert len(pool.owners) == 1
