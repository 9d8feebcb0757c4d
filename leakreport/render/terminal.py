"""The report in a terminal: tables for people. Where the output is no terminal, `lines` has the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Finding, GateResult, PathRow, Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame
from leakreport.render.check_screen import check_screen
from leakreport.render.check_words import States, first_failing, owner_text, url_of
from leakreport.render.diff_text import diff_lines, diff_screen
from leakreport.render.interface import RenderOptions
from leakreport.render.lines import piped_lines
from leakreport.render.phrases import (
    STATUS_MARKS,
    STATUS_WORDS,
    finding_frames,
    frame_name,
    named_in,
    named_position,
    place,
    printable,
    problem_parts,
    problem_place,
    remarks,
    site_frame,
    title_frame,
)
from leakreport.render.screen import Line, fit, fit_name, paragraph, rule, wrapped
from leakreport.render.suppressed import hidden_words, idle_rules, place_of_rule, used_rules
from leakreport.render.trend_screen import trend_screen
from leakreport.render.trend_text import trend_lines
from leakreport.units import format_bytes, format_count, format_share, plural

NARROWEST = 80
MOST_LEAK_ROWS = 10
MOST_STACK_LINES = 12
BAR_CELLS = 20

_GATE_MARKS = {GateResult.FAILED: "✗", GateResult.PASSED: "✓", GateResult.INCONCLUSIVE: "?", GateResult.NOT_ASKED: " "}
_KIND_BY_WORD = {kind.word: kind for kind in LEAK_KINDS}
_EIGHTHS = " ▏▎▍▌▋▊▉"


class TerminalRenderer:
    """Tables for people in a terminal, one fact per line elsewhere."""

    name = "terminal"
    suffix = ".txt"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The text of the whole output."""
        if not options.is_terminal:
            return "".join(f"{line}\n" for line in piped_lines(report, options))
        return _written(list(_screen(report, options, max(options.width, NARROWEST))), options)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The same for a trend."""
        if not options.is_terminal:
            return "".join(f"{line}\n" for line in trend_lines(report, options))
        return _written(list(trend_screen(report, options)), options)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The same for a comparison."""
        if options.is_terminal:
            return diff_screen(report, options)
        return "".join(f"{line}\n" for line in diff_lines(report, options))


def _written(lines: Sequence[Line], options: RenderOptions) -> str:
    if options.with_colour:
        return _coloured(lines)
    return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)


def _coloured(lines: Sequence[Line]) -> str:
    from rich.color import ColorSystem
    from rich.style import Style

    # Pieces are painted one by one: a rich Console takes 34 s for the 270,000 lines that -vv can have.
    styles = {name: Style.parse(name) for line in lines for _, name in line if name}
    found: list[str] = []
    for line in lines:
        text = line
        while text and not text[-1][0].rstrip():
            text = text[:-1]
        if text:
            text = (*text[:-1], (text[-1][0].rstrip(), text[-1][1]))
        found.extend(
            styles[style].render(piece, color_system=ColorSystem.EIGHT_BIT) if style else piece for piece, style in text
        )
        found.append("\n")
    return "".join(found)


def _bar(part: int, whole: int) -> str:
    if part <= 0 or whole <= 0:
        return ""
    eighths = max(round(part * BAR_CELLS * 8 / whole), 1)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _screen(report: Report, options: RenderOptions, width: int) -> Iterator[Line]:
    verdict = report.verdict
    yield ()
    yield from _header(report, width)
    yield ()
    marker = f"{STATUS_MARKS[verdict.status]} {STATUS_WORDS[verdict.status]}"
    for number, line in enumerate(wrapped(printable(verdict.sentence), width - len(marker) - 2)):
        lead = ((marker, "bold reverse"),) if number == 0 else ((" " * len(marker), ""),)
        yield (*lead, ("  ", ""), (line, "bold"))
    for text in verdict.lead:
        yield from paragraph(text, width)
    yield from check_screen(report, options, width)
    yield from _kinds_table(report, width)
    # A check lists leaks by what is known of them; with -v all paths stand below it.
    if report.check is None or options.verbosity >= 1:
        yield from _leaks_table(report, options, width)
    yield from _groups(report, options, width)
    # -vv shows the stack of every entry, else the first stands for all.
    entries = _entries(report, options)
    if report.check is not None and options.verbosity < 2:
        worst = first_failing(report)
        entries = [entry for entry in _entries(report, replace(options, verbosity=1)) if entry.finding is worst][:1]
    lines: _StackLines = {}
    for number, entry in enumerate(entries if options.verbosity >= 2 else entries[:1], 1):
        yield from _detail(report, entry, number, options, width, lines)
    yield from _problems(report, width)
    if len(report.inputs) > 1:
        yield from _processes(report, width)
    yield from _suppressed(report, options, width)
    yield from _closing(report, width)


