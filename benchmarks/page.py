"""The table of docs/performance.md, between its two marks, from figures that `--json` wrote.

python -m benchmarks.page FIGURES.json docs/performance.md
"""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import summary
from benchmarks.report import duration, size
from benchmarks.summary import JAX, OTHERS, OURS, Record

BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"
COLUMNS = (
    "workload", "jitad", "JAX", "NumPy", "C", "others", "first call", "cached", "JAX's", "memory",
    "JAX's",
)  # fmt: skip
HEAD = f"| {' | '.join(COLUMNS)} |", f"|:--{'|--:' * (len(COLUMNS) - 1)}|"
WIDTH = 120


def factor(record: Record, peers: Sequence[str]) -> str:
    """How many of our calls one of the fastest peer's lasts."""
    ratio = summary.steady(record, peers)
    return "" if ratio is None else f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def row(record: Record) -> str:
    seconds, memory = record["seconds"], record["memory"]
    others = [f"{name} {factor(record, peers)}" for name, peers in OTHERS.items()]
    first = [duration(seconds.get(peer, {}).get("first")) for peer in (OURS, "JAX")]
    cells = [
        record["name"],
        duration(seconds[OURS]["median"]),
        factor(record, JAX),
        factor(record, ("NumPy",)),
        factor(record, ("C",)),
        ", ".join(other for other in others if not other.endswith(" ")),
        first[0],
        duration(seconds[OURS]["cached"]),
        first[1],
        size(memory.get(OURS)),
        size(memory.get("JAX")),
    ]
    return f"| {' | '.join(cells)} |"


def wrapped(text: str) -> str:
    """Long lines continued below."""
    fill = textwrap.TextWrapper(WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)
    return "\n".join(fill.fill(line) for line in text.splitlines())


def table(figures: dict[str, Any]) -> str:
    """Machine, means and a row for each workload that jitad and others ran in one process."""
    records: list[Record] = figures["workloads"]
    machine = ", ".join(f"{name} {value}" for name, value in figures["machine"].items())
    shown = [record for record in records if OURS in record["seconds"]]
    rows = [row(record) for record in shown if record["seconds"][OURS]["first"] is not None]
    means = wrapped(summary.text(records))
    machine = textwrap.fill(f"Machine: {machine}.", WIDTH)
    return "\n".join([f"{machine}\n", "```text", means, "```\n", *HEAD, *rows]) + "\n"


def fill(page: Path, marks: tuple[str, str], text: str) -> None:
    """Put the text between two lines of a page."""
    begin, end = marks
    before, rest = page.read_text("utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}", "utf-8")


def main() -> None:
    figures, page = (Path(name) for name in sys.argv[1:])
    fill(page, (BEGIN, END), table(json.loads(figures.read_text("utf-8"))))


if __name__ == "__main__":
    main()
