"""Sparse Jacobians and Hessians, for functions whose results depend on a few of their inputs each:
discretised differential equations, chains, graphs, sums of many local terms.

`jacobian` and `hessian` find which elements can be other than zero from the traced program, and
compute these alone. Where rows have many elements, they group columns (or rows) that share none,
and take one derivative for each group instead of one for each input. What they return are matrices
of `scipy.sparse`, which its solvers, `scipy.optimize` and `scipy.integrate` take.

>>> import jitad, numpy as np
>>> from jitad import sparse
>>> j = sparse.jacobian(lambda x: x[1:] * x[:-1] ** 2)
>>> j(np.array([1.0, 2.0, 3.0])).toarray()
array([[ 4.,  1.,  0.],
       [ 0., 12.,  4.]])
>>> j.products(np.ones(1000))
(2, 0)
"""

from __future__ import annotations

from .derivatives import SparseDerivative, hessian, jacobian

__all__ = ["SparseDerivative", "hessian", "jacobian"]
__dir__ = __all__.copy
