"""Initializers of parameters: functions `init(key, shape, dtype)`, and makers of such.

>>> from jitad import nn, random
>>> nn.initializers.glorot_normal()(random.key(0), (3, 4)).shape
(3, 4)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from jitad_ir.types import FLOAT64, DType, Shape, complex_dtype, real_dtype

from .. import numpy as jnp
from .. import random
from ..errors import at_user_line
from ..numpy.promotion import as_dtype
from ..numpy.shapes import as_shape

__all__ = [
    "Initializer",
    "constant",
    "delta_orthogonal",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
__dir__ = __all__.copy

Axes = int | Sequence[int]


@runtime_checkable
class Initializer(Protocol):
    """`init(key, shape, dtype=None, out_sharding=None)`: an array of that shape; float64 unless a
    dtype is given here or where the initializer is made.

    >>> from jitad import nn
    >>> isinstance(nn.initializers.zeros, nn.initializers.Initializer)
    True
    """

    def __call__(
        self, key: Any, shape: Any, dtype: Any = None, out_sharding: None = None
    ) -> Any: ...


def _dtype(dtype: Any) -> DType:
    return FLOAT64 if dtype is None else as_dtype(dtype)


def zeros(key: Any, shape: Any, dtype: Any = None, out_sharding: None = None) -> Any:
    """Zeros of `shape`, in `dtype` (float64 if None); `key` is not used.

    >>> from jitad import nn, random
    >>> nn.initializers.zeros(random.key(0), (2,))
    Array([0., 0.])
    """
    return jnp.zeros(shape, _dtype(dtype))


def ones(key: Any, shape: Any, dtype: Any = None, out_sharding: None = None) -> Any:
    """Ones of `shape`, in `dtype` (float64 if None); `key` is not used.

    >>> from jitad import nn, random
    >>> import numpy as np
    >>> nn.initializers.ones(random.key(0), (2,), np.float32)
    Array([1., 1.], dtype=float32)
    """
    return jnp.ones(shape, _dtype(dtype))


def constant(value: Any, dtype: Any = None) -> Initializer:
    """Maker of an `Initializer`: `value`, a number or an array that broadcasts, everywhere.

    >>> from jitad import nn, random
    >>> nn.initializers.constant(0.5)(random.key(0), (2,))
    Array([0.5, 0.5])
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        return jnp.full(shape, value, _dtype(dtype))

    return init


