"""Window functions of signal processing, of static length, as NumPy's."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad.array import as_array


def bartlett(M: int) -> Any:
    """The triangular window of length M, 0 at both ends."""
    return as_array(np.bartlett(M))


def blackman(M: int) -> Any:
    """The Blackman window of length M."""
    return as_array(np.blackman(M))


def hamming(M: int) -> Any:
    """The Hamming window of length M."""
    return as_array(np.hamming(M))


def hanning(M: int) -> Any:
    """The Hann window of length M."""
    return as_array(np.hanning(M))


def kaiser(M: int, beta: float) -> Any:
    """The Kaiser window of length M and shape `beta`."""
    return as_array(np.kaiser(M, beta))