def _header(report: Report, width: int) -> Iterator[Line]:
    facts: list[str] = []
    label = None
    if len(report.inputs) == 1:
        summary = report.inputs[0]
        label = summary.label
        facts.append(" ".join(part for part in (summary.tool or summary.format, summary.tool_version) if part))
        if summary.pid is not None:
            facts.append(f"pid {summary.pid}")
    else:
        facts.append(plural(len(report.inputs), "input"))
    facts.append(plural(report.record_count, "loss record"))
    if report.frames:
        facts.append(f"{format_share(report.named_frames, len(report.frames))} of frames named")
    title = ", ".join(part for part in (report.title or "(unknown program)", label) if part)
    yield from paragraph(f"{printable(title)}   {', '.join(facts)}", width)


def _kinds_table(report: Report, width: int) -> Iterator[Line]:
    if not report.by_kind:
        return
    whole = max(group.values.get(f"{group.name}_bytes", 0) for group in report.by_kind)
    yield ()
    yield ((f"{'Kind':<18}{'Bytes':>12}{'Blocks':>12}{'Paths':>9}", ""),)
    yield rule(width)
    for group in report.by_kind:
        kind = _KIND_BY_WORD.get(group.name)
        title = printable(group.name) if kind is None else f"{kind.mark} {kind.title}"
        amount = group.values.get(f"{group.name}_bytes", 0)
        blocks = group.values.get(f"{group.name}_blocks")
        numbers = f"{format_bytes(amount):>12}{'–' if blocks is None else format_count(blocks):>12}"
        yield (
            (f"{fit(title, 18)}{numbers}{format_count(group.path_count):>9}   ", ""),
            (_bar(amount, whole), "orange3"),
        )


def _kind_text(kind: LeakKind) -> str:
    return f"{kind.mark} {kind.title.removesuffix(' lost').removeprefix('still ')}"


_StackLines = dict[int, str]
"""Per frame index its line in a stack without the mark: a frame stands in many stacks, and names are slow to shorten."""


class _Entry(NamedTuple):
    """One row of the table of leaks; without a finding past the cap of the reading list."""

    row: PathRow
    kind: LeakKind
    values: Mapping[str, int]
    finding: Finding | None


def _entries(report: Report, options: RenderOptions) -> list[_Entry]:
    entries = []
    for finding in report.leaks:
        row = report.paths[finding.rows[0]]
        values = row.values if finding.values is None else finding.values
        entries.append(_Entry(row, finding.leak_kind, values, finding))
    if options.verbosity < 1:
        return entries[:MOST_LEAK_ROWS]
    listed = {index for finding in report.leaks for index in finding.rows}
    entries.extend(
        _Entry(row, row.leak_kind, row.values, None) for index, row in enumerate(report.paths) if index not in listed
    )
    return entries


