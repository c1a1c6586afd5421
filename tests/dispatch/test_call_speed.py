"""The cost of a call, by ratio within one run."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import repeat

import numpy as np
import pytest

from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.signature import Leaf, LeafKind, ResultLeaf, Signature, TupleNode
from tests.dispatch.native_programs import function_for

pytestmark = [
    pytest.mark.timing,
    pytest.mark.skipif(not native_calls_supported(), reason="no native calls here"),
]

FLOAT = np.dtype(np.float64)


def seconds_per_call(calls: list[tuple[Callable, tuple]], rounds: int = 15) -> list[float]:
    """The best round of each, in turns."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, (function, args) in enumerate(calls):
            start = time.perf_counter()
            for _ in repeat(None, 5000):
                function(*args)
            best[index] = min(best[index], (time.perf_counter() - start) / 5000)
    return best


TRIES = 3
"""Noise makes a ratio worse for a while, never better for long."""


def test_a_small_array():
    f = function_for(Signature((Leaf(LeafKind.ARRAY, FLOAT, (10,)),)), ResultLeaf(FLOAT, (10,)))
    x = np.arange(10.0)
    shares = []
    for _ in range(TRIES):
        native, numpy = seconds_per_call([(f, (x,)), (lambda x: x + 1, (x,))])
        shares.append(native / numpy)
        if shares[-1] < 1 / 4:
            return
    pytest.fail(f"of NumPy's time: {shares}")


def test_many_leaves_cost_little_each():
    leaf, result = Leaf(LeafKind.ARRAY, FLOAT, (3,)), ResultLeaf(FLOAT, (3,))
    few = function_for(Signature((leaf,) * 2), TupleNode((result,) * 2))
    many = function_for(Signature((leaf,) * 50), TupleNode((result,) * 50))
    arrays = tuple(np.zeros(3) for _ in range(50))
    calls = [(few, arrays[:2]), (many, arrays), (lambda x: x + 1, arrays[:1])]
    shares = []
    for _ in range(TRIES):
        short, long, numpy = seconds_per_call(calls)
        shares.append((long - short) / 48 / numpy)
        if shares[-1] < 1 / 8:
            return
    pytest.fail(f"a leaf, of NumPy's time for an array: {shares}")
