"""Every container goes through every transformation; jit specialises and binds as functions do."""

from __future__ import annotations

import dataclasses
import functools
from collections import OrderedDict, namedtuple
from typing import Any

import numpy as np
import pytest

import jitad
import jitad.numpy as jnp

Pair = namedtuple("Pair", "left right")


@dataclasses.dataclass
class Params:
    w: Any
    b: Any
    name: str = "layer"


jitad.tree_util.register_dataclass(Params, data_fields=["w", "b"], meta_fields=["name"])

W, B = np.arange(6.0).reshape(2, 3), np.array([0.5, -0.5])
TREES = {
    "tuple": (W, (B, None)),
    "list": [W, [B]],
    "dict": {"w": W, "b": {"inner": B}},
    "namedtuple": Pair(W, B),
    "ordered": OrderedDict([("z", W), ("a", B)]),
    "dataclass": Params(W, B),
    "none": (W, B, None),
}


class Scaled:
    """Keeps a dict beside its children, which has no hash."""

    def __init__(self, x: Any, how: dict[str, bool]) -> None:
        self.x, self.how = x, how

    @jitad.jit
    def apply(self, y: Any) -> Any:
        return self.x * y if self.how["scale"] else y


jitad.tree_util.register_pytree_node(
    Scaled, lambda s: ((s.x,), {"how": s.how}), lambda aux, children: Scaled(*children, **aux)
)


def total(tree: Any) -> Any:
    return sum(jnp.sum(leaf * leaf) for leaf in jitad.tree_util.tree_leaves(tree))


@pytest.mark.parametrize("name", TREES)
@pytest.mark.parametrize("wrap", [lambda f: f, jitad.jit], ids=["eager", "jit"])
def test_containers(name: str, wrap: Any) -> None:
    tree = TREES[name]
    leaves, structure = jitad.tree_util.tree_flatten(tree)
    for _ in range(2):  # the second call of a jitted function is a native one
        value, gradient = wrap(jitad.value_and_grad(total))(tree)
        np.testing.assert_allclose(value, sum((leaf**2).sum() for leaf in leaves))
        assert jitad.tree_util.tree_structure(gradient) == structure
        for got, leaf in zip(jitad.tree_util.tree_leaves(gradient), leaves, strict=True):
            np.testing.assert_allclose(got, 2 * leaf)
        out, tangent = wrap(lambda t: jitad.jvp(total, (t,), (t,)))(tree)
        np.testing.assert_allclose(tangent, 2 * value)
        doubled = wrap(lambda t: jitad.tree.map(lambda v: v * 2, t))(tree)
        assert jitad.tree_util.tree_structure(doubled) == structure
        mapped = wrap(jitad.vmap(lambda t: jitad.tree.map(lambda v: v + 1.0, t)))(tree)
        assert jitad.tree_util.tree_structure(mapped) == structure


def test_results_are_arrays() -> None:
    out = jitad.jit(lambda x: {"a": x, "b": (x > 0, None, 3)})(1.5)
    assert isinstance(out["a"], jitad.Array)
    assert out["b"][0].dtype == bool
    assert out["b"][1] is None
    assert out["b"][2] == 3


def test_dtypes_are_numpys() -> None:
    f = jitad.jit(lambda x, y: x * 2 + y)
    for x in (np.float32(1), np.ones(2, np.float32), np.ones(2, np.int8), 1, 2.0, True, 1j):
        for y in (1, 2.0, np.ones(2, np.float32), np.int16(3)):
            expected = np.asarray(x * 2 + y) if not isinstance(x, (int, float)) else None
            got = f(x, y)
            if expected is not None and got.dtype != expected.dtype:
                raise AssertionError(f"{x!r}, {y!r}: {got.dtype}, NumPy gives {expected.dtype}")


def test_arrays_on_either_side_of_an_operator() -> None:
    a = np.arange(3.0)
    for f in (
        lambda x: a + x,
        lambda x: x + a,
        lambda x: a @ x,
        lambda x: a > x,
        lambda x: a**x,
        lambda x: np.add(a, x),
        lambda x: np.sum(a * x),
        lambda x: np.where(x > 1, a, x),
    ):
        np.testing.assert_allclose(jitad.jit(f)(a), f(a))


def test_static_arguments() -> None:
    traces = []

    @functools.partial(jitad.jit, static_argnames=("n", "mode"))
    def f(x: Any, n: int, mode: str = "up") -> Any:
        traces.append((n, mode))
        for _ in range(n):
            x = x * 2 if mode == "up" else x / 2
        return x

    assert f(1.0, 3) == 8.0
    assert f(1.0, n=3) == 8.0
    assert f(1.0, 2, "down") == 0.25
    assert f(1.0, 2, mode="down") == 0.25
    assert f(3.0, 3) == 24.0
    assert (3, "up") in traces
    g = jitad.jit(lambda x, n: x if n else -x, static_argnums=1)
    assert g(2.0, True) == 2.0
    assert g(2.0, 0) == -2.0
    assert g(2.0, 1) == 2.0


