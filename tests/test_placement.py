"""Programs that place arrays, or ask what hardware there is, meet one CPU."""

from __future__ import annotations

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp


def test_one_device() -> None:
    (device,) = jitad.devices()
    assert jitad.devices("cpu") == jitad.local_devices() == [device]
    assert (device.platform, str(device), repr(device)) == ("cpu", "cpu:0", "CpuDevice(id=0)")
    assert isinstance(device, jitad.Device)
    counts = jitad.device_count(), jitad.local_device_count(), jitad.process_count()
    assert counts == (1, 1, 1) and jitad.process_index() == 0
    assert jitad.default_backend() == "cpu"
    assert jitad.effects_barrier() is None
    with pytest.raises(RuntimeError, match="expected the backend 'cpu'; got 'gpu'"):
        jitad.devices("gpu")


def test_what_is_put_is_no_longer_the_callers() -> None:
    mine = np.zeros(3)
    theirs = jitad.device_put({"x": mine, "n": 2}, jitad.devices()[0])
    mine[:] = 1.0
    assert type(theirs["x"]) is jitad.Array and theirs["x"].sum() == 0.0
    assert theirs["n"] == 2 and jitad.device_put(theirs)["x"] is theirs["x"]
    assert jitad.grad(lambda x: jitad.device_put(x) ** 2)(3.0) == 6.0


def test_what_is_got_is_numpys() -> None:
    got = jitad.device_get([jnp.ones(2), 3])
    assert type(got[0]) is np.ndarray and got[1] == 3


def test_names_of_types() -> None:
    assert isinstance(1.0, jitad.typing.ArrayLike) and isinstance(
        np.ones(2), jitad.typing.ArrayLike
    )
    seen = []
    jitad.jit(lambda x: seen.append(isinstance(x, jitad.core.Tracer)) or x)(1.0)
    assert seen == [True] and not isinstance(jnp.ones(2), jitad.core.Tracer)
    assert jitad.dtypes.canonicalize_dtype(int) == np.int64
    _, tangent = jitad.jvp(lambda n, x: n, (1, 2.0), (np.zeros((), jitad.dtypes.float0), 1.0))
    assert tangent.dtype == jitad.dtypes.float0
    assert issubclass(jitad.errors.TracerBoolConversionError, jitad.errors.ConcretizationTypeError)
    assert jitad.ad_checkpoint.checkpoint is jitad.checkpoint


def test_shapes_like_others() -> None:
    like = jitad.ShapeDtypeStruct.like
    assert like(np.ones(2, np.float32)) == jitad.ShapeDtypeStruct((2,), np.float32, weak_type=True)
    assert like(1) == jitad.ShapeDtypeStruct((), int)
    assert like(1).sharding is None and not like(1).weak_type
    zeros = jnp.zeros_like(jitad.ShapeDtypeStruct((2, 3), np.float32))
    assert zeros.shape == (2, 3) and zeros.dtype == np.float32 and not zeros.any()
    assert jitad.jit(lambda x: jnp.zeros(like(x).shape))(np.ones((2, 3))).shape == (2, 3)


def test_precision_is_taken_and_makes_no_difference() -> None:
    x = np.linspace(0.0, 1.0, 6).reshape(2, 3)
    for precision in (None, "highest", *jitad.lax.Precision):
        np.testing.assert_array_equal(jnp.dot(x, x.T, precision=precision), x @ x.T)
        np.testing.assert_array_equal(jitad.lax.dot(x, x.T, precision=precision), x @ x.T)


