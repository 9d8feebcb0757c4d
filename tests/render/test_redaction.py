"""Redacted reports: no name of the input in any output, every figure and id as without."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.options import AnalysisOptions, GrowthLimit
from leakreport.analysis.report import Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, compare, load_inputs, render, trend
from leakreport.model.snapshot import Run
from leakreport.render.interface import RenderOptions
from tests.privacy_support import FORMATS, WORD, names_of, text_of, words_of
from tests.support import FAMILIES, cases, fixture_path

AnyReport = Report | DiffReport | TrendReport
REDACT = AnalysisOptions(redact=True)
CASES = [(family, case) for family in FAMILIES for case in cases(family)]


def run_of(family: str, case: str) -> Run:
    run = load_inputs([str(fixture_path(family, case))], unit="bytes").run
    if run is None:
        pytest.skip("nothing in it can be read")
    return run


def assert_silent(report: AnyReport, runs: list[Run], formats: tuple[str, ...]) -> None:
    """No word that only the input has, in any format, with everything that options can add."""
    words = set().union(*map(words_of, runs))
    names = [name for run in runs for name in names_of(run) if words.intersection(WORD.findall(name))]
    command = ("leakreport", "analyze", *(run.snapshots[0].meta.source for run in runs))
    for name in formats:
        options = RenderOptions(verbosity=2, records=True, command=command, include_host=True, is_terminal=True)
        text = text_of(render(report, to=name, options=options))
        found = words.intersection(WORD.findall(text))
        assert not found, (name, sorted(found)[:10])
        whole = [one for one in names[:1000] if one in text]
        assert not whole, (name, whole[:5])


@pytest.mark.parametrize(("family", "case"), CASES, ids=lambda text: text)
def test_no_name_is_in_any_output(family: str, case: str) -> None:
    run = run_of(family, case)
    plain, report = analyze(run), analyze(run, config=REDACT)
    assert_silent(report, [run], FORMATS)
    assert_same(plain, report)


def assert_same(plain: Report, report: Report) -> None:
    """The figures, ids and places of two reports."""

    def rows(one: Report) -> list[object]:
        return [
            (row.id, row.leak_kind, row.frames, row.responsible, row.named_by, row.site, row.values)
            for row in one.paths
        ]

    def findings(one: Report) -> list[object]:
        return [(found.rule, found.rows, found.frames, found.values, found.path_ids) for found in one.findings]

    def groups(one: Report) -> list[object]:
        found = [(row.is_own, row.path_count, sorted(row.values.items())) for row in (*one.by_module, *one.by_function)]
        return sorted(found, key=repr)

    assert rows(plain) == rows(report)
    assert findings(plain) == findings(report)
    assert groups(plain) == groups(report)
    assert plain.own == report.own
    assert (plain.verdict.status, plain.verdict.gate) == (report.verdict.status, report.verdict.gate)
    assert (plain.totals, plain.unattributed) == (report.totals, report.unattributed)
    assert [frame.line for frame in plain.frames] == [frame.line for frame in report.frames]
    assert (plain.accumulation is None) == (report.accumulation is None)
    if plain.accumulation is not None and report.accumulation is not None:
        assert plain.accumulation.frame == report.accumulation.frame


PAIRS = [
    ("memcheck-xml", "svc-v1", "svc-v2"),
    ("memcheck-text", "svc-v1", "svc-v2"),
    ("massif", "svc-v1", "svc-v2"),
    ("dhat", "svc-v1", "svc-v2"),
    ("dhat", "svc-v1", "svc-v6"),
]


@pytest.mark.parametrize(("family", "before", "after"), PAIRS)
def test_no_name_is_in_a_comparison(family: str, before: str, after: str) -> None:
    runs = [run_of(family, before), run_of(family, after)]
    gates = AnalysisOptions(fail_on=("growth",), max_growth_of=(GrowthLimit("svc*", 4096, "svc*=4KiB"),))
    plain, report = compare(*runs, config=gates), compare(*runs, config=replace(gates, redact=True))
    assert_silent(report, runs, ("terminal", "json", "markdown", "html"))
    assert_same_change(plain, report)


def assert_same_change(plain: DiffReport, report: DiffReport) -> None:
    """The figures, ids and matches of two comparisons."""

    def rows(one: DiffReport) -> list[object]:
        return [
            (row.id, row.id_before, row.presence, row.matched_as, row.confidence, row.score, row.frames, row.frames_before,
             row.change, row.named_by, row.site) for row in one.rows
        ]  # fmt: skip

    assert rows(plain) == rows(report)
    assert plain.verdict.status == report.verdict.status
    assert [line.result for line in plain.verdict.gate_lines] == [line.result for line in report.verdict.gate_lines]
    assert [line.text for line in plain.verdict.gate_lines] == [line.text for line in report.verdict.gate_lines]
    assert [(found.rule, found.frames, found.values) for found in plain.findings] == [
        (found.rule, found.frames, found.values) for found in report.findings
    ]
    assert [(one.allocated_bytes, one.rows) for one in plain.libraries] == [
        (one.allocated_bytes, one.rows) for one in report.libraries
    ]
    assert len(plain.mismatches) == len(report.mismatches)
    assert len(plain.surroundings) == len(report.surroundings)


SERIES = ("gperftools", "jemalloc")


@pytest.mark.parametrize("family", SERIES)
def test_no_name_is_in_a_trend(family: str) -> None:
    paths = [str(fixture_path(family, case)) for case in cases(family) if case.startswith("series-v2")]
    run = load_inputs(paths).run
    assert run is not None
    plain, report = trend(run), trend(run, config=REDACT)
    assert_silent(report, [run], ("terminal", "json", "markdown", "html"))

    def rows(one: TrendReport) -> list[object]:
        return [(row.path.id, row.series, row.verdict.word, row.path.frames, row.other_ids) for row in one.rows]

    assert rows(plain) == rows(report)
    assert plain.verdict.status == report.verdict.status
    assert [(point.totals, point.members) for point in plain.points] == [
        (point.totals, point.members) for point in report.points
    ]
    assert plain.fits.keys() == report.fits.keys()
