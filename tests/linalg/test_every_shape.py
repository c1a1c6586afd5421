"""`jitad.numpy.linalg` and `jitad.scipy.linalg` over shapes and dtypes: matrices of one element and
of none, wide and tall ones, stacks of them, in memory that is not contiguous.

What has signs or phases to choose is compared by what they do not change. All names are in
test_numpy_linalg.py and test_scipy_linalg.py.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy
import scipy.linalg

import jitad.numpy as jnp
import jitad.scipy.linalg as jlinalg

from ..wide import Family, Namespaces, check_derivatives, check_values, draw, named

NUMPY = Namespaces(np, jnp)
SCIPY = Namespaces(
    SimpleNamespace(linalg=scipy.linalg, np=np), SimpleNamespace(linalg=jlinalg, np=jnp)
)
SQUARE_SHAPES = [(1, 1), (3, 3), (0, 0), (2, 1, 2, 2)]
OTHER_SHAPES = [(3, 2), (2, 3), (0, 3), (3, 0), (2, 1, 3, 2)]


def adjoint(np: Any, x: Any) -> Any:
    return np.conj(np.swapaxes(x, -1, -2))


def definite(np: Any, x: Any) -> Any:
    return x @ adjoint(np, x) + np.eye(x.shape[-2], dtype=x.dtype)


def svd_parts(np: Any, x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return s, (u * s[..., None, :] ** 2) @ vh


def qr_parts(np: Any, x: Any) -> Any:
    q, r = np.linalg.qr(x)
    return q @ r, adjoint(np, r) @ r


def eigh_parts(np: Any, x: Any) -> Any:
    w, v = np.linalg.eigh(definite(np, x))
    return w, (v * w[..., None, :] ** 2) @ adjoint(np, v)


# Of matrices of any shape.
RECTANGULAR: Family = {
    **named("svdvals matrix_norm matrix_transpose diagonal trace outer", "linalg."),
    **{
        f"norm {order}": lambda np, x, order=order: np.linalg.norm(
            x, order, axis=(-2, -1), keepdims=True
        )
        for order in ("fro", "nuc", 1, 2, np.inf)
    },
    **{
        f"vector norm {order}": lambda np, x, order=order: np.linalg.norm(x, order, axis=-1)
        for order in (None, 1, 3, 0, 0.5, np.inf)
    },
    "vector_norm": lambda np, x: np.linalg.vector_norm(x, axis=(-2, -1), ord=3),
    "pinv": lambda np, x: np.linalg.pinv(x),
    "svd": svd_parts,
    "qr": qr_parts,
    "qr r": lambda np, x: np.abs(np.linalg.qr(x, mode="r")),
    "eigh": eigh_parts,
    "cholesky": lambda np, x: np.linalg.cholesky(definite(np, x)),
    "solve": lambda np, x: np.linalg.solve(definite(np, x), x),
    "lstsq": lambda np, x: np.linalg.lstsq(adjoint(np, definite(np, x)), x)[0],
    "multi_dot": lambda np, x: np.linalg.multi_dot([x, adjoint(np, x), x]),
    "vecdot": lambda np, x: np.linalg.vecdot(x, x[..., ::-1]),
    "matmul": lambda np, x: np.linalg.matmul(x, adjoint(np, x)),
    "tensordot": lambda np, x: np.linalg.tensordot(x, x, axes=x.ndim),
}
ROUGH = ("vector norm 0", "norm nuc", "svd", "svdvals", "norm 2", "matrix_rank")
"""Of no derivative where singular values meet, or of none that differences see."""

# Of square matrices.
SQUARE: Family = {
    "expm": lambda s, x: s.linalg.expm(x),
    "sqrtm": lambda s, x: s.linalg.sqrtm(x) + 0j,
    "logm": lambda s, x: s.linalg.logm(x.astype("c16") if s.np is np else x),
    "inv": lambda s, x: s.linalg.inv(x),
    "polar": lambda s, x: s.linalg.polar(x),
    "schur": lambda s, x: s.np.abs(s.np.trace(s.linalg.schur(x)[0], axis1=-2, axis2=-1)),
    "hessenberg": lambda s, x: s.np.trace(s.linalg.hessenberg(x), axis1=-2, axis2=-1),
    "lu_solve": lambda s, x: s.linalg.lu_solve(s.linalg.lu_factor(x), x + 1),
    "solve": lambda s, x: s.linalg.solve(x, x + 1),
    "solve vector": lambda s, x: s.linalg.solve(x, x[..., :1] + 1),
    "expm_frechet": lambda s, x: s.linalg.expm_frechet(x, x @ x)[1].astype(x.dtype),
}
SOLVERS: Family = {
    "cho_solve": lambda s, x: s.linalg.cho_solve(s.linalg.cho_factor(definite(s.np, x)), x),
    "cholesky": lambda s, x: s.linalg.cholesky(definite(s.np, x)),
    "cholesky lower": lambda s, x: s.linalg.cholesky(definite(s.np, x), lower=True),
    "solve pos": lambda s, x: s.linalg.solve(definite(s.np, x), x, assume_a="pos"),
    "eigvalsh": lambda s, x: s.linalg.eigh(definite(s.np, x), eigvals_only=True),
    **{
        f"solve_triangular {trans} {lower}": lambda s, x, trans=trans, lower=lower: (
            s.linalg.solve_triangular(definite(s.np, x), x, trans=trans, lower=lower)
        )
        for trans in (0, 1, 2)
        for lower in (False, True)
    },
    "lu": lambda s, x: s.linalg.lu(x)[1:],
    "lu permuted": lambda s, x: s.linalg.lu(x, permute_l=True),
    "svd": lambda s, x: s.linalg.svd(x, compute_uv=False),
    "qr r": lambda s, x: s.np.abs(s.linalg.qr(x, mode="economic")[1]),
    "toeplitz": lambda s, x: s.linalg.toeplitz(x),
    "circulant": lambda s, x: s.linalg.circulant(x),
    "block_diag": lambda s, x: s.linalg.block_diag(x, x[..., :1, :], 2 * x),
}
OF_SOME = ("toeplitz", "logm", "lu permuted")
"""What SciPy does not take without elements."""
STACKS = np.lib.NumpyVersion(scipy.__version__) >= "1.17.0"
"""Whether SciPy takes stacks of matrices everywhere."""


def square(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Well conditioned, with eigenvalues apart and none on the negative axis."""
    x = draw(shape, dtype)
    return x + np.diag(2.0 + 2 * np.arange(shape[-1])).astype(dtype)


