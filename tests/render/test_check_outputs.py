"""What a baseline knows of each leak, who owns it and where its source is, in every format that pipelines and people read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from leakreport.analysis.checkreport import BaselineSummary, BudgetLine, CheckedLeak, CheckResult, State
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import GateLine, GateResult, PathRow, Report
from leakreport.analysis.trend import trend
from leakreport.api import analyze, compare, load
from leakreport.model.metrics import LeakKind
from leakreport.owners.owners import Owners, owner_rules
from leakreport.render.interface import RenderOptions
from leakreport.render.run_issues import issues_of_run
from leakreport.render.source_links import SourceLinks
from leakreport.repository.paths import RepositoryPaths
from tests.render.pipeline_support import (
    FORMATS,
    NAMES,
    SARIF,
    AnyReport,
    check_all,
    code_quality,
    github,
    junit,
    prometheus,
    sarif,
    teamcity,
    written,
)
from tests.render.test_pipeline_formats import report_of
from tests.support import fixture_path

LEAKING = ("memcheck-xml", "kinds")
STATES = (State.NEW, State.GREW, State.EXPIRED, State.KNOWN)
OWNERS = Owners(owner_rules([("kinds.c", "@vg|team"), ("svc.c", "@vg|team")]), None, RepositoryPaths())
URL = "https://forge.example/g/p/blob/{commit}/{path}#L{line}"


def links(tmp_path: Path) -> SourceLinks:
    """To a repository that has the sources of the profile."""
    (tmp_path / "vg" / "build").mkdir(parents=True)
    for name in ("vg/kinds.c", "vg/build/svc.c"):
        (tmp_path / name).touch()
    return SourceLinks(RepositoryPaths.below(tmp_path), URL, "abc123")


def leak_of(row: PathRow, state: State, name: str = "leaky", **more: Any) -> CheckedLeak:
    amount = row.values.get("retained_bytes", 0)
    before = {} if state is State.NEW else {"bytes": amount // 2 if state is State.GREW else amount}
    found = CheckedLeak(
        id=row.id, state=state, is_counted=state is not State.KNOWN, kinds=(row.leak_kind,), function=name,
        file="/src/demo/vg/kinds.c", line=7, module="kinds", before=before, after={"bytes": amount},
        evidence="lines +3", first_seen="2026-01-02",
    )  # fmt: skip
    return replace(found, **more)


FIXED = CheckedLeak(
    id="p1-00000000000000ff", state=State.FIXED, is_counted=False, kinds=(LeakKind.DEFINITE,), function="was_leaky",
    file="/src/demo/vg/gone.c", line=9, module="kinds", before={"bytes": 4096, "blocks": 2}, after={},
    evidence="not in this run", first_seen="2026-01-02",
)  # fmt: skip


def checked(*, owners: Owners | None = None, fixed: CheckedLeak = FIXED, name: str = "leaky") -> Report:
    """A report of which the first paths have each state in turn, and which misses one leak of the baseline."""
    report = report_of(LEAKING, AnalysisOptions(owners=owners))
    rows = list({row.id: row for row in report.paths}.values())
    leaks = [leak_of(row, STATES[number % 4], name) for number, row in enumerate(rows)]
    by_id = {leak.id: leak.state for leak in leaks}
    ordered = sorted((*leaks, fixed), key=lambda leak: [*STATES, State.FIXED].index(leak.state))
    states = {(row.id, row.leak_kind): by_id[row.id] for row in report.paths}
    budget = BudgetLine(
        "total=+5%", is_implied=False, result=GateResult.FAILED, now=300, last=200, anchor=100, limit=210
    )
    check = CheckResult(
        BaselineSummary("leakreport-baseline.json", is_found=True, leak_count=4), tuple(ordered), states, (budget,), ()
    )
    verdict = replace(
        report.verdict, gate=GateResult.FAILED, gate_lines=(GateLine("new", GateResult.FAILED, "2 leaks are new"),)
    )
    return replace(report, check=check, verdict=verdict)


def by_state(report: Report) -> dict[State, set[str]]:
    assert report.check is not None
    return {state: {leak.id for leak in report.check.of(state)} for state in State}


def test_every_format_stays_valid() -> None:
    check_all(checked())
    SARIF.validate(json.loads(written("sarif-full", checked())))


def test_sarif_says_what_is_new() -> None:
    report = checked()
    states = by_state(report)
    words = {"new": State.NEW, "grew": State.GREW, "expired": State.EXPIRED, "known": State.KNOWN}
    expected = {"new": "new", "grew": "updated", "expired": "unchanged", "known": "unchanged"}
    results = sarif(report)["results"]
    assert {one["properties"]["state"] for one in results} == set(words)
    for one in results:
        word = one["properties"]["state"]
        assert one["partialFingerprints"]["leakreportId/v1"] in states[words[word]]
        assert one["baselineState"] == expected[word]
        assert (one["level"] == "note") == (word == "known" or one["ruleId"] == "leak.reachable")
    # GitHub would make an open alert of it.
    assert not any(one["baselineState"] == "absent" for one in results)
    told = [one["message"]["text"] for one in sarif(report)["invocations"][0]["toolExecutionNotifications"]]
    assert any(FIXED.id in text for text in told)


def test_all_results_of_sarif_have_the_absent_ones() -> None:
    run = json.loads(written("sarif-full", checked()))["runs"][0]
    (gone,) = [one for one in run["results"] if one["baselineState"] == "absent"]
    assert (gone["kind"], gone["level"], gone["ruleId"]) == ("pass", "none", "leak.definite")
    assert gone["partialFingerprints"]["leakreportId/v1"] == FIXED.id
    assert run["tool"]["driver"]["rules"][gone["ruleIndex"]]["id"] == gone["ruleId"]


def test_junit_fails_for_what_is_worse_only() -> None:
    report = checked()
    states = by_state(report)
    root = junit(report)

    def ids(xpath: str) -> set[str]:
        return {name.rpartition(" ")[2] for name in root.xpath(f"//testcase[{xpath}]/@name") if " p1-" in name}

    assert ids("failure") == states[State.NEW] | states[State.GREW] | states[State.EXPIRED]
    assert ids("skipped") == states[State.KNOWN]
    assert ids("not(failure or skipped)") == {FIXED.id}
    assert root.find("testsuite").get("skipped") == str(len(root.findall(".//skipped")))


def test_what_was_fixed_keeps_the_name_of_its_test_case() -> None:
    # In the run before it was a leak of the reading list, named by its frame.
    report = report_of(LEAKING)
    before = {(case.get("classname"), case.get("name")) for case in junit(report).findall(".//testcase")}
    issue = issues_of_run(report).issues[0]
    gone = replace(FIXED, id=issue.id, kinds=(issue.leak_kind,), function=issue.named_frame.function)  # type: ignore[union-attr]
    clean = replace(report_of(("memcheck-xml", "clean-true")), check=CheckResult(None, (gone,), {}, (), ()))
    after = {(case.get("classname"), case.get("name")) for case in junit(clean).findall(".//testcase")}
    assert (f"leakreport.{issue.rule.id}", f"{issue.title} {issue.id}") in before & after


def test_annotations_are_of_what_is_worse() -> None:
    report = checked()
    known = by_state(report)[State.KNOWN]
    commands = github(report)
    assert len([one for one in commands if "p1-" in one.text]) == 3
    assert not any(name in one.text for one in commands for name in known)


def test_known_leaks_stay_listed_and_mild() -> None:
    # The widget of a merge request shows what the target branch has not: what is known must be in both.
    report = checked()
    states = by_state(report)
    entries = {entry["fingerprint"].partition("-leak")[0]: entry["severity"] for entry in code_quality(report)}
    assert {name for name, severity in entries.items() if severity == "info"} >= states[State.KNOWN]
    assert set(entries) == set().union(*(states[state] for state in STATES))


def test_counts_by_state() -> None:
    report = checked()
    assert report.check is not None
    counts = {one.labels["state"]: one.value for one in prometheus(report) if one.name == "leakreport_check_leaks"}
    assert counts == report.check.counts
    statistics = {
        one.properties["key"]: one.properties["value"] for one in teamcity(report) if one.name == "buildStatisticValue"
    }
    assert statistics["leakreport.check.new"] == str(report.check.counts["new"])


@pytest.mark.parametrize("name", ["markdown", "comment", "github-summary"])
def test_markdown_has_a_section_for_each_state(name: str) -> None:
    text = written(name, checked())
    places = [
        text.index(title)
        for title in ("**New: ", "**Grew: ", "**Accepted until", "<summary>Known: ", "<summary>Fixed: ")
    ]
    assert places == sorted(places)
    assert FIXED.id in text
    assert "total=+5%" in text
    assert text.count("<details>") == text.count("</details>")


def test_lines_for_grep_name_every_leak() -> None:
    report = checked()
    lines = [line.split(" ") for line in written("terminal", report).splitlines() if line.startswith("STATE ")]
    assert {(line[1], line[5]) for line in lines} == {
        (state.value, name) for state, names in by_state(report).items() for name in names
    }
    (fixed,) = [line for line in lines if line[1] == "fixed"]
    assert fixed[2:5] == ["4096", "-", "B"]


def test_a_terminal_and_a_page_show_every_state() -> None:
    report = checked()
    screen = written("terminal", report, RenderOptions(is_terminal=True, verbosity=1))
    page = written("html", report)
    for text in (screen, page):
        for leak in report.check.leaks if report.check is not None else ():
            assert leak.id in text
        assert "was_leaky" in text
    assert 'id="check"' in page
    assert 'id="check"' not in written("html", report_of(LEAKING))


def test_the_table_has_a_column_for_each() -> None:
    report = checked(owners=OWNERS)
    rows = list(csv.DictReader(io.StringIO(written("csv", report))))
    paths = {(row["id"], row["state"]) for row in rows if row["id"]}
    assert paths == {(name, state.value) for state in STATES for name in by_state(report)[state]}
    assert {row["owner"] for row in rows if row["id"]} >= {"'@vg|team"}


REPORTS: dict[str, Callable[[Owners | None], AnyReport]] = {
    "analysis": lambda owners: analyze(load(fixture_path(*LEAKING)), config=AnalysisOptions(owners=owners)),
    "check": lambda owners: checked(owners=owners),
    "diff": lambda owners: compare(
        load(fixture_path("memcheck-xml", "svc-v2")),
        load(fixture_path("memcheck-xml", "svc-v5")),
        config=AnalysisOptions(owners=owners),
    ),
    "trend": lambda owners: trend(load(fixture_path("massif", "svc-v5")), AnalysisOptions(owners=owners)),
}


@pytest.mark.parametrize("kind", REPORTS)
def test_every_format_names_the_owner(kind: str) -> None:
    report: AnyReport = REPORTS[kind](OWNERS)
    for name in (*FORMATS, "terminal", "json", "markdown", "html", "csv"):
        # A trend without growth has no issues.
        if kind == "trend" and name in FORMATS:
            continue
        text = written(name, report, RenderOptions(verbosity=1)).replace("||", "|")
        assert "vg|team" in text or "vg\\|team" in text, name
        assert "vg|team" not in written(name, REPORTS[kind](None)).replace("||", "|"), name
    check_all(report)


@pytest.mark.parametrize("kind", REPORTS)
def test_links_lead_to_the_line(kind: str, tmp_path: Path) -> None:
    report: AnyReport = REPORTS[kind](None)
    options = RenderOptions(source_links=links(tmp_path), verbosity=1)
    shown = {"terminal", "markdown", "html"} | (
        {"sarif", "junit", "codequality", "comment", "github-summary"} if kind != "trend" else set()
    )
    for name in sorted(shown):
        text = written(name, report, options)
        assert "https://forge.example/g/p/blob/abc123/vg/" in text, name
        assert "forge.example" not in written(name, report, RenderOptions(verbosity=1)), name


def test_hostile_names_of_a_baseline_stay_where_they_are() -> None:
    for name in NAMES:
        bad = replace(FIXED, function=name, file=f"/{name}", module=name, evidence=name, reason=name, id_before=name)
        report = checked(fixed=bad, name=name, owners=Owners(owner_rules([("kinds.c", "@x")]), None, RepositoryPaths()))
        assert report.check is not None
        report = replace(
            report, check=replace(report.check, baseline=BaselineSummary(name, is_found=False, leak_count=1))
        )
        check_all(report)
        for form in ("markdown", "html", "terminal", "csv", "sarif-full"):
            text = written(form, report)
            assert not any(sign in text for sign in "\0\x1b\x7f\u2028\u202e\r"), form
        assert "<script>alert" not in written("html", report)
