"""Leaves of a native call: which arrays and scalars an entry takes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad.array import Array
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.signature import (
    Leaf,
    LeafKind,
    ResultLeaf,
    Signature,
)
from tests.dispatch.native_programs import (
    FLOAT,
    I32,
    SLOW,
    array,
    check_vector,
    define_program,
    function_for,
    result,
    slow,
    vector_function,
)

pytestmark = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")


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


def identity_program(llvm_type: ll.Type) -> object:
    def emit(module: ll.Module) -> ll.Function:
        program, builder = define_program(module, 3)
        builder.store(builder.load(program.args[0], typ=llvm_type), program.args[1])
        builder.ret(I32(0))
        return program

    return emit


@pytest.mark.parametrize("dtype", "?bhilBHILefdFD")
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
    assert f((np.float32 if dtype == np.float16 else np.float16)(1)) is SLOW


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
