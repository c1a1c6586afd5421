"""`python -m benchmarks.functions`: the mathematical functions one by one, against NumPy and JAX.

Each is called alone on arrays of `BYTES` bytes, which lie in the caches of one core, or half of
them in those of each of two, and for which a call and the waking of a thread count little. JAX is
given its own arrays; NumPy (SciPy where NumPy has no such function) writes into memory that is
there. To write the table into a page, between its marks:

    python -m benchmarks.functions --page docs/performance.md
"""

from __future__ import annotations

import argparse
import functools
import importlib
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import page, report
from benchmarks.measure import Call, Times
from benchmarks.peers import jax_x64, jitad_library
from benchmarks.summary import geometric_mean
from benchmarks.workload import Calls, Effort

BYTES = 800_000
"""Of an operand: 1e5 float64, 2e5 float32."""

GOAL = 1.5
"""How many of jitad's calls one of the peers' is to last."""

DTYPES = {"float64": 1e-9, "float32": 1e-4}
"""With the errors (relative to 1 and the value) beyond which answers disagree."""

FULL = Effort(rounds=11, span=0.003, budget=2.0)
PASSES = 3
"""Over the whole table, minutes apart: others may use the machine for a while."""
QUICK = Effort(rounds=3, span=0.001, budget=0.5)
OURS, ONE, NUMPY, JAX = "jitad", "jitad, one thread", "NumPy", "JAX"
BEGIN, END = "<!-- functions -->\n", "<!-- end of functions -->\n"

Interval = tuple[float, float]


class Function(NamedTuple):
    """A function of as many operands as there are intervals to draw from: a usual range and a
    hard one; how NumPy or SciPy compute it; and its name in `jitad` and `jax`, in `numpy` or in
    one of `MODULES`, if that is another."""

    name: str
    usual: tuple[Interval, ...]
    numpy: Callable[..., Any] | str
    ours: str = ""
    hard: tuple[Interval, ...] = ()


MODULES = {"special": "scipy.special", "lax": "lax", "numpy": "numpy"}


def reciprocal_root(x: np.ndarray, out: np.ndarray) -> np.ndarray:
    """1 / sqrt(x)."""
    return np.reciprocal(np.sqrt(x, out), out)


USUAL_LOG, HARD_LOG = ((1e-3, 1e3),), ((1e-30, 1e30),)
FUNCTIONS = (
    Function("exp", ((-10, 10),), np.exp, hard=((-85, 85),)),
    Function("exp2", ((-10, 10),), np.exp2, hard=((-120, 120),)),
    Function("expm1", ((-1, 5),), np.expm1, hard=((-85, 85),)),
    Function("log", USUAL_LOG, np.log, hard=HARD_LOG),
    Function("log2", USUAL_LOG, np.log2, hard=HARD_LOG),
    Function("log10", USUAL_LOG, np.log10, hard=HARD_LOG),
    Function("log1p", ((-0.9, 10),), np.log1p, hard=HARD_LOG),
    Function("sin", ((-10, 10),), np.sin, hard=((-1e6, 1e6),)),
    Function("cos", ((-10, 10),), np.cos, hard=((-1e6, 1e6),)),
    Function("tan", ((-10, 10),), np.tan, hard=((-1e6, 1e6),)),
    Function("asin", ((-1, 1),), np.arcsin, "arcsin"),
    Function("acos", ((-1, 1),), np.arccos, "arccos"),
    Function("atan", ((-5, 5),), np.arctan, "arctan", hard=((-1e6, 1e6),)),
    Function("atan2", ((-5, 5), (-5, 5)), np.arctan2, "arctan2"),
    Function("sinh", ((-5, 5),), np.sinh, hard=((-85, 85),)),
    Function("cosh", ((-5, 5),), np.cosh, hard=((-85, 85),)),
    Function("tanh", ((-5, 5),), np.tanh, hard=((-50, 50),)),
    Function("asinh", ((-5, 5),), np.arcsinh, "arcsinh", hard=((-1e6, 1e6),)),
    Function("acosh", ((1, 10),), np.arccosh, "arccosh", hard=((1, 1e6),)),
    Function("atanh", ((-0.99, 0.99),), np.arctanh, "arctanh"),
    Function("pow", ((0.1, 10), (-5, 5)), np.power, "power", hard=((0.1, 10), (-30, 30))),
    Function("cbrt", ((-100, 100),), np.cbrt, hard=((-1e30, 1e30),)),
    Function("sqrt", ((0, 100),), np.sqrt),
    Function("rsqrt", ((0.1, 100),), reciprocal_root, "lax.rsqrt"),
    Function("hypot", ((-10, 10), (-10, 10)), np.hypot, hard=((-1e20, 1e20), (-1e-20, 1e-20))),
    Function("erf", ((-3, 3),), "erf", "special.erf", hard=((-10, 10),)),
    Function("erfc", ((-3, 3),), "erfc", "special.erfc", hard=((-9, 9),)),
    Function("erfinv", ((-0.99, 0.99),), "erfinv", "special.erfinv", hard=((0.99, 0.99999),)),
    Function("logistic", ((-10, 10),), "expit", "special.expit", hard=((-80, 80),)),
    Function("lgamma", ((0.1, 10),), "gammaln", "special.gammaln", hard=((-9.7, 50),)),
    Function("digamma", ((0.1, 10),), "digamma", "special.digamma", hard=((-9.7, 50),)),
)


