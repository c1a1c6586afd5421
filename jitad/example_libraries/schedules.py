"""Schedules: step sizes as functions of the step's number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from .. import numpy as jnp

Schedule: TypeAlias = Callable[[Any], Any]
"""Step size of a step's number."""


def make_schedule(scalar_or_schedule: float | Schedule) -> Schedule:
    """A schedule as it is, a number as a constant one; raises TypeError for anything else.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.make_schedule(0.5)(3)
    0.5
    """
    if callable(scalar_or_schedule):
        return scalar_or_schedule
    if jnp.ndim(scalar_or_schedule) == 0:
        return constant(scalar_or_schedule)
    raise TypeError(f"step size: expected a number or a function; got {scalar_or_schedule!r}")


def constant(step_size: Any) -> Schedule:
    """a at every step i.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.constant(0.5)(3)
    0.5
    """
    return lambda i: step_size


def exponential_decay(step_size: float, decay_steps: float, decay_rate: float) -> Schedule:
    """a rate^(i / steps) at step i.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.exponential_decay(1.0, 10, 0.5)(20)
    0.25
    """
    return lambda i: step_size * decay_rate ** (i / decay_steps)


def inverse_time_decay(
    step_size: float, decay_steps: float, decay_rate: float, staircase: bool = False
) -> Schedule:
    """a / (1 + rate i / steps) at step i; with `staircase`, i / steps is rounded down.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.inverse_time_decay(1.0, 10, 1.0)(30)
    0.25
    """

    def schedule(i: Any) -> Any:
        turns = jnp.floor(i / decay_steps) if staircase else i / decay_steps
        return step_size / (1 + decay_rate * turns)

    return schedule


def polynomial_decay(
    step_size: float, decay_steps: float, final_step_size: float, power: float = 1.0
) -> Schedule:
    """From a to the final step size within `decay_steps`, as (1 - i / steps)^power.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.polynomial_decay(1.0, 10, 0.0)(5)
    Array(0.5)
    """

    def schedule(i: Any) -> Any:
        left = (1 - jnp.minimum(i, decay_steps) / decay_steps) ** power
        return left * (step_size - final_step_size) + final_step_size

    return schedule


def piecewise_constant(boundaries: Any, values: Any) -> Schedule:
    """values[k] beyond k of the ascending `boundaries`; raises ValueError unless there is one value
    more than boundaries.

    >>> import jitad
    >>> from jitad.example_libraries import optimizers
    >>> optimizers.piecewise_constant([10, 20], [1.0, 0.5, 0.1])(15)
    Array(0.5)
    """
    boundaries, values = jnp.array(boundaries), jnp.array(values)
    if not boundaries.ndim == values.ndim == 1 or len(values) != len(boundaries) + 1:
        raise ValueError(
            "piecewise_constant: expected n boundaries and n + 1 values; got shapes "
            f"{boundaries.shape} and {values.shape}"
        )
    return lambda i: values[jnp.sum(i > boundaries)]
