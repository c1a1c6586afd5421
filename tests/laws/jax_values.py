"""Run as a program: values and derivatives of functions of jax.lax, for `test_peers`.

Reads a pickled list of (name, params, operands, tangents, cotangent) from standard input; writes
the pickled list of (value, tangent, cotangents of the inexact operands), None where JAX has no
such function of these operands. A process of its own keeps JAX's threads out of the tests.
"""

from __future__ import annotations

import functools
import pickle
import sys
from typing import Any

import jax
import numpy as np
from jax.ad_checkpoint import checkpoint_name

jax.config.update("jax_enable_x64", True)


OF_NUMPY = {"hypot", "logaddexp", "logaddexp2"}


def call(name: str, params: dict[str, Any], operands: list[Any], ts: list[Any], ct: Any) -> Any:
    if name == "polygamma":
        order = np.full_like(operands[0], params["order"])
        function = functools.partial(jax.lax.polygamma, order)
    elif name == "integer_pow":
        function = functools.partial(jax.lax.integer_pow, y=params["exponent"])
    elif name == "convert":
        function = functools.partial(jax.lax.convert_element_type, new_dtype=params["dtype"])
    elif name == "checkpoint_name":
        function = functools.partial(checkpoint_name, name=params["name"])
    else:
        function = getattr(jax.numpy if name in OF_NUMPY else jax.lax, name)
    out, t = jax.jvp(function, operands, ts)
    _, pull_back = jax.vjp(function, *operands)
    cts = pull_back(jax.numpy.asarray(ct, out.dtype))
    return np.asarray(out), np.asarray(t), [np.asarray(c) for c in cts]


def main() -> None:
    answers = []
    for question in pickle.load(sys.stdin.buffer):
        try:
            answers.append(call(*question))
        except (TypeError, NotImplementedError):
            answers.append(None)
    pickle.dump(answers, sys.stdout.buffer)


if __name__ == "__main__":
    main()
