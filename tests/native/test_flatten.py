"""Objects linked into flat images: what LLVM's linker makes of them is the oracle."""

from __future__ import annotations

import ctypes
import gc
import struct
from collections.abc import Sequence
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

import jitad
import jitad.numpy as jnp
from jitad_ir.native import elf, flatten, link, mapping, orc
from jitad_ir.native.addresses import TABLE_NAME
from jitad_ir.native.target import borrowed_target

pytestmark = pytest.mark.skipif(not elf.IS_HOST, reason="LLVM links here")

TABLES = """
@"jitad.externals" = global [2 x ptr] zeroinitializer
@shared = external global i64
@counter = internal global i64 40
@names = internal constant [3 x i64] [i64 7, i64 8, i64 9]
@places = internal constant [2 x ptr] [ptr @names, ptr getelementptr (i8, ptr @names, i64 16)]
@functions = internal global [2 x ptr] [ptr @twice, ptr @other]
declare i64 @other(i64)
declare ptr @memcpy(ptr, ptr, i64)
declare double @fmod(double, double)
define internal i64 @twice(i64 %x) noinline {
  %y = add i64 %x, %x
  ret i64 %y
}
define i64 @count() {
  %old = load i64, ptr @counter
  %new = add i64 %old, 1
  store i64 %new, ptr @counter
  store i64 %new, ptr @shared
  ret i64 %new
}
define i64 @named(i64 %which) {
  %place = getelementptr ptr, ptr @places, i64 %which
  %name = load ptr, ptr %place
  %value = load i64, ptr %name
  ret i64 %value
}
define i64 @chosen(i64 %which, i64 %x) {
  %place = getelementptr ptr, ptr @functions, i64 %which
  %function = load ptr, ptr %place
  %y = call i64 %function(i64 %x)
  ret i64 %y
}
define i64 @jumped(i64 %x) {
  switch i64 %x, label %none [ i64 0, label %a i64 1, label %b i64 2, label %c
                               i64 3, label %d i64 4, label %e ]
a: ret i64 11
b: ret i64 5
c: ret i64 77
d: ret i64 -3
e: ret i64 42
none: ret i64 0
}
define ptr @copied(ptr %to, ptr %from, i64 %size) {
  %r = call ptr @memcpy(ptr %to, ptr %from, i64 %size)
  ret ptr %r
}
define ptr @library() { ret ptr @memcpy }
define double @rest(double %x, double %y) {
  %r = call double @fmod(double %x, double %y)
  %s = fadd double %r, 0.5
  ret double %s
}
"""
OTHERS = """
@shared = global i64 0
@big = internal global [4000 x i64] zeroinitializer, align 64
declare i64 @count()
define i64 @other(i64 %x) {
  %n = call i64 @count()
  %last = getelementptr i64, ptr @big, i64 3999
  %before = load i64, ptr %last
  store i64 %x, ptr %last
  %m = load i64, ptr @shared
  %a = add i64 %n, %before
  %b = add i64 %a, %m
  ret i64 %b
}
"""
EXPORTS = ("count", "named", "chosen", "jumped", "copied", "library", "rest")
OTHER_EXPORTS = ("other", "shared")


def compiled(*texts: str) -> list[bytes]:
    with borrowed_target() as target:
        return [target.emit_object(llvm.parse_assembly(text)) for text in texts]


def by_both(
    objects: Sequence[bytes], exports: Sequence[str], externals: Sequence[str] = ()
) -> list[link.Executable]:
    """Executables made by us and by LLVM's linker."""
    image = link.image_of(objects, externals, exports)
    assert image.flat is not None
    assert not image.objects
    theirs = image._replace(objects=tuple(objects), flat=None)
    return [link.link(image), link.link(theirs)]


def integers(executable: link.Executable, name: str, *values: int) -> int:
    kinds = [ctypes.c_int64] * (1 + len(values))
    return ctypes.CFUNCTYPE(*kinds)(executable.address(name))(*values)


@pytest.fixture(params=[0, 1], ids=["flat", "LLVM's linker"])
def executable(request: pytest.FixtureRequest) -> link.Executable:
    objects = compiled(TABLES, OTHERS)
    externals = ("py:PyFloat_FromDouble", "system:memcpy")
    return by_both(objects, (*EXPORTS, *OTHER_EXPORTS), externals)[request.param]


def test_references_of_all_kinds(executable: link.Executable) -> None:
    assert [integers(executable, "count") for _ in range(3)] == [41, 42, 43]
    shared = ctypes.c_int64.from_address(executable.address("shared"))
    assert shared.value == 43
    assert [integers(executable, "named", i) for i in range(2)] == [7, 9]
    assert integers(executable, "chosen", 0, 21) == 42
    assert integers(executable, "chosen", 1, 5) == 44 + 0 + 44
    assert integers(executable, "other", 6) == 45 + 5 + 45
    assert [integers(executable, "jumped", i) for i in range(6)] == [11, 5, 77, -3, 42, 0]


