"""Types for annotations: `from jitad.typing import ArrayLike, DTypeLike`."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from .array import Array

__all__ = ["ArrayLike", "DTypeLike"]
__dir__ = __all__.copy

ArrayLike: TypeAlias = Array | np.ndarray | np.generic | bool | int | float | complex
"""What functions of arrays take: arrays (traced ones as well), NumPy's and Python's numbers."""
