"""What a page holds is what the JSON of the same run says: listed paths exactly, the rest in exact sums."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from leakreport.analysis.analyze import analyze
from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import extract, load_inputs
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import Frame, ProblemKind, RawProblem, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.readers import get_reader
from leakreport.render.interface import RenderOptions
from leakreport.render.json import lazy_document, written
from leakreport.render.payload import payload_element
from leakreport.testing import read_content
from tests.support import FAMILIES, FIXTURES, cases, fixture_path

SCHEMA = Draft202012Validator(json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8")))  # fmt: skip
OTHERS = [(family, case) for family in FAMILIES if family != "leakreport" for case in cases(family)]
OPTIONS = RenderOptions(records=True)
_MOST_ROWS, _MOST_VALIDATED = 150, 60
AnyReport = Report | DiffReport | TrendReport
# Texts that a page shows otherwise than the recording has them, and findings past the first.
SHOWN_OTHERWISE = {"findings", "unlisted_leaks", "unlisted_findings", "pruned", "frames", "paths", "accumulation"}


def page_of(report: AnyReport) -> bytes:
    element = payload_element(report, OPTIONS)
    return f"<!doctype html>\n<html><head><title>x · leakreport</title></head>{element}</html>".encode()


def extracted(report: AnyReport, folder: Path) -> dict[str, Any]:
    path = folder / "report.html"
    path.write_bytes(page_of(report))
    found: dict[str, Any] = json.loads(extract(path))
    return found


def json_of(report: AnyReport) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(written(lazy_document(report, OPTIONS)))
    return found


def with_frames(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows with their frames instead of indexes."""
    frames = document["frames"]
    for row in document["paths"]:
        named = {name: [frames[index] for index in row[name]] for name in ("frames", "frames_before") if name in row}
        yield {**row, **named}


def assert_adds_up(document: Mapping[str, Any]) -> None:
    hidden = document["hidden"].get("values", {})
    if document["kind"] == "analysis":
        stated, column = document["totals"], "values"
    elif document["kind"] == "diff":
        stated, column = document["change"], "change"
    else:
        return
    for metric, amount in stated.items():
        on_paths = sum(row[column].get(metric, 0) for row in document["paths"])
        assert on_paths + hidden.get(metric, 0) + document["unattributed"][metric] == amount, metric


def assert_says_the_same(report: AnyReport, folder: Path) -> dict[str, Any]:
    found, wanted = extracted(report, folder), json_of(report)
    if len(found["paths"]) < _MOST_VALIDATED:
        SCHEMA.validate(found)
    assert_adds_up(found)
    for name in set(wanted) - SHOWN_OTHERWISE:
        if name != "inputs":
            assert found[name] == wanted[name], name
    rows = [row for row in with_frames(found) if row["id"] is not None]
    assert rows == list(with_frames(wanted))[: len(rows)]
    rest = [row for row in found["paths"] if row["id"] is None]
    assert len(rows) + sum(row["folded"] for row in rest) == len(wanted["paths"])
    assert (found.get("pruned") or {"paths": 0})["paths"] == sum(row["folded"] for row in rest)
    assert len(found["findings"]) <= len(wanted["findings"])
    return found


def recorded(family: str, case: str) -> Run | None:
    return load_inputs([str(fixture_path(family, case))], unit="bytes").run


@pytest.mark.parametrize(("family", "case"), OTHERS)
def test_a_page_of_one_run_says_what_the_json_says(family: str, case: str, tmp_path: Path) -> None:
    run = recorded(family, case)
    if run is None or case == "latin1-path":
        pytest.skip("nothing in it can be read, or shown as it is")
    report = analyze(run)
    if len(report.paths) > _MOST_ROWS:
        pytest.skip("as the smaller ones of its format, only slower")
    assert_says_the_same(report, tmp_path)
    # With few nodes most paths are folded, and no byte is lost.
    small = assert_says_the_same(analyze(run, AnalysisOptions(max_nodes=12)), tmp_path)
    raws = read_content(get_reader("leakreport"), (tmp_path / "report.html").read_bytes())
    again = analyze(build_run(raws))
    assert again.totals == report.totals
    assert again.unattributed == report.unattributed
    held = Counter[str]()
    for row in small["paths"]:
        held[str(row["leak_kind"])] += row["values"].get("retained_bytes", 0)
    wanted = Counter[str]()
    for path in json_of(report)["paths"]:
        wanted[str(path["leak_kind"])] += path["values"].get("retained_bytes", 0)
    assert +held == +wanted


