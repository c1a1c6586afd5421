"""`CompiledFunction`: a callable object whose call is native code.

On CPython it is a heap type made with PyType_FromSpec; a call goes from the interpreter straight
to native code (vectorcall), which tries the installed entries, newest first. What none of them
recognises goes to `function.slow(args, kwargs)`. Elsewhere the same interface is a Python class
whose every call is the slow one.

    function = compiled_function_type()(slow)   # slow: Callable[[tuple, dict], object]
    install(function, entry)                    # from now on tried first

Attributes, weak references, method binding and garbage collection are as for a Python function.
Methods and properties are added by assignment to the type. It cannot be subclassed: on CPython
3.11 an instance of a Python subclass would be called the slow way.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from types import MethodType
from typing import Any

from jitad.dispatch import fields, layout, objects
from jitad.dispatch.record import Entry
from jitad.dispatch.support import support

Slow = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def _initialise(self: Any, slow: Slow) -> None:
    self.slow = slow
    self._entries = ()


def _itself(self: Any, memo: object = None) -> Any:
    """Copies of a function are the function."""
    return self


class _Slot(ctypes.Structure):
    _fields_ = (("slot", ctypes.c_int), ("function", ctypes.c_void_p))


class _Member(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("offset", ctypes.c_ssize_t),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class _GetSet(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("get", ctypes.c_void_p),
        ("set", ctypes.c_void_p),
        ("doc", ctypes.c_char_p),
        ("closure", ctypes.c_void_p),
    )


class _Spec(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("basicsize", ctypes.c_int),
        ("itemsize", ctypes.c_int),
        ("flags", ctypes.c_uint),
        ("slots", ctypes.POINTER(_Slot)),
    )


# Values of CPython's stable ABI (typeslots.h, structmember.h, object.h).
_TP_CALL, _TP_CLEAR, _TP_DEALLOC, _TP_DESCR_GET = 50, 51, 52, 54
_TP_NEW, _TP_TRAVERSE, _TP_MEMBERS, _TP_GETSET = 65, 71, 72, 73
_T_OBJECT_EX, _T_PYSSIZET, _READONLY = 16, 19, 1
_FLAGS = (
    (1 << 18)  # Py_TPFLAGS_DEFAULT (Py_TPFLAGS_HAVE_VERSION_TAG)
    | (1 << 11)  # Py_TPFLAGS_HAVE_VECTORCALL
    | (1 << 14)  # Py_TPFLAGS_HAVE_GC
    | (1 << 17)  # Py_TPFLAGS_METHOD_DESCRIPTOR: obj.method(x) needs no bound method
)


def _make_heap_type() -> type:
    """The CPython type; compiles the support module."""
    address = support().address
    api = ctypes.pythonapi

    def c_function(name: str) -> int | None:
        return ctypes.cast(getattr(api, name), ctypes.c_void_p).value

    def slot(number: int, name: str) -> _Slot:
        return _Slot(number, address(name))

    members = (
        (b"__vectorcalloffset__", _T_PYSSIZET, fields.VECTORCALL, _READONLY),
        (b"__dictoffset__", _T_PYSSIZET, fields.DICT, _READONLY),
        (b"__weaklistoffset__", _T_PYSSIZET, fields.WEAKREFS, _READONLY),
        (b"slow", _T_OBJECT_EX, fields.SLOW, 0),
        (b"_entries", _T_OBJECT_EX, fields.ENTRIES, 0),
    )
    member_table = (_Member * (len(members) + 1))(*(_Member(*row, None) for row in members))
    getset_table = (_GetSet * 2)(
        _GetSet(
            b"__dict__",
            c_function("PyObject_GenericGetDict"),
            c_function("PyObject_GenericSetDict"),
        )
    )
    slots = (_Slot * 9)(
        _Slot(_TP_CALL, c_function("PyVectorcall_Call")),
        _Slot(_TP_MEMBERS, ctypes.addressof(member_table)),
        _Slot(_TP_GETSET, ctypes.addressof(getset_table)),
        slot(_TP_NEW, "new"),
        slot(_TP_TRAVERSE, "traverse"),
        slot(_TP_CLEAR, "clear"),
        slot(_TP_DEALLOC, "dealloc"),
        slot(_TP_DESCR_GET, "descr_get"),
    )
    spec = _Spec(b"jitad.CompiledFunction", fields.BASIC_SIZE, 0, _FLAGS, slots)
    prototype = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.POINTER(_Spec))
    type_ = prototype(("PyType_FromSpec", api))(ctypes.byref(spec))
    for table in (member_table, getset_table, slots, spec):
        objects.make_immortal(table)  # the type refers to them
    type_.__init__ = _initialise
    type_.__copy__ = _itself
    type_.__deepcopy__ = _itself
    type_.__doc__ = "A function compiled to native code; see `jitad.jit`."
    return type_


class _PythonFunction:
    """The interface of the heap type where native code may not read the interpreter's objects."""

    slow: Slow

    def __init__(self, slow: Slow) -> None:
        _initialise(self, slow)

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'jitad.CompiledFunction' is not an acceptable base type")

    __copy__ = __deepcopy__ = _itself

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.slow(args, kwargs)

    def __get__(self, obj: object, type_: type | None = None) -> Any:
        return self if obj is None else MethodType(self, obj)


_PythonFunction.__name__ = _PythonFunction.__qualname__ = "CompiledFunction"
_PythonFunction.__module__ = "jitad"

_type: type | None = None
_lock = threading.RLock()  # a finalizer that runs while it is held may install too


def compiled_function_type() -> type:
    """The type `CompiledFunction`, made on first use (a few milliseconds)."""
    global _type
    if _type is None:
        with _lock:
            if _type is None:
                native = layout.native_calls_supported()
                _type = _make_heap_type() if native else _PythonFunction
    return _type


def install(function: Any, entry: Entry) -> None:
    """Puts an entry at the front of the function's chain, or moves it there.

    The function holds at most `fields.MAX_CHAIN` entries: the one installed least recently is
    dropped. The slow path may install it again. Calls under way are not affected. An entry that is
    not native is ignored: its calls go the slow way.
    """
    if not entry.is_native:
        return
    with _lock:
        others = [other for other in function._entries if other is not entry]
        replaced = _set_chain(function, (entry, *others)[: fields.MAX_CHAIN])
    del replaced  # outside the lock: this may run destructors


def uninstall_all(function: Any) -> None:
    """Empties the chain: every call is a slow one until the next `install`."""
    with _lock:
        replaced = _set_chain(function, ())
    del replaced


def _set_chain(function: Any, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Replaces the chain; returns the entries it had, to be dropped."""
    replaced = function._entries
    function._entries = entries
    if not isinstance(function, _PythonFunction):
        records = [ctypes.addressof(entry.record) for entry in entries if entry.record is not None]
        records += [0] * (fields.MAX_CHAIN + 1 - len(records))
        # One C call that evaluates no bytecode: no other thread sees half a chain.
        chain = (ctypes.c_void_p * len(records)).from_address(id(function) + fields.CHAIN)
        chain[:] = records
    return replaced
