"""A tree is stored and read back as it was; what is no tree is refused, whatever it is."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.model.columns import Int64Column
from leakreport.model.packing import DamagedTree, packed_tree, unpacked_tree

FOLDED = -2
LARGEST = 2**53 - 1


def column(numbers: list[int]) -> Int64Column:
    return np.asarray(numbers, dtype=np.int64)


@st.composite
def trees(draw: st.DrawFn) -> dict[str, Any]:
    """A tree in pre-order whose frames are numbered as they come; every value stands where it may."""
    depth, frame, paths = [0], [-1], [draw(st.integers(0, 2))]
    seen = 0
    for _ in range(draw(st.integers(0, 12))):
        depth.append(draw(st.integers(1, depth[-1] + 1)))
        chosen = draw(st.integers(-3, seen))
        chosen = FOLDED if chosen == -1 else chosen
        seen += chosen == seen
        frame.append(chosen)
        paths.append(draw(st.integers(0, 3)))
    count = len(depth)
    amounts = st.lists(st.integers(0, 50) | st.integers(0, LARGEST), min_size=count, max_size=count)
    columns = {name: column(draw(amounts)) for name in ("before.x", "after.x", "before.y")}
    fold = [node for node in range(count) if frame[node] == FOLDED]
    change = columns["after.x"] - columns["before.x"]
    both = [draw(st.integers(0, 9)) for _ in fold]
    folded = [
        [node, paths[node], least + max(int(change[node]), 0), least + max(-int(change[node]), 0)]
        for node, least in zip(fold, both, strict=True)
    ]
    nodes = sorted(draw(st.sets(st.integers(0, count - 1))))
    return {
        "depth": column(depth),
        "frame": column(frame),
        "path_count": column(paths),
        "columns": columns,
        "responsible": column(nodes),
        "folded": np.asarray(folded, dtype=np.int64).reshape(-1, 4),
        "repeats": np.asarray([[node, 2] for node in nodes], dtype=np.int64).reshape(-1, 2),
    }


@given(trees())
def test_a_tree_comes_back_as_it_was(tree: dict[str, Any]) -> None:
    stored = json.loads(json.dumps(packed_tree(**tree)))
    found = unpacked_tree(stored, ("before.x", "after.x"))
    for name in ("depth", "frame", "responsible", "folded", "repeats"):
        assert found[name] == tree[name].tolist(), name
    assert found["paths"] == tree["path_count"].tolist()
    assert found["columns"] == [{"name": name, "values": values.tolist()} for name, values in tree["columns"].items()]


def test_states_that_differ_in_little_are_stored_as_differences() -> None:
    first = np.arange(1, 101)
    second = first.copy()
    second[7] = 5000
    depth = np.concatenate([[0], np.ones(99, dtype=np.int64)])
    stored: Any = packed_tree(
        depth=depth,
        frame=np.arange(-1, 99),
        path_count=np.ones(100, dtype=np.int64),
        columns={"one": first, "two": second},
        responsible=column([]),
        folded=np.zeros((0, 4), dtype=np.int64),
        repeats=np.zeros((0, 2), dtype=np.int64),
    )
    assert "base" not in stored["columns"][0]
    assert stored["columns"][1]["base"] == 0
    assert np.count_nonzero(stored["columns"][1]["values"]) == 1
    assert stored["frame"] == [-1] + [0] * 99


GOOD = {
    "depth": [0, 1, 1],
    "frame": [-1, 0, -2],
    "paths": [0, 1, 2],
    "columns": [{"name": "x", "values": [3, 4]}, {"name": "y", "base": 0, "values": [1, 0]}],
    "responsible": [1],
    "folded": [],
    "repeats": [],
}


def test_the_good_one_is_read() -> None:
    assert unpacked_tree(GOOD, ("x", "y"))["folded"] == [[2, 2, 0, 0]]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("depth", []),
        ("depth", [1, 1, 1]),
        ("depth", [0, 2, 0]),
        ("depth", [0, 1, -1]),
        ("depth", [0, 1]),
        ("depth", [0, 1, 1, 1]),
        ("depth", [0, 1, 2**60]),
        ("depth", [0, 1, 1.0]),
        ("depth", [0, True, 1]),
        ("depth", "abc"),
        ("depth", None),
        ("frame", [-1, 2, -2]),
        ("frame", [-1, 0]),
        ("paths", [0, 1]),
        ("paths", [0, 1, 10**30]),
        ("columns", {}),
        ("columns", [1]),
        ("columns", [{"values": [3, 4]}]),
        ("columns", [{"name": "x", "values": [3]}]),
        ("columns", [{"name": "x", "values": [3, -4]}]),
        ("columns", [{"name": "x", "values": [3, LARGEST + 1]}]),
        ("columns", [{"name": "x", "base": 0, "values": [3, 4]}]),
        ("columns", [{"name": "x", "values": [3, 4]}, {"name": "y", "base": True, "values": [3, 4]}]),
        ("columns", [{"name": "x", "values": [3, LARGEST]}, {"name": "y", "base": 0, "values": [3, LARGEST]}]),
        ("columns", [{"name": "x", "values": [3, 4]}, {"name": "x", "values": [3, 4]}]),
        ("columns", [{"name": "z", "values": [3, 4]}]),
        ("responsible", [3]),
        ("responsible", [-1]),
        ("folded", [1, 2]),
        ("folded", [[1]]),
        ("repeats", [[1]]),
        ("repeats", [[9, 2]]),
        ("repeats", [1]),
    ],
)
def test_what_is_no_tree_is_refused(name: str, wrong: object) -> None:
    with pytest.raises(DamagedTree):
        unpacked_tree({**GOOD, name: wrong}, ("x", "y"))


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_noticed(name: str) -> None:
    with pytest.raises(DamagedTree):
        unpacked_tree({key: value for key, value in GOOD.items() if key != name}, ("x", "y"))
