"""Machine code on disk: found by the next process, never trusted blindly, never in the way."""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest
from llvmlite import ir as ll

from jitad_ir import disk
from jitad_ir.native import cache, elf
from jitad_ir.native.compile import compile_module
from jitad_ir.native.externals import Externals
from jitad_ir.native.orc import instances
from jitad_ir.native.target import borrowed_target

F64, PTR = ll.DoubleType(), ll.PointerType()
posix = pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """A private, empty cache."""
    where = tmp_path / "cache"
    monkeypatch.setenv("JITAD_CACHE_DIR", str(where))
    monkeypatch.delenv("JITAD_CACHE", raising=False)
    return where


def shifted_constant(shift: float, constant=None, metadata=None):
    """A program `f()`: element 0 of the constant (0.0 if none), plus `shift`."""
    module = ll.Module("shifted")
    externals = Externals(module)
    function = ll.Function(module, ll.FunctionType(F64, []), "f")
    builder = ll.IRBuilder(function.append_basic_block())
    base = ll.Constant(F64, 0.0)
    if constant is not None:
        base = builder.load(externals.pointer(builder, "const:0"), typ=F64)
    builder.ret(builder.fadd(base, ll.Constant(F64, shift)))
    constants = [] if constant is None else [constant]
    return compile_module(module, externals, exports=["f"], constants=constants, metadata=metadata)


def call(executable) -> float:
    return ctypes.CFUNCTYPE(ctypes.c_double)(executable.address("f"))()


def entry_file(directory: Path) -> Path:
    (file,) = directory.glob("*" + disk.SUFFIX)
    return file


def run_python(program: str, **variables: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **variables}
    process = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def test_stored_code_is_found_again():
    metadata = {"workspace_bytes": 64, "names": ("x", "y"), "limit": float("inf"), "none": None}
    executable = shifted_constant(2.5, metadata=metadata)
    assert cache.load("program") is None
    cache.store("program", executable)
    loaded = cache.load("program")
    assert loaded is not None
    assert call(loaded) == 2.5
    assert loaded.metadata == metadata
    assert loaded.image == executable.image
    assert cache.load("another program") is None


def test_stored_code_is_found_by_the_next_process():
    cache.store(b"program", shifted_constant(3.25))
    program = (
        "import ctypes, sys\n"
        "from jitad_ir.native import cache\n"
        "executable = cache.load(b'program')\n"
        "print(ctypes.CFUNCTYPE(ctypes.c_double)(executable.address('f'))())\n"
        "assert 'jitad_ir.native.compile' not in sys.modules\n"
    )
    assert run_python(program) == "3.25\n"


def test_externals_are_resolved_anew():
    cache.store("program", shifted_constant(0.5, constant=np.array([1.0])))
    loaded = cache.load("program", constants=[np.array([10.0])])
    assert loaded is not None
    assert call(loaded) == 10.5


def test_externals_that_cannot_be_resolved_here_are_a_miss():
    cache.store("program", shifted_constant(0.5, constant=np.array([1.0])))
    assert cache.load("program") is None  # without its constant


def test_entries_of_another_environment_are_not_found(monkeypatch):
    cache.store("program", shifted_constant(1.0))
    here = cache.environment()
    monkeypatch.setattr(cache, "environment", lambda: here + b" LLVM 99")
    assert cache.load("program") is None


def test_environment_names_what_code_depends_on():
    text = cache.environment().decode()
    assert cache.host().cpu in text
    assert cache.host().features in text
    assert cache.llvmlite.__version__ in text
    assert sys.implementation.cache_tag in disk.environment().decode()


def test_source_stamp_changes_with_an_edit(tmp_path):
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    file = package / "inner" / "module.py"
    file.write_text("a = 1")
    (package / "data.txt").write_text("a")
    first = disk.source_stamp(package)
    (package / "data.txt").write_text("not code")
    assert disk.source_stamp(package) == first
    os.utime(file, ns=(0, 0))
    second = disk.source_stamp(package)
    (package / "more.py").write_text("")
    third = disk.source_stamp(package)
    assert len({first, second, third}) == 3


