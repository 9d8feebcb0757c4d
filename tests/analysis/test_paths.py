"""The table of paths, against the rows it gives one by one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
import pytest

from leakreport.analysis.analyze import analyze
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.paths import PathTable
from leakreport.analysis.report import PathRow, Report
from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX
from leakreport.model.builder import build_run
from tests.support import fixture_bytes, read

CASES = [
    ("memcheck-xml", "kinds"),
    ("memcheck-xml", "svc-v5"),
    ("gperftools", "sampled"),
    ("gperftools", "go-0006"),
]


@pytest.fixture(params=CASES, ids=lambda case: case[1])
def report(request: pytest.FixtureRequest) -> Report:
    family, name = request.param
    return analyze(build_run(read(family, fixture_bytes(family, name))), AnalysisOptions(group_by="function"))


def table_of(report: Report) -> PathTable:
    assert isinstance(report.paths, PathTable)
    return report.paths


def summed(rows: Iterable[PathRow]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        for metric, amount in row.values.items():
            sums[metric] = sums.get(metric, 0) + amount
    return sums


def test_a_row_is_the_same_by_iteration_index_and_slice(report: Report) -> None:
    rows = list(report.paths)
    assert len(rows) == len(report.paths) > 1
    assert [report.paths[index] for index in range(len(rows))] == rows
    assert report.paths[-1] == rows[-1]
    assert list(report.paths[1:]) == rows[1:]
    with pytest.raises(IndexError):
        report.paths[len(rows)]


def test_rows_are_those_that_are_taken_in_that_order(report: Report) -> None:
    rows = list(report.paths)
    assert list(table_of(report).taken(np.array([1, 0]))) == [rows[1], rows[0]]


def test_sums_are_those_of_the_rows(report: Report) -> None:
    table = table_of(report)
    assert table.sums() == summed(report.paths)
    assert list(table.sums()) == list(summed(report.paths))
    odd = np.arange(len(table)) % 2
    assert table.sums_by(odd, 2) == [summed(report.paths[0::2]), summed(report.paths[1::2])]


def test_a_function_holds_every_path_it_stands_on_once(report: Report) -> None:
    held: defaultdict[str | None, int] = defaultdict(int)
    for row in report.paths:
        for name in {report.frames[index].function for index in row.frames}:
            held[name] += row.values.get("retained_bytes", 0)
    known = {group.name: group.values.get("retained_bytes", 0) for group in report.by_function if group.name in held}
    assert known or not report.named_frames
    assert known == {name: held[name] for name in known}


def test_a_library_holds_the_paths_that_allocate_in_it(report: Report) -> None:
    counts = Counter(row.module or "(object not recorded)" for row in report.paths)
    assert {group.name: group.path_count for group in report.by_module} == counts
    for group in report.by_module:
        rows = [row for row in report.paths if (row.module or "(object not recorded)") == group.name]
        assert group.values == summed(rows)


def test_the_accumulation_point_holds_the_paths_through_its_function(report: Report) -> None:
    point = report.accumulation
    if point is None:
        return
    metric = "leaked_bytes" if report.totals.get("leaked_bytes") else "retained_bytes"
    rows = [row for row in report.paths if any(report.frames[i].function == point.function for i in row.frames)]
    assert summed(rows)[metric] == point.amount_bytes


def test_sums_beyond_64_bits_are_refused(report: Report) -> None:
    table = table_of(report)
    with pytest.raises(LimitExceeded):
        table.on_stacks(np.full(len(table), INT64_MAX))
