"""Activation functions, elementwise, each with the derivative at its kinks that is named there."""

from __future__ import annotations

import math
from typing import Any

from numpy.lib.array_utils import normalize_axis_index

from jitad_ir import ops

from .. import numpy as jnp
from ..errors import at_user_line
from ..numpy.promotion import as_array_operand, common_dtype, convert
from ..trace import apply


def as_inexact(x: Any) -> Any:
    """`x` as an array of floats or complex numbers."""
    x = as_array_operand(x)
    return convert(x, common_dtype([x, 1.0]))


def identity(x: Any) -> Any:
    """`x` as an array, in its dtype.

    Numbers and nested lists are taken too.

    >>> from jitad import nn
    >>> nn.identity([1.0, 2.0])
    Array([1., 2.])
    """
    return jnp.asarray(x)


def relu(x: Any) -> Any:
    """max(x, 0). The derivative at 0 is 0 (D. Bertoin et al., "Numerical influence of ReLU'(0) on
    backpropagation", 2021).

    >>> relu([-1.0, 0.0, 2.0])
    Array([0., 0., 2.])
    """
    x = as_array_operand(x)
    return jnp.where(x <= 0, 0, x)


def relu6(x: Any) -> Any:
    """min(max(x, 0), 6); derivative 0 at both ends.

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.relu6(np.array([-1.0, 3.0, 8.0]))
    Array([0., 3., 6.])
    """
    x = as_inexact(x)
    return jnp.where(x <= 0, 0, jnp.where(x >= 6, 6, x))


def squareplus(x: Any, b: Any = 4) -> Any:
    """(x + sqrt(x^2 + b)) / 2, a smooth `relu` (J. T. Barron, "Squareplus", 2021).

    `x` is of any shape; integers become float64, and the result has the shape of x. `b` >= 0 is the
    width of the bend.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.squareplus(np.array([-3.0, 0.0]))
    Array([0.30277564, 1.        ])
    """
    given = as_inexact(x)
    is_lost = given == -jnp.inf
    x = jnp.where(is_lost, 0, given)
    root = jnp.sqrt(jnp.square(x) + b)
    # Below 0 the product with the conjugate, b / 4: no cancellation.
    value = jnp.where(x < 0, b / (2 * (root - jnp.where(x < 0, x, -1))), (x + root) / 2)
    return jnp.where(is_lost, 0, value)


def softplus(x: Any) -> Any:
    """log(1 + e^x), without overflow.

    `x` is of any shape; integers become float64, and the result has the shape of x. The derivative
    is `sigmoid`.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.softplus(np.array([0.0, 50.0]))
    Array([ 0.69314718, 50.        ])
    """
    return jnp.logaddexp(as_inexact(x), 0.0)


def sparse_plus(x: Any) -> Any:
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x.

    `x` is of any shape; integers become float64, and the result has the shape of x. The derivative
    is `sparse_sigmoid`.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.sparse_plus(np.array([-1.0, 0.0, 2.0]))
    Array([0.  , 0.25, 2.  ])
    """
    x = as_inexact(x)
    return jnp.where(x <= -1, 0.0, jnp.where(x >= 1, x, (x + 1) ** 2 / 4))


def soft_sign(x: Any) -> Any:
    """x / (|x| + 1), in (-1, 1).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.soft_sign(np.array([-1.0, 3.0]))
    Array([-0.5 ,  0.75])
    """
    x = as_inexact(x)
    return x / (jnp.abs(x) + 1)


def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x), without overflow.

    `x` is of any shape; integers become float64, and the result has the shape of x. The derivative
    is s (1 - s) at the result s.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.sigmoid(np.array([-1000.0, 0.0]))
    Array([0. , 0.5])
    """
    return apply(ops.logistic, as_inexact(x))


def sparse_sigmoid(x: Any) -> Any:
    """0 up to -1, (x + 1) / 2 up to 1, then 1.

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.sparse_sigmoid(np.array([-2.0, 0.0, 2.0]))
    Array([0. , 0.5, 1. ])
    """
    return 0.5 * jnp.clip(as_inexact(x) + 1, 0.0, 2.0)


def silu(x: Any) -> Any:
    """x / (1 + e^-x), also called swish (S. Elfwing et al., "Sigmoid-weighted linear units", 2017).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> nn.silu(1.0)
    Array(0.73105858)
    """
    x = as_inexact(x)
    return x * sigmoid(x)


swish = silu


def mish(x: Any) -> Any:
    """x tanh(softplus(x)) (D. Misra, "Mish", 2019).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> nn.mish(1.0)
    Array(0.86509839)
    """
    x = as_inexact(x)
    return x * jnp.tanh(softplus(x))


def log_sigmoid(x: Any) -> Any:
    """log(1 / (1 + e^-x)) = -softplus(-x), without overflow.

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.log_sigmoid(np.array([-1000.0, 0.0]))
    Array([-1.00000000e+03, -6.93147181e-01])
    """
    return -softplus(-as_inexact(x))


