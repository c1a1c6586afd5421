"""What a plan says it costs, against counts by hand and against the process's memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import jitad_ir.ops  # noqa: F401  (names of ops in the text form)
from jitad_ir.plan import Plan, plan_graph
from jitad_ir.plan.costs import Cost, plan_cost
from jitad_ir.text import parse


def plan(body: str) -> Plan:
    return plan_graph(parse("graph f" + body))


def test_a_chain_reads_its_inputs_and_writes_its_result() -> None:
    found = plan_cost(
        plan(
            """(a: f64[1000], b: f64[1000]) {
              c: f64[1000] = sin(a)
              d: f64[1000] = mul(c, b)
              e: f64[1000] = add(d, b)
              return e
            }"""
        )
    )
    assert found == Cost(read=16000, written=8000, flops=2000, functions=1000)


def test_what_does_not_depend_on_a_loop_counts_once() -> None:
    found = plan_cost(
        plan(
            """(a: f64[20,30], b: f64[20]) {
              c: f64[20] = exp(b)
              d: f64[20,30] = broadcast(c, dims=(0,), shape=(20, 30))
              e: f64[20,30] = mul(a, d)
              s: f64[20] = reduce_sum(e, axes=(1,))
              return s
            }"""
        )
    )
    assert (found.flops, found.functions) == (1200, 20)
    assert found.read >= 8 * (600 + 20)


def test_neighbours_in_a_stencil_are_read_once() -> None:
    found = plan_cost(
        plan(
            """(a: f64[1001]) {
              b: f64[1000] = slice(a, start=(0,), limit=(1000,), stride=(1,))
              c: f64[1000] = slice(a, start=(1,), limit=(1001,), stride=(1,))
              d: f64[1000] = sub(c, b)
              return d
            }"""
        )
    )
    assert found == Cost(read=8008, written=8000, flops=1000)


@pytest.mark.parametrize(
    ("body", "flops"),
    [
        (
            "(a: f64[3,4], b: f64[4,5]) { c: f64[3,5] = "
            "dot(a, b, contract=((1,), (0,)), batch=((), ())) return c }",
            2 * 3 * 4 * 5,
        ),
        ("(a: f64[2,30,30]) { c: f64[2,30,30] = cholesky(a) return c }", 2 * 30**3 // 3),
    ],
)
def test_routines_say_their_operations(body: str, flops: int) -> None:
    body = body.replace("{ ", "{\n").replace(" return", "\nreturn").replace(" }", "\n}")
    assert plan_cost(plan(body)).flops == flops


MEASURE = """
import gc
from pathlib import Path
import numpy as np
import jitad, jitad.numpy as jnp

def f(x):
    y = jnp.sort(jnp.sin(x))
    return jnp.cumsum(y) - y, y[::-1]

x = np.random.default_rng(0).random(1 << 21)
g = jitad.jit(f)
g(x[:100])
plan = jitad.explain(f, x)
gc.collect()

def status(word):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(word):
            return int(line.split()[1]) * 1024

Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
result = g(x)
print(plan.memory_bytes, status("VmHWM") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells the peak")
def test_the_memory_of_a_call_is_what_the_plan_says() -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said, seen = map(int, done.stdout.split())
    assert 0.9 * said < seen < 1.1 * said + (16 << 20)  # and what compiling leaves behind


def test_updates_in_place_count_what_they_write() -> None:
    """Ten steps: a counter (8 bytes), an element (8) and its index (8), not the array."""
    found = plan_cost(
        plan(
            """(x: f64[5000], i: i64[]) {
              j: i64[], y: f64[5000] = scan(i, x, consts=0, carries=2, length=10, reverse=False,
                                            unroll=1) {
                graph step(i: i64[], x: f64[5000]) {
                  one: i64[] = full(dtype=i64, shape=(), value=1)
                  next: i64[] = add(i, one)
                  u: f64[1] = full(dtype=f64, shape=(1,), value=2.0)
                  y: f64[5000] = scatter(x, u, i, axes=(0,), batch=0, mode='drop', unique=True)
                  return next, y
                }
              }
              return y
            }"""
        )
    )
    assert found.written <= 10 * 24
    assert found.read <= 10 * 24


def _over_blocks(columns: int) -> Cost:
    return plan_cost(
        plan(
            f"""(x: f64[50,4,{columns}]) {{
              y: f64[50,4,{columns}] = scan(x, consts=0, carries=0, length=50, reverse=False,
                                            unroll=1) {{
                graph rows(x: f64[4,{columns}]) {{
                  s: f64[4] = reduce_sum(x, axes=(1,))
                  b: f64[4,{columns}] = broadcast(s, shape=(4, {columns}), dims=(0,))
                  y: f64[4,{columns}] = div(x, b)
                  return y
                }}
              }}
              return y
            }}"""
        )
    )


def test_rows_of_a_loop_over_blocks_are_read_once() -> None:
    """If a block stays in the cache from its first pass to its second."""
    small, large = _over_blocks(100), _over_blocks(40000)
    assert (small.read, small.written) == (50 * 4 * 100 * 8, 50 * 4 * 100 * 8)
    assert large.read > 2 * 50 * 4 * 40000 * 8
    assert small.flops == 2 * 50 * 4 * 100
