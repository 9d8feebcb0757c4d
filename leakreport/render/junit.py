"""JUnit XML, as Jenkins, GitLab, Azure and others show as test results: a test case per gate, per issue, and two more.

Those two are there when nothing was found as well: `inputs` is an error where an input is not whole, `verdict` where there
is none. Names hold no amounts, lines or process numbers, so that a test keeps its history.

Source: jenkinsci/xunit-plugin, `junit-10.xsd`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple
from xml.etree import ElementTree as ET

from leakreport import __version__
from leakreport.analysis.checkreport import CheckedLeak, State
from leakreport.analysis.report import GateLine, GateResult, Severity, Verdict
from leakreport.model.metrics import LeakKind
from leakreport.render.check_words import leak_name, state_text, url_of
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import Issue, IssueList, IssueRenderer
from leakreport.render.phrases import cut, frame_name, printable
from leakreport.render.places import Place, Roots

MOST_FRAMES = 100
LONGEST_NAME = 500
# What XML 1.0 cannot hold and `printable` lets through.
_NOT_XML = re.compile("[\ufffe\uffff]")


class _Case(NamedTuple):
    group: str
    name: str
    outcome: str
    """`failure`, `error`, `skipped`, or empty where it passed."""
    kind: str
    message: str
    text: str


class JunitRenderer(IssueRenderer):
    """Writes one test suite."""

    name = "junit"
    suffix = ".xml"

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The document."""
        roots = Roots.of(options)
        cases = [*_verdict_cases(found), *_gate_cases(found)]
        cases.extend(
            _issue_case(found, issue, found.place_of(issue, roots), url_of(issue.named_frame, options))
            for issue in found.issues
        )
        cases.extend(map(_fixed_case, found.fixed))
        counts = {
            "tests": str(len(cases)),
            "failures": str(sum(case.outcome == "failure" for case in cases)),
            "errors": str(sum(case.outcome == "error" for case in cases)),
        }
        skipped = {"skipped": str(sum(case.outcome == "skipped" for case in cases))}
        root = ET.Element("testsuites", {"name": "leakreport", **counts})
        suite = ET.SubElement(
            root, "testsuite", {"name": _text(f"leakreport {found.kind} {found.title}"), **counts, **skipped}
        )
        properties = ET.SubElement(suite, "properties")
        for name, value in (("leakreport.version", __version__), ("leakreport.verdict", found.verdict.status.value)):
            ET.SubElement(properties, "property", {"name": name, "value": value})
        for case in cases:
            _add(suite, case)
        if found.notices:
            notes = "\n".join(f"{one.severity.value}: {one.sentence}" for one in found.notices)
            ET.SubElement(suite, "system-out").text = _text(notes)
        ET.indent(root, " ")
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _text(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _add(suite: ET.Element, case: _Case) -> None:
    entry = ET.SubElement(suite, "testcase", {"classname": f"leakreport.{_text(case.group)}", "name": _text(case.name)})
    if case.outcome:
        attributes = {"type": _text(case.kind), "message": _text(case.message)}
        ET.SubElement(entry, case.outcome, attributes).text = _text(case.text)
    else:
        ET.SubElement(entry, "system-out").text = _text(case.text)


def _verdict_cases(found: IssueList) -> Sequence[_Case]:
    # Without any input that was read, whatever kept it from being read is about all of them.
    inputs = [notice for notice in found.troubles if notice.source or not found.inputs]
    doubts = [notice for notice in found.troubles if not notice.source and notice.slug != "gate-inconclusive"]
    lines = "\n".join(notice.sentence for notice in inputs)
    reasons = "\n".join(notice.text for notice in doubts)
    return (
        _Case("report", "inputs", "error" if inputs else "", inputs[0].slug if inputs else "", inputs[0].text if inputs else "",
              lines or "Every input was read to its end."),
        _Case("report", "verdict", "error" if doubts else "", "inconclusive", doubts[0].text if doubts else "",
              reasons or found.headline),
    )  # fmt: skip


def _gate_cases(found: IssueList) -> Sequence[_Case]:
    outcomes = {"failed": "failure", "inconclusive": "error"}
    return [
        _Case("gate", line.gate, outcomes.get(line.result.value, ""), "gate", line.text,
              f"{found.headline}\n{line.text}")
        for line in found.gate_lines
    ]  # fmt: skip


def _issue_case(found: IssueList, issue: Issue, place: Place, url: str | None) -> _Case:
    outcome = "failure" if fails(issue, found.verdict) else "skipped" if issue.state is State.KNOWN else ""
    name = f"{issue.title} {issue.id}"
    message = issue.facts[0] if outcome == "skipped" else issue.message
    return _Case(issue.rule.id, name, outcome, issue.rule.id, message, "\n".join(_lines(issue, place, url)))


def _fixed_case(leak: CheckedLeak) -> _Case:
    """A leak of the baseline that is no more: the test case that failed or was skipped passes."""
    kind = leak.kinds[0].word if leak.kinds else LeakKind.NONE.word
    return _Case(f"leak.{kind}", f"{leak_name(leak)} {leak.id}", "", "", "", state_text(leak.state, leak))


def _lines(issue: Issue, place: Place, url: str | None) -> Sequence[str]:
    where = printable(place.path) if place.line is None else f"{printable(place.path)}:{place.line}"
    lines = [issue.message, *issue.facts, issue.advice, "", f"at {where}", *([] if url is None else [url])]
    for stack in (issue.stack, *issue.more_stacks):
        lines += ["", stack.caption] if stack.caption else [""]
        for number, frame in enumerate(stack.frames[:MOST_FRAMES]):
            mark = ">" if number == stack.named else " "
            source = printable(frame.path or frame.module or "")
            line = "" if frame.path is None or frame.line is None else f":{frame.line}"
            lines.append(f"{mark} {cut(frame_name(frame), LONGEST_NAME)}  {source}{line}".rstrip())
        if len(stack.frames) > MOST_FRAMES:
            lines.append(f"  ({len(stack.frames) - MOST_FRAMES} more frames)")
    return lines


def fails(issue: Issue, verdict: Verdict) -> bool:
    """Whether an issue makes a run red: by the check or the thresholds that failed, or without any if it is lost or an error."""
    if issue.is_failing is not None:
        return issue.is_failing and verdict.gate is GateResult.FAILED
    if not verdict.gate_lines:
        return issue.is_lost or issue.rule.severity is Severity.ERROR
    return any(_is_meant(issue, line) for line in verdict.gate_lines if line.result.value == "failed")


def _is_meant(issue: Issue, line: GateLine) -> bool:
    option, _, words = line.gate.partition(" ")
    family = issue.rule.family
    if option == "--max-leaked":
        return issue.is_lost
    if option == "--max-growth":
        # A threshold for one library has a line of its own; which issues are meant only the analysis knows.
        return "=" not in words and family in {"new", "grown", "growing"}
    if words in {"errors", "fds"}:
        return family == {"errors": "error", "fds": "descriptor"}[words]
    if words in {"any", "growth", "new"}:
        of_words = {"any": {"leak", "new", "grown", "growing"}, "growth": {"new", "grown", "growing"}, "new": {"new"}}
        return family in of_words[words]
    return family == "leak" and issue.leak_kind.word == words
