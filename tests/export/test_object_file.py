"""Objects and headers for C, compiled, linked and run by the C compiler at hand."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad import export
from jitad.export.object_file import RESERVED
from jitad_ir import processor

CC = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
CXX = shutil.which("c++") or shutil.which("g++")
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-pedantic"]

needs_c = pytest.mark.skipif(
    CC is None or sys.platform == "win32", reason="needs a C compiler that links like Unix's"
)


def compiled(*arguments: object) -> None:
    assert CC is not None
    done = subprocess.run([CC, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


class Loaded:
    """The function of an object that the C compiler made a library of, for NumPy's arrays."""

    def __init__(self, exported: export.Exported, folder: Path, name: str = "program") -> None:
        files = exported.write_c(folder, name)
        self.header = files.header.read_text()
        library = folder / f"lib{name}.so"
        compiled("-shared", "-o", library, files.object, "-lm")
        self.library = ctypes.CDLL(str(library))
        self.function = self.library[name]
        (size,) = re.findall(r"_WORKSPACE_BYTES (\d+)", self.header)
        self.workspace_bytes = int(size)
        self.exported = exported

    def __call__(self, *leaves: Any) -> list[np.ndarray]:
        given = [
            np.require(leaf, t.dtype, "C")
            for leaf, t in zip(leaves, self.exported.in_avals, strict=True)
        ]
        results = [np.empty(t.shape, t.dtype) for t in self.exported.out_avals]
        workspace = np.full(self.workspace_bytes + 32, 7, np.uint8)
        start = workspace.ctypes.data + 3  # anywhere
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*given, *results)]
        assert self.function(*pointers, ctypes.c_void_p(start if self.workspace_bytes else 0)) == 0
        assert (workspace[:3] == 7).all()
        assert (workspace[3 + self.workspace_bytes :] == 7).all()
        return results


def assert_same_bits(fun: Any, folder: Path, *args: Any) -> Loaded:
    """Through C as through Python."""
    exported = export.export(jitad.jit(fun))(*args)
    loaded = Loaded(exported, folder)
    expected = jitad.tree.leaves(jitad.jit(fun)(*args))
    for got, wanted in zip(loaded(*jitad.tree.leaves(args)), expected, strict=True):
        assert got.tobytes() == np.asarray(wanted).tobytes()
    return loaded


RNG = np.random.default_rng(0)
A = RNG.normal(size=(6, 6))
MANY = RNG.normal(size=20_000)
DTYPES = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")


def loop_gradient(x: Any) -> Any:
    """Through a loop of unknown length, whose states are kept in memory that grows."""

    def newton(a: Any) -> Any:
        return jitad.lax.while_loop(
            lambda r: jnp.abs(r * r - a) > 1e-13, lambda r: (r + a / r) / 2, a
        )

    return jitad.value_and_grad(newton)(x)


