"""Names of JAX that jitad leaves out: why, and what to write instead."""

from __future__ import annotations

_INSIDES = "it is about JAX's own insides; jitad.custom_jvp, custom_vjp and custom_vmap give rules"
_ONE_PROCESS = "jitad computes on the CPU, in one process"
_NO_SUCH_FLOAT = "NumPy has no such dtype, nor have CPUs its arithmetic; use float16 or float32"
_NO_REFERENCES = "values do not change; write x.at[...], and carry them through loops and branches"
_NO_SUCH_INTEGER = "NumPy has no such dtype; use int8 or uint8"

# fmt: off
_FLOATS = (
    "bfloat16", "float4_e2m1fn", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz",
    "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
)
# fmt: on

ABSENT = {
    "jitad": {
        **dict.fromkeys(
            ("Ref", "empty_ref", "free_ref", "freeze", "new_ref", "ref"), _NO_REFERENCES
        ),
        "debug_key_reuse": "keys are not followed; fold_in or split one before each use",
        "live_arrays": "arrays are NumPy's, which nobody lists; tracemalloc counts their memory",
        "api_util": _INSIDES,
        "cloud": _ONE_PROCESS,
        "distributed": _ONE_PROCESS,
        "extend": _INSIDES,
        "ffi": "use jitad.pure_callback to call other code",
        "interpreters": _INSIDES,
    },
    "jitad.experimental": {
        "jax2tf": "jitad compiles for the CPU; TensorFlow takes its NumPy arrays",
        "multihost_utils": _ONE_PROCESS,
        "pallas": "write loops, jitad.lax.fori_loop or scan: they compile to kernels",
    },
    "jitad.numpy": {
        **dict.fromkeys(_FLOATS, _NO_SUCH_FLOAT),
        **dict.fromkeys(("int2", "int4", "uint2", "uint4"), _NO_SUCH_INTEGER),
    },
}


def no_attribute(module: str, name: str) -> AttributeError:
    """The error for `module.name`, with the reason if `name` is left out on purpose."""
    reason = ABSENT.get(module, {}).get(name)
    text = f"module {module!r} has no attribute {name!r}"
    return AttributeError(f"{text}: {reason}" if reason else text)
