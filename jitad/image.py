"""Images resampled: `resize`, `scale_and_translate`.

Resampling is linear and separable: along each axis a matrix of weights W[i, j] = k(|s_j - i| / h)
takes input pixel i to output pixel j, which lies at s_j of the input; k is the method's kernel, h
its width in pixels, and each column is divided by its sum.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import numpy as jnp
from .errors import at_user_line, hides_internals
from .numpy.promotion import as_array_operand
from .trace import Tracer

__all__ = ["ResizeMethod", "resize", "scale_and_translate"]
__dir__ = __all__.copy


class ResizeMethod(enum.Enum):
    """Kernels: nearest pixel, triangle (linear), Keys' cubic with a = -1/2, windowed sinc.

    >>> import jitad
    >>> jitad.image.ResizeMethod.from_string("bilinear").name
    'LINEAR'
    """

    NEAREST = 0
    LINEAR = 1
    LANCZOS3 = 2
    LANCZOS5 = 3
    CUBIC = 4

    @staticmethod
    def from_string(name: str) -> ResizeMethod:
        """The method of a name; raises ValueError for an unknown one.

        >>> import jitad
        >>> jitad.image.ResizeMethod.from_string("bilinear")
        <ResizeMethod.LINEAR: 1>
        """
        if name not in _METHODS:
            known = ", ".join(_METHODS)
            raise ValueError(
                at_user_line(f"method: expected a ResizeMethod or one of {known}; got {name!r}")
            )
        return _METHODS[name]


_METHODS = {
    "nearest": ResizeMethod.NEAREST,
    "linear": ResizeMethod.LINEAR,
    "bilinear": ResizeMethod.LINEAR,
    "trilinear": ResizeMethod.LINEAR,
    "triangle": ResizeMethod.LINEAR,
    "cubic": ResizeMethod.CUBIC,
    "bicubic": ResizeMethod.CUBIC,
    "tricubic": ResizeMethod.CUBIC,
    "lanczos3": ResizeMethod.LANCZOS3,
    "lanczos5": ResizeMethod.LANCZOS5,
}


def _triangle(x: Any) -> Any:
    return jnp.maximum(0.0, 1.0 - x)


def _keys_cubic(x: Any) -> Any:
    """Keys (1981), Cubic convolution interpolation, IEEE Trans. ASSP 29, with a = -1/2."""
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return jnp.where(x >= 2.0, 0.0, jnp.where(x >= 1.0, far, near))


def _lanczos(radius: float) -> Callable[[Any], Any]:
    """sinc(x) sinc(x / radius) within the radius."""
    return lambda x: jnp.where(x > radius, 0.0, jnp.sinc(x) * jnp.sinc(x / radius))


_KERNELS = {
    ResizeMethod.LINEAR: _triangle,
    ResizeMethod.CUBIC: _keys_cubic,
    ResizeMethod.LANCZOS3: _lanczos(3.0),
    ResizeMethod.LANCZOS5: _lanczos(5.0),
}


def _method(method: str | ResizeMethod) -> ResizeMethod:
    return method if isinstance(method, ResizeMethod) else ResizeMethod.from_string(method)


@hides_internals
def resize(
    image: Any,
    shape: Sequence[int],
    method: str | ResizeMethod,
    antialias: bool = True,
    precision: Any = None,
) -> Any:
    """`image` resampled to `shape`, of as many axes; axes of the same length stay as they are.

    `method` is "nearest", "linear", "cubic", "lanczos3", "lanczos5", one of their other names, or a
    ResizeMethod. With `antialias`, kernels are widened where the image shrinks. The result has the
    image's dtype, or the default float of integers; "nearest" keeps all dtypes. `precision` makes
    no difference. Raises ValueError for another number of axes or an unknown method.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.image.resize(np.array([0.0, 1.0]), (4,), "linear")
    Array([0.  , 0.25, 0.75, 1.  ])
    """
    x = as_array_operand(image)
    shape = tuple(shape)
    if len(shape) != x.ndim:
        raise ValueError(
            at_user_line(f"resize: expected a shape of {x.ndim} axes; got {shape} for {x.shape}")
        )
    chosen = _method(method)
    axes = [axis for axis, (n, m) in enumerate(zip(x.shape, shape, strict=True)) if n != m]
    if chosen is ResizeMethod.NEAREST:
        for axis in axes:
            middle = (np.arange(shape[axis]) + 0.5) * x.shape[axis] / shape[axis]
            x = jnp.take(x, np.floor(middle).astype(np.int64), axis=axis)
        return x
    scale = np.array([shape[axis] / x.shape[axis] for axis in axes])
    return _resampled(x, shape, axes, scale, np.zeros(len(axes)), chosen, antialias)


@hides_internals
def scale_and_translate(
    image: Any,
    shape: Sequence[int],
    spatial_dims: Sequence[int],
    scale: Any,
    translation: Any,
    method: str | ResizeMethod,
    antialias: bool = True,
    precision: Any = None,
) -> Any:
    """`image` scaled and moved along the axes `spatial_dims`, in an array of `shape`: what lies
    at x comes to scale * x + translation. Pixels from outside of the image are 0.

    `scale` and `translation` have an element for each of the axes; the result is differentiable in
    them. `method` as for `resize`, but "nearest"; raises ValueError for that, and for lengths that
    do not fit.

    >>> import jitad
    >>> import numpy as np
    >>> x, ones = np.array([1.0, 2.0, 3.0]), [1.0]
    >>> jitad.image.scale_and_translate(x, (3,), (0,), ones, ones, "linear")
    Array([0., 1., 2.])
    """
    x, shape = as_array_operand(image), tuple(shape)
    chosen = _method(method)
    if chosen is ResizeMethod.NEAREST:
        raise ValueError(at_user_line("scale_and_translate: expected a kernel; got 'nearest'"))
    axes = [axis % x.ndim for axis in spatial_dims]
    scale, translation = jnp.asarray(scale), jnp.asarray(translation)
    sizes = scale.shape, translation.shape, len(shape)
    if sizes != ((len(axes),), (len(axes),), x.ndim):
        raise ValueError(
            at_user_line(
                f"scale_and_translate: expected scale and translation of shape ({len(axes)},), and "
                f"a shape of {x.ndim} axes; got {scale.shape}, {translation.shape} and {shape}"
            )
        )
    return _resampled(x, shape, axes, scale, translation, chosen, antialias)


def _resampled(
    x: Any,
    shape: tuple[int, ...],
    axes: list[int],
    scale: Any,
    translation: Any,
    method: ResizeMethod,
    antialias: bool,
) -> Any:
    if x.dtype.kind not in "fc":
        x = x.astype(np.float64)
    for k, axis in enumerate(axes):
        weights = _weights(
            x.shape[axis], shape[axis], scale[k], translation[k], _KERNELS[method], antialias
        )
        real = np.zeros(0, x.dtype).real.dtype
        x = jnp.moveaxis(jnp.tensordot(x, weights.astype(real), (axis, 0)), -1, axis)
    return x


def _weights(
    size: int, new_size: int, scale: Any, translation: Any, kernel: Any, antialias: bool
) -> Any:
    """W[i, j], the share of input pixel i in output pixel j: [size, new_size]."""
    per_pixel = 1.0 / scale
    width = jnp.maximum(per_pixel, 1.0) if antialias else 1.0
    places = (np.arange(new_size) + 0.5 - translation) * per_pixel - 0.5
    distance = jnp.abs(places[None, :] - np.arange(size)[:, None]) / width
    shares = kernel(distance)
    total = jnp.sum(shares, axis=0, keepdims=True)
    present = jnp.abs(total) > 1000.0 * float(np.finfo(np.float32).eps)
    shares = jnp.where(present, shares / jnp.where(present, total, 1.0), 0.0)
    inside = jnp.logical_and(places >= -0.5, places <= size - 0.5)[None, :]
    weights = jnp.where(inside, shares, 0.0)
    return weights if isinstance(weights, Tracer) else np.asarray(weights)
