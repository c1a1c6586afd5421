"""Containers and static values of a native call."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest

from jitad.array import Array
from jitad.dispatch.layout import native_calls_supported
from jitad.dispatch.signature import (
    DictNode,
    ListNode,
    LiteralNode,
    NamedTupleNode,
    NoneNode,
    OtherNode,
    Signature,
    StaticNode,
    TupleNode,
)
from jitad.tree_util import register_pytree_node
from tests.dispatch.native_programs import (
    SLOW,
    Point,
    array,
    function_for,
    refcount,
    result,
    slow,
    tree_node,
    tree_value,
)

pytestmark = pytest.mark.skipif(not native_calls_supported(), reason="no native calls here")


class Doubled(namedtuple("Doubled", "x y")):
    def __new__(cls, x: object) -> Doubled:
        return super().__new__(cls, x, x)


class Box:
    """A registered node; it takes itself apart, and is rebuilt, as the test wants."""

    def __init__(self, items: tuple, label: object = None) -> None:
        self.items, self.label = items, label


SEEN: list = []


def _rebuilt(label: object, items: object) -> Box:
    items = tuple(items)
    SEEN.append([float(np.sum(item)) for item in items if isinstance(item, np.ndarray)])
    if label == "broken":
        raise ValueError("cannot be rebuilt")
    return Box(items, label)


def _taken_apart(box: Box) -> tuple:
    if box.label == "closed":
        raise ValueError("cannot be taken apart")
    return box.items, box.label


register_pytree_node(Box, _taken_apart, _rebuilt)


def test_trees():
    f = function_for(Signature((tree_node(array(2)),)), tree_node(result(2)), slow=slow)
    x = np.arange(2.0)
    out = f(tree_value(x))
    assert list(out) == ["a", "b", "c"]
    assert type(out["b"]) is Point and type(out["a"]) is list and type(out["a"][1]) is tuple
    assert repr(out) == repr(dict(sorted(tree_value((x + 1).view(Array)).items())))
    # Every way to differ.
    for change in (
        lambda t: t.update(d=1),
        lambda t: t.pop("c"),
        lambda t: t["c"].update(k=x),
        lambda t: t["a"].append(x),
        lambda t: t["a"].pop(),
        lambda t: t["b"].y.append(x),
        lambda t: t.update(b=(x, [])),
        lambda t: t.update(b=Point(x, ())),
        lambda t: t.update(a=tuple(t["a"])),
        lambda t: t["a"].__setitem__(1, (x, x)),
        lambda t: t["a"].__setitem__(1, [x, None]),
        lambda t: t["a"].__setitem__(0, None),
        lambda t: t.update(c=OrderedDict()),
    ):
        tree = tree_value(x)
        change(tree)
        assert f(tree) is SLOW
    assert f(OrderedDict(tree_value(x))) is SLOW


def test_container_subclasses_go_the_slow_way():
    class MyList(list):
        pass

    f = function_for(Signature((ListNode((array(1),)),)), result(1), slow=slow)
    assert f(MyList([np.ones(1)])) is SLOW
    assert f([np.ones(1)]) == 2


def test_namedtuples_with_their_own_constructor_are_made_by_it():
    pair = NamedTupleNode(Doubled, (array(1), array(1)))
    node = NamedTupleNode(Doubled, (result(1),))
    f = function_for(Signature((pair,)), ListNode((node, NoneNode())), slow=slow)
    x = np.ones(1)
    made, nothing = f(Doubled(x))
    assert type(made) is Doubled and made.x is made.y and made.x == 2 and nothing is None
    assert f((x, x)) is SLOW


def test_registered_nodes():
    """They are walked, and rebuilt from results that are complete."""
    inner = OtherNode(Box, 1, (ListNode((array(2),)),))
    node = OtherNode(Box, "a", (array(1), inner, NoneNode()))
    made = TupleNode((result(2), DictNode(("k",), (OtherNode(Box, "b", (result(1), NoneNode())),))))
    f = function_for(Signature((ListNode((node,)), array(1))), made, slow=slow)
    x, y = np.zeros(1), np.arange(2.0)

    def boxes(label: object = "a", inside: object = 1, last: object = None) -> list:
        return [Box((x, Box(([y],), inside), last), label)]

    counts = refcount(x), refcount(y)
    SEEN.clear()
    for _ in range(3):
        out = f(boxes(), x)
        assert out[0].tolist() == [1.0, 1.0] and type(out[1]["k"]) is Box
        assert out[1]["k"].items == (1.0, None) and out[1]["k"].label == "b"
    assert SEEN == [[1.0]] * 3
    for other in (
        boxes("c"),
        boxes(inside=2),
        boxes(last=x),
        boxes("closed"),
        boxes(inside=np.ones(2)),
        [Box((x,), "a")],
        [(x, Box(([y],), 1), None)],
    ):
        assert f(other, x) is SLOW
    del out, other
    assert (refcount(x), refcount(y)) == counts


def test_a_result_that_cannot_be_rebuilt():
    node = OtherNode(Box, "broken", (result(1),))
    f = function_for(Signature((array(1),)), TupleNode((node, result(1))))
    x = np.zeros(1)
    before = refcount(x)
    with pytest.raises(ValueError, match="cannot be rebuilt"):
        f(x)
    assert refcount(x) == before


def test_literal_results():
    marker = object()
    tree = TupleNode((LiteralNode(marker), NoneNode(), result(1), LiteralNode("text")))
    f = function_for(Signature((array(1),)), tree)
    before = refcount(marker)
    out = f(np.zeros(1))
    assert out[0] is marker and out[1] is None and out[3] == "text" and out[2] == 1
    assert refcount(marker) == before + 1
    del out
    assert refcount(marker) == before


def test_non_string_keys_and_empty_trees():
    node = DictNode((1, (2, "x")), (array(1), array(1)))
    f = function_for(Signature((node,)), DictNode((3,), (result(1),)), slow=slow)
    assert f({(2, "x"): np.zeros(1), 1: np.ones(1)}) == {3: 2.0}
    nothing = function_for(Signature((TupleNode(()), ListNode(()))), TupleNode(()), slow=slow)
    assert nothing((), []) == ()
    assert nothing((), [1]) is SLOW


def test_dict_keys_whose_comparison_raises():
    class Key:
        def __hash__(self) -> int:
            return hash("a")

        def __eq__(self, other: object) -> bool:
            raise ValueError("compared")

    f = function_for(Signature((DictNode(("a",), (array(1),)),)), result(1), slow=slow)
    assert f({Key(): np.ones(1)}) is SLOW


def test_containers_emptied_during_the_walk():
    """A comparison that runs Python code drops the arrays the walk has already seen."""
    target: dict = {}

    class Key:
        def __hash__(self) -> int:
            return hash("b")

        def __eq__(self, other: object) -> bool:
            target["t"]["list"].clear()
            target["t"].clear()
            return False

    node = DictNode(
        ("list", "more"), (ListNode((array(3), array(3))), DictNode(("b",), (array(3),)))
    )
    f = function_for(Signature((node,)), result(3), slow=slow)
    for _ in range(100):
        tree = {"list": [np.ones(3), np.ones(3)], "more": {Key(): np.ones(3)}}
        target["t"] = tree
        assert f(tree) is SLOW


def test_static_values():
    marker = object()

    def accepts(static: object, value: object) -> bool:
        signature = Signature((StaticNode(static), array(1)))
        return function_for(signature, result(1), slow=slow)(value, np.zeros(1)) is not SLOW

    long_text = "".join(["long ", "text"])
    assert accepts("long text", long_text)
    assert not accepts("long text", "long test")
    assert accepts(10**20, 10**10 * 10**10)
    assert not accepts(1, True) and not accepts(True, 1) and not accepts(1, 1.0)
    assert accepts(0.5, 1 / 2) and not accepts(0.0, -0.0)
    assert accepts(marker, marker) and not accepts(marker, object())
    assert accepts(None, None) and not accepts(None, 0)


def test_static_nodes_compare_by_type_and_bits():
    assert StaticNode(1) != StaticNode(True) != StaticNode(1.0)
    assert StaticNode(0.0) != StaticNode(-0.0)
    assert StaticNode(float("nan")) == StaticNode(float("nan"))
    assert StaticNode((1, 2)) == StaticNode((1, 2))
    with pytest.raises(TypeError, match="unhashable"):
        StaticNode([1])
