"""What is asked about the CPU at hand. It is the same for all of a process, and objects are cached
for one CPU, so that a plan may depend on it; the order of a sum may not."""

from __future__ import annotations

import functools
import importlib
from typing import Any


def _llvm() -> Any:
    """LLVM, which is not needed, and not loaded, before something is compiled."""
    return importlib.import_module("llvmlite.binding")


@functools.cache
def is_arm() -> bool:
    """Whether it is a 64-bit Arm."""
    return _llvm().get_process_triple().startswith(("aarch64", "arm64"))


@functools.cache
def features() -> frozenset[str]:
    """LLVM's names of what it can do; none where LLVM cannot tell."""
    try:
        known = _llvm().get_host_cpu_features()
    except RuntimeError:  # of platforms that it knows nothing about
        return frozenset()
    return frozenset([name for name, has in known.items() if has])


def multiplies_and_adds() -> bool:
    """Whether it multiplies and adds with one rounding in one instruction."""
    return is_arm() or "fma" in features()


def converts_half() -> bool:
    """Whether it converts between float16 and float32 by an instruction."""
    return is_arm() or "f16c" in features()


@functools.cache
def vector_bytes() -> int:
    """Bytes of the vectors that kernels use."""
    if features() >= {"avx512f", "avx512vl", "avx512dq"}:
        return 64
    return 32 if "avx2" in features() else 16


def permuted_bits() -> int:
    """Bits of the registers whose lanes it permutes by an index in each: 512 with AVX-512, 256 with
    AVX2, 0 elsewhere."""
    return 512 if "avx512f" in features() else 256 if "avx2" in features() else 0


@functools.cache
def vector_registers(nbytes: int) -> int:
    """How many vectors of `nbytes` bytes its registers hold."""
    if is_arm():
        return 32 * 16 // nbytes
    if "avx512vl" in features():
        return 32 * 32 // max(nbytes, 32)
    return 16 * (32 if "avx" in features() else 16) // nbytes
