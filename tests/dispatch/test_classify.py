"""Signatures of calls, and calls through an entry without a record."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jitad import pytree
from jitad.array import Array
from jitad.dispatch.classify import UnsupportedLeaf, call_entry, classify
from jitad.dispatch.function_type import compiled_function_type, install
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.signature import (
    DictNode,
    Leaf,
    LeafKind,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    NoneNode,
    OtherNode,
    ResultLeaf,
    Signature,
    StaticNode,
    TupleNode,
)
from tests.dispatch.native_programs import add_one, compile_entry

FLOAT = np.dtype(np.float64)
Point = namedtuple("Point", "x y")


def array(*shape: int, dtype: object = FLOAT) -> Leaf:
    return Leaf(LeafKind.ARRAY, np.dtype(dtype), shape)


def python(type_: type) -> Leaf:
    return Leaf(LeafKind.PYTHON, np.dtype(type_))


def test_trees():
    x, y = np.zeros(2), np.zeros((0, 3), np.float32)
    signature, leaves = classify((x, [y, None], Point((), 1)), {"k": {"b": 2.0, "a": 1j}})
    assert signature == Signature(
        (
            array(2),
            ListNode((array(0, 3, dtype=np.float32), NoneNode())),
            NamedTupleNode(Point, (TupleNode(()), python(int))),
        ),
        (("k", DictNode(("a", "b"), (python(complex), python(float)))),),
    )
    assert leaves == [x, y, 1, 1j, 2.0] or [id(v) for v in leaves[:2]] == [id(x), id(y)]
    assert leaves[2:] == [1, 1j, 2.0]
    assert [leaf.dtype.char for leaf in signature.leaves] == ["d", "f", "l", "D", "d"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (((1,),), (([1],))),
        ((1,), (1.0,)),
        ((1,), (True,)),
        ((1.0,), (np.float64(1),)),
        ((np.float64(1),), (np.array(1.0),)),
        ((np.zeros(2),), (np.zeros(3),)),
        ((np.zeros(2),), (np.zeros((2, 1)),)),
        ((np.zeros(2),), (np.zeros(2, np.float32),)),
        (({"a": 1},), ({"b": 1},)),
        (({"a": 1},), (OrderedDict(a=1),)),
        (((1, 2),), (Point(1, 2),)),
        ((None,), ((),)),
    ],
)
def test_signatures_that_differ(left: tuple, right: tuple):
    assert classify(left, {})[0] != classify(right, {})[0]


def test_signatures_that_are_equal():
    one, _ = classify(({"a": np.zeros(2), "b": 1},), {})
    other, _ = classify(({"b": 2, "a": np.ones((4, 2))[1].view(Array)},), {})
    assert one == other and hash(one) == hash(other)
    assert classify((), {"a": 1, "b": 2})[0] != classify((), {"b": 2, "a": 1})[0]


def test_array_likes_are_arrays():
    class Likeness:
        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return np.arange(3.0)

    class Subclass(np.ndarray):
        pass

    class Number(float):
        pass

    for value in (
        np.arange(3.0).astype(">f8"),
        np.arange(3.0).view(Subclass),
        np.arange(3.0).astype(np.dtype(FLOAT, metadata={"unit": "m"})),
        Likeness(),
    ):
        signature, leaves = classify((value,), {})
        assert signature == Signature((array(3),))
        assert signature.leaves[0].dtype.isnative
    assert classify((Number(1.5),), {})[0] == Signature((array(),))
    assert classify((np.zeros(2, np.longlong),), {})[0] == classify((np.zeros(2, np.int64),), {})[0]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("text", r"got 'text' of type str$"),
        ([{"k": "text"}], r"of type str at \[0\]\['k'\]"),
        (Point(1, object()), r"of type object at \.y"),
        (np.array(["a"]), "of type ndarray"),
        (np.zeros(2, "datetime64[s]"), "of type ndarray"),
        (np.array([None]), "of type ndarray"),
    ],
)
def test_unsupported_leaves(value: object, where: str):
    with pytest.raises(UnsupportedLeaf, match=where):
        classify((value,), {})


def test_ints_beyond_64_bits():
    with pytest.raises(OverflowError, match="at most 64 bits"):
        classify((2**63,), {})


def test_static_arguments():
    signature, leaves = classify(("mode", 1.0), {"axis": 0, "x": 2.0}, (0,), ("axis",))
    assert signature == Signature(
        (StaticNode("mode"), python(float)), (("axis", StaticNode(0)), ("x", python(float)))
    )
    assert leaves == [1.0, 2.0]
    with pytest.raises(TypeError, match="unhashable"):
        classify(([],), {}, (0,))


def test_call_entry_converts_its_leaves():
    signature = Signature((array(2, 3), python(float), OtherNode(OrderedDict, ("k",), (array(),))))
    results = TupleNode(
        (
            DictNode(("a",), (ResultLeaf(FLOAT, (2, 3)),)),
            ListNode((ResultLeaf(FLOAT), LiteralNode("text"), NoneNode())),
            OtherNode(OrderedDict, ("k",), (ResultLeaf(FLOAT),)),
        )
    )
    entry = compile_entry(add_one([6, 1, 1], [6, 1, 1]), signature, results, workspace_bytes=100)
    x = np.arange(6.0).reshape(3, 2).T
    unaligned = np.frombuffer(bytearray(49), np.uint8, 48, 1).view(FLOAT).reshape(2, 3)
    unaligned[:] = x
    for value in (x, x.astype(">f8"), np.asfortranarray(x), x.astype(np.float32), unaligned):
        out = call_entry(entry, [value, 1.5, np.float64(2)])
        np.testing.assert_array_equal(out[0]["a"], x + 1)
        assert type(out[0]["a"]) is Array and out[0]["a"].flags.writeable
        assert out[1] == [2.5, "text", None] and out[1][0].shape == ()
        assert out[2] == OrderedDict(k=3.0)
    with pytest.raises(ValueError, match=r"shape \(2, 3\); got \(3, 2\)"):
        call_entry(entry, [x.T, 1.5, 2.0])
    function = compiled_function_type()(lambda args, kwargs: "slow")
    install(function, entry)
    assert function(x, 1.5, OrderedDict(j=np.array(1.0))) == "slow"
    if entry.is_native:
        assert function(x, 1.5, OrderedDict(k=np.array(1.0)))[2] == OrderedDict(k=2.0)


@pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")
def test_what_classify_describes_native_code_accepts():
    """The two readers of arguments agree: an entry made for a call takes that call."""
    x = np.arange(4.0)
    calls = [
        ((x, 1.5), {}),
        (({"b": [x, (x, None)], "a": Point(x, 2.0)},), {}),
        ((np.float64(2),), {"k": [np.array(1.0)]}),
        (([[[[x]]]],), {}),
        ((x.reshape(2, 2).T,), {}),
    ]
    for args, kwargs in calls:
        signature, leaves = classify(args, kwargs)
        sizes = [int(np.prod(leaf.shape)) for leaf in signature.leaves]
        results = TupleNode(tuple(ResultLeaf(FLOAT, leaf.shape) for leaf in signature.leaves))
        entry = compile_entry(add_one(sizes, sizes), signature, results)
        function = compiled_function_type()(lambda args, kwargs: "slow")
        install(function, entry)
        natively, generally = function(*args, **kwargs), call_entry(entry, leaves)
        assert natively != "slow"
        for leaf, native, general in zip(leaves, natively, generally, strict=True):
            np.testing.assert_array_equal(native, np.asarray(leaf) + 1)
            np.testing.assert_array_equal(native, general)


def test_trees_too_large_for_the_stack_go_the_slow_way():
    tree = [np.ones(1), [[] for _ in range(20_000)]]
    signature, leaves = classify((tree,), {})
    entry = compile_entry(add_one([1], [1]), signature, ResultLeaf(FLOAT, (1,)))
    assert not entry.is_native
    assert call_entry(entry, leaves) == 2.0


def test_leaves_that_no_scalar_matches():
    for leaf in (
        Leaf(LeafKind.PYTHON, np.dtype(np.float32)),
        Leaf(LeafKind.NUMPY, FLOAT, (2,)),
    ):
        with pytest.raises(ValueError, match="expected a scalar"):
            compile_entry(add_one([1], [1]), Signature((leaf,)), ResultLeaf(FLOAT, (1,)))


def trees() -> st.SearchStrategy:
    """Pytrees of arrays and numbers."""
    leaves = st.one_of(
        st.builds(np.ones, st.lists(st.integers(0, 3), max_size=3).map(tuple)),
        st.builds(lambda n: np.arange(3.0 * n)[::3], st.integers(0, 3)),
        st.floats(allow_nan=False),
        st.floats(allow_nan=False).map(np.float64),
        st.none(),
    )
    return st.recursive(
        leaves,
        lambda children: st.one_of(
            st.lists(children, max_size=3),
            st.lists(children, max_size=3).map(tuple),
            st.builds(Point, children, children),
            st.dictionaries(st.text(max_size=3), children, max_size=3),
        ),
        max_leaves=12,
    )


def as_result(node: object) -> object:
    """The result tree of the same structure."""
    if isinstance(node, Leaf):
        return ResultLeaf(FLOAT, node.shape)
    parts = tuple(as_result(child) for child in getattr(node, "items", ()))
    return dataclasses.replace(node, items=parts) if parts else node


@pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")
@settings(max_examples=60)
@given(trees())
def test_any_tree_in_and_out(tree: object):
    signature, leaves = classify((tree,), {})
    sizes = [int(np.prod(leaf.shape)) for leaf in signature.leaves]
    entry = compile_entry(add_one(sizes, sizes), signature, as_result(signature.positional[0]))
    function = compiled_function_type()(lambda args, kwargs: "slow")
    install(function, entry)
    out = function(tree)
    expected = pytree.flatten(tree)[1].unflatten([np.add(leaf, 1.0) for leaf in leaves])
    assert pytree.flatten(out)[1] == pytree.flatten(expected)[1]
    for got, wanted in zip(pytree.flatten(out)[0], pytree.flatten(expected)[0], strict=True):
        assert type(got) is Array
        np.testing.assert_array_equal(got, wanted)
