"""Recordings whose programs say what they did: the words, the rates and what is left out are those of their notes."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest

from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.options import AnalysisOptions, WorkDone
from leakreport.analysis.report import Status
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport, TrendRow
from leakreport.api import load
from tests.support import FIXTURES, fixture_path

SERIES = FIXTURES / "series"
PHASES = 12


def truth(folder: str) -> dict[str, list[int]]:
    """What the program counted itself, by column, one number per phase."""
    lines = (SERIES / folder / "truth.tsv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader([line for line in lines if line.startswith("truth")], delimiter="\t"))
    assert len(rows) == PHASES
    return {name: [int(row[name]) for row in rows] for name in rows[0] if name not in {"truth", "phase"}}


def phases(folder: str) -> TrendReport:
    return trend(load([SERIES / folder]))


def row_with(report: TrendReport, series: list[int]) -> TrendRow:
    (found,) = [row for row in report.rows if list(row.series) == series]
    return found


def growing(report: TrendReport) -> list[TrendRow]:
    return [row for row in report.rows if row.verdict.word is GrowthWord.GROWING]


def test_the_leaking_library_has_exactly_its_three_leaks_with_their_rates() -> None:
    report = phases("gperftools-v2")
    rates = [196_608, 65_536, 640]
    found = growing(report)
    assert report.growing == len(found) == len(rates)
    assert found == list(report.rows[: len(rates)])
    for row, rate in zip(found, rates, strict=True):
        assert row.verdict.low <= rate <= row.verdict.high
        assert row.verdict.first < row.verdict.last
    known = truth("gperftools-v2")
    # In service a part of the cache is no leak: what both paths hold together is what the library counted.
    held = [
        sum(column)
        for column in zip(known["cache_live"], known["cache_leaked_req"], known["cache_leaked_pre"], strict=True)
    ]
    assert [sum(values) for values in zip(found[0].series, found[1].series, strict=True)] == held  # type: ignore[arg-type]
    assert list(found[2].series) == known["audit"]
    assert report.verdict.status is Status.GROWTH


def test_the_sound_library_has_the_slow_leak_only() -> None:
    report = phases("gperftools-v1")
    (only,) = growing(report)
    assert list(only.series) == truth("gperftools-v1")["audit"]
    assert only.verdict.low <= 640 <= only.verdict.high


@pytest.mark.parametrize("folder", ["gperftools-v1", "gperftools-v2"])
def test_what_is_kept_filled_or_swings_is_called_so(folder: str) -> None:
    report, known = phases(folder), truth(folder)
    assert row_with(report, known["config"]).verdict.word is GrowthWord.FLAT
    assert row_with(report, known["sessions"]).verdict.word is GrowthWord.PLATEAU
    pool = row_with(report, known["pool"]).verdict
    assert pool.word not in {GrowthWord.GROWING, GrowthWord.STEP, GrowthWord.SHRINKING}
    assert (pool.first, pool.last) == (known["pool"][0], known["pool"][-1])


def test_a_sample_shows_the_large_leaks_and_invents_none() -> None:
    found = growing(phases("jemalloc-v2"))
    assert len(found) == 2
    for row, rate in zip(found, [196_608, 65_536], strict=True):
        assert row.verdict.low <= rate <= row.verdict.high
    assert not growing(phases("jemalloc-v1"))


@pytest.mark.parametrize("folder", ["gperftools-v1", "gperftools-v2", "jemalloc-v1", "jemalloc-v2"])
def test_the_dump_at_the_end_is_left_out_and_named(folder: str) -> None:
    report = phases(folder)
    assert len(report.points) == PHASES
    (note,) = [note for note in report.notes if note.slug == "exit-dump"]
    last = max(path.name for path in (SERIES / folder).iterdir() if path.name.endswith(".heap.gz"))
    assert last in note.message
    assert all(last not in point.label for point in report.points)


def test_by_work_the_rates_are_per_unit_of_it() -> None:
    # Every phase serves 1,000 requests: 12 decoded images of 16 KiB stay in each.
    work = WorkDone("requests", tuple(1000.0 * phase for phase in range(1, PHASES + 1)))
    report = trend(load([SERIES / "gperftools-v2"]), AnalysisOptions(work=work))
    assert (report.unit, report.per) == ("work", "request")
    largest = report.rows[0].verdict
    assert largest.low <= 196.608 <= largest.high
    assert "per request" in report.rows[0].evidence


@pytest.mark.parametrize("family", ["memcheck-xml", "massif"])
def test_revisions_of_the_service(family: str) -> None:
    # svc.c.in: ten sessions and names more are lost in each revision; 3 adds the journal.
    report = trend(load([fixture_path(family, f"svc-v{number}") for number in range(1, 7)]))
    names = {report.frames[row.path.frames[row.path.named_by or 0]].function: row for row in growing(report)}
    assert sorted(map(str, names)) == ["name_dup", "session_open"]
    assert names["name_dup"].series == tuple(1000 * number for number in range(1, 7))
    assert names["session_open"].series == tuple(640 * number for number in range(1, 7))
    assert [point.label.split("/")[0] for point in report.points] == [f"svc-v{number}" for number in range(1, 7)]


def test_waves_that_keep_more_and_more() -> None:
    # heapwave 12 N keeps N records of 1,500 bytes in each of 12 waves: 18,000 bytes more for each one more.
    report = trend(load([fixture_path("dhat", f"wave-grow{number}") for number in (2, 4, 6, 8)]))
    (only,) = growing(report)
    assert only.series == (36_000, 72_000, 108_000, 144_000)
    assert only.verdict.low <= 36_000 <= only.verdict.high
    assert report.total is not None
    assert report.total.series == (38_640, 74_640, 110_640, 146_640)
    assert report.total.verdict.word is GrowthWord.GROWING


@pytest.mark.parametrize("kept", [2, 4, 6, 8])
def test_inside_one_wave_what_is_kept_grows_and_what_is_freed_does_not(kept: int) -> None:
    report = trend(load(fixture_path("massif", f"wave-grow{kept}")))
    for row in growing(report):
        assert report.frames[row.path.frames[-1]].function != "big_buffer"
        names = [report.frames[index].function for index in row.path.frames]
        assert "big_buffer" not in names
    last = [row.series[-1] for row in growing(report)]
    assert 12 * kept * 1500 in last


def test_an_incomplete_dump_is_left_out_for_all_and_named(tmp_path: Path) -> None:
    for path in sorted((SERIES / "gperftools-v2").glob("demo.00*.heap.gz")):
        content = gzip.decompress(path.read_bytes())
        if "0007" in path.name:
            content = content[: len(content) // 4]
        (tmp_path / path.name.removesuffix(".gz")).write_bytes(content)
    report = trend(load([tmp_path]))
    assert len(report.points) == PHASES - 1
    assert not any("0007" in point.label for point in report.points)
    assert any("demo.0007.heap" in note.message for note in report.notes if note.slug == "incomplete-left-out")
    assert report.growing == 3
    assert not report.is_complete
