"""The trees of a comparison against sums made one by one, over made-up rows and over the data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.bends import MOST_LEVELS, OUTER_LEVELS
from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import ChangeTree, DiffRow, Presence
from leakreport.analysis.difftree import MOST_NODES, change_trees
from leakreport.analysis.report import LEFT_OUT, OTHERS
from leakreport.api import load
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from tests.support import fixture_path

# Two call sites of `a`; `d` is a library's.
FRAMES = tuple(Frame(name, "/app/x", None, "x.c", line) for name, line in (("a", 1), ("a", 2), ("b", 3), ("c", 4), ("d", 5)))  # fmt: skip
OWN = np.asarray((True, True, True, True, False))


def row(change: int, frames: Sequence[int], *, frames_before: Sequence[int] | None = None, presence: Presence = Presence.BOTH, is_significant: bool = True) -> DiffRow:  # fmt: skip
    amounts = ({"retained_bytes": max(-change, 0)}, {"retained_bytes": max(change, 0)}, {"retained_bytes": change})
    return DiffRow(
        "p1-x", presence, LeakKind.NONE, LeakKind.NONE, tuple(frames), None if frames_before is None else tuple(frames_before),
        None, None, None, None, *amounts, is_significant, None, None, None, "", None, (), (),
    )  # fmt: skip


ROWS = st.lists(
    st.builds(
        lambda change, frames, is_new, is_significant: row(
            change,
            frames,
            presence=(Presence.NEW if change > 0 else Presence.GONE) if is_new else Presence.BOTH,
            is_significant=is_significant,
        ),
        st.integers(-1000, 1000) | st.sampled_from([-(2**40), 2**40]),
        st.lists(st.integers(0, 4), max_size=7),
        st.booleans(),
        st.sampled_from([True, True, True, False]),
    ),
    max_size=12,
)


def names_of(row: DiffRow, sign: int) -> tuple[str, ...]:
    """The stack as names, recursion folded."""
    frames = row.frames_before if sign < 0 and row.frames_before is not None else row.frames
    return tuple(name for name, _ in groupby(FRAMES[index].function or "" for index in frames))


def check(tree: ChangeTree, rows: Sequence[DiffRow], sign: int) -> None:
    chosen = [one for one in rows if one.is_significant and sign * one.change["retained_bytes"] > 0]
    assert bool(len(tree)) == bool(chosen)
    below: defaultdict[tuple[str, ...], list[DiffRow]] = defaultdict(list)
    for one in chosen:
        names = names_of(one, sign)
        for length in range(len(names) + 1):
            below[names[:length]].append(one)
    shown_names: list[tuple[str, ...]] = []
    children: defaultdict[int, list[int]] = defaultdict(list)
    for index in range(len(tree)):
        parent, frame = tree.parent[index], tree.frame[index]
        assert parent < index
        if parent >= 0:
            children[parent].append(index)
        name = "" if frame < 0 else FRAMES[frame].function or ""
        shown_names.append((*shown_names[parent], name) if parent >= 0 else ())
        assert tree.depth[index] == len(shown_names[index])
        if frame != OTHERS:
            through = below[shown_names[index]]
            assert tree.change_bytes[index] == sign * sum(one.change["retained_bytes"] for one in through)
            assert tree.path_count[index] == len(through)
            assert tree.lone_count[index] == sum(one.presence is not Presence.BOTH for one in through)
    for index in range(len(tree)):
        assert tree.change_bytes[index] == tree.self_bytes[index] + sum(tree.change_bytes[i] for i in children[index])
        if tree.frame[index] != OTHERS:
            shown = {shown_names[child][-1] for child in children[index] if tree.frame[child] != OTHERS}
            hidden = [name for name in below if name[:-1] == shown_names[index] and name and name[-1] not in shown]
            folded = [child for child in children[index] if tree.frame[child] == OTHERS]
            assert len(folded) == bool(hidden)
            assert sum(tree.change_bytes[child] for child in folded) == sign * sum(one.change["retained_bytes"] for name in hidden for one in below[name])  # fmt: skip


@given(ROWS)
def test_every_node_is_the_sum_of_the_paths_through_it(rows: list[DiffRow]) -> None:
    trees = change_trees(rows, FRAMES, OWN)
    check(trees.grown, rows, 1)
    check(trees.shrunk, rows, -1)


@given(ROWS)
def test_swapped_sides_swap_the_trees(rows: list[DiffRow]) -> None:
    mirror = {Presence.BOTH: Presence.BOTH, Presence.NEW: Presence.GONE, Presence.GONE: Presence.NEW}
    swapped = [replace(one, before=one.after, after=one.before, change={"retained_bytes": -one.change["retained_bytes"]}, presence=mirror[one.presence]) for one in rows]  # fmt: skip
    there, back = change_trees(rows, FRAMES, OWN), change_trees(swapped, FRAMES, OWN)
    assert (there.grown, there.shrunk) == (back.shrunk, back.grown)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(rows: list[DiffRow], random: object) -> None:
    shuffled = sorted(rows, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert change_trees(rows, FRAMES, OWN) == change_trees(shuffled, FRAMES, OWN)


def test_a_path_that_is_smaller_is_drawn_where_it_was() -> None:
    trees = change_trees([row(-5, [0, 2], frames_before=[0, 3]), row(7, [0, 2], frames_before=[0, 3])], FRAMES, OWN)
    assert [FRAMES[frame].function for frame in trees.shrunk.frame[1:]] == ["a", "c"]
    assert [FRAMES[frame].function for frame in trees.grown.frame[1:]] == ["a", "b"]


def test_recursion_is_one_node_with_a_count() -> None:
    tree = change_trees([row(5, [0, 1, 0, 4]), row(3, [0, 4])], FRAMES, OWN).grown
    assert list(tree.change_bytes) == [8, 8, 8]
    assert list(tree.repeats) == [1, 3, 1]
    assert list(tree.is_responsible) == [False, True, False]


def test_deep_stacks_lose_their_middle_and_say_so() -> None:
    deep = [2, 3] * 30_000
    tree = change_trees([row(5, deep), row(4, [2, 3])], FRAMES, OWN).grown
    assert len(tree) == MOST_LEVELS + 1
    assert tree.frame[OUTER_LEVELS + 1] == LEFT_OUT
    assert tree.repeats[OUTER_LEVELS + 1] == len(deep) - (MOST_LEVELS - 1)
    assert list(tree.change_bytes) == [9, 9, 9, *[5] * (MOST_LEVELS - 2)]
    assert tree.self_bytes[2] == 4
    assert tree.is_responsible[-1]
    exact = change_trees([row(5, [2, 3] * (MOST_LEVELS // 2))], FRAMES, OWN).grown
    assert LEFT_OUT not in exact.frame


def test_what_is_small_is_folded_with_its_exact_sum() -> None:
    frames = tuple(Frame(f"f{index}", "/app/x") for index in range(5000))
    rows = [row(1_000_000, [0, 1]), *(row(1, [0, index]) for index in range(2, 5000))]
    tree = change_trees(rows, frames, np.ones(5000, dtype=np.bool_)).grown
    assert list(tree.frame) == [-1, 0, 1, OTHERS]
    assert list(tree.change_bytes) == [1_004_998, 1_004_998, 1_000_000, 4998]
    assert tree.path_count[3] == 4998
    even = change_trees(
        [row(1, [index % 120, index]) for index in range(5000)], frames, np.ones(5000, dtype=np.bool_)
    ).grown
    assert MOST_NODES <= len(even) <= 2 * MOST_NODES
    assert sum(even.change_bytes[i] for i in range(len(even)) if even.depth[i] == 1) == 5000


PAIRS = [("memcheck-xml", "svc-v2", "svc-v3"), ("memcheck-xml", "svc-v3", "svc-v5"), ("heaptrack", "demo-v1", "demo-v2"), ("gperftools", "series-v2-0004", "series-v2-0012")]  # fmt: skip


@pytest.mark.parametrize(("family", "before", "after"), PAIRS)
def test_of_real_data_the_roots_are_what_the_rows_sum_to_and_swap(family: str, before: str, after: str) -> None:
    old, new = load(fixture_path(family, before)), load(fixture_path(family, after))
    report, back = compare(old, new), compare(new, old)
    changes = [one.change["retained_bytes"] for one in report.significant]
    for tree, sign in ((report.trees.grown, 1), (report.trees.shrunk, -1)):
        assert (tree.change_bytes[0] if len(tree) else 0) == sum(max(sign * change, 0) for change in changes)

    def shape(tree: ChangeTree, frames: tuple[Frame, ...]) -> list[tuple[object, ...]]:
        names = [frames[index].function if index >= 0 else index for index in tree.frame]
        return list(zip(tree.parent, names, tree.change_bytes, tree.lone_count, tree.is_responsible, strict=True))

    assert shape(report.trees.grown, report.frames) == shape(back.trees.shrunk, back.frames)
    assert shape(report.trees.shrunk, report.frames) == shape(back.trees.grown, back.frames)