def test_source_stamp_of_a_zip_archive(tmp_path):
    archive = tmp_path / "package.zip"
    archive.write_bytes(b"zip")
    first = disk.source_stamp(archive / "jitad_ir")
    archive.write_bytes(b"zip of another version")
    assert disk.source_stamp(archive / "jitad_ir") != first


def test_metadata_must_be_plain():
    for value in (np.float64(1.0), np.zeros(3), {"deep": [np.int64(1)]}, {1, 2}, object()):
        executable = shifted_constant(1.0, metadata={"value": value})
        with pytest.raises(TypeError, match="disk: expected"):
            cache.store("program", executable)


def test_damaged_entries_are_ignored_and_replaced(directory):
    executable = shifted_constant(1.5)
    cache.store("program", executable)
    file = entry_file(directory)
    whole = file.read_bytes()
    damaged = [b"", whole[:5], whole[:30], whole[:-1], whole + b"x", b"x" * len(whole)]
    for place in range(0, len(whole), 97):
        damaged.append(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    for data in damaged:
        file.write_bytes(data)
        assert cache.load("program") is None
    cache.store("program", executable)
    assert file.read_bytes() == whole
    assert call(cache.load("program")) == 1.5


def test_a_directory_in_place_of_an_entry_is_ignored(directory):
    executable = shifted_constant(1.5)
    cache.store("program", executable)
    file = entry_file(directory)
    file.unlink()
    file.mkdir()
    assert cache.load("program") is None
    cache.store("program", executable)
    assert [entry.name for entry in directory.iterdir() if entry.suffix == ".tmp"] == []
    assert file.is_dir()


@posix
def test_files_are_private(directory):
    cache.store("program", shifted_constant(1.0))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in directory.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@posix
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_file_that_others_can_write_to_is_refused(directory, mode):
    cache.store("program", shifted_constant(1.0))
    entry_file(directory).chmod(mode)
    assert cache.load("program") is None
    entry_file(directory).chmod(0o644)
    assert cache.load("program") is not None


@posix
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o707])
def test_directory_that_others_can_write_to_is_refused(directory, mode):
    executable = shifted_constant(1.0)
    cache.store("program", executable)
    directory.chmod(mode)
    with pytest.warns(RuntimeWarning, match="can be written to by others.*JITAD_CACHE=0"):
        assert cache.load("program") is None
    with pytest.warns(RuntimeWarning, match="can be written to by others"):
        cache.store("other", executable)
    assert "written to by others" in disk.info().problem
    assert len(list(directory.glob("*" + disk.SUFFIX))) == 1


@posix
def test_symbolic_link_is_refused(directory, tmp_path):
    cache.store("program", shifted_constant(1.0))
    file = entry_file(directory)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert cache.load("program") is None


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="must be root")
def test_file_of_another_user_is_refused(directory):
    cache.store("program", shifted_constant(1.0))
    os.chown(entry_file(directory), 12345, -1)
    assert cache.load("program") is None
    os.chown(directory, 12345, -1)
    with pytest.warns(RuntimeWarning, match="belongs to another user"):
        assert cache.load("program") is None


@pytest.mark.parametrize("word", ["0", "off", "False", "no"])
def test_opting_out(directory, monkeypatch, word):
    executable = shifted_constant(1.0)
    cache.store("before", executable)
    monkeypatch.setenv("JITAD_CACHE", word)
    assert cache.load("before") is None
    cache.store("program", executable)
    assert len(list(directory.glob("*" + disk.SUFFIX))) == 1
    assert disk.info().problem == "switched off by JITAD_CACHE"


def test_directory_that_cannot_be_made_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JITAD_CACHE_DIR", str(tmp_path / "file" / "cache"))
    cache.store("program", shifted_constant(1.0))
    assert cache.load("program") is None
    assert disk.info().entries == 0
    assert disk.clear() == 0


def test_disk_that_is_full_is_no_error(directory, monkeypatch):
    def replace(source, destination):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "replace", replace)
    cache.store("program", shifted_constant(1.0))
    assert not list(directory.iterdir())


