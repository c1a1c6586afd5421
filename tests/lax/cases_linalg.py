"""Cases of `lax.linalg`. Where signs and phases are free, a case takes what they do not change."""

from __future__ import annotations

from typing import Any

import numpy as np

from .cases import add, complexes, reals


def _positive(x: np.ndarray) -> np.ndarray:
    return x @ np.swapaxes(x.conj(), -1, -2) + 2 * np.eye(x.shape[-1])


def _adjoint(lax: Any, x: Any) -> Any:
    order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    turned = lax.transpose(x, order)
    return lax.conj(turned) if x.dtype.kind == "c" else turned


_REAL, _COMPLEX = reals(4, 4), complexes(3, 3)
_SPREAD = _REAL + np.diag([0.0, 3.0, 6.0, 9.0])
_STACK = reals(2, 3, 3) + np.diag([0.0, 4.0, 8.0])

for _x in (_positive(_REAL), _positive(_COMPLEX), _positive(_STACK)):
    add("cholesky", lambda lax, x: lax.linalg.cholesky(x), _x)
add(
    "cholesky",
    lambda lax, x: lax.linalg.cholesky(x, symmetrize_input=False),
    np.tril(_positive(_REAL)),
)
add(
    "cholesky_update",
    lambda lax, r, w: lax.linalg.cholesky_update(r, w),
    np.linalg.cholesky(_positive(_REAL)).T.copy(),
    reals(4, seed=1),
)
for _x in (_REAL, _COMPLEX, _STACK, reals(4, 2), reals(2, 3)):
    add("lu", lambda lax, x: lax.linalg.lu(x), _x)
    add("qr", lambda lax, x: lax.linalg.qr(x, full_matrices=False), _x)
    add("svd_values", lambda lax, x: lax.linalg.svd(x, compute_uv=False), _x)
add(
    "lu_pivots_to_permutation",
    lambda lax, p: lax.linalg.lu_pivots_to_permutation(p, 4),
    np.array([[2, 1, 3], [3, 3, 2]], "int32"),
)
add("qr_full", lambda lax, x: lax.linalg.qr(x), reals(4, 2), smooth=False)
for _x in (_REAL, reals(4, 2), reals(2, 4)):
    add("qr_pivoting", lambda lax, x: lax.linalg.qr(x, pivoting=True, full_matrices=False), _x)
add("qr_pivoting", lambda lax, x: lax.linalg.qr(x, pivoting=True), _COMPLEX, smooth=False)


def _svd(lax: Any, x: Any) -> Any:
    u, s, vh = lax.linalg.svd(x, full_matrices=False)
    scaled = lax.mul(u, lax.broadcast_in_dim(s, u.shape, (u.ndim - 1,)).astype(u.dtype) ** 2)
    return lax.dot(scaled, vh), s


def _svd_part(lax: Any, x: Any) -> Any:
    u, s, vh = lax.linalg.svd(x, full_matrices=False, subset_by_index=(0, 2))
    return s, lax.dot(u, vh)


for _x in (_REAL, _COMPLEX, reals(4, 2)):
    add("svd", _svd, _x)
add("svd_part", _svd_part, _REAL, as_in_jax=False)


def _function_of(lax: Any, v: Any, w: Any) -> Any:
    """v diag(w**2) v^H"""
    rows = (*range(v.ndim - 2), v.ndim - 1)
    scaled = v * lax.broadcast_in_dim(w * w, v.shape, rows).astype(v.dtype)
    return lax.batch_matmul(scaled, _adjoint(lax, v))


def _eigh(lax: Any, x: Any, **options: Any) -> Any:
    v, w = lax.linalg.eigh(x, **options)
    return w, _function_of(lax, v, w)


for _x in (_REAL + _REAL.T, _COMPLEX + _COMPLEX.conj().T, _STACK + np.swapaxes(_STACK, 1, 2)):
    add("eigh", lambda lax, x: _eigh(lax, x), _x)
add("eigh", lambda lax, x: _eigh(lax, x, lower=False, symmetrize_input=False), _REAL)
add("eigh", lambda lax, x: _eigh(lax, x, symmetrize_input=False), _SPREAD)


def _eig(lax: Any, x: Any) -> Any:
    w, left, right = lax.linalg.eig(x, enable_eigvec_derivs=True)
    order = np.eye(x.shape[-1])  # the same order of eigenvalues: by their sum of powers
    powers = [lax.reduce_sum(w**k, (0,)) for k in range(1, 4)]
    pairing = lax.batch_matmul(_adjoint(lax, left), right)
    off = pairing * (1 - order)
    return powers, off


for _x in (_SPREAD, _COMPLEX):
    add("eig", _eig, _x)


