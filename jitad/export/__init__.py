"""Programs that leave the process: as bytes for another one, as an object file and a header for C.

>>> import jitad, jitad.numpy as jnp, numpy as np
>>> from jitad import export
>>> def cubes(x):
...     return jnp.sum(x**3)
>>> point = jitad.ShapeDtypeStruct((3,), np.float64)
>>> export.export(jitad.jit(jitad.grad(cubes)))(point)
Exported(cubes(f64[3]) -> (f64[3]))
"""

from __future__ import annotations

from .contents import CFiles
from .exported import Exported, deserialize, export
from .serialization import (
    register_namedtuple_serialization,
    register_pytree_node_serialization,
)

__all__ = [
    "CFiles",
    "Exported",
    "deserialize",
    "export",
    "register_namedtuple_serialization",
    "register_pytree_node_serialization",
]
__dir__ = __all__.copy
