"""Spectra of segments of a signal: short-time Fourier transforms and averages over them."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import Operand, as_array_operand, convert, strong
from jitad.trace import Tracer, apply
from jitad_ir import ops
from jitad_ir.types import real_dtype

from .detrending import detrend as remove_trend

Detrend = str | bool | Callable[[Any], Any] | None

_BOUNDARIES: dict[str, dict[str, Any]] = {
    "even": {"mode": "reflect"},
    "odd": {"mode": "reflect", "reflect_type": "odd"},
    "constant": {"mode": "edge"},
    "zeros": {"mode": "constant"},
}


@dataclass(frozen=True)
class Segments:
    """How a signal is cut: windows of `length` at distances of `step`, transformed with `points`
    points."""

    window: Operand
    length: int
    step: int
    points: int

    def starts(self, size: int) -> np.ndarray:
        """First elements of the segments that fit into a signal of this size."""
        return np.arange(0, size - self.length + 1, self.step)


def _positive(number: Any, name: str) -> int:
    found = operator.index(number)
    if found < 1:
        raise ValueError(at_user_line(f"{name} must be a positive integer"))
    return found


def _named_window(window: str | tuple[Any, ...], length: int) -> Any:
    if window in ("hann", "hann_periodic"):
        return np.ones(1) if length == 1 else np.sin(np.pi / length * np.arange(length)) ** 2
    from scipy.signal import get_window

    return get_window(window, length)


def _segments(
    window: Any, length: Any, overlap: Any, points: Any, size: int | None, dtype: Any
) -> Segments:
    """The segments asked for, of a signal of `size` elements (None: not known), in `dtype`."""
    wanted = None if length is None else _positive(length, "nperseg")
    if isinstance(window, (str, tuple)):
        count = 256 if wanted is None else wanted
        if size is not None and count > size:
            warnings.warn(
                f"nperseg = {count} is greater than input length = {size}, using nperseg = {size}",
                stacklevel=4,
            )
            count = size
        values: Any = _named_window(window, count)
    else:
        values = strong(as_array_operand(window))
        if values.ndim != 1:
            raise ValueError(at_user_line("window must be 1-D"))
        count = values.shape[0]
        if size is not None and count > size:
            raise ValueError(at_user_line("window is longer than input signal"))
        if wanted is not None and wanted != count:
            raise ValueError(
                at_user_line("value specified for nperseg is different from length of window")
            )
    transformed = count if points is None else operator.index(points)
    if transformed < count:
        raise ValueError(at_user_line("nfft must be greater than or equal to nperseg."))
    common = count // 2 if overlap is None else operator.index(overlap)
    if common >= count:
        raise ValueError(at_user_line("noverlap must be less than nperseg."))
    kind = dtype if getattr(values, "dtype", dtype).kind == "c" else real_dtype(dtype)
    return Segments(convert(values, kind), count, count - common, transformed)


def _as_signal(x: Any) -> Operand:
    """In the float or complex dtype of its spectrum: float32 only for what float32 holds."""
    x = strong(as_array_operand(x))
    spectrum = np.result_type(x.dtype, np.complex64)
    return convert(x, spectrum if x.dtype.kind == "c" else real_dtype(spectrum))


def _without_trend(x: Operand, detrend: Detrend) -> Operand:
    if callable(detrend):
        return strong(as_array_operand(detrend(x)))
    return remove_trend(x, -1, "constant" if detrend is True else detrend) if detrend else x


def _spectra(x: Operand, cut: Segments, detrend: Detrend, one_sided: bool) -> Operand:
    """(..., n) to (..., segments, frequencies)"""
    starts = cut.starts(x.shape[-1])
    last = x.ndim - 1
    parts = apply(
        ops.gather, x, starts, axes=(last,), sizes=(cut.length,), batch=0, mode="clip", fill=0
    )
    # gather puts the segments in front: (segments, ..., length)
    parts = _without_trend(jnp.moveaxis(parts, 0, -2), detrend) * cut.window
    transform = jnp.fft.rfft if one_sided else jnp.fft.fft
    return transform(parts, cut.points)


def _frequencies(cut: Segments, fs: Any, one_sided: bool) -> Any:
    numbers = np.fft.rfftfreq(cut.points) if one_sided else np.fft.fftfreq(cut.points)
    return jnp.multiply(numbers, fs)


def _scale(cut: Segments, fs: Any, scaling: str) -> Any:
    """What makes squares of absolute values a power density, or a power."""
    if scaling == "density":
        return 1 / (jnp.sum(cut.window**2) * fs)
    if scaling == "spectrum":
        return 1 / jnp.sum(cut.window) ** 2
    raise ValueError(at_user_line(f"scaling: expected 'density' or 'spectrum'; got {scaling!r}"))


def csd(
    x: Any,
    y: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Detrend = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Any, Any]:
    """Frequencies, in units of the sampling frequency `fs`, and the cross power spectral density of
    two signals along `axis`, by Welch's method: the average over segments of conj(X) Y, with the
    spectra X and Y of segments of `x` and `y` under a window.

    `window` is a name or a tuple as `scipy.signal.get_window` takes, or an array. Segments have
    `nperseg` elements (default 256, or the length of the window), `noverlap` of them in common
    (default half), and are filled up with zeros to `nfft`. `detrend` takes off the mean
    ("constant"), a line ("linear"), what a function says, or nothing (False). Real signals have the
    frequencies of one side, in which powers are doubled, unless not `return_onesided`. `scaling`
    "density" is in V^2/Hz, "spectrum" in V^2. `average` is "mean" or "median". The shorter signal
    is filled up with zeros; `y` None stands for `x`.

    The other axes broadcast. Single precision gives complex64, all else complex128; the spectrum of
    `x` and itself is real. Raises ValueError for parameters that do not fit each other.

    >>> from jitad.scipy import signal
    >>> import numpy as np
    >>> x = np.array([1.0, 0.0, -1.0, 0.0])
    >>> signal.csd(x, 2 * x, window="boxcar", nperseg=4, scaling="spectrum")
    (Array([0.  , 0.25, 0.5 ]), Array([0.+0.j, 1.+0.j, 0.+0.j]))
    """
    same = y is None or y is x
    left = _as_signal(x)
    right = left if same else _as_signal(y)
    place = normalize_axis_index(axis, left.ndim)
    left = jnp.moveaxis(left, place, -1)
    right = left if same else jnp.moveaxis(right, normalize_axis_index(axis, right.ndim), -1)
    outer = _common_outer(left, right)
    if left.size == 0 or right.size == 0:
        shape = (*outer, min(left.shape[-1], right.shape[-1]))
        nothing = jnp.moveaxis(jnp.zeros(shape), -1, place)
        return nothing, nothing
    size = max(left.shape[-1], right.shape[-1])
    left, right = _filled_up(left, size), left if same else _filled_up(right, size)
    dtype = np.result_type(left.dtype, right.dtype, np.complex64)
    cut = _segments(window, nperseg, noverlap, nfft, size, dtype)
    one_sided = return_onesided and left.dtype.kind == "f" and right.dtype.kind == "f"
    first = _spectra(left, cut, detrend, one_sided)
    if same:
        product = first.real**2 + first.imag**2
    else:
        product = jnp.conj(first) * _spectra(right, cut, detrend, one_sided)
    product = product * _scale(cut, fs, scaling)
    if one_sided:
        product = product * _two_sides(cut.points)
    result = _averaged(product, average)
    result = convert(result, real_dtype(dtype) if same else dtype)
    return _frequencies(cut, fs, one_sided), jnp.moveaxis(result, -1, place)


def _common_outer(x: Operand, y: Operand) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(x.shape[:-1], y.shape[:-1])
    except ValueError:
        raise ValueError(at_user_line("x and y cannot be broadcast together.")) from None


def _filled_up(x: Operand, size: int) -> Operand:
    """With zeros along the last axis."""
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, size - x.shape[-1])])


def _two_sides(points: int) -> np.ndarray:
    """2 for the frequencies that stand for their mirror image, too."""
    counts = np.full(points // 2 + 1, 2)
    counts[0] = 1
    if points % 2 == 0:
        counts[-1] = 1
    return counts


def _averaged(x: Operand, average: str) -> Operand:
    """Over the last axis but one. The median of n values of a chi-squared distribution with two
    degrees of freedom is 1 + sum over k = 1 ... (n - 1) // 2 of 1 / (2 k + 1) - 1 / (2 k) of its
    mean (B. Allen et al., FINDCHIRP, 2012, appendix B)."""
    if average not in ("mean", "median"):
        raise ValueError(at_user_line(f"average must be 'median' or 'mean'; got {average!r}"))
    count = x.shape[-2]
    if average == "mean" or count == 1:
        return jnp.mean(x, -2)
    even = 2.0 * np.arange(1, (count - 1) // 2 + 1)
    bias = float(1 + np.sum(1 / (even + 1) - 1 / even))
    if x.dtype.kind == "f":
        return jnp.median(x, -2) / bias
    parts = [jnp.median(part, -2) / bias for part in (x.real, x.imag)]
    return parts[0] + 1j * parts[1]


def welch(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Detrend = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Any, Any]:
    """Frequencies and the power spectral density of a signal by Welch's method, real: `csd` of the
    signal and itself, which explains the parameters.

    >>> frequencies, power = welch([1.0, 0.0, -1.0, 0.0] * 4, fs=4.0, nperseg=8)
    >>> int(jnp.argmax(power))
    2
    """
    return csd(
        x, None, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis,
        average,
    )  # fmt: skip


def stft(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Detrend = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
    scaling: str = "spectrum",
) -> tuple[Any, Any, Any]:
    """Short-time Fourier transform: frequencies, times of the segments' centres, and the spectra,
    in which the frequencies stand in place of `axis` and the times in a new last axis.

    The signal is extended by half a segment at both ends: `boundary` "zeros", "constant" (the
    edge), "even" or "odd" (reflections), or None (not at all); and with `padded` filled up with
    zeros to a whole number of segments. `scaling` "spectrum" or "psd". For the other parameters
    see `csd`; complex signals have frequencies of both sides, with a warning.

    Raises ValueError for parameters that do not fit each other.

    >>> _, _, spectra = stft([1.0, 2.0, 3.0, 2.0, 1.0, 0.0, 1.0, 2.0], nperseg=4)
    >>> spectra.shape
    (3, 5)
    """
    if boundary is not None and boundary not in _BOUNDARIES:
        known = [*_BOUNDARIES, None]
        raise ValueError(
            at_user_line(f"Unknown boundary option '{boundary}', must be one of: {known}")
        )
    if scaling not in ("spectrum", "psd"):
        raise ValueError(at_user_line(f"scaling: expected 'spectrum' or 'psd'; got {scaling!r}"))
    signal = _as_signal(x)
    place = normalize_axis_index(axis, signal.ndim)
    if signal.size == 0:
        return (jnp.zeros(signal.shape),) * 3
    signal = jnp.moveaxis(signal, place, -1)
    dtype = np.result_type(signal.dtype, np.complex64)
    cut = _segments(window, nperseg, noverlap, nfft, signal.shape[-1], dtype)
    half = cut.length // 2 if boundary is not None else 0
    if boundary is not None and half:
        signal = _extended(signal, half, boundary)
    if padded:
        missing = (cut.length - signal.shape[-1]) % cut.step % cut.length
        signal = _filled_up(signal, signal.shape[-1] + missing)
    one_sided = return_onesided and signal.dtype.kind == "f"
    if return_onesided and not one_sided:
        warnings.warn("Input data is complex, switching to return_onesided=False", stacklevel=2)
    spectra = _spectra(signal, cut, detrend, one_sided)
    spectra = spectra * jnp.sqrt(_scale(cut, fs, "density" if scaling == "psd" else scaling))
    centres = cut.starts(signal.shape[-1]) + cut.length / 2
    if boundary is not None:
        centres = centres - cut.length / 2
    times = jnp.divide(centres, fs)
    result = jnp.moveaxis(convert(spectra, dtype), (-1, -2), (place, signal.ndim))
    return _frequencies(cut, fs, one_sided), times, result


def _extended(x: Operand, count: int, boundary: str) -> Operand:
    if boundary in ("even", "odd") and count > x.shape[-1] - 1:
        raise ValueError(
            at_user_line(
                f"The extension length n ({count}) is too big. It must not exceed x.shape[axis]-1, "
                f"which is {x.shape[-1] - 1}."
            )
        )
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(count, count)], **_BOUNDARIES[boundary])


def istft(
    Zxx: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    input_onesided: bool = True,
    boundary: bool = True,
    time_axis: int = -1,
    freq_axis: int = -2,
    scaling: str = "spectrum",
) -> tuple[Any, Any]:
    """The inverse of `stft`: times, and the signal, in which the times stand in place of
    `time_axis`. Where the windows' squares do not add up to more than 1e-10 the signal is not
    known; there it is not divided by them (with a warning, if the window is known).

    `nperseg` must be given if it is odd or `nfft` greater; `boundary` says that the signal had been
    extended. The result is real if `input_onesided`. Raises ValueError for parameters that do not
    fit each other.

    >>> x = [1.0, 2.0, 3.0, 2.0, 1.0, 4.0, 1.0, 2.0]
    >>> jnp.round(istft(stft(x, nperseg=4)[2])[1], 6)
    Array([1., 2., 3., 2., 1., 4., 1., 2.])
    """
    spectra = _as_signal(Zxx)
    spectra = convert(spectra, np.result_type(spectra.dtype, np.complex64))
    if spectra.ndim < 2:
        raise ValueError(at_user_line("Input stft must be at least 2d!"))
    time_axis = normalize_axis_index(time_axis, spectra.ndim)
    freq_axis = normalize_axis_index(freq_axis, spectra.ndim)
    if time_axis == freq_axis:
        raise ValueError(at_user_line("Must specify differing time and frequency axes!"))
    if scaling not in ("spectrum", "psd"):
        raise ValueError(at_user_line(f"scaling: expected 'spectrum' or 'psd'; got {scaling!r}"))
    spectra = jnp.moveaxis(spectra, (time_axis, freq_axis), (-2, -1))
    rows = spectra.shape[-1]
    usual = 2 * (rows - 1) if input_onesided else rows
    length = usual if nperseg is None else _positive(nperseg, "nperseg")
    if nfft is None:
        nfft = length if input_onesided and length == usual + 1 else usual
    if not isinstance(window, (str, tuple)) and np.shape(window) != (length,):
        problem = "1-D" if np.ndim(window) != 1 else f"of length {length}"
        raise ValueError(at_user_line(f"window must be {problem}"))
    cut = _segments(window, length, noverlap, nfft, None, spectra.dtype)
    parts = jnp.fft.irfft(spectra, nfft) if input_onesided else jnp.fft.ifft(spectra, nfft)
    density = scaling == "psd"
    factor = jnp.sqrt(jnp.sum(cut.window**2) * fs) if density else jnp.sum(cut.window)
    signal = _overlapped(parts[..., :length] * (cut.window * factor), cut.step)
    count = spectra.shape[-2]
    squares = _overlapped(jnp.broadcast_to(cut.window**2, (count, length)), cut.step)
    if boundary:
        inside = slice(length // 2, signal.shape[-1] - length // 2)
        signal, squares = signal[..., inside], squares[inside]
    known = squares.real > 1e-10
    if not isinstance(known, Tracer) and not known.all():
        missing = "" if boundary else " Possibly due to missing boundary"
        warnings.warn(f"NOLA condition failed, STFT may not be invertible.{missing}", stacklevel=2)
    signal = signal / jnp.where(known, squares, 1)
    signal = signal.real if input_onesided else signal
    if signal.ndim > 1:
        signal = jnp.moveaxis(signal, -1, time_axis - (freq_axis < time_axis))
    return jnp.divide(np.arange(signal.shape[0]), fs), signal


def _overlapped(parts: Operand, step: int) -> Operand:
    """The sum of segments (..., count, length) placed at distances of `step`."""
    *outer, count, length = parts.shape
    zeros = jnp.zeros((*outer, (count - 1) * step + length), parts.dtype)
    starts = np.arange(count) * step
    return apply(
        ops.scatter_add,
        zeros,
        jnp.moveaxis(parts, -2, 0),
        starts,
        axes=(len(outer),),
        batch=0,
        mode="clip",
        unique=False,
    )
