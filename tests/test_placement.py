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
    zeros = jnp.zeros_like(jitad.ShapeDtypeStruct((2, 3), np.float32))
    assert zeros.shape == (2, 3) and zeros.dtype == np.float32 and not zeros.any()
    assert jitad.jit(lambda x: jnp.zeros(like(x).shape))(np.ones((2, 3))).shape == (2, 3)


def test_precision_is_taken_and_makes_no_difference() -> None:
    x = np.linspace(0.0, 1.0, 6).reshape(2, 3)
    for precision in (None, "highest", *jitad.lax.Precision):
        np.testing.assert_array_equal(jnp.dot(x, x.T, precision=precision), x @ x.T)
        np.testing.assert_array_equal(jitad.lax.dot(x, x.T, precision=precision), x @ x.T)
