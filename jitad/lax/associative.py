"""Folds of all prefixes under an associative function, in a logarithmic number of steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..pytree import PyTreeDef, flatten
from ..transforms.function import check_callable
from .bodies import check_same, leaves_of


@hides_internals
def associative_scan(
    fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0
) -> Any:
    """All prefixes of `elems` along `axis` folded by the associative function `fn`.

    `fn(a, b)` takes two pytrees like `elems`, with any number of elements along `axis`, and
    combines them element by element; it is called about 2 log2(n) times. The result has the shape
    of `elems`; with `reverse` it holds the folds of all suffixes. Elements are combined in pairs of
    neighbours, pairs of pairs and so on: sums are rounded otherwise than one after the other.

    Raises ValueError if lengths disagree and TypeError if `fn` changes a type.

    >>> import jitad.numpy as jnp
    >>> from jitad import lax
    >>> lax.associative_scan(jnp.multiply, jnp.array([1.0, 2.0, 3.0, 4.0]))
    Array([ 1.,  2.,  6., 24.])
    """
    check_callable(fn, "associative_scan")
    given = leaves_of(elems, "associative_scan: elems")
    arrays = [jnp.asarray(x) for x in given.operands]
    lengths = {x.shape[axis] if -x.ndim <= axis < x.ndim else None for x in arrays}
    if len(lengths) > 1 or None in lengths:
        listed = ", ".join([repr(t) for t in given.types])
        raise ValueError(
            at_user_line(
                f"associative_scan: all elems must have one length along axis {axis}; got {listed}"
            )
        )
    fold = _Fold(fn, given.tree, axis)
    if reverse:
        arrays = [jnp.flip(x, axis) for x in arrays]
    results = fold.prefixes(arrays) if arrays else arrays
    if reverse:
        results = [jnp.flip(x, axis) for x in results]
    return given.tree.unflatten(results)


class _Fold:
    def __init__(self, fn: Callable[[Any, Any], Any], tree: PyTreeDef, axis: int) -> None:
        self.fn = fn
        self.tree = tree
        self.axis = axis

    def prefixes(self, xs: list[Any]) -> list[Any]:
        """The folds of all prefixes: those of odd length 2k + 1 from those of 2k."""
        count = xs[0].shape[self.axis]
        if count < 2:
            return xs
        even = self._every_other(xs, 0, count - 1)
        pairs = self._combined(even, self._every_other(xs, 1, count))
        odd = self.prefixes(pairs)
        left = odd if count % 2 else self._every(odd, 0, count // 2 - 1)
        later = self._combined(left, self._every_other(xs, 2, count))
        return [
            self._interleaved(jnp.concatenate([first, rest], self.axis), o)
            for first, rest, o in zip(self._every(xs, 0, 1), later, odd, strict=True)
        ]

    def _combined(self, a: list[Any], b: list[Any]) -> list[Any]:
        result, tree = flatten(self.fn(self.tree.unflatten(a), self.tree.unflatten(b)))
        check_same(
            "associative_scan: fn must return what it takes",
            "elems",
            (self.tree, leaves_of(a, "elems").types),
            (tree, leaves_of(result, "associative_scan: result").types),
            "Convert elems before the scan, or the result in fn",
        )
        return result

    def _every(self, xs: list[Any], start: int, stop: int, step: int = 1) -> list[Any]:
        return [x[(slice(None),) * (self.axis % x.ndim) + (slice(start, stop, step),)] for x in xs]

    def _every_other(self, xs: list[Any], start: int, stop: int) -> list[Any]:
        return self._every(xs, start, stop, 2)

    def _interleaved(self, even: Any, odd: Any) -> Any:
        """even[0], odd[0], even[1], ...; `even` may be one longer."""
        axis = self.axis % even.ndim
        count = odd.shape[axis]
        both = (slice(None),) * axis + (slice(0, count),)
        shape = (*odd.shape[:axis], 2 * count, *odd.shape[axis + 1 :])
        woven = jnp.stack([even[both], odd], axis + 1).reshape(shape)
        if even.shape[axis] == count:
            return woven
        last = even[(slice(None),) * axis + (slice(count, count + 1),)]
        return jnp.concatenate([woven, last], axis)
