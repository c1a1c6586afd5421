"""Random bits, and the derivative of gamma variates, by the names of `jax.lax`. `jitad.random` is
what programs should use."""

from __future__ import annotations

import enum
import math
from typing import Any

import numpy as np

from jitad_ir import ops
from jitad_ir.types import DTYPES

from .. import numpy as jnp
from .. import random
from ..errors import at_user_line
from ..numpy.promotion import Operand, as_dtype, convert, filled
from ..random.implicit import log_gamma_derivative
from ..trace import apply
from ..transforms.callbacks import io_callback
from ..transforms.inspection import ShapeDtypeStruct
from .operands import as_array, of_one_dtype, of_one_shape
from .shapes import as_shape

U32, U64 = DTYPES["u32"], DTYPES["u64"]


class RandomAlgorithm(enum.IntEnum):
    """Generators of `rng_bit_generator`: Threefry-2x32 and Philox-4x32 (J. K. Salmon et al.,
    "Parallel random numbers: as easy as 1, 2, 3", 2011). The default is Philox, as XLA's on CPUs.

    >>> from jitad import lax
    >>> lax.RandomAlgorithm.RNG_THREE_FRY.value
    1
    """

    RNG_DEFAULT = 0
    RNG_THREE_FRY = 1
    RNG_PHILOX = 2


def rng_bit_generator(
    key: Any,
    shape: Any,
    dtype: Any = np.uint32,
    algorithm: RandomAlgorithm = RandomAlgorithm.RNG_DEFAULT,
    *,
    out_sharding: Any = None,
) -> tuple[Any, Any]:
    """`(new key, bits)`: random bits of `shape` in an unsigned `dtype`, the same as JAX's on a CPU,
    for a key of two 64-bit words (uint64[2], or uint32[4] with low halves first): the key of the
    cipher, and a counter, which the new key has advanced.

    Raises TypeError for other keys and dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> key, bits = lax.rng_bit_generator(np.array([1, 2], np.uint64), (2,))
    >>> key
    Array([1, 3], dtype=uint64)
    """
    lengths, kind = as_shape("rng_bit_generator", shape), as_dtype(dtype)
    if kind.kind != "u":
        raise TypeError(at_user_line(f"rng_bit_generator: unsupported dtype {kind}"))
    state = as_array("rng_bit_generator", key)
    if (state.shape, state.dtype) not in (((2,), U64), ((4,), U32)):
        raise TypeError(
            at_user_line(
                "rng_bit_generator: expected a key uint64[2] or uint32[4]; got "
                f"{state.dtype}{list(state.shape)}"
            )
        )
    if state.dtype == U32:
        low, high = convert(state[::2], U64), convert(state[1::2], U64)
        words = jnp.bitwise_or(low, jnp.left_shift(high, filled(high, 32)))
    else:
        words = jnp.asarray(state)
    wide = U64 if kind == U64 else U32
    if RandomAlgorithm(algorithm) is RandomAlgorithm.RNG_THREE_FRY:
        bits, count = _threefry(words, lengths, wide)
    else:
        bits, count = _philox(words, lengths, wide)
    advanced = jnp.stack([words[0], words[1] + np.uint64(count)])
    if state.dtype == U32:
        halves = [convert(advanced, U32), _high(advanced)]
        advanced = jnp.reshape(jnp.stack(halves, 1), (4,))
    return advanced, convert(bits, kind)


def _high(x: Operand) -> Operand:
    return convert(apply(ops.shift_right_logical, x, filled(x, 32)), U32)


def _counters(words: Operand, count: int) -> Operand:
    return jnp.broadcast_to(words[1], (count,)) + jnp.arange(count, dtype=U64)


def _turned(x: Operand) -> Operand:
    """The halves of 64 bits exchanged: XLA has the first word low, the op has it high."""
    low = apply(ops.shift_left, x, filled(x, 32))
    return jnp.bitwise_or(low, apply(ops.shift_right_logical, x, filled(x, 32)))


