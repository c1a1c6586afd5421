"""Native calls: what an entry accepts, what it passes on, and what it leaves behind."""

from __future__ import annotations

import copy
import ctypes
import functools
import gc
import inspect
import pickle
import sys
import threading
import weakref
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad.array import Array
from jitad.dispatch.fields import MAX_CHAIN
from jitad.dispatch.function_type import (
    _PythonFunction,
    compiled_function_type,
    install,
    uninstall_all,
)
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.pool import POOL
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    NoneNode,
    ResultLeaf,
    Signature,
    StaticNode,
    TupleNode,
)
from tests.dispatch.native_programs import (
    F64,
    I32,
    PTR,
    compile_entry,
    define_program,
    function_for,
    refcount,
    refuse,
)

pytestmark = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")

FLOAT = np.dtype(np.float64)
SLOW = object()


def array(*shape: int, dtype: object = FLOAT) -> Leaf:
    return Leaf(LeafKind.ARRAY, np.dtype(dtype), shape)


def result(*shape: int, dtype: object = FLOAT) -> ResultLeaf:
    return ResultLeaf(np.dtype(dtype), shape)


def slow(args: tuple, kwargs: dict) -> object:
    return SLOW


def vector_function(size: int = 4, **options: object) -> object:
    return function_for(Signature((array(size),)), result(size), slow=slow, **options)


def check_vector(function: object, x: np.ndarray) -> None:
    out = function(x)
    assert type(out) is Array
    assert out.flags.c_contiguous and out.flags.aligned and out.flags.writeable
    np.testing.assert_array_equal(out, np.asarray(x) + 1)


# ---- arrays -------------------------------------------------------------------------------------


def test_arrays_of_every_accepted_kind():
    f = vector_function()
    x = np.arange(4.0)
    read_only = x.copy()
    read_only.flags.writeable = False
    unaligned = np.frombuffer(bytearray(33), np.uint8, 32, 1).view(FLOAT)
    assert not unaligned.flags.aligned
    unaligned[:] = x
    for accepted in (
        x,
        x.view(Array),
        read_only,
        np.arange(8.0)[::2],
        x[::-1],
        np.broadcast_to(np.float64(3), 4),
        unaligned,
        pickle.loads(pickle.dumps(x)),
        x.astype(np.dtype(FLOAT, metadata={"unit": "m"})),
    ):
        check_vector(f, accepted)
    assert np.array_equal(x, np.arange(4.0)), "arguments are not written to"


def test_arrays_that_go_the_slow_way():
    f = vector_function()

    class Subclass(np.ndarray):
        pass

    x = np.arange(4.0)
    for refused in (
        x.astype(np.float32),
        x.astype(np.int64),
        x.astype(">f8"),
        np.arange(5.0),
        np.arange(3.0),
        x.reshape(2, 2),
        x.reshape(1, 4),
        np.float64(1),
        np.array(1.0),
        x.view(Subclass),
        np.ma.array(x),
        x.astype(object),
        [0.0, 1.0, 2.0, 3.0],
        3.0,
        None,
        "abcd",
    ):
        assert f(refused) is SLOW


def test_equal_dtypes_of_other_identity():
    signature = Signature((array(3, dtype=np.int64),))
    f = function_for(signature, result(3), slow=slow)
    for dtype in (np.int64, np.longlong, np.dtype("i8", copy=True)):
        assert f(np.zeros(3, dtype)) is not SLOW
    assert f(np.zeros(3, np.uint64)) is SLOW


def test_zero_size_and_scalar_arrays():
    f = function_for(Signature((array(0, 3),)), result(0, 3), slow=slow)
    assert f(np.zeros((0, 3))).shape == (0, 3)
    assert f(np.zeros((0, 4))) is SLOW
    g = function_for(Signature((array(),)), result(), slow=slow)
    out = g(np.array(2.0))
    assert type(out) is Array and out.shape == () and out == 3.0
    assert g(np.zeros(1)) is SLOW


def test_many_dimensions():
    shape = (1, 2, 1, 3, 1, 1, 2, 1)
    f = function_for(Signature((array(*shape),)), result(*shape), slow=slow)
    x = np.arange(12.0).reshape(shape)
    check_vector(f, x)
    check_vector(f, np.asfortranarray(x))
    assert f(x.reshape(shape[::-1])) is SLOW


# ---- scalars ------------------------------------------------------------------------------------


def identity_program(llvm_type: ll.Type) -> object:
    def emit(module: ll.Module) -> ll.Function:
        program, builder = define_program(module, 3)
        builder.store(builder.load(program.args[0], typ=llvm_type), program.args[1])
        builder.ret(I32(0))
        return program

    return emit


