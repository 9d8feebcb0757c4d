"""The tree of two states against sums made one by one, over made-up rows and over the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.bends import MOST_LEVELS, OUTER_LEVELS
from leakreport.analysis.compare import compare
from leakreport.analysis.comparedtree import MOST_NODES, compared_tree
from leakreport.analysis.report import LEFT_OUT, OTHERS, ComparedTree
from leakreport.analysis.stacks import Stacks
from leakreport.analysis.trend import trend
from leakreport.api import load
from leakreport.model.columns import int64_column
from leakreport.model.raw import Frame
from tests.support import fixture_path

# Two call sites of `a`; `d` is a library's.
FRAMES = tuple(Frame(name, "/app/x", None, "x.c", line) for name, line in (("a", 1), ("a", 2), ("b", 3), ("c", 4), ("d", 5)))  # fmt: skip
OWN = np.asarray((True, True, True, True, False))


class Row(NamedTuple):
    stack: tuple[int, ...]
    before: int
    after: int


AMOUNTS = st.integers(0, 1000) | st.sampled_from([0, 2**40])
ROWS = st.lists(st.builds(Row, st.lists(st.integers(0, 4), max_size=7).map(tuple), AMOUNTS, AMOUNTS), max_size=12)


def tree_of(rows: Sequence[Row], frames: tuple[Frame, ...] = FRAMES) -> ComparedTree:
    own = OWN if frames is FRAMES else np.ones(len(frames), dtype=np.bool_)
    before, after = (
        int64_column([row.before for row in rows], "a row"),
        int64_column([row.after for row in rows], "a row"),
    )
    return compared_tree(Stacks.of([stack for stack, _, _ in rows]), before, after, frames, own)


def names_of(stack: Sequence[int]) -> tuple[str, ...]:
    """The stack as names, recursion folded."""
    return tuple(name for name, _ in groupby(FRAMES[index].function or "" for index in stack))


def sums(rows: Sequence[Row]) -> tuple[int, ...]:
    changes = [after - before for _, before, after in rows]
    return (
        sum(before for _, before, _ in rows),
        sum(after for _, _, after in rows),
        sum(change for change in changes if change > 0),
        -sum(change for change in changes if change < 0),
        sum(bool(before or after) for _, before, after in rows),
    )


def node(tree: ComparedTree, index: int) -> tuple[int, ...]:
    columns = (tree.before_bytes, tree.after_bytes, tree.growth_bytes, tree.shrinkage_bytes, tree.path_count)
    return tuple(column[index] for column in columns)


@given(ROWS)
def test_every_node_is_the_sum_of_the_paths_through_it(rows: list[Row]) -> None:
    tree = tree_of(rows)
    below: defaultdict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        names = names_of(row.stack)
        for length in range(len(names) + 1):
            below[names[:length]].append(row)
    paths: list[tuple[str, ...]] = []
    for index in range(len(tree)):
        parent, frame = tree.parent[index], tree.frame[index]
        assert parent < index
        paths.append((*paths[parent], FRAMES[frame].function or "") if parent >= 0 else ())
        assert tree.depth[index] == len(paths[index])
        assert node(tree, index) == sums(below[paths[index]])
    # All that holds anything is there: twelve short stacks are never too many.
    assert set(paths) - {()} == {path for path, through in below.items() if path and sums(through)[4]}


@given(ROWS)
def test_swapped_states_swap_growth_and_shrinkage(rows: list[Row]) -> None:
    def shape(tree: ComparedTree, *, is_swapped: bool) -> set[tuple[object, ...]]:
        found: set[tuple[object, ...]] = set()
        names: list[tuple[int, ...]] = []
        for index in range(len(tree)):
            names.append((*names[tree.parent[index]], tree.frame[index]) if index else ())
            before, after, growth, shrinkage, paths = node(tree, index)
            ends = (after, before, shrinkage, growth) if is_swapped else (before, after, growth, shrinkage)
            found.add((names[index], *ends, paths, tree.is_responsible[index]))
        return found

    there, back = tree_of(rows), tree_of([Row(stack, after, before) for stack, before, after in rows])
    assert shape(there, is_swapped=False) == shape(back, is_swapped=True)
    for index in range(len(there)):
        assert there.growth_bytes[index] - there.shrinkage_bytes[index] == there.after_bytes[index] - there.before_bytes[index]  # fmt: skip


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], random: object) -> None:
    shuffled = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert tree_of(rows) == tree_of(shuffled)


def test_recursion_is_one_node_with_a_count() -> None:
    tree = tree_of([Row((0, 1, 0, 4), 0, 5), Row((0, 4), 0, 3)])
    assert list(tree.after_bytes) == [8, 8, 8]
    assert list(tree.repeats) == [1, 3, 1]
    assert list(tree.is_responsible) == [False, True, False]


def test_deep_stacks_lose_their_middle_and_say_so() -> None:
    deep = (2, 3) * 30_000
    tree = tree_of([Row(deep, 0, 5), Row((2, 3), 4, 4)])
    assert len(tree) == MOST_LEVELS + 1
    assert tree.frame[OUTER_LEVELS + 1] == LEFT_OUT
    assert tree.repeats[OUTER_LEVELS + 1] == len(deep) - (MOST_LEVELS - 1)
    assert list(tree.after_bytes) == [9, 9, 9, *[5] * (MOST_LEVELS - 2)]
    assert tree.is_responsible[-1]
    assert LEFT_OUT not in tree_of([Row((2, 3) * (MOST_LEVELS // 2), 0, 5)]).frame


def test_what_is_small_is_folded_with_its_exact_sum() -> None:
    frames = tuple(Frame(f"f{index:04}", "/app/x") for index in range(5000))
    tree = tree_of([Row((0, 1), 0, 1_000_000), *(Row((0, index), 2, 1) for index in range(2, 5000))], frames)
    assert tree.frame[-1] == OTHERS
    assert len(tree) == MOST_NODES + 1
    for column, whole in ((tree.before_bytes, 2 * 4998), (tree.after_bytes, 1_004_998), (tree.shrinkage_bytes, 4998)):
        assert column[0] == column[1] == sum(column[2:]) == whole
    assert sum(tree.path_count[2:]) == 4999


def test_a_change_is_a_share_of_all_growth_or_of_all_shrinkage() -> None:
    tree = tree_of([Row((2,), 0, 300), Row((3,), 0, 100), Row((4,), 50, 0)])
    shares = {FRAMES[tree.frame[index]].function: tree.share(index) for index in range(1, len(tree))}
    assert shares == {"b": 0.75, "c": 0.25, "d": -1.0}
    assert tree_of([Row((2,), 5, 5)]).share(0) == 0.0


PAIRS = [("memcheck-xml", "svc-v2", "svc-v3"), ("memcheck-xml", "svc-v3", "svc-v5"), ("heaptrack", "demo-v1", "demo-v2"), ("gperftools", "series-v2-0004", "series-v2-0012")]  # fmt: skip


@pytest.mark.parametrize(("family", "before", "after"), PAIRS)
def test_of_real_data_the_root_is_the_total(family: str, before: str, after: str) -> None:
    old, new = load(fixture_path(family, before)), load(fixture_path(family, after))
    report = compare(old, new)
    held = [sum(side.get("retained_bytes", 0) for side in rows) for rows in ([row.before for row in report.rows], [row.after for row in report.rows])]  # fmt: skip
    assert [report.tree.before_bytes[0], report.tree.after_bytes[0]] == held
    changes = [row.change.get("retained_bytes", 0) for row in report.rows]
    assert report.tree.growth_bytes[0] == sum(change for change in changes if change > 0)
    assert report.tree.shrinkage_bytes[0] == -sum(change for change in changes if change < 0)


def test_of_a_trend_the_tree_goes_from_the_first_to_the_last_point() -> None:
    report = trend(load([fixture_path("memcheck-xml", f"svc-v{number}") for number in range(1, 7)]))
    rows = list(report.rows)
    assert report.tree.before_bytes[0] == sum(row.series[0] or 0 for row in rows)
    assert report.tree.after_bytes[0] == sum(row.series[-1] or 0 for row in rows)
    for point in range(6):
        whole = sum(row.series[point] or 0 for row in rows)
        assert sum(module.series[point] or 0 for module in report.by_module) == whole
    assert sum(module.path_count for module in report.by_module) == len(rows)