def _threefry(words: Operand, shape: tuple[int, ...], dtype: Any) -> tuple[Operand, int]:
    """Each counter gives 64 bits. Words of 32 are two neighbours along one axis: the first of even
    length, else the longest, which is cut off."""
    if dtype == U64:
        return jnp.reshape(_enciphered(words, math.prod(shape)), shape), math.prod(shape)
    lengths = list(shape or (1,))
    even = [axis for axis, n in enumerate(lengths) if n % 2 == 0]
    axis = even[0] if even else lengths.index(max(lengths))
    wanted = lengths[axis]
    lengths[axis] = -(-wanted // 2)
    count = math.prod(lengths)
    pairs = jnp.reshape(_enciphered(words, count), lengths)
    both = jnp.stack([convert(pairs, U32), _high(pairs)], axis + 1)
    joined = jnp.reshape(both, (*lengths[:axis], 2 * lengths[axis], *lengths[axis + 1 :]))
    index = (slice(None),) * axis + (slice(wanted),)
    return jnp.reshape(joined[index], shape), count


def _enciphered(words: Operand, count: int) -> Operand:
    key = jnp.broadcast_to(_turned(words[0]), (count,))
    return _turned(apply(ops.threefry2x32, key, _turned(_counters(words, count))))


_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = 0xFFFFFFFF
_ROUNDS = 10


def _philox(words: Operand, shape: tuple[int, ...], dtype: Any) -> tuple[Operand, int]:
    """Each counter, with the key in its upper half, gives four words of 32 bits."""
    each = 2 if dtype == U64 else 4
    size = math.prod(shape)
    count = -(-size // each)
    low, high = _counters(words, count), jnp.broadcast_to(words[0], (count,))
    x = [half for word in (low, high) for half in (_lower(word), _upper(word))]
    key = [_lower(words[0]), _upper(words[0])]
    for _ in range(_ROUNDS):
        first, second = [
            apply(ops.mul, word, filled(word, m))
            for word, m in zip(x[::2], _MULTIPLIERS, strict=True)
        ]
        x = [
            jnp.bitwise_xor(jnp.bitwise_xor(_upper(second), x[1]), key[0]),
            _lower(second),
            jnp.bitwise_xor(jnp.bitwise_xor(_upper(first), x[3]), key[1]),
            _lower(first),
        ]
        key = [_lower(k + np.uint64(w)) for k, w in zip(key, _WEYL, strict=True)]
    if dtype == U64:
        parts = [
            jnp.bitwise_or(a, apply(ops.shift_left, b, filled(b, 32)))
            for a, b in zip(x[::2], x[1::2], strict=True)
        ]
    else:
        parts = [convert(word, U32) for word in x]
    return jnp.reshape(jnp.ravel(jnp.stack(parts, 1))[:size], shape), count


def _lower(x: Operand) -> Operand:
    return apply(ops.bitwise_and, x, filled(x, _LOW))


def _upper(x: Operand) -> Operand:
    return apply(ops.shift_right_logical, x, filled(x, 32))


_entropy: list[np.random.Generator] = []


def _seed() -> Any:
    if not _entropy:
        _entropy.append(np.random.default_rng())
    return _entropy[0].integers(2**64, dtype=np.uint64)


def rng_uniform(a: Any, b: Any, shape: Any) -> Any:
    """Numbers uniform in [a, b), for scalars of one dtype, floats or integers: others at each call,
    of a compiled function too. `jitad.random.uniform` gives numbers that can be reproduced.

    Raises ValueError if a and b are no scalars.

    >>> from jitad import lax
    >>> lax.rng_uniform(0.0, 1.0, (3,)).shape
    (3,)
    """
    low, high = of_one_dtype("rng_uniform", (a, b))
    if low.shape or high.shape:
        raise ValueError(
            at_user_line(
                f"Arguments to rng_uniform must be scalars; got shapes {low.shape} and "
                f"{high.shape}."
            )
        )
    lengths = as_shape("rng_uniform", shape)
    key = io_callback(_seed, ShapeDtypeStruct((), U64))
    if low.dtype.kind in "iu":
        return random.randint(key, lengths, low, high, low.dtype)
    if low.dtype.kind != "f":
        raise TypeError(
            at_user_line(f"rng_uniform does not accept dtype {low.dtype}: expected real numbers")
        )
    return random.uniform(key, lengths, low.dtype, low, high)


def random_gamma_grad(a: Any, sample: Any, *, log_space: bool = False) -> Any:
    """The derivative by `a` of a variate `sample` of the gamma distribution with parameter `a`, at
    a fixed rank, elementwise: dx/da = -(dP(x; a)/da) / p(x; a). With `log_space`, `sample` is log x
    and the derivative is that of log x.

    >>> from jitad import lax
    >>> lax.random_gamma_grad(1.0, 1.0)
    Array(1.17356303)
    """
    a, x = of_one_shape("random_gamma_grad", of_one_dtype("random_gamma_grad", (a, sample)))
    if a.dtype.kind != "f":
        raise TypeError(at_user_line(f"random_gamma_grad does not accept dtype {a.dtype}"))
    if log_space:
        return log_gamma_derivative(jnp.asarray(a), jnp.asarray(x))
    x = jnp.asarray(x)
    return x * log_gamma_derivative(jnp.asarray(a), jnp.log(x))
