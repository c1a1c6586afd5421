"""Einstein's summation, as a sequence of products of two operands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from jitad.errors import at_user_line
from jitad.trace import apply
from jitad_ir import ops

from .products import contract
from .promotion import Operand, as_array_operand, as_dtype, common_dtype, convert, no_out
from .reduce import sum as sum_
from .shapes import reshape, transpose

_Term: TypeAlias = tuple[Operand, str]
"""An operand and the names of its axes."""


def einsum(
    subscripts: Any,
    /,
    *operands: Any,
    out: None = None,
    optimize: Any = "greedy",
    dtype: Any = None,
    precision: Any = None,
    preferred_element_type: Any = None,
    out_sharding: Any = None,
    _dot_general: Any = None,
) -> Any:
    """Einstein's summation: products of operands whose axes are named by letters.

    Sums over the letters that the output leaves out ("ij,jk->ik"; "..." stands for axes that
    broadcast). Three operands and more are contracted in pairs, in the order that `np.einsum_path`
    finds. `precision` and `out_sharding` have no effect, `preferred_element_type` is the dtype to
    compute in (see `products`). Raises ValueError for subscripts that do not fit the operands, and
    NotImplementedError for a `_dot_general` other than jitad's own.

    >>> import jitad.numpy as jnp
    >>> x = jnp.array([[1.0, 2.0], [3.0, 4.0]])
    >>> jnp.einsum("ij,ij->i", x, x), jnp.einsum("ii", x)
    (Array([ 5., 25.]), Array(5.))
    """
    no_out(out)
    if _dot_general is not None and _dot_general.__module__ != "jitad.lax.products":
        raise NotImplementedError(
            at_user_line(f"einsum: expected _dot_general=lax.dot_general; got {_dot_general!r}")
        )
    if not isinstance(subscripts, str):
        subscripts, items = _from_sublists(subscripts, operands)
    else:
        items = list(operands)
    arrays = [as_array_operand(x) for x in items]
    asked = preferred_element_type if dtype is None else dtype
    found = common_dtype(arrays) if asked is None else as_dtype(asked)
    terms, output = _parse(subscripts, [x.shape for x in arrays])
    arrays = [convert(x, found) for x in arrays]
    lengths = _lengths(terms, arrays, subscripts)
    work = [
        _unit_axes_dropped(_diagonals(x, term), lengths)
        for x, term in zip(arrays, terms, strict=True)
    ]
    for pair in _path(work, output, optimize):
        chosen = [work[i] for i in sorted(pair)]
        work = [w for i, w in enumerate(work) if i not in pair]
        needed = {*output, *[name for _, term in work for name in term]}
        work.append(_contract_terms(chosen, needed))
    ((result, names),) = work
    return _as_output(result, names, output, lengths)


def _from_sublists(first: Any, rest: Sequence[Any]) -> tuple[str, list[Any]]:
    """`einsum(x, [0, 1], y, [1, 2], [0, 2])` as subscripts and operands."""
    items = [first, *rest]
    output = items.pop() if len(items) % 2 else None
    terms = [_letters(sublist) for sublist in items[1::2]]
    text = ",".join(terms)
    return (text if output is None else f"{text}->{_letters(output)}"), items[::2]


def _letters(sublist: Any) -> str:
    return "".join(["..." if i is Ellipsis else chr(ord("A") + int(i)) for i in sublist])


def _parse(subscripts: str, shapes: list[tuple[int, ...]]) -> tuple[list[str], str]:
    """Names of each operand's axes and of the result's; an ellipsis gets names of its own."""
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ValueError(
            at_user_line(
                f"einsum: {len(terms)} subscripts in {subscripts!r} for {len(shapes)} operands"
            )
        )
    longest = 0
    named: list[str] = []
    for term, shape in zip(terms, shapes, strict=True):
        hidden = len(shape) - len(term.replace("...", ""))
        if hidden < 0 or ("..." not in term and hidden):
            raise ValueError(
                at_user_line(
                    f"einsum: subscripts {term!r} do not fit an operand of {len(shape)} axes"
                )
            )
        longest = max(longest, hidden)
        named.append(term.replace("...", _hidden(hidden)))
    if not arrow:
        letters = [c for c in "".join(terms) if c != "."]
        once = sorted([c for c in set(letters) if letters.count(c) == 1])
        output = ("..." if "..." in inputs else "") + "".join(once)
    output = output.replace("...", _hidden(longest))
    unknown = set(output) - set("".join(named))
    if unknown or len(set(output)) != len(output):
        raise ValueError(
            at_user_line(
                f"einsum: the output of {subscripts!r} must name axes of the operands, each once"
            )
        )
    return named, output


def _hidden(count: int) -> str:
    """Names for the last `count` axes that an ellipsis stands for (aligned at the right)."""
    return "".join([chr(0x3B1 + count - 1 - i) for i in range(count)])


def _lengths(terms: list[str], arrays: list[Operand], subscripts: str) -> dict[str, int]:
    lengths: dict[str, int] = {}
    for term, x in zip(terms, arrays, strict=True):
        for name, n in zip(term, x.shape, strict=True):
            known = lengths.get(name, 1)
            if known != 1 and n not in (1, known):
                raise ValueError(
                    at_user_line(
                        f"einsum: axis {name!r} of {subscripts!r} has length {known} in one "
                        f"operand and {n} in another"
                    )
                )
            lengths[name] = n if known == 1 else known
    return lengths


def _diagonals(x: Operand, term: str) -> _Term:
    """The diagonal for each name that occurs twice in one term."""
    for name in sorted(set(term)):
        while term.count(name) > 1:
            first = term.index(name)
            second = term.index(name, first + 1)
            # Of lengths n and n: every (n + 1)th element of the two axes as one.
            n = x.shape[first]
            rest = [i for i in range(x.ndim) if i not in (first, second)]
            flat = reshape(
                transpose(x, (*rest, first, second)), (*[x.shape[i] for i in rest], n * n)
            )
            zero, one = (0,) * len(rest), (1,) * len(rest)
            x = apply(
                ops.slice,
                flat,
                start=(*zero, 0),
                limit=flat.shape,
                stride=(*one, n + 1),
            )
            term = "".join([term[i] for i in rest]) + name
    return x, term


def _unit_axes_dropped(item: _Term, lengths: dict[str, int]) -> _Term:
    """Without axes of length 1 that broadcast against longer ones of the same name."""
    x, term = item
    kept = [i for i, c in enumerate(term) if x.shape[i] == lengths[c]]
    if len(kept) == len(term):
        return item
    return reshape(x, [x.shape[i] for i in kept]), "".join([term[i] for i in kept])


def _path(work: list[_Term], output: str, optimize: Any) -> list[tuple[int, ...]]:
    """Which operands to contract, one pair after the other."""
    count = len(work)
    if count <= 2:
        return [tuple(range(count))]
    if optimize in (False, None):
        return [(0, 1), *[(0, count - k - 1) for k in range(1, count - 1)]]
    letters: dict[str, str] = {}
    for name in "".join([term for _, term in work]):
        letters.setdefault(name, chr(ord("a") + len(letters)))
    rename = str.maketrans(letters)
    text = ",".join([t.translate(rename) for _, t in work]) + "->" + output.translate(rename)
    shapes = [np.broadcast_to(0.0, x.shape) for x, _ in work]
    path = np.einsum_path(text, *shapes, optimize="greedy" if optimize is True else optimize)[0]
    return [tuple(step) for step in path[1:]]


def _contract_terms(items: list[_Term], needed: set[str]) -> _Term:
    """The product of one, two or more operands, summed over the names that nobody needs."""
    x, term = _summed(items[0], {*needed, *[c for _, t in items[1:] for c in t]})
    for position, other in enumerate(items[1:], 2):
        later = {*needed, *[c for _, t in items[position:] for c in t]}
        y, second = _summed(other, {*later, *term})
        shared = [c for c in term if c in second]
        batch = [c for c in shared if c in later]
        sums = [c for c in shared if c not in later]
        x = contract(
            x,
            y,
            ([term.index(c) for c in sums], [second.index(c) for c in sums]),
            ([term.index(c) for c in batch], [second.index(c) for c in batch]),
        )
        free = [c for c in term + second if c not in shared]
        term = "".join([*batch, *free])
    return x, term


def _summed(item: _Term, needed: set[str]) -> _Term:
    x, term = item
    axes = tuple([i for i, c in enumerate(term) if c not in needed])
    if not axes:
        return item
    kept = "".join([c for c in term if c in needed])
    return sum_(x, axes, x.dtype), kept


def _as_output(x: Operand, names: str, output: str, lengths: dict[str, int]) -> Operand:
    """Axes in the order of the output; those that only operands of length 1 had are put back."""
    x, names = _summed((x, names), set(output))
    order = [names.index(c) for c in output if c in names]
    x = transpose(x, order)
    return reshape(x, [lengths[c] for c in output])


def einsum_path(subscripts: Any, *operands: Any, optimize: Any = "greedy") -> Any:
    """The order in which `einsum` contracts its operands, and a table of its costs, by NumPy.

    A pair of a list and a text. Raises ValueError for subscripts that do not fit.

    >>> import jitad.numpy as jnp
    >>> jnp.einsum_path("ij,jk,kl->il", jnp.ones((2, 9)), jnp.ones((9, 9)), jnp.ones((9, 2)))[0]
    ['einsum_path', (0, 1), (0, 1)]
    """
    shapes: list[Any] = [
        np.broadcast_to(0.0, as_array_operand(x).shape) if not isinstance(x, (list, str)) else x
        for x in (subscripts, *operands)
    ]
    return np.einsum_path(*shapes, optimize=optimize)