@pytest.mark.parametrize("dtype", "?bhilBHILfdFD")
def test_numpy_scalars(dtype: str):
    dtype = np.dtype(dtype)
    leaf = Leaf(LeafKind.NUMPY, dtype)
    emit = identity_program(ll.IntType(8 * dtype.itemsize))
    f = function_for(Signature((leaf,)), ResultLeaf(dtype), emit, slow)
    for value in (0, 1, 113):
        out = f(dtype.type(value))
        assert out.dtype == dtype and out == dtype.type(value)
    assert f(1) is SLOW
    assert f(np.zeros((), dtype)) is SLOW
    assert f(np.float16(1)) is SLOW


@pytest.mark.parametrize("value", [True, False, 0, -7, 2**63 - 1, -(2**63), 1.5, -0.0, 2 - 3j])
def test_python_scalars(value: object):
    dtype = np.dtype(type(value))
    leaf = Leaf(LeafKind.PYTHON, dtype)
    emit = identity_program(ll.IntType(8 * dtype.itemsize))
    f = function_for(Signature((leaf,)), ResultLeaf(dtype), emit, slow)
    out = f(value)
    assert out == value and np.signbit(out.real) == np.signbit(np.real(value))
    others = {True, 5, 1j} - {value}
    for other in others:
        if type(other) is not type(value):
            assert f(other) is SLOW
    assert f(dtype.type(value)) is SLOW


def test_nan_and_infinity():
    leaf = Leaf(LeafKind.PYTHON, FLOAT)
    f = function_for(Signature((leaf,)), result(), slow=slow)
    assert np.isnan(f(float("nan"))) and f(float("inf")) == np.inf


def test_huge_ints_go_the_slow_way():
    dtype = np.dtype(np.int64)
    leaf = Leaf(LeafKind.PYTHON, dtype)
    f = function_for(Signature((leaf,)), ResultLeaf(dtype), identity_program(ll.IntType(64)), slow)
    for value in (2**63, -(2**63) - 1, 10**30, -(10**30)):
        assert f(value) is SLOW
    assert f(-1) == -1, "not taken for an error"


# ---- trees --------------------------------------------------------------------------------------

Point = namedtuple("Point", "x y")


class Checked(namedtuple("Checked", "x")):
    def __new__(cls, x: object) -> Checked:
        raise AssertionError("not called by native code")


def tree_node(leaf: object) -> DictNode:
    return DictNode(
        ("a", "b", "c"),
        (
            ListNode((leaf, TupleNode((leaf, NoneNode())))),
            NamedTupleNode(Point, (leaf, ListNode(()))),
            DictNode((), ()),
        ),
    )


def tree_value(x: object) -> dict:
    return {"c": {}, "b": Point(x, []), "a": [x, (x, None)]}


def test_trees():
    f = function_for(Signature((tree_node(array(2)),)), tree_node(result(2)), slow=slow)
    x = np.arange(2.0)
    out = f(tree_value(x))
    assert list(out) == ["a", "b", "c"]
    assert type(out["b"]) is Point and type(out["a"]) is list and type(out["a"][1]) is tuple
    assert repr(out) == repr(dict(sorted(tree_value((x + 1).view(Array)).items())))
    # Every way to differ.
    for change in (
        lambda t: t.update(d=1),
        lambda t: t.pop("c"),
        lambda t: t["c"].update(k=x),
        lambda t: t["a"].append(x),
        lambda t: t["a"].pop(),
        lambda t: t["b"].y.append(x),
        lambda t: t.update(b=(x, [])),
        lambda t: t.update(b=Point(x, ())),
        lambda t: t.update(a=tuple(t["a"])),
        lambda t: t["a"].__setitem__(1, (x, x)),
        lambda t: t["a"].__setitem__(1, [x, None]),
        lambda t: t["a"].__setitem__(0, None),
        lambda t: t.update(c=OrderedDict()),
    ):
        tree = tree_value(x)
        change(tree)
        assert f(tree) is SLOW
    assert f(OrderedDict(tree_value(x))) is SLOW


def test_container_subclasses_go_the_slow_way():
    class MyList(list):
        pass

    f = function_for(Signature((ListNode((array(1),)),)), result(1), slow=slow)
    assert f(MyList([np.ones(1)])) is SLOW
    assert f([np.ones(1)]) == 2


