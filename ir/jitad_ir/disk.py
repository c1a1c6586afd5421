"""Records on disk, for the next process: machine code, and what took long to find out.

The file name of a record is a hash of its key and of `environment`. Machine code is among the
records, so only files that nobody else could have written are read. A file that is missing, damaged
or foreign is no error: the work is done again. Writing is atomic, and a directory that cannot be
written to is no error either.

=================  ===============================================================================
JITAD_CACHE_DIR    the directory; default: `jitad` in the platform's directory of user caches
JITAD_CACHE=0      neither read nor write
=================  ===============================================================================
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import marshal
import os
import stat
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

try:  # hashlib first loads OpenSSL, which takes longer than all the rest of a hit.
    from _blake2 import blake2b
except ImportError:
    from hashlib import blake2b

LIMIT = 1 << 30
"""Bytes that the records may take up; those used longest ago are removed first."""

MAGIC = b"jitad-1\n"
SUFFIX = ".record"
PARTIAL = ".tmp"
DIGEST_BYTES = 20
HOUR = 3600.0


def read(key: bytes) -> Any:
    """The record stored under `key`; None if there is none."""
    where = _readable_directory()
    return None if where is None else _read(os.path.join(where, _file_name(key)))


def write(key: bytes, record: Any) -> None:
    """Store `record` under `key`, for any process of this user.

    It may hold None, bools, ints, floats, strings, bytes, and tuples, lists and dicts of them;
    raises TypeError for anything else.
    """
    _require_plain(record)
    where = _writable_directory()
    if where is None:
        return
    payload = marshal.dumps(record)
    path = os.path.join(where, _file_name(key))
    partial = f"{path}.{os.getpid()}.{next(_write_numbers)}{PARTIAL}"
    try:
        with open(partial, "xb", opener=_open_private) as file:
            file.write(MAGIC + _digest(payload) + payload)
        os.replace(partial, path)
    except OSError:
        # A full disk, or on Windows a reader of the entry: the cache stays without it.
        _remove(partial)
        return
    _prune_now_and_then(where)


class CacheInfo(NamedTuple):
    """State of the disk cache. Sizes in bytes."""

    directory: str
    entries: int
    size: int
    limit: int
    problem: str | None
    """Why it is not used, None if it is."""


def info() -> CacheInfo:
    """Where the cache is, how much it holds, and whether it can be used."""
    where = directory()
    files = _files(where)
    problem = "switched off by JITAD_CACHE" if not is_enabled() else None
    if problem is None and os.path.isdir(where):
        problem = _distrust(os.stat(where), "directory")
        if problem is None and not os.access(where, os.W_OK | os.X_OK):
            problem = "cannot be written to"
    return CacheInfo(where, len(files), sum(file.size for file in files), LIMIT, problem)


def clear() -> int:
    """Remove all entries; returns how many there were. Code in use stays loaded."""
    where = directory()
    for file in _files(where, PARTIAL):
        _remove(file.path)
    return sum(_remove(file.path) for file in _files(where))


def is_enabled() -> bool:
    """False if the user opted out by JITAD_CACHE=0 (or off, no, false)."""
    return os.environ.get("JITAD_CACHE", "1").lower() not in ("0", "off", "no", "false")


def directory() -> str:
    """The cache's directory, whether or not it exists."""
    chosen = os.environ.get("JITAD_CACHE_DIR")
    if chosen:
        return os.path.abspath(os.path.expanduser(chosen))
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
        return os.path.join(base, "jitad", "Cache")
    if sys.platform == "darwin":
        return os.path.expanduser("~/Library/Caches/jitad")
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # as the XDG specification has it
        base = os.path.expanduser("~/.cache")
    return os.path.join(base, "jitad")


# What a record depends on


def source_stamp(package: str | os.PathLike[str]) -> bytes:
    """A hash of paths, sizes and times of the Python files in a package's directory: another
    version, or an edit, changes it. Callers whose own sources shape the code add theirs to the
    key."""
    root = os.fspath(package)
    while not os.path.exists(root):  # inside a zip archive: the archive
        root = os.path.dirname(root)
    lines = sorted(_source_lines(root)) if os.path.isdir(root) else [_stamp_line(root)]
    return _digest("\n".join(lines).encode())


def _source_lines(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield _stamp_line(entry.path)
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _source_lines(entry.path)


def _stamp_line(path: str) -> str:
    status = os.stat(path)
    return f"{path} {status.st_size} {status.st_mtime_ns}"


@functools.cache
def environment() -> bytes:
    """What every record depends on besides its key: Python, and the sources of this package."""
    python = f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}"
    return f"{python}\n{source_stamp(os.path.dirname(__file__)).hex()}".encode()