def uniform(scale: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Maker of an `Initializer`: uniform in [0, scale).

    >>> from jitad import nn, random
    >>> nn.initializers.uniform(10.0)(random.key(0), (3,))
    Array([4.18457112, 2.16295455, 9.65321461])
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        found = _dtype(dtype)
        return random.uniform(key, shape, found) * jnp.asarray(scale, found)

    return init


def normal(stddev: Any = 1e-2, dtype: Any = None) -> Initializer:
    """Maker of an `Initializer`: normal of mean 0 and standard deviation `stddev`.

    >>> from jitad import nn, random
    >>> nn.initializers.normal(1.0)(random.key(0), (3,))
    Array([-0.20584214, -0.78476578,  1.81608667])
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        found = _dtype(dtype)
        return random.normal(key, shape, found) * jnp.asarray(stddev, found)

    return init


def truncated_normal(
    stddev: Any = 1e-2, dtype: Any = None, lower: Any = -2.0, upper: Any = 2.0
) -> Initializer:
    """Maker of an `Initializer`: `stddev` times standard normal floats given that they are in
    (lower, upper).

    >>> from jitad import nn, random
    >>> nn.initializers.truncated_normal(1.0)(random.key(0), (3,))
    Array([-0.19635199, -0.74147057,  1.59059133])
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        found = _dtype(dtype)
        draws = random.truncated_normal(key, lower, upper, shape, found)
        return draws * jnp.asarray(stddev, found)

    return init


def _product(shape: Shape, axes: Axes) -> int:
    return shape[axes] if isinstance(axes, int) else math.prod([shape[i] for i in axes])


def _fans(shape: Shape, in_axis: Axes, out_axis: Axes, batch_axis: Axes) -> tuple[float, float]:
    """How many inputs each output has, and how many outputs each input."""
    if in_axis == -2 and len(shape) <= 1:
        raise ValueError(
            at_user_line(
                f"Can't compute input and output sizes of a {len(shape)}-dimensional weights "
                "tensor with default in_axis. Must be at least 2D or specify in_axis explicitly."
            )
        )
    inputs, outputs = _product(shape, in_axis), _product(shape, out_axis)
    field = math.prod(shape) / inputs / outputs / _product(shape, batch_axis)
    return inputs * field, outputs * field


def _denominator(mode: str, fan_in: float, fan_out: float) -> float:
    if mode == "fan_in":
        return fan_in
    if mode == "fan_out":
        return fan_out
    if mode == "fan_avg":
        return (fan_in + fan_out) / 2
    if mode == "fan_geo_avg":
        return math.sqrt(fan_in * fan_out)
    raise ValueError(at_user_line(f"invalid mode for variance scaling initializer: {mode}"))


def _uniform_in_disk(key: Any, shape: Shape, dtype: DType) -> Any:
    """Complex numbers of variance 1, uniform in a disk."""
    keys, part = random.split(key), real_dtype(dtype)
    r = jnp.sqrt(2 * random.uniform(keys[0], shape, part))
    return _polar(r, keys[1], shape, part)


def _normal_in_disk(key: Any, bound: float, shape: Shape, dtype: DType) -> Any:
    """Complex normal numbers of variance 1 given that their modulus is below `bound`."""
    keys, part = random.split(key), real_dtype(dtype)
    t = (1 - math.exp(-(bound**2))) * random.uniform(keys[0], shape, part)
    return _polar(jnp.sqrt(-jnp.log(1 - t)), keys[1], shape, part)


def _polar(r: Any, key: Any, shape: Shape, dtype: DType) -> Any:
    theta = 2 * math.pi * random.uniform(key, shape, dtype)
    return r.astype(complex_dtype(dtype)) * jnp.exp(1j * theta)


def variance_scaling(
    scale: Any,
    mode: str,
    distribution: str,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    batch_axis: Axes = (),
    dtype: Any = None,
) -> Initializer:
    """Maker of an `Initializer` of mean 0 and variance scale / n.

    n is the number of inputs ("fan_in"), of outputs ("fan_out"), or their arithmetic ("fan_avg") or
    geometric ("fan_geo_avg") mean; the distribution "truncated_normal" (at two standard
    deviations), "normal" or "uniform". Inputs lie along `in_axis`, outputs along `out_axis`, what
    is neither along `batch_axis`; each is an int or several; all other axes count for both. Raises
    ValueError for other modes and distributions, and, when called, for shapes of fewer than two
    axes.

    >>> from jitad import nn, random
    >>> init = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
    >>> float(init(random.key(0), (200, 100)).std())  # sqrt(2 / 200)
    0.10019339177391
    """
    if distribution not in ("truncated_normal", "normal", "uniform"):
        raise ValueError(
            at_user_line(f"invalid distribution for variance scaling initializer: {distribution}")
        )

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        found, lengths = _dtype(dtype), as_shape(shape)
        denominator = _denominator(mode, *_fans(lengths, in_axis, out_axis, batch_axis))
        deviation = jnp.sqrt(jnp.asarray(scale / denominator, found))
        is_real = found.kind == "f"
        if distribution == "normal":
            return random.normal(key, lengths, found) * deviation
        if distribution == "uniform":
            if is_real:
                return random.uniform(key, lengths, found, -1) * (math.sqrt(3) * deviation)
            return _uniform_in_disk(key, lengths, found) * deviation
        # The constants are the standard deviations of what is truncated at 2.
        if is_real:
            draws = random.truncated_normal(key, -2, 2, lengths, found)
            return draws * (deviation / 0.87962566103423978)
        return _normal_in_disk(key, 2.0, lengths, found) * (deviation / 0.95311164380491208)

    return init


def glorot_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Maker of an `Initializer`: uniform of variance 2 / (inputs + outputs) (X. Glorot, Y. Bengio,
    "Understanding the difficulty of training deep feedforward neural networks", 2010). Axes as in
    `variance_scaling`.

    >>> from jitad import nn, random
    >>> nn.initializers.glorot_uniform()(random.key(0), (2, 2))
    Array([[-0.19973847, -0.69493137],
           [ 1.13980015,  0.18248829]])
    """
    return variance_scaling(1.0, "fan_avg", "uniform", in_axis, out_axis, batch_axis, dtype)


def glorot_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Maker of an `Initializer`: truncated normal of variance 2 / (inputs + outputs) (X. Glorot, Y.
    Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010). Axes
    as in `variance_scaling`.

    >>> from jitad import nn, random
    >>> nn.initializers.glorot_normal()(random.key(0), (2, 2))
    Array([[-0.15784195, -0.59604771],
           [ 1.27863245,  0.14405613]])
    """
    return variance_scaling(
        1.0, "fan_avg", "truncated_normal", in_axis, out_axis, batch_axis, dtype
    )


def lecun_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Maker of an `Initializer`: uniform of variance 1 / inputs (Y. LeCun et al., "Efficient
    backprop", 1998). Axes as in `variance_scaling`.

    >>> from jitad import nn, random
    >>> nn.initializers.lecun_uniform()(random.key(0), (2, 2))
    Array([[-0.19973847, -0.69493137],
           [ 1.13980015,  0.18248829]])
    """
    return variance_scaling(1.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def lecun_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Maker of an `Initializer`: truncated normal of variance 1 / inputs (Y. LeCun et al.,
    "Efficient backprop", 1998). Axes as in `variance_scaling`.

    >>> from jitad import nn, random
    >>> nn.initializers.lecun_normal()(random.key(0), (2, 2))
    Array([[-0.15784195, -0.59604771],
           [ 1.27863245,  0.14405613]])
    """
    return variance_scaling(1.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


def he_uniform(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Maker of an `Initializer`: uniform of variance 2 / inputs (K. He et al., "Delving deep into
    rectifiers", 2015). Axes as in `variance_scaling`.

    >>> from jitad import nn, random
    >>> nn.initializers.he_uniform()(random.key(0), (2, 2))
    Array([[-0.28247285, -0.98278137],
           [ 1.61192083,  0.25807742]])
    """
    return variance_scaling(2.0, "fan_in", "uniform", in_axis, out_axis, batch_axis, dtype)


def he_normal(
    in_axis: Axes = -2, out_axis: Axes = -1, batch_axis: Axes = (), dtype: Any = None
) -> Initializer:
    """Maker of an `Initializer`: truncated normal of variance 2 / inputs (K. He et al., "Delving
    deep into rectifiers", 2015). Axes as in `variance_scaling`.

    >>> from jitad import nn, random
    >>> nn.initializers.he_normal()(random.key(0), (2, 2))
    Array([[-0.22322222, -0.84293876],
           [ 1.80825936,  0.20372613]])
    """
    return variance_scaling(2.0, "fan_in", "truncated_normal", in_axis, out_axis, batch_axis, dtype)


xavier_uniform, xavier_normal = glorot_uniform, glorot_normal
kaiming_uniform, kaiming_normal = he_uniform, he_normal


def orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Maker of an `Initializer`: `scale` times a matrix with orthonormal columns along
    `column_axis` (all other axes together are its rows), or orthonormal rows if there are fewer of
    them (A. Saxe et al., "Exact solutions to the nonlinear dynamics of learning", 2013).

    The initializer raises ValueError for shapes of fewer than two axes.

    >>> from jitad import nn, random
    >>> import numpy as np
    >>> q = nn.initializers.orthogonal()(random.key(0), (3, 2))
    >>> np.allclose(q.T @ q, np.eye(2))
    True
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        found, lengths = _dtype(dtype), as_shape(shape)
        if len(lengths) < 2:
            raise ValueError(at_user_line("orthogonal initializer requires at least a 2D shape"))
        if 0 in lengths:
            return jnp.zeros(lengths, found)
        columns = lengths[column_axis]
        matrix = random.orthogonal(key, math.prod(lengths) // columns, (), found, columns)
        others = tuple(np.delete(lengths, column_axis).tolist())
        tensor = jnp.moveaxis(jnp.reshape(matrix, (*others, columns)), -1, column_axis)
        return jnp.asarray(scale, found) * tensor

    return init


def delta_orthogonal(scale: Any = 1.0, column_axis: int = -1, dtype: Any = None) -> Initializer:
    """Maker of an `Initializer`: convolution kernels that are an orthogonal matrix at their center
    and 0 elsewhere (L. Xiao et al., "Dynamical isometry and a mean field theory of CNNs", 2018).

    The initializer takes shapes of 3 to 5 axes, the last two (in, out) with in <= out, and raises
    ValueError for others.

    >>> from jitad import nn, random
    >>> import numpy as np
    >>> kernel = nn.initializers.delta_orthogonal()(random.key(0), (3, 1, 1))
    >>> np.abs(kernel[:, 0, 0])
    Array([0., 1., 0.])
    """

    def init(key: Any, shape: Any, dtype: Any = dtype, out_sharding: None = None) -> Any:
        found, lengths = _dtype(dtype), as_shape(shape)
        if len(lengths) not in (3, 4, 5):
            raise ValueError(
                at_user_line("Delta orthogonal initializer requires a 3D, 4D or 5D shape.")
            )
        if lengths[-1] < lengths[-2]:
            raise ValueError(at_user_line("`fan_in` must be less or equal than `fan_out`."))
        matrix = orthogonal(scale, column_axis, found)(key, lengths[-2:])
        center = tuple([(n - 1) // 2 for n in lengths[:-2]])
        around = [(c, n - 1 - c) for c, n in zip(center, lengths[:-2], strict=True)]
        return jnp.pad(matrix[(None,) * len(center)], [*around, (0, 0), (0, 0)])

    return init
