"""What pipelines read, held against the schemas and rules of those who read it, for every input and hostile names."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report, Status
from leakreport.api import analyze, load
from leakreport.render.growth_issues import issues_of_diff, issues_of_trend
from leakreport.render.interface import RenderOptions
from leakreport.render.json import document
from leakreport.render.run_issues import issues_of_run
from tests.analysis.trend_support import dumps
from tests.html_support import run_of
from tests.render.pipeline_support import (
    FORMATS,
    NAMES,
    AnyReport,
    assert_red,
    check_all,
    code_quality,
    fixture_report,
    github,
    growing,
    hostile_reports,
    junit,
    prometheus,
    sarif,
    sonar,
    svc_diff,
    teamcity,
    written,
)
from tests.support import FAMILIES, cases, fixture_path

# Validating what has thousands of deep stacks takes longer than the rest together.
HEAVY = {"python-1-mib", "python-1-mib-before", "redis", "redis-later", "redis-server"}
CHOSEN = [(family, case) for family in FAMILIES for case in cases(family)[:12] if case not in HEAVY]
LEAKING = ("memcheck-xml", "kinds")
CLEAN = ("memcheck-xml", "clean-true")
ERRORS = ("memcheck-xml", "errors")


def report_of(name: tuple[str, str], options: AnalysisOptions | None = None) -> Report:
    return analyze(load(fixture_path(*name)), config=options)


@pytest.mark.parametrize(("family", "case"), CHOSEN)
def test_every_input_gives_valid_output(family: str, case: str) -> None:
    report = fixture_report(family, case)
    if report is None:
        pytest.skip("nothing in it can be read")
    check_all(report)
    found = issues_of_run(report)
    rows = {row["id"]: row for row in json.loads(written("json", report))["paths"]}
    leaks = [issue for issue in found.issues if issue.values is not None]
    assert {one for issue in leaks for one in (issue.id, *issue.other_ids)} <= set(rows)
    # Every path that holds anything is an issue, and none is one twice; records of one leak can be beside it that do not.
    held = [row for row in rows.values() if row["leak_kind"] or row["values"].get("retained_bytes") or row["values"].get("retained_blocks")]  # fmt: skip
    assert {issue.id for issue in leaks} <= {row["id"] for row in held}
    assert sum(1 + len(issue.other_ids) for issue in leaks) <= len(report.paths)
    assert {row["id"] for row in held} <= {one for issue in leaks for one in (issue.id, *issue.other_ids)}
    results = [one for one in sarif(report)["results"] if not one["ruleId"].startswith("report.")]
    assert [result["partialFingerprints"]["leakreportId/v1"] for result in results] == [
        issue.id for issue in found.issues
    ]
    assert len(code_quality(report)) == len(sonar(report)["issues"]) == len(found.issues) + len(found.troubles)
    if not report.is_complete or report.verdict.status is Status.INCONCLUSIVE:
        assert_report_red(report)
    else:
        assert not found.troubles


def assert_report_red(report: AnyReport) -> None:
    assert_red({name: written(name, report) for name in FORMATS})


def test_a_clean_run_is_green_everywhere() -> None:
    report = report_of(CLEAN, AnalysisOptions(fail_on=("definite",)))
    assert sarif(report)["results"] == []
    assert sarif(report)["invocations"][0]["executionSuccessful"] is True
    assert code_quality(report) == []
    assert sonar(report) == {"rules": [], "issues": []}
    assert len(junit(report).findall(".//testcase")) == 3
    assert [command.name for command in github(report)] == ["notice"]
    assert {message.name for message in teamcity(report)} == {"buildStatisticValue"}
    assert [one.value for one in prometheus(report) if one.name == "leakreport_trustworthy"] == [1]


def test_an_inconclusive_gate_is_red() -> None:
    report = report_of(("memcheck-xml", "kinds"), AnalysisOptions(fail_on=("fds",)))
    assert report.verdict.gate.value == "inconclusive"
    assert_report_red(report)


def test_what_cannot_be_compared_is_red() -> None:
    report = compare(load(fixture_path("memcheck-xml", "kinds")), load(fixture_path("heaptrack", "demo-v1")))
    assert report.mismatches
    assert report.verdict.status is Status.INCONCLUSIVE
    assert {notice.slug for notice in issues_of_diff(report).troubles} == {"inconclusive", "not-comparable"}
    assert_report_red(report)


def test_too_few_points_are_red() -> None:
    from leakreport.analysis.trend import trend

    report = trend(dumps({"main@m.c:5": 4096}, {"main@m.c:5": 8192}), AnalysisOptions(fail_on=("growth",)))
    assert_report_red(report)


@pytest.mark.parametrize(
    ("name", "make"), list(hostile_reports()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_name_leaves_its_place(name: str, make: Callable[[], AnyReport]) -> None:
    report = make()
    check_all(report, RenderOptions(source_roots=("/",)))
    check_all(report)
    for form in FORMATS:
        text = written(form, report)
        assert not any(sign in text for sign in "\0\x1b\x7f\u2028\u202e\r"), form
        # A path of a file is no path any more once it is cut; all else is.
        assert form == "teamcity" or "x" * 2100 not in text.replace("x" * 5000, ""), form
    assert name


def test_every_hostile_name_is_an_annotation_of_its_own() -> None:
    report = next(make for name, make in hostile_reports() if name == "run")()
    # The verdict, three troubles, three issues, and how many more there are.
    assert len(github(report)) == 8
    assert len(code_quality(report)) == len(issues_of_run(report).issues) + len(issues_of_run(report).troubles)  # type: ignore[arg-type]
    assert len(NAMES) > 20


def test_errors_and_descriptors_have_ids_that_stay() -> None:
    first, second = (issues_of_run(report_of(("memcheck-xml", case))).issues for case in ("errors", "p6-errors"))
    ids = [{issue.id for issue in found if issue.rule.family == "error"} for found in (first, second)]
    assert all(ids)
    # Another version of the tool, other addresses: the same program.
    assert len(ids[0] & ids[1]) >= len(ids[0]) - 1
    assert all(one.startswith("e1-") for one in ids[0])


def test_fingerprints_have_no_lines_and_no_amounts() -> None:
    report = report_of(LEAKING)
    moved = replace(
        report,
        frames=tuple(frame._replace(line=None if frame.line is None else frame.line + 7) for frame in report.frames),
        findings=tuple(replace(one, message=f"{one.message} 7") for one in report.findings),
    )
    keys = [[entry["fingerprint"] for entry in code_quality(one)] for one in (report, moved)]
    assert keys[0] == keys[1]
    names = [[case.get("name") for case in junit(one).findall(".//testcase")] for one in (report, moved)]
    assert names[0] == names[1]


def test_the_place_is_that_of_the_responsible_frame() -> None:
    report = report_of(LEAKING)
    rows = {row["id"]: row for row in document(report, RenderOptions())["paths"]}  # type: ignore[attr-defined]
    entries = document(report, RenderOptions())["frames"]
    for result in sarif(report)["results"]:
        row = rows.get(result["partialFingerprints"]["leakreportId/v1"])
        if row is None or row["responsible"] is None:
            continue
        frame = entries[row["frames"][row["responsible"] if row["named_by"] is None else row["named_by"]]]  # type: ignore[index]
        place = result["locations"][0]["physicalLocation"]
        assert place["region"]["startLine"] == frame["line"]
        assert place["artifactLocation"]["uri"].endswith(frame["file"].rsplit("/", 1)[-1])
        first = result["stacks"][0]["frames"]
        assert len(first) == len(row["frames"])
        assert first[0]["location"]["message"]["text"] == entries[row["frames"][-1]]["function"]  # type: ignore[index]
        steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
        assert [step["location"]["message"] for step in steps] == [
            one["location"]["message"] for one in reversed(first)
        ]


def test_a_source_root_makes_paths_relative() -> None:
    report = report_of(LEAKING)
    folder = next(frame.directory for frame in report.frames if frame.directory)
    options = RenderOptions(source_roots=(folder,))
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif(report, options)["results"]
    }
    assert uris
    assert not any(uri.startswith("file:") or "/" in uri for uri in uris)
    assert all("file" in command.properties for command in github(report, options)[1:4])
    assert not any("file" in command.properties for command in github(report)[1:4])


def test_failures_are_those_of_the_gate() -> None:
    plain = junit(report_of(LEAKING))
    assert {case.getparent().get("classname") for case in plain.iter("failure")} == {
        "leakreport.leak.definite", "leakreport.leak.indirect", "leakreport.leak.possible",
    }  # fmt: skip
    gated = junit(report_of(LEAKING, AnalysisOptions(fail_on=("possible", "errors"))))
    failed = [case.getparent().get("classname") for case in gated.iter("failure")]
    assert set(failed) == {"leakreport.gate", "leakreport.leak.possible"}
    passing = junit(report_of(LEAKING, AnalysisOptions(max_leaked_bytes=1 << 30)))
    assert not passing.findall(".//failure")
    errors = junit(report_of(ERRORS))
    assert any(case.getparent().get("classname").startswith("leakreport.error.") for case in errors.iter("failure"))


def test_a_comparison_lists_what_grew_and_nothing_else() -> None:
    report = svc_diff()
    found = issues_of_diff(report)
    grown = {row.id for row in report.rows if row.is_significant and row.change["retained_bytes"] > 0}
    assert {issue.id for issue in found.issues} == grown
    assert grown
    states = {result["baselineState"] for result in sarif(report)["results"]}
    assert states <= {"new", "updated"}
    assert issues_of_diff(svc_diff("svc-v3", "svc-v3")).issues == []
    assert not junit(svc_diff("svc-v3", "svc-v3")).findall(".//failure")
    back = issues_of_diff(svc_diff("svc-v5", "svc-v2"))
    assert not {issue.id for issue in back.issues} & grown


def test_a_trend_lists_what_grows() -> None:
    report = growing()
    found = issues_of_trend(report)
    assert [issue.rule.id for issue in found.issues] == ["growing.none", "growing.total", "growing.total"]
    assert found.issues[0].id == report.rows[0].path.id
    check_all(report)
    assert junit(report).findall(".//failure")


def test_sizes_are_capped_with_a_note() -> None:
    from leakreport.render.sarif import SarifRenderer

    report = report_of(("gperftools", "redis"))
    run = json.loads(SarifRenderer(most_compressed_bytes=20_000).render(report, RenderOptions()))["runs"][0]
    whole = json.loads(written("sarif", report))["runs"][0]["results"]
    assert 0 < len(run["results"]) < len(whole)
    assert run["results"] == whole[: len(run["results"])]
    (note,) = [one for one in run["invocations"][0]["toolExecutionNotifications"] if one["descriptor"]["id"] == "size"]
    assert note["message"]["text"].startswith(f"{len(whole) - len(run['results'])} result")


def test_more_issues_than_anybody_reads_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(LEAKING)
    count = len(issues_of_run(report).issues)
    monkeypatch.setattr("leakreport.render.run_issues.MOST_ISSUES", 2)
    found = issues_of_run(report)
    assert (len(found.issues), found.unlisted) == (2, count - 2)
    assert f"{count - 2} more path" in found.notices[-1].text
    assert "more issue" in github(report)[-1].text


def test_entries_without_words_of_their_own_are_issues_too() -> None:
    report = report_of(LEAKING)
    whole = issues_of_run(report)
    leaks = len(report.leaks)
    cut = replace(report, findings=report.findings[1:], unlisted_leaks=1)
    found = issues_of_run(cut)
    assert {issue.id for issue in found.issues} == {issue.id for issue in whole.issues}
    assert len(found.issues) == len(whole.issues)
    assert found.issues[leaks - 1].message.endswith(".")


def test_a_deep_stack_is_cut_with_its_length() -> None:
    report = report_of(LEAKING)
    row = report.paths[0]
    deep = replace(row, frames=(row.frames[0],) * 5000 + row.frames, responsible=5000 + (row.responsible or 0), named_by=None, site=None)  # fmt: skip
    paths = (deep, *report.paths[1:])
    result = sarif(replace(report, paths=paths))["results"][0]
    assert len(result["stacks"][0]["frames"]) == 200
    assert f"200 of {5000 + len(row.frames):,} frames" in result["stacks"][0]["message"]["text"]
    assert len(written("junit", replace(report, paths=paths))) < 100_000


def test_the_marker_finds_the_comment_again() -> None:
    first, second = (
        written("comment", replace(report_of(LEAKING), title=title)).splitlines()[0]
        for title in ("svc", "--> <b>\n@all")
    )
    assert first == second == "<!-- leakreport:analysis -->"
    assert written("comment", svc_diff()).startswith("<!-- leakreport:diff -->\n")
    assert not written("github-summary", report_of(LEAKING)).startswith("<!--")


def test_a_comment_is_never_too_long() -> None:
    report = analyze(run_of([([f"{'y' * 300}{number}"], 100) for number in range(300)], "y" * 400))
    text, summary = (written(name, report) for name in ("comment", "github-summary"))
    assert 40_000 < len(text) <= 65_536 < len(summary)
    assert text.endswith("\n</details>\n")
    shown = len([line for line in text.splitlines() if line.startswith("| `p1-")])
    assert f"\n{300 - shown} more issues not shown." in text
    flood = replace(
        report, verdict=replace(report.verdict, reasons=tuple(f"{'z' * 900} {number}" for number in range(99)))
    )
    assert len(written("comment", flood)) <= 65_536


def test_figures_are_those_of_the_json() -> None:
    report = report_of(LEAKING)
    totals = {f"leakreport_{metric}": amount for metric, amount in report.totals.items()}
    samples = {one.name: one.value for one in prometheus(report) if one.name in totals}
    assert samples == totals
    statistics = {
        one.properties["key"]: int(one.properties["value"])
        for one in teamcity(report)
        if one.name == "buildStatisticValue"
    }
    assert statistics == {f"leakreport.{metric}": amount for metric, amount in report.totals.items()} | {
        "leakreport.issues": len(issues_of_run(report).issues)
    }
    diff = svc_diff()
    change = {f"leakreport_change_{metric}": amount for metric, amount in diff.change.items()}
    assert {one.name: one.value for one in prometheus(diff) if one.name in change} == change


def test_inputs_that_differ_at_the_end_of_a_long_path_stay_apart() -> None:
    report = report_of(LEAKING)
    folder = "/".join(["deep" * 10] * 8)
    inputs = tuple(
        replace(report.inputs[0], source=f"{folder}/{name}.xml", is_complete=False) for name in ("one", "two")
    )
    cut = replace(report, inputs=inputs)
    # The reader of the widget keeps one entry of each fingerprint.
    assert len([entry for entry in code_quality(cut) if entry["severity"] == "blocker"]) == 2
    assert_report_red(cut)


def test_a_summary_of_any_script_fits_into_a_step() -> None:
    report = analyze(run_of([([f"{'漢' * 300}{number}"], 100) for number in range(300)], "漢" * 400))
    assert len(written("github-summary", report).encode("utf-8")) < 1 << 20


def test_more_results_than_are_taken_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    report = replace(
        report_of(LEAKING), inputs=tuple(replace(one, is_complete=False) for one in report_of(LEAKING).inputs)
    )
    whole = sarif(report)["results"]
    monkeypatch.setattr("leakreport.render.sarif.MOST_ISSUES", 3)
    run = sarif(report)
    assert [one["ruleId"] for one in run["results"]] == [one["ruleId"] for one in whole[:3]]
    assert run["results"][0]["ruleId"] == "report.incomplete-input"
    (note,) = [one for one in run["invocations"][0]["toolExecutionNotifications"] if one["descriptor"]["id"] == "size"]
    assert note["message"]["text"].startswith(f"{len(whole) - 3} result")
