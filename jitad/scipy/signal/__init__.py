"""`jitad.scipy.signal`: convolutions, trends and spectra of signals."""

from __future__ import annotations

from .convolving import convolve, convolve2d, correlate, correlate2d, fftconvolve
from .detrending import detrend
from .spectral import csd, istft, stft, welch

__all__ = [
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "csd",
    "detrend",
    "fftconvolve",
    "istft",
    "stft",
    "welch",
]
__dir__ = __all__.copy
