"""The tree and the columns: every path and value as put in, and every invariant noticed when it is broken."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.rollup import inclusive_values
from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.columns import exact_sum, freeze
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run

META = SnapshotMeta("test", "test")
STACKS = st.lists(
    st.tuples(st.lists(st.sampled_from("abcd"), max_size=8), st.integers(0, 1000), st.integers(0, 4)), max_size=40
)


def run_of(stacks: list[tuple[list[str], int, int]]) -> Run:
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for names, amount, kind in stacks:
        builder.add([Frame(function=name) for name in names], (amount, 1), leak_kind=LeakKind(kind))
    return build_run([RawSnapshot(META, {"retained_bytes": sum(stack[1] for stack in stacks)}, builder.build())])


@given(STACKS)
def test_every_path_and_value_is_kept(stacks: list[tuple[list[str], int, int]]) -> None:
    run = run_of(stacks)
    check(run)
    wanted: Counter[tuple[str | None, ...]] = Counter()
    for names, amount, _ in stacks:
        wanted[tuple(names)] += amount
    column = run.snapshots[0].columns["retained_bytes"]
    paths = {
        tuple(run.frames[i].function for i in run.tree.path(node)): int(column[node]) for node in range(len(run.tree))
    }
    assert len(paths) == len(run.tree)
    assert {path: amount for path, amount in paths.items() if amount} == {p: a for p, a in wanted.items() if a}
    assert run.snapshots[0].unattributed()["retained_bytes"] == 0


@given(STACKS, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(stacks: list[tuple[list[str], int, int]], order: object) -> None:
    shuffled = list(stacks)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types it as Random only at run time

    def paths(run: Run) -> dict[tuple[str | None, ...], int]:
        column = run.snapshots[0].columns["retained_bytes"]
        return {
            tuple(run.frames[i].function for i in run.tree.path(node)): int(column[node])
            for node in range(len(run.tree))
        }

    assert paths(run_of(stacks)) == paths(run_of(shuffled))


@given(STACKS)
def test_the_root_holds_the_sum(stacks: list[tuple[list[str], int, int]]) -> None:
    run = run_of(stacks)
    column = run.snapshots[0].columns["retained_bytes"]
    assert int(inclusive_values(run.tree, column)[0][0]) == exact_sum(column) == sum(stack[1] for stack in stacks)


def test_very_deep_stacks_are_no_trouble() -> None:
    run = run_of([([f"f{i}" for i in range(50_000)], 7, 1)])
    check(run)
    assert int(inclusive_values(run.tree, run.snapshots[0].columns["retained_bytes"])[0][0]) == 7


def test_a_deeper_stack_than_agreed_is_refused() -> None:
    builder = SampleTableBuilder(("retained_bytes",))
    builder.add([Frame(function="f")] * 11, (1,))
    with pytest.raises(LimitExceeded, match="11 frames"):
        build_run([RawSnapshot(META, {}, builder.build())], Limits(stack_frames=10))


def test_numbers_beyond_64_bits_are_refused_not_wrapped() -> None:
    builder = SampleTableBuilder(("retained_bytes",))
    builder.add([], (2**63,))
    with pytest.raises(LimitExceeded, match=r"2\^63"):
        builder.build()
    builder = SampleTableBuilder(("retained_bytes",))
    for _ in range(2):
        builder.add([Frame(function="f")], (2**62 + 2**61,))
    with pytest.raises(LimitExceeded, match="sum"):
        build_run([RawSnapshot(META, {}, builder.build())])
    with pytest.raises(LimitExceeded, match=r"2\^63"):
        build_run([RawSnapshot(META, {"retained_bytes": 2**63})])


GOOD = run_of([(["a", "b"], 5, 1), (["a", "c"], 6, 2)])


@pytest.mark.parametrize(
    ("column", "position", "number", "words"),
    [
        ("parent", 0, 0, "root has no parent"),
        ("parent", 1, -1, "every other node has a parent"),
        ("parent", 1, 2, "parents come before"),
        ("frame", 0, 0, "root has no frame"),
        ("frame", 1, 99, "frame table"),
        ("frame", 3, 1, "never share a frame"),
        ("depth", 0, 1, "depth 0"),
        ("depth", 2, 7, "plus one"),
    ],
)
def test_a_broken_tree_is_noticed(column: str, position: int, number: int, words: str) -> None:
    broken = getattr(GOOD.tree, column).copy()
    broken[position] = number
    with pytest.raises(AssertionError, match=words):
        check(replace(GOOD, tree=replace(GOOD.tree, **{column: freeze(broken)})))


def test_broken_snapshots_are_noticed() -> None:
    snapshot = GOOD.snapshots[0]
    length = len(GOOD.tree)
    for columns, words in (
        ({**snapshot.columns, "nonsense": freeze(np.zeros(length, np.int64))}, "known metric"),
        ({**snapshot.columns, "leaked_bytes": freeze(np.zeros(2, np.int64))}, "one value per node"),
        ({**snapshot.columns, "leaked_bytes": np.zeros(length, np.int64)}, "frozen"),
        ({**snapshot.columns, "leaked_bytes": freeze(np.full(length, -1))}, "never negative"),
        ({**snapshot.columns, "retained_bytes": freeze(np.zeros(length, np.int64))}, "what records say"),
    ):
        with pytest.raises(AssertionError, match=words):
            check(replace(GOOD, snapshots=(replace(snapshot, columns=columns),)))
    with pytest.raises(AssertionError, match="come together"):
        check(replace(GOOD, snapshots=(replace(snapshot, records=None),)))
    with pytest.raises(AssertionError, match="never negative"):
        check(replace(GOOD, snapshots=(replace(snapshot, totals={"retained_bytes": -1}),)))
    with pytest.raises(AssertionError, match="interned"):
        check(replace(GOOD, frames=(*GOOD.frames[:-1], GOOD.frames[0])))
