"""Window functions of signal processing, of static length, as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.array import as_array


def bartlett(M: int) -> Any:
    """The Bartlett window of length M, float64: a triangle, 0 at both ends.

    M is static; a vector of one element is 1, and none is left for M < 1.

    >>> import jitad.numpy as jnp
    >>> jnp.bartlett(5)
    Array([0. , 0.5, 1. , 0.5, 0. ])
    """
    return as_array(np.bartlett(M))


def blackman(M: int) -> Any:
    """The Blackman window of length M, float64: 0.42 - 0.5 cos(t) + 0.08 cos(2 t).

    t = 2 pi n / (M - 1). M is static; a vector of one element is 1, and none is left for M < 1.

    >>> import jitad.numpy as jnp
    >>> jnp.blackman(5)[1:4]
    Array([0.34, 1.  , 0.34])
    """
    return as_array(np.blackman(M))


def hamming(M: int) -> Any:
    """The Hamming window of length M, float64: 0.54 - 0.46 cos(2 pi n / (M - 1)).

    M is static; a vector of one element is 1, and none is left for M < 1.

    >>> import jitad.numpy as jnp
    >>> jnp.hamming(5)
    Array([0.08, 0.54, 1.  , 0.54, 0.08])
    """
    return as_array(np.hamming(M))


def hanning(M: int) -> Any:
    """The Hann window of length M, float64: 0.5 - 0.5 cos(2 pi n / (M - 1)).

    M is static; a vector of one element is 1, and none is left for M < 1.

    >>> import jitad.numpy as jnp
    >>> jnp.hanning(5)
    Array([0. , 0.5, 1. , 0.5, 0. ])
    """
    return as_array(np.hanning(M))


def kaiser(M: int, beta: float) -> Any:
    """The Kaiser window of length M, float64: I0(beta sqrt(1 - (2 n / (M - 1) - 1)**2)) / I0(beta).

    M and `beta` (0: a rectangle) are static; a vector of one element is 1, and none is left for M <
    1.

    >>> import jitad.numpy as jnp
    >>> jnp.kaiser(5, 8.6)
    Array([0.00133251, 0.34039362, 1.        , 0.34039362, 0.00133251])
    """
    return as_array(np.kaiser(M, beta))
