"""The object that a jitted function is: a callable with an interface of its own."""

from __future__ import annotations

import copy
import ctypes
import functools
import gc
import inspect
import pickle
import weakref

import numpy as np
import pytest

from jitad.dispatch.function_type import (
    _PythonFunction,
    compiled_function_type,
    install,
    uninstall_all,
)
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.signature import (
    Signature,
)
from tests.dispatch.native_programs import (
    SLOW,
    array,
    entry_for_size,
    function_for,
    raising_program,
    refuse,
    result,
    slow,
    vector_function,
)

pytestmark = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")


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


def test_methods_and_properties_set_on_the_type(monkeypatch):
    type_ = compiled_function_type()
    monkeypatch.setattr(type_, "answer", property(lambda self: 42), raising=False)
    monkeypatch.setattr(type_, "__reduce__", lambda self: (str, ("pickled",)))
    f = type_(refuse)
    assert f.answer == 42
    assert pickle.loads(pickle.dumps(f)) == "pickled"
    assert f(1) == ("slow", (1,), {})


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
        install(f, entry_for_size(2))
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
