"""Markdown for places that are written again: a comment on a pull request or a ticket, and GitHub's job summary.

The first line of a comment is a marker that no page shows: whoever posts it looks for a comment that starts with it and
replaces that one. It is of the command alone: where nothing could be read no program is known, and the comment of the build
before must be found all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.render.check_words import url_of
from leakreport.render.growth_issues import issues_of_diff, issues_of_trend
from leakreport.render.interface import Failure, RenderOptions
from leakreport.render.issues import Issue, IssueList, issues_of_failure
from leakreport.render.markdown import MarkdownRenderer, cell, linked, prose
from leakreport.render.phrases import location, printable
from leakreport.render.places import Place, Roots
from leakreport.render.run_issues import issues_of_run
from leakreport.units import plural

LONGEST_COMMENT = 65_000
"""Characters; GitHub takes 65,536, GitLab more."""
LONGEST_SUMMARY = 250_000
"""Characters; GitHub takes 1 MiB of UTF-8 per step."""
MOST_ROWS = 200


class GithubSummaryRenderer:
    """The Markdown text, and a table of all issues."""

    name = "github-summary"
    suffix = ".md"
    is_binary = False
    longest = LONGEST_SUMMARY

    def render(self, report: Report, options: RenderOptions) -> str:
        """The output for one run."""
        return self._written(MarkdownRenderer().render(report, options), issues_of_run(report), options)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The output for a comparison."""
        return self._written(MarkdownRenderer().render_diff(report, options), issues_of_diff(report), options)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The output for a trend."""
        return self._written(MarkdownRenderer().render_trend(report, options), issues_of_trend(report), options)

    def render_failure(self, kind: str, failures: Sequence[Failure], options: RenderOptions) -> str:
        """The output where nothing could be read."""
        found = issues_of_failure(kind, failures)
        return self._written(f"**{prose(found.headline)}: there is no verdict.**\n", found, options)

    def _written(self, text: str, found: IssueList, options: RenderOptions) -> str:
        head = "".join(f"{line}\n" for line in self.head(found))
        troubles = "".join(f"- ⚠ {prose(notice.sentence)}\n" for notice in found.troubles)
        start = head + (f"{troubles}\n" if troubles else "") + text
        if len(start) > self.longest:
            # A table cut in half is no table: the first lines say what matters.
            end = start.rfind("\n\n", 0, self.longest - 100)
            return f"{start[: max(end, 0)]}\n\nThe rest is left out: it is too long.\n"
        return start + _table(found, options, self.longest - len(start))

    def head(self, found: IssueList) -> Sequence[str]:
        """The first lines."""
        del found
        return ()


class CommentRenderer(GithubSummaryRenderer):
    """The same behind a marker, and short enough for a comment."""

    name = "comment"
    longest = LONGEST_COMMENT

    def head(self, found: IssueList) -> Sequence[str]:
        """The marker."""
        return (marker(found),)


def marker(found: IssueList) -> str:
    """A comment of HTML that says which command wrote this; nothing of the input is in it."""
    return f"<!-- leakreport:{'check' if found.is_check else found.kind} -->"


def _table(found: IssueList, options: RenderOptions, room: int) -> str:
    """All issues with their ids, folded; as many as there is room for."""
    if not found.issues:
        return ""
    columns = _columns(found, options)
    head = (
        f"\n<details><summary>{plural(len(found.issues) + found.unlisted, 'issue')} with ids</summary>\n\n"
        f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n"
    )
    rows: list[str] = []
    room -= len(head) + 200
    for row in _rows(found, columns):
        room -= len(row)
        if room < 0:
            break
        rows.append(row)
    more = len(found.issues) - len(rows) + found.unlisted
    tail = f"\n{plural(more, 'more issue')} not shown.\n" if more else ""
    return f"{head}{''.join(rows)}{tail}\n</details>\n" if rows else ""


def _columns(found: IssueList, options: RenderOptions) -> dict[str, Callable[[Issue], str]]:
    """By title what each column says of an issue."""
    roots = Roots.of(options)
    columns: dict[str, Callable[[Issue], str]] = {
        "Id": lambda issue: cell(issue.id),
        "Rule": lambda issue: cell(issue.rule.id),
        "Function": lambda issue: cell(issue.title),
        "Place": lambda issue: linked(_where(issue, found.place_of(issue, roots)), url_of(issue.named_frame, options)),
    }
    if found.check is not None:
        columns["State"] = lambda issue: "–" if issue.state is None else issue.state.value
    if any(issue.owner for issue in found.issues):
        columns["Owner"] = lambda issue: cell(issue.owner) if issue.owner else "–"
    return columns


def _rows(found: IssueList, columns: Mapping[str, Callable[[Issue], str]]) -> Iterator[str]:
    for issue in found.issues[:MOST_ROWS]:
        yield f"| {' | '.join(told(issue) for told in columns.values())} |\n"


def _where(issue: Issue, place: Place) -> str:
    """As the tables above it write the same frame; of issues without such a file the place of the pipelines."""
    frame = issue.named_frame
    if frame is not None and frame.path:
        return cell(location(frame))
    return cell(printable(place.path if place.line is None else f"{place.path}:{place.line}"))
