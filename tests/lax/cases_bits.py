"""Cases of `lax.bits` and `lax.fourier`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import add, complexes, integers, reals

_WORDS = np.array([0, 1, 2**31, 2**32 - 1, 77], "uint32")
_LONG = np.array([0, -1, 2**62, -(2**63), 123456789012345], "int64")
for _name in ["bitwise_and", "bitwise_or", "bitwise_xor"]:
    add(_name, lambda lax, x, y, n=_name: getattr(lax, n)(x, y), integers(5), integers(5, seed=1))
    add(_name, lambda lax, x, y, n=_name: getattr(lax, n)(x, y), reals(4) > 0, reals(4, seed=1) > 0)
add("bitwise_not", lambda lax, x: lax.bitwise_not(x), integers(5))
add("bitwise_not", lambda lax, x: lax.bitwise_not(x), reals(4) > 0)
for _name in ["clz", "population_count"]:
    for _x in (_WORDS, _LONG, integers(4).astype("int8")):
        add(_name, lambda lax, x, n=_name: getattr(lax, n)(x), _x)
for _name in ["shift_left", "shift_right_arithmetic", "shift_right_logical"]:
    add(_name, lambda lax, x, n=_name: getattr(lax, n)(x, 3), integers(5))
    add(_name, lambda lax, x, y, n=_name: getattr(lax, n)(x, y), _WORDS, _WORDS[::-1] % 40)
for _x in (_WORDS, _LONG, _LONG.view("uint64"), integers(5, low=-128, high=127).astype("int8")):
    add("mulhi", lambda lax, x, y: lax.mulhi(x, y), _x, _x[::-1].copy(), as_in_jax=False)


def _bitcast(dtype: str) -> Any:
    return lambda lax, x: lax.bitcast_convert_type(x, np.dtype(dtype))


add("bitcast_convert_type", _bitcast("uint64"), reals(2, 3), smooth=False)
add("bitcast_convert_type", _bitcast("int32"), reals(3).astype("float32"))
add("bitcast_convert_type", _bitcast("float32"), _WORDS[:3])
add("bitcast_convert_type", _bitcast("uint8"), _WORDS)
add("bitcast_convert_type", _bitcast("int16"), reals(3), smooth=False)
add("bitcast_convert_type", _bitcast("uint64"), _WORDS[:4].reshape(2, 2))
add("bitcast_convert_type", _bitcast("float64"), integers(2, 8, low=0).astype("uint8"))
add("bitcast_convert_type", _bitcast("uint8"), np.array([-1, 3], "int8"))
_SIZES = np.array([0.0, -0.0, 1.0, 1.0009765625, -3.14159, 65504.0, 65520.0, 1e-5, 1e-8, 1e300])
_SIZES = np.concatenate([_SIZES, [np.inf, -np.inf, np.nan, 1.00048828125, 1.00146484375]])
for _bits in ((5, 10), (8, 7), (8, 23), (11, 52), (4, 3), (11, 0)):
    add(
        "reduce_precision",
        lambda lax, x, bits=_bits: lax.reduce_precision(x, *bits),
        _SIZES,
        smooth=False,
    )
    add(
        "reduce_precision",
        lambda lax, x, bits=_bits: lax.reduce_precision(x, *bits),
        _SIZES[:9].astype("float32"),
    )

for _name, _x, _lengths in (
    ("FFT", complexes(5), (5,)),
    ("FFT", complexes(2, 3, 4), (3, 4)),
    ("IFFT", complexes(2, 6), (6,)),
    ("RFFT", reals(2, 6), (6,)),
    ("RFFT", reals(3, 5).astype("float32"), (3, 5)),
    ("IRFFT", complexes(2, 4), (6,)),
    ("IRFFT", complexes(3, 4), (3, 7)),
):
    add(
        "fft",
        lambda lax, x, name=_name, lengths=_lengths: lax.fft(x, lax.FftType[name], lengths),
        _x,
    )
add("fft", lambda lax, x: lax.fft(x, "fft", (4,)), reals(4))
add("optimization_barrier", lambda lax, x, y: lax.optimization_barrier((x, y)), reals(3), reals(2))
