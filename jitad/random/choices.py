"""Orders and choices: permutations, samples from arrays, categories."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad_ir import ops
from jitad_ir.types import DTYPES

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_array_operand, common_dtype, convert
from ..numpy.shapes import as_shape, moveaxis, reshape, transpose
from ..trace import apply
from .arguments import distribution, shape_of_result, take_key
from .inversions import standard_gumbel
from .keys import random_words
from .uniforms import randint, random_bits, standard_uniform

_U32 = DTYPES["u32"]


def _shuffled(key: Any, x: Any, axis: int) -> Any:
    """Sorted along `axis` by random keys of 32 bits; again and again, until it is improbable that
    two elements had equal keys each time."""
    rounds = math.ceil(3 * math.log(max(1, math.prod(x.shape))) / math.log(2**32 - 1))
    for _ in range(rounds):
        keys = random_words(key, (2,))
        key, subkey = keys[0], keys[1]
        order = random_bits(subkey, x.shape, _U32)
        _, x = apply(ops.sort, order, x, axis=axis, num_keys=1, descending=False)
    return x


@distribution
def permutation(
    key: Any, x: Any, axis: int = 0, independent: bool = False, *, out_sharding: None = None
) -> Any:
    """`x` with the slices along `axis` in random order; the numbers below `x` if it is an int. If
    `independent`, each vector along `axis` is shuffled for itself.

    The result has the shape and dtype of `x`. TypeError for a scalar that is no integer.

    >>> from jitad import random
    >>> random.permutation(random.key(0), 4)
    Array([0, 1, 3, 2])
    """
    word = take_key("permutation", key)
    x = as_array_operand(x)
    place = normalize_axis_index(axis, x.ndim or 1)
    if not x.ndim:
        if x.dtype.kind not in "iu":
            raise TypeError(at_user_line("x must be an integer or at least 1-dimensional"))
        return _shuffled(word, jnp.arange(operator.index(x)), place)
    if independent or x.ndim == 1:
        return _shuffled(word, x, place)
    return jnp.take(x, _shuffled(word, jnp.arange(x.shape[place]), 0), place)


@distribution
def choice(
    key: Any,
    a: Any,
    shape: Any = (),
    replace: bool = True,
    p: Any = None,
    axis: int = 0,
    mode: str | None = None,
) -> Any:
    """Slices of `a` along `axis` (of the numbers below `a` if it is an int), drawn with the
    probabilities `p`, or equal ones; each at most once unless `replace`.

    The result has shape `shape` in place of that axis, and the dtype of `a` (int64 for an int).
    Raises ValueError for more draws than there are slices without replacement, TypeError for a
    `shape` that is no sequence.

    >>> from jitad import random
    >>> import numpy as np
    >>> random.choice(random.key(0), np.array([10, 20, 30]), (4,))
    Array([10, 30, 30, 30])
    """
    word = take_key("choice", key)
    if not isinstance(shape, Sequence):
        raise TypeError(at_user_line(f"shape argument of choice must be a sequence, got {shape!r}"))
    lengths, array = as_shape(shape), as_array_operand(a)
    place = normalize_axis_index(axis, array.ndim) if array.ndim else 0
    size = array.shape[place] if array.ndim else operator.index(array)
    draws = math.prod(lengths)
    if draws == 0:
        return jnp.zeros(lengths, array.dtype)
    if size <= 0:
        raise ValueError(at_user_line("a must be greater than 0 unless no samples are taken"))
    if not replace and draws > size:
        raise ValueError(
            at_user_line(
                f"Cannot take a larger sample (size {draws}) than population (size {size}) when "
                "'replace=False'"
            )
        )
    if p is None and not replace:
        index: tuple[Any, ...] = (slice(None),) * place + (slice(draws),)
        shuffled = permutation(word, array if array.ndim else size, place)
        return _shaped(shuffled[index], array, place, lengths)
    if p is None:
        chosen = randint(word, lengths, 0, size)
    else:
        chosen = _weighted(word, p, size, lengths, replace, mode)
    return _shaped(jnp.take(array, chosen, place) if array.ndim else chosen, array, place, lengths)


def _shaped(drawn: Any, array: Any, axis: int, shape: tuple[int, ...]) -> Any:
    if not array.ndim:
        return reshape(drawn, shape)
    return reshape(drawn, array.shape[:axis] + shape + array.shape[axis + 1 :])


def _weighted(
    key: Any, p: Any, size: int, shape: tuple[int, ...], replace: bool, mode: str | None
) -> Any:
    """Numbers below `size` with the probabilities `p`."""
    p = as_array_operand(p)
    p = convert(p, common_dtype([p, 1.0]))
    if p.shape != (size,):
        raise ValueError(
            at_user_line(
                "p must be None or a 1D vector with the same size as a.shape[axis]. p has shape "
                f"{p.shape} and a.shape[axis] is {size}."
            )
        )
    if replace:
        cumulative = jnp.cumsum(p)
        r = cumulative[-1] * (1 - standard_uniform(key, shape, p.dtype))
        return convert(jnp.searchsorted(cumulative, r), DTYPES["i64"])
    # The greatest of log p + Gumbel noise (Vieira 2014, "Gumbel-max trick and weighted reservoir").
    scores = standard_gumbel(key, (size,), p.dtype, mode or "low") + jnp.log(p)
    return apply(ops.top_k, scores, k=math.prod(shape))[1]


@distribution
def categorical(
    key: Any,
    logits: Any,
    axis: int = -1,
    shape: Any = None,
    replace: bool = True,
    mode: str | None = None,
    *,
    out_sharding: None = None,
) -> Any:
    """Numbers of categories along `axis` of `logits`, of probabilities proportional to exp(logits):
    where logits plus Gumbel noise is greatest.

    The result is of integers. `shape` (default: that of `logits` without `axis`) may have further
    axes in front; without `replace` they hold different categories. TypeError for logits that are
    no floats.

    >>> from jitad import random
    >>> import numpy as np
    >>> random.categorical(random.key(0), np.log(np.array([0.1, 0.9])), shape=(5,))
    Array([1, 0, 1, 1, 1])
    """
    word = take_key("categorical", key)
    logits = as_array_operand(logits)
    if logits.dtype.kind != "f":
        raise TypeError(at_user_line(f"categorical: logits must be floats; got {logits.dtype}"))
    place = normalize_axis_index(axis, logits.ndim)
    batch = logits.shape[:place] + logits.shape[place + 1 :]
    like = np.broadcast_to(np.False_, batch)
    lengths = shape_of_result("categorical", batch if shape is None else shape, like)
    front = lengths[: len(lengths) - len(batch)]
    if replace:
        whole = list(lengths[len(front) :])
        whole.insert(place, logits.shape[place])
        noise = standard_gumbel(word, (*front, *whole), logits.dtype, mode or "low")
        return jnp.argmax(noise + logits, place - logits.ndim)
    scores = logits + standard_gumbel(word, logits.shape, logits.dtype, mode or "low")
    count = math.prod(front)
    if count > logits.shape[place]:
        raise ValueError(
            at_user_line(
                f"Number of samples without replacement ({count}) cannot exceed number of "
                f"categories ({logits.shape[place]})."
            )
        )
    indices = apply(ops.top_k, moveaxis(scores, place, -1), k=count)[1]
    last = indices.ndim - 1
    return reshape(transpose(indices, (last, *range(last))), lengths)
