"""Matrices that are unitarily similar to a given one: Schur's and Hessenberg's form."""

from __future__ import annotations

from typing import Any

from jitad import numpy as jnp
from jitad.errors import at_user_line
from jitad.numpy.matrix_operands import adjoint, as_square
from jitad.numpy.promotion import convert, in_parts
from jitad.trace import apply
from jitad_ir import ops
from jitad_ir.types import complex_dtype


def schur(
    a: Any,
    output: str = "real",
    lwork: int | None = None,
    overwrite_a: bool = False,
    sort: Any = None,
    check_finite: bool = True,
) -> tuple[Any, Any]:
    """T and a unitary Z with a = Z T Z^H, for square matrices (..., n, n). T is upper triangular if
    it is complex: for complex matrices, and with `output` "complex". The real form of a real matrix
    has a block of two rows and columns for each conjugate pair of eigenvalues.

    The derivative needs distinct eigenvalues; that of a real form with blocks is nan (take the
    complex one). The phases of complex columns of Z are not determined: what depends on them has no
    meaningful derivative. nan where a is not finite. Sorting eigenvalues is left out
    (NotImplementedError). Raises ValueError for matrices that are not square and other outputs.

    >>> t, z = schur([[0.0, 2.0], [-2.0, 0.0]], output="complex")
    >>> jnp.diagonal(t)
    Array([0.+2.j, 0.-2.j])
    """
    if output not in ("real", "r", "complex", "c"):
        raise ValueError(at_user_line("argument must be 'real', or 'complex'"))
    if sort is not None:
        raise NotImplementedError(at_user_line("schur: sorting the eigenvalues is left out"))
    x = as_square(a)
    if output in ("complex", "c"):
        x = in_parts(x)
        x = convert(x, complex_dtype(x.dtype))
    t, z = apply(ops.schur, x)
    return t, z


def rsf2csf(T: Any, Z: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """The complex Schur form (T, Z) from the real one: each block of two rows and columns is made
    triangular by a rotation, with the eigenvalue of positive imaginary part first.

    Raises ValueError for matrices that are not square or differ in size.

    >>> from jitad.scipy import linalg
    >>> import numpy as np
    >>> t, z = linalg.rsf2csf(np.array([[0.0, -1.0], [1.0, 0.0]]), np.eye(2))
    >>> np.diag(t)
    Array([0.+1.j, 0.-1.j])
    """
    t, z = in_parts(_square("T", T)), in_parts(_square("Z", Z))
    if t.shape[-1] != z.shape[-1]:
        raise ValueError(
            at_user_line(f"Input array shapes must match: Z: {z.shape} vs. T: {t.shape}")
        )
    dtype = complex_dtype(jnp.result_type(t.dtype, z.dtype))
    t, z = convert(t, dtype), convert(z, dtype)
    n = t.shape[-1]
    if n < 2:
        return t, z
    main = jnp.diagonal(t, axis1=-2, axis2=-1)
    below = jnp.diagonal(t, -1, axis1=-2, axis2=-1)
    above = jnp.diagonal(t, 1, axis1=-2, axis2=-1)
    first, second = main[..., :-1], main[..., 1:]
    size = jnp.abs(first) + jnp.abs(second)
    paired = jnp.abs(below) > jnp.finfo(dtype).eps * size
    # An eigenvalue of the block less its last element, and the rotation [[conj c, s], [-s, c]].
    half = (first - second) / 2
    root = jnp.sqrt(jnp.where(paired, half * half + above * below, 1))
    above_last = half + root
    length = jnp.sqrt(jnp.abs(above_last) ** 2 + jnp.where(paired, jnp.abs(below) ** 2, 1))
    cosine = jnp.where(paired, above_last / length, 1)
    sine = jnp.where(paired, below / length, 0)
    ones = jnp.ones((*paired.shape[:-1], 1), dtype)
    of_first = jnp.concatenate([jnp.where(paired, cosine.conj(), 1), ones], -1)
    of_second = jnp.concatenate([ones, cosine], -1)
    turn = _band(of_first * of_second, 0) + _band(sine, 1) - _band(sine, -1)
    turned = jnp.matmul(jnp.matmul(turn, t), adjoint(turn))
    return jnp.triu(turned), jnp.matmul(z, adjoint(turn))


def _square(name: str, x: Any) -> Any:
    found = jnp.asarray(x)
    if found.ndim < 2 or found.shape[-1] != found.shape[-2]:
        raise ValueError(at_user_line(f"Input '{name}' must be square."))
    return as_square(found)


def _band(v: Any, above: int) -> Any:
    """Vectors as the diagonal so far above the main one, of matrices of zeros."""
    n = v.shape[-1] + abs(above)
    places = jnp.eye(v.shape[-1], n, max(above, 0), dtype=v.dtype)
    rows = v[..., None] * places
    if above >= 0:
        return jnp.concatenate([rows, jnp.zeros((*v.shape[:-1], above, n), v.dtype)], -2)
    return jnp.swapaxes(_band(v, -above), -1, -2)


def hessenberg(
    a: Any, calc_q: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """H, zero below the diagonal under the main one, with a = Q H Q^H for a unitary Q; and Q, if
    `calc_q`. For square matrices (..., n, n).

    By Householder's reflections, so that the first column of Q is (1, 0, ...) and elements under
    the diagonal are real; matrices of two rows are left as they are. The derivative needs elements
    other than zero there. nan where a is not finite. Raises ValueError if a is not square.

    >>> a = jnp.array([[4.0, 1.0, 2.0], [3.0, 1.0, 1.0], [4.0, 0.0, 2.0]])
    >>> h, q = hessenberg(a, calc_q=True)
    >>> float(h[2, 0]), bool(jnp.allclose(q @ h @ q.T, a))
    (0.0, True)
    """
    x = as_square(a)
    if x.shape[-1] <= 2:
        h, q = x, jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    else:
        h, q = apply(ops.hessenberg, x)
    return (h, q) if calc_q else h
