"""Service messages for TeamCity: figures as build statistics, issues as inspections, and what fails as a build problem.

Source: JetBrains, "Service messages". Longer texts than TeamCity takes are cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b

from leakreport.analysis.report import GateResult, Severity
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import Issue, IssueList, IssueRenderer
from leakreport.render.phrases import cut, printable
from leakreport.render.places import Place, Roots

LONGEST_TEXT = 3_900
"""Of 4,000; cut before it is escaped, as TeamCity counts what it has read."""
LONGEST_NAME = 250
MOST_INSPECTIONS = 1_000
"""A log is no table: the report beside it has the rest."""
_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.INFO: "INFO"}
_SPECIAL = re.compile(r"[|'\[\]\n\r]|[^\x20-\x7e]")
_ESCAPES = {"\n": "n", "\r": "r"}


class TeamcityRenderer(IssueRenderer):
    """Writes service messages, one a line."""

    name = "teamcity"
    suffix = ".txt"

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The messages."""
        return "".join(f"{line}\n" for line in _messages(found, Roots.of(options)))


def _messages(found: IssueList, roots: Roots) -> Iterator[str]:
    for metric, amount in sorted(found.totals.items()):
        yield _statistic(metric, amount)
    yield _statistic("issues", len(found.issues) + found.unlisted)
    if found.check is not None:
        for state, count in found.check.counts.items():
            yield _statistic(f"check.{state}", count)
    for rule in found.rules:
        text = cut(f"{rule.meaning} {rule.help}", LONGEST_TEXT)
        name = cut(rule.title, LONGEST_NAME)
        attributes = {"id": _type(rule.id), "name": name, "description": text, "category": "Memory"}
        yield message("inspectionType", attributes)
    for issue in found.issues[:MOST_INSPECTIONS]:
        yield _inspection(issue, found.place_of(issue, roots))
    for line in found.gate_lines:
        if line.result is GateResult.FAILED:
            yield _problem(f"{line.gate}: {line.text}", f"gate {line.gate}")
    for notice in found.troubles:
        yield _problem(notice.sentence, notice.id)


def _type(rule: str) -> str:
    return cut(f"leakreport.{rule}", LONGEST_NAME)


def _inspection(issue: Issue, place: Place) -> str:
    text = f"{issue.text} [{issue.id}]"
    attributes = {
        "typeId": _type(issue.rule.id),
        "message": cut(text, LONGEST_TEXT),
        "file": cut(printable(place.path), LONGEST_TEXT),
        "SEVERITY": _SEVERITIES[issue.severity],
    }
    if place.line is not None:
        attributes["line"] = str(place.line)
    return message("inspection", attributes)


def _statistic(name: str, amount: int) -> str:
    return message("buildStatisticValue", {"key": f"leakreport.{name}", "value": str(amount)})


def _problem(text: str, cause: str) -> str:
    # An identity has 60 characters at most; equal ones are the same problem in the next build.
    digest = blake2b(cause.encode("utf-8"), digest_size=8).hexdigest()
    return message("buildProblem", {"description": cut(text, LONGEST_TEXT), "identity": f"leakreport-{digest}"})


def message(name: str, attributes: Mapping[str, str]) -> str:
    """A service message that text cannot leave.

    >>> message("x", {"a": "it's [1|2]\\n€😀"})
    "##teamcity[x a='it|'s |[1||2|]|n|0x20ac|0xd83d|0xde00']"
    """
    pairs = " ".join(f"{key}='{_escaped(value)}'" for key, value in attributes.items())
    return f"##teamcity[{name} {pairs}]"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in "|'[]":
        return f"|{character}"
    if character in _ESCAPES:
        return f"|{_ESCAPES[character]}"
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"|0x{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
