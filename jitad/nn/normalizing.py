"""Functions of all elements along an axis: softmax and its logarithm, standardization, one-hot."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad_ir import ops
from jitad_ir.types import FLOAT64

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.half import in_single
from ..numpy.promotion import as_array_operand, as_dtype, as_operand, common_dtype, convert
from ..trace import apply
from ..transforms.collectives import axis_index, axis_size
from ..transforms.stop import stop_gradient
from .activations import as_inexact


def _greatest(x: Any, axis: Any, where: Any) -> Any:
    """Greatest element (by real part) along `axis`, which stays; not differentiated."""
    return stop_gradient(jnp.max(jnp.real(x), axis, where=where, initial=-np.inf, keepdims=True))


@in_single
def logsumexp(
    a: Any,
    axis: Any = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
    where: Any = None,
) -> Any:
    """log(sum(b exp(a))) over `axis` (None: all), without overflow; `b` defaults to ones.

    Elements of -inf, or with b = 0, add nothing, and have derivative 0 even if all are such. With
    `return_sign` the result is a pair: the logarithm of the sum's absolute value, and its sign (of
    modulus 1 if complex); else the logarithm of a negative real sum is nan.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.logsumexp(np.array([0.0, 0.0]))
    Array(0.69314718)
    """
    x, weights = as_inexact(a), None
    if b is not None:
        weights = as_operand(b)
        dtype = common_dtype([x, weights])
        x, weights = jnp.broadcast_arrays(convert(x, dtype), convert(weights, dtype))
        x = jnp.where(weights != 0, x, -np.inf)
    greatest = _greatest(x, axis, where)
    shift = jnp.where(jnp.isfinite(greatest), greatest, 0.0)
    terms = jnp.exp(x - shift)
    if weights is not None:
        terms = weights * terms
    total = jnp.sum(terms, axis, keepdims=True, where=where)
    sign = jnp.sign(total)
    is_real = total.dtype.kind == "f"
    if return_sign or is_real:
        total = jnp.abs(total)
    result = jnp.where(total == 0, -np.inf, jnp.log(total)) + shift
    if weights is not None and is_real and not return_sign:
        result = jnp.where(sign < 0, np.nan, result)
    if not keepdims:
        result, sign = jnp.squeeze(result, axis), jnp.squeeze(sign, axis)
    return (result, sign) if return_sign else result


@in_single
def logmeanexp(a: Any, axis: Any = None, where: Any = None, keepdims: bool = False) -> Any:
    """log(mean(exp(a))) over `axis` (None: all), without overflow; over elements where `where` is
    true.

    The result is like that of `logsumexp`, from which log(n) of the n elements is taken.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.logmeanexp(np.array([0.0, np.log(3.0)]))
    Array(0.69314718)
    """
    x = as_inexact(a)
    total = logsumexp(x, axis, keepdims=keepdims, where=where)
    counted = jnp.ones(x.shape, jnp.real(x).dtype)
    return total - jnp.log(jnp.sum(counted, axis, keepdims=keepdims, where=where))


@in_single
def log_softmax(x: Any, axis: Any = -1, where: Any = None) -> Any:
    """x - logsumexp(x) along `axis`; -inf where `where` is false.

    `x` is of any shape, which the result has; integers become float64. Nothing overflows.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.log_softmax(np.array([0.0, np.log(3.0)]))
    Array([-1.38629436, -0.28768207])
    """
    x = as_inexact(x)
    safe = x if where is None else jnp.where(where, x, -np.inf)
    shifted = safe - _greatest(x, axis, where)
    result = shifted - jnp.log(jnp.sum(jnp.exp(shifted), axis, where=where, keepdims=True))
    return result if where is None else jnp.where(where, result, -np.inf)


@in_single
def softmax(x: Any, axis: Any = -1, where: Any = None) -> Any:
    """exp(x) / sum(exp(x)) along `axis`; 0 where `where` is false.

    `x` is of any shape, which the result has; integers become float64. Nothing overflows.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.softmax(np.array([0.0, 0.0]))
    Array([0.5, 0.5])
    """
    x = as_inexact(x)
    safe = x if where is None else jnp.where(where, x, -np.inf)
    unnormalized = jnp.exp(safe - _greatest(x, axis, where))
    result = unnormalized / jnp.sum(unnormalized, axis, where=where, keepdims=True)
    return result if where is None else jnp.where(where, result, 0)


@in_single
def standardize(
    x: Any,
    axis: Any = -1,
    mean: Any = None,
    variance: Any = None,
    epsilon: Any = 1e-5,
    where: Any = None,
    *,
    algorithm: str = "fast",
) -> Any:
    """(x - mean) / sqrt(variance + epsilon), both taken over `axis` unless given.

    The result has the shape of `x`; integers become float64. The variance is mean(x^2) - mean(x)^2
    ("fast") or mean((x - mean)^2) ("stable"), of elements where `where` is true. ValueError for
    another `algorithm`.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.standardize(np.array([1.0, 2.0, 3.0]))
    Array([-1.22473569,  0.        ,  1.22473569])
    """
    x = as_inexact(x)
    if mean is None:
        mean = jnp.mean(x, axis, keepdims=True, where=where)
    if variance is None:
        if algorithm not in ("fast", "stable"):
            raise ValueError(
                at_user_line(f"Unknown algorithm {algorithm!r}. Expected 'fast' or 'stable'.")
            )
        squares = jnp.square(x - mean if algorithm == "stable" else x)
        variance = jnp.mean(squares, axis, keepdims=True, where=where)
        if algorithm == "fast":
            variance = jnp.maximum(variance - jnp.square(mean), 0.0)
    return jnp.subtract(x, mean) * apply(ops.rsqrt, as_inexact(jnp.add(variance, epsilon)))


def one_hot(x: Any, num_classes: int, *, dtype: Any = None, axis: Any = -1) -> Any:
    """1 at the place that each integer of `x` says along a new axis of length `num_classes` put at
    `axis`, 0 elsewhere (everywhere if the integer is out of range); float64 unless `dtype` says
    otherwise. If `axis` is the name of a vmapped axis, that axis takes the place of the new one.

    >>> one_hot(np.array([2, 0]), 3)
    Array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    x = as_array_operand(x)
    found = FLOAT64 if dtype is None else as_dtype(dtype)
    count = operator.index(num_classes)
    try:
        place = normalize_axis_index(operator.index(axis), x.ndim + 1)
    except TypeError:
        if count != axis_size(axis):
            raise ValueError(
                at_user_line(
                    f"Expected num_classes to match the size of axis {axis}, but {count} != "
                    f"{axis_size(axis)}"
                )
            ) from None
        return convert(jnp.equal(x, axis_index(axis)), found)
    shape = [1] * x.ndim
    shape.insert(place, count)
    classes = jnp.reshape(jnp.arange(count), shape)
    return convert(jnp.equal(jnp.expand_dims(x, place), classes), found)
