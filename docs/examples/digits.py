"""Pictures of digits, made and not downloaded: what the classifiers beside this file learn from.

Each picture is a digit of the 5 x 7 font of old terminals on a canvas of 12 x 12, moved by up to
`shift` pixels along each axis, dimmed, and covered with noise.
"""

from __future__ import annotations

import numpy as np

import jitad.numpy as jnp
from jitad import random, vmap

SIZE = 12
CLASSES = 10

# One digit a line, one row of five pixels a byte, the leftmost pixel in bit 4.
FONT = """
    0e 11 13 15 19 11 0e
    04 0c 04 04 04 04 0e
    0e 11 01 02 04 08 1f
    1f 02 04 02 01 11 0e
    02 06 0a 12 1f 02 02
    1f 10 1e 01 01 11 0e
    06 08 10 1e 11 11 0e
    1f 01 02 04 08 08 08
    0e 11 11 0e 11 11 0e
    0e 11 11 0f 01 02 0c
"""


def glyphs() -> np.ndarray:
    """The ten digits in the middle of the canvas: zeros and ones, shape (10, SIZE, SIZE)."""
    rows = np.array([[int(byte, 16) for byte in line.split()] for line in FONT.split("\n")[1:-1]])
    pixels = (rows[:, :, None] >> np.arange(4, -1, -1)) & 1
    return np.pad(pixels, ((0, 0), (2, 3), (3, 4))).astype(float)


def make_digits(
    key: np.ndarray, count: int, shift: int = 2, noise: float = 0.25
) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures, shape (count, SIZE, SIZE), and the digits they show, shape (count,)."""
    font = glyphs()

    def one(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        which, where, light, grain = random.split(key, 4)
        digit = random.randint(which, (), 0, CLASSES)
        offset = random.randint(where, (2,), -shift, shift + 1)
        picture = jnp.roll(jnp.asarray(font)[digit], offset, axis=(0, 1))
        brightness = random.uniform(light, (), minval=0.5)
        return brightness * picture + noise * random.normal(grain, (SIZE, SIZE)), digit

    return vmap(one)(random.split(key, count))
