"""Composable transformations of NumPy programs: jit, grad, jvp, vjp, vmap, ...

>>> import jitad, jitad.numpy as jnp
>>> jitad.jit(jitad.grad(lambda x: jnp.sin(x) * x))(0.0)
Array(0.)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import llvmlite.binding as _llvm  # noqa: F401  (here, not within the first call)

from .array import Array
from .settings import (
    check_tracer_leaks,
    checking_leaks,
    config,
    debug_infs,
    debug_nans,
    default_device,
    default_matmul_precision,
    default_prng_impl,
    disable_jit,
    enable_x64,
    explain_cache_misses,
    log_compiles,
    numpy_dtype_promotion,
    threads,
)
from .transforms.batching import vmap
from .transforms.derivatives import grad, value_and_grad
from .transforms.staging import block_until_ready, clear_caches, jit

if TYPE_CHECKING:
    from . import (
        ad_checkpoint,
        checkpoint_policies,
        core,
        custom_batching,
        custom_derivatives,
        debug,
        dlpack,
        dtypes,
        errors,
        example_libraries,
        experimental,
        export,
        flatten_util,
        image,
        lax,
        nn,
        numpy,
        ops,
        profiler,
        random,
        scipy,
        sharding,
        sparse,
        stages,
        test_util,
        tree,
        tree_util,
        typing,
    )
    from .avals import typeof
    from .dtypes import float0
    from .placement import (
        Device,
        copy_to_host_async,
        default_backend,
        device_count,
        device_get,
        device_put,
        devices,
        effects_barrier,
        host_count,
        host_id,
        host_ids,
        local_device_count,
        local_devices,
        make_array_from_callback,
        print_environment_info,
        process_count,
        process_index,
        process_indices,
        transfer_guard,
        transfer_guard_device_to_device,
        transfer_guard_device_to_host,
        transfer_guard_host_to_device,
    )
    from .sharding import NamedSharding, Shard, make_mesh, shard_map
    from .sharding import PartitionSpec as P
    from .transforms.callbacks import io_callback, pure_callback
    from .transforms.checkpointing import checkpoint, remat
    from .transforms.custom_gradient import custom_gradient
    from .transforms.custom_jvp import custom_jvp
    from .transforms.custom_vjp import custom_vjp
    from .transforms.devices import pmap
    from .transforms.directional import jvp, linearize, vjp
    from .transforms.inspection import (
        ShapeDtypeStruct,
        closure_convert,
        ensure_compile_time_eval,
        eval_shape,
        explain,
        make_ir,
        make_jaxpr,
    )
    from .transforms.jacobians import hessian, jacfwd, jacobian, jacrev
    from .transforms.linear_map import linear_transpose
    from .transforms.scopes import named_call, named_scope
    from .transforms.stop import stop_gradient

__version__ = "0.1.0"

__all__ = [
    "Array",
    "Device",
    "NamedSharding",
    "P",
    "ShapeDtypeStruct",
    "Shard",
    "ad_checkpoint",
    "block_until_ready",
    "check_tracer_leaks",
    "checking_leaks",
    "checkpoint",
    "checkpoint_policies",
    "clear_caches",
    "closure_convert",
    "config",
    "copy_to_host_async",
    "core",
    "custom_batching",
    "custom_derivatives",
    "custom_gradient",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "debug_infs",
    "debug_nans",
    "default_backend",
    "default_device",
    "default_matmul_precision",
    "default_prng_impl",
    "device_count",
    "device_get",
    "device_put",
    "devices",
    "disable_jit",
    "dlpack",
    "dtypes",
    "effects_barrier",
    "enable_x64",
    "ensure_compile_time_eval",
    "errors",
    "eval_shape",
    "example_libraries",
    "experimental",
    "export",
    "explain",
    "explain_cache_misses",
    "flatten_util",
    "float0",
    "grad",
    "hessian",
    "host_count",
    "host_id",
    "host_ids",
    "image",
    "io_callback",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "lax",
    "linear_transpose",
    "linearize",
    "local_device_count",
    "local_devices",
    "log_compiles",
    "make_array_from_callback",
    "make_ir",
    "make_jaxpr",
    "make_mesh",
    "named_call",
    "named_scope",
    "nn",
    "numpy",
    "numpy_dtype_promotion",
    "ops",
    "pmap",
    "print_environment_info",
    "process_count",
    "process_index",
    "process_indices",
    "profiler",
    "pure_callback",
    "random",
    "remat",
    "scipy",
    "shard_map",
    "sharding",
    "sparse",
    "stages",
    "stop_gradient",
    "test_util",
    "threads",
    "transfer_guard",
    "transfer_guard_device_to_device",
    "transfer_guard_device_to_host",
    "transfer_guard_host_to_device",
    "tree",
    "tree_util",
    "typeof",
    "typing",
    "value_and_grad",
    "vjp",
    "vmap",
]
__dir__ = __all__.copy

_LAZY = {
    "avals": "typeof",
    "dtypes": "float0",
    "placement": (
        "Device copy_to_host_async default_backend device_count device_get device_put devices "
        "effects_barrier host_count host_id host_ids local_device_count local_devices "
        "make_array_from_callback print_environment_info process_count process_index "
        "process_indices transfer_guard transfer_guard_device_to_device "
        "transfer_guard_device_to_host transfer_guard_host_to_device"
    ),
    "sharding": "NamedSharding P Shard make_mesh shard_map",
    "transforms.callbacks": "io_callback pure_callback",
    "transforms.checkpointing": "checkpoint remat",
    "transforms.custom_gradient": "custom_gradient",
    "transforms.custom_jvp": "custom_jvp",
    "transforms.custom_vjp": "custom_vjp",
    "transforms.devices": "pmap",
    "transforms.directional": "jvp linearize vjp",
    "transforms.inspection": (
        "ShapeDtypeStruct closure_convert ensure_compile_time_eval eval_shape explain make_ir "
        "make_jaxpr"
    ),
    "transforms.jacobians": "hessian jacfwd jacobian jacrev",
    "transforms.linear_map": "linear_transpose",
    "transforms.scopes": "named_call named_scope",
    "transforms.stop": "stop_gradient",
}
"""Names that load when they are first used, by module."""

_MODULES = {name: module for module, names in _LAZY.items() for name in names.split()}
_NAMESPACES = set(__all__) - set(_MODULES) - set(globals())
"""The other names are modules."""


def __getattr__(name: str) -> Any:
    """What only some programs use loads when it is first used: importing jitad costs little."""
    module = _MODULES.get(name)
    if module is not None:
        value = getattr(importlib.import_module(f".{module}", __name__), name)
        globals()[name] = value
        return value
    if name in _NAMESPACES:
        return importlib.import_module(f".{name}", __name__)
    raise importlib.import_module(".absent", __name__).no_attribute(__name__, name)
