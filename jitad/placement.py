"""Where arrays are: on the CPU, the one device of the one process.

Programs that place their arrays, or ask what hardware there is, get the answers of such a machine.

>>> import jitad
>>> jitad.default_backend(), jitad.device_count(), jitad.devices()
('cpu', 1, [CpuDevice(id=0)])
"""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

from .argument_types import type_of_argument
from .array import Array, as_array
from .numpy.promotion import as_operand
from .trace import Tracer
from .tree_util import tree_map

__all__ = [
    "Device",
    "copy_to_host_async",
    "default_backend",
    "device_count",
    "device_get",
    "device_put",
    "devices",
    "effects_barrier",
    "host_count",
    "host_id",
    "host_ids",
    "local_device_count",
    "local_devices",
    "make_array_from_callback",
    "print_environment_info",
    "process_count",
    "process_index",
    "process_indices",
    "transfer_guard",
    "transfer_guard_device_to_device",
    "transfer_guard_device_to_host",
    "transfer_guard_host_to_device",
]


class Device:
    """The CPU, the one device.

    >>> import jitad
    >>> jitad.devices()[0].platform
    'cpu'
    """

    id = 0
    process_index = 0
    platform = "cpu"
    device_kind = "cpu"

    def __repr__(self) -> str:
        return "CpuDevice(id=0)"

    def __str__(self) -> str:
        return "cpu:0"


_CPU = Device()


def default_backend() -> str:
    """The platform of the one device, "cpu".

    >>> import jitad
    >>> jitad.default_backend()
    'cpu'
    """
    return "cpu"


def devices(backend: str | None = None) -> list[Device]:
    """A list of the one device, the CPU; raises RuntimeError for a backend that is not "cpu".

    >>> import jitad
    >>> jitad.devices()
    [CpuDevice(id=0)]
    """
    if backend not in (None, "cpu"):
        raise RuntimeError(f"expected the backend 'cpu'; got {backend!r}, and jitad has no other")
    return [_CPU]


def local_devices(process_index: int | None = None, backend: str | None = None) -> list[Device]:
    """A list of the one device, as `devices`.

    >>> import jitad
    >>> jitad.local_devices()
    [CpuDevice(id=0)]
    """
    return devices(backend)


def device_count(backend: str | None = None) -> int:
    """1: a CPU is one device, however many cores it has. Raises RuntimeError for a backend that is
    not "cpu".

    >>> import jitad
    >>> jitad.device_count()
    1
    """
    return len(devices(backend))


def local_device_count(backend: str | None = None) -> int:
    """1, as `device_count`.

    >>> import jitad
    >>> jitad.local_device_count()
    1
    """
    return device_count(backend)


def process_count(backend: str | None = None) -> int:
    """The number of processes that compute together: 1.

    >>> import jitad
    >>> jitad.process_count()
    1
    """
    return 1


def process_index(backend: str | None = None) -> int:
    """The number of this process: 0.

    >>> import jitad
    >>> jitad.process_index()
    0
    """
    return 0


def process_indices(backend: str | None = None) -> list[int]:
    """The numbers of all processes: [0].

    >>> import jitad
    >>> jitad.process_indices()
    [0]
    """
    return [0]


host_count, host_id, host_ids = process_count, process_index, process_indices
"""Former names of these."""


def transfer_guard(new_val: str) -> AbstractContextManager[None]:
    """Nothing: there is one memory, so nothing is transferred that could be guarded against.

    >>> with transfer_guard("disallow"):
    ...     pass
    """
    levels = ("allow", "log", "disallow", "log_explicit", "disallow_explicit")
    if new_val not in levels:
        raise ValueError(f"transfer_guard: expected one of {', '.join(levels)}; got {new_val!r}")
    return nullcontext()


transfer_guard_host_to_device = transfer_guard_device_to_host = transfer_guard
transfer_guard_device_to_device = transfer_guard


def copy_to_host_async(x: Any) -> Any:
    """The pytree of arrays `x`, which are where the host reads them.

    >>> import jitad
    >>> import numpy as np
    >>> jitad.copy_to_host_async(np.arange(2))
    array([0, 1])
    """
    return x


def make_array_from_callback(
    shape: Sequence[int], sharding: Any, data_callback: Callable[..., Any], **how: Any
) -> Array:
    """The array whose parts `data_callback(index)` gives, an index being a tuple of slices: here it
    is asked for all of it. Raises ValueError if that has another shape.

    >>> make_array_from_callback((2,), None, lambda index: np.arange(2.0)[index])
    Array([0., 1.])
    """
    shape = tuple(shape)
    array = as_array(np.array(data_callback((slice(None),) * len(shape))))
    if array.shape != shape:
        raise ValueError(
            f"make_array_from_callback: expected an array of shape {shape}; got {array.shape}"
        )
    return array


def print_environment_info(return_string: bool = False) -> str | None:
    """Print the versions of jitad, NumPy, llvmlite and Python, and the machine; give them as a
    string instead if `return_string`.

    >>> import jitad
    >>> "numpy: " in jitad.print_environment_info(return_string=True)
    True
    """
    names = ("jitad", "numpy", "llvmlite")
    lines = [f"{name}: {importlib.import_module(name).__version__}" for name in names]
    lines += [f"python: {sys.version}", f"devices: {devices()}", f"platform: {platform.platform()}"]
    if return_string:
        return "\n".join(lines)
    print("\n".join(lines))
    return None


def effects_barrier() -> None:
    """Wait until prints and callbacks have happened: they have, when a call returns.

    >>> import jitad
    >>> jitad.effects_barrier()
    """


def device_put(x: Any, device: Any = None, **how: Any) -> Any:
    """The pytree of arrays and numbers `x` as Arrays of their own, which later writes to what was
    passed do not reach. Takes and ignores JAX's arguments that say where. Raises TypeError for a
    leaf that is no array or number.

    >>> device_put({"w": [1.0, 2]})
    {'w': [Array(1.), Array(2)]}
    """
    return tree_map(_own, x)


def _own(leaf: Any) -> Any:
    if isinstance(leaf, Tracer) or type(leaf) is Array:
        return leaf
    if not isinstance(leaf, (np.ndarray, np.generic)):
        type_of_argument(as_operand(leaf))
    return as_array(np.array(leaf))


def device_get(x: Any) -> Any:
    """The pytree of arrays `x` as plain ndarrays, which share memory with the Arrays they were.

    >>> device_get((Array((2,)) * 0, 1.0))
    (array([0., 0.]), 1.0)
    """
    return tree_map(lambda leaf: np.asarray(leaf) if type(leaf) is Array else leaf, x)
