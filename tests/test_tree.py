"""Pytrees: every container, registration, key paths, prefixes, and what the errors say."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections import OrderedDict, defaultdict, namedtuple
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import jitad
from jitad import tree, tree_util
from jitad.tree_util import (
    DictKey,
    FlattenedIndexKey,
    GetAttrKey,
    Partial,
    SequenceKey,
    default_registry,
    keystr,
    tree_flatten,
    tree_map,
    tree_structure,
    tree_unflatten,
)

Point = namedtuple("Point", "x y")


@tree_util.register_pytree_node_class
class Pair:
    def __init__(self, left: Any, right: Any, label: str = "") -> None:
        self.left, self.right, self.label = left, right, label

    def tree_flatten(self) -> tuple[Any, str]:
        return (self.left, self.right), self.label

    @classmethod
    def tree_unflatten(cls, aux_data: str, children: Any) -> Pair:
        return cls(*children, aux_data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pair) and vars(self) == vars(other)


@tree_util.register_dataclass
@dataclasses.dataclass
class State:
    position: Any
    velocity: Any
    kind: str = tree.static(default="free")


@tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Config:
    order: int


TREES = [
    (1, "*", [1]),
    (None, "None", []),
    ((), "()", []),
    ((1,), "(*,)", [1]),
    ([1, (2, None)], "[*, (*, None)]", [1, 2]),
    ({"b": 1, "a": [2]}, "{'a': [*], 'b': *}", [2, 1]),
    (OrderedDict(z=1, a=2), "CustomNode(OrderedDict[('z', 'a')], [*, *])", [1, 2]),
    (
        defaultdict(int, b=1, a=2),
        "CustomNode(defaultdict[(<class 'int'>, ('a', 'b'))], [*, *])",
        [2, 1],
    ),
    (Point(1, {"q": 2}), "CustomNode(namedtuple[Point], [*, {'q': *}])", [1, 2]),
    (Pair(1, [2], "p"), "CustomNode(Pair[p], [*, [*]])", [1, 2]),
    (State(1, (2, 3)), "CustomNode(State[('free',)], [*, (*, *)])", [1, 2, 3]),
    (Config(3), "CustomNode(Config[Config(order=3)], [])", []),
    ([1] * 20, "[" + ", ".join("*" * 20) + "]", [1] * 20),
]


@pytest.mark.parametrize(("value", "text", "leaves"), TREES, ids=[row[1][:30] for row in TREES])
class TestEveryContainer:
    def test_flatten_and_unflatten(self, value: Any, text: str, leaves: list[Any]) -> None:
        got, treedef = tree_flatten(value)
        assert got == leaves
        assert repr(treedef) == f"PyTreeDef({text})"
        assert treedef.num_leaves == len(leaves)
        rebuilt = tree_unflatten(treedef, got)
        assert rebuilt == value
        assert type(rebuilt) is type(value)

    def test_structures_compare_and_hash_by_value(
        self, value: Any, text: str, leaves: list[Any]
    ) -> None:
        treedef = tree_structure(value)
        other = tree_structure(copy.deepcopy(value))
        assert treedef == other
        assert hash(treedef) == hash(other)
        assert treedef != tree_structure([value])
        assert pickle.loads(pickle.dumps(treedef)) == treedef

    def test_paths_and_is_leaf_agree_with_flatten(
        self, value: Any, text: str, leaves: list[Any]
    ) -> None:
        pairs, treedef = tree_util.tree_flatten_with_path(value)
        assert treedef == tree_structure(value)
        assert [leaf for _, leaf in pairs] == leaves
        assert tree_flatten(value, lambda _: False) == tree_flatten(value)
        assert tree_flatten(value, lambda _: True)[0] == [value]

    def test_is_its_own_prefix(self, value: Any, text: str, leaves: list[Any]) -> None:
        treedef = tree_structure(value)
        assert treedef.flatten_up_to(value) == leaves
        assert tree_map(lambda x, y: x + y, value, value) == tree_map(lambda x: 2 * x, value)


def nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda child: st.one_of(
            st.lists(child, max_size=4),
            st.lists(child, max_size=4).map(tuple),
            st.dictionaries(st.text("abc", min_size=1), child, max_size=3),
            st.tuples(child, child).map(lambda xy: Point(*xy)),
            st.none(),
        ),
        max_leaves=20,
    )


@given(nested(st.integers()))
def test_round_trip_of_any_nesting(value: Any) -> None:
    leaves, treedef = tree_flatten(value)
    assert treedef.unflatten(leaves) == value
    children = tree_util.treedef_children(treedef)
    assert sum(child.num_leaves for child in children) == (treedef.num_leaves if children else 0)
    assert treedef.num_nodes == 1 + sum(child.num_nodes for child in children)


@given(nested(st.integers()), nested(st.integers()))
def test_equality_of_structures_is_equality_of_shape(a: Any, b: Any) -> None:
    same = tree_map(lambda _: 0, a) == tree_map(lambda _: 0, b)
    same_types = repr(tree_structure(a)) == repr(tree_structure(b))
    assert (tree_structure(a) == tree_structure(b)) == (same and same_types)


def test_node_kinds_and_data() -> None:
    kinds = {
        "leaf": 1,
        "none": None,
        "tuple": (1,),
        "list": [1],
        "dict": {"b": 1, "a": 2},
        "ordereddict": OrderedDict(b=1, a=2),
        "namedtuple": Point(1, 2),
        "custom": Pair(1, 2, "p"),
    }
    for kind, value in kinds.items():
        assert tree_structure(value).node_kind == kind
    data = {kind: tree_structure(value).node_data() for kind, value in kinds.items()}
    assert data["dict"] == (dict, ["a", "b"])
    assert data["ordereddict"] == (OrderedDict, ("b", "a"))
    assert data["namedtuple"] == (Point, None)
    assert data["custom"] == (Pair, "p")
    assert (data["leaf"], data["list"], data["none"]) == (None, (list, None), (type(None), None))
    for kind, value in kinds.items():
        treedef = tree_structure(value)
        parts = treedef.node_data(), treedef.children()
        assert treedef.from_node_data_and_children(default_registry, *parts) == treedef, kind
    with pytest.raises(ValueError, match="int is not registered"):
        treedef.from_node_data_and_children(default_registry, (int, None), [])


def test_subclasses_of_containers_are_leaves() -> None:
    class Rows(list):  # type: ignore[type-arg]
        pass

    class Plain(tuple):  # type: ignore[type-arg]
        pass

    values = [Rows([1]), Plain((1,))]
    assert all(x is y for x, y in zip(tree.leaves(values), values, strict=True))
    assert tree_util.all_leaves(values)
    assert not tree_util.all_leaves([[1]])
    assert not tree_util.all_leaves([None])


def test_key_paths() -> None:
    value = {"a": [Point(1, 2)], "b": Pair(3, 4), "c": State(5, 6), "d": Partial(max, 7, key=8)}
    paths = {leaf: path for path, leaf in tree.leaves_with_path(value)}
    assert paths[2] == (DictKey("a"), SequenceKey(0), GetAttrKey("y"))
    assert paths[4] == (DictKey("b"), FlattenedIndexKey(1))
    assert paths[6] == (DictKey("c"), GetAttrKey("velocity"))
    assert keystr(paths[2]) == "['a'][0].y"
    assert keystr(paths[8]) == "['d']<flat index 1>['key']"
    assert keystr(paths[2], simple=True, separator="/") == "a/0/y"
    shown = tree.map_with_path(lambda path, x, y: keystr(path) + str(x + y), [1], [2])
    assert shown == ["[0]3"]
    stop = lambda path, _: len(path) == 1  # noqa: E731
    assert len(tree.leaves_with_path(value, stop, is_leaf_takes_path=True)) == 4


def test_keys_given_at_registration() -> None:
    @tree_util.register_pytree_with_keys_class
    class Named:
        def __init__(self, *values: Any) -> None:
            self.values = values

        def tree_flatten_with_keys(self) -> Any:
            return [(GetAttrKey("abc"[i]), v) for i, v in enumerate(self.values)], None

        @classmethod
        def tree_unflatten(cls, _: Any, children: Any) -> Named:
            return cls(*children)

    assert [keystr(p) for p, _ in tree.leaves_with_path(Named(1, 2))] == [".a", ".b"]
    assert tree.map(lambda x: -x, Named(1, 2)).values == (-1, -2)
    assert tree_util.flatten_one_level_with_keys(Named(5)) == (((GetAttrKey("a"), 5),), None)


def test_reductions() -> None:
    value = {"a": [1, 2, 3], "b": (4, 5)}
    assert tree.reduce(lambda x, y: f"({x}{y})", value) == "((((12)3)4)5)"
    assert tree.reduce(lambda x, y: x + y, value, 10) == 25
    assert tree.reduce_associative(lambda x, y: x + y, value) == 15
    assert tree.reduce_associative(lambda x, y: x + y, [], identity=7) == 7
    with pytest.raises(TypeError, match="identity"):
        tree.reduce_associative(lambda x, y: x + y, [])
    assert tree.all([True, (1, "x")])
    assert not tree.all([True, (0, "x")])
    assert tree.all([])


def test_transpose_and_broadcast() -> None:
    outer, inner = tree.structure([0, 0]), tree.structure({"a": 0, "b": (0, 0)})
    rows = [{"a": 1, "b": (2, 3)}, {"a": 4, "b": (5, 6)}]
    assert tree.transpose(outer, inner, rows) == {"a": [1, 4], "b": ([2, 5], [3, 6])}
    assert tree.transpose(outer, None, rows) == {"a": [1, 4], "b": ([2, 5], [3, 6])}
    with pytest.raises(TypeError, match="tree_transpose: expected a tree of structure"):
        tree.transpose(outer, tree.structure((0,)), rows)
    assert tree.broadcast(0, rows) == [{"a": 0, "b": (0, 0)}] * 2
    assert tree.broadcast({"a": 1, "b": 2}, rows[0]) == {"a": 1, "b": (2, 2)}


def test_treedef_helpers() -> None:
    parts = [tree.structure(1), tree.structure([1, 2])]
    assert tree_util.treedef_tuple(parts) == tree.structure((1, [1, 2]))
    assert tree_util.treedef_is_leaf(parts[0])
    assert not tree_util.treedef_is_leaf(parts[1])
    assert tree_util.is_tree_node(Point)
    assert tree_util.is_tree_node(dict)
    assert not tree_util.is_tree_node(int)
    assert tree_util.flatten_one_level(Point(1, [2])) == (Point(1, [2]), Point)
    with pytest.raises(ValueError, match="int is a leaf"):
        tree_util.flatten_one_level(1)


def test_partial() -> None:
    inner = Partial(lambda a, b, c: (a, b, c), 1)
    outer = Partial(inner, 2)
    assert outer(3) == (1, 2, 3)
    assert tree.leaves(outer) == [2]
    assert tree.map(lambda x: 10 * x, outer)(3) == (1, 20, 3)
    assert tree.structure(Partial(max, 1)) == tree.structure(Partial(max, 2))
    assert tree.structure(Partial(max, 1)) != tree.structure(Partial(min, 1))


MISMATCHES = [
    ((1, 2), (1, 2, 3), "at the root: expected a tuple of length 2; got a tuple of length 3"),
    (
        {"a": 1},
        {"b": 1},
        "at the root: expected a dict with keys ['a']; got a dict with keys ['b']",
    ),
    ((1, [2]), (1, (2,)), "at [1]: expected a list of length 1; got a tuple of length 1"),
    ({"a": {"b": [1]}}, {"a": {"b": 1}}, "at ['a']['b']: expected a list of length 1; got a leaf"),
    (None, 1, "at the root: expected None; got a leaf of type int"),
    (Point(1, 2), (1, 2), "at the root: expected a namedtuple Point; got a tuple of length 2"),
    (Pair(1, 2, "p"), Pair(1, 2, "q"), "with 2 children and aux_data 'p'; got a Pair with 2"),
]


@pytest.mark.parametrize(("first", "second", "message"), MISMATCHES)
def test_a_mismatch_names_place_and_both_structures(first: Any, second: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        tree_map(lambda x, y: x, first, second)
    text = str(caught.value)
    assert message in text
    assert f"expected structure: {tree_structure(first)!r}" in text
    assert f"got structure: {tree_structure(second)!r}" in text


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="too few leaves: expected 2 for"):
        tree.unflatten(tree.structure((1, 2)), [1])
    with pytest.raises(ValueError, match="too many leaves: expected 2 for"):
        tree.unflatten(tree.structure((1, 2)), [1, 2, 3])
    with pytest.raises(ValueError, match="do not compare: .*; use keys of one type"):
        tree.flatten({1: 2, "a": 3})
    with pytest.raises(ValueError, match="Pair is already registered"):
        tree_util.register_pytree_node_class(Pair)
    with pytest.raises(ValueError, match="dict is already registered"):
        tree_util.register_static(dict)
    with pytest.raises(TypeError, match="expected a class"):
        tree_util.register_pytree_node(1, lambda x: ((), None), lambda a, c: 1)  # type: ignore[arg-type]


def test_bad_flatten_function() -> None:
    class Broken:
        pass

    tree_util.register_pytree_node(Broken, lambda x: [1, 2, 3], lambda a, c: 1)  # type: ignore
    with pytest.raises(TypeError, match=r"Broken must return \(children, aux_data\)"):
        tree.flatten(Broken())


def test_dataclass_fields_are_checked() -> None:
    @dataclasses.dataclass
    class Two:
        x: int
        y: int
        total: int = dataclasses.field(init=False, default=0)

    class Plain:
        pass

    register = tree_util.register_dataclass
    with pytest.raises(ValueError, match=r"missing \['y'\], unexpected \[\]"):
        register(Two, data_fields=["x"], meta_fields=[])
    with pytest.raises(ValueError, match=r"both data and meta: \['x'\]"):
        register(Two, data_fields=["x", "y"], meta_fields=["x"])
    with pytest.raises(TypeError, match="give both"):
        register(Two, data_fields=["x"])
    with pytest.raises(TypeError, match="not a dataclass"):
        register(Plain)
    register(Two, data_fields=["x"], meta_fields=["y"])
    assert tree.leaves(Two(1, 2)) == [1]
    assert tree.map(lambda v: v + 1, Two(1, 2)) == Two(2, 2)


def test_results_of_statistics() -> None:
    """SciPy's tuples with further attributes: all fields are children, and come back."""
    stats = pytest.importorskip("scipy.stats")
    sample = [1.0, 2.0, 4.0, 3.0]
    for result, fields in [
        (stats.ttest_ind(sample, [2.0, 2.0, 5.0]), ["statistic", "pvalue", "df"]),
        (stats.pearsonr(sample, [1.0, 2.0, 3.0, 4.0]), ["statistic", "pvalue"]),
        (stats.jarque_bera(sample), ["statistic", "pvalue"]),
    ]:
        leaves, treedef = tree_flatten(result)
        assert leaves == [getattr(result, name) for name in fields]
        for again in (treedef.unflatten(leaves), jitad.jit(lambda r: r)(result)):
            statistic, pvalue = again
            assert (statistic, pvalue) == (result.statistic, result.pvalue)
            assert [getattr(again, name) for name in fields] == leaves
            assert tree_structure(again) == treedef
        paths, _ = tree_util.tree_flatten_with_path(result)
        assert [keystr(path) for path, _ in paths] == [f".{name}" for name in fields]
        lanes = jitad.vmap(lambda r: r)(tree_map(lambda leaf: np.full(2, leaf), result))
        assert np.asarray(lanes.pvalue).tolist() == [result.pvalue] * 2
