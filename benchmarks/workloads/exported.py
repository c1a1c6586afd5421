"""Programs in C: what jitad and CasADi write of a function, called from a loop in C."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Call
from benchmarks.peers import jitad_library
from benchmarks.reference import c_call, linked, native_call
from benchmarks.workload import Calls, Goal

INTERVALS = 20
SUBSTEPS = 4
STEP = 10.0 / (INTERVALS * SUBSTEPS)
REPEATS = 100

LOOP = """
{declarations}
void repeated(long repeats, const double *controls, double *out)
{{
    for (long n = 0; n < repeats; n++) {{
        {call};
        __asm__ volatile("" ::: "memory");
    }}
}}
"""

OBJECT = LOOP.format(
    declarations='#include "control.h"\nstatic char workspace[CONTROL_WORKSPACE_BYTES + 1];',
    call="control(controls, out, workspace)",
)

DECLARED = """
#include "control.c"
static casadi_int integers[1 + {integers}];
static double reals[1 + {reals}];
static const double *arguments[1 + {arguments}];
static double *results[1 + {results}];
"""
CALLED = (
    "arguments[0] = controls, results[0] = out, control(arguments, results, integers, reals, 0)"
)
"""Of what CasADi writes."""


def controls() -> np.ndarray:
    return np.random.default_rng(0).normal(size=INTERVALS)


def rate(state: tuple[Any, ...], u: Any) -> tuple[Any, ...]:
    """Of Van der Pol's oscillator under control, and of the cost."""
    x, y, _ = state
    return (1 - y * y) * x - y + u, x, x * x + y * y + u * u


def interval(state: tuple[Any, ...], u: Any) -> tuple[Any, ...]:
    """Runge and Kutta's steps of fourth order with one control."""

    def along(h: float, slope: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple([s + h * k for s, k in zip(state, slope, strict=True)])

    for _ in range(SUBSTEPS):
        k1 = rate(state, u)
        k2 = rate(along(STEP / 2, k1), u)
        k3 = rate(along(STEP / 2, k2), u)
        k4 = rate(along(STEP, k3), u)
        slopes = zip(state, k1, k2, k3, k4, strict=True)
        state = tuple([s + STEP / 6 * (a + 2 * b + 2 * c + d) for s, a, b, c, d in slopes])
    return state


def with_jitad() -> Call:
    jitad = jitad_library()
    from jitad import export

    def cost(controls: Any) -> Any:
        state, _ = jitad.lax.scan(lambda s, u: (interval(s, u), None), (0.0, 1.0, 0.0), controls)
        return state[2]

    exported = export.export(jitad.jit(jitad.grad(cost)))(controls())
    with tempfile.TemporaryDirectory() as folder:
        files = exported.write_c(folder, "control")
        library = linked(OBJECT, Path(folder), files.object)
    return native_call(library, "repeated", (REPEATS, controls()), (np.empty(INTERVALS),))


def with_casadi() -> Call:
    import casadi

    u = casadi.SX.sym("u", INTERVALS)
    state: tuple[Any, ...] = (casadi.SX(0.0), casadi.SX(1.0), casadi.SX(0.0))
    for k in range(INTERVALS):
        state = interval(state, u[k])
    function = casadi.Function("control", [u], [casadi.gradient(state[2], u)])
    generator = casadi.CodeGenerator("control.c", {"with_header": False})
    generator.add(function)
    sizes = {
        "integers": function.sz_iw(),
        "reals": function.sz_w(),
        "arguments": function.sz_arg(),
        "results": function.sz_res(),
    }
    text = LOOP.format(declarations=DECLARED.format(**sizes), call=CALLED)
    with tempfile.TemporaryDirectory() as folder:
        generator.generate(folder + "/")
        library = linked(text, Path(folder))
    return native_call(library, "repeated", (REPEATS, controls()), (np.empty(INTERVALS),))


def in_c() -> Call:
    return c_call("control", "control_gradient", (REPEATS, controls()), (np.empty(INTERVALS),))


CONTROL = Calls(
    "exported_control",
    f"{REPEATS} gradients of an optimal control, {INTERVALS * SUBSTEPS} steps of Runge and Kutta, "
    "by functions for C",
    {"jitad": with_jitad, "CasADi": with_casadi, "C": in_c},
    (Goal("CasADi", 1.0), Goal("C", 1.5)),
    compiles=False,
)

ALL = (CONTROL,)
