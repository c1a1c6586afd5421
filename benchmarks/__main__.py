"""`python -m benchmarks`: measures the named workloads and prints a table for each."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import traceback
from typing import Any

from benchmarks import report
from benchmarks.workload import Effort, Workload
from benchmarks.workloads import ALL


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="workloads whose name has NAME in it"
    )
    parser.add_argument("--list", action="store_true", help="names and what they measure, no more")
    parser.add_argument("--json", metavar="FILE", help="also write every figure to FILE")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a figure")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal is missed")
    return parser.parse_args()


def chosen(only: list[str] | None) -> list[Workload]:
    found = [w for w in ALL if only is None or any(part in w.name for part in only)]
    if not found:
        sys.exit(f"no workload has {' or '.join(only or [])} in its name; --list shows them")
    return found


def main() -> int:
    options = arguments()
    workloads = chosen(options.only)
    if options.list:
        for workload in workloads:
            print(f"{workload.name:24}{workload.about}")
        return 0
    effort = Effort(rounds=7, span=0.002, processes=2) if options.quick else Effort()
    machine = report.machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    records: list[dict[str, Any]] = []
    wrong = 0
    with tempfile.TemporaryDirectory(prefix="jitad-bench-") as cache:
        os.environ["JITAD_CACHE_DIR"] = cache  # first calls compile, whatever earlier runs left
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
            missed = [verdict for verdict in outcome.verdicts() if verdict.met is False]
            wrong += bool(outcome.disagreements) or (options.check and bool(missed))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"machine": machine, "workloads": records}, file, indent=1)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
