"""explain_cache_misses: why a jitted function is traced again."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from jitad_ir.types import ArrayType

from ..pytree import PyTreeDef, flatten_with_path, keystr


class Seen(NamedTuple):
    """The arguments that a function was traced for."""

    tree: PyTreeDef
    types: tuple[ArrayType, ...]
    weak: tuple[bool, ...]
    static: tuple[Hashable, ...]


def explain(name: str, now: Seen, before: Sequence[Seen]) -> None:
    """Print how `now` differs from the most similar of `before`, to standard error."""
    rows = min([_differences(now, other) for other in before], key=len)
    listed = "".join([f"\n  {row}" for row in rows])
    print(
        f"jitad: {name} is traced again, for the {_ordinal(len(before) + 1)} time:{listed}",
        file=sys.stderr,
    )


def _differences(now: Seen, before: Seen) -> list[str]:
    rows: list[str] = []
    for (where, *value), (_, *other) in zip(now.static, before.static, strict=False):  # type: ignore[misc]
        if value != other:
            rows.append(f"static argument {where!r}: {value[-1]!r}; before {other[-1]!r}")
    if now.tree != before.tree:
        return [*rows, f"arguments have the structure {now.tree}; before {before.tree}"]
    paths, _ = flatten_with_path(now.tree.unflatten(range(now.tree.num_leaves)))
    for (path, _), t, other, weak, was_weak in zip(
        paths, now.types, before.types, now.weak, before.weak, strict=True
    ):
        if t != other:
            rows.append(f"argument {keystr(path[1:])}: {t!r}; before {other!r}")
        elif weak != was_weak:
            kinds = ("an array", "a Python number")
            rows.append(f"argument {keystr(path[1:])}: {kinds[weak]}; before {kinds[was_weak]}")
    return rows or ["arguments are of other Python types"]


def _ordinal(n: int) -> str:
    return f"{n}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(n if n < 20 else n % 10, 'th') }"
