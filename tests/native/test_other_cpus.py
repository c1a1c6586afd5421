"""Machine code for other CPUs than the one at hand: older ones are played, code for those of
another kind is compiled but not run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jitad_ir.native.target import host
from tests.native.threaded_programs import PROGRAMS

SSE2 = "64bit cmov cx8 fxsr mmx sse sse2"
AVX2 = SSE2 + (
    " avx avx2 bmi bmi2 crc32 cx16 f16c fma lzcnt movbe popcnt sahf sse3 sse4.1 sse4.2 ssse3 xsave"
)
ELF_OF_AARCH64, MACH_O_OF_ARM64 = "7f454c460201010000000000000000000100b700", "cffaedfe0c000001"


def run(triple: str, cpu: str, features: str) -> dict[str, str]:
    """What was found of each program (`tests.native.other_cpu`)."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.native.other_cpu", triple, cpu, *features.split()],
        env={**os.environ, "JITAD_CACHE": "0", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-200:] + done.stderr
    return dict(line.split(": ") for line in done.stdout.splitlines())


@pytest.mark.parametrize(("cpu", "features"), [("x86-64", SSE2), ("haswell", AVX2)])
def test_programs_are_right_on_older_cpus(cpu: str, features: str) -> None:
    if not host().triple.startswith("x86_64"):
        pytest.skip("needs x86-64")
    if not {"+" + feature for feature in features.split()} <= {*host().features.split(",")}:
        pytest.skip(f"the CPU at hand is none that can play {cpu}")
    found = run(host().triple, cpu, features)
    assert found == dict.fromkeys(PROGRAMS, "right")


@pytest.mark.parametrize(
    ("triple", "cpu", "start"),
    [
        ("aarch64-unknown-linux-gnu", "neoverse-n1", ELF_OF_AARCH64),
        ("arm64-apple-macosx14.0.0", "apple-m1", MACH_O_OF_ARM64),
    ],
)
def test_programs_compile_for_arm(triple: str, cpu: str, start: str) -> None:
    found = run(triple, cpu, "neon")
    assert found.keys() == {"support", *PROGRAMS}
    for name, code in found.items():
        assert code.startswith(start), name
