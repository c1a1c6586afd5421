"""Kernels' expressions: what a node uses, and expressions without what nobody uses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..graph import Equation
from . import index as ix
from .index import Position
from .steps import Apply, Constant, Fold, Inside, Kernel, Node, Number, Read, Store


def operands_of(node: Node) -> tuple[int, ...]:
    """Nodes that a node uses, in its index expressions too."""
    if isinstance(node, Apply):
        return node.operands
    if isinstance(node, Constant):
        return ()
    index = node.offset if isinstance(node, Read) else node.index
    used = [leaf.node for leaf in ix.leaves(index) if isinstance(leaf, ix.Dynamic)]
    if isinstance(node, Read) and node.mask is not None:
        used.append(node.mask)
    return tuple(used)


def pruned(
    lengths: tuple[int, ...],
    nodes: Sequence[Node],
    stores: Sequence[Store],
    folds: Sequence[Fold],
    equations: tuple[Equation, ...],
) -> Kernel:
    """The kernel without nodes that nothing depends on."""
    live = [False] * len(nodes)
    for k in [store.node for store in stores] + [fold.node for fold in folds]:
        live[k] = True
    for k in range(len(nodes) - 1, -1, -1):
        if live[k]:
            for used in operands_of(nodes[k]):
                live[used] = True
    if all(live):
        return Kernel(lengths, tuple(nodes), tuple(stores), tuple(folds), equations)
    new: dict[int, int] = {}
    kept: list[Node] = []
    for k, node in enumerate(nodes):
        if live[k]:
            new[k] = len(kept)
            kept.append(renumbered(node, new))
    return Kernel(
        lengths,
        tuple(kept),
        tuple([Store(s.buffer, s.offset, new[s.node]) for s in stores]),
        tuple([replace(f, node=new[f.node]) for f in folds]),
        equations,
    )


def joined(kernels: Sequence[Kernel]) -> Kernel:
    """Kernels without loops, of the same equations, as one."""
    nodes: list[Node] = []
    stores: list[Store] = []
    for kernel in kernels:
        start = len(nodes)
        new = {k: start + k for k in range(len(kernel.nodes))}
        nodes += [renumbered(node, new) for node in kernel.nodes]
        stores += [Store(s.buffer, s.offset, new[s.node]) for s in kernel.stores]
    return Kernel((), tuple(nodes), tuple(stores), (), kernels[0].equations)


def renumbered(node: Node, new: Mapping[int, int]) -> Node:
    """The node with others' numbers replaced."""
    if isinstance(node, Apply):
        operands = tuple([new[k] for k in node.operands])
        return Apply(node.dtype, node.name, node.emit, operands, node.params, node.dear)
    if isinstance(node, Constant):
        return node

    def atom(atom: ix.Atom) -> Position:
        if isinstance(atom, ix.Dynamic):
            return ix.dynamic(new[atom.node])
        return ix.Index(((atom, 1),), 0)

    if isinstance(node, Read) and node.mask is not None:
        node = replace(node, mask=new[node.mask])
    return with_indices(node, lambda position: ix.substitute(position, atom))


def with_indices(node: Node, moved: Callable[[Position], Position]) -> Node:
    """The node with `moved(index)` for its index expression, if it has one."""
    if isinstance(node, Read):
        return Read(node.dtype, node.buffer, moved(node.offset), node.mask)
    if isinstance(node, Number):
        return Number(node.dtype, moved(node.index))
    if isinstance(node, Inside):
        return Inside(node.dtype, moved(node.index), node.low, node.high)
    return node
