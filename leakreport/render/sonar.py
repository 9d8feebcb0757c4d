"""SonarQube's generic issue format, of version 10.3 and later: rules with software qualities, and issues.

Sonar leaves out issues in files that are no part of the analysed project, and says so in its log. Both ways to rate a rule
are written: impacts for the current mode, type and severity for the standard experience (10.8 and later).

Source: SonarSource, "Generic formatted issue reports".
"""

from __future__ import annotations

import json

from leakreport.analysis.report import Severity
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import Issue, IssueList, IssueRenderer, Notice, Rule
from leakreport.render.names import shorten_name
from leakreport.render.phrases import frame_name, printable
from leakreport.render.places import Place, Roots

MOST_SECONDARY = 20
"""Frames of a stack beside the first, nearest to the place of the issue."""
LONGEST_NAME = 200
ENGINE = "leakreport"
_IMPACTS = {Severity.ERROR: "HIGH", Severity.WARNING: "MEDIUM", Severity.INFO: "LOW"}
_SEVERITIES = {Severity.ERROR: "CRITICAL", Severity.WARNING: "MAJOR", Severity.INFO: "INFO"}


class SonarRenderer(IssueRenderer):
    """Writes rules and issues."""

    name = "sonar"
    suffix = ".json"

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The document."""
        roots = Roots.of(options)
        issues = [_trouble(notice, found.source_place(notice, roots)) for notice in found.troubles]
        issues.extend(_issue(issue, found.place_of(issue, roots), roots) for issue in found.issues)
        rules = (*found.trouble_rules, *found.rules)
        return json.dumps({"rules": [_rule(rule) for rule in rules], "issues": issues}, indent=1) + "\n"


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": rule.title,
        "description": f"{rule.meaning} {rule.help}",
        "engineId": ENGINE,
        "cleanCodeAttribute": "LOGICAL",
        "type": "CODE_SMELL" if rule.severity is Severity.INFO else "BUG",
        "severity": _SEVERITIES[rule.severity],
        "impacts": [{"softwareQuality": "RELIABILITY", "severity": _IMPACTS[rule.severity]}],
    }


def _issue(issue: Issue, place: Place, roots: Roots) -> dict[str, object]:
    message = f"{issue.text} [{issue.id}]"
    entry: dict[str, object] = {"ruleId": issue.rule.id, "primaryLocation": _location(place, message)}
    callers = []
    for number, frame in enumerate(issue.stack.frames):
        where = roots.place(frame)
        if where is not None and where.line is not None and where != place:
            distance = abs(number - (issue.stack.named or 0))
            callers.append((distance, number, where, shorten_name(frame_name(frame), LONGEST_NAME)))
    nearest = sorted(sorted(callers)[:MOST_SECONDARY], key=lambda caller: caller[1])
    if nearest:
        entry["secondaryLocations"] = [_location(where, name) for _, _, where, name in nearest]
    return entry


def _trouble(notice: Notice, place: Place) -> dict[str, object]:
    return {"ruleId": notice.rule.id, "primaryLocation": _location(place, notice.sentence)}


def _location(place: Place, message: str) -> dict[str, object]:
    found: dict[str, object] = {"message": message, "filePath": printable(place.path)}
    if place.line is not None:
        found["textRange"] = {"startLine": place.line}
    return found