def _pairs() -> list[tuple[str, str, str]]:
    names = [("memcheck-xml", f"svc-v{n}") for n in (1, 2, 3)] + [("massif", f"svc-v{n}") for n in (1, 2, 3)]
    known = set(OTHERS)
    return [(a[0], a[1], b[1]) for a, b in pairwise(names) if a[0] == b[0] and {a, b} <= known]


@pytest.mark.parametrize(("family", "before", "after"), _pairs())
@pytest.mark.parametrize("most_nodes", [20_000, 8])
def test_a_page_of_a_comparison_says_what_the_json_says(
    family: str, before: str, after: str, most_nodes: int, tmp_path: Path
) -> None:
    old, new = recorded(family, before), recorded(family, after)
    assert old is not None
    assert new is not None
    report = compare(old, new, AnalysisOptions(max_nodes=most_nodes))
    assert_says_the_same(report, tmp_path)
    raws = read_content(get_reader("leakreport"), (tmp_path / "report.html").read_bytes())
    check(build_run(raws))
    assert [raw.totals for raw in raws] == [dict(report.before.totals), dict(report.after.totals)]


@pytest.mark.parametrize("most_nodes", [20_000, 30])
def test_a_page_of_a_trend_says_what_the_json_says(most_nodes: int, tmp_path: Path) -> None:
    folder = FIXTURES / "series" / "gperftools-v1"
    run = load_inputs([str(folder / f"demo.000{number}.heap.gz") for number in range(1, 7)]).run
    assert run is not None
    report = trend(run, AnalysisOptions(max_nodes=most_nodes))
    found = assert_says_the_same(report, tmp_path)
    raws = read_content(get_reader("leakreport"), (tmp_path / "report.html").read_bytes())
    check(build_run(raws))
    assert [raw.totals for raw in raws] == [dict(point.totals) for point in report.points]
    for number, raw in enumerate(raws):
        assert raw.samples is not None
        on_paths = sum((row["series"]["retained_bytes"][number] or 0) for row in found["paths"])
        assert int(raw.samples.values["retained_bytes"].sum()) == on_paths
        wanted = sum((row["series"]["retained_bytes"][number] or 0) for row in json_of(report)["paths"])
        assert on_paths == wanted


NAMES = st.sampled_from(["main", "run", "parse", "grow", "grow", "leak", "f<int>", "operator()"])
STACKS = st.lists(NAMES, min_size=0, max_size=7)
RECORDS = st.lists(st.tuples(STACKS, st.integers(0, 1 << 40), st.integers(0, 1 << 20)), min_size=1, max_size=25)


def made(records: list[tuple[list[str], int, int]]) -> Run:
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for stack, held, blocks in records:
        builder.add([Frame(function=name, module="/bin/x") for name in stack], (held, blocks))
    totals = {"retained_bytes": 7 + sum(record[1] for record in records), "retained_blocks": sum(r[2] for r in records)}
    return build_run([RawSnapshot(SnapshotMeta(source="made", format="dhat"), totals, builder.build())])


@given(records=RECORDS, most_nodes=st.integers(1, 40))
def test_whatever_is_folded_every_sum_is_exact(records: list[tuple[list[str], int, int]], most_nodes: int) -> None:
    run = made(records)
    report = replace(analyze(run, AnalysisOptions(max_nodes=most_nodes)))
    raws = read_content(get_reader("leakreport"), page_of(report))
    again = build_run(raws)
    check(again)
    for metric, column in again.snapshots[0].columns.items():
        assert int(column.sum()) == int(run.snapshots[0].columns[metric].sum())
    # And against the recording itself nothing changed.
    found = compare(run, again)
    assert not any(found.change.values())
    assert found.verdict.status == "no-growth"
    assert not np.flatnonzero(found.rows.is_significant).size


def test_errors_past_those_that_a_page_lists_count() -> None:
    problems = tuple(RawProblem(ProblemKind.ERROR, "InvalidRead", f"number {number}", 2) for number in range(300))
    meta = SnapshotMeta(source="made", format="memcheck-xml", measures_errors=True)
    report = analyze(build_run([RawSnapshot(meta, {}, problems=problems)]))
    (raw,) = read_content(get_reader("leakreport"), page_of(report))
    assert len(raw.problems) == 200
    assert "unlisted-findings" in {note.slug for note in raw.meta.notes}
    (line,) = analyze(build_run([raw]), AnalysisOptions(fail_on=("errors",))).verdict.gate_lines
    assert (line.result, line.text) == ("failed", "600 memory errors")
