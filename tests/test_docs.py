"""The Python blocks of README.md, CONTRIBUTING.md and docs run, page by page, top to bottom.

The blocks of a page share one namespace, as a reader's session would. A block of `>>>` lines is a
doctest. A block stays out only if the line before it says why:

    <!-- not run: needs a second machine -->
"""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import jitad_ir.ops  # noqa: F401  (fills the registry)
from jitad_ir.op import OPS, Op

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
BLOCK = re.compile(
    r"(?:^<!-- not run:(?P<reason>[^\n]*)-->\n+)?^```python\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A fenced block: its text, the line it starts at (from 0), and why it is not run, if so."""

    code: str
    line: int
    reason: str | None


def blocks(text: str) -> list[Block]:
    found: list[Block] = []
    for match in BLOCK.finditer(text):
        reason = match["reason"]
        if reason is not None and not reason.strip():
            raise ValueError("a block that is not run must say why: <!-- not run: reason -->")
        line = text.count("\n", 0, match.start("code"))
        found.append(Block(match["code"], line, reason))
    return found


def run(block: Block, page: str, namespace: dict[str, object]) -> None:
    """Runs a block in `namespace`; a traceback names the line of the page."""
    if not block.code.lstrip().startswith(">>>"):
        exec(compile("\n" * block.line + block.code, page, "exec"), namespace)
        return
    test = doctest.DocTestParser().get_doctest(block.code, namespace, page, page, block.line)
    test.globs = namespace  # get_doctest copies; names must last until the next block
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    runner.run(test, out=report.append, clear_globs=False)
    assert runner.failures == 0, "".join(report)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "__main__"}
    registered = set(OPS)
    try:
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.reason is None:
                run(block, str(page), namespace)
    finally:  # the laws must not meet the ops that a page defines as examples
        for value in namespace.values():
            if isinstance(value, Op) and value.name not in registered:
                del OPS[value.name]


def test_readme_shows_code_that_runs() -> None:
    assert any(block.reason is None for block in blocks(PAGES[0].read_text(encoding="utf-8")))


def test_fences_are_found_and_all_of_them() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert len(blocks(text)) == len(re.findall(r"^\s*```\s*(?:python|py)\b", text, re.M)), page


def test_links_inside_the_checkout_lead_somewhere() -> None:
    dead = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert not dead, dead


def test_files_named_on_a_page_exist() -> None:
    """`plan/clusters.py` stands for any file whose path ends so."""
    folders = "benchmarks", "docs", "ir", "jitad", "tests"
    files = [path.as_posix() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    missing = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in PAGES
        for name in re.findall(r"`([\w/]+\.py)`", page.read_text(encoding="utf-8"))
        if not any(file.endswith("/" + name) for file in files)
    ]
    assert not missing, missing


PAGE = """
<!-- not run: no network -->
```python
raise SystemExit
```

```python
x = 2
```

```python
>>> x + 1
3
```
"""


def test_blocks_share_a_namespace_and_carry_their_lines() -> None:
    skipped, first, second = blocks(PAGE)
    assert skipped.reason == " no network "
    namespace: dict[str, object] = {}
    run(first, "page", namespace)
    run(second, "page", namespace)
    with pytest.raises(ZeroDivisionError) as error:
        run(Block("1 / 0\n", 40, None), "page", namespace)
    assert error.traceback[-1].lineno == 40


def test_a_wrong_doctest_fails() -> None:
    with pytest.raises(AssertionError, match="Expected"):
        run(Block(">>> 1 + 1\n3\n", 0, None), "page", {})


def test_a_block_left_out_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="must say why"):
        blocks("<!-- not run: -->\n```python\npass\n```\n")
