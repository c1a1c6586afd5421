"""Where the parts of arrays lie, on a machine of one device.

Programs that describe meshes of devices run as they do on one CPU under JAX: every axis of a mesh
has length 1, and every part of an array is all of it.

>>> import jitad
>>> mesh = jitad.make_mesh((1,), ("batch",))
>>> jitad.sharding.NamedSharding(mesh, jitad.P("batch"))
NamedSharding(mesh=Mesh(batch=1), spec=PartitionSpec('batch'))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from .errors import at_user_line, hides_internals
from .placement import Device, devices, local_devices
from .transforms.batching import vmap
from .tree_util import tree_leaves, tree_map

__all__ = [
    "Mesh",
    "NamedSharding",
    "P",
    "PartitionSpec",
    "Shard",
    "Sharding",
    "SingleDeviceSharding",
    "check_sharding",
    "make_mesh",
    "shard_map",
]
__dir__ = __all__.copy


class PartitionSpec(tuple[Any, ...]):
    """For each axis of an array, the axis of the mesh it is divided along: a name, a tuple of
    names, or None.

    >>> import jitad
    >>> jitad.P("rows", None)
    PartitionSpec('rows', None)
    """

    __slots__ = ()

    def __new__(cls, *partitions: Any) -> PartitionSpec:
        return super().__new__(cls, partitions)

    def __repr__(self) -> str:
        return f"PartitionSpec({', '.join(map(repr, self))})"


P = PartitionSpec


class Mesh:
    """Devices in a grid with named axes: here the one device, every axis of length 1.

    Raises ValueError for more than one device, or names that do not fit the axes. Usable as a
    context, which changes nothing.

    >>> import jitad
    >>> mesh = jitad.sharding.Mesh(jitad.devices(), ("rows",))
    >>> mesh.axis_names
    ('rows',)
    """

    def __init__(self, devices: Any, axis_names: str | Sequence[str], **how: Any) -> None:
        grid = np.asarray(devices, dtype=object)
        names = (axis_names,) if isinstance(axis_names, str) else tuple(axis_names)
        if grid.size != 1 or grid.ndim != len(names):
            raise ValueError(
                at_user_line(
                    f"Mesh: expected the one device with an axis for each of the names {names}; "
                    f"got devices of shape {grid.shape}"
                )
            )
        self.devices = grid
        self.axis_names = names

    @property
    def shape(self) -> dict[str, int]:
        """Name -> length: 1."""
        return dict.fromkeys(self.axis_names, 1)

    @property
    def size(self) -> int:
        """The number of devices: 1."""
        return 1

    are_all_axes_auto = True
    are_all_axes_explicit = False
    """How parts are distributed is no part of an array's type."""

    @property
    def empty(self) -> bool:
        """Whether there are no axes."""
        return not self.axis_names

    def __enter__(self) -> Mesh:
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mesh) and self.axis_names == other.axis_names

    def __hash__(self) -> int:
        return hash(self.axis_names)

    def __repr__(self) -> str:
        return f"Mesh({', '.join(f'{name}=1' for name in self.axis_names)})"


class Sharding:
    """Where the parts of an array lie: here all of it on the one device.

    >>> import jitad
    >>> issubclass(jitad.NamedSharding, jitad.sharding.Sharding)
    True
    """

    device_set: frozenset[Device] = frozenset(devices())
    is_fully_replicated = True


class SingleDeviceSharding(Sharding):
    """All of an array on one device.

    >>> import jitad
    >>> jitad.sharding.SingleDeviceSharding()
    SingleDeviceSharding(device=CpuDevice(id=0))
    """

    def __init__(self, device: Device | None = None, **how: Any) -> None:
        self.device = devices()[0] if device is None else device

    def __repr__(self) -> str:
        return f"SingleDeviceSharding(device={self.device!r})"


