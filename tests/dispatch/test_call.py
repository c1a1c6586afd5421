"""Native calls: how arguments are given, which entry takes them, and what happens on failure."""

from __future__ import annotations

import ctypes
import sys

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad.dispatch.fields import MAX_CHAIN
from jitad.dispatch.function_type import (
    compiled_function_type,
    install,
    uninstall_all,
)
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.pool import POOL
from jitad.dispatch.signature import (
    ListNode,
    Signature,
    TupleNode,
)
from tests.dispatch.native_programs import (
    FLOAT,
    I32,
    SLOW,
    Point,
    array,
    define_program,
    entry_for_size,
    function_for,
    raising_program,
    refcount,
    refuse,
    result,
    slow,
    tree_node,
    tree_value,
)

pytestmark = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")


def test_keywords():
    signature = Signature((array(1),), (("scale", array(1)), ("shift", array(1))))
    tree = TupleNode((result(1), result(1), result(1)))
    f = function_for(signature, tree, slow=slow)
    one, two, three = (np.full(1, v) for v in (1.0, 2.0, 3.0))
    assert f(one, scale=two, shift=three) == (2.0, 3.0, 4.0)
    assert f(one, **{"scale": two, "shift": three}) == (2.0, 3.0, 4.0)
    assert f(one, shift=three, scale=two) is SLOW  # another call shape
    assert f(one, scale=two) is SLOW
    assert f(one, two, three) is SLOW
    assert f(one, scale=two, shift=three, more=one) is SLOW
    assert f(one, scale=two, other=three) is SLOW
    assert f() is SLOW


def test_what_the_slow_callable_gets():
    f = compiled_function_type()(refuse)
    assert f() == ("slow", (), {})
    assert f(1, 2, x=3, y=4) == ("slow", (1, 2), {"x": 3, "y": 4})
    assert f(*range(300), **{"k": 1}) == ("slow", tuple(range(300)), {"k": 1})


def test_inputs_in_another_order():
    signature = Signature((array(1), array(1), array(1)))
    f = function_for(signature, TupleNode((result(1), result(1))), inputs=(2, 0))
    assert f(np.full(1, 1.0), np.full(1, 2.0), np.full(1, 3.0)) == (4.0, 2.0)


def test_chain_newest_first_and_bounded():
    compiled = [entry_for_size(size) for size in range(1, MAX_CHAIN + 4)]
    f = compiled_function_type()(slow)
    for entry in compiled:
        install(f, entry)
    sizes = range(1, MAX_CHAIN + 4)
    accepted = [size for size in sizes if f(np.zeros(size)) is not SLOW]
    assert accepted == list(sizes)[-MAX_CHAIN:]
    install(f, compiled[0])  # the slow path may bring one back
    assert f(np.zeros(1)) is not SLOW and f(np.zeros(4)) is SLOW
    install(f, compiled[-1])  # moves to the front, drops nothing
    assert f(np.zeros(1)) is not SLOW and f(np.zeros(5)) is not SLOW
    uninstall_all(f)
    assert all(f(np.zeros(size)) is SLOW for size in sizes)


def test_exceptions_of_the_slow_path_and_recursion():
    def fails(args: tuple, kwargs: dict) -> object:
        raise KeyError("from slow")

    with pytest.raises(KeyError, match="from slow"):
        function_for(Signature((array(1),)), result(1), slow=fails)(1)

    def recurse(args: tuple, kwargs: dict) -> object:
        (n,) = args
        return 0 if n == 0 else 1 + f(n - 1)

    f = compiled_function_type()(recurse)
    assert f(100) == 100
    with pytest.raises(RecursionError):
        f(10**6)
    with pytest.raises(TypeError):
        compiled_function_type()(None)()


def test_a_program_that_fails():
    tree = TupleNode((result(3), ListNode((result(2000, 100),))))
    signature = Signature((array(2, dtype=np.int64),))
    f = function_for(signature, tree, raising_program, slow, workspace_bytes=1 << 20)
    set_none = ctypes.cast(ctypes.pythonapi.PyErr_SetNone, ctypes.c_void_p).value
    x = np.array([set_none, id(ZeroDivisionError)])
    with pytest.raises(ZeroDivisionError):
        f(x)
    references = refcount(x), refcount(FLOAT)
    for _ in range(1000):
        with pytest.raises(ZeroDivisionError):
            f(x)
    assert (refcount(x), refcount(FLOAT)) == references
    assert all(sys.getrefcount(owner) == 3 for owner in POOL.owners)


def test_every_allocation_may_fail():
    """The n-th allocation of a call fails, for each n: an exception, and no reference is lost."""
    testcapi = pytest.importorskip("_testcapi")
    f = function_for(
        Signature((tree_node(array(2)),)),
        TupleNode((tree_node(result(2)), result(1 << 16))),
        lambda module: _fill_nothing(module, 3 + 4 + 1),
        slow,
        workspace_bytes=100_000,
    )
    x = np.arange(4.0)[::2]
    tree = tree_value(x)
    watched = [x, tree, tree["a"], tree["b"], tree["a"][1], Point, f, f._entries[0]]
    failures, succeeded, n = 0, False, 0
    while not succeeded:
        # Nothing is recycled, and the pool has room: no Python code runs without memory.
        kept = [f(tree) for _ in range(4)]
        del kept[0]
        before = [refcount(obj) for obj in watched]
        try:
            testcapi.set_nomemory(n, n + 1)
            out = f(tree)
        except MemoryError:
            failures += 1
            out = None
        finally:
            testcapi.remove_mem_hooks()
        succeeded = out is not None and out is not SLOW
        del out
        assert [refcount(obj) for obj in watched] == before
        del kept
        n += 1
    assert failures > 5


def test_results_that_do_not_fit_into_memory():
    f = function_for(Signature((array(1),)), TupleNode((result(1), result(1 << 45))), slow=slow,
                     emit=lambda module: _fill_nothing(module, 4))  # fmt: skip
    with pytest.raises(MemoryError):
        f(np.zeros(1))


def _fill_nothing(module: ll.Module, pointers: int) -> ll.Function:
    program, builder = define_program(module, pointers)
    builder.ret(I32(0))
    return program