def lorenz(state: Any) -> Any:
    def rate(s: Any) -> Any:
        x, y, z = s
        return jnp.array([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    def step(s: Any, _: Any) -> Any:
        following = s + 0.01 * rate(s + 0.005 * rate(s))
        return following, following[0]

    return jnp.sum(jitad.lax.scan(step, state, None, length=300)[1] ** 2)


PROGRAMS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "gradient of a loop": (jitad.grad(lorenz), (np.array([1.0, 2.0, 3.0]),)),
    "loop of unknown length": (loop_gradient, (7.0,)),
    "hessian": (jitad.hessian(lambda x: jnp.sum(jnp.tanh(A @ x) ** 2)), (RNG.normal(size=6),)),
    "small solve": (jnp.linalg.solve, (A, RNG.normal(size=6))),
    "sort": (lambda x: (jnp.sort(x), jnp.argsort(x)), (RNG.normal(size=(7, 300)),)),
    "fft": (jnp.fft.fft, (RNG.normal(size=(3, 96)) + 1j,)),
    "long fft": (lambda x: jnp.fft.irfft(jnp.fft.rfft(x)), (RNG.normal(size=2**15),)),
    "many elements": (lambda x: (jnp.sin(x).sum(), jnp.cumsum(x)), (RNG.normal(size=500_000),)),
    "every dtype": (
        lambda *xs: tuple([x + x for x in xs]) + (xs[0] & True,),
        tuple([np.arange(5).astype(dtype) for dtype in DTYPES]),
    ),
    "random numbers": (lambda key: jitad.random.normal(key, (50,)), (jitad.random.PRNGKey(3),)),
    "large constant": (lambda x: x * jnp.asarray(MANY).sum(), (2.0,)),
    "no elements": (lambda x: (x + 1, jnp.sum(x)), (np.zeros((0, 3)),)),
    "arguments that come back": (lambda x, y: (y, x, x), (np.ones(3), np.zeros(2))),
    "convolution": (
        lambda x, k: jnp.convolve(x, k, mode="same"),
        (RNG.normal(size=200), RNG.normal(size=9)),
    ),
    "indices": (lambda x, i: x.at[i].add(2.0)[::-1], (RNG.normal(size=30), np.arange(0, 60, 3))),
}


@needs_c
@pytest.mark.parametrize("name", PROGRAMS)
def test_c_gives_the_same_bits(name: str, tmp_path: Path) -> None:
    fun, args = PROGRAMS[name]
    assert_same_bits(fun, tmp_path, *args)


MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include "rosenbrock.h"

int main(void) {
    double x[4] = {-1.2, 1.0, 0.5, 2.0}, value, slope[4];
    void *workspace = malloc(ROSENBROCK_WORKSPACE_BYTES + 1);
    if (rosenbrock(x, &value, slope, workspace)) return 1;
    free(workspace);
    printf("%a\\n", value);
    for (int i = 0; i < 4; i++) printf("%a\\n", slope[i]);
    return 0;
}
"""


def rosenbrock(x: Any) -> Any:
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@needs_c
def test_a_program_in_c_runs_the_gradient(tmp_path: Path) -> None:
    gradient = jitad.jit(jitad.value_and_grad(rosenbrock))
    x = np.array([-1.2, 1.0, 0.5, 2.0])
    files = export.export(gradient)(x).write_c(tmp_path)
    (tmp_path / "main.c").write_text(MAIN)
    compiled(
        "-std=c99", *WARNINGS, tmp_path / "main.c", files.object, "-lm", "-o", tmp_path / "main"
    )
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True)
    value, slope = gradient(x)
    assert [float.fromhex(line) for line in printed.stdout.split()] == [value, *slope]


@needs_c
def test_headers_are_good_c_and_cplusplus(tmp_path: Path) -> None:
    fun, args = PROGRAMS["every dtype"]
    header = export.export(jitad.jit(fun))(*args).write_c(tmp_path, "all_types").header
    source = tmp_path / "use.c"
    source.write_text(f'#include "{header.name}"\n#include "{header.name}"\nint one = 1;\n')
    compiled("-std=c99", *WARNINGS, "-c", source, "-o", tmp_path / "use.o")
    if CXX is not None:
        (tmp_path / "use.cpp").write_text(source.read_text())
        command = [CXX, *WARNINGS, "-c", tmp_path / "use.cpp", "-o", tmp_path / "use.o"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@needs_c
def test_parameters_have_names_that_c_takes(tmp_path: Path) -> None:
    def fun(double: Any, *rest: Any, été: Any) -> Any:
        return {"a b": double, "a_b": rest, "*/": été, "workspace": double}

    args = ({"class": 1.0, "1": 2.0}, [3.0], 4.0)
    exported = export.export(jitad.jit(fun))(*args, été={"*/ evil": 5.0})
    loaded = Loaded(exported, tmp_path)
    names = re.findall(r"\*(\w+)[,\n]", loaded.header[loaded.header.index("int program(") :])
    assert len(set(names)) == len(names) == 6 + 7
    assert not RESERVED.intersection(names[:-1])
    (tmp_path / "use.c").write_text('#include "program.h"\nint one = 1;\n')
    compiled("-std=c99", *WARNINGS, "-c", tmp_path / "use.c", "-o", tmp_path / "use.o")


@needs_c
def test_threads_call_it_at_the_same_time(tmp_path: Path) -> None:
    exported = export.export(jitad.jit(jitad.grad(lorenz)))(np.ones(3))
    loaded = Loaded(exported, tmp_path)
    states = [RNG.normal(size=3) for _ in range(8)]
    expected = [loaded(state)[0] for state in states]
    wrong: list[int] = []

    def work(number: int) -> None:
        for _ in range(50):
            if loaded(states[number])[0].tobytes() != expected[number].tobytes():
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@needs_c
def test_linked_with_blas_and_lapack(tmp_path: Path) -> None:
    """By the names and with the integers that SciPy's OpenBLAS has."""
    import scipy  # noqa: PLC0415

    folder = Path(str(scipy.__file__)).parent.parent / "scipy.libs"
    libraries = sorted(folder.glob("libscipy_openblas-*"))
    renaming = shutil.which("objcopy")
    if not libraries or sys.platform != "linux" or renaming is None:
        pytest.skip("SciPy brings no OpenBLAS along that can be linked with")

    def fun(a: Any, b: Any) -> Any:
        return jnp.linalg.solve(a, b), a @ a, jnp.linalg.eigvalsh(a + a.T)

    a, b = RNG.normal(size=(80, 80)), RNG.normal(size=80)
    exported = export.export(jitad.jit(fun))(a, b)
    files = exported.write_c(tmp_path, "dense")
    header = files.header.read_text()
    assert "-llapack -lblas" in header
    (listed,) = re.findall(r"it calls\n \*   ([\w, ]+)\.\n", header)
    called = set(listed.split(", "))
    assert {"dgemm", "dgetrf"} <= called
    library = tmp_path / "libdense.so"
    names = [f"--redefine-sym={name}_=scipy_{name}_" for name in called]
    subprocess.run([renaming, *names, files.object], check=True)
    compiled("-shared", "-o", library, files.object, libraries[0], f"-Wl,-rpath,{folder}", "-lm")
    results = [np.empty(t.shape) for t in exported.out_avals]
    (size,) = re.findall(r"_WORKSPACE_BYTES (\d+)", header)
    workspace = np.empty(int(size), np.uint8)
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, *results, workspace)]
    assert ctypes.CDLL(str(library))["dense"](*pointers) == 0
    for got, expected in zip(results, fun(a, b), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", ["", "2x", "a-b", "double", "class", "main", "jitad.program", "é"])
def test_names_that_c_does_not_take(name: str, tmp_path: Path) -> None:
    exported = export.export(jitad.jit(jnp.sin))(1.0)
    with pytest.raises(ValueError, match="a name that C takes"):
        exported.write_c(tmp_path, name)
    assert not list(tmp_path.iterdir())


def chatty(x: Any) -> Any:
    jitad.debug.print("{x}", x=x)
    return x


def calling_back(x: Any) -> Any:
    return jitad.pure_callback(np.sin, jitad.ShapeDtypeStruct((), np.float64), x)


@pytest.mark.parametrize(
    ("fun", "words"),
    [
        (chatty, "chatty calls a Python function"),
        (calling_back, "calling_back calls a Python function"),
        (lambda x: jitad.scipy.special.jv(1.0, x), "scipy.special.jv"),
    ],
)
def test_what_only_python_can_do_is_refused(fun: Any, words: str, tmp_path: Path) -> None:
    exported = export.export(jitad.jit(fun))(1.0)
    with pytest.raises(ValueError, match=words):
        exported.write_c(tmp_path, "f")
    assert not list(tmp_path.iterdir())


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    exported = export.export(jitad.jit(jnp.sin))(1.0)
    with pytest.raises(FileNotFoundError):
        exported.write_c(tmp_path / "missing", "f")


LEVEL = """
import sys, numpy as np, jitad, jitad.numpy as jnp
from jitad import export
from jitad_ir.native.target import host
f = jitad.jit(lambda x: jnp.sum(jnp.sin(x) * x))
export.export(f)(np.ones(100)).write_c(sys.argv[1], "f")
print(host().cpu, jitad.jit(jnp.exp)(0.0))
"""


@pytest.mark.parametrize("level", [*processor.LEVELS, "native"])
def test_code_for_older_cpus(level: str, tmp_path: Path) -> None:
    features = processor.LEVELS.get(level, frozenset())
    if not features <= processor._at_hand() or processor.is_arm():
        pytest.skip(f"this CPU is no {level}")
    done = run_with(level, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "1.0"
    if level != "native":
        assert done.stdout.split()[0] == level
        assert f", {level}.\n" in (tmp_path / "f.h").read_text()
    disassembler = shutil.which("objdump")
    if disassembler and features:
        command = [disassembler, "-d", str(tmp_path / "f.o")]
        code = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert ("%zmm" in code) == (level == "x86-64-v4")
        assert ("%ymm" in code) <= (level in ("x86-64-v3", "x86-64-v4"))


def run_with(level: str, folder: Path) -> Any:
    environment = {**os.environ, "JITAD_CPU": level, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        [sys.executable, "-c", LEVEL, str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_unknown_cpus_are_refused(tmp_path: Path) -> None:
    done = run_with("pentium", tmp_path)
    assert done.returncode == 1
    assert "JITAD_CPU: expected native or" in done.stderr.splitlines()[-1]
