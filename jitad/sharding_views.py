"""Looking at where the parts of arrays lie: all of each on the one device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .errors import at_user_line, hides_internals
from .placement import local_devices
from .sharding import Sharding, SingleDeviceSharding
from .transforms.function import check_callable

_HEIGHT_TO_WIDTH = 2.5
"""A character is about so many times as high as it is wide."""


@hides_internals
def inspect_array_sharding(value: Any, *, callback: Callable[[Sharding], Any]) -> None:
    """Calls `callback` with the sharding of an array, on the spot under `jit` as well: it is known
    before the program runs. Raises TypeError for a callback that cannot be called.

    >>> import numpy as np
    >>> from jitad import debug
    >>> debug.inspect_array_sharding(np.ones(3), callback=print)
    SingleDeviceSharding(device=CpuDevice(id=0))
    """
    check_callable(callback, "inspect_array_sharding")
    callback(SingleDeviceSharding())


@hides_internals
def visualize_sharding(
    shape: Sequence[int],
    sharding: Sharding,
    *,
    use_color: bool = True,
    scale: float = 1.0,
    min_width: int = 9,
    max_width: int = 80,
    color_map: Any = None,
) -> None:
    """Prints a picture of an array of `shape`, of one or two axes, with the devices that hold its
    parts: one. Colours, which tell devices apart, have nothing to do here.

    Raises ValueError for other numbers of axes.

    >>> from jitad import debug, sharding
    >>> debug.visualize_sharding((4,), sharding.SingleDeviceSharding())
    ┌──────────┐
    │  CPU 0   │
    └──────────┘
    """
    if len(shape) not in (1, 2):
        raise ValueError(
            at_user_line(
                f"visualize_sharding: expected a shape of one or two axes; got {tuple(shape)}"
            )
        )
    rows, columns = (1, *shape)[-2:]
    label = f"CPU {local_devices()[0].id}"
    width = int(min(max(columns * scale * _HEIGHT_TO_WIDTH, min_width), max_width))
    height = min(max(int(rows * scale), 1), max_width)
    lines = [label if row == height // 2 else "" for row in range(height)]
    body = "\n".join(f"│{line:^{width}}│" for line in lines)
    print(f"┌{'─' * width}┐\n{body}\n└{'─' * width}┘")


@hides_internals
def visualize_array_sharding(arr: Any, **kwargs: Any) -> None:
    """`visualize_sharding` of an array of one or two axes; the keywords are the same.

    >>> import numpy as np
    >>> from jitad import debug
    >>> debug.visualize_array_sharding(np.ones((2, 3)))
    ┌─────────┐
    │         │
    │  CPU 0  │
    └─────────┘
    """
    visualize_sharding(getattr(arr, "shape", ()), SingleDeviceSharding(), **kwargs)