@pytest.mark.parametrize("shape", SQUARE_SHAPES + OTHER_SHAPES, ids=str)
def test_numpys(shape: tuple[int, ...]) -> None:
    dtypes = {(3, 2): ["float32", "complex128"], (2, 3): ["int32", "complex64"]}
    for dtype in dtypes.get(shape, ["float64"]):
        check_values(RECTANGULAR, draw(shape, dtype), of=NUMPY, tolerance=1e-10)


@pytest.mark.parametrize("shape", [(1, 1), (0, 0), *OTHER_SHAPES], ids=str)
def test_numpys_derivatives(shape: tuple[int, ...]) -> None:
    family = {k: v for k, v in RECTANGULAR.items() if min(shape[-2:]) < 3 or k not in ROUGH}
    check_derivatives(family, draw(shape, "float64"), second=shape == (2, 3), of=NUMPY)
    if shape == (3, 2):
        check_derivatives(family, draw(shape, "complex128"), of=NUMPY)


def without_stacks(family: Family, shape: tuple[int, ...]) -> Family:
    if len(shape) > 2 and not STACKS:
        pytest.skip("this SciPy takes no stacks of matrices")
    return {k: v for k, v in family.items() if 0 not in shape or k not in OF_SOME}


@pytest.mark.parametrize("shape", SQUARE_SHAPES, ids=str)
def test_scipys(shape: tuple[int, ...]) -> None:
    family = without_stacks(SQUARE, shape)
    for dtype in ("float32", "complex64") if shape == (3, 3) else ("float64",):
        check_values(family, square(shape, dtype), of=SCIPY, tolerance=1e-10)
    if shape != (3, 3):  # of which test_scipy_linalg.py has the like
        check_derivatives(family, square(shape, "float64"), of=SCIPY)


@pytest.mark.parametrize("shape", OTHER_SHAPES, ids=str)
def test_scipys_solvers(shape: tuple[int, ...]) -> None:
    family = without_stacks(SOLVERS, shape)
    for dtype in ("float32", "complex128") if shape == (3, 2) else ("float64",):
        check_values(family, draw(shape, dtype), of=SCIPY, tolerance=1e-10)
    check_derivatives(family, draw(shape, "float64"), of=SCIPY)