def elu(x: Any, alpha: Any = 1.0) -> Any:
    """x above 0, alpha (e^x - 1) below (D.-A. Clevert et al., "Exponential linear units", 2015).

    `x` is of any shape; integers become float64, and the result has the shape of x. At 0 the
    derivative is `alpha`.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.elu(np.array([-1.0, 1.0]))
    Array([-0.63212056,  1.        ])
    """
    x = as_inexact(x)
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0, x)))


def leaky_relu(x: Any, negative_slope: Any = 1e-2) -> Any:
    """x from 0 on, negative_slope x below; derivative 1 at 0.

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.leaky_relu(np.array([-1.0, 1.0]))
    Array([-0.01,  1.  ])
    """
    x = as_inexact(x)
    return jnp.where(x >= 0, x, negative_slope * x)


def hard_tanh(x: Any) -> Any:
    """`x` limited to [-1, 1]; derivative 1 at both ends.

    `x` is of any shape and any real dtype, which the result has too.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.hard_tanh(np.array([-2.0, 0.5]))
    Array([-1. ,  0.5])
    """
    x = as_array_operand(x)
    return jnp.where(x > 1, 1, jnp.where(x < -1, -1, x))


def celu(x: Any, alpha: Any = 1.0) -> Any:
    """max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1) (J. T. Barron, "Continuously differentiable
    exponential linear units", 2017).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.celu(np.array([-1.0, 1.0]), alpha=2.0)
    Array([-0.78693868,  1.        ])
    """
    x = as_inexact(x)
    return jnp.maximum(x, 0.0) + alpha * jnp.expm1(jnp.minimum(x, 0.0) / alpha)


def selu(x: Any) -> Any:
    """elu with the scale and alpha that keep mean 0 and variance 1 (G. Klambauer et al.,
    "Self-normalizing neural networks", 2017).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.selu(np.array([-1.0, 1.0]))
    Array([-1.11133074,  1.05070099])
    """
    return 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717)


def gelu(x: Any, approximate: bool = True) -> Any:
    """x Phi(x) with the normal distribution function Phi; if `approximate`, with (1 + tanh(sqrt(2 /
    pi) (x + 0.044715 x^3))) / 2 in its place (D. Hendrycks, K. Gimpel, "Gaussian error linear
    units", 2016).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> nn.gelu(1.0)
    Array(0.84119199)
    >>> nn.gelu(1.0, approximate=False)
    Array(0.84134475)
    """
    x = as_inexact(x)
    if approximate:
        # (1 + tanh(u)) / 2 = sigmoid(2 u), which does not cancel for u < 0.
        return x * sigmoid(math.sqrt(8 / math.pi) * (x + 0.044715 * (x * x * x)))
    return 0.5 * x * apply(ops.erfc, x * -math.sqrt(0.5))


def glu(x: Any, axis: int = -1) -> Any:
    """The first half of `x` along `axis` times the sigmoid of the second (Y. Dauphin et al., "Gated
    convolutional networks", 2016).

    The result has half the length along `axis`. Raises ValueError if that length is odd.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.glu(np.array([2.0, 4.0, 0.0, 0.0]))
    Array([1., 2.])
    """
    x = as_inexact(x)
    axis = normalize_axis_index(axis, x.ndim)
    if x.shape[axis] % 2:
        raise ValueError(
            at_user_line(f"glu: axis size must be divisible by 2; got shape {x.shape}")
        )
    first, second = jnp.split(x, 2, axis)
    return first * sigmoid(second)


def hard_sigmoid(x: Any) -> Any:
    """relu6(x + 3) / 6: `sigmoid` in three straight pieces.

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.hard_sigmoid(np.array([-3.0, 0.0, 3.0]))
    Array([0. , 0.5, 1. ])
    """
    return relu6(as_inexact(x) + 3) / 6


def hard_silu(x: Any) -> Any:
    """x relu6(x + 3) / 6, also called hard swish (A. Howard et al., "Searching for MobileNetV3",
    2019).

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.hard_silu(np.array([-3.0, 1.0]))
    Array([-0.        ,  0.66666667])
    """
    x = as_inexact(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


def log1mexp(x: Any) -> Any:
    """log(1 - e^-x) for x >= 0, accurate at both ends (M. Machler, "Accurately computing log(1 -
    exp(-|a|))", 2012); -inf at 0, nan below.

    `x` is of any shape; integers become float64, and the result has the shape of x.

    >>> from jitad import nn
    >>> import numpy as np
    >>> nn.log1mexp(np.array([1e-10, 1.0]))
    Array([-23.02585093,  -0.45867515])
    """
    x = as_inexact(x)
    return jnp.where(x < math.log(2), jnp.log(-jnp.expm1(-x)), jnp.log1p(-jnp.exp(-x)))
