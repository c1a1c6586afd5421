"""`jitad.scipy.signal`: convolutions, trends and spectra of signals."""

from __future__ import annotations

from .detrending import detrend
from .spectral import csd, istft, stft, welch

__all__ = ["csd", "detrend", "istft", "stft", "welch"]