def _left(lax: Any, x: Any) -> Any:
    """Left eigenvectors, whose phases LAPACK's rule fixes but for a sign."""
    w, left = lax.linalg.eig(x, compute_right_eigenvectors=False, enable_eigvec_derivs=True)
    return w, left * lax.sign(lax.real(left[:1])).astype(left.dtype)


add("eig_left", _left, _SPREAD)
_APART = 0.3 * _REAL + np.diag([0.0, 3.0, 6.0, 9.0])  # real eigenvalues
add("schur", lambda lax, x: lax.linalg.schur(x), _APART)
add(
    "schur_values",
    lambda lax, x: lax.linalg.schur(x, compute_schur_vectors=False)[0],
    np.array([[1.0, 2.0, 0.5], [-2.0, 1.0, 0.3], [0.0, 0.1, 4.0]]),
    smooth=False,
)


def _schur_product(lax: Any, x: Any) -> Any:
    t, q = lax.linalg.schur(x)
    t2 = lax.dot(t, t)
    return lax.dot(lax.dot(q, t2), _adjoint(lax, q))


add("schur_product", _schur_product, _COMPLEX)

for _x in (_REAL, _COMPLEX, _STACK, reals(1, 1), reals(2, 2)):
    add("hessenberg", lambda lax, x: tuple(lax.linalg.hessenberg(x)), _x)
for _x in (_REAL, _COMPLEX, _STACK, reals(2, 2)):
    for _lower in (True, False):
        add(
            "tridiagonal",
            lambda lax, x, lower=_lower: tuple(lax.linalg.tridiagonal(x, lower=lower)),
            _x + np.swapaxes(_x.conj(), -1, -2),
            as_in_jax=_x.dtype.kind != "c",
        )
for _a, _taus in (
    (reals(4, 3), reals(3)),
    (reals(4, 3), reals(2)),
    (complexes(3, 3), complexes(3)),
    (reals(2, 4, 2), reals(2, 2)),
):
    add("householder_product", lambda lax, a, t: lax.linalg.householder_product(a, t), _a, _taus)
    for _left_side in (True, False):
        for _transpose in (True, False):
            _stack = _a.shape[:-2]
            _m = _a.shape[-2]
            add(
                "ormqr",
                lambda lax, a, t, c, left=_left_side, transpose=_transpose: lax.linalg.ormqr(
                    a, t, c, left=left, transpose=transpose
                ),
                _a,
                _taus,
                reals(*_stack, *((_m, 2) if _left_side else (2, _m))).astype(_a.dtype),
            )


def _triangular(**options: Any) -> Any:
    return lambda lax, a, b: lax.linalg.triangular_solve(a, b, **options)


for _options in (
    {"left_side": True, "lower": True},
    {"left_side": True},
    {"lower": True},
    {"transpose_a": True},
    {"left_side": True, "lower": True, "transpose_a": True, "unit_diagonal": True},
):
    add("triangular_solve", _triangular(**_options), _SPREAD, reals(4, 4, seed=1))
    add("triangular_solve", _triangular(**_options), _COMPLEX + 3 * np.eye(3), complexes(3, 3))
_conjugated = _triangular(left_side=True, conjugate_a=True, transpose_a=True)
add("triangular_solve", _conjugated, _COMPLEX + 3 * np.eye(3), complexes(3, 2))
add("triangular_solve", _triangular(left_side=True), _SPREAD, reals(4))
add("triangular_solve", _triangular(), _STACK, reals(2, 3))

for _symmetrize in (True, False):
    add(
        "symmetric_product",
        lambda lax, a, c, symmetrize=_symmetrize: lax.linalg.symmetric_product(
            a, c + _adjoint(lax, c), alpha=0.5, beta=2.0, symmetrize_output=symmetrize
        ),
        reals(3, 2),
        reals(3, 3),
    )

for _shape, _columns in (((5,), 2), ((2, 4), 1), ((1,), 2)):
    for _main in (0.0, 4.0):  # the first needs pivots
        _low, _high = reals(*_shape, seed=1), reals(*_shape, seed=2)
        _low[..., 0] = _high[..., -1] = 0
        add(
            "tridiagonal_solve",
            lambda lax, *operands: lax.linalg.tridiagonal_solve(*operands),
            _low,
            _main + 0.3 * reals(*_shape, seed=3),
            _high,
            reals(*_shape, _columns, seed=4),
        )
add(
    "tridiagonal_solve",
    lambda lax, *operands: lax.linalg.tridiagonal_solve(*operands),
    complexes(4),
    complexes(4, seed=1),
    complexes(4, seed=2),
    complexes(4, 2),
    as_in_jax=False,
)

add("qdwh", lambda lax, x: lax.linalg.qdwh(x)[:2], _REAL)
add("qdwh", lambda lax, x: lax.linalg.qdwh(x)[:2], reals(4, 2))
add("qdwh", lambda lax, x: lax.linalg.qdwh(x)[:2], _COMPLEX)
