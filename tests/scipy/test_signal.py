"""jitad.scipy.signal against SciPy's: values, dtypes, derivatives, batches, errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.signal

import jitad
import jitad.scipy.signal

from ..linalg.checks import check_derivatives, close_results, leaves

RNG = np.random.default_rng(3)
LINE = RNG.normal(size=60)
ROWS = RNG.normal(size=(2, 40))
OTHER = RNG.normal(size=(2, 33))
COMPLEX = ROWS + 1j * RNG.normal(size=ROWS.shape)
HANN = {"window": "hann", "nperseg": 8}
STFT = np.asarray(scipy.signal.stft(ROWS, **HANN)[2])

Case = tuple[Callable[[Any, Any], Any], tuple[np.ndarray, ...]]

CASES: dict[str, Case] = {
    "detrend": (lambda s, x: s.detrend(x), (LINE, ROWS, COMPLEX)),
    "detrend constant": (lambda s, x: s.detrend(x, 0, "constant"), (ROWS,)),
    "detrend pieces": (lambda s, x: s.detrend(x, bp=[5, 30]), (LINE, COMPLEX)),
    "welch": (lambda s, x: s.welch(x, 3.0, **HANN), (LINE, COMPLEX)),
    "welch median": (
        lambda s, x: s.welch(x, nperseg=9, nfft=12, noverlap=3, average="median"),
        (LINE,),
    ),
    "welch columns": (
        lambda s, x: s.welch(x, axis=0, **HANN, detrend="linear", scaling="spectrum"),
        (ROWS.T.copy(),),
    ),
    "welch two sides": (
        lambda s, x: s.welch(x, **HANN, detrend=False, return_onesided=False),
        (LINE,),
    ),
    "welch own window": (lambda s, x: s.welch(x, window=np.arange(1.0, 8)), (LINE,)),
    "welch kaiser": (lambda s, x: s.welch(x, window=("kaiser", 2.0), nperseg=16), (LINE,)),
    "csd": (lambda s, x: s.csd(x, OTHER, **HANN), (ROWS,)),
    "csd other": (lambda s, x: s.csd(OTHER[0], x, average="median", **HANN), (LINE,)),
    "stft": (lambda s, x: s.stft(x, 2.0, **HANN), (LINE, COMPLEX)),
    **{
        f"stft {boundary}": (
            lambda s, x, boundary=boundary: s.stft(x, boundary=boundary, padded=False, **HANN),
            (LINE,),
        )
        for boundary in ("even", "odd", "constant", None)
    },
    "stft density": (
        lambda s, x: s.stft(x, 2.0, nperseg=9, axis=0, detrend="constant", scaling="psd"),
        (ROWS.T.copy(),),
    ),
    "istft": (lambda s, x: s.istft(x, **HANN), (STFT,)),
    "istft axes": (
        lambda s, x: s.istft(x, 2.0, time_axis=0, freq_axis=1, scaling="psd"),
        (np.moveaxis(STFT, -1, 0).copy(),),
    ),
    "istft two sides": (
        lambda s, x: s.istft(x, input_onesided=False, boundary=False, noverlap=6),
        (RNG.normal(size=(8, 3)) + 1j,),
    ),
}
QUIET = pytest.mark.filterwarnings("ignore:NOLA condition failed|Input data is complex")
RUNS = [pytest.param(*case, id=name) for name, case in CASES.items()]


@QUIET
@pytest.mark.parametrize("function, points", RUNS)
def test_values_and_derivatives(
    function: Callable[[Any, Any], Any], points: tuple[np.ndarray, ...]
) -> None:
    for x in points:
        expected = function(scipy.signal, x)
        for got in (
            function(jitad.scipy.signal, x),
            jitad.jit(lambda x: function(jitad.scipy.signal, x))(x),
        ):
            close_results(got, expected, "value", 1e-12)
            for g, e in zip(leaves(got), leaves(expected), strict=True):
                assert g.dtype == e.dtype
        check_derivatives(lambda x: leaves(function(jitad.scipy.signal, x))[-1], x)


@QUIET
@pytest.mark.parametrize("function, points", RUNS)
def test_single_precision(
    function: Callable[[Any, Any], Any], points: tuple[np.ndarray, ...]
) -> None:
    for x in points:
        narrow = x.astype(np.complex64 if x.dtype.kind == "c" else np.float32)
        got = leaves(function(jitad.scipy.signal, narrow))[-1]
        wide = leaves(function(jitad.scipy.signal, narrow.astype(x.dtype)))[-1]
        close_results(got, wide, "single precision", 1e-5)


def test_dtype_of_a_single_precision_spectrum() -> None:
    narrow = LINE.astype(np.float32)
    assert jitad.scipy.signal.welch(narrow, **HANN)[1].dtype == np.float32
    assert jitad.scipy.signal.csd(narrow, narrow + 1, **HANN)[1].dtype == np.complex64
    assert jitad.scipy.signal.stft(narrow, **HANN)[2].dtype == np.complex64
    whole = jitad.scipy.signal.stft(np.arange(20), **HANN)[2]
    close_results(whole, scipy.signal.stft(np.arange(20), **HANN)[2], "integers")


def test_a_window_and_a_sampling_frequency_have_derivatives() -> None:
    window = np.hanning(10)[1:9]
    check_derivatives(lambda w: jitad.scipy.signal.welch(LINE, window=w)[1], window)
    check_derivatives(lambda fs: jitad.scipy.signal.welch(LINE, fs, **HANN), np.array(2.0))


def test_a_signal_shorter_than_a_segment_warns() -> None:
    with pytest.warns(UserWarning, match="nperseg = 256 is greater than input length = 60"):
        got = jitad.scipy.signal.welch(LINE)
    with pytest.warns(UserWarning, match="nperseg"):
        close_results(got, scipy.signal.welch(LINE), "shortened")


def test_what_cannot_be_inverted_warns() -> None:
    with pytest.warns(UserWarning, match="NOLA condition failed"):
        jitad.scipy.signal.istft(STFT, noverlap=0)


def test_signals_of_no_elements() -> None:
    for name in ("welch", "stft"):
        got = getattr(jitad.scipy.signal, name)(np.zeros((2, 0)))
        expected = getattr(scipy.signal, name)(np.zeros((2, 0)))
        assert [g.shape for g in got] == [e.shape for e in expected]


WRONG: dict[str, Callable[[Any], Any]] = {
    "trend": lambda s: s.detrend(LINE, type="square"),
    "break": lambda s: s.detrend(LINE, bp=99),
    "length": lambda s: s.welch(LINE, nperseg=0),
    "overlap": lambda s: s.welch(LINE, nperseg=8, noverlap=8),
    "points": lambda s: s.welch(LINE, nperseg=8, nfft=4),
    "window": lambda s: s.welch(LINE, window=np.ones(8), nperseg=9),
    "long window": lambda s: s.stft(LINE, window=np.ones(80), nperseg=80),
    "window of two axes": lambda s: s.stft(LINE, window=np.ones((2, 8)), nperseg=8),
    "scaling": lambda s: s.welch(LINE, nperseg=8, scaling="power"),
    "average": lambda s: s.welch(LINE, nperseg=8, average="mode"),
    "shapes": lambda s: s.csd(np.ones((2, 8)), np.ones((3, 8)), nperseg=4),
    "boundary": lambda s: s.stft(LINE, nperseg=8, boundary="wrap"),
    "extension": lambda s: (
        s.stft(np.ones(2), nperseg=2, window=np.ones(2), boundary="even")
        and s.stft(np.ones(1), window=np.ones(3), nperseg=3, boundary="odd")
    ),
    "stft scaling": lambda s: s.stft(LINE, nperseg=8, scaling="density"),
    "one axis": lambda s: s.istft(LINE),
    "same axes": lambda s: s.istft(STFT, time_axis=-1, freq_axis=-1),
    "istft window": lambda s: s.istft(STFT, window=np.ones(5)),
    "istft scaling": lambda s: s.istft(STFT, scaling="density"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_errors_are_scipys(wrong: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError):
        wrong(scipy.signal)
    with pytest.raises(ValueError):
        wrong(jitad.scipy.signal)
