"""Runs of a program that was built anew between them: which paths are one series, and which must never be."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leakreport.analysis import trendjoin, trendseries
from leakreport.analysis.analyze import analyze
from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.processes import Grouping
from leakreport.analysis.report import GateResult, Status
from leakreport.analysis.rows import path_rows
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import load
from leakreport.model.metrics import LeakKind
from tests.analysis.matching_support import IDENTITY, truth
from tests.analysis.trend_support import dumps, runs
from tests.support import fixture_path

PAIRS = [
    (program, pair["before"], pair["after"])
    for program in sorted(folder.name for folder in IDENTITY.iterdir() if folder.is_dir())
    for pair in truth(program)
]


def series(report: TrendReport) -> Counter[tuple[int | None, ...]]:
    return Counter(row.series for row in report.rows)


def recording(program: str, build: str) -> Path:
    return IDENTITY / program / f"{build}.xml.gz"


def records(program: str, build: str) -> dict[str, int]:
    """What each record of a build holds, by the tool's own name for it."""
    report = analyze(load(recording(program, build)))
    held = {}
    for row in report.paths:
        assert len(row.records) >= 1
        for name in row.records:
            held[name] = row.values["retained_bytes"] // len(row.records)
    return held


def test_builds_with_known_truth_are_joined_leak_by_leak() -> None:
    wanted = found = 0
    for program, before, after in PAIRS:
        held = [records(program, build) for build in (before, after)]
        report = trend(
            load([recording(program, before), recording(program, after)]), AnalysisOptions(grouping=Grouping.RUNS)
        )
        there = series(report)
        (pair,) = [one for one in truth(program) if (one["before"], one["after"]) == (before, after)]
        for leak in pair["leaks"]:
            if len(leak["before"]) > 1 or len(leak["after"]) > 1:
                continue
            expected = tuple(
                sum(side[name] for name in leak[key]) for side, key in zip(held, ("before", "after"), strict=True)
            )
            wanted += 1
            if there[expected]:
                there[expected] -= 1
                found += 1
    assert wanted > 150
    assert found / wanted > 0.97


@pytest.mark.parametrize("program", ["tilecache", "plughost"])
def test_going_there_and_back_is_one_series_each(program: str, tmp_path: Path) -> None:
    other = "func" if program == "tilecache" else "clang"
    builds = ["base", other, "base", other]
    paths = [tmp_path / f"{number}.xml.gz" for number in range(len(builds))]
    for path, build in zip(paths, builds, strict=True):
        path.write_bytes(recording(program, build).read_bytes())
    report = trend(load(paths), AnalysisOptions(grouping=Grouping.RUNS))
    assert report.total is not None
    for number in range(len(builds)):
        # Every byte of every run stands in one series.
        assert sum(row.series[number] or 0 for row in report.rows) == report.total.series[number]
    for row in report.rows:
        assert row.series[:2] == row.series[2:]


def test_a_leak_keeps_its_series_when_its_function_gets_another_name() -> None:
    before = [
        {
            "main@m.c:5 serve@s.c:9 load@l.c:10": 80 * n,
            "main@m.c:6 serve@s.c:9 parse@p.c:20": 64,
            "main@m.c:7 stop@c.c:3": 16,
        }
        for n in (1, 2, 3)
    ]
    after = [{"main@m.c:5 serve@s.c:9 load_all@l.c:10": 80 * n, "main@m.c:6 serve@s.c:9 parse@p.c:20": 64, "main@m.c:7 stop@c.c:3": 16} for n in (4, 5, 6)]  # fmt: skip
    report = trend(runs(*before, *after))
    assert series(report) == Counter([(80, 160, 240, 320, 400, 480), (64,) * 6, (16,) * 6])
    (leak,) = [row for row in report.rows if row.verdict.word is GrowthWord.GROWING]
    assert report.frames[leak.path.frames[leak.path.named_by or 0]].function == "load_all"
    assert len(leak.other_ids) == 1
    assert leak.path.id not in leak.other_ids


