"""Comparing with reports that folded small paths: sums are exact, nothing is called new or gone for having been folded."""

from __future__ import annotations

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.trend import trend
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import (
    Frame,
    FrameKind,
    LeakSearch,
    Moment,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    small_path_count,
    small_paths,
)
from leakreport.model.snapshot import Run

MIB = 1 << 20
KINDS = frozenset(kind for kind in LeakKind if kind is not LeakKind.NONE)
Paths = dict[tuple[str, ...], int]
"""Bytes by stack; a name that is a number stands for so many small paths."""


def run_of(paths: Paths, *, kind: LeakKind = LeakKind.NONE, largest: int | None = None, build: int = 0) -> Run:
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for stack, held in paths.items():
        frames = [
            small_paths(int(name)) if name.isdecimal() else Frame(name, "/bin/x", "/src", "x.c", 10 + build + len(name))
            for name in stack
        ]
        builder.add(frames, (held, 1), leak_kind=kind)
    meta = SnapshotMeta(
        source="x",
        format="dhat" if kind is LeakKind.NONE else "memcheck-xml",
        moment=Moment.EXIT,
        leak_search=LeakSearch.NONE if kind is LeakKind.NONE else LeakSearch.COMPLETE,
        kinds_recorded=frozenset() if kind is LeakKind.NONE else KINDS,
        largest_folded_bytes=largest,
    )
    totals = {"retained_bytes": sum(paths.values()), "retained_blocks": len(paths)}
    if kind is not LeakKind.NONE:
        totals |= {kind.bytes_metric: sum(paths.values()), "leaked_bytes": sum(paths.values())}
    run = build_run([RawSnapshot(meta, totals, builder.build())])
    check(run)
    return run


def compared(before: Run, after: Run) -> DiffReport:
    """The comparison, and that it is the mirror of the one of swapped sides."""
    found, mirror = compare(before, after), compare(after, before)
    for metric, amount in found.change.items():
        assert sum(row.change.get(metric, 0) for row in found.rows) + found.unattributed[metric] == amount
        assert mirror.change[metric] == -amount
    assert sorted(row.change["retained_bytes"] for row in found.rows) == sorted(
        -row.change["retained_bytes"] for row in mirror.rows
    )
    return found


def folded(report: DiffReport) -> list[DiffRow]:
    return [row for row in report.rows if row.folded]


def lone(report: DiffReport) -> list[DiffRow]:
    return [row for row in report.rows if row.presence is not Presence.BOTH]


WHOLE: Paths = {("main", "large"): 9 * MIB, ("main", "a"): 300, ("main", "b"): 200, ("main", "c"): 100}
REPORT: Paths = {("main", "large"): 9 * MIB, ("main", "3"): 600}


@pytest.mark.parametrize("kind", [LeakKind.NONE, LeakKind.DEFINITE])
@pytest.mark.parametrize("build", [0, 5])
def test_small_paths_that_a_report_folded_are_not_gone(kind: LeakKind, build: int) -> None:
    report = compared(run_of(WHOLE, kind=kind), run_of(REPORT, kind=kind, build=build))
    assert report.verdict.status == "no-growth"
    assert not lone(report)
    (row,) = folded(report)
    assert row.before["retained_bytes"] == row.after["retained_bytes"] == 600
    assert row.folded == 3
    assert report.frames[row.frames[-1]].function == "3 small paths"
    assert report.folded_bytes == (0, 600)
    (note,) = (note for note in report.notes if note.slug == "folded-paths")
    assert "0 small paths with 0 B before, 3 with 600 B after" in note.message


def test_growth_of_small_paths_together_is_growth_and_nothing_is_new() -> None:
    after = {**WHOLE, ("main", "d"): 50}
    report = compared(run_of(REPORT, kind=LeakKind.DEFINITE), run_of(after, kind=LeakKind.DEFINITE))
    assert report.verdict.status == "growth"
    assert not lone(report)
    (row,) = folded(report)
    assert row.change["retained_bytes"] == 50
    assert row.is_significant
    assert report.verdict.lead[1] == "The largest: +50 B on 4 small paths that a report folded, all of the growth."
    gates = AnalysisOptions(fail_on=("new",))
    assert compare(run_of(REPORT, kind=LeakKind.DEFINITE), run_of(after, kind=LeakKind.DEFINITE), gates).verdict.gate == "passed"  # fmt: skip


