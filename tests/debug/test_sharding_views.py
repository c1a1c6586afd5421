"""Where arrays lie is told, in words and in a picture."""

from __future__ import annotations

import numpy as np
import pytest

import jitad
from jitad import debug, sharding


def test_a_callback_gets_the_sharding_eager_and_traced() -> None:
    seen: list[sharding.Sharding] = []
    debug.inspect_array_sharding(np.ones(3), callback=seen.append)

    @jitad.jit
    def f(x: np.ndarray) -> np.ndarray:
        debug.inspect_array_sharding(x, callback=seen.append)
        return x + 1

    f(np.ones(3))
    assert [type(each) for each in seen] == [sharding.SingleDeviceSharding] * 2


@pytest.mark.parametrize(
    ("shape", "size"), [((4,), (3, 12)), ((0, 0), (3, 11)), ((8, 8), (10, 22))]
)
def test_a_picture_has_the_shape_of_the_array(
    shape: tuple[int, ...], size: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    debug.visualize_array_sharding(np.ones(shape))
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines), len(lines[0])) == size
    assert len({len(line) for line in lines}) == 1
    assert sum("CPU 0" in line for line in lines) == 1


@pytest.mark.parametrize("shape", [(), (2, 2, 2)])
def test_other_numbers_of_axes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="one or two axes"):
        debug.visualize_array_sharding(np.ones(shape))


def test_a_callback_must_be_callable() -> None:
    with pytest.raises(TypeError, match="inspect_array_sharding"):
        debug.inspect_array_sharding(np.ones(3), callback=1)  # type: ignore[arg-type]
