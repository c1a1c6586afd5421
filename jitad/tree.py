"""Pytrees under their short names: `jitad.tree.map`, `jitad.tree.leaves`, ...

>>> from jitad import tree
>>> tree.map(lambda x: 2 * x, {"w": [1, 2], "b": 3})
{'b': 6, 'w': [2, 4]}
"""

from __future__ import annotations

import dataclasses
from typing import Any

from .tree_util import tree_all as all
from .tree_util import tree_broadcast as broadcast
from .tree_util import tree_flatten as flatten
from .tree_util import tree_flatten_with_path as flatten_with_path
from .tree_util import tree_leaves as leaves
from .tree_util import tree_leaves_with_path as leaves_with_path
from .tree_util import tree_map as map
from .tree_util import tree_map_with_path as map_with_path
from .tree_util import tree_reduce as reduce
from .tree_util import tree_reduce_associative as reduce_associative
from .tree_util import tree_structure as structure
from .tree_util import tree_transpose as transpose
from .tree_util import tree_unflatten as unflatten

__all__ = [
    "all",
    "broadcast",
    "flatten",
    "flatten_with_path",
    "leaves",
    "leaves_with_path",
    "map",
    "map_with_path",
    "reduce",
    "reduce_associative",
    "static",
    "structure",
    "transpose",
    "unflatten",
]
__dir__ = __all__.copy


def static(*, metadata: dict[str, Any] | None = None, **field_arguments: Any) -> Any:
    """`dataclasses.field` marked static: part of the structure in `register_dataclass`.

    >>> from jitad import tree, tree_util
    >>> import dataclasses
    >>> @tree_util.register_dataclass
    ... @dataclasses.dataclass
    ... class Layer:
    ...     weight: float
    ...     name: str = tree.static(default="layer")
    >>> tree.leaves(Layer(2.0))
    [2.0]
    """
    return dataclasses.field(metadata={"static": True, **(metadata or {})}, **field_arguments)
