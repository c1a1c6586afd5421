"""Settings of the process.

>>> import jitad
>>> jitad.config.log_compiles
False
>>> with jitad.threads(1):
...     jitad.config.threads
1
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from jitad_ir import workers

_IGNORED: dict[str, Any] = {
    "jax_compilation_cache_dir": None,
    "jax_debug_key_reuse": False,
    "jax_default_device": None,
    "jax_default_matmul_precision": "highest",
    "jax_disable_most_optimizations": False,
    "jax_enable_checks": False,
    "jax_enable_custom_prng": True,
    "jax_enable_compilation_cache": True,
    "jax_enable_x64": True,
    "jax_num_cpu_devices": 1,
    "jax_numpy_rank_promotion": "allow",
    "jax_persistent_cache_min_compile_time_secs": 0,
    "jax_persistent_cache_min_entry_size_bytes": 0,
    "jax_platform_name": "cpu",
    "jax_platforms": "cpu",
    "jax_threefry_partitionable": True,
    "jax_traceback_filtering": "auto",
}
"""Settings of JAX that programs set to get what jitad always does, and what that is: 64-bit types,
on the CPU, in full precision."""


_CONSEQUENCES = {
    "jax_enable_x64": (False, "Python numbers and new arrays are float64; say dtype=float32"),
    "jax_threefry_partitionable": (False, "random draws the numbers of JAX's setting True"),
    "jax_numpy_rank_promotion": ("raise", "arrays of different ranks are broadcast"),
}
"""Settings whose other value would change results: that value, and what happens instead."""


def _warn_of_difference(name: str, value: Any) -> None:
    other, instead = _CONSEQUENCES.get(name, (None, ""))
    if instead and value == other:
        warnings.warn(f"config: {name} = {value} has no effect: {instead}", stacklevel=3)


class Config:
    """Settings, as attributes; each starts from the environment variable JITAD_<NAME>.

    >>> import jitad
    >>> jitad.config.debug_nans
    False
    """

    def __init__(self) -> None:
        self.disable_jit: bool = _flag("DISABLE_JIT")
        """`jit` runs the Python function itself, so that a debugger and prints see values."""
        self.log_compiles: bool = _flag("LOG_COMPILES")
        """Print what is compiled and where the time went, to standard error."""
        self.explain_cache_misses: bool = _flag("EXPLAIN_CACHE_MISSES")
        """Print why a jitted function is traced again, to standard error."""
        self.check_tracer_leaks: bool = _flag("CHECK_TRACER_LEAKS")
        """Raise LeakedTracerError as soon as a trace ends of which a traced array is kept."""
        self._debug_nans = _flag("DEBUG_NANS")
        self._debug_infs = _flag("DEBUG_INFS")
        self.watches: bool = self._debug_nans or self._debug_infs
        """Whether results are looked at for nan or infinity."""
        self.is_strict = False
        """Whether it is an error that arrays of different dtypes meet."""
        self._prng = "threefry2x32"
        self.on_watch: list[Callable[[], None]] = []
        """Called when results begin to be looked at: compiled functions come to Python then."""
        given = os.environ.get("JITAD_THREADS", "").strip()
        if given:
            self.threads = int(given) if given.isdecimal() else given

    def __getattr__(self, name: str) -> Any:
        """JAX's names: `jax_debug_nans` for `debug_nans`."""
        if name in _IGNORED:
            return _IGNORED[name]
        plain = name.removeprefix("jax_")
        if plain == name or plain not in _NAMES:
            raise AttributeError(f"config: there is no setting {name!r}")
        return getattr(self, plain)

    @property
    def threads(self) -> int:
        """Threads that compiled programs compute on, the caller's among them; the results do not
        depend on it. As it starts: the cores that this process may use. A new number counts from
        the next large operation on, in programs that are compiled already as well.

        Raises TypeError or ValueError if it is set to anything but a positive int.
        """
        return workers.limit()

    @threads.setter
    def threads(self, count: Any) -> None:
        if isinstance(count, bool) or not isinstance(count, int):
            raise TypeError(f"threads: expected a positive int; got {count!r}")
        if not 0 < count <= workers.MOST:
            raise ValueError(f"threads: expected 1 to {workers.MOST}; got {count}")
        workers.set_limit(count)

    @property
    def debug_nans(self) -> bool:
        """Raise FloatingPointError where a result has a nan, naming operation and line."""
        return self._debug_nans

    @debug_nans.setter
    def debug_nans(self, on: bool) -> None:
        self._debug_nans = bool(on)
        self._watch()

    @property
    def debug_infs(self) -> bool:
        """As `debug_nans`, for infinities."""
        return self._debug_infs

    @debug_infs.setter
    def debug_infs(self, on: bool) -> None:
        self._debug_infs = bool(on)
        self._watch()

    def _watch(self) -> None:
        self.watches = self._debug_nans or self._debug_infs
        if self.watches:
            for begin in self.on_watch:
                begin()

    @property
    def numpy_dtype_promotion(self) -> str:
        """ "standard": arrays of different dtypes meet as in NumPy 2; "strict": that is a
        TypeError, but for Python numbers, which take on the array's dtype."""
        return "strict" if self.is_strict else "standard"

    @numpy_dtype_promotion.setter
    def numpy_dtype_promotion(self, rules: str) -> None:
        one_of = _one_of("numpy_dtype_promotion", rules, ("standard", "strict"))
        self.is_strict = one_of == "strict"

    @property
    def default_prng_impl(self) -> str:
        """The generator of `random.key`: "threefry2x32", the only one there is."""
        return self._prng

    @default_prng_impl.setter
    def default_prng_impl(self, name: str) -> None:
        self._prng = _one_of("default_prng_impl", name, ("threefry2x32",))

    @property
    def x64_enabled(self) -> bool:
        """True: 64-bit types are always there."""
        return True

    @property
    def values(self) -> dict[str, Any]:
        """The settings by JAX's names."""
        return {f"jax_{name}": getattr(self, name) for name in _NAMES} | _IGNORED

    def read(self, name: str) -> Any:
        """The setting of this name, JAX's (`jax_debug_nans`) or jitad's; raises AttributeError if
        there is none."""
        return getattr(self, name)

    def config_with_absl(self) -> None:
        """Nothing: settings are no flags of absl. For the sake of JAX's test programs."""

    def parse_flags_with_absl(self) -> None:
        """Nothing, as `config_with_absl`."""

    def update(self, name: str, value: Any) -> None:
        """Set `name` (with or without JAX's prefix `jax_`); raises AttributeError if there is no
        such setting."""
        if name in _IGNORED:
            _warn_of_difference(name, value)
            return
        plain = name.removeprefix("jax_").removeprefix("jitad_")
        names = _NAMES
        if plain not in names:
            known = ", ".join(sorted(names))
            raise AttributeError(f"config: expected one of the settings {known}; got {name!r}")
        setattr(self, plain, value)