def test_meshes_have_one_device() -> None:
    mesh = jitad.make_mesh((1, 1), ("data", "model"))
    place = jitad.NamedSharding(mesh, jitad.P("data", None, ("model",)))
    assert mesh.shape == {"data": 1, "model": 1} and mesh.size == 1
    assert place == jitad.NamedSharding(mesh, jitad.P("data", None, ("model",)))
    x = jitad.device_put(np.arange(3.0), place)
    with mesh:
        doubled = jitad.jit(lambda x: 2 * jitad.lax.with_sharding_constraint(x, place))(x)
    assert doubled.tolist() == [0.0, 2.0, 4.0]
    f = jitad.jit(lambda x: 3 * x, in_shardings=place, out_shardings=place)
    assert f(x).tolist() == [0.0, 3.0, 6.0]
    with pytest.raises(ValueError, match="make_mesh: expected lengths of 1"):
        jitad.make_mesh((2,), ("data",))
    with pytest.raises(ValueError, match="Mesh: expected the one device"):
        jitad.sharding.Mesh([*jitad.devices(), *jitad.devices()], "data")
    with pytest.raises(ValueError, match=r"names of the mesh's axes.* got \['rows'\]"):
        jitad.NamedSharding(mesh, jitad.P("rows"))
    with pytest.raises(TypeError, match="with_sharding_constraint: expected shardings"):
        jitad.lax.with_sharding_constraint(x, "data")


def test_shard_map_is_the_function_of_the_whole() -> None:
    mesh = jitad.make_mesh((1, 1), ("i", "j"))

    @jitad.shard_map(mesh=mesh, in_specs=jitad.P("i", "j"), out_specs=(jitad.P(), jitad.P()))
    def f(x: np.ndarray) -> tuple[jitad.Array, jitad.Array]:
        return jitad.lax.psum(x.sum(), ("i", "j")), x + jitad.lax.axis_index("j")

    for run in (f, jitad.jit(f)):
        total, same = run(np.ones((2, 3)))
        assert total == 6.0 and same.shape == (2, 3) and same.sum() == 6.0


def test_pmap_over_the_one_device() -> None:
    def f(x: np.ndarray, scale: float, power: int, *, shift: np.ndarray) -> jitad.Array:
        return jitad.lax.psum(scale * x**power + shift, "i")

    run = jitad.pmap(f, "i", in_axes=(0, None, None), static_broadcasted_argnums=2)
    x = np.arange(3.0)[None]
    assert run(x, 2.0, 2, shift=np.ones(1)).tolist() == [[1.0, 3.0, 9.0]]
    assert jitad.pmap(lambda x: x + 1)(x).tolist() == [[1.0, 2.0, 3.0]]
    with pytest.raises(
        ValueError, match=r"expected an axis of length 1, .* got 3. Write jit\(vmap"
    ):
        jitad.pmap(lambda x: x)(np.arange(3.0))


def test_settings_of_placement() -> None:
    config = jitad.config
    assert config.read("jax_enable_x64") and config.x64_enabled
    assert config.read("jax_disable_jit") is config.values["jax_disable_jit"] is False
    with jitad.default_device(jitad.devices()[0]), jitad.default_matmul_precision("float32"):
        assert jnp.ones(2).dtype == np.float64
    key, other = jitad.random.key(0), np.ones(2)
    assert jnp.issubdtype(key.dtype, jitad.dtypes.prng_key)
    assert not jnp.issubdtype(other.dtype, jitad.dtypes.prng_key)
    assert jnp.issubdtype(other.dtype, jnp.floating)


def test_code_for_platforms() -> None:
    pick = jitad.lax.platform_dependent
    assert pick(1.0, cpu=lambda x: x, tpu=lambda x: -x) == 1.0
    assert pick(1.0, default=lambda x: 2 * x, cuda=lambda x: -x) == 2.0
    with pytest.raises(NotImplementedError, match="expected cpu= or default=; got .* cuda, tpu"):
        pick(1.0, tpu=lambda x: x, cuda=lambda x: x)


