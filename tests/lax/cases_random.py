"""Cases of `lax.randomness`."""

from __future__ import annotations

import numpy as np

from .cases import add, reals

_KEYS = (
    np.array([0x0123456789ABCDEF, 0x1122334455667788], "uint64"),
    np.array([0x89ABCDEF, 0x01234567, 0x55667788, 0x11223344], "uint32"),
)
for _key in _KEYS:
    for _algorithm in range(3):
        for _dtype, _shape in (
            ("uint32", (3, 5)),
            ("uint32", (3, 4)),
            ("uint32", ()),
            ("uint64", (5,)),
            ("uint8", (4, 3)),
            ("uint16", (2, 0)),
        ):
            add(
                "rng_bit_generator",
                lambda lax, key, a=_algorithm, d=_dtype, s=_shape: lax.rng_bit_generator(
                    key, s, np.dtype(d), lax.RandomAlgorithm(a)
                ),
                _key,
            )
add(
    "random_gamma_grad",
    lambda lax, a, x: lax.random_gamma_grad(a, x),
    reals(5, low=0.3, high=6.0),
    reals(5, low=0.3, high=6.0, seed=1),
)