def _leaks_table(report: Report, options: RenderOptions, width: int) -> Iterator[Line]:
    shown = _entries(report, options)
    if not shown:
        return
    number_cells = max(2, len(str(len(shown))))
    names = width - number_cells - 3 - 2 - 2 - 13 - 15
    first_cells = names * 9 // 20
    second_cells = names - first_cells
    indent = " " * (number_cells + 3)
    yield ()
    head = f"{indent}{fit('Responsible frame', first_cells)}  {fit('Allocated in', second_cells)}  {'Kind':<13}"
    yield ((f"{head}{'Bytes':>15}", ""),)
    yield rule(width)
    for number, (row, kind, values, _) in enumerate(shown, 1):
        frame, site = title_frame(report, row), site_frame(report, row)
        amount, blocks = values.get("retained_bytes"), values.get("retained_blocks")
        name = fit("???", first_cells) if frame is None else fit_name(frame, first_cells)
        yield (
            (f"{number:>{number_cells}}   ", ""),
            (name, "" if row.responsible is None else "bold"),
            (f"  {fit_name(site, second_cells)}  ", ""),
            (fit(_kind_text(kind), 13), ""),
            (f"{'–' if amount is None else format_bytes(amount):>15}", ""),
        )
        where = "" if frame is None else place(frame)
        module = printable(row.module or "")
        below = f"{indent}{fit(where, first_cells, keep_end=True)}  {fit(module, second_cells, keep_end=True)}  "
        yield ((f"{below}{'' if blocks is None else plural(blocks, 'block'):>28}", "dim"),)
        if row.owner:
            yield ((f"{indent}{fit(owner_text(row.owner), width - len(indent))}", "dim"),)
    hidden = 0 if options.verbosity >= 1 else len(report.leaks) - len(shown) + report.unlisted_leaks
    if hidden:
        yield ()
        yield ((f"  {plural(hidden, 'more entry', 'more entries')} (-v lists them)", ""),)


def _shown_positions(count: int, responsible: int | None, options: RenderOptions) -> list[int]:
    """Which frames of a stack are shown, counted from the innermost."""
    if count <= MOST_STACK_LINES or options.verbosity >= 1:
        return list(range(count))
    if responsible is None or responsible < MOST_STACK_LINES - 2:
        return list(range(MOST_STACK_LINES - 1))
    around = range(responsible - 1, min(responsible + 3, count))
    return [*range(MOST_STACK_LINES - 1 - len(around)), *around]


def _detail(
    report: Report, entry: _Entry, number: int, options: RenderOptions, width: int, lines: _StackLines
) -> Iterator[Line]:
    """The stack of an entry, and what the reading list says about it."""
    finding = entry.finding
    label = f"{number}  "
    yield ()
    if finding is None:
        frame = title_frame(report, entry.row)
        name = "???" if frame is None else frame_name(frame)
        yield from paragraph(f"{name}: {entry.kind.title}", width, label=label, style="bold")
        yield from _stack(report, entry.row.frames, named_in(entry.row), options, width, lines)
        return
    yield from paragraph(finding.message, width, label=label, style="bold")
    frames, named = finding_frames(report, finding), named_position(report, finding)
    yield from _stack(report, frames, named, options, width, lines)
    yield ()
    known = States(report).of(entry.row)
    about = (
        "" if known is None else f"In the check: {known.text}",
        owner_text(entry.row.owner),
        url_of(title_frame(report, entry.row), options) or "",
    )
    for fact in (*about, *finding.facts):
        if fact:
            yield from paragraph(fact, width, label="   ")
    if finding.advice:
        yield from paragraph(finding.advice, width, label="   What to check: ")


def _stack_line(frame: Frame, width: int) -> str:
    name_cells = (width - 5) * 3 // 5
    return f"{fit_name(frame, name_cells)}  {fit(place(frame), width - 5 - name_cells, keep_end=True)}"


def _stack(
    report: Report, indexes: Sequence[int], named: int | None, options: RenderOptions, width: int, lines: _StackLines
) -> Iterator[Line]:
    innermost_first = indexes[::-1]
    responsible = None if named is None else len(indexes) - 1 - named
    previous = -1
    for position in _shown_positions(len(indexes), responsible, options):
        if position != previous + 1:
            yield ((f"   ⋯ {format_count(position - previous - 1)} more", "dim"),)
        previous = position
        index = innermost_first[position]
        if index not in lines:
            lines[index] = _stack_line(report.frames[index], width)
        is_responsible = position == responsible
        style = "bold" if is_responsible else "dim" if responsible is not None and position < responsible else ""
        yield ((f" {'▶' if is_responsible else ' '} {lines[index]}", style),)
    if previous < len(indexes) - 1:
        yield ((f"   ⋯ {format_count(len(indexes) - 1 - previous)} more", "dim"),)