def test_namedtuples_with_their_own_constructor_are_not_native():
    node = NamedTupleNode(Checked, (array(1),))
    assert not Signature((node,)).is_native
    assert Signature((NamedTupleNode(Point, (array(1), NoneNode())),)).is_native


def test_literal_results():
    marker = object()
    tree = TupleNode((LiteralNode(marker), NoneNode(), result(1), LiteralNode("text")))
    f = function_for(Signature((array(1),)), tree)
    before = refcount(marker)
    out = f(np.zeros(1))
    assert out[0] is marker and out[1] is None and out[3] == "text" and out[2] == 1
    assert refcount(marker) == before + 1
    del out
    assert refcount(marker) == before


def test_non_string_keys_and_empty_trees():
    node = DictNode((1, (2, "x")), (array(1), array(1)))
    f = function_for(Signature((node,)), DictNode((3,), (result(1),)), slow=slow)
    assert f({(2, "x"): np.zeros(1), 1: np.ones(1)}) == {3: 2.0}
    nothing = function_for(Signature((TupleNode(()), ListNode(()))), TupleNode(()), slow=slow)
    assert nothing((), []) == ()
    assert nothing((), [1]) is SLOW


def test_dict_keys_whose_comparison_raises():
    class Key:
        def __hash__(self) -> int:
            return hash("a")

        def __eq__(self, other: object) -> bool:
            raise ValueError("compared")

    f = function_for(Signature((DictNode(("a",), (array(1),)),)), result(1), slow=slow)
    assert f({Key(): np.ones(1)}) is SLOW


def test_containers_emptied_during_the_walk():
    """A comparison that runs Python code drops the arrays the walk has already seen."""
    target: dict = {}

    class Key:
        def __hash__(self) -> int:
            return hash("b")

        def __eq__(self, other: object) -> bool:
            target["t"]["list"].clear()
            target["t"].clear()
            return False

    node = DictNode(
        ("list", "more"), (ListNode((array(3), array(3))), DictNode(("b",), (array(3),)))
    )
    f = function_for(Signature((node,)), result(3), slow=slow)
    for _ in range(100):
        tree = {"list": [np.ones(3), np.ones(3)], "more": {Key(): np.ones(3)}}
        target["t"] = tree
        assert f(tree) is SLOW


# ---- static values ------------------------------------------------------------------------------


def test_static_values():
    marker = object()

    def accepts(static: object, value: object) -> bool:
        signature = Signature((StaticNode(static), array(1)))
        return function_for(signature, result(1), slow=slow)(value, np.zeros(1)) is not SLOW

    long_text = "".join(["long ", "text"])
    assert accepts("long text", long_text)
    assert not accepts("long text", "long test")
    assert accepts(10**20, 10**10 * 10**10)
    assert not accepts(1, True) and not accepts(True, 1) and not accepts(1, 1.0)
    assert accepts(0.5, 1 / 2) and not accepts(0.0, -0.0)
    assert accepts(marker, marker) and not accepts(marker, object())
    assert accepts(None, None) and not accepts(None, 0)


def test_static_nodes_compare_by_type_and_bits():
    assert StaticNode(1) != StaticNode(True) != StaticNode(1.0)
    assert StaticNode(0.0) != StaticNode(-0.0)
    assert StaticNode(float("nan")) == StaticNode(float("nan"))
    assert StaticNode((1, 2)) == StaticNode((1, 2))
    with pytest.raises(TypeError, match="unhashable"):
        StaticNode([1])


# ---- call shapes --------------------------------------------------------------------------------


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
    compiled = [_entry_for_size(size) for size in range(1, MAX_CHAIN + 4)]
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


def _entry_for_size(size: int) -> object:
    from tests.dispatch.native_programs import add_one

    signature = Signature((array(size),))
    return compile_entry(add_one([size], [size]), signature, result(size))


# ---- failure ------------------------------------------------------------------------------------


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


def raising_program(module: ll.Module, outputs: int = 2) -> ll.Function:
    """Calls the address it finds in its first input with the object there, and fails."""
    program, builder = define_program(module, 2 + outputs)
    function_type = ll.FunctionType(ll.VoidType(), [PTR]).as_pointer()
    target, argument = (
        builder.load(builder.gep(program.args[0], [I32(i)], source_etype=PTR), typ=PTR)
        for i in range(2)
    )
    callee = builder.inttoptr(builder.ptrtoint(target, ll.IntType(64)), function_type)
    builder.call(callee, [argument])
    builder.ret(I32(1))
    return program


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


# ---- the object ---------------------------------------------------------------------------------