def test_a_path_that_is_too_large_to_have_been_folded_is_new() -> None:
    report = compared(run_of(REPORT), run_of({**WHOLE, ("main", "new"): 5 * MIB}))
    (row,) = lone(report)
    assert row.presence is Presence.NEW
    assert row.change["retained_bytes"] == 5 * MIB
    assert row.is_significant


def test_the_largest_folded_path_bounds_what_may_be_among_many() -> None:
    before: Paths = {("main", "large"): 9 * MIB, ("main", "5000"): 6 * MIB}
    after: Paths = {("main", "large"): 9 * MIB, ("main", "5000"): 6 * MIB, ("main", "new"): 2 * MIB}
    assert not lone(compared(run_of(before), run_of(after)))
    (row,) = lone(compared(run_of(before, largest=4096), run_of(after, largest=4096)))
    assert row.presence is Presence.NEW
    assert row.change["retained_bytes"] == 2 * MIB


def test_places_that_lie_in_each_other_are_one_sum() -> None:
    before: Paths = {("main", "large"): MIB, ("main", "4"): 1000}
    after: Paths = {("main", "large"): MIB, ("main", "work", "2"): 400, ("main", "2"): 600}
    report = compared(run_of(before), run_of(after))
    (row,) = folded(report)
    assert (row.before["retained_bytes"], row.after["retained_bytes"]) == (1000, 1000)


def test_paths_elsewhere_are_compared_as_always() -> None:
    before: Paths = {("main", "large"): MIB, ("main", "work", "2"): 400, ("other", "x"): 100}
    after: Paths = {("main", "large"): MIB, ("main", "work", "2"): 400}
    (row,) = lone(compared(run_of(before, kind=LeakKind.DEFINITE), run_of(after, kind=LeakKind.DEFINITE)))
    assert row.presence is Presence.GONE
    assert row.is_significant


def test_leak_kinds_are_summed_apart() -> None:
    report = compared(run_of(WHOLE, kind=LeakKind.DEFINITE), run_of(REPORT, kind=LeakKind.REACHABLE))
    assert {row.leak_kind for row in folded(report)} == {LeakKind.REACHABLE}
    assert len(lone(report)) >= 3


def test_recordings_without_reports_have_no_word_of_it() -> None:
    report = compared(run_of(WHOLE), run_of(WHOLE))
    assert report.folded_bytes is None
    assert not folded(report)
    assert not report.notes


def test_in_a_trend_what_was_folded_counts_in_the_totals_only() -> None:
    raws = []
    for number in range(6):
        paths: Paths = {("main", "large"): MIB + number, ("main", str(3 + number)): 600 * (number + 1)}
        (snapshot,) = run_of(paths).snapshots
        builder = SampleTableBuilder(("retained_bytes",))
        for stack, held in paths.items():
            frames = [small_paths(int(name)) if name.isdecimal() else Frame(name, "/bin/x") for name in stack]
            builder.add(frames, (held,))
        raws.append(RawSnapshot(SnapshotMeta(source="x", format="dhat"), snapshot.totals, builder.build()))
    report = trend(build_run(raws))
    assert all(small_path_count(report.frames[row.path.frames[-1]]) == 0 for row in report.rows)
    assert [point.totals["retained_bytes"] for point in report.points] == [
        MIB + number + 600 * (number + 1) for number in range(6)
    ]
    assert "folded-paths" in {note.slug for note in report.notes}


@pytest.mark.parametrize(("name", "count"), [("3 small paths", 3), ("1 small path", 1), ("12,345 small paths", 12345), ("small paths", 0), ("x small paths", 0)])  # fmt: skip
def test_a_frame_tells_how_many_paths_it_stands_for(name: str, count: int) -> None:
    assert small_path_count(Frame(name, kind=FrameKind.SYNTHETIC)) == count
    # A function of that name is a function.
    assert small_path_count(Frame(name)) == 0
    if count:
        assert small_paths(count).function == name