def test_a_jitted_method_binds() -> None:
    class Model:
        def __init__(self, k: float) -> None:
            self.k = k

        def __hash__(self) -> int:
            return id(self)

        @functools.partial(jitad.jit, static_argnums=0)
        def scale(self, x: Any) -> Any:
            """Scales."""
            return x * self.k

    assert Model(2.0).scale(3.0) == 6.0
    assert Model(5.0).scale(3.0) == 15.0
    assert Model.scale.__doc__ == "Scales."
    assert Model.scale.__name__ == "scale"


def test_nested_jit_inlines() -> None:
    inner = jitad.jit(lambda x: x * x)
    outer = jitad.jit(lambda x: inner(x) + inner(2 * x))
    assert outer(3.0) == 45.0
    assert jitad.grad(outer)(3.0) == 30.0
    assert jitad.vmap(inner)(np.arange(3.0)).tolist() == [0.0, 1.0, 4.0]
    assert not any(eq.regions for eq in jitad.make_ir(outer)(1.0).equations)


def test_constants_are_those_of_the_first_call() -> None:
    a = np.arange(100.0)
    f = jitad.jit(lambda x: x + a)
    first = f(1.0)
    a[:] = 0
    np.testing.assert_array_equal(f(1.0), first)


def test_arguments_of_any_layout() -> None:
    f = jitad.jit(lambda x: x * 2.0)
    x = np.arange(24.0).reshape(4, 6)
    big_endian = x.astype(">f8")
    for view in (x[::2], x.T, x[:, ::-1], x[1:3, 2:5], np.asfortranarray(x), big_endian):
        np.testing.assert_array_equal(f(view), view * 2.0)
    unaligned = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float64).reshape(4, 6)
    np.testing.assert_array_equal(f(unaligned), x * 2.0)


def test_disable_jit() -> None:
    seen = []

    @jitad.jit
    def f(x: Any) -> Any:
        seen.append(type(x))
        return x * 2 if x > 0 else x

    with jitad.disable_jit():
        assert f(3.0) == 6.0
    assert seen == [float]


def test_auxiliary_data_without_a_hash_specialises_by_equality() -> None:
    on, off = Scaled(2.0, {"scale": True}), Scaled(2.0, {"scale": False})
    assert [s.apply(3.0) for s in (on, off, on)] == [6.0, 3.0, 6.0]
    structures = [
        jitad.tree_util.tree_structure(s) for s in (on, off, Scaled(1.0, {"scale": True}))
    ]
    assert structures[0] == structures[2] != structures[1]
    assert hash(structures[0]) == hash(structures[2])
    doubled = jitad.vmap(lambda s: Scaled(s.x * 2.0, s.how))(Scaled(B, {"scale": True}))
    np.testing.assert_array_equal(doubled.x, B * 2.0)


def test_a_namedtuple_may_have_a_rule_of_its_own() -> None:
    state = namedtuple("state", "packed name")
    jitad.tree_util.register_pytree_node(
        state, lambda s: ((s.packed,), s.name), lambda name, children: state(children[0], name)
    )
    s = state(W, "weights")
    assert jitad.tree_util.tree_structure(s).num_leaves == 1
    doubled = jitad.jit(lambda s: state(s.packed * 2.0, s.name))(s)
    assert doubled.name == "weights"
    np.testing.assert_array_equal(doubled.packed, W * 2.0)
    with pytest.raises(ValueError, match="already registered"):
        jitad.tree_util.register_pytree_node(state, lambda s: ((), None), lambda _, c: s)


def test_vmap_leaves_numbers_as_they_are() -> None:
    """Without an axis a number, a string or a function is no traced value."""

    def f(x: Any, power: int, kind: str, g: Any, scale: Any) -> Any:
        assert isinstance(power, int) and isinstance(scale, np.ndarray)
        total = sum([x for _ in range(power)])
        return g(total) * scale if kind == "scaled" and scale > 1.0 else total

    run = jitad.vmap(f, in_axes=(0, None, None, None, None))
    x, scale = np.arange(3.0), np.array(2.0)
    assert run(x, 2, "scaled", jnp.square, scale).tolist() == [0.0, 8.0, 32.0]
    assert run(x, 2, "plain", jnp.square, scale).tolist() == [0.0, 2.0, 4.0]
    assert jitad.jit(lambda x: run(x, 2, "plain", None, scale))(x).tolist() == [0.0, 2.0, 4.0]
    with pytest.raises(TypeError, match="argument of f"):
        jitad.vmap(f)(x, x, "scaled", x, x)