_NAMES = (
    "check_tracer_leaks",
    "debug_infs",
    "debug_nans",
    "default_prng_impl",
    "disable_jit",
    "explain_cache_misses",
    "log_compiles",
    "numpy_dtype_promotion",
    "threads",
)


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{name}: expected {' or '.join(map(repr, allowed))}; got {value!r}")
    return value


def _flag(name: str) -> bool:
    return os.environ.get(f"JITAD_{name}", "0").lower() not in ("", "0", "false", "no")


config = Config()


@contextmanager
def _setting(name: str, value: Any) -> Iterator[None]:
    before = getattr(config, name)
    setattr(config, name, value)
    try:
        yield
    finally:
        setattr(config, name, before)


@contextmanager
def _unchanged() -> Iterator[None]:
    """A context in which nothing is different; as every setting's, it can decorate functions."""
    yield


def disable_jit(disable: bool = True) -> AbstractContextManager[None]:
    """Within this context `jit` runs the Python functions themselves, so that a debugger and prints
    see values.

    >>> import jitad
    >>> with jitad.disable_jit():
    ...     print(isinstance(jitad.jit(lambda x: x)(1.0), jitad.core.Tracer))
    False
    """
    return _setting("disable_jit", disable)


def debug_nans(on: bool = True) -> AbstractContextManager[None]:
    """Within this context a nan in a result raises FloatingPointError, which names the operation
    that made it and the user's line.

    Outside of `jit` the result of every operation is looked at. The results of a jitted function
    are looked at when it returns; if there is a nan, its program is evaluated again, operation by
    operation and step by step of its loops, to find where it came from.

    >>> import jitad, jitad.numpy as jnp
    >>> with jitad.debug_nans():
    ...     jitad.jit(lambda x: jnp.log(x) * 2.0)(-1.0)
    Traceback (most recent call last):
    jitad.errors.NonFiniteError: nan in the result of log of -1.0
    ...
    """
    return _setting("debug_nans", on)


