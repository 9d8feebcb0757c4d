"""The trees of pages against sums made one by one: over made-up runs, and over all fixtures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from leakreport.analysis.analyze import analyze
from leakreport.analysis.compare import compare
from leakreport.analysis.options import MOST_NODES, AnalysisOptions
from leakreport.analysis.pages import spread, usual_nodes
from leakreport.analysis.pagetree import FOLDED, LEFT_OUT, PageTree
from leakreport.analysis.processes import Grouping
from leakreport.analysis.pruning import LEAST_ROWS
from leakreport.analysis.trend import trend
from leakreport.api import load, load_inputs
from leakreport.model.builder import build_run
from leakreport.model.columns import exact_sum
from leakreport.model.raw import Frame, RawSnapshot, SnapshotMeta
from tests.analysis.page_support import Path, SlowTree, assert_draws, bent, paths_of, random_run
from tests.analysis.trend_support import dumps
from tests.support import FAMILIES, cases, fixture_path

SEEDS = st.integers(0, 10**6)
LIMITS = st.sampled_from([1, 5, 20, 40, 80, 200, MOST_NODES])


def assert_keeps_the_best(
    page: PageTree, kept: set[Path], scores: dict[Path, float], rows: Sequence[Sequence[int]]
) -> None:
    """What was kept for its weight has no less than anything that was not; a score never rises from parent to child."""
    for path, score in scores.items():
        assert not path or score <= scores[path[:-1]]
    listed = {tuple(path[:length]) for path in rows for length in range(len(path) + 1)}
    filled = [scores[path] for path in kept - listed]
    dropped = [score for path, score in scores.items() if path not in kept]
    assert not filled or not dropped or min(filled) >= max(dropped)


def assert_in_order(page: PageTree, order: Sequence[str], frames: Sequence[Frame]) -> None:
    """Children by falling weight, then name, folded ones last."""
    paths = paths_of(page)
    sums: dict[Path, list[int]] = {path: [0] * len(order) for path in paths}
    for number, name in enumerate(order):
        for path, amount in zip(paths, page.columns[name].tolist(), strict=True):
            for length in range(len(path) + 1):
                sums[path[:length]][number] += amount
    children: dict[Path, list[tuple[object, ...]]] = {}
    for path in paths[1:]:
        is_folded = path[-1] == FOLDED
        name = "" if path[-1] < 0 else frames[path[-1]].function or ""
        children.setdefault(path[:-1], []).append((is_folded, [-amount for amount in sums[path]], name))
    for family in children.values():
        ranked = [one[:2] if one[0] else one for one in family]
        assert ranked == sorted(ranked)


@given(SEEDS, LIMITS, st.booleans(), st.booleans())
def test_a_run_is_drawn_as_its_rows_are(seed: int, limit: int, has_kinds: bool, is_deep: bool) -> None:
    run = random_run(seed, kinds=has_kinds, deep=is_deep)
    report = analyze(run, AnalysisOptions(max_nodes=limit))
    page = report.page
    rows = [row.frames for row in report.paths]
    values = [{name: row.values.get(name, 0) for name in page.columns} for row in report.paths]
    slow = SlowTree(zip(rows, values, strict=True))
    kept = assert_draws(page, slow, rows)
    assert set(page.columns) >= {name for row in report.paths for name in row.values if not name.startswith("leaked")}
    for name, column in page.columns.items():
        if name in report.totals:
            assert exact_sum(column) == report.totals[name] - report.unattributed[name]
    assert_in_order(page, [page.meaning.mode], report.frames)
    least = {path[:length] for path in map(bent, rows[:LEAST_ROWS]) for length in range(len(path) + 1)}
    assert len(kept) <= max(limit, len(least))
    assert len(page.row_node) >= min(len(rows), LEAST_ROWS)
    if not is_deep:
        whole, freed = (
            sum(one["retained_bytes"] for one in values),
            sum(one.get("allocated_bytes", 0) for one in values),
        )
        scores = {
            path: max(
                float(slow.below(path, "retained_bytes")),
                slow.below(path, "allocated_bytes") * (max(whole, 1) / freed) if freed else 0.0,
            )
            for path in slow.nodes
        }
        paths = paths_of(page)
        if limit < MOST_NODES:
            rounded = {path: float(f"{score:.9g}") for path, score in scores.items()}
            assert_keeps_the_best(page, kept, rounded, [paths[node] for node in page.row_node.tolist()])


@given(SEEDS, LIMITS)
def test_your_code_ends_where_rows_say_so(seed: int, limit: int) -> None:
    report = analyze(random_run(seed), AnalysisOptions(max_nodes=limit))
    paths = paths_of(report.page)
    named = {bent(row.frames[: row.responsible + 1]) for row in report.paths if row.responsible is not None}
    assert {paths[node] for node in report.page.responsible.tolist()} == named & set(paths)


@given(SEEDS, LIMITS)
def test_other_moments_hold_what_their_snapshots_do(seed: int, limit: int) -> None:
    run = random_run(seed, snapshots=4)
    report = analyze(run, AnalysisOptions(max_nodes=limit, grouping=Grouping.SERIES))
    steps = report.page.meaning.steps
    assert [step.state for step in steps] == list(report.timeline)
    for step in steps:
        snapshot = run.snapshots[step.state]
        if step.column is None:
            assert not snapshot.columns["retained_bytes"].any() or limit < MOST_NODES
        else:
            assert exact_sum(report.page.columns[step.column]) == exact_sum(snapshot.columns["retained_bytes"])


@examples(max_examples=40)
@given(SEEDS, SEEDS, LIMITS, st.booleans(), st.booleans())
def test_a_comparison_is_drawn_as_its_rows_are(
    seed: int, other: int, limit: int, has_kinds: bool, is_deep: bool
) -> None:
    before_run, after_run = (random_run(one, kinds=has_kinds, deep=is_deep) for one in (seed, other))
    report = compare(before_run, after_run, AnalysisOptions(max_nodes=limit, force_compare=True))
    page = report.page
    rows = [row.frames for row in report.rows]
    names = {name.partition(".")[2] for name in page.columns}
    values = [
        {
            f"{side}.{name}": held.get(name, 0)
            for side, held in (("before", row.before), ("after", row.after))
            for name in names
        }
        for row in report.rows
    ]
    slow = SlowTree(zip(rows, values, strict=True))
    kept = assert_draws(page, slow, rows)
    for name, change in report.change.items():
        if name in names:
            sums = [exact_sum(page.columns[f"{side}.{name}"]) for side in ("before", "after")]
            assert sums[1] - sums[0] + report.unattributed[name] == change
    assert page.meaning.compare is not None
    assert_in_order(page, page.meaning.compare[::-1], report.frames)
    before, after = page.meaning.compare
    grown = {path: abs(amounts[after] - amounts[before]) for path, amounts in slow.own.items()}
    scores = {
        path: float(max(
            slow.below(path, before),
            slow.below(path, after),
            sum(change for one, change in grown.items() if one[: len(path)] == path),
        ))
        for path in slow.nodes
    }  # fmt: skip
    if limit < MOST_NODES and not is_deep:
        paths = paths_of(page)
        assert_keeps_the_best(page, kept, scores, [paths[node] for node in page.row_node.tolist()])


@given(SEEDS, LIMITS)
def test_a_trend_is_drawn_as_its_rows_are(seed: int, limit: int) -> None:
    run = random_run(seed, snapshots=4)
    report = trend(run, AnalysisOptions(max_nodes=limit, grouping=Grouping.SERIES))
    page = report.page
    rows = [row.path.frames for row in report.rows]
    values = [
        {f"series.retained_bytes.{number}": amount or 0 for number, amount in enumerate(row.series)}
        for row in report.rows
    ]
    slow = SlowTree(zip(rows, values, strict=True))
    assert_draws(page, slow, rows)
    assert len(page.meaning.steps) == len(report.points)
    for step in page.meaning.steps:
        if step.column is not None:
            point = report.points[step.state]
            held = sum(exact_sum(run.snapshots[member].columns["retained_bytes"]) for member in point.members)
            assert exact_sum(page.columns[step.column]) == held


def test_a_deep_stack_keeps_its_ends_and_says_how_much_is_left_out() -> None:
    report = analyze(random_run(11, deep=True), AnalysisOptions(max_nodes=MOST_NODES))
    page = report.page
    assert page.depth.max() == 64 + 1 + 192
    paths = paths_of(page)
    left_out = {paths[node]: count for node, count in page.repeats.tolist() if page.frame[node] == LEFT_OUT}
    wanted: dict[Path, int] = {}
    for row in report.paths:
        frames = [frame for frame, _ in groupby(row.frames)]
        if len(frames) > 64 + 1 + 192:
            gap = (*frames[:64], LEFT_OUT)
            wanted[gap] = max(wanted.get(gap, 0), len(frames) - 64 - 192)
    assert wanted
    assert left_out == wanted


def test_recursion_is_one_node_with_a_count() -> None:
    run = dumps({"main@m.c:1 walk@m.c:2 walk@m.c:2 walk@m.c:2 leaf@m.c:3": 70, "main@m.c:1 walk@m.c:2 leaf@m.c:3": 30})
    report = analyze(run)
    page = report.page
    names = ["/".join(report.frames[frame].function or "" for frame in path) for path in paths_of(page)]
    assert names == ["", "main", "main/walk", "main/walk/leaf", "main/walk/leaf/malloc"]
    assert page.repeats.tolist() == [[2, 3]]
    assert page.columns["retained_bytes"].tolist() == [0, 0, 0, 0, 100]
    assert page.is_bent.tolist() == [True, False]
    assert report.tree.inclusive_bytes == [100] * 5


def test_nothing_at_all_is_a_root() -> None:
    page = analyze(build_run([RawSnapshot(SnapshotMeta("nothing", "test"), {})])).page
    assert (page.depth.tolist(), page.frame.tolist()) == ([0], [-1])
    assert page.columns["retained_bytes"].tolist() == [0]
    assert page.meaning.mode == "retained_bytes"


def test_a_small_growth_is_what_widths_show_first() -> None:
    held = {"main@m.c:1 cache@m.c:2": 8000, "main@m.c:1 load@m.c:3": 80}
    small = compare(dumps(held), dumps({**held, "main@m.c:1 load@m.c:3": 800}), AnalysisOptions(force_compare=True))
    large = compare(dumps(held), dumps({**held, "main@m.c:1 load@m.c:3": 8000}), AnalysisOptions(force_compare=True))
    none = compare(dumps(held), dumps(held), AnalysisOptions(force_compare=True))
    assert [report.page.meaning.mode for report in (small, large, none)] == ["growth", "after", "after"]


def test_many_figures_leave_room_for_fewer_nodes() -> None:
    assert [usual_nodes(columns) for columns in (1, 3, 4, 8)] == [20_000, 18_666, 14_000, 7_000]


@pytest.mark.parametrize("most", [0, 1, 2, 3, 5, 9, 10, 11])
def test_states_are_spread_evenly(most: int) -> None:
    chosen = spread(range(10), most, first=[9, 0])
    assert len(chosen) == len(set(chosen)) <= max(most, 2)
    assert most >= 10 or set(chosen) >= {0, 9}
    assert set(chosen) <= set(range(10))


@cache
def readable() -> tuple[tuple[str, str], ...]:
    found = [(family, case) for family in FAMILIES for case in cases(family)]
    return tuple(one for one in found if load_inputs([str(fixture_path(*one))], unit="bytes").run is not None)


@pytest.mark.parametrize("family", FAMILIES)
def test_columns_of_every_fixture_sum_to_what_is_attributed(family: str) -> None:
    for one in readable():
        if one[0] != family:
            continue
        run = load(fixture_path(*one), unit="bytes")
        for limit in (30, MOST_NODES):
            report = analyze(run, AnalysisOptions(max_nodes=limit))
            page = report.page
            for name, column in page.columns.items():
                if not name.startswith("series."):
                    attributed = sum(row.values.get(name, 0) for row in report.paths)
                    assert exact_sum(column) == attributed, (one, name)
                    assert name not in report.totals or attributed == report.totals[name] - report.unattributed[name]
            assert int(page.path_count.sum()) == len(report.paths)
            paths = paths_of(page)
            assert len(set(paths)) == len(paths)
            rows = [row.frames for row in report.paths[: len(page.row_node)]]
            assert [paths[node] for node in page.row_node.tolist()] == [bent(frames) for frames in rows]
