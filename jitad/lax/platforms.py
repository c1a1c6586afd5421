"""What depends on the hardware, on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import at_user_line, hides_internals
from ..sharding import check_sharding

__all__ = ["platform_dependent", "with_sharding_constraint"]


@hides_internals
def platform_dependent(
    *args: Any, default: Callable[..., Any] | None = None, **per_platform: Callable[..., Any]
) -> Any:
    """`cpu(*args)` if that is given, else `default(*args)`; raises NotImplementedError if neither
    is, as on a machine without the hardware asked for.

    >>> from jitad import lax
    >>> lax.platform_dependent(3, cpu=lambda x: x + 1, cuda=lambda x: x - 1)
    4
    """
    chosen = per_platform.get("cpu", default)
    if chosen is None:
        raise NotImplementedError(
            at_user_line(
                "platform_dependent: expected cpu= or default=; got functions for "
                f"{', '.join(sorted(per_platform)) or 'no platform'}"
            )
        )
    return chosen(*args)


@hides_internals
def with_sharding_constraint(x: Any, shardings: Any) -> Any:
    """`x` itself: it lies on the one device, wherever `shardings` says. Raises ValueError for a
    sharding that names another number of devices.

    >>> import jitad
    >>> from jitad import lax
    >>> import numpy as np
    >>> mesh = jitad.make_mesh((1,), ("i",))
    >>> sharding = jitad.NamedSharding(mesh, jitad.P("i"))
    >>> lax.with_sharding_constraint(np.arange(2), sharding)
    array([0, 1])
    """
    check_sharding("with_sharding_constraint", shardings)
    return x
