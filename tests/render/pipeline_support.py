"""Readers of the formats that pipelines read, written from their specifications, and reports to feed them with."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import jsonschema
from lxml import etree
from prometheus_client.parser import text_string_to_metric_families

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import GateLine, GateResult, Report, Status, Verdict
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, load_inputs
from leakreport.render import as_diff, as_trend, get_renderer
from leakreport.render.interface import RenderOptions
from tests.analysis.trend_support import dumps
from tests.html_support import HOSTILE, hostile_diff, made_trend, run_of
from tests.render.test_markdown import make_report
from tests.support import FIXTURES, fixture_path

FORMATS = ("sarif", "codequality", "junit", "sonar", "github", "github-summary", "comment", "prometheus", "teamcity")
# Names that try to leave each of the formats.
NAMES = (*HOSTILE, "]]>", "::error::x", "%0A::set-output::", "a,b:c=d", "##teamcity[x a='1']", "it's|n[x]", 'q"\\', "a\nb\r", "a|b|n", "\x7f\x1b[31m", "\uffff\ufffe", "-->", "../../etc/passwd", "a b#c?d")  # fmt: skip
AnyReport = Report | DiffReport | TrendReport


def _schema(name: str) -> Any:
    return json.loads((FIXTURES / "schemas" / name).read_text(encoding="utf-8"))


SARIF = jsonschema.Draft4Validator(_schema("sarif-schema-2.1.0.json"))
CODE_QUALITY = jsonschema.Draft202012Validator(_schema("codequality.schema.json"))
SONAR = jsonschema.Draft202012Validator(_schema("sonar-generic-issues.schema.json"))
JUNIT = etree.XMLSchema(etree.parse(str(FIXTURES / "schemas" / "junit-10.xsd")))


def written(name: str, report: AnyReport, options: RenderOptions | None = None) -> str:
    renderer, options = get_renderer(name), options or RenderOptions()
    if isinstance(report, DiffReport):
        return as_diff(renderer).render_diff(report, options)
    if isinstance(report, TrendReport):
        return as_trend(renderer).render_trend(report, options)
    text = renderer.render(report, options)
    assert isinstance(text, str)
    return text


def sarif(report: AnyReport, options: RenderOptions | None = None) -> Any:
    return sarif_of(written("sarif", report, options))


def sarif_of(text: str) -> Any:
    """The only run of a valid document that GitHub takes: it refuses several runs of one tool in a file since 2025."""
    document = json.loads(text)
    SARIF.validate(document)
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    # What GitHub says of files that it refuses: "SARIF results exceed one or more limits", "SARIF support".
    assert len(gzip.compress(text.encode("ascii"), 6)) < 10_000_000
    assert len(run["results"]) <= 25_000
    assert len(rules) <= 25_000
    for rule in rules:
        assert len(rule["properties"]["tags"]) <= 20
        assert len(rule["id"]) <= 255
        assert len(rule["name"]) <= 255
        assert len(rule["shortDescription"]["text"]) <= 1024
        assert len(rule["fullDescription"]["text"]) <= 1024
        # It would make a security alert of every leak.
        assert "security-severity" not in rule["properties"]
    for result in run["results"]:
        assert 0 < len(result["locations"]) <= 1000
        assert (
            sum(len(flow["locations"]) for one in result.get("codeFlows", ()) for flow in one["threadFlows"]) <= 10_000
        )
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        for location in _locations(result):
            artifact = location["physicalLocation"]["artifactLocation"]
            assert ("uriBaseId" in artifact) != artifact["uri"].startswith("file:///")
            assert not artifact["uri"].startswith("/")
    return run


def _locations(result: Any) -> list[Any]:
    steps = [
        step["location"]
        for one in result.get("codeFlows", ())
        for flow in one["threadFlows"]
        for step in flow["locations"]
    ]
    frames = [frame["location"] for stack in result.get("stacks", ()) for frame in stack["frames"]]
    placed = [one for one in (*steps, *frames) if "artifactLocation" in one.get("physicalLocation", ())]
    return [*result["locations"], *placed]


def code_quality(report: AnyReport, options: RenderOptions | None = None) -> Any:
    return code_quality_of(written("codequality", report, options))


def code_quality_of(text: str) -> Any:
    document = json.loads(text)
    CODE_QUALITY.validate(document)
    fingerprints = [entry["fingerprint"] for entry in document]
    assert len(set(fingerprints)) == len(fingerprints)
    return document


def sonar(report: AnyReport, options: RenderOptions | None = None) -> Any:
    return sonar_of(written("sonar", report, options))


def sonar_of(text: str) -> Any:
    document = json.loads(text)
    SONAR.validate(document)
    rules = [rule["id"] for rule in document["rules"]]
    assert len(set(rules)) == len(rules)
    assert {issue["ruleId"] for issue in document["issues"]} == set(rules)
    return document


def junit(report: AnyReport, options: RenderOptions | None = None) -> Any:
    return junit_of(written("junit", report, options))


def junit_of(text: str) -> Any:
    root = etree.fromstring(text.encode("utf-8"))
    JUNIT.assertValid(root)
    cases = root.findall(".//testcase")
    for element in (root, root.find("testsuite")):
        assert element is not None
        assert int(element.get("tests", "")) == len(cases)
        assert int(element.get("failures", "")) == len(root.findall(".//failure"))
        assert int(element.get("errors", "")) == len(root.findall(".//error"))
    names = [(case.get("classname"), case.get("name")) for case in cases]
    assert len(set(names)) == len(names)
    return root


class Command(NamedTuple):
    name: str
    properties: dict[str, str]
    text: str


def github(report: AnyReport, options: RenderOptions | None = None) -> list[Command]:
    return github_of(written("github", report, options))


def github_of(text: str) -> list[Command]:
    """Workflow commands as the runner reads them: up to the second `::`, properties apart at commas, then unescaped."""
    found = []
    for line in text.split("\n")[:-1]:
        assert line.startswith("::")
        head, end, message = line[2:].partition("::")
        assert end
        name, _, listed = head.partition(" ")
        properties = dict(entry.split("=", 1) for entry in listed.split(","))
        assert set(properties) <= {"file", "line", "title"}
        assert name in {"error", "warning", "notice"}
        found.append(Command(name, {key: _unescaped(value) for key, value in properties.items()}, _unescaped(message)))
    return found


def _unescaped(text: str) -> str:
    codes = {"0D": "\r", "0A": "\n", "3A": ":", "2C": ",", "25": "%"}
    assert re.sub("%(0D|0A|3A|2C|25)", "", text).count("%") == 0
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u202e]", text)
    return re.sub("%(0D|0A|3A|2C|25)", lambda match: codes[match[1]], text)


def teamcity(report: AnyReport, options: RenderOptions | None = None) -> list[Command]:
    return teamcity_of(written("teamcity", report, options))


def teamcity_of(text: str) -> list[Command]:
    message = re.compile(r"##teamcity\[(\w+)((?: \w+='(?:\|0x[0-9a-f]{4}|\|[|'\[\]nr]|[^|'\[\]])*')+)\]")
    attribute = re.compile(r" (\w+)='((?:\|.|[^|'])*)'")
    limits = {"id": 255, "name": 255, "typeId": 255, "identity": 60}
    found = []
    for line in text.split("\n")[:-1]:
        assert line.isascii()
        assert line.isprintable()
        match = message.fullmatch(line)
        assert match, line
        values = {key: _plain(value) for key, value in attribute.findall(match[2])}
        for key, value in values.items():
            assert 0 < len(value) <= limits.get(key, 4000), key
        found.append(Command(match[1], values, ""))
    return found


def _plain(text: str) -> str:
    named = {"n": "\n", "r": "\r"}
    text = re.sub(r"\|(?:0x([0-9a-f]{4})|(.))",
                  lambda match: chr(int(match[1], 16)) if match[1] else named.get(match[2], match[2]), text)  # fmt: skip
    return text.encode("utf-16", "surrogatepass").decode("utf-16")


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def prometheus(report: AnyReport, options: RenderOptions | None = None) -> list[Sample]:
    return prometheus_of(written("prometheus", report, options))


def prometheus_of(text: str) -> list[Sample]:
    """The samples as the client's own reader finds them; each family once, a gauge with a help text, none twice."""
    assert text.endswith("\n")
    # An older reader knows no escapes beyond these three.
    assert not {"\\", "\r"} & set(re.sub(r'\\[\\n"]', "", text))
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(set(names)) == len(names) == text.count("# TYPE ") == text.count("# HELP ")
    assert all(family.type == "gauge" and len(family.documentation) > 5 for family in families)
    found = [Sample(one.name, dict(one.labels), one.value) for family in families for one in family.samples]
    assert len(found) == len([line for line in text.splitlines() if not line.startswith("#")])
    keys = [(one.name, tuple(sorted(one.labels.items()))) for one in found]
    assert len(set(keys)) == len(keys)
    return found


