"""`jitad.scipy.optimize`: minima of functions."""

from __future__ import annotations

from .minimize import minimize
from .results import OptimizeResults

__all__ = ["OptimizeResults", "minimize"]
__dir__ = __all__.copy
