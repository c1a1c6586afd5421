"""Devices in grids, for `jitad.sharding.Mesh`: of the one device there is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..placement import Device, local_devices

__all__ = ["create_device_mesh"]
__dir__ = __all__.copy


def create_device_mesh(
    mesh_shape: Sequence[int], devices: Sequence[Device] | None = None, **how: Any
) -> Any:
    """The device in an array of shape `mesh_shape`. Raises ValueError for lengths other than 1.

    >>> create_device_mesh((1, 1)).shape
    (1, 1)
    """
    if math.prod(mesh_shape) != 1:
        raise ValueError(
            at_user_line(
                f"create_device_mesh: expected lengths of 1, for one device; got {mesh_shape}"
            )
        )
    grid = np.empty(tuple(mesh_shape), object)
    grid[...] = (local_devices() if devices is None else devices)[0]
    return grid