def test_info_and_clear(directory):
    for k in range(3):
        cache.store(f"program {k}", shifted_constant(float(k)))
    (directory / "half.code.1.0.tmp").write_bytes(b"half")
    info = disk.info()
    assert info.directory == str(directory)
    assert info.entries == 3
    assert info.size == sum(f.stat().st_size for f in directory.glob("*" + disk.SUFFIX))
    assert info.problem is None
    assert disk.clear() == 3
    assert disk.info().entries == 0
    assert not list(directory.glob("*.tmp"))


def test_clearing_leaves_loaded_code_alone():
    cache.store("program", shifted_constant(4.5))
    loaded = cache.load("program")
    disk.clear()
    assert call(loaded) == 4.5


def test_size_is_bounded_and_the_least_recently_used_go(directory, monkeypatch):
    executable = shifted_constant(1.0)
    now = time.time()
    for k in range(10):
        cache.store(bytes([k]), executable)
        times = (now - 10000 + 100 * k,) * 2
        os.utime(directory / disk._file_name(cache._full(bytes([k]))), times)
    assert cache.load(bytes([2])) is not None  # used now
    size = entry_file_sizes(directory) // 10
    (directory / "dead.code.1.0.tmp").write_bytes(b"dead writer")
    os.utime(directory / "dead.code.1.0.tmp", (now - 7200,) * 2)
    (directory / "live.code.1.0.tmp").write_bytes(b"live writer")
    monkeypatch.setattr(disk, "LIMIT", 10 * size)
    disk.prune(str(directory))
    assert disk.info().entries == 10  # within the limit
    monkeypatch.setattr(disk, "LIMIT", 5 * size)
    disk.prune(str(directory))
    left = [k for k in range(10) if cache.load(bytes([k])) is not None]
    assert left == [2, 7, 8, 9]
    assert [f.name for f in directory.glob("*.tmp")] == ["live.code.1.0.tmp"]


def entry_file_sizes(directory: Path) -> int:
    return sum(f.stat().st_size for f in directory.glob("*" + disk.SUFFIX))


def test_writers_prune_once_an_hour(directory, monkeypatch):
    pruned = []
    monkeypatch.setattr(disk, "prune", pruned.append)
    executable = shifted_constant(1.0)
    cache.store("a", executable)
    cache.store("b", executable)
    assert pruned == [str(directory)]
    os.utime(directory / "pruned", (0, 0))
    cache.store("c", executable)
    assert len(pruned) == 2


def test_concurrent_writers_and_readers():
    """Four processes write and read the same ten keys: every hit is the right program."""
    program = (
        "import ctypes, random, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_cache import cache, call, shifted_constant\n"
        "programs = [shifted_constant(float(k)) for k in range(10)]\n"
        "hits = 0\n"
        "for repeat in range(200):\n"
        "    k = random.randrange(10)\n"
        "    cache.store(str(k), programs[k])\n"
        "    k = random.randrange(10)\n"
        "    loaded = cache.load(str(k))\n"
        "    if loaded is not None:\n"
        "        hits += 1\n"
        "        assert call(loaded) == k\n"
        "assert hits > 100\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen([sys.executable, "-c", program], env=environment) for _ in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    assert disk.info().entries == 10


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x/cache"}, "/x/cache/jitad"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/jitad"),
        ("linux", {}, "/home/ada/.cache/jitad"),
        ("darwin", {}, "/home/ada/Library/Caches/jitad"),
        ("linux", {"JITAD_CACHE_DIR": "~/mine"}, "/home/ada/mine"),
    ],
)
@posix
def test_directory_by_platform(monkeypatch, platform, variables, expected):
    monkeypatch.setattr(disk.sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/ada")
    for name in ("XDG_CACHE_HOME", "JITAD_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert disk.directory() == expected


@pytest.mark.timing
@pytest.mark.skipif(not elf.IS_HOST, reason="LLVM links here")
def test_a_hit_costs_less_than_llvms_linker_alone():
    executable = shifted_constant(1.0)
    cache.store("program", executable)
    with borrowed_target() as target:
        parsed = llvm.parse_assembly("define double @f() { ret double 1.0 }")
        code = target.emit_object(parsed)

    def best(function, *arguments) -> float:
        times = []
        for _ in range(50):
            start = time.perf_counter()
            function(*arguments)
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(cache.load, "program") < best(instances.link, [code], ["f"])