def assert_red(texts: Mapping[str, str]) -> None:
    """None of the formats looks green to whoever reads it."""
    run = sarif_of(texts["sarif"])
    assert run["invocations"][0]["executionSuccessful"] is False
    assert any(one["level"] == "error" for one in run["invocations"][0]["toolExecutionNotifications"])
    assert any(one["ruleId"].startswith("report.") and one["level"] == "error" for one in run["results"])
    assert any(entry["severity"] == "blocker" for entry in code_quality_of(texts["codequality"]))
    assert any(issue["ruleId"].startswith("report.") for issue in sonar_of(texts["sonar"])["issues"])
    assert junit_of(texts["junit"]).findall(".//error")
    assert github_of(texts["github"])[0].name == "error"
    assert any(message.name == "buildProblem" for message in teamcity_of(texts["teamcity"]))
    assert [one.value for one in prometheus_of(texts["prometheus"]) if one.name == "leakreport_trustworthy"] == [0]
    for name in ("comment", "github-summary"):
        assert "⚠" in texts[name].splitlines()[name == "comment"]


def check_all(report: AnyReport, options: RenderOptions | None = None) -> None:
    """Every format holds this report, validly, twice the same, and as UTF-8."""
    for reader in (sarif, code_quality, sonar, junit, github, teamcity, prometheus):
        reader(report, options)
    for name in FORMATS:
        text = written(name, report, options)
        assert text == written(name, report, options), name
        text.encode("utf-8")


