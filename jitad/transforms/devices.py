"""`pmap`: a function of each device's part, on the one device there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from ..errors import at_user_line, hides_internals
from .batching import vmap
from .collectives import axis_size
from .function import check_callable, name_of
from .staging import jit

_UNNAMED = "<devices>"


def pmap(
    fun: Callable[..., Any],
    axis_name: Any = None,
    *,
    in_axes: Any = 0,
    out_axes: Any = 0,
    static_broadcasted_argnums: int | Sequence[int] = (),
    **where: Any,
) -> Any:
    """`jit` of `vmap` over the devices: an axis of length 1, since a CPU is one device.

    Programs that divide their batches by `jitad.local_device_count()` run. Arguments numbered by
    `static_broadcasted_argnums` are hashable Python values, the same for all. JAX's arguments that
    say where are taken and ignored. Raises ValueError for an axis of another length: `vmap` takes
    any, and all cores work on it.

    >>> import jitad, numpy as np
    >>> total = jitad.pmap(lambda x: jitad.lax.psum(x.sum(), "i"), axis_name="i")
    >>> total(np.arange(3.0).reshape(jitad.device_count(), 3))
    Array([3.])
    """
    check_callable(fun, "pmap")
    name = _UNNAMED if axis_name is None else axis_name
    numbers = static_broadcasted_argnums
    static = (numbers,) if isinstance(numbers, int) else tuple(numbers)

    @wraps(fun)
    def devices(*args: Any, **kwargs: Any) -> Any:
        mapped = [i for i in range(len(args)) if i not in static]

        def one(*parts: Any, **keywords: Any) -> Any:
            lanes = axis_size(name)
            if lanes != 1:
                raise ValueError(
                    at_user_line(
                        f"pmap of {name_of(fun)}: expected an axis of length 1, for one device; "
                        f"got {lanes}. Write jit(vmap(f, axis_name={axis_name!r}))"
                    )
                )
            whole = list(args)
            for i, part in zip(mapped, parts, strict=True):
                whole[i] = part
            return fun(*whole, **keywords)

        axes = in_axes
        if isinstance(in_axes, (tuple, list)):
            axes = tuple([in_axes[i] for i in mapped])
        batched = vmap(one, axes, out_axes, axis_name=name)
        return batched(*[args[i] for i in mapped], **kwargs)

    return jit(hides_internals(devices), static_argnums=static)
