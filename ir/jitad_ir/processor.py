"""What is asked about the CPU that code is made for. It is the same for all of a process, and
objects are cached for one CPU, so that a plan may depend on it; the order of a sum may not.

That is the CPU at hand, or the one that JITAD_CPU names: one of `LEVELS`, so that what is compiled
here runs on older ones as well.
"""

from __future__ import annotations

import functools
import importlib
import os
from typing import Any

from .types import DType


def _llvm() -> Any:
    """LLVM, which is not needed, and not loaded, before something is compiled."""
    return importlib.import_module("llvmlite.binding")


@functools.cache
def is_arm() -> bool:
    """Whether it is a 64-bit Arm."""
    return _llvm().get_process_triple().startswith(("aarch64", "arm64"))


_BASE = "cmov cx8 fxsr mmx sse sse2"
_V2 = f"{_BASE} cx16 popcnt sahf sse3 sse4.1 sse4.2 ssse3"
_V3 = f"{_V2} avx avx2 bmi bmi2 f16c fma lzcnt movbe xsave"
_V4 = f"{_V3} avx512bw avx512cd avx512dq avx512f avx512vl"
LEVELS = {
    name: frozenset(features.split())
    for name, features in zip(
        ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"), (_BASE, _V2, _V3, _V4), strict=True
    )
}
"""What CPUs of the levels of x86-64 can do, in LLVM's names (System V ABI, AMD64 supplement)."""


@functools.cache
def level() -> str | None:
    """The level that JITAD_CPU names; None: code is made for the CPU at hand. Raises ValueError for
    other names, and for a level that the CPU at hand has not: code runs here, too."""
    name = os.environ.get("JITAD_CPU", "")
    if name in ("", "native"):
        return None
    if name not in LEVELS or not _llvm().get_process_triple().startswith("x86_64"):
        known = ", ".join(LEVELS)
        raise ValueError(f"JITAD_CPU: expected native or, on x86-64, one of {known}; got {name!r}")
    missing = LEVELS[name] - _at_hand()
    if missing:
        raise ValueError(f"JITAD_CPU={name}: this CPU lacks {', '.join(sorted(missing))}")
    return name


@functools.cache
def features() -> frozenset[str]:
    """LLVM's names of what it can do; none where LLVM cannot tell."""
    named = level()
    return _at_hand() if named is None else LEVELS[named]


def _at_hand() -> frozenset[str]:
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


def compresses(nbytes: int, dtype: DType) -> bool:
    """Whether an instruction brings the chosen lanes of a vector of `nbytes` bytes together."""
    needed = {"avx512f"} if nbytes == 64 else {"avx512f", "avx512vl"}
    return nbytes in (16, 32, 64) and dtype.itemsize in (4, 8) and features() >= needed


@functools.cache
def vector_registers(nbytes: int) -> int:
    """How many vectors of `nbytes` bytes its registers hold."""
    if is_arm():
        return 32 * 16 // nbytes
    if "avx512vl" in features():
        return 32 * 32 // max(nbytes, 32)
    return 16 * (32 if "avx" in features() else 16) // nbytes
