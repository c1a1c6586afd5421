"""Run as a program, with JAX: writes the numbers of every case to `jax_values.json`."""

from __future__ import annotations

import json
from pathlib import Path

import cases
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)


def main() -> None:
    recorded: dict[str, dict[str, object]] = {}
    for case in cases.CASES:
        draw = getattr(jax.random, case.name)
        value = np.asarray(draw(jax.random.key(cases.SEED), *case.args, **case.kwargs))
        flat = value.ravel()
        if value.dtype.kind == "c":
            flat = np.stack([flat.real, flat.imag], -1).ravel()
        recorded[str(case)] = {
            "dtype": value.dtype.name,
            "shape": list(value.shape),
            "values": flat.tolist(),
        }
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in recorded.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    Path(__file__).with_name("jax_values.json").write_text(text)


if __name__ == "__main__":
    main()