@functools.cache
def operands(intervals: tuple[Interval, ...], dtype: str) -> tuple[np.ndarray, ...]:
    """Numbers of these intervals in random order: uniform, or uniform in the logarithm over many
    decades."""
    rng = np.random.default_rng(0)
    size = BYTES // np.dtype(dtype).itemsize
    drawn: list[np.ndarray] = []
    for low, high in intervals:
        spaced = np.geomspace if low > 0 and high / low > 1e5 else np.linspace
        drawn.append(rng.permutation(spaced(low, high, size)).astype(dtype))
    return tuple(drawn)


def compiled(library: Any, name: str) -> Callable[..., Any]:
    """The library's function of that name, compiled."""
    module, _, last = name.rpartition(".")
    found = importlib.import_module(f"{library.__name__}.{MODULES[module or 'numpy']}")
    return library.jit(getattr(found, last))


def workload(function: Function, intervals: tuple[Interval, ...], dtype: str) -> Calls:
    """One function of one dtype on one range."""
    name = function.ours or function.name
    args = operands(intervals, dtype)

    def one_thread() -> Call:
        jitad = jitad_library()
        return Call(compiled(jitad, name), args, within=lambda: jitad.threads(1))

    def jax() -> Call:
        library = jax_x64()
        arrays = library.block_until_ready([library.numpy.asarray(x) for x in args])
        return Call(compiled(library, name), tuple(arrays), library.block_until_ready)

    def numpy() -> Call:
        known = function.numpy
        if isinstance(known, str):
            known = getattr(importlib.import_module("scipy.special"), known)
        return Call(known, (*args, np.empty_like(args[0])))

    contenders = {
        OURS: lambda: Call(compiled(jitad_library(), name), args),
        ONE: one_thread,
        NUMPY: numpy,
        JAX: jax,
    }
    return Calls(f"{function.name} {dtype}", "", contenders, tolerance=DTYPES[dtype])


class Row(NamedTuple):
    """A function on one range: for each dtype the times of the contenders."""

    name: str
    range: str
    times: dict[str, dict[str, Times]]

    def ratio(self, dtype: str, peer: str) -> float | None:
        """The best time of a peer over our best: others may use the machine meanwhile."""
        times = self.times[dtype]
        return times[peer].best / times[OURS].best if peer in times else None

    def extend(self, later: Row) -> None:
        """Take the rounds of another pass as well."""
        for dtype, times in self.times.items():
            for name, each in times.items():
                each.rounds.extend(later.times[dtype][name].rounds)

    def __str__(self) -> str:
        cells = [self.name, self.range]
        for dtype, times in self.times.items():
            count = BYTES // np.dtype(dtype).itemsize
            cells += [f"{times[name].best / count * 1e9:.2f}" for name in (OURS, ONE)]
            ratios = (self.ratio(dtype, peer) for peer in (NUMPY, JAX))
            cells += ["" if r is None else f"{r:.2g}" if r < 10 else f"{r:.0f}" for r in ratios]
        return f"| {' | '.join(cells)} |"


def rows(names: Iterable[str], effort: Effort) -> Iterable[Row]:
    """Measured one by one; ValueError if the contenders disagree."""
    wanted = frozenset(names)
    for function in FUNCTIONS:
        for intervals in (function.usual, function.hard):
            if not intervals or (wanted and function.name not in wanted):
                continue
            times: dict[str, dict[str, Times]] = {}
            for dtype in DTYPES:
                outcome = workload(function, intervals, dtype).measure(effort)
                if outcome.disagreements:
                    raise ValueError(f"{outcome.workload.name}: {outcome.disagreements}")
                times[dtype] = outcome.times
            yield Row(function.name, shown(intervals), times)


def shown(intervals: tuple[Interval, ...]) -> str:
    """Two equal intervals are told once."""
    return ", ".join(dict.fromkeys(f"[{low:g}, {high:g}]" for low, high in intervals))


COLUMNS = (
    "function",
    "range",
    *(f"{d}{c}" for d in DTYPES for c in ("", ", 1 thread", ": NumPy", ": JAX")),
)
HEAD = f"| {' | '.join(COLUMNS)} |\n|:--|:--|{'--:|' * (len(COLUMNS) - 2)}"


def summary(measured: Iterable[Row]) -> str:
    """Geometric means, and who misses the goal."""
    measured = list(measured)
    lines: list[str] = []
    for dtype in DTYPES:
        for peer in (NUMPY, JAX):
            found = [(row.ratio(dtype, peer), f"{row.name} {row.range}") for row in measured]
            known = [(ratio, name) for ratio, name in found if ratio is not None]
            low = [f"{name} {ratio:.2f}" for ratio, name in sorted(known) if ratio < GOAL]
            mean = geometric_mean(ratio for ratio, _ in known)
            text = f"{dtype}, {peer}: {mean:.3g}; below {GOAL}: {', '.join(low) or 'none'}"
            lines.append(textwrap.fill(text, page.WIDTH, subsequent_indent=" " * 4))
    return "\n".join(lines)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.functions", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="functions")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look")
    parser.add_argument("--page", metavar="FILE", help="also write the table between its marks")
    options = parser.parse_args(arguments)
    measured = list(rows(options.only, QUICK if options.quick else FULL))
    for _ in range(0 if options.quick else PASSES - 1):
        for row, later in zip(measured, rows(options.only, FULL), strict=True):
            row.extend(later)
    table = "\n".join([HEAD, *map(str, measured)])
    means = f"```text\n{summary(measured)}\n```\n"
    print(f"{table}\n\n{means}")
    if options.page:
        machine = ", ".join(f"{name} {value}" for name, value in report.machine().items())
        text = f"{textwrap.fill(f'Machine: {machine}.', page.WIDTH)}\n\n{means}\n{table}\n"
        page.fill(Path(options.page), (BEGIN, END), text)


if __name__ == "__main__":
    main(sys.argv[1:])