def test_lines_that_move_onto_each_other_do_not_swap_series() -> None:
    # The calls stand at 10 and 20; the next build has them at 20 and 30.
    before = [{"main@m.c:5 load@l.c:10": 8 * n, "main@m.c:5 load@l.c:20": 800} for n in (1, 2, 3)]
    after = [{"main@m.c:5 load@l.c:20": 8 * n, "main@m.c:5 load@l.c:30": 800} for n in (4, 5, 6)]
    assert series(trend(runs(*before, *after))) == Counter([(8, 16, 24, 32, 40, 48), (800,) * 6])


def test_in_one_build_a_twin_that_comes_later_takes_no_series_of_another() -> None:
    # In the first two runs only the call at line 20 was reached: it is not the first of its name then.
    states = [{"main@m.c:5 load@l.c:20": 800}] * 2 + [{"main@m.c:5 load@l.c:10": 8, "main@m.c:5 load@l.c:20": 800}] * 2
    assert series(trend(runs(*states))) == Counter([(800,) * 4, (0, 0, 8, 8)])
    assert series(trend(dumps(*states))) == Counter([(800,) * 4, (0, 0, 8, 8)])


def test_a_path_that_pauses_is_one_series() -> None:
    states = [{"main@m.c:5 load@l.c:10": 8}, {"main@m.c:9 stop@c.c:3": 16}, {"main@m.c:5 load@l.c:10": 24}]
    assert series(trend(runs(*states))) == Counter([(8, 0, 24), (0, 16, 0)])


def test_runs_of_one_build_are_never_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    def no(*_: Any) -> Any:
        raise AssertionError("nothing changed")

    monkeypatch.setattr(trendjoin, "match", no)
    states = [
        {"main@m.c:5 load@l.c:10": 8, "main@m.c:6 parse@p.c:20": 16},
        {"main@m.c:5 load@l.c:10": 16},
        {"main@m.c:5 load@l.c:10": 24, "main@m.c:7 close@c.c:3": 8},
        {"main@m.c:6 parse@p.c:20": 16},
    ]
    report = trend(runs(*states))
    assert series(report) == Counter([(8, 16, 24, 0), (16, 0, 0, 16), (0, 0, 8, 0)])


def test_runs_that_recorded_different_kinds_are_not_compared_unless_told() -> None:
    inputs = [
        fixture_path("memcheck-xml", name) for name in ("svc-v1", "svc-v2-defaults", "svc-v3", "svc-v4", "svc-v5")
    ]
    report = trend(load(inputs), AnalysisOptions(fail_on=("growth",)))
    assert report.verdict.status is Status.INCONCLUSIVE
    assert "kinds" in report.mismatches[0]
    assert "svc-v2-defaults" in report.mismatches[0]
    assert report.verdict.gate is GateResult.INCONCLUSIVE
    forced = trend(load(inputs), AnalysisOptions(fail_on=("growth",), force_compare=True))
    assert all("not comparable" not in line.text for line in forced.verdict.gate_lines)
    assert forced.mismatches == report.mismatches
    # Where a kind was not recorded, nothing is known of it: no zero.
    gaps = [row for row in report.rows if row.path.leak_kind is LeakKind.REACHABLE]
    assert gaps
    assert all(row.series[1] is None and row.series[0] is not None for row in gaps)


def test_the_order_given_holds_for_runs_with_one_pid(tmp_path: Path) -> None:
    # Containers give every run the same few pids.
    names = ["base", "clang", "base", "clang"]
    for number, build in enumerate(names):
        (tmp_path / f"{number}.xml.gz").write_bytes(recording("plughost", build).read_bytes())
    report = trend(load([tmp_path / f"{number}.xml.gz" for number in range(4)]))
    assert [point.label for point in report.points] == [f"{number}.xml.gz" for number in range(4)]
    assert report.point_noun == "run"


@pytest.mark.parametrize("make", [dumps, runs])
def test_the_paths_of_all_points_are_made_once(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(arguments)
        return path_rows(*arguments, **options)

    monkeypatch.setattr(trendseries, "path_rows", counted)
    trend(make(*({"main@m.c:5 load@l.c:10": 8 * number} for number in range(1, 21))))
    assert len(made) == 1
