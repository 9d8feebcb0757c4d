"""A comparison accounts for every byte, mirrors when swapped, and says when there is nothing to compare."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from leakreport.analysis import matching
from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport, Presence
from leakreport.analysis.options import AnalysisOptions, GrowthLimit
from leakreport.analysis.report import GateResult, Status
from leakreport.api import load
from leakreport.cli import main
from leakreport.model.snapshot import Run
from tests.support import FIXTURES, fixture_path

SCHEMA = json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8"))
SERIES = [("memcheck-xml", f"svc-v{number}") for number in range(1, 7)]
PAIRS = [
    *pairwise(SERIES),
    (("memcheck-xml", "kinds"), ("memcheck-xml", "p6-kinds")),
    (("memcheck-xml", "svc-v2"), ("memcheck-text", "svc-v3")),
    (("memcheck-xml", "family-onefile"), ("memcheck-xml", "checks")),
    (("memcheck-xml", "svc-v2-defaults"), ("memcheck-xml", "svc-v3")),
    (("massif", "wave-grow2"), ("massif", "wave-grow4")),
    (("dhat", "svc-v1"), ("dhat", "svc-v2")),
    (("gperftools", "series-v2-0004"), ("gperftools", "series-v2-0012")),
    (("gperftools", "mmap-0003"), ("gperftools", "mmap-0012")),
    (("heaptrack", "demo-v1"), ("heaptrack", "demo-v2")),
    (("jemalloc", "series-v1-0012"), ("jemalloc", "series-v2-0012")),
    (("memcheck-xml", "clean-true"), ("gperftools", "series-v2-0012")),
]


def run_of(family: str, case: str) -> Run:
    return load(fixture_path(family, case), unit="bytes")


def compared(before: tuple[str, str], after: tuple[str, str], **options: Any) -> DiffReport:
    return compare(run_of(*before), run_of(*after), AnalysisOptions(**options))


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_byte_is_accounted_for(before: tuple[str, str], after: tuple[str, str]) -> None:
    report = compared(before, after)
    for metric, change in report.change.items():
        assert report.after.totals[metric] - report.before.totals[metric] == change
        assert sum(row.change.get(metric, 0) for row in report.rows) + report.unattributed[metric] == change
    for row in report.rows:
        for metric, change in row.change.items():
            assert row.after.get(metric, 0) - row.before.get(metric, 0) == change
        assert (row.presence is Presence.NEW) == (not row.before)
        assert (row.presence is Presence.GONE) == (not row.after)
    keys = [(row.id, row.leak_kind, row.presence) for row in report.rows]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_swapping_the_sides_mirrors_everything(before: tuple[str, str], after: tuple[str, str]) -> None:
    there, back = compared(before, after), compared(after, before)
    mirrored = {Presence.NEW: Presence.GONE, Presence.GONE: Presence.NEW, Presence.BOTH: Presence.BOTH}
    assert {metric: -change for metric, change in back.change.items()} == dict(there.change)
    assert {metric: -change for metric, change in back.unattributed.items()} == dict(there.unattributed)

    def rows(report: DiffReport, sign: int) -> list[tuple[object, ...]]:
        return sorted(
            (
                str(row.presence if sign > 0 else mirrored[row.presence]),
                sorted((metric, sign * change) for metric, change in row.change.items()),
                row.is_significant,
            )
            for row in report.rows
        )

    assert rows(there, 1) == rows(back, -1)
    assert bool(there.mismatches) == bool(back.mismatches)


@pytest.mark.parametrize("side", [pair[1] for pair in PAIRS])
def test_a_run_is_no_different_from_itself(side: tuple[str, str]) -> None:
    report = compared(side, side, fail_on=("growth", "new"))
    assert not report.significant
    assert not any(change for row in report.rows for change in row.change.values())
    assert not any(report.change.values())
    assert {row.presence for row in report.rows} <= {Presence.BOTH}
    assert report.verdict.status is Status.NO_GROWTH
    assert report.verdict.gate is GateResult.PASSED


def test_the_series_tells_its_story() -> None:
    # svc.c.in: 10 sessions more in each revision; revision 3 adds journal_append, 4 drops legacy_table, 5 adds ring_push.
    changes = [compared(before, after) for before, after in pairwise(SERIES)]
    assert [report.change["definite_bytes"] for report in changes] == [640, 100_640, -3_456, 640, 640]
    new = [
        {report.frames[row.frames[row.named_by]].function for row in report.significant if row.presence is Presence.NEW and row.named_by is not None}
        for report in changes
    ]  # fmt: skip
    assert new == [set(), {"journal_append"}, set(), {"ring_push"}, set()]
    gone = [[row for row in report.significant if row.presence is Presence.GONE] for report in changes]
    assert [len(rows) for rows in gone] == [0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("program", "build"),
    [
        ("logfmt", "lto"),
        ("lrurust", "opt_O0"),
        ("lrurust", "v0"),
        ("plughost", "clang"),
        *(
            ("tilecache", build)
            for build in ("clang", "comment", "func", "nodebug", "ns", "opt_O2", "rename", "swap", "wrap")
        ),
    ],
)
def test_a_rebuild_without_a_change_of_leaks_is_no_growth(program: str, build: str) -> None:
    # What each build changed is said in fixtures/identity/origin.md: names, lines, compilers and options, never a leak.
    folder = FIXTURES / "identity" / program
    report = compare(load(str(folder / "base.xml.gz")), load(str(folder / f"{build}.xml.gz")), AnalysisOptions())
    assert report.verdict.status is Status.NO_GROWTH
    assert {row.presence for row in report.rows} == {Presence.BOTH}


@pytest.mark.parametrize(("build", "presence"), [("added", Presence.NEW), ("fixed", Presence.GONE)])
def test_one_leak_more_or_less_is_one_row(build: str, presence: Presence) -> None:
    folder = FIXTURES / "identity" / "tilecache"
    report = compare(load(str(folder / "base.xml.gz")), load(str(folder / f"{build}.xml.gz")), AnalysisOptions())
    assert [row.presence for row in report.rows if row.is_significant] == [presence]


def test_dumps_of_one_build_under_aslr_match_by_offset() -> None:
    # The README of the data: 0004 to 0012 grew by 2,348,032: alloc_pixels 2,097,152, grow 245,760, make_entry 5,120.
    report = compared(("gperftools", "series-v2-0004"), ("gperftools", "series-v2-0012"))
    assert report.change["retained_bytes"] == 2_348_032
    assert sorted(row.change["retained_bytes"] for row in report.significant) == [245_760, 524_288, 1_572_864]
    assert (report.noise_rows, report.noise_change) == (1, 5_120)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (("memcheck-xml", "svc-v2-defaults"), ("memcheck-xml", "svc-v3"), "kinds"),
        (("memcheck-xml", "svc-v2"), ("memcheck-xml", "svc-v2-stripped"), "function names"),
        (("memcheck-xml", "svc-v2"), ("massif", "svc-v3"), "formats"),
        (("memcheck-xml", "deep-default"), ("memcheck-xml", "deep-nc40"), "--num-callers"),
    ],
)
def test_what_cannot_be_compared_is_no_pass(before: tuple[str, str], after: tuple[str, str], words: str) -> None:
    report = compared(before, after, fail_on=("growth",))
    assert any(words in reason for reason in report.mismatches)
    assert report.verdict.status is Status.INCONCLUSIVE
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    forced = compared(before, after, fail_on=("growth",), force_compare=True)
    assert forced.verdict.gate is not GateResult.INCONCLUSIVE


def test_swapped_dumps_of_one_series_are_no_growth_and_no_pass(tmp_path: Path) -> None:
    for number in ("0004", "0012"):
        content = fixture_path("gperftools", f"series-v2-{number}")
        (tmp_path / f"demo.{number}.heap").write_bytes(Path(content).read_bytes())
    early, late = (load(str(tmp_path / f"demo.{number}.heap")) for number in ("0004", "0012"))
    assert compare(early, late).mismatches == ()
    swapped = compare(late, early, AnalysisOptions(fail_on=("growth",)))
    assert swapped.verdict.status is Status.INCONCLUSIVE
    assert ["swapped" in reason for reason in swapped.mismatches] == [True]
    assert swapped.verdict.gate is GateResult.INCONCLUSIVE


def test_swapped_profiles_are_told_by_their_dates() -> None:
    run = run_of("memcheck-xml", "svc-v1")
    early, late = (
        replace(
            run,
            snapshots=tuple(replace(one, meta=replace(one.meta, time=time, time_unit="s")) for one in run.snapshots),
        )
        for time in (1.7e9, 1.8e9)
    )
    assert compare(early, late).mismatches == ()
    assert "swapped" in compare(late, early).mismatches[0]


def test_noise_is_marked_and_summed_and_never_dropped() -> None:
    before, after = ("dhat", "svc-v1"), ("dhat", "svc-v2")
    report = compared(before, after)
    assert not report.significant
    assert report.verdict.status is Status.NO_GROWTH
    assert report.noise_rows > 0
    assert sum(row.change["retained_bytes"] for row in report.rows) == report.noise_change
    strict = compared(before, after, min_change_bytes=1)
    assert strict.noise_rows == 0
    assert strict.verdict.status is Status.GROWTH


def called(*arguments: str | Path) -> tuple[int, str, str]:
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        code = main(["diff", *map(str, arguments)])
    return code, out.getvalue(), complaints.getvalue()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 0),
        (("--fail-on", "growth"), 1),
        (("--fail-on", "new"), 1),
        (("--max-growth", "1MiB"), 0),
        (("--max-growth", "1KiB"), 1),
        (("--max-growth", "1MiB", "--max-growth", "svc=1KiB"), 1),
        (("--max-growth", "svc=1MiB"), 0),
        (("--max-growth", "name_dup=999"), 1),
        (("--max-growth", "name_*=1000"), 0),
        # legacy_table is unchanged and a library of that name is nowhere.
        (("--max-growth", "legacy_table=0"), 0),
        (("--max-growth", "libsvc.so*=0"), 5),
        (("--max-growth", "libsvc.so*=0", "--max-growth", "svc=0"), 1),
        (("--max-growth", "svc="), 2),
        (("--fail-on", "definite"), 2),
        (("--to", "pprof"), 2),
    ],
)
def test_exit_codes_of_the_command(options: tuple[str, ...], code: int) -> None:
    before, after = fixture_path("memcheck-xml", "svc-v2"), fixture_path("memcheck-xml", "svc-v3")
    assert called(before, after, *options)[0] == code


def test_a_threshold_knows_the_name_a_function_had_before() -> None:
    gone = [("memcheck-xml", "svc-v3"), ("memcheck-xml", "svc-v4")]
    limit = GrowthLimit("legacy_table", 0, "legacy_table=0")
    report = compared(*gone, max_growth_of=(limit,))
    (line,) = report.verdict.gate_lines
    assert (line.gate, line.result) == ("--max-growth legacy_table=0", GateResult.PASSED)
    assert compared(*reversed(gone), max_growth_of=(limit,)).verdict.gate is GateResult.FAILED


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_output_holds_the_change(before: tuple[str, str], after: tuple[str, str]) -> None:
    paths = fixture_path(*before), fixture_path(*after)
    code, text, complaint = called(*paths, "--to", "json", "--records")
    assert code == 0, complaint
    document = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    assert document["kind"] == "diff"
    for renderer in ("terminal", "markdown", "html"):
        code, text, complaint = called(*paths, "--to", renderer)
        assert code == 0, complaint
        assert "NaN" not in text
        assert "∞" not in text
        assert document["verdict"]["sentence"].split(":")[0] in text


def test_paths_that_were_too_many_to_be_compared_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = FIXTURES / "identity" / "tilecache"
    before, after = load(str(folder / "base.xml.gz")), load(str(folder / "swap.xml.gz"))
    assert "too-many-open" not in {note.slug for note in compare(before, after).notes}
    monkeypatch.setattr(matching, "MOST_OPEN", 1)
    monkeypatch.setattr(matching, "_FIRST_LESSON", 1)
    report = compare(before, after)
    (note,) = [note for note in report.notes if note.slug == "too-many-open"]
    assert "too many to be compared one by one" in note.message
    for metric, change in report.change.items():
        assert sum(row.change.get(metric, 0) for row in report.rows) + report.unattributed[metric] == change
