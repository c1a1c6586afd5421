"""Tables of constants in registers and in memory."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from llvmlite import ir as ll

from jitad_ir.native import math_table
from jitad_ir.native.emitter import Emitter
from jitad_ir.native.lanes import Lanes
from jitad_ir.native.link import image_of, link
from jitad_ir.native.math_kernel import FORMATS, Kernel, Real
from jitad_ir.native.math_table import Table, host_permutes, look_up
from jitad_ir.native.target import Target, host
from jitad_ir.native.unlocked import parse
from jitad_ir.processor import permuted_bits
from tests.native.lane_runner import LaneRunner, build_module

FLOATS = [np.dtype("float32"), np.dtype("float64")]


def table_of(size: int) -> Table:
    return Table(f"squares{size}", tuple(0.5 + i * i for i in range(size)))


def element(e: Emitter, x: Lanes, table: Table) -> Lanes:
    """The element of the table whose number is in the low bits of x + 2^mantissa."""

    def no_function(name: str, of: object) -> ll.Function:
        raise AssertionError(f"{name} is not needed")

    format = FORMATS[x.dtype]
    k = Kernel(e.builder, format, e.width, e.has_fma, no_function, no_function)
    index = (Real(k, x.value) + 1.5 * 2.0**format.mantissa).bits()
    return Lanes(x.dtype, look_up(k, table, index).value)


@pytest.mark.parametrize("permuted", [512, 256, 0], ids=["avx512", "avx2", "memory"])
@pytest.mark.parametrize("size", [2, 8, 16, 32, 64])
@pytest.mark.parametrize("width", [1, 2, 4, 8, 16, 32])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_elements(
    dtype: np.dtype,
    width: int,
    size: int,
    permuted: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if permuted > permuted_bits():
        pytest.skip("the CPU at hand has no such registers")
    monkeypatch.setattr(math_table, "permuted_bits", lambda: permuted)
    table = table_of(size)
    # Bits of the index beyond those that the table needs do not count.
    index = np.random.default_rng(0).integers(-3 * size, 1 << 20, 400)
    actual = LaneRunner(lambda e, x: element(e, x, table), [dtype], width)(index.astype(dtype))
    np.testing.assert_array_equal(actual, np.array(table.values, dtype)[index % size])


@pytest.mark.skipif(not host_permutes(), reason="the CPU has no AVX-512")
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_small_tables_are_not_in_memory(dtype: np.dtype) -> None:
    quick = {np.dtype("float32"): 32, np.dtype("float64"): 16}[dtype]
    for size, in_memory in ((quick, False), (2 * quick, True)):
        table = table_of(size)
        module, _ = build_module(lambda e, x, table=table: element(e, x, table), [dtype], 8)
        assert (table.name in str(module)) is in_memory


@pytest.mark.skipif(not host().triple.startswith("x86_64"), reason="needs x86-64")
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_code_without_fma_runs_on_the_oldest_cpu(dtype: np.dtype) -> None:
    table = table_of(16)
    module, _ = build_module(lambda e, x: element(e, x, table), [dtype], 8, has_fma=False)
    plain = Target("x86-64", "")
    parsed = parse(str(module))
    plain.optimize(parsed)
    executable = link(image_of((plain.emit_object(parsed),), (), ("run",)))
    index = np.arange(32, dtype=dtype)
    out = np.empty_like(index)
    call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    call(executable.address("run"))(index.ctypes.data, out.ctypes.data, len(index))
    np.testing.assert_array_equal(out, np.array(table.values * 2, dtype))
