"""Folds over whole axes, and running folds along one, by the names of `jax.lax`."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from jitad_ir import ops
from jitad_ir.op import Op

from .. import numpy as jnp
from ..errors import at_user_line, hides_internals
from ..numpy.promotion import Operand, as_array_operand, convert
from ..pytree import PyTreeDef, flatten
from ..trace import apply
from ..transforms.batching import vmap
from ..transforms.inspection import make_ir
from .associative import associative_scan
from .operands import as_array, axes_of, axis_of, of_kind


def _folded(op: Op, operand: Any, axes: Sequence[int], kinds: str) -> Any:
    x = of_kind(op.name, operand, kinds)
    return apply(op, x, axes=tuple(sorted(axes_of(op.name, axes, x.ndim))))


def reduce_sum(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Sum over `axes`; integers wrap.

    `operand`: numbers; the result has its dtype and its shape without `axes`. `out_sharding` has no
    effect. ValueError for axes that there are not, TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_sum(np.array([[1, 2], [3, 4]]), (0,))
    Array([4, 6])
    """
    return _folded(ops.reduce_sum, operand, axes, "iufc")


def reduce_prod(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Product over `axes`; integers wrap.

    `operand`: numbers; the result has its dtype and its shape without `axes`. `out_sharding` has no
    effect. ValueError for axes that there are not, TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_prod(np.array([[1, 2], [3, 4]]), (0,))
    Array([3, 8])
    """
    return _folded(ops.reduce_prod, operand, axes, "iufc")


def reduce_max(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Greatest element over `axes`, nan if there is one, the least value of the dtype for none. Of
    equal ones each has its share of the derivative.

    `operand`: an array of any dtype; the result has its dtype and its shape without `axes`.
    `out_sharding` has no effect. ValueError for axes that there are not.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_max(np.array([[1, 5], [3, 4]]), (1,))
    Array([5, 4])
    """
    return _folded(ops.reduce_max, operand, axes, "biufc")


def reduce_min(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Least element over `axes`, nan if there is one, the greatest value of the dtype for none. Of
    equal ones each has its share of the derivative.

    `operand`: an array of any dtype; the result has its dtype and its shape without `axes`.
    `out_sharding` has no effect. ValueError for axes that there are not.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_min(np.array([[1, 5], [3, 4]]), (1,))
    Array([1, 3])
    """
    return _folded(ops.reduce_min, operand, axes, "biufc")


def reduce_and(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Bits that all elements over `axes` share; of bools, whether all are True.

    `operand`: bools or integers; the result has its dtype and its shape without `axes`.
    `out_sharding` has no effect. ValueError for axes that there are not, TypeError for other
    dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_and(np.array([True, False]), (0,))
    Array(False)
    """
    return _folded(ops.reduce_and, operand, axes, "biu")


def reduce_or(operand: Any, axes: Sequence[int], *, out_sharding: Any = None) -> Any:
    """Bits that some element over `axes` has; of bools, whether one is True.

    `operand`: bools or integers; the result has its dtype and its shape without `axes`.
    `out_sharding` has no effect. ValueError for axes that there are not, TypeError for other
    dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_or(np.array([True, False]), (0,))
    Array(True)
    """
    return _folded(ops.reduce_or, operand, axes, "biu")


def reduce_xor(operand: Any, axes: Sequence[int]) -> Any:
    """Bits that an odd number of elements over `axes` have.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce_xor(np.array([1, 2, 7]), (0,))
    Array(4)
    """
    x = of_kind("reduce_xor", operand, "biu")
    (result,) = _by_halves([x], axes_of("reduce_xor", axes, x.ndim), [x.dtype.type(0)], _xor)
    return result


def _xor(x: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    return [apply(ops.bitwise_xor, x[0], y[0])]


@hides_internals
def reduce(
    operands: Any,
    init_values: Any,
    computation: Callable[[Any, Any], Any],
    dimensions: Sequence[int],
    out_sharding: Any = None,
) -> Any:
    """Fold `operands`, a pytree of arrays of one shape, over axes `dimensions` by
    `computation(a, b)`, which takes and returns pytrees of scalars of that structure. It is
    associative, and `init_values`, such a pytree, is its identity.

    Sums, products, extrema, and, or and xor run as such; other folds as log2(n) steps that fold
    one half of the elements with the other, n the number of elements of `dimensions`. Raises
    ValueError if the structures differ.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.reduce(np.arange(6.0).reshape(2, 3), 0.0, lambda a, b: a + b, (1,))
    Array([ 3., 12.])
    """
    leaves, tree = flatten(operands)
    starts, start_tree = flatten(init_values)
    if tree != start_tree:
        raise ValueError(
            at_user_line(
                f"Operands must have the same tree structure as init_values: {tree} vs. "
                f"{start_tree}"
            )
        )
    xs = [as_array("reduce", x) for x in leaves]
    if any([x.shape != xs[0].shape for x in xs]):
        listed = ", ".join([str(x.shape) for x in xs])
        raise ValueError(at_user_line(f"reduce: expected operands of one shape; got {listed}"))
    inits = [convert(as_array_operand(s), x.dtype) for s, x in zip(starts, xs, strict=True)]
    axes = axes_of("reduce", dimensions, xs[0].ndim)
    combine = functools.partial(_combined, computation, tree)
    if len(xs) == 1:
        op = _known_fold(computation, inits[0])
        if op is not None:
            folded = apply(op, xs[0], axes=tuple(sorted(axes)))
            start = jnp.broadcast_to(inits[0], folded.shape)
            return tree.unflatten([apply(_PAIRWISE[op], start, folded)])
    return tree.unflatten(_by_halves(xs, axes, inits, combine))


_PAIRWISE = {
    ops.reduce_sum: ops.add,
    ops.reduce_prod: ops.mul,
    ops.reduce_max: ops.max,
    ops.reduce_min: ops.min,
    ops.reduce_and: ops.bitwise_and,
    ops.reduce_or: ops.bitwise_or,
}
_FOLDS = {pairwise.name: op for op, pairwise in _PAIRWISE.items()}


def _known_fold(computation: Callable[..., Any], init: Operand) -> Op | None:
    """The reduction whose pairwise op the computation is, if it is one op of its two operands."""
    zero = init.dtype.type(0)
    graph: Any = make_ir(computation)(zero, zero)
    if len(graph.equations) != 1 or len(graph.inputs) != 2:
        return None
    (equation,) = graph.equations
    is_plain = set(equation.operands) == set(graph.inputs) and equation.outputs == graph.outputs
    return _FOLDS.get(equation.op.name) if is_plain else None


def _combined(
    computation: Callable[[Any, Any], Any], tree: PyTreeDef, x: Sequence[Any], y: Sequence[Any]
) -> list[Any]:
    """The computation on vectors of elements side by side."""

    def step(a: Any, b: Any) -> tuple[Any, ...]:
        found, found_tree = flatten(computation(tree.unflatten(a), tree.unflatten(b)))
        if found_tree != tree:
            raise ValueError(
                at_user_line(f"reduce: expected the computation to return {tree}; got {found_tree}")
            )
        return tuple([convert(as_array_operand(r), e.dtype) for r, e in zip(found, a, strict=True)])

    return list(vmap(step)(list(x), list(y)))


def _by_halves(
    xs: Sequence[Operand],
    axes: Sequence[int],
    inits: Sequence[Operand],
    combine: Callable[[Sequence[Any], Sequence[Any]], list[Any]],
) -> list[Operand]:
    """Rows of the elements to fold: each step folds the second half of them into the first."""
    shape = xs[0].shape
    kept = tuple([n for a, n in enumerate(shape) if a not in axes])
    width, count = math.prod(kept), math.prod([shape[a] for a in axes])
    first = tuple(range(len(axes)))
    rows = [jnp.reshape(jnp.moveaxis(x, tuple(axes), first), (count, width)) for x in xs]
    totals = [jnp.broadcast_to(init, (width,)) for init in inits]
    if width == 0:
        return [jnp.reshape(total, kept) for total in totals]
    if count == 0:
        return [jnp.reshape(total, kept) for total in totals]
    while count > 1:
        half = count // 2
        low = [jnp.ravel(row[:half]) for row in rows]
        high = [jnp.ravel(row[count - half :]) for row in rows]
        folded = [jnp.reshape(r, (half, width)) for r in combine(low, high)]
        middle = [row[half : count - half] for row in rows]
        rows = [jnp.concatenate([f, m]) for f, m in zip(folded, middle, strict=True)]
        count -= half
    folded = combine(totals, [row[0] for row in rows])
    return [jnp.reshape(total, kept) for total in folded]


def _run(op: Op, operand: Any, axis: int, reverse: bool, kinds: str) -> Any:
    x = of_kind(op.name, operand, kinds)
    place = axis_of(op.name, axis, x.ndim)
    if x.dtype.kind == "c" and op in _OF_TWO:
        fold = functools.partial(apply, _OF_TWO[op])
        return associative_scan(fold, x, reverse=bool(reverse), axis=place)
    return apply(op, x, axis=place, reverse=bool(reverse))


_OF_TWO = {ops.cummax: ops.max, ops.cummin: ops.min}
"""What folds two complex numbers, which the running folds do not take."""


def cumsum(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """Running sum along `axis`, from its end if `reverse`.

    `operand`: numbers; the result has its shape and dtype. ValueError for an axis that there is
    not, TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.cumsum(np.array([1, 2, 3]))
    Array([1, 3, 6])
    """
    return _run(ops.cumsum, operand, axis, reverse, "iufc")


def cumprod(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """Running product along `axis`, from its end if `reverse`.

    `operand`: numbers; the result has its shape and dtype. ValueError for an axis that there is
    not, TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.cumprod(np.array([1, 2, 3]))
    Array([1, 2, 6])
    """
    return _run(ops.cumprod, operand, axis, reverse, "iufc")


def cummax(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """Running maximum, nan from the first nan on, along `axis`, from its end if `reverse`.

    `operand`: any dtype, complex numbers ordered by their real parts, then their imaginary parts;
    the result has its shape and dtype. ValueError for an axis that there is not.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.cummax(np.array([1, 3, 2]))
    Array([1, 3, 3])
    """
    return _run(ops.cummax, operand, axis, reverse, "biufc")


def cummin(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """Running minimum, nan from the first nan on, along `axis`, from its end if `reverse`.

    `operand`: any dtype, complex numbers ordered by their real parts, then their imaginary parts;
    the result has its shape and dtype. ValueError for an axis that there is not.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.cummin(np.array([3, 1, 2]), reverse=True)
    Array([1, 1, 2])
    """
    return _run(ops.cummin, operand, axis, reverse, "biufc")


def cumlogsumexp(operand: Any, axis: int = 0, reverse: bool = False) -> Any:
    """Logarithm of the running sum of exponentials along `axis`, from its end if `reverse`.

    `operand`: floats; the result has its shape and dtype. ValueError for an axis that there is not,
    TypeError for other dtypes.

    >>> from jitad import lax
    >>> import numpy as np
    >>> lax.cumlogsumexp(np.log(np.array([1.0, 2.0, 3.0])))
    Array([0.        , 1.09861229, 1.79175947])
    """
    return _run(ops.cumlogsumexp, operand, axis, reverse, "f")
