"""Reports read back: what they were made of comes out again, from the JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from leakreport.analysis.analyze import analyze
from leakreport.analysis.compare import compare
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import PathRow, Report
from leakreport.api import load_inputs
from leakreport.errors import InputError, MalformedInput, UnsupportedInput
from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.builder import build_run
from leakreport.model.check import check
from leakreport.model.raw import LeakSearch, Moment, ProblemKind, RawSnapshot
from leakreport.model.snapshot import Run
from leakreport.readers import get_reader, pick_reader
from leakreport.render.interface import RenderOptions
from leakreport.render.json import JsonRenderer
from leakreport.testing import MemoryStream, assert_reader_ok
from tests.support import FAMILIES, cases, expected, fixture_bytes, fixture_path, read

NAMES = "leakreport"
OTHERS = [(family, case) for family in FAMILIES if family != NAMES for case in cases(family)]


def written(report: Report, *, records: bool = True) -> bytes:
    return JsonRenderer().render(report, RenderOptions(records=records)).encode()


def read_back(content: bytes) -> list[RawSnapshot]:
    return read(NAMES, content)


@cache
def document(case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fixture_bytes(NAMES, case))
    return found


def changed(case: str, **members: object) -> bytes:
    return json.dumps({**document(case), **members}).encode()


def rows_of(report: Report) -> set[tuple[object, ...]]:
    return {_row(row) for row in report.paths}


def _row(row: PathRow) -> tuple[object, ...]:
    # Below six digits an error is written as 0, which is none.
    errors = tuple(sorted((metric, error) for metric, error in (row.errors or {}).items() if error))
    return (
        row.id,
        row.leak_kind,
        *sorted(row.values.items()),
        row.records,
        row.record_count,
        row.dragged_bytes,
        errors,
    )


def recorded(family: str, case: str) -> Run | None:
    return load_inputs([str(fixture_path(family, case))], unit="bytes").run


@pytest.mark.parametrize(("family", "case"), OTHERS)
def test_a_report_is_judged_as_its_recording(family: str, case: str) -> None:
    run = recorded(family, case)
    if run is None:
        pytest.skip("nothing in it can be read")
    first = analyze(run)
    content = written(first)
    assert pick_reader(MemoryStream("whatever.bin", content), DEFAULT_LIMITS).info.name == NAMES
    again = build_run(read_back(content))
    check(again)
    second = analyze(again)
    assert second.totals == first.totals
    assert second.unattributed == first.unattributed
    assert rows_of(second) == rows_of(first)
    assert second.verdict == first.verdict
    assert [finding.message for finding in second.findings] == [finding.message for finding in first.findings]
    assert [one.totals for one in second.snapshots] == [one.totals for one in first.snapshots][-len(second.snapshots) :]
    assert second.is_complete == first.is_complete
    # And once more: a report of a report says the same.
    assert rows_of(analyze(build_run(read_back(written(second))))) == rows_of(first)


@pytest.mark.parametrize("case", cases(NAMES))
def test_totals_are_those_of_the_oracle(case: str) -> None:
    raws = read_back(fixture_bytes(NAMES, case))
    wanted: list[dict[str, int]] = expected(NAMES)[case]["totals"]  # type: ignore[call-overload]
    assert len(raws) == len(wanted)
    for raw, totals in zip(raws, wanted, strict=True):
        assert totals.items() <= raw.totals.items()


@pytest.mark.parametrize("case", ["memcheck-kinds", "massif-timeline", "diff-svc", "trend-heap", "process-tree"])
def test_the_reader_stands_what_input_can_be(case: str) -> None:
    assert_reader_ok(get_reader(NAMES), fixture_bytes(NAMES, case))


@pytest.mark.parametrize("case", ["memcheck-kinds", "massif-timeline", "diff-svc"])
def test_a_cut_document_is_refused_and_says_where(case: str) -> None:
    content = fixture_bytes(NAMES, case)
    for end in range(1, len(content) - 2, len(content) // 97):
        with pytest.raises(InputError, match=r"breaks off|leakreport") as caught:
            read_back(content[:end])
        assert caught.value.exit_code == 3


# What a report keeps of a recording


def test_what_is_known_of_the_recording_comes_back() -> None:
    (raw,) = read_back(fixture_bytes(NAMES, "memcheck-kinds"))
    (source,) = read("memcheck-xml", fixture_bytes("memcheck-xml", "kinds"))
    assert raw.meta.format == "memcheck-xml"
    for name in ("tool", "tool_version", "pid", "parent_pid", "command", "tool_options", "leak_search", "kinds_recorded",
                 "measures_errors", "measures_descriptors", "moment", "is_complete", "memory_error_count"):  # fmt: skip
        assert getattr(raw.meta, name) == getattr(source.meta, name), name
    assert raw.meta.notes[: len(source.meta.notes)] == source.meta.notes
    assert raw.meta.notes[-1].slug == "from-report"
    assert "input.xml" in raw.meta.notes[-1].message


def test_errors_of_the_tool_come_back_and_fail_the_gate() -> None:
    (raw,) = read_back(fixture_bytes(NAMES, "memcheck-errors"))
    (source,) = read("memcheck-xml", fixture_bytes("memcheck-xml", "errors"))
    told = [(one.problem, one.kind, one.message, one.count) for one in source.problems]
    assert sorted((one.problem, one.kind, one.message, one.count) for one in raw.problems) == sorted(told)
    assert any(one.problem is ProblemKind.ERROR for one in raw.problems)
    gate = analyze(build_run([raw]), AnalysisOptions(fail_on=("errors",))).verdict.gate
    assert gate == "failed"


def test_a_gate_on_what_a_report_does_not_tell_is_no_pass() -> None:
    inputs = [{name: value for name, value in document("memcheck-kinds")["inputs"][0].items() if name != "looked_for"}]
    run = build_run(read_back(changed("memcheck-kinds", inputs=inputs)))
    assert analyze(run, AnalysisOptions(fail_on=("errors",))).verdict.gate == "inconclusive"
    run = build_run(read_back(fixture_bytes(NAMES, "diff-svc")))
    assert analyze(run, AnalysisOptions(fail_on=("errors",))).verdict.gate == "inconclusive"


def test_an_incomplete_recording_stays_incomplete() -> None:
    (raw,) = read_back(fixture_bytes(NAMES, "cut-recording"))
    assert not raw.meta.is_complete
    assert raw.meta.truncation is not None
    assert analyze(build_run([raw]), AnalysisOptions(fail_on=("definite",))).verdict.gate == "inconclusive"


def test_inputs_that_could_not_be_read_leave_the_report_incomplete() -> None:
    entry = document("memcheck-kinds")["inputs"][0]
    notes = [{"slug": "unreadable-inputs", "message": "1 inputs could not be read, first: x."}]
    snapshots = [{**document("memcheck-kinds")["snapshots"][0], "complete": False}]
    inputs = [{**entry, "complete": False, "notes": notes}]
    (raw,) = read_back(changed("memcheck-kinds", inputs=inputs, snapshots=snapshots))
    assert [note.slug for note in raw.meta.notes] == ["report-is-partial", "from-report"]
    assert not raw.meta.is_complete


def test_the_peak_of_a_timeline_is_judged_and_the_others_have_what_is_known() -> None:
    raws = read_back(fixture_bytes(NAMES, "massif-timeline"))
    source = list(read("massif", fixture_bytes("massif", "wave-alldetail")))
    assert [raw.totals for raw in raws] == [raw.totals for raw in source]
    assert [raw.meta.time for raw in raws] == [raw.meta.time for raw in source]
    assert [raw.meta.is_peak for raw in raws] == [raw.meta.is_peak for raw in source]
    report = analyze(build_run(raws))
    assert report.judged == 18
    assert report.moment is Moment.PEAK
    # The paths of the peak are known in the other snapshots, too.
    assert sum(raw.samples is not None for raw in raws) > 10


def test_another_snapshot_can_be_judged() -> None:
    report = analyze(build_run(read_back(fixture_bytes(NAMES, "massif-timeline"))), AnalysisOptions(at="last"))
    assert report.judged == 19
    assert report.totals["retained_bytes"] == 161200


def test_a_snapshot_that_was_chosen_is_judged_again() -> None:
    run = recorded("massif", "wave-alldetail")
    assert run is not None
    chosen = analyze(run, AnalysisOptions(at="3"))
    again = analyze(build_run(read_back(written(chosen))))
    assert again.judged == 3
    assert again.totals == chosen.totals


def test_processes_are_one_snapshot_with_a_note() -> None:
    (raw,) = read_back(fixture_bytes(NAMES, "process-tree"))
    assert "report-of-several" in {note.slug for note in raw.meta.notes}
    assert raw.meta.leak_search is LeakSearch.COMPLETE
    assert analyze(build_run([raw])).verdict.sentence.startswith("5.86 KiB lost at exit by 3 processes")


def test_of_a_comparison_the_side_after_is_judged_and_0_is_the_one_before() -> None:
    run = build_run(read_back(fixture_bytes(NAMES, "diff-svc")))
    assert analyze(run).totals["definite_bytes"] == 5376
    assert analyze(run, AnalysisOptions(at="0")).totals["definite_bytes"] == 4736
    for at, case in (("0", "svc-v1"), ("1", "svc-v2")):
        source = recorded("memcheck-xml", case)
        assert source is not None
        found, wanted = analyze(run, AnalysisOptions(at=at)), analyze(source)
        assert {(row.id, row.leak_kind, *row.values.items()) for row in found.paths} == {
            (row.id, row.leak_kind, *row.values.items()) for row in wanted.paths
        }


def test_a_trend_comes_back_as_its_points() -> None:
    raws = read_back(fixture_bytes(NAMES, "trend-heap"))
    assert [raw.meta.label for raw in raws] == [f"demo.000{number}.heap.gz" for number in range(1, 7)]
    assert all(raw.samples is not None for raw in raws)
    assert raws[-1].meta.is_judged
    assert "hidden-paths" in {note.slug for note in raws[0].meta.notes}


def test_dumps_of_a_series_keep_their_names() -> None:
    raws = read_back(fixture_bytes(NAMES, "dump-series"))
    assert [raw.meta.label for raw in raws] == [f"demo.000{number}.heap.gz" for number in range(1, 5)]
    assert {raw.meta.source for raw in raws} == {"test"}


@pytest.mark.parametrize(
    ("family", "case"),
    [("memcheck-xml", "kinds"), ("memcheck-text", "tmpl"), ("dhat", "kinds"), ("pprof", "demo-v1"), ("heaptrack", "build-a"),
     ("massif", "wave-alldetail"), ("gperftools", "java"), ("sanitizer", "asan-clang"), ("xtree", "kinds-stripped-xtleak")],
)  # fmt: skip
def test_a_recording_against_its_own_report_has_no_difference(family: str, case: str) -> None:
    run = recorded(family, case)
    assert run is not None
    found = compare(run, build_run(read_back(written(analyze(run), records=False))))
    assert not found.mismatches
    assert found.verdict.status == "no-growth"
    assert {row.matched_as for row in found.rows} <= {"exact"}
    assert not any(amount for row in found.rows for amount in row.change.values())
    assert not any(found.change.values())


def test_paths_that_options_hid_are_one_path() -> None:
    run = recorded("memcheck-xml", "kinds")
    assert run is not None
    first = analyze(run, AnalysisOptions(top=2))
    again = analyze(build_run(read_back(written(first))))
    assert again.totals == first.totals
    assert again.unattributed == first.unattributed
    names = {again.frames[row.frames[-1]].function for row in again.paths}
    assert f"{first.selection.hidden_paths} small paths" in names


# Documents that lie


def test_figures_that_do_not_add_up_are_refused() -> None:
    paths = [dict(row) for row in document("memcheck-kinds")["paths"]]
    paths[0]["values"] = {**paths[0]["values"], "retained_bytes": paths[0]["values"]["retained_bytes"] + 1}
    with pytest.raises(MalformedInput, match="retained_bytes does not add up"):
        read_back(changed("memcheck-kinds", paths=paths))
    rows = [dict(row) for row in document("diff-svc")["paths"]]
    rows[0]["after"] = {**rows[0]["after"], "retained_bytes": 1}
    with pytest.raises(MalformedInput, match="after minus before"):
        read_back(changed("diff-svc", paths=rows))
    with pytest.raises(MalformedInput, match="after minus before"):
        read_back(changed("diff-svc", change={**document("diff-svc")["change"], "retained_bytes": 7}))


def _with(case: str, place: tuple[str | int, ...], value: object) -> bytes:
    whole = json.loads(fixture_bytes(NAMES, case))
    inner = whole
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    return json.dumps(whole).encode()


DAMAGES: list[tuple[str, tuple[str | int, ...], object]] = [
    ("memcheck-kinds", ("kind",), "guess"),
    ("memcheck-kinds", ("judged",), 9),
    ("memcheck-kinds", ("judged",), True),
    ("memcheck-kinds", ("inputs",), []),
    ("memcheck-kinds", ("inputs",), {}),
    ("memcheck-kinds", ("snapshots",), []),
    ("memcheck-kinds", ("snapshots", 0, "input"), 4),
    ("memcheck-kinds", ("snapshots", 0, "time"), "now"),
    ("memcheck-kinds", ("totals", "retained_bytes"), -1),
    ("memcheck-kinds", ("totals", "retained_bytes"), 1.0),
    ("memcheck-kinds", ("totals", "retained_bytes"), 2**63),
    ("memcheck-kinds", ("totals", "retained_bytes"), True),
    ("memcheck-kinds", ("totals",), None),
    ("memcheck-kinds", ("paths", 0, "frames"), [10**9]),
    ("memcheck-kinds", ("paths", 0, "frames"), [2**40]),
    ("memcheck-kinds", ("paths", 0, "frames"), [-1]),
    ("memcheck-kinds", ("paths", 0, "frames"), ["0"]),
    ("memcheck-kinds", ("paths", 0, "frames"), None),
    ("memcheck-kinds", ("paths", 0, "leak_kind"), "sure"),
    ("memcheck-kinds", ("paths", 0, "values"), []),
    ("memcheck-kinds", ("paths", 0), 7),
    ("memcheck-kinds", ("paths", 0, "records"), [None]),
    ("memcheck-kinds", ("paths", 0, "record_count"), 10**12),
    ("memcheck-kinds", ("frames", 0, "kind"), "magic"),
    ("memcheck-kinds", ("frames", 0, "address"), "12"),
    ("memcheck-kinds", ("frames", 0, "line"), -3),
    ("memcheck-kinds", ("frames", 0, "function"), 3),
    ("memcheck-kinds", ("frames", 0, "inlined"), "no"),
    ("memcheck-kinds", ("inputs", 0, "leak_search"), "perhaps"),
    ("memcheck-kinds", ("inputs", 0, "complete"), None),
    ("memcheck-kinds", ("inputs", 0, "pid"), 2**60),
    ("memcheck-kinds", ("inputs", 0, "sampling"), {"period": -1, "unit": "bytes"}),
    ("memcheck-kinds", ("inputs", 0, "notes"), [1]),
    ("memcheck-errors", ("findings", 1, "frames"), [10**6]),
    ("memcheck-errors", ("findings", 1, "count"), "2"),
    ("dump-series", ("paths", 0, "error"), {"retained_bytes": -1}),
    ("dump-series", ("paths", 0, "error"), {"retained_bytes": 1e300}),
    ("dump-series", ("paths", 0, "series"), {"retained_bytes": [1.5]}),
    ("diff-svc", ("paths", 0, "presence"), "maybe"),
    ("diff-svc", ("paths", 0, "before"), None),
    ("diff-svc", ("after",), None),
    ("diff-svc", ("after", "input"), 5),
    ("trend-heap", ("metric",), "happiness"),
]


@pytest.mark.parametrize(("case", "place", "value"), DAMAGES, ids=lambda value: str(value)[:40])
def test_a_damaged_value_is_refused_with_its_place(case: str, place: tuple[str | int, ...], value: object) -> None:
    with pytest.raises(InputError) as caught:
        read_back(_with(case, place, value))
    assert caught.value.slug in {"malformed-input", "limit-exceeded"}


def _bombs() -> Iterator[bytes]:
    start = b'{"schema": "leakreport/1", '
    yield start + b'"paths": ' + b"[" * 100_000
    yield start + b'"totals": ' + b'{"a":' * 100_000
    yield start + b'"totals": {"retained_bytes": ' + b"9" * 100_000 + b"}}"
    yield start + b'"judged": NaN}'
    yield start + b'"judged": 1e999}'
    yield start + b'"schema": "leakreport/1"}'
    yield start + b'"totals": {"retained_bytes": 1, "retained_bytes": 2}}'
    yield start + b'"paths": [' + b"{}," * 10 + b"]}"
    yield start + b'"kind": "analysis"} and more'
    yield start + b'"kind": "analysis"}'
    yield start.rstrip(b", ") + b"}"


@pytest.mark.parametrize("content", list(_bombs()), ids=lambda content: content[27:60].decode())
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_back(content)


def test_a_later_version_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedInput, match="leakreport/2"):
        read_back(changed("memcheck-kinds", schema="leakreport/2"))


def test_members_may_come_in_any_order_and_unknown_ones_are_passed_over() -> None:
    whole = {**document("memcheck-kinds"), "later": [1, {"x": None}], "and": {"more": "of it"}}
    turned = json.dumps(dict(reversed(whole.items()))).encode()
    first, second = read_back(fixture_bytes(NAMES, "memcheck-kinds")), read_back(turned)
    assert [raw.meta for raw in first] == [raw.meta for raw in second]
    assert rows_of(analyze(build_run(first))) == rows_of(analyze(build_run(second)))


def test_a_metric_of_a_later_version_is_left_out() -> None:
    totals = {**document("memcheck-kinds")["totals"], "teleported_bytes": 4}
    (raw,) = read_back(changed("memcheck-kinds", totals=totals))
    assert "teleported_bytes" not in raw.totals