def debug_infs(on: bool = True) -> AbstractContextManager[None]:
    """Within this context an infinity in a result raises FloatingPointError, as `debug_nans` has it
    for nan.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> with jitad.debug_infs():
    ...     jnp.exp(1000.0)
    Traceback (most recent call last):
        ...
    jitad.errors.NonFiniteError: ...
    """
    return _setting("debug_infs", on)


def log_compiles(on: bool = True) -> AbstractContextManager[None]:
    """Within this context what is compiled, and where the time went, is printed to standard error.

    >>> import jitad
    >>> with jitad.log_compiles():
    ...     y = jitad.jit(lambda x: x + 1)(1.0)
    """
    return _setting("log_compiles", on)


def explain_cache_misses(on: bool = True) -> AbstractContextManager[None]:
    """Within this context jitted functions that are traced again print why to standard error: which
    argument has another structure, shape, dtype or static value than before.

    >>> import jitad
    >>> import numpy as np
    >>> f = jitad.jit(lambda x: 2 * x)
    >>> y = f(1.0)
    >>> with jitad.explain_cache_misses():
    ...     y = f(np.ones(3))
    """
    return _setting("explain_cache_misses", on)


def checking_leaks(on: bool = True) -> AbstractContextManager[None]:
    """Within this context a traced array that is kept beyond its trace (in a global, an attribute,
    a list) raises LeakedTracerError when the trace ends, not when it is used.

    >>> import jitad
    >>> kept = []
    >>> with jitad.checking_leaks():
    ...     jitad.jit(lambda x: kept.append(x))(1.0)
    Traceback (most recent call last):
    jitad.errors.LeakedTracerError: ...
    >>> kept.clear()
    """
    return _setting("check_tracer_leaks", on)


check_tracer_leaks = checking_leaks


def numpy_dtype_promotion(rules: str = "strict") -> AbstractContextManager[None]:
    """Within this context "strict" makes it a TypeError that arrays of different dtypes meet in an
    operation; "standard" is NumPy 2's promotion. Python numbers take on the dtype of arrays in
    both. Raises ValueError for other rules.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> with jitad.numpy_dtype_promotion("strict"):
    ...     jnp.add(np.ones(2), np.ones(2, np.float32))
    Traceback (most recent call last):
    TypeError: dtypes float64 and float32 meet, under numpy_dtype_promotion "strict"...
    """
    return _setting("numpy_dtype_promotion", rules)


def enable_x64(on: bool = True) -> AbstractContextManager[None]:
    """Nothing: 64-bit types are always there, and dtypes are NumPy's. For JAX's sake.

    Raises ValueError to switch them off: write dtypes of 32 bits.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> with jitad.enable_x64():
    ...     print(jnp.ones(1).dtype)
    float64
    """
    if not on:
        raise ValueError("enable_x64: 64-bit types are always there; write float32 for 32 bits")
    return _unchanged()


def default_matmul_precision(_precision: Any) -> AbstractContextManager[None]:
    """Nothing: products are always computed in the full precision of their dtype.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> with jitad.default_matmul_precision("float32"):
    ...     print((jnp.ones(2) @ jnp.ones(2)).dtype)
    float64
    """
    return _unchanged()


def default_device(_device: Any = None) -> AbstractContextManager[None]:
    """Nothing: there is one device.

    >>> import jitad
    >>> import jitad.numpy as jnp
    >>> with jitad.default_device(jitad.devices()[0]):
    ...     y = jnp.ones(1)
    """
    return _unchanged()


def default_prng_impl(name: str) -> AbstractContextManager[None]:
    """Within this context keys are of this generator. There is one, "threefry2x32"; raises
    ValueError for others.

    >>> import jitad
    >>> with jitad.default_prng_impl("threefry2x32"):
    ...     key = jitad.random.key(0)
    """
    return _setting("default_prng_impl", name)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Within this context compiled programs compute on `count` threads, the caller's among them.

    With 1, a program keeps one core busy. The setting is the process's: other Python threads see
    it too. Raises TypeError or ValueError if `count` is not a positive int.

    >>> import jitad, jitad.numpy as jnp, numpy as np
    >>> x = np.linspace(0.0, 1.0, 1_000_000)
    >>> f = jitad.jit(lambda x: jnp.sum(jnp.sin(x) * x))
    >>> with jitad.threads(1):
    ...     one = f(x)
    >>> bool(f(x) == one)  # to the bit
    True
    """
    before = config.threads
    config.threads = count
    try:
        yield
    finally:
        config.threads = before
