"""What all the workloads say together: geometric means, losses, a change since an earlier run.

It reads records (`report.record`), so that files written by `--json` can be compared and drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Record = dict[str, Any]
OURS = "jitad"
JAX = ("JAX", "JAX, its own arrays")
PYTORCH = ("PyTorch", "PyTorch, compiled")
OTHERS = {
    "PyTorch": PYTORCH,
    "autograd": ("autograd",),
    "CasADi": ("CasADi",),
    "numba": ("numba",),
}
"""The contenders that run some workloads, and the ways in which one library does."""
AGAINST_C = 1.5
"""Hand-written C may be faster by this."""
TOLD = 12
"""Losers that a line names."""
NOISE = 1.15
"""Changes below this factor are not told."""


def geometric_mean(values: Iterable[float]) -> float:
    """nan of no values."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms)) if logarithms else math.nan


def steady(record: Record, peers: Iterable[str]) -> float | None:
    """The time of the fastest of the peers divided by ours; None if none was measured, and of whole
    processes, which are timed from their start."""
    ours = record["seconds"].get(OURS)
    found = [record["ratios"][peer] for peer in peers if peer in record["ratios"]]
    return min(found) if found and ours and ours["first"] else None


def first(record: Record) -> float | None:
    """JAX's first call divided by ours."""
    ours, theirs = (record["seconds"].get(name, {}).get("first") for name in (OURS, JAX[0]))
    return theirs / ours if ours and theirs else None


def cached(record: Record) -> float | None:
    """Our first call with what an earlier process compiled divided by that without. None if
    nothing is compiled."""
    seconds = record["seconds"].get(OURS)
    return seconds["cached"] / seconds["first"] if seconds and seconds["start"] else None


def cached_start(record: Record) -> float | None:
    """As `cached`, of what the first call takes until its program runs: tracing, compiling,
    loading. The run itself, which touches new memory, takes the same with the cache and without.
    """
    seconds = record["seconds"].get(OURS)
    if not seconds or not seconds["start"]:
        return None
    run = seconds["cached"] - seconds["start"]
    return seconds["start"] / (seconds["first"] - run)


def memory(record: Record) -> float | None:
    """JAX's memory divided by ours."""
    ours, theirs = (record["memory"].get(name) for name in (OURS, JAX[0]))
    return theirs / ours if ours and theirs else None


def line(words: str, factors: dict[str, float | None], bound: float) -> str:
    """Geometric mean of the factors, and who stays below `bound`."""
    known = {name: factor for name, factor in factors.items() if factor is not None}
    if not known:
        return f"  {words:44}{'-':>8}"
    low = sorted((factor, name) for name, factor in known.items() if factor < bound)
    text = f"  {words:44}{geometric_mean(known.values()):8.3g}  over {len(known)} workloads"
    if not low:
        return f"{text}, all at least {bound:.3g}"
    worst = ", ".join(f"{name} {factor:.2g}" for factor, name in low[:TOLD])
    more = f" and {len(low) - TOLD} more" if len(low) > TOLD else ""
    return f"{text}; below {bound:.3g}: {worst}{more}"


def text(records: list[Record]) -> str:
    """The lines that follow the tables."""

    def factors(function: Any, *more: Any) -> dict[str, float | None]:
        return {record["name"]: function(record, *more) for record in records}

    def inverse(function: Any) -> dict[str, float | None]:
        shares = factors(function).items()
        return {name: None if share is None else 1 / share for name, share in shares}

    names = {name for record in records for name in record["ratios"]}
    others = [(name, peers) for name, peers in OTHERS.items() if names.intersection(peers)]
    return "\n".join(
        [
            "geometric means, jitad = 1 (larger: jitad is that much better)",
            line("steady state, JAX (its better arrays)", factors(steady, JAX), 1),
            line("steady state, C", factors(steady, ("C",)), 1 / AGAINST_C),
            line("steady state, NumPy", factors(steady, ("NumPy",)), 1),
            *[line(f"steady state, {name}", factors(steady, peers), 1) for name, peers in others],
            line("first call, JAX", factors(first), 1),
            line("first call without cache / with", inverse(cached), 1 / 0.15),
            line("the same, less the run itself", inverse(cached_start), 1 / 0.15),
            line("memory, JAX", factors(memory), 1),
        ]
    )


def change(records: list[Record], earlier: list[Record]) -> str:
    """Workload by workload, our time over the earlier one, beside what the peers' changed by.

    Two runs differ by the machine's mood, which peers share: a change counts that they do not show.
    """
    before = {record["name"]: record for record in earlier}
    lines = [f"{'':28}{'jitad, now / then':>20}{'peers, now / then':>20}"]
    for record in records:
        then = before.get(record["name"])
        if then is None or OURS not in record["seconds"] or OURS not in then["seconds"]:
            continue
        now = {name: each["median"] for name, each in record["seconds"].items()}
        drift = {
            name: now[name] / each["median"]
            for name, each in then["seconds"].items()
            if name in now
        }
        ours = drift.pop(OURS)
        others = geometric_mean(drift.values())
        own = ours / others if drift else ours
        said = "slower" if own > NOISE else "faster" if own < 1 / NOISE else ""
        lines.append(f"  {record['name']:26}{ours:20.3g}{others:20.3g}  {said}".rstrip())
    return "\n".join(lines)


def chart(records: list[Record], path: Path) -> None:
    """Bars of the times of JAX, NumPy and C over ours, on a logarithmic scale, to an image file."""
    from matplotlib.figure import Figure

    shown = [record for record in records if steady(record, JAX) is not None]
    shown.sort(key=lambda record: steady(record, JAX) or 0)
    figure = Figure(figsize=(8, 1.2 + 0.22 * len(shown)), layout="constrained")
    axes = figure.subplots()
    places = range(len(shown))
    axes.barh(places, [steady(r, JAX) or 0 for r in shown], color="#9db8d9", label="JAX")
    for peer, marker, color in (("NumPy", "|", "#c06000"), ("C", "o", "#202020")):
        points = [(steady(r, (peer,)), place) for place, r in zip(places, shown, strict=True)]
        known = [(x, y) for x, y in points if x is not None]
        axes.plot(*zip(*known, strict=True), marker, color=color, label=peer)
    axes.axvline(1, color="#d03030", linewidth=1, label="jitad")
    axes.set_xscale("log")
    axes.set_yticks(list(places), [record["name"] for record in shown], fontsize=8)
    axes.set_xlabel("time of one call, divided by jitad's (right of the line: jitad is faster)")
    axes.margins(y=0.01)
    axes.legend(loc="lower right")
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
