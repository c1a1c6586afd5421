"""`python -m jitad cache info` and `python -m jitad cache clear`."""

from __future__ import annotations

import argparse

from jitad_ir import disk


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m jitad", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of_cache = commands.add_parser("cache", help="the disk cache of compiled programs")
    of_cache.add_argument("action", choices=["info", "clear"])
    parsed = parser.parse_args(arguments)
    if parsed.action == "info":
        print(disk.info())
    else:
        print(f"removed {disk.clear()} entries from {disk.directory()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
