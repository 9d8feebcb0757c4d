"""The issues of one run: the reading list, what the tool complained about, and what limits the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from leakreport.analysis.advice import LEAK_TEXTS, PROBLEM_TEXTS, SIGNAL_TEXT, UNKNOWN_PROBLEM
from leakreport.analysis.checkreport import State
from leakreport.analysis.report import Finding, PathRow, Report, Severity
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.render.check_words import StateOfRow, States, baseline_text, counts_text, owner_text
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
from leakreport.render.names import shorten_name
from leakreport.render.phrases import cut, finding_frames, frame_name, printable, remarks
from leakreport.units import format_bytes, plural


def issues_of_run(report: Report) -> IssueList:
    """The report as issues. Entries of the reading list without words of their own get short ones."""
    problems = [finding for finding in report.findings if finding.id]
    states = States(report)
    listed = [_of_finding(report, finding, states) for finding in report.leaks]
    rest = _rest(report)
    listed.extend(
        _of_row(report, row, states) for row in islice(rest, max(MOST_ISSUES - len(listed) - len(problems), 0))
    )
    listed.extend(_of_finding(report, finding, states) for finding in problems)
    if report.check is not None:
        # What is worse comes first, and what is known last.
        listed.sort(key=lambda issue: (not issue.is_failing, issue.state is State.KNOWN))
    unlisted = max(len(listed) - MOST_ISSUES, 0) + sum(1 for _ in rest)
    return IssueList(
        kind=report.kind,
        title=cut(printable(report.title), LONGEST_WORD),
        verdict=report.verdict,
        inputs=report.inputs,
        issues=listed[:MOST_ISSUES],
        unlisted=unlisted,
        notices=told(_notices(report, unlisted)),
        totals=report.totals,
        check=report.check,
        is_check=report.check is not None,
        suppressions=tuple(use for use in report.suppressions if use.is_used),
    )


def leak_rule(kind: LeakKind, family: str = "leak", verb: str = "") -> Rule:
    """The rule of a leak kind, and of growth of that kind."""
    text = LEAK_TEXTS[kind]
    title = f"Memory {kind.title}" if not verb else f"Memory {kind.title}, {verb}"
    return Rule(f"{family}.{kind.word}", title, f"{title}: {text.meaning}.", text.advice, text.severity)


def stack_of(frames: Sequence[Frame], indexes: Sequence[int], named: int | None, caption: str = "") -> Stack:
    """A stack innermost first, of indexes outermost first."""
    found = tuple(frames[index] for index in reversed(indexes))
    return Stack(found, None if named is None or not found else len(found) - 1 - named, printable(caption))


def named_position(
    frames: Sequence[Frame], indexes: Sequence[int], named_by: int | None, responsible: int | None, site: int | None
) -> int | None:
    """The position of the frame a path is named by: yours, past wrappers; else the outermost of the allocating library."""
    for position in (named_by, responsible):
        if position is not None:
            return position
    if site is None:
        return len(indexes) - 1 if indexes else None
    module = frames[indexes[site]].module
    while site > 0 and frames[indexes[site - 1]].module == module:
        site -= 1
    return site


def through(frame: Frame | None) -> str:
    """The end of a sentence that names a function."""
    if frame is None or not frame.function:
        return ""
    return f", allocated through {shorten_name(frame_name(frame), LONGEST_WORD)}"


def _of_finding(report: Report, finding: Finding, states: States) -> Issue:
    indexes = finding_frames(report, finding)
    row = report.paths[finding.rows[0]] if finding.rows else None
    known = states.of_rows([report.paths[index] for index in finding.rows])
    if row is not None:
        named = named_position(report.frames, indexes, row.named_by, row.responsible, row.site)
        rule = leak_rule(finding.leak_kind)
        # Which of the records of one leak is the largest can change from run to run.
        first = min(filter(_is_held, map(report.paths.__getitem__, finding.rows)), key=lambda one: one.id).id
    else:
        named = finding.responsible if finding.responsible is not None else len(indexes) - 1 if indexes else None
        rule = _problem_rule(finding)
        first = finding.id
    return Issue(
        rule=rule,
        id=first,
        message=cut(printable(finding.message)),
        advice=printable(finding.advice),
        facts=(*_known_facts(known, row), *(cut(printable(fact)) for fact in finding.facts)),
        stack=stack_of(report.frames, indexes, named),
        more_stacks=tuple(
            stack_of(report.frames, frames, None, cut(caption)) for caption, frames in finding.more_stacks
        ),
        values=finding.values,
        leak_kind=finding.leak_kind,
        module=None if row is None else row.module,
        other_ids=tuple(sorted(set(finding.path_ids) - {first})),
        owner=None if row is None else row.owner,
        state=None if known is None else known.state,
        is_failing=_is_failing(report, known, row),
    )


def _known_facts(known: StateOfRow | None, row: PathRow | None) -> tuple[str, ...]:
    """What the baseline says, and who owns it."""
    facts = ("" if known is None else f"In the check: {known.text}", "" if row is None else owner_text(row.owner))
    return tuple(cut(fact) for fact in facts if fact)


def _is_failing(report: Report, known: StateOfRow | None, row: PathRow | None) -> bool | None:
    """Of a path what the check says; None without a check, and for what is no path."""
    return None if report.check is None or row is None else known is not None and known.is_failing


def _problem_rule(finding: Finding) -> Rule:
    family, _, kind = finding.rule.partition(".")
    text = SIGNAL_TEXT if family == "signal" else PROBLEM_TEXTS.get(kind, UNKNOWN_PROBLEM)
    title = text.title if text is not UNKNOWN_PROBLEM else f"Error {cut(printable(kind), LONGEST_WORD)}"
    return Rule(cut(printable(finding.rule), LONGEST_WORD), title, f"{title}.", text.advice, finding.severity)


def _rest(report: Report) -> Iterator[PathRow]:
    """Rows of the reading list that no finding covers, because so many are not put into words."""
    if not report.unlisted_leaks:
        return
    covered = {row for finding in report.leaks for row in finding.rows}
    for index, row in enumerate(report.paths):
        if index not in covered and _is_held(row):
            yield row


def _is_held(row: PathRow) -> bool:
    """Whether a row is worth an entry: records of one leak can be there that hold nothing any more."""
    if row.leak_kind is not LeakKind.NONE:
        return True
    return bool(row.values.get("retained_bytes") or row.values.get("retained_blocks"))


def _of_row(report: Report, row: PathRow, states: States) -> Issue:
    known = states.of(row)
    named = named_position(report.frames, row.frames, row.named_by, row.responsible, row.site)
    stack = stack_of(report.frames, row.frames, named)
    amount, blocks = row.values.get("retained_bytes"), row.values.get("retained_blocks")
    parts = ("" if amount is None else format_bytes(amount), "" if blocks is None else plural(blocks, "block"))
    text = " in ".join(filter(None, parts)) or "An unknown amount"
    rule = leak_rule(row.leak_kind)
    where = through(None if stack.named is None else stack.frames[stack.named])
    return Issue(
        rule=rule,
        id=row.id,
        message=cut(f"{text} {row.leak_kind.title}{where}."),
        advice=rule.help,
        facts=_known_facts(known, row),
        stack=stack,
        values=row.values,
        leak_kind=row.leak_kind,
        module=row.module,
        owner=row.owner,
        state=None if known is None else known.state,
        is_failing=_is_failing(report, known, row),
    )


def _notices(report: Report, unlisted: int) -> Iterator[Notice]:
    common = common_notices(report.verdict, report.inputs)
    yield from common
    if report.check is not None:
        yield Notice("check", Severity.INFO, f"Against {baseline_text(report.check)}: {counts_text(report.check)}.")
    for finding in report.findings:
        if finding.rule.startswith("recording."):
            yield Notice(finding.rule, Severity.INFO, f"{finding.message} {finding.advice}")
    known = {notice.text for notice in common} | {finding.message for finding in report.findings}
    for source, text in remarks(report):
        if not any(text in one for one in known):
            yield Notice(source if source in {"verdict", "selection"} else "note", Severity.INFO, text)
    if unlisted:
        yield Notice("unlisted", Severity.WARNING, f"{plural(unlisted, 'more path')} not listed here.")
