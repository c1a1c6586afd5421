"""Graph -> Plan: fusion into kernels, their expressions, and the memory between them."""

from __future__ import annotations

from .planner import plan_graph
from .steps import Buffer, Fold, Kernel, Plan, RoutineCall, Step
from .text import plan_text
from .verify import InvalidPlan, verify

__all__ = [
    "Buffer",
    "Fold",
    "InvalidPlan",
    "Kernel",
    "Plan",
    "RoutineCall",
    "Step",
    "plan_graph",
    "plan_text",
    "verify",
]
