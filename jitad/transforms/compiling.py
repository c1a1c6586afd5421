"""From a traced function to an entry of the native dispatcher: passes, code, call record."""

from __future__ import annotations

import sys
import time
from typing import Any

from jitad_ir.native.program import compile_graph
from jitad_ir.passes.pipeline import optimize
from jitad_ir.text import graph_text

from .. import pytree
from ..dispatch.entry import emit_entry
from ..dispatch.record import Entry
from ..dispatch.signature import (
    DictNode,
    ListNode,
    NamedTupleNode,
    NoneNode,
    OtherNode,
    ResultLeaf,
    ResultNode,
    Signature,
    TupleNode,
)
from ..settings import config
from .function import Traced

ENTRY = "jitad.entry"

_GIL_WORK = 200_000
"""Programs that touch more bytes than this release the GIL."""


def compile_traced(traced: Traced, signature: Signature, name: str) -> Entry:
    """The native entry of a traced program for calls of `signature`."""
    raise NotImplementedError
