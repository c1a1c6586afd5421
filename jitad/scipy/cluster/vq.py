"""Vector quantization: which of some given vectors is nearest."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.matrix_operands import in_common_dtype

__all__ = ["vq"]
__dir__ = __all__.copy


def vq(obs: Any, code_book: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """For each row of `obs` (m, n), the number (int32) of the row of `code_book` (k, n) that is
    nearest to it, and the distance. Vectors stand for rows of one element each.

    The distances have derivatives in both; the numbers have none. `check_finite` is taken for
    SciPy's sake. Raises ValueError for arrays of other shapes and TypeError for complex ones.

    >>> vq(np.array([[1.0, 1.0], [4.0, 5.0]]), np.array([[0.0, 1.0], [4.0, 4.0]]))
    (Array([0, 1], dtype=int32), Array([1., 1.]))
    """
    x, codes = in_common_dtype(obs, code_book)
    if x.dtype.kind == "c":
        raise TypeError(at_user_line("vq: expected real observations and codes"))
    if x.ndim != codes.ndim:
        raise ValueError(at_user_line("Observation and code_book should have the same rank"))
    if x.ndim not in (1, 2):
        raise ValueError(at_user_line("ndim different than 1 or 2 are not supported"))
    if x.ndim == 1:
        x, codes = x[:, None], codes[:, None]
    if x.shape[1] != codes.shape[1]:
        raise ValueError(
            at_user_line(
                f"expected observations and codes of one length; got {x.shape[1]} and "
                f"{codes.shape[1]}"
            )
        )
    squares = jnp.sum((x[:, None, :] - codes[None, :, :]) ** 2, -1)
    nearest = jnp.argmin(squares, -1)
    least = jnp.take_along_axis(squares, nearest[:, None], -1)[:, 0]
    return nearest.astype(np.int32), jnp.sqrt(least)
