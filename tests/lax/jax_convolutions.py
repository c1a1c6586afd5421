"""Run as a program: convolutions and their cotangents by JAX, for `test_convolution`.

Reads a pickled list of (arguments, cotangent) from standard input; writes the pickled list of
(result, cotangents of the operands). A process of its own keeps JAX's threads out of the tests.
"""

from __future__ import annotations

import pickle
import sys

import jax
import numpy as np

jax.config.update("jax_enable_x64", True)


def main() -> None:
    answers = []
    for (x, w, *rest), ct in pickle.load(sys.stdin.buffer):
        out, pull = jax.vjp(lambda x, w, rest=rest: jax.lax.conv_general_dilated(x, w, *rest), x, w)
        answers.append(tuple(np.asarray(part) for part in (out, *pull(jax.numpy.asarray(ct)))))
    pickle.dump(answers, sys.stdout.buffer)


if __name__ == "__main__":
    main()
