"""`python -m benchmarks`: measures the named workloads and prints a table for each."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import fresh, report, summary
from benchmarks.workload import Calls, Effort, Workload
from benchmarks.workloads import ALL

QUICK = Effort(rounds=7, span=0.002, processes=2, budget=1.5)
FULL = Effort(rounds=15, span=0.003, processes=3, budget=3.0, fresh=5)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="workloads whose name has NAME in it"
    )
    parser.add_argument("--skip", nargs="+", metavar="NAME", default=[], help="but not these")
    parser.add_argument("--list", action="store_true", help="names and what they measure, no more")
    parser.add_argument("--json", metavar="FILE", help="also write every figure to FILE")
    parser.add_argument("--chart", metavar="FILE", help="also draw the ratios, to an .svg or .png")
    parser.add_argument("--against", metavar="FILE", help="compare with figures that --json wrote")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer rounds, first calls in this process, no memory: a look, not a figure",
    )
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    parser.add_argument("--observe", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen(only: list[str] | None, skip: list[str]) -> list[Workload]:
    found = [
        w
        for w in ALL
        if (only is None or any(part in w.name for part in only))
        and not any(part in w.name for part in skip)
    ]
    if not found:
        sys.exit(f"no workload has {' or '.join(only or [])} in its name; --list shows them")
    return found


def observe(name: str, contender: str) -> None:
    """What `fresh.run` starts: one contender of one workload, in this process."""
    (workload,) = (w for w in ALL if w.name == name and isinstance(w, Calls))
    print(json.dumps(fresh.observe(contender, workload.contenders[contender])))


def measured(
    workloads: list[Workload], effort: Effort, check: bool, write: Callable[[list[Any]], None]
) -> tuple[list[Any], int]:
    """The records, printed and written on the way, and how many workloads are wrong."""
    records: list[dict[str, Any]] = []
    wrong = 0
    for workload in workloads:
        print()
        try:
            outcome = workload.measure(effort)
        except Exception:
            traceback.print_exc()
            print(f"{workload.name}: FAILED, see above")
            wrong += 1
            continue
        print(report.table(outcome), flush=True)
        records.append(report.record(outcome))
        write(records)
        missed = [verdict for verdict in outcome.verdicts() if verdict.met is False]
        wrong += bool(outcome.disagreements) or (check and bool(missed))
    return records, wrong


def main() -> int:
    options = arguments()
    if options.observe:
        observe(*options.observe)
        return 0
    workloads = chosen(options.only, options.skip)
    if options.list:
        for workload in workloads:
            print(f"{workload.name:24}{workload.about}")
        return 0
    earlier = json.loads(Path(options.against).read_text("utf-8")) if options.against else None
    machine = report.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))

    def write(records: list[Any]) -> None:
        if options.json:
            text = json.dumps({"machine": machine, "workloads": records}, indent=1)
            Path(options.json).write_text(text, "utf-8")

    with tempfile.TemporaryDirectory(prefix="jitad-bench-") as cache:
        os.environ["JITAD_CACHE_DIR"] = cache  # first calls compile, whatever earlier runs left
        effort = QUICK if options.quick else FULL
        records, wrong = measured(workloads, effort, options.check, write)
    print(f"\n{summary.text(records)}")
    if earlier is not None:
        print(f"\n{summary.change(records, earlier['workloads'])}")
    if options.chart:
        summary.chart(records, Path(options.chart))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
