"""Keys of random bits: how they are made, split and written down.

A key is a number of 64 bits, a `uint64` array of shape (): the two words of 32 bits that JAX's
default generator (threefry2x32) works on, the first in the high bits. Arrays of keys are `uint64`
arrays, so that they are indexed, stacked, batched, scanned and jitted as other arrays are. Raw keys
(`uint32[2]`, of `PRNGKey`) are taken wherever keys are; `split` and `fold_in` return what they got.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DTYPES, Shape

from ..array import as_array
from ..errors import at_user_line, hides_internals
from ..numpy.joining import stack
from ..numpy.promotion import as_array_operand, as_operand, convert
from ..numpy.shapes import as_shape, broadcast_to, reshape
from ..trace import Tracer, apply

_U32, _U64 = DTYPES["u32"], DTYPES["u64"]
_IMPLEMENTATION = "threefry2x32"


def _check_implementation(impl: Any, dtype: Any) -> None:
    if impl is not None and dtype is not None:
        raise ValueError(at_user_line("expected one of impl and dtype; got both"))
    given = impl if dtype is None else dtype
    if given not in (None, _IMPLEMENTATION, "fry") and given != _U64:
        raise ValueError(
            at_user_line(f"unrecognized PRNG implementation {given!r}; there is {_IMPLEMENTATION}")
        )


def _seeded(name: str, seed: Any) -> Any:
    """The key of a seed: its 64 bits."""
    if isinstance(seed, int):
        if not -(2**63) <= seed < 2**64:
            raise OverflowError(at_user_line(f"{name}: seed {seed} has more than 64 bits"))
        return as_array(np.uint64(seed % 2**64))
    seed = as_array_operand(seed)
    if seed.shape:
        raise TypeError(
            at_user_line(
                f"{name} accepts a scalar seed, but was given an array of shape {seed.shape} != "
                "(). Use jitad.vmap for batching"
            )
        )
    if seed.dtype.kind not in "iu":
        raise TypeError(at_user_line(f"PRNG key seed must be an integer; got {seed.dtype}"))
    if seed.dtype.itemsize < 8:  # narrow seeds are padded with zeros, whatever their sign
        seed = convert(convert(seed, np.dtype(f"u{seed.dtype.itemsize}")), _U64)
    key = convert(seed, _U64)
    return key if isinstance(key, Tracer) else as_array(key)


def key(seed: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """The key of an integer seed (of 64 bits; negative ones wrap).

    >>> from jitad import random
    >>> random.key(42)
    Array(42, dtype=uint64)
    >>> random.normal(random.key(42), (2,))
    Array([-0.18471175, -2.16982456])
    """
    _check_implementation(impl, dtype)
    return _seeded("key", seed)


def PRNGKey(seed: Any, *, impl: Any = None) -> Any:  # noqa: N802  (JAX's name)
    """The raw key of an integer seed: `uint32[2]`.

    >>> from jitad import random
    >>> random.PRNGKey(42)
    Array([ 0, 42], dtype=uint32)
    """
    _check_implementation(impl, None)
    return _to_data(_seeded("PRNGKey", seed))


def _to_data(keys: Any) -> Any:
    high = convert(apply(ops.shift_right_logical, keys, 32), _U32)
    return stack([high, convert(keys, _U32)], -1)


def _from_data(data: Any) -> Any:
    words = convert(data, _U64)
    return apply(
        ops.bitwise_or, apply(ops.shift_left, words[..., 0], 32), as_operand(words[..., 1])
    )


def _as_keys(name: str, keys: Any) -> tuple[Any, bool]:
    """Keys as `uint64`, and whether they were given raw."""
    if not hasattr(keys, "dtype"):
        raise TypeError(
            at_user_line(
                f"{name}: unexpected PRNG key type {type(keys).__name__}; make keys by "
                "jitad.random.key(seed)"
            )
        )
    keys = as_array_operand(keys)
    if keys.dtype == _U64:
        return keys, False
    if keys.dtype == _U32 and keys.ndim and keys.shape[-1] == 2:
        return _from_data(keys), True
    raise TypeError(
        at_user_line(
            f"{name}: expected a key (uint64[]) or a raw key (uint32[2]); got "
            f"{keys.dtype.name}{list(keys.shape)}. Make keys by jitad.random.key(seed)"
        )
    )


def single_key(name: str, key: Any) -> tuple[Any, bool]:
    """A key as `uint64[]`, and whether it was given raw; raises ValueError for arrays of keys."""
    word, raw = _as_keys(name, key)
    if word.shape:
        raise ValueError(
            at_user_line(
                f"{name} accepts a single key, but was given a key array of shape {word.shape} "
                "!= (). Use jitad.vmap for batching"
            )
        )
    return word, raw


def encipher(keys: Any, counters: Any) -> Any:
    """64 random bits for each of `counters` (`uint64`) by the key at its place."""
    return apply(ops.threefry2x32, keys, counters)


def random_words(key: Any, shape: Shape) -> Any:
    """64 random bits for each element of `shape`: the counters 0, 1, ... enciphered."""
    if not shape:
        return encipher(key, np.uint64(0))
    counters = reshape(apply(ops.iota, shape=(math.prod(shape),), dim=0, dtype=_U64), shape)
    return encipher(broadcast_to(key, shape), counters)


@hides_internals
def split(key: Any, num: int | tuple[int, ...] = 2) -> Any:
    """An array of new keys, of shape (num,) or `num`; of a raw key raw keys.

    >>> from jitad import random
    >>> random.split(random.key(0)).shape
    (2,)
    """
    word, raw = single_key("split", key)
    keys = random_words(word, as_shape(num))
    return _to_data(keys) if raw else keys


@hides_internals
def fold_in(key: Any, data: Any) -> Any:
    """The new key of a key and an integer, of which 32 bits count.

    A raw key (`uint32[2]`) gives a raw key. TypeError for a `data` that is no scalar, ValueError
    for arrays of keys: use `jitad.vmap`.

    >>> from jitad import random
    >>> random.fold_in(random.key(0), 7)
    Array(11668679630963783347, dtype=uint64)
    """
    word, raw = single_key("fold_in", key)
    data = as_array_operand(data)
    if data.shape:
        raise TypeError(
            at_user_line(
                f"fold_in accepts a scalar, but was given an array of shape {data.shape} != (). "
                "Use jitad.vmap for batching"
            )
        )
    if data.dtype.kind not in "iu":
        raise TypeError(at_user_line(f"fold_in accepts an integer; got {data.dtype}"))
    found = encipher(word, convert(convert(data, _U32), _U64))
    return _to_data(found) if raw else found


def key_data(keys: Any) -> Any:
    """Keys as raw keys: `uint32[..., 2]`, the high word first.

    TypeError for what are no keys.

    >>> from jitad import random
    >>> random.key_data(random.key(42))
    Array([ 0, 42], dtype=uint32)
    """
    return _to_data(_as_keys("key_data", keys)[0])


def wrap_key_data(key_bits_array: Any, *, impl: Any = None, dtype: Any = None) -> Any:
    """Raw keys (`uint32[..., 2]`) as keys (`uint64[...]`).

    The inverse of `key_data`. TypeError for other dtypes and shapes.

    >>> from jitad import random
    >>> import numpy as np
    >>> random.wrap_key_data(np.array([0, 42], np.uint32))
    Array(42, dtype=uint64)
    """
    _check_implementation(impl, dtype)
    data = as_array_operand(key_bits_array)
    if data.dtype != _U32 or not data.ndim or data.shape[-1] != 2:
        raise TypeError(
            at_user_line(
                f"wrap_key_data: expected uint32[..., 2]; got {data.dtype.name}{list(data.shape)}"
            )
        )
    return _from_data(data)


def key_impl(keys: Any) -> str:
    """Name of the generator of `keys`: "threefry2x32", the only one.

    TypeError for what are no keys.

    >>> from jitad import random
    >>> random.key_impl(random.key(0))
    'threefry2x32'
    """
    _as_keys("key_impl", keys)
    return _IMPLEMENTATION


def key_dtype(impl: Any = None) -> Any:
    """Dtype of keys: uint64.

    ValueError for an `impl` that is not "threefry2x32".

    >>> from jitad import random
    >>> random.key_dtype()
    dtype('uint64')
    """
    _check_implementation(impl, None)
    return _U64


def clone(key: Any) -> Any:
    """The same key, for a second use on purpose.

    A raw key (`uint32[2]`) gives a raw key.

    >>> from jitad import random
    >>> random.clone(random.key(42))
    Array(42, dtype=uint64)
    """
    word, raw = _as_keys("clone", key)
    return _to_data(word) if raw else word
