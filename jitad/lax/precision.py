"""`Precision`: what programs written for accelerators ask of matrix products."""

from __future__ import annotations

import enum
from typing import TypeAlias


class Precision(enum.Enum):
    """Values for `precision=` of products and convolutions. None makes a difference: products have
    the full precision of their dtype always.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.dot(np.ones(2), np.ones(2), precision=lax.Precision.HIGHEST)
    Array(2.)
    """

    DEFAULT = 0
    HIGH = 1
    HIGHEST = 2


PrecisionLike: TypeAlias = Precision | str | tuple[Precision, Precision] | tuple[str, str] | None
"""What `precision=` takes."""
