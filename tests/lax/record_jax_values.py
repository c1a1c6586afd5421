"""Run as a module, with JAX (`python -m tests.lax.record_jax_values`): writes the results of every
case to `jax_values.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import numpy as np

from .table import CASES

jax.config.update("jax_enable_x64", True)


def entry(leaf: Any) -> dict[str, Any]:
    array = np.asarray(leaf)
    flat = array.ravel()
    if array.dtype.kind == "c":
        flat = np.stack([flat.real, flat.imag], -1).ravel()
    return {"dtype": array.dtype.name, "shape": list(array.shape), "values": flat.tolist()}


def main() -> None:
    recorded: dict[str, list[dict[str, Any]]] = {}
    for case in CASES:
        if case.as_in_jax:
            operands = [jax.numpy.asarray(x) for x in case.operands]
            result = case.call(jax.lax, *operands)
            recorded[case.name] = [entry(leaf) for leaf in jax.tree.leaves(result)]
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in recorded.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("jax_values.json").write_text(text)


if __name__ == "__main__":
    main()
