"""`isinstance(x, jitad.core.Tracer)`: whether a value is being traced.

>>> import jitad
>>> def is_traced(x):
...     return isinstance(x, jitad.core.Tracer)
>>> is_traced(1.0), bool(jitad.jit(is_traced)(1.0))
(False, True)
"""

from __future__ import annotations

from .trace import Tracer
from .transforms.inspection import ShapeDtypeStruct, ensure_compile_time_eval

__all__ = ["ShapedArray", "Tracer", "ensure_compile_time_eval"]

ShapedArray = ShapeDtypeStruct
"""Shape and dtype without elements: `ShapeDtypeStruct`, under the name of JAX's type of values."""