def _groups(report: Report, options: RenderOptions, width: int) -> Iterator[Line]:
    """The sums that --group-by asks for."""
    shown = report.groups if options.verbosity >= 1 else report.groups[:MOST_LEAK_ROWS]
    if not shown:
        return
    names = width - 15 - 9
    yield ()
    yield ((f"{fit(f'By {report.selection.group_by}', names)}{'Bytes':>15}{'Paths':>9}", ""),)
    yield rule(width)
    for group in shown:
        amount = group.values.get("retained_bytes")
        numbers = f"{'–' if amount is None else format_bytes(amount):>15}{format_count(group.path_count):>9}"
        yield ((f"{fit(printable(group.name), names)}{numbers}", ""),)
    if len(shown) < len(report.groups):
        yield ((f"  {plural(len(report.groups) - len(shown), 'more name')} (-v lists them)", ""),)


def _problems(report: Report, width: int) -> Iterator[Line]:
    titles = {"error": "Errors", "signal": "Signals", "descriptor": "Descriptors"}
    for family, title in titles.items():
        groups: dict[str, list[Finding]] = {}
        for found, kind, finding in problem_parts(report):
            if found == family:
                groups.setdefault(kind, []).append(finding)
        if not groups:
            continue
        yield ()
        yield ((title, ""),)
        yield rule(width)
        for kind, findings in groups.items():
            frame = problem_place(report, findings[0])
            where = place(frame) if frame is not None else ""
            message = f"{findings[0].message}{f'   {where}' if where else ''}"
            count = format_count(sum(finding.count for finding in findings))
            yield from paragraph(message, width, label=f"{count:>6}  {fit(printable(kind), 24)}  ")


def _processes(report: Report, width: int) -> Iterator[Line]:
    yield ()
    source_cells = width - 10 - 15 - 15 - 2
    yield ((f"{'Process':>8}  {fit('Input', source_cells)}{'Lost':>15}{'Retained':>15}", ""),)
    yield rule(width)
    for summary in report.inputs:
        amounts = (summary.totals.get(metric) for metric in ("leaked_bytes", "retained_bytes"))
        numbers = "".join(f"{'–' if amount is None else format_bytes(amount):>15}" for amount in amounts)
        pid = "–" if summary.pid is None else str(summary.pid)
        yield ((f"{fit(pid, 8) if len(pid) > 8 else pid.rjust(8)}  ", ""),
               (f"{fit(printable(summary.source), source_cells, keep_end=True)}{numbers}", ""))  # fmt: skip


def _suppressed(report: Report, options: RenderOptions, width: int) -> Iterator[Line]:
    """What the rules of --suppressions hid, and with -v those that hid nothing."""
    used = used_rules(report)
    shown = used if options.verbosity >= 1 else used[:MOST_LEAK_ROWS]
    idle = idle_rules(report) if options.verbosity >= 1 else []
    if not shown and not idle:
        return
    yield ()
    yield (("Suppressed", ""),)
    yield rule(width)
    for use in [*shown, *idle]:
        text = f"{printable(use.name)}   {place_of_rule(use)}"
        yield from paragraph(text, width, label=f"{fit(hidden_words(use), 36)}  ")
    if len(shown) < len(used):
        yield ((f"  {plural(len(used) - len(shown), 'more rule')} (-v lists them)", ""),)


def _closing(report: Report, width: int) -> Iterator[Line]:
    notes = remarks(report)
    if notes:
        yield ()
    for source, text in notes:
        yield from paragraph(f"{source}: {text}", width, label="  Note:  ")
    if report.verdict.gate_lines:
        yield ()
    for gate in report.verdict.gate_lines:
        text = f"{_GATE_MARKS[gate.result]} {gate.result.value}, {gate.gate}: {gate.text}"
        yield from paragraph(text, width, label="  Gate:  ")
    if report.next_commands:
        yield ()
    for command in report.next_commands:
        # A command is never broken: it is there to be copied.
        yield (("  Next:  ", ""), (printable(command), ""))
