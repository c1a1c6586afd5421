"""`CompiledFunction`: a callable object whose call is native code.

On CPython it is a heap type made with PyType_FromSpec; a call goes from the interpreter straight to
the newest installed entry (vectorcall). An entry that does not recognise its arguments jumps to the
next older one; the last is the slow entry, which calls `function.slow(args, kwargs)`. Elsewhere the
same interface is a Python class whose every call is the slow one.

    function = CompiledFunction(slow)         # slow: Callable[[tuple, dict], object]
    install(function, address, keep_alive)    # from now on tried first

Attributes, weak references, method binding and garbage collection are as for a Python function.
Methods and properties are added by assignment to the type. It cannot be subclassed: on CPython 3.11 an
instance of a Python subclass would be called the slow way.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from types import MethodType
from typing import Any, NamedTuple

from jitad.dispatch import function_slots as fields
from jitad.dispatch import layout
from jitad.dispatch.support import support

Slow = Callable[[tuple[Any, ...], dict[str, Any]], Any]


def _initialise(self: Any, slow: Slow) -> None:
    self.slow = slow
    self._keep = ()
    self._retired = []


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
    global _slow_entry_address
    address = support().address
    _slow_entry_address = address("slow_entry")
    api = ctypes.pythonapi

    def c_function(name: str) -> int | None:
        return ctypes.cast(getattr(api, name), ctypes.c_void_p).value

    def slot(number: int, name: str) -> _Slot:
        return _Slot(number, address(name))

    members = (
        (b"__vectorcalloffset__", _T_PYSSIZET, fields.ENTRIES, _READONLY),
        (b"__dictoffset__", _T_PYSSIZET, fields.DICT, _READONLY),
        (b"__weaklistoffset__", _T_PYSSIZET, fields.WEAKREFS, _READONLY),
        (b"slow", _T_OBJECT_EX, fields.SLOW, 0),
        (b"_keep", _T_OBJECT_EX, fields.KEEP, 0),
        (b"_retired", _T_OBJECT_EX, fields.RETIRED, 0),
        (b"_active", _T_PYSSIZET, fields.ACTIVE, _READONLY),
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
    make = api.PyType_FromSpec
    make.restype, make.argtypes = ctypes.py_object, [ctypes.POINTER(_Spec)]
    type_ = make(ctypes.byref(spec))
    _TYPE_TABLES.extend((member_table, getset_table, slots, spec))
    type_.__init__ = _initialise
    type_.__doc__ = "A function compiled to native code; see `jitad.jit`."
    return type_


_TYPE_TABLES: list[object] = []  # the type refers to them for as long as the process lives


class _PythonFunction:
    """The interface of the heap type where native code may not read the interpreter's objects."""

    def __init__(self, slow: Slow) -> None:
        _initialise(self, slow)

    def __init_subclass__(cls) -> None:
        raise TypeError("type 'jitad.CompiledFunction' is not an acceptable base type")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.slow(args, kwargs)

    def __get__(self, obj: object, type_: type | None = None) -> Any:
        return self if obj is None else MethodType(self, obj)


_type: type | None = None
_slow_entry_address = 0
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


class Installed(NamedTuple):
    """One native entry of a function's chain."""

    address: int
    keep_alive: object
    objects: tuple[object, ...]


def install(
    function: Any, entry_address: int, keep_alive: object, objects: tuple[object, ...] = ()
) -> None:
    """Puts a native entry at the front of the function's chain, or moves it there.

    `keep_alive` owns the entry's code; `objects` are the Python objects the entry refers to
    (`entry.local_objects`). Both are held until the entry is uninstalled and no call is under way.
    At most `fields.MAX_CHAIN` entries stay: the least recently installed one is dropped. The slow
    path may install it again. On an interpreter without native calls nothing is called natively and
    the entry is only held.
    """
    with _lock:
        others = tuple(
            entry
            for entry in function._keep
            if entry.address != entry_address or entry.objects is not objects
        )
        chain = (Installed(entry_address, keep_alive, objects), *others)[: fields.MAX_CHAIN]
        replaced = _set_chain(function, chain)
    del replaced  # outside the lock: this may run destructors


def uninstall_all(function: Any) -> None:
    """Empties the chain: every call is a slow one until the next `install`."""
    with _lock:
        replaced = _set_chain(function, ())
    del replaced


def _set_chain(function: Any, chain: tuple[Installed, ...]) -> list[object]:
    """Replaces the chain; returns what may be dropped."""
    replaced = [function._keep]
    function._keep = chain
    if isinstance(function, _PythonFunction):
        return replaced
    unused = fields.MAX_CHAIN + 1 - len(chain)
    words = (
        *(entry.address for entry in chain),
        *(_slow_entry_address for _ in range(unused)),
        *(id(entry.objects) for entry in chain),
        *(0 for _ in range(unused)),
    )
    # One C call that evaluates no bytecode: no other thread sees half a chain.
    table = (ctypes.c_void_p * len(words)).from_address(id(function) + fields.ENTRIES)
    table[:] = words
    if function._active:
        function._retired.append(replaced)
        return []
    replaced.extend(function._retired)
    function._retired = []
    return replaced
