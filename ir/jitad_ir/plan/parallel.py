"""What kernels cost, and long folds in parts that threads can share.

A kernel is shared out along a loop that it does not fold over: its iterations are independent, and
give the same bits in whatever order and wherever they run. One that folds nearly all of its
iterations together has no such loop. It is divided: a first kernel folds each of `c` parts of the
longest loop, a last one the `c` results, in order. Shapes and dtypes alone decide on `c`, never
the number of threads, so that a sum does not depend on it. The places where the parts have their
greatest elements, say, do not tell these: the last kernel computes them again, there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod

from ..lowering import ArgReduction, Reduction
from ..types import INT64, ArrayType, DType
from . import index as ix
from . import limits
from .columns import STRIP_BYTES, column_loop
from .costs import index_loops, node_loops
from .index import Counter, Position
from .pruning import renumbered, with_indices
from .steps import Apply, Fold, Kernel, Node, Read, Store

WORTH = 60_000.0
"""Nanoseconds of work from which on a kernel is given to several threads: to wake one that sleeps
takes 5 to 30 us."""

PART = 10_000.0
"""Nanoseconds of work that one part of a divided fold has at least."""

PARTS = 64
"""Parts of a fold, about; up to half as many again where these are of one length."""

FEW = 16
"""Iterations that are not folded over, below which a fold is divided."""

FEW_LANES = 512
"""The same, where those iterations run across SIMD lanes."""

PART_ROWS = 32
"""Rows of many columns that a part has at least: it leaves one."""

STEP = 64
"""Elements that a part of a long loop is a multiple of, if no number of parts divides the loop."""

# Nanoseconds of one core, for arrays that lie in a cache: within a factor of 2 of what sums, sines,
# polynomials, transposes and gathers take on AVX-512. Out of memory they take longer.
PER_BYTE = 0.012
PER_GATHERED = 0.6
PER_OPERATION_BYTE = 0.003
PER_DIVISION_BYTE = 0.06
PER_FUNCTION_BYTE = 0.1


def nanoseconds(kernel: Kernel) -> float:
    """About how long a kernel takes on one core."""
    iterations = prod(kernel.lengths)
    if iterations < 1024:
        return 0.0
    loops: list[frozenset[int]] = []
    total = 0.0
    for node in kernel.nodes:
        found = node_loops(node, loops)
        loops.append(found)
        runs = prod([kernel.lengths[k] for k in found])
        size = node.dtype.itemsize
        if isinstance(node, Read):
            affine = all(isinstance(leaf, Counter) for leaf in ix.leaves(node.offset))
            total += runs * (size * PER_BYTE if affine else PER_GATHERED)
        elif isinstance(node, Apply):
            total += runs * size * _per_byte(node)
    for store in kernel.stores:
        runs = prod([kernel.lengths[k] for k in index_loops(store.offset, loops)])
        total += runs * kernel.nodes[store.node].dtype.itemsize * PER_BYTE
    for fold in kernel.folds:
        total += iterations * kernel.nodes[fold.node].dtype.itemsize * PER_OPERATION_BYTE
    return total


def _per_byte(node: Apply) -> float:
    if node.dear:
        return PER_FUNCTION_BYTE
    return PER_DIVISION_BYTE if node.name in limits.DIVISIONS else PER_OPERATION_BYTE


def divided(kernel: Kernel, new_buffer: Callable[[ArrayType], int]) -> list[Kernel]:
    """The kernel, or kernels that fold its parts and one that folds their results.
    `new_buffer(type)` gives the number of a buffer for these results."""
    if not kernel.folds or not all(_is_divisible(f) for f in kernel.folds):
        return [kernel]
    work = nanoseconds(kernel)
    if work < WORTH:
        return [kernel]
    loop = max(kernel.folds[0].loops, key=lambda k: kernel.lengths[k])
    wanted = max(2, min(PARTS, int(work / PART)))
    if _few_kept(kernel):
        parts, length = _parts(kernel.lengths[loop], wanted)
    else:
        parts, length = _parts_of_rows(kernel, kernel.lengths[loop], wanted)
    if parts < 2 or length < 2:
        return [kernel]
    rest = kernel.lengths[loop] - parts * length
    rows = parts + (rest > 0)
    kept = [k for k in range(len(kernel.lengths)) if k not in kernel.folds[0].loops]
    shape = tuple([kernel.lengths[k] for k in kept])
    partial = [new_buffer(ArrayType(_part_dtype(kernel, f), (rows, *shape))) for f in kernel.folds]
    kernels = [_part(kernel, loop, 0, parts, length, partial)]
    if rest:
        kernels.append(_part(kernel, loop, parts, 1, rest, partial, parts * length))
    return [*kernels, _together(kernel, rows, partial)]


def _is_divisible(fold: Fold) -> bool:
    """Whether a fold of the results of parts is the fold of all."""
    return isinstance(fold.lower, Reduction) or (
        isinstance(fold.lower, ArgReduction) and len(fold.loops) == 1
    )


def _part_dtype(kernel: Kernel, fold: Fold) -> DType:
    """Of the results of parts, which are places of an ArgReduction."""
    return INT64 if isinstance(fold.lower, ArgReduction) else kernel.nodes[fold.node].dtype


def _few_kept(kernel: Kernel) -> bool:
    folded = kernel.folds[0].loops
    kept = [k for k in range(len(kernel.lengths)) if k not in folded]
    count = prod([kernel.lengths[k] for k in kept])
    if count < FEW:
        return True
    across = any(
        isinstance(node, Read)
        and not isinstance(node.offset, int)
        and any(
            c == 1 and isinstance(atom, Counter) and atom.number in kept
            for atom, c in node.offset.terms
        )
        for node in kernel.nodes
    )
    return across and count < FEW_LANES


def _parts_of_rows(kernel: Kernel, rows: int, wanted: int) -> tuple[int, int]:
    """(number, length) of the parts of a kernel that folds `rows` rows of many columns; (1, rows)
    if there is enough to share out without."""
    columns = column_loop(kernel)
    if columns is None:
        return 1, rows
    kept = [n for k, n in enumerate(kernel.lengths) if k not in kernel.folds[0].loops]
    widest = max([kernel.nodes[fold.node].dtype.itemsize for fold in kernel.folds])
    if prod(kept) * widest >= FEW * STRIP_BYTES:
        return 1, rows
    wanted = min(wanted, rows // PART_ROWS)
    even = [parts for parts in range(2, wanted + 1) if rows % parts == 0]
    if even and 4 * even[-1] >= wanted:
        return even[-1], rows // even[-1]
    return _parts(rows, wanted) if wanted > 1 else (1, rows)


def _parts(length: int, wanted: int) -> tuple[int, int]:
    """(number, length) of parts that cover a loop but for less than one of them."""
    for whole in (STEP, 1):
        for parts in range(wanted, wanted + wanted // 2 + 1):
            if length % (parts * whole) == 0:
                return parts, length // parts
    part = length // wanted
    if part > 16 * STEP:
        part -= part % STEP
    return length // part, part


def _part(
    kernel: Kernel,
    loop: int,
    row: int,
    parts: int,
    length: int,
    partial: list[int],
    start: int = 0,
) -> Kernel:
    """The kernel of `parts` parts of `length` iterations of `loop` from `start` on. The number of
    the part is loop 0; what it folds goes to the rows of `partial` from `row` on."""
    lengths = (parts, *[length if k == loop else n for k, n in enumerate(kernel.lengths)])
    number = ix.counter(0, parts)
    shift = 1
    if parts == 1:
        lengths, shift = lengths[1:], 0

    def counter(atom: ix.Atom) -> Position:
        if not isinstance(atom, Counter):
            return ix.Index(((atom, 1),), 0)
        inner = ix.counter(atom.number + shift, lengths[atom.number + shift])
        return number * length + inner + start if atom.number == loop else inner

    def moved(position: Position) -> Position:
        return ix.substitute(position, counter)

    folded = kernel.folds[0].loops
    kept = [k for k in range(len(kernel.lengths)) if k not in folded]
    shape = (row + parts, *[kernel.lengths[k] for k in kept])
    counters = [ix.counter(k + shift, kernel.lengths[k]) for k in kept]
    place = ix.flatten((number + row, *counters), shape)

    def fold(old: Fold, buffer: int) -> Fold:
        loops = tuple([k + shift for k in folded])
        return replace(
            old,
            loops=loops,
            buffer=buffer,
            offset=place,
            result=_part_dtype(kernel, old),
            position=moved(old.position),
        )

    return Kernel(
        lengths,
        tuple([with_indices(node, moved) for node in kernel.nodes]),
        tuple([Store(s.buffer, moved(s.offset), s.node) for s in kernel.stores]),
        tuple([fold(old, buffer) for old, buffer in zip(kernel.folds, partial, strict=True)]),
        kernel.equations,
    )


def _together(kernel: Kernel, rows: int, partial: list[int]) -> Kernel:
    """The kernel that folds the rows of the partial results."""
    folded = kernel.folds[0].loops
    kept = [k for k in range(len(kernel.lengths)) if k not in folded]
    shape = (rows, *[kernel.lengths[k] for k in kept])
    lengths = (*shape[1:], rows)
    renumbered = {k: number for number, k in enumerate(kept)}
    counters = [ix.counter(number, lengths[number]) for number in range(len(kept))]
    row = ix.counter(len(kept), rows)
    place = ix.flatten((row, *counters), shape)

    def counter(atom: ix.Atom) -> Position:
        if not isinstance(atom, Counter):
            return ix.Index(((atom, 1),), 0)
        return ix.counter(renumbered[atom.number], atom.length)

    nodes: list[Node] = []
    folds: list[Fold] = []
    for old, buffer in zip(kernel.folds, partial, strict=True):
        nodes.append(Read(_part_dtype(kernel, old), buffer, place))
        position, node = old.position, len(nodes) - 1
        if isinstance(old.lower, ArgReduction):
            (loop,) = old.loops
            position = ix.clamp(ix.dynamic(node), 0, kernel.lengths[loop] - 1)
            node = len(nodes) + old.node
            nodes += _elements_at(kernel, loop, position, counter, len(nodes))
        offset = ix.substitute(old.offset, counter)
        folds.append(replace(old, node=node, loops=(len(kept),), offset=offset, position=position))
    names = {f.name for f in kernel.folds}
    equations = tuple([eq for eq in kernel.equations if eq.op.name in names])
    return Kernel(lengths, tuple(nodes), (), tuple(folds), equations)


def _elements_at(
    kernel: Kernel,
    loop: int,
    place: Position,
    counter: Callable[[ix.Atom], Position],
    first: int,
) -> list[Node]:
    """The nodes of a kernel where `loop` is at a place, to be numbered from `first` on; the other
    loops become those of `counter`."""

    def atom(old: ix.Atom) -> Position:
        here = isinstance(old, Counter) and old.number == loop
        return place if here else counter(old)

    def moved(position: Position) -> Position:
        return ix.substitute(position, atom)

    new = {k: first + k for k in range(len(kernel.nodes))}
    return [with_indices(renumbered(node, new), moved) for node in kernel.nodes]