def test_functions_of_the_process(executable: link.Executable) -> None:
    source, target = (ctypes.c_char * 5)(*b"ahoy\0"), (ctypes.c_char * 5)()
    copy = ctypes.CFUNCTYPE(ctypes.c_void_p, *[ctypes.c_void_p] * 2, ctypes.c_size_t)
    copy(executable.address("copied"))(target, source, 5)
    assert target.value == b"ahoy"
    copy(ctypes.CFUNCTYPE(ctypes.c_void_p)(executable.address("library"))())(target, b"avast", 5)
    assert target.raw == b"avast"
    rest = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_double] * 2)(executable.address("rest"))
    assert rest(7.5, 2.0) == 2.0


def test_the_table_of_externals_is_filled() -> None:
    for executable in by_both(compiled(TABLES, OTHERS), (TABLE_NAME,), ("py:Py_IncRef",)):
        word = ctypes.c_void_p.from_address(executable.address(TABLE_NAME)).value
        assert word == ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value


def test_parts_begin_where_they_want_to_lie() -> None:
    flat = flatten.flatten(compiled(TABLES, OTHERS), (*EXPORTS, *OTHER_EXPORTS))
    assert flat.data_place % flatten.PAGE == 0
    assert len(flat.code) <= flat.data_place
    assert all(place % 16 == 0 for name, place in flat.symbols.items() if name in EXPORTS)
    assert set(flat.imports) == {"memcpy", "fmod"}
    words = struct.unpack_from("<2q", flat.data, flat.absolutes[0] - flat.data_place)
    assert words[1] - words[0] in (16, flat.symbols["other"] - words[0])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("@x = thread_local global i64 0\ndefine ptr @f() { ret ptr @x }", "variables of threads"),
        ("define linkonce_odr i64 @f() { ret i64 3 }", "may replace"),
        ("@x = common global i64 0\ndefine ptr @f() { ret ptr @x }", "in no section"),
        ("@x = global i64 0, align 8192\ndefine ptr @f() { ret ptr @x }", "at multiples of 8192"),
        (
            "@x = external dso_local global i64\n"
            "define i64 @f() {\n%y = load i64, ptr @x\nret i64 %y\n}",
            "variables of the process",
        ),
    ],
)
def test_what_is_not_known_is_left_to_another_linker(text: str, why: str) -> None:
    objects = compiled(text)
    with pytest.raises(elf.UnknownObjectError, match=why):
        flatten.flatten(objects, ["f"])
    image = link.image_of(objects, (), ("f",))
    assert image.flat is None
    assert image.objects == tuple(objects)


def test_objects_of_another_machine() -> None:
    (code,) = compiled(OTHERS)
    for other in (b"MZ" + code[2:], code[:4] + b"\1" + code[5:], code[:18] + b"\xb7\0" + code[20:]):
        with pytest.raises(elf.UnknownObjectError):
            elf.ObjectFile(other)


def test_an_export_that_nobody_defines() -> None:
    with pytest.raises(LookupError, match="nowhere"):
        link.image_of(compiled(TABLES, OTHERS), (), ("count", "nowhere"))


def test_a_function_that_the_process_lacks() -> None:
    objects = compiled("declare i64 @jitad_lacks_this()\ndefine i64 @f() {\n"
                       "%x = call i64 @jitad_lacks_this()\nret i64 %x\n}")  # fmt: skip
    with pytest.raises(LookupError, match="jitad_lacks_this"):
        link.link(link.image_of(objects, (), ("f",)))


def mappings() -> list[str]:
    return Path("/proc/self/maps").read_text().splitlines()


def test_code_is_not_writable_and_is_freed() -> None:
    image = link.image_of(compiled(TABLES, OTHERS), (), ("count", "shared"))
    executable = link.link(image)
    access = {}
    for line in mappings():
        span, rights, *_ = line.split()
        first, last = (int(end, 16) for end in span.split("-"))
        for name in image.exports:
            if first <= executable.address(name) < last:
                access[name] = rights
    assert access == {"count": "r-xp", "shared": "rw-p"}
    del executable
    gc.collect()
    before = len(mappings())
    for _ in range(50):
        link.link(image)
    assert len(mappings()) <= before + 2


def test_memory_that_the_system_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    image = link.image_of(compiled(TABLES, OTHERS), (), ("count",))

    def refused(*_: object) -> int:
        ctypes.set_errno(13)
        return -1

    calls = mapping._calls()._replace(protect=refused)
    monkeypatch.setattr(mapping, "_calls", lambda: calls)
    with pytest.raises(OSError, match="make executable memory"):
        link.link(image)


def test_programs_are_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a program needs, LLVM's linker is not loaded for it."""

    def refused(*_: object) -> None:
        raise AssertionError("LLVM's linker")

    monkeypatch.setattr(orc.Instances, "link", refused)
    x = np.random.default_rng(1).normal(size=(300, 300))

    def everything(x):
        u, s, v = jnp.linalg.svd(x)
        y = jnp.fft.fft(jnp.sort(x, axis=0)).real + jnp.linalg.cholesky(
            x @ x.T + 400 * jnp.eye(300)
        )
        z = jitad.lax.fori_loop(0, 10, lambda i, y: y.at[i].set(jnp.tanh(y[i - 1])), y)
        return jitad.lax.cond(z[0, 0] > 0, jnp.sin, jnp.cos, z % 3.0).sum() + s.sum()

    assert np.isfinite(jitad.jit(jitad.grad(everything))(x)).all()
