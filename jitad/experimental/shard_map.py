"""`from jitad.experimental.shard_map import shard_map`: `jitad.shard_map` by its former module."""

from __future__ import annotations

from ..sharding import shard_map

__all__ = ["shard_map"]
__dir__ = __all__.copy
