"""stop_gradient: values that derivatives do not see."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitad_ir.op import OPS

from ..argument_types import type_of_argument
from ..errors import hides_internals
from ..trace import Tracer, apply
from ..tree_util import tree_map


@hides_internals
def stop_gradient(x: Any) -> Any:
    """The pytree `x`, whose derivative is zero.

    >>> import jitad
    >>> jitad.grad(lambda x: x * jitad.lax.stop_gradient(x))(3.0)
    Array(3.)
    """

    def leaf(value: Any) -> Any:
        if not type_of_argument(value).is_inexact:
            return value
        operand = value if isinstance(value, Tracer) else np.asarray(value)
        return apply(OPS["stop_gradient"], operand)

    return tree_map(leaf, x)
