"""Annotations for GitHub Actions: workflow commands on standard output, the verdict and the first three issues.

GitHub shows ten annotations of a kind and step at most, so the rest belongs into the job summary: `github-summary`.

Source: GitHub, "Workflow commands"; the escapes are those of actions/toolkit, `command.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.analysis.checkreport import State
from leakreport.analysis.report import GateResult, Severity
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import Issue, IssueList, IssueRenderer
from leakreport.render.phrases import printable
from leakreport.render.places import Base, Place, Roots
from leakreport.units import plural

MOST_ISSUES = 3
MOST_TROUBLES = 3
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


class GithubRenderer(IssueRenderer):
    """Writes workflow commands, one a line."""

    name = "github"
    suffix = ".txt"

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The commands."""
        return "".join(f"{line}\n" for line in _commands(found, Roots.of(options)))


def _commands(found: IssueList, roots: Roots) -> Iterator[str]:
    is_red = found.verdict.gate is GateResult.FAILED or found.troubles
    title = f"leakreport: {found.title}" if found.title else "leakreport"
    gates = [f"{line.gate}: {line.result.value}: {line.text}" for line in found.gate_lines]
    text = "\n".join((found.headline, *gates))
    yield command("error" if is_red else "notice", text, {"title": title})
    for notice in found.troubles[:MOST_TROUBLES]:
        yield command("error", notice.sentence, {"title": f"leakreport: {notice.slug}"})
    shown = [issue for issue in found.issues if issue.state is not State.KNOWN][:MOST_ISSUES]
    for issue in shown:
        yield _annotation(issue, issue.place(roots))
    more = len(found.issues) - len(shown) + found.unlisted
    if more:
        yield command("notice", f"{plural(more, 'more issue')}: see the job summary.", {"title": title})


def _annotation(issue: Issue, place: Place | None) -> str:
    properties = {}
    # Only a file of the repository can be annotated.
    if place is not None and place.is_source and place.base is Base.PROJECT:
        properties["file"] = printable(place.path)
        if place.line is not None:
            properties["line"] = str(place.line)
    properties["title"] = f"{issue.rule.title}: {issue.title}"
    text = "\n".join((issue.message, *issue.facts, issue.advice, issue.id))
    return command(_COMMANDS[issue.severity], text, properties)


def command(name: str, text: str, properties: dict[str, str]) -> str:
    """A workflow command that text cannot leave.

    >>> command("error", "100%\\n::x::", {"file": "a,b:c.c"})
    '::error file=a%2Cb%3Ac.c::100%25%0A::x::'
    """
    written = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {written}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
