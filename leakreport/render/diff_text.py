"""A comparison as stable lines for grep, and as a Markdown comment. Grammar of the lines: `docs/terminal.md`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leakreport import __version__
from leakreport.analysis.diffreport import DiffReport, DiffRow, PerWork, Rate, RunValues
from leakreport.model.raw import Frame
from leakreport.render.diff_words import more_words, row_words
from leakreport.render.interface import RenderOptions
from leakreport.render.lines import closing_lines, owner_line, source_lines
from leakreport.render.phrases import (
    STATUS_MARKS,
    STATUS_WORDS,
    frame_name,
    location,
    printable,
    word,
)
from leakreport.units import format_bytes, format_change, plural

MOST_ROWS = 25
MOST_COMMENT_ROWS = 10


def shown_rows(report: DiffReport, options: RenderOptions, most: int) -> Sequence[DiffRow]:
    """The significant rows and those that runs cannot tell of, so many of them; with -v every row that changed."""
    if options.verbosity >= 1:
        return tuple(row for row in report.rows if row.is_listed or any(row.change.values()))
    return report.listed[:most]


def named_frame(report: DiffReport, row: DiffRow) -> Frame | None:
    """The frame that a person reads first."""
    for position in (row.named_by, row.responsible, row.site):
        if position is not None:
            return report.frames[row.frames[position]]
    return report.frames[row.frames[-1]] if row.frames else None


def diff_lines(report: DiffReport, options: RenderOptions) -> Iterator[str]:
    """The lines, without their ends."""
    verdict = report.verdict
    yield f"{STATUS_WORDS[verdict.status]} {printable(verdict.sentence)}"
    for text in verdict.lead:
        yield f"LEAD {printable(text)}"
    for metric in sorted(report.change):
        before, after = report.before.totals[metric], report.after.totals[metric]
        yield f"TOTAL {metric} {before} {after} {report.change[metric]:+d}"
        if report.per is not None and metric in report.per.totals:
            yield _rate(report.per, metric, report.per.totals[metric])
        if report.runs is not None and metric == report.runs.metric:
            yield _runs(metric, report.runs.total)
    shown = shown_rows(report, options, MOST_ROWS)
    for row in shown:
        yield _path(report, row)
        if report.per is not None and row.rate is not None:
            yield _rate(report.per, word(row.id), row.rate)
        if row.runs is not None:
            yield _runs(word(row.id), row.runs)
        if row.owner:
            yield owner_line(row.id, row.owner)
        yield from source_lines(row.id, named_frame(report, row), options)
    if len(shown) < len(report.listed):
        yield f"MORE {len(report.listed) - len(shown)} paths"
    if report.noise_rows:
        yield f"NOISE {report.noise_change:+d} B {report.noise_rows} paths within the noise"
    for group in report.by_module[:10]:
        ((metric, amount),) = group.values.items()
        yield f"MODULE {metric} {amount:+d} {group.path_count} paths {printable(group.name)}"
    for finding in report.findings:
        amount = (finding.values or {}).get("retained_bytes", 0)
        yield f"FINDING {finding.rule} {amount:+d} B {finding.count} paths {printable(finding.message)}"
    for reason in report.mismatches:
        yield f"MISMATCH {printable(reason)}"
    for line in report.surroundings:
        yield f"CHANGED {printable(line)}"
    for note in report.notes:
        yield f"NOTE {printable(note.message)}"
    yield from closing_lines(verdict, report.next_commands)


def _path(report: DiffReport, row: DiffRow) -> str:
    frame = named_frame(report, row)
    name, where = ("???", "-") if frame is None else (frame_name(frame), word(location(frame)))
    before, after = (side.get("retained_bytes", 0) for side in (row.before, row.after))
    amounts = (
        f"{row.change.get('retained_bytes', 0):+d} B {before} {after} {row.change.get('retained_blocks', 0):+d} blocks"
    )
    return f"PATH {amounts} {row.presence.value} {row.leak_kind.word} {word(row.module)} {name} {where} {word(row.id)}"


def _rate(per: PerWork, name: str, rate: Rate) -> str:
    kind = "estimate" if rate.is_estimate else "exact"
    return f"RATE {name} {rate.before:.6g} {rate.after:.6g} {rate.change:+.6g} B {kind} {printable(per.unit)}"


def _runs(name: str, runs: RunValues) -> str:
    before, after = (",".join(map(str, side)) for side in (runs.before, runs.after))
    return f"RUNS {name} {before} {after} {runs.p_value:g} {runs.family_p_value:g} {runs.text}"


def diff_screen(report: DiffReport, options: RenderOptions) -> str:
    """Tables for people in a terminal."""
    width = max(options.width, 80)
    verdict = report.verdict
    lines = [
        "",
        f"  {printable(report.title)}   {printable(report.before.label)} → {printable(report.after.label)}",
        "",
    ]
    lines.append(f"{STATUS_MARKS[verdict.status]} {STATUS_WORDS[verdict.status]}  {printable(verdict.sentence)}")
    lines.extend(f"  {printable(text)}" for text in verdict.lead)
    shown = shown_rows(report, options, MOST_ROWS)
    if shown:
        name_cells = width - 5 - 3 * 13
        lines += ["", f"     {'Responsible frame':<{name_cells}}{'Before':>13}{'After':>13}{'Change':>13}", "─" * width]
    for number, row in enumerate(shown, 1):
        frame = named_frame(report, row)
        name = "???" if frame is None else frame_name(frame)
        amounts = [side.get("retained_bytes", 0) for side in (row.before, row.after)]
        change = row.change.get("retained_bytes", 0)
        mark = "▲" if change > 0 else "▼" if change < 0 else " "
        cut = name if len(name) < name_cells else f"{name[: name_cells - 2]}…"
        numbers = f"{format_bytes(amounts[0]):>13}{format_bytes(amounts[1]):>13}{f'{mark} {format_change(change)}':>13}"
        lines.append(f"{number:>3}  {cut:<{name_cells}}{numbers}")
        below = "  ".join(
            part
            for part in (
                "" if frame is None else location(frame),
                printable(row.module or ""),
                row_words(row),
                printable(row.owner or ""),
            )
            if part
        )
        lines.extend(f"     {text}" for text in (below, *map(printable, more_words(report, row))) if text)
    if len(shown) < len(report.listed):
        lines.append(f"     {plural(len(report.listed) - len(shown), 'more path')} (-v lists them)")
    if report.noise_rows:
        lines.append(
            f"     {plural(report.noise_rows, 'path')} within the noise, {format_change(report.noise_change)} together"
        )
    lines.append("")
    if options.verbosity >= 1:
        # Libraries stand below, with those that have no growth.
        calls = (finding for finding in report.findings if finding.frames is not None)
        lines.extend(f"  Found:  {printable(finding.message)}" for finding in calls)
    lines.extend(f"  Not comparable:  {printable(reason)}" for reason in report.mismatches)
    lines.extend(f"  Changed:  {printable(line)}" for line in report.surroundings)
    lines.extend(f"  Note:  {printable(note.message)}" for note in report.notes)
    lines.extend(f"  Gate:  {gate.result.value}, {gate.gate}: {gate.text}" for gate in verdict.gate_lines)
    lines.extend(f"  Next:  {printable(command)}" for command in report.next_commands)
    return "".join(f"{line.rstrip()}\n" for line in lines)


def diff_comment(report: DiffReport, options: RenderOptions) -> str:
    """One short Markdown text that can be pasted into an issue."""
    return "\n\n".join(_blocks(report, options)) + "\n"


def _blocks(report: DiffReport, options: RenderOptions) -> Iterator[str]:
    from leakreport.render.markdown import cell, code, linked_place, owner_column, prose

    verdict = report.verdict
    yield f"**{STATUS_MARKS[verdict.status]} {STATUS_WORDS[verdict.status]}: {prose(verdict.sentence)}**"
    if verdict.lead:
        yield prose(" ".join(verdict.lead))
    shown = shown_rows(report, options, MOST_COMMENT_ROWS)
    if shown:
        owners = list(owner_column(row.owner for row in shown))
        table = ["| | Responsible frame | Place | Library | Before | After | Change |", "|--:|---|---|---|--:|--:|--:|"]
        if any(owners):
            table = [f"{table[0]} Owner |", f"{table[1]}---|"]
        for number, row in enumerate(shown, 1):
            frame = named_frame(report, row)
            name, place = ("–", "–") if frame is None else (cell(frame_name(frame)), linked_place(frame, options))
            before, after = (format_bytes(side.get("retained_bytes", 0)) for side in (row.before, row.after))
            change = format_change(row.change.get("retained_bytes", 0))
            sign = f" ({words})" if (words := row_words(row)) else ""
            more = "".join(f"<br>{cell(text)}" for text in more_words(report, row))
            table.append(
                f"| {number} | {name} | {place} | {cell(row.module or '')} | {before} | {after} | {change}{sign}{more} |{owners[number - 1]}"
            )
        yield "\n".join(table)
    lines = [f"- Not comparable: {prose(reason)}" for reason in report.mismatches]
    lines += [f"- Changed: {prose(line)}" for line in report.surroundings]
    lines += [f"- Gate: {gate.result.value}, {code(gate.gate)}: {prose(gate.text)}" for gate in verdict.gate_lines]
    if report.noise_rows:
        lines.append(
            f"- {plural(report.noise_rows, 'path')} within the noise, {format_change(report.noise_change)} together"
        )
    if lines:
        yield "\n".join(lines)
    yield f"leakreport {code(__version__)}, {code(report.before.label)} → {code(report.after.label)}"
