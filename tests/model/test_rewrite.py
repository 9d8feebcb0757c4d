"""A run under other frames keeps every number, and its tree is that of the new stacks."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.columns import exact_sum
from leakreport.model.raw import (
    CaptionedStack,
    Frame,
    FrameKind,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
)
from leakreport.model.rewrite import with_frames
from leakreport.model.snapshot import Run

METRICS = ("retained_bytes", "retained_blocks")
NAMES = tuple(Frame(function=name) for name in "abcd")
PLACES = tuple(Frame(module="/m", offset=offset, kind=FrameKind.ADDRESS) for offset in range(4))
Stack = tuple[Frame, ...]


def raw(rows: list[tuple[Stack, int]], problems: tuple[RawProblem, ...] = ()) -> RawSnapshot:
    builder = SampleTableBuilder(METRICS)
    for number, (stack, size) in enumerate(rows):
        indexes = [builder.frames.index(frame) for frame in stack]
        builder.add_indexes(indexes, (size, 1), name=str(number), variances=(size / 2, 0.5))
    totals = {"retained_bytes": sum(size for _, size in rows) + 5}
    return RawSnapshot(SnapshotMeta(source="s", format="f"), totals, builder.build(), problems)


def by_stack(run: Run, snapshot: int) -> Counter[Stack]:
    found: Counter[Stack] = Counter()
    for node, size in enumerate(run.snapshots[snapshot].columns["retained_bytes"].tolist()):
        if size:
            found[tuple(run.frames[index] for index in run.tree.path(node))] += size
    return found


def stack_of_each_record(run: Run, snapshot: int) -> list[Stack]:
    records = run.snapshots[snapshot].records
    assert records is not None
    return [tuple(run.frames[index] for index in run.tree.path(node)) for node in records.node.tolist()]


STACKS = st.lists(
    st.tuples(st.lists(st.sampled_from([*NAMES, *PLACES]), max_size=6), st.integers(1, 1000)), max_size=12
)
REPLACEMENTS = st.dictionaries(
    st.sampled_from(PLACES), st.lists(st.sampled_from([*NAMES, *PLACES]), min_size=1, max_size=3).map(tuple)
)


@given(st.lists(STACKS, min_size=1, max_size=3), REPLACEMENTS)
def test_it_is_the_run_of_the_replaced_stacks(
    snapshots: list[list[tuple[list[Frame], int]]], replacements: dict[Frame, Stack]
) -> None:
    before = [[(tuple(stack), size) for stack, size in rows] for rows in snapshots]
    after = [
        [(tuple(new for old in stack for new in replacements.get(old, (old,))), size) for stack, size in rows]
        for rows in before
    ]
    run = build_run(raw(rows) for rows in before)
    rewritten = with_frames(run, replacements)
    direct = build_run(raw(rows) for rows in after)
    check(rewritten)
    assert len(rewritten.tree) == len(direct.tree)
    for position, (old, new) in enumerate(zip(run.snapshots, rewritten.snapshots, strict=True)):
        assert by_stack(rewritten, position) == by_stack(direct, position)
        assert stack_of_each_record(rewritten, position) == [stack for stack, _ in after[position]]
        assert new.totals == old.totals
        assert new.unattributed() == old.unattributed()
        assert {metric: exact_sum(column) for metric, column in new.columns.items()} == {
            metric: exact_sum(column) for metric, column in old.columns.items()
        }
        for metric, column in old.variances.items():
            assert new.variances[metric].sum() == pytest.approx(column.sum())


def test_snapshots_without_stacks_and_problems_are_kept() -> None:
    problem = RawProblem(ProblemKind.ERROR, "InvalidRead", "read", stacks=(CaptionedStack("", (NAMES[0], PLACES[0])),))
    bare = RawSnapshot(SnapshotMeta(source="s", format="f"), {"retained_bytes": 7}, None, (problem,))
    run = with_frames(build_run([bare, raw([((PLACES[0],), 3)])]), {PLACES[0]: (NAMES[1], NAMES[2])})
    check(run)
    assert run.snapshots[0].problems[0].stacks[0].frames == (NAMES[0], NAMES[1], NAMES[2])
    assert run.snapshots[0].records is None
    assert by_stack(run, 1) == {(NAMES[1], NAMES[2]): 3}


def test_nothing_to_replace_is_the_same_run() -> None:
    run = build_run([raw([((NAMES[0],), 3)])])
    assert with_frames(run, {}) is run


def test_a_run_of_totals_only_is_kept() -> None:
    run = build_run([RawSnapshot(SnapshotMeta(source="s", format="f"), {"retained_bytes": 7})])
    assert with_frames(run, {PLACES[0]: NAMES}).snapshots == run.snapshots


def test_stacks_that_become_too_deep_are_refused() -> None:
    run = build_run([raw([((PLACES[0],) * 3, 3)])])
    with pytest.raises(LimitExceeded, match="--no-symbols"):
        with_frames(run, {PLACES[0]: NAMES}, Limits(stack_frames=10))