def fixture_report(family: str, case: str) -> Report | None:
    run = load_inputs([str(fixture_path(family, case))], unit="bytes").run
    return None if run is None else analyze(run)


def hostile_run() -> Report:
    """Every hostile name as function, file, folder, module, source and message."""
    report = analyze(run_of([([name, name], 100 + number) for number, name in enumerate(NAMES)], NAMES[0]))
    named = make_report(count=1, name="x" * 5000)
    frames = tuple(
        frame._replace(directory=f"/{NAMES[number % len(NAMES)]}", file=NAMES[number % len(NAMES)], line=number, module=NAMES[number % len(NAMES)])
        for number, frame in enumerate(report.frames)
    )  # fmt: skip
    problems = tuple(
        replace(finding, id=f"e1-{number}", rule=f"{finding.rule.partition('.')[0]}.{name}", message=name, frames=(0, 1), more_stacks=())
        for number, name in enumerate(NAMES)
        for finding in named.findings[1:2]
    )  # fmt: skip
    lines = tuple(GateLine(f"--fail-on {name}", GateResult.FAILED, name) for name in NAMES)
    verdict = Verdict(Status.LEAK, " ".join(NAMES), NAMES, GateResult.FAILED, lines, NAMES)
    inputs = tuple(
        replace(report.inputs[0], source=name, is_complete=number % 2 == 0) for number, name in enumerate(NAMES)
    )
    return replace(
        report,
        title=" ".join(NAMES),
        frames=frames,
        findings=(*report.findings, *problems),
        verdict=verdict,
        inputs=inputs,
    )


@cache
def growing() -> TrendReport:
    steady = [
        {"main@main.c:20 leak@leak.c:7": 196_608 * phase, "main@main.c:12 load@load.c:9": 4096}
        for phase in range(1, 13)
    ]
    return trend(dumps(*steady))


def svc_diff(before: str = "svc-v2", after: str = "svc-v5") -> DiffReport:
    loaded = [load_inputs([str(fixture_path("memcheck-xml", case))]).run for case in (before, after)]
    assert loaded[0] is not None
    assert loaded[1] is not None
    return compare(loaded[0], loaded[1])


def hostile_reports() -> Iterator[tuple[str, Callable[[], AnyReport]]]:
    yield "run", hostile_run
    yield "diff", hostile_diff
    yield "trend", lambda: made_trend({name: list(range(0, 12_000, 1_000)) for name in HOSTILE})
