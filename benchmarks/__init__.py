"""Figures of jitad and its peers, measured side by side: `python -m benchmarks --help`."""

from __future__ import annotations
