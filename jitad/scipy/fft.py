"""`jitad.scipy.fft`: discrete cosine and sine transforms, with derivatives and batching.

The transforms of `numpy.fft` are in `jitad.numpy.fft`. By types, before normalization, with
N elements x_n and k = 0 ... N - 1:

    dct  I    x_0 + (-1)^k x_(N-1) + 2 sum over 0 < n < N - 1 of x_n cos(pi k n / (N - 1))
         II   2 sum over n of x_n cos(pi k (2 n + 1) / (2 N))
         III  x_0 + 2 sum over n > 0 of x_n cos(pi (2 k + 1) n / (2 N))
         IV   2 sum over n of x_n cos(pi (2 k + 1) (2 n + 1) / (4 N))
    dst  I    2 sum over n of x_n sin(pi (k + 1) (n + 1) / (N + 1))
         II   2 sum over n of x_n sin(pi (k + 1) (2 n + 1) / (2 N))
         III  (-1)^k x_(N-1) + 2 sum over n < N - 1 of x_n sin(pi (2 k + 1) (n + 1) / (2 N))
         IV   2 sum over n of x_n sin(pi (2 k + 1) (2 n + 1) / (4 N))
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.promotion import Operand, as_array_operand, inexact, strong
from jitad_ir.types import complex_dtype

__all__ = ["dct", "dctn", "dst", "dstn", "idct", "idctn", "idst", "idstn"]
__dir__ = __all__.copy

_INVERSE = {1: 1, 2: 3, 3: 2, 4: 4}
_OPPOSITE = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def dct(
    x: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    orthogonalize: bool | None = None,
) -> Any:
    """The discrete cosine transform of `type` 1, 2, 3 or 4 along `axis`, of `n` elements: `x` is
    cut off or filled up with zeros.

    `norm` "backward" (None): as above; "forward": divided by 2 N (type 1: 2 (N - 1)); "ortho":
    divided by the root of that. `orthogonalize` (default: if `norm` is "ortho") makes the matrix
    orthogonal up to a factor: elements 0 (type 1: the last, too) count sqrt(2) or sqrt(1/2) times.
    `overwrite_x` and `workers` are taken for SciPy's sake and do nothing.

    Integers give float64; complex numbers are transformed part by part. Raises ValueError for other
    types and norms and for lengths below 1 (type 1: below 2).

    >>> dct([1.0, 2.0, 4.0])
    Array([14.        , -5.19615242,  1.        ])
    """
    return _transformed("c", x, type, n, axis, norm, orthogonalize)


def idct(
    x: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    orthogonalize: bool | None = None,
) -> Any:
    """The inverse of `dct` with the same parameters.

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.idct(fft.dct(np.array([1.0, 2.0, 4.0])))
    Array([1., 2., 4.])
    """
    return _transformed("c", x, _inverse(type), n, axis, _opposite(norm), orthogonalize)


def dst(
    x: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    orthogonalize: bool | None = None,
) -> Any:
    """The discrete sine transform of `type` 1, 2, 3 or 4 along `axis`; see `dct`. "forward" divides
    by 2 N (type 1: 2 (N + 1)); the last element takes the part of element 0.

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.dst(np.array([1.0, 2.0, 4.0]))
    Array([ 9.        , -5.19615242,  6.        ])
    """
    return _transformed("s", x, type, n, axis, norm, orthogonalize)


def idst(
    x: Any,
    type: int = 2,
    n: int | None = None,
    axis: int = -1,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    orthogonalize: bool | None = None,
) -> Any:
    """The inverse of `dst` with the same parameters.

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.idst(fft.dst(np.array([1.0, 2.0, 4.0])))
    Array([1., 2., 4.])
    """
    return _transformed("s", x, _inverse(type), n, axis, _opposite(norm), orthogonalize)


def dctn(
    x: Any,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    *,
    orthogonalize: bool | None = None,
) -> Any:
    """`dct` along each of `axes` (default: all, or the last of them if `s` has lengths).

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.dctn(np.ones((2, 2)))
    Array([[16.,  0.],
           [ 0.,  0.]])
    """
    return _along_each("c", x, type, s, axes, norm, orthogonalize)


def idctn(
    x: Any,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    *,
    orthogonalize: bool | None = None,
) -> Any:
    """The inverse of `dctn` with the same parameters.

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.idctn(np.array([[16.0, 0.0], [0.0, 0.0]]))
    Array([[1., 1.],
           [1., 1.]])
    """
    return _along_each("c", x, _inverse(type), s, axes, _opposite(norm), orthogonalize)


def dstn(
    x: Any,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    *,
    orthogonalize: bool | None = None,
) -> Any:
    """`dst` along each of `axes` (default: all, or the last of them if `s` has lengths).

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.dstn(np.array([[1.0, 2.0]]))
    Array([[ 8.48528137, -4.        ]])
    """
    return _along_each("s", x, type, s, axes, norm, orthogonalize)


def idstn(
    x: Any,
    type: int = 2,
    s: Sequence[int] | None = None,
    axes: Sequence[int] | None = None,
    norm: str | None = None,
    overwrite_x: bool = False,
    workers: int | None = None,
    *,
    orthogonalize: bool | None = None,
) -> Any:
    """The inverse of `dstn` with the same parameters.

    >>> import numpy as np
    >>> from jitad.scipy import fft
    >>> fft.idstn(fft.dstn(np.array([[1.0, 2.0], [3.0, 4.0]])))
    Array([[1., 2.],
           [3., 4.]])
    """
    return _along_each("s", x, _inverse(type), s, axes, _opposite(norm), orthogonalize)


def _inverse(type: int) -> int:
    if type not in _INVERSE:
        raise ValueError(at_user_line(f"invalid type: expected 1, 2, 3 or 4; got {type!r}"))
    return _INVERSE[type]


def _opposite(norm: str | None) -> str:
    if norm not in _OPPOSITE:
        raise ValueError(
            at_user_line(f'Invalid norm value {norm!r}; should be "backward", "ortho" or "forward"')
        )
    return _OPPOSITE[norm]


def _along_each(
    kind: str,
    x: Any,
    type: int,
    s: Sequence[int] | None,
    axes: Sequence[int] | None,
    norm: str | None,
    orthogonalize: bool | None,
) -> Any:
    x = as_array_operand(x)
    if axes is None:
        axes = range(x.ndim) if s is None else range(x.ndim - len(s), x.ndim)
    lengths = [None] * len(axes) if s is None else list(s)
    if len(lengths) != len(axes):
        raise ValueError(
            at_user_line("when given, axes and shape arguments have to be of the same length")
        )
    for axis, n in zip(axes, lengths, strict=True):
        x = _transformed(kind, x, type, n, axis, norm, orthogonalize)
    return x


def _transformed(
    kind: str,
    x: Any,
    type: int,
    n: int | None,
    axis: int,
    norm: str | None,
    orthogonalize: bool | None,
) -> Operand:
    _inverse(type)
    how = {"forward": "backward", "backward": "forward", "ortho": "ortho"}[_opposite(norm)]
    x = inexact(strong(as_array_operand(x)))
    place = normalize_axis_index(axis, x.ndim)
    x = _of_length(jnp.moveaxis(x, place, -1), n, kind, type)
    if x.dtype.kind == "c":
        parts = [_by_parts(kind, part, type, how, orthogonalize) for part in (x.real, x.imag)]
        result = parts[0] + 1j * parts[1]
    else:
        result = _by_parts(kind, x, type, how, orthogonalize)
    return jnp.moveaxis(result, -1, place)


def _of_length(x: Operand, n: int | None, kind: str, type: int) -> Operand:
    """The last axis cut off or filled up with zeros."""
    size = x.shape[-1] if n is None else operator.index(n)
    if size < (2 if (kind, type) == ("c", 1) else 1):
        raise ValueError(at_user_line(f"invalid number of data points ({size}) specified"))
    x = x[..., :size]
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, size - x.shape[-1])])


def _by_parts(kind: str, x: Operand, type: int, norm: str, orthogonalize: bool | None) -> Operand:
    """The transform of real rows, normalized."""
    n = x.shape[-1]
    weighs = norm == "ortho" if orthogonalize is None else orthogonalize
    edges = np.ones(n, x.dtype)
    if weighs and type in (1, 2, 3) and (kind, type) != ("s", 1):
        first, last = (0, n - 1) if kind == "c" else (n - 1, n - 1)
        edges[first] = np.sqrt(0.5)
        if type == 1:
            edges[last] = np.sqrt(0.5)
    if type in (1, 3):
        x = x / edges
    result = _TRANSFORMS[kind, type](x)
    if type in (1, 2):
        result = result * edges
    count = 2 * (n - 1 if (kind, type) == ("c", 1) else n + 1 if type == 1 else n)
    power = {"backward": 0.0, "ortho": 0.5, "forward": 1.0}[norm]
    return result if norm == "backward" else result * float(count) ** -power


def _turns(x: Operand, angles: np.ndarray) -> np.ndarray:
    """exp(i angle), in the precision of x."""
    return np.exp(1j * angles).astype(complex_dtype(x.dtype))


def _cosine_1(x: Operand) -> Operand:
    """The transform of the even extension x_0 ... x_(N-1) x_(N-2) ... x_1, which is real."""
    return jnp.fft.rfft(jnp.concatenate([x, x[..., -2:0:-1]], -1)).real


def _cosine_2(x: Operand) -> Operand:
    """2 Re(exp(-i pi k / 2N) V_k) of x_0 x_2 x_4 ... x_5 x_3 x_1 (J. Makhoul, IEEE Trans. ASSP 28
    (1980) 27)."""
    n = x.shape[-1]
    folded = jnp.concatenate([x[..., ::2], x[..., 1::2][..., ::-1]], -1)
    return 2 * (jnp.fft.fft(folded) * _turns(x, -np.pi / (2 * n) * np.arange(n))).real


def _cosine_3(x: Operand) -> Operand:
    """Re of sum over n of c_n x_n exp(i pi n / 2N) exp(2 pi i k n / 2N), c_0 = 1, other c = 2."""
    n = x.shape[-1]
    weights = _turns(x, np.pi / (2 * n) * np.arange(n))
    weights[1:] *= 2
    return 2 * n * jnp.fft.ifft(x * weights, 2 * n)[..., :n].real


def _cosine_4(x: Operand) -> Operand:
    """2 Re(exp(-i pi (2k + 1) / 4N) sum over n of x_n exp(-i pi n / 2N) exp(-2 pi i k n / 2N))"""
    n = x.shape[-1]
    spectrum = jnp.fft.fft(x * _turns(x, -np.pi / (2 * n) * np.arange(n)), 2 * n)[..., :n]
    return 2 * (spectrum * _turns(x, -np.pi / (4 * n) * (2 * np.arange(n) + 1))).real


def _sine_1(x: Operand) -> Operand:
    """Of the odd extension 0 x_0 ... x_(N-1) 0 -x_(N-1) ... -x_0, which is imaginary."""
    n = x.shape[-1]
    zero = jnp.zeros_like(x[..., :1])
    odd = jnp.concatenate([zero, x, zero, -x[..., ::-1]], -1)
    return -jnp.fft.rfft(odd)[..., 1 : n + 1].imag


def _alternating(x: Operand) -> np.ndarray:
    signs = np.ones(x.shape[-1], x.dtype)
    signs[1::2] = -1
    return signs


def _sine_2(x: Operand) -> Operand:
    """sin(pi (k + 1) (2 n + 1) / 2N) = (-1)^n cos(pi (N - 1 - k) (2 n + 1) / 2N)"""
    return _cosine_2(x * _alternating(x))[..., ::-1]


def _sine_3(x: Operand) -> Operand:
    """The transpose of that relation."""
    return _cosine_3(x[..., ::-1]) * _alternating(x)


def _sine_4(x: Operand) -> Operand:
    """sin(pi (2 k + 1) (2 n + 1) / 4N) = (-1)^k cos(pi (2 k + 1) (2 (N - 1 - n) + 1) / 4N)"""
    return _cosine_4(x[..., ::-1]) * _alternating(x)


_TRANSFORMS = {
    ("c", 1): _cosine_1,
    ("c", 2): _cosine_2,
    ("c", 3): _cosine_3,
    ("c", 4): _cosine_4,
    ("s", 1): _sine_1,
    ("s", 2): _sine_2,
    ("s", 3): _sine_3,
    ("s", 4): _sine_4,
}
