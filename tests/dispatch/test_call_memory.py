"""What native calls leave behind: references, memory, results, and what other threads see."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad.array import Array
from jitad.dispatch.function_type import (
    install,
    uninstall_all,
)
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    Signature,
    TupleNode,
)
from tests.dispatch.native_programs import (
    F64,
    FLOAT,
    I32,
    SLOW,
    Point,
    array,
    check_vector,
    define_program,
    entry_for_size,
    function_for,
    refcount,
    result,
    slow,
    tree_node,
    tree_value,
    vector_function,
)

pytestmark = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")


def resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * 4096


def test_references_are_balanced():
    f = function_for(Signature((tree_node(array(2)),)), tree_node(result(2)), slow=slow)
    x = np.arange(4.0)[::2]  # copied by each call
    tree = tree_value(x)
    watched = [x, tree, tree["a"], tree["b"], tree["a"][1], FLOAT, Point, Array, f, "a", "b", "c"]
    watched += [f._entries[0], np.ndarray]
    f(tree)
    before = [refcount(obj) for obj in watched]
    for _ in range(1000):
        f(tree)
        f(x)
    assert [refcount(obj) for obj in watched] == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_flat_over_a_million_calls():
    f = function_for(
        Signature((ListNode((array(3), Leaf(LeafKind.PYTHON, FLOAT))),)),
        TupleNode((result(3), DictNode(("k",), (result(),)))),
        workspace_bytes=1000,
    )
    arguments = [np.arange(6.0)[::2], 2.0]
    kept = []
    for _ in range(1000):
        f(arguments)
    gc.collect()
    before = resident_bytes()
    for _ in range(10):
        for _ in range(100_000):
            f(arguments)
        kept = [f(arguments) for _ in range(100)]
    del kept
    gc.collect()
    assert resident_bytes() - before < 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_flat_over_dropped_functions():
    def use_and_drop(count: int) -> None:
        for _ in range(count):
            f = function_for(
                Signature((tree_node(array(2)),)), tree_node(result(2)), workspace_bytes=100
            )
            f.me = f
            f(tree_value(np.zeros(2)))
            f(tree_value(np.zeros(4)[::2]))
        del f
        gc.collect()

    use_and_drop(100)
    before = resident_bytes()
    use_and_drop(100)
    assert resident_bytes() - before < 1 << 20


def test_results_are_never_shared():
    f = vector_function()
    kept = [f(np.full(4, float(i))) for i in range(50)]
    view = f(np.full(4, 7.0))[1:]
    item = memoryview(f(np.full(4, 8.0)))
    for i in range(50):
        f(np.full(4, 100.0 + i))
    assert all((out == i + 1).all() for i, out in enumerate(kept))
    assert (view == 8).all() and item[0] == 9


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_altered_results_are_not_handed_out_again():
    f = vector_function()
    x = np.zeros(4)

    def alter(change: object) -> None:
        change(f(x))

    for change in (
        lambda out: out.__setattr__("shape", (2, 2)),
        lambda out: out.flags.__setattr__("writeable", False),
        lambda out: out.__setattr__("dtype", np.int64),
        lambda out: out.resize((8,), refcheck=False),
    ):
        for _ in range(3):
            alter(change)
            check_vector(f, x)
    reference = weakref.ref(f(x))
    for _ in range(3):
        f(x)
    assert reference() is None, "an array with weak references is not used again"


def test_garbage_collection_in_every_allocation():
    """Finalizers that run in the middle of a call may do anything."""
    f = function_for(Signature((tree_node(array(2)),)), tree_node(result(2)), slow=slow)
    entry = f._entries[0]
    x = np.arange(2.0)

    class Trap:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            tree = holder.pop() if holder else {}
            for value in list(tree.values()):
                if isinstance(value, list):
                    value.clear()
            tree.clear()
            uninstall_all(f)
            install(f, entry)

    holder: list = []
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(2000):
            tree = tree_value(x.copy())
            holder.append(tree)
            Trap()
            out = f(tree)
            assert out is SLOW or (out["a"][0] == x + 1).all()
    finally:
        gc.set_threshold(*threshold)
        holder.clear()
        gc.collect()


def test_threads_calling_at_once():
    f = function_for(Signature((array(500),)), result(500), release_gil=True,
                     workspace_bytes=64, slow=slow)  # fmt: skip
    entries = [f._entries[0], entry_for_size(7)]
    errors = []

    def work(seed: int) -> None:
        try:
            for i in range(3000):
                x = np.full(500, float(seed * 10**6 + i))
                out = f(x)
                if out is not SLOW and not (out == x + 1).all():
                    errors.append((seed, i))
                if seed == 0 and i % 10 == 0:
                    uninstall_all(f)
                    install(f, entries[1])
                    install(f, entries[0])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


def test_workspaces_are_aligned_and_private():
    def emit(module: ll.Module) -> ll.Function:
        program, builder = define_program(module, 3)
        i64 = ll.IntType(64)
        address = builder.uitofp(builder.ptrtoint(program.args[2], i64), F64)
        builder.store(address, program.args[1])
        builder.ret(I32(0))
        return program

    for nbytes in (1, 8, 4000, 8192, 8193, 100_000, 3 << 20):
        f = function_for(Signature((array(1),)), result(), emit, workspace_bytes=nbytes)
        address = int(f(np.zeros(1)))
        assert address != 0 and address % 64 == 0
