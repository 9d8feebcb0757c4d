"""The issues of a comparison and of a trend: what is new, what is larger, what grows. What shrank or stayed is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from leakreport.analysis.diffreport import DiffReport, DiffRow, Presence
from leakreport.analysis.report import Severity, Verdict
from leakreport.analysis.trendreport import Resource, TrendReport, TrendRow
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, Note
from leakreport.render.check_words import owner_text
from leakreport.render.diff_words import more_words, row_words
from leakreport.render.issues import (
    LONGEST_WORD,
    MOST_ISSUES,
    Issue,
    IssueList,
    Notice,
    Rule,
    Stack,
    common_notices,
    told,
)
from leakreport.render.phrases import cut, printable
from leakreport.render.run_issues import leak_rule, named_position, stack_of, through
from leakreport.units import format_bytes, format_count, plural

_GROWING_TOTAL = Rule(
    "growing.total",
    "A total grows",
    "A total of the process that has no call path grows steadily: memory, descriptors, threads.",
    "Look at the paths that grow. Where none does, it is held by something that the profile does not see.",
    Severity.ERROR,
)


def issues_of_diff(report: DiffReport) -> IssueList:
    """New and larger paths outside the noise, in the order of the report."""
    worse = (row for row in report.significant if _is_worse(report, row))
    issues = [_of_row(report, row) for row in islice(worse, MOST_ISSUES)]
    unlisted = sum(1 for _ in worse)
    notices = [
        *common_notices(report.verdict, report.inputs),
        *_mismatches(report.verdict, report.mismatches),
        *(Notice("changed", Severity.INFO, line) for line in report.surroundings),
        *_more(report.notes, unlisted),
    ]
    return IssueList(
        kind=report.kind,
        title=cut(printable(report.title), LONGEST_WORD),
        verdict=report.verdict,
        inputs=report.inputs,
        issues=issues,
        unlisted=unlisted,
        notices=told(notices),
        totals=report.after.totals,
        totals_before=report.before.totals,
    )


def issues_of_trend(report: TrendReport) -> IssueList:
    """Paths that grow, then totals that grow."""
    rows = islice(report.rows, report.growing)
    issues = [_of_series(report, row) for row in islice(rows, MOST_ISSUES)]
    unlisted = sum(1 for _ in rows)
    totals = (resource for resource in report.resources if resource.row.verdict.word.value == "growing")
    issues.extend(_of_total(resource) for resource in totals)
    notices = [
        *common_notices(report.verdict, report.inputs),
        *_mismatches(report.verdict, report.mismatches),
        *_more(report.notes, unlisted),
    ]
    return IssueList(
        kind=report.kind,
        title=cut(printable(report.title), LONGEST_WORD),
        verdict=report.verdict,
        inputs=report.inputs,
        issues=issues[:MOST_ISSUES],
        unlisted=unlisted + max(len(issues) - MOST_ISSUES, 0),
        notices=told(notices),
        totals=report.points[-1].totals if report.points else {},
        totals_before=report.points[0].totals if report.points else {},
    )


def _mismatches(verdict: Verdict, reasons: Sequence[str]) -> Iterator[Notice]:
    """What cannot be compared is no pass; where the user had it compared all the same, there is a verdict."""
    severity = Severity.ERROR if verdict.status.value == "inconclusive" else Severity.WARNING
    for reason in reasons:
        yield Notice("not-comparable", severity, f"Not comparable: {reason}")


def _more(notes: Sequence[Note], unlisted: int) -> Iterator[Notice]:
    for note in notes:
        yield Notice(note.slug, Severity.INFO, note.message)
    if unlisted:
        yield Notice("unlisted", Severity.WARNING, f"{plural(unlisted, 'more path')} not listed here.")


def _is_worse(report: DiffReport, row: DiffRow) -> bool:
    change = _of(report, row.change)
    became_lost = row.leak_kind is LeakKind.DEFINITE and row.leak_kind_before is not LeakKind.DEFINITE
    return change > 0 or (row.presence is not Presence.GONE and (row.presence is Presence.NEW or became_lost))


def _of(report: DiffReport, values: Mapping[str, int]) -> int:
    """The figure that a comparison is about: rows that are lost have it as retained bytes."""
    found = values.get("retained_bytes")
    return values.get(report.metric, 0) if found is None else found


def _of_row(report: DiffReport, row: DiffRow) -> Issue:
    named = named_position(report.frames, row.frames, row.named_by, row.responsible, row.site)
    stack = stack_of(report.frames, row.frames, named)
    is_new = row.presence is Presence.NEW
    rule = leak_rule(row.leak_kind, "new" if is_new else "grown", "on a new path" if is_new else "more than before")
    if rule.severity is Severity.INFO:
        # Held memory is a matter of taste, held memory that grew is what the comparison was made for.
        rule = replace(rule, severity=Severity.WARNING)
    change, before, after = (_of(report, values) for values in (row.change, row.before, row.after))
    kind = row.leak_kind.title
    is_bytes = "retained_bytes" in row.change or report.metric.endswith("_bytes")
    larger, old, new = (
        format_bytes(amount) if is_bytes else plural(amount, "block") for amount in (change, before, after)
    )
    if is_new:
        text = f"{new} {kind} on a path that was not there before"
    elif change > 0:
        text = f"{larger} more {kind} than before ({old} → {new})"
    else:
        text = f"{new} {kind}, before it was {row.leak_kind_before.title}"
    words = [row_words(row), row.evidence, *more_words(report, row)]
    return Issue(
        rule=rule,
        id=row.id,
        message=cut(f"{text}{through(_named(stack))}."),
        advice=rule.help,
        facts=tuple(cut(printable(word)) for word in (owner_text(row.owner), *words) if word),
        stack=stack,
        values=row.change,
        leak_kind=row.leak_kind,
        module=row.module,
        other_ids=(row.id_before,) if row.id_before is not None else (),
        owner=row.owner,
    )


def _named(stack: Stack) -> Frame | None:
    return None if stack.named is None else stack.frames[stack.named]


def _of_series(report: TrendReport, row: TrendRow) -> Issue:
    path = row.path
    named = named_position(report.frames, path.frames, path.named_by, path.responsible, path.site)
    stack = stack_of(report.frames, path.frames, named)
    rule = replace(leak_rule(path.leak_kind, "growing", "growing"), severity=Severity.ERROR)
    return Issue(
        rule=rule,
        id=path.id,
        message=cut(f"It grows by {printable(row.rate)}: {_ends(row, report.metric_unit)}{through(_named(stack))}."),
        advice=rule.help,
        facts=tuple(cut(printable(word)) for word in (owner_text(path.owner), row.evidence) if word),
        stack=stack,
        values=path.values,
        leak_kind=path.leak_kind,
        module=path.module,
        other_ids=row.other_ids,
        owner=path.owner,
    )


def _of_total(resource: Resource) -> Issue:
    ends = _ends(resource.row, resource.unit)
    return Issue(
        rule=_GROWING_TOTAL,
        id=f"total-{resource.name}",
        message=f"{printable(resource.title)} grows by {printable(resource.row.rate)}: {ends}.",
        advice=_GROWING_TOTAL.help,
        facts=(cut(printable(resource.row.evidence)),),
        stack=Stack(()),
    )


def _ends(row: TrendRow, unit: str) -> str:
    first, last = (
        format_bytes(amount) if unit == "bytes" else format_count(amount)
        for amount in (row.verdict.first, row.verdict.last)
    )
    return f"{first} → {last}"
