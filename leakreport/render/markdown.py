"""The report as Markdown for a ticket. Nothing of the input can become markup, a mention or a reference."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Finding, PathRow, Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.raw import Frame
from leakreport.privacy.texts import REDACTED
from leakreport.render.check_text import check_blocks
from leakreport.render.check_words import first_failing, url_of
from leakreport.render.diff_text import diff_comment
from leakreport.render.interface import Failure, RenderOptions
from leakreport.render.issues import issues_of_failure
from leakreport.render.names import shorten_name
from leakreport.render.phrases import (
    STATUS_MARKS,
    STATUS_WORDS,
    command_text,
    cut,
    finding_frames,
    frame_name,
    location,
    named_position,
    place,
    printable,
    remarks,
    site_frame,
    title_frame,
    without_outputs,
)
from leakreport.render.suppressed import hidden_words, place_of_rule, used_rules
from leakreport.render.trend_text import trend_comment
from leakreport.units import format_bytes, format_count, plural

MOST_LEAKS = 10
LONGEST_NAME = 160
"""Characters of any text in a table cell."""
LONGEST_FUNCTION = 80
"""Characters of a function in a table cell; its stack has the whole name."""

# Signs of markup, mentions and references of the usual trackers, bare links, and what starts a list.
_RISKY = re.compile(r"[@#<>&`*_\[\]|\\~=!^{}$]|:\w+:|://|www\.|^%|^[-+]+$|^\d+[.)]$", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")
_BACKSLASH_BEFORE_PIPE = re.compile(r"\\(?=\|)")


class MarkdownRenderer:
    """One short text that can be pasted into an issue."""

    name = "markdown"
    suffix = ".md"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The text of the whole output."""
        return "\n\n".join(_blocks(report, options)) + "\n"

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The same for a comparison."""
        return diff_comment(report, options)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The same for a trend."""
        return trend_comment(report, options)

    def render_failure(self, kind: str, failures: Sequence[Failure], options: RenderOptions) -> str:
        """The same where there is no report."""
        del options
        found = issues_of_failure(kind, failures)
        reasons = "".join(f"- ⚠ {prose(notice.sentence)}\n" for notice in found.troubles)
        return f"**{prose(found.headline)}: there is no verdict.**\n\n{reasons}"


def _fence(text: str, least: int) -> str:
    return "`" * max(least, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))


def code(text: str) -> str:
    """A code span that the text cannot leave.

    >>> code("a`b"), code("`x")
    ('``a`b``', '`` `x ``')
    """
    text = printable(text)
    if not text.strip():
        return "–"
    fence = _fence(text, 1)
    pad = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def cell(text: str) -> str:
    r"""A code span for a table cell: pipes are escaped, long names cut.

    >>> print(cell("operator|"))
    `operator\|`
    """
    text = printable(text)
    if len(text) > LONGEST_NAME:
        text = f"{text[: LONGEST_NAME - 1]}…"
    # A backslash of the input would take back the one that escapes the pipe.
    return code(_BACKSLASH_BEFORE_PIPE.sub("‹U+005C›", text)).replace("|", "\\|")


def linked_place(frame: Frame, options: RenderOptions) -> str:
    """Where a frame is, for a table cell; a link to its source where one is known."""
    return linked(cell(location(frame)), url_of(frame, options))


def linked(text: str, url: str | None) -> str:
    """Markdown that leads to a page, where there is one."""
    # What ends the target of a link stands in no path: it is percent-encoded there.
    return text if url is None else f"[{text}]({url.replace('(', '%28').replace(')', '%29')})"


def owner_column(owners: Iterable[str | None]) -> Iterator[str]:
    """Per row a cell for its owner, with the bar in front; nothing in any where nobody owns anything."""
    known = list(owners)
    return (f" {cell(owner or '')} |" if any(known) else "" for owner in known)


def prose(text: str) -> str:
    """A sentence whose words with signs of markup stand in code spans, neighbours in one.

    >>> prose("through journal_append, see @all of #12.")
    'through `journal_append`, see `@all` of `#12`.'
    """
    shown: list[str] = []
    span: list[str] = []
    for word in [*printable(text).split(), ""]:
        is_risky = _RISKY.search(word) is not None
        # A stop behind a name is no part of it.
        core = word.rstrip(".,;") if _RISKY.search(word.rstrip(".,;")) else word
        if is_risky:
            span.append(core)
        if span and (not is_risky or core != word):
            shown.append(code(" ".join(span)) + (word[len(core) :] if is_risky else ""))
            span = []
        if word and not is_risky:
            shown.append(word)
    return " ".join(shown)


def _fenced(text: str) -> str:
    fence = _fence(text, 3)
    return f"{fence}text\n{text}\n{fence}"


