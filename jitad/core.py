"""`isinstance(x, jitad.core.Tracer)`: whether a value is being traced; types of values.

>>> import jitad
>>> def is_traced(x):
...     return isinstance(x, jitad.core.Tracer)
>>> is_traced(1.0), bool(jitad.jit(is_traced)(1.0))
(False, True)
"""

from __future__ import annotations

from .avals import ShapedArray
from .avals import typeof as get_aval
from .trace import Tracer
from .transforms.inspection import ensure_compile_time_eval

__all__ = ["ShapedArray", "Tracer", "ensure_compile_time_eval", "get_aval"]
__dir__ = __all__.copy