def _file_name(key: bytes) -> str:
    return _digest(environment() + b"\0" + key).hex() + SUFFIX


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


_PLAIN = (type(None), bool, int, float, str, bytes)


def _require_plain(value: Any) -> None:
    # marshal itself would store the bytes of anything with a buffer, such as NumPy scalars.
    if type(value) in (tuple, list):
        for item in value:
            _require_plain(item)
    elif type(value) is dict:
        for item in cast("dict[Any, Any]", value).items():
            _require_plain(item)
    elif type(value) not in _PLAIN:
        raise TypeError(
            "disk: expected None, bools, numbers, strings, bytes, tuples, lists and dicts; "
            f"got {value!r} of type {type(value).__name__}"
        )


# Files


def _read(path: str) -> Any:
    try:
        stream = open(path, "rb", buffering=0, opener=_open_to_read)  # noqa: SIM115
    except OSError:  # also of a directory with this name
        return None
    with stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode) or _distrust(status, "file"):
            return None
        data = stream.readall()
    head = len(MAGIC) + DIGEST_BYTES
    payload = data[head:]
    if data[:head] != MAGIC + _digest(payload):
        return None
    if time.time() - status.st_mtime > HOUR:  # used now, for the order in which entries go
        with contextlib.suppress(OSError):  # a cache that can only be read
            os.utime(path)
    return marshal.loads(payload)


_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_write_numbers = itertools.count()


def _open_to_read(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_FOLLOW)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError:
        return False  # another process was first, or is reading it on Windows
    return True


class _File(NamedTuple):
    path: str
    size: int
    used: float
    """When it was last written or read, in seconds since the epoch."""


def _files(where: str, suffix: str = SUFFIX) -> list[_File]:
    """Files in the directory; what other processes remove meanwhile is left out."""
    files: list[_File] = []
    with contextlib.suppress(OSError), os.scandir(where) as entries:
        for entry in entries:
            if entry.name.endswith(suffix):
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    files.append(_File(entry.path, status.st_size, status.st_mtime))
    return files


def _distrust(status: os.stat_result, what: str) -> str | None:
    """Why others could have written to what has this status; None if they could not."""
    if sys.platform == "win32":  # A user's profile is the user's own.
        return None
    if status.st_uid not in (os.geteuid(), 0):
        return f"the {what} belongs to another user"
    if stat.S_IMODE(status.st_mode) & 0o022:
        return f"the {what} can be written to by others (mode {stat.S_IMODE(status.st_mode):o})"
    return None


def _readable_directory() -> str | None:
    if not is_enabled():
        return None
    where = directory()
    try:
        problem = _distrust(os.stat(where), "directory")
    except OSError:
        return None
    if problem is not None:
        warnings.warn(
            f"jitad does not use its cache {where}, because {problem}. Code is loaded from it: "
            f"make it private (chmod 700), choose another by JITAD_CACHE_DIR, or switch it off "
            "by JITAD_CACHE=0",
            RuntimeWarning,
            stacklevel=2,
        )
        return None
    return where


def _writable_directory() -> str | None:
    if is_enabled():
        try:
            os.makedirs(directory(), mode=0o700, exist_ok=True)
        except OSError:
            return None
    return _readable_directory()


# Size

PRUNE_EVERY = 256
"""Entries that one process writes between two looks at the size."""

KEEP = 0.8
"""Share of LIMIT that is left when entries are removed."""


def _prune_now_and_then(where: str) -> None:
    """Look at the size once an hour, or after many writes of one process."""
    marker = os.path.join(where, "pruned")
    try:
        age = time.time() - os.stat(marker).st_mtime
    except OSError:
        age = HOUR
    if age < HOUR and next(_store_numbers) % PRUNE_EVERY:
        return
    try:
        with open(marker, "wb", opener=_open_private):
            os.utime(marker)
    except OSError:
        return
    prune(where)


_store_numbers = itertools.count(1)


def prune(where: str) -> None:
    """Remove the entries used longest ago if all take up more than LIMIT, and what writers that
    died left behind."""
    now = time.time()
    for file in _files(where, PARTIAL):
        if now - file.used > HOUR:
            _remove(file.path)
    files = _files(where)
    total = sum(file.size for file in files)
    if total <= LIMIT:
        return
    for file in sorted(files, key=lambda file: file.used):
        if total <= KEEP * LIMIT:
            break
        total -= file.size
        _remove(file.path)
