"""Layers of neural networks as pairs of functions: `init, apply = serial(Dense(32), Relu)`.

`init(key, input_shape) -> (output_shape, params)`, where the first axis is a batch and may be -1;
`apply(params, inputs, rng=None) -> outputs`. Layers without parameters have `()`.

>>> import jitad, numpy as np
>>> init, apply = serial(Dense(16), Tanh, Dense(3), LogSoftmax)
>>> shape, params = init(jitad.random.key(0), (-1, 8))
>>> shape, apply(params, np.ones((5, 8))).shape
((-1, 3), (5, 3))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

from .. import lax, nn, random
from .. import numpy as jnp
from ..nn.initializers import glorot_normal, normal, ones, zeros

__all__ = [
    "AvgPool",
    "BatchNorm",
    "Conv",
    "Conv1DTranspose",
    "ConvTranspose",
    "Dense",
    "Dropout",
    "Elu",
    "Exp",
    "FanInConcat",
    "FanInSum",
    "FanOut",
    "Flatten",
    "Gelu",
    "GeneralConv",
    "GeneralConvTranspose",
    "Identity",
    "LeakyRelu",
    "LogSoftmax",
    "MaxPool",
    "Relu",
    "Selu",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "SumPool",
    "Tanh",
    "elementwise",
    "parallel",
    "serial",
    "shape_dependent",
]
__dir__ = __all__.copy

Shape: TypeAlias = tuple[Any, ...]
Layer: TypeAlias = tuple[Callable[..., tuple[Any, Any]], Callable[..., Any]]


def Dense(  # noqa: N802  (JAX's names, here and below)
    out_dim: int, W_init: Any = None, b_init: Any = None
) -> Layer:
    """x W + b: inputs (..., n) to (..., `out_dim`).

    >>> import jitad
    >>> import numpy as np
    >>> from jitad import random
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.Dense(4)
    >>> shape, params = init(random.key(0), (-1, 3))
    >>> apply(params, np.ones((2, 3))).shape
    (2, 4)
    """
    weights, bias = W_init or glorot_normal(), b_init or normal()

    def init(rng: Any, input_shape: Shape) -> Any:
        k1, k2 = random.split(rng)
        params = weights(k1, (input_shape[-1], out_dim)), bias(k2, (out_dim,))
        return (*input_shape[:-1], out_dim), params

    def apply(params: Any, inputs: Any, **_kwargs: Any) -> Any:
        w, b = params
        return jnp.dot(inputs, w) + b

    return init, apply


def GeneralConv(  # noqa: N802
    dimension_numbers: tuple[str, str, str],
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Any = "VALID",
    W_init: Any = None,
    b_init: Any = None,
) -> Layer:
    """A convolution with a bias for each channel; `dimension_numbers` name the axes of inputs,
    filters and outputs, as ("NHWC", "HWIO", "NHWC") do.

    >>> import jitad
    >>> from jitad import random
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.GeneralConv(("NHWC", "HWIO", "NHWC"), 8, (3, 3), padding="SAME")
    >>> init(random.key(0), (1, 28, 28, 3))[0]
    (1, 28, 28, 8)
    """
    return _convolution(
        dimension_numbers, out_chan, filter_shape, strides, padding, W_init, b_init, False
    )


def GeneralConvTranspose(  # noqa: N802
    dimension_numbers: tuple[str, str, str],
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: Any = "VALID",
    W_init: Any = None,
    b_init: Any = None,
) -> Layer:
    """As `GeneralConv`, the transposed convolution.

    >>> import jitad
    >>> from jitad import random
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.GeneralConvTranspose(("NHWC", "HWIO", "NHWC"), 8, (2, 2), (2, 2))
    >>> init(random.key(0), (1, 14, 14, 3))[0]
    (1, 28, 28, 8)
    """
    return _convolution(
        dimension_numbers, out_chan, filter_shape, strides, padding, W_init, b_init, True
    )


def _convolution(
    numbers: tuple[str, str, str],
    out_chan: int,
    filter_shape: Sequence[int],
    strides: Sequence[int] | None,
    padding: Any,
    W_init: Any,
    b_init: Any,
    transposed: bool,
) -> Layer:
    lhs, rhs, out = numbers
    strides = tuple(strides or (1,) * len(filter_shape))
    weights = W_init or glorot_normal(rhs.index("I"), rhs.index("O"))
    bias = b_init or normal(1e-6)

    def init(rng: Any, input_shape: Shape) -> Any:
        sizes = iter(filter_shape)
        channels = {"O": out_chan, "I": input_shape[lhs.index("C")]}
        kernel = tuple([channels[c] if c in channels else next(sizes) for c in rhs])
        k1, k2 = random.split(rng)
        params = weights(k1, kernel), bias(k2, tuple([out_chan if c == "C" else 1 for c in out]))
        shape_of = lax.conv_transpose_shape_tuple if transposed else lax.conv_general_shape_tuple
        return shape_of(input_shape, kernel, strides, padding, numbers), params

    def apply(params: Any, inputs: Any, **_kwargs: Any) -> Any:
        w, b = params
        if transposed:
            product = lax.conv_transpose(inputs, w, strides, padding, dimension_numbers=numbers)
        else:
            one = (1,) * len(filter_shape)
            product = lax.conv_general_dilated(
                inputs, w, strides, padding, one, one, dimension_numbers=numbers
            )
        return product + b

    return init, apply


Conv = partial(GeneralConv, ("NHWC", "HWIO", "NHWC"))
ConvTranspose = partial(GeneralConvTranspose, ("NHWC", "HWIO", "NHWC"))
Conv1DTranspose = partial(GeneralConvTranspose, ("NHC", "HIO", "NHC"))


def BatchNorm(  # noqa: N802
    axis: int | Sequence[int] = (0, 1, 2),
    epsilon: float = 1e-5,
    center: bool = True,
    scale: bool = True,
    beta_init: Any = zeros,
    gamma_init: Any = ones,
) -> Layer:
    """gamma z + beta, where z are the inputs less their mean over `axis`, by their deviation.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad import random
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.BatchNorm(axis=0)
    >>> shape, params = init(random.key(0), (2, 1))
    >>> apply(params, np.array([[1.0], [3.0]]))
    Array([[-0.999995],
           [ 0.999995]])
    """
    axes = (axis,) if isinstance(axis, int) else tuple(axis)

    def init(rng: Any, input_shape: Shape) -> Any:
        shape = tuple([n for a, n in enumerate(input_shape) if a not in axes])
        k1, k2 = random.split(rng)
        beta = beta_init(k1, shape) if center else ()
        return input_shape, (beta, gamma_init(k2, shape) if scale else ())

    def apply(params: Any, x: Any, **_kwargs: Any) -> Any:
        places = [a for a in range(jnp.ndim(x)) if a not in axes]
        z = nn.standardize(x, axes, epsilon=epsilon)
        beta, gamma = params
        if scale:
            z = z * jnp.expand_dims(gamma, tuple(set(range(jnp.ndim(x))) - set(places)))
        if center:
            z = z + jnp.expand_dims(beta, tuple(set(range(jnp.ndim(x))) - set(places)))
        return z

    return init, apply


def elementwise(fun: Callable[..., Any], **fun_kwargs: Any) -> Layer:
    """`fun` of the inputs: a layer without parameters.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.elementwise(np.square)
    >>> apply((), np.array([1.0, 3.0]))
    array([1., 9.])
    """
    return (
        lambda rng, input_shape: (input_shape, ()),
        lambda params, inputs, **kwargs: fun(inputs, **fun_kwargs),
    )


Tanh = elementwise(jnp.tanh)
Relu = elementwise(nn.relu)
Exp = elementwise(jnp.exp)
LogSoftmax = elementwise(nn.log_softmax, axis=-1)
Softmax = elementwise(nn.softmax, axis=-1)
Softplus = elementwise(nn.softplus)
Sigmoid = elementwise(nn.sigmoid)
Elu = elementwise(nn.elu)
LeakyRelu = elementwise(nn.leaky_relu)
Selu = elementwise(nn.selu)
Gelu = elementwise(nn.gelu)
Identity = elementwise(lambda x: x)


def _pooling(
    window_shape: Sequence[int],
    strides: Sequence[int] | None = None,
    padding: str = "VALID",
    spec: str | None = None,
    *,
    fold: Any,
    start: float,
    averages: bool = False,
) -> Layer:
    strides = tuple(strides or (1,) * len(window_shape))
    plain = {"N", "C"}
    places = spec or "N" + "H" * len(window_shape) + "C"

    def spread(sizes: Sequence[int]) -> tuple[int, ...]:
        following = iter(sizes)
        return tuple([1 if c in plain else next(following) for c in places])

    window, steps = spread(window_shape), spread(strides)

    def init(rng: Any, input_shape: Shape) -> Any:
        pads = lax.padtype_to_pads(input_shape, window, steps, padding)
        shape = lax.reduce_window_shape_tuple(input_shape, window, steps, pads)
        return shape, ()

    def apply(params: Any, inputs: Any, **_kwargs: Any) -> Any:
        out = lax.reduce_window(inputs, start, fold, window, steps, padding)
        if not averages:
            return out
        one = jnp.ones([1 if c in plain else n for c, n in zip(places, inputs.shape, strict=True)])
        counts = lax.reduce_window(one, 0.0, lax.add, window, steps, padding)
        return out / counts.astype(out.dtype)

    return init, apply


MaxPool = partial(_pooling, fold=lax.max, start=-jnp.inf)
SumPool = partial(_pooling, fold=lax.add, start=0.0)
AvgPool = partial(_pooling, fold=lax.add, start=0.0, averages=True)


def _flat(inputs: Any) -> Any:
    return jnp.reshape(inputs, (inputs.shape[0], -1))


def _flat_shape(rng: Any, input_shape: Shape) -> Any:
    size = 1
    for n in input_shape[1:]:
        size *= n
    return (input_shape[0], size), ()


Flatten: Layer = _flat_shape, lambda params, inputs, **kwargs: _flat(inputs)


def FanOut(num: int) -> Layer:  # noqa: N802
    """The input `num` times, as a list.

    >>> import jitad
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.FanOut(2)
    >>> apply((), 1.0)
    [1.0, 1.0]
    """
    return (
        lambda rng, input_shape: ([input_shape] * num, ()),
        lambda params, inputs, **kwargs: [inputs] * num,
    )


FanInSum: Layer = (
    lambda rng, input_shape: (input_shape[0], ()),
    lambda params, inputs, **kwargs: sum(inputs[1:], inputs[0]),
)


def FanInConcat(axis: int = -1) -> Layer:  # noqa: N802
    """Inputs, a list of arrays, one after the other along `axis`.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.FanInConcat()
    >>> apply((), [np.ones(1), np.zeros(2)])
    Array([1., 0., 0.])
    """

    def init(rng: Any, input_shape: Sequence[Shape]) -> Any:
        first = list(input_shape[0])
        first[axis] = sum([shape[axis] for shape in input_shape])
        return tuple(first), ()

    return init, lambda params, inputs, **kwargs: jnp.concatenate(inputs, axis)


def Dropout(rate: float, mode: str = "train") -> Layer:  # noqa: N802
    """Each element kept with probability `rate` and divided by it, or 0; `mode="test"` keeps all.
    `apply` needs `rng`; raises ValueError without.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.Dropout(0.5, mode="test")
    >>> apply((), np.ones(2), rng=jitad.random.key(0))
    array([1., 1.])
    """

    def apply(params: Any, inputs: Any, rng: Any = None, **_kwargs: Any) -> Any:
        if rng is None:
            raise ValueError("Dropout: expected apply(params, inputs, rng=key); got no rng")
        if mode != "train":
            return inputs
        keep = random.bernoulli(rng, rate, inputs.shape)
        return jnp.where(keep, inputs / rate, 0)

    return (lambda rng, input_shape: (input_shape, ())), apply


# Layers of layers.


def serial(*layers: Layer) -> Layer:
    """Layers one after the other.

    >>> import jitad
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.serial(stax.Dense(4), stax.Relu, stax.Dense(1))
    >>> init(jitad.random.key(0), (-1, 3))[0]
    (-1, 1)
    """

    def init(rng: Any, input_shape: Any) -> Any:
        params: list[Any] = []
        for layer_init, _ in layers:
            rng, key = random.split(rng)
            input_shape, own = layer_init(key, input_shape)
            params.append(own)
        return input_shape, params

    def apply(params: Any, inputs: Any, *, rng: Any = None, **kwargs: Any) -> Any:
        rngs = _keys(rng, len(layers))
        for (_, layer_apply), own, key in zip(layers, params, rngs, strict=True):
            inputs = layer_apply(own, inputs, rng=key, **kwargs)
        return inputs

    return init, apply


def parallel(*layers: Layer) -> Layer:
    """Layers side by side: a list of inputs, one for each, gives a list of outputs.

    >>> import jitad
    >>> import numpy as np
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.parallel(stax.Identity, stax.Relu)
    >>> apply([(), ()], [-1.0, np.array([-1.0, 2.0])])
    [-1.0, Array([0., 2.])]
    """

    def init(rng: Any, input_shape: Any) -> Any:
        rngs = random.split(rng, len(layers))
        results = [
            layer_init(key, shape)
            for (layer_init, _), key, shape in zip(layers, rngs, input_shape, strict=True)
        ]
        shapes, params = zip(*results, strict=True)
        return shapes, params

    def apply(params: Any, inputs: Any, *, rng: Any = None, **kwargs: Any) -> Any:
        rngs = _keys(rng, len(layers))
        parts = zip(layers, params, inputs, rngs, strict=True)
        return [layer(own, x, rng=key, **kwargs) for (_, layer), own, x, key in parts]

    return init, apply


def _keys(rng: Any, count: int) -> Any:
    return [None] * count if rng is None else random.split(rng, count)


def shape_dependent(make_layer: Callable[[Any], Layer]) -> Layer:
    """The layer `make_layer(input_shape)`.

    >>> import jitad
    >>> from jitad.example_libraries import stax
    >>> init, apply = stax.shape_dependent(lambda shape: stax.Dense(shape[-1]))
    >>> init(jitad.random.key(0), (-1, 3))[0]
    (-1, 3)
    """
    return (
        lambda rng, input_shape: make_layer(input_shape)[0](rng, input_shape),
        lambda params, inputs, **kwargs: make_layer(inputs.shape)[1](params, inputs, **kwargs),
    )
