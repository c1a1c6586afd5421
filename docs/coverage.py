"""Which of the names that a JAX user expects jitad has: writes docs/coverage.md.

    python docs/coverage.py

The expected names, and why some are left out, are in docs/data/expected_names.toml. The page never
tells of fewer names than before: where a name is gone the script says so and writes nothing.
"""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = ROOT / "docs" / "data" / "expected_names.toml"
PAGE = ROOT / "docs" / "coverage.md"
WIDTH = 118
OPENING = """\
# Coverage

The public names of JAX that make sense on a CPU, by namespace, and which of them jitad has. A
program written with those runs when its import lines change. Semantics are NumPy's where the two
differ: float64 by default, NumPy 2's promotion of dtypes.

This page is written by `python docs/coverage.py`.

"""


class Namespace(NamedTuple):
    """One namespace: JAX's name of it, the module here, the names, why some are left out."""

    title: str
    module: str
    names: tuple[str, ...]
    left_out: dict[str, str]


def namespaces() -> list[Namespace]:
    """The expected names, as checked in."""
    table = tomllib.loads(EXPECTED.read_text(encoding="utf-8"))
    return [
        Namespace(
            title, entry["module"], tuple(_spelled(entry["names"])), entry.get("left_out", {})
        )
        for title, entry in table.items()
    ]


def _spelled(names: str) -> list[str]:
    """Single names from "norm.{cdf,pdf} mode"."""
    found: list[str] = []
    for word in names.split():
        match = re.fullmatch(r"(.*)\{(.*)\}", word)
        found += [match[1] + part for part in match[2].split(",")] if match else [word]
    return found


def resolve(module: str, name: str) -> Any:
    """`module.name`, where parts may be submodules that are not loaded yet; raises AttributeError
    or ModuleNotFoundError."""
    value: Any = importlib.import_module(module)
    path = module
    for part in name.split("."):
        path = f"{path}.{part}"
        try:
            value = getattr(value, part)
        except AttributeError:
            value = importlib.import_module(path)
    return value


def is_present(namespace: Namespace, name: str) -> bool:
    """True if jitad has the name."""
    try:
        resolve(namespace.module, name)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


def figures(page: str) -> dict[str, int]:
    """Number of names present in each namespace, by a page's table."""
    rows = re.findall(r"^\| `([\w.]+)` \| `[\w.]+` \| (\d+) \|", page, re.MULTILINE)
    return {title: int(present) for title, present in rows}


def render() -> str:
    """The page for the jitad that is imported."""
    rows: list[str] = []
    sections: list[str] = []
    total = [0, 0]
    for namespace in namespaces():
        present = [name for name in namespace.names if is_present(namespace, name)]
        absent = [name for name in namespace.names if name not in present]
        count, expected = len(present), len(namespace.names)
        total[0] += count
        total[1] += expected
        rows.append(
            f"| `{namespace.title}` | `{namespace.module}` | {count} | {expected} | "
            f"{count / expected:.1%} |"
        )
        sections.append(_section(namespace, present, absent))
    head = ["| JAX | jitad | present | expected | |", "|---|---|---|---|---|"]
    rows.append(f"| all | | {total[0]} | {total[1]} | {total[0] / total[1]:.1%} |")
    return OPENING + "\n".join(head + rows) + "\n\n" + "\n".join(sections)


def _section(namespace: Namespace, present: list[str], absent: list[str]) -> str:
    lines = [f"## {namespace.title}", ""]
    if present:
        lines += [_wrapped(present), ""]
    refused = [name for name in absent if name in namespace.left_out]
    if refused:
        lines += ["| left out | why |", "|---|---|"]
        lines += [f"| `{name}` | {namespace.left_out[name]} |" for name in refused]
        lines.append("")
    missing = [name for name in absent if name not in namespace.left_out]
    if missing:
        lines += ["Not written yet:", "", _wrapped(missing), ""]
    return "\n".join(lines)


def _wrapped(names: list[str]) -> str:
    lines, line = [], ""
    for name in names:
        word = f"`{name}`"
        if line and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return "\n".join([*lines, line])


def main() -> int:
    """Write the page, unless names are gone."""
    page = render()
    before = figures(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    now = figures(page)
    fewer = [
        f"{title}: {now.get(title, 0)}, was {n}"
        for title, n in before.items()
        if now.get(title, 0) < n
    ]
    if fewer:
        print("names are gone; coverage.md stays as it was:", *fewer, sep="\n  ", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
