"""Eigenvalues and Schur's form."""

from __future__ import annotations

import enum
from typing import Any

from jitad_ir import ops

from ... import numpy as jnp
from ...errors import at_user_line
from ...numpy.promotion import in_parts
from ...trace import apply
from .matrices import adjoint, as_square


class EigImplementation(enum.Enum):
    """Libraries that JAX may call for `eig`; here it is always LAPACK.

    >>> from jitad import lax
    >>> lax.linalg.EigImplementation.LAPACK.value
    'lapack'
    """

    CUSOLVER = "cusolver"
    MAGMA = "magma"
    LAPACK = "lapack"


class EighImplementation(enum.Enum):
    """Methods that JAX may take for `eigh`; here it is always LAPACK's.

    >>> from jitad import lax
    >>> [method.value for method in lax.linalg.EighImplementation]
    ['qr', 'jacobi', 'qdwh']
    """

    QR = "qr"
    JACOBI = "jacobi"
    QDWH = "qdwh"


def eigh(
    x: Any,
    *,
    lower: bool = True,
    symmetrize_input: bool = True,
    sort_eigenvalues: bool = True,
    subset_by_index: tuple[int, int] | None = None,
    implementation: EighImplementation | None = None,
) -> tuple[Any, Any]:
    """Orthonormal eigenvectors, in the columns of (..., n, n), and eigenvalues (..., n), ascending,
    of Hermitian matrices: `(v, w)`, vectors first. Of x its Hermitian part counts, or if not
    `symmetrize_input` its lower (upper if not `lower`) triangle alone. `subset_by_index` (start,
    end) selects eigenvalues. Derivatives of v need distinct eigenvalues.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.eigh(jnp.array([[2.0, 0.0], [0.0, 1.0]]))[1]
    Array([1., 2.])
    """
    matrix = as_square("eigh", x)
    if symmetrize_input:
        matrix = 0.5 * (matrix + adjoint(matrix))
    elif not lower:
        matrix = adjoint(matrix)
    w, v = apply(ops.eigh, matrix)
    if subset_by_index is None:
        return v, w
    start, end = subset_by_index
    if not 0 <= start < end <= matrix.shape[-1]:
        raise ValueError(
            at_user_line(
                f"eigh: expected subset_by_index within (0, {matrix.shape[-1]}); got "
                f"{subset_by_index}"
            )
        )
    return v[..., start:end], w[..., start:end]


def eig(
    x: Any,
    *,
    compute_left_eigenvectors: bool = True,
    compute_right_eigenvectors: bool = True,
    enable_eigvec_derivs: bool = False,
    implementation: EigImplementation | None = None,
    use_magma: bool | None = None,
) -> list[Any]:
    """Eigenvalues w (..., n) of square matrices, and left and right eigenvectors, in the columns of
    vl and vr, of length one with a real greatest element: `[w, vl, vr]`, all complex, without those
    not asked for. x vr = vr diag(w), and vl^H x = diag(w) vl^H.

    The left eigenvectors are the rows of the inverse of vr: nan where there is none. Derivatives
    need distinct eigenvalues; those of the vectors are there whether `enable_eigvec_derivs` or not.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.linalg.eig(jnp.array([[2.0, 1.0], [0.0, 1.0]]), compute_left_eigenvectors=False)[0]
    Array([2.+0.j, 1.+0.j])
    """
    w, vr = apply(ops.eig, in_parts(as_square("eig", x)))
    results = [w]
    if compute_left_eigenvectors:
        results.append(_normalized(adjoint(jnp.linalg.inv(vr))))
    return [*results, vr] if compute_right_eigenvectors else results


def _normalized(v: Any) -> Any:
    """Columns of length one, their greatest elements real."""
    if not v.shape[-1]:
        return v
    size = jnp.square(jnp.real(v)) + jnp.square(jnp.imag(v))
    v = v / jnp.sqrt(jnp.sum(size, axis=-2, keepdims=True))
    place = jnp.argmax(size, axis=-2)
    greatest = jnp.take_along_axis(v, jnp.expand_dims(place, -2), axis=-2)
    return v * jnp.conj(jnp.sign(greatest))


def schur(
    x: Any,
    *,
    compute_schur_vectors: bool = True,
    sort_eig_vals: bool = False,
    select_callable: Any = None,
) -> tuple[Any, ...]:
    """T and a unitary Q with x = Q T Q^H, for square matrices (..., n, n); T alone, in a tuple, if
    not `compute_schur_vectors`. T is upper triangular for complex matrices; for real ones it has a
    block of two rows and columns for each conjugate pair of eigenvalues.

    The derivative needs distinct eigenvalues, and no such block (else it is nan). Sorting
    eigenvalues is left out (NotImplementedError), as in JAX.

    >>> from jitad import lax
    >>> import numpy as np
    >>> x = np.array([[1.0, 2.0], [3.0, 2.0]])
    >>> t, q = lax.linalg.schur(x)
    >>> np.allclose(q @ t @ q.T, x)
    True
    """
    if sort_eig_vals or select_callable is not None:
        raise NotImplementedError(at_user_line("schur: sorting the eigenvalues is left out"))
    t, q = apply(ops.schur, as_square("schur", x))
    return (t, q) if compute_schur_vectors else (t,)