def test_behaves_as_a_function():
    f = vector_function()
    f.__name__ = "f"
    f.note = [1]
    assert f.__dict__ == {"__name__": "f", "note": [1]}
    assert callable(f) and type(f).__name__ == "CompiledFunction"

    class Holder:
        method = compiled_function_type()(refuse)

    holder = Holder()
    assert holder.method(1) == ("slow", (holder, 1), {})
    assert holder.method.__self__ is holder
    assert Holder.method(1) == ("slow", (1,), {})
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Sub", (type(f),), {})
    with pytest.raises(TypeError):
        pickle.dumps(f)
    assert copy.copy(f) is f and copy.deepcopy([f]) == [f]


def test_called_in_every_way():
    """Often enough for the interpreter to specialise the call site."""
    f = vector_function()
    x = np.zeros(4)

    class Holder:
        method = compiled_function_type()(lambda args, kwargs: (args[1], kwargs))

    holder = Holder()
    partial = functools.partial(f, x)
    for i in range(300):
        assert f(x)[0] == 1 and f(*[x])[0] == 1 and partial()[0] == 1
        assert f.__call__(x)[0] == 1
        assert holder.method(i) == (i, {}) and holder.method(i, self=i) == (i, {"self": i})
    assert all(out[0] == 1 for out in map(f, [x] * 300))
    with pytest.raises(AttributeError):
        _ = f.nothing


def test_is_seen_through_by_inspect():
    def original(x: float, *, scale: float = 1.0) -> float:
        """Scales."""
        return x * scale

    f = functools.update_wrapper(compiled_function_type()(refuse), original)
    assert inspect.signature(f) == inspect.signature(original)
    assert inspect.getdoc(f) == "Scales." and inspect.unwrap(f) is original
    assert f.__name__ == "original" and f.__module__ == original.__module__


def test_methods_and_properties_set_on_the_type():
    type_ = compiled_function_type()
    type_.answer = property(lambda self: 42)
    type_.__reduce__ = lambda self: (str, ("pickled",))
    try:
        f = type_(refuse)
        assert f.answer == 42
        assert pickle.loads(pickle.dumps(f)) == "pickled"
        assert f(1) == ("slow", (1,), {})
    finally:
        del type_.answer, type_.__reduce__


def test_weak_references_and_cycles():
    f = vector_function()
    entry = weakref.ref(f._entries[0])
    f.me = f
    f.slow = lambda args, kwargs, f=f: f
    reference = weakref.ref(f)
    del f
    assert reference() is not None
    gc.collect()
    assert reference() is None and entry() is None


def test_the_python_class_has_the_same_interface():
    """What stands in for the heap type on interpreters whose objects native code cannot read."""
    python, native = _PythonFunction(refuse), compiled_function_type()(refuse)
    for f in (python, native):
        f.__name__ = "f"
        assert f(1, k=2, self=3) == ("slow", (1,), {"k": 2, "self": 3})
        holder = type("Holder", (), {"method": f})()
        assert holder.method(1) == ("slow", (holder, 1), {})
        assert type(holder).method is f
        assert weakref.ref(f)() is f and f.__dict__["__name__"] == "f"
        install(f, _entry_for_size(2))
        assert len(f._entries) == 1
        uninstall_all(f)
        assert f._entries == ()
        with pytest.raises(TypeError, match="not an acceptable base type"):
            type("Sub", (type(f),), {})


def test_a_cleared_function_raises():
    """tp_clear breaks cycles; a finalizer can still call the object."""
    seen = []

    class Final:
        def __init__(self) -> None:
            self.function = vector_function()
            self.function.owner = self

        def __del__(self) -> None:
            seen.append(self.function(np.zeros(4)))

    final = Final()
    del final
    gc.collect()
    assert len(seen) == 1


def test_entries_replaced_during_their_own_call():
    """The program's code lives until its call returns."""
    callback_type = ctypes.PYFUNCTYPE(None, ctypes.py_object)
    function = None

    def drop(_: object) -> None:
        uninstall_all(function)
        gc.collect()

    callback = callback_type(drop)

    signature = Signature((array(2, dtype=np.int64),))
    function = function_for(signature, result(1), lambda m: raising_program(m, 1), slow)
    entry = weakref.ref(function._entries[0])
    x = np.array([ctypes.cast(callback, ctypes.c_void_p).value, id(None)])
    with pytest.raises(SystemError):  # the program reports failure without an exception
        function(x)
    assert entry() is None
    assert function(x) is SLOW


# ---- memory -------------------------------------------------------------------------------------


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
    entries = [f._entries[0], _entry_for_size(7)]
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