def test_one_process_and_one_memory() -> None:
    assert jitad.process_indices() == jitad.host_ids() == [0]
    assert (jitad.host_id(), jitad.host_count()) == (0, 1)
    for guard in (jitad.transfer_guard, jitad.transfer_guard_host_to_device):
        with guard("disallow"):
            assert jitad.jit(lambda x: x + 1)(np.ones(2)).sum() == 4
    with pytest.raises(ValueError, match="got 'never'"):
        jitad.transfer_guard("never")
    x = jnp.ones(2)
    assert jitad.copy_to_host_async(x) is x
    mesh = jitad.make_mesh((1,), ("i",))
    sharding = jitad.NamedSharding(mesh, jitad.P("i"))
    whole = np.arange(6.0).reshape(2, 3)
    array = jitad.make_array_from_callback((2, 3), sharding, lambda index: whole[index])
    assert type(array) is jitad.Array and np.array_equal(array, whole)
    with pytest.raises(ValueError, match=r"expected an array of shape \(3,\); got \(2, 3\)"):
        jitad.make_array_from_callback((3,), sharding, lambda index: whole)
    assert "numpy" in jitad.print_environment_info(return_string=True)
    with pytest.raises(AttributeError, match="tracemalloc"):
        jitad.live_arrays()


def test_types_of_stages() -> None:
    jitted = jitad.jit(lambda x: x)
    assert isinstance(jitted, jitad.stages.Wrapped)
    assert not isinstance(lambda x: x, jitad.stages.Wrapped)
    traced = jitted.trace(1.0)
    assert isinstance(traced, jitad.stages.Traced)
    assert isinstance(traced.lower(), jitad.stages.Lowered)
    assert isinstance(traced.lower().compile(), jitad.stages.Compiled)


def test_errors_by_their_names() -> None:
    errors = jitad.errors
    for kind in (errors.NonConcreteBooleanIndexError, errors.JAXIndexError):
        with pytest.raises(kind, match="traced mask"):
            jitad.jit(lambda x: x[x > 0])(np.ones(3))
    assert issubclass(errors.KeyReuseError, RuntimeError)
    with jitad.numpy_dtype_promotion("strict"), pytest.raises(jitad.dtypes.TypePromotionError):
        jnp.add(np.ones(2), np.ones(2, np.float32))


def test_zero_tangents() -> None:
    zero = jitad.custom_derivatives.zero_from_primal
    assert zero(np.ones((2, 3), np.float32)).dtype == np.float32
    assert zero(np.arange(3)).dtype == jitad.dtypes.float0 and zero(np.arange(3)).shape == (3,)
    assert zero(1.0, symbolic_zeros=True).instantiate() == 0.0


def test_answers_of_policies() -> None:
    from jitad.ad_checkpoint import Offloadable, Recompute, Saveable

    for answer in (Saveable, Recompute, Offloadable("device", "pinned_host")):
        f = jitad.checkpoint(jnp.sin, policy=lambda prim, *_, answer=answer, **__: answer)
        assert jitad.grad(f)(0.0) == 1.0


def test_former_names() -> None:
    from jitad.experimental import mesh_utils
    from jitad.experimental.pjit import pjit
    from jitad.experimental.shard_map import shard_map

    assert pjit is jitad.jit and shard_map is jitad.shard_map
    mesh = jitad.sharding.Mesh(mesh_utils.create_device_mesh((1, 1)), ("a", "b"))
    assert mesh.shape == {"a": 1, "b": 1}
    with pytest.raises(ValueError, match="create_device_mesh: expected lengths of 1"):
        mesh_utils.create_device_mesh((2, 1))
    with pytest.raises(AttributeError, match="insides"):
        jitad.api_util  # noqa: B018  # pyright: ignore[reportUnusedExpression]


def test_shapes_by_rank() -> None:
    lax = jitad.lax
    assert lax.broadcast_to_rank(np.ones(3), 3).shape == (1, 1, 3)
    assert jitad.jit(lambda x: lax.broadcast_to_rank(x, 1))(2.0).shape == (1,)
    with pytest.raises(ValueError, match="at most 1 axes; got 2"):
        lax.broadcast_to_rank(np.ones((1, 2)), 1)
    assert lax.empty((2, 3), np.int32).dtype == np.int32 and lax.empty((2,)).sum() == 0


def test_what_is_left_out_says_what_to_write() -> None:
    for name in ("new_ref", "Ref", "freeze"):
        with pytest.raises(AttributeError, match=r"values do not change; write x\.at"):
            getattr(jitad, name)
