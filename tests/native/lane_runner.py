"""Runs one emitter method over arrays: loads registers, applies it, stores the result."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from llvmlite import ir as ll

from jitad_ir.native.compile import compile_module
from jitad_ir.native.emitter import Emitter
from jitad_ir.native.externals import Externals
from jitad_ir.native.lanes import Lanes

PTR, I64 = ll.PointerType(), ll.IntType(64)


def build_module(
    apply: Callable[..., Lanes],
    dtypes: list[np.dtype],
    width: int,
    has_fma: bool | None = None,
    result_dtype: np.dtype | None = None,
) -> tuple[ll.Module, np.dtype]:
    """Module with `run(ptr in..., ptr out, i64 count)`, count a multiple of `width`, and the
    dtype of what `apply(emitter, *lanes)` gives."""
    module = ll.Module()
    arity = len(dtypes)
    signature = ll.FunctionType(ll.VoidType(), [PTR] * (arity + 1) + [I64])
    function = ll.Function(module, signature, "run")
    entry = function.append_basic_block("entry")
    body = function.append_basic_block("body")
    done = function.append_basic_block("done")
    builder = ll.IRBuilder(entry)
    builder.branch(body)
    builder.position_at_end(body)
    index = builder.phi(I64)
    index.add_incoming(ll.Constant(I64, 0), entry)
    emitter = Emitter(builder, width, has_fma=has_fma)

    def at(pointer: ll.Value, dtype: np.dtype) -> ll.Value:
        offset = builder.mul(index, ll.Constant(I64, dtype.itemsize))
        return builder.gep(pointer, [offset], source_etype=ll.IntType(8))

    lanes = [
        emitter.load(at(pointer, dtype), dtype)
        for pointer, dtype in zip(function.args, dtypes, strict=False)
    ]
    result = apply(emitter, *lanes)
    emitter.store(at(function.args[arity], result.dtype), result)
    following = builder.add(index, ll.Constant(I64, width))
    index.add_incoming(following, builder.block)
    builder.cbranch(builder.icmp_unsigned("<", following, function.args[-1]), body, done)
    builder.position_at_end(done)
    builder.ret_void()
    return module, result.dtype


class LaneRunner:
    """`apply(emitter, *lanes)` compiled for arrays of `dtypes`, in registers of `width`."""

    def __init__(
        self,
        apply: Callable[..., Lanes],
        dtypes: list[np.dtype],
        width: int,
        has_fma: bool | None = None,
    ) -> None:
        self.width = width
        module, self.result_dtype = build_module(apply, dtypes, width, has_fma)
        self.executable = compile_module(module, Externals(module), exports=["run"])
        self.address = self.executable.address("run")
        self.arity = len(dtypes)

    def __call__(self, *arrays: np.ndarray) -> np.ndarray:
        """The result for each element of the arrays, which have one length."""
        count = len(arrays[0])
        padded_count = -(-count // self.width) * self.width
        padded = [np.resize(array, padded_count) for array in arrays]
        out = np.empty(padded_count, self.result_dtype)
        call = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (self.arity + 1), ctypes.c_int64)
        pointers = [array.ctypes.data for array in (*padded, out)]
        call(self.address)(*pointers, padded_count)
        return out[:count]


def run(
    apply: Callable[..., Lanes], *arrays: np.ndarray, width: int, has_fma: bool | None = None
) -> np.ndarray:
    """Compile and run once."""
    return LaneRunner(apply, [array.dtype for array in arrays], width, has_fma)(*arrays)
