"""GitLab's Code Quality report: a JSON list, of which the merge request shows what is not in the target branch's.

The widget compares fingerprints only, so a fingerprint has no line and no amount in it: it is the id of the path and its
kind. A path of a file and a line are required: what has no source is placed at its object, or at the profile, line 1.

Source: GitLab, "Code Quality", "Code Quality report format".
"""

from __future__ import annotations

import json

from leakreport.analysis.report import Severity
from leakreport.render.check_words import url_of
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import Issue, IssueList, IssueRenderer, Notice
from leakreport.render.phrases import printable
from leakreport.render.places import Place, Roots

_SEVERITIES = {Severity.WARNING: "minor", Severity.INFO: "info"}


class CodeQualityRenderer(IssueRenderer):
    """Writes one entry per issue, and one per reason not to trust the rest."""

    name = "codequality"
    suffix = ".json"

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The list, one line an entry."""
        roots = Roots.of(options)
        entries = [_trouble(notice, found.source_place(notice, roots)) for notice in found.troubles]
        entries.extend(
            _entry(issue, found.place_of(issue, roots), url_of(issue.named_frame, options)) for issue in found.issues
        )
        lines = ",\n".join(json.dumps(entry, ensure_ascii=True) for entry in entries)
        return f"[\n{lines}\n]\n" if lines else "[]\n"


def _entry(issue: Issue, place: Place, url: str | None) -> dict[str, object]:
    return {
        "description": issue.text,
        "check_name": issue.rule.id,
        "fingerprint": f"{issue.id}-{issue.rule.id}",
        "severity": _severity(issue),
        "location": _location(place),
        "content": {"body": issue.advice if url is None else f"{issue.advice}\n\n<{url}>"},
    }


def _severity(issue: Issue) -> str:
    """An error of the program can do anything; lost memory is what this tool is for; the rest is milder."""
    if issue.severity is Severity.ERROR:
        return "critical" if issue.rule.family in {"error", "signal"} else "major"
    return _SEVERITIES[issue.severity]


def _trouble(notice: Notice, place: Place) -> dict[str, object]:
    return {
        "description": notice.sentence,
        "check_name": notice.rule.id,
        "fingerprint": f"report.{notice.id}",
        "severity": "blocker",
        "location": _location(place),
    }


def _location(place: Place) -> dict[str, object]:
    return {"path": printable(place.path), "lines": {"begin": place.line or 1}}