class NamedSharding(Sharding):
    """An array's axes divided along those of a mesh. Raises ValueError for names that the mesh does
    not have.

    >>> import jitad
    >>> mesh = jitad.make_mesh((1,), ("rows",))
    >>> jitad.NamedSharding(mesh, jitad.P("rows", None)).is_fully_replicated
    True
    """

    def __init__(self, mesh: Mesh, spec: PartitionSpec, **how: Any) -> None:
        named = [name for part in spec for name in (part if isinstance(part, tuple) else (part,))]
        unknown = [name for name in named if isinstance(name, str) and name not in mesh.axis_names]
        if unknown:
            raise ValueError(
                at_user_line(
                    f"NamedSharding: expected names of the mesh's axes, {mesh.axis_names}; got "
                    f"{unknown}"
                )
            )
        self.mesh, self.spec = mesh, spec

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, NamedSharding)
        return same and (self.mesh, self.spec) == (other.mesh, other.spec)

    def __hash__(self) -> int:
        return hash((self.mesh, self.spec))

    def __repr__(self) -> str:
        return f"NamedSharding(mesh={self.mesh}, spec={self.spec})"


class Shard:
    """A part of an array: all of it, on the one device.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.Shard(np.arange(3)).index
    (slice(None, None, None),)
    """

    replica_id = 0

    def __init__(self, data: Any) -> None:
        self.data = data
        self.device = devices()[0]
        self.index = (slice(None),) * data.ndim

    def __repr__(self) -> str:
        return f"Shard(device={self.device!r}, index={self.index}, data={self.data!r})"


def undivided(ndim: int) -> NamedSharding:
    """The sharding of an array of `ndim` axes that no mesh divides."""
    return NamedSharding(make_mesh((), ()), PartitionSpec(*[None] * ndim))


def make_mesh(
    axis_shapes: Sequence[int],
    axis_names: Sequence[str],
    axis_types: Any = None,
    *,
    devices: Sequence[Device] | None = None,
) -> Mesh:
    """The mesh of the one device; raises ValueError for lengths other than 1.

    >>> import jitad
    >>> jitad.make_mesh((1, 1), ("rows", "columns")).axis_names
    ('rows', 'columns')
    """
    if math.prod(axis_shapes) != 1:
        raise ValueError(
            at_user_line(
                f"make_mesh: expected lengths of 1, for one device; got {tuple(axis_shapes)}"
            )
        )
    grid = np.empty(tuple(axis_shapes), object)
    grid[...] = local_devices()[0] if devices is None else devices[0]
    return Mesh(grid, axis_names)


def check_sharding(what: str, shardings: Any) -> None:
    """Raise TypeError if a leaf of the pytree `shardings` tells of no place.

    >>> import jitad
    >>> jitad.sharding.check_sharding("put", jitad.P("rows"))
    """
    for leaf in tree_leaves(shardings, is_leaf=lambda x: isinstance(x, PartitionSpec)):
        if not isinstance(leaf, (Sharding, PartitionSpec, Device)):
            raise TypeError(
                at_user_line(f"{what}: expected shardings, or specs of a mesh; got {leaf!r}")
            )


def shard_map(
    f: Callable[..., Any] | None = None,
    *,
    mesh: Mesh | None = None,
    in_specs: Any = None,
    out_specs: Any = None,
    axis_names: Any = None,
    **how: Any,
) -> Any:
    """`f` of each device's parts: on one device, of the whole arguments. Collectives in `f` over
    the axes of the mesh have one lane.

    >>> import jitad, numpy as np
    >>> mesh, P = jitad.make_mesh((1,), ("i",)), jitad.P
    >>> total = lambda x: jitad.lax.psum(x.sum(), "i")
    >>> jitad.shard_map(total, mesh=mesh, in_specs=P("i"), out_specs=P())(np.ones(4))
    Array(4.)
    """
    if f is None:
        return lambda f: shard_map(f, mesh=mesh, axis_names=axis_names)
    names = tuple(axis_names or ()) if mesh is None else mesh.axis_names

    @wraps(f)
    @hides_internals
    def mapped(*args: Any) -> Any:
        function: Callable[[], Any] = lambda: f(*args)  # noqa: E731  (wrapped below, once an axis)
        for name in names:
            function = _one_lane(function, name)
        return function()

    return mapped


def _one_lane(function: Callable[[], Any], name: str) -> Callable[[], Any]:
    """`function` under a named axis with one lane, which its results do not have."""
    lanes = vmap(function, axis_name=name, axis_size=1)
    return lambda: tree_map(lambda leaf: leaf[0, ...], lanes())
