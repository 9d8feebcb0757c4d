"""The report as stable lines for grep, one fact per line: what is written where the output is no terminal.

Grammar: `docs/terminal.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leakreport.analysis.report import PathRow, Report, Verdict
from leakreport.model.raw import Frame
from leakreport.render.check_text import check_lines
from leakreport.render.check_words import url_of
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import (
    STATUS_WORDS,
    frame_name,
    location,
    named_in,
    printable,
    problem_parts,
    problem_place,
    remarks,
    title_frame,
    word,
)
from leakreport.render.suppressed import idle_rules, used_rules

MOST_PIPED_ROWS = 25


def piped_lines(report: Report, options: RenderOptions) -> Iterator[str]:
    """The lines, without their ends."""
    verdict = report.verdict
    yield f"{STATUS_WORDS[verdict.status]} {printable(verdict.sentence)}"
    for text in verdict.lead:
        yield f"LEAD {printable(text)}"
    yield from check_lines(report, options)
    for group in report.by_kind:
        blocks = group.values.get(f"{group.name}_blocks", "-")
        yield f"KIND {word(group.name)} {group.values.get(f'{group.name}_bytes', '-')} B {blocks} blocks"
    shown = report.paths if options.verbosity >= 1 else report.paths[:MOST_PIPED_ROWS]
    stack_frames = _frame_fields(report) if options.verbosity >= 2 else []
    for row in shown:
        yield _path_line(report, row)
        if row.errors and "retained_bytes" in row.errors:
            yield f"ESTIMATE {word(row.id)} {row.errors['retained_bytes']:.4f}"
        if row.owner:
            yield owner_line(row.id, row.owner)
        yield from source_lines(row.id, title_frame(report, row), options)
        if stack_frames:
            yield from _frame_lines(report, row, stack_frames)
    if len(shown) < len(report.paths):
        yield f"MORE {len(report.paths) - len(shown)} paths"
    words = {"error": "ERROR", "signal": "SIGNAL", "descriptor": "FD"}
    groups = report.groups if options.verbosity >= 1 else report.groups[:MOST_PIPED_ROWS]
    for group in groups:
        yield f"GROUP {group.values.get('retained_bytes', '-')} B {group.path_count} paths {printable(group.name)}"
    if len(groups) < len(report.groups):
        yield f"MORE {len(report.groups) - len(groups)} groups"
    problems = list(problem_parts(report))
    listed = problems if options.verbosity >= 1 else problems[:MOST_PIPED_ROWS]
    for family, kind, finding in listed:
        frame = problem_place(report, finding)
        where = "-" if frame is None else word(location(frame))
        yield f"{words[family]} {finding.count} {word(kind)} {printable(finding.message)} {where}"
    if len(listed) < len(problems):
        yield f"MORE {len(problems) - len(listed)} problems"
    if len(report.inputs) > 1:
        for summary in report.inputs:
            lost = summary.totals.get("leaked_bytes")
            pid = "-" if summary.pid is None else summary.pid
            yield f"PROCESS {pid} {word(summary.source)} {'-' if lost is None else f'{lost} B'}"
    yield from _suppressed(report, options)
    for source, text in remarks(report):
        yield f"NOTE {printable(source)}: {printable(text)}"
    yield from closing_lines(verdict, report.next_commands)


def _suppressed(report: Report, options: RenderOptions) -> Iterator[str]:
    used = used_rules(report)
    shown = used if options.verbosity >= 1 else used[:MOST_PIPED_ROWS]
    for use in shown:
        amount = f"{use.bytes} B {use.blocks} blocks {use.records} records {use.errors} errors"
        yield f"SUPPRESSED {amount} {word(use.file)}:{use.line} {printable(use.name)}"
    if len(shown) < len(used):
        yield f"MORE {len(used) - len(shown)} suppressions"
    if options.verbosity >= 1:
        for use in idle_rules(report):
            yield f"UNUSED {word(use.file)}:{use.line} {printable(use.name)}"


def _path_line(report: Report, row: PathRow) -> str:
    frame = title_frame(report, row)
    name, where = ("???", "-") if frame is None else (frame_name(frame), word(location(frame)))
    amount = f"{row.values.get('retained_bytes', '-')} B {row.values.get('retained_blocks', '-')} blocks"
    return f"PATH {amount} {row.leak_kind.word} {word(row.module)} {name} {where} {word(row.id)}"


def source_lines(path_id: str, frame: Frame | None, options: RenderOptions) -> Iterator[str]:
    """Where the source of the frame that a path is named by is to be seen, below its own line."""
    url = url_of(frame, options)
    if url is not None:
        yield f"SOURCE {word(path_id)} {word(url)}"


def owner_line(path_id: str, owner: str) -> str:
    """Whose a path is, below its own line."""
    return f"OWNER {word(path_id)} {printable(owner)}"


def _frame_fields(report: Report) -> list[str]:
    """Per frame of the report: module, function and place, as a line of a stack ends."""
    return [f"{word(frame.module_name)} {frame_name(frame)} {word(location(frame))}" for frame in report.frames]


def _frame_lines(report: Report, row: PathRow, fields: Sequence[str]) -> Iterator[str]:
    named = named_in(row)
    for number, position in enumerate(range(len(row.frames) - 1, -1, -1)):
        frame = row.frames[position]
        role = "responsible" if position == named else "own" if report.own[frame] else "-"
        yield f"FRAME {word(row.id)} {number} {role} {fields[frame]}"


def closing_lines(verdict: Verdict, next_commands: Sequence[str]) -> Iterator[str]:
    """What ends the lines of every kind of report: the gate, and what to type next."""
    for gate in verdict.gate_lines:
        yield f"GATE {gate.result.value} {printable(gate.gate)}: {printable(gate.text)}"
    for command in next_commands:
        yield f"NEXT {printable(command)}"