def _blocks(report: Report, options: RenderOptions) -> Iterator[str]:
    verdict = report.verdict
    marker = f"{STATUS_MARKS[verdict.status]} {STATUS_WORDS[verdict.status]}"
    yield f"**{marker}: {prose(verdict.sentence)}**"
    if verdict.lead:
        yield prose(" ".join(verdict.lead))
    leaks = report.leaks
    if report.check is not None:
        yield from check_blocks(report, options)
        worst = first_failing(report)
        if worst is not None:
            yield f"Stack of the first, innermost frame first; ▶ marks the responsible one:\n\n{_stack(report, worst)}"
    elif leaks:
        yield "\n".join(_table(report, leaks[:MOST_LEAKS], options))
        more = len(leaks) - len(leaks[:MOST_LEAKS]) + report.unlisted_leaks
        if more:
            yield f"{plural(more, 'more entry', 'more entries')} not shown."
        yield f"Stack of entry 1, innermost frame first; ▶ marks the responsible one:\n\n{_stack(report, leaks[0])}"
    if report.groups:
        yield "\n".join(_group_table(report))
    counts = list(_problem_counts(report))
    if counts:
        yield "\n".join(counts)
    yield from _suppressed(report)
    lines = [f"- Note: {code(source)}: {prose(text)}" for source, text in remarks(report)]
    lines.extend(f"- Gate: {gate.result.value}, {code(gate.gate)}: {prose(gate.text)}" for gate in verdict.gate_lines)
    if lines:
        yield "\n".join(lines)
    if options.command:
        yield _reproduce(options)
    yield _versions(report)


def _reproduce(options: RenderOptions) -> str:
    command = without_outputs(options.command)
    hidden = sum(REDACTED in argument for argument in command)
    count = f" ({plural(hidden, 'argument')} hidden)" if hidden else ""
    return f"To reproduce{count}:\n\n{_fenced(printable(command_text(command)))}"


def _table(report: Report, leaks: tuple[Finding, ...], options: RenderOptions) -> Iterator[str]:
    owners = list(owner_column(report.paths[finding.rows[0]].owner for finding in leaks))
    yield f"| | Responsible frame | Place | Allocated in | Library | Kind | Bytes | Blocks |{' Owner |' if any(owners) else ''}"
    yield f"|--:|---|---|---|---|---|--:|--:|{'---|' if any(owners) else ''}"
    for number, finding in enumerate(leaks, 1):
        row = report.paths[finding.rows[0]]
        frame, site = title_frame(report, row), site_frame(report, row)
        values = row.values if finding.values is None else finding.values
        amount, blocks = values.get("retained_bytes"), values.get("retained_blocks")
        columns = (
            str(number),
            "–" if frame is None else cell(shorten_name(frame_name(frame), LONGEST_FUNCTION)),
            "–" if frame is None else linked_place(frame, options),
            "–" if site is None else cell(shorten_name(frame_name(site), LONGEST_FUNCTION)),
            cell(row.module or ""),
            f"{finding.leak_kind.mark} {finding.leak_kind.title}",
            "–" if amount is None else _estimate(amount, row),
            "–" if blocks is None else format_count(blocks),
        )
        yield f"| {' | '.join(columns)} |{owners[number - 1]}"


def _group_table(report: Report) -> Iterator[str]:
    yield f"| By {report.selection.group_by} | Bytes | Paths |"
    yield "|---|--:|--:|"
    for group in report.groups[:MOST_LEAKS]:
        amount = group.values.get("retained_bytes")
        name = cell(shorten_name(group.name, LONGEST_FUNCTION))
        yield f"| {name} | {'–' if amount is None else format_bytes(amount)} | {format_count(group.path_count)} |"
    if len(report.groups) > MOST_LEAKS:
        yield f"| {plural(len(report.groups) - MOST_LEAKS, 'more name')} | | |"


def _estimate(amount: int, row: PathRow) -> str:
    """The bytes, with the standard error where they are an estimate."""
    error = (row.errors or {}).get("retained_bytes")
    return format_bytes(amount) if error is None else f"{format_bytes(amount)} ± {error:.1%}"


def _stack(report: Report, finding: Finding) -> str:
    indexes = finding_frames(report, finding)
    named = named_position(report, finding)
    lines = []
    for position in reversed(range(len(indexes))):
        frame = report.frames[indexes[position]]
        mark = "▶" if position == named else " "
        lines.append(f"{mark} {cut(frame_name(frame))}  {place(frame)}".rstrip())
    return _fenced("\n".join(lines) or "(no frames)")


def _problem_counts(report: Report) -> Iterator[str]:
    nouns = {"error": "Errors", "signal": "Signals", "descriptor": "Descriptors"}
    counts: dict[str, Counter[str]] = {family: Counter() for family in nouns}
    for finding in report.findings:
        family, _, kind = finding.rule.partition(".")
        if family in counts and not finding.is_leak:
            counts[family][kind] += finding.count
    for family, by_kind in counts.items():
        if by_kind:
            kinds = ", ".join(f"{format_count(count)} {code(kind)}" for kind, count in by_kind.items())
            yield f"- {nouns[family]}: {format_count(by_kind.total())} ({kinds})"


def _suppressed(report: Report) -> Iterator[str]:
    used = used_rules(report)
    lines = [f"- Suppressed: {hidden_words(use)} by {cell(use.name)}, {code(place_of_rule(use))}" for use in used]
    if len(lines) > MOST_LEAKS:
        lines[MOST_LEAKS:] = [f"- Suppressed: by {plural(len(lines) - MOST_LEAKS, 'more rule')}"]
    if lines:
        yield "\n".join(lines)


def _versions(report: Report) -> str:
    tools = dict.fromkeys(
        " ".join(part for part in (summary.tool or summary.format, summary.tool_version) if part)
        for summary in report.inputs
    )
    return ", ".join((f"leakreport {code(__version__)}", *(code(tool) for tool in tools)))
